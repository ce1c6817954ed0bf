//! `dateline verify`

use std::io::{self, IsTerminal};

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use crate::verify::{Report, Severity, Verdict, audit};

use super::args::VerifyArgs;
use super::exit::Exit;
use super::failure::Outcome;
use super::output::{Output, coloured};
use super::terminal::sanitize;
use super::workspace::Workspace;

/// Entries below which no progress is worth showing.
const PROGRESS_FROM: u64 = 5_000;

pub(crate) fn run(workspace: &Workspace, args: &VerifyArgs, output: Output) -> Outcome<Exit> {
    let trust = workspace.trust(&args.trust)?;
    let store = workspace.reader();
    let bar = ProgressBar::hidden();
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} entries, {eta} left") {
        bar.set_style(style);
    }
    let on_terminal = io::stderr().is_terminal();
    let report = audit(&store, &trust, &|done, size| {
        if on_terminal && size >= PROGRESS_FROM {
            if bar.is_hidden() {
                bar.set_draw_target(indicatif::ProgressDrawTarget::stderr());
            }
            bar.set_length(size);
            bar.set_position(done);
        }
    })?;
    bar.finish_and_clear();
    output.print(|| text(&report), || json!(report))?;
    Ok(match report.verdict {
        Verdict::Verified => Exit::Success,
        Verdict::Invalid => Exit::Invalid,
        Verdict::Unverifiable => Exit::Unavailable,
    })
}

fn text(report: &Report) -> String {
    let verdict = match report.verdict {
        Verdict::Verified => coloured("verified", true),
        Verdict::Invalid => coloured("INVALID", false),
        Verdict::Unverifiable => coloured("UNVERIFIABLE", false),
    };
    let mut out = match (&report.origin, report.root_hash) {
        (Some(origin), Some(root)) => {
            format!(
                "{verdict}: {}, {}, root {root}\n",
                sanitize(origin),
                counted(report.size, "entry", "entries")
            )
        }
        _ => format!("{verdict}\n"),
    };
    for finding in &report.findings {
        let weight = match finding.severity {
            Severity::Invalid => "invalid",
            Severity::Unverifiable => "could not check",
            Severity::Note => "note",
        };
        let code = json!(finding.code);
        let field =
            finding.field.as_ref().map_or(String::new(), |field| format!(", field {}", sanitize(field)));
        let code = code.as_str().unwrap_or_default();
        out.push_str(&format!("  {weight}: {} [{code}{field}]\n", sanitize(&finding.message)));
    }
    if report.findings_left_out > 0 {
        out.push_str(&format!("  and {} findings more\n", report.findings_left_out));
    }
    let counts = &report.counts;
    let checked = [
        counted(counts.entries, "entry", "entries"),
        counted(counts.signatures, "signature", "signatures"),
        counted(counts.tiles, "tile or bundle", "tiles and bundles"),
        counted(counts.openings, "opening", "openings"),
        counted(counts.originals, "stored original", "stored originals"),
        counted(counts.claims, "claim in them", "claims in them"),
    ];
    out.push_str(&format!(
        "checked: {}
",
        checked.join(", ")
    ));
    for not_checked in &report.not_checked {
        out.push_str(&format!("not checked: {not_checked}\n"));
    }
    if report.verdict == Verdict::Verified {
        out.push_str(
            "This establishes that nothing in this log was changed, dropped or inserted since the checkpoint was signed,\n\
             and that every record was signed by a key enrolled at its index. It does not establish that a named origin\n\
             produced a document, that a document is true, nor that you were shown the same log as others.\n",
        );
    }
    out
}

/// Returns a number with the word that fits it.
fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
