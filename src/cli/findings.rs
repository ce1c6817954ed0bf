//! Findings for a person.

use std::collections::HashSet;

use crate::verify::{Finding, Severity};
use crate::view::{sanitize, sanitize_to};

/// Returns their lines: what, what was expected and found, where, and, once for each code, what it means.
pub(crate) fn text(findings: &[Finding], left_out: u64) -> String {
    let mut out = String::new();
    let mut told = HashSet::new();
    for finding in findings {
        let weight = match finding.severity {
            Severity::Invalid => "invalid",
            Severity::Unverifiable => "could not check",
            Severity::Note => "note",
        };
        let code = finding.code.name();
        let field =
            finding.field.as_ref().map_or(String::new(), |field| format!(", field {}", sanitize(field)));
        out.push_str(&format!("  {weight}: {} [{code}{field}]\n", sanitize(&finding.message)));
        let named = |name: &str, value: &Option<String>| {
            value.as_ref().map(|value| format!("{name} {}", sanitize_to(value, 200)))
        };
        let place = finding.path.as_ref().and_then(|path| match finding.line {
            Some(line) => Some(format!("{path}:{line}")),
            None => Some(path.clone()).filter(|path| !finding.message.contains(path.as_str())),
        });
        let details =
            [named("expected", &finding.expected), named("found", &finding.found), named("in", &place)];
        let details: Vec<String> = details.into_iter().flatten().collect();
        if !details.is_empty() {
            out.push_str(&format!("    {}\n", details.join(", ")));
        }
        if told.insert(finding.code) {
            out.push_str(&format!("    {}\n", finding.meaning));
        }
    }
    if left_out > 0 {
        out.push_str(&format!("  and {left_out} findings more\n"));
    }
    out
}
