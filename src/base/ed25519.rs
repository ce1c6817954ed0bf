//! The one place that calls the signature library.
//!
//! Signatures are checked with the *strict* rule of `ed25519-dalek` (`verify_strict`): the scalar is canonical,
//! neither the key nor R is of small order, and no cofactor is cleared. The plain rule, the batch rule and the
//! WebCrypto of browsers all accept a forgery under a small-order key, so they are not used for a verdict. [`verify_each`]
//! checks many signatures of few keys by the same rule, from tables.

use std::fmt;

use ed25519_dalek::Signer;
use thiserror::Error;
use zeroize::Zeroizing;

use super::Hash;
use super::encoding::{self, DecodeError};

mod prepared;

pub use prepared::{PreparedKey, Signed, verify_each};

/// A public key that is canonical and not of small order.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(ed25519_dalek::VerifyingKey);

/// A signature, 64 bytes (RFC 8032 section 5.1.6). Not checked for anything until it is verified.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature(pub [u8; 64]);

/// A private key. Its memory is wiped when it is dropped.
pub struct SigningKey(ed25519_dalek::SigningKey);

/// Why 32 bytes are not a public key that may be trusted.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PublicKeyError {
    /// Not the canonical encoding of a curve point.
    #[error("public key {0} is not the canonical encoding of a point on the curve")]
    NotAPoint(String),
    /// A point of small order: signatures under it can be forged for any message.
    #[error("public key {0} is weak: it is of small order, anyone can sign for it")]
    Weak(String),
    /// Not even 32 bytes of hexadecimal or base64.
    #[error(transparent)]
    Encoding(#[from] DecodeError),
}

/// The signature does not hold under the key over the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the Ed25519 signature does not hold under this key")]
pub struct SignatureError;

impl PublicKey {
    /// Reads 32 bytes (RFC 8032 section 5.1.2).
    ///
    /// # Errors
    /// [`PublicKeyError::NotAPoint`] also for a second encoding of a point; [`PublicKeyError::Weak`] for the
    /// eight points of small order.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, PublicKeyError> {
        let not_a_point = || PublicKeyError::NotAPoint(encoding::to_hex(bytes));
        let key = ed25519_dalek::VerifyingKey::from_bytes(bytes).map_err(|_| not_a_point())?;
        // The library keeps the bytes it was given, so a second encoding is found only by encoding the point.
        if key.to_edwards().compress().as_bytes() != bytes {
            return Err(not_a_point());
        }
        if key.is_weak() {
            return Err(PublicKeyError::Weak(encoding::to_hex(bytes)));
        }
        Ok(PublicKey(key))
    }

    /// Reads 64 lower-case hexadecimal digits.
    ///
    /// # Errors
    /// Those of [`PublicKey::from_bytes`], and [`PublicKeyError::Encoding`].
    pub fn from_hex(text: &str) -> Result<Self, PublicKeyError> {
        Self::from_bytes(&encoding::from_hex_fixed(text)?)
    }

    /// Returns the 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// Returns 64 lower-case hexadecimal digits.
    pub fn to_hex(&self) -> String {
        encoding::to_hex(self.as_bytes())
    }

    /// Returns the key id that DSSE envelopes carry: SHA-256 of the key's canonical JSON description as
    /// securesystemslib defines it. A hint for finding keys, never a proof of anything.
    pub fn key_id(&self) -> Hash {
        let public = self.to_hex();
        let description =
            format!(r#"{{"keytype":"ed25519","keyval":{{"public":"{public}"}},"scheme":"ed25519"}}"#);
        Hash::of(description.as_bytes())
    }

    /// Checks `signature` over `message` by the strict rule. Costs about 40 µs.
    ///
    /// # Errors
    /// [`SignatureError`] if it does not hold.
    pub fn verify(&self, message: &[u8], signature: &Signature) -> Result<(), SignatureError> {
        let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
        self.0.verify_strict(message, &signature).map_err(|_| SignatureError)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature({})", encoding::to_hex(&self.0))
    }
}

impl SigningKey {
    /// Makes the key of a 32-byte seed (RFC 8032 section 5.1.5). The seed must come from the system's
    /// randomness, from a key file, or, in tests, from anywhere.
    pub fn from_seed(seed: &Zeroizing<[u8; 32]>) -> Self {
        SigningKey(ed25519_dalek::SigningKey::from_bytes(seed))
    }

    /// Returns the seed.
    pub fn seed(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes())
    }

    /// Returns the public key.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    /// Signs `message` with pure Ed25519, deterministically. Costs about 20 µs.
    pub fn sign(&self, message: &[u8]) -> Signature {
        Signature(self.0.sign(message).to_bytes())
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey(public {})", self.public())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 8032 section 7.1, TEST 2.
    const SEED: &str = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";
    const PUBLIC: &str = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
    const SIGNATURE: &str = "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
                             085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";

    #[test]
    fn rfc_8032_test_2() {
        let key = SigningKey::from_seed(&Zeroizing::new(encoding::from_hex_fixed(SEED).unwrap()));
        assert_eq!(key.public().to_hex(), PUBLIC);
        let signature = key.sign(&[0x72]);
        assert_eq!(hex::encode(signature.0), SIGNATURE);
        assert_eq!(key.public().verify(&[0x72], &signature), Ok(()));
        assert_eq!(key.public().verify(&[0x73], &signature), Err(SignatureError));
    }

    #[test]
    fn refuses_weak_and_second_encodings() {
        let mut identity = [0u8; 32];
        identity[0] = 1;
        assert!(matches!(PublicKey::from_bytes(&identity), Err(PublicKeyError::Weak(_))));
        // The identity again, with its sign bit set; and y = p + 1, which is 1 again.
        let mut signed = identity;
        signed[31] = 0x80;
        assert!(PublicKey::from_bytes(&signed).is_err());
        let mut above_p = [0xff; 32];
        above_p[0] = 0xee;
        above_p[31] = 0x7f;
        assert!(matches!(PublicKey::from_bytes(&above_p), Err(PublicKeyError::NotAPoint(_))));
    }

    #[test]
    fn key_id_is_that_of_securesystemslib() {
        // securesystemslib 1.6: SSlibKey.from_crypto(…).keyid for this public key is the SHA-256 of this text.
        let public = PublicKey::from_hex(PUBLIC).unwrap();
        let text = format!(r#"{{"keytype":"ed25519","keyval":{{"public":"{PUBLIC}"}},"scheme":"ed25519"}}"#);
        assert_eq!(public.key_id(), Hash::of(text.as_bytes()));
    }
}
