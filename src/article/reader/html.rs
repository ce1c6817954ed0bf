//! HTML → text.

use crate::article::extract::Extract;
use crate::article::{ReadError, ReadOptions};

/// Reads a document of this format.
///
/// # Errors
/// [`ReadError`].
pub(in crate::article) fn extract(bytes: &[u8], options: &ReadOptions<'_>) -> Result<Extract, ReadError> {
    let _ = (bytes, options);
    Err(ReadError::Unsupported { format: "HTML".into() })
}
