//! Does a quotation stand in a text, and if not, what stands there instead?
//!
//! What must be the same are the words, in their order, as they are printed. These differences are not counted, as
//! whoever quotes rightly makes them: line breaks and spaces, the style of quotation marks, apostrophes and dashes, the
//! case of the first letter, punctuation at either end, white space before punctuation. An ellipsis (`…`, `[…]`, `(…)`,
//! `...`) leaves words out, and what stands in square brackets is not the speaker's: the pieces between them must stand
//! in the text one after the other.
//!
//! The text and the quotation are strangers': time is linear in both, and what a search for the nearest words may cost is
//! the caller's to say.

use std::collections::HashMap;

use super::reflow::{Reflowed, reflow};
use crate::base::limits;

/// Tokens of one piece that are compared where it does not stand in the text as it is.
const COMPARED_MAX: usize = 400;
/// Places of one word that are looked at; a word that is more frequent tells nothing.
const PLACES_MAX: usize = 500;
/// Windows of the text that are compared with one piece.
const WINDOWS: usize = 3;
/// Words that two texts have in common, in percent of the mean of both, for one to be the other changed.
const SIMILAR_PERCENT: usize = 60;
/// Words that must be the same for that.
const SAME_MIN: usize = 3;

/// A quotation, in the pieces that must stand in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passage {
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Piece {
    /// Folded, without punctuation at its ends.
    text: String,
    /// Whether a bracket is glued to its beginning or end: `[T]he`. It may then begin or end within a word.
    within: (bool, bool),
}

/// What a text has of a passage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// It stands there: from its first to one past its last code point.
    Exact {
        /// First code point.
        start: usize,
        /// One past the last.
        end: usize,
    },
    /// Something like it stands there.
    Differs {
        /// First code point of the nearest words.
        start: usize,
        /// One past the last.
        end: usize,
        /// From the quotation to the text.
        edits: Vec<Edit>,
        /// How much of both is the same, in percent.
        percent: usize,
    },
    /// Its pieces stand there, in another order.
    Reordered,
    /// Nothing like it stands there.
    Absent,
    /// It does not stand there as it is; what does was not looked for any more, as that would take too long.
    NotCompared,
}

/// Words that two texts have in common, or only one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// In both.
    Same(String),
    /// Only in the quotation.
    Quotation(String),
    /// Only in the text.
    Text(String),
}

impl Passage {
    /// Takes a quotation apart, without its marks.
    pub fn of(quotation: &str) -> Self {
        let whole = reflow(quotation);
        let mut pieces = Vec::new();
        // What stands in brackets, and three dots, are cut out.
        let mut rest = whole.as_str();
        let mut glued = false;
        loop {
            let cut = next_cut(rest);
            let (piece, cut_out) = cut.map_or((rest, 0..0), |range| (&rest[..range.start], range));
            let after = &rest[cut_out.end.max(piece.len())..];
            let bracket = rest[cut_out.clone()].starts_with('[');
            let touches = |c: Option<char>| bracket && c.is_some_and(char::is_alphanumeric);
            let text = folded(piece);
            let text = text.trim_matches(|c: char| !c.is_alphanumeric());
            if !text.is_empty() {
                let within = (glued, touches(piece.chars().next_back()));
                pieces.push(Piece { text: text.to_owned(), within });
            }
            if cut_out.is_empty() {
                return Passage { pieces };
            }
            glued = touches(after.chars().next());
            rest = after;
        }
    }

    /// Returns how many words it has; a character of a script without spaces counts as one.
    pub fn words(&self) -> usize {
        self.pieces.iter().map(|piece| tokens(&piece.text).len()).sum()
    }
}

/// Returns the next bytes that are not the speaker's words.
fn next_cut(text: &str) -> Option<std::ops::Range<usize>> {
    let at = text.char_indices().find(|(at, c)| {
        matches!(c, '[' | '…')
            || text[*at..].starts_with("...")
            || text[*at..].starts_with("(…)")
            || text[*at..].starts_with("(...)")
    });
    let (start, _) = at?;
    let rest = &text[start..];
    let length = match rest.chars().next() {
        // One that is never closed is a character like others, and ends nothing.
        Some('[') => rest.find(']').map_or(1, |end| end + 1),
        Some('(') => rest.find(')').map_or(1, |end| end + 1),
        Some('…') => '…'.len_utf8(),
        _ => rest.len() - rest.trim_start_matches('.').len(),
    };
    Some(start..start + length)
}

/// A text in which passages are looked for.
pub struct PassageText<'t> {
    text: &'t str,
    flow: Reflowed,
    folded: String,
    /// For every code point of `folded`, where it begins there and in the reflowed text.
    places: Vec<(u32, u32)>,
    /// The words, by where they begin and end in `folded`.
    tokens: Vec<(usize, usize)>,
    by_word: HashMap<String, Vec<u32>>,
}

impl<'t> PassageText<'t> {
    /// Makes a text ready. `None` if it has more than [`limits::RULES_MAX_CHARS`] characters: it is no article.
    pub fn new(text: &'t str) -> Option<Self> {
        if text.chars().nth(limits::RULES_MAX_CHARS).is_some() {
            return None;
        }
        let flow = reflow(text);
        let mut places = Vec::new();
        let folded = fold(flow.as_str(), |folded, source| places.push((folded as u32, source as u32)));
        let tokens = tokens(&folded);
        let mut by_word: HashMap<String, Vec<u32>> = HashMap::new();
        for (number, (start, end)) in (0u32..).zip(&tokens) {
            by_word.entry(word(&folded[*start..*end])).or_default().push(number);
        }
        Some(PassageText { text, flow, folded, places, tokens, by_word })
    }

    /// Looks for a passage. `pairs` is how many pairs of words may still be compared.
    pub fn find(&self, passage: &Passage, pairs: &mut usize) -> Found {
        let mut found: Vec<Option<(usize, usize)>> = Vec::new();
        let mut at = 0;
        for piece in &passage.pieces {
            let place = self.exact(piece, at);
            at = place.map_or(at, |(_, end)| end);
            found.push(place);
        }
        if passage.pieces.is_empty() {
            return Found::Absent;
        }
        if let (Some(Some((start, _))), Some(Some((_, end)))) = (found.first(), found.last())
            && found.iter().all(Option::is_some)
        {
            let (start, end) = self.source(*start, *end);
            return Found::Exact { start, end };
        }
        let missing: Vec<&Piece> =
            passage.pieces.iter().filter(|piece| self.exact(piece, 0).is_none()).collect();
        if missing.is_empty() {
            return Found::Reordered;
        }
        let mut nearest: Option<(usize, usize)> = None;
        let (mut edits, mut least) = (Vec::new(), 100);
        for piece in missing {
            match self.nearest(piece, pairs) {
                Ok(Some(near)) => {
                    nearest = Some(
                        nearest.map_or(near.at, |(start, end)| (start.min(near.at.0), end.max(near.at.1))),
                    );
                    least = least.min(near.percent);
                    edits.extend(near.edits);
                }
                Ok(None) => return Found::Absent,
                Err(()) => return Found::NotCompared,
            }
        }
        let (start, end) = nearest.unwrap_or_default();
        let (start, end) = self.source(start, end);
        Found::Differs { start, end, edits, percent: least }
    }

    /// Returns where a piece stands at or after `from`, in bytes of the folded text.
    fn exact(&self, piece: &Piece, from: usize) -> Option<(usize, usize)> {
        let one = |text: &str| {
            let mut at = from;
            while let Some(found) = self.folded.get(at..)?.find(text) {
                let (start, end) = (at + found, at + found + text.len());
                let before = self.folded[..start].chars().next_back();
                let after = self.folded[end..].chars().next();
                let begins = piece.within.0 || !joined(before, text.chars().next());
                let ends = piece.within.1 || !joined(text.chars().next_back(), after);
                if begins && ends {
                    return Some((start, end));
                }
                // Every place is looked at once: a text that overlaps itself is found at the next character.
                at = start + text.chars().next().map_or(1, char::len_utf8);
            }
            None
        };
        let mut all: Vec<(usize, usize)> = one(&piece.text).into_iter().collect();
        all.extend(other_case(&piece.text).and_then(|text| one(&text)));
        all.into_iter().min()
    }

    /// Returns the code points of the text that became these bytes of the folded one.
    fn source(&self, start: usize, end: usize) -> (usize, usize) {
        let flow = self.flow.as_str();
        let at = |place: usize| self.places.get(place).map_or(flow.len(), |(_, source)| *source as usize);
        let first = at(self.places.partition_point(|(folded, _)| (*folded as usize) < start));
        // One past the last character that is meant, not where the next one is that was not dropped.
        let last = at(self.places.partition_point(|(folded, _)| (*folded as usize) < end).saturating_sub(1));
        let last = last + flow[last..].chars().next().map_or(0, char::len_utf8);
        let range = self.flow.source_range(self.text, first..last.max(first));
        let position = |byte: usize| self.text[..byte].chars().count();
        let first = position(range.start);
        (first, first + self.text[range].chars().count())
    }

    /// Finds the words of the text that are most like a piece; `Err` if that takes too many comparisons.
    fn nearest(&self, piece: &Piece, pairs: &mut usize) -> Result<Option<Near>, ()> {
        let all = tokens(&piece.text);
        let ours: Vec<String> =
            all.iter().take(COMPARED_MAX).map(|(start, end)| word(&piece.text[*start..*end])).collect();
        if ours.len() < SAME_MIN {
            return Ok(None);
        }
        let width = (ours.len() / 2).max(8);
        // Where the piece would begin if a word of it were that word of the text.
        let mut votes: HashMap<usize, usize> = HashMap::new();
        for (number, word) in ours.iter().enumerate() {
            let places = self.by_word.get(word).map_or(&[][..], Vec::as_slice);
            for place in places.iter().filter(|_| places.len() <= PLACES_MAX) {
                let begins = (*place as usize + ours.len()).saturating_sub(number);
                *votes.entry(begins / width).or_default() += 1;
            }
        }
        let mut votes: Vec<(usize, usize)> = votes.into_iter().collect();
        votes.sort_unstable_by_key(|(bucket, count)| (std::cmp::Reverse(*count), *bucket));
        let mut best: Option<Near> = None;
        for (bucket, _) in votes.into_iter().take(WINDOWS) {
            let first = (bucket * width).saturating_sub(ours.len() + width);
            let last = (first + 2 * ours.len() + 3 * width).min(self.tokens.len());
            let cost = ours.len() * last.saturating_sub(first);
            *pairs = pairs.checked_sub(cost).ok_or(())?;
            let near = self.compare(piece, &all[..ours.len()], &ours, first..last);
            if let Some(near) =
                near.filter(|near| best.as_ref().is_none_or(|best| best.percent < near.percent))
            {
                best = Some(near);
            }
        }
        Ok(best)
    }

    /// Compares a piece with a part of the text, by the longest common subsequence of their words.
    fn compare(
        &self,
        piece: &Piece,
        places: &[(usize, usize)],
        ours: &[String],
        window: std::ops::Range<usize>,
    ) -> Option<Near> {
        let window = &self.tokens[window];
        let theirs: Vec<String> =
            window.iter().map(|(start, end)| word(&self.folded[*start..*end])).collect();
        let row = theirs.len() + 1;
        let capital = ours.first().and_then(|first| other_case(first));
        let same =
            |i: usize, j: usize| ours[i] == theirs[j] || i == 0 && capital.as_ref() == Some(&theirs[j]);
        let mut longest = vec![0u16; (ours.len() + 1) * row];
        for i in (0..ours.len()).rev() {
            for j in (0..theirs.len()).rev() {
                longest[i * row + j] = match same(i, j) {
                    true => longest[(i + 1) * row + j + 1] + 1,
                    false => longest[(i + 1) * row + j].max(longest[i * row + j + 1]),
                };
            }
        }
        // The words begin as late as they can: a common word far before them is not of them.
        let later = (0..theirs.len()).take_while(|j| longest[j + 1] == longest[0]).count();
        let (mut i, mut j) = (0, later);
        let mut steps: Vec<(Option<usize>, Option<usize>)> = Vec::new();
        while i < ours.len() || j < theirs.len() {
            if i < ours.len() && j < theirs.len() && same(i, j) {
                steps.push((Some(i), Some(j)));
                (i, j) = (i + 1, j + 1);
            } else if j == theirs.len()
                || i < ours.len() && longest[(i + 1) * row + j] >= longest[i * row + j + 1]
            {
                steps.push((Some(i), None));
                i += 1;
            } else {
                steps.push((None, Some(j)));
                j += 1;
            }
        }
        let both: Vec<usize> = steps.iter().filter_map(|(one, other)| one.and(*other)).collect();
        let (first, last) = (*both.first()?, *both.last()?);
        let percent = 200 * both.len() / (ours.len() + last - first + 1);
        if both.len() < SAME_MIN || percent < SIMILAR_PERCENT {
            return None;
        }
        let mut edits: Vec<Edit> = Vec::new();
        for step in steps {
            let edit = match step {
                (Some(i), Some(_)) => Edit::Same(piece.text[places[i].0..places[i].1].to_owned()),
                (Some(i), None) => Edit::Quotation(piece.text[places[i].0..places[i].1].to_owned()),
                (None, Some(j)) if (first..=last).contains(&j) => {
                    Edit::Text(self.folded[window[j].0..window[j].1].to_owned())
                }
                _ => continue,
            };
            push(&mut edits, edit);
        }
        Some(Near { at: (window[first].0, window[last].1), edits, percent })
    }
}

struct Near {
    at: (usize, usize),
    edits: Vec<Edit>,
    percent: usize,
}

/// Adds words to the last edit, if it is of the same sort.
fn push(edits: &mut Vec<Edit>, edit: Edit) {
    match (edits.last_mut(), edit) {
        (Some(Edit::Same(before)), Edit::Same(more))
        | (Some(Edit::Quotation(before)), Edit::Quotation(more))
        | (Some(Edit::Text(before)), Edit::Text(more)) => {
            let glue = match (before.chars().next_back(), more.chars().next()) {
                (Some(one), Some(other)) if has_no_spaces(one) && has_no_spaces(other) => "",
                _ => " ",
            };
            before.push_str(glue);
            before.push_str(&more);
        }
        (_, edit) => edits.push(edit),
    }
}

/// Returns the text with its first letter in the other case.
fn other_case(text: &str) -> Option<String> {
    let first = text.chars().next()?;
    let other: String = match first.is_lowercase() {
        true => first.to_uppercase().collect(),
        false => first.to_lowercase().collect(),
    };
    let same = other.chars().eq(std::iter::once(first));
    (!same).then(|| other + &text[first.len_utf8()..])
}

fn folded(text: &str) -> String {
    fold(text, |_, _| {})
}

/// Folds a reflowed text. `place` is given where each code point that stays begins there and here.
fn fold(text: &str, mut place: impl FnMut(usize, usize)) -> String {
    let mut out = String::with_capacity(text.len());
    let mut space = None;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let c = match c {
            '«' | '»' | '“' | '”' | '„' | '‟' | '‹' | '›' | '「' | '」' | '『' | '』' | '"' =>
            {
                continue;
            }
            '\'' | '’' | '‘' | '‛' | 'ʼ' | '′' => {
                // Between letters it is an apostrophe, elsewhere a quotation mark.
                let within = space.is_none() && out.ends_with(char::is_alphanumeric);
                if !within || !chars.peek().is_some_and(|(_, next)| next.is_alphanumeric()) {
                    continue;
                }
                '\''
            }
            '–' | '—' | '‒' | '‐' | '‑' | '−' => '-',
            c if c.is_whitespace() => {
                space = space.or(Some(at));
                continue;
            }
            c => c,
        };
        if let Some(space) = space.take()
            && !matches!(c, ',' | '.' | ';' | ':' | '!' | '?' | ')')
            && !out.is_empty()
        {
            place(out.len(), space);
            out.push(' ');
        }
        place(out.len(), at);
        out.push(c);
    }
    out
}

/// Returns whether two characters that follow each other are of one word.
fn joined(one: Option<char>, other: Option<char>) -> bool {
    let of_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() && !has_no_spaces(c));
    of_word(one) && of_word(other)
}

/// Returns whether a character is of a script that puts no spaces between words: Han, kana, Thai, Lao, Khmer, Burmese.
fn has_no_spaces(c: char) -> bool {
    matches!(c,
        '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{3040}'..='\u{30ff}'
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

/// Returns the words of a folded text: what stands between spaces, and each character of a script without them.
fn tokens(text: &str) -> Vec<(usize, usize)> {
    let mut out = Vec::new();
    let mut start = None;
    for (at, c) in text.char_indices() {
        if c == ' ' || has_no_spaces(c) {
            out.extend(start.take().map(|start| (start, at)));
            if c != ' ' {
                out.push((at, at + c.len_utf8()));
            }
        } else {
            start = start.or(Some(at));
        }
    }
    out.extend(start.map(|start| (start, text.len())));
    // A dash between spaces is no word.
    out.retain(|(start, end)| text[*start..*end].chars().any(char::is_alphanumeric));
    out
}

/// A word as it is compared: without punctuation around it. A sign before a figure belongs to it.
fn word(token: &str) -> String {
    let bare = token.trim_matches(|c: char| !c.is_alphanumeric());
    let before = token[..token.find(bare).unwrap_or(0)].chars().next_back();
    let signed = before.filter(|c| matches!(c, '-' | '+') && bare.starts_with(char::is_numeric));
    signed.into_iter().chain(bare.chars()).collect()
}

#[cfg(test)]
mod tests;
