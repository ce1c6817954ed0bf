//! `dateline list`

use std::collections::VecDeque;
use std::ops::ControlFlow;

use serde_json::{Value, json};

use crate::verify::{Record, read_log};

use super::args::{ListArgs, TrustArgs};
use super::failure::Outcome;
use super::output::{Output, say};
use super::view::View;
use super::workspace::Workspace;

pub(crate) fn run(workspace: &Workspace, args: &ListArgs, output: Output) -> Outcome<()> {
    let trust = workspace.trust(&TrustArgs::default())?;
    let store = workspace.reader();
    // Kept back until the whole log was found to lead to its root.
    let lines = read_log(&store, &trust, |reader| {
        let mut lines: VecDeque<String> = VecDeque::new();
        reader.scan(|record| {
            lines.extend(line(&record, output));
            if args.last.is_some_and(|last| lines.len() > last) {
                lines.pop_front();
            }
            ControlFlow::Continue(())
        })?;
        Ok(lines)
    })?;
    for line in &lines {
        output.print(|| format!("{line}\n"), || serde_json::from_str(line).unwrap_or(Value::Null))?;
    }
    if lines.is_empty() && args.last != Some(0) && !output.is_json() {
        say("nothing is registered yet: dateline add FILE");
    }
    Ok(())
}

fn line(record: &Record, output: Output) -> Option<String> {
    let opened = record.registration.as_ref()?;
    let original = record.entry.original()?;
    let view = View::of_record(&original, opened);
    let index = record.index;
    if output.is_json() {
        let mut members = view.json();
        members.insert("record".into(), json!(index));
        members.insert("recordedAt".into(), json!(opened.registration.recorded_at));
        members.insert("signer".into(), json!(opened.registration.recorded_by));
        members.insert("signerHolds".into(), json!(record.signer.is_ok()));
        members.insert("openingsFit".into(), json!(record.openings_fit.is_ok()));
        return Some(Value::Object(members).to_string());
    }
    let day = opened.registration.recorded_at.to_string();
    let warning = match (&record.signer, &record.openings_fit) {
        (Err(_), _) => "  SIGNER DOES NOT HOLD",
        (_, Err(_)) => "  OPENINGS DO NOT FIT",
        _ => "",
    };
    Some(format!("{index:>6}  {}  {}{warning}", &day[..10], view.summary()))
}
