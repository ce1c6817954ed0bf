//! Files of a log, read by a stranger.

use crate::base::Hash;
use crate::base::limits::{DISCLOSURES_FILE_MAX_BYTES, NOTE_MAX_BYTES};
use crate::record::pending::PENDING_MAX_BYTES;
use crate::record::{DisclosureFile, layout};
use crate::storage::{Key, Store, StoreError};
use crate::tlog::bundle::BUNDLE_MAX_BYTES;
use crate::tlog::edge::hashes_of_tile;
use crate::tlog::{EntryBundle, Tile};

use super::report::{Code, Finding};

/// A log's files.
#[derive(Clone, Copy)]
pub(super) struct Files<'a> {
    pub(super) store: &'a dyn Store,
}

fn key(path: &str) -> Key {
    Key::new(path).expect("internal error: a name of the layout is not an object name")
}

impl Files<'_> {
    /// Reads a file that the checkpoint implies.
    fn get(&self, path: &str, limit: usize) -> Result<Option<Vec<u8>>, Box<Finding>> {
        self.store.get(&key(path), limit as u64).map_err(|error| unreadable(path, &error))
    }

    /// Reads the checkpoint; `None` if there is none.
    pub(super) fn checkpoint(&self) -> Result<Option<Vec<u8>>, Box<Finding>> {
        self.get(layout::CHECKPOINT, NOTE_MAX_BYTES)
    }

    /// Reads a hash tile, or, where only the full one is left, its beginning.
    pub(super) fn tile(&self, tile: Tile) -> Result<Vec<Hash>, Box<Finding>> {
        let width = usize::from(tile.width());
        let mut found = self.get(&tile.path(), width * Hash::BYTES)?;
        if found.is_none() && tile != tile.full() {
            found = self.get(&tile.full().path(), usize::from(tile.full().width()) * Hash::BYTES)?;
            if let Some(bytes) = &mut found {
                bytes.truncate(width * Hash::BYTES);
            }
        }
        let bytes = found.ok_or_else(|| missing(tile.path()))?;
        hashes_of_tile(tile, &bytes)
            .map_err(|error| Finding::new(Code::TileChanged, error.to_string()).path(tile.path()).into())
    }

    /// Reads an entry bundle; where only the full one is left, that, with the width it has.
    pub(super) fn bundle(&self, bundle: EntryBundle) -> Result<(EntryBundle, Vec<u8>), Box<Finding>> {
        for candidate in [bundle, bundle.full()] {
            if let Some(bytes) = self.get(&candidate.path(), BUNDLE_MAX_BYTES)? {
                return Ok((candidate, bytes));
            }
        }
        Err(missing(bundle.path()))
    }

    /// Reads a file of openings, unparsed; one that is not there is empty.
    pub(super) fn openings_bytes(&self, number: u64) -> Result<Vec<u8>, Box<Finding>> {
        let found = self.get(&layout::disclosures_path(number), DISCLOSURES_FILE_MAX_BYTES)?;
        Ok(found.unwrap_or_default())
    }

    /// Reads a file of openings; one that is not there holds none. Returns the digest of its bytes too.
    pub(super) fn openings(&self, number: u64) -> Result<(DisclosureFile, Hash), Box<Finding>> {
        let bytes = self.openings_bytes(number)?;
        let parsed = DisclosureFile::parse(number, &bytes).map_err(|error| {
            let path = layout::disclosures_path(number);
            Finding::new(Code::OpeningsMalformed, error.to_string()).path(path)
        })?;
        Ok((parsed, Hash::of(&bytes)))
    }

    /// Reads the file of a statement that waits to be appended.
    pub(super) fn pending(&self, path: &str) -> Result<Vec<u8>, Box<Finding>> {
        self.get(path, PENDING_MAX_BYTES)?.ok_or_else(|| missing(path.to_owned()))
    }

    /// Reads a stored original of `size` bytes; `None` if it is not there. One that was not `stored` with the record may
    /// be there all the same, and is looked for where that costs nothing.
    pub(super) fn original(
        &self,
        digest: &Hash,
        size: u64,
        stored: bool,
    ) -> Result<Option<Vec<u8>>, Box<Finding>> {
        if !stored && !self.store.lists() {
            return Ok(None);
        }
        let path = layout::content_path(digest);
        match self.store.get(&key(&path), size) {
            Ok(found) => Ok(found),
            Err(StoreError::TooLarge { size: found, .. }) => {
                let message = format!("the stored original has {found} bytes instead of {size}");
                Err(Finding::new(Code::OriginalChanged, message).path(path).into())
            }
            Err(error) => Err(unreadable(&path, &error)),
        }
    }
}

fn missing(path: String) -> Box<Finding> {
    Box::new(Finding::new(Code::FileMissing, format!("{path} is missing")).path(path))
}

fn unreadable(path: &str, error: &StoreError) -> Box<Finding> {
    let cause = std::error::Error::source(error).map(|source| format!(": {source}")).unwrap_or_default();
    let code = match error {
        // Larger than anything of its name can be: it was changed, not hidden.
        StoreError::TooLarge { .. } if path.starts_with("tile/entries/") => Code::BundleMalformed,
        StoreError::TooLarge { .. } if path.starts_with("tile/") => Code::TileChanged,
        StoreError::TooLarge { .. } if path == layout::CHECKPOINT => Code::CheckpointMalformed,
        StoreError::TooLarge { .. } => Code::OpeningsMalformed,
        _ => Code::FileUnreadable,
    };
    Box::new(Finding::new(code, format!("{error}{cause}")).path(path))
}
