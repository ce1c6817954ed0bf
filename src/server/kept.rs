//! Lists that the server keeps beside the keys: tokens, invitations, sessions. One JSON file each in `keys/private/server/`,
//! readable by its owner alone, replaced whole, and changed by one process at a time.
//!
//! ```json
//! {"format":"dateline-tokens/1","list":[…]}
//! ```

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Bytes of such a file that are read: some 10,000 items.
const FILE_MAX_BYTES: u64 = 4 << 20;

/// Why a list cannot be read or kept.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum KeptError {
    /// The file system refused.
    #[error("cannot {op} {}", .path.display())]
    Io {
        /// What was tried.
        op: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The file is not one of these.
    #[error("{} is not a file of the format {format:?}", .path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The format that it should have.
        format: &'static str,
        /// What is wrong.
        #[source]
        source: serde_json::Error,
    },
    /// Of a release that this one does not know.
    #[error("{} is of the format {found:?}; this release reads {expected:?}", .path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// The format that this release reads.
        expected: &'static str,
        /// The format found.
        found: String,
    },
}

pub(super) fn io_error(op: &'static str, path: &Path) -> impl FnOnce(io::Error) -> KeptError {
    let path = path.to_owned();
    move |source| KeptError::Io { op, path, source }
}

#[derive(Serialize, Deserialize)]
struct Wire<T> {
    format: String,
    list: Vec<T>,
}

/// A list, by where it lies and the value of `format`.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) path: PathBuf,
    pub(super) format: &'static str,
}

impl Place {
    /// Reads the list; a file that is not there has none.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<Vec<T>, KeptError> {
        let path = &self.path;
        let bytes = match fs::metadata(path) {
            Ok(found) if found.len() > FILE_MAX_BYTES => {
                return Err(io_error("read", path)(io::Error::other("it is too large")));
            }
            Ok(_) => fs::read(path).map_err(io_error("read", path))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(io_error("read", path)(error)),
        };
        let malformed = |source| KeptError::Malformed { path: path.clone(), format: self.format, source };
        let wire: Wire<T> = serde_json::from_slice(&bytes).map_err(malformed)?;
        if wire.format != self.format {
            let (path, expected, found) = (path.clone(), self.format, wire.format);
            return Err(KeptError::Format { path, expected, found });
        }
        Ok(wire.list)
    }

    /// Reads the list, has it changed, and keeps it durably; waits for other processes that do the same.
    pub(super) fn change<T: Serialize + DeserializeOwned, R>(
        &self,
        change: impl FnOnce(&mut Vec<T>) -> R,
    ) -> Result<R, KeptError> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let _lock = lock(folder)?;
        let mut list = self.read()?;
        let result = change(&mut list);
        let wire = Wire { format: self.format.into(), list };
        let bytes = serde_json::to_vec_pretty(&wire).expect("internal error: a list is plain data");
        let write = || io_error("write", &self.path);
        // Readable by its owner alone, by default.
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(write())?;
        file.write_all(&bytes).and_then(|()| file.as_file().sync_all()).map_err(write())?;
        file.persist(&self.path).map_err(|error| write()(error.error))?;
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(write())?;
        Ok(result)
    }
}

/// Makes the folder if it is not there, for its owner alone, and locks it against other processes until the file is dropped.
pub(super) fn lock(folder: &Path) -> Result<File, KeptError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(io_error("make", folder))?;
    let path = folder.join("lock");
    let mut options = File::options();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(&path).map_err(io_error("open", &path))?;
    file.lock().map_err(io_error("lock", &path))?;
    Ok(file)
}

/// By what a file that was replaced is known. Its number tells where times are coarse.
type Stamp = (u64, SystemTime, u64);

fn stamp(path: &Path) -> Option<Stamp> {
    let found = fs::metadata(path).ok()?;
    #[cfg(unix)]
    let number = std::os::unix::fs::MetadataExt::ino(&found);
    #[cfg(not(unix))]
    let number = 0;
    Some((number, found.modified().ok()?, found.len()))
}

/// A list that is read often: read again only where its file was replaced.
pub(super) struct Watched<T> {
    place: Place,
    known: RwLock<Option<Known<T>>>,
}

/// A list, and what its file was when it was read.
type Known<T> = (Option<Stamp>, Arc<Vec<T>>);

impl<T: DeserializeOwned> Watched<T> {
    pub(super) fn at(place: Place) -> Self {
        Watched { place, known: RwLock::new(None) }
    }

    /// Returns the list as it is now.
    pub(super) fn now(&self) -> Result<Arc<Vec<T>>, KeptError> {
        let found = stamp(&self.place.path);
        if let Some((known, list)) = &*self.known.read().unwrap_or_else(PoisonError::into_inner)
            && *known == found
        {
            return Ok(Arc::clone(list));
        }
        let read = Arc::new(self.place.read()?);
        // What is replaced between the two is read again the next time.
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Some((found, Arc::clone(&read)));
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_kept_and_seen_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place { path: folder.path().join("server/list.json"), format: "list/1" };
        let watched = Watched::<u32>::at(place.clone());
        assert_eq!(*watched.now().unwrap(), Vec::<u32>::new());
        for number in 0..50 {
            place.change(|list: &mut Vec<u32>| list.push(number)).unwrap();
            assert_eq!(watched.now().unwrap().len(), number as usize + 1);
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            for path in [place.path.clone(), folder.path().join("server"), folder.path().join("server/lock")]
            {
                assert_eq!(
                    fs::metadata(&path).unwrap().permissions().mode() & 0o077,
                    0,
                    "{}",
                    path.display()
                );
            }
        }
        fs::write(&place.path, "{\"format\":\"list/2\",\"list\":[]}").unwrap();
        assert!(matches!(watched.now(), Err(KeptError::Format { .. })));
        fs::write(&place.path, "[]").unwrap();
        assert!(matches!(place.change(|_: &mut Vec<u32>| ()), Err(KeptError::Malformed { .. })));
        assert_eq!(fs::read(&place.path).unwrap(), b"[]", "what cannot be read is not replaced");
    }

    #[test]
    fn changes_of_many_at_once_all_count() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place { path: folder.path().join("list.json"), format: "list/1" };
        std::thread::scope(|scope| {
            for worker in 0..4 {
                let place = &place;
                scope.spawn(move || {
                    for number in 0..10 {
                        place.change(|list: &mut Vec<u32>| list.push(worker * 10 + number)).unwrap();
                    }
                });
            }
        });
        let mut list: Vec<u32> = place.read().unwrap();
        list.sort_unstable();
        assert_eq!(list, (0..40).collect::<Vec<_>>());
    }
}
