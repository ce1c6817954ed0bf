//! Which sort of body a printed name is of, by the tables of the rule set.

use std::collections::HashMap;
use std::ops::Range;

use aho_corasick::{AhoCorasick, MatchKind};
use regex::Regex;

use super::claim::OriginKind;
use super::rules::{BodyKind, BodyRow, fold};

/// The tables of bodies, compiled.
#[derive(Debug)]
pub(super) struct Bodies {
    /// Proper names, folded, with their kinds.
    names: HashMap<String, BodyKind>,
    /// Nouns of all kinds in one pattern; the group that matched tells the row.
    nouns: Regex,
    noun_rows: Vec<(BodyKind, Option<String>)>,
    agencies: AhoCorasick,
    agency_pattern: String,
    wire_pattern: String,
    name_pattern: String,
}

impl Bodies {
    pub(super) fn compile(rows: &[BodyRow]) -> Self {
        let each = |row: &BodyRow| row.names.iter().map(|name| (fold(name), row.kind)).collect::<Vec<_>>();
        // The first row with a name has it.
        let names: HashMap<String, BodyKind> = rows.iter().rev().flat_map(each).collect();
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
            agencies: finder(rows.iter().filter(|row| agency(row.kind))),
            agency_pattern,
            wire_pattern: pattern(all_agencies().iter()),
            name_pattern,
        }
    }

    /// A pattern of the agencies' and distributors' names.
    pub(super) fn agency_pattern(&self) -> &str {
        &self.agency_pattern
    }

    /// A pattern of the agencies' names, short forms of one language too: for lines whose form leaves no doubt.
    pub(super) fn wire_pattern(&self) -> &str {
        &self.wire_pattern
    }

    /// A pattern of all proper names.
    pub(super) fn name_pattern(&self) -> &str {
        &self.name_pattern
    }

    /// Returns the kind of a body with this proper name.
    pub(super) fn named(&self, printed: &str) -> Option<BodyKind> {
        let folded = fold(printed.trim());
        let plain = folded.strip_prefix("the ").unwrap_or(&folded);
        self.names.get(&folded).or_else(|| self.names.get(plain)).copied()
    }

    /// Returns the kind and the language of a printed name, by its proper name or else by its first telling noun.
    pub(super) fn kind_of(&self, printed: &str) -> (OriginKind, Option<String>) {
        if let Some(kind) = self.named(printed) {
            let language = super::authority::Authority::builtin().language_of(printed);
            return (kind.origin_kind(), language.map(str::to_owned));
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

    /// Returns where names of agencies and distributors stand in a line: the longest name at each place, as a word.
    pub(super) fn agencies_in(&self, line: &str) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        let mut at = 0;
        while let Some(hit) = self.agencies.find(aho_corasick::Input::new(line).range(at..)) {
            let range = hit.range();
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
        self.agencies.is_match(line) && !self.agencies_in(line).is_empty()
    }
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

/// The bodies of the authority file, as rows.
pub(super) fn named_bodies() -> Vec<BodyRow> {
    let row = |found: &super::authority::Organisation| BodyRow {
        kind: found.kind,
        language: None,
        names: found
            .names
            .iter()
            .flat_map(|(language, names)| names.iter().filter(|name| stands_alone(language, name)))
            .cloned()
            .collect(),
        nouns: Vec::new(),
    };
    super::authority::Authority::builtin().organisations().iter().map(row).collect()
}

/// The agencies of the authority file with all their names.
fn all_agencies() -> Vec<BodyRow> {
    let all = super::authority::Authority::builtin().organisations().iter();
    let agencies = all.filter(|body| matches!(body.kind, BodyKind::Agency | BodyKind::Distributor));
    let row = |body: &super::authority::Organisation| BodyRow {
        kind: body.kind,
        language: None,
        names: body.names.values().flatten().cloned().collect(),
        nouns: Vec::new(),
    };
    agencies.map(row).collect()
}

/// True for names that are taken for a body wherever they stand: short forms of one language are words of another.
fn stands_alone(language: &str, name: &str) -> bool {
    let length = name.chars().count();
    let wide = name.chars().all(|c| c > '\u{2e80}');
    let capitals = length >= 3 && name.chars().all(char::is_uppercase);
    let words = [
        "AIM", "AMI", "SIG", "UNI", "APP", "AGI", "ABI", "BSS", "NNA", "PNA", "INA", "AGP", "ACP", "AIP",
        "APA",
    ];
    length >= 2 && (language == "*" || length >= 5 || wide || (capitals && !words.contains(&name)))
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

/// Finds all names of the rows, in capitals too where a name has five letters or more, with either apostrophe.
fn finder<'r>(rows: impl Iterator<Item = &'r BodyRow>) -> AhoCorasick {
    let mut names: Vec<String> = rows.flat_map(|row| row.names.iter().cloned()).collect();
    let capitals: Vec<String> =
        names.iter().filter(|name| name.chars().count() >= 5).map(|name| name.to_uppercase()).collect();
    names.extend(capitals);
    let plain: Vec<String> =
        names.iter().filter(|name| name.contains('’')).map(|name| name.replace('’', "'")).collect();
    names.extend(plain);
    names.sort();
    names.dedup();
    let built = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&names);
    built.expect("internal error: names of agencies")
}

/// One pattern of all names of the rows, longest first, in capitals too where a name has five letters or more.
fn pattern<'r>(rows: impl Iterator<Item = &'r BodyRow>) -> String {
    let mut names: Vec<String> = rows.flat_map(|row| row.names.iter().cloned()).collect();
    let capitals: Vec<String> =
        names.iter().filter(|name| name.len() >= 5).map(|name| name.to_uppercase()).collect();
    names.extend(capitals);
    names.sort_by(|a, b| b.len().cmp(&a.len()).then(a.cmp(b)));
    names.dedup();
    // Edges of words by ASCII alone keep the search linear and fast; names of other scripts stand as they are, and
    // `has_agency` has looked at their edges.
    let plain = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let (edged, bare): (Vec<String>, Vec<String>) =
        names.into_iter().partition(|name| plain(name.chars().next()) && plain(name.chars().next_back()));
    let any = |names: &[String]| names.iter().map(|name| regex::escape(name)).collect::<Vec<_>>().join("|");
    let edged = format!(r"(?-u:\b)(?:{})(?-u:\b)", any(&edged));
    if bare.is_empty() { format!("(?:{edged})") } else { format!("(?:{edged}|{})", any(&bare)) }
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
