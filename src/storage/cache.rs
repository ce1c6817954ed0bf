//! A folder of what was fetched before, so that the next audit fetches only what is new, and one that was cut off goes on.
//!
//! Only bytes that belong to the log are kept: a [`Judge`], who knows the log's signed root, says of each file whether
//! its hashes lead there, *before* it is kept and again *each time* that it is read here. So nothing that a server made
//! up gets in, and whatever happens to the folder afterwards (a bad disk, a torn write, another hand) only makes a file
//! be fetched anew. The reader who gets the bytes checks them once more, as he does with any.
//!
//! What may change, or must be able to forget, is never kept: the judge says which names those are not. Nothing is
//! synced: a file that a crash tore does not fit. Several runs may use one folder at a time.

use std::collections::HashSet;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{FileStore, Key, Listing, Store, StoreError};

/// Knows which files can be kept, and what they must hold.
pub trait Judge: Send + Sync {
    /// Returns whether the object never changes, and what it must hold can be known.
    fn judges(&self, key: &Key) -> bool;

    /// Returns whether these are the object's bytes; `false` also where that cannot be known.
    fn belongs(&self, key: &Key, bytes: &[u8]) -> bool;
}

/// A store in front of another, with a folder of what it gave.
pub struct Cached {
    inner: Arc<dyn Store>,
    folder: PathBuf,
    judge: Box<dyn Judge>,
    next_temporary: AtomicU64,
    seen: Mutex<Seen>,
    trouble: Mutex<Option<StoreError>>,
}

/// Which objects came from where.
#[derive(Default)]
struct Seen {
    here: HashSet<Key>,
    fetched: HashSet<Key>,
}

impl Cached {
    /// Keeps what `inner` gives in `folder`, which is made when it is needed.
    pub fn new(inner: Arc<dyn Store>, folder: &Path, judge: Box<dyn Judge>) -> Self {
        let (next_temporary, seen, trouble) = (AtomicU64::new(0), Mutex::default(), Mutex::new(None));
        Cached { inner, folder: folder.to_owned(), judge, next_temporary, seen, trouble }
    }

    /// Returns how many objects were read from the folder alone, and not fetched since this store was opened.
    pub fn read_here(&self) -> u64 {
        self.seen().here.len() as u64
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the first thing that went wrong with the folder, once. No answer was affected.
    pub fn trouble(&self) -> Option<StoreError> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn kept(&self, key: &Key, limit: u64) -> Option<Vec<u8>> {
        let path = self.folder.join(key.as_str());
        match FileStore::reader(&self.folder).get(key, limit) {
            Ok(None) => return None,
            Ok(Some(bytes)) if self.judge.belongs(key, &bytes) => return Some(bytes),
            Ok(Some(_)) | Err(StoreError::TooLarge { .. }) => {}
            Err(error) => self.note(Err(error)),
        }
        self.note(fs::remove_file(&path).map_err(|source| StoreError::Io { op: "remove", path, source }));
        None
    }

    fn keep(&self, key: &Key, bytes: &[u8]) {
        let path = self.folder.join(key.as_str());
        let number = self.next_temporary.fetch_add(1, Ordering::Relaxed);
        let temporary = self.folder.join(format!(".{}-{number}", process::id()));
        let written = path
            .parent()
            .map_or(Ok(()), fs::create_dir_all)
            .and_then(|()| fs::write(&temporary, bytes))
            .and_then(|()| fs::rename(&temporary, &path));
        if written.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        self.note(written.map_err(|source| StoreError::Io { op: "write", path, source }));
    }

    fn note(&self, result: Result<(), StoreError>) {
        match result {
            Err(StoreError::Io { ref source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                self.trouble.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
            }
            Ok(()) => {}
        }
    }
}

impl fmt::Debug for Cached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cached").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl Store for Cached {
    fn get(&self, key: &Key, limit: u64) -> Result<Option<Vec<u8>>, StoreError> {
        if !self.judge.judges(key) {
            return self.inner.get(key, limit);
        }
        if let Some(bytes) = self.kept(key, limit) {
            let mut seen = self.seen();
            if !seen.fetched.contains(key) {
                seen.here.insert(key.clone());
            }
            return Ok(Some(bytes));
        }
        let found = self.inner.get(key, limit)?;
        if let Some(bytes) = found.as_deref().filter(|bytes| self.judge.belongs(key, bytes)) {
            self.keep(key, bytes);
            let mut seen = self.seen();
            seen.here.remove(key);
            seen.fetched.insert(key.clone());
        }
        Ok(found)
    }

    fn list(&self, folder: &str) -> Result<Listing, StoreError> {
        self.inner.list(folder)
    }

    fn lists(&self) -> bool {
        self.inner.lists()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{MemoryStore, Object};
    use super::*;

    /// Judges what begins with `tile/`: it must hold its own name.
    struct Name;

    impl Judge for Name {
        fn judges(&self, key: &Key) -> bool {
            key.as_str().starts_with("tile/")
        }

        fn belongs(&self, key: &Key, bytes: &[u8]) -> bool {
            bytes == key.as_str().as_bytes()
        }
    }

    fn cached(folder: &Path, objects: &[(&str, &str)]) -> Cached {
        let store = MemoryStore::default();
        for (name, bytes) in objects {
            store.put(&[Object { key: key(name), bytes: bytes.as_bytes().to_vec() }]).unwrap();
        }
        Cached::new(Arc::new(store), folder, Box::new(Name))
    }

    fn key(name: &str) -> Key {
        Key::new(name).unwrap()
    }

    fn text(store: &Cached, name: &str) -> Option<String> {
        store.get(&key(name), 99).unwrap().map(|bytes| String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn only_what_belongs_is_kept_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let objects = [("tile/a", "tile/a"), ("tile/b", "something else"), ("checkpoint", "checkpoint")];
        let first = cached(folder.path(), &objects);
        for (name, bytes) in objects {
            assert_eq!(text(&first, name).as_deref(), Some(bytes));
        }
        assert_eq!(text(&first, "tile/c"), None);
        assert_eq!(text(&first, "tile/a").as_deref(), Some("tile/a"), "this time from the folder");
        assert_eq!(first.read_here(), 0);
        let second = cached(folder.path(), &[]);
        for _ in 0..2 {
            assert_eq!(text(&second, "tile/a").as_deref(), Some("tile/a"));
        }
        assert_eq!(text(&second, "tile/b"), None, "what did not belong was not kept");
        assert_eq!(text(&second, "checkpoint"), None);
        assert_eq!(second.read_here(), 1);
        assert!(second.trouble().is_none());
    }

    #[test]
    fn what_no_longer_fits_is_fetched_anew() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("tile/b")).unwrap();
        for bad in ["tile/", "something else", &"x".repeat(1000)] {
            fs::write(folder.path().join("tile/a"), bad).unwrap();
            let store = cached(folder.path(), &[("tile/a", "tile/a"), ("tile/b", "tile/b")]);
            assert_eq!(text(&store, "tile/a").as_deref(), Some("tile/a"), "{bad:?}");
            assert_eq!(fs::read_to_string(folder.path().join("tile/a")).unwrap(), "tile/a");
            assert_eq!(text(&store, "tile/b").as_deref(), Some("tile/b"), "a folder is in its place");
            assert!(store.trouble().is_some());
        }
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_told_and_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let store = cached(&file.join("cache"), &[("tile/a", "tile/a")]);
        assert_eq!(text(&store, "tile/a").as_deref(), Some("tile/a"));
        assert!(store.trouble().is_some());
        assert!(store.trouble().is_none(), "it is told once");
    }
}
