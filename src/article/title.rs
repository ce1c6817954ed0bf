//! The title, and who publishes: what a field or a heading says, or a first line that stands alone.

use super::byline::Bylines;
use super::claim::{Scope, TextClaim};
use super::credit::Origins;
use super::page::Page;
use super::rules::Field;
use crate::base::limits;

/// Characters of a first line that is taken for a title where no blank line follows.
const UNPARTED_MAX_CHARS: usize = 120;

/// Returns the first value of a field made for it.
pub(super) fn from_field(page: &Page<'_>, field: Field) -> Option<TextClaim> {
    let (rule, _, value) = page.fields(field).into_iter().next()?;
    let printed = &page.text.as_str()[value.clone()];
    (printed.chars().count() <= limits::CLAIM_MAX_CHARS)
        .then(|| TextClaim { value: printed.to_owned(), evidence: page.evidence(rule, Scope::Field, value) })
}

/// Finds the title.
pub(super) fn find(page: &Page<'_>, bylines: &Bylines, origins: &Origins) -> Option<TextClaim> {
    from_field(page, Field::Title).or_else(|| heading(page)).or_else(|| line_alone(page, bylines, origins))
}

fn heading(page: &Page<'_>) -> Option<TextClaim> {
    let source = page.extract.headings.first()?.clone();
    let printed = super::reflow::reflow(&page.text.as_str()[source.clone()]).as_str().to_owned();
    let rule = page.rules.layout("any.head.heading");
    (!printed.is_empty() && printed.chars().count() <= limits::CLAIM_MAX_CHARS)
        .then(|| TextClaim { value: printed, evidence: page.evidence(rule, Scope::Head, source) })
}

fn line_alone(page: &Page<'_>, bylines: &Bylines, origins: &Origins) -> Option<TextClaim> {
    let rule = page.rules.layout("any.head.line-alone");
    let line = page.lines.first().filter(|line| line.usable() && line.in_head)?;
    let words = line.text.as_str();
    let next = page.lines.get(1)?;
    let chars = words.chars().take(limits::CLAIM_MAX_CHARS + 1).count();
    let source = page.source(line, 0..words.len());
    let parted =
        line.blank_after || (chars <= UNPARTED_MAX_CHARS && !next.text.starts_with(char::is_lowercase));
    let stops = words.ends_with(['.', ',', ';', ':', '…'])
        || (line.ends_sentence() && !words.ends_with(['?', '!', '»', '”', '"']));
    let claimed = bylines.covers(&source) || origins.covers(&source) || bylines.lines.contains(&0);
    let cue = page.rules.line_start.is_match(words)
        || page.rules_of(Field::Dateline).any(|rule| rule.captures(words).is_some());
    let day = page.rules.day.find(words).is_some_and(|day| day.len() * 2 > words.len());
    let reads = words.split_whitespace().count() >= 2 && !words.starts_with(char::is_lowercase);
    let title = chars <= limits::CLAIM_MAX_CHARS && parted && reads && !(stops || claimed || cue || day);
    title.then(|| TextClaim {
        value: line.printed()[..words.len()].to_owned(),
        evidence: page.evidence(rule, Scope::Head, source),
    })
}
