//! Timestamped Ed25519 checkpoint cosignatures, type 0x04: <https://c2sp.org/tlog-cosignature>.
//!
//! In a note line the signature bytes are a big-endian time of eight bytes and an Ed25519 signature. What is
//! signed is not the note text alone but two lines before it:
//!
//! ```text
//! cosignature/v1
//! time 1679315147
//! example.com/behind-the-sofa
//! 20852163
//! CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
//! ```
//!
//! The cosigner says: at that time this was the largest tree of this log that it had seen, and consistent with
//! all before. The time is the cosigner's word. The message names no cosigner, so no two may share a key.

use thiserror::Error;

use crate::base::ed25519::SignatureError;
use crate::base::{PublicKey, Signature};

/// The latest time that may be written, in seconds since 1970.
const TIME_MAX: u64 = i64::MAX as u64;

/// A cosignature: when it was made, and the signature. Not checked for anything until it is verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cosignature {
    time: u64,
    signature: Signature,
}

/// Why bytes are not a cosignature.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CosignatureError {
    /// Not a time and a signature.
    #[error("a cosignature has {expected} bytes, found {found}")]
    Length {
        /// 72.
        expected: usize,
        /// Bytes found.
        found: usize,
    },
    /// A time that the specification forbids.
    #[error("cosignature time {found} is above {max}")]
    Time {
        /// Seconds found.
        found: u64,
        /// 2^63 - 1.
        max: u64,
    },
}

impl Cosignature {
    /// Bytes of a cosignature after the key id: eight of time, 64 of signature.
    pub const BYTES: usize = 72;

    /// Joins a time, 0 to 2^63 - 1 seconds since 1970, and the signature over [`Cosignature::message`].
    ///
    /// # Errors
    /// [`CosignatureError::Time`].
    pub fn new(time: u64, signature: Signature) -> Result<Self, CosignatureError> {
        if time > TIME_MAX {
            return Err(CosignatureError::Time { found: time, max: TIME_MAX });
        }
        Ok(Cosignature { time, signature })
    }

    /// Returns what a cosigner signs: the two lines, then `text`, the whole note text with its last newline.
    pub fn message(time: u64, text: &str) -> Vec<u8> {
        format!("cosignature/v1\ntime {time}\n{text}").into_bytes()
    }

    /// Reads the signature bytes of a note line, those after the key id.
    ///
    /// # Errors
    /// [`CosignatureError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CosignatureError> {
        let length = || CosignatureError::Length { expected: Self::BYTES, found: bytes.len() };
        let (time, signature) = bytes.split_first_chunk().ok_or_else(length)?;
        let signature = signature.try_into().map_err(|_| length())?;
        Self::new(u64::from_be_bytes(*time), Signature(signature))
    }

    /// Returns the signature bytes of a note line.
    pub fn to_bytes(&self) -> Vec<u8> {
        [self.time.to_be_bytes().as_slice(), &self.signature.0].concat()
    }

    /// Returns the time, in seconds since 1970, as the cosigner gives it.
    pub fn time(&self) -> u64 {
        self.time
    }

    /// Returns the Ed25519 signature.
    pub fn signature(&self) -> &Signature {
        &self.signature
    }

    /// Checks the cosignature of a note text. Costs one Ed25519 verification.
    ///
    /// # Errors
    /// [`SignatureError`] if it does not hold.
    pub fn verify(&self, key: &PublicKey, text: &str) -> Result<(), SignatureError> {
        key.verify(&Self::message(self.time, text), &self.signature)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::SigningKey;
    use crate::note::{Check, KeyName, NoteSignature, VerifierKey};
    use proptest::prelude::*;
    use zeroize::Zeroizing;

    // A public test vector of sigsum-go: TestCheckpointVerifyCosignatureByKey.
    const TEXT: &str = "example.org/log\n10\nHA5HAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";
    const LINE: &str = "— example.org/witness ys8uUAAAAAAAAATSftMzceM8zssdZ9jin9SjwIxzx9iADMf63VqirX2hafol9Rsq\
                        NqbofIz0LVRqHXI2kpEBSki5RTXFtxz1vo9+Cg==";

    fn test_key() -> SigningKey {
        let mut seed = [0; 32];
        seed[0] = 0x11;
        SigningKey::from_seed(&Zeroizing::new(seed))
    }

    #[test]
    fn golden_vector() {
        let key = test_key();
        let name = KeyName::new("example.org/witness").unwrap();
        let vkey = VerifierKey::ed25519_cosigner(name, key.public());
        assert_eq!(vkey.id().to_string(), "cacf2e50");

        let line = NoteSignature::parse(LINE).unwrap();
        assert_eq!((line.name(), line.key_id()), (vkey.name(), vkey.id()));
        assert_eq!(vkey.check(TEXT, line.bytes()), Check::Valid { time: Some(1234) });

        let made = Cosignature::new(1234, key.sign(&Cosignature::message(1234, TEXT))).unwrap();
        assert_eq!(made.to_bytes(), line.bytes());
        let made = NoteSignature::new(vkey.name().clone(), vkey.id(), made.to_bytes()).unwrap();
        assert_eq!(made.to_string(), LINE);
    }

    #[test]
    fn any_change_breaks_it() {
        let public = test_key().public();
        let good = NoteSignature::parse(LINE).unwrap();
        for at in 0..good.bytes().len() * 8 {
            let mut bytes = good.bytes().to_vec();
            bytes[at / 8] ^= 1 << (at % 8);
            let holds = Cosignature::from_bytes(&bytes).is_ok_and(|c| c.verify(&public, TEXT).is_ok());
            assert!(!holds, "bit {at}");
        }
        let good = Cosignature::from_bytes(good.bytes()).unwrap();
        assert_eq!(good.verify(&public, TEXT), Ok(()));
        assert_eq!(good.verify(&public, &TEXT.replace("10", "11")), Err(SignatureError));
        assert_eq!(good.verify(&public, &TEXT[..TEXT.len() - 1]), Err(SignatureError));
        // A plain signature over the text is not a cosignature.
        let plain = Cosignature::new(1234, test_key().sign(TEXT.as_bytes())).unwrap();
        assert_eq!(plain.verify(&public, TEXT), Err(SignatureError));
    }

    #[test]
    fn the_message_is_that_of_the_specification() {
        let text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
        let message = String::from_utf8(Cosignature::message(1679315147, text)).unwrap();
        assert_eq!(message, format!("cosignature/v1\ntime 1679315147\n{text}"));
        assert!(Cosignature::message(0, "x\n").starts_with(b"cosignature/v1\ntime 0\nx\n"));
    }

    #[test]
    fn bounds() {
        let signature = Signature([7; 64]);
        assert!(Cosignature::new(TIME_MAX, signature).is_ok());
        let error = Err(CosignatureError::Time { found: TIME_MAX + 1, max: TIME_MAX });
        assert_eq!(Cosignature::new(TIME_MAX + 1, signature), error);
        for length in [0, 7, 8, 64, 71, 73, 2428] {
            let error = Err(CosignatureError::Length { expected: 72, found: length });
            assert_eq!(Cosignature::from_bytes(&vec![0; length]), error);
        }
    }

    proptest! {
        #[test]
        fn comes_back(bytes in proptest::collection::vec(any::<u8>(), 70..75)) {
            if let Ok(cosignature) = Cosignature::from_bytes(&bytes) {
                prop_assert_eq!(cosignature.to_bytes(), bytes);
            } else {
                prop_assert!(bytes.len() != 72 || bytes[0] >= 0x80);
            }
        }
    }
}
