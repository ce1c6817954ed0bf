//! PDF → text: glyphs with their places → lines, columns, paragraphs.
//!
//! A PDF says which glyph stands where, not what the words are: `[(Minist) -20 (ère)] TJ`. `hayro-interpret` runs the pages'
//! instructions and gives each glyph its Unicode and its place ([`glyphs`]); the order of words, lines and columns is ours:
//! [`rows`] · [`direction`] · [`columns`] · [`running`] · [`paragraphs`]. Lines stay lines (`\n`), hyphens at their ends
//! stay; paragraphs are parted by a blank line. Where fonts do not say what their glyphs mean, a second library is asked;
//! if it does not know either, there is no text: noise is never hashed as words.
//!
//! Who may lie here: the file. A font may map any glyph to any letter, so the text is what the file *says* it shows; and
//! white letters on white are read like all others. What lies outside of the page, and what runs aslant, is left out and
//! counted; comments and form fields are not read.

mod columns;
mod declared;
mod direction;
mod forms;
mod glyphs;
mod paragraphs;
mod rows;
mod running;
mod unpacked;

use std::panic::{AssertUnwindSafe, catch_unwind};

use hayro_interpret::InterpreterCache;
use hayro_syntax::{DecryptionError, LoadPdfError, Pdf};

use crate::article::extract::Extract;
use crate::article::{ReadError, ReadOptions, Warning};
use crate::base::limits;
use direction::Brackets;
use glyphs::Glyphs;
use rows::Line;

/// Share of characters without Unicode, in percent, from which a text is not the document's.
const UNKNOWN_MAX_PERCENT: usize = 2;

/// Reads a PDF. Costs about 5 ms a page. A scan, and a file whose text cannot be told, give an empty text and a warning.
///
/// # Errors
/// [`ReadError::Encrypted`] where a password is needed, [`ReadError::Damaged`], [`ReadError::LimitPassed`].
pub(in crate::article) fn extract(bytes: &[u8], options: &ReadOptions<'_>) -> Result<Extract, ReadError> {
    // Nothing that a mail or a server says of a PDF changes how it is read.
    let _ = options;
    unpacked::check(bytes)?;
    // Strangers' code on a stranger's file: should it panic, the file is damaged.
    let first = catch_unwind(AssertUnwindSafe(|| read(bytes)));
    let (mut out, unknown) = first.unwrap_or_else(|_| Err(damaged("it cannot be followed")))?;
    if unknown == 0 {
        return Ok(out);
    }
    let second = catch_unwind(|| pdf_extract::extract_text_from_mem(bytes).ok()).ok().flatten();
    let second = second.filter(|text| text.chars().count() <= limits::PDF_MAX_GLYPHS).map(|text| tidy(&text));
    match second.filter(|text| !text.is_empty() && is_text(text)) {
        Some(text) => {
            out.warnings.push(Warning::ReadBySecondReader);
            out.text = text;
        }
        None => out.warnings.push(Warning::TextNotRecoverable { chars: unknown }),
    }
    Ok(out)
}

fn damaged(reason: &'static str) -> ReadError {
    ReadError::Damaged { format: "PDF".into(), reason: reason.into() }
}

fn limit(what: &'static str, limit: usize) -> ReadError {
    ReadError::LimitPassed { format: "PDF".into(), what: what.into(), limit: limit as u64 }
}

/// Reads with our own layout. Returns the characters of a text that cannot be the document's; 0 for a good one.
fn read(bytes: &[u8]) -> Result<(Extract, usize), ReadError> {
    let pdf = Pdf::new(bytes.to_vec()).map_err(|error| match error {
        LoadPdfError::Decryption(DecryptionError::PasswordProtected) => {
            ReadError::Encrypted { format: "PDF".into() }
        }
        LoadPdfError::Decryption(_) => damaged("its encryption is not one that is known"),
        LoadPdfError::Invalid => damaged("no pages can be found in it"),
    })?;
    let count = pdf.pages().len();
    if count == 0 {
        return Err(damaged("it has no pages"));
    }
    if count > limits::PDF_MAX_PAGES {
        return Err(limit("pages", limits::PDF_MAX_PAGES));
    }
    let mut out = Extract { declared: declared::declared(&pdf), ..Extract::default() };
    let mut pages = Vec::with_capacity(count);
    let (mut all, mut scanned, mut outside, mut slanted) = (0, false, 0, 0);
    let (cache, settings) = (InterpreterCache::new(), glyphs::settings());
    for page in pdf.pages().iter() {
        let glyphs = glyphs::read(&pdf, page, &cache, &settings);
        if glyphs.too_many {
            return Err(limit("glyphs on a page", limits::PDF_MAX_PAGE_GLYPHS));
        }
        all += glyphs.len();
        if all > limits::PDF_MAX_GLYPHS {
            return Err(limit("glyphs", limits::PDF_MAX_GLYPHS));
        }
        scanned |= glyphs.invisible * 2 > glyphs.len();
        outside += glyphs.outside;
        slanted += glyphs.slanted;
        pages.push(lines(glyphs));
    }
    let repeated = running::take_out(&mut pages);
    let text = paragraphs::text(&pages);
    if scanned {
        out.warnings.push(Warning::InvisibleTextLayer);
    }
    if outside + slanted > 0 {
        out.warnings.push(Warning::GlyphsLeftOut { outside, slanted });
    }
    if text.text.trim().is_empty() {
        out.warnings.push(Warning::NoTextLayer { pages: count });
        return Ok((out, 0));
    }
    if !is_text(&text.text) {
        return Ok((out, text.text.chars().count()));
    }
    if repeated > 0 {
        out.warnings.push(Warning::RepeatedLinesDropped { count: repeated });
    }
    out.headings = text.heading.into_iter().collect();
    out.text = text.text;
    Ok((out, 0))
}

/// Puts one page's lines in reading order: what stands upright first, unless most of the page is turned.
fn lines(glyphs: Glyphs) -> Vec<Line> {
    let mut turned: Vec<_> = glyphs.turned.into_iter().filter(|glyphs| !glyphs.is_empty()).collect();
    let most = turned.iter().map(Vec::len).max().unwrap_or_default();
    turned.sort_by_key(|glyphs| glyphs.len() < most);
    let mut out: Vec<Line> = Vec::new();
    for (nth, glyphs) in turned.into_iter().enumerate() {
        let rtl = direction::runs_left(glyphs.iter().map(|glyph| glyph.text.as_str()));
        let block = out.last().map_or(0, |line| line.block + 1);
        let lines = columns::order(rows::lines(glyphs, rtl), rtl, block);
        out.extend(lines.into_iter().map(|line| Line { turned: nth > 0, ..line }));
    }
    out
}

/// True where the characters may be what the document says, and not glyph numbers taken for letters.
fn is_text(text: &str) -> bool {
    let (mut all, mut unknown, mut odd, mut letters) = (0usize, 0usize, 0usize, 0usize);
    for c in text.chars().filter(|c| !c.is_whitespace()) {
        all += 1;
        unknown += usize::from(c == '\u{fffd}' || c.is_control());
        odd += usize::from(('\u{e000}'..='\u{f8ff}').contains(&c) || c >= '\u{f0000}');
        letters += usize::from(c.is_alphanumeric() || crate::article::reflow::is_mark(c));
    }
    unknown * 100 <= all * UNKNOWN_MAX_PERCENT && odd * 20 <= all && letters * 2 >= all
}

/// Makes the second reader's text of our form: no blanks at line ends, one blank line between paragraphs.
fn tidy(text: &str) -> String {
    let mut out = String::new();
    let mut blank = false;
    for line in text.lines().map(str::trim) {
        if line.is_empty() {
            blank = true;
            continue;
        }
        if !out.is_empty() {
            out.push_str(if blank { "\n\n" } else { "\n" });
        }
        blank = false;
        let pieces = forms::plain(line).chars().map(String::from).collect();
        out.push_str(&direction::reading_order(pieces, false, Brackets::AsShown).concat());
    }
    out
}

#[cfg(test)]
mod tests;
