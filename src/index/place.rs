//! Where the index lies, and that there is always one that can be used.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use rusqlite::Connection;

use crate::record::layout;

use super::schema;
use super::{IndexError, Source, Trouble, ingest};

const NAME: &str = "search.sqlite";
const LOCK: &str = "search.lock";
/// The end of the name of one that is being made.
const NEW: &str = "new";
/// How often, and how long apart, one tries while another command uses it: ten seconds.
const TRIES: u32 = 500;
const PAUSE: Duration = Duration::from_millis(20);

/// How an index came to be what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// It was there, and up to date.
    Current,
    /// It was there, and was brought up to date.
    Followed,
    /// It was made anew, and kept.
    Rebuilt,
    /// It was made anew for this one use, as it cannot be kept.
    InMemory,
}

/// An index that is up to the log.
#[derive(Debug)]
pub struct SearchIndex {
    db: Connection,
    how: How,
    path: Option<PathBuf>,
    /// Held for as long as the file is used: SQLite's own locks do not outlive the file that is replaced.
    _lock: Option<File>,
}

/// No index, as long as it is held.
#[derive(Debug)]
pub struct Forgotten {
    _lock: File,
}

impl SearchIndex {
    /// Opens the index of a log and brings it up to date, or makes it: whatever is wrong with the one that is there, this is
    /// no error. Costs a look at the times of some files, and a reading of what is new or has changed; a pass over the log where
    /// it is made.
    ///
    /// # Errors
    /// [`IndexError::Log`]; [`IndexError::Database`] if not even one in memory can be made.
    pub fn open(source: &Source<'_>) -> Result<Self, IndexError> {
        let folder = source.records.join(layout::LOCAL);
        let path = folder.join(NAME);
        let Ok(lock) = take_lock(&folder) else {
            // It can be read, at least, if it is up to date.
            return match Self::as_it_is(&path, source) {
                Some(index) => Ok(index),
                None => Self::in_memory(source),
            };
        };
        match Self::follow(&path, source) {
            Ok((db, how)) => Ok(SearchIndex { db, how, path: Some(path), _lock: Some(lock) }),
            Err(Trouble::Log(error)) => Err(error.into()),
            Err(_) => match Self::build(&path, source, lock) {
                Err(IndexError::Log(error)) => Err(error.into()),
                Err(_) => Self::in_memory(source),
                built => built,
            },
        }
    }

    /// Opens the index of a log and brings it up to date, as [`SearchIndex::open`] does, but makes none: `None` where there is
    /// none that can be used.
    pub fn kept(source: &Source<'_>) -> Option<Self> {
        let folder = source.records.join(layout::LOCAL);
        let path = folder.join(NAME);
        if !path.exists() {
            return None;
        }
        let Ok(lock) = take_lock(&folder) else { return Self::as_it_is(&path, source) };
        let (db, how) = Self::follow(&path, source).ok()?;
        Some(SearchIndex { db, how, path: Some(path), _lock: Some(lock) })
    }

    /// Brings the index that is there up to date.
    fn follow(path: &Path, source: &Source<'_>) -> Result<(Connection, How), Trouble> {
        let mut db = schema::open(path, false)?;
        let done = match ingest::catch_up(&mut db, source) {
            // The log grew past what was to be read. What was written until then was taken back: the file is what it was, at
            // another time.
            Err(error @ Trouble::Log(_)) => {
                drop(db);
                schema::leave(path)?;
                return Err(error);
            }
            done => done?,
        };
        if done.wrote {
            schema::leave(path)?;
        }
        Ok((db, if done.wrote { How::Followed } else { How::Current }))
    }

    /// Makes the index anew, whatever is there.
    ///
    /// # Errors
    /// [`IndexError`].
    pub fn rebuild(source: &Source<'_>) -> Result<Self, IndexError> {
        let folder = source.records.join(layout::LOCAL);
        let lock = take_lock(&folder).map_err(IndexError::Folder)?;
        Self::build(&folder.join(NAME), source, lock)
    }

    /// Makes an index that is not kept.
    ///
    /// # Errors
    /// [`IndexError::Log`], [`IndexError::Database`].
    pub fn in_memory(source: &Source<'_>) -> Result<Self, IndexError> {
        let db = fill(None, source).map_err(fatal)?;
        Ok(SearchIndex { db, how: How::InMemory, path: None, _lock: None })
    }

    /// Removes the index of the log in `records`, with all that was left of making one. It is made anew when it is needed, and by
    /// nobody as long as what is returned is held: whoever makes one may have read already what is about to go.
    ///
    /// # Errors
    /// What the system refuses; [`io::ErrorKind::WouldBlock`] if another command uses the index for ten seconds.
    pub fn forget(records: &Path) -> Result<Forgotten, io::Error> {
        let folder = records.join(layout::LOCAL);
        let lock = take_lock(&folder)?;
        let path = folder.join(NAME);
        let ends = ["sqlite", "sqlite-journal", "sqlite-wal", "sqlite-shm", "stamp"];
        ends.iter().try_for_each(|end| remove(&path.with_extension(end)))?;
        Ok(Forgotten { _lock: lock })
    }

    /// Opens the index of a log without bringing it up to date, and says how many entries it knows; `None` where there is none that
    /// can be used so. Writes nothing. Costs some dozen pages and tiles.
    pub fn behind(source: &Source<'_>) -> Option<(Self, u64)> {
        let path = source.records.join(layout::LOCAL).join(NAME);
        let db = schema::open(&path, true).ok()?;
        let size = ingest::how_far(&db, source).ok()?;
        Some((SearchIndex { db, how: How::Current, path: Some(path), _lock: None }, size))
    }

    /// Returns what changes whenever the index that is kept does: its size and time.
    pub fn mark(records: &Path) -> Option<(u64, i64)> {
        schema::seen(&records.join(layout::LOCAL).join(NAME))
    }

    fn as_it_is(path: &Path, source: &Source<'_>) -> Option<Self> {
        let mut db = schema::open(path, true).ok()?;
        // What would have to be written cannot be.
        ingest::catch_up(&mut db, source).ok().filter(|done| !done.wrote)?;
        Some(SearchIndex { db, how: How::Current, path: Some(path.to_owned()), _lock: None })
    }

    /// Makes it beside, and puts it in its place when it is whole.
    fn build(path: &Path, source: &Source<'_>, lock: File) -> Result<Self, IndexError> {
        let built = || -> Result<Connection, Trouble> {
            let beside = path.with_extension(NEW);
            drop(fill(Some(&beside), source)?);
            // What an interrupted change left belongs to the file that goes.
            remove(&path.with_extension("sqlite-journal"))?;
            remove(&path.with_extension("stamp"))?;
            fs::rename(&beside, path)?;
            schema::leave(path)?;
            schema::open(path, false)
        };
        let db = built().map_err(fatal)?;
        Ok(SearchIndex { db, how: How::Rebuilt, path: Some(path.to_owned()), _lock: Some(lock) })
    }

    /// Returns how it came to be what it is.
    pub fn how(&self) -> How {
        self.how
    }

    /// Returns the file it lies in; `None` in memory.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Returns how many records are registered in it, how many of those with their text, and how many statements say
    /// something of them.
    ///
    /// # Errors
    /// [`IndexError::Database`].
    pub fn counts(&self) -> Result<(u64, u64, u64), IndexError> {
        let sql = "SELECT (SELECT count(*) FROM document), (SELECT count(*) FROM document WHERE body = 1), \
                   (SELECT count(*) FROM statement)";
        let get = |row: &rusqlite::Row<'_>, place| row.get::<_, i64>(place).map(i64::cast_unsigned);
        self.ask(|db| db.query_row(sql, [], |row| Ok((get(row, 0)?, get(row, 1)?, get(row, 2)?))))
    }

    pub(super) fn ask<T>(
        &self,
        question: impl FnOnce(&Connection) -> Result<T, rusqlite::Error>,
    ) -> Result<T, IndexError> {
        // One look at the file for all that is asked: each look takes SQLite's locks, and sees whether another wrote.
        let reading = self.db.unchecked_transaction().map_err(IndexError::Database)?;
        question(&reading).map_err(IndexError::Database)
    }
}

/// Makes an index at `path`, or in memory, of all that the log has.
fn fill(path: Option<&Path>, source: &Source<'_>) -> Result<Connection, Trouble> {
    let mut db = schema::new(path)?;
    ingest::begin(&db, source)?;
    ingest::catch_up(&mut db, source)?;
    Ok(db)
}

fn fatal(trouble: Trouble) -> IndexError {
    match trouble {
        Trouble::Log(error) => error.into(),
        Trouble::Folder(error) => IndexError::Folder(error),
        Trouble::Database(error) => IndexError::Database(error),
        // A new one is of this log and this release; the log changed while it was read.
        Trouble::Stale => IndexError::Database(rusqlite::Error::InvalidQuery),
    }
}

fn remove(path: &Path) -> Result<(), io::Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Waits for another command that uses the index, but not for ever. What is left of one that was not made to its end goes: it
/// may have words that were erased since.
fn take_lock(folder: &Path) -> Result<File, io::Error> {
    fs::create_dir_all(folder)?;
    let file = File::options().create(true).truncate(false).write(true).open(folder.join(LOCK))?;
    for _ in 0..TRIES {
        match file.try_lock() {
            Ok(()) => {
                let beside = folder.join(NAME).with_extension(NEW);
                remove(&beside)?;
                remove(&beside.with_extension("new-journal"))?;
                return Ok(file);
            }
            Err(TryLockError::WouldBlock) => thread::sleep(PAUSE),
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    Err(io::Error::new(io::ErrorKind::WouldBlock, "another command uses it"))
}
