//! Single entries, each through the authenticated hashes of the log.

use crate::base::Hash;
use crate::record::{Body, Entry, State};
use crate::tlog::{EntryBundle, TileReader, leaf_hash};

use super::fetch::Files;
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

impl Entries<'_, '_> {
    /// Reads the entry at `index`, which the log has, and folds it into `state`, which has come to it.
    pub(super) fn record(&mut self, index: u64, state: &mut State) -> Result<Record, ReaderError> {
        let bytes = self.bytes(index)?;
        let entry = Entry::parse(&bytes).map_err(|source| ReaderError::NotARecord { index, source })?;
        let openings = self.reader.files.openings(index / 256)?.0.of_entry(index).to_vec();
        let signer = authorise_and_fold(state, &entry).signer(&entry);
        let (registration, openings_fit) = open_registration(&entry, &openings);
        Ok(Record { index, bytes, entry, openings, registration, openings_fit, signer })
    }

    /// Reads the entry at `index` if it is a statement about a key, and folds it; returns it if it stands. Of anything else,
    /// its hash is checked and nothing more.
    pub(super) fn key_statement(
        &mut self,
        index: u64,
        state: &mut State,
    ) -> Result<Option<(Entry, Vec<u8>)>, ReaderError> {
        let bytes = self.bytes(index)?;
        let Ok(entry) = Entry::parse(&bytes) else { return Ok(None) };
        if !matches!(entry.body, Body::Key(_)) {
            return Ok(None);
        }
        let stands = authorise_and_fold(state, &entry).signer(&entry).is_ok();
        Ok(stands.then_some((entry, bytes)))
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
