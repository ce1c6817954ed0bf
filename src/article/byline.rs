//! Bylines: cues, labels, desks, initials, and bare names where layout makes an author's line.
//!
//! An agency where the author stands is an origin, never an author.

use std::ops::Range;

use super::claim::{Byline, BylineKind, Scope};
use super::credit::Origins;
use super::lines::Line;
use super::names::{self, Names};
use super::page::Page;
use super::rules::{Field, Rule, ValueKind, fold};
use crate::base::limits;

/// Characters of a bare name in the tail.
const BARE_NAME_MAX_CHARS: usize = 40;
/// Words of a bare name in the tail.
const BARE_NAME_MAX_WORDS: usize = 4;
/// Words that a line has at least that is taken for the article's last sentence.
const PROSE_MIN_WORDS: usize = 5;
/// Characters of a line of names.
const NAMES_LINE_MAX_CHARS: usize = 90;
/// Characters of a line that is a day and little else.
const DAY_LINE_MAX_CHARS: usize = 70;

/// Bylines while they are being found.
#[derive(Default)]
pub(super) struct Bylines {
    found: Vec<(Range<usize>, Byline)>,
    /// Lines of [`Page::lines`] that hold one.
    pub lines: Vec<usize>,
    /// Whether the last one was known by what stands below it.
    marked: bool,
}

impl Bylines {
    /// Returns the bylines in the order of the text, and how many more there were than [`limits::CLAIMS_MAX`].
    pub(super) fn finish(mut self) -> (Vec<Byline>, usize) {
        self.found.sort_by_key(|(source, _)| source.start);
        let dropped = self.found.len().saturating_sub(limits::CLAIMS_MAX);
        (self.found.into_iter().take(limits::CLAIMS_MAX).map(|(_, byline)| byline).collect(), dropped)
    }

    /// True when a byline overlaps the bytes `source` of the text.
    pub(super) fn covers(&self, source: &Range<usize>) -> bool {
        self.found.iter().any(|(other, _)| other.start < source.end && source.start < other.end)
    }

    fn push(
        &mut self,
        page: &Page<'_>,
        rule: &Rule,
        scope: Scope,
        source: Range<usize>,
        byline: (&str, BylineKind, Option<&str>),
    ) {
        let (printed, kind, cue) = byline;
        let role = rule.byline_role();
        let same = |other: &Byline| other.role == role && fold(&other.as_printed) == fold(printed);
        if source.is_empty() || self.covers(&source) || self.found.iter().any(|(_, other)| same(other)) {
            return;
        }
        let byline = Byline {
            as_printed: printed.to_owned(),
            kind,
            role,
            cue: cue.map(|cue| cue.trim().to_owned()).filter(|cue| !cue.is_empty()),
            evidence: page.evidence(rule, scope, source.clone()),
        };
        self.found.push((source, byline));
    }

    fn add(&mut self, page: &Page<'_>, at: usize, rule: &Rule, names: &Names, cue: Option<&str>) {
        let line = &page.lines[at];
        let Some(scope) = line.scope_for(rule) else { return };
        for (range, kind) in &names.names {
            let source = page.source(line, range.clone());
            self.push(page, rule, scope, source, (&line.text[range.clone()], *kind, cue));
        }
        self.lines.push(at);
    }
}

/// Finds bylines that a field or a cue tells, and agencies in their place.
pub(super) fn find(page: &Page<'_>, bylines: &mut Bylines, origins: &mut Origins) {
    let text = page.text.as_str();
    for (rule, name, value) in page.fields(Field::Byline) {
        let printed = &text[value.clone()];
        let Some(found) = names::read(printed, 0, page.rules) else { continue };
        for (range, kind) in found.names {
            let source = value.start + range.start..value.start + range.end;
            bylines.push(
                page,
                rule,
                Scope::Field,
                source,
                (&printed[range], kind, Some(&text[name.clone()])),
            );
        }
    }
    for at in 0..page.lines.len() {
        if !page.lines[at].usable() {
            continue;
        }
        for rule in page.rules_of(Field::Byline) {
            cue_byline(page, at, rule, bylines, origins);
        }
    }
}

fn cue_byline(page: &Page<'_>, at: usize, rule: &Rule, bylines: &mut Bylines, origins: &mut Origins) {
    let line = &page.lines[at];
    if line.scope_for(rule).is_none() {
        return;
    }
    let Some(found) = line.captures(rule) else { return };
    let cue = found.name("cue").map(|cue| cue.as_str());
    let value = found.name("value").filter(|value| !value.as_str().trim().is_empty());
    let (at, start) = match value {
        Some(value) => (at, value.start()),
        // The cue is alone in its line: the name is in the next.
        None => match page.next(at) {
            Some(next) if page.lines[next].usable() => (next, line_cue(page, next)),
            _ => return,
        },
    };
    if rule.value == ValueKind::Han {
        let Some(value) = value else { return };
        let names = names::read_han(&line.text, value.range(), page.rules);
        bylines.add(page, at, rule, &names, cue);
        add_agencies(page, at, &names, origins);
        return;
    }
    if rule.value == ValueKind::Initials {
        let Some(value) = value.filter(|value| is_signature(page, value.as_str())) else { return };
        let names = Names { names: vec![(value.range(), BylineKind::Initials)], ..Names::default() };
        bylines.add(page, at, rule, &names, cue);
        return;
    }
    if rule.value == ValueKind::Desk {
        let Some(value) = value else { return };
        let names = Names { names: vec![(value.range(), BylineKind::Desk)], ..Names::default() };
        bylines.add(page, at, rule, &names, cue);
        return;
    }
    let start = start + nested_cue(page, &page.lines[at].text[start..]);
    // What stands behind the value is not the rule's to read.
    let end = value.map_or(page.lines[at].text.len(), |value| value.end());
    let Some(names) = names::read(&page.lines[at].text[..end], start, page.rules) else { return };
    // `di`, `de`, `av` are words of all sorts: after them a name has two words.
    let short =
        cue.is_some_and(|cue| cue.trim().chars().count() <= 2 && !cue.trim().eq_ignore_ascii_case("by"));
    if short && names.names.iter().any(|(_, kind)| *kind == BylineKind::Unknown) {
        return;
    }
    bylines.add(page, at, rule, &names, cue);
    add_agencies(page, at, &names, origins);
}

/// True for letters that may be somebody's initials: no agency's short name, and no word that closes texts.
fn is_signature(page: &Page<'_>, letters: &str) -> bool {
    let not = &page.rules.layout("any.tail.initials").not;
    !page.rules.bodies.knows(letters)
        && super::authority::Authority::builtin().find(letters).is_none()
        && !not.iter().any(|word| fold(word) == fold(letters))
}

/// Returns how many bytes a second cue takes at the beginning of a value: `Artikel von: Von Anna Berger`.
fn nested_cue(page: &Page<'_>, value: &str) -> usize {
    let lead = value.len() - value.trim_start().len();
    let of = |rule: &Rule| {
        let found = rule.captures(&value[lead..])?;
        let cue = found.name("cue").filter(|cue| cue.start() == 0)?;
        let name = found.name("value").filter(|name| name.as_str().starts_with(char::is_uppercase))?;
        (cue.end() <= name.start() && rule.form.is_some()).then(|| lead + name.start())
    };
    page.rules_of(Field::Byline).find_map(of).unwrap_or(0)
}

/// Returns where the names begin in a line that may have a cue of its own.
fn line_cue(page: &Page<'_>, at: usize) -> usize {
    let line = &page.lines[at].text;
    let own = page
        .rules_of(Field::Byline)
        .find_map(|rule| rule.captures(line)?.name("value").map(|value| value.start()));
    own.unwrap_or(0)
}

fn add_agencies(page: &Page<'_>, at: usize, names: &Names, origins: &mut Origins) {
    let rule = page.rules.layout("any.byline.agency");
    for agency in &names.agencies {
        origins.add(page, at, rule, agency.clone(), None);
    }
}

/// Finds bare names where layout makes an author's line of them.
pub(super) fn find_bare(page: &Page<'_>, bylines: &mut Bylines, origins: &mut Origins) {
    if bylines.found.is_empty() {
        under_title(page, bylines);
    }
    if bylines.found.is_empty() {
        given_name(page, bylines);
    }
    for at in 1..page.lines.len() {
        let line = &page.lines[at];
        if !line.usable() || bylines.lines.contains(&at) {
            continue;
        }
        if line.in_head && bylines.lines.is_empty() {
            name_and_day(page, at, bylines, origins);
        }
        let goes_on = bylines.lines.last().is_some_and(|last| *last < at && at - last <= 3 && bylines.marked);
        if line.in_head && (bylines.lines.is_empty() || goes_on) {
            name_marked(page, at, bylines, origins);
        }
        if line.in_tail && bylines.found.is_empty() {
            bare_name(page, at, bylines, origins);
        }
        if line.in_tail && !line.in_head && bylines.found.is_empty() {
            name_marked(page, at, bylines, origins);
        }
    }
}

/// A line of names with a day in it, or beside a line that is a day.
fn name_and_day(page: &Page<'_>, at: usize, bylines: &mut Bylines, origins: &mut Origins) {
    let rule = page.rules.layout("any.head.name-and-day");
    let line = &page.lines[at];
    if line.ends_sentence() {
        return;
    }
    let Some(names) = names::read(&line.text, 0, page.rules) else { return };
    let person = |(range, kind): &(Range<usize>, BylineKind)| {
        let name = &line.text[range.clone()];
        *kind == BylineKind::Person && !name.starts_with(char::is_lowercase) && !is_section(page, name)
    };
    if names.names.iter().any(|(range, _)| is_told_of(page, at, &line.text[range.clone()])) {
        return;
    }
    let day = page.rules.day.is_match(&names.rest)
        || page.next(at).is_some_and(|next| is_day_line(page, next))
        || page.previous(at).is_some_and(|previous| previous > 0 && is_day_line(page, previous));
    let bare = names::follows_bare_names(&names.rest, page.rules);
    if day && bare && !names.names.is_empty() && names.names.iter().all(person) {
        bylines.add(page, at, rule, &names, None);
        add_agencies(page, at, &names, origins);
    }
}

/// A line of names and nothing else, beside what only stands beside a byline.
fn name_marked(page: &Page<'_>, at: usize, bylines: &mut Bylines, origins: &mut Origins) {
    let rule = page.rules.layout("any.head.name-marked");
    let line = &page.lines[at];
    let chars = line.text.chars().take(NAMES_LINE_MAX_CHARS + 1).count();
    if line.ends_sentence()
        || chars > NAMES_LINE_MAX_CHARS
        || line.text.starts_with(['-', '–', '«', '"', '“', '„'])
    {
        return;
    }
    let Some(names) = names::read(&line.text, 0, page.rules) else { return };
    let person = |(range, kind): &(Range<usize>, BylineKind)| {
        let name = &line.text[range.clone()];
        *kind == BylineKind::Person && !is_section(page, name) && !page.rules.bodies.knows(name)
    };
    let rest = names.rest.trim_matches(|c: char| !c.is_alphanumeric());
    let first = fold(rest).split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_owned();
    let job = |word: &str| page.rules.words.jobs.iter().any(|job| *job == fold(word));
    let parted = names.rest.trim_start().starts_with([',', '-', '–', '—', '|', '/']);
    let post =
        parted && (rest.split_whitespace().take(3).any(job) || page.rules.bodies.named(rest).is_some());
    let own_mark = page.rules.words.marks.contains(&first.as_str()) || post;
    let place = names.rest.trim_start().starts_with(['-', '–', '|']) && rest.split_whitespace().count() <= 2;
    if names.names.is_empty() || !(rest.is_empty() || own_mark || place) || !names.names.iter().all(person) {
        return;
    }
    if names.names.iter().any(|(range, _)| is_told_of(page, at, &line.text[range.clone()])) {
        return;
    }
    if own_mark
        || (at + 1..(at + 3).min(page.lines.len())).any(|next| marks_byline(page, next))
            && !is_heading_of(page, at)
    {
        bylines.add(page, at, rule, &names, None);
        add_agencies(page, at, &names, origins);
    }
}

/// A name right below the first line, or the first line itself with a title below it.
fn under_title(page: &Page<'_>, bylines: &mut Bylines) {
    let rule = page.rules.layout("any.head.name-under-title");
    let Some(first) = (0..page.lines.len()).find(|at| !page.lines[*at].excluded) else { return };
    let Some(second) = page.next(first) else { return };
    let words = |at: usize| page.lines[at].text.split_whitespace().count();
    let titled = |at: usize| {
        let line = &page.lines[at];
        line.usable() && line.blank_after && !line.ends_sentence() && (3..=16).contains(&words(at))
    };
    // A name, then a day or a place, then the title.
    let third = page.next(second);
    let signed = !page.lines[first].blank_after
        && page.lines[second].blank_after
        && (is_day_line(page, second) || words(second) <= 3)
        && (2..=4).contains(&words(first))
        && third.is_some_and(titled);
    let below = !page.lines[first].blank_after && page.lines[second].blank_after && words(first) >= 2;
    let above = page.lines[first].blank_after && titled(second) && third.is_some();
    let at = if signed && is_one_person(page, first) {
        first
    } else if below {
        second
    } else if above {
        first
    } else {
        return;
    };
    let line = &page.lines[at];
    if !line.usable() || !line.in_head || !(2..=4).contains(&words(at)) || page.lines[first].ends_sentence() {
        return;
    }
    let Some(names) = names::read(&line.text, 0, page.rules) else { return };
    let [(range, BylineKind::Person)] = names.names.as_slice() else { return };
    let name = &line.text[range.clone()];
    let rest = line.text[range.end..].trim();
    let place = rest.starts_with('(') && rest.ends_with(')') && rest.split_whitespace().count() <= 3;
    let whole = range.start == 0 && (rest.is_empty() || place);
    // A label above a title: COMMUNIQUÉ DE PRESSE, Guest author.
    let label = at == first
        && (name.chars().all(|c| !c.is_lowercase())
            || name.split(' ').any(|word| page.rules.words.jobs.iter().any(|job| *job == fold(word))));
    // Where words have no capitals, any two are a name: only right below a title do they stand so.
    let cased = name.chars().any(char::is_uppercase) || (at == second && below && words(at) <= 3);
    let not = is_section(page, name) || page.rules.bodies.knows(name) || day_in(page, name);
    if !whole || !cased || not || label || is_spoken_of(page, at, name) {
        return;
    }
    bylines.add(page, at, rule, &names, None);
}

/// A name whose first word is a common given name, in the first line or in the one below the title.
fn given_name(page: &Page<'_>, bylines: &mut Bylines) {
    let rule = page.rules.layout("any.head.given-name");
    let lines: Vec<usize> = (0..page.lines.len()).filter(|at| !page.lines[*at].excluded).take(3).collect();
    for (place, at) in lines.iter().copied().enumerate().take(2) {
        let line = &page.lines[at];
        let words: Vec<&str> = line.text.split_whitespace().collect();
        // Something must follow that is longer than a name: a title, the text.
        let goes_on = lines.get(place + 1).is_some_and(|next| page.lines[*next].text.chars().count() > 20);
        let parted = place == 0 && line.blank_after || place == 1;
        if !line.usable() || !line.in_head || !(2..=4).contains(&words.len()) || !goes_on || !parted {
            continue;
        }
        let common = page.rules.words.is_given_name(&fold(words[0]));
        if common
            && is_one_person(page, at)
            && !is_section(page, &line.text)
            && !is_spoken_of(page, at, &line.text)
        {
            let Some(names) = names::read(&line.text, 0, page.rules) else { continue };
            bylines.add(page, at, rule, &names, None);
            return;
        }
    }
}

fn day_in(page: &Page<'_>, words: &str) -> bool {
    page.rules.day.is_match(words) || words.contains(char::is_numeric)
}

/// True for a line that is one person's name and nothing else.
fn is_one_person(page: &Page<'_>, at: usize) -> bool {
    let text = &page.lines[at].text;
    let Some(names) = names::read(text, 0, page.rules) else { return false };
    matches!(names.names.as_slice(), [(range, BylineKind::Person)] if *range == (0..text.len()))
}

/// True when another line has the last word of the name, inflected too: the text speaks of the person.
fn is_spoken_of(page: &Page<'_>, at: usize, name: &str) -> bool {
    let last = fold(name.rsplit(' ').next().unwrap_or(name));
    let long = last.chars().count() > 4;
    let says = |line: &Line| {
        let folded = fold(line.printed());
        let mut words = folded.split(|c: char| !c.is_alphanumeric() && !super::reflow::is_mark(c));
        words.any(|word| word == last || (long && word.starts_with(&last)))
    };
    page.lines.iter().enumerate().any(|(other, line)| other != at && says(line))
}

/// True when a line before names the same person: a subject of the story, in its title or under its picture.
fn is_told_of(page: &Page<'_>, at: usize, name: &str) -> bool {
    let name = fold(name);
    page.lines[..at].iter().take(3).any(|line| fold(line.printed()).contains(&name))
}

/// True for the first line, which is the title's.
fn is_heading_of(page: &Page<'_>, at: usize) -> bool {
    page.lines[..at].iter().all(|line| line.text.is_empty())
}

/// True for a line that stands below bylines: a day, a time, buttons, a mail address, the author's title.
fn marks_byline(page: &Page<'_>, at: usize) -> bool {
    let line = &page.lines[at];
    let text = line.printed();
    let chars = text.chars().take(DAY_LINE_MAX_CHARS + 1).count();
    if chars > DAY_LINE_MAX_CHARS || text.is_empty() {
        return false;
    }
    let folded = fold(text);
    let words: Vec<&str> =
        folded.split(|c: char| !c.is_alphanumeric() && c != '@').filter(|word| !word.is_empty()).collect();
    let marks = &page.rules.words.marks;
    let first = words.first().copied().unwrap_or_default();
    let job =
        words.len() <= 6 && words.iter().any(|word| page.rules.words.jobs.iter().any(|job| job == word));
    let address = text.contains('@') && words.len() <= 8 && !line.ends_sentence();
    let house = page.rules.bodies.named(text.split(',').next().unwrap_or_default()).is_some();
    let dated = super::day::day(text, super::day::Order::DayFirst).is_some() && words.len() <= 12;
    let time = text.contains(':') && text.chars().all(|c| c.is_numeric() || matches!(c, ':' | ' '));
    dated || time || address || job || house || (words.len() <= 8 && marks.contains(&first))
}

fn is_day_line(page: &Page<'_>, at: usize) -> bool {
    let line = &page.lines[at].text;
    let short = line.chars().take(DAY_LINE_MAX_CHARS + 1).count() <= DAY_LINE_MAX_CHARS;
    let other = || {
        super::day::day(line, super::day::Order::DayFirst).is_some() && line.split_whitespace().count() <= 8
    };
    short
        && (other()
            || page
                .rules
                .day
                .find(line)
                .is_some_and(|day| line[..day.start()].split_whitespace().count() <= 4))
}

/// One to four capitalised words at the end, or beside a credit line.
fn bare_name(page: &Page<'_>, at: usize, bylines: &mut Bylines, origins: &mut Origins) {
    let rule = page.rules.layout("any.tail.bare-name");
    let line = &page.lines[at];
    name_and_post(page, at, bylines);
    let words = line.text.split_whitespace().count();
    if line.text.chars().take(BARE_NAME_MAX_CHARS + 1).count() > BARE_NAME_MAX_CHARS
        || words > BARE_NAME_MAX_WORDS
    {
        return;
    }
    let is_credit =
        |other: usize| origins.covers(&page.source(&page.lines[other], 0..page.lines[other].text.len()));
    let (previous, next) = (page.previous(at), page.next(at));
    // JRM, below the agency and the day.
    let letters = line.text.chars().count();
    let same_case = line.text.chars().all(char::is_uppercase) || line.text.chars().all(char::is_lowercase);
    let credit_above = (1..=2).filter_map(|back| at.checked_sub(back)).any(is_credit);
    if (2..=4).contains(&letters)
        && same_case
        && next.is_none()
        && credit_above
        && is_signature(page, &line.text)
    {
        let names = Names { names: vec![(0..line.text.len(), BylineKind::Initials)], ..Names::default() };
        bylines.add(page, at, rule, &names, None);
        return;
    }
    let Some(names) = names::read(&line.text, 0, page.rules) else { return };
    let [(range, kind)] = names.names.as_slice() else { return };
    let rest = line.text[range.end..].trim_matches(['.', ' ', '|', '•', super::lines::MASK]);
    let whole = range.start == 0 && rest.is_empty();
    let signs = matches!(kind, BylineKind::Person | BylineKind::Unknown | BylineKind::Initials);
    let stops = line.ends_sentence() && *kind != BylineKind::Initials;
    if !whole || !signs || stops || is_section(page, &line.text) {
        return;
    }
    let beside = next.is_some_and(is_credit);
    let below = previous.is_some_and(is_credit);
    let prose = |line: &Line| line.ends_sentence() && line.text.split(' ').count() >= PROSE_MIN_WORDS;
    let after_sentence = previous.is_some_and(|previous| prose(&page.lines[previous]));
    // A single word at the end is a heading or a button; a name of two may be followed by a few of these.
    let ends = next.is_none() && *kind != BylineKind::Unknown;
    let left = &page.lines[at + 1..];
    let furniture = left.len() <= 3
        && *kind == BylineKind::Person
        && left.iter().all(|line| line.text.chars().take(41).count() <= 40 && !line.ends_sentence());
    if (below && (next.is_none() || beside)) || (after_sentence && (beside || ends || furniture)) {
        bylines.add(page, at, rule, &names, None);
    }
}

/// The last line: a name, a comma, what its bearer is. So sign guests and those who write letters.
fn name_and_post(page: &Page<'_>, at: usize, bylines: &mut Bylines) {
    let rule = page.rules.layout("any.tail.name-and-post");
    let line = &page.lines[at];
    let lead = line.text.len() - line.text.trim_start_matches(['—', '–', '-', ' ']).len();
    let after_sentence = page.previous(at).is_some_and(|previous| page.lines[previous].ends_sentence());
    if line.ends_sentence() || !after_sentence || page.next(at).is_some() {
        return;
    }
    let Some(names) = names::read(&line.text, lead, page.rules) else { return };
    let [(range, BylineKind::Person)] = names.names.as_slice() else { return };
    let post = line.text[range.end..].strip_prefix(", ").unwrap_or_default();
    let words = post.split_whitespace().count();
    // A post is no number, no other clause of a list, and no sentence.
    let plain = (1..=10).contains(&words) && post.starts_with(|c: char| c.is_alphabetic());
    if range.start == lead && plain && !is_section(page, &line.text[range.clone()]) {
        bylines.add(page, at, rule, &names, None);
    }
}

/// Names of sections, places and the like that stand alone in a line.
fn is_section(page: &Page<'_>, words: &str) -> bool {
    let sections = &page.rules.layout("any.tail.bare-name").not;
    let folded = fold(words);
    let every = |known: &&str| fold(known) == folded;
    sections.iter().any(every)
        || folded.split(' ').any(|word| sections.iter().any(|known| fold(known) == word))
}

/// Returns the days that stand in lines with a byline.
pub(super) fn lines_of<'p>(page: &'p Page<'_>, bylines: &Bylines) -> Vec<&'p Line> {
    bylines.lines.iter().filter_map(|at| page.lines.get(*at)).filter(|line| line.in_head).collect()
}
