//! The day of publication as printed, where there is only one way to read it.
//!
//! `03/04/2026` is two days, depending on who reads; only ISO days and days with the month in letters are read.

use std::ops::Range;

use chrono::NaiveDate;

use super::byline::{self, Bylines};
use super::claim::{Scope, TextClaim};
use super::lines::Line;
use super::page::Page;
use super::rules::{Field, Rules};

/// Finds the day of publication: in a field, else in lines of the head that are a day or a byline with one. Two different
/// days are none.
pub(super) fn find(page: &Page<'_>, bylines: &Bylines) -> Option<TextClaim> {
    if let Some((rule, _, value)) = page.fields(Field::Published).into_iter().next() {
        let printed = &page.text.as_str()[value.clone()];
        let value = iso(printed, page.rules).map(|iso| (iso, value))?;
        return Some(TextClaim { value: value.0, evidence: page.evidence(rule, Scope::Field, value.1) });
    }
    let mut found: Vec<(String, TextClaim)> = Vec::new();
    for rule in page.rules_of(Field::Published) {
        let mut add = |line: &Line, range: Range<usize>| {
            let Some(iso) = iso(&line.text[range.clone()], page.rules) else { return };
            let evidence = page.evidence(rule, Scope::Head, page.source(line, range));
            found.push((iso.clone(), TextClaim { value: iso, evidence }));
        };
        for line in page.lines.iter().filter(|line| line.usable() && line.in_head && !line.ends_sentence()) {
            if let Some(value) = rule.captures(&line.text).and_then(|found| found.name("value")) {
                add(line, value.range());
            }
        }
        for line in byline::lines_of(page, bylines) {
            if let Some(day) = page.rules.day.find(&line.text) {
                add(line, day.range());
            }
        }
    }
    let (first, claim) = found.first()?.clone();
    found.iter().all(|(iso, _)| *iso == first).then_some(claim)
}

/// Returns the ISO form of a printed day; `None` where it is none, or not a day of the calendar.
fn iso(printed: &str, rules: &Rules) -> Option<String> {
    let words: Vec<&str> = printed.split([' ', ',', 'T']).filter(|word| !word.is_empty()).collect();
    let first = *words.first()?;
    let day = |word: &str| -> Option<u32> {
        let digits = word.trim_end_matches(char::is_alphabetic);
        (1..=2).contains(&digits.len()).then(|| digits.parse().ok())?
    };
    let year = |word: &str| -> Option<i32> {
        let plain = word.len() == 4 && word.bytes().all(|b| b.is_ascii_digit());
        plain.then(|| word.parse().ok())?
    };
    let date = if first.len() == 10 && first.as_bytes().get(4) == Some(&b'-') {
        NaiveDate::parse_from_str(first, "%Y-%m-%d").ok()?
    } else {
        let words: Vec<&str> = words.into_iter().filter(|word| *word != "le").collect();
        let [one, two, three, ..] = words.as_slice() else { return None };
        let (day, month) = match month(one, rules) {
            Some(month) => (day(two)?, month),
            None => (day(one)?, month(two, rules)?),
        };
        NaiveDate::from_ymd_opt(year(three)?, month, day)?
    };
    Some(date.format("%Y-%m-%d").to_string())
}

fn month(word: &str, rules: &Rules) -> Option<u32> {
    let place = |months: &Vec<super::rules::Pattern>| months.iter().position(|month| month.is_match(word));
    let place = rules.words.months.iter().find_map(place)?;
    u32::try_from(place).ok().map(|place| place + 1)
}

#[cfg(test)]
mod tests {
    use super::super::rules::rules;
    use super::*;

    #[test]
    fn days_with_one_reading() {
        let cases = [
            ("16 février 2026", Some("2026-02-16")),
            ("1er août 2026", Some("2026-08-01")),
            ("February 16, 2026", Some("2026-02-16")),
            ("16 Feb. 2026", Some("2026-02-16")),
            ("2026-02-16", Some("2026-02-16")),
            ("2026-02-16T08:00:00Z", Some("2026-02-16")),
            ("2026-02-30", None),
            ("30 février 2026", None),
            ("03/04/2026", None),
            ("3 juin", None),
            ("16 février 26", None),
            ("", None),
        ];
        for (printed, expected) in cases {
            assert_eq!(iso(printed, rules()).as_deref(), expected, "{printed}");
        }
    }

    #[test]
    fn every_month_of_every_language_has_its_number() {
        for months in &rules().words.months {
            assert_eq!(months.len(), 12);
        }
        for (name, number) in
            [("janvier", 1), ("mai", 5), ("May", 5), ("déc.", 12), ("Sept.", 9), ("mars", 3), ("march", 3)]
        {
            assert_eq!(month(name, rules()), Some(number), "{name}");
        }
    }
}
