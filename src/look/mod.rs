//! Layer 5: what the log has of a document or a record, and how that is told: what the command line and the server have in common.
//!
//! The [search index](crate::index) says where to look; what is told was read from the log. Where no index can be had, the whole
//! log is read.

pub(crate) mod alike;
pub(crate) mod basis;
pub(crate) mod document;
pub(crate) mod quoted;
pub(crate) mod record;
pub(crate) mod trace;
