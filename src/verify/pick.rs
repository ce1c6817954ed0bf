//! Some records of a log, for readers who know from elsewhere which: a search index, say. Where they know it from is not
//! trusted; what is read here holds as much as what a scan of the whole log reads.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use rayon::prelude::*;

use crate::base::Hash;
use crate::record::layout::ENTRIES_PER_FILE;
use crate::record::{Body, Entry, Standings, State};
use crate::tlog::{EntryBundle, TileReader, leaf_hash};

use super::reader::{AT_A_TIME, LogReader, ReaderError, Record, open_registration};
use super::signer::authorise_and_fold;

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

    /// Reads the entries `named`, each through the hashes that lead to the checkpoint, checks who signed them as of their index,
    /// and hands them on in log order. `keys` are the statements about keys among the entries before. Costs some tiles, the
    /// bundle and the file of openings of each; where all lie, it costs what a scan does.
    ///
    /// What is handed on holds as much as what a scan hands on, but for one thing: who withholds a statement about a key can have
    /// a key taken for one that was never ended, or never enrolled.
    ///
    /// # Errors
    /// As [`LogReader::scan`]. An index at which no record lies is no error.
    pub fn read_named(
        &self,
        keys: &[u64],
        named: &BTreeSet<u64>,
        mut each: impl FnMut(Record) -> ControlFlow<()>,
    ) -> Result<(), ReaderError> {
        let size = self.size();
        let Some(end) = named.range(..size).next_back().copied() else { return Ok(()) };
        let mut by_bundle: BTreeMap<u64, BTreeSet<u64>> = BTreeMap::new();
        let keys = keys.iter().filter(|index| **index < end);
        for index in named.range(..size).chain(keys) {
            by_bundle.entry(index / ENTRIES_PER_FILE).or_default().insert(*index);
        }
        let by_bundle: Vec<(u64, BTreeSet<u64>)> = by_bundle.into_iter().collect();
        let mut state = State::new(self.trust.roots.iter().copied());
        let root = self.checkpoint().root_hash();
        let mut tiles = TileReader::new(self.files, size, &root)?;
        for some in by_bundle.chunks(AT_A_TIME) {
            let read: Vec<_> =
                some.par_iter().map(|(number, indices)| self.load_some(*number, indices, named)).collect();
            let mut found = Vec::new();
            for loaded in read {
                for (index, bytes, leaf, entry, openings) in loaded? {
                    if tiles.leaf(index)? != leaf {
                        return Err(ReaderError::Changed { what: format!("entry {index}") });
                    }
                    let Some(entry) = entry else { continue };
                    state.skip_to(index);
                    let authorised = authorise_and_fold(&mut state, &entry);
                    if named.contains(&index) {
                        found.push((index, bytes, entry, openings, authorised));
                    }
                }
            }
            let records: Vec<Record> = found
                .into_par_iter()
                .map(|(index, bytes, entry, openings, authorised)| {
                    let signer = authorised.signer(&entry);
                    let (registration, openings_fit) = open_registration(&entry, &openings);
                    Record { index, bytes, entry, openings, registration, openings_fit, signer }
                })
                .collect();
            if records.into_iter().try_for_each(&mut each).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Reads the records `wanted` and folds what the entries `named` say of them: as [`LogReader::pick`], for who knows from
    /// elsewhere which these are, and which are statements about keys. What is not named is not folded.
    ///
    /// # Errors
    /// As [`LogReader::read_named`].
    pub fn pick_named(
        &self,
        wanted: &BTreeSet<u64>,
        keys: &[u64],
        named: &BTreeSet<u64>,
    ) -> Result<Picked, ReaderError> {
        let mut picked = Picked { records: BTreeMap::new(), standings: Standings::default() };
        let all = named.union(wanted).copied().collect();
        self.read_named(keys, &all, |record| {
            if record.signer.is_ok() {
                picked.standings.fold(record.index, &record.entry);
            }
            if wanted.contains(&record.index) {
                picked.records.insert(record.index, record);
            }
            ControlFlow::Continue(())
        })?;
        Ok(picked)
    }

    /// Reads some entries of a bundle, and the openings of those that are named.
    fn load_some(
        &self,
        number: u64,
        indices: &BTreeSet<u64>,
        named: &BTreeSet<u64>,
    ) -> Result<Vec<Named>, ReaderError> {
        let size = self.size();
        let first = number * ENTRIES_PER_FILE;
        let bundle =
            EntryBundle::of_size(number, size).ok_or(ReaderError::NoRecord { index: first, size })?;
        let (found, bytes) = self.files.bundle(bundle)?;
        let changed = || ReaderError::Changed { what: found.path() };
        let entries = found.entries(&bytes).map_err(|_| changed())?;
        // Of a few, each is looked for; of many, all are taken apart once.
        let whole = match indices.iter().filter(|index| named.contains(index)).count() {
            0..=FEW => None,
            _ => Some(self.files.openings(number)?),
        };
        let some = indices.iter().map(|index| {
            let place = usize::try_from(index - first).ok();
            let bytes = place.and_then(|place| entries.get(place)).ok_or_else(changed)?;
            let openings = match &whole {
                Some(file) => file.of_entry(*index).to_vec(),
                None if named.contains(index) => self.files.openings_of_entry(*index)?,
                None => Vec::new(),
            };
            Ok((*index, bytes.to_vec(), leaf_hash(bytes), Entry::parse(bytes).ok(), openings))
        });
        some.collect()
    }
}

/// Entries of one file whose openings are read one by one.
const FEW: usize = 2;

/// An entry with its index, its leaf hash, what it says if it has the form of an entry, and its openings.
type Named = (u64, Vec<u8>, Hash, Option<Entry>, Vec<String>);

impl Record {
    /// Returns whether its signer was allowed to register a document, and did.
    pub fn is_registered(&self) -> bool {
        self.signer.is_ok() && matches!(self.entry.body, Body::Registration(_))
    }
}
