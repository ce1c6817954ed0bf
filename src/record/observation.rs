//! `observation` statements: what was found when a registered document was looked for again at its address.
//!
//! ```json
//! {"about":{"record":4,"original":"<sha256>"},"url":"https://…","observed":"changed","status":200,
//!  "original":"<sha256>","reflow":"<sha256>","recordedBy":"<key id>","recordedAt":"…"}
//! ```

use serde::{Deserialize, Serialize};

use crate::attest::json::only_words;
use crate::base::limits::URL_MAX_BYTES;
use crate::base::{Hash, Timestamp};

use super::RecordRef;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", remote = "Self")]
#[non_exhaustive]
pub enum Observed {
    /// The same bytes.
    Unchanged,
    /// Other bytes with the same wording.
    Reflowed,
    /// Another wording.
    Changed,
    /// The address leads to another one.
    Moved,
    /// Nothing is there any more.
    Gone,
    /// The server does not give it out.
    Blocked,
    /// Any other; it says nothing here.
    #[serde(untagged)]
    Other(String),
}

only_words!(Observed);

/// The predicate of an `observation` statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Observation {
    /// The registration whose document was looked for; it is the subject.
    pub about: RecordRef,
    /// The address that was asked.
    pub url: String,
    /// What was found.
    pub observed: Observed,
    /// SHA-256 of the bytes that came, where some did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original: Option<Hash>,
    /// SHA-256 of their reflow form, where they could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reflow: Option<Hash>,
    /// The address that the bytes came from in the end, where it is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// The status of the answer (RFC 9110, 15), where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Id of the key that signs.
    pub recorded_by: Hash,
    /// When, by the signer's own clock. Nothing is judged by it.
    pub recorded_at: Timestamp,
}

impl Observation {
    /// Returns what contradicts the rules of such statements: the field, and why. Pure form, without the log.
    pub fn fault(&self) -> Option<(&'static str, String)> {
        let same = self.original.map(|original| original == self.about.original);
        match (&self.observed, same) {
            _ if self.url.is_empty() || self.url.len() > URL_MAX_BYTES => {
                Some(("/url", format!("an address has 1 to {URL_MAX_BYTES} bytes")))
            }
            (Observed::Unchanged, Some(false)) => {
                Some(("/original", "other bytes than those registered are not unchanged".into()))
            }
            (Observed::Reflowed | Observed::Changed, Some(true)) => {
                Some(("/original", "the bytes registered are unchanged".into()))
            }
            (Observed::Reflowed | Observed::Changed, None) => {
                Some(("/original", "which bytes came is not said".into()))
            }
            (Observed::Moved, _) if self.location.is_none() => {
                Some(("/location", "where it moved to is not said".into()))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_found_and_the_digests_must_agree() {
        let (registered, other) = (Hash::of(b"a"), Hash::of(b"b"));
        let observation = |observed: Observed, original| Observation {
            about: RecordRef { record: 1, original: registered },
            url: "https://example.org/a".into(),
            observed,
            original,
            reflow: None,
            location: None,
            status: Some(200),
            recorded_by: registered,
            recorded_at: "2026-11-23T09:30:00Z".parse().unwrap(),
        };
        for (observed, original, field) in [
            (Observed::Unchanged, Some(registered), None),
            (Observed::Unchanged, Some(other), Some("/original")),
            (Observed::Changed, Some(other), None),
            (Observed::Changed, Some(registered), Some("/original")),
            (Observed::Reflowed, None, Some("/original")),
            (Observed::Moved, None, Some("/location")),
            (Observed::Gone, None, None),
        ] {
            let fault = observation(observed.clone(), original).fault().map(|(field, _)| field);
            assert_eq!(fault, field, "{observed:?}");
        }
    }
}
