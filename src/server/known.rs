//! The log as this server has read it: kept in memory, and followed as the log grows.
//!
//! It holds nothing that can be erased: no word of a document, of a name, of a note. Those are read from the log each time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::base::{Hash, Timestamp};
use crate::record::{Body, Entry, Kind, Standings, State};
use crate::verify::{LogReader, ReaderError, Record};

/// What is kept of an entry.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen {
    /// What it is; `None` for what this release cannot read.
    pub(crate) kind: Option<Kind>,
    /// When it was made, by its signer's own clock.
    pub(crate) at: Option<Timestamp>,
    /// Id of the key that signed it.
    pub(crate) signer: Hash,
    /// Whether that key was enrolled then, may make such a statement, and did.
    pub(crate) holds: bool,
}

/// What is kept of all entries.
#[derive(Debug, Clone, Default)]
pub(crate) struct Entries {
    /// By index; `None` for what is no record.
    all: Vec<Option<Seen>>,
    /// The statements that point to an entry, in log order.
    about: HashMap<u64, Vec<u64>>,
}

/// A log that was read from its first entry to its last.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    /// Entries.
    pub(crate) size: u64,
    root: Hash,
    /// Who may sign the next entry.
    pub(crate) state: State,
    /// What became of each registration.
    pub(crate) standings: Standings,
    /// What was read of the entries.
    pub(crate) entries: Entries,
    /// When the whole log was read.
    pub(crate) read_at: Timestamp,
    /// When it was followed last.
    pub(crate) followed_at: Timestamp,
}

/// Keeps what is known.
#[derive(Debug, Default)]
pub(crate) struct Following(Mutex<Option<Arc<Known>>>);

impl Following {
    /// Returns what is known of the log that `reader` reads, up to its checkpoint. Costs a pass over the log once, then what is
    /// new.
    ///
    /// # Errors
    /// [`ReaderError`]; `Changed` also where the log does not continue what was read before.
    pub(crate) fn of(&self, reader: &LogReader<'_>, now: Timestamp) -> Result<Arc<Known>, ReaderError> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (size, root) = (reader.size(), reader.checkpoint().root_hash());
        if let Some(known) = kept.as_ref() {
            if known.size == size && known.root == root {
                return Ok(Arc::clone(known));
            }
            let continues = known.size < size && reader.root_at(known.size)? == known.root;
            if !continues {
                return Err(ReaderError::Changed { what: "what this server read before".into() });
            }
        }
        let next = match kept.as_ref() {
            Some(known) => known.followed(reader, now)?,
            None => Known::read(reader, now)?,
        };
        let next = Arc::new(next);
        *kept = Some(Arc::clone(&next));
        Ok(next)
    }
}

impl Known {
    fn read(reader: &LogReader<'_>, now: Timestamp) -> Result<Self, ReaderError> {
        let (mut entries, mut standings) = (Entries::default(), Standings::default());
        let state = reader.key_state(|record| take(&record, &mut standings, &mut entries))?;
        Ok(Self::up_to(reader, state, standings, entries, now, now))
    }

    fn followed(&self, reader: &LogReader<'_>, now: Timestamp) -> Result<Self, ReaderError> {
        // What was known stays as it was if reading ends before the end.
        let Known { mut state, mut standings, mut entries, read_at, .. } = self.clone();
        reader.go_on(&mut state, |record| take(&record, &mut standings, &mut entries))?;
        Ok(Self::up_to(reader, state, standings, entries, read_at, now))
    }

    fn up_to(
        reader: &LogReader<'_>,
        state: State,
        standings: Standings,
        mut entries: Entries,
        read_at: Timestamp,
        followed_at: Timestamp,
    ) -> Self {
        let size = reader.size();
        entries.all.resize(usize::try_from(size).unwrap_or(usize::MAX), None);
        Known { size, root: reader.checkpoint().root_hash(), state, standings, entries, read_at, followed_at }
    }

    /// Returns what is kept of the entry at `index`.
    pub(crate) fn entry(&self, index: u64) -> Option<&Seen> {
        self.entries.all.get(usize::try_from(index).ok()?)?.as_ref()
    }

    /// Returns all entries that are records, in log order.
    pub(crate) fn seen(&self) -> impl DoubleEndedIterator<Item = (u64, &Seen)> {
        self.entries.all.iter().enumerate().filter_map(|(index, seen)| Some((index as u64, seen.as_ref()?)))
    }

    /// Returns the registrations, the newest first.
    pub(crate) fn newest(&self) -> impl Iterator<Item = u64> {
        let registered = self.seen().rev().filter(|(_, seen)| seen.kind == Some(Kind::Registration));
        registered.map(|(index, _)| index)
    }

    /// Returns the statements that point to the entry at `index`, in log order, whether they say anything or not.
    pub(crate) fn about(&self, index: u64) -> &[u64] {
        self.entries.about.get(&index).map_or(&[], Vec::as_slice)
    }
}

fn take(record: &Record, standings: &mut Standings, entries: &mut Entries) {
    if record.signer.is_ok() {
        standings.fold(record.index, &record.entry);
        let mut about: Vec<u64> = record.entry.references().iter().map(|(_, to)| to.record).collect();
        if let Body::Erasure(erasure) = &record.entry.body {
            about.push(erasure.entry);
        }
        about.sort_unstable();
        about.dedup();
        for to in about.into_iter().filter(|to| *to < record.index) {
            entries.about.entry(to).or_default().push(record.index);
        }
    }
    let seen = Seen {
        kind: record.entry.kind(),
        at: recorded_at(&record.entry),
        signer: record.entry.envelope.key_id(),
        holds: record.signer.is_ok(),
    };
    entries.all.resize(usize::try_from(record.index).unwrap_or(usize::MAX), None);
    entries.all.push(Some(seen));
}

/// Returns when an entry was made, by its signer's own clock.
pub(crate) fn recorded_at(entry: &Entry) -> Option<Timestamp> {
    Some(match &entry.body {
        Body::Registration(one) => one.recorded_at,
        Body::Key(one) => one.recorded_at,
        Body::Relation(one) => one.recorded_at,
        Body::Assessment(one) => one.recorded_at,
        Body::Notice(one) => one.recorded_at,
        Body::Confirmation(one) => one.recorded_at,
        Body::Observation(one) => one.recorded_at,
        Body::Erasure(one) => one.recorded_at,
        Body::Sealed(one) => one.recorded_at,
        Body::Unknown => return None,
    })
}
