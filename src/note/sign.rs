//! Putting signatures on notes. Where the private key lies is the caller's affair: a file, an ssh-agent.

use thiserror::Error;

use super::key::{Check, VerifierKey};
use super::key_id::{KeyId, KeyName, SignatureType};
use super::{Cosignature, Note, NoteError, NoteSignature, no_control_characters};
use crate::base::Signature;
use crate::base::limits::{NOTE_MAX_BYTES, NOTE_MAX_SIGNATURES};

/// Why a signature was not put on a note.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SignError {
    /// With it, or already without it, this would not be a note.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// The key is for another kind of signature.
    #[error("key {name:?} signs with type {found}, not {expected}")]
    SignatureType {
        /// The key's name.
        name: KeyName,
        /// The type that is wanted.
        expected: SignatureType,
        /// The key's type.
        found: SignatureType,
    },
    /// The signature is not one of this key over this text.
    #[error("the new signature of {name:?} (key id {id}) does not hold")]
    InvalidSignature {
        /// The key's name.
        name: KeyName,
        /// The key's id.
        id: KeyId,
    },
}

impl Note {
    /// Makes a note of `text`, which ends with a newline, and its first signature: one by `key`, of type 0x01,
    /// over `text`. Where the private key lies is the caller's affair.
    ///
    /// # Errors
    /// [`SignError`].
    pub fn signed(text: &str, key: &VerifierKey, signature: &Signature) -> Result<Self, SignError> {
        if !text.ends_with('\n') {
            return Err(NoteError::TextUnterminated { found: text.len() }.into());
        }
        no_control_characters(text)?;
        Note { text: text.to_owned(), signatures: Vec::new() }.with_signature(key, signature)
    }

    /// Adds a signature by `key`, of type 0x01, over the text. Lines that name the same key are dropped.
    ///
    /// # Errors
    /// [`SignError`].
    pub fn with_signature(self, key: &VerifierKey, signature: &Signature) -> Result<Self, SignError> {
        self.with(key, SignatureType::Ed25519, signature.0.to_vec())
    }

    /// Adds a cosignature by `key`, of type 0x04. Lines that name the same key are dropped.
    ///
    /// # Errors
    /// [`SignError`].
    pub fn with_cosignature(self, key: &VerifierKey, cosignature: &Cosignature) -> Result<Self, SignError> {
        self.with(key, SignatureType::Ed25519Cosignature, cosignature.to_bytes())
    }

    fn with(mut self, key: &VerifierKey, expected: SignatureType, bytes: Vec<u8>) -> Result<Self, SignError> {
        let (name, id, found) = (key.name().clone(), key.id(), key.signature_type());
        if found != expected {
            return Err(SignError::SignatureType { name, expected, found });
        }
        if !matches!(key.check(&self.text, &bytes), Check::Valid { .. }) {
            return Err(SignError::InvalidSignature { name, id });
        }
        self.signatures.retain(|line| (line.name(), line.key_id()) != (&name, id));
        let line = self.signatures.len() + 1;
        let signature = NoteSignature::new(name, id, bytes)
            .map_err(|source| NoteError::SignatureLine { line, source })?;
        self.signatures.push(signature);
        if line > NOTE_MAX_SIGNATURES {
            return Err(NoteError::TooManySignatures { found: line, max: NOTE_MAX_SIGNATURES }.into());
        }
        let found = self.format().len();
        if found > NOTE_MAX_BYTES {
            return Err(NoteError::TooLarge { found, max: NOTE_MAX_BYTES }.into());
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_keys::signing_key;
    use super::*;

    fn vkey(name: &str, seed: u8) -> VerifierKey {
        VerifierKey::ed25519(KeyName::new(name).unwrap(), signing_key(seed).public())
    }

    const TEXT: &str = "If you think cryptography is the answer to your problem,\n\
                        then you don't know what your problem is.\n";

    #[test]
    fn signs_only_what_holds() {
        let signing = signing_key(1);
        let (vkey, other) = (vkey("example.com/log", 1), vkey("example.com/log", 2));
        let signature = signing.sign(TEXT.as_bytes());
        let note = Note::signed(TEXT, &vkey, &signature).unwrap();
        assert_eq!(Note::parse(note.format().as_bytes()), Ok(note.clone()));
        assert_eq!(note.open([&vkey]).unwrap().verified().len(), 1);
        // The same key again replaces its line.
        assert_eq!(note.clone().with_signature(&vkey, &signature), Ok(note.clone()));

        let invalid = SignError::InvalidSignature { name: other.name().clone(), id: other.id() };
        assert_eq!(Note::signed(TEXT, &other, &signature), Err(invalid.clone()));
        assert_eq!(note.clone().with_signature(&other, &signature), Err(invalid));
        let witness = VerifierKey::ed25519_cosigner(vkey.name().clone(), signing.public());
        assert_eq!(
            note.clone().with_signature(&witness, &signature).unwrap_err().to_string(),
            "key \"example.com/log\" signs with type 0x04 (Ed25519 cosignature), not 0x01 (Ed25519)"
        );

        let cosigned = Cosignature::new(7, signing.sign(&Cosignature::message(7, TEXT))).unwrap();
        let note = note.with_cosignature(&witness, &cosigned).unwrap();
        let times: Vec<_> =
            note.open([&witness, &vkey]).unwrap().verified().iter().map(|v| v.time()).collect();
        assert_eq!(times, [None, Some(7)]);

        for text in ["", "abc", "a\tb\n"] {
            let signed = Note::signed(text, &vkey, &signing.sign(text.as_bytes()));
            assert!(matches!(signed, Err(SignError::Note(_))), "{text:?}");
        }
        let with_others = |others: usize| {
            let lines = "— other AAAAAAE=\n".repeat(others);
            let note = Note::parse(format!("{TEXT}\n{lines}").as_bytes()).unwrap();
            note.with_signature(&vkey, &signature)
        };
        assert_eq!(with_others(99).unwrap().signatures().len(), NOTE_MAX_SIGNATURES);
        let error = NoteError::TooManySignatures { found: 101, max: 100 };
        assert_eq!(with_others(100), Err(SignError::Note(error)));
    }

    #[test]
    fn will_not_make_a_note_too_large() {
        // A line of the name "n" and 64 bytes of signature has "— n ", 92 characters and a newline.
        let (signing, vkey) = (signing_key(1), vkey("n", 1));
        let text = "x".repeat(NOTE_MAX_BYTES - 2 - 6 - 92 - 1) + "\n";
        let note = Note::signed(&text, &vkey, &signing.sign(text.as_bytes())).unwrap();
        assert_eq!(note.format().len(), NOTE_MAX_BYTES);
        let text = format!("x{text}");
        let error = NoteError::TooLarge { found: NOTE_MAX_BYTES + 1, max: NOTE_MAX_BYTES };
        let signed = Note::signed(&text, &vkey, &signing.sign(text.as_bytes()));
        assert_eq!(signed, Err(SignError::Note(error)));
    }
}
