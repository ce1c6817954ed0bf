//! `erasure` statements: whose openings were destroyed, and on what ground. Never what they said.
//!
//! ```json
//! {"entry":4,"commitments":["<digest of an opening>"],"reason":"pii","recordedBy":"<key id>","recordedAt":"…"}
//! ```
//!
//! The subject is named `commitments`; its digest is that of the commitments, each with a line feed after it, and of the
//! stored original's, in hexadecimal, if that was destroyed too. Whoever audits knows by it an opening that is missing on
//! purpose from one that was lost. It does not make anybody forget: whoever was given an opening before still has it.

use serde::{Deserialize, Serialize};

use crate::attest::json::only_words;
use crate::base::encoding::from_base64url;
use crate::base::{Hash, Timestamp};

/// On what ground. Never a name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", remote = "Self")]
#[non_exhaustive]
pub enum ErasureReason {
    /// Personal data of somebody who may ask for it.
    Pii,
    /// A court's order.
    CourtOrder,
    /// Somebody must not be known as a source.
    SourceProtection,
    /// A trade secret.
    TradeSecret,
    /// It was recorded by mistake.
    Error,
    /// Any other.
    #[serde(untagged)]
    Other(String),
}

only_words!(ErasureReason);

/// The predicate of an `erasure` statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Erasure {
    /// Index of the entry that commits to what was destroyed.
    pub entry: u64,
    /// The digests of the openings, as they stand in that entry; ascending, none twice.
    pub commitments: Vec<String>,
    /// SHA-256 of the stored original, if that was destroyed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original: Option<Hash>,
    /// On what ground.
    pub reason: ErasureReason,
    /// Id of the key that signs.
    pub recorded_by: Hash,
    /// When, by the signer's own clock. Nothing is judged by it.
    pub recorded_at: Timestamp,
}

impl Erasure {
    /// Returns the digest of the subject.
    pub fn subject(&self) -> Hash {
        let mut list = String::new();
        for commitment in &self.commitments {
            list.push_str(commitment);
            list.push('\n');
        }
        if let Some(original) = self.original {
            list.push_str(&original.to_hex());
            list.push('\n');
        }
        Hash::of(list.as_bytes())
    }

    /// Returns what contradicts the rules of such statements: the field, and why. Pure form, without the log.
    pub fn fault(&self) -> Option<(&'static str, String)> {
        let is_digest = |text: &String| from_base64url(text).is_ok_and(|bytes| bytes.len() == Hash::BYTES);
        match () {
            () if self.commitments.is_empty() && self.original.is_none() => {
                Some(("/commitments", "nothing was erased".into()))
            }
            () if !self.commitments.iter().all(is_digest) => {
                Some(("/commitments", "a commitment is a SHA-256 in base64url".into()))
            }
            () if !self.commitments.is_sorted_by(|one, next| one < next) => {
                Some(("/commitments", "commitments stand in ascending order, and once".into()))
            }
            () => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::encoding::to_base64url;

    #[test]
    fn an_erasure_names_commitments_in_order() {
        let digest = |byte: u8| to_base64url(&[byte; 32]);
        let erasure = |commitments: &[String], original| Erasure {
            entry: 4,
            commitments: commitments.to_vec(),
            original,
            reason: ErasureReason::Pii,
            recorded_by: Hash::of(b""),
            recorded_at: "2026-11-23T09:30:00Z".parse().unwrap(),
        };
        assert_eq!(erasure(&[digest(1), digest(2)], None).fault(), None);
        assert_eq!(erasure(&[], Some(Hash::of(b"a"))).fault(), None);
        for bad in [vec![], vec![digest(2), digest(1)], vec![digest(1), digest(1)], vec!["Naby".into()]] {
            assert_eq!(erasure(&bad, None).fault().unwrap().0, "/commitments", "{bad:?}");
        }
        let both = erasure(&[digest(1)], Some(Hash::of(b"a")));
        let list = format!("{}\n{}\n", digest(1), Hash::of(b"a"));
        assert_eq!(both.subject(), Hash::of(list.as_bytes()));
    }
}
