//! What a reader of an article's record should know of how it was read.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Something that was lost, joined or left out while reading. In JSON: `{"kind": "softWrapsJoined", "count": 30}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase", remote = "Self")]
#[non_exhaustive]
pub enum Warning {
    /// Byte sequences that the charset does not know; each is U+FFFD in the text.
    Undecodable {
        /// How many.
        count: usize,
    },
    /// Characters that do not show: zero-widths, bidi controls, control characters. They stay in the text and are
    /// passed over when names are looked for.
    Invisible {
        /// How many.
        count: usize,
    },
    /// Line breaks that became spaces in the reflow form.
    SoftWrapsJoined {
        /// How many.
        count: usize,
    },
    /// Hyphens at a line's end that were dropped in the reflow form. A true hyphen looks the same.
    HyphenBreaksJoined {
        /// How many.
        count: usize,
        /// Code points of the first hundred hyphens in the extracted text.
        at: Vec<usize>,
    },
    /// Claims of one field beyond what is kept.
    ClaimsDropped {
        /// JSON name of the field: `claimedOrigins`, `bylines`.
        field: String,
        /// How many were left out.
        count: usize,
    },
    /// Claims left out because they are longer than a claim may be.
    ClaimsTooLong {
        /// How many.
        count: usize,
        /// Characters that a claim may have.
        limit: usize,
    },
    /// Quotations beyond what is kept.
    QuotesDropped {
        /// How many.
        count: usize,
    },
    /// Paragraphs beyond what is kept.
    ParagraphsDropped {
        /// How many.
        count: usize,
    },
    /// A Markdown document so large that it was read as plain text.
    MarkdownTooLarge {
        /// Bytes of the text.
        size: usize,
        /// Bytes that are read as Markdown.
        limit: usize,
    },
    /// A document of pictures: it is known by its bytes alone.
    NoTextLayer {
        /// How many pages it has.
        pages: usize,
    },
    /// A document whose fonts do not say what their glyphs mean: it is known by its bytes alone.
    TextNotRecoverable {
        /// How many characters could not be told.
        chars: usize,
    },
    /// The text lies invisibly over pictures, as software that reads scans puts it: it may be misread.
    InvisibleTextLayer,
    /// The fonts did not say enough for our own reader; another one's text was taken.
    ReadBySecondReader,
    /// Lines that stand at the edge of several pages: running titles, page numbers.
    RepeatedLinesDropped {
        /// How many.
        count: usize,
    },
    /// Characters of a page that are not read: those outside of it or of what is cut out for them, which nobody sees, and
    /// those that run aslant, as stamps and watermarks do.
    GlyphsLeftOut {
        /// How many lie outside.
        outside: usize,
        /// How many run aslant.
        slanted: usize,
    },
    /// What a word processor's file holds beside its text: deleted and hidden text, comments.
    LeftOut {
        /// Deletions and moves that are tracked.
        deleted: usize,
        /// Pieces of hidden text.
        hidden: usize,
        /// Comments.
        comments: usize,
    },
    /// A page nested so deep, or so large, that it was read simplified.
    PageSimplified {
        /// Elements whose tags were dropped because they stood too deep; their words were read.
        flattened: usize,
        /// Whether the end of the page was not read.
        cut: bool,
    },
    /// The text is so long that quotations were looked for in its beginning only.
    NotReadWhole {
        /// Characters of the text.
        chars: usize,
        /// Characters that were looked at.
        limit: usize,
    },
}

impl Warning {
    /// True for what a person should know of before the document is registered.
    pub fn is_notable(&self) -> bool {
        !matches!(
            self,
            Warning::SoftWrapsJoined { .. }
                | Warning::HyphenBreaksJoined { .. }
                | Warning::Invisible { .. }
                | Warning::RepeatedLinesDropped { .. }
        )
    }
}

impl Serialize for Warning {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Warning::serialize(self, serializer)
    }
}

/// From an object: what is derived takes a list of the tag and the members' values for one, too.
impl<'de> Deserialize<'de> for Warning {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Warning;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with the kind of a warning")
            }

            fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Warning, A::Error> {
                Warning::deserialize(MapAccessDeserializer::new(members))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Warning::Undecodable { count } => write!(f, "{count} byte sequences could not be decoded"),
            Warning::Invisible { count } => write!(f, "{count} invisible characters in the text"),
            Warning::SoftWrapsJoined { count } => write!(f, "soft wraps joined: {count}"),
            Warning::HyphenBreaksJoined { count, at } => {
                write!(f, "hyphen breaks joined: {count}")?;
                at.first().map_or(Ok(()), |first| write!(f, " (first at character {first})"))
            }
            Warning::ClaimsDropped { field, count } => write!(f, "{count} more {field} were left out"),
            Warning::ClaimsTooLong { count, limit } => {
                write!(f, "{count} claims of more than {limit} characters were left out")
            }
            Warning::QuotesDropped { count } => write!(f, "{count} more quotations were left out"),
            Warning::ParagraphsDropped { count } => write!(f, "{count} more paragraphs were left out"),
            Warning::MarkdownTooLarge { size, limit } => {
                write!(f, "read as plain text: {size} bytes of Markdown, more than {limit}")
            }
            Warning::NoTextLayer { pages } => {
                write!(f, "no text layer in {pages} pages: it is registered by its bytes alone")
            }
            Warning::TextNotRecoverable { chars } => {
                write!(
                    f,
                    "its fonts do not say what {chars} characters mean: it is registered by its bytes alone"
                )
            }
            Warning::InvisibleTextLayer => f.write_str("the text is a scanner's reading of pictures"),
            Warning::ReadBySecondReader => f.write_str("the text was recovered by a second reader"),
            Warning::RepeatedLinesDropped { count } => {
                write!(f, "{count} running titles and page numbers were left out")
            }
            Warning::GlyphsLeftOut { outside, slanted } => {
                write!(f, "left out: {outside} characters outside of the pages, {slanted} that run aslant")
            }
            Warning::LeftOut { deleted, hidden, comments } => {
                write!(f, "left out: {deleted} deletions, {hidden} hidden pieces, {comments} comments")
            }
            Warning::PageSimplified { flattened, cut } => {
                write!(f, "{flattened} elements of the page stood too deep")?;
                if *cut { f.write_str("; its end was not read") } else { Ok(()) }
            }
            Warning::NotReadWhole { chars, limit } => {
                write!(f, "the text has {chars} characters; quotations were looked for in the first {limit}")
            }
        }
    }
}
