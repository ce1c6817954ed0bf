//! Why a log cannot be opened, or a record not be appended.

use thiserror::Error;

use crate::base::Hash;
use crate::keys::KeyError;
use crate::note::{OpenError as CheckpointOpenError, SignError};
use crate::record::disclosures::DisclosureFileError;
use crate::record::{EntryError, StateError};
use crate::storage::StoreError;
use crate::tlog::{BundleError, EdgeError};

/// Why a log cannot be opened for writing. Nothing in it was changed, unless a commit that had been interrupted was
/// finished first.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// There is no checkpoint.
    #[error("there is no log here")]
    NoLog,
    /// There is a checkpoint already, where a log was to be begun.
    #[error("there is a log here already")]
    Exists,
    /// The checkpoint does not hold under the policy.
    #[error("the checkpoint does not hold under the policy")]
    Checkpoint(#[from] CheckpointOpenError),
    /// The published checkpoint is older than one that this writer committed: going on would fork the log.
    #[error(
        "the published checkpoint has {published} entries, but {committed} were committed here: records/ was set back"
    )]
    SetBack {
        /// Size of the published checkpoint.
        published: u64,
        /// Size of the checkpoint that was committed.
        committed: u64,
    },
    /// The published log is not a continuation of what was committed here.
    #[error(
        "the published log of {published} entries does not continue the one of {committed} entries that was committed here"
    )]
    Forked {
        /// Size of the published checkpoint.
        published: u64,
        /// Size of the checkpoint that was committed.
        committed: u64,
    },
    /// A file that the checkpoint implies is missing.
    #[error("{path} is missing: the log is damaged, run `dateline verify`")]
    Missing {
        /// The file below `records/`.
        path: String,
    },
    /// An entry bundle does not hold as many entries as it must.
    #[error("{path} is damaged, run `dateline verify`")]
    Bundle {
        /// The file below `records/`.
        path: String,
        /// What is wrong with it.
        #[source]
        source: BundleError,
    },
    /// The bundle at the edge and the tile at the edge contradict each other.
    #[error("{path} does not match its hash tile: the log is damaged, run `dateline verify`")]
    Edge {
        /// The file below `records/`.
        path: String,
    },
    /// The tiles at the edge do not lead to the root.
    #[error(
        "the tiles at the edge of the log do not lead to the root of its checkpoint, run `dateline verify`"
    )]
    Tiles(#[from] EdgeError),
    /// An entry is not one.
    #[error("entry {index} is damaged, run `dateline verify`")]
    Entry {
        /// Its index.
        index: u64,
        /// What is wrong with it.
        #[source]
        source: EntryError,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why records were not appended. Whatever it is, the log in memory is not to be used again: open it anew.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AppendError {
    /// An earlier append failed.
    #[error("an earlier append failed: open the log again")]
    Unusable,
    /// The signer may not make the statement.
    #[error("the signer may not add this to the log")]
    NotAllowed(#[from] StateError),
    /// What was to be appended is not an entry.
    #[error("what was to be appended is not a log entry")]
    Entry(#[from] EntryError),
    /// What was to be stored is not the document that the entry is about.
    #[error("the original to be stored has the digest {found}, not {expected} as its entry says")]
    Content {
        /// The digest in the entry.
        expected: Hash,
        /// The digest of what was given.
        found: Hash,
    },
    /// The checkpoint could not be signed.
    #[error("the new checkpoint could not be signed")]
    Sign(#[from] KeyError),
    /// The signature that the log's key made does not hold under the policy.
    #[error("the new checkpoint does not hold under the policy")]
    Checkpoint(#[from] CheckpointOpenError),
    /// The key that signed is not the log's.
    #[error("the new checkpoint is not signed by the log's key")]
    WrongKey(#[from] SignError),
    /// A file of openings cannot be added to.
    #[error("{path} is damaged, run `dateline verify`")]
    Openings {
        /// The file below `records/`.
        path: String,
        /// What is wrong with it.
        #[source]
        source: DisclosureFileError,
    },
    /// A file of openings would be larger than any that is read.
    #[error("{path} would have {size} bytes; at most {limit} are read: nothing was appended")]
    OpeningsFull {
        /// The file below `records/`.
        path: String,
        /// The size it would have, in bytes.
        size: usize,
        /// The largest that is read.
        limit: usize,
    },
    /// The tree would be larger than any tree may be.
    #[error("the log would pass {limit} entries")]
    Full {
        /// The largest size.
        limit: u64,
    },
    /// The store failed before anything was committed: it is safe to try again.
    #[error("nothing was appended")]
    NotAppended(#[source] StoreError),
    /// Another writer was faster: it is safe to try again.
    #[error("another writer moved the log on from the root {root} of {size} entries: nothing was appended")]
    Raced {
        /// Size that this writer went out from.
        size: u64,
        /// Root that it went out from.
        root: Hash,
    },
    /// Whether it was committed is not known: open the log again and look.
    #[error("it is not known whether the records were appended: look before trying again")]
    Unknown(#[source] StoreError),
    /// The log could not be opened again to look whether the records are in it.
    #[error("the log cannot be read again: it is not known whether the records were appended")]
    NotReadAgain(#[source] Box<OpenError>),
    /// Committed for good, but not published yet: the next time the log is opened for writing it will be.
    #[error("the records were appended, from index {first_index} on, but are not published yet")]
    Unpublished {
        /// Index of the first of them.
        first_index: u64,
        /// Why.
        #[source]
        source: StoreError,
    },
}
