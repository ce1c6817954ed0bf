//! Which sort of body a printed name is of, by the tables of the rule set.

use std::ops::Range;

use regex::Regex;

use super::claim::OriginKind;
use super::rules::{BodyKind, BodyRow, fold};

/// The tables of bodies, compiled.
#[derive(Debug)]
pub(super) struct Bodies {
    /// Proper names, folded, with their kinds.
    names: Vec<(String, BodyKind)>,
    /// Nouns of all kinds in one pattern; the group that matched tells the row.
    nouns: Regex,
    noun_rows: Vec<(BodyKind, Option<String>)>,
    agencies: Regex,
    agency_pattern: String,
    name_pattern: String,
}

impl Bodies {
    pub(super) fn compile(rows: &[BodyRow]) -> Self {
        let each = |row: &BodyRow| row.names.iter().map(|name| (fold(name), row.kind)).collect::<Vec<_>>();
        let names: Vec<(String, BodyKind)> = rows.iter().flat_map(each).collect();
        let agency = |kind: BodyKind| matches!(kind, BodyKind::Agency | BodyKind::Distributor);
        let agency_pattern = pattern(rows.iter().filter(|row| agency(row.kind)));
        let name_pattern = pattern(rows.iter());
        let noun_rows = rows.iter().filter(|row| !row.nouns.is_empty());
        let group = |row: &BodyRow| {
            let mut nouns: Vec<String> = row.nouns.iter().map(|noun| regex::escape(&fold(noun))).collect();
            nouns.sort_by_key(|noun| std::cmp::Reverse(noun.len()));
            format!("({})", nouns.join("|"))
        };
        let nouns: Vec<String> = noun_rows.clone().map(group).collect();
        let make = |source: &str| Regex::new(source).expect("internal error: tables of bodies");
        Bodies {
            names,
            nouns: make(&format!(r"(?:^|[^\p{{L}}\p{{N}}])(?:{})(?:$|[^\p{{L}}\p{{N}}])", nouns.join("|"))),
            noun_rows: noun_rows.map(|row| (row.kind, row.language.clone())).collect(),
            agencies: make(&agency_pattern.replace('’', "[’']")),
            agency_pattern,
            name_pattern,
        }
    }

    /// A pattern of the agencies' and distributors' names.
    pub(super) fn agency_pattern(&self) -> &str {
        &self.agency_pattern
    }

    /// A pattern of all proper names.
    pub(super) fn name_pattern(&self) -> &str {
        &self.name_pattern
    }

    /// Returns the kind of a body with this proper name.
    pub(super) fn named(&self, printed: &str) -> Option<BodyKind> {
        let folded = fold(printed.trim());
        let plain = folded.strip_prefix("the ").unwrap_or(&folded);
        let known = self.names.iter().find(|(name, _)| *name == folded || name == plain);
        known.map(|(_, kind)| *kind)
    }

    /// Returns the kind and the language of a printed name, by its proper name or else by its first telling noun.
    pub(super) fn kind_of(&self, printed: &str) -> (OriginKind, Option<String>) {
        if let Some(kind) = self.named(printed) {
            return (kind.origin_kind(), None);
        }
        let folded = fold(printed);
        if let Some((kind, language)) = self.noun_row(&folded) {
            return (kind.origin_kind(), language.clone());
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

    fn noun_row(&self, folded: &str) -> Option<&(BodyKind, Option<String>)> {
        let captures = self.nouns.captures(folded)?;
        let row = (1..captures.len()).find(|group| captures.get(*group).is_some())?;
        self.noun_rows.get(row - 1)
    }

    /// Returns where names of agencies and distributors stand in a line.
    pub(super) fn agencies_in(&self, line: &str) -> Vec<Range<usize>> {
        self.agencies.find_iter(line).map(|found| found.range()).collect()
    }
}

/// One pattern of all names of the rows, longest first, in capitals too where a name has five letters or more.
fn pattern<'r>(rows: impl Iterator<Item = &'r BodyRow>) -> String {
    let mut names: Vec<String> = rows.flat_map(|row| row.names.iter().cloned()).collect();
    let capitals: Vec<String> =
        names.iter().filter(|name| name.len() >= 5).map(|name| name.to_uppercase()).collect();
    names.extend(capitals);
    names.sort_by(|a, b| b.len().cmp(&a.len()).then(a.cmp(b)));
    names.dedup();
    // Scripts that write no spaces have no edges of words.
    let (wide, spaced): (Vec<String>, Vec<String>) =
        names.into_iter().partition(|name| name.chars().any(|c| c > '\u{2e80}'));
    let any = |names: &[String]| names.iter().map(|name| regex::escape(name)).collect::<Vec<_>>().join("|");
    let edged = format!(r"\b(?:{})(?:\b|$)", any(&spaced));
    if wide.is_empty() { format!("(?:{edged})") } else { format!("(?:{edged}|{})", any(&wide)) }
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
            ("Nations Unies", OriginKind::Igo, None),
            ("River Boats Inc", OriginKind::Company, None),
            ("Administère", OriginKind::Unknown, None),
            ("Fama", OriginKind::Unknown, None),
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
