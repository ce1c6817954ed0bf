//! Statements that are to be signed elsewhere: the server makes one ready, an editor's own machine reads and signs it.
//!
//! ```json
//! {"format":"dateline-prepared/1","key":"<64 hex digits of the public key>","payload":"<base64 of the statement>",
//!  "toBeSigned":"<base64 of its DSSE encoding>","openings":["WyJ…"]}
//! ```
//!
//! What is signed is `toBeSigned`, with pure Ed25519 as DSSE has it. An SSHSIG (`ssh-keygen -Y sign`) is over other bytes and is
//! none of these. Nothing in it is to be believed: who signs looks first at what it says.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::attest::dsse::{self, Envelope};
use crate::base::ed25519::PublicKeyError;
use crate::base::encoding::{DecodeError, from_base64, to_base64};
use crate::base::{PublicKey, Signature};

use super::{Entry, EntryError, SealedEntry};

/// The value of `format`.
pub const PREPARED_FORMAT: &str = "dateline-prepared/1";

/// A statement that waits for its signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// The key that is to sign it.
    pub key: PublicKey,
    /// The exact bytes of the statement.
    pub payload: Vec<u8>,
    /// The openings of its commitments.
    pub openings: Vec<String>,
}

/// Why something is not a prepared statement.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PreparedError {
    /// Not the JSON of one.
    #[error("it is not a prepared statement")]
    Malformed(#[from] serde_json::Error),
    /// Of a release that this one does not know.
    #[error("its format is {0:?}; this release reads {PREPARED_FORMAT:?}")]
    Format(String),
    /// A member is not base64.
    #[error("a member is not base64")]
    Encoding(#[from] DecodeError),
    /// The key cannot be trusted.
    #[error("its key cannot be used")]
    Key(#[from] PublicKeyError),
    /// What would be signed is not the statement that is shown.
    #[error("what is to be signed is not the encoding of its statement")]
    Other,
    /// The statement is none.
    #[error("its statement cannot be in a log")]
    Entry(#[from] EntryError),
    /// The openings are not those of the statement.
    #[error("its openings are not those of its statement")]
    Openings,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    format: String,
    key: String,
    payload: String,
    to_be_signed: String,
    openings: Vec<String>,
}

impl Prepared {
    /// Returns what is to be signed.
    pub fn to_be_signed(&self) -> Vec<u8> {
        dsse::pae(dsse::PAYLOAD_TYPE, &self.payload)
    }

    /// Returns the JSON.
    pub fn format(&self) -> Vec<u8> {
        let wire = Wire {
            format: PREPARED_FORMAT.into(),
            key: self.key.to_hex(),
            payload: to_base64(&self.payload),
            to_be_signed: to_base64(&self.to_be_signed()),
            openings: self.openings.clone(),
        };
        serde_json::to_vec(&wire).expect("internal error: a prepared statement is plain data")
    }

    /// Reads the JSON, and returns the statement as an entry whose signature is yet to come: for looking at what it says.
    ///
    /// # Errors
    /// [`PreparedError`].
    pub fn read(bytes: &[u8]) -> Result<(Self, Entry), PreparedError> {
        let wire: Wire = serde_json::from_slice(bytes)?;
        if wire.format != PREPARED_FORMAT {
            return Err(PreparedError::Format(wire.format));
        }
        let key = PublicKey::from_hex(&wire.key)?;
        let prepared = Prepared { key, payload: from_base64(&wire.payload)?, openings: wire.openings };
        if from_base64(&wire.to_be_signed)? != prepared.to_be_signed() {
            return Err(PreparedError::Other);
        }
        let unsigned = Envelope::signed(prepared.payload.clone(), key.key_id(), Signature([0; 64])).encode();
        let opened = Entry::parse_opened(&unsigned, &prepared.openings)?;
        if opened.withheld.is_err() {
            return Err(PreparedError::Openings);
        }
        Ok((prepared, Entry::parse(&unsigned)?))
    }

    /// Puts the signature on. Costs checking it.
    ///
    /// # Errors
    /// [`EntryError`]: the signature does not hold, or the entry is too large.
    pub fn seal(self, signature: Signature) -> Result<SealedEntry, EntryError> {
        let bytes = Envelope::seal(self.payload, &self.key, signature)?.encode();
        SealedEntry::checked(bytes, self.openings, &self.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Hash, SigningKey};
    use crate::record::entry::Circumstances;
    use crate::record::{Draft, KeyAction, Pending, Role};
    use zeroize::Zeroizing;

    fn prepared() -> (SigningKey, Prepared) {
        let key = SigningKey::from_seed(&Zeroizing::new([9; 32]));
        let mut number = 0;
        let mut random = || {
            number += 1;
            [number; 16]
        };
        let mut circumstances = Circumstances {
            recorded_by: key.public().key_id(),
            recorded_at: "2026-11-26T00:00:00Z".parse().unwrap(),
            random: &mut random,
        };
        let roles = vec![Role::Editor];
        let draft =
            Draft::key(KeyAction::Enrol, &key.public(), roles, None, Some("A. Diarra"), &mut circumstances);
        let prepared = draft.unwrap().prepare(&key.public());
        (key, prepared)
    }

    #[test]
    fn what_was_prepared_is_sealed_elsewhere() {
        let (key, prepared) = prepared();
        let (read, entry) = Prepared::read(&prepared.format()).unwrap();
        assert_eq!(read, prepared);
        assert_eq!(entry.kind(), Some(crate::record::Kind::Key));
        let signature = key.sign(&read.to_be_signed());
        let sealed = read.seal(signature).unwrap();
        let (pending, _) = Pending::read(&Pending::of(&sealed).format()).unwrap();
        assert_eq!(pending.openings, prepared.openings);
        let other = SigningKey::from_seed(&Zeroizing::new([8; 32]));
        assert!(prepared.clone().seal(other.sign(&prepared.to_be_signed())).is_err());
    }

    #[test]
    fn nobody_is_made_to_sign_what_he_was_not_shown() {
        let (_, prepared) = prepared();
        let changed = |change: &dyn Fn(&mut serde_json::Value)| {
            let mut value: serde_json::Value = serde_json::from_slice(&prepared.format()).unwrap();
            change(&mut value);
            Prepared::read(value.to_string().as_bytes())
        };
        let other = changed(&|value| value["toBeSigned"] = to_base64(b"DSSEv1 something else").into());
        assert!(matches!(other, Err(PreparedError::Other)), "{other:?}");
        let opening = changed(&|value| value["openings"] = serde_json::json!(["WyJhIiwiYiIsImMiXQ"]));
        assert!(matches!(opening, Err(PreparedError::Openings)), "{opening:?}");
        let weak = changed(&|value| value["key"] = Hash([0; 32]).to_hex().into());
        assert!(matches!(weak, Err(PreparedError::Key(_))), "{weak:?}");
        let format = changed(&|value| value["format"] = "dateline-prepared/2".into());
        assert!(matches!(format, Err(PreparedError::Format(_))), "{format:?}");
        let nothing = changed(&|value| value["payload"] = to_base64(b"{}").into());
        assert!(nothing.is_err());
    }
}
