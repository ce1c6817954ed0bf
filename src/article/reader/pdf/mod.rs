//! PDF → text: glyphs with their places → lines, columns, paragraphs.
//!
//! A PDF says which glyph stands where, not what the words are. `hayro-interpret` runs the pages' instructions and gives
//! each glyph its Unicode and its place; the order of words, lines and columns is ours. Lines stay lines (`\n`),
//! hyphens at their ends stay; paragraphs are parted by a blank line. Where a font does not say what its glyphs mean, a
//! second library is asked; if it does not know either, there is no text: noise is never hashed as words.
//!
//! Who may lie here: the file. A font may map any glyph to any letter, so the text is what the file *says* it shows.

mod direction;
mod glyphs;
mod layout;

use hayro_syntax::{DecryptionError, LoadPdfError, Pdf};

use crate::article::extract::{Declared, Extract, Key};
use crate::article::{ReadError, ReadOptions, Warning};
use crate::base::limits;
use layout::Line;

/// Share of characters without Unicode, in percent, from which a text is not the document's.
const UNKNOWN_MAX_PERCENT: usize = 2;

/// Reads a PDF. Costs about 5 ms a page.
///
/// # Errors
/// [`ReadError::Encrypted`] where a password is needed, [`ReadError::Damaged`], [`ReadError::LimitPassed`].
pub(in crate::article) fn extract(bytes: &[u8], options: &ReadOptions<'_>) -> Result<Extract, ReadError> {
    let _ = options;
    let format = || "PDF".into();
    let pdf = Pdf::new(bytes.to_vec()).map_err(|error| match error {
        LoadPdfError::Decryption(DecryptionError::PasswordProtected) => {
            ReadError::Encrypted { format: format() }
        }
        LoadPdfError::Decryption(_) => {
            ReadError::Damaged { format: format(), reason: "its encryption is not one that is known".into() }
        }
        LoadPdfError::Invalid => {
            ReadError::Damaged { format: format(), reason: "no pages can be found in it".into() }
        }
    })?;
    let count = pdf.pages().len();
    if count > limits::PDF_MAX_PAGES {
        let limit = limits::PDF_MAX_PAGES as u64;
        return Err(ReadError::LimitPassed { format: format(), what: "pages".into(), limit });
    }
    let mut out = Extract { declared: declared(&pdf), ..Extract::default() };
    let read = glyphs::read(&pdf)?;
    let pages: Vec<Vec<Line>> = read.pages.into_iter().map(layout::lines).collect();
    let (pages, repeated) = layout::without_repeated(pages);
    let text = layout::text(&pages);
    if read.ocr {
        out.warnings.push(Warning::InvisibleTextLayer);
    }
    if text.text.trim().is_empty() {
        out.warnings.push(Warning::NoTextLayer { pages: count });
        return Ok(out);
    }
    if repeated > 0 {
        out.warnings.push(Warning::RepeatedLinesDropped { count: repeated });
    }
    if is_text(&text.text) {
        out.headings = text.heading.into_iter().collect();
        out.text = text.text;
        return Ok(out);
    }
    // A library of strangers on a stranger's file: it may panic, and then there is no text.
    let second = std::panic::catch_unwind(|| pdf_extract::extract_text_from_mem(bytes).ok()).ok().flatten();
    match second.map(|text| tidy(&text)).filter(|text| is_text(text) && !text.is_empty()) {
        Some(text) => {
            out.warnings.push(Warning::ReadBySecondReader);
            out.text = text;
        }
        None => out.warnings.push(Warning::TextNotRecoverable { chars: text.text.chars().count() }),
    }
    Ok(out)
}

/// True where the characters may be what the document says, and not glyph numbers taken for letters.
fn is_text(text: &str) -> bool {
    let (mut all, mut unknown, mut odd, mut letters) = (0usize, 0usize, 0usize, 0usize);
    for c in text.chars().filter(|c| !c.is_whitespace()) {
        all += 1;
        unknown += usize::from(c == '\u{fffd}' || c.is_control());
        odd += usize::from(('\u{e000}'..='\u{f8ff}').contains(&c));
        letters += usize::from(c.is_alphanumeric());
    }
    unknown * 100 <= all * UNKNOWN_MAX_PERCENT && odd * 20 <= all && letters * 2 >= all
}

/// Makes the second reader's text of our form: no blanks at line ends, one blank line between paragraphs.
fn tidy(text: &str) -> String {
    let mut out = String::new();
    let mut blank = 0;
    for line in text.lines().map(str::trim) {
        if line.is_empty() {
            blank += 1;
            continue;
        }
        if !out.is_empty() {
            out.push_str(if blank > 0 { "\n\n" } else { "\n" });
        }
        blank = 0;
        out.push_str(line);
    }
    out
}

/// What the file says of itself in `/Info` and in its catalog.
fn declared(pdf: &Pdf) -> Vec<Declared> {
    let metadata = pdf.metadata();
    let mut out = Vec::new();
    let mut push = |key: Key, path: &str, value: String| {
        let value = value.trim();
        if !value.is_empty() && value.chars().count() <= limits::DECLARED_MAX_CHARS {
            out.push(Declared { key, source: "pdf-info".into(), path: path.into(), value: value.to_owned() });
        }
    };
    let texts = [
        (Key::Title, "Title", &metadata.title),
        (Key::Author, "Author", &metadata.author),
        (Key::Description, "Subject", &metadata.subject),
    ];
    for (key, path, value) in texts {
        if let Some(bytes) = value {
            push(key, path, string(bytes));
        }
    }
    for (key, path, value) in [(Key::Modified, "ModDate", &metadata.modification_date)] {
        if let Some(date) = value {
            push(key, path, format!("{:04}-{:02}-{:02}", date.year, date.month, date.day));
        }
    }
    out
}

/// Decodes a text string (ISO 32000-1, 7.9.2.2): UTF-16 or UTF-8 with a mark, else near to Latin-1.
fn string(bytes: &[u8]) -> String {
    match encoding_rs::Encoding::for_bom(bytes) {
        Some((encoding, _)) => encoding.decode(bytes).0.into_owned(),
        None => encoding_rs::WINDOWS_1252.decode(bytes).0.into_owned(),
    }
}

#[cfg(test)]
mod tests;
