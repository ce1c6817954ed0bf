//! The formats that are read, and the names and versions of their extractors.

use serde::{Deserialize, Serialize};

/// The format of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Format {
    /// Plain text.
    Text,
    /// Markdown, with or without front matter.
    Markdown,
    /// HTML, or XHTML.
    Html,
    /// PDF.
    Pdf,
    /// Office Open XML text: Word.
    Docx,
    /// OpenDocument text.
    Odt,
    /// Rich Text Format.
    Rtf,
    /// EPUB.
    Epub,
    /// A mail: RFC 5322 and MIME.
    Mail,
    /// IPTC ninjs.
    Ninjs,
    /// IPTC NewsML-G2.
    NewsMl,
    /// One entry of an RSS or Atom feed.
    FeedEntry,
}

impl Format {
    /// All formats.
    pub const ALL: [Format; 12] = [
        Format::Text,
        Format::Markdown,
        Format::Html,
        Format::Pdf,
        Format::Docx,
        Format::Odt,
        Format::Rtf,
        Format::Epub,
        Format::Mail,
        Format::Ninjs,
        Format::NewsMl,
        Format::FeedEntry,
    ];

    /// Returns the media type (RFC 6838): `text/plain`.
    pub fn media_type(self) -> &'static str {
        match self {
            Format::Text => "text/plain",
            Format::Markdown => "text/markdown",
            Format::Html => "text/html",
            Format::Pdf => "application/pdf",
            Format::Docx => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            Format::Odt => "application/vnd.oasis.opendocument.text",
            Format::Rtf => "application/rtf",
            Format::Epub => "application/epub+zip",
            Format::Mail => "message/rfc822",
            Format::Ninjs => "application/vnd.iptc.ninjs+json",
            Format::NewsMl => "application/vnd.iptc.g2.newsitem+xml",
            Format::FeedEntry => "application/xml",
        }
    }

    /// Returns the name that people use: `PDF`.
    pub fn name(self) -> &'static str {
        match self {
            Format::Text => "text",
            Format::Markdown => "Markdown",
            Format::Html => "HTML",
            Format::Pdf => "PDF",
            Format::Docx => "DOCX",
            Format::Odt => "ODT",
            Format::Rtf => "RTF",
            Format::Epub => "EPUB",
            Format::Mail => "mail",
            Format::Ninjs => "ninjs",
            Format::NewsMl => "NewsML-G2",
            Format::FeedEntry => "feed entry",
        }
    }

    /// Returns name and version of the extractor that reads this format; recorded with the text's digest. The same
    /// extractor gives the same text for the same bytes, in every release: a change of output is a new version.
    pub fn extractor(self) -> &'static str {
        match self {
            Format::Text => "dateline-text/1",
            Format::Markdown => "dateline-markdown/1",
            Format::Html => "dateline-html/1",
            Format::Pdf => "dateline-pdf/1",
            Format::Docx => "dateline-docx/1",
            Format::Odt => "dateline-odt/1",
            Format::Rtf => "dateline-rtf/1",
            Format::Epub => "dateline-epub/1",
            Format::Mail => "dateline-mail/1",
            Format::Ninjs => "dateline-ninjs/1",
            Format::NewsMl => "dateline-newsml/1",
            Format::FeedEntry => "dateline-feed/1",
        }
    }

    /// Returns the format that the extractor of this name and version reads; `None` for one that is not known here.
    pub fn of_extractor(name: &str) -> Option<Format> {
        Format::ALL.into_iter().find(|format| format.extractor() == name)
    }
}
