//! Layer 5: what the log has of a document or a record, and how that is told: what the command line and the server have in common.
//!
//! The [search index](crate::index) says where to look; what is told was read from the log. Where no index can be had, the whole
//! log is read.

pub(crate) mod alike;
pub(crate) mod basis;
pub(crate) mod document;
mod nearest;
pub(crate) mod paragraphs;
pub(crate) mod quoted;
pub(crate) mod recent;
pub(crate) mod record;
pub(crate) mod trace;

use crate::base::Hash;
use crate::record::layout::content_path;
use crate::storage::{Key, Store};

/// Returns whether an original is stored. One that cannot be looked for is not.
pub(crate) fn is_stored(store: &dyn Store, original: &Hash) -> bool {
    let key = Key::new(content_path(original)).expect("internal error: a name of the layout");
    store.get_range(&key, 0, 1).is_ok_and(|found| found.is_some())
}
