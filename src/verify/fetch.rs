//! Files of a log, read by a stranger.

use crate::base::Hash;
use crate::base::limits::{DISCLOSURES_FILE_MAX_BYTES, DOCUMENT_MAX_BYTES, NOTE_MAX_BYTES};
use crate::record::layout::{self, ENTRIES_PER_FILE};
use crate::record::pending::PENDING_MAX_BYTES;
use crate::record::{DisclosureFile, DisclosureFileError};
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

pub(super) fn key(path: &str) -> Key {
    Key::new(path).expect("internal error: a name of the layout is not an object name")
}

impl Files<'_> {
    /// Reads a file that the checkpoint implies.
    fn get(&self, path: &str, limit: usize) -> Result<Option<Vec<u8>>, Box<Finding>> {
        self.store.get(&key(path), limit as u64).map_err(|error| unreadable(path, &error))
    }

    /// Reads the checkpoint; `None` if there is none.
    pub(super) fn checkpoint(&self) -> Result<Option<Vec<u8>>, Box<Finding>> {
        let found = self.get(layout::CHECKPOINT, NOTE_MAX_BYTES)?;
        match found {
            Some(bytes) if is_half_merged(&bytes) => {
                Err(half_merged(Code::CheckpointMalformed, layout::CHECKPOINT.into()))
            }
            found => Ok(found),
        }
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

    /// Reads a file of openings; one that is not there holds none.
    pub(super) fn openings(&self, number: u64) -> Result<DisclosureFile, Box<Finding>> {
        taken_apart(number, &self.openings_bytes(number)?, |bytes| DisclosureFile::parse(number, bytes))
    }

    /// Reads the openings of the entry at `index` alone.
    pub(super) fn openings_of_entry(&self, index: u64) -> Result<Vec<String>, Box<Finding>> {
        let number = index / ENTRIES_PER_FILE;
        let bytes = self.openings_bytes(number)?;
        taken_apart(number, &bytes, |bytes| DisclosureFile::parse_entry(index, bytes))
    }

    /// Reads a file of openings, with the digest of its bytes.
    pub(super) fn digested_openings(&self, number: u64) -> Result<(DisclosureFile, Hash), Box<Finding>> {
        let bytes = self.openings_bytes(number)?;
        let file = taken_apart(number, &bytes, |bytes| DisclosureFile::parse(number, bytes))?;
        Ok((file, Hash::of(&bytes)))
    }

    /// Reads the file of a statement that waits to be appended.
    pub(super) fn pending(&self, path: &str) -> Result<Vec<u8>, Box<Finding>> {
        self.get(path, PENDING_MAX_BYTES)?.ok_or_else(|| missing(path.to_owned()))
    }

    /// Reads a stored original of `size` bytes; `None` if it is not there. What is said of its size does not make room
    /// for more than a document may have.
    pub(super) fn original(&self, digest: &Hash, size: u64) -> Result<Option<Vec<u8>>, Box<Finding>> {
        let path = layout::content_path(digest);
        match self.store.get(&key(&path), size.min(DOCUMENT_MAX_BYTES)) {
            Ok(found) => Ok(found),
            Err(error @ StoreError::TooLarge { size: found, .. }) if found <= size => {
                Err(Finding::new(Code::FileUnreadable, error.to_string()).path(path).into())
            }
            Err(StoreError::TooLarge { size: found, .. }) => {
                let message = format!("the stored original has {found} bytes instead of {size}");
                Err(Finding::new(Code::OriginalChanged, message).path(path).into())
            }
            Err(error) => Err(unreadable(&path, &error)),
        }
    }
}

/// Returns whether a text holds the marks that version control leaves where two sides changed the same lines.
fn is_half_merged(bytes: &[u8]) -> bool {
    if !bytes.contains(&b'<') {
        return false;
    }
    let begins = |mark: &[u8]| bytes.split(|byte| *byte == b'\n').any(|line| line.starts_with(mark));
    begins(b"<<<<<<< ") && begins(b">>>>>>> ")
}

fn half_merged(code: Code, path: String) -> Box<Finding> {
    let message = format!(
        "{path} holds the marks of a merge conflict: two branches appended to the log, and only one of the two can \
         stand; take all of records/ from the one that was published first, and register the other's documents again"
    );
    Box::new(Finding::new(code, message).path(path))
}

/// Takes a file of openings apart, or what is wanted of it.
fn taken_apart<T>(
    number: u64,
    bytes: &[u8],
    parse: impl FnOnce(&[u8]) -> Result<T, DisclosureFileError>,
) -> Result<T, Box<Finding>> {
    let path = || layout::disclosures_path(number);
    if is_half_merged(bytes) {
        return Err(half_merged(Code::OpeningsMalformed, path()));
    }
    parse(bytes).map_err(|error| Finding::new(Code::OpeningsMalformed, error.to_string()).path(path()).into())
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
        StoreError::TooLarge { .. } if path.starts_with(layout::PENDING) => Code::PendingInvalid,
        StoreError::TooLarge { .. } => Code::OpeningsMalformed,
        _ => Code::FileUnreadable,
    };
    Box::new(Finding::new(code, format!("{error}{cause}")).path(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{MemoryStore, Object};

    #[test]
    fn a_file_is_half_merged_where_lines_begin_with_both_marks() {
        let both = "<<<<<<< HEAD\n1 a\n=======\n2 b\n>>>>>>> two\n";
        for (text, half) in [
            (both, true),
            (&format!("0 a\n{both}"), true),
            ("<<<<<<< HEAD\n1 a\n", false),
            ("1 a\n>>>>>>> two\n", false),
            ("1 <<<<<<< HEAD\n2 >>>>>>> two\n", false),
            ("", false),
        ] {
            let store = MemoryStore::default();
            let names = [layout::CHECKPOINT.to_owned(), layout::disclosures_path(0)];
            store.put(&names.map(|name| Object { key: key(&name), bytes: text.into() })).unwrap();
            let files = Files { store: &store };
            let tells = |finding: &Finding| finding.message.contains("the marks of a merge conflict");
            let checkpoint = files.checkpoint();
            match &checkpoint {
                Ok(bytes) => assert!(!half && bytes.as_deref() == Some(text.as_bytes()), "{text}"),
                Err(finding) => assert!(half && tells(finding), "{text}: {finding:?}"),
            }
            assert_eq!(files.openings(0).err().is_some_and(|finding| tells(&finding)), half, "{text}");
            let of_entry = files.openings_of_entry(0).err();
            assert_eq!(of_entry.is_some_and(|finding| tells(&finding)), half, "{text}");
        }
    }
}
