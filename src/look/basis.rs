//! How much of a log is read to show a record: what the search index names, or all of it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::index::{Bearing, IndexError, SearchIndex, Source, Ways};
use crate::record::Standings;
use crate::verify::{LogReader, Picked, ReaderError};

/// Entries that are read one by one, at most; where more bear on a record, a pass over the log is as fast.
const NAMED_MAX: usize = 50_000;

/// What an answer rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Basis {
    /// Entries that the search index named, each read from the log.
    Index,
    /// All entries of the log.
    Log,
}

impl Basis {
    /// The word for programs.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Basis::Index => "index",
            Basis::Log => "log",
        }
    }

    /// Says so in an answer for programs.
    pub(crate) fn put(self, answer: &mut Value) {
        if let Value::Object(members) = answer {
            members.insert("basis".into(), self.word().into());
        }
    }
}

/// Opens the search index, which is made where there is none; `None` where there can be none, or `whole` asks for the log itself.
pub(crate) fn index(source: &Source<'_>, whole: bool) -> Result<Option<SearchIndex>, ReaderError> {
    if whole {
        return Ok(None);
    }
    match SearchIndex::open(source) {
        Ok(index) => Ok(Some(index)),
        Err(IndexError::Log(error)) => Err(error),
        Err(_) => Ok(None),
    }
}

/// Returns the entries that bear on records, if an index can tell, and they are not too many.
pub(crate) fn bearing(source: &Source<'_>, index: &SearchIndex, records: &[u64]) -> Option<Bearing> {
    index.bearing_on(records, most(source)).ok().flatten()
}

/// How many entries are read one by one.
fn most(source: &Source<'_>) -> usize {
    let half = usize::try_from(source.reader.size() / 2).unwrap_or(usize::MAX);
    // Of a small log, all is read soon.
    half.clamp(256, NAMED_MAX)
}

/// Reads records, all that was said of them, and what became of what they rest on. The index is asked where one is kept; none is
/// made for it.
pub(crate) fn look_up(
    source: &Source<'_>,
    wanted: &BTreeSet<u64>,
    whole: bool,
) -> Result<(Picked, Basis), ReaderError> {
    let named = || {
        let index = SearchIndex::kept(source)?;
        bearing(source, &index, &wanted.iter().copied().collect::<Vec<_>>())
    };
    match if whole { None } else { named() } {
        Some(Bearing { keys, entries }) => {
            Ok((source.reader.pick_named(wanted, &keys, &entries)?, Basis::Index))
        }
        None => {
            let mut records = BTreeMap::new();
            let standings = source.reader.standings(|record| {
                if wanted.contains(&record.index) {
                    records.insert(record.index, record);
                }
            })?;
            Ok((Picked { records, standings }, Basis::Log))
        }
    }
}

/// Returns what was said of some records, and what became of what they rest on.
pub(crate) fn standings(
    source: &Source<'_>,
    records: &BTreeSet<u64>,
    bearing: Option<Bearing>,
) -> Result<(Standings, Basis), ReaderError> {
    Ok(match bearing {
        Some(Bearing { keys, entries }) => {
            (source.reader.pick_named(records, &keys, &entries)?.standings, Basis::Index)
        }
        None => (source.reader.standings(|_| {})?, Basis::Log),
    })
}

/// What was said of documents, and what it rests on.
pub(crate) struct Relations {
    pub(crate) standings: Standings,
    pub(crate) basis: Basis,
    /// Statements about keys, where an index names them.
    pub(crate) keys: Option<Vec<u64>>,
}

/// Reads all that was said of the documents that `find` finds, and of those to which `ways` lead from them. The index is asked
/// where one is kept; none is made for it.
pub(crate) fn relations(
    source: &Source<'_>,
    find: impl Fn(&SearchIndex) -> Result<Vec<u64>, IndexError>,
    ways: Ways,
    whole: bool,
) -> Result<Relations, ReaderError> {
    let named = || {
        let index = SearchIndex::kept(source)?;
        let records = find(&index).ok()?;
        let bearing = index.bearing_along(&records, ways, most(source)).ok().flatten()?;
        Some((records, bearing))
    };
    Ok(match if whole { None } else { named() } {
        Some((records, Bearing { keys, entries })) => {
            let records = records.into_iter().collect();
            let standings = source.reader.pick_named(&records, &keys, &entries)?.standings;
            Relations { standings, basis: Basis::Index, keys: Some(keys) }
        }
        None => {
            let standings = source.reader.standings(|_| {})?;
            Relations { standings, basis: Basis::Log, keys: None }
        }
    })
}

/// Entries of a log of which all is read where no index is kept, on the way to something else.
const SMALL: u64 = 2_000;

/// As [`standings`], where that is soon done: an index is kept, or the log is small.
pub(crate) fn soon(source: &Source<'_>, records: &BTreeSet<u64>) -> Result<Option<Standings>, ReaderError> {
    let numbers: Vec<u64> = records.iter().copied().collect();
    let bearing = SearchIndex::kept(source).and_then(|index| bearing(source, &index, &numbers));
    match bearing.is_some() || source.reader.size() <= SMALL {
        true => Ok(Some(standings(source, records, bearing)?.0)),
        false => Ok(None),
    }
}

/// The same by an index that may be behind: it knows the first `known` entries, and all that come after these are read, if they are
/// few.
pub(crate) fn soon_by(
    reader: &LogReader<'_>,
    index: Option<&SearchIndex>,
    known: u64,
    records: &BTreeSet<u64>,
) -> Result<Option<Standings>, ReaderError> {
    let Some(index) = index else {
        return if reader.size() <= SMALL { reader.standings(|_| {}).map(Some) } else { Ok(None) };
    };
    let numbers: Vec<u64> = records.iter().copied().collect();
    let bearing = index.bearing_on(&numbers, NAMED_MAX).ok().flatten();
    let Some(Bearing { keys, mut entries }) = bearing.filter(|_| reader.size() - known <= SMALL) else {
        return Ok(None);
    };
    entries.extend(known..reader.size());
    Ok(Some(reader.pick_named(records, &keys, &entries)?.standings))
}
