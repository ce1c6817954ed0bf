//! `dateline show`

use serde_json::{Value, json};

use crate::note::Checkpoint;
use crate::record::layout::content_path;
use crate::record::{Body, Standing};
use crate::verify::{Record, read_log};

use super::args::{ShowArgs, TrustArgs};
use super::exit::Exit;
use super::failure::Outcome;
use super::output::{Output, print_exactly};
use super::terminal::sanitize;
use super::view::{View, json_word, statement_text};
use super::workspace::Workspace;
use super::{history, now};

pub(crate) fn run(workspace: &Workspace, args: &ShowArgs, output: Output) -> Outcome<Exit> {
    let trust = workspace.trust(&TrustArgs::default())?;
    let store = workspace.reader();
    let index = args.record;
    let (record, standings, checkpoint) = read_log(&store, &trust, |reader| {
        let mut found = None;
        let standings = reader.standings(|record| {
            if record.index == index {
                found = Some(record);
            }
        })?;
        let record = found.ok_or_else(|| reader.no_record(index))?;
        Ok((record, standings, reader.checkpoint().clone()))
    })?;
    let standing = standings.of(index);
    if args.entry {
        print_exactly(&record.bytes)?;
        return Ok(Exit::Success);
    }
    let stored =
        record.entry.original().map(|original| workspace.records().join(content_path(&original)).exists());
    output.print(
        || text(&record, standing, checkpoint.size()),
        || json(&record, standing, &checkpoint, stored),
    )?;
    let holds = record.signer.is_ok() && record.openings_fit.is_ok();
    Ok(if holds { Exit::Success } else { Exit::Invalid })
}

fn kind(record: &Record) -> String {
    let known = record.entry.kind().map(|kind| kind.to_string());
    known.unwrap_or_else(|| sanitize(&record.entry.statement.predicate_type))
}

fn text(record: &Record, standing: Option<&Standing>, size: u64) -> String {
    let mut out = format!("record {} of {size}: {}\n", record.index, kind(record));
    let mut line = |name: &str, value: &str| out.push_str(&format!("  {name:<12}{value}\n"));
    match &record.signer {
        Ok(signer) => line("signer", &format!("{signer}, enrolled at that index; the signature holds")),
        Err(why) => line("signer", &format!("DOES NOT HOLD: {}", sanitize(why))),
    }
    if let Err(why) = &record.openings_fit {
        line("openings", &format!("DO NOT FIT, none is shown: {}", sanitize(why)));
    }
    if let Body::Key(statement) = &record.entry.body {
        line("action", &json_word(&statement.action));
        line("key", &sanitize(&statement.key.public));
        line("recorded", &statement.recorded_at.to_string());
    }
    if let (Some(opened), Some(original)) = (&record.registration, record.entry.original()) {
        let view = View::of_record(&original, opened);
        line("recorded", &format!("{} (by the signer's own clock)", opened.registration.recorded_at));
        out.push_str(&view.text());
        for quote in view.quotes.iter().flatten() {
            let text = quote.as_ref().map_or(super::view::WITHHELD.into(), |quote| sanitize(&quote.text));
            out.push_str(&format!("    {text}\n"));
        }
        for (name, digest) in &view.digests {
            let digest = digest.as_str().unwrap_or(super::view::WITHHELD);
            out.push_str(&format!("  {name:<12}{digest}\n"));
        }
        for pointer in &opened.withheld {
            let pointer = sanitize(pointer);
            out.push_str(&format!("  {}: the opening of {pointer} is not at hand\n", super::view::WITHHELD));
        }
        out.push_str(&history::text(standing, now()));
        out.push_str("This establishes that the signer recorded these claims about the document, at this index of the log.\n");
        out.push_str(
            "It does not establish that the named origin produced the document, nor that it is true.\n",
        );
    }
    if let Body::Relation(_) | Body::Assessment(_) | Body::Notice(_) | Body::Unknown = record.entry.body {
        out.push_str(&statement_text(&record.entry.predicate()));
    }
    out
}

fn json(
    record: &Record,
    standing: Option<&Standing>,
    checkpoint: &Checkpoint,
    stored: Option<bool>,
) -> Value {
    let mut members = match (&record.registration, record.entry.original()) {
        (Some(opened), Some(original)) => {
            let mut members = View::of_record(&original, opened).json();
            members.insert("recordedAt".into(), json!(opened.registration.recorded_at));
            members.insert("withheld".into(), json!(opened.withheld));
            members.insert("originalStored".into(), json!(stored));
            members.insert("standing".into(), history::json(standing));
            members
        }
        _ => Default::default(),
    };
    members.insert("record".into(), json!(record.index));
    members.insert("kind".into(), json!(kind(record)));
    members.insert("predicate".into(), record.entry.predicate());
    members.insert("signer".into(), json!(record.entry.envelope.key_id()));
    members.insert("signerHolds".into(), json!(record.signer.is_ok()));
    members.insert("openingsFit".into(), json!(record.openings_fit.is_ok()));
    let checkpoint = json!({"size": checkpoint.size(), "rootHash": checkpoint.root_hash()});
    members.insert("checkpoint".into(), checkpoint);
    Value::Object(members)
}
