//! What a statement says twice, and must say alike: who signed it, and what it is about.
//!
//! A statement for which this is not so is invalid in an audit and in a proof, and says nothing in a fold.

use crate::base::Hash;

use super::{Body, Entry, RecordRef};

/// Two parts of one statement that should be one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The member of the predicate, as a JSON Pointer.
    pub field: &'static str,
    /// What it is not.
    pub what: &'static str,
    /// What it should be.
    pub expected: String,
    /// What it is.
    pub found: String,
}

/// Returns where the entry contradicts itself. Pure form: its signature, the log and the rules of its kind are not looked
/// at. Of a statement of a kind that this release does not know, nothing is known.
pub fn differences(entry: &Entry) -> Vec<Difference> {
    let subject = entry.statement.subject[0].digest.sha256;
    let about = |about: RecordRef| {
        let what = "not the digest of the subject";
        differ("/about/original", what, subject, about.original)
    };
    let (recorded_by, other) = match &entry.body {
        Body::Registration(registration) => {
            let (text, said) = (entry.statement.subject[1].digest.sha256, registration.text.sha256);
            (
                registration.recorded_by,
                differ("/text/sha256", "not the digest of the subject `text`", text, said),
            )
        }
        Body::Key(statement) => {
            let key = statement.key.public_key().ok().map(|key| key.key_id());
            let other = (key != Some(subject)).then(|| Difference {
                field: "/key",
                what: "the subject's digest is not the key's id",
                expected: key.map_or_else(|| "the id of a key".to_owned(), |key| key.to_string()),
                found: subject.to_string(),
            });
            (statement.recorded_by, other)
        }
        Body::Relation(relation) => (relation.recorded_by, about(relation.about)),
        Body::Assessment(assessment) => (assessment.recorded_by, about(assessment.about)),
        Body::Notice(notice) => (notice.recorded_by, about(notice.about)),
        Body::Confirmation(confirmation) => (confirmation.recorded_by, about(confirmation.about)),
        Body::Observation(observation) => (observation.recorded_by, about(observation.about)),
        Body::Erasure(erasure) => {
            let what = "the subject's digest is not that of the commitments";
            (erasure.recorded_by, differ("/commitments", what, erasure.subject(), subject))
        }
        Body::Sealed(sealed) => {
            let committed = match entry.predicate()["_sd"].as_array().map(Vec::as_slice) {
                Some([one]) => one.as_str().map(|one| Hash::of(one.as_bytes())),
                _ => None,
            };
            let other = (committed != Some(subject)).then(|| Difference {
                field: "/_sd",
                what: "the subject's digest is not that of the one commitment",
                expected: committed.map_or_else(|| "a commitment".to_owned(), |one| one.to_string()),
                found: subject.to_string(),
            });
            (sealed.recorded_by, other)
        }
        Body::Unknown => return Vec::new(),
    };
    let signed = entry.envelope.key_id();
    let by = differ("/recordedBy", "not the key that signed", signed, recorded_by);
    by.into_iter().chain(other).collect()
}

fn differ(field: &'static str, what: &'static str, expected: Hash, found: Hash) -> Option<Difference> {
    let told = || Difference { field, what, expected: expected.to_string(), found: found.to_string() };
    (expected != found).then(told)
}
