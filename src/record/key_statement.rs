//! `key` statements: who may sign, from which log index on.
//!
//! ```json
//! {"action":"enrol","key":{"keyType":"ed25519","public":"<64 hex digits>"},"roles":["editor"],
//!  "recordedBy":"<key id of the root key>","recordedAt":"2026-11-23T09:30:00Z","_sd_alg":"sha-256","_sd":["…"]}
//! ```
//!
//! The subject is named `key`; its digest is the key's id, which is the SHA-256 of the key's description. The
//! signer's name is a commitment: a newsroom's staff must be able to leave the log.

use serde::{Deserialize, Serialize};

use crate::attest::json::only_words;
use crate::base::{Hash, PublicKey, Timestamp, ed25519::PublicKeyError};

/// The value of `keyType`.
pub const KEY_TYPE: &str = "ed25519";

/// Approvals that can be asked for.
pub const APPROVALS_MAX: u32 = 32;

/// What happens to the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum KeyAction {
    /// It may sign from the next index on.
    Enrol,
    /// It takes the place of the key named in `replaces`, which may sign no more.
    Rotate,
    /// It may sign no more, for cause. What it signed before stays valid.
    Revoke,
    /// It may sign no more, in good order. What it signed before stays valid.
    Retire,
    /// From the next index on, a statement about keys takes effect once as many root keys have made it as `approvals`
    /// says. The key is the root key that says so.
    RequireApprovals,
}

/// What a signer may do. A role that this release does not know is kept and allows nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", remote = "Self")]
#[non_exhaustive]
pub enum Role {
    /// A person who registers documents.
    Editor,
    /// A service that registers documents.
    Ingest,
    /// A person who finds out whether claims hold.
    Assessor,
    /// A person who has openings destroyed.
    DataOfficer,
    /// A root key: it makes statements about keys, and no others.
    Root,
    /// Any other.
    #[serde(untagged)]
    Other(String),
}

only_words!(Role);

/// The key that a statement is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyDescriptor {
    /// Always [`KEY_TYPE`].
    pub key_type: String,
    /// The public key, 64 hexadecimal digits.
    pub public: String,
}

impl KeyDescriptor {
    /// Describes `key`.
    pub fn of(key: &PublicKey) -> Self {
        KeyDescriptor { key_type: KEY_TYPE.into(), public: key.to_hex() }
    }

    /// Returns the key.
    ///
    /// # Errors
    /// [`PublicKeyError`] if it is not one that may be trusted; a weak key is never enrolled.
    pub fn public_key(&self) -> Result<PublicKey, PublicKeyError> {
        PublicKey::from_hex(&self.public)
    }
}

/// The predicate of a `key` statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyStatement {
    /// What happens.
    pub action: KeyAction,
    /// To which key.
    pub key: KeyDescriptor,
    /// What the signer may do, for `enrol` and `rotate`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<Role>,
    /// The id of the key that `rotate` replaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<Hash>,
    /// For `requireApprovals`, how many root keys must make a statement about keys, 1 to [`APPROVALS_MAX`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approvals: Option<u32>,
    /// The signer's name, once its commitment is opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The id of the root key that says so.
    pub recorded_by: Hash,
    /// When, by that signer's own clock. Nothing is judged by it.
    pub recorded_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_roles_are_kept() {
        let roles: Vec<Role> = serde_json::from_str(r#"["editor","censor"]"#).unwrap();
        assert_eq!(roles, [Role::Editor, Role::Other("censor".into())]);
        assert_eq!(serde_json::to_string(&roles).unwrap(), r#"["editor","censor"]"#);
    }
}
