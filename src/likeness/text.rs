//! A text made ready to be held against others: its reflow form, its words, its figures.

use std::ops::Range;

use serde::Serialize;
use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

use crate::article::ExtractedText;
use crate::article::numbers::{self, Figure};
use crate::article::reflow::{Reflowed, reflow};
use crate::article::script::is_unspaced;

/// Words of a text that are looked at; a book has a hundred thousand.
pub const WORDS_MAX: usize = 1_000_000;

/// What a word weighs, and a character of a script that is written without spaces: two such make a word, roughly.
const WORD_WEIGHT: usize = 5;
const CHARACTER_WEIGHT: usize = 3;

/// The weight of three words, or of five characters.
pub(super) const SHINGLE: usize = 15;
/// The weight of six words, or of ten characters: less is a stock phrase.
pub(super) const PIECE: usize = 30;

/// Marks that open or close a quotation. Apostrophes are none.
pub(super) const QUOTATION_MARKS: &[char] = &['«', '»', '“', '”', '„', '"', '‹', '›', '「', '」', '『', '』'];

/// A place in an extracted text, in code points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub struct Span {
    /// First code point.
    pub start: usize,
    /// One past the last.
    pub end: usize,
}

/// A word of a reflowed text: a run of letters and digits, a whole figure with sign and unit, or one character of a
/// script that is written without spaces.
#[derive(Debug, Clone, Copy)]
pub(super) struct Word {
    start: u32,
    end: u32,
    /// Of its letters in lower case, accents kept; of a figure, of its token.
    pub(super) strict: u64,
    /// Of its letters in lower case without marks, in compatibility form.
    pub(super) loose: u64,
    weight: u8,
}

impl Word {
    pub(super) fn range(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// A text made ready to be held against others.
#[derive(Debug, Clone)]
pub struct Text<'t> {
    extracted: ExtractedText<'t>,
    flow: Reflowed,
    figures: Vec<Figure>,
    words: Vec<Word>,
}

impl<'t> Text<'t> {
    /// Prepares an extracted text of at most 4 GiB. Linear time; memory about ten times the text. Words beyond [`WORDS_MAX`]
    /// are not looked at.
    pub fn new(text: &'t str) -> Self {
        let flow = reflow(text);
        let figures = numbers::find(flow.as_str());
        let words = words(flow.as_str(), &figures);
        Text { extracted: ExtractedText::new(text), flow, figures, words }
    }

    /// Returns the extracted text.
    pub fn as_str(&self) -> &'t str {
        self.extracted.as_str()
    }

    /// Returns its reflow form.
    pub fn wording(&self) -> &str {
        self.flow.as_str()
    }

    /// Returns how many words are looked at; characters where words are written without spaces.
    pub fn count(&self) -> usize {
        self.words.len()
    }

    pub(super) fn words(&self) -> &[Word] {
        &self.words
    }

    pub(super) fn figures(&self) -> &[Figure] {
        &self.figures
    }

    /// Returns where bytes of the reflow form stand in the extracted text.
    pub(super) fn span(&self, range: Range<usize>) -> Span {
        let source = self.flow.source_range(self.extracted.as_str(), range);
        Span { start: self.extracted.position(source.start), end: self.extracted.position(source.end) }
    }

    /// Returns the bytes of the reflow form from the first to the last of some words.
    pub(super) fn bytes_of(&self, words: Range<usize>) -> Range<usize> {
        match self.words.get(words) {
            Some([first, .., last]) => first.range().start..last.range().end,
            Some([word]) => word.range(),
            _ => 0..0,
        }
    }

    /// Returns the words that begin within bytes of the reflow form.
    pub(super) fn words_of(&self, bytes: &Range<usize>) -> Range<usize> {
        let before = |at: usize| self.words.partition_point(|word| (word.start as usize) < at);
        before(bytes.start)..before(bytes.end)
    }

    pub(super) fn weight(&self, words: Range<usize>) -> usize {
        self.words.get(words).unwrap_or_default().iter().map(|word| usize::from(word.weight)).sum()
    }

    /// Returns what all words weigh that are no figures.
    pub(super) fn weight_of_words(&self) -> usize {
        self.weight(0..self.words.len()).saturating_sub(WORD_WEIGHT * self.figures.len())
    }

    /// Returns the paragraphs as bytes of the reflow form.
    pub(super) fn paragraphs(&self) -> Vec<Range<usize>> {
        let mut at = 0;
        let all = self.wording().split("\n\n").map(|words| {
            let range = at..at + words.len();
            at = range.end + 2;
            range
        });
        all.filter(|range| !range.is_empty()).collect()
    }

    /// Returns the parts of the paragraphs between ends of sentences and quotation marks, as ranges of words. Short ones
    /// too.
    pub(super) fn pieces(&self) -> Vec<Range<usize>> {
        let mut all = Vec::new();
        for paragraph in self.paragraphs() {
            let text = &self.wording()[paragraph.clone()];
            let mut from = paragraph.start;
            let mut chars = text.char_indices().peekable();
            while let Some((at, c)) = chars.next() {
                let next = chars.peek().map(|(_, next)| *next);
                let ends = match c {
                    '.' | '!' | '?' | '…' | '؟' | '۔' | '।' | '։' => next.is_none_or(|next| {
                        next.is_whitespace() || QUOTATION_MARKS.contains(&next) || next == ')'
                    }),
                    '。' | '！' | '？' | '｡' => true,
                    _ => QUOTATION_MARKS.contains(&c),
                };
                if ends {
                    let end = paragraph.start + at + c.len_utf8();
                    all.push(self.words_of(&(from..end)));
                    from = end;
                }
            }
            all.push(self.words_of(&(from..paragraph.end)));
        }
        all.retain(|piece| !piece.is_empty());
        all
    }

    /// Calls `each` with the hash and the words of every run of neighbouring words that just reaches `weight`; with that of
    /// all words if they do not.
    pub(super) fn windows(
        &self,
        weight: usize,
        hash: impl Fn(&Word) -> u64,
        mut each: impl FnMut(u64, Range<usize>),
    ) {
        let words = &self.words;
        let (mut end, mut sum) = (0, 0);
        for start in 0..words.len() {
            while sum < weight && end < words.len() {
                sum += usize::from(words[end].weight);
                end += 1;
            }
            if sum < weight && start > 0 {
                break;
            }
            let all = words[start..end].iter().fold(0, |all, word| mix(all ^ hash(word)));
            each(all, start..end);
            sum -= usize::from(words[start].weight);
        }
    }
}

fn is_mark(c: char) -> bool {
    !c.is_ascii() && c.general_category_group() == GeneralCategoryGroup::Mark
}

fn words(flow: &str, figures: &[Figure]) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::with_capacity((flow.len() / 5).min(WORDS_MAX));
    let mut figures = figures.iter().peekable();
    let mut chars = flow.char_indices().peekable();
    while let Some(&(start, c)) = chars.peek() {
        if words.len() == WORDS_MAX {
            break;
        }
        if let Some(figure) = figures.next_if(|figure| figure.range.start == start) {
            let hash = hash_of(figure.token.chars());
            let (from, to) = (start as u32, figure.range.end as u32);
            words.push(Word { start: from, end: to, strict: hash, loose: hash, weight: WORD_WEIGHT as u8 });
            while chars.next_if(|(at, _)| *at < figure.range.end).is_some() {}
            continue;
        }
        chars.next();
        if !c.is_alphanumeric() {
            continue;
        }
        let alone = is_unspaced(c);
        let mut end = start + c.len_utf8();
        while let Some((at, c)) = chars.next_if(|(at, c)| {
            let figure = figures.peek().is_some_and(|figure| figure.range.start == *at);
            !figure && (is_mark(*c) || !alone && c.is_alphanumeric() && !is_unspaced(*c))
        }) {
            end = at + c.len_utf8();
        }
        let printed = &flow[start..end];
        let strict = hash_of(printed.chars().flat_map(char::to_lowercase));
        let loose = match printed.is_ascii() {
            true => strict,
            false => hash_of(printed.nfkd().filter(|c| !is_mark(*c)).flat_map(char::to_lowercase)),
        };
        let weight = if alone { CHARACTER_WEIGHT } else { WORD_WEIGHT } as u8;
        words.push(Word { start: start as u32, end: end as u32, strict, loose, weight });
    }
    words
}

/// FNV-1a over code points, mixed: the same in every release, and enough among words that a person sees.
fn hash_of(chars: impl Iterator<Item = char>) -> u64 {
    let hash = chars.fold(0xcbf2_9ce4_8422_2325_u64, |hash, c| {
        (hash ^ u64::from(u32::from(c))).wrapping_mul(0x0000_0100_0000_01b3)
    });
    mix(hash)
}

/// The finaliser of SplitMix64: a permutation in which every bit of `x` moves half of the others.
pub(super) fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<String> {
        let text = Text::new(text);
        text.words().iter().map(|word| text.wording()[word.range()].to_owned()).collect()
    }

    #[test]
    fn words_figures_and_characters() {
        assert_eq!(
            split("L’eau à −5 °C : 1.5 million, COVID19."),
            ["L", "eau", "à", "−5 °C", "1.5 million", "COVID", "19"]
        );
        assert_eq!(split("日本の3万人、ไทย"), ["日", "本", "の", "3万", "人", "ไ", "ท", "ย"]);
        assert_eq!(split("नमस्ते दुनिया"), ["नमस्ते", "दुनिया"]);
        assert_eq!(split(" … — "), [""; 0]);
    }

    #[test]
    fn forms_of_a_word() {
        let word = |text: &str| Text::new(text).words()[0];
        assert_eq!(word("Pêche").strict, word("pe\u{302}che").strict);
        assert_ne!(word("pêche").strict, word("péché").strict);
        assert_eq!(word("pêche").loose, word("PECHE").loose);
        assert_eq!(word("всё").loose, word("все").loose);
        assert_eq!(word("ｔｅｘｔ").loose, word("text").loose);
    }

    #[test]
    fn pieces_end_with_sentences_and_at_quotation_marks() {
        let text = Text::new("Un. « Deux trois ! » dit-il, à 3.5 km.\n\nLe soir");
        let pieces = text.pieces().into_iter().map(|piece| text.wording()[text.bytes_of(piece)].to_owned());
        let pieces: Vec<String> = pieces.collect();
        assert_eq!(pieces, ["Un", "Deux trois", "dit-il, à 3.5 km", "Le soir"]);
    }

    #[test]
    fn spans_are_code_points_of_the_extracted_text() {
        let text = Text::new("Été\u{a0}: le\nlac e\u{301}tait là");
        let at = text.wording().find("était").unwrap();
        assert_eq!(text.span(at..at + "était".len()), Span { start: 13, end: 19 });
    }
}
