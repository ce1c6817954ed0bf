//! Texts that are nearly the same and are credited differently: candidates by the search index, then the texts themselves.

use std::collections::BTreeMap;

use crate::index::{SearchIndex, Source};
use crate::likeness::{Likeness, Text, compare};
use crate::look::quoted::Texts;
use crate::record::Registration;
use crate::storage::Store;
use crate::verify::{LogReader, ReaderError};

use super::log::{Asked, Claimed, Conflict};
use super::{Finding, Severity};

/// Documents that are held against what they are like, the newest.
const DOCUMENTS_MAX: usize = 1_000;
/// What each is held against, the likeliest.
const CANDIDATES_MAX: usize = 8;

/// Conflicting origins, and dropped credits.
type Conflicts = (Vec<Conflict>, Vec<Conflict>);

/// Looks at the newest documents; `None` where no index is kept that could name what they are like. The same wording is left to
/// who knows it by its digest.
pub(super) fn look<'c>(
    reader: &LogReader<'_>,
    asked: &Asked<'_>,
    claimed: impl Iterator<Item = &'c Claimed>,
) -> Result<Option<Conflicts>, ReaderError> {
    let claimed: BTreeMap<u64, &Claimed> = claimed.map(|one| (one.record, one)).collect();
    let records = asked.workspace.derived();
    let source =
        Source { reader, store: asked.store, trust: asked.trust, records: &records, progress: &|_, _| {} };
    let Some(index) = SearchIndex::kept(&source) else { return Ok(None) };
    let (mut conflicting, mut dropped) = (Vec::new(), Vec::new());
    for (record, one) in claimed.iter().rev().take(DOCUMENTS_MAX) {
        let Some(text) = text_of(reader, asked.store, one)? else { continue };
        let text = Text::new(&text);
        let named = index.alike(&text).unwrap_or_default();
        let others = named.iter().filter(|other| *other < record).take(CANDIDATES_MAX);
        for other in others.filter_map(|other| claimed.get(other)) {
            let Some(differs) = differs(one, other) else { continue };
            let Some(registered) = text_of(reader, asked.store, other)? else { continue };
            let Some(percent) = alike(&compare(&text, &Text::new(&registered))) else { continue };
            let (first, second) = if one.keys.is_empty() { (*other, *one) } else { (*one, *other) };
            let conflict = Conflict { record: first.record, other: second.record, percent: Some(percent) };
            match differs {
                Differs::Conflicting => conflicting.push(conflict),
                Differs::Dropped => dropped.push(conflict),
            }
        }
    }
    Ok(Some((conflicting, dropped)))
}

/// Says that nothing was looked at.
pub(super) fn not_looked() -> Finding {
    let what = "texts that are only similar were not held against each other: no search index is kept";
    Finding::new("similarNotCompared", Severity::Note, what, "`dateline reindex` makes one")
}

enum Differs {
    Conflicting,
    Dropped,
}

/// How two documents are credited differently, if they are.
fn differs(one: &Claimed, other: &Claimed) -> Option<Differs> {
    if one.original == other.original || one.withheld || other.withheld {
        return None;
    }
    match (one.keys.is_empty(), other.keys.is_empty()) {
        (true, true) => None,
        (false, false) => {
            one.keys.iter().all(|key| !other.keys.contains(key)).then_some(Differs::Conflicting)
        }
        _ => Some(Differs::Dropped),
    }
}

/// How much two texts that are not the same have in common: the larger share, in percent.
fn alike(likeness: &Likeness) -> Option<u64> {
    match likeness {
        Likeness::SameWordingButNumbers { .. } => Some(100),
        Likeness::Similar { shares, .. } => Some(shares.first.percent().max(shares.second.percent())),
        _ => None,
    }
}

fn text_of(
    reader: &LogReader<'_>,
    store: &dyn Store,
    claimed: &Claimed,
) -> Result<Option<String>, ReaderError> {
    let (entry, openings) = reader.entry(claimed.record)?;
    let opened = entry.open_registration(&openings).or_else(|_| entry.open_registration(&[]));
    let Ok(opened) = opened else { return Ok(None) };
    let registrations: BTreeMap<u64, Registration> = [(claimed.record, opened.registration)].into();
    let texts = Texts { store, registrations: &registrations };
    Ok(texts.of(claimed.record, &claimed.original).ok().map(|(_, _, extract)| extract.text))
}
