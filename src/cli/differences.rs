//! How two texts differ, for a person: `[-registered-]{+here+}`.

use crate::likeness::{Change, FigureAt, FigureChange, Op, Span};
use crate::view::{sanitize, sanitize_to};

use super::output::coloured;

/// Characters that are shown before and after what is pointed at.
const CONTEXT: usize = 40;
/// Characters of a passage that are shown.
const PASSAGE_MAX: usize = 200;

fn removed(words: &str) -> String {
    coloured(&format!("[-{words}-]"), false)
}

fn added(words: &str) -> String {
    coloured(&format!("{{+{words}+}}"), true)
}

/// Text of a stranger in one line.
fn in_line(text: &str) -> String {
    sanitize(&text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Characters of a word that is cut off at the end of a context; a longer word is shown in part.
const WORD: usize = 15;

/// Leaves out the part of a word that `text` begins with.
fn from_word(text: &str) -> &str {
    let space = text.char_indices().take(WORD).find(|(_, c)| c.is_whitespace());
    space.map_or(text, |(at, _)| text[at..].trim_start())
}

/// Leaves out the part of a word that `text` ends with.
fn to_word(text: &str) -> &str {
    let space = text.char_indices().rev().take(WORD).find(|(_, c)| c.is_whitespace());
    space.map_or(text, |(at, _)| text[..at].trim_end())
}

fn slice(text: &str, start: usize, end: usize) -> String {
    text.chars().skip(start).take(end.saturating_sub(start)).collect()
}

/// Returns the words at `span`, in one line and not more than fit there.
pub(crate) fn excerpt(text: &str, span: Span) -> String {
    let end = span.end.min(span.start.saturating_add(4 * PASSAGE_MAX));
    let words = slice(text, span.start, end);
    sanitize_to(&words.split_whitespace().collect::<Vec<_>>().join(" "), PASSAGE_MAX)
}

/// Returns a figure that differs, with what stands around it, and where it stands in both texts.
pub(crate) fn figure(change: &FigureChange, document: &str, registered: &str) -> String {
    let printed = |text: &str, at: &Option<FigureAt>| {
        at.as_ref().map(|at| in_line(&slice(text, at.span.start, at.span.end)))
    };
    let (here, there) = (printed(document, &change.first), printed(registered, &change.second));
    let (text, span) = match (&change.first, &change.second) {
        (Some(at), _) => (document, at.span),
        (None, Some(at)) => (registered, at.span),
        (None, None) => return String::new(),
    };
    let from = span.start.saturating_sub(CONTEXT);
    let before = slice(text, from, span.start);
    let after = slice(text, span.end, span.end.saturating_add(CONTEXT));
    let cut = |is: bool| if is { "…" } else { "" };
    let space = |is: bool| if is { " " } else { "" };
    let more = text.chars().nth(span.end.saturating_add(CONTEXT)).is_some();
    let before = if from > 0 { from_word(&before) } else { &before };
    let after = if more { to_word(&after) } else { &after };
    let place = |at: &Option<FigureAt>| at.as_ref().map(|at| format!("{} to {}", at.span.start, at.span.end));
    let places = match (place(&change.second), place(&change.first)) {
        (Some(there), Some(here)) => format!("registered at {there}, here at {here}"),
        (Some(there), None) => format!("registered at {there}"),
        (None, here) => format!("here at {}", here.unwrap_or_default()),
    };
    format!(
        "{}{}{}{}{}{}{}{} ({places})",
        cut(from > 0),
        in_line(before),
        space(before.ends_with(char::is_whitespace)),
        there.map_or_else(String::new, |there| removed(&there)),
        here.map_or_else(String::new, |here| added(&here)),
        space(after.starts_with(char::is_whitespace)),
        in_line(after),
        cut(more),
    )
}

/// Returns a whole difference, the paragraphs below each other, what is the same cut to its ends.
pub(crate) fn text(changes: &[Change<'_>]) -> String {
    let mut out = String::new();
    for (number, change) in changes.iter().enumerate() {
        let shown = match change.op {
            Op::Same => {
                let (first, last) = (number == 0, number + 1 == changes.len());
                let length = change.text.chars().count();
                let head = if first { 0 } else { CONTEXT };
                let tail = if last { 0 } else { CONTEXT };
                if length <= head + tail + 2 {
                    change.text.to_owned()
                } else {
                    let head: String = change.text.chars().take(head).collect();
                    let tail: String = change.text.chars().skip(length - tail).collect();
                    let breaks = if change.text.contains("\n\n") && !first && !last { "\n\n" } else { "" };
                    let (head, tail) = (to_word(&head), from_word(&tail));
                    format!("{head}…{breaks}{}{tail}", if breaks.is_empty() { "" } else { "…" })
                }
            }
            Op::Removed | Op::Added => change.text.to_owned(),
        };
        // Marks go around the words of each paragraph, not around the break.
        let parts: Vec<String> = shown
            .split("\n\n")
            .map(|part| match change.op {
                _ if part.is_empty() => String::new(),
                Op::Same => sanitize(part),
                Op::Removed => removed(&sanitize(part)),
                Op::Added => added(&sanitize(part)),
            })
            .collect();
        out.push_str(&parts.join("\n"));
    }
    let lines = out.lines().filter(|line| !line.trim().is_empty());
    lines.flat_map(|line| ["    ", line, "\n"]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::likeness::{Likeness, Text, compare, diff};

    fn plain(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    #[test]
    fn figures_stand_in_their_context() {
        let registered = "Le port a reçu\n1.5 million de tonnes.";
        let document = "Le port a reçu 15 million\nde tonnes.";
        let Likeness::SameWordingButNumbers { figures } =
            compare(&Text::new(document), &Text::new(registered))
        else {
            panic!()
        };
        assert_eq!(
            plain(&figure(&figures[0], document, registered)),
            "Le port a reçu [-1.5 million-]{+15 million+} de tonnes. (registered at 15 to 26, here at 15 to 25)"
        );
    }

    #[test]
    fn what_is_the_same_is_cut_and_what_is_harmful_is_escaped() {
        let same = "mot ".repeat(40);
        let (old, new) = (format!("{same}un. {same}\n\nFin"), format!("{same}de\u{202e}ux. {same}\n\nFin."));
        let (old, new) = (Text::new(&old), Text::new(&new));
        let shown = plain(&text(&diff(&old, &new)));
        assert!(shown.starts_with("    …"), "{shown}");
        assert!(shown.contains("[-un-]{+deux+}. mot mot"), "{shown}");
        assert!(shown.ends_with("mot\nFin{+.+}\n") || shown.ends_with("    Fin{+.+}\n"), "{shown}");
        assert!(shown.chars().count() < 400, "{shown}");
        let (old, new) = (Text::new("a b"), Text::new("a \u{e0041}b"));
        assert!(!text(&diff(&old, &new)).contains('\u{e0041}'));
    }
}
