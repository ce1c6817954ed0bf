//! The reflow form `reflow/1`: the wording of a text, whatever its line breaks.
//!
//! In this order:
//! 1. characters that do not show are dropped: zero-widths, bidi controls, soft hyphens, control characters;
//! 2. Unicode NFC;
//! 3. a hyphen (U+002D, U+2010, or a soft hyphen) between a letter and a line feed that a lower-case letter follows
//!    is dropped with the line feed: `Fédé-⏎ration` → `Fédération`;
//! 4. white space with at most one line feed in it becomes one space, white space with more of them (a blank
//!    line) becomes two line feeds; both vanish at the ends.
//!
//! Case, accents, digits, punctuation and quotation marks stay. Rule 3 cannot know a true hyphen (`non-⏎combattant`,
//! `a-⏎t-il`) from a break, so each such place is reported. The form of a reflowed text is the text itself.
//! A definition that changes gets another number: digests of it are signed.

use std::ops::Range;

use unicode_normalization::char::canonical_combining_class;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};
use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};

/// Name and version of the form, recorded with its digests.
pub const REFLOW: &str = "reflow/1";

/// Places of joined hyphen breaks that are kept; the others are only counted.
pub(super) const HYPHEN_PLACES_MAX: usize = 100;

/// A reflowed text, and the way back to the text that it was made of.
#[derive(Debug, Clone)]
pub struct Reflowed {
    text: String,
    /// Where the distance between the two texts changes. At most one for each three bytes of the source.
    runs: Vec<Run>,
    source_end: usize,
    soft_wraps: usize,
    hyphen_breaks: usize,
    hyphen_places: Vec<usize>,
}

#[derive(Debug, Clone, Copy)]
struct Run {
    reflowed: u32,
    source: u32,
}

impl Reflowed {
    /// Returns the reflowed text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns how many line breaks became spaces.
    pub fn soft_wraps(&self) -> usize {
        self.soft_wraps
    }

    /// Returns how many hyphens at a line's end were dropped.
    pub fn hyphen_breaks(&self) -> usize {
        self.hyphen_breaks
    }

    /// Returns the byte offsets in the source of the first hundred hyphens that were dropped.
    pub fn hyphen_places(&self) -> &[usize] {
        &self.hyphen_places
    }

    /// Returns the bytes of `source`, the text that this was made of, that became the bytes `range` of the reflowed
    /// text, without white space and invisible characters at their end. Costs a binary search.
    pub fn source_range(&self, source: &str, range: Range<usize>) -> Range<usize> {
        let start = self.source_of(range.start);
        let end = self.source_of(range.end).max(start);
        let slice = source.get(start..end).unwrap_or_default();
        start..start + slice.trim_end_matches(|c: char| c.is_whitespace() || is_invisible(c)).len()
    }

    fn source_of(&self, reflowed: usize) -> usize {
        if reflowed >= self.text.len() {
            return self.source_end;
        }
        let after = self.runs.partition_point(|run| run.reflowed as usize <= reflowed);
        let Some(run) = after.checked_sub(1).and_then(|at| self.runs.get(at)) else { return reflowed };
        run.source as usize + (reflowed - run.reflowed as usize)
    }
}

/// Returns the reflow form of `text`, which is at most 4 GiB. Linear time; memory at most about four times the text.
pub fn reflow(text: &str) -> Reflowed {
    let mut flow = Flow::new(text.len());
    let mut chars = Chars { text, at: 0 };
    let mut segment = String::new();
    while let Some((at, c)) = chars.next() {
        // Most of most texts is words of ASCII with one space between them: these stay as they are.
        if c.is_ascii_graphic() {
            let plain = plain_words(&text.as_bytes()[at..]);
            if plain > 0 {
                flow.push(at, c);
                flow.out.text.push_str(&text[at + 1..at + plain]);
                chars.at = at + plain;
                continue;
            }
        }
        if is_invisible(c) {
            if c == '\u{ad}' {
                flow.soft_hyphen = Some(at);
            }
            continue;
        }
        let next = chars.peek().unwrap_or(' ');
        if is_stable(c) && begins_segment(next) && !is_invisible(next) {
            flow.push(at, c);
            continue;
        }
        // A base character and what may combine with it are normalised together; none of it is a line feed.
        segment.clear();
        segment.push(c);
        let mut soft_hyphen = None;
        while let Some((at, next)) = chars.next_if(|next| is_invisible(next) || !begins_segment(next)) {
            if next == '\u{ad}' {
                soft_hyphen = Some(at);
            } else if !is_invisible(next) {
                soft_hyphen = None;
                segment.push(next);
            }
        }
        // What comes after the first composed character leads to the end: a segment is taken whole or not at all.
        let end = chars.at;
        // White space before a mark may be dropped: the mark then begins where it did.
        let first = usize::from(c.is_whitespace());
        for (nth, composed) in segment.nfc().enumerate() {
            flow.push(if nth <= first { at } else { end }, composed);
        }
        flow.soft_hyphen = soft_hyphen;
    }
    flow.finish(text)
}

/// The characters of a text, and where they are.
struct Chars<'t> {
    text: &'t str,
    at: usize,
}

impl Chars<'_> {
    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn next(&mut self) -> Option<(usize, char)> {
        self.next_if(|_| true)
    }

    fn next_if(&mut self, wanted: impl FnOnce(char) -> bool) -> Option<(usize, char)> {
        let (at, c) = (self.at, self.peek().filter(|c| wanted(*c))?);
        self.at += c.len_utf8();
        Some((at, c))
    }
}

/// Returns how many bytes `bytes` begin with that are ASCII that shows, with one space at most between two of them; without
/// the last of them where a mark might follow that combines with it.
fn plain_words(bytes: &[u8]) -> usize {
    let mut space = true;
    let plain = bytes.iter().position(|byte| {
        let twice = std::mem::replace(&mut space, *byte == b' ') && space;
        !(b' '..=b'~').contains(byte) || twice
    });
    let mut end = plain.unwrap_or(bytes.len());
    if bytes.get(end).is_some_and(|next| !matches!(next, b' ' | b'\n' | b'\r' | b'\t')) {
        end = end.saturating_sub(1);
    }
    // A space is left to be told from a longer gap.
    if bytes[..end].ends_with(b" ") { end - 1 } else { end }
}

/// True for characters that do not show and carry no wording: soft hyphen, zero-widths, bidi controls, and control
/// characters other than white space. They stay in the extracted text, which is evidence.
pub(super) fn is_invisible(c: char) -> bool {
    match c {
        ' '..='~' => false,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{feff}' => true,
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' => true,
        _ => c.is_control() && !c.is_whitespace(),
    }
}

/// True where nothing before `c` can combine with it.
fn begins_segment(c: char) -> bool {
    c < '\u{300}'
        || ('\u{4e00}'..='\u{9fff}').contains(&c)
        || (canonical_combining_class(c) == 0 && is_stable(c))
}

/// True when `c` alone is in NFC for certain.
fn is_stable(c: char) -> bool {
    c < '\u{300}'
        || ('\u{4e00}'..='\u{9fff}').contains(&c)
        || is_nfc_quick(std::iter::once(c)) == IsNormalized::Yes
}

fn is_letter(c: char) -> bool {
    c.is_ascii_alphabetic() || (!c.is_ascii() && c.general_category_group() == GeneralCategoryGroup::Letter)
}

/// True for marks that combine with the letter before them.
pub(super) fn is_mark(c: char) -> bool {
    !c.is_ascii() && c.general_category_group() == GeneralCategoryGroup::Mark
}

fn is_lower(c: char) -> bool {
    c.is_ascii_lowercase() || (!c.is_ascii() && c.general_category() == GeneralCategory::LowercaseLetter)
}

/// White space met and not yet written.
#[derive(Default)]
struct Gap {
    at: usize,
    characters: usize,
    line_feeds: usize,
}

struct Flow {
    out: Reflowed,
    gap: Gap,
    /// Source offset of a soft hyphen right before what comes.
    soft_hyphen: Option<usize>,
    /// Source offset of a soft hyphen right before the gap.
    soft_hyphen_before_gap: Option<usize>,
}

impl Flow {
    fn new(capacity: usize) -> Self {
        let out = Reflowed {
            text: String::with_capacity(capacity),
            runs: Vec::new(),
            source_end: 0,
            soft_wraps: 0,
            hyphen_breaks: 0,
            hyphen_places: Vec::new(),
        };
        Flow { out, gap: Gap::default(), soft_hyphen: None, soft_hyphen_before_gap: None }
    }

    fn push(&mut self, at: usize, c: char) {
        let soft_hyphen = self.soft_hyphen.take();
        if c.is_whitespace() {
            if self.gap.characters == 0 {
                self.gap = Gap { at, ..Gap::default() };
                self.soft_hyphen_before_gap = soft_hyphen;
            }
            self.gap.characters += 1;
            self.gap.line_feeds += usize::from(c == '\n');
            return;
        }
        if self.gap.characters > 0 {
            let gap = std::mem::take(&mut self.gap);
            self.close(&gap, c);
        }
        self.write(at, c);
    }

    fn close(&mut self, gap: &Gap, next: char) {
        if self.out.text.is_empty() {
            return;
        }
        match gap.line_feeds {
            0 => self.write(gap.at, ' '),
            1 if gap.characters == 1 && is_lower(next) && self.drop_hyphen(gap.at) => {}
            1 => {
                self.out.soft_wraps += 1;
                self.write(gap.at, ' ');
            }
            _ => {
                self.write(gap.at, '\n');
                self.write(gap.at, '\n');
            }
        }
    }

    /// Drops the hyphen that breaks a word before the line feed at source offset `line_feed`; false where none does.
    fn drop_hyphen(&mut self, line_feed: usize) -> bool {
        let mut back = self.out.text.chars().rev();
        let last = back.next();
        let place = if let Some(soft) = self.soft_hyphen_before_gap {
            if !last.is_some_and(is_letter) {
                return false;
            }
            soft
        } else {
            let Some(hyphen @ ('-' | '\u{2010}')) = last else { return false };
            if !back.next().is_some_and(is_letter) {
                return false;
            }
            self.out.text.pop();
            let length = self.out.text.len();
            while self.out.runs.last().is_some_and(|run| run.reflowed as usize >= length) {
                self.out.runs.pop();
            }
            line_feed - hyphen.len_utf8()
        };
        self.out.hyphen_breaks += 1;
        if self.out.hyphen_places.len() < HYPHEN_PLACES_MAX {
            self.out.hyphen_places.push(place);
        }
        true
    }

    fn write(&mut self, source: usize, c: char) {
        let reflowed = self.out.text.len();
        if self.out.source_of_next() != source {
            // Documents are far below 4 GiB (limits::DOCUMENT_MAX_BYTES).
            self.out.runs.push(Run { reflowed: reflowed as u32, source: source as u32 });
        }
        self.out.text.push(c);
    }

    fn finish(mut self, source: &str) -> Reflowed {
        let end = source.trim_end_matches(|c: char| c.is_whitespace() || is_invisible(c)).len();
        self.out.source_end = end;
        self.out
    }
}

impl Reflowed {
    /// Where the next character to be written is expected to come from when the distance does not change.
    fn source_of_next(&self) -> usize {
        match self.runs.last() {
            Some(run) => run.source as usize + (self.text.len() - run.reflowed as usize),
            None => self.text.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use regex::Regex;

    /// The definition, step by step, from the module's text.
    fn oracle(text: &str) -> String {
        let joined = Regex::new(r"(\p{L})(?:[-\x{2010}]|\x{ad})\n(\p{Ll})").unwrap();
        let visible: String = text.chars().filter(|c| *c == '\u{ad}' || !is_invisible(*c)).collect();
        // A soft hyphen is a hyphen where a line ends, and nothing anywhere else.
        let kept = Regex::new(r"\x{ad}([^\n]|\z)").unwrap();
        let mut text = visible;
        while kept.is_match(&text) {
            text = kept.replace_all(&text, "$1").into_owned();
        }
        let mut text: String = text.nfc().collect();
        while joined.is_match(&text) {
            text = joined.replace_all(&text, "$1$2").into_owned();
        }
        text.retain(|c| c != '\u{ad}');
        let paragraphs = Regex::new(r"\s*\n\s*\n\s*").unwrap();
        let paragraphs: Vec<String> = paragraphs
            .split(text.trim())
            .map(|p| p.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        paragraphs.join("\n\n")
    }

    #[test]
    fn wording_survives_line_breaks() {
        let cases = [
            ("de la Fédé-\nration de Russie", "de la Fédération de Russie"),
            ("a-\nt-il affirmé", "at-il affirmé"),
            ("Burkina-\nFaso", "Burkina- Faso"),
            ("2022-\n24 pages", "2022- 24 pages"),
            ("mot -\nsuite", "mot - suite"),
            ("Fédé\u{ad}\nration fédé\u{ad}rale", "Fédération fédérale"),
            ("Fédé\u{2010}\nration", "Fédération"),
            ("un\u{a0}: deux\u{202f}; trois", "un : deux ; trois"),
            ("  un\n\n \n deux \n trois\n", "un\n\ndeux trois"),
            ("e\u{301}te\u{301}", "été"),
            ("a\u{200b}b\u{202e}c\u{2069}\u{7}", "abc"),
            ("pêche péché -5 1.5", "pêche péché -5 1.5"),
        ];
        for (source, expected) in cases {
            assert_eq!(reflow(source).as_str(), expected, "{source:?}");
        }
    }

    #[test]
    fn joins_are_counted_and_placed() {
        let source = "é un\ndeux trois-\nquatre cinq\n\nsix";
        let flow = reflow(source);
        assert_eq!((flow.soft_wraps(), flow.hyphen_breaks()), (1, 1));
        assert_eq!(&source[flow.hyphen_places()[0]..][..2], "-\n");
        let many = reflow(&"ab-\n".repeat(HYPHEN_PLACES_MAX + 2));
        assert_eq!(many.hyphen_breaks(), HYPHEN_PLACES_MAX + 1);
        assert_eq!(many.hyphen_places().len(), HYPHEN_PLACES_MAX);
    }

    #[test]
    fn the_way_back_covers_breaks_and_marks() {
        let source = "Source\u{a0}: Ministère de la Fédé-\nra\u{200b}tion e\u{301}\u{202c} \n fin";
        let flow = reflow(source);
        let find = |words: &str| {
            let at = flow.as_str().find(words).unwrap();
            &source[flow.source_range(source, at..at + words.len())]
        };
        assert_eq!(find("Ministère de la Fédération"), "Ministère de la Fédé-\nra\u{200b}tion");
        assert_eq!(find("é"), "è".replace('è', &source[source.find("édé").unwrap()..][.."é".len()]));
        assert_eq!(find("tion é"), "tion e\u{301}");
        assert_eq!(find("fin"), "fin");
    }

    proptest! {
        #[test]
        fn equals_the_definition(text in "[ab\u{e9}e\u{301}\u{ad}\u{200b}\u{2010}A \u{a0}\n\t5.-]{0,24}") {
            prop_assert_eq!(reflow(&text).text, oracle(&text));
        }

        #[test]
        fn words_of_ascii_are_no_other_case(
            text in "[abcA .]{0,9}[\u{e9}\u{301}\u{200b}\u{ad}\n\t\u{7}-]{0,2}[abcA .]{0,9}[\u{301}\u{ad}\n\r-]{0,2}[ab ]{0,3}"
        ) {
            prop_assert_eq!(reflow(&text).text, oracle(&text));
        }

        #[test]
        fn is_its_own_form(text: String) {
            let once = reflow(&text);
            let twice = reflow(once.as_str());
            prop_assert_eq!(twice.as_str(), once.as_str());
        }

        #[test]
        fn every_part_leads_back_to_its_words(
            text in "[ab\u{e9}e\u{301}\u{ad}\u{200b}A \u{a0}\n.-]{1,24}", from in 0usize..24, to in 0usize..24
        ) {
            let flow = reflow(&text);
            let words: Vec<(usize, char)> = flow.as_str().char_indices().collect();
            if from < to && to <= words.len() {
                let start = words[from].0;
                let end = words.get(to).map_or(flow.as_str().len(), |word| word.0);
                let slice = &text[flow.source_range(&text, start..end)];
                let part = flow.as_str()[start..end].trim();
                let cut = flow.as_str()[end..].starts_with('\u{301}') || part.starts_with('\u{301}');
                if flow.hyphen_breaks() == 0 && !part.is_empty() && !cut {
                    let again = reflow(slice);
                    prop_assert_eq!(again.as_str(), part);
                }
            }
        }
    }
}
