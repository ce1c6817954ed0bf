//! A line of glyphs from left to right → its words in reading order.
//!
//! The bidirectional algorithm (UAX #9) says how a line is shown; a PDF has only what was shown, so this goes the other
//! way: `ماع 2026` → `2026 عام`. Several texts can be shown alike; the plainest is taken. Whatever is guessed, a figure's
//! digits keep their order.

use std::ops::Range;

/// True for letters of scripts that run from right to left.
pub(super) fn is_rtl(c: char) -> bool {
    matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}' | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}')
        && figure(c).is_none()
        && !matches!(c, '\u{660}'..='\u{66c}' | '\u{60c}' | '\u{600}'..='\u{605}')
}

/// Returns the value of a decimal digit of any script.
pub(super) fn figure(c: char) -> Option<u32> {
    const ZEROS: [u32; 19] = [
        0x30, 0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xe50,
        0xed0, 0xf20, 0x1040, 0x17e0, 0xff10,
    ];
    ZEROS.iter().find_map(|zero| (c as u32).checked_sub(*zero).filter(|value| *value < 10))
}

/// True where most letters run from right to left.
pub(super) fn runs_left<'a>(texts: impl Iterator<Item = &'a str>) -> bool {
    let (mut right, mut left) = (0usize, 0usize);
    for c in texts.flat_map(str::chars) {
        right += usize::from(is_rtl(c));
        left += usize::from(c.is_alphabetic() && !is_rtl(c));
    }
    right > left
}

/// What a file says of the brackets in text from right to left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Brackets {
    /// What they look like: the one that opens, and stands right, is `)`.
    AsShown,
    /// What they mean.
    AsMeant,
}

/// The part of the bidirectional classes that matters on the way back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    /// A letter that runs from right to left; whether it is Arabic.
    Right {
        arabic: bool,
    },
    Left,
    Figure,
    /// Stands inside of numbers: `1,5`, `12:30`.
    Separator,
    /// Stands inside of numbers but for those in Arabic text: `2024-2025`.
    Sign,
    /// Stands at numbers but for those in Arabic text: `40%`.
    Unit,
    /// Ends a Latin phrase.
    Bracket,
    Other,
}

fn class(piece: &str) -> Class {
    let strong = piece.chars().find(|c| c.is_alphabetic());
    if let Some(letter) = strong {
        let hebrew = matches!(letter, '\u{590}'..='\u{5ff}' | '\u{fb1d}'..='\u{fb4f}');
        return if is_rtl(letter) { Class::Right { arabic: !hebrew } } else { Class::Left };
    }
    if piece.chars().any(is_rtl) {
        return Class::Right { arabic: true };
    }
    let Some(first) = piece.chars().next() else { return Class::Other };
    match first {
        _ if piece.chars().any(|c| figure(c).is_some()) => Class::Figure,
        '.' | ',' | ':' | '/' | '\u{66b}' | '\u{66c}' | '\u{60c}' | '\u{a0}' | '\u{202f}' => Class::Separator,
        '-' | '+' | '\u{2212}' => Class::Sign,
        '%' | '\u{66a}' | '°' | '#' | '$' | '€' | '£' | '₪' | '‰' => Class::Unit,
        '(' | ')' | '[' | ']' | '{' | '}' | '«' | '»' | '"' | '“' | '”' | '„' => Class::Bracket,
        _ => Class::Other,
    }
}

/// Puts pieces that stand from left to right into reading order. A piece is what one glyph stands for, and stays whole.
/// `page` tells whether the page runs from right to left. Linear time.
pub(super) fn reading_order(pieces: Vec<String>, page: bool, brackets: Brackets) -> Vec<String> {
    let mut classes: Vec<Class> = pieces.iter().map(|piece| class(piece)).collect();
    let right = |class: &Class| matches!(class, Class::Right { .. });
    if !classes.iter().any(right) {
        return pieces;
    }
    bind_brackets(&pieces, &mut classes);
    let mut out = Vec::with_capacity(pieces.len());
    if page || runs_left(pieces.iter().map(String::as_str)) {
        turn(&pieces, &classes, brackets, &mut out);
        return out;
    }
    // Some words from right to left in a line from left to right.
    let mut at = 0;
    while at < pieces.len() {
        if !right(&classes[at]) {
            out.push(pieces[at].clone());
            at += 1;
            continue;
        }
        let stop = classes[at..].iter().position(|class| *class == Class::Left);
        let stop = at + stop.unwrap_or(classes.len() - at);
        let end = classes[at..stop].iter().rposition(right).map_or(at + 1, |last| at + last + 1);
        turn(&pieces[at..end], &classes[at..end], brackets, &mut out);
        at = end;
    }
    out
}

/// Counts brackets around Latin letters that follow Latin letters among them: `NORD Marine (NM)` is one phrase.
fn bind_brackets(pieces: &[String], classes: &mut [Class]) {
    let mut open: Vec<usize> = Vec::new();
    // How many pieces up to each place run from right to left, and are Latin.
    let mut sums = vec![(0usize, 0usize)];
    for class in classes.iter() {
        let (right, left) = sums.last().copied().unwrap_or_default();
        let is_right = matches!(class, Class::Right { .. });
        sums.push((right + usize::from(is_right), left + usize::from(*class == Class::Left)));
    }
    for at in 0..pieces.len() {
        match pieces[at].as_str() {
            "(" | "[" => open.push(at),
            ")" | "]" => {
                let Some(from) = open.pop() else { continue };
                let before = pieces[..from].iter().rposition(|piece| !piece.trim().is_empty());
                let after_latin =
                    before.is_some_and(|before| classes[before] == Class::Left && from - before <= 2);
                let (inside, outside) = (sums[at], sums[from]);
                if after_latin && inside.0 == outside.0 && inside.1 > outside.1 {
                    classes[from] = Class::Left;
                    classes[at] = Class::Left;
                }
            }
            _ => {}
        }
    }
}

/// Reverses pieces, but for runs of Latin words and of figures. Brackets outside of these are mirrored, as they were to be
/// shown.
fn turn(pieces: &[String], classes: &[Class], brackets: Brackets, out: &mut Vec<String>) {
    let mut runs: Vec<(Range<usize>, bool)> = Vec::new();
    let mut at = 0;
    while at < pieces.len() {
        let end = match classes[at] {
            Class::Left | Class::Figure => phrase(classes, at).unwrap_or_else(|| number(classes, at)),
            // A unit before its figure, as in `$5`.
            Class::Unit if classes.get(at + 1) == Some(&Class::Figure) && !arabic(classes, at) => {
                number(classes, at + 1)
            }
            _ => at,
        };
        let kept = end > at;
        let end = end.max(at + 1);
        let figure = |at: usize| classes[at] == Class::Figure;
        // Turned round, two figures would become one (`0$0`), or one become two: such runs stay together.
        let (mut from, mut kept) = (at, kept);
        while let Some((last, _)) = runs.last()
            && ((figure(last.start) && figure(end - 1)) || (figure(last.end - 1) && figure(from)))
        {
            (from, kept) = (last.start, true);
            runs.pop();
        }
        runs.push((from..end, kept));
        at = end;
    }
    for (run, kept) in runs.into_iter().rev() {
        if kept {
            out.extend_from_slice(&pieces[run]);
        } else {
            let mirror = |c: char| if brackets == Brackets::AsShown { mirrored(c) } else { c };
            out.extend(pieces[run].iter().map(|piece| piece.chars().map(mirror).collect()));
        }
    }
}

/// Returns where the phrase ends that begins at a Latin letter or figure: Latin words with figures and marks between them.
fn phrase(classes: &[Class], from: usize) -> Option<usize> {
    let (mut end, mut latin, mut at, mut gap) = (from, false, from, 0);
    while let Some(class) = classes.get(at) {
        match class {
            Class::Left => (end, latin, gap) = (at + 1, true, 0),
            // Before the first Latin word a figure must be part of it, as in `3D`.
            Class::Figure if latin || gap == 0 => (end, gap) = (at + 1, 0),
            Class::Right { .. } | Class::Bracket | Class::Figure => break,
            _ if gap == 3 => break,
            _ if !latin => break,
            _ => gap += 1,
        }
        at += 1;
    }
    latin.then_some(end)
}

/// Returns where the number ends that begins at a figure.
fn number(classes: &[Class], from: usize) -> usize {
    let arabic = arabic(classes, from);
    let mut end = from;
    loop {
        while classes.get(end) == Some(&Class::Figure) {
            end += 1;
        }
        let inside = match classes.get(end) {
            Some(Class::Separator) => true,
            Some(Class::Sign) => !arabic,
            Some(Class::Unit) if !arabic => return end + 1,
            _ => false,
        };
        if !inside || classes.get(end + 1) != Some(&Class::Figure) {
            return end;
        }
        end += 1;
    }
}

/// True where a figure stands in Arabic text: after an Arabic letter, or in a line of them.
fn arabic(classes: &[Class], at: usize) -> bool {
    let letter = |class: &Class| match class {
        Class::Right { arabic } => Some(*arabic),
        _ => None,
    };
    // A line of figures alone is long; its letters are looked for near by.
    let near = 64;
    let after = classes[at..].iter().take(near).find_map(letter);
    after.or_else(|| classes[..at].iter().rev().take(near).find_map(letter)).unwrap_or(false)
}

fn mirrored(c: char) -> char {
    match c {
        '(' => ')',
        ')' => '(',
        '[' => ']',
        ']' => '[',
        '{' => '}',
        '}' => '{',
        '«' => '»',
        '»' => '«',
        '<' => '>',
        '>' => '<',
        '‹' => '›',
        '›' => '‹',
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn order(visual: &str, page: bool) -> String {
        reading_order(visual.chars().map(String::from).collect(), page, Brackets::AsShown).concat()
    }

    #[test]
    fn lines_are_put_in_reading_order() {
        let cases = [
            ("abc 12", "abc 12"),
            ("2026 ماع", "عام 2026"),
            (".(CNN) لاق", "قال (CNN)."),
            ("1,5 12:30 ةعاس", "ساعة 12:30 1,5"),
            ("New York يف", "في New York"),
            ("(NM) NORD Marine (NM) ةكرش", "شركة NORD Marine (NM) (NM)"),
            // In Arabic text a range and a percent sign are shown the other way round, in Hebrew text they are not.
            ("2025-2024 يف", "في 2024-2025"),
            ("2024-2025 תנש", "שנת 2024-2025"),
            ("%40 يلاوح", "حوالي 40%"),
            ("40% טעמכ", "כמעט 40%"),
            ("$5 קר", "רק $5"),
            ("۲۰۲۶ سرام ۱۴", "۱۴ مارس ۲۰۲۶"),
        ];
        for (shown, read) in cases {
            assert_eq!(order(shown, true), read, "{shown}");
        }
    }

    #[test]
    fn the_page_decides_about_lines_of_both_directions() {
        assert_eq!(order("he said םולש to us", false), "he said שלום to us");
        assert_eq!(order("he said םולש ךל to us", false), "he said לך שלום to us");
        assert_eq!(order("Associated Press תונכוס", true), "סוכנות Associated Press");
    }

    /// The digits of each figure, in the order of the text, with the figures put in order.
    fn figures(text: &str) -> Vec<String> {
        let mut figures: Vec<String> = text
            .split(|c: char| figure(c).is_none())
            .filter(|figure| !figure.is_empty())
            .map(str::to_owned)
            .collect();
        figures.sort();
        figures
    }

    proptest! {
        #[test]
        fn no_figure_is_altered(line in "[א-דأ-د a-c0-9۰-۹()\\[\\].,:%$/«»-]{0,40}", page: bool) {
            prop_assert_eq!(figures(&order(&line, page)), figures(&line));
        }

        #[test]
        fn nothing_is_lost(line in "[א-דأ-د a-c0-9.,:% -]{0,40}", page: bool) {
            let sorted = |text: &str| { let mut c: Vec<char> = text.chars().collect(); c.sort_unstable(); c };
            prop_assert_eq!(sorted(&order(&line, page)), sorted(&line));
        }

        #[test]
        fn what_runs_from_left_to_right_stays(line in "[a-zéλж0-9().,:%$/ -]{0,40}", page: bool) {
            prop_assert_eq!(order(&line, page), line);
        }
    }
}
