//! What a file's streams unpack to is bounded before anybody unpacks them: 30 kB of zeros can stand for 30 MB.
//!
//! Streams are found as bytes (`stream` … `endstream`), not by the file's own tables, which may lie. What is compressed
//! another way than by deflate, twice, or encrypted is not seen here: the process that reads strangers' files has a limit
//! of memory for that.

use std::io::Read;

use flate2::read::ZlibDecoder;

use crate::article::ReadError;
use crate::base::limits;

/// Bytes before `stream` in which its dictionary is looked at.
const DICTIONARY: usize = 512;

/// Adds up what the file's deflated streams hold, pictures aside: these are never unpacked. Costs what unpacking costs, and
/// no memory.
///
/// # Errors
/// [`ReadError::LimitPassed`].
pub(super) fn check(bytes: &[u8]) -> Result<(), ReadError> {
    let mut left = limits::PDF_MAX_UNPACKED_BYTES;
    let mut at = 0;
    while let Some(found) = find(&bytes[at..], b"stream") {
        let start = at + found;
        at = start + b"stream".len();
        if bytes[..start].ends_with(b"end") {
            continue;
        }
        let line_end = bytes[at..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).take(2).count();
        let data = &bytes[at + line_end..];
        // The header of a zlib stream (RFC 1950): deflate, and a multiple of 31.
        let zlib = matches!(data, [first, second, ..]
            if first & 0x0f == 8 && (u16::from(*first) << 8 | u16::from(*second)).is_multiple_of(31));
        let dictionary = &bytes[start.saturating_sub(DICTIONARY)..start];
        let dictionary = find_last(dictionary, b" obj").map_or(dictionary, |begin| &dictionary[begin..]);
        if !zlib || find(dictionary, b"/Image").is_some() {
            continue;
        }
        let mut decoder = ZlibDecoder::new(data).take(left as u64 + 1);
        // What is cut short counts for what it holds.
        let mut buffer = vec![0; 16 * 1024];
        while let Ok(read @ 1..) = decoder.read(&mut buffer) {
            left = left
                .checked_sub(read)
                .ok_or_else(|| super::limit("unpacked bytes", limits::PDF_MAX_UNPACKED_BYTES))?;
        }
        at += usize::try_from(decoder.into_inner().total_in()).unwrap_or(0).min(bytes.len() - at);
    }
    Ok(())
}

fn find(bytes: &[u8], word: &[u8]) -> Option<usize> {
    let first = *word.first()?;
    let mut at = 0;
    loop {
        at += bytes[at..].iter().position(|byte| *byte == first)?;
        if bytes[at..].starts_with(word) {
            return Some(at);
        }
        at += 1;
    }
}

fn find_last(bytes: &[u8], word: &[u8]) -> Option<usize> {
    bytes.windows(word.len()).rposition(|window| window == word)
}
