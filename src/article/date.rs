//! The day of publication as printed, where there is only one way to read it.
//!
//! `03/04/2026` is two days, depending on who reads; only ISO days and days with the month in letters are read.

use std::ops::Range;

use super::byline::{self, Bylines};
use super::claim::{Scope, TextClaim};
use super::day;
use super::lines::Line;
use super::page::Page;
use super::rules::Field;

/// Finds the day of publication: in a field, else in lines of the head that are a day or a byline with one. Two different
/// days are none.
pub(super) fn find(page: &Page<'_>, bylines: &Bylines) -> Option<TextClaim> {
    if let Some((rule, _, value)) = page.fields(Field::Published).into_iter().next() {
        let printed = &page.text.as_str()[value.clone()];
        let value = iso(printed).map(|iso| (iso, value))?;
        return Some(TextClaim { value: value.0, evidence: page.evidence(rule, Scope::Field, value.1) });
    }
    let mut found: Vec<(String, TextClaim)> = Vec::new();
    for rule in page.rules_of(Field::Published) {
        let mut add = |line: &Line, range: Range<usize>| {
            let Some(iso) = iso(&line.text[range.clone()]) else { return };
            let evidence = page.evidence(rule, Scope::Head, page.source(line, range));
            found.push((iso.clone(), TextClaim { value: iso, evidence }));
        };
        for line in page.lines.iter().filter(|line| line.usable() && line.in_head && !line.ends_sentence()) {
            if let Some(value) = line.captures(rule).and_then(|found| found.name("value")) {
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

/// Returns the ISO form of a printed day; `None` where it is none, or can be read as two.
fn iso(printed: &str) -> Option<String> {
    Some(day::day(printed, day::Order::Unknown)?.format("%Y-%m-%d").to_string())
}
