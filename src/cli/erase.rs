//! `dateline erase`: the openings of committed fields are destroyed, and that they were is said in the log.

use std::io::{self, BufRead, IsTerminal, Write};

use serde_json::json;

use crate::attest::Disclosure;
use crate::base::Hash;
use crate::index::{Forgotten, SearchIndex};
use crate::log::{ASIDE, OpeningChange, STAGING};
use crate::look::is_stored;
use crate::record::layout::{ENTRIES_PER_FILE, content_path, disclosures_path};
use crate::record::{Body, Draft, Entry, Erasure, ErasureReason, Kind, Pending, Standings, Target};
use crate::storage::{Key, Store};
use crate::verify::{Withheld, WithholdError, read_log, withhold};
use crate::view::sanitize;

use super::args::{EraseArgs, ReasonName, SignArgs, TrustArgs};
use super::diagnostics::refused;
use super::exit::Exit;
use super::failure::{Failure, Outcome};
use super::older::Older;
use super::output::{Output, say};
use super::workspace::Workspace;
use super::writing::Desk;

impl From<ReasonName> for ErasureReason {
    fn from(name: ReasonName) -> Self {
        match name {
            ReasonName::Pii => ErasureReason::Pii,
            ReasonName::CourtOrder => ErasureReason::CourtOrder,
            ReasonName::SourceProtection => ErasureReason::SourceProtection,
            ReasonName::TradeSecret => ErasureReason::TradeSecret,
            ReasonName::Error => ErasureReason::Error,
        }
    }
}

pub(crate) fn run(workspace: &Workspace, args: &EraseArgs, output: Output) -> Outcome<()> {
    let trust = workspace.trust(&TrustArgs::default())?;
    let store = workspace.writer()?;
    let mut desk = Desk::open(workspace, &store, &trust)?;
    let index = desk.index_of(&args.record)?;
    let (entry, openings) = desk.reader()?.entry(index)?;
    let standings = read_log(&store, &trust, |reader| reader.standings(|_| {}))?;
    let predicate = entry.predicate();

    // What a run before did, that was cut off or asked for less, is not asked for again.
    let before = standings.erased(index);
    let refused = |error: WithholdError| {
        Failure::from(crate::verify::ProveError::from(error)).under("nothing was erased")
    };
    let mut asked = Vec::new();
    for field in &args.fields {
        match withhold(&predicate, &openings, std::slice::from_ref(field)) {
            Ok(_) => asked.push(field.clone()),
            Err(WithholdError::Unknown { .. }) if !before.is_empty() => {
                say(&format!("{}: nothing is left of it to erase", sanitize(field)));
            }
            Err(error) => return Err(refused(error)),
        }
    }
    let (kept, fields) = withhold(&predicate, &openings, &asked).map_err(refused)?;
    let original = match (args.original, &entry.body, entry.original()) {
        (false, ..) => None,
        (true, Body::Registration(one), Some(original)) if one.original_stored => Some(original),
        (true, ..) => {
            let failure = Failure::new(Exit::NotFound, format!("record {index} has no stored original"));
            return Err(failure.hint("leave out --original"));
        }
    };
    let gone = |opening: &&String| !kept.contains(*opening);
    let mut commitments: Vec<String> = openings
        .iter()
        .filter(gone)
        .filter_map(|opening| Disclosure::parse(opening).ok())
        .map(|opening| opening.digest())
        .collect();
    commitments.sort();
    let original = original.filter(|_| !before.iter().any(|erased| erased.original));
    // What was said before and is still there, as where the work was cut off or a copy brought it back, only goes.
    let said: Vec<String> = before.iter().flat_map(|erased| erased.commitments.iter().cloned()).collect();
    commitments.retain(|digest| !said.contains(digest));
    let goes = original.or(entry.original().filter(|_| before.iter().any(|erased| erased.original)));
    let all = said.into_iter().chain(commitments.iter().cloned()).collect();
    let changes = [OpeningChange::Erase { entry: index, commitments: all }];
    if commitments.is_empty() && original.is_none() {
        let no_index = clear(workspace, &store, &entry, goes)?;
        desk.log.change_openings(&changes)?;
        drop(no_index);
        let older = remove_older(workspace, index, &entry, goes);
        let by = before.last().map_or(index, |erased| erased.by);
        return told_before(index, by, older.as_ref(), output);
    }
    let names: Vec<String> = fields.iter().map(|field| field.field.clone()).collect();
    warn_of_what_rests_on_it(&standings, index, &names, original.is_some());
    let is_stored = |original: Hash| is_stored(&store, &original);
    if original.is_none() && entry.original().is_some_and(is_stored) {
        say("note: the stored original still has the words; --original destroys it too");
    }
    if !args.yes {
        ask(index, &names, original.is_some())?;
    }

    let sign = SignArgs { key: args.key.clone(), pending: false };
    let made = desk.say(Kind::Erasure, &sign, |_, circumstances| {
        let erasure = Erasure {
            entry: index,
            commitments: commitments.clone(),
            original,
            reason: args.reason.into(),
            recorded_by: circumstances.recorded_by,
            recorded_at: circumstances.recorded_at,
        };
        Ok(vec![Draft::erasure(&erasure, circumstances)?])
    })?;
    let no_index = clear(workspace, &store, &entry, goes)?;
    // Last, as it brings to the disk what went before it.
    desk.log.change_openings(&changes)?;
    drop(no_index);
    let erased: Vec<serde_json::Value> = fields
        .iter()
        .map(|Withheld { commitment, field, .. }| json!({"commitment": commitment, "field": field}))
        .collect();
    let older = remove_older(workspace, index, &entry, goes);
    let mut members = json!({
        "erasedOf": index, "fields": erased, "original": original.is_some(), "reason": ErasureReason::from(args.reason),
    });
    older.iter().for_each(|older| older.add_to(&mut members));
    desk.told(&made, output, &members)?;
    if !output.is_json() {
        let what: Vec<String> = names.iter().map(|name| sanitize(name)).collect();
        let and = if original.is_some() { " and the stored original" } else { "" };
        say(&format!("erased of record {index}: {}{and}", what.join(", ")));
        say("copies that others have are not reached: backups, clones, proof files, the history of git");
        older.iter().for_each(Older::say);
    }
    Ok(())
}

fn key(path: &str) -> Key {
    Key::new(path).expect("internal error: a name of the layout is not an object name")
}

/// Removes the older versions in a bucket that have words of the entry: of its file of openings, of its original if that was
/// destroyed, of the statement that waited, and of all that commits have staged.
fn remove_older(workspace: &Workspace, index: u64, entry: &Entry, destroyed: Option<Hash>) -> Option<Older> {
    let openings = disclosures_path(index / ENTRIES_PER_FILE);
    let mut keys = vec![key(&openings), key(&Pending::path_of(&entry.envelope.encode())), key(STAGING)];
    keys.extend(destroyed.map(|original| key(&content_path(&original))));
    Older::removed(&workspace.place(), &keys, &[ASIDE])
}

/// Says what was erased before, and by what.
fn told_before(index: u64, by: u64, older: Option<&Older>, output: Output) -> Outcome<()> {
    if !output.is_json() {
        older.iter().for_each(|older| older.say());
    }
    output.print(
        || format!("record {index}: that was erased before, by entry {by}\n"),
        || {
            let mut members = json!({"erasedOf": index, "outcome": "erasedBefore", "record": by});
            older.iter().for_each(|older| older.add_to(&mut members));
            members
        },
    )
}

/// Removes all that has the words beside the openings: these go last, so that they tell of a run that was cut off. As long as what
/// is returned is held, nobody makes an index of them.
fn clear(
    workspace: &Workspace,
    store: &dyn Store,
    entry: &Entry,
    original: Option<Hash>,
) -> Outcome<Forgotten> {
    // First, as it would be said to lack the original.
    clear_pending(store, entry)?;
    if let Some(original) = original {
        store.delete(&[key(&content_path(&original))])?;
    }
    clear_derived(workspace)
}

/// Removes what was made of openings and can be made again without them.
fn clear_derived(workspace: &Workspace) -> Outcome<Forgotten> {
    SearchIndex::forget(&workspace.derived()).map_err(|error| {
        let failure = refused("cannot remove the search index from records/.local", &error);
        failure.hint("run it again, or remove search.* there: they still hold what was erased")
    })
}

/// Removes the file that the entry waited in, with its openings, if it was left behind.
fn clear_pending(store: &dyn Store, entry: &Entry) -> Outcome<()> {
    let path = Pending::path_of(&entry.envelope.encode());
    if store
        .get(&key(&path), crate::record::pending::PENDING_MAX_BYTES as u64)
        .is_ok_and(|found| found.is_some())
    {
        store.delete(&[key(&path)])?;
    }
    Ok(())
}

/// Tells which records rest on words that are about to go.
fn warn_of_what_rests_on_it(standings: &Standings, index: u64, names: &[String], original: bool) {
    let words = original || names.iter().any(|name| name.starts_with("/quotes"));
    let resting = standings.of(index).into_iter().flat_map(|standing| &standing.related_from);
    let mut records: Vec<u64> = resting
        .filter(|one| one.relation.rests_on_target())
        .filter_map(|one| match &one.other {
            Target::Record(record) => Some(record.record),
            Target::Unresolved(_) => None,
        })
        .collect();
    records.sort_unstable();
    records.dedup();
    if words && !records.is_empty() {
        let shown: Vec<String> = records.iter().take(10).map(u64::to_string).collect();
        let more = if records.len() > 10 { ", …" } else { "" };
        say(&format!(
            "warning: record {}{more} rest on record {index}: whether they quote it rightly can no longer be checked here",
            shown.join(", ")
        ));
    }
}

fn ask(index: u64, names: &[String], original: bool) -> Outcome<()> {
    if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
        let failure = Failure::new(Exit::Usage, "there is no terminal to ask on");
        return Err(failure.hint("say --yes: what is erased cannot be brought back"));
    }
    let names: Vec<String> = names.iter().map(|name| sanitize(name)).collect();
    let and = if original { " and the stored original" } else { "" };
    let mut err = anstream::stderr();
    let failed =
        |error: io::Error| Failure::new(Exit::Unavailable, "cannot ask on the terminal").because(&error);
    write!(err, "Destroy {}{and} of record {index} for good? [y]es, [N]o: ", names.join(", "))
        .and_then(|()| err.flush())
        .map_err(failed)?;
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).map_err(failed)?;
    match line.trim().to_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Failure::new(Exit::Unavailable, "nothing was erased")),
    }
}
