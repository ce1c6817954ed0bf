//! `confirmation` statements: what a person says of one claim that a rule found, without changing the registration.
//!
//! ```json
//! {"about":{"record":4,"original":"<sha256>"},"claim":"/bylines/0","verdict":"confirmed",
//!  "recordedBy":"<key id>","recordedAt":"…"}
//! ```
//!
//! It says what the *document* claims, no more: that the claim is true is an assessment. Of one person's statements about
//! one claim the last holds, and those of several stand beside each other. What a claim should read is a commitment, as
//! names are.

use serde::{Deserialize, Serialize};

use crate::attest::json::only_words;
use crate::base::{Hash, Timestamp};

use super::RecordRef;

/// What the person says of the claim.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", remote = "Self")]
#[non_exhaustive]
pub enum ClaimVerdict {
    /// The document claims this.
    Confirmed,
    /// The document claims something else, which is told.
    Corrected,
    /// The document claims nothing of the sort.
    Rejected,
    /// Any other; it says nothing here.
    #[serde(untagged)]
    Other(String),
}

only_words!(ClaimVerdict);

/// The predicate of a `confirmation` statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Confirmation {
    /// The registration that makes the claim; its document is the subject.
    pub about: RecordRef,
    /// The claim, as a JSON Pointer into the predicate of that registration.
    pub claim: String,
    /// What is said of it.
    pub verdict: ClaimVerdict,
    /// What it should read, once opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// A free note, once opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Id of the key that signs.
    pub recorded_by: Hash,
    /// When, by the signer's own clock. Nothing is judged by it.
    pub recorded_at: Timestamp,
}

impl Confirmation {
    /// Returns what contradicts the rules of such statements: the field, and why. Pure form, without the log.
    pub fn fault(&self) -> Option<(&'static str, String)> {
        match (&self.verdict, &self.value) {
            (ClaimVerdict::Confirmed | ClaimVerdict::Rejected, Some(_)) => {
                Some(("/value", "only a corrected claim has another value".into()))
            }
            _ => None,
        }
    }
}
