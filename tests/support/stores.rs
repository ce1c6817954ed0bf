//! Stores in front of another: one that sees to it that what must not change does not, one that shows a damaged file.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use dateline::base::Hash;
use dateline::storage::{Key, Listing, Move, Object, Store, StoreError};

/// What a store was asked to do so far. Outlives the stores, as it outlives the writers.
#[derive(Default)]
pub(crate) struct Calls(Mutex<Seen>);

#[derive(Default)]
struct Seen {
    /// What was written for good, by digest.
    immutable: BTreeMap<Key, Hash>,
    /// What was written for good and taken away all the same, as nobody needs it any more.
    deleted: BTreeSet<Key>,
}

impl Calls {
    fn with<T>(&self, then: impl FnOnce(&mut Seen) -> T) -> T {
        then(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Panics where what was written for good is written or read with other bytes, or read after it was deleted.
pub(crate) struct Watched<'a> {
    pub(crate) store: &'a dyn Store,
    pub(crate) calls: &'a Calls,
}

impl Watched<'_> {
    fn wrote_for_good(&self, objects: &[Object]) {
        self.calls.with(|seen| {
            for Object { key, bytes } in objects {
                let digest = Hash::of(bytes);
                let known = seen.immutable.insert(key.clone(), digest);
                assert!(
                    known.is_none_or(|known| known == digest),
                    "{key} was written again with other bytes"
                );
                seen.deleted.remove(key);
            }
        });
    }

    fn may_replace(&self, keys: impl Iterator<Item = Key>) {
        self.calls.with(|seen| {
            for key in keys {
                assert!(!seen.immutable.contains_key(&key), "{key}, which never changes, is replaced");
            }
        });
    }
}

impl Store for Watched<'_> {
    fn get(&self, key: &Key, limit: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let found = self.store.get(key, limit);
        self.calls.with(|seen| {
            assert!(!seen.deleted.contains(key), "{key} is read, and was deleted");
            if let (Ok(Some(bytes)), Some(known)) = (&found, seen.immutable.get(key)) {
                assert_eq!(Hash::of(bytes), *known, "{key}, which never changes, has changed");
            }
        });
        found
    }

    fn put_immutable(&self, objects: &[Object]) -> Result<(), StoreError> {
        self.put_together(objects, &[])
    }

    fn put(&self, objects: &[Object]) -> Result<(), StoreError> {
        self.put_together(&[], objects)
    }

    fn put_together(&self, immutable: &[Object], mutable: &[Object]) -> Result<(), StoreError> {
        self.may_replace(mutable.iter().map(|object| object.key.clone()));
        self.store.put_together(immutable, mutable)?;
        self.wrote_for_good(immutable);
        Ok(())
    }

    fn can_move(&self) -> bool {
        self.store.can_move()
    }

    fn put_aside(&self, objects: &[Object]) -> Result<(), StoreError> {
        self.may_replace(objects.iter().map(|object| object.key.clone()));
        self.store.put_aside(objects)
    }

    fn put_in_place(&self, immutable: &[Move], mutable: &[Move]) -> Result<(), StoreError> {
        self.may_replace(mutable.iter().map(|moved| moved.to.clone()));
        self.store.put_in_place(immutable, mutable)?;
        let read = |moved: &Move| {
            let bytes = self.store.get(&moved.to, u64::MAX)?.expect("what was put in place is not there");
            Ok(Object { key: moved.to.clone(), bytes })
        };
        self.wrote_for_good(&immutable.iter().map(read).collect::<Result<Vec<_>, StoreError>>()?);
        Ok(())
    }

    fn compare_and_move(&self, moved: &Move, expected: Option<&[u8]>) -> Result<bool, StoreError> {
        self.may_replace(std::iter::once(moved.to.clone()));
        self.store.compare_and_move(moved, expected)
    }

    fn compare_and_swap(&self, key: &Key, expected: Option<&[u8]>, new: &[u8]) -> Result<bool, StoreError> {
        self.may_replace(std::iter::once(key.clone()));
        self.store.compare_and_swap(key, expected, new)
    }

    fn delete(&self, keys: &[Key]) -> Result<(), StoreError> {
        self.calls.with(|seen| {
            let gone = keys.iter().filter(|key| seen.immutable.contains_key(key));
            seen.deleted.extend(gone.cloned());
        });
        self.store.delete(keys)
    }

    fn list(&self, folder: &str) -> Result<Listing, StoreError> {
        self.store.list(folder)
    }
}

/// Shows one file otherwise than it is, or not at all. What is written goes to the store itself.
pub(crate) struct Damaged<'a> {
    pub(crate) store: &'a dyn Store,
    pub(crate) key: Key,
    pub(crate) bytes: Option<Vec<u8>>,
}

impl Store for Damaged<'_> {
    fn get(&self, key: &Key, limit: u64) -> Result<Option<Vec<u8>>, StoreError> {
        if *key == self.key { Ok(self.bytes.clone()) } else { self.store.get(key, limit) }
    }

    fn put_immutable(&self, objects: &[Object]) -> Result<(), StoreError> {
        self.store.put_immutable(objects)
    }

    fn put(&self, objects: &[Object]) -> Result<(), StoreError> {
        self.store.put(objects)
    }

    fn compare_and_swap(&self, key: &Key, expected: Option<&[u8]>, new: &[u8]) -> Result<bool, StoreError> {
        self.store.compare_and_swap(key, expected, new)
    }

    fn delete(&self, keys: &[Key]) -> Result<(), StoreError> {
        self.store.delete(keys)
    }

    fn list(&self, folder: &str) -> Result<Listing, StoreError> {
        let mut listing = self.store.list(folder)?;
        listing.keys.retain(|key| *key != self.key || self.bytes.is_some());
        Ok(listing)
    }
}
