//! `notice` statements: what a publisher or editor says of a document after it was registered.
//!
//! ```json
//! {"about":{"record":4,"original":"<sha256>"},"notice":"retraction","recordedBy":"<key id>","recordedAt":"…"}
//! ```

use serde::{Deserialize, Serialize};

use crate::attest::json::only_words;
use crate::base::{Hash, Timestamp};

use super::RecordRef;

/// What is said of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", remote = "Self")]
#[non_exhaustive]
pub enum NoticeKind {
    /// Something in it was wrong.
    Correction,
    /// Something in it was unclear.
    Clarification,
    /// There is something new since.
    Update,
    /// It is taken back.
    Retraction,
    /// It must not be used, as agencies say it.
    Kill,
    /// It must not be published before a time.
    Embargo,
    /// It was taken from where it was published.
    Takedown,
    /// Any other; it says nothing here.
    #[serde(untagged)]
    Other(String),
}

only_words!(NoticeKind);

impl NoticeKind {
    /// Returns whether nobody should rest on the document any more.
    pub fn takes_back(&self) -> bool {
        matches!(self, NoticeKind::Retraction | NoticeKind::Kill | NoticeKind::Takedown)
    }
}

/// The predicate of a `notice` statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Notice {
    /// The registration it is about; its document is the subject.
    pub about: RecordRef,
    /// What is said of it.
    pub notice: NoticeKind,
    /// What takes its place, where something does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced_by: Option<RecordRef>,
    /// For an embargo, when it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Where it was said in public.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// In words, once opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Id of the key that signs.
    pub recorded_by: Hash,
    /// When, by the signer's own clock. Nothing is judged by it.
    pub recorded_at: Timestamp,
}

impl Notice {
    /// Returns what contradicts the rules of such statements: the field, and why. Pure form, without the log.
    pub fn fault(&self) -> Option<(&'static str, String)> {
        let embargo = self.notice == NoticeKind::Embargo;
        match (embargo, self.until, self.replaced_by) {
            (true, None, _) => Some(("/until", "an embargo without its end".into())),
            (false, Some(_), _) => Some(("/until", "only an embargo has an end".into())),
            (_, _, Some(by)) if by == self.about => {
                Some(("/replacedBy", "a document takes its own place".into()))
            }
            _ => None,
        }
    }
}
