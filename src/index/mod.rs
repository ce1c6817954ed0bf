//! Layer 5: the search index, a database beside the log that can be lost at any time.
//!
//! ```text
//! records/.local/search.sqlite   the tables
//!                search.stamp    how the file was left; if it is otherwise, it is made anew
//!                search.lock     held by whoever uses it
//! ```
//!
//! It follows the log ([`SearchIndex::open`]): entries whose signer may have signed are indexed, with the openings and stored
//! originals at hand. What was committed and is not opened is not in it, and when an opening or an original goes, so does
//! what it said. Before it goes on it proves that the log still begins with what was indexed.
//!
//! It is never the truth. It gives numbers of entries: of records that were asked for ([`SearchIndex::find`]), and of all that
//! bears on them ([`Bearing`]); what these say is read from the log, and [`Query::fits`] tells whether the record that was read
//! is one that was asked for. Whoever can write the file can hide entries from those who ask it, and no more: a record from a
//! search, a retraction from a record. Any damage leads to a new index, not to an answer.
//!
//! The [writer's own index](crate::log) of the log is another thing.

mod bearing;
mod changes;
mod day;
mod fold;
mod ingest;
mod likeness;
mod place;
mod query;
mod schema;
mod search;
mod state;

use std::path::Path;

use thiserror::Error;

use crate::storage::Store;
use crate::verify::{LogReader, ReaderError, Trust};

pub use bearing::{Bearing, Ways};
pub use day::span;
pub use fold::{Snippet, Term, snippet};
pub use ingest::stored_text;
pub use likeness::StoredText;
pub use place::{Forgotten, How, SearchIndex};
pub use query::{Order, Query};
pub use search::{Found, Hit, search};
pub use state::RecordState;

/// What is indexed, and for whom.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    /// The log.
    pub reader: &'a LogReader<'a>,
    /// Where its files lie.
    pub store: &'a dyn Store,
    /// Whom its reader trusts.
    pub trust: &'a Trust,
    /// The folder that `store` reads: the index lies in it, and the times of files are looked up in it.
    pub records: &'a Path,
    /// Is told how many of how many entries were read.
    pub progress: &'a dyn Fn(u64, u64),
}

/// Why nothing could be found out.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum IndexError {
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] ReaderError),
    /// Not even a database in memory could be made.
    #[error("the search index cannot be made")]
    Database(#[source] rusqlite::Error),
    /// The folder cannot be written.
    #[error("the search index cannot be kept")]
    Folder(#[source] std::io::Error),
}

/// Why an index cannot be used or brought up to date.
#[derive(Debug)]
enum Trouble {
    /// It is of another log, of another release, or not as it was left.
    Stale,
    Database(rusqlite::Error),
    Folder(std::io::Error),
    /// The log cannot be read: no other index would help.
    Log(ReaderError),
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        Trouble::Database(error)
    }
}

impl From<std::io::Error> for Trouble {
    fn from(error: std::io::Error) -> Self {
        Trouble::Folder(error)
    }
}

impl From<ReaderError> for Trouble {
    fn from(error: ReaderError) -> Self {
        Trouble::Log(error)
    }
}

/// A size or an index as the database holds it. A tree has at most 2^63 - 1 leaves; what a stranger's statement points to
/// beyond is nothing.
fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// The word that stands for a value in JSON.
fn word_of(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}
