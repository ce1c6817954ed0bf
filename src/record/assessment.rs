//! `assessment` statements: what an assessor found out about one claim, and how.
//!
//! ```json
//! {"about":{"record":4,"original":"<sha256>"},"claim":"/claimedOrigins/0","state":"verified",
//!  "method":"originPublication","evidence":[{"url":"https://…"}],"recordedBy":"<key id>","recordedAt":"…"}
//! ```
//!
//! Nothing is overwritten: of one assessor's statements about one claim the last holds, and those of several stand
//! beside each other.

use serde::{Deserialize, Serialize};

use crate::attest::json::only_words;
use crate::base::{Hash, Timestamp};

use super::RecordRef;
use super::about::Support;

/// What was found. That a claim is merely *claimed* needs no statement.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", remote = "Self")]
#[non_exhaustive]
pub enum AssessmentState {
    /// Something independent agrees.
    Corroborated,
    /// It is so, by a method that shows it.
    Verified,
    /// There are reasons against it.
    Disputed,
    /// It is not so.
    Refuted,
    /// It could not be found out.
    Inconclusive,
    /// The assessor takes back what he said.
    Withdrawn,
    /// Any other; it says nothing here.
    #[serde(untagged)]
    Other(String),
}

only_words!(AssessmentState);

/// How it was found out.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", remote = "Self")]
#[non_exhaustive]
pub enum Method {
    /// The named origin signed it.
    OriginSignature,
    /// It was seen on a site of the named origin.
    OriginPublication,
    /// It was found in an archive of the named origin.
    ArchiveMatch,
    /// It was found in the agency's feed.
    WireFeedMatch,
    /// The named origin was asked.
    DirectContact,
    /// Another source says the same, without having it from the first.
    SecondIndependentSource,
    /// The document itself was examined.
    DocumentForensics,
    /// Only what is said about the document was looked at.
    MetadataOnly,
    /// Judgement alone.
    EditorialJudgement,
    /// Any other; it shows nothing here.
    #[serde(untagged)]
    Other(String),
}

only_words!(Method);

impl Method {
    /// Returns whether it can show that a document comes from where it says.
    pub fn can_verify(&self) -> bool {
        use Method::{ArchiveMatch, DirectContact, OriginPublication, OriginSignature, WireFeedMatch};
        matches!(self, OriginSignature | OriginPublication | ArchiveMatch | WireFeedMatch | DirectContact)
    }
}

/// How sure the assessor is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", remote = "Self")]
#[non_exhaustive]
pub enum Confidence {
    /// Hardly.
    Low,
    /// Fairly.
    Medium,
    /// Very.
    High,
    /// Any other.
    #[serde(untagged)]
    Other(String),
}

only_words!(Confidence);

/// The predicate of an `assessment` statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Assessment {
    /// The registration that makes the claim; its document is the subject.
    pub about: RecordRef,
    /// The claim, as a JSON Pointer into the predicate of that registration.
    pub claim: String,
    /// What was found.
    pub state: AssessmentState,
    /// How. Absent only in a withdrawal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<Method>,
    /// On what it rests.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Support>,
    /// How sure the assessor is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<Confidence>,
    /// A free note, once opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Id of the key that signs.
    pub recorded_by: Hash,
    /// When, by the signer's own clock. Nothing is judged by it.
    pub recorded_at: Timestamp,
}

impl Assessment {
    /// Returns what contradicts the rules of such statements: the field, and why. Pure form, without the log.
    pub fn fault(&self) -> Option<(&'static str, String)> {
        let verified = self.state == AssessmentState::Verified;
        match &self.method {
            None if self.state != AssessmentState::Withdrawn => {
                Some(("/method", "no method is named".into()))
            }
            Some(method) if verified && !method.can_verify() => {
                let method = serde_json::json!(method);
                Some(("/method", format!("a claim is not verified by {method}")))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assessment(state: &str, method: Option<&str>) -> Assessment {
        let hash = Hash::of(b"");
        let about = serde_json::json!({"record": 1, "original": hash});
        let mut value = serde_json::json!({
            "about": about, "claim": "/claimedOrigins/0", "state": state,
            "recordedBy": hash, "recordedAt": "2026-11-23T09:30:00Z",
        });
        if let Some(method) = method {
            value["method"] = method.into();
        }
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn verified_takes_a_method_that_shows_it() {
        for method in
            ["originSignature", "originPublication", "archiveMatch", "wireFeedMatch", "directContact"]
        {
            assert_eq!(assessment("verified", Some(method)).fault(), None, "{method}");
        }
        for method in ["secondIndependentSource", "editorialJudgement", "metadataOnly", "aFeeling"] {
            assert_eq!(assessment("verified", Some(method)).fault().unwrap().0, "/method", "{method}");
            assert_eq!(assessment("corroborated", Some(method)).fault(), None, "{method}");
        }
        assert!(assessment("refuted", None).fault().is_some());
        assert_eq!(assessment("withdrawn", None).fault(), None);
    }
}
