//! `dateline pending` and `dateline publish`: statements by signers who do not hold the log's key.

use std::collections::{HashMap, HashSet};

use serde_json::json;

use crate::base::{Hash, Timestamp};
use crate::log::NewRecord;
use crate::record::{Entry, Kind, Pending, SealedEntry, State, layout, pending};
use crate::storage::{Key, Store};
use crate::tlog::leaf_hash;
use crate::verify::LogReader;
use crate::view::sanitize;

use super::args::{PublishArgs, TrustArgs};
use super::exit::Exit;
use super::failure::{Failure, Outcome};
use super::output::{Output, say};
use super::workspace::{Passphrases, Workspace};
use super::writing;

/// Statements of one commit at most.
const COMMIT_MAX: usize = 4_096;

/// A file below `pending/`.
struct Waiting {
    key: Key,
    read: Result<(Pending, Entry), String>,
}

fn waiting(store: &dyn Store) -> Outcome<Vec<Waiting>> {
    let mut all = Vec::new();
    for key in store.list(layout::PENDING)?.keys {
        let read = match store.get(&key, pending::PENDING_MAX_BYTES as u64) {
            Ok(Some(bytes)) => Pending::parse(key.as_str(), &bytes).map_err(|error| {
                let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
                format!("{error}{}", cause.unwrap_or_default())
            }),
            Ok(None) => continue,
            Err(error) => Err(error.to_string()),
        };
        all.push(Waiting { key, read });
    }
    Ok(all)
}

/// Returns why a statement could not be appended as the log stands.
fn why_not(entry: &Entry, state: &State, reader: &LogReader<'_>) -> Outcome<Option<String>> {
    let Some(kind) = entry.kind() else {
        let kind = &entry.statement.predicate_type;
        return Ok(Some(format!("statements of type {kind:?} are not known here")));
    };
    if kind == Kind::Key {
        return Ok(Some("statements about keys do not wait: whoever holds a root key appends them".into()));
    }
    let key = match state.authorise(&entry.envelope.key_id(), kind) {
        Ok(key) => key,
        Err(error) => return Ok(Some(error.to_string())),
    };
    if let Err(error) = entry.envelope.verify(&key) {
        return Ok(Some(error.to_string()));
    }
    Ok(reader.why_not(entry)?)
}

pub(crate) fn list(workspace: &Workspace, output: Output) -> Outcome<Exit> {
    let trust = workspace.trust(&TrustArgs::default())?;
    let store = workspace.reader();
    let reader = LogReader::open(&store, &trust)?;
    let all = waiting(&store)?;
    let state = if all.is_empty() { None } else { Some(reader.key_state(|_| {})?) };
    let mut bad = false;
    for Waiting { key, read } in &all {
        let fault = match (read, &state) {
            (Ok((_, entry)), Some(state)) => why_not(entry, state, &reader)?,
            (Ok(_), None) => None,
            (Err(why), _) => Some(why.clone()),
        };
        bad |= fault.is_some();
        let entry = read.as_ref().ok().map(|(_, entry)| entry);
        let kind =
            entry.and_then(Entry::kind).map_or_else(|| "unreadable".to_owned(), |kind| kind.to_string());
        output.print(
            || {
                let signer = entry.map(|entry| format!(" by key {}…", &entry.envelope.key_id().to_hex()[..16]));
                let fault = fault.as_ref().map(|why| format!("\n  cannot be appended: {}", sanitize(why)));
                let name = sanitize(key.as_str());
                format!("{name}  {kind}{}{}\n", signer.unwrap_or_default(), fault.unwrap_or_default())
            },
            || {
                json!({
                    "path": key.as_str(), "kind": entry.and_then(Entry::kind).map(|kind| kind.to_string()),
                    "signer": entry.map(|entry| entry.envelope.key_id()), "original": entry.and_then(Entry::original),
                    "fault": fault,
                })
            },
        )?;
    }
    if all.is_empty() && !output.is_json() {
        say("nothing waits");
    }
    Ok(if bad { Exit::Invalid } else { Exit::Success })
}

/// When a statement was made, by its signer's clock: an order that people expect, and on which nothing rests.
fn made_at(entry: &Entry) -> Option<Timestamp> {
    entry.predicate()["recordedAt"].as_str()?.parse().ok()
}

pub(crate) fn publish(workspace: &Workspace, args: &PublishArgs, output: Output) -> Outcome<Exit> {
    let trust = workspace.trust(&TrustArgs::default())?;
    let store = workspace.writer()?;
    let mut log = writing::open_log(&store, &trust)?;
    let mut all = waiting(&store)?;
    if all.is_empty() {
        output.print(
            || "nothing waits\n".into(),
            || json!({"published": 0, "alreadyInTheLog": 0, "failed": 0}),
        )?;
        return Ok(Exit::Success);
    }
    // Registrations first; then in the order in which they were made.
    all.sort_by_cached_key(|one| {
        let entry = one.read.as_ref().ok().map(|(_, entry)| entry);
        let later = entry.and_then(Entry::kind) != Some(Kind::Registration);
        (later, entry.and_then(made_at), one.key.as_str().to_owned())
    });
    let reader = LogReader::open(&store, &trust)?;
    let leaf = |one: &Waiting| one.read.as_ref().ok().map(|(pending, _)| leaf_hash(&pending.bytes));
    let wanted: HashSet<Hash> = all.iter().filter_map(leaf).collect();
    let known: HashMap<Hash, u64> = reader.find_leaves(&wanted)?;
    let mut ready: Vec<(Key, SealedEntry)> = Vec::new();
    let mut done: Vec<Key> = Vec::new();
    let mut failed = 0usize;
    for one in all {
        let leaf = leaf(&one);
        let Waiting { key, read } = one;
        let name = key.as_str().to_owned();
        if let Some(index) = leaf.and_then(|leaf| known.get(&leaf)) {
            told(
                output,
                &name,
                "alreadyInTheLog",
                Some(*index),
                None,
                read.ok().and_then(|(_, entry)| entry.kind()),
            )?;
            done.push(key);
            continue;
        }
        let checked = read.and_then(|(pending, entry)| {
            let fault = why_not(&entry, log.state(), &reader).map_err(|failure| failure.one_line())?;
            let kind = entry.kind().filter(|_| fault.is_none());
            let may = kind.map(|kind| log.state().authorise(&entry.envelope.key_id(), kind));
            match may {
                Some(Ok(public)) => SealedEntry::checked(pending.bytes, pending.openings, &public)
                    .map_err(|error| error.to_string()),
                _ => Err(fault.unwrap_or_else(|| "it cannot be appended".into())),
            }
        });
        match checked {
            Ok(entry) => ready.push((key, entry)),
            Err(why) => {
                failed += 1;
                told(output, &name, "failed", None, Some(&why), None)?;
            }
        }
    }
    let (count, already) = (ready.len(), done.len());
    if args.dry_run {
        for (key, entry) in &ready {
            told(output, key.as_str(), "wouldBeAppended", None, None, Some(entry.kind))?;
        }
        return Ok(if failed > 0 { Exit::Invalid } else { Exit::Success });
    }
    if count > 0 {
        let log_key = writing::log_key(workspace, &log, &trust, &mut Passphrases::default())?;
        let mut rest = ready.into_iter().peekable();
        while rest.peek().is_some() {
            let some: Vec<(Key, SealedEntry)> = rest.by_ref().take(COMMIT_MAX).collect();
            let records =
                some.iter().map(|(_, entry)| NewRecord { entry: entry.clone(), content: None }).collect();
            let appended = log.append(records, &mut |text| log_key.sign(text))?;
            for ((key, entry), outcome) in some.into_iter().zip(appended) {
                let word = match outcome {
                    crate::log::Appended::Registered(_) => "appended",
                    crate::log::Appended::AlreadyRegistered(_) => "alreadyRegistered",
                };
                told(output, key.as_str(), word, Some(outcome.index()), None, Some(entry.kind))?;
                done.push(key);
            }
        }
    }
    // In the log now: what is left behind here would only be found there again.
    store.delete(&done)?;
    if !output.is_json() {
        say(&format!("{count} published, {already} were in the log already, {failed} could not be"));
    }
    if failed > 0 {
        let failure =
            Failure::new(Exit::Invalid, format!("{failed} statements that wait cannot be appended"));
        return Err(failure.hint("`dateline pending list` says why; delete those that nobody wants any more"));
    }
    Ok(Exit::Success)
}

fn told(
    output: Output,
    path: &str,
    word: &str,
    index: Option<u64>,
    why: Option<&str>,
    kind: Option<Kind>,
) -> Outcome<()> {
    output.print(
        || {
            let kind = kind.map_or_else(|| "statement".to_owned(), |kind| kind.to_string());
            let words = match word {
                "appended" => "appended as record",
                "alreadyRegistered" => "already registered as record",
                "alreadyInTheLog" => "in the log already as record",
                "wouldBeAppended" => "would be appended",
                _ => "cannot be appended",
            };
            let index = index.map_or_else(String::new, |index| format!(" {index}"));
            let why = why.map_or_else(String::new, |why| format!(": {}", sanitize(why)));
            format!("{}: {kind} {words}{index}{why}\n", sanitize(path))
        },
        || json!({"path": path, "outcome": word, "record": index, "kind": kind.map(|kind| kind.to_string()), "error": why}),
    )
}
