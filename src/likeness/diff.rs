//! How two texts differ, word by word.

use std::collections::HashMap;
use std::ops::Range;

use serde::Serialize;
use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::text::{Span, Text};

/// Pairs of words, one of each text, that all comparisons of one diff may look at; what is left is compared by whole
/// paragraphs. A page of 5,000 words against another takes 25 million at the very worst.
const PAIRS_MAX: usize = 100_000_000;

/// What became of some words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Op {
    /// They stand in both texts.
    Same,
    /// They stand in the old text only.
    Removed,
    /// They stand in the new text only.
    Added,
}

/// Some words, and what became of them. Those that are the same or removed are counted in the old text, those added in
/// the new one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change<'t> {
    /// What became of them.
    pub op: Op,
    /// The words in reflow form, with what stands between them.
    pub text: &'t str,
    /// Where they stand in the extracted text.
    #[serde(flatten)]
    pub span: Span,
}

/// Bytes of both reflow forms that correspond.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hunk {
    pub(super) same: bool,
    pub(super) old: Range<usize>,
    pub(super) new: Range<usize>,
}

/// Returns how `new` differs from `old`: what is the same and removed makes up the old wording, what is the same and added
/// the new one. Paragraphs are compared first, then words within those that changed; where that would take too long, whole
/// paragraphs are what changed. Time is bounded by a constant and the length of both.
pub fn diff<'t>(old: &'t Text<'_>, new: &'t Text<'_>) -> Vec<Change<'t>> {
    let mut changes = Vec::new();
    for hunk in hunks(old, new) {
        let mut push = |op, text: &'t Text<'_>, range: Range<usize>| {
            if !range.is_empty() {
                changes.push(Change { op, text: &text.wording()[range.clone()], span: text.span(range) });
            }
        };
        if hunk.same {
            push(Op::Same, old, hunk.old);
        } else {
            push(Op::Removed, old, hunk.old);
            push(Op::Added, new, hunk.new);
        }
    }
    changes
}

/// Returns the hunks in order; two that follow each other are not both the same, nor both changed.
pub(super) fn hunks(old: &Text<'_>, new: &Text<'_>) -> Vec<Hunk> {
    let mut budget = PAIRS_MAX;
    let blocks = compare((old, paragraphs(old)), (new, paragraphs(new)), &mut budget);
    let mut all = Vec::new();
    for block in blocks {
        if block.same || block.old.is_empty() || block.new.is_empty() {
            all.push(block);
        } else {
            let old = (old, words(old, block.old));
            let new = (new, words(new, block.new));
            all.extend(compare(old, new, &mut budget));
        }
    }
    // A space between two changes is not worth stopping at.
    for at in 1..all.len().saturating_sub(1) {
        if all[at].same && !all[at - 1].same && !all[at + 1].same {
            let between = &old.wording()[all[at].old.clone()];
            all[at].same = !between.chars().all(char::is_whitespace);
        }
    }
    let mut joined: Vec<Hunk> = Vec::new();
    for hunk in all {
        match joined.last_mut() {
            Some(last) if last.same == hunk.same => {
                (last.old.end, last.new.end) = (hunk.old.end, hunk.new.end);
            }
            _ => joined.push(hunk),
        }
    }
    joined
}

/// The paragraphs, each with the blank line after it.
fn paragraphs(text: &Text<'_>) -> Vec<Range<usize>> {
    let mut starts: Vec<usize> = text.paragraphs().into_iter().map(|paragraph| paragraph.start).collect();
    starts.push(text.wording().len());
    starts.windows(2).map(|pair| pair[0]..pair[1]).collect()
}

/// The words of some bytes, the white space between them, and every other character alone.
fn words(text: &Text<'_>, bytes: Range<usize>) -> Vec<Range<usize>> {
    let mut all: Vec<Range<usize>> = Vec::new();
    let mut at = bytes.start;
    let between = |from: usize, to: usize, all: &mut Vec<Range<usize>>| {
        for (offset, c) in text.wording()[from..to].char_indices() {
            let start = from + offset;
            let last_white = all
                .last()
                .is_some_and(|last| last.end == start && text.wording()[last.clone()].trim().is_empty());
            match all.last_mut() {
                Some(last) if c.is_whitespace() && last_white => last.end = start + c.len_utf8(),
                _ => all.push(start..start + c.len_utf8()),
            }
        }
    };
    for word in &text.words()[text.words_of(&bytes)] {
        let word = word.range();
        between(at, word.start, &mut all);
        at = word.end;
        all.push(word);
    }
    // Words beyond those that are looked at have no places: what follows the last known one is taken as a whole.
    if text.count() == super::WORDS_MAX && at < bytes.end {
        all.push(at..bytes.end);
    } else {
        between(at, bytes.end.max(at), &mut all);
    }
    all
}

/// Compares parts that follow each other without gaps. Takes from `budget` what it may cost; says that all changed when
/// it has too little.
fn compare<'a>(
    (old, olds): (&'a Text<'_>, Vec<Range<usize>>),
    (new, news): (&'a Text<'_>, Vec<Range<usize>>),
    budget: &mut usize,
) -> Vec<Hunk> {
    let whole = |parts: &[Range<usize>]| match parts {
        [] => 0..0,
        [first, ..] => first.start..parts.last().map_or(first.end, |last| last.end),
    };
    let cost = olds.len().saturating_mul(news.len());
    if cost > *budget {
        return vec![Hunk { same: false, old: whole(&olds), new: whole(&news) }];
    }
    *budget -= cost;
    let mut numbers: HashMap<&str, u32> = HashMap::new();
    let mut number = |part: &'a str| {
        let next = numbers.len() as u32;
        *numbers.entry(part).or_insert(next)
    };
    let left: Vec<u32> = olds.iter().map(|part| number(&old.wording()[part.clone()])).collect();
    let right: Vec<u32> = news.iter().map(|part| number(&new.wording()[part.clone()])).collect();
    let (mut old_at, mut new_at) = (whole(&olds).start, whole(&news).start);
    let ops = capture_diff_slices(Algorithm::Myers, &left, &right);
    let hunks = ops.into_iter().map(|op| {
        let end = |parts: &[Range<usize>], range: Range<usize>, at: usize| {
            parts.get(range).and_then(<[_]>::last).map_or(at, |last| last.end)
        };
        let old_end = end(&olds, op.old_range(), old_at);
        let new_end = end(&news, op.new_range(), new_at);
        let hunk =
            Hunk { same: matches!(op, DiffOp::Equal { .. }), old: old_at..old_end, new: new_at..new_end };
        (old_at, new_at) = (old_end, new_end);
        hunk
    });
    // A removal and an addition that meet are one change.
    let mut joined: Vec<Hunk> = Vec::new();
    for hunk in hunks {
        match joined.last_mut() {
            Some(last) if !last.same && !hunk.same => {
                (last.old.end, last.new.end) = (hunk.old.end, hunk.new.end);
            }
            _ => joined.push(hunk),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn marked(old: &str, new: &str) -> String {
        let (old, new) = (Text::new(old), Text::new(new));
        let changes = diff(&old, &new).into_iter().map(|change| match change.op {
            Op::Same => change.text.to_owned(),
            Op::Removed => format!("[-{}-]", change.text),
            Op::Added => format!("{{+{}+}}", change.text),
        });
        changes.collect()
    }

    #[test]
    fn words_and_figures_change_whole() {
        let cases = [
            (
                "Il y a 1.5 million de morts.",
                "Il y a 15 million de morts.",
                "Il y a [-1.5 million-]{+15 million+} de morts.",
            ),
            ("un deux trois quatre", "un six sept quatre", "un [-deux trois-]{+six sept+} quatre"),
            ("la pêche", "la péché", "la [-pêche-]{+péché+}"),
            ("部长周一说话", "部长周二说话", "部长周[-一-]{+二+}说话"),
            ("a\u{a0}b\nc", "a b c", "a b c"),
            ("Un.\n\nDeux.\n\nTrois.", "Un.\n\nTrois.", "Un.\n\n[-Deux.\n\n-]Trois."),
            ("", "neuf", "{+neuf+}"),
        ];
        for (old, new, expected) in cases {
            assert_eq!(marked(old, new), expected);
        }
    }

    #[test]
    fn places_are_code_points_of_the_extracted_texts() {
        let (old, new) = (Text::new("Été\nfroid ici"), Text::new("Été\u{a0}chaud ici"));
        let json = serde_json::to_value(diff(&old, &new)).unwrap();
        assert_eq!(json[1], serde_json::json!({"op": "removed", "text": "froid", "start": 4, "end": 9}));
        assert_eq!(json[2], serde_json::json!({"op": "added", "text": "chaud", "start": 4, "end": 9}));
    }

    #[test]
    fn what_would_take_too_long_is_taken_by_paragraphs() {
        let text = |seed: usize| (0..12_000).map(|n| format!("w{} ", n * seed)).collect::<String>();
        let (old, new) = (format!("Same.\n\n{}", text(7)), format!("Same.\n\n{}", text(11)));
        let (old, new) = (Text::new(&old), Text::new(&new));
        let changes = diff(&old, &new);
        assert_eq!(
            changes.iter().map(|change| change.op).collect::<Vec<_>>(),
            [Op::Same, Op::Removed, Op::Added]
        );
    }

    proptest! {
        #[test]
        fn both_wordings_can_be_put_together_again(
            old in "([a-c]{1,2}[ .]|[1-3]|\n\n|[あい]|é){0,30}", new in "([a-c]{1,2}[ .]|[1-3]|\n\n|[あい]|é){0,30}"
        ) {
            let (old, new) = (Text::new(&old), Text::new(&new));
            let changes = diff(&old, &new);
            let of = |not: Op| changes.iter().filter(|one| one.op != not).map(|one| one.text).collect::<String>();
            prop_assert_eq!(of(Op::Added), old.wording());
            prop_assert_eq!(of(Op::Removed), new.wording());
        }

        #[test]
        fn a_text_does_not_differ_from_itself(text: String) {
            let text = Text::new(&text);
            prop_assert!(diff(&text, &text).iter().all(|change| change.op == Op::Same));
        }
    }
}
