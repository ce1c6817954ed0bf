//! A document that is asked about, by its index or by a file.

use std::path::Path;

use crate::base::Hash;
use crate::index::{IndexError, SearchIndex};
use crate::record::lineage::{Lineage, Node};
use crate::verify::ReaderError;

use super::exit::Exit;
use super::failure::{Failure, Outcome};
use super::input::{Input, record_named};

/// A document that is asked about.
#[derive(Debug)]
pub(crate) enum Asked {
    /// By its index in the log.
    Record(u64),
    /// By its bytes, and the name of their file.
    File(Hash, String),
}

impl Asked {
    /// Reads an argument: a number is a record, anything else a file.
    pub(crate) fn of(argument: &Path) -> Outcome<Self> {
        Ok(match record_named(argument)? {
            Some(record) => Asked::Record(record),
            None => {
                let input = Input::File(argument.to_owned());
                Asked::File(Hash::of(&input.read()?), input.name())
            }
        })
    }

    /// Returns the records of the document that an index knows.
    ///
    /// # Errors
    /// [`IndexError`].
    pub(crate) fn records(&self, index: &SearchIndex) -> Result<Vec<u64>, IndexError> {
        match self {
            Asked::Record(record) => Ok(vec![*record]),
            Asked::File(original, _) => index.of_original(original),
        }
    }

    /// Returns the node of the document, which must be registered in the log of `size` entries.
    pub(crate) fn node(&self, lineage: &Lineage<'_>, size: u64) -> Outcome<Node> {
        let (node, message) = match self {
            Asked::Record(record) if *record >= size => {
                return Err(Failure::from(ReaderError::NoRecord { index: *record, size }));
            }
            Asked::Record(record) => {
                (lineage.node(*record), format!("record {record} registers no document"))
            }
            Asked::File(original, name) => (lineage.node_of(original), format!("{name} is not registered")),
        };
        let missing = || {
            let hint = "`dateline list` shows the documents that are registered";
            Failure::new(Exit::NotFound, message).hint(hint)
        };
        node.ok_or_else(missing)
    }
}
