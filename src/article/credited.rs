//! The words after a credit's cue, read as names of bodies: where a name ends, how a list is parted, what is no name.

use std::ops::Range;

use super::lines::MASK;
use super::page::Page;
use super::pattern::Pattern;
use super::rules::fold;
use super::tables;

/// Words of one name of a body; what has more is a sentence.
const NAME_MAX_WORDS: usize = 20;

/// How a value is to be read as names of bodies.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Reading {
    /// The cue is glued to a sentence before it: the value must fill the rest of the line.
    pub glued: bool,
    /// The cue stands in parentheses after other words: a caption's or a figure's, unless the body is known.
    pub parenthesis: bool,
    /// The cue is in the plural.
    pub several: bool,
    /// Lower case will do.
    pub any_case: bool,
}

/// Reads the bytes `value` of `line` as names of bodies, in order; none where they do not read so.
pub(super) fn organisations(
    page: &Page<'_>,
    line: &str,
    value: Range<usize>,
    reading: Reading,
) -> Vec<Range<usize>> {
    let Some(whole) = trimmed(page, line, value, reading) else { return Vec::new() };
    if let Some(agencies) = agencies_of(page, line, &whole) {
        return agencies;
    }
    if reading.parenthesis && !page.rules.bodies.knows(&line[whole.clone()]) {
        return Vec::new();
    }
    let parts = split(page, line, whole.clone(), reading.several);
    let names: Vec<Range<usize>> =
        parts.into_iter().filter(|part| is_name(page, &line[part.clone()], reading)).collect();
    if names.is_empty() && is_name(page, &line[whole.clone()], reading) { vec![whole] } else { names }
}

/// Reads a value that names agencies beside what is none: the site's own address, initials. `Some` of nothing is a
/// picture's credit: a person's name beside an agency.
fn agencies_of(page: &Page<'_>, line: &str, whole: &Range<usize>) -> Option<Vec<Range<usize>>> {
    let text = &line[whole.clone()];
    let agencies = page.rules.bodies.agencies_in(text);
    let parts: Vec<&str> =
        text.split([',', '/', ';']).map(str::trim).filter(|part| !part.is_empty()).collect();
    if agencies.is_empty() || parts.len() < 2 {
        return None;
    }
    let is_agency =
        |part: &&str| page.rules.bodies.agencies_in(part).iter().any(|found| found.len() == part.len());
    let others: Vec<&&str> = parts.iter().filter(|part| !is_agency(part)).collect();
    if others.is_empty() {
        return None;
    }
    let small = |part: &&&str| {
        tables::SHAPE_HOST.is_match(part)
            || (part.chars().count() <= 5 && part.chars().all(char::is_lowercase))
    };
    let person = |part: &&&str| {
        let words: Vec<&str> = part.split_whitespace().collect();
        text.contains('/')
            && words.len() >= 2
            && !page.rules.bodies.knows(part)
            && words.iter().all(|word| word.starts_with(char::is_uppercase))
    };
    if others.iter().all(small) {
        return Some(
            agencies.into_iter().map(|found| whole.start + found.start..whole.start + found.end).collect(),
        );
    }
    others.iter().any(person).then(Vec::new)
}

/// Cuts a value where the name of a body must end.
fn trimmed(page: &Page<'_>, line: &str, value: Range<usize>, reading: Reading) -> Option<Range<usize>> {
    // `Quelle: © www.exemple.org`
    let marks =
        line[value.clone()].len() - line[value.clone()].trim_start_matches(['©', ' ', '\u{a0}']).len();
    let value = value.start + marks..value.end;
    let text = &line[value.clone()];
    let mut end = text.find([MASK, '|', '•', '·']).unwrap_or(text.len());
    if let Some(dash) = tables::SHAPE_DASH.find(&text[..end]) {
        end = dash.start();
    }
    if let Some(label) = tables::SHAPE_LABEL.find(&text[..end]) {
        end = label.start();
    }
    end = known_name_end(page, &text[..end]).unwrap_or(end);
    end = mark_in(page, &text[..end]).unwrap_or(end);
    if let Some(stop) = sentence_end(&text[..end]) {
        if reading.glued {
            return None;
        }
        end = stop;
    }
    if let Some(day) = page.rules.day.find(&text[..end]) {
        end = day.start();
        // "on", "le", "in" before the day.
        let bare = text[..end].trim_end().trim_end_matches([',', ':']);
        let last = bare.rsplit(' ').next().unwrap_or_default();
        if page.rules.words.open.contains(&fold(last).as_str())
            || page.rules.words.weekdays.contains(&fold(last).as_str())
        {
            end = bare.len() - last.len();
        }
    }
    let mut words = text[..end].trim_end_matches(|c: char| {
        c.is_whitespace() || matches!(c, '.' | ',' | ';' | ':' | '-' | '–' | '—')
    });
    for (open, close) in [('(', ')'), ('[', ']')] {
        if words.ends_with(close) && words.matches(open).count() < words.matches(close).count() {
            words = words.trim_end_matches([close, '.', ' ']);
        }
        if words.matches(open).count() > words.matches(close).count() {
            words = words[..words.rfind(open).unwrap_or(0)].trim_end();
        }
    }
    let quoted = [('«', '»'), ('“', '”'), ('"', '"')].into_iter().find_map(|(open, close)| {
        words.trim().strip_prefix(open)?.strip_suffix(close).filter(|inner| !inner.contains(open))
    });
    let inner = quoted.unwrap_or(words);
    let lead = inner.len() - inner.trim_start().len();
    let offset = inner.as_ptr() as usize - text.as_ptr() as usize + lead;
    let inner = inner.trim();
    (!inner.is_empty()).then(|| value.start + offset..value.start + offset + inner.len())
}

/// Returns where a word begins that stands beside credits and in no name: `ČTK Aktualizováno`.
fn mark_in(page: &Page<'_>, text: &str) -> Option<usize> {
    let words = text.split_whitespace().skip(1);
    let mark =
        |word: &&str| word.chars().count() >= 7 && page.rules.words.marks.contains(&fold(word).as_str());
    words.into_iter().find(mark).map(|word| word.as_ptr() as usize - text.as_ptr() as usize)
}

/// Returns where a known name ends that a button's word is glued to: `F.A.Z.Artikelrechte`.
fn known_name_end(page: &Page<'_>, text: &str) -> Option<usize> {
    let glued = |(at, c): (usize, char)| {
        let before = text[..at].chars().next_back()?;
        let joint = c.is_uppercase() && (before.is_lowercase() || before == '.') && at > 2;
        (joint && page.rules.bodies.named(text[..at].trim()).is_some()).then_some(at)
    };
    text.char_indices().take(60).find_map(glued)
}

/// Returns where a sentence ends inside of a value; `None` at a short form such as "St." or "U.S.".
fn sentence_end(text: &str) -> Option<usize> {
    tables::SHAPE_SENTENCE.captures_iter(text).find_map(|found| {
        let (word, stop) = (found.name("word")?.as_str(), found.name("stop")?.start());
        let short = word.chars().count() < 2 || tables::SHAPE_SHORT_FORM.is_match(word);
        (!short).then_some(stop)
    })
}

/// Splits a list of names. Without a plural cue only where every part is a known body: names hold commas and "and"s.
fn split(page: &Page<'_>, line: &str, whole: Range<usize>, several: bool) -> Vec<Range<usize>> {
    let text = &line[whole.clone()];
    let cut = |separator: &Pattern| -> Vec<Range<usize>> {
        let mut parts = Vec::new();
        let mut at = 0;
        for found in separator.find_iter(text) {
            parts.push(whole.start + at..whole.start + found.start());
            at = found.end();
        }
        parts.push(whole.start + at..whole.end);
        parts.into_iter().map(|part| unquoted(line, part)).collect()
    };
    let known = |parts: &[Range<usize>]| {
        parts.iter().all(|part| page.rules.bodies.named(&line[part.clone()]).is_some())
    };
    let full = cut(&tables::SHAPE_LIST);
    if full.len() > 1 && known(&full) {
        return full;
    }
    let marks = cut(if several { &tables::SHAPE_MARKS } else { &tables::SHAPE_SEMICOLONS });
    // Several sources are said to come: two names around an "and" are two.
    if several && marks.len() == 1 && full.len() == 2 {
        return full;
    }
    if marks.len() > 1 { marks } else { vec![whole] }
}

/// Leaves out the quotation marks around one name of a list.
fn unquoted(line: &str, part: Range<usize>) -> Range<usize> {
    let text = &line[part.clone()];
    let inner = text.trim_matches(|c: char| {
        c.is_whitespace() || matches!(c, '«' | '»' | '“' | '”' | '„' | '"' | '《' | '》')
    });
    let start = part.start + text.find(inner).unwrap_or(0);
    if inner.is_empty() { part } else { start..start + inner.len() }
}

/// True when the words may be the name of a body.
fn is_name(page: &Page<'_>, words: &str, reading: Reading) -> bool {
    let bodies = &page.rules.bodies;
    let count = words.split_whitespace().count();
    let letters = words.chars().filter(|c| c.is_alphabetic()).count();
    let first = words.chars().next().unwrap_or(' ');
    let folded = fold(words);
    let begins = if first.is_lowercase() {
        let head: String = folded.split(' ').take(2).collect::<Vec<_>>().join(" ");
        let known = bodies.knows(&head)
            || words.split(' ').next().is_some_and(|word| page.authority.find(word).is_some());
        reading.any_case || tables::SHAPE_HOST.is_match(words) || known
    } else {
        first.is_alphanumeric()
    };
    letters >= 1
        && count <= NAME_MAX_WORDS
        && begins
        && !words.ends_with(['?', '!'])
        && !words.contains(MASK)
        && !tables::SHAPE_ADDRESS.is_match(words)
        && !tables::SHAPE_NOBODY.is_match(words)
        && page.rules.day.find(words).is_none_or(|day| day.start() > 0)
}

/// Reads names where persons' may stand as well.
pub(super) fn outlets(page: &Page<'_>, line: &str, value: Range<usize>) -> Vec<Range<usize>> {
    let Some(whole) = trimmed(page, line, value.clone(), Reading::default()) else { return Vec::new() };
    let text = &line[whole.clone()];
    let mut parts = Vec::new();
    let mut at = 0;
    for found in tables::SHAPE_LIST.find_iter(text) {
        parts.push(whole.start + at..whole.start + found.start());
        at = found.end();
    }
    parts.push(whole.start + at..whole.end);
    let named = |part: &Range<usize>| page.rules.bodies.named(&line[part.clone()]).is_some();
    if parts.iter().all(named) {
        return parts;
    }
    let inside = page.rules.bodies.agencies_in(&line[value.clone()]);
    if !inside.is_empty() {
        return inside.into_iter().map(|name| value.start + name.start..value.start + name.end).collect();
    }
    let single = |name: &str| !name.contains(' ') && name.chars().count() >= 3;
    let outlet = |part: &Range<usize>| {
        let name = &line[part.clone()];
        is_name(page, name, Reading::default())
            && (page.rules.bodies.knows(name) || single(name) || tables::SHAPE_ARTICLE.is_match(name))
    };
    if parts.iter().all(outlet) { parts } else { Vec::new() }
}
