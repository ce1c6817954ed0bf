//! A folder on a local disk.
//!
//! How an object becomes durable, and so what `strace` shows for one of them:
//!
//! ```text
//! openat(.local/tmp/N, O_CREAT|O_EXCL)   a new file beside the log, on the same file system
//! write                                  the whole object
//! fsync                                  its bytes reach the disk before it gets its name
//! renameat(.local/tmp/N, tile/0/000)     one step: readers see nothing or all
//! fsync(tile/0)                          the name reaches the disk; once a folder, however many objects
//! ```
//!
//! A folder that had to be made is synced into its parent likewise. One writer at a time: `.local/lock` is locked
//! with the system's file lock for as long as the store is open for writing.
//!
//! Known gap: after a failed `fsync` Linux may drop the written pages and report success the next time. So an error
//! here is final for the writer that saw it, and recovery writes every object again rather than trust one it finds.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;

use super::{Key, Listing, Object, Store, StoreError};

/// The folder for what is transient or derived; never part of the log.
const LOCAL: &str = ".local";

/// A folder of objects, opened for reading or, by one process at a time, for writing.
#[derive(Debug)]
pub struct FileStore {
    root: PathBuf,
    /// The locked file, while open for writing.
    lock: Option<File>,
    next_temporary: AtomicU64,
}

/// Attaches what was tried, and on what, to an I/O error.
fn io_error(op: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_owned();
    move |source| StoreError::Io { op, path, source }
}

impl FileStore {
    /// Opens a folder for reading. Nothing is created, not even the folder.
    pub fn reader(root: &Path) -> Self {
        FileStore { root: root.to_owned(), lock: None, next_temporary: AtomicU64::new(0) }
    }

    /// Opens a folder for writing, making it if need be, and removes what an interrupted writer left in
    /// `.local/tmp`.
    ///
    /// # Errors
    /// [`StoreError::Locked`] if another process has it open for writing; [`StoreError::Io`].
    pub fn writer(root: &Path) -> Result<Self, StoreError> {
        let temporary = root.join(LOCAL).join("tmp");
        let mut made = BTreeSet::new();
        make_folder(&temporary, &mut made)?;
        sync_folders(&made)?;
        let path = root.join(LOCAL).join("lock");
        // Opening a pipe that somebody left in its place would wait for ever.
        if path.exists() && !path.is_file() {
            return Err(io_error("lock", &path)(io::Error::other("not a regular file")));
        }
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(io_error("open", &path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StoreError::Locked { path }),
            Err(TryLockError::Error(source)) => return Err(StoreError::Io { op: "lock", path, source }),
        }
        for entry in fs::read_dir(&temporary).map_err(io_error("list", &temporary))? {
            let stale = entry.map_err(io_error("list", &temporary))?.path();
            fs::remove_file(&stale).map_err(io_error("remove", &stale))?;
        }
        Ok(FileStore { root: root.to_owned(), lock: Some(file), next_temporary: AtomicU64::new(0) })
    }

    /// Returns the folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn path(&self, key: &Key) -> PathBuf {
        self.root.join(key.as_str())
    }

    /// Returns whether a link stands anywhere below the root on the way to an object: whoever made the folder could lead
    /// a reader out of it, to a file that is not for his eyes.
    fn is_linked(&self, key: &Key) -> bool {
        let mut path = self.root.clone();
        key.as_str().split('/').any(|part| {
            path.push(part);
            fs::symlink_metadata(&path).is_ok_and(|found| found.is_symlink())
        })
    }

    fn must_be_writer(&self, key: &Key) -> Result<(), StoreError> {
        if self.lock.is_some() { Ok(()) } else { Err(StoreError::ReadOnly { key: key.clone() }) }
    }

    /// Writes one object under a temporary name, synced, and gives it its own name. Its folder is not yet synced.
    fn place(&self, object: &Object) -> Result<(), StoreError> {
        let number = self.next_temporary.fetch_add(1, Ordering::Relaxed);
        let temporary = self.root.join(LOCAL).join("tmp").join(number.to_string());
        let result = write_synced(&temporary, &object.bytes).and_then(|()| {
            let path = self.path(&object.key);
            fs::rename(&temporary, &path).map_err(io_error("rename to", &path))
        });
        if result.is_err() {
            // Best effort: what is left is removed when the folder is next opened for writing.
            let _ = fs::remove_file(&temporary);
        }
        result
    }

    fn place_all(&self, objects: &[Object]) -> Result<(), StoreError> {
        let mut to_sync = BTreeSet::new();
        for object in objects {
            self.must_be_writer(&object.key)?;
            let path = self.path(&object.key);
            let parent = path.parent().unwrap_or(&self.root);
            make_folder(parent, &mut to_sync)?;
            to_sync.insert(parent.to_owned());
        }
        objects.par_iter().try_for_each(|object| self.place(object))?;
        sync_folders(&to_sync)
    }
}

impl Store for FileStore {
    fn get(&self, key: &Key, limit: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let path = self.path(key);
        let absent = |error: &io::Error| {
            matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
        };
        if self.is_linked(key) {
            return Err(io_error("read", &path)(io::Error::other("a link leads there, and is not followed")));
        }
        // Looked at first: opening a pipe that somebody left in a file's place would wait for ever.
        let size = match fs::metadata(&path) {
            Ok(found) if found.is_file() => found.len(),
            Ok(_) => return Err(io_error("read", &path)(io::Error::other("not a regular file"))),
            Err(error) if absent(&error) => return Ok(None),
            Err(error) => return Err(io_error("read", &path)(error)),
        };
        let mut bytes = Vec::new();
        match File::open(&path).and_then(|file| file.take(limit.saturating_add(1)).read_to_end(&mut bytes)) {
            Ok(_) if bytes.len() as u64 > limit => {
                Err(StoreError::TooLarge { key: key.clone(), size: size.max(limit.saturating_add(1)), limit })
            }
            Ok(_) => Ok(Some(bytes)),
            Err(error) if absent(&error) => Ok(None),
            Err(error) => Err(io_error("read", &path)(error)),
        }
    }

    fn put_immutable(&self, objects: &[Object]) -> Result<(), StoreError> {
        objects.par_iter().try_for_each(|object| match self.get(&object.key, object.bytes.len() as u64) {
            Ok(Some(found)) if found == object.bytes => Ok(()),
            Ok(None) => Ok(()),
            Ok(Some(_)) | Err(StoreError::TooLarge { .. }) => {
                Err(StoreError::Immutable { key: object.key.clone() })
            }
            Err(error) => Err(error),
        })?;
        self.place_all(objects)
    }

    fn put(&self, objects: &[Object]) -> Result<(), StoreError> {
        self.place_all(objects)
    }

    fn compare_and_swap(&self, key: &Key, expected: Option<&[u8]>, new: &[u8]) -> Result<bool, StoreError> {
        // The lock makes reading, comparing and renaming one step.
        self.must_be_writer(key)?;
        let found = match self.get(key, expected.map_or(0, |bytes| bytes.len() as u64)) {
            Err(StoreError::TooLarge { .. }) => return Ok(false),
            found => found?,
        };
        if found.as_deref() != expected {
            return Ok(false);
        }
        self.place_all(&[Object { key: key.clone(), bytes: new.to_vec() }])?;
        Ok(true)
    }

    fn delete(&self, keys: &[Key]) -> Result<(), StoreError> {
        for key in keys {
            self.must_be_writer(key)?;
            let path = self.path(key);
            match fs::remove_file(&path) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(io_error("remove", &path)(error)),
            }
            // A folder that became empty goes too; one that did not stays, and that is no error.
            let mut folder = path.parent();
            while let Some(parent) = folder.filter(|parent| *parent != self.root) {
                if fs::remove_dir(parent).is_err() {
                    break;
                }
                folder = parent.parent();
            }
        }
        Ok(())
    }

    fn list(&self, folder: &str) -> Result<Listing, StoreError> {
        let mut listing = Listing::default();
        walk(&self.root, folder, &mut listing)?;
        listing.keys.sort();
        listing.foreign.sort();
        Ok(listing)
    }
}

fn write_synced(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let mut file =
        OpenOptions::new().write(true).create_new(true).open(path).map_err(io_error("create", path))?;
    file.write_all(bytes).map_err(io_error("write", path))?;
    file.sync_all().map_err(io_error("sync", path))
}

/// Makes `folder` and what it lies in, and adds to `to_sync` each folder that got a new name in it.
fn make_folder(folder: &Path, to_sync: &mut BTreeSet<PathBuf>) -> Result<(), StoreError> {
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(parent) = folder.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        make_folder(parent, to_sync)?;
        to_sync.insert(parent.to_owned());
    }
    match fs::create_dir(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(io_error("create", folder)(error)),
        _ => Ok(()),
    }
}

fn sync_folders(folders: &BTreeSet<PathBuf>) -> Result<(), StoreError> {
    for folder in folders {
        let sync = File::open(folder).and_then(|handle| handle.sync_all());
        sync.map_err(io_error("sync", folder))?;
    }
    Ok(())
}

/// Lists `folder` below `root` without following links.
fn walk(root: &Path, folder: &str, listing: &mut Listing) -> Result<(), StoreError> {
    let path = if folder.is_empty() { root.to_owned() } else { root.join(folder) };
    let entries = match fs::read_dir(&path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(io_error("list", &path)(error)),
    };
    for entry in entries {
        let entry = entry.map_err(io_error("list", &path))?;
        let kind = entry.file_type().map_err(io_error("look at", &entry.path()))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let name = if folder.is_empty() { name } else { format!("{folder}/{name}") };
        if kind.is_dir() {
            walk(root, &name, listing)?;
        } else {
            match Key::new(name.clone()) {
                Ok(key) if kind.is_file() => listing.keys.push(key),
                _ => listing.foreign.push(name),
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(name: &str, bytes: &[u8]) -> Object {
        Object { key: Key::new(name).unwrap(), bytes: bytes.to_vec() }
    }

    #[test]
    fn a_second_writer_is_refused_and_a_reader_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let first = FileStore::writer(folder.path()).unwrap();
        first.put(&[object("a", b"1")]).unwrap();
        let second = FileStore::writer(folder.path());
        assert!(matches!(second, Err(StoreError::Locked { .. })), "{second:?}");
        let reader = FileStore::reader(folder.path());
        assert_eq!(reader.get(&Key::new("a").unwrap(), 9).unwrap().as_deref(), Some(&b"1"[..]));
        assert!(matches!(reader.put(&[object("a", b"2")]), Err(StoreError::ReadOnly { .. })));
        drop(first);
        FileStore::writer(folder.path()).unwrap();
    }

    #[test]
    fn what_an_interrupted_writer_left_is_cleaned() {
        let folder = tempfile::tempdir().unwrap();
        drop(FileStore::writer(folder.path()).unwrap());
        let stale = folder.path().join(".local/tmp/7");
        fs::write(&stale, b"half").unwrap();
        drop(FileStore::writer(folder.path()).unwrap());
        assert!(!stale.exists());
    }

    #[test]
    fn a_reader_makes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let nowhere = folder.path().join("nowhere");
        let reader = FileStore::reader(&nowhere);
        assert_eq!(reader.get(&Key::new("a").unwrap(), 9).unwrap(), None);
        assert_eq!(reader.list("").unwrap(), Listing::default());
        assert!(!nowhere.exists());
    }

    #[test]
    fn deleting_removes_empty_folders_only() {
        let folder = tempfile::tempdir().unwrap();
        let store = FileStore::writer(folder.path()).unwrap();
        store.put(&[object("tile/0/000.p/1", b"1"), object("tile/0/000", b"2")]).unwrap();
        store.delete(&[Key::new("tile/0/000.p/1").unwrap()]).unwrap();
        assert!(!folder.path().join("tile/0/000.p").exists());
        assert!(folder.path().join("tile/0/000").exists());
    }

    #[cfg(unix)]
    #[test]
    fn links_are_foreign_and_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let store = FileStore::writer(folder.path()).unwrap();
        std::os::unix::fs::symlink(folder.path(), folder.path().join("loop")).unwrap();
        assert_eq!(store.list("").unwrap().foreign, ["loop"]);
        store.put(&[object("tile/0", b"1")]).unwrap();
        std::os::unix::fs::symlink("0", folder.path().join("tile/1")).unwrap();
        for name in ["loop/tile/0", "tile/1"] {
            let refused = store.get(&Key::new(name).unwrap(), 9);
            assert!(matches!(refused, Err(StoreError::Io { .. })), "{name}: {refused:?}");
        }
    }
}
