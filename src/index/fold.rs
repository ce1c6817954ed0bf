//! Words as they are searched for: without case, accents and marks, and, where words are not set apart, as pairs of letters.
//!
//! ```text
//! L'Élection        l election
//! Ёлка              елка
//! مُحَمَّد             محمد
//! 中华人民            中华 华人 人民 民
//! ```
//!
//! Text and query are folded alike, so that the search engine only compares bytes. A run of letters of a script without
//! spaces becomes its overlapping pairs and its last letter; a run that is searched for, its pairs alone, as a phrase.

use serde::Serialize;

use std::ops::Range;

use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

/// Changes whenever a text could be folded to other words.
pub(super) const FOLD: u32 = 1;

/// What sort of word it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    Word,
    /// Two letters that follow each other in a run.
    Pair,
    /// The last letter of a run.
    Last,
}

/// Goes through the words of `text`: each folded, with the bytes that it stands in.
fn each_word(text: &str, put: impl FnMut(&str, Range<usize>, Sort)) {
    let mut folding = Folding { put, word: String::new(), of: 0..0, run: Vec::new(), both: String::new() };
    for (at, c) in text.char_indices() {
        folding.letter(c, at..at + c.len_utf8());
    }
    folding.end();
}

struct Folding<P> {
    put: P,
    word: String,
    of: Range<usize>,
    run: Vec<(char, Range<usize>)>,
    both: String,
}

impl<P: FnMut(&str, Range<usize>, Sort)> Folding<P> {
    fn letter(&mut self, c: char, at: Range<usize>) {
        if c.is_ascii() {
            match c.is_ascii_alphanumeric() {
                true => self.take(c.to_ascii_lowercase(), at),
                false => self.end(),
            }
            return;
        }
        if is_passed_over(c) {
            // It belongs to the letter before it.
            match self.run.last_mut() {
                Some((_, of)) => of.end = at.end,
                None => self.of.end = self.of.end.max(at.end),
            }
            return;
        }
        let mut goes_on = false;
        for part in std::iter::once(c).nfkd().flat_map(char::to_lowercase) {
            if is_passed_over(part) {
                goes_on = true;
                continue;
            }
            if !is_letter(part) {
                continue;
            }
            goes_on = true;
            match spelt(part) {
                Spelt::As(other) => self.take(other, at.clone()),
                Spelt::Out(letters) => letters.chars().for_each(|letter| self.take(letter, at.clone())),
            }
        }
        if !goes_on {
            self.end();
        }
    }

    fn take(&mut self, letter: char, at: Range<usize>) {
        if is_without_spaces(letter) {
            self.end_word();
            self.run.push((letter, at));
            return;
        }
        self.end_run();
        if self.word.is_empty() {
            self.of = at.clone();
        }
        self.of.end = at.end;
        self.word.push(letter);
    }

    fn end(&mut self) {
        self.end_word();
        self.end_run();
    }

    fn end_word(&mut self) {
        if !self.word.is_empty() {
            (self.put)(&self.word, self.of.clone(), Sort::Word);
            self.word.clear();
        }
    }

    fn end_run(&mut self) {
        for pair in self.run.windows(2) {
            let [(first, from), (second, to)] = pair else { continue };
            self.both.clear();
            self.both.extend([first, second]);
            (self.put)(&self.both, from.start..to.end, Sort::Pair);
        }
        if let Some((last, at)) = self.run.last() {
            self.both.clear();
            self.both.push(*last);
            (self.put)(&self.both, at.clone(), Sort::Last);
        }
        self.run.clear();
    }
}

/// Marks, and what joins or hides: they end no word.
fn is_passed_over(c: char) -> bool {
    matches!(c, '\u{640}' | '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
        || c.general_category_group() == GeneralCategoryGroup::Mark
}

fn is_letter(c: char) -> bool {
    matches!(c.general_category_group(), GeneralCategoryGroup::Letter | GeneralCategoryGroup::Number)
}

/// Letters of scripts that set no spaces between words: Han, Kana, Thai, Lao, Khmer, Burmese.
fn is_without_spaces(c: char) -> bool {
    matches!(c,
        '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{3005}'..='\u{3007}'
        | '\u{3041}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

enum Spelt {
    As(char),
    Out(&'static str),
}

/// Letters that people write for each other, and that no normal form makes the same.
fn spelt(c: char) -> Spelt {
    Spelt::As(match c {
        'ß' => return Spelt::Out("ss"),
        'æ' => return Spelt::Out("ae"),
        'œ' => return Spelt::Out("oe"),
        'ø' => 'o',
        'đ' | 'ð' => 'd',
        'ł' => 'l',
        'ı' => 'i',
        'ς' => 'σ',
        'ٱ' => 'ا',
        'ى' | 'ی' => 'ي',
        'ة' => 'ه',
        'ک' => 'ك',
        '٠'..='٩' => digit(c, '٠'),
        '۰'..='۹' => digit(c, '۰'),
        other => other,
    })
}

fn digit(c: char, zero: char) -> char {
    char::from_digit(u32::from(c) - u32::from(zero), 10).unwrap_or(c)
}

/// Returns the words of `text`, folded, each between two spaces: ` a b c `. Empty if there is none.
pub(super) fn folded(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    each_word(text, |word, _, _| {
        if out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
        out.push(' ');
    });
    out
}

/// One thing that must occur: words that follow each other, the last of which may go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    words: Vec<String>,
    begins: bool,
}

impl Term {
    /// Folds what a person asks for: a word, or words that follow each other. `begins` lets the last word go on. `None` if
    /// there is no letter and no digit in it.
    pub fn of(text: &str, begins: bool) -> Option<Self> {
        let mut words: Vec<String> = Vec::new();
        let mut sorts = Vec::new();
        each_word(text, |word, _, sort| {
            words.push(word.to_owned());
            sorts.push(sort);
        });
        let mut begins = begins;
        if sorts.last() == Some(&Sort::Last) {
            // Behind it, the run may go on.
            begins = !matches!(sorts.as_slice(), [.., Sort::Pair, _]);
            if !begins {
                words.pop();
            }
        }
        (!words.is_empty()).then_some(Term { words, begins })
    }

    /// Takes what is asked for in several pieces: one of several words is a phrase, unless it has quotation marks of its own.
    pub fn of_words<'w>(words: impl Iterator<Item = &'w str>) -> Vec<Self> {
        let is_phrase =
            |word: &str| word.trim().contains(char::is_whitespace) && !word.contains(['"', '«', '“', '„']);
        words
            .flat_map(|word| match is_phrase(word) {
                true => Term::of(word, word.ends_with('*')).into_iter().collect(),
                false => Term::all_of(word),
            })
            .collect()
    }

    /// Takes a query apart: words, `"words that follow each other"`, and `beginnings*`. All must occur.
    pub fn all_of(query: &str) -> Vec<Self> {
        let mut terms = Vec::new();
        let mut rest = query;
        while let Some(first) = rest.chars().next() {
            let close = match first {
                '"' => Some('"'),
                '«' => Some('»'),
                '“' | '„' => Some('”'),
                _ => None,
            };
            let inner = &rest[first.len_utf8()..];
            if let Some(close) = close {
                let end = inner.find(|c| c == close || (first == '„' && c == '“')).unwrap_or(inner.len());
                let (phrase, behind) = inner.split_at(end);
                let behind = behind.strip_prefix(|_: char| true).unwrap_or_default();
                let begins = behind.starts_with('*');
                terms.extend(Term::of(phrase, begins));
                rest = behind;
            } else if first.is_whitespace() {
                rest = inner;
            } else {
                let end = rest.find(|c: char| c.is_whitespace() || matches!(c, '"' | '«' | '“' | '„'));
                let (word, behind) = rest.split_at(end.unwrap_or(rest.len()));
                terms.extend(Term::of(word, word.ends_with('*')));
                rest = behind;
            }
        }
        terms
    }

    /// Returns what is looked for in a folded text.
    pub(super) fn needle(&self) -> String {
        let end = if self.begins { "" } else { " " };
        format!(" {}{end}", self.words.join(" "))
    }

    /// Returns whether it occurs in a folded text.
    pub(super) fn is_in(&self, folded: &str) -> bool {
        folded.contains(&self.needle())
    }

    /// Returns the term in the search engine's language: a string of folded words, which have only letters and digits.
    pub(super) fn expression(&self) -> String {
        format!("\"{}\"{}", self.words.join(" "), if self.begins { " *" } else { "" })
    }
}

/// A piece of a text, with the places of what was searched for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Snippet {
    /// The words, on one line.
    pub text: String,
    /// First code point, and one past the last, of each place.
    pub marks: Vec<(usize, usize)>,
    /// Whether the text has something before.
    pub cut_before: bool,
    /// Whether it goes on.
    pub cut_after: bool,
}

/// Code points of a snippet, and of what stands before its first mark.
const SNIPPET_CHARS: usize = 180;
const BEFORE_CHARS: usize = 50;

/// Returns the piece of `text` in which most of `terms` occur; `None` if none does. Costs a few passes over the text.
pub fn snippet(text: &str, terms: &[Term]) -> Option<Snippet> {
    let mut words: Vec<(String, Range<usize>)> = Vec::new();
    let mut pairs: Vec<bool> = Vec::new();
    each_word(text, |word, at, sort| {
        words.push((word.to_owned(), at));
        pairs.push(sort == Sort::Pair);
    });
    let mut found: Vec<(usize, Range<usize>)> = Vec::new();
    for (number, term) in terms.iter().enumerate() {
        let Some((last, before)) = term.words.split_last() else { continue };
        for (place, some) in words.windows(term.words.len()).enumerate() {
            let (end, begin) = some.split_last()?;
            let ends = if term.begins { end.0.starts_with(last.as_str()) } else { end.0 == *last };
            if ends && begin.iter().map(|(word, _)| word).eq(before) {
                // Of a pair that begins with what was searched for, the second letter is not meant.
                let half = term.begins && pairs[place + begin.len()] && end.0 != *last;
                let first = text[end.1.clone()].chars().next().map_or(0, char::len_utf8);
                let behind = if half { end.1.start + first } else { end.1.end };
                found.push((number, some[0].1.start..behind));
            }
        }
    }
    found.sort_by_key(|(_, at)| (at.start, at.end));
    // The window behind each place that holds the most different terms; of several, the first.
    let chars_to_bytes = SNIPPET_CHARS - BEFORE_CHARS;
    let mut best: Option<(usize, usize)> = None;
    for (place, (_, at)) in found.iter().enumerate() {
        let within = found[place..].iter().take(64).take_while(|(_, other)| {
            other.end <= at.start + 4 * chars_to_bytes
                && text[at.start..other.end].chars().count() <= chars_to_bytes
        });
        let mut numbers: Vec<usize> = within.map(|(number, _)| *number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        if best.is_none_or(|(count, _)| numbers.len() > count) {
            best = Some((numbers.len(), at.start));
        }
        if numbers.len() == terms.len() {
            break;
        }
    }
    let (_, first) = best?;
    Some(cut(text, first, &found))
}

/// Cuts the piece around byte `first`, at spaces where there are some.
fn cut(text: &str, first: usize, found: &[(usize, Range<usize>)]) -> Snippet {
    let back = text[..first].char_indices().rev().take(BEFORE_CHARS).last().map_or(first, |(at, _)| at);
    let start = match text[back..first].find(char::is_whitespace) {
        Some(space) if back > 0 => back + space,
        _ => back,
    };
    let end = text[start..].char_indices().nth(SNIPPET_CHARS).map_or(text.len(), |(at, _)| start + at);
    let end = match text[first..end].rfind(char::is_whitespace) {
        Some(space) if end < text.len() && space > 0 => first + space,
        _ => end,
    };
    let piece = &text[start..end];
    let mut line = String::with_capacity(piece.len());
    let mut places: Vec<usize> = Vec::with_capacity(piece.len());
    let mut count = 0;
    for c in piece.chars() {
        places.extend(std::iter::repeat_n(count, c.len_utf8()));
        let c = if c.is_whitespace() { ' ' } else { c };
        if !(c == ' ' && (line.is_empty() || line.ends_with(' '))) {
            line.push(c);
            count += 1;
        }
    }
    places.push(count);
    let mut marks: Vec<(usize, usize)> = Vec::new();
    for (_, at) in found.iter().filter(|(_, at)| at.start >= start && at.end <= end) {
        let (from, to) = (places[at.start - start], places[at.end - start]);
        match marks.last_mut() {
            // Overlapping pairs of one run are one place.
            Some((_, last)) if from <= *last => *last = to.max(*last),
            _ => marks.push((from, to)),
        }
    }
    let text_end = line.trim_end().len();
    line.truncate(text_end);
    let cut_after = !text[end..].trim().is_empty();
    Snippet { text: line, marks, cut_before: !text[..start].trim().is_empty(), cut_after }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_of_all_scripts_are_folded() {
        for (text, words) in [
            ("L'Élection du Préfet, ŒUVRE", " l election du prefet oeuvre "),
            ("Ёлка стоит во дворе", " елка стоит во дворе "),
            ("صرّح مُحَمَّد في المدرسةِ إلى أحمد", " صرح محمد في المدرسه الي احمد "),
            ("الـــكتاب ١٩٤٨", " الكتاب 1948 "),
            ("国家新闻 2026年", " 国家 家新 新闻 闻 2026 年 "),
            ("สวัสดี", " สว วส สด ด "),
            ("Straße, İstanbul, Łódź, ﬁn", " strasse istanbul lodz fin "),
            ("co\u{ad}opé\u{200b}ration 10⁻³", " cooperation 10 3 "),
            ("— … !", ""),
        ] {
            assert_eq!(folded(text), words, "{text}");
        }
    }

    #[test]
    fn queries_are_taken_apart() {
        let all = |query: &str| Term::all_of(query).iter().map(Term::expression).collect::<Vec<_>>();
        assert_eq!(all("Élection  municipale"), ["\"election\"", "\"municipale\""]);
        assert_eq!(all("\"cour des comptes\" préf*"), ["\"cour des comptes\"", "\"pref\" *"]);
        assert_eq!(all("«Год реки»"), ["\"год реки\""]);
        assert_eq!(all("l'eau"), ["\"l eau\""]);
        assert_eq!(all("记者 水"), ["\"记者\"", "\"水\" *"]);
        assert_eq!(all("\"记者 水库\""), ["\"记者 者 水库\""]);
        // What means something to the search engine is nothing here.
        assert_eq!(
            all("title:x OR NEAR(a b) ^y -z {c} + \" \"\"'"),
            ["\"title x\"", "\"or\"", "\"near a\"", "\"b\"", "\"y\"", "\"z\"", "\"c\""]
        );
        assert_eq!(all("* \"\" — \u{0}"), Vec::<String>::new());
        assert_eq!(all("\"open end"), ["\"open end\""]);
    }

    #[test]
    fn a_snippet_shows_where() {
        let text = "Le lac monte.\n\nLe préfet a  pris un arrêté lundi ; les riverains attendent.";
        let terms = Term::all_of("arrete prefet");
        let snippet = snippet(text, &terms).unwrap();
        assert_eq!(snippet.text, "Le lac monte. Le préfet a pris un arrêté lundi ; les riverains attendent.");
        let marked: Vec<String> = snippet
            .marks
            .iter()
            .map(|(from, to)| snippet.text.chars().skip(*from).take(to - from).collect())
            .collect();
        assert_eq!(marked, ["préfet", "arrêté"]);
        assert_eq!((snippet.cut_before, snippet.cut_after), (false, false));
        assert_eq!(super::snippet(text, &Term::all_of("lune")), None);
    }

    #[test]
    fn a_snippet_is_short_and_of_the_best_place() {
        let filler = "rien à voir ici ".repeat(100);
        let text = format!("eau {filler} les eaux, l'eau du barrage {filler}");
        let snippet = snippet(&text, &Term::all_of("eau barrage")).unwrap();
        assert!(snippet.text.contains("l'eau du barrage"), "{snippet:?}");
        assert!(snippet.cut_before && snippet.cut_after);
        assert!(snippet.text.chars().count() <= SNIPPET_CHARS);
        let run = "水".repeat(500) + "大坝" + &"水".repeat(500);
        let snippet = super::snippet(&run, &Term::all_of("大坝")).unwrap();
        let (from, to) = snippet.marks[0];
        assert_eq!(snippet.text.chars().skip(from).take(to - from).collect::<String>(), "大坝");
    }

    proptest! {
        #[test]
        fn folding_again_changes_nothing_but_runs(text in "\\PC{0,40}") {
            let once = folded(&text);
            prop_assume!(!once.chars().any(is_without_spaces));
            prop_assert_eq!(folded(&once), once);
        }

        #[test]
        fn a_text_holds_its_own_words(text in "(\\PC|[国家新闻 \"*]){0,30}") {
            let folded = folded(&text);
            for term in Term::all_of(&text).into_iter().chain(Term::of(&text, false)) {
                let quoted = text.contains(['"', '*', '«', '»', '“', '”', '„']);
                prop_assert!(quoted || term.is_in(&folded), "{:?} in {:?}", term, folded);
                prop_assert!(term.words.iter().all(|word| word.chars().all(|c| c.is_alphanumeric()
                    || c.general_category_group() == GeneralCategoryGroup::Number)));
            }
            if let Some(snippet) = snippet(&text, &Term::all_of(&text)) {
                let length = snippet.text.chars().count();
                prop_assert!(snippet.marks.iter().all(|(from, to)| from <= to && *to <= length + 1));
            }
        }
    }
}
