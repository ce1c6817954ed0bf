//! Strict text encodings: for each, `decode(encode(x)) == x` and `encode(decode(s)) == s`.
//!
//! Signed and hashed things must have one spelling. What is accepted here in two spellings would give one
//! log entry two names.

use base64_simd::{Base64, STANDARD, URL_SAFE_NO_PAD};
use hex_simd::{AsOut, AsciiCase};
use thiserror::Error;

/// Why a text is not the encoding of anything.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// Not lower-case hexadecimal.
    #[error("not lower-case hexadecimal: {0:?}")]
    Hex(String),
    /// Not canonical base64 of the kind asked for.
    #[error("not canonical {alphabet}: {text:?}")]
    Base64 {
        /// Which base64 was asked for.
        alphabet: &'static str,
        /// The beginning of the text, at most 80 characters.
        text: String,
    },
    /// Decodes to another number of bytes.
    #[error("expected {expected} bytes, found {found}")]
    Length {
        /// Bytes asked for.
        expected: usize,
        /// Bytes found.
        found: usize,
    },
    /// Not a decimal number without sign, space or leading zero, or above 2^64-1.
    #[error("not a canonical decimal number: {0:?}")]
    Decimal(String),
}

fn head(text: &str) -> String {
    text.chars().take(80).collect()
}

/// Returns standard padded base64 (RFC 4648 section 4).
pub fn to_base64(bytes: &[u8]) -> String {
    STANDARD.encode_to_string(bytes)
}

/// Adds standard padded base64 to `text`.
pub fn push_base64(text: &mut String, bytes: &[u8]) {
    STANDARD.encode_append(bytes, text);
}

/// Reads standard padded base64; line breaks, missing padding and non-zero trailing bits are errors.
///
/// # Errors
/// [`DecodeError::Base64`].
pub fn from_base64(text: &str) -> Result<Vec<u8>, DecodeError> {
    exactly(&STANDARD, text, "padded base64")
}

/// Reads standard padded base64 of exactly `N` bytes.
///
/// # Errors
/// [`DecodeError::Base64`], [`DecodeError::Length`].
pub fn from_base64_fixed<const N: usize>(text: &str) -> Result<[u8; N], DecodeError> {
    fixed(&from_base64(text)?)
}

/// Returns URL-safe base64 without padding (RFC 4648 section 5), as RFC 9901 disclosures use it.
pub fn to_base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode_to_string(bytes)
}

/// Reads URL-safe base64 without padding, in its one canonical spelling.
///
/// # Errors
/// [`DecodeError::Base64`].
pub fn from_base64url(text: &str) -> Result<Vec<u8>, DecodeError> {
    exactly(&URL_SAFE_NO_PAD, text, "unpadded base64url")
}

/// Checks that `text` is URL-safe base64 without padding in its one canonical spelling, without decoding it. Returns how many
/// bytes it is of.
///
/// # Errors
/// [`DecodeError::Base64`], for the same texts as [`from_base64url`].
pub fn check_base64url(text: &str) -> Result<usize, DecodeError> {
    // Only the characters of the last, incomplete group can have bits that stand for nothing.
    let tail = text.len() - text.len() % 4;
    let error = || DecodeError::Base64 { alphabet: "unpadded base64url", text: head(text) };
    let (groups, tail) = text.split_at_checked(tail).ok_or_else(error)?;
    URL_SAFE_NO_PAD.check(groups.as_bytes()).map_err(|_| error())?;
    let tail = from_base64url(tail).map_err(|_| error())?;
    Ok(groups.len() / 4 * 3 + tail.len())
}

/// Returns lower-case hexadecimal.
pub fn to_hex(bytes: &[u8]) -> String {
    hex_simd::encode_to_string(bytes, AsciiCase::Lower)
}

/// Reads lower-case hexadecimal of exactly `N` bytes.
///
/// # Errors
/// [`DecodeError::Hex`], [`DecodeError::Length`].
pub fn from_hex_fixed<const N: usize>(text: &str) -> Result<[u8; N], DecodeError> {
    // All of them, without a branch for each.
    if !text.bytes().fold(true, |all, b| all & matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        return Err(DecodeError::Hex(head(text)));
    }
    if text.len() % 2 == 1 {
        return Err(DecodeError::Hex(head(text)));
    }
    if text.len() != 2 * N {
        return Err(DecodeError::Length { expected: N, found: text.len() / 2 });
    }
    let mut bytes = [0; N];
    let decoded = hex_simd::decode(text.as_bytes(), bytes.as_mut_slice().as_out());
    decoded.map_err(|_| DecodeError::Hex(head(text)))?;
    Ok(bytes)
}

/// Reads a decimal number without sign, space or leading zero, 0 ≤ n < 2^64.
///
/// # Errors
/// [`DecodeError::Decimal`].
pub fn from_decimal(text: &str) -> Result<u64, DecodeError> {
    let canonical = match text.as_bytes() {
        [b'0'] => true,
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    let number = if canonical { text.parse().ok() } else { None };
    number.ok_or_else(|| DecodeError::Decimal(head(text)))
}

/// Decodes what is spelt as it would be encoded, whatever else the library takes.
fn exactly(base64: &Base64, text: &str, alphabet: &'static str) -> Result<Vec<u8>, DecodeError> {
    // Any three bytes are four characters, one way and back: only what is encoded last can have a second spelling.
    let spelt_so = |bytes: &Vec<u8>| {
        let last = bytes.len().saturating_sub(1) / 3 * 3;
        let tail = base64.encode_to_string(&bytes[last..]);
        text.len() == last / 3 * 4 + tail.len() && text.ends_with(&tail)
    };
    let bytes = base64.decode_to_vec(text).ok().filter(spelt_so);
    bytes.ok_or_else(|| DecodeError::Base64 { alphabet, text: head(text) })
}

fn fixed<const N: usize>(bytes: &[u8]) -> Result<[u8; N], DecodeError> {
    bytes.try_into().map_err(|_| DecodeError::Length { expected: N, found: bytes.len() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn base64_has_one_spelling() {
        assert_eq!(from_base64("TQ=="), Ok(b"M".to_vec()));
        for bad in ["TQ", "TQ=", "TR==", "TQ==\n", " TQ==", "T-==", "TQ==TQ==", "="] {
            assert!(from_base64(bad).is_err(), "{bad:?}");
        }
        assert_eq!(from_base64url("_-8"), Ok(vec![0xff, 0xef]));
        for bad in ["_-9", "/+8", "_-8=", "_-8\n"] {
            assert!(from_base64url(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn decimal_has_one_spelling() {
        assert_eq!(from_decimal("0"), Ok(0));
        assert_eq!(from_decimal("18446744073709551615"), Ok(u64::MAX));
        for bad in ["", "00", "01", "+1", "-1", " 1", "1 ", "1e3", "18446744073709551616", "١"] {
            assert!(from_decimal(bad).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_checked_is_what_decodes(text in "[A-Za-z0-9_-]{0,24}[A-Za-z0-9+/=_ é-]?") {
            let decoded = from_base64url(&text);
            prop_assert_eq!(check_base64url(&text), decoded.map(|bytes| bytes.len()));
        }

        #[test]
        fn whatever_decodes_encodes_back(text in "[A-Za-z0-9+/_-]{0,140}[A-Za-z0-9+/=_-]{0,4}") {
            if let Ok(bytes) = from_base64(&text) { prop_assert_eq!(to_base64(&bytes), text.clone()); }
            if let Ok(bytes) = from_base64url(&text) { prop_assert_eq!(to_base64url(&bytes), text); }
        }

        #[test]
        fn whatever_encodes_decodes(bytes: Vec<u8>) {
            prop_assert_eq!(from_base64(&to_base64(&bytes)), Ok(bytes.clone()));
            prop_assert_eq!(from_base64url(&to_base64url(&bytes)), Ok(bytes));
        }
    }
}
