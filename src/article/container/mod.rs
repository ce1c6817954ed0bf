//! Files that hold several documents: feeds, web archives, mails with attachments.
//!
//! Each document in them becomes a record of its own, with its own bytes as the original.

pub(super) mod feed;
pub(super) mod mail;
pub(super) mod wacz;
pub(super) mod warc;

/// How a document stands to the file that it was in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Relation {
    /// The message itself, whose attachments are the other parts. Its bytes are those of the whole file.
    Message,
    /// Attached to a mail.
    Attachment,
    /// An entry of a feed.
    Entry,
    /// A capture in a web archive.
    Capture,
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
