//! `dateline doctor`: what fails without a sound.

mod keys;
mod log;
mod similar;

use serde::Serialize;
use serde_json::{Value, json};

use crate::base::Timestamp;
use crate::verify::read_log_as;
use crate::view::sanitize;

use super::args::{DoctorArgs, TrustArgs};
use super::exit::Exit;
use super::extract;
use super::failure::{Failure, Outcome};
use super::now;
use super::output::Output;
use super::workspace::Workspace;

/// Cases of one finding that a person is shown, and a program.
const CASES_MAX: (usize, usize) = (5, 1_000);
/// Space below which a disk is nearly full: of it, in percent, and in bytes.
const SPACE_MIN: (u64, u64) = (5, 1 << 30);

/// How bad it is, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
enum Severity {
    /// Something is lost, or about to be.
    Problem,
    /// Something should be done.
    Warning,
    /// Worth knowing.
    Note,
}

/// What was found.
#[derive(Debug, Clone)]
struct Finding {
    code: &'static str,
    severity: Severity,
    what: String,
    todo: &'static str,
    /// Where, in words, and for a program.
    cases: Vec<(String, Value)>,
    /// How many cases there are; more than are kept.
    count: usize,
}

impl Finding {
    fn new(code: &'static str, severity: Severity, what: impl Into<String>, todo: &'static str) -> Self {
        Finding { code, severity, what: what.into(), todo, cases: Vec::new(), count: 0 }
    }

    /// Adds where. Keeps the first ones only.
    fn with(mut self, cases: impl Iterator<Item = (String, Value)>) -> Self {
        for case in cases {
            self.count += 1;
            if self.cases.len() < CASES_MAX.1 {
                self.cases.push(case);
            }
        }
        self
    }
}

/// Case that is a record.
fn record(index: u64) -> (String, Value) {
    (format!("record {index}"), json!({ "record": index }))
}

pub(crate) fn run(workspace: &Workspace, args: &DoctorArgs, output: Output) -> Outcome<Exit> {
    let trust = workspace.trust(&TrustArgs::default())?;
    let store = workspace.reader();
    let authority = extract::authority(workspace)?;
    let now = now();
    let (mut findings, state) = read_log_as(&store, &trust, |reader| {
        let asked = log::Asked {
            workspace,
            authority: &authority,
            store: &store,
            trust: &trust,
            days: args.days,
            now,
        };
        Ok::<_, Failure>(log::look(reader, &asked)?)
    })?;
    findings.extend(keys::look(workspace, &state));
    findings.extend(disk(workspace));
    findings.sort_by_key(|finding| finding.severity);
    output.print(|| text(&findings), || as_json(&findings, args.days, now))?;
    let bad = findings.iter().any(|finding| finding.severity < Severity::Note);
    Ok(if bad { Exit::Invalid } else { Exit::Success })
}

/// Looks for room on the disk that the records lie on.
fn disk(workspace: &Workspace) -> Option<Finding> {
    if workspace.bucket().is_some() {
        return None;
    }
    let Ok(found) = rustix::fs::statvfs(workspace.records()) else {
        let what = "how much room the disk of records/ has could not be told";
        return Some(Finding::new("diskUnknown", Severity::Warning, what, "look at it by hand: df"));
    };
    let (free, all) =
        (found.f_bavail.saturating_mul(found.f_frsize), found.f_blocks.saturating_mul(found.f_frsize));
    nearly_full(free, all).then(|| {
        let mib = |bytes: u64| bytes >> 20;
        let what = format!("the disk of records/ is nearly full: {} of {} MiB are free", mib(free), mib(all));
        Finding::new(
            "diskNearlyFull",
            Severity::Problem,
            what,
            "make room, or move records/ to a larger disk",
        )
    })
}

/// Returns whether of `all` bytes too few are free. A file system that has no size is never full.
fn nearly_full(free: u64, all: u64) -> bool {
    all > 0 && (free < SPACE_MIN.1 || free / SPACE_MIN.0 < all / 100)
}

fn text(findings: &[Finding]) -> String {
    let mut out = String::new();
    for finding in findings {
        let word = match finding.severity {
            Severity::Problem => "PROBLEM",
            Severity::Warning => "warning",
            Severity::Note => "note",
        };
        out.push_str(&format!("{word}: {} ({})\n", sanitize(&finding.what), finding.code));
        for (case, _) in finding.cases.iter().take(CASES_MAX.0) {
            out.push_str(&format!("  - {}\n", sanitize(case)));
        }
        if finding.count > CASES_MAX.0 {
            out.push_str(&format!("  … and {} more: --format json has more\n", finding.count - CASES_MAX.0));
        }
        out.push_str(&format!("  do: {}\n", finding.todo));
    }
    let [problems, warnings, notes] = counts(findings);
    let plural = |count: usize| if count == 1 { "" } else { "s" };
    out.push_str(&format!(
        "{problems} problem{}, {warnings} warning{}, {notes} note{}\n",
        plural(problems),
        plural(warnings),
        plural(notes)
    ));
    out.push_str("Whether the log holds was not checked: `dateline verify` does.\n");
    out
}

fn counts(findings: &[Finding]) -> [usize; 3] {
    [Severity::Problem, Severity::Warning, Severity::Note]
        .map(|severity| findings.iter().filter(|finding| finding.severity == severity).count())
}

fn as_json(findings: &[Finding], days: u32, now: Timestamp) -> Value {
    let [problems, warnings, notes] = counts(findings);
    let findings = findings.iter().map(|finding| {
        let cases = finding.cases.iter().map(|(_, case)| case).collect::<Vec<_>>();
        json!({
            "code": finding.code, "severity": finding.severity, "message": finding.what, "do": finding.todo,
            "cases": cases, "count": finding.count,
        })
    });
    json!({
        "findings": findings.collect::<Vec<_>>(), "days": days, "at": now,
        "counts": {"problems": problems, "warnings": warnings, "notes": notes},
        "notChecked": ["whether the log holds: `dateline verify` does"],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_is_nearly_full_below_a_gibibyte_or_five_percent() {
        let gib = 1u64 << 30;
        for (free, all, full) in [
            (gib, 10 * gib, false),
            (gib - 1, 10 * gib, true),
            (5 * gib, 100 * gib, false),
            (5 * gib - gib / 10, 100 * gib, true),
            (0, 0, false),
            (u64::MAX, u64::MAX, false),
        ] {
            assert_eq!(nearly_full(free, all), full, "{free} of {all}");
        }
    }

    #[test]
    fn cases_are_counted_beyond_those_that_are_kept() {
        let finding = Finding::new("x", Severity::Note, "x", "x").with((0..2_000).map(record));
        assert_eq!((finding.cases.len(), finding.count), (CASES_MAX.1, 2_000));
        assert!(text(&[finding]).contains("… and 1995 more"));
    }
}
