//! Bytes of a document → its text and what the text says of its own origin.
//!
//! Pure: no I/O. Everything found carries [`Evidence`]: the rule that found it, how strong the rule is, and where
//! in the extracted text it stands. What is found is a *claim of the document*, never a verified fact; finding
//! nothing is a value too.
//!
//! ```
//! use dateline::article::{ExtractedText, ReadOptions, read};
//!
//! let bytes = "Les bateaux sont rentrés lundi.\n\nSource : Ministère de la\nPêche\n".as_bytes();
//! let article = read(bytes, &ReadOptions::default())?;
//! let origin = &article.claimed_origins[0];
//! assert_eq!(origin.as_printed, "Ministère de la Pêche");
//! assert_eq!(origin.evidence.rule(), Some("fr.tail.source-colon"));
//! // An auditor who has the text can check the place.
//! assert_eq!(ExtractedText::new(&article.text).holds(&origin.evidence), Ok(()));
//! # Ok::<(), dateline::article::ReadError>(())
//! ```
//!
//! The way: [`decode`] bytes to text · `markdown` or plain text to an extract (text, fields, headings) · [`reflow`] for the digests ·
//! `lines` cuts head and tail into logical lines · the rules of [`rules`] find claims in them. A new format is a new
//! reader that makes an extract; a new language is new rows in `rules.toml`.
//!
//! Who may lie here: the bytes are a stranger's. Reading them takes time and memory linear in their number and never
//! panics.

mod byline;
pub mod claim;
mod credit;
mod date;
mod dateline;
pub mod decode;
pub mod language;
mod lines;
mod markdown;
mod names;
pub mod numbers;
mod organisation;
mod page;
pub mod position;
pub mod quotation;
pub mod reflow;
pub mod rules;
mod title;
mod warning;

use serde::Serialize;
use thiserror::Error;

pub use claim::{
    Byline, BylineKind, BylineRole, ClaimedOrigin, Dateline, Evidence, Language, LanguageSource, OriginKind,
    OriginRole, Person, Quotation, RuleEvidence, Scope, Selector, Strength, TextClaim,
};
pub use decode::{Charset, CharsetSource};
pub use numbers::NUMBERS;
pub use position::{EvidenceError, ExtractedText};
pub use reflow::REFLOW;
pub use rules::RULESET;
pub use warning::Warning;

use crate::base::{Hash, limits};
use markdown::Extract;
use page::Page;
use rules::Field;

/// Name and version of the extractor of plain text.
pub const TEXT_EXTRACTOR: &str = "dateline-text/1";

/// Name and version of the extractor of Markdown.
pub const MARKDOWN_EXTRACTOR: &str = "dateline-markdown/1";

/// What is known of a document besides its bytes.
#[derive(Debug, Clone, Copy, Default)]
pub struct ReadOptions<'a> {
    /// The file's name: its extension tells Markdown from plain text.
    pub file_name: Option<&'a str>,
}

/// The format of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Format {
    /// Plain text.
    Text,
    /// Markdown, with or without front matter.
    Markdown,
}

impl Format {
    /// Returns the media type (RFC 6838): `text/plain`.
    pub fn media_type(self) -> &'static str {
        match self {
            Format::Text => "text/plain",
            Format::Markdown => "text/markdown",
        }
    }

    /// Returns name and version of the extractor that reads this format; recorded with the text's digest.
    pub fn extractor(self) -> &'static str {
        match self {
            Format::Text => TEXT_EXTRACTOR,
            Format::Markdown => MARKDOWN_EXTRACTOR,
        }
    }
}

/// The digests of one document, from what nothing survives to what only figures do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Digests {
    /// SHA-256 of the bytes.
    pub original: Hash,
    /// SHA-256 of the extracted text.
    pub text: Hash,
    /// SHA-256 of its reflow form, [`REFLOW`].
    pub reflow: Hash,
    /// SHA-256 of its figures, [`NUMBERS`].
    pub numbers: Hash,
}

/// A paragraph of the extracted text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Paragraph {
    /// First code point in the extracted text.
    pub start: usize,
    /// One past the last code point.
    pub end: usize,
    /// SHA-256 of its reflow form.
    pub reflow_sha256: Hash,
}

/// A document as read: its text, its digests, and what it claims of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Article {
    /// What it was read as.
    pub format: Format,
    /// Media type of the format.
    pub media_type: &'static str,
    /// Size of the document.
    pub bytes: u64,
    /// Charset of the bytes.
    pub charset: Charset,
    /// The extracted text: UTF-8, line feeds, no byte order mark.
    pub text: String,
    /// Name and version of the extractor.
    pub extractor: &'static str,
    /// Digests of bytes, text, wording and figures.
    pub digests: Digests,
    /// The paragraphs, at most [`limits::PARAGRAPHS_MAX`].
    pub paragraphs: Vec<Paragraph>,
    /// What was lost, joined or left out.
    pub warnings: Vec<Warning>,
    /// The language, where it is declared or can be told.
    pub language: Option<Language>,
    /// The title.
    pub title: Option<TextClaim>,
    /// Where and when the story says that it was filed.
    pub dateline: Option<Dateline>,
    /// Who published this copy: only where a field says so.
    pub publisher: Option<TextClaim>,
    /// The day of publication as printed, in ISO form.
    pub published_at: Option<TextClaim>,
    /// Where the document says that it comes from; pictures' credits last. At most [`limits::CLAIMS_MAX`].
    pub claimed_origins: Vec<ClaimedOrigin>,
    /// Who signed it. At most [`limits::CLAIMS_MAX`].
    pub bylines: Vec<Byline>,
    /// Words given as somebody's. At most [`limits::QUOTES_MAX`].
    pub quotes: Vec<Quotation>,
}

/// Why bytes cannot be read as an article.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ReadError {
    /// No words in it.
    #[error("the document of {size} bytes has no text")]
    Empty {
        /// Bytes of the document.
        size: u64,
    },
    /// Larger than [`limits::DOCUMENT_MAX_BYTES`].
    #[error("the document has {size} bytes, more than {limit}")]
    TooLarge {
        /// Bytes of the document.
        size: u64,
        /// Bytes that a document may have.
        limit: u64,
    },
    /// Not text.
    #[error("the document is no text: it looks like {looks_like}")]
    Binary {
        /// What it looks like: `PDF`, `PNG image`.
        looks_like: &'static str,
    },
    /// Text in a format that is not read.
    #[error("the document is {format}, which cannot be read yet: save it as plain text or Markdown")]
    Unsupported {
        /// The format: `HTML`.
        format: &'static str,
    },
}

/// Reads a document. Time and memory are linear in its size.
///
/// # Errors
/// [`ReadError`].
pub fn read(bytes: &[u8], options: &ReadOptions<'_>) -> Result<Article, ReadError> {
    let decoded = decode::decode(bytes)?;
    let size = decoded.text.len();
    let (format, extract) = extract(decoded.text, options);
    let text = ExtractedText::new(&extract.text);
    let mut warnings = Vec::new();
    let some = |count: usize| Some(count).filter(|count| *count > 0);
    warnings.extend(some(decoded.undecodable).map(|count| Warning::Undecodable { count }));
    if size > limits::MARKDOWN_MAX_BYTES && is_markdown(&extract.text, options) {
        warnings.push(Warning::MarkdownTooLarge { size, limit: limits::MARKDOWN_MAX_BYTES });
    }
    let invisible = extract.text.chars().filter(|c| reflow::is_invisible(*c) && *c != '\u{ad}').count();
    warnings.extend(some(invisible).map(|count| Warning::Invisible { count }));

    let flow = reflow::reflow(&extract.text);
    let digests = Digests {
        original: Hash::of(bytes),
        text: text.sha256(),
        reflow: Hash::of(flow.as_str().as_bytes()),
        numbers: numbers::digest(flow.as_str()),
    };
    warnings.extend(some(flow.soft_wraps()).map(|count| Warning::SoftWrapsJoined { count }));
    let at = flow.hyphen_places().iter().map(|byte| text.position(*byte)).collect();
    warnings.extend(some(flow.hyphen_breaks()).map(|count| Warning::HyphenBreaksJoined { count, at }));
    let paragraphs = paragraphs(&text, &flow, &mut warnings);
    drop(flow);

    let claims = Claims::find(&text, &extract, &mut warnings);
    let (quotes, more) = quotation::find(&text, extract.body);
    warnings.extend(some(more).map(|count| Warning::QuotesDropped { count }));
    if text.chars() > limits::RULES_MAX_CHARS {
        warnings.push(Warning::NotReadWhole { chars: text.chars(), limit: limits::RULES_MAX_CHARS });
    }
    Ok(Article {
        format,
        media_type: format.media_type(),
        bytes: bytes.len() as u64,
        charset: decoded.charset,
        extractor: format.extractor(),
        digests,
        paragraphs,
        warnings,
        language: claims.language,
        title: claims.title,
        dateline: claims.dateline,
        publisher: claims.publisher,
        published_at: claims.published_at,
        claimed_origins: claims.origins,
        bylines: claims.bylines,
        quotes,
        text: extract.text,
    })
}

/// Returns the extracted text alone, as [`read`] gives it: enough to check places again.
///
/// # Errors
/// [`ReadError`].
pub fn extract_text(bytes: &[u8], options: &ReadOptions<'_>) -> Result<String, ReadError> {
    Ok(extract(decode::decode(bytes)?.text, options).1.text)
}

fn extract(text: String, options: &ReadOptions<'_>) -> (Format, Extract) {
    if text.len() <= limits::MARKDOWN_MAX_BYTES && is_markdown(&text, options) {
        let extract = markdown::extract(&text);
        // Markdown of nothing but pictures has no text of its own.
        if !extract.text.trim().is_empty() {
            return (Format::Markdown, extract);
        }
    }
    (Format::Text, Extract { text, ..Extract::default() })
}

fn is_markdown(text: &str, options: &ReadOptions<'_>) -> bool {
    let extension = options.file_name.and_then(|name| name.rsplit_once('.'));
    let named = |end: &str| end.eq_ignore_ascii_case("md") || end.eq_ignore_ascii_case("markdown");
    extension.is_some_and(|(_, end)| named(end)) || markdown::has_front_matter(text)
}

fn paragraphs(
    text: &ExtractedText<'_>,
    flow: &reflow::Reflowed,
    warnings: &mut Vec<Warning>,
) -> Vec<Paragraph> {
    let mut found = Vec::new();
    let mut at = 0;
    let mut more = 0;
    for words in flow.as_str().split("\n\n") {
        let range = at..at + words.len();
        at = range.end + 2;
        if found.len() == limits::PARAGRAPHS_MAX {
            more += 1;
            continue;
        }
        let source = flow.source_range(text.as_str(), range);
        found.push(Paragraph {
            start: text.position(source.start),
            end: text.position(source.end),
            reflow_sha256: Hash::of(words.as_bytes()),
        });
    }
    if more > 0 {
        warnings.push(Warning::ParagraphsDropped { count: more });
    }
    found
}

/// What the rules find.
struct Claims {
    language: Option<Language>,
    title: Option<TextClaim>,
    dateline: Option<Dateline>,
    publisher: Option<TextClaim>,
    published_at: Option<TextClaim>,
    origins: Vec<ClaimedOrigin>,
    bylines: Vec<Byline>,
}

impl Claims {
    /// The order matters: pictures first, so that their credits are out of the way; cues before layout.
    fn find(text: &ExtractedText<'_>, extract: &Extract, warnings: &mut Vec<Warning>) -> Self {
        let language = language_of(text.as_str(), extract);
        let tag = language.as_ref().map(|language| language.tag.as_str());
        let mut page = Page::new(text, extract, rules::rules(), tag);
        let publisher = title::from_field(&page, Field::Publisher);
        let mut origins = credit::Origins::new(publisher.as_ref().map(|claim| claim.value.as_str()));
        let mut bylines = byline::Bylines::default();
        credit::photos(&mut page, &mut origins);
        let dateline = dateline::find(&page, &mut origins);
        credit::find(&page, &mut origins);
        byline::find(&page, &mut bylines, &mut origins);
        byline::find_bare(&page, &mut bylines, &mut origins);
        let title = title::find(&page, &bylines, &origins);
        let published_at = date::find(&page, &bylines);
        let too_long = origins.too_long.len();
        if too_long > 0 {
            warnings.push(Warning::ClaimsTooLong { count: too_long, limit: limits::CLAIM_MAX_CHARS });
        }
        let (origins, more_origins) = origins.finish();
        let (bylines, more_bylines) = bylines.finish();
        for (field, count) in [("claimedOrigins", more_origins), ("bylines", more_bylines)] {
            if count > 0 {
                warnings.push(Warning::ClaimsDropped { field: field.to_owned(), count });
            }
        }
        Claims { language, title, dateline, publisher, published_at, origins, bylines }
    }
}

fn language_of(text: &str, extract: &Extract) -> Option<Language> {
    let keys = rules::rules().of(Field::Language, None).flat_map(|rule| &rule.keys);
    let keys: Vec<&String> = keys.collect();
    let declared = extract.fields.iter().filter(|field| keys.contains(&&field.key));
    let declared = declared.filter_map(|field| language::declared(&text[field.value.clone()])).next();
    declared.or_else(|| {
        let body = &text[extract.body..];
        let end = body.char_indices().nth(16_000).map_or(body.len(), |(at, _)| at);
        language::detect(reflow::reflow(&body[..end]).as_str())
    })
}

#[cfg(test)]
mod tests;
