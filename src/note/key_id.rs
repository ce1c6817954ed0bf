//! What is said of a key without the key itself: its name, its id, its signature type.

use std::fmt;

use super::key::KeyError;
use crate::base::Hash;
use crate::base::limits::KEY_NAME_MAX_BYTES;

/// The name of a key: 1 to [`KEY_NAME_MAX_BYTES`] bytes without Unicode spaces, `+`, or control characters
/// below U+0020. By convention a URL without its scheme; nothing depends on that.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyName(String);

/// The first four bytes of a hash of name, type and key. Tells keys of one name apart; proves nothing, since
/// a key with a given id is found in minutes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub [u8; 4]);

/// The signature type byte of a vkey. Two types sharing one key have different key ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SignatureType {
    /// 0x01: Ed25519 over the note text.
    Ed25519,
    /// 0x02: ECDSA. Not verified here.
    Ecdsa,
    /// 0x04: a timestamped Ed25519 checkpoint cosignature, "cosignature/v1".
    Ed25519Cosignature,
    /// 0x05: an RFC 6962 tree head. Not verified here.
    TreeHead,
    /// 0x06: a timestamped ML-DSA-44 cosignature. Not verified here.
    MlDsa44Cosignature,
    /// Any other byte. Not verified here.
    Unknown(u8),
}

impl KeyName {
    /// Reads a key name.
    ///
    /// # Errors
    /// [`KeyError::NameForm`], [`KeyError::NameTooLong`].
    pub fn new(name: &str) -> Result<Self, KeyError> {
        let bad = |c: char| c.is_whitespace() || c == '+' || c < ' ';
        if name.is_empty() || name.contains(bad) {
            return Err(KeyError::NameForm { name: name.chars().take(80).collect() });
        }
        if name.len() > KEY_NAME_MAX_BYTES {
            return Err(KeyError::NameTooLong { found: name.len(), max: KEY_NAME_MAX_BYTES });
        }
        Ok(KeyName(name.to_owned()))
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name in quotes, with everything escaped that a terminal might obey.
impl fmt::Debug for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl KeyId {
    /// Computes the id as signed-note recommends; types 0x02 and 0x05 have other rules.
    pub(super) fn of(name: &KeyName, signature_type: SignatureType, key: &[u8]) -> Self {
        let hash = Hash::of_parts(&[name.as_str().as_bytes(), b"\n", &[signature_type.byte()], key]);
        let [a, b, c, d, ..] = hash.0;
        KeyId([a, b, c, d])
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::base::encoding::to_hex(&self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

impl SignatureType {
    /// Returns the type that `byte` stands for.
    pub fn from_byte(byte: u8) -> Self {
        match byte {
            0x01 => SignatureType::Ed25519,
            0x02 => SignatureType::Ecdsa,
            0x04 => SignatureType::Ed25519Cosignature,
            0x05 => SignatureType::TreeHead,
            0x06 => SignatureType::MlDsa44Cosignature,
            other => SignatureType::Unknown(other),
        }
    }

    /// Returns the byte.
    pub fn byte(self) -> u8 {
        match self {
            SignatureType::Ed25519 => 0x01,
            SignatureType::Ecdsa => 0x02,
            SignatureType::Ed25519Cosignature => 0x04,
            SignatureType::TreeHead => 0x05,
            SignatureType::MlDsa44Cosignature => 0x06,
            SignatureType::Unknown(byte) => byte,
        }
    }
}

impl fmt::Display for SignatureType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            SignatureType::Ed25519 => "Ed25519",
            SignatureType::Ecdsa => "ECDSA",
            SignatureType::Ed25519Cosignature => "Ed25519 cosignature",
            SignatureType::TreeHead => "RFC 6962 tree head",
            SignatureType::MlDsa44Cosignature => "ML-DSA-44 cosignature",
            SignatureType::Unknown(_) => "unknown",
        };
        write!(f, "0x{:02x} ({name})", self.byte())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn type_bytes_come_back() {
        for byte in 0..=u8::MAX {
            assert_eq!(SignatureType::from_byte(byte).byte(), byte);
        }
    }

    #[test]
    fn key_names_have_bounds() {
        assert!(KeyName::new(&"é".repeat(127)).is_ok());
        assert!(KeyName::new(&"n".repeat(KEY_NAME_MAX_BYTES)).is_ok());
        let error = KeyName::new(&"n".repeat(KEY_NAME_MAX_BYTES + 1));
        assert_eq!(error, Err(KeyError::NameTooLong { found: 256, max: 255 }));
        for bad in ["", " ", "a b", "a+b", "a\tb", "a\nb", "a\u{1}b", "a\u{a0}b", "a\u{2003}b", "a\u{85}b"] {
            assert!(KeyName::new(bad).is_err(), "{bad:?}");
        }
        assert_eq!(format!("{:?}", KeyName::new("a\u{202e}b").unwrap()), "\"a\\u{202e}b\"");
    }
}
