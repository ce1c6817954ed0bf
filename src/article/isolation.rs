//! Where strangers' bytes are read: here, or somewhere that can be killed.
//!
//! The readers of HTML, PDF and packages are bounded by [`limits`](crate::base::limits), but they stand on other people's
//! parsers. The command line has them run in a child process; a library that embeds dateline may do likewise.

use std::sync::OnceLock;

use super::container::Contents;
use super::extract::Extract;
use super::{Format, ReadError, ReadOptions};

/// Runs readers somewhere else. Plain text and Markdown, which are ours alone, never come here.
pub trait Isolation: Send + Sync {
    /// Takes out the text of a document of a known format, as [`extract_as`](super::extract_as) does.
    ///
    /// # Errors
    /// [`ReadError`], among them [`ReadError::TimedOut`] and [`ReadError::Crashed`].
    fn extract_as(
        &self,
        format: Format,
        bytes: &[u8],
        options: &ReadOptions<'_>,
    ) -> Result<Extract, ReadError>;

    /// Takes a file of several documents apart, as [`open`](super::open) does.
    ///
    /// # Errors
    /// As [`Isolation::extract_as`].
    fn open(&self, bytes: &[u8], options: &ReadOptions<'_>) -> Result<Option<Contents>, ReadError>;
}

static ISOLATION: OnceLock<Box<dyn Isolation>> = OnceLock::new();

/// Has all later reads of this process run in `isolation`. Once set it stays; returns whether it was set now.
pub fn isolate(isolation: Box<dyn Isolation>) -> bool {
    ISOLATION.set(isolation).is_ok()
}

pub(super) fn isolation() -> Option<&'static dyn Isolation> {
    ISOLATION.get().map(Box::as_ref)
}
