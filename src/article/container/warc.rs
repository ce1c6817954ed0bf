//! WARC files: a record per article page.

use super::Contents;
use crate::article::ReadError;

/// Returns the documents in a file of this format.
///
/// # Errors
/// [`ReadError`].
pub(in crate::article) fn open(bytes: &[u8]) -> Result<Contents, ReadError> {
    let _ = bytes;
    Ok(Contents::default())
}
