//! Single entries, each through the authenticated hashes of the log.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use crate::base::Hash;
use crate::record::{Body, ClaimCounts, DisclosureFile, Entry, RecordRef, State};
use crate::tlog::{EntryBundle, TileReader, leaf_hash};

use super::fetch::Files;
use super::proof::fault;
use super::reader::{LogReader, ReaderError, Record, open_registration};
use super::signer::authorise_and_fold;

/// Entries of a log, read one by one.
pub(super) struct Entries<'r, 'a> {
    reader: &'r LogReader<'a>,
    tiles: TileReader<Files<'a>>,
    /// The bundle that was read last: neighbours are read one after the other.
    last: Option<(EntryBundle, Vec<u8>)>,
}

impl<'a> LogReader<'a> {
    /// Returns a reader of single entries.
    pub(super) fn entries(&self) -> Result<Entries<'_, 'a>, ReaderError> {
        let tiles = TileReader::new(self.files, self.size(), &self.checkpoint().root_hash());
        Ok(Entries { reader: self, tiles: tiles?, last: None })
    }
}

impl LogReader<'_> {
    /// Reads the entry at `index` and its openings, through the hashes that lead to the checkpoint; whether its signer
    /// holds is not looked at. Costs some tiles and a bundle.
    ///
    /// # Errors
    /// [`ReaderError::NoRecord`], [`ReaderError::NotARecord`] and those of [`LogReader::scan`].
    pub fn entry(&self, index: u64) -> Result<(Entry, Vec<String>), ReaderError> {
        let (bytes, openings) = self.entry_with_openings(index)?;
        let entry = Entry::parse(&bytes).map_err(|source| ReaderError::NotARecord { index, source })?;
        Ok((entry, openings))
    }

    /// As [`LogReader::entry`]: the entry's bytes, whatever they are.
    pub(super) fn entry_with_openings(&self, index: u64) -> Result<(Vec<u8>, Vec<String>), ReaderError> {
        let size = self.size();
        if index >= size {
            return Err(ReaderError::NoRecord { index, size });
        }
        let bytes = self.entries()?.bytes(index)?;
        Ok((bytes, self.files.openings_of_entry(index)?))
    }

    /// Reads the entries of a range whose openings are `wanted`, with these, as [`LogReader::entry`] does; what is no record is
    /// passed over. Costs each tile, bundle and file of openings once, and of what is not wanted the openings alone.
    ///
    /// # Errors
    /// Those of [`LogReader::scan`].
    pub fn entries_in(
        &self,
        range: Range<u64>,
        wanted: impl Fn(&[String]) -> bool,
        mut each: impl FnMut(u64, Entry, &[String]),
    ) -> Result<(), ReaderError> {
        let mut entries = self.entries()?;
        let mut openings: Option<(u64, DisclosureFile)> = None;
        for index in range.start..range.end.min(self.size()) {
            let number = index / 256;
            if openings.as_ref().is_none_or(|(known, _)| *known != number) {
                openings = Some((number, self.files.openings(number)?));
            }
            let of_entry = openings.as_ref().map_or(&[][..], |(_, file)| file.of_entry(index));
            if !wanted(of_entry) {
                continue;
            }
            if let Ok(entry) = Entry::parse(&entries.bytes(index)?) {
                each(index, entry, of_entry);
            }
        }
        Ok(())
    }

    /// Reads the entries after those that `state` has come to, as [`LogReader::scan`] does, and folds them into it: for whoever
    /// follows a log, and knows that it still begins with what he has read. What is no record is passed over. Costs the
    /// tiles, bundles and openings of these entries alone.
    ///
    /// # Errors
    /// Those of [`LogReader::scan`]; `state` is then of no use.
    pub fn go_on(&self, state: &mut State, mut each: impl FnMut(Record)) -> Result<(), ReaderError> {
        let mut entries = self.entries()?;
        let mut openings: Option<(u64, DisclosureFile)> = None;
        for index in state.size()..self.size() {
            let bytes = entries.bytes(index)?;
            let Ok(entry) = Entry::parse(&bytes) else {
                state.advance();
                continue;
            };
            let number = index / 256;
            if openings.as_ref().is_none_or(|(known, _)| *known != number) {
                openings = Some((number, self.files.openings(number)?));
            }
            let openings = openings.as_ref().map_or(&[][..], |(_, file)| file.of_entry(index)).to_vec();
            let signer = authorise_and_fold(state, &entry).signer(&entry);
            let (registration, openings_fit) = open_registration(&entry, &openings);
            each(Record { index, bytes, entry, openings, registration, openings_fit, signer });
        }
        Ok(())
    }

    /// Returns the registration at `index`, to be pointed to, and what it claims.
    ///
    /// # Errors
    /// [`ReaderError::NotARegistration`], and those of [`LogReader::entry`].
    pub fn registered(&self, index: u64) -> Result<(RecordRef, ClaimCounts), ReaderError> {
        let entry = self.entry(index)?.0;
        let original = entry.original().ok_or_else(|| ReaderError::NotARegistration {
            index,
            kind: entry.kind().map_or_else(|| "unknown".to_owned(), |kind| kind.to_string()),
        })?;
        Ok((RecordRef { record: index, original }, entry.claims()))
    }

    /// Returns why `entry` could not stand as the next one: it contradicts itself or the rules of its kind, or points to
    /// what is not there. Whether its signer may make it is not looked at.
    ///
    /// # Errors
    /// [`ReaderError`] if what it points to cannot be read.
    pub fn why_not(&self, entry: &Entry) -> Result<Option<String>, ReaderError> {
        if let Some(why) = fault(entry) {
            return Ok(Some(why));
        }
        if let Body::Erasure(erasure) = &entry.body
            && erasure.entry >= self.size()
        {
            return Ok(Some(format!("there is no entry {}", erasure.entry)));
        }
        for (place, (field, to)) in entry.references().into_iter().enumerate() {
            let (there, claims) = match self.registered(to.record) {
                Ok(there) => there,
                Err(error @ (ReaderError::NoRecord { .. } | ReaderError::NotARegistration { .. })) => {
                    return Ok(Some(format!("{error} ({field})")));
                }
                Err(error) => return Err(error),
            };
            if there != to {
                let record = to.record;
                return Ok(Some(format!("record {record} is of another document than it says ({field})")));
            }
            if let Some(claim) = entry.claim().filter(|claim| place == 0 && !claims.has(claim)) {
                return Ok(Some(format!("record {} makes no claim {claim:?} (/claim)", to.record)));
            }
        }
        Ok(None)
    }

    /// Finds the entries with these leaf hashes, through the hash tiles alone: 32 bytes an entry of the log.
    ///
    /// # Errors
    /// [`ReaderError`].
    pub fn find_leaves(&self, wanted: &HashSet<Hash>) -> Result<HashMap<Hash, u64>, ReaderError> {
        let mut found = HashMap::new();
        self.with_tiles(|tiles| {
            for index in 0..self.size() {
                let leaf = tiles.leaf(index)?;
                if wanted.contains(&leaf) {
                    found.entry(leaf).or_insert(index);
                }
            }
            Ok(())
        })?;
        Ok(found)
    }
}

impl Entries<'_, '_> {
    /// Reads the entry at `index`, which the log has, and folds it into `state`, which has come to it.
    pub(super) fn record(&mut self, index: u64, state: &mut State) -> Result<Record, ReaderError> {
        let bytes = self.bytes(index)?;
        let entry = Entry::parse(&bytes).map_err(|source| ReaderError::NotARecord { index, source })?;
        let openings = self.reader.files.openings_of_entry(index)?;
        let signer = authorise_and_fold(state, &entry).signer(&entry);
        let (registration, openings_fit) = open_registration(&entry, &openings);
        Ok(Record { index, bytes, entry, openings, registration, openings_fit, signer })
    }

    /// Reads the entry at `index` if it is a statement about a key, and folds it; returns it, and whether it stands. Of anything else,
    /// its hash is checked and nothing more.
    pub(super) fn key_statement(
        &mut self,
        index: u64,
        state: &mut State,
    ) -> Result<Option<(Entry, Vec<u8>, bool)>, ReaderError> {
        let bytes = self.bytes(index)?;
        let Ok(entry) = Entry::parse(&bytes) else { return Ok(None) };
        if !matches!(entry.body, Body::Key(_)) {
            return Ok(None);
        }
        let stands = authorise_and_fold(state, &entry).signer(&entry).is_ok();
        Ok(Some((entry, bytes, stands)))
    }

    fn bytes(&mut self, index: u64) -> Result<Vec<u8>, ReaderError> {
        let size = self.reader.size();
        let bundle = EntryBundle::of_size(index / 256, size).ok_or(ReaderError::NoRecord { index, size })?;
        if self.last.as_ref().is_none_or(|(last, _)| last.index() != bundle.index()) {
            self.last = Some(self.reader.files.bundle(bundle)?);
        }
        let entry = self.last.as_ref().and_then(|(bundle, bytes)| {
            let entries = bundle.entries(bytes).ok()?;
            entries.get(usize::try_from(index % 256).ok()?).map(|entry| entry.to_vec())
        });
        let leaf: Hash = self.tiles.leaf(index)?;
        let entry = entry.filter(|bytes| leaf_hash(bytes) == leaf);
        entry.ok_or_else(|| ReaderError::Changed { what: bundle.path() })
    }
}
