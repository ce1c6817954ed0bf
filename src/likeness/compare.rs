//! What two texts have in common.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use serde::Serialize;

use crate::article::numbers::Figure;

use super::diff::hunks;
use super::text::{PIECE, QUOTATION_MARKS, SHINGLE, Span, Text};

/// The share of the words of one of two texts, in percent, that must stand in the other for them to be similar. Of two
/// articles about one event it is below ten.
pub const SIMILAR_PERCENT: u64 = 30;

/// The weight of fifteen words, or of twenty-five characters: what is as long is a passage wherever it begins and ends.
const LONG: usize = 75;

/// Passages, and figures that differ, that are told of two texts.
const TOLD_MAX: usize = 200;

/// Words of a change, on either side, in which figures stand for each other.
const CHANGE_MAX_WORDS: usize = 12;

/// The words of one text, and how many of them stand in the other: within three in a row, or five characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// Words that stand in the other text.
    pub shared: usize,
    /// All words.
    pub words: usize,
}

impl Share {
    /// Returns the share in whole percent, rounded down: 100 means all. Of no words it is 0.
    pub fn percent(self) -> u64 {
        (self.shared as u64).saturating_mul(100).checked_div(self.words as u64).unwrap_or(0)
    }
}

/// The shares of two texts, each in the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shares {
    /// What of the first text stands in the second.
    pub first: Share,
    /// What of the second text stands in the first.
    pub second: Share,
}

/// A figure as it stands in a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FigureAt {
    /// With currency, sign, marks and unit, without spaces: `-5°C`.
    pub token: String,
    /// Where it stands in the extracted text.
    #[serde(flatten)]
    pub span: Span,
}

/// A place at which two texts have different figures; one of them may have none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FigureChange {
    /// The figure of the first text.
    pub first: Option<FigureAt>,
    /// The figure of the second text.
    pub second: Option<FigureAt>,
}

/// What a passage is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum PassageKind {
    /// A paragraph of one of the texts is in it.
    Paragraph,
    /// One of the texts has it between quotation marks.
    Quotation,
    /// Sentences, or fifteen words.
    Sentence,
}

/// Words in a row that stand in both texts, but for case and punctuation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Passage {
    /// What it is.
    pub kind: PassageKind,
    /// Where it stands in the first text.
    pub first: Span,
    /// Where it stands in the second text.
    pub second: Span,
}

/// What two texts have in common, the stronger first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Likeness {
    /// The same reflow form: they differ in line breaks, spaces, normal form and what does not show.
    SameWording,
    /// The same reflow form once figures are taken out, and other figures.
    SameWordingButNumbers {
        /// The figures that differ.
        figures: Vec<FigureChange>,
    },
    /// [`SIMILAR_PERCENT`] of one stand in the other, and six words at least.
    Similar {
        /// How much of each stands in the other.
        shares: Shares,
        /// Figures that stand for each other in short changes, and differ.
        figures: Vec<FigureChange>,
    },
    /// A paragraph, a quotation or a sentence of one stands in the other.
    PassageOf {
        /// How much of each stands in the other.
        shares: Shares,
        /// The passages, in the order of the first text.
        passages: Vec<Passage>,
    },
    /// Nothing of that.
    Different {
        /// How much of each stands in the other.
        shares: Shares,
    },
}

/// Compares two texts. Linear time, but for figures of similar ones: those cost a [`diff()`](super::diff()).
pub fn compare(first: &Text<'_>, second: &Text<'_>) -> Likeness {
    if first.wording() == second.wording() {
        return Likeness::SameWording;
    }
    if let Some(figures) = only_figures_differ(first, second) {
        return Likeness::SameWordingButNumbers { figures };
    }
    let ((ours, our_weight), (theirs, their_weight)) = (share(first, second), share(second, first));
    let shares = Shares { first: ours, second: theirs };
    // Of a few words in common nothing follows, however short a text is.
    let weight = our_weight.max(their_weight);
    if weight >= PIECE && ours.percent().max(theirs.percent()) >= SIMILAR_PERCENT {
        return Likeness::Similar { shares, figures: figures_in_changes(first, second) };
    }
    let passages = passages(first, second);
    if passages.is_empty() {
        return Likeness::Different { shares };
    }
    Likeness::PassageOf { shares, passages }
}

fn figure_at(text: &Text<'_>, figure: &Figure) -> FigureAt {
    FigureAt { token: figure.token.clone(), span: text.span(figure.range.clone()) }
}

/// Returns the figures that differ; `None` if none does, or if something else does too.
fn only_figures_differ(first: &Text<'_>, second: &Text<'_>) -> Option<Vec<FigureChange>> {
    let (ours, theirs) = (first.figures(), second.figures());
    if ours.is_empty() || ours.len() != theirs.len() {
        return None;
    }
    let (mut our_end, mut their_end) = (0, 0);
    for (our, their) in ours.iter().zip(theirs) {
        let before = &first.wording()[our_end..our.range.start];
        if before != &second.wording()[their_end..their.range.start] {
            return None;
        }
        (our_end, their_end) = (our.range.end, their.range.end);
    }
    let after = &first.wording()[our_end..];
    // Figures alone are no wording: "page 5" is not "page 6" with another figure.
    if after != &second.wording()[their_end..] || first.weight_of_words() < SHINGLE {
        return None;
    }
    let differ = ours.iter().zip(theirs).filter(|(our, their)| our.token != their.token);
    let differ = differ.take(TOLD_MAX).map(|(our, their)| FigureChange {
        first: Some(figure_at(first, our)),
        second: Some(figure_at(second, their)),
    });
    let differ: Vec<FigureChange> = differ.collect();
    (!differ.is_empty()).then_some(differ)
}

/// Returns the figures of changes of a few words in which both texts have figures, one by one.
fn figures_in_changes(first: &Text<'_>, second: &Text<'_>) -> Vec<FigureChange> {
    let within = |text: &Text<'_>, range: &Range<usize>| {
        let figures = text.figures();
        let from = figures.partition_point(|figure| figure.range.start < range.start);
        let to = figures.partition_point(|figure| figure.range.start < range.end);
        from..to
    };
    let mut found = Vec::new();
    for hunk in hunks(first, second).into_iter().filter(|hunk| !hunk.same) {
        let small = |text: &Text<'_>, range: &Range<usize>| text.words_of(range).len() <= CHANGE_MAX_WORDS;
        if !small(first, &hunk.old) || !small(second, &hunk.new) {
            continue;
        }
        let ours = &first.figures()[within(first, &hunk.old)];
        let theirs = &second.figures()[within(second, &hunk.new)];
        if ours.is_empty() || theirs.is_empty() {
            continue;
        }
        for at in 0..ours.len().max(theirs.len()) {
            let (our, their) = (ours.get(at), theirs.get(at));
            let same = our.zip(their).is_some_and(|(our, their)| our.token == their.token);
            if !same && found.len() < TOLD_MAX {
                found.push(FigureChange {
                    first: our.map(|figure| figure_at(first, figure)),
                    second: their.map(|figure| figure_at(second, figure)),
                });
            }
        }
    }
    found
}

/// Returns how many words of a text stand in another, and what they weigh.
fn share(of: &Text<'_>, within: &Text<'_>) -> (Share, usize) {
    let mut known = HashSet::new();
    within.windows(
        SHINGLE,
        |word| word.strict,
        |shingle, _| {
            known.insert(shingle);
        },
    );
    let (mut shared, mut weight, mut counted) = (0, 0, 0);
    of.windows(
        SHINGLE,
        |word| word.strict,
        |shingle, words| {
            if known.contains(&shingle) {
                let new = words.start.max(counted)..words.end;
                shared += new.len();
                counted = new.end;
                weight += of.weight(new);
            }
        },
    );
    (Share { shared, words: of.count() }, weight)
}

/// Returns the longest runs of words that stand in both texts and are passages.
fn passages(first: &Text<'_>, second: &Text<'_>) -> Vec<Passage> {
    let mut places: HashMap<u64, usize> = HashMap::new();
    second.windows(
        PIECE,
        |word| word.strict,
        |window, words| {
            places.entry(window).or_insert(words.start);
        },
    );
    let whole = |text: &Text<'_>, ranges: Vec<Range<usize>>| -> Vec<Range<usize>> {
        ranges.into_iter().filter(|words| text.weight(words.clone()) >= PIECE).collect()
    };
    let paragraphs = |text: &Text<'_>| {
        whole(text, text.paragraphs().iter().map(|paragraph| text.words_of(paragraph)).collect())
    };
    let (our_pieces, their_pieces) = (whole(first, first.pieces()), whole(second, second.pieces()));
    let (our_paragraphs, their_paragraphs) = (paragraphs(first), paragraphs(second));
    let mut found: Vec<Passage> = Vec::new();
    let mut done = 0;
    first.windows(
        PIECE,
        |word| word.strict,
        |window, words| {
            let Some(&place) = places.get(&window).filter(|_| words.start >= done && found.len() < TOLD_MAX)
            else {
                return;
            };
            let ours = &first.words()[words.start..];
            let theirs = &second.words()[place..];
            let length =
                ours.iter().zip(theirs).take_while(|(our, their)| our.strict == their.strict).count();
            done = words.start + length;
            let (our, their) = (words.start..words.start + length, place..place + length);
            let holds = |all: &[Range<usize>], run: &Range<usize>| {
                let from = all.partition_point(|one| one.start < run.start);
                all.get(from).is_some_and(|one| one.end <= run.end)
            };
            let long = first.weight(our.clone()) >= LONG;
            let kind = if holds(&our_paragraphs, &our) || holds(&their_paragraphs, &their) {
                PassageKind::Paragraph
            } else if !long && !holds(&our_pieces, &our) && !holds(&their_pieces, &their) {
                return;
            } else if is_quoted(first, &our) || is_quoted(second, &their) {
                PassageKind::Quotation
            } else {
                PassageKind::Sentence
            };
            let (our, their) = (first.bytes_of(our), second.bytes_of(their));
            found.push(Passage { kind, first: first.span(our), second: second.span(their) });
        },
    );
    found
}

/// True where a quotation mark stands right before some words and right after them.
fn is_quoted(text: &Text<'_>, words: &Range<usize>) -> bool {
    let bytes = text.bytes_of(words.clone());
    let before = text.wording()[..bytes.start].trim_end().chars().next_back();
    let after = text.wording()[bytes.end..].trim_start_matches(|c: char| {
        c.is_whitespace() || matches!(c, '.' | ',' | '!' | '?' | '…' | '。' | '，')
    });
    let is_mark = |c: Option<char>| c.is_some_and(|c| QUOTATION_MARKS.contains(&c));
    is_mark(before) && is_mark(after.chars().next())
}

#[cfg(test)]
mod tests;
