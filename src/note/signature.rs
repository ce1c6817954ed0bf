//! One signature line of a note.
//!
//! ```text
//! — example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=
//! ```

use std::fmt;

use thiserror::Error;

use super::key::KeyError;
use super::key_id::{KeyId, KeyName};
use crate::base::encoding::{self, DecodeError};

/// A signature line: which key made it, it says, and the signature's bytes. Anybody may add one to a note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteSignature {
    name: KeyName,
    key_id: KeyId,
    bytes: Vec<u8>,
}

/// Why a line is not a signature line.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SignatureLineError {
    /// Not an em dash, a name and a base64 text with one space between them.
    #[error("{line:?} is not of the form — name base64")]
    Form {
        /// The beginning of the line, at most 80 characters.
        line: String,
    },
    /// The name cannot be that of a key.
    #[error(transparent)]
    Name(#[from] KeyError),
    /// The signature is not canonical base64.
    #[error("the signature of {name:?} is not base64")]
    Base64 {
        /// The key's name.
        name: KeyName,
        /// What is wrong with it.
        source: DecodeError,
    },
    /// No byte of signature after the four of the key id.
    #[error("the signature of {name:?} has {found} bytes, its key id alone has 4")]
    TooShort {
        /// The key's name.
        name: KeyName,
        /// Bytes found, key id included.
        found: usize,
    },
}

impl NoteSignature {
    /// Joins the parts of a line; `bytes` are those after the key id.
    ///
    /// # Errors
    /// [`SignatureLineError::TooShort`] if there are none.
    pub fn new(name: KeyName, key_id: KeyId, bytes: Vec<u8>) -> Result<Self, SignatureLineError> {
        if bytes.is_empty() {
            return Err(SignatureLineError::TooShort { name, found: 4 });
        }
        Ok(NoteSignature { name, key_id, bytes })
    }

    /// Reads a line, given without its newline.
    ///
    /// # Errors
    /// [`SignatureLineError`].
    pub fn parse(line: &str) -> Result<Self, SignatureLineError> {
        let parts = line.strip_prefix("— ").and_then(|rest| rest.split_once(' '));
        let Some((name, base64)) = parts else {
            return Err(SignatureLineError::Form { line: line.chars().take(80).collect() });
        };
        let name = KeyName::new(name)?;
        let blob = match encoding::from_base64(base64) {
            Ok(blob) => blob,
            Err(source) => return Err(SignatureLineError::Base64 { name, source }),
        };
        match blob.split_first_chunk() {
            Some((id, bytes)) => Self::new(name, KeyId(*id), bytes.to_vec()),
            None => Err(SignatureLineError::TooShort { name, found: blob.len() }),
        }
    }

    /// Returns the name of the key that is said to have signed.
    pub fn name(&self) -> &KeyName {
        &self.name
    }

    /// Returns the id of the key that is said to have signed.
    pub fn key_id(&self) -> KeyId {
        self.key_id
    }

    /// Returns the signature's bytes, those after the key id. At least one.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// The line without its newline.
impl fmt::Display for NoteSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let blob = [self.key_id.0.as_slice(), &self.bytes].concat();
        write!(f, "— {} {}", self.name, encoding::to_base64(&blob))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn refuses_other_forms() {
        assert_eq!(NoteSignature::parse("— a AAAAAAE=").unwrap().bytes(), [1]);
        for bad in [
            "",
            "—",
            "— ",
            "— a",
            "— a ",
            "— a AAAAAA==",
            "— a AAA=",
            "— a AAAAAAF=",
            "— a AAAAAAE",
            "— a AAAAAAE= ",
            "— a  AAAAAAE=",
            "—  a AAAAAAE=",
            " — a AAAAAAE=",
            "- a AAAAAAE=",
            "– a AAAAAAE=",
            "—\u{a0}a AAAAAAE=",
            "— a+b AAAAAAE=",
            "— a AAAAAAE=\n",
            "— a\nAAAAAAE=",
            "— a AAAAAAE-",
        ] {
            assert!(NoteSignature::parse(bad).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn comes_back(name in "[a-z日./]{1,20}", id: [u8; 4], bytes in proptest::collection::vec(any::<u8>(), 1..90)) {
            let name = KeyName::new(&name).unwrap();
            let made = NoteSignature::new(name, KeyId(id), bytes).unwrap();
            prop_assert_eq!(NoteSignature::parse(&made.to_string()), Ok(made));
        }

        #[test]
        fn has_one_spelling(line in "— [ab+ ]{1,3} ?[A-D/+=]{0,9}") {
            if let Ok(parsed) = NoteSignature::parse(&line) { prop_assert_eq!(parsed.to_string(), line); }
        }
    }
}
