//! A store in memory, for tests: it fails where it is told to, and polices the contract.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Key, Listing, Object, Store, StoreError};

/// What happens to one write of one object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing bad.
    None,
    /// The object is not written, and the call fails.
    NotApplied,
    /// The object is written, and the call fails all the same: a lost reply.
    Applied,
}

/// Decides about a write by its name and by how many writes went before it.
type Script = Box<dyn FnMut(&Key, u64) -> Fault + Send>;

/// Objects in a map.
#[derive(Default)]
pub struct MemoryStore {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    objects: BTreeMap<Key, Vec<u8>>,
    immutable: BTreeMap<Key, Vec<u8>>,
    writes: u64,
    script: Option<Script>,
}

impl Inner {
    fn write(&mut self, object: &Object) -> Result<(), StoreError> {
        let number = self.writes;
        self.writes += 1;
        let fault = self.script.as_mut().map_or(Fault::None, |script| script(&object.key, number));
        if fault != Fault::NotApplied {
            self.objects.insert(object.key.clone(), object.bytes.clone());
        }
        match fault {
            Fault::None => Ok(()),
            Fault::Applied | Fault::NotApplied => Err(StoreError::Io {
                op: "write",
                path: object.key.as_str().into(),
                source: std::io::Error::other("a fault was asked for"),
            }),
        }
    }
}

impl MemoryStore {
    /// Makes every following write ask `script`, which gets the name and the number of writes before it.
    pub fn set_script(&self, script: impl FnMut(&Key, u64) -> Fault + Send + 'static) {
        let mut inner = self.lock();
        inner.writes = 0;
        inner.script = Some(Box::new(script));
    }

    /// Makes writes succeed again, and returns how many there were since the script was set.
    pub fn clear_script(&self) -> u64 {
        let mut inner = self.lock();
        inner.script = None;
        inner.writes
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for MemoryStore {
    fn get(&self, key: &Key, limit: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let found = self.lock().objects.get(key).cloned();
        match found.as_ref().map(|bytes| bytes.len() as u64) {
            Some(size) if size > limit => Err(StoreError::TooLarge { key: key.clone(), size, limit }),
            _ => Ok(found),
        }
    }

    fn put_immutable(&self, objects: &[Object]) -> Result<(), StoreError> {
        let mut inner = self.lock();
        for object in objects {
            // Also against what was deleted since: a name, once used, means the same bytes for ever.
            let known = inner.immutable.get(&object.key).or_else(|| inner.objects.get(&object.key));
            if known.is_some_and(|known| *known != object.bytes) {
                return Err(StoreError::Immutable { key: object.key.clone() });
            }
            let written = inner.write(object);
            // What a lost reply was about is there all the same.
            if inner.objects.contains_key(&object.key) {
                inner.immutable.insert(object.key.clone(), object.bytes.clone());
            }
            written?;
        }
        Ok(())
    }

    fn put(&self, objects: &[Object]) -> Result<(), StoreError> {
        let mut inner = self.lock();
        for object in objects {
            assert!(
                !inner.immutable.contains_key(&object.key),
                "internal error: {} is immutable",
                object.key
            );
            inner.write(object)?;
        }
        Ok(())
    }

    fn compare_and_swap(&self, key: &Key, expected: Option<&[u8]>, new: &[u8]) -> Result<bool, StoreError> {
        let mut inner = self.lock();
        if inner.objects.get(key).map(Vec::as_slice) != expected {
            return Ok(false);
        }
        inner.write(&Object { key: key.clone(), bytes: new.to_vec() })?;
        Ok(true)
    }

    fn delete(&self, keys: &[Key]) -> Result<(), StoreError> {
        let mut inner = self.lock();
        for key in keys {
            inner.objects.remove(key);
        }
        Ok(())
    }

    fn list(&self, folder: &str) -> Result<Listing, StoreError> {
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let inner = self.lock();
        let keys = inner.objects.keys().filter(|key| key.as_str().starts_with(&prefix)).cloned().collect();
        Ok(Listing { keys, foreign: Vec::new() })
    }
}
