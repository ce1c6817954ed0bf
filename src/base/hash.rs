//! SHA-256 values.

use std::fmt;
use std::str::FromStr;

use hex_simd::{AsOut, AsciiCase};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

use super::encoding::{self, DecodeError};

/// A SHA-256 value, 32 bytes.
///
/// Hashes of this project are public: they are compared with plain equality, not in constant time.
/// In JSON and in text a hash is 64 lower-case hexadecimal digits; [`Hash::to_base64`] gives the form that
/// checkpoints and proofs use.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// Bytes of a hash.
    pub const BYTES: usize = 32;

    /// Returns the SHA-256 of `bytes`. Costs one pass over them.
    pub fn of(bytes: &[u8]) -> Self {
        Hash(Sha256::digest(bytes).into())
    }

    /// Returns the SHA-256 of all `parts`, one after the other, without joining them in memory.
    pub fn of_parts(parts: &[&[u8]]) -> Self {
        let mut hasher = Sha256::new();
        for part in parts {
            hasher.update(part);
        }
        Hash(hasher.finalize().into())
    }

    /// Returns these bytes as the hash that they are.
    pub(crate) const fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        Hash(bytes)
    }

    /// Returns the 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Returns 64 lower-case hexadecimal digits.
    pub fn to_hex(&self) -> String {
        encoding::to_hex(&self.0)
    }

    /// Reads 64 lower-case hexadecimal digits.
    ///
    /// # Errors
    /// [`DecodeError`] on another length, upper case or a character that is not a digit.
    pub fn from_hex(text: &str) -> Result<Self, DecodeError> {
        encoding::from_hex_fixed(text).map(Hash)
    }

    /// Returns standard padded base64 (44 characters), the form of checkpoints and proofs.
    pub fn to_base64(&self) -> String {
        encoding::to_base64(&self.0)
    }

    /// Reads standard padded base64 of exactly 32 bytes.
    ///
    /// # Errors
    /// [`DecodeError`] on bad or non-canonical base64 and on another length.
    pub fn from_base64(text: &str) -> Result<Self, DecodeError> {
        encoding::from_base64_fixed(text).map(Hash)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut digits = [0; 2 * Hash::BYTES];
        f.write_str(hex_simd::encode_as_str(&self.0, digits.as_mut_slice().as_out(), AsciiCase::Lower))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

impl FromStr for Hash {
    type Err = DecodeError;

    fn from_str(text: &str) -> Result<Self, DecodeError> {
        Self::from_hex(text)
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_hex())
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Digits;
        impl serde::de::Visitor<'_> for Digits {
            type Value = Hash;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("64 hexadecimal digits")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Hash, E> {
                Hash::from_hex(text).map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Digits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answers() {
        // FIPS 180-2 appendix B.1, and the empty message.
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Hash::of(b"abc").to_hex(), abc);
        assert_eq!(Hash::of_parts(&[b"a", b"", b"bc"]), Hash::of(b"abc"));
        assert_eq!(Hash::of(b"").to_base64(), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    }

    #[test]
    fn refuses_other_spellings() {
        let hash = Hash::of(b"abc");
        assert_eq!(Hash::from_hex(&hash.to_hex()), Ok(hash));
        assert_eq!(Hash::from_base64(&hash.to_base64()), Ok(hash));
        assert!(Hash::from_hex(&hash.to_hex().to_uppercase()).is_err());
        assert!(Hash::from_hex(&hash.to_hex()[1..]).is_err());
        assert!(Hash::from_base64(hash.to_base64().trim_end_matches('=')).is_err());
    }
}
