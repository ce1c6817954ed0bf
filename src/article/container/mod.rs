//! Files that hold several documents: feeds, web archives, mails with attachments.
//!
//! Each document in them becomes a record of its own, with its own bytes as the original.

pub(super) mod feed;
pub(super) mod mail;
pub(super) mod mbox;
pub(super) mod wacz;
pub(super) mod warc;

/// How a document stands to the file that it was in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Relation {
    /// The message itself, whose attachments are the other parts. Its bytes are those of the whole file.
    Message,
    /// A mail of a mailbox.
    Mail,
    /// Attached to a mail.
    Attachment,
    /// An entry of a feed.
    Entry,
    /// A capture in a web archive.
    Capture,
}

/// How a copy of a document came here. Names of files are left out: they may name persons.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    /// The address that it was fetched from, after redirects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// When it was captured: RFC 3339, by the clock of whoever captured it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub captured_at: Option<String>,
    /// How it stands to the file that it was in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relation: Option<Relation>,
    /// SHA-256 of that file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part_of: Option<crate::base::Hash>,
    /// What the server answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<Http>,
}

/// What a server answered.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Http {
    /// The address that was asked for.
    pub requested: String,
    /// The status of the last answer.
    pub status: u16,
    /// The addresses that led to the last one, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub redirects: Vec<String>,
    /// SHA-256 of the header fields as received: `name: value` and a line feed each, names in lower case.
    pub headers_sha256: crate::base::Hash,
}

/// A document inside a file.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Part {
    /// A name for people: the attachment's, the entry's title, the page's URL. A stranger wrote it; it is never used as a
    /// path.
    pub name: String,
    /// How it stands to the file.
    pub relation: Relation,
    /// The document's own bytes: decoded from transfer and content encodings.
    #[serde(skip)]
    pub bytes: Vec<u8>,
    /// The media type that the file gives it, without parameters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// The charset that the file gives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charset: Option<String>,
    /// The address that it was captured from, or its entry's link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// When it was captured: RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub captured_at: Option<String>,
    /// SHA-256 of the document that it hangs on, where that is not the whole file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<crate::base::Hash>,
}

/// What a file that holds several documents has in it.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Contents {
    /// The documents, in the file's order.
    pub parts: Vec<Part>,
    /// What was passed over: a name, and why.
    pub left_out: Vec<(String, String)>,
}
