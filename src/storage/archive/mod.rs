//! A log in an archive: `.zip`, `.tar` or `.tar.gz`, told by content, at its top or under one `records/` folder.
//!
//! Nothing is unpacked to where a member's name says: names are only looked up. What makes an archive ambiguous is
//! refused, as two programs would unpack two logs: a name that stands there twice, two logs, a link or device in a tar
//! file that has bytes, one name for all. Links, devices, and names
//! that lead elsewhere (`..`, `/`, odd characters) are foreign, as in a folder, and never read.
//!
//! Bounds ([`Limits`]): members, bytes of the directory of a ZIP file or of the names in a tar file, bytes unpacked in all; one object's bytes are
//! bounded by who asks for it. A `.tar.gz` is unpacked into a temporary file without a name. Of a ZIP file on a web
//! server that gives out parts, only the directory and the members that are asked for are fetched.

mod bytes;
mod tar;
mod zip;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::{Key, Listing, Store, StoreError};
use bytes::Bytes;

pub use super::web::RemoteFile;

/// Bytes that tell what it is: a tar header's mark ends at 263.
pub const HEAD_BYTES: usize = 512;

/// How much an archive may hold.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Members, folders included.
    pub members: usize,
    /// Bytes of the central directory of a ZIP file; bytes of all names in a tar file together.
    pub directory_bytes: u64,
    /// Bytes of all members together, unpacked.
    pub unpacked_bytes: u64,
}

impl Default for Limits {
    /// A log of ten million entries with few originals, or of half a million that are all stored.
    fn default() -> Self {
        Limits { members: 1_000_000, directory_bytes: 128 << 20, unpacked_bytes: 16 << 30 }
    }
}

/// Why an archive cannot be read. None of it says that its log is bad.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// It cannot be read.
    #[error("cannot read {}", .path.display())]
    Io {
        /// The archive.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Another format.
    #[error("{} is neither a ZIP file, nor a tar file, nor a gzipped tar file", .path.display())]
    Format {
        /// The archive.
        path: PathBuf,
    },
    /// A name stands there twice.
    #[error("{} holds {} twice: which of them is meant, nothing says", .path.display(), named(.name))]
    Twice {
        /// The archive.
        path: PathBuf,
        /// The name, where it is known.
        name: Option<String>,
    },
    /// More than one log.
    #[error("{} holds more than one log: in {first:?} and in {second:?}", .path.display())]
    TwoLogs {
        /// The archive.
        path: PathBuf,
        /// The folder of one.
        first: String,
        /// The folder of another.
        second: String,
    },
    /// More members than are read.
    #[error("{} has more than {limit} members", .path.display())]
    Members {
        /// The archive.
        path: PathBuf,
        /// The limit.
        limit: usize,
    },
    /// More bytes than are unpacked.
    #[error("{} holds more than {limit} bytes", .path.display())]
    TooLarge {
        /// The archive.
        path: PathBuf,
        /// The limit.
        limit: u64,
    },
    /// A member goes on after the archive's end.
    #[error("{} ends before its member {name:?} does", .path.display())]
    Cut {
        /// The archive.
        path: PathBuf,
        /// The member.
        name: String,
    },
}

fn named(name: &Option<String>) -> String {
    name.as_ref().map_or_else(|| "one name".to_owned(), |name| format!("{name:?}"))
}

/// What a file is, by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A ZIP file.
    Zip,
    /// A tar file.
    Tar,
    /// A gzipped file, which may be a tar file.
    Gzip,
}

impl Kind {
    /// Tells it by the first [`HEAD_BYTES`]; `None` for anything else.
    pub fn of(head: &[u8]) -> Option<Self> {
        match head {
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Some(Kind::Zip),
            [0x1f, 0x8b, ..] => Some(Kind::Gzip),
            _ if head.get(257..262) == Some(b"ustar") => Some(Kind::Tar),
            _ => None,
        }
    }
}

/// A member as its format describes it.
struct Found {
    /// As it is written there.
    name: String,
    /// Whether it is a file, and neither link nor device.
    regular: bool,
    place: Place,
}

/// Where a member's bytes are.
#[derive(Debug, Clone, Copy)]
struct Place {
    /// In a ZIP file its number, in a tar file its first byte.
    at: u64,
    size: u64,
}

/// Gives the bytes of members.
trait Members: Send + Sync {
    /// Reads at most `limit` bytes and one more.
    fn read(&self, place: Place, limit: u64) -> io::Result<Vec<u8>>;
}

/// A log in an archive, for reading.
pub struct ArchiveStore {
    path: PathBuf,
    members: BTreeMap<Key, Place>,
    foreign: Vec<String>,
    contents: Box<dyn Members>,
}

impl ArchiveStore {
    /// Opens a file. `path` is what errors call it.
    ///
    /// # Errors
    /// [`ArchiveError`].
    pub fn open(path: &Path, file: File, limits: &Limits) -> Result<Self, ArchiveError> {
        let failed = |source: io::Error| ArchiveError::Io { path: path.to_owned(), source };
        let bytes = Bytes::local(file).map_err(failed)?;
        let mut head = Vec::new();
        bytes.reader().take(HEAD_BYTES as u64).read_to_end(&mut head).map_err(failed)?;
        match Kind::of(&head) {
            Some(Kind::Zip) => Self::zip(path, bytes, limits),
            Some(Kind::Tar) => Self::tar(path, bytes, limits),
            Some(Kind::Gzip) => {
                let unpacked = gunzip(bytes.reader(), limits.unpacked_bytes).map_err(failed)?;
                let too_large =
                    || ArchiveError::TooLarge { path: path.to_owned(), limit: limits.unpacked_bytes };
                let bytes = Bytes::local(unpacked.ok_or_else(too_large)?).map_err(failed)?;
                let mut head = Vec::new();
                bytes.reader().take(HEAD_BYTES as u64).read_to_end(&mut head).map_err(failed)?;
                match Kind::of(&head) {
                    Some(Kind::Tar) => Self::tar(path, bytes, limits),
                    _ => Err(ArchiveError::Format { path: path.to_owned() }),
                }
            }
            None => Err(ArchiveError::Format { path: path.to_owned() }),
        }
    }

    /// Opens a ZIP file on a web server, which is read in parts.
    ///
    /// # Errors
    /// [`ArchiveError`].
    pub fn remote_zip(path: &Path, file: RemoteFile, limits: &Limits) -> Result<Self, ArchiveError> {
        Self::zip(path, Bytes::remote(file), limits)
    }

    fn zip(path: &Path, bytes: Bytes, limits: &Limits) -> Result<Self, ArchiveError> {
        let (found, contents) = zip::open(path, bytes, limits)?;
        Self::new(path, found, Box::new(contents))
    }

    fn tar(path: &Path, bytes: Bytes, limits: &Limits) -> Result<Self, ArchiveError> {
        let (found, contents) = tar::open(path, bytes, limits)?;
        Self::new(path, found, Box::new(contents))
    }

    fn new(path: &Path, found: Vec<Found>, contents: Box<dyn Members>) -> Result<Self, ArchiveError> {
        let folder = folder_of_log(path, &found)?;
        let (mut members, mut foreign) = (BTreeMap::new(), Vec::new());
        let mut names = BTreeSet::new();
        for Found { name, regular, place } in found {
            let plain = name.strip_prefix("./").unwrap_or(&name);
            let leads_elsewhere = plain.starts_with('/') || plain.split('/').any(|part| part == "..");
            let below = match plain.strip_prefix(folder.as_str()) {
                Some(below) if !leads_elsewhere => below.to_owned(),
                // A name that may mean any place, this one too.
                _ if leads_elsewhere => name.clone(),
                // Beside the log.
                _ => continue,
            };
            if !names.insert(below.clone()) {
                return Err(ArchiveError::Twice { path: path.to_owned(), name: Some(name) });
            }
            match Key::new(below) {
                Ok(key) if regular && !leads_elsewhere => {
                    members.insert(key, place);
                }
                _ => foreign.push(name),
            }
        }
        foreign.sort();
        Ok(ArchiveStore { path: path.to_owned(), members, foreign, contents })
    }
}

/// Returns the folder that the log lies in, with a final `/`, or nothing for the top.
fn folder_of_log(path: &Path, found: &[Found]) -> Result<String, ArchiveError> {
    let mut folders = BTreeSet::new();
    for member in found.iter().filter(|member| member.regular) {
        let plain = member.name.strip_prefix("./").unwrap_or(&member.name);
        match plain.strip_suffix("checkpoint") {
            Some(folder) if folder.is_empty() || folder == "records/" || folder.ends_with("/records/") => {
                folders.insert(folder.to_owned());
            }
            _ => {}
        }
    }
    let mut folders = folders.into_iter();
    match (folders.next(), folders.next()) {
        (Some(first), Some(second)) => {
            let first = if first.is_empty() { "./".to_owned() } else { first };
            Err(ArchiveError::TwoLogs { path: path.to_owned(), first, second })
        }
        (first, _) => Ok(first.unwrap_or_default()),
    }
}

/// Unpacks into a temporary file; `None` if there is more than `limit` bytes.
fn gunzip(packed: impl Read, limit: u64) -> io::Result<Option<File>> {
    let mut unpacked = flate2::read::MultiGzDecoder::new(packed).take(limit.saturating_add(1));
    let mut file = tempfile::tempfile()?;
    let count = io::copy(&mut unpacked, &mut file)?;
    file.flush()?;
    Ok((count <= limit).then_some(file))
}

impl fmt::Debug for ArchiveStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ArchiveStore").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Store for ArchiveStore {
    fn get(&self, key: &Key, limit: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(place) = self.members.get(key) else { return Ok(None) };
        let too_large = |size: u64| StoreError::TooLarge { key: key.clone(), size, limit };
        if place.size > limit {
            return Err(too_large(place.size));
        }
        let failed = |source: io::Error| {
            let path = self.path.join(key.as_str());
            StoreError::Io { op: "read", path, source }
        };
        let bytes = self.contents.read(*place, limit).map_err(failed)?;
        match bytes.len() as u64 {
            size if size > limit => Err(too_large(size)),
            size if size != place.size => {
                let told = format!("it holds {size} bytes, and the archive says {}", place.size);
                Err(failed(io::Error::new(io::ErrorKind::InvalidData, told)))
            }
            _ => Ok(Some(bytes)),
        }
    }

    fn list(&self, folder: &str) -> Result<Listing, StoreError> {
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let below = |name: &str| name.starts_with(&prefix);
        let keys = self.members.keys().filter(|key| below(key.as_str())).cloned().collect();
        let foreign = self.foreign.iter().filter(|name| below(name)).cloned().collect();
        Ok(Listing { keys, foreign })
    }
}
