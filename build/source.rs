//! The rule set as it is written: `rules.toml`, `packs.toml`, `authority.toml`, and the patterns that they amount to.

use std::collections::{BTreeMap, HashSet};

use serde::Deserialize;

use crate::fold::fold;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    pub name: String,
    pub version: u32,
    pub given_names: Vec<String>,
    parts: BTreeMap<String, String>,
    forms: BTreeMap<String, String>,
    pub language: Vec<LanguageWords>,
    body: Vec<BodyRow>,
    pub rule: Vec<Rule>,
}

/// The small words of one language.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LanguageWords {
    pub tag: String,
    pub months: Vec<String>,
    pub weekdays: Vec<String>,
    pub particles: Vec<String>,
    pub conjunctions: Vec<String>,
    pub open: Vec<String>,
    pub jobs: Vec<String>,
    pub desks: Vec<String>,
    pub not_a_name: Vec<String>,
    #[serde(default)]
    pub marks: Vec<String>,
    #[serde(default)]
    pub glued: Vec<String>,
}

/// Names and nouns that tell a sort of body.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BodyRow {
    pub kind: String,
    #[serde(default)]
    pub language: Option<String>,
    #[serde(default)]
    pub names: Vec<String>,
    #[serde(default)]
    pub nouns: Vec<String>,
}

/// A rule; what its fields mean is said where the program has them, in `src/article/rules.rs`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    pub id: String,
    pub languages: Vec<String>,
    pub field: String,
    pub scope: Vec<String>,
    pub strength: String,
    #[serde(default)]
    pub role: Option<String>,
    #[serde(default)]
    pub form: Option<String>,
    #[serde(default)]
    pub cue: Option<String>,
    #[serde(default)]
    pub pattern: Option<String>,
    #[serde(default)]
    pub unless: Option<String>,
    #[serde(default)]
    pub needs: Option<String>,
    #[serde(default)]
    pub has: Vec<String>,
    #[serde(default)]
    pub value: Option<String>,
    #[serde(default)]
    pub keys: Vec<String>,
    #[serde(default)]
    pub not: Vec<String>,
    // For readers, and for tests, which read the file themselves.
    #[serde(rename = "note")]
    _note: serde::de::IgnoredAny,
    #[serde(rename = "positive")]
    _positive: serde::de::IgnoredAny,
    #[serde(rename = "negative")]
    _negative: serde::de::IgnoredAny,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Packs {
    pub pack: Vec<Pack>,
}

/// The cues of one language, and a line of each sort that has one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pack {
    pub tag: String,
    by: String,
    label: String,
    source: String,
    with: String,
    #[serde(rename = "prose")]
    _prose: serde::de::IgnoredAny,
    #[serde(default)]
    by_line: Vec<String>,
    #[serde(default)]
    label_line: Vec<String>,
    #[serde(default)]
    source_line: Vec<String>,
    #[serde(default)]
    with_line: Vec<String>,
}

/// A body of the authority file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Organisation {
    pub id: String,
    pub kind: String,
    #[serde(default)]
    pub country: Option<String>,
    #[serde(default)]
    pub domain: Option<String>,
    #[serde(default)]
    pub wikidata: Option<String>,
    pub names: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AuthorityFile {
    pub organisation: Vec<Organisation>,
}

impl Pack {
    /// Makes the rules of the language.
    pub(crate) fn rules(&self) -> Vec<Rule> {
        let both: &[&str] = &["head", "tail"];
        let shapes = [
            ("any.by", "byline", both, "line", &self.by, "names", &self.by_line),
            ("any.author", "byline", both, "line-colon", &self.label, "names", &self.label_line),
            ("any.with", "origin", &["tail", "head"], "phrase", &self.with, "agency", &self.with_line),
            (
                "tail.source-colon",
                "origin",
                &["tail"],
                "colon",
                &self.source,
                "organisation",
                &self.source_line,
            ),
            (
                "head.source-colon",
                "origin",
                &["head"],
                "line-colon",
                &self.source,
                "organisation",
                &self.source_line,
            ),
        ];
        let whole = shapes.into_iter().filter(|(.., cue, _, line)| !cue.is_empty() && line.len() == 2);
        let rule = |(name, field, scope, form, cue, value, _): (
            &str,
            &str,
            &[&str],
            &str,
            &String,
            &str,
            &Vec<String>,
        )| {
            let weak = scope == ["head"] && field == "origin";
            let role = match (field, value) {
                ("byline", _) => "author",
                (_, "agency") => "contribution",
                _ => "origin",
            };
            Rule {
                id: format!("{}.{name}", self.tag),
                languages: vec![self.tag.clone()],
                field: field.into(),
                scope: scope.iter().map(|scope| (*scope).to_owned()).collect(),
                strength: if weak { "weak" } else { "strong" }.into(),
                role: Some(role.into()),
                form: Some(form.into()),
                cue: Some(cue.clone()),
                pattern: None,
                unless: None,
                needs: None,
                has: Vec::new(),
                value: Some(value.into()),
                keys: Vec::new(),
                not: Vec::new(),
                _note: serde::de::IgnoredAny,
                _positive: serde::de::IgnoredAny,
                _negative: serde::de::IgnoredAny,
            }
        };
        whole.map(rule).collect()
    }
}

/// All languages' words of one sort, folded.
pub(crate) fn folded(languages: &[LanguageWords], pick: fn(&LanguageWords) -> &Vec<String>) -> Vec<String> {
    languages.iter().flat_map(|language| pick(language).iter()).map(|word| fold(word)).collect()
}

/// The patterns of everything.
pub(crate) struct Patterns {
    parts: BTreeMap<String, String>,
    /// Parts of thousands of names: expanded when a pattern is compiled.
    pub large: Vec<(&'static str, String)>,
    pub bodies: Vec<BodyRow>,
}

impl Patterns {
    pub(crate) fn new(file: &mut File, authority: &[Organisation]) -> Self {
        let mut bodies = named_bodies(authority);
        bodies.append(&mut file.body);
        let mut parts = std::mem::take(&mut file.parts);
        parts.insert("MONTHS".into(), format!("(?i:{})", folded(&file.language, |l| &l.months).join("|")));
        parts.insert("WEEKDAYS".into(), folded(&file.language, |l| &l.weekdays).join("|"));
        let date = r"(?:\d{4}-\d{2}-\d{2}|\d{1,2}(?:er|st|nd|rd|th)?\s+%MONTHS%,?\s+\d{4}|%MONTHS%\s+\d{1,2}(?:st|nd|rd|th)?,?\s+\d{4})";
        parts.insert("DATE".into(), date.to_owned());
        let agency = |row: &&BodyRow| is_agency(&row.kind);
        let large = vec![
            ("%AGENCY%", either_apostrophe(&pattern(bodies.iter().filter(agency)))),
            ("%BODY%", either_apostrophe(&pattern(bodies.iter()))),
            ("%WIRE%", either_apostrophe(&pattern(all_agencies(authority).iter()))),
        ];
        Patterns { parts, large, bodies }
    }

    /// The pattern of a rule.
    pub(crate) fn whole(&self, rule: &Rule, file: &File) -> Option<String> {
        match (&rule.form, &rule.cue, &rule.pattern) {
            (Some(form), Some(cue), None) => {
                let form = file.forms.get(form).unwrap_or_else(|| panic!("form of {}", rule.id));
                Some(form.replace("%CUE%", cue))
            }
            (None, None, pattern) => pattern.clone(),
            _ => panic!("{} needs form and cue, or pattern", rule.id),
        }
    }

    /// Puts in the parts, but for the large ones.
    pub(crate) fn expand(&self, source: &str) -> String {
        let mut text = source.to_owned();
        // Parts hold parts, two deep at most.
        for _ in 0..3 {
            for (name, part) in &self.parts {
                text = text.replace(&format!("%{name}%"), part);
            }
        }
        either_apostrophe(&text)
    }

    /// Puts in the large parts too.
    pub(crate) fn complete(&self, expanded: &str) -> String {
        let mut text = expanded.to_owned();
        for (token, part) in &self.large {
            text = text.replace(token, part);
        }
        text
    }

    /// A pattern of all nouns, a group for each row that has some.
    pub(crate) fn nouns(&self) -> String {
        let group = |row: &BodyRow| {
            let mut nouns: Vec<String> = row.nouns.iter().map(|noun| escape(&fold(noun))).collect();
            nouns.sort_by_key(|noun| std::cmp::Reverse(noun.len()));
            format!("({})", nouns.join("|"))
        };
        let rows: Vec<String> = self.bodies.iter().filter(|row| !row.nouns.is_empty()).map(group).collect();
        format!(r"(?:^|[^\p{{L}}\p{{N}}])(?:{})(?:$|[^\p{{L}}\p{{N}}])", rows.join("|"))
    }

    /// Agencies' and distributors' names, in capitals too where a name has five letters or more, with either apostrophe.
    pub(crate) fn agencies(&self) -> Vec<String> {
        let rows = self.bodies.iter().filter(|row| is_agency(&row.kind));
        let mut names: Vec<String> = rows.flat_map(|row| row.names.iter().cloned()).collect();
        let long = names.iter().filter(|name| name.chars().count() >= 5);
        let capitals: Vec<String> = long.map(|name| name.to_uppercase()).collect();
        names.extend(capitals);
        let plain: Vec<String> =
            names.iter().filter(|name| name.contains('’')).map(|name| name.replace('’', "'")).collect();
        names.extend(plain);
        names.sort();
        names.dedup();
        names
    }
}

/// Cues that begin a line whatever stands before.
pub(crate) fn line_start(rules: &[Rule]) -> String {
    let starts = |rule: &&Rule| {
        matches!(rule.form.as_deref(), Some("colon" | "line-colon" | "line" | "phrase"))
            && matches!(rule.field.as_str(), "origin" | "byline" | "photo")
    };
    let cues: Vec<&str> = rules.iter().filter(starts).filter_map(|rule| rule.cue.as_deref()).collect();
    format!(
        r"^[(\[—–*-]?\s*(?:(?i:{})(?:\s*[:：]|\s+\p{{Lu}})|(?i:sources?)\s*[:：]|(?:[Bb]y|[Pp]or|[Vv]on|[Pp]ar)\p{{Lu}}\p{{Ll}})",
        cues.join("|")
    )
}

pub(crate) fn is_agency(kind: &str) -> bool {
    matches!(kind, "agency" | "distributor")
}

/// Puts both apostrophes where one is: both are printed, in every language.
pub(crate) fn either_apostrophe(pattern: &str) -> String {
    pattern.replace(['’', '\''], r"[\x27\x{2019}]")
}

fn escape(text: &str) -> String {
    regex_syntax::escape(text)
}

/// The bodies of the authority file, as rows.
fn named_bodies(authority: &[Organisation]) -> Vec<BodyRow> {
    let row = |found: &Organisation| BodyRow {
        kind: found.kind.clone(),
        language: None,
        names: found
            .names
            .iter()
            .flat_map(|(language, names)| names.iter().filter(|name| stands_alone(language, name)))
            .cloned()
            .collect(),
        nouns: Vec::new(),
    };
    authority.iter().map(row).collect()
}

/// The agencies of the authority file with all their names.
fn all_agencies(authority: &[Organisation]) -> Vec<BodyRow> {
    let row = |body: &Organisation| BodyRow {
        kind: body.kind.clone(),
        language: None,
        names: body.names.values().flatten().cloned().collect(),
        nouns: Vec::new(),
    };
    authority.iter().filter(|body| is_agency(&body.kind)).map(row).collect()
}

/// True for names that are taken for a body wherever they stand: short forms of one language are words of another.
fn stands_alone(language: &str, name: &str) -> bool {
    let length = name.chars().count();
    let wide = name.chars().all(|c| c > '\u{2e80}');
    let capitals = length >= 3 && name.chars().all(char::is_uppercase);
    let words: HashSet<&str> = [
        "AIM", "AMI", "SIG", "UNI", "APP", "AGI", "ABI", "BSS", "NNA", "PNA", "INA", "AGP", "ACP", "AIP",
        "APA",
    ]
    .into();
    length >= 2 && (language == "*" || length >= 5 || wide || (capitals && !words.contains(name)))
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
    // the table of agencies has looked at their edges.
    let plain = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let (edged, bare): (Vec<String>, Vec<String>) =
        names.into_iter().partition(|name| plain(name.chars().next()) && plain(name.chars().next_back()));
    let any = |names: &[String]| names.iter().map(|name| escape(name)).collect::<Vec<_>>().join("|");
    let edged = format!(r"(?-u:\b)(?:{})(?-u:\b)", any(&edged));
    if bare.is_empty() { format!("(?:{edged})") } else { format!("(?:{edged}|{})", any(&bare)) }
}
