//! What a reader of a format gives: the text to be hashed, and what the format says beside it.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::Warning;
use super::decode::Charset;

/// A text taken out of a document, with what its format says of its parts. All ranges are bytes of `text`.
///
/// `text` is the article's own wording: it is hashed, and the same reader gives the same text for the same bytes for
/// ever. What a page shows around it (`head`, `tail`) and what its metadata say (`declared`) is not part of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extract {
    /// The extracted text.
    pub text: String,
    /// Where the article begins, after the fields.
    pub body: usize,
    /// Fields made for the purpose that stand in the text, in order.
    pub fields: Vec<FieldValue>,
    /// Headings of the first level, in order.
    pub headings: Vec<Range<usize>>,
    /// What is shown right before the article's text, in order: title, byline, date.
    pub head: Vec<Block>,
    /// What is shown right after it, in order: a credit, the author's note.
    pub tail: Vec<Block>,
    /// What the format declares beside the text, in the order of the document.
    pub declared: Vec<Declared>,
    /// The charset, where the reader decided it; `None` where the format leaves no choice.
    pub charset: Option<Charset>,
    /// What was lost or left out while reading.
    pub warnings: Vec<Warning>,
}

/// One value of one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldValue {
    /// The field's name in lower case.
    pub key: String,
    /// Bytes of the name as printed.
    pub name: Range<usize>,
    /// Bytes of the value, without quotation marks.
    pub value: Range<usize>,
}

/// A block of text outside of the article's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// Where it stands in the document, in words of the format: a CSS selector, `page 1`.
    pub path: String,
    /// Its text, in one line or more.
    pub text: String,
}

/// What a declared value is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Key {
    /// The headline.
    Title,
    /// An author, one value each where the format parts them.
    Author,
    /// An author that is said to be a body, not a person.
    AuthorOrganisation,
    /// Who published this copy: the site, the paper.
    Publisher,
    /// When it was published, as written there.
    Published,
    /// When it was last changed, as written there.
    Modified,
    /// The language, as written there.
    Language,
    /// Who gave the text: a credit line, a provider, a source.
    Origin,
    /// Where it was filed, as written there.
    Dateline,
    /// Who sent it: the `From` of a mail.
    Sender,
    /// A summary.
    Description,
    /// Its own address: an absolute URL.
    Url,
    /// What the format calls it: a GUID, a Message-ID.
    Identifier,
    /// What sort of document: `NewsArticle`, `photo`.
    Kind,
}

/// One value that a format declares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declared {
    /// What it is about.
    pub key: Key,
    /// The vocabulary: `json-ld`, `microdata`, `opengraph`, `dublin-core`, `meta`, `link`, `markup` (what is shown, and
    /// named by the page's own markup), `core-properties`, `pdf-info`, `mail-header`, `ninjs`, `newsml`, `feed`.
    pub source: String,
    /// Where in it: a JSON Pointer, a CSS selector, a header's or an element's name.
    pub path: String,
    /// The value, decoded, white space at its ends removed.
    pub value: String,
}
