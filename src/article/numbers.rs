//! The figures of a text, `numbers/1`: a guard where the wording is compared loosely.
//!
//! Read off the reflowed text, in order. A token is
//!
//! ```text
//! [currency] [sign] digits { mark digits } [unit]
//! ```
//!
//! - digits are decimal digits of any script, as printed;
//! - a mark is one of `. , : / ' ’ - –` with a digit on both sides, so `1.5`, `1,500`, `2022-24`, `16/02/2026` and `14:30`
//!   are one token each; groups of three digits parted by a space are joined (`1 500 000` → `1500000`) when
//!   the first group has one to three digits;
//! - the sign `-`, `−` (written `-`) or `+` counts when no letter or digit stands right before it;
//! - a currency sign `$ € £ ¥ ₽` stands right before; a unit is `% ‰ °` (with a letter after it), a currency sign, or letters
//!   that touch the number (`15h`, `5km`); after one space only `% ‰ °`, a currency sign, and the words of the
//!   table below.
//!
//! The digest is the SHA-256 of the tokens, joined by line feeds. `1.5` is not `15`, `-5` not `5`, `2022-24` not `202224`.

use std::ops::Range;

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

use super::script::{is_hangul, is_unspaced};
use crate::base::Hash;

/// Name and version of the form, recorded with its digest.
pub const NUMBERS: &str = "numbers/1";

/// Words that count as a unit after a space: part of the frozen definition, hence not in the rule set.
const UNITS: &[&str] = &[
    "million",
    "millions",
    "milliard",
    "milliards",
    "billion",
    "billions",
    "trillion",
    "trillions",
    "thousand",
    "hundred",
    "mille",
    "km",
    "m",
    "cm",
    "mm",
    "kg",
    "g",
    "t",
    "ha",
    "kWh",
    "MW",
    "GW",
    "Mds",
    "Md",
    "M",
    "bn",
];

/// Letters that multiply the figure that they touch, where words do not end at a space.
const MAGNITUDES: &str = "十百千万萬亿億兆십백천만억조";

/// A figure of a reflowed text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figure {
    /// Its bytes in the reflowed text, with currency, sign and unit.
    pub range: Range<usize>,
    /// Its token.
    pub token: String,
}

/// Which letters that touch a figure are its unit.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Touching {
    /// All, as `numbers/1` says.
    All,
    /// In scripts in which the words that follow touch it too, only [`MAGNITUDES`].
    Magnitudes,
}

/// Returns the figures of a reflowed text, in order. Linear time.
pub fn tokens(reflowed: &str) -> Vec<String> {
    let mut all = Vec::new();
    scan(reflowed, Touching::All, |_, token| all.push(token.to_owned()));
    all
}

/// Returns the figures of a reflowed text with their places, in order. Linear time.
///
/// Tokens are those of [`tokens`] but for one thing: in scripts that write words without spaces, and in Hangul, no words
/// are taken for a unit, only letters that multiply (`3万人` → `3万`).
pub fn find(reflowed: &str) -> Vec<Figure> {
    let mut all = Vec::new();
    scan(reflowed, Touching::Magnitudes, |range, token| all.push(Figure { range, token: token.to_owned() }));
    all
}

/// Returns the SHA-256 of the figures of a reflowed text, joined by line feeds. Linear time, memory at most
/// that of the text.
pub fn digest(reflowed: &str) -> Hash {
    let mut joined = String::new();
    scan(reflowed, Touching::All, |_, token| {
        if !joined.is_empty() {
            joined.push('\n');
        }
        joined.push_str(token);
    });
    Hash::of(joined.as_bytes())
}

fn scan(text: &str, touching: Touching, mut found: impl FnMut(Range<usize>, &str)) {
    let mut token = String::new();
    let mut at = 0;
    while let Some(offset) = text[at..].find(is_digit) {
        let start = at + offset;
        token.clear();
        let before = push_before(&text[at..start], &mut token);
        let end = start + push_digits(&text[start..], &mut token);
        at = end + push_unit(&text[end..], touching, &mut token);
        found(start - before..at, &token);
    }
}

fn is_digit(c: char) -> bool {
    c.is_ascii_digit() || (!c.is_ascii() && c.general_category() == GeneralCategory::DecimalNumber)
}

fn is_currency(c: char) -> bool {
    matches!(c, '$' | '€' | '£' | '¥' | '₽')
}

/// Writes the currency and the sign that end `before`, in that order, whichever way they are printed; returns how many
/// bytes they take.
fn push_before(before: &str, token: &mut String) -> usize {
    let mut back = before.chars().rev().peekable();
    let currency = back.next_if(|c| is_currency(*c));
    let sign = back.next_if(|c| matches!(c, '-' | '\u{2212}' | '+'));
    let after_sign = currency.is_none();
    let currency = currency.or_else(|| back.next_if(|c| is_currency(*c)));
    let after_sign = after_sign && currency.is_some();
    token.extend(currency);
    let counted = sign.filter(|_| !back.peek().is_some_and(|c| c.is_alphanumeric()));
    if let Some(sign) = counted {
        token.push(if sign == '+' { '+' } else { '-' });
    }
    let signed = counted.map_or(0, char::len_utf8);
    // A hyphen between a currency and its figure is no sign where a word stands before both.
    let between = sign.filter(|_| counted.is_none() && after_sign).map_or(0, char::len_utf8);
    currency.map_or(0, char::len_utf8) + signed + between
}

fn digits_at(text: &str) -> &str {
    &text[..text.find(|c| !is_digit(c)).unwrap_or(text.len())]
}

/// Writes digits and marks from the start of `text`; returns how many bytes were read.
fn push_digits(text: &str, token: &mut String) -> usize {
    let first = digits_at(text);
    token.push_str(first);
    let mut read = first.len();
    let mut grouped = (1..=3).contains(&first.chars().count());
    while let Some(mark) = text[read..].chars().next() {
        let rest = &text[read + mark.len_utf8()..];
        let digits = digits_at(rest);
        if digits.is_empty() {
            break;
        }
        if mark == ' ' {
            if !(grouped && digits.chars().count() == 3) {
                break;
            }
        } else if matches!(mark, '.' | ',' | ':' | '/' | '\'' | '’' | '-' | '–') {
            grouped = false;
            token.push(mark);
        } else {
            break;
        }
        token.push_str(digits);
        read += mark.len_utf8() + digits.len();
    }
    read
}

/// Writes the unit at the start of `text`; returns how many bytes were read.
fn push_unit(text: &str, touching: Touching, token: &mut String) -> usize {
    let (space, unit) = match text.strip_prefix(' ') {
        Some(rest) => (1, rest),
        None => (0, text),
    };
    let Some(first) = unit.chars().next() else { return 0 };
    let word = |text: &str| text.find(|c: char| !c.is_alphabetic()).unwrap_or(text.len());
    let length = match first {
        '%' | '‰' => first.len_utf8(),
        '°' => {
            first.len_utf8()
                + unit[first.len_utf8()..]
                    .chars()
                    .next()
                    .filter(char::is_ascii_alphabetic)
                    .map_or(0, char::len_utf8)
        }
        c if is_currency(c) => {
            // "5 $ 6" is ambiguous: a sign that touches the next figure belongs to that one.
            let next = unit[c.len_utf8()..].chars().next();
            if next.is_some_and(is_digit) { 0 } else { c.len_utf8() }
        }
        _ if touching == Touching::Magnitudes && (is_unspaced(first) || is_hangul(first)) => {
            let length = unit.find(|c| !MAGNITUDES.contains(c)).unwrap_or(unit.len());
            if space == 0 { length } else { 0 }
        }
        _ => {
            let length = word(unit);
            let counts = space == 0 || UNITS.contains(&&unit[..length]);
            if counts { length } else { 0 }
        }
    };
    if length == 0 {
        return 0;
    }
    token.push_str(&unit[..length]);
    space + length
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn figures_keep_what_changes_them() {
        let cases: &[(&str, &[&str])] = &[
            ("1.5 million et 15 millions", &["1.5million", "15millions"]),
            ("-5 °C, 5 °C, −5°", &["-5°C", "5°C", "-5°"]),
            ("2022-24 puis 202224", &["2022-24", "202224"]),
            ("1 500 000 habitants en 2024 300 morts", &["1500000", "2024", "300"]),
            ("le 16/02/2026 à 14:30, 15h30", &["16/02/2026", "14:30", "15h", "30"]),
            ("$5, -$5, €3.20, 7 €, 8 %, 9%", &["$5", "$-5", "€3.20", "7€", "8%", "9%"]),
            ("AK-47 et +3", &["47", "+3"]),
            ("3 soldats.", &["3"]),
            ("٥ ٪ sur 5", &["٥", "5"]),
            ("sans chiffre", &[]),
        ];
        for (text, expected) in cases {
            assert_eq!(tokens(text), *expected, "{text}");
        }
    }

    #[test]
    fn figures_stand_where_they_are_found() {
        let of = |text: &str| -> Vec<(String, String)> {
            let found = find(text).into_iter();
            found.map(|figure| (text[figure.range].to_owned(), figure.token)).collect()
        };
        let pair = |range: &str, token: &str| (range.to_owned(), token.to_owned());
        assert_eq!(
            of("à \u{2212}5 °C, 1 500 km"),
            [pair("\u{2212}5 °C", "-5°C"), pair("1 500 km", "1500km")]
        );
        assert_eq!(of("-$5 ou $-5, 7 €"), [pair("-$5", "$-5"), pair("$-5", "$-5"), pair("7 €", "7€")]);
        assert_eq!(of("A-5, A$-5"), [pair("5", "5"), pair("$-5", "$5")]);
        assert_eq!(of("死者は3万人で、2024年に"), [pair("3万", "3万"), pair("2024", "2024")]);
        assert_eq!(of("5명이, 3만 명"), [pair("5", "5"), pair("3만", "3만")]);
    }

    #[test]
    fn the_digest_is_of_the_lines() {
        assert_eq!(digest("de 3 à 5 %"), Hash::of(b"3\n5%"));
        assert_eq!(digest(""), Hash::of(b""));
        assert_ne!(digest("1.5"), digest("15"));
    }

    proptest! {
        #[test]
        fn digits_are_all_kept(text in "[0-9a .,%°$€€-]{0,32}") {
            let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
            prop_assert_eq!(digits(&tokens(&text).concat()), digits(&text));
        }

        #[test]
        fn never_panics(text: String) {
            tokens(&text);
        }

        #[test]
        fn places_follow_each_other_and_hold_the_digits(text in "[0-9a .,°$€年万는-]{0,32}") {
            let mut after = 0;
            let mut kept = String::new();
            for figure in find(&text) {
                prop_assert!(figure.range.start >= after);
                after = figure.range.end;
                kept.push_str(&text[figure.range]);
            }
            let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
            prop_assert_eq!(digits(&kept), digits(&text));
        }
    }
}
