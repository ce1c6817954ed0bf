//! Names, ids and verifier keys ("vkeys") of those who sign notes: <https://c2sp.org/signed-note#verifier-keys>.
//!
//! ```text
//! example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k
//! name            key id   base64 of signature type and public key
//! ```
//!
//! A vkey comes from whoever configured this machine and is trusted. A name or key id in a note is said by a
//! stranger: it only tells which key to try.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::cosignature::Cosignature;
use super::key_id::{KeyId, KeyName, SignatureType};
use crate::base::ed25519::PublicKeyError;
use crate::base::encoding::{self, DecodeError};
use crate::base::{PublicKey, Signature};

/// Bytes of an ML-DSA-44 public key (FIPS 204).
const ML_DSA_44_KEY_BYTES: usize = 1312;

/// A vkey: whose signature is believed, and how it is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: KeyName,
    id: KeyId,
    signature_type: SignatureType,
    key: Key,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Key {
    Ed25519(PublicKey),
    /// Of a type that is not verified here.
    Opaque(Vec<u8>),
}

/// What a signature under a known key came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Check {
    /// It holds; a cosignature also says when it was made, in seconds since 1970.
    Valid { time: Option<u64> },
    /// It does not.
    Invalid,
    /// The type is one that is not verified here.
    Unverifiable,
}

/// Why a text is not a key name or a vkey.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum KeyError {
    /// An empty name, or one with a space, a `+` or a control character.
    #[error("key name {name:?} is empty or has a space, a plus or a control character")]
    NameForm {
        /// The beginning of the name, at most 80 characters.
        name: String,
    },
    /// A longer name than is kept.
    #[error("key name of {found} bytes, {max} are allowed")]
    NameTooLong {
        /// Bytes found.
        found: usize,
        /// [`KEY_NAME_MAX_BYTES`](crate::base::limits::KEY_NAME_MAX_BYTES).
        max: usize,
    },
    /// Not three parts with `+` between them.
    #[error("vkey {vkey:?} is not of the form name+id+key")]
    Form {
        /// The beginning of the text, at most 80 characters.
        vkey: String,
    },
    /// The key id is not eight lower-case hexadecimal digits.
    #[error("vkey of {name:?} has no good key id")]
    Id {
        /// The key's name.
        name: KeyName,
        /// What is wrong with it.
        source: DecodeError,
    },
    /// The last part is not canonical base64.
    #[error("vkey of {name:?} has no good key part")]
    Base64 {
        /// The key's name.
        name: KeyName,
        /// What is wrong with it.
        source: DecodeError,
    },
    /// Not the number of bytes that a key of this type has.
    #[error("vkey of {name:?}: a key of type {signature_type} has {expected} bytes, found {found}")]
    Length {
        /// The key's name.
        name: KeyName,
        /// The type byte.
        signature_type: SignatureType,
        /// Bytes that a key of this type has; 1 for a type that is not known, the least it can have.
        expected: usize,
        /// Bytes found.
        found: usize,
    },
    /// The Ed25519 key is weak or not a key.
    #[error("vkey of {name:?} is not to be trusted")]
    PublicKey {
        /// The key's name.
        name: KeyName,
        /// What is wrong with it.
        source: PublicKeyError,
    },
    /// The key id is not that of this name, type and key.
    #[error("vkey of {name:?} says key id {found}, its name and key give {expected}")]
    IdMismatch {
        /// The key's name.
        name: KeyName,
        /// The id of name, type and key.
        expected: KeyId,
        /// The id that was written.
        found: KeyId,
    },
}

impl VerifierKey {
    /// Makes the vkey of a signer of notes, type 0x01: a log, say.
    pub fn ed25519(name: KeyName, key: PublicKey) -> Self {
        Self::of(name, SignatureType::Ed25519, key)
    }

    /// Makes the vkey of a cosigner of checkpoints, type 0x04: a witness, say.
    pub fn ed25519_cosigner(name: KeyName, key: PublicKey) -> Self {
        Self::of(name, SignatureType::Ed25519Cosignature, key)
    }

    fn of(name: KeyName, signature_type: SignatureType, key: PublicKey) -> Self {
        let id = KeyId::of(&name, signature_type, key.as_bytes());
        VerifierKey { name, id, signature_type, key: Key::Ed25519(key) }
    }

    /// Reads a vkey. Its parts stand before the first `+`, before the second, and after: base64 has `+` too.
    ///
    /// The key id is computed again and compared. Types 0x02 and 0x05 have other rules for it, so theirs is kept
    /// as written; nothing is verified under such a key.
    ///
    /// # Errors
    /// [`KeyError`]: another form, upper-case hexadecimal, non-canonical base64, a weak key, another key's id.
    pub fn parse(vkey: &str) -> Result<Self, KeyError> {
        let form = || KeyError::Form { vkey: vkey.chars().take(80).collect() };
        let mut parts = vkey.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(form());
        };
        let name = KeyName::new(name)?;
        let id = encoding::from_hex_fixed(id)
            .map(KeyId)
            .map_err(|source| KeyError::Id { name: name.clone(), source })?;
        let key =
            encoding::from_base64(key).map_err(|source| KeyError::Base64 { name: name.clone(), source })?;
        let (type_byte, key) = key.split_first().ok_or_else(form)?;
        let signature_type = SignatureType::from_byte(*type_byte);
        let parsed = Self::from_parts(name, id, signature_type, key)?;
        let expected = match signature_type {
            SignatureType::Ecdsa | SignatureType::TreeHead => id,
            _ => KeyId::of(&parsed.name, signature_type, key),
        };
        if expected != id {
            return Err(KeyError::IdMismatch { name: parsed.name, expected, found: id });
        }
        Ok(parsed)
    }

    fn from_parts(
        name: KeyName,
        id: KeyId,
        signature_type: SignatureType,
        key: &[u8],
    ) -> Result<Self, KeyError> {
        let length =
            |expected| KeyError::Length { name: name.clone(), signature_type, expected, found: key.len() };
        let key = match signature_type {
            SignatureType::Ed25519 | SignatureType::Ed25519Cosignature => {
                let bytes: &[u8; 32] = key.try_into().map_err(|_| length(32))?;
                let public = PublicKey::from_bytes(bytes)
                    .map_err(|source| KeyError::PublicKey { name: name.clone(), source })?;
                Key::Ed25519(public)
            }
            SignatureType::MlDsa44Cosignature if key.len() != ML_DSA_44_KEY_BYTES => {
                return Err(length(ML_DSA_44_KEY_BYTES));
            }
            _ if key.is_empty() => return Err(length(1)),
            _ => Key::Opaque(key.to_vec()),
        };
        Ok(VerifierKey { name, id, signature_type, key })
    }

    /// Returns the key's name.
    pub fn name(&self) -> &KeyName {
        &self.name
    }

    /// Returns the key's id.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// Returns the signature type.
    pub fn signature_type(&self) -> SignatureType {
        self.signature_type
    }

    /// Returns the Ed25519 key; `None` for a type that is not verified here.
    pub fn public_key(&self) -> Option<&PublicKey> {
        match &self.key {
            Key::Ed25519(key) => Some(key),
            Key::Opaque(_) => None,
        }
    }

    /// Returns the bytes of the public key, without the type byte.
    pub fn key_bytes(&self) -> &[u8] {
        match &self.key {
            Key::Ed25519(key) => key.as_bytes(),
            Key::Opaque(bytes) => bytes,
        }
    }

    /// Checks the signature bytes of a note line that names this key.
    pub(super) fn check(&self, text: &str, signature: &[u8]) -> Check {
        match (self.signature_type, &self.key) {
            (SignatureType::Ed25519, Key::Ed25519(key)) => {
                let Ok(bytes) = signature.try_into() else { return Check::Invalid };
                match key.verify(text.as_bytes(), &Signature(bytes)) {
                    Ok(()) => Check::Valid { time: None },
                    Err(_) => Check::Invalid,
                }
            }
            (SignatureType::Ed25519Cosignature, Key::Ed25519(key)) => {
                match Cosignature::from_bytes(signature) {
                    Ok(cosignature) if cosignature.verify(key, text).is_ok() => {
                        Check::Valid { time: Some(cosignature.time()) }
                    }
                    _ => Check::Invalid,
                }
            }
            _ => Check::Unverifiable,
        }
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = [&[self.signature_type.byte()], self.key_bytes()].concat();
        write!(f, "{}+{}+{}", self.name, self.id, encoding::to_base64(&key))
    }
}

impl FromStr for VerifierKey {
    type Err = KeyError;

    fn from_str(vkey: &str) -> Result<Self, KeyError> {
        Self::parse(vkey)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::SigningKey;
    use proptest::prelude::*;
    use zeroize::Zeroizing;

    // The example of signed-note.md.
    const FOO: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";

    /// The vkey of any type and key, with the id that signed-note recommends.
    fn vkey(name: &str, type_byte: u8, key: &[u8]) -> String {
        let id = KeyId::of(&KeyName::new(name).unwrap(), SignatureType::from_byte(type_byte), key);
        format!("{name}+{id}+{}", encoding::to_base64(&[&[type_byte], key].concat()))
    }

    #[test]
    fn reads_published_vkeys() {
        for text in [
            FOO,
            "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop",
            // Its base64 has a plus.
            "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8",
        ] {
            let key = VerifierKey::parse(text).unwrap();
            assert_eq!(key.to_string(), text);
            assert_eq!(VerifierKey::ed25519(key.name().clone(), *key.public_key().unwrap()), key);
        }
        assert_eq!(VerifierKey::parse(FOO).unwrap().id(), KeyId([0x53, 0x0d, 0x90, 0x3a]));
    }

    #[test]
    fn refuses_bad_vkeys() {
        let mut weak = [0u8; 32];
        weak[0] = 1;
        let (name, rest) = FOO.split_once('+').unwrap();
        let (id, key) = rest.split_once('+').unwrap();
        for bad in [
            String::new(),
            name.to_owned(),
            format!("{name}+{id}"),
            format!("{name}+{id}+"),
            format!("{name} +{id}+{key}"),
            format!("+{id}+{key}"),
            format!("{name}+{}+{key}", id.to_uppercase()),
            format!("{name}+{}+{key}", &id[1..]),
            format!("{name}+0{id}+{key}"),
            format!("{name}+530d903b+{key}"),
            format!("{name}/+{id}+{key}"),
            format!("{name}+{id}+{key}="),
            format!("{name}+{id}+{key}\n"),
            format!(" {FOO}"),
            format!("{name}+{id}+{}", key.trim_end_matches('k')),
            vkey(name, 1, &weak),
            vkey(name, 4, &weak),
            vkey(name, 1, &[7; 31]),
            vkey(name, 1, &[7; 33]),
            vkey(name, 6, &[7; 1311]),
            vkey(name, 6, &[7; 1313]),
            vkey(name, 6, &[7; 1312]).replacen(name, "example.com/fop", 1),
            vkey(name, 0x63, &[]),
        ] {
            assert!(VerifierKey::parse(&bad).is_err(), "{bad:?}");
        }
        assert!(matches!(VerifierKey::parse(&vkey(name, 1, &weak)), Err(KeyError::PublicKey { .. })));
    }

    #[test]
    fn names_what_it_cannot_verify() {
        let ml_dsa = vkey("witness.example/pq", 6, &[7; 1312]);
        let key = VerifierKey::parse(&ml_dsa).unwrap();
        assert_eq!(key.signature_type(), SignatureType::MlDsa44Cosignature);
        assert_eq!((key.to_string(), key.public_key()), (ml_dsa, None));
        assert_eq!(key.check("x\n", &[0; 2428]), Check::Unverifiable);

        // An id made by another rule is kept, where the type has one.
        let ecdsa = format!("example.com/x+00000000+{}", encoding::to_base64(&[0x02, 1, 2]));
        assert_eq!(VerifierKey::parse(&ecdsa).unwrap().to_string(), ecdsa);
        let unknown = vkey("example.com/x", 0xff, &[1, 2]);
        assert_eq!(VerifierKey::parse(&unknown).unwrap().signature_type(), SignatureType::Unknown(0xff));
        assert_eq!(VerifierKey::parse(&unknown).unwrap().to_string(), unknown);
        assert!(VerifierKey::parse(&vkey("y", 0xff, &[1, 2]).replace("y+", "x+")).is_err());
    }

    proptest! {
        #[test]
        fn vkeys_come_back(name in "[a-zé日—./=]{1,40}", seed: [u8; 32], cosigner: bool) {
            let public = SigningKey::from_seed(&Zeroizing::new(seed)).public();
            let name = KeyName::new(&name).unwrap();
            let make = if cosigner { VerifierKey::ed25519_cosigner } else { VerifierKey::ed25519 };
            let key = make(name, public);
            prop_assert_eq!(VerifierKey::parse(&key.to_string()), Ok(key));
        }

        #[test]
        fn no_vkey_has_two_spellings(at in 0..FOO.len(), byte in 0x20u8..0x7f) {
            let mut text = FOO.as_bytes().to_vec();
            text[at] = byte;
            let text = String::from_utf8(text).unwrap();
            let Ok(key) = VerifierKey::parse(&text) else { return Ok(()) };
            // One letter can also turn the type into one that has no key id to compare.
            prop_assert_eq!(key.public_key().is_some(), text == FOO);
            prop_assert_eq!(key.to_string(), text);
        }
    }
}
