//! `relation` statements: one typed edge from a registered document to another, or to something not registered.
//!
//! ```json
//! {"about":{"record":9,"original":"<sha256>"},"relation":"cites","assertedBy":"person",
//!  "target":{"record":{"record":4,"original":"<sha256>"}},"recordedBy":"<key id>","recordedAt":"2026-11-23T09:30:00Z"}
//! ```
//!
//! The subject is the document that relates: the citing one, the correcting one. A target that nobody has registered
//! is named by words, an address or an organisation, and is *unresolved*.

use serde::{Deserialize, Serialize};

use crate::attest::json::only_words;
use crate::base::{Hash, Timestamp};

use super::RecordRef;

/// What the document is to the target.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", remote = "Self")]
#[non_exhaustive]
pub enum RelationKind {
    /// It has words of it, verbatim.
    Quotes,
    /// It names it as support.
    Cites,
    /// It was written from it.
    IsBasedOn,
    /// It is it in another language.
    TranslationOf,
    /// It republishes it unchanged.
    Syndicates,
    /// It is a part of it.
    ExcerptOf,
    /// It says what was wrong in it.
    Corrects,
    /// It says what was unclear in it.
    Clarifies,
    /// It says what is new since.
    Updates,
    /// It takes it back.
    Retracts,
    /// It takes its place.
    Supersedes,
    /// It says otherwise.
    Contradicts,
    /// It has the same content.
    SameContentAs,
    /// It has nearly the same content.
    NearDuplicateOf,
    /// It is a recording, scan or picture of it.
    RecordingOf,
    /// Any other; it says nothing here.
    #[serde(untagged)]
    Other(String),
}

only_words!(RelationKind);

impl RelationKind {
    /// Returns whether the document rests on the target: what becomes of that concerns it.
    pub fn rests_on_target(&self) -> bool {
        use RelationKind::{Cites, ExcerptOf, IsBasedOn, Quotes, RecordingOf, Syndicates, TranslationOf};
        matches!(self, Quotes | Cites | IsBasedOn | TranslationOf | Syndicates | ExcerptOf | RecordingOf)
    }
}

/// Who says so.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", remote = "Self")]
#[non_exhaustive]
pub enum AssertedBy {
    /// The document itself.
    Text,
    /// A program that compared the two.
    Machine,
    /// Whoever signs.
    Person,
    /// Any other.
    #[serde(untagged)]
    Other(String),
}

only_words!(AssertedBy);

/// The other end.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Target {
    /// A registered document.
    Record(RecordRef),
    /// One that nobody has registered.
    Unresolved(Unresolved),
}

/// What is known of a document that nobody has registered: at least one of these.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Unresolved {
    /// In words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Its address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Whose it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub org: Option<String>,
}

/// The predicate of a `relation` statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Relation {
    /// The document that relates; its digest is the subject's too.
    pub about: RecordRef,
    /// What it is to the target.
    pub relation: RelationKind,
    /// The other end.
    pub target: Target,
    /// Who says so.
    pub asserted_by: AssertedBy,
    /// Words of the target that stand in the document, once opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quote: Option<String>,
    /// Id of the key that signs.
    pub recorded_by: Hash,
    /// When, by the signer's own clock. Nothing is judged by it.
    pub recorded_at: Timestamp,
}

impl Relation {
    /// Returns what contradicts the rules of such statements: the field, and why. Pure form, without the log.
    pub fn fault(&self) -> Option<(&'static str, String)> {
        match &self.target {
            Target::Record(target) if *target == self.about => {
                Some(("/target", "a document is related to itself".into()))
            }
            Target::Unresolved(Unresolved { text: None, url: None, org: None }) => {
                Some(("/target", "the target is neither registered nor named".into()))
            }
            _ => None,
        }
    }
}
