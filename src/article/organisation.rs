//! Which sort of body a printed name is of, by the tables of the rule set.

use std::ops::Range;

use super::claim::OriginKind;
use super::pattern::words_at;
use super::rules::{BodyKind, fold};
use super::tables;

/// The tables of bodies.
#[derive(Debug)]
pub(super) struct Bodies;

impl Bodies {
    /// Returns the kind of a body with this proper name.
    pub(super) fn named(&self, printed: &str) -> Option<BodyKind> {
        let folded = fold(printed.trim());
        let plain = folded.strip_prefix("the ").unwrap_or(&folded);
        let of = |name: &str| {
            let at = tables::NAMES.binary_search_by(|(known, _)| (*known).cmp(name)).ok()?;
            Some(tables::NAMES[at].1)
        };
        of(&folded).or_else(|| of(plain))
    }

    /// Returns the kind and the language of a printed name, by its proper name or else by its first telling noun.
    pub(super) fn kind_of(&self, printed: &str) -> (OriginKind, Option<String>) {
        if let Some(kind) = self.named(printed) {
            let language = super::authority::Authority::builtin().language_of(printed);
            return (kind.origin_kind(), language.map(str::to_owned));
        }
        let folded = fold(printed);
        if let Some((kind, language)) = self.noun_row(&folded) {
            return (kind.origin_kind(), language.map(str::to_owned));
        }
        let host = folded.trim_start_matches("www.");
        let domain = !host.contains(char::is_whitespace)
            && host.rsplit_once('.').is_some_and(|(name, end)| {
                !name.is_empty() && end.len() >= 2 && end.bytes().all(|b| b.is_ascii_alphabetic())
            });
        (if domain { OriginKind::Outlet } else { OriginKind::Unknown }, None)
    }

    /// True when a noun or a proper name tells what this is.
    pub(super) fn knows(&self, printed: &str) -> bool {
        self.named(printed).is_some() || self.noun_row(&fold(printed)).is_some()
    }

    fn noun_row(&self, folded: &str) -> Option<(BodyKind, Option<&'static str>)> {
        let captures = tables::NOUNS.captures(folded)?;
        // The group that matched tells the row.
        let row = (0..tables::NOUN_ROWS.len()).find(|row| captures.get(row + 1).is_some())?;
        tables::NOUN_ROWS.get(row).copied()
    }

    /// Returns where names of agencies and distributors stand in a line: the longest name at each place, as a word.
    pub(super) fn agencies_in(&self, line: &str) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        let mut at = 0;
        while let Some(range) = agency_from(line, at) {
            if is_word(line, &range) {
                at = range.end;
                found.push(range);
            } else {
                at = range.start + line[range.start..].chars().next().map_or(1, char::len_utf8);
            }
        }
        found
    }

    /// True when an agency's name stands in the line.
    pub(super) fn has_agency(&self, line: &str) -> bool {
        !self.agencies_in(line).is_empty()
    }
}

/// Returns the first name of an agency or a distributor at `from` or later, the longest that stands there.
fn agency_from(line: &str, from: usize) -> Option<Range<usize>> {
    let bytes = line.as_bytes();
    let pairs = bytes.get(from..)?.windows(2).enumerate();
    let is_letter = |at: usize| bytes[at].is_ascii_alphanumeric();
    let mut likely = pairs.filter(|(at, pair)| {
        let pair = usize::from(pair[0]) << 8 | usize::from(pair[1]);
        let at = from + at;
        // What begins in the middle of a word is not one.
        tables::AGENCY_PAIRS[pair / 64] & 1 << (pair % 64) != 0
            && !(at > 0 && is_letter(at) && (is_letter(at - 1) || bytes[at - 1] == b'_'))
    });
    likely.find_map(|(at, _)| {
        let (_, end) = words_at(tables::AGENCIES, line, from + at).pop()?;
        Some(from + at..end)
    })
}

/// Returns the agencies in words that are agencies' names and nothing else, parted by strokes or commas: short forms
/// that would be words elsewhere, too.
pub(super) fn agencies_alone(authority: &super::authority::Authority, words: &str) -> Vec<Range<usize>> {
    let agency = |name: &str| {
        let body = authority.find(name);
        body.is_some_and(|body| matches!(body.kind, BodyKind::Agency | BodyKind::Distributor))
    };
    // A name may hold a hyphen: `Keystone-ATS`.
    let whole = words.trim();
    if agency(whole) {
        let start = words.find(whole).unwrap_or(0);
        return std::iter::once(start..start + whole.len()).collect();
    }
    let mut found = Vec::new();
    let mut at = 0;
    for part in words.split_inclusive(['/', ',', '،', '、', '-']) {
        let name =
            part.trim_matches(|c: char| c.is_whitespace() || matches!(c, '/' | ',' | '،' | '、' | '-'));
        let start = at + part.find(name).unwrap_or(0);
        at += part.len();
        if !agency(name) {
            return Vec::new();
        }
        found.push(start..start + name.len());
    }
    found
}

/// True where no letter or figure touches the words; scripts without spaces have no such edges.
fn is_word(line: &str, range: &Range<usize>) -> bool {
    let inner = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let wide = |c: char| c > '\u{2e80}';
    let words = &line[range.clone()];
    let open = words.starts_with(|c: char| !c.is_alphanumeric() || wide(c))
        || !inner(line[..range.start].chars().next_back());
    let closed = words.ends_with(|c: char| !c.is_alphanumeric() || wide(c))
        || !inner(line[range.end..].chars().next());
    open && closed
}

#[cfg(test)]
mod tests {
    use super::super::rules::rules;
    use super::*;

    #[test]
    fn kinds_of_printed_names() {
        let cases = [
            ("Ministère de la Défense de la Fédération de Russie", OriginKind::Government, Some("fr")),
            ("Ministry of Fisheries", OriginKind::Government, Some("en")),
            ("état-major général des armées", OriginKind::Military, Some("fr")),
            ("AFP", OriginKind::Agency, None),
            ("The Canadian Press", OriginKind::Agency, None),
            ("PRNewswire", OriginKind::Company, None),
            ("L'Essor", OriginKind::Outlet, None),
            ("riverpost.example", OriginKind::Outlet, None),
            ("Nations Unies", OriginKind::Igo, Some("fr")),
            ("River Boats Inc", OriginKind::Company, None),
            ("Administère", OriginKind::Unknown, None),
            ("Fama", OriginKind::Outlet, None),
        ];
        for (printed, kind, language) in cases {
            let (found, tag) = rules().bodies.kind_of(printed);
            assert_eq!((found, tag.as_deref()), (kind, language), "{printed}");
        }
    }

    #[test]
    fn agencies_need_word_boundaries_and_case() {
        let names = |line: &str| -> Vec<String> {
            rules().bodies.agencies_in(line).into_iter().map(|range| line[range].to_owned()).collect()
        };
        assert_eq!(
            names("L’AFP, REUTERS et Agence France-Presse"),
            ["AFP", "REUTERS", "Agence France-Presse"]
        );
        assert_eq!(names("APple, map, tap, Sputniks, Dr. Reutersberg"), [""; 0]);
    }
}
