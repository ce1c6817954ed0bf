//! A folder on a local disk.
//!
//! How objects become durable, and so what `strace` shows. One alone:
//!
//! ```text
//! openat(.local/tmp/N, O_CREAT|O_EXCL)   a new file beside the log, on the same file system
//! write                                  the whole object
//! fsync                                  its bytes reach the disk before it gets its name
//! renameat(.local/tmp/N, checkpoint)     one step: readers see nothing or all
//! fsync(.)                               the name reaches the disk
//! ```
//!
//! Several at once: all are written, one `syncfs` brings their bytes to the disk, each gets its name, and one more brings
//! the names, so that a commit costs as many syncs whatever its size. What is put aside needs no name of its own to begin
//! with: one `syncfs` brings bytes and names, one more the second names that it is given later, while the first last. That also waits for what other
//! programs wrote to this file system. A system without that call syncs each file and each folder. A folder that had to be
//! made is synced into its parent likewise. One writer at a time: `.local/lock` is locked with the system's file lock for as
//! long as the store is open for writing.
//!
//! Relied on: `syncfs` brings errors to light, as Linux does since 5.8, and reaches the disk, which it does not through
//! every file system of another machine (9p, most of FUSE).
//!
//! Known gap: after a failed sync Linux may drop the written pages and report success the next time. So an error
//! here is final for the writer that saw it. What recovery only gives its name was synced before it was committed; what
//! it finds otherwise it writes again rather than trust it. That a failed sync of names is made good by a later one that
//! succeeds is the file system's to see to.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::base::parallel;

use super::disk::{Disk, Kind, Lock, SystemDisk};
use super::{Key, Listing, Move, Object, Store, StoreError};

/// The folder for what is transient or derived; never part of the log.
const LOCAL: &str = ".local";

/// A folder of objects, opened for reading or, by one process at a time, for writing.
#[derive(Debug)]
pub struct FileStore {
    root: PathBuf,
    disk: Arc<dyn Disk>,
    /// Held while open for writing.
    lock: Option<Box<dyn Lock>>,
    next_temporary: AtomicU64,
    /// Folders in which others were made when the store was opened, whose names are not on the disk for sure.
    not_synced: Mutex<BTreeSet<PathBuf>>,
}

/// Attaches what was tried, and on what, to an I/O error.
fn io_error(op: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_owned();
    move |source| StoreError::Io { op, path, source }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

impl FileStore {
    /// Opens a folder for reading. Nothing is created, not even the folder.
    pub fn reader(root: &Path) -> Self {
        FileStore::reader_on(Arc::new(SystemDisk), root)
    }

    /// As [`FileStore::reader`], on another disk than the system's.
    pub fn reader_on(disk: Arc<dyn Disk>, root: &Path) -> Self {
        let (next_temporary, not_synced) = Default::default();
        FileStore { root: root.to_owned(), disk, lock: None, next_temporary, not_synced }
    }

    /// Opens a folder for writing, making it if need be, and removes what an interrupted writer left in
    /// `.local/tmp`.
    ///
    /// # Errors
    /// [`StoreError::Locked`] if another process has it open for writing; [`StoreError::Io`].
    pub fn writer(root: &Path) -> Result<Self, StoreError> {
        FileStore::writer_on(Arc::new(SystemDisk), root)
    }

    /// As [`FileStore::writer`], on another disk than the system's.
    ///
    /// # Errors
    /// As [`FileStore::writer`].
    pub fn writer_on(disk: Arc<dyn Disk>, root: &Path) -> Result<Self, StoreError> {
        let mut store = FileStore::reader_on(disk, root);
        let mut made = BTreeSet::new();
        store.make_folder(&root.join(LOCAL), &mut made)?;
        store.not_synced = Mutex::new(made);
        // What is in it is of no use after a crash, nor is it itself.
        let temporary = root.join(LOCAL).join("tmp");
        store.make_folder(&temporary, &mut BTreeSet::new())?;
        let path = root.join(LOCAL).join("lock");
        // Opening a pipe that somebody left in its place would wait for ever.
        if store.disk.kind(&path).is_ok_and(|kind| kind != Kind::File) {
            return Err(io_error("lock", &path)(io::Error::other("not a regular file")));
        }
        let Some(lock) = store.disk.lock(&path).map_err(io_error("lock", &path))? else {
            return Err(StoreError::Locked { path });
        };
        store.lock = Some(lock);
        for (name, _) in store.disk.list(&temporary).map_err(io_error("list", &temporary))? {
            let stale = temporary.join(name);
            store.disk.remove_file(&stale).map_err(io_error("remove", &stale))?;
        }
        Ok(store)
    }

    /// Returns the folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn path(&self, key: &Key) -> PathBuf {
        self.root.join(key.as_str())
    }

    /// Returns what stands under the name of an object; a link if one stands anywhere below the root on the way to it:
    /// whoever made the folder could lead a reader out of it, to a file that is not for his eyes.
    fn kind(&self, key: &Key) -> io::Result<Kind> {
        let (mut path, mut found) = (self.root.clone(), Kind::Folder);
        for part in key.as_str().split('/') {
            path.push(part);
            found = self.disk.kind(&path)?;
            if found == Kind::Link {
                break;
            }
        }
        Ok(found)
    }

    fn lock(&self, key: &Key) -> Result<&dyn Lock, StoreError> {
        self.lock.as_deref().ok_or_else(|| StoreError::ReadOnly { key: key.clone() })
    }

    /// Makes `folder` and what it lies in, and adds to `to_sync` each folder that got a new name in it.
    fn make_folder(&self, folder: &Path, to_sync: &mut BTreeSet<PathBuf>) -> Result<(), StoreError> {
        if matches!(self.disk.kind(folder), Ok(Kind::Folder)) {
            return Ok(());
        }
        if let Some(parent) = folder.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            self.make_folder(parent, to_sync)?;
            to_sync.insert(parent.to_owned());
        }
        match self.disk.create_folder(folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                Err(io_error("create", folder)(error))
            }
            _ => Ok(()),
        }
    }

    /// Brings the names in `folders` to the disk.
    fn sync_folders(&self, folders: &BTreeSet<PathBuf>) -> Result<(), StoreError> {
        let mut earlier = self.not_synced.lock().unwrap_or_else(PoisonError::into_inner);
        let sync = |folder: &PathBuf| self.disk.sync_folder(folder).map_err(io_error("sync", folder));
        folders.union(&earlier).try_for_each(sync)?;
        earlier.clear();
        Ok(())
    }

    /// Brings all that was written to the disk, bytes and names.
    fn sync_everything(&self, lock: &dyn Lock) -> Result<(), StoreError> {
        lock.sync_everything().map_err(io_error("sync", &self.root))?;
        self.not_synced.lock().unwrap_or_else(PoisonError::into_inner).clear();
        Ok(())
    }

    /// Writes objects under temporary names, makes them durable, and then their own names.
    fn place(&self, objects: &[&Object]) -> Result<(), StoreError> {
        let Some(first) = objects.first() else { return Ok(()) };
        let lock = self.lock(&first.key)?;
        let to_sync = self.make_folders(objects.iter().map(|object| &object.key))?;
        let temporary = self.temporaries(objects.len());
        // One object in a folder that is there costs two syncs either way.
        let together = (objects.len() > 1 || to_sync.len() > 1) && lock.can_sync_everything();
        let placed = || -> Result<(), StoreError> {
            let create = |synced: bool| {
                parallel::try_each(objects, |number, object| {
                    let path = temporary(number);
                    self.disk.create(&path, &object.bytes, synced).map_err(io_error("write", &path))
                })
            };
            create(!together)?;
            if together {
                self.sync_everything(lock)?;
            }
            parallel::try_each(objects, |number, object| {
                let path = self.path(&object.key);
                self.disk.rename(&temporary(number), &path).map_err(io_error("rename to", &path))
            })?;
            if together { self.sync_everything(lock) } else { self.sync_folders(&to_sync) }
        };
        let result = placed();
        if result.is_err() {
            // Best effort: what is left is removed when the folder is next opened for writing.
            (0..objects.len()).for_each(|number| drop(self.disk.remove_file(&temporary(number))));
        }
        result
    }

    /// Makes the folders that objects lie in; returns those in which names change.
    fn make_folders<'k>(&self, keys: impl Iterator<Item = &'k Key>) -> Result<BTreeSet<PathBuf>, StoreError> {
        let (mut folders, mut to_sync) = (BTreeSet::new(), BTreeSet::new());
        for key in keys {
            let path = self.path(key);
            let parent = path.parent().unwrap_or(&self.root);
            if folders.insert(parent.to_owned()) {
                self.make_folder(parent, &mut to_sync)?;
            }
        }
        to_sync.append(&mut folders);
        Ok(to_sync)
    }

    /// Writes objects under their names, where whatever is there is of no use.
    fn write_aside(&self, objects: &[Object], synced: bool) -> Result<(), StoreError> {
        parallel::try_each(objects, |_, Object { key, bytes }| {
            let path = self.path(key);
            let mut written = self.disk.create(&path, bytes, synced);
            if written.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::AlreadyExists) {
                self.disk.remove_file(&path).map_err(io_error("remove", &path))?;
                written = self.disk.create(&path, bytes, synced);
            }
            written.map_err(io_error("write", &path))
        })
    }

    /// Gives a file a second name, in one step, in place of what stands there; a copy where the file system knows no second
    /// names.
    fn second_name(&self, from: &Path, to: &Path, temporary: &Path) -> io::Result<()> {
        match self.disk.link(from, to) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => self.disk.link(from, temporary),
            Err(error) if !is_absent(&error) => {
                self.disk.create(temporary, &self.disk.read(from, 0, u64::MAX)?, true)
            }
            done => return done,
        }?;
        self.disk.rename(temporary, to)?;
        // Where both are names of one file already, renaming does nothing.
        match self.disk.remove_file(temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Returns names for so many files that are on their way.
    fn temporaries(&self, count: usize) -> impl Fn(usize) -> PathBuf {
        let first = self.next_temporary.fetch_add(count as u64, Ordering::Relaxed);
        let folder = self.root.join(LOCAL).join("tmp");
        move |number| folder.join((first + number as u64).to_string())
    }

    /// Returns whether an object is what a writer expects. His lock makes it one step with what he does next.
    fn is(&self, key: &Key, expected: Option<&[u8]>) -> Result<bool, StoreError> {
        self.lock(key)?;
        match self.get(key, expected.map_or(0, |bytes| bytes.len() as u64)) {
            Err(StoreError::TooLarge { .. }) => Ok(false),
            found => Ok(found?.as_deref() == expected),
        }
    }

    /// Refuses to replace an object that must not change.
    fn must_be_the_same(&self, object: &Object) -> Result<(), StoreError> {
        match self.get(&object.key, object.bytes.len() as u64) {
            Ok(Some(found)) if found != object.bytes => {
                Err(StoreError::Immutable { key: object.key.clone() })
            }
            Err(StoreError::TooLarge { .. }) => Err(StoreError::Immutable { key: object.key.clone() }),
            found => found.map(drop),
        }
    }
}

impl Store for FileStore {
    fn get(&self, key: &Key, limit: u64) -> Result<Option<Vec<u8>>, StoreError> {
        match self.get_range(key, 0, limit.saturating_add(1))? {
            Some(bytes) if bytes.len() as u64 > limit => {
                let size = self.disk.size(&self.path(key)).unwrap_or_default();
                Err(StoreError::TooLarge { key: key.clone(), size: size.max(limit.saturating_add(1)), limit })
            }
            found => Ok(found),
        }
    }

    fn get_range(&self, key: &Key, from: u64, length: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let path = self.path(key);
        // Looked at first: opening a pipe that somebody left in a file's place would wait for ever.
        let refused = match self.kind(key) {
            Ok(Kind::File) => None,
            Ok(Kind::Link) => Some("a link leads there, and is not followed"),
            Ok(Kind::Folder | Kind::Other) => Some("not a regular file"),
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) => return Err(io_error("read", &path)(error)),
        };
        if let Some(why) = refused {
            return Err(io_error("read", &path)(io::Error::other(why)));
        }
        match self.disk.read(&path, from, length) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(io_error("read", &path)(error)),
        }
    }

    fn put_immutable(&self, objects: &[Object]) -> Result<(), StoreError> {
        self.put_together(objects, &[])
    }

    fn put(&self, objects: &[Object]) -> Result<(), StoreError> {
        self.put_together(&[], objects)
    }

    fn put_together(&self, immutable: &[Object], mutable: &[Object]) -> Result<(), StoreError> {
        parallel::try_each(immutable, |_, object| self.must_be_the_same(object))?;
        self.place(&immutable.iter().chain(mutable).collect::<Vec<_>>())
    }

    fn can_move(&self) -> bool {
        true
    }

    fn put_aside(&self, objects: &[Object]) -> Result<(), StoreError> {
        let Some(first) = objects.first() else { return Ok(()) };
        let lock = self.lock(&first.key)?;
        let to_sync = self.make_folders(objects.iter().map(|object| &object.key))?;
        let together = lock.can_sync_everything();
        self.write_aside(objects, !together)?;
        if together { self.sync_everything(lock) } else { self.sync_folders(&to_sync) }
    }

    fn put_in_place(&self, immutable: &[Move], mutable: &[Move]) -> Result<(), StoreError> {
        let both = || immutable.iter().chain(mutable);
        let Some(first) = both().next() else { return Ok(()) };
        let lock = self.lock(&first.to)?;
        let to_sync = self.make_folders(both().map(|moved| &moved.to))?;
        parallel::try_each(immutable, |_, Move { from, to }| {
            let bytes = if self.kind(to).is_ok() { self.get(from, u64::MAX)? } else { None };
            bytes.map_or(Ok(()), |bytes| self.must_be_the_same(&Object { key: to.clone(), bytes }))
        })?;
        let all: Vec<&Move> = both().collect();
        let temporary = self.temporaries(all.len());
        let placed = parallel::try_each(&all, |number, Move { from, to }| {
            let (from, path) = (self.path(from), self.path(to));
            match self.second_name(&from, &path, &temporary(number)) {
                // Done before.
                Err(error) if is_absent(&error) && self.kind(to).is_ok_and(|kind| kind == Kind::File) => {
                    Ok(())
                }
                named => named.map_err(io_error("link to", &path)),
            }
        });
        if placed.is_err() {
            (0..all.len()).for_each(|number| drop(self.disk.remove_file(&temporary(number))));
        }
        placed?;
        if lock.can_sync_everything() { self.sync_everything(lock) } else { self.sync_folders(&to_sync) }
    }

    fn compare_and_move(&self, moved: &Move, expected: Option<&[u8]>) -> Result<bool, StoreError> {
        if !self.is(&moved.to, expected)? {
            return Ok(false);
        }
        let to_sync = self.make_folders([&moved.to].into_iter())?;
        let (path, temporary) = (self.path(&moved.to), self.temporaries(1)(0));
        self.second_name(&self.path(&moved.from), &path, &temporary).map_err(io_error("link to", &path))?;
        self.sync_folders(&to_sync)?;
        Ok(true)
    }

    fn compare_and_swap(&self, key: &Key, expected: Option<&[u8]>, new: &[u8]) -> Result<bool, StoreError> {
        if !self.is(key, expected)? {
            return Ok(false);
        }
        self.place(&[&Object { key: key.clone(), bytes: new.to_vec() }])?;
        Ok(true)
    }

    fn delete(&self, keys: &[Key]) -> Result<(), StoreError> {
        let mut left = BTreeSet::new();
        for key in keys {
            self.lock(key)?;
            let path = self.path(key);
            match self.disk.remove_file(&path) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(io_error("remove", &path)(error)),
            }
            left.extend(path.parent().map(Path::to_owned));
        }
        // A folder that became empty goes too, but for ours, which are soon filled again; one that did not stays, and that is
        // no error.
        let local = self.root.join(LOCAL);
        for folder in left {
            let mut folder = Some(folder.as_path());
            let goes = |parent: &&Path| *parent != self.root && !parent.starts_with(&local);
            while let Some(parent) = folder.filter(goes) {
                if self.disk.remove_folder(parent).is_err() {
                    break;
                }
                folder = parent.parent();
            }
        }
        Ok(())
    }

    fn list(&self, folder: &str) -> Result<Listing, StoreError> {
        let mut listing = Listing::default();
        self.walk(folder, &mut listing)?;
        listing.keys.sort();
        listing.foreign.sort();
        Ok(listing)
    }
}

impl FileStore {
    /// Lists `folder` below the root without following links.
    fn walk(&self, folder: &str, listing: &mut Listing) -> Result<(), StoreError> {
        let path = if folder.is_empty() { self.root.clone() } else { self.root.join(folder) };
        let found = match self.disk.list(&path) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(io_error("list", &path)(error)),
        };
        for (name, kind) in found {
            let name = if folder.is_empty() { name } else { format!("{folder}/{name}") };
            if kind == Kind::Folder {
                self.walk(&name, listing)?;
                continue;
            }
            match Key::new(name.clone()) {
                Ok(key) if kind == Kind::File => listing.keys.push(key),
                _ => listing.foreign.push(name),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

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
