//! A store in memory that counts what a bucket would be asked.

// Each program uses a part of this.
#![allow(dead_code)]

use std::sync::{Mutex, PoisonError};

use dateline::storage::bucket::Requests;
use dateline::storage::{Key, Listing, MemoryStore, Object, Store, StoreError};

/// Names that a page has, and objects that are removed at once.
const PAGE: usize = 1_000;

/// One front end: the store that it shares with others, what it keeps for itself, and the requests that the bucket's own store
/// would send for what it does. A conditional write is taken to be of what was read before, as it is in a commit.
pub(crate) struct Counted<'a> {
    shared: &'a dyn Store,
    own: MemoryStore,
    requests: Mutex<(Requests, u64)>,
}

impl<'a> Counted<'a> {
    pub(crate) fn new(shared: &'a dyn Store) -> Self {
        Counted { shared, own: MemoryStore::default(), requests: Mutex::default() }
    }

    pub(crate) fn requests(&self) -> Requests {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    /// Bytes of objects that were sent.
    pub(crate) fn sent(&self) -> u64 {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).1
    }

    fn count(&self, count: impl FnOnce(&mut Requests)) {
        count(&mut self.requests.lock().unwrap_or_else(PoisonError::into_inner).0);
    }

    fn send<'o>(&self, objects: impl Iterator<Item = &'o [u8]>) {
        let bytes = objects.map(|bytes| bytes.len() as u64).sum::<u64>();
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).1 += bytes;
    }
}

impl Store for Counted<'_> {
    fn get(&self, key: &Key, limit: u64) -> Result<Option<Vec<u8>>, StoreError> {
        self.count(|requests| requests.gets += 1);
        self.shared.get(key, limit)
    }

    fn put_immutable(&self, objects: &[Object]) -> Result<(), StoreError> {
        self.count(|requests| requests.conditional_puts += objects.len() as u64);
        self.send(objects.iter().map(|object| object.bytes.as_slice()));
        self.shared.put_immutable(objects)
    }

    fn put(&self, objects: &[Object]) -> Result<(), StoreError> {
        self.count(|requests| requests.puts += objects.len() as u64);
        self.send(objects.iter().map(|object| object.bytes.as_slice()));
        self.shared.put(objects)
    }

    fn compare_and_swap(&self, key: &Key, expected: Option<&[u8]>, new: &[u8]) -> Result<bool, StoreError> {
        self.send([new].into_iter());
        let swapped = self.shared.compare_and_swap(key, expected, new);
        self.count(|requests| {
            requests.conditional_puts += 1;
            // Whoever is refused looks what is there.
            requests.gets += u64::from(!matches!(swapped, Ok(true)));
        });
        swapped
    }

    fn delete(&self, keys: &[Key]) -> Result<(), StoreError> {
        self.count(|requests| requests.deletes += keys.len().div_ceil(PAGE) as u64);
        self.shared.delete(keys)
    }

    fn list(&self, folder: &str) -> Result<Listing, StoreError> {
        let listing = self.shared.list(folder)?;
        let names = listing.keys.len() + listing.foreign.len();
        self.count(|requests| requests.lists += names.div_ceil(PAGE).max(1) as u64);
        Ok(listing)
    }

    fn own(&self) -> Option<&dyn Store> {
        Some(&self.own)
    }
}
