//! Signed statements that are not in the log yet: one file each below `records/pending/`, so that those of two branches
//! merge without a conflict.
//!
//! ```json
//! {"format":"dateline-pending/1","entry":"<base64 of the envelope>","openings":["WyJ…"]}
//! ```
//!
//! A file is named by the SHA-256 of the entry: `pending/<64 hexadecimal digits>.json`. The name, the signature and the
//! openings can be checked without the log; until it is in the log, a statement is nobody's record.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::attest::json::Json;
use crate::base::Hash;
use crate::base::encoding::{DecodeError, from_base64, to_base64};
use crate::base::limits::ENTRY_MAX_BYTES;

use super::layout::PENDING;
use super::{Entry, EntryError, NewEntry};

/// The value of `format`.
pub const PENDING_FORMAT: &str = "dateline-pending/1";

/// Bytes of a file that are read: the largest entry with as much again in openings, in base64.
pub const PENDING_MAX_BYTES: usize = 16 * ENTRY_MAX_BYTES;

/// A signed statement that waits to be appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// The exact bytes of the entry.
    pub bytes: Vec<u8>,
    /// The openings of its commitments.
    pub openings: Vec<String>,
}

/// Why a file is not a pending statement.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PendingError {
    /// Not the JSON of one.
    #[error("it is not a pending statement")]
    Malformed(#[from] serde_json::Error),
    /// Of a release that this one does not know.
    #[error("its format is {0:?}; this release reads {PENDING_FORMAT:?}")]
    Format(String),
    /// The entry is not base64.
    #[error("its entry is not base64")]
    Encoding(#[from] DecodeError),
    /// Too large for the log.
    #[error("its entry has {0} bytes; the log takes {ENTRY_MAX_BYTES} at most")]
    TooLarge(usize),
    /// Named otherwise than by its entry.
    #[error("it is named otherwise than by its entry's digest, {0}")]
    Name(Hash),
    /// The entry is none.
    #[error("its entry cannot be in a log")]
    Entry(#[from] EntryError),
}

#[derive(Serialize, Deserialize)]
struct Wire {
    format: String,
    entry: String,
    openings: Vec<String>,
}

impl Pending {
    /// Takes a signed entry.
    pub fn of(entry: &NewEntry) -> Self {
        Pending { bytes: entry.bytes.clone(), openings: entry.openings.clone() }
    }

    /// Returns where the file lies, below `records/`.
    pub fn path(&self) -> String {
        Pending::path_of(&self.bytes)
    }

    /// Returns where the statement with these bytes lies, below `records/`, as long as it waits.
    pub fn path_of(entry: &[u8]) -> String {
        format!("{PENDING}/{}.json", Hash::of(entry))
    }

    /// Returns the bytes of the file. The same statement gives the same bytes.
    pub fn format(&self) -> Vec<u8> {
        let (entry, openings) = (to_base64(&self.bytes), self.openings.clone());
        let wire = Wire { format: PENDING_FORMAT.into(), entry, openings };
        let mut bytes = serde_json::to_vec(&wire).expect("internal error: a pending statement is plain data");
        bytes.push(b'\n');
        bytes
    }

    /// Reads the bytes of such a file, whatever its name, and takes its entry apart. Nothing of it is believed: its signature is
    /// not checked here.
    ///
    /// # Errors
    /// [`PendingError`].
    pub fn read(bytes: &[u8]) -> Result<(Self, Entry), PendingError> {
        let pending = Self::unpack(bytes)?;
        let entry = Entry::parse(&pending.bytes)?;
        Ok((pending, entry))
    }

    /// As [`Pending::read`], of the file at `path`, which must be named by its entry.
    ///
    /// # Errors
    /// [`PendingError`].
    pub fn parse(path: &str, bytes: &[u8]) -> Result<(Self, Entry), PendingError> {
        let pending = Self::unpack(bytes)?;
        if pending.path() != path {
            return Err(PendingError::Name(Hash::of(&pending.bytes)));
        }
        let entry = Entry::parse(&pending.bytes)?;
        Ok((pending, entry))
    }

    fn unpack(bytes: &[u8]) -> Result<Self, PendingError> {
        let wire = Wire::deserialize(&Json::parse(bytes)?)?;
        if wire.format != PENDING_FORMAT {
            return Err(PendingError::Format(wire.format));
        }
        let pending = Pending { bytes: from_base64(&wire.entry)?, openings: wire.openings };
        if pending.bytes.len() > ENTRY_MAX_BYTES {
            return Err(PendingError::TooLarge(pending.bytes.len()));
        }
        Ok(pending)
    }
}
