//! Layer 3: bytes by key. Knows nothing of tiles, entries or notes.
//!
//! A [`Store`] holds the objects of one log: on disk a folder that can be served as static files as it lies
//! ([`files::FileStore`]), in an object store a prefix of a bucket (`bucket::BucketStore`), in tests a map that fails on demand ([`memory::MemoryStore`]). For readers alone, who may be
//! anywhere: what a web server gives out ([`web::WebStore`]) and what lies in an archive ([`archive::ArchiveStore`]);
//! in front of them a reader ahead ([`ahead::ReadAhead`]) and a folder of what was fetched before
//! ([`cache::Cached`]).
//!
//! Contract, tested on every store: when a writing call returns `Ok`, what it wrote survives a crash of the
//! machine. When it returns `Err`, each object of the call may or may not have been written, whole, never in
//! part; but for [`Store::put_aside`], whose objects nobody reads yet. An object written by [`Store::put_immutable`] never changes.
//!
//! What is trusted: [`Store::compare_and_swap`], and on a disk the lock, keep two writers from forking a log, so whoever can
//! write to the store can make the *writer* misbehave. A reader trusts nothing here: `verify` checks all it reads.

pub mod ahead;
pub mod archive;
#[cfg(feature = "bucket")]
pub mod bucket;
pub mod cache;
pub mod disk;
pub mod files;
pub mod memory;
#[cfg(feature = "bucket")]
pub mod records;
pub mod web;

use std::fmt;
use std::path::PathBuf;

use thiserror::Error;

pub use ahead::{ReadAhead, Wanted};
pub use archive::ArchiveStore;
#[cfg(feature = "bucket")]
pub use bucket::{Bucket, BucketStore};
pub use cache::{Cached, Judge};
pub use files::FileStore;
pub use memory::MemoryStore;
#[cfg(feature = "bucket")]
pub use records::{Opened, Records};
pub use web::WebStore;

/// The name of an object: 1 to 255 bytes, components of `A-Z a-z 0-9 . _ -` joined by `/`, none of them empty,
/// `.` or `..`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(String);

impl Key {
    /// Checks and takes `name`.
    ///
    /// # Errors
    /// [`KeyError`] for a name outside the form above.
    pub fn new(name: impl Into<String>) -> Result<Self, KeyError> {
        let name = name.into();
        let component = |part: &str| {
            !matches!(part, "" | "." | "..")
                && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
        };
        if name.len() <= 255 && name.split('/').all(component) { Ok(Key(name)) } else { Err(KeyError(name)) }
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A name that cannot be an object's.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("not an object name: {0:?}")]
pub struct KeyError(String);

/// An object to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Its name.
    pub key: Key,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// From the name under which an object was put aside to the one that it is to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// Where it lies.
    pub from: Key,
    /// Where it belongs.
    pub to: Key,
}

/// Why a store could not do what it was asked.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The operating system refused.
    #[error("cannot {op} {}", .path.display())]
    Io {
        /// What was tried: `read`, `write`, `sync` …
        op: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The object is there already, with other bytes. Published objects never change.
    #[error("{key} is there already with other bytes: published files never change")]
    Immutable {
        /// Its name.
        key: Key,
    },
    /// The object is larger than anything of its name may be.
    #[error("{key} has {size} bytes; at most {limit} are allowed there")]
    TooLarge {
        /// Its name.
        key: Key,
        /// Its size in bytes.
        size: u64,
        /// The largest that is read.
        limit: u64,
    },
    /// Another writer holds the log.
    #[error("another process is writing to this log (it holds {})", .path.display())]
    Locked {
        /// The lock file.
        path: PathBuf,
    },
    /// An object of an index has other bytes than were written.
    #[error("{key} was changed by somebody else: it is made again when the log is next opened")]
    CutShort {
        /// Its name.
        key: Key,
    },
    /// The store does not keep several writers apart.
    #[error("{place} cannot hold a log: it does not keep writers apart: {seen}")]
    Unsafe {
        /// The store.
        place: String,
        /// What was seen when it was tried.
        seen: String,
    },
    /// The store was opened for reading.
    #[error("{key} cannot be written: the log was opened for reading")]
    ReadOnly {
        /// What was to be written.
        key: Key,
    },
}

/// Objects by key, with the durability that the module describes. A store that is for reading only leaves the writing
/// calls as they are here: they refuse.
pub trait Store: Send + Sync {
    /// Returns the object's bytes; `None` if there is none. Never reads more than `limit` bytes: whoever made the
    /// store may be hostile to its readers.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`]; [`StoreError::Io`]: whether there is one is then unknown.
    fn get(&self, key: &Key, limit: u64) -> Result<Option<Vec<u8>>, StoreError>;

    /// Returns the bytes of an object from `from` on, at most `length` of them; `None` if there is none. Costs no more than reading
    /// these, where a store can read a part.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    fn get_range(&self, key: &Key, from: u64, length: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let bytes = self.get(key, u64::MAX)?;
        let part = |bytes: Vec<u8>| bytes.into_iter().skip(from as usize).take(length as usize).collect();
        Ok(bytes.map(part))
    }

    /// Writes objects that must not change once written. One that is there with the same bytes is written again, as
    /// it may be there only in memory.
    ///
    /// # Errors
    /// [`StoreError::Immutable`] if one is there with other bytes, [`StoreError::Io`], [`StoreError::ReadOnly`].
    fn put_immutable(&self, objects: &[Object]) -> Result<(), StoreError> {
        refuse(objects.iter().map(|object| &object.key))
    }

    /// Writes objects, each replacing what was there in one step.
    ///
    /// # Errors
    /// [`StoreError::Io`], [`StoreError::ReadOnly`].
    fn put(&self, objects: &[Object]) -> Result<(), StoreError> {
        refuse(objects.iter().map(|object| &object.key))
    }

    /// As [`Store::put_immutable`] and [`Store::put`]; a store may make both durable at the cost of one.
    ///
    /// # Errors
    /// As theirs.
    fn put_together(&self, immutable: &[Object], mutable: &[Object]) -> Result<(), StoreError> {
        self.put_immutable(immutable)?;
        self.put(mutable)
    }

    /// Returns whether objects can be written aside and moved later, so that their bytes are written once:
    /// [`Store::put_aside`] and [`Store::put_in_place`].
    fn can_move(&self) -> bool {
        false
    }

    /// Writes objects that nobody reads before he is told of them by what is written later. As [`Store::put`], except that an
    /// error, or a crash before the call returns, may leave a part of one.
    ///
    /// # Errors
    /// [`StoreError::Io`], [`StoreError::ReadOnly`].
    fn put_aside(&self, objects: &[Object]) -> Result<(), StoreError> {
        self.put(objects)
    }

    /// Gives objects that were put aside the names that they are to have, each in one step, in place of what is there. They keep
    /// their first names, too. One that has lost its first name, and has its second, is left as it is.
    ///
    /// # Errors
    /// [`StoreError::Immutable`] if one of `immutable` would replace other bytes; [`StoreError::Io`], also for one that is under
    /// neither name; [`StoreError::ReadOnly`].
    fn put_in_place(&self, immutable: &[Move], mutable: &[Move]) -> Result<(), StoreError> {
        let read = |moves: &[Move]| -> Result<Vec<Object>, StoreError> {
            let mut objects = Vec::new();
            for Move { from, to } in moves {
                match self.get(from, u64::MAX)? {
                    Some(bytes) => objects.push(Object { key: to.clone(), bytes }),
                    None if self.get(to, u64::MAX)?.is_some() => {}
                    None => {
                        let (path, source) = (from.as_str().into(), std::io::ErrorKind::NotFound.into());
                        return Err(StoreError::Io { op: "move", path, source });
                    }
                }
            }
            Ok(objects)
        };
        self.put_together(&read(immutable)?, &read(mutable)?)
    }

    /// As [`Store::compare_and_swap`], with an object that was put aside, which keeps its first name, too.
    ///
    /// # Errors
    /// As there; [`StoreError::Io`] also if it is not there.
    fn compare_and_move(&self, moved: &Move, expected: Option<&[u8]>) -> Result<bool, StoreError> {
        let Some(new) = self.get(&moved.from, u64::MAX)? else {
            let (path, source) = (moved.from.as_str().into(), std::io::ErrorKind::NotFound.into());
            return Err(StoreError::Io { op: "move", path, source });
        };
        self.compare_and_swap(&moved.to, expected, &new)
    }

    /// Replaces `key` by `new` if and only if its bytes are `expected` (`None`: there is no object). Returns whether
    /// it did.
    ///
    /// # Errors
    /// [`StoreError::Io`]: whether it was replaced is then unknown. [`StoreError::ReadOnly`].
    fn compare_and_swap(&self, key: &Key, expected: Option<&[u8]>, new: &[u8]) -> Result<bool, StoreError> {
        let _ = (expected, new);
        refuse([key]).map(|()| false)
    }

    /// Removes objects; one that is not there is no error. Removal need not survive a crash.
    ///
    /// # Errors
    /// [`StoreError::Io`], [`StoreError::ReadOnly`].
    fn delete(&self, keys: &[Key]) -> Result<(), StoreError> {
        refuse(keys)
    }

    /// Returns the names of all objects below `folder` (without a final `/`; `""` for all), sorted. What cannot be
    /// an object's name is returned apart, as found.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    fn list(&self, folder: &str) -> Result<Listing, StoreError>;

    /// Where any number of writers may have the store open at once, with nothing but conditional writes between them:
    /// what this one keeps for itself, derived from what is there. `None` where there is one writer at a time; what he
    /// derives lies in the store.
    fn own(&self) -> Option<&dyn Store> {
        None
    }

    /// Returns the names of all objects below `folder`, each with a mark that is another once its bytes are; `None` where a
    /// store knows no such marks. Costs what a listing costs.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    fn marks(&self, folder: &str) -> Result<Option<Vec<(Key, String)>>, StoreError> {
        let _ = folder;
        Ok(None)
    }

    /// Returns whether [`Store::list`] knows what is there. A web server says only whether a file that it is asked for
    /// is there: its listing is empty, and means nothing.
    fn lists(&self) -> bool {
        true
    }
}

fn refuse<'a>(keys: impl IntoIterator<Item = &'a Key>) -> Result<(), StoreError> {
    keys.into_iter().next().map_or(Ok(()), |key| Err(StoreError::ReadOnly { key: key.clone() }))
}

/// What lies in a folder of a store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// The objects, sorted.
    pub keys: Vec<Key>,
    /// Names that are no object's: links, sockets, odd characters.
    pub foreign: Vec<String>,
}

#[cfg(all(test, feature = "bucket"))]
#[path = "../../tests/support/weed.rs"]
mod weed;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_cannot_leave_the_store() {
        for good in ["checkpoint", "tile/0/x001/234.p/7", ".local/staging", "a"] {
            assert_eq!(Key::new(good).unwrap().as_str(), good);
        }
        let long = "a".repeat(256);
        for bad in ["", "/a", "a/", "a//b", "..", "a/../b", "./a", "a\\b", "a b", "a\0", "é", long.as_str()]
        {
            assert!(Key::new(bad).is_err(), "{bad:?}");
        }
        assert!(Key::new("a".repeat(255)).is_ok());
    }

    /// The contract, run on both stores.
    fn contract(store: &dyn Store) {
        let key = |name: &str| Key::new(name).unwrap();
        let object = |name: &str, bytes: &[u8]| Object { key: key(name), bytes: bytes.to_vec() };

        assert_eq!(store.get(&key("a/b"), 9).unwrap(), None);
        store.put_immutable(&[object("a/b", b"1"), object("a/c/d", b"")]).unwrap();
        assert_eq!(store.get(&key("a/b"), 9).unwrap().as_deref(), Some(&b"1"[..]));
        assert_eq!(store.get(&key("a/c/d"), 9).unwrap().as_deref(), Some(&b""[..]));
        store.put_immutable(&[object("a/b", b"1")]).unwrap();
        let refused = store.put_immutable(&[object("a/b", b"2")]);
        assert!(matches!(refused, Err(StoreError::Immutable { .. })), "{refused:?}");
        assert_eq!(store.get(&key("a/b"), 9).unwrap().as_deref(), Some(&b"1"[..]));

        assert!(matches!(store.get(&key("a/b"), 0), Err(StoreError::TooLarge { size: 1, limit: 0, .. })));
        store.put(&[object("r", b"0123456789")]).unwrap();
        let range = |from, length| store.get_range(&key("r"), from, length).unwrap().unwrap();
        assert_eq!([range(0, 3), range(8, 9), range(10, 1), range(99, 1)], [&b"012"[..], b"89", b"", b""]);
        assert_eq!(store.get_range(&key("never"), 0, 1).unwrap(), None);
        store.delete(&[key("r")]).unwrap();

        store.put(&[object("m", b"1")]).unwrap();
        store.put(&[object("m", b"22")]).unwrap();
        assert_eq!(store.get(&key("m"), 9).unwrap().as_deref(), Some(&b"22"[..]));

        assert!(!store.compare_and_swap(&key("c"), Some(b"x"), b"1").unwrap());
        assert!(store.compare_and_swap(&key("c"), None, b"1").unwrap());
        assert!(!store.compare_and_swap(&key("c"), None, b"2").unwrap());
        assert!(store.compare_and_swap(&key("c"), Some(b"1"), b"2").unwrap());
        assert_eq!(store.get(&key("c"), 9).unwrap().as_deref(), Some(&b"2"[..]));

        let names = |folder: &str| -> Vec<String> {
            let names = store.list(folder).unwrap().keys.into_iter().map(|key| key.to_string());
            names.filter(|name| !name.starts_with(".local/")).collect()
        };
        assert_eq!(names("a"), ["a/b", "a/c/d"]);
        assert_eq!(names(""), ["a/b", "a/c/d", "c", "m"]);
        assert_eq!(names("nothing"), [""; 0]);

        let to = |from: &str, to: &str| Move { from: key(from), to: key(to) };
        store.put_aside(&[object("aside/1", b"old")]).unwrap();
        store.put_aside(&[object("aside/1", b"1"), object("aside/2", b"2")]).unwrap();
        let (immutable, mutable) = ([to("aside/1", "t/1")], [to("aside/2", "m")]);
        for _ in 0..2 {
            store.put_in_place(&immutable, &mutable).unwrap();
            assert_eq!(store.get(&key("t/1"), 9).unwrap().as_deref(), Some(&b"1"[..]));
            assert_eq!(store.get(&key("m"), 9).unwrap().as_deref(), Some(&b"2"[..]));
            assert_eq!(names("aside"), ["aside/1", "aside/2"]);
        }
        store.delete(&[key("aside/1"), key("aside/2")]).unwrap();
        store.put_in_place(&immutable, &mutable).unwrap();
        store.put_aside(&[object("aside/1", b"1"), object("aside/2", b"other")]).unwrap();
        store.put_in_place(&immutable, &[]).unwrap();
        let refused = store.put_in_place(&[to("aside/2", "t/1")], &[]);
        assert!(matches!(refused, Err(StoreError::Immutable { .. })), "{refused:?}");
        assert_eq!(store.get(&key("t/1"), 9).unwrap().as_deref(), Some(&b"1"[..]));
        let refused = store.put_in_place(&[to("aside/9", "t/9")], &[]);
        assert!(matches!(refused, Err(StoreError::Io { .. })), "{refused:?}");

        store.put_aside(&[object("aside/3", b"3")]).unwrap();
        let moved = to("aside/3", "c");
        assert!(!store.compare_and_move(&moved, None).unwrap());
        assert!(!store.compare_and_move(&moved, Some(b"22")).unwrap());
        assert!(store.compare_and_move(&moved, Some(b"2")).unwrap());
        assert_eq!(store.get(&key("c"), 9).unwrap().as_deref(), Some(&b"3"[..]));
        assert!(store.compare_and_move(&to("aside/3", "new"), None).unwrap());
        let gone = store.compare_and_move(&to("aside/4", "c"), Some(b"3"));
        assert!(matches!(gone, Err(StoreError::Io { .. })), "{gone:?}");

        store.delete(&[key("a/b"), key("never")]).unwrap();
        assert_eq!(store.get(&key("a/b"), 9).unwrap(), None);
    }

    #[cfg(feature = "bucket")]
    #[test]
    fn a_bucket_keeps_the_contract() {
        let Some(weed) = weed::Weed::start() else { return };
        let caches = tempfile::tempdir().unwrap();
        for (number, prefix) in ["", "/some/prefix"].into_iter().enumerate() {
            let settings = bucket::Settings::new(weed.settings(number));
            let bucket = Bucket::new(&format!("s3://contract{prefix}"), &settings, caches.path()).unwrap();
            let store = bucket.writer().unwrap();
            contract(&store);
            // Listings come in pages of a thousand.
            let many: Vec<Object> = (0..1_100)
                .map(|number| Object { key: Key::new(format!("many/{number}")).unwrap(), bytes: vec![b'x'] })
                .collect();
            store.put_immutable(&many).unwrap();
            assert_eq!(store.list("many").unwrap().keys.len(), many.len());
            let keys: Vec<Key> = many.into_iter().map(|object| object.key).collect();
            store.delete(&keys).unwrap();
            assert_eq!(store.list("many").unwrap().keys, []);
            let left = store.list("").unwrap().keys;
            assert!(left.iter().all(|key| !key.as_str().contains("probe")), "{left:?}");
            let reader = bucket.reader();
            assert_eq!(reader.get(&keys[0], 9).unwrap(), None);
            assert!(matches!(reader.delete(&keys), Err(StoreError::ReadOnly { .. })));
        }
    }

    #[test]
    fn both_stores_keep_the_contract() {
        contract(&MemoryStore::default());
        let folder = tempfile::tempdir().unwrap();
        contract(&FileStore::writer(folder.path()).unwrap());
    }
}
