//! Findings as programs of continuous integration read them: SARIF 2.1.0, JUnit XML, GitHub's workflow commands.

use std::fmt::Write as _;
use std::path::Path;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};
use quick_xml::writer::Writer;
use serde_json::{Value, json};

use crate::base::Timestamp;
use crate::record::layout;
use crate::verify::{Code, Finding, Severity, Verdict};
use crate::view::sanitize;

use super::failure::Failure;

/// What a command found.
pub(crate) struct Results<'a> {
    /// `verify` or `gate`.
    pub(crate) command: &'static str,
    /// Of what: the log's origin.
    pub(crate) subject: Option<&'a str>,
    /// The codes that were looked for.
    pub(crate) codes: &'a [Code],
    /// The answer.
    pub(crate) verdict: Verdict,
    /// The findings.
    pub(crate) findings: &'a [Finding],
    /// Findings that were not kept.
    pub(crate) left_out: u64,
    /// The folder that paths of findings are below.
    pub(crate) folder: &'a Path,
    /// The code that the command exits with.
    pub(crate) exit: u8,
}

/// What a segment of a path in a URI must not hold as it is (RFC 3986, 3.3).
const NOT_IN_PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}')
    .add(b':');

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Invalid => "error",
        Severity::Unverifiable => "warning",
        Severity::Note => "note",
    }
}

impl Results<'_> {
    /// Returns the path of the file that a finding is about, as seen from where the command runs; of one about no file in
    /// particular, none.
    fn path(&self, finding: &Finding) -> Option<String> {
        finding.path.as_deref().map(|path| self.place(path))
    }

    fn place(&self, path: &str) -> String {
        // The keys lie beside the records.
        let path = match (path.strip_prefix("../"), self.folder.parent()) {
            (Some(beside), Some(parent)) => parent.join(beside),
            _ => self.folder.join(path),
        };
        // A path below the present folder is what other programs can find again.
        let here = std::env::current_dir().ok();
        let path = here.and_then(|here| path.strip_prefix(here).ok().map(Path::to_owned)).unwrap_or(path);
        let path = path.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/");
        path.strip_prefix("./").map_or(path.clone(), str::to_owned)
    }

    /// Returns the document of a SARIF 2.1.0 run.
    /// <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>
    pub(crate) fn sarif(&self) -> Value {
        let results: Vec<Value> = self.findings.iter().map(|finding| self.sarif_result(finding)).collect();
        let properties = json!({
            "verdict": self.verdict, "logOrigin": self.subject, "findingsLeftOut": self.left_out,
        });
        let invocation = json!({"executionSuccessful": true, "exitCode": self.exit});
        sarif_log(self.codes, results, invocation, properties)
    }

    fn sarif_result(&self, finding: &Finding) -> Value {
        // Code scanning refuses a result without a place and a line: one about the log as a whole is at its checkpoint.
        let path = self.path(finding).unwrap_or_else(|| self.place(layout::CHECKPOINT));
        let uri = utf8_percent_encode(&path, NOT_IN_PATH).to_string();
        let uri = if path.starts_with('/') { format!("file://{uri}") } else { uri };
        let region = json!({"startLine": finding.line.unwrap_or(1)});
        let mut location = json!({"physicalLocation": {"artifactLocation": {"uri": uri}, "region": region}});
        if let Some(record) = finding.record {
            let field = finding.field.as_deref().unwrap_or_default();
            let name = format!("record {record}{field}");
            location["logicalLocations"] = json!([{"fullyQualifiedName": name, "kind": "member"}]);
        }
        let rule = self.codes.iter().position(|code| *code == finding.code);
        let mut result = json!({
            "ruleId": finding.code, "level": level(finding.severity),
            "message": {"text": unlinked(&sanitize(&finding.message))},
            "properties": {
                "severity": finding.severity, "record": finding.record, "field": finding.field,
                "expected": finding.expected, "found": finding.found,
            },
        });
        if let Some(rule) = rule {
            result["ruleIndex"] = json!(rule);
        }
        result["locations"] = json!([location]);
        result
    }

    /// Returns a JUnit document: a case for each code that was looked for, and one more for each finding beyond the first
    /// of a code. What could not be checked is an error, what is bad a failure.
    pub(crate) fn junit(&self, now: Timestamp) -> String {
        let mut cases = Vec::new();
        for code in self.codes {
            let mut of_code = self.findings.iter().filter(|finding| finding.code == *code).peekable();
            if of_code.peek().is_none() {
                cases.push(Case { name: code.name(), bad: None });
            }
            for (number, finding) in (1..).zip(of_code) {
                let name = if number == 1 { code.name() } else { format!("{} {number}", code.name()) };
                let mut text = finding.message.clone();
                for (what, value) in [
                    ("record", &finding.record.map(|record| record.to_string())),
                    ("field", &finding.field),
                    ("file", &self.path(finding)),
                    ("line", &finding.line.map(|line| line.to_string())),
                    ("expected", &finding.expected),
                    ("found", &finding.found),
                    ("meaning", &Some(finding.meaning.to_owned())),
                ] {
                    if let Some(value) = value {
                        let _ = write!(text, "\n{what}: {value}");
                    }
                }
                let element = match finding.severity {
                    Severity::Invalid => Some("failure"),
                    Severity::Unverifiable => Some("error"),
                    Severity::Note => None,
                };
                let bad = element.map(|element| Bad {
                    element,
                    code: code.name(),
                    message: finding.message.clone(),
                    text,
                });
                cases.push(Case { name, bad });
            }
        }
        junit_document(self.command, self.subject.unwrap_or_default(), &cases, now)
    }

    /// Returns workflow commands, one a finding, and a line for a person.
    pub(crate) fn github(&self) -> String {
        let mut out = String::new();
        for finding in self.findings {
            let command = match finding.severity {
                Severity::Invalid => "error",
                Severity::Unverifiable => "warning",
                Severity::Note => "notice",
            };
            let mut properties = Vec::new();
            properties.extend(self.path(finding).map(|path| format!("file={}", github_property(&path))));
            properties.extend(finding.line.map(|line| format!("line={line}")));
            properties.push(format!("title={}", github_property(&finding.code.name())));
            let properties = properties.join(",");
            let message = format!("{}\n{}", sanitize(&finding.message), finding.meaning);
            let _ = writeln!(out, "::{command} {properties}::{}", github_message(&message));
        }
        if self.left_out > 0 {
            let _ = writeln!(out, "::warning::and {} findings more", self.left_out);
        }
        let verdict = match self.verdict {
            Verdict::Verified => "verified",
            Verdict::Unverifiable => "UNVERIFIABLE",
            Verdict::Invalid => "INVALID",
        };
        let subject = self.subject.map_or_else(String::new, |subject| format!(": {}", sanitize(subject)));
        let _ = writeln!(out, "dateline {}: {verdict}{subject}", self.command);
        out
    }
}

fn sarif_log(codes: &[Code], results: Vec<Value>, invocation: Value, properties: Value) -> Value {
    let rule = |code: &Code| {
        json!({
            "id": code, "help": {"text": code.meaning()}, "fullDescription": {"text": code.meaning()}, "shortDescription": {"text": code.meaning()},
            "defaultConfiguration": {"level": level(code.severity())},
        })
    };
    let rules: Vec<Value> = codes.iter().map(rule).collect();
    json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "dateline", "semanticVersion": env!("CARGO_PKG_VERSION"), "rules": rules}},
            "columnKind": "unicodeCodePoints",
            "invocations": [invocation],
            "results": results,
            "properties": properties,
        }],
    })
}

/// A failure to check at all, as a SARIF run that did not succeed.
pub(crate) fn sarif_failure(failure: &Failure) -> Value {
    let notification = json!({"level": "error", "message": {"text": unlinked(failure.text().trim_end())}});
    let invocation = json!({
        "executionSuccessful": false, "exitCode": failure.exit.code(),
        "toolExecutionNotifications": [notification],
    });
    sarif_log(&[], Vec::new(), invocation, json!({}))
}

/// The same as a JUnit document with one error.
pub(crate) fn junit_failure(failure: &Failure, now: Timestamp) -> String {
    let text = failure.text();
    let message = text.lines().next().unwrap_or_default().to_owned();
    let bad = Bad { element: "error", code: failure.exit.name().into(), message, text };
    junit_document("dateline", "", &[Case { name: "run".into(), bad: Some(bad) }], now)
}

/// The same as a workflow command.
pub(crate) fn github_failure(failure: &Failure) -> String {
    format!("::error::{}\n", github_message(failure.text().trim_end()))
}

struct Case {
    name: String,
    bad: Option<Bad>,
}

struct Bad {
    element: &'static str,
    code: String,
    message: String,
    text: String,
}

/// Writes what both of the schemas in use take: the one of Ant's task and the one of Jenkins.
fn junit_document(command: &str, subject: &str, cases: &[Case], now: Timestamp) -> String {
    let count = |element| {
        let of = cases.iter().filter(|case| case.bad.as_ref().is_some_and(|bad| bad.element == element));
        of.count().to_string()
    };
    // Local time without a zone is what the schema takes.
    let now = now.to_string();
    let now = now.trim_end_matches('Z');
    let classname = format!("dateline.{command}");
    let mut xml = Writer::new_with_indent(Vec::new(), b' ', 2);
    let mut write = |event: Event<'_>| {
        xml.write_event(event).expect("internal error: writing to memory does not fail");
    };
    write(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)));
    write(Event::Start(BytesStart::new("testsuites")));
    write(Event::Start(BytesStart::new("testsuite").with_attributes([
        ("package", "dateline"),
        ("id", "0"),
        ("name", command),
        ("timestamp", now),
        ("hostname", "localhost"),
        ("tests", cases.len().to_string().as_str()),
        ("failures", count("failure").as_str()),
        ("errors", count("error").as_str()),
        ("time", "0"),
    ])));
    write(Event::Start(BytesStart::new("properties")));
    let subject = sanitize(subject);
    let property = [("name", "logOrigin"), ("value", subject.as_str())];
    write(Event::Empty(BytesStart::new("property").with_attributes(property)));
    write(Event::End(BytesEnd::new("properties")));
    for case in cases {
        let attributes = [("name", case.name.as_str()), ("classname", &classname), ("time", "0")];
        let start = BytesStart::new("testcase").with_attributes(attributes);
        let Some(bad) = &case.bad else {
            write(Event::Empty(start));
            continue;
        };
        write(Event::Start(start));
        let message = sanitize(&bad.message);
        let attributes = [("type", bad.code.as_str()), ("message", &message)];
        write(Event::Start(BytesStart::new(bad.element).with_attributes(attributes)));
        // Line by line: what is sanitized stands on one.
        let text: Vec<String> = bad.text.lines().map(sanitize).collect();
        write(Event::Text(BytesText::new(&text.join("\n"))));
        write(Event::End(BytesEnd::new(bad.element)));
        write(Event::End(BytesEnd::new("testcase")));
    }
    write(Event::Empty(BytesStart::new("system-out")));
    write(Event::Empty(BytesStart::new("system-err")));
    write(Event::End(BytesEnd::new("testsuite")));
    write(Event::End(BytesEnd::new("testsuites")));
    let mut text = String::from_utf8_lossy(&xml.into_inner()).into_owned();
    text.push('\n');
    text
}

/// Returns a message in which no stranger's words are a link (SARIF 2.1.0, 3.11.6).
fn unlinked(text: &str) -> String {
    text.replace("](", "] (")
}

/// <https://docs.github.com/actions/reference/workflow-commands-for-github-actions>
fn github_message(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn github_property(text: &str) -> String {
    github_message(&sanitize(text)).replace(':', "%3A").replace(',', "%2C")
}
