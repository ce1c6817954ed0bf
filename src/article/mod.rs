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
//! The way: `detect` tells the format by the content · `container` takes files of several documents apart · `reader`, one
//! module a format, makes an [`extract::Extract`] (the text to hash, and what the format declares beside it) ·
//! [`reflow`] for the digests · `lines` cuts head and tail into logical lines · the rules of [`rules`] find claims in
//! them. A new format is a new reader; a new language is new rows in `rules.toml`.
//!
//! Who may lie here: the bytes are a stranger's. Reading them takes time and memory linear in their number and never
//! panics.

mod agreement;
pub mod authority;
mod byline;
pub mod claim;
pub mod container;
mod credit;
mod credited;
mod date;
mod dateline;
mod day;
pub mod decode;
mod detect;
mod error;
pub mod extract;
mod fold;
mod format;
pub mod isolation;
pub mod language;
mod lines;
mod names;
pub mod numbers;
mod organisation;
mod page;
pub mod passage;
mod pattern;
pub mod position;
pub mod quotation;
mod reader;
pub mod reflow;
pub mod rules;
pub mod saying;
pub mod script;
mod tables;
mod title;
mod warning;

use serde::Serialize;

pub use authority::{Authority, OrganisationRef, fold_name};
pub use claim::{
    Byline, BylineKind, BylineRole, ClaimedOrigin, Dateline, Evidence, Language, LanguageSource, OriginKind,
    OriginRole, Person, Quotation, RuleEvidence, Scope, Selector, Strength, TextClaim,
};
pub use decode::{Charset, CharsetSource};
pub use error::ReadError;
pub use format::Format;
pub use numbers::NUMBERS;
pub use position::{EvidenceError, ExtractedText};
pub use reflow::REFLOW;
pub use rules::RULESET;
pub use warning::Warning;

use crate::base::{Hash, limits};
use extract::Extract;
use page::{Page, Shown};
use rules::Field;

/// What is known of a document besides its bytes.
#[derive(Debug, Clone, Copy, Default)]
pub struct ReadOptions<'a> {
    /// The file's name: its extension tells Markdown from plain text.
    pub file_name: Option<&'a str>,
    /// The media type that whoever delivered it gave it, without parameters.
    pub media_type: Option<&'a str>,
    /// The charset that whoever delivered it gave it: a label of the WHATWG Encoding Standard. Only a byte order mark is
    /// believed more.
    pub charset: Option<&'a str>,
    /// The address that it was captured from: an absolute URL.
    pub url: Option<&'a str>,
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
    /// How this copy came here, where it was fetched or taken out of another file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery: Option<container::Delivery>,
    /// Its own address, as it declares it: an absolute URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canonical: Option<String>,
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

/// Reads a document. Time and memory are linear in its size.
///
/// # Errors
/// [`ReadError`].
pub fn read(bytes: &[u8], options: &ReadOptions<'_>) -> Result<Article, ReadError> {
    let (format, extract) = extract(bytes, options)?;
    Ok(claims_of(bytes, format, extract))
}

/// Tells the format of a document and takes out its text, without looking for claims.
///
/// # Errors
/// [`ReadError`].
pub fn extract(bytes: &[u8], options: &ReadOptions<'_>) -> Result<(Format, Extract), ReadError> {
    let size = bytes.len() as u64;
    if size > limits::DOCUMENT_MAX_BYTES {
        return Err(ReadError::TooLarge { size, limit: limits::DOCUMENT_MAX_BYTES });
    }
    match detect::detect(bytes, options) {
        detect::Detected::Document(format) => Ok((format, extract_as(format, bytes, options)?)),
        detect::Detected::Container(container) => {
            let format = match container {
                detect::Container::Feed => "feed",
                detect::Container::Warc | detect::Container::Wacz => "web archive",
                detect::Container::Mbox => "mailbox",
            };
            Err(ReadError::Several { format: format.into() })
        }
        detect::Detected::Text if bytes.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") => {
            Err(reader::docx::ole2(bytes))
        }
        detect::Detected::Text => {
            let decoded = decode::decode(bytes)?;
            if is_markdown(&decoded.text, options) {
                if decoded.text.len() > limits::MARKDOWN_MAX_BYTES {
                    let size = decoded.text.len();
                    let mut extract = plain(decoded);
                    let limit = limits::MARKDOWN_MAX_BYTES;
                    extract.warnings.push(Warning::MarkdownTooLarge { size, limit });
                    return Ok((Format::Text, extract));
                }
                let mut extract = reader::markdown::extract(&decoded.text);
                // Markdown of nothing but pictures has no text of its own.
                if !extract.text.trim().is_empty() {
                    note_charset(&mut extract, decoded.charset, decoded.undecodable);
                    return Ok((Format::Markdown, extract));
                }
            }
            Ok((Format::Text, plain(decoded)))
        }
    }
}

/// Takes out the text of a document of a known format: what an auditor does with a registered one.
///
/// # Errors
/// [`ReadError`].
pub fn extract_as(format: Format, bytes: &[u8], options: &ReadOptions<'_>) -> Result<Extract, ReadError> {
    match isolation::isolation().filter(|_| !matches!(format, Format::Text | Format::Markdown)) {
        Some(isolation) => isolation.extract_as(format, bytes, options),
        None => extract_here(format, bytes, options),
    }
}

/// Takes out the text of a document as [`extract_as`] does, in this process whatever [`isolation::isolate`] was told.
///
/// # Errors
/// [`ReadError`].
pub fn extract_here(format: Format, bytes: &[u8], options: &ReadOptions<'_>) -> Result<Extract, ReadError> {
    let size = bytes.len() as u64;
    if size > limits::DOCUMENT_MAX_BYTES {
        return Err(ReadError::TooLarge { size, limit: limits::DOCUMENT_MAX_BYTES });
    }
    match format {
        Format::Text => Ok(plain(decode::decode(bytes)?)),
        Format::Markdown => {
            let decoded = decode::decode(bytes)?;
            let mut extract = reader::markdown::extract(&decoded.text);
            note_charset(&mut extract, decoded.charset, decoded.undecodable);
            Ok(extract)
        }
        Format::Html => reader::html::extract(bytes, options),
        Format::Pdf => reader::pdf::extract(bytes, options),
        Format::Docx => reader::docx::extract(bytes, options),
        Format::Odt => reader::odt::extract(bytes, options),
        Format::Rtf => reader::rtf::extract(bytes, options),
        Format::Epub => reader::epub::extract(bytes, options),
        Format::Mail => reader::mail::extract(bytes, options),
        Format::Ninjs => reader::ninjs::extract(bytes, options),
        Format::NewsMl => reader::newsml::extract(bytes, options),
        Format::FeedEntry => reader::feed_entry::extract(bytes, options),
    }
}

/// Takes a file of several documents apart; `None` where it is a single document.
///
/// # Errors
/// [`ReadError`].
pub fn open(bytes: &[u8], options: &ReadOptions<'_>) -> Result<Option<container::Contents>, ReadError> {
    match detect::detect(bytes, options) {
        detect::Detected::Container(_) | detect::Detected::Document(Format::Mail) => {
            match isolation::isolation() {
                Some(isolation) => isolation.open(bytes, options),
                None => open_here(bytes, options),
            }
        }
        _ => Ok(None),
    }
}

/// Takes a file apart as [`open`] does, in this process.
///
/// # Errors
/// [`ReadError`].
pub fn open_here(bytes: &[u8], options: &ReadOptions<'_>) -> Result<Option<container::Contents>, ReadError> {
    match detect::detect(bytes, options) {
        detect::Detected::Container(detect::Container::Feed) => container::feed::open(bytes).map(Some),
        detect::Detected::Container(detect::Container::Warc) => container::warc::open(bytes).map(Some),
        detect::Detected::Container(detect::Container::Wacz) => container::wacz::open(bytes).map(Some),
        detect::Detected::Container(detect::Container::Mbox) => container::mbox::open(bytes).map(Some),
        detect::Detected::Document(Format::Mail) => {
            let contents = container::mail::open(bytes)?;
            Ok((contents.parts.len() > 1).then_some(contents))
        }
        _ => Ok(None),
    }
}

fn plain(decoded: decode::Decoded) -> Extract {
    let mut extract = Extract { text: decoded.text, ..Extract::default() };
    note_charset(&mut extract, decoded.charset, decoded.undecodable);
    extract
}

fn note_charset(extract: &mut Extract, charset: Charset, undecodable: usize) {
    extract.charset = Some(charset);
    if undecodable > 0 {
        extract.warnings.push(Warning::Undecodable { count: undecodable });
    }
}

/// Looks for claims in what was taken out of a document whose bytes are `bytes`, with the built-in authority file.
pub fn claims_of(bytes: &[u8], format: Format, extract: Extract) -> Article {
    claims_with(bytes, format, extract, Authority::builtin())
}

/// Looks for claims as [`claims_of`] does, and tells the bodies by `authority`.
pub fn claims_with(bytes: &[u8], format: Format, mut extract: Extract, authority: &Authority) -> Article {
    let mut warnings = std::mem::take(&mut extract.warnings);
    let charset =
        extract.charset.take().unwrap_or(Charset { name: "UTF-8".into(), source: CharsetSource::Format });
    let some = |count: usize| Some(count).filter(|count| *count > 0);
    let text = ExtractedText::new(&extract.text);
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

    let mut claims = Claims::find(&text, &extract, authority, &mut warnings);
    for origin in &mut claims.origins {
        origin.organisation = authority.reference(&origin.as_printed);
        if let Some(known) = authority.find(&origin.as_printed) {
            origin.kind = known.kind();
        }
    }
    let (quotes, more) = quotation::find(&text, extract.body);
    warnings.extend(some(more).map(|count| Warning::QuotesDropped { count }));
    if text.chars() > limits::RULES_MAX_CHARS {
        warnings.push(Warning::NotReadWhole { chars: text.chars(), limit: limits::RULES_MAX_CHARS });
    }
    Article {
        format,
        media_type: format.media_type(),
        bytes: bytes.len() as u64,
        charset,
        extractor: format.extractor(),
        digests,
        paragraphs,
        delivery: None,
        canonical: canonical(&extract),
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
    }
}

/// Files the agencies of the reader's own authority file as origins where they stand in an author's place.
fn own_agencies(authority: &Authority, bylines: &mut Vec<Byline>, origins: &mut Vec<ClaimedOrigin>) {
    let agency = |byline: &Byline| {
        authority.find(&byline.as_printed).is_some_and(|body| body.kind() == OriginKind::Agency)
    };
    let (agencies, authors): (Vec<Byline>, Vec<Byline>) =
        std::mem::take(bylines).into_iter().partition(agency);
    *bylines = authors;
    origins.extend(agencies.into_iter().map(|byline| ClaimedOrigin {
        as_printed: byline.as_printed,
        lang: None,
        kind: OriginKind::Agency,
        organisation: None,
        role: OriginRole::WireCarriage,
        cue: byline.cue,
        evidence: byline.evidence,
    }));
}

/// A rule that fired in the text of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Fired {
    /// Its id.
    pub rule: String,
    /// The line that it fired in, at most 120 characters of it.
    pub line: String,
    /// Whether a claim of the document rests on it; others lost to a rule before them, or only keep words from others.
    pub kept: bool,
}

/// Returns which rules fire in head and tail of a document's text, in the order of the lines.
pub fn rules_fired(article: &Article) -> Vec<Fired> {
    let language = article.language.as_ref().map(|language| language.tag.as_str());
    let rules = rules::rules();
    let claims = article
        .claimed_origins
        .iter()
        .map(|one| &one.evidence)
        .chain(article.bylines.iter().map(|one| &one.evidence));
    let others = [&article.title, &article.published_at, &article.publisher]
        .into_iter()
        .flatten()
        .map(|one| &one.evidence);
    let dateline = article.dateline.iter().map(|one| &one.evidence);
    let kept: Vec<&str> = claims.chain(others).chain(dateline).filter_map(Evidence::rule).collect();
    let mut fired = Vec::new();
    let fields =
        [Field::Exclude, Field::Photo, Field::Dateline, Field::Origin, Field::Byline, Field::Published];
    for line in lines::lines(&article.text, 0, rules, language) {
        for rule in fields.into_iter().flat_map(|field| rules.of(field, language)) {
            if line.scope_for(rule).is_some() && rule.captures(line.printed()).is_some() {
                let kept = kept.contains(&rule.id);
                fired.push(Fired {
                    rule: rule.id.to_owned(),
                    line: line.printed().chars().take(120).collect(),
                    kept,
                });
            }
        }
    }
    // Declared values have rules that look at no line.
    let seen: Vec<String> = fired.iter().map(|one| one.rule.clone()).collect();
    let unseen = kept.iter().filter(|rule| !seen.iter().any(|seen| seen == **rule));
    fired.extend(unseen.map(|rule| Fired {
        rule: (*rule).to_owned(),
        line: "beside the text".into(),
        kept: true,
    }));
    fired
}

/// Returns the address that the document gives as its own.
fn canonical(extract: &Extract) -> Option<String> {
    let urls = extract.declared.iter().filter(|one| one.key == extract::Key::Url && one.source != "capture");
    let plain = |url: &&str| {
        let web = url.starts_with("https://") || url.starts_with("http://");
        web && url.len() <= limits::URL_MAX_BYTES
            && !url.contains(|c: char| c.is_whitespace() || c.is_control())
    };
    let mut urls: Vec<(bool, &str)> = urls.map(|one| (one.source != "link", one.value.as_str())).collect();
    urls.sort_by_key(|(other, _)| *other);
    urls.into_iter().map(|(_, url)| url).find(plain).map(str::to_owned)
}

fn is_markdown(text: &str, options: &ReadOptions<'_>) -> bool {
    let extension = options.file_name.and_then(|name| name.rsplit_once('.'));
    let named = |end: &str| end.eq_ignore_ascii_case("md") || end.eq_ignore_ascii_case("markdown");
    extension.is_some_and(|(_, end)| named(end)) || reader::markdown::has_front_matter(text)
}

fn paragraphs(
    text: &ExtractedText<'_>,
    flow: &reflow::Reflowed,
    warnings: &mut Vec<Warning>,
) -> Vec<Paragraph> {
    let mut found = Vec::new();
    let mut at = 0;
    let mut more = 0;
    // A scan without text has no paragraph.
    for words in flow.as_str().split("\n\n").filter(|words| !words.is_empty()) {
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
    fn find(
        text: &ExtractedText<'_>,
        extract: &Extract,
        authority: &Authority,
        warnings: &mut Vec<Warning>,
    ) -> Self {
        let language = agreement::language(&extract.declared, &extract.text[extract.body..])
            .or_else(|| language_of(text.as_str(), extract));
        let tag = language.as_ref().map(|language| language.tag.as_str());
        let shown = Shown::of(extract);
        let all = ExtractedText::new(&shown.extract.text);
        let mut page = Page::new(&all, text, &shown, rules::rules(), (tag, authority));
        let declared = agreement::Declarations::new(&extract.declared, tag, None);
        let publisher =
            title::from_field(&page, Field::Publisher).or_else(|| agreement::publisher(&declared));
        let mut origins = credit::Origins::new(publisher.as_ref().map(|claim| claim.value.as_str()));
        let mut bylines = byline::Bylines::default();
        credit::photos(&mut page, &mut origins);
        let dateline = dateline::find(&page, &mut origins);
        credit::find(&page, &mut origins);
        byline::find(&page, &mut bylines, &mut origins);
        byline::find_bare(&page, &mut bylines, &mut origins);
        // What a program wrote into a file is a last resort: it is often the file's name.
        let title = agreement::title(&declared)
            .or_else(|| title::find(&page, &bylines, &origins))
            .or_else(|| agreement::title_of_file(&declared));
        let published_at = agreement::published(&declared)
            .or_else(|| date::find(&page, &bylines))
            .or_else(|| agreement::published_elsewhere(&declared, extract));
        let too_long = origins.too_long.len();
        if too_long > 0 {
            warnings.push(Warning::ClaimsTooLong { count: too_long, limit: limits::CLAIM_MAX_CHARS });
        }
        let (mut origins, more_origins) = origins.finish();
        let (bylines, more_bylines) = bylines.finish();
        let mut bylines = agreement::authors(&page, &declared, bylines);
        own_agencies(authority, &mut bylines, &mut origins);
        for origin in
            agreement::origins(&page, &declared, publisher.as_ref().map(|claim| claim.value.as_str()))
        {
            let same =
                |other: &ClaimedOrigin| rules::fold(&other.as_printed) == rules::fold(&origin.as_printed);
            match origins.iter().position(same) {
                Some(known) => {
                    let source = origin.evidence.source().unwrap_or_default().to_owned();
                    agreement::confirm(&mut origins[known].evidence, std::iter::once(source));
                }
                None if origins.len() < limits::CLAIMS_MAX => origins.push(origin),
                None => {}
            }
        }
        for (field, count) in [("claimedOrigins", more_origins), ("bylines", more_bylines)] {
            if count > 0 {
                warnings.push(Warning::ClaimsDropped { field: field.to_owned(), count });
            }
        }
        Claims { language, title, dateline, publisher, published_at, origins, bylines }
    }
}

fn language_of(text: &str, extract: &Extract) -> Option<Language> {
    let keys = rules::rules().of(Field::Language, None).flat_map(|rule| rule.keys);
    let keys: Vec<&&str> = keys.collect();
    let declared = extract.fields.iter().filter(|field| keys.contains(&&field.key.as_str()));
    let declared = declared.filter_map(|field| language::declared(&text[field.value.clone()])).next();
    declared.or_else(|| {
        let body = &text[extract.body..];
        let end = body.char_indices().nth(16_000).map_or(body.len(), |(at, _)| at);
        language::detect(reflow::reflow(&body[..end]).as_str())
    })
}

#[cfg(test)]
mod tests;
