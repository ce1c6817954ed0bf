//! `sealed` statements: that somebody had a document by now, without a word on which.
//!
//! ```json
//! {"recordedBy":"<key id>","recordedAt":"…","_sd_alg":"sha-256","_sd":["<digest of the opening>"]}
//! ```
//!
//! The one commitment opens to the document's digests, [`SealedDocument`], under the name `document`. Its opening is not
//! published with the entry: whoever sealed it keeps it until he reveals it, by registering the document and putting the
//! opening beside the log. The subject is named `sealed`; its digest is that of the commitment as it stands in the entry.

use serde::{Deserialize, Serialize};

use crate::base::{Hash, Timestamp};

/// The name that the commitment opens to.
pub const SEALED_MEMBER: &str = "document";

/// The digests of a document that was sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedDocument {
    /// SHA-256 of its bytes.
    pub original: Hash,
    /// SHA-256 of its extracted text.
    pub text: Hash,
    /// SHA-256 of the reflow form of that.
    pub reflow: Hash,
}

/// The predicate of a `sealed` statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sealed {
    /// The document, once its commitment is opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<SealedDocument>,
    /// Id of the key that signs.
    pub recorded_by: Hash,
    /// When, by the signer's own clock. Nothing is judged by it.
    pub recorded_at: Timestamp,
}
