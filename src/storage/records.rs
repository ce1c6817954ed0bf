//! Where a log lies, opened as often as it is needed: a folder or a bucket.

use std::path::{Path, PathBuf};

use super::bucket::Requests;
use super::{Bucket, FileStore, Key, Listing, Move, Object, Store, StoreError};

/// A folder of one log, or a prefix of a bucket. Cheap to clone.
#[derive(Debug, Clone)]
pub enum Records {
    /// A folder on a local disk, with one writer at a time.
    Folder(PathBuf),
    /// A prefix of a bucket, with any number of writers.
    Bucket(Bucket),
}

impl Records {
    /// Opens it for reading. Nothing is made, and nobody is asked.
    pub fn reader(&self) -> Opened {
        Opened(match self {
            Records::Folder(folder) => Box::new(FileStore::reader(folder)),
            Records::Bucket(bucket) => Box::new(bucket.reader()),
        })
    }

    /// Opens it for writing.
    ///
    /// # Errors
    /// As [`FileStore::writer`] and [`Bucket::writer`].
    pub fn writer(&self) -> Result<Opened, StoreError> {
        Ok(Opened(match self {
            Records::Folder(folder) => Box::new(FileStore::writer(folder)?),
            Records::Bucket(bucket) => Box::new(bucket.writer()?),
        }))
    }

    /// Returns the folder in which this machine keeps, below `.local`, what it derives from the log.
    pub fn derived(&self) -> &Path {
        match self {
            Records::Folder(folder) => folder,
            Records::Bucket(bucket) => bucket.node(),
        }
    }

    /// Returns the requests that were sent to a bucket so far.
    pub fn requests(&self) -> Option<Requests> {
        match self {
            Records::Folder(_) => None,
            Records::Bucket(bucket) => Some(bucket.requests()),
        }
    }

    /// Returns where it is, as it is shown.
    pub fn shown(&self) -> String {
        match self {
            Records::Folder(folder) => folder.display().to_string(),
            Records::Bucket(bucket) => bucket.place().to_owned(),
        }
    }
}

/// A store of either sort.
pub struct Opened(Box<dyn Store>);

impl Store for Opened {
    fn get(&self, key: &Key, limit: u64) -> Result<Option<Vec<u8>>, StoreError> {
        self.0.get(key, limit)
    }

    fn get_range(&self, key: &Key, from: u64, length: u64) -> Result<Option<Vec<u8>>, StoreError> {
        self.0.get_range(key, from, length)
    }

    fn put_immutable(&self, objects: &[Object]) -> Result<(), StoreError> {
        self.0.put_immutable(objects)
    }

    fn put(&self, objects: &[Object]) -> Result<(), StoreError> {
        self.0.put(objects)
    }

    fn put_together(&self, immutable: &[Object], mutable: &[Object]) -> Result<(), StoreError> {
        self.0.put_together(immutable, mutable)
    }

    fn can_move(&self) -> bool {
        self.0.can_move()
    }

    fn put_aside(&self, objects: &[Object]) -> Result<(), StoreError> {
        self.0.put_aside(objects)
    }

    fn put_in_place(&self, immutable: &[Move], mutable: &[Move]) -> Result<(), StoreError> {
        self.0.put_in_place(immutable, mutable)
    }

    fn compare_and_move(&self, moved: &Move, expected: Option<&[u8]>) -> Result<bool, StoreError> {
        self.0.compare_and_move(moved, expected)
    }

    fn compare_and_swap(&self, key: &Key, expected: Option<&[u8]>, new: &[u8]) -> Result<bool, StoreError> {
        self.0.compare_and_swap(key, expected, new)
    }

    fn delete(&self, keys: &[Key]) -> Result<(), StoreError> {
        self.0.delete(keys)
    }

    fn list(&self, folder: &str) -> Result<Listing, StoreError> {
        self.0.list(folder)
    }

    fn marks(&self, folder: &str) -> Result<Option<Vec<(Key, String)>>, StoreError> {
        self.0.marks(folder)
    }

    fn own(&self) -> Option<&dyn Store> {
        self.0.own()
    }

    fn lists(&self) -> bool {
        self.0.lists()
    }
}
