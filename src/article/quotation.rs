//! Words given as somebody's: what stands between quotation marks, over line breaks.
//!
//! A quotation begins and ends in one paragraph and has at most [`QUOTE_MAX_CHARS`] characters, so that a mark that is
//! never closed cannot swallow the document. Nested quotations are all kept, the outer first. Apostrophes and
//! single curly marks are never taken for quotation marks.

use super::claim::Quotation;
use super::position::ExtractedText;
use super::reflow::reflow;
use crate::base::{Hash, limits};

pub use crate::base::limits::QUOTE_MAX_CHARS;

/// Marks open at a time.
const DEPTH_MAX: usize = 8;

/// Opening and closing marks that differ.
const PAIRS: &[(char, char)] =
    &[('«', '»'), ('“', '”'), ('„', '“'), ('„', '”'), ('‹', '›'), ('「', '」'), ('『', '』')];

#[derive(Debug, Clone, Copy)]
struct Open {
    mark: char,
    /// Bytes and characters before the words.
    byte: usize,
    char: usize,
}

/// Returns the quotations of the bytes `body` to the end, in order of their opening marks, and how many more there are
/// than [`limits::QUOTES_MAX`]. Linear time; looks at the first [`limits::RULES_MAX_CHARS`] characters only.
pub(super) fn find(text: &ExtractedText<'_>, body: usize) -> (Vec<Quotation>, usize) {
    let whole = text.as_str();
    let mut spans: Vec<(usize, usize, char, char)> = Vec::new();
    let mut dropped = 0;
    let mut open: Vec<Open> = Vec::new();
    let mut before = '\n';
    let mut blank = true;
    let mut chars = whole[body..].char_indices().take(limits::RULES_MAX_CHARS).enumerate().peekable();
    while let Some((nth, (offset, c))) = chars.next() {
        let at = body + offset;
        let next = chars.peek().map_or('\n', |(_, (_, next))| *next);
        match c {
            '\n' if blank => open.clear(),
            '\n' => blank = true,
            _ => blank = blank && c.is_whitespace(),
        }
        if let Some(place) = closes(&open, c, before, next) {
            let opened = open[place];
            open.truncate(place);
            let within = nth - opened.char <= QUOTE_MAX_CHARS;
            if within && whole[opened.byte..at].chars().any(char::is_alphanumeric) {
                if spans.len() < limits::QUOTES_MAX {
                    spans.push((opened.byte, at, opened.mark, c));
                } else {
                    dropped += 1;
                }
            }
        } else if opens(c, before, next) {
            if c == '"' {
                // A straight mark that opens again shows that the one before was never closed.
                open.retain(|other| other.mark != '"');
            }
            if open.len() == DEPTH_MAX {
                open.remove(0);
            }
            open.push(Open { mark: c, byte: at + c.len_utf8(), char: nth + 1 });
        }
        before = c;
    }
    spans.sort_unstable_by_key(|(start, end, ..)| (*start, std::cmp::Reverse(*end)));
    (
        spans
            .into_iter()
            .map(|(start, end, opening, closing)| quotation(text, start, end, opening, closing))
            .collect(),
        dropped,
    )
}

fn opens(c: char, before: char, next: char) -> bool {
    match c {
        '"' => !before.is_alphanumeric() && !next.is_whitespace() && !matches!(next, '.' | ',' | ')' | ';'),
        _ => PAIRS.iter().any(|(opening, _)| *opening == c),
    }
}

/// Returns the place in `open` of the mark that `c` closes.
fn closes(open: &[Open], c: char, before: char, next: char) -> Option<usize> {
    if c == '"' {
        let like_an_opening = before.is_whitespace() && !next.is_whitespace() && next.is_alphanumeric();
        return open.iter().rposition(|other| other.mark == '"').filter(|_| !like_an_opening);
    }
    open.iter().rposition(|other| PAIRS.contains(&(other.mark, c)))
}

fn quotation(text: &ExtractedText<'_>, start: usize, end: usize, opening: char, closing: char) -> Quotation {
    let words = &text.as_str()[start..end];
    let start = start + (words.len() - words.trim_start().len());
    let end = start + words.trim().len();
    let words = reflow(&text.as_str()[start..end]).as_str().to_owned();
    Quotation {
        marks: [opening, closing].iter().collect(),
        start: text.position(start),
        end: text.position(end),
        reflow_sha256: Hash::of(words.as_bytes()),
        text: words,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quotes(text: &str) -> Vec<String> {
        let extracted = ExtractedText::new(text);
        let (found, _) = find(&extracted, 0);
        for quote in &found {
            let slice = extracted.slice(quote.start, quote.end).unwrap();
            assert_eq!(reflow(slice).as_str(), quote.text);
            assert_eq!(quote.reflow_sha256, Hash::of(quote.text.as_bytes()));
        }
        found.into_iter().map(|quote| quote.text).collect()
    }

    #[test]
    fn marks_of_many_kinds_over_line_breaks() {
        let cases: &[(&str, &[&str])] = &[
            ("«\u{a0}Le lac\nest à nous\u{a0}», a-\nt-il dit.", &["Le lac est à nous"]),
            ("Il a dit “the ba-\nsin is ours” hier.", &["the basin is ours"]),
            ("Er sagte „Das Meer“ und „Der See”.", &["Das Meer", "Der See"]),
            ("\"The lake\" and \"the sea\", he said.", &["The lake", "the sea"]),
            ("湖は「私たちの『湖』です」と言った。", &["私たちの『湖』です", "湖"]),
            ("«Il a dit “non” hier»", &["Il a dit “non” hier", "non"]),
            ("L'eau d'aujourd'hui n'est pas l’eau d’hier", &[]),
            ("‹un› et «deux»", &["un", "deux"]),
            ("« » et \"\" ne disent rien", &[]),
        ];
        for (text, expected) in cases {
            assert_eq!(quotes(text), *expected, "{text}");
        }
    }

    #[test]
    fn what_is_not_closed_swallows_nothing() {
        assert_eq!(quotes("Il a dit «sans fin.\n\nPuis «autre» chose."), ["autre"]);
        assert_eq!(quotes("Il a dit «sans fin. Puis «autre» chose. Et «encore»."), ["autre", "encore"]);
        assert_eq!(quotes("a 5\" screen and \"words\" here"), ["words"]);
        assert_eq!(quotes("\"never closed\n\nand \"closed\" here"), ["closed"]);
        assert_eq!(quotes("fin» et \" rien"), [""; 0]);
    }

    #[test]
    fn the_bounds_hold() {
        let of_length = |chars: usize| format!("«{}»", "é".repeat(chars));
        assert_eq!(quotes(&of_length(QUOTE_MAX_CHARS)).len(), 1);
        assert_eq!(quotes(&of_length(QUOTE_MAX_CHARS + 1)).len(), 0);
        let many = |count: usize| "«un» ".repeat(count);
        let found = |text: &str| find(&ExtractedText::new(text), 0);
        assert_eq!(found(&many(limits::QUOTES_MAX)).1, 0);
        let (kept, dropped) = found(&many(limits::QUOTES_MAX + 1));
        assert_eq!((kept.len(), dropped), (limits::QUOTES_MAX, 1));
        assert_eq!(quotes(&"«".repeat(100_000)).len(), 0);
    }
}
