//! A document's text with its evidence highlighted in it.

use crate::article::Evidence;
use crate::record::registration::{Committable, Registration};

use super::shown;

/// Characters of a text that are shown.
pub(super) const TEXT_MAX_CHARS: usize = 100_000;

/// A place in a text that a claim rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) end: usize,
    /// `title`, `origin`, `byline`, `dateline`, `published`, `publisher`, `quote`.
    pub(super) class: &'static str,
    /// By what name the page points to it.
    pub(super) id: String,
}

/// A piece of a text that has the same evidence all along.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Marked {
    pub(super) text: String,
    /// What it is evidence of; empty for none.
    pub(super) classes: String,
    /// Where a span begins.
    pub(super) id: Option<String>,
}

/// A text as it is shown.
pub(super) struct MarkedText {
    pub(super) pieces: Vec<Marked>,
    /// Characters that are left out at its end.
    pub(super) left_out: usize,
}

impl MarkedText {
    /// Highlights `spans`, which count code points, in `text`. What a stranger says of places is not trusted: one that is not in
    /// the text marks nothing.
    pub(super) fn of(text: &str, spans: &[Span]) -> Self {
        let chars: Vec<char> = text.chars().take(TEXT_MAX_CHARS + 1).collect();
        let length = chars.len().min(TEXT_MAX_CHARS);
        let left_out = if chars.len() > length { text.chars().count() - length } else { 0 };
        let spans: Vec<&Span> =
            spans.iter().filter(|span| span.start < span.end && span.end <= length).collect();
        let mut cuts: Vec<usize> = spans.iter().flat_map(|span| [span.start, span.end]).collect();
        cuts.extend([0, length]);
        cuts.sort_unstable();
        cuts.dedup();
        let mut pieces = Vec::new();
        for pair in cuts.windows(2) {
            let &[from, to] = pair else { continue };
            let over = || spans.iter().filter(|span| span.start <= from && to <= span.end);
            let mut classes: Vec<&str> = over().map(|span| span.class).collect();
            classes.sort_unstable();
            classes.dedup();
            let id = over().find(|span| span.start == from).map(|span| span.id.clone());
            let text: String = chars[from..to].iter().collect();
            pieces.push(Marked { text: lines(&text), classes: classes.join(" "), id });
        }
        MarkedText { pieces, left_out }
    }
}

/// Makes a text visible, and keeps its lines and tabs.
fn lines(text: &str) -> String {
    let one =
        |line: &str| line.split('\t').map(|part| shown(part, usize::MAX)).collect::<Vec<_>>().join("\t");
    text.split('\n').map(|line| one(line.trim_end_matches('\r'))).collect::<Vec<_>>().join("\n")
}

/// Returns the place of an evidence, under a name.
pub(super) fn span(evidence: &Evidence, class: &'static str, id: impl Into<String>) -> Option<Span> {
    let (start, end) = evidence.position()?;
    Some(Span { start, end, class, id: id.into() })
}

/// Returns the places of all that a registration claims, as far as it is disclosed.
pub(super) fn spans_of(registration: &Registration) -> Vec<Span> {
    fn opened<T>(list: &[Committable<T>]) -> impl Iterator<Item = (usize, &T)> {
        list.iter().enumerate().filter_map(|(number, one)| Some((number, one.opened()?)))
    }
    let mut spans = Vec::new();
    spans.extend(registration.title.first().and_then(|title| span(&title.evidence, "title", "e-title-0")));
    spans
        .extend(registration.dateline.as_ref().and_then(|one| span(&one.evidence, "dateline", "e-dateline")));
    spans.extend(
        registration.publisher.as_ref().and_then(|one| span(&one.evidence, "publisher", "e-publisher")),
    );
    let published = registration.published_at.as_ref();
    spans.extend(published.and_then(|one| span(&one.evidence, "published", "e-publishedAt")));
    for (number, origin) in opened(&registration.claimed_origins) {
        spans.extend(span(&origin.evidence, "origin", format!("e-claimedOrigins-{number}")));
    }
    for (number, byline) in opened(&registration.bylines) {
        spans.extend(span(&byline.evidence, "byline", format!("e-bylines-{number}")));
    }
    for (number, quote) in registration.quotes.as_deref().into_iter().flat_map(opened) {
        let (start, end) = (quote.start, quote.end);
        spans.push(Span { start, end, class: "quote", id: format!("e-quotes-{number}") });
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(text: &str, spans: &[(usize, usize, &'static str)]) -> Vec<(String, String, Option<String>)> {
        let spans: Vec<Span> = spans
            .iter()
            .enumerate()
            .map(|(number, (start, end, class))| Span {
                start: *start,
                end: *end,
                class,
                id: format!("e{number}"),
            })
            .collect();
        let pieces = MarkedText::of(text, &spans).pieces;
        pieces.into_iter().map(|piece| (piece.text, piece.classes, piece.id)).collect()
    }

    #[test]
    fn spans_may_lie_in_each_other_and_cross() {
        let own =
            |text: &str, classes: &str, id: Option<&str>| (text.into(), classes.into(), id.map(String::from));
        assert_eq!(
            marked("éabcdefg", &[(1, 5, "quote"), (3, 7, "origin")]),
            [
                own("é", "", None),
                own("ab", "quote", Some("e0")),
                own("cd", "origin quote", Some("e1")),
                own("ef", "origin", None),
                own("g", "", None)
            ]
        );
        assert_eq!(marked("ab", &[(0, 2, "title")]), [own("ab", "title", Some("e0"))]);
        // Not in the text, or the wrong way round.
        assert_eq!(marked("ab", &[(0, 3, "title"), (2, 1, "quote"), (1, 1, "quote")]), [own("ab", "", None)]);
        assert_eq!(marked("a\r\n\u{202e}b\tc", &[]), [own("a\n\\u{202e}b\tc", "", None)]);
        assert_eq!(marked("", &[]), []);
    }

    #[test]
    fn a_long_text_is_cut() {
        let whole = MarkedText::of(&"é".repeat(TEXT_MAX_CHARS), &[]);
        assert_eq!((whole.left_out, whole.pieces[0].text.chars().count()), (0, TEXT_MAX_CHARS));
        let cut = MarkedText::of(&"é".repeat(TEXT_MAX_CHARS + 3), &[]);
        assert_eq!((cut.left_out, cut.pieces[0].text.chars().count()), (3, TEXT_MAX_CHARS));
    }
}
