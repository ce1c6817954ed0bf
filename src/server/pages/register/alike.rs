//! What is registered already and like a document: what an editor should know before he registers it. It stops nothing.

use crate::article::Article;
use crate::index::{SearchIndex, stored_text};
use crate::likeness::{FigureAt, Likeness, Op, Text, compare, diff};
use crate::look::alike::credits_differ;

use super::super::row::Opened;
use super::super::words::Words;
use super::super::{Fault, Read, shown};

/// Registered texts that are held against a document.
const CANDIDATES: usize = 8;
/// Those that are told of, the most alike.
const TOLD_MAX: usize = 5;
/// Characters of words that are the same around what differs, and of all that is shown of a difference.
const AROUND_CHARS: usize = 60;
const DIFFERENCE_CHARS: usize = 4_000;
const FIGURES_MAX: usize = 20;

/// How a registered text is like a document.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    Same,
    Numbers,
    Similar,
}

/// Some words of a difference.
pub(super) struct Part {
    /// `same`, `removed` or `added`.
    pub(super) class: &'static str,
    pub(super) text: String,
}

/// A registered text that is like a document.
pub(super) struct Alike {
    pub(super) record: u64,
    pub(super) title: Option<String>,
    pub(super) how: How,
    /// How much of the document stands in the record, and the other way round, in percent.
    pub(super) shares: (u64, u64),
    /// Figures there and here.
    pub(super) figures: Vec<(String, String)>,
    /// Whom each credits, where they do not agree.
    pub(super) credits: Option<(Vec<String>, Vec<String>)>,
    /// From the record to the document.
    pub(super) difference: Vec<Part>,
}

impl Alike {
    /// Returns what it comes to, in words; and how grave that is.
    pub(super) fn says(&self, w: &Words) -> (String, &'static str) {
        match (self.how, &self.credits) {
            (How::Numbers, _) => (w.t1("register.numbersDiffer", self.record), "bad"),
            (_, Some((_, ours))) if ours.is_empty() => (w.t1("register.creditDropped", self.record), "open"),
            (_, Some(_)) => (w.t1("register.conflictingOrigin", self.record), "open"),
            (How::Same, None) => (w.t1("register.sameWording", self.record), "open"),
            (How::Similar, None) => (w.t2("register.similar", self.record, self.shares.0), "plain"),
        }
    }
}

/// Finds registered texts that are like a document.
pub(super) fn alike(read: &Read<'_>, article: &Article) -> Result<Vec<Alike>, Fault> {
    if article.text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let ours = Text::new(&article.text);
    let candidates = SearchIndex::open(&read.source())?.alike(&ours)?;
    let mut found = Vec::new();
    for index in candidates.into_iter().take(CANDIDATES) {
        let opened = Opened::read(read, index)?;
        let holds = read.known.entry(index).is_some_and(|seen| seen.holds);
        let (Some(registered), Some(original)) = (&opened.registration, opened.entry.original()) else {
            continue;
        };
        // Where part of it was erased its words could give it away.
        let erased = !read.known.standings.erased(index).is_empty();
        if !holds || erased || original == article.digests.original {
            continue;
        }
        let Some(text) = stored_text(read.store, &original, &registered.registration) else { continue };
        let theirs = Text::new(&text);
        let (how, shares, figures) = match compare(&ours, &theirs) {
            Likeness::SameWording => (How::Same, (100, 100), Vec::new()),
            Likeness::SameWordingButNumbers { figures } => (How::Numbers, (100, 100), figures),
            Likeness::Similar { shares, .. } => {
                (How::Similar, (shares.first.percent(), shares.second.percent()), Vec::new())
            }
            _ => continue,
        };
        let token = |at: &Option<FigureAt>| at.as_ref().map_or_else(|| "–".into(), |at| shown(&at.token, 40));
        let figures = figures.iter().take(FIGURES_MAX).map(|one| (token(&one.second), token(&one.first)));
        let printed = |all: Vec<String>| all.iter().map(|one| shown(one, 100)).collect();
        let credits = credits_differ(&registered.registration, article);
        found.push(Alike {
            record: index,
            title: opened.title(160),
            how,
            shares,
            figures: figures.collect(),
            credits: credits.map(|(theirs, ours)| (printed(theirs), printed(ours))),
            difference: if how == How::Same { Vec::new() } else { difference(&theirs, &ours) },
        });
    }
    found.sort_by_key(|one| (std::cmp::Reverse(one.shares.0 + one.shares.1), one.record));
    found.truncate(TOLD_MAX);
    Ok(found)
}

/// Returns how a text differs from a registered one, with some words around what differs.
fn difference(old: &Text<'_>, new: &Text<'_>) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut left = DIFFERENCE_CHARS;
    let changes = diff(old, new);
    for (place, change) in changes.iter().enumerate() {
        if left == 0 {
            parts.push(Part { class: "same", text: "…".into() });
            break;
        }
        let (class, text) = match change.op {
            Op::Removed => ("removed", change.text.to_owned()),
            Op::Added => ("added", change.text.to_owned()),
            Op::Same => ("same", around(change.text, place > 0, place + 1 < changes.len())),
        };
        let text: String = text.chars().take(left).collect();
        left -= text.chars().count();
        parts.push(Part { class, text: shown(&text.replace(['\n', '\r'], " "), usize::MAX) });
    }
    parts
}

/// Leaves out the middle of words that are the same.
fn around(text: &str, after: bool, before: bool) -> String {
    let chars: Vec<char> = text.chars().collect();
    let (head, tail) = (if after { AROUND_CHARS } else { 0 }, if before { AROUND_CHARS } else { 0 });
    if chars.len() <= head + tail {
        return text.to_owned();
    }
    let piece = |from: usize, to: usize| chars[from..to].iter().collect::<String>();
    format!("{} … {}", piece(0, head), piece(chars.len() - tail, chars.len()))
}
