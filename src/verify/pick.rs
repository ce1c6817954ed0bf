//! Some records of a log, for readers who know from elsewhere which: a search index, say. Where they know it from is not
//! trusted; what is read here holds as much as what a scan of the whole log reads.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use crate::base::Hash;
use crate::record::{Body, Entry, Standings};

use super::reader::{LogReader, ReaderError, Record};

/// Records that were asked for, and what became of them.
#[derive(Debug)]
pub struct Picked {
    /// Those that are there, by index.
    pub records: BTreeMap<u64, Record>,
    /// What became of the registrations among them, by statements whose signer was allowed to make them.
    pub standings: Standings,
}

impl LogReader<'_> {
    /// Reads the records `wanted`, and all that was said of them. Costs one pass over the log's entries, which are hashed and
    /// taken apart; signatures are checked, and openings read, of what is wanted alone. Where statements about those point to
    /// other registrations that are not in `related`, it costs a second pass.
    ///
    /// # Errors
    /// As [`LogReader::scan`]. An index at which no record lies is no error.
    pub fn pick(&self, wanted: &BTreeSet<u64>, related: &BTreeSet<u64>) -> Result<Picked, ReaderError> {
        let mut related = related.clone();
        loop {
            let (picked, unread) = self.pick_once(wanted, &related)?;
            if unread.is_empty() {
                return Ok(picked);
            }
            related.extend(unread);
        }
    }

    /// Returns the registrations too that must be `related` for all to be known.
    fn pick_once(
        &self,
        wanted: &BTreeSet<u64>,
        related: &BTreeSet<u64>,
    ) -> Result<(Picked, BTreeSet<u64>), ReaderError> {
        let mut unread = BTreeSet::new();
        let mut picked = Picked { records: BTreeMap::new(), standings: Standings::default() };
        self.walk_some(
            None,
            |index, entry| {
                let points_to: Vec<u64> = entry.references().iter().map(|(_, to)| to.record).collect();
                let erases = match &entry.body {
                    Body::Erasure(erasure) => Some(erasure.entry),
                    _ => None,
                };
                let says_of_them = points_to.iter().chain(&erases).any(|record| wanted.contains(record));
                if says_of_them {
                    let known = |record: &u64| wanted.contains(record) || related.contains(record);
                    unread.extend(points_to.into_iter().filter(|record| *record < index && !known(record)));
                }
                says_of_them || wanted.contains(&index) || related.contains(&index)
            },
            |record| {
                if record.signer.is_ok() {
                    picked.standings.fold(record.index, &record.entry);
                }
                if wanted.contains(&record.index) {
                    picked.records.insert(record.index, record);
                }
                ControlFlow::Continue(())
            },
        )?;
        Ok((picked, unread))
    }

    /// Reads the whole log for somebody who has followed it before, up to `known` entries; returns the root of as many, or
    /// `None` if the log is shorter: it began with them if that is the root he knew. Each entry of the form of a record is
    /// shown to `choose`, unchecked, in log order; those that it asks for are checked, opened and handed to `each`, after
    /// all entries before them were shown.
    ///
    /// # Errors
    /// As [`LogReader::scan`]. What was shown and handed on before is then not to be relied on.
    pub fn follow(
        &self,
        known: u64,
        choose: impl FnMut(u64, &Entry) -> bool,
        each: impl FnMut(Record) -> ControlFlow<()>,
    ) -> Result<Option<Hash>, ReaderError> {
        Ok(self.walk_some(Some(known), choose, each)?.prefix_root)
    }
}

impl Record {
    /// Returns whether its signer was allowed to register a document, and did.
    pub fn is_registered(&self) -> bool {
        self.signer.is_ok() && matches!(self.entry.body, Body::Registration(_))
    }
}
