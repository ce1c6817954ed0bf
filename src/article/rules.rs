//! The rule set: data in `rules.toml`, compiled once.
//!
//! A rule says where to look, what to look for and how far to trust it. Rows are told from one another by an id
//! that is never used again for another rule. All matching is by the `regex` crate: linear in the text.
//! The text is a stranger's, the rules are ours: a fault in `rules.toml` is a fault of the program.

mod pack;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use regex::Regex;
use serde::Deserialize;

use super::claim::{BylineRole, OriginKind, OriginRole, Scope, Strength};
use super::organisation::Bodies;
use crate::base::Hash;
use pack::{Pack, Packs};

/// Name and version of the rule set, recorded with every claim.
pub const RULESET: &str = "dateline-rules/2";

const SOURCE: &str = include_str!("rules.toml");
const PACKS: &str = include_str!("packs.toml");

/// What a rule is after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Field {
    /// A claimed origin.
    Origin,
    /// A byline.
    Byline,
    /// A picture's credit.
    Photo,
    /// A span or line that no other rule may see.
    Exclude,
    /// A dateline.
    Dateline,
    /// The title.
    Title,
    /// Who published this copy.
    Publisher,
    /// The day of publication.
    Published,
    /// The language.
    Language,
}

/// How the words after a cue are read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ValueKind {
    /// Not read as a name.
    #[default]
    None,
    /// Any body's name: the cue is sure.
    Organisation,
    /// A name that the table of bodies knows, by name or by noun.
    Body,
    /// A body's name where a person's may stand as well: known, of one word, or with an article.
    Outlet,
    /// Names of agencies that the table knows, and nothing else.
    Agency,
    /// Agencies' names and nothing else, short forms of one language too: the place where they stand is sure.
    Wire,
    /// Names of persons.
    Names,
    /// A person's initials, in lower case too.
    Initials,
    /// A desk, as it stands.
    Desk,
    /// Names of persons in Chinese, Japanese or Korean, which stand without spaces.
    Han,
}

/// A document in which a rule must find something.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    /// The document.
    pub text: String,
    /// What the rule finds in it, in order.
    pub found: Vec<String>,
}

/// One row of the rule set.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Never given to another rule.
    pub id: String,
    /// BCP 47 tags; `*` for all.
    pub languages: Vec<String>,
    /// What it is after.
    pub field: Field,
    /// Where it looks, tried in this order.
    pub scope: Vec<Scope>,
    /// How far a find may be trusted.
    pub strength: Strength,
    /// What an origin gave, or what an author did: the JSON name of the role.
    #[serde(default)]
    pub role: Option<String>,
    /// How cue and value stand, a key of `[forms]`.
    #[serde(default)]
    pub form: Option<String>,
    /// The cue, a regular expression.
    #[serde(default)]
    pub cue: Option<String>,
    /// The whole pattern, in place of form and cue.
    #[serde(default)]
    pub pattern: Option<String>,
    /// A pattern that must not occur in the line.
    #[serde(default)]
    pub unless: Option<String>,
    /// A pattern that must occur in the line.
    #[serde(default)]
    pub needs: Option<String>,
    /// Pieces of which a line must have one, or the pattern is not tried. None: any line.
    #[serde(default)]
    pub has: Vec<String>,
    /// How the value is read.
    #[serde(default)]
    pub value: ValueKind,
    /// Names of fields, in lower case.
    #[serde(default)]
    pub keys: Vec<String>,
    /// Values that are none.
    #[serde(default)]
    pub not: Vec<String>,
    /// Why the rule is as it is.
    pub note: String,
    /// Documents in which it must find something.
    pub positive: Vec<Example>,
    /// Documents in which nothing of its field may be found.
    pub negative: Vec<String>,
    #[serde(skip)]
    compiled: Compiled,
}

#[derive(Debug, Clone, Default)]
struct Compiled {
    pattern: Option<Pattern>,
    unless: Option<Pattern>,
    needs: Option<Pattern>,
    /// Nothing can match where no agency is named.
    needs_agency: bool,
}

/// A regular expression that is compiled when it is first asked: most documents ask only the rules of one language.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    source: String,
    /// Whose it is, for our own fault.
    of: String,
    compiled: OnceLock<Regex>,
}

impl Pattern {
    fn new(source: String, of: &str) -> Self {
        Pattern { source, of: of.to_owned(), compiled: OnceLock::new() }
    }

    fn regex(&self) -> &Regex {
        self.compiled.get_or_init(|| regex(&self.source, &self.of))
    }

    /// Returns whether it occurs in `text`.
    pub(super) fn is_match(&self, text: &str) -> bool {
        self.regex().is_match(text)
    }
}

/// The small words of one language.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct LanguageWords {
    tag: String,
    months: Vec<String>,
    weekdays: Vec<String>,
    particles: Vec<String>,
    conjunctions: Vec<String>,
    open: Vec<String>,
    jobs: Vec<String>,
    desks: Vec<String>,
    not_a_name: Vec<String>,
    #[serde(default)]
    marks: Vec<String>,
    #[serde(default)]
    glued: Vec<String>,
}

/// Names and nouns that tell a sort of body.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BodyRow {
    pub kind: BodyKind,
    #[serde(default)]
    pub language: Option<String>,
    #[serde(default)]
    pub names: Vec<String>,
    #[serde(default)]
    pub nouns: Vec<String>,
}

/// [`OriginKind`], and distributors of releases, which are companies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum BodyKind {
    Agency,
    Distributor,
    Outlet,
    Igo,
    Ngo,
    Government,
    Military,
    Company,
}

impl BodyKind {
    pub(super) fn origin_kind(self) -> OriginKind {
        match self {
            BodyKind::Agency => OriginKind::Agency,
            BodyKind::Distributor | BodyKind::Company => OriginKind::Company,
            BodyKind::Outlet => OriginKind::Outlet,
            BodyKind::Igo => OriginKind::Igo,
            BodyKind::Ngo => OriginKind::Ngo,
            BodyKind::Government => OriginKind::Government,
            BodyKind::Military => OriginKind::Military,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    version: u32,
    given_names: Vec<String>,
    parts: BTreeMap<String, String>,
    forms: BTreeMap<String, String>,
    language: Vec<LanguageWords>,
    body: Vec<BodyRow>,
    rule: Vec<Rule>,
}

/// Small words of all languages, in lower case.
#[derive(Debug, Clone, Default)]
pub(super) struct Words {
    /// For each language: for each month, a pattern of its names.
    pub months: Vec<Vec<Pattern>>,
    pub weekdays: Vec<String>,
    pub particles: Vec<String>,
    pub conjunctions: Vec<String>,
    pub open: Vec<String>,
    pub jobs: Vec<String>,
    pub desks: Vec<String>,
    pub not_a_name: Vec<String>,
    /// First words of lines that stand below bylines.
    pub marks: Vec<String>,
    /// Words that are found glued to names.
    pub glued: Vec<String>,
    pub given_names: BTreeSet<String>,
}

impl Words {
    fn compile(languages: &[LanguageWords], given_names: &[String]) -> Self {
        let months = |language: &LanguageWords| {
            let month = |names: &String| Pattern::new(format!("^(?i:{names})$"), "months");
            language.months.iter().map(month).collect()
        };
        Words {
            months: languages.iter().map(months).collect(),
            weekdays: folded(languages, |l| &l.weekdays),
            particles: folded(languages, |l| &l.particles),
            conjunctions: folded(languages, |l| &l.conjunctions),
            open: folded(languages, |l| &l.open),
            jobs: folded(languages, |l| &l.jobs),
            desks: folded(languages, |l| &l.desks),
            not_a_name: folded(languages, |l| &l.not_a_name),
            marks: folded(languages, |l| &l.marks),
            glued: folded(languages, |l| &l.glued),
            given_names: given_names.iter().map(|name| fold(name)).collect(),
        }
    }
}

/// All languages' words of one sort, folded.
fn folded(languages: &[LanguageWords], pick: fn(&LanguageWords) -> &Vec<String>) -> Vec<String> {
    languages.iter().flat_map(|language| pick(language).iter()).map(|word| fold(word)).collect()
}

/// The rule set, ready to use.
#[derive(Debug)]
pub struct Rules {
    sha256: Hash,
    rows: Vec<Rule>,
    languages: Vec<String>,
    pub(super) words: Words,
    pub(super) bodies: Bodies,
    /// Cues that begin a line whatever stands before.
    pub(super) line_start: Regex,
    /// A day, with the month in letters or in ISO form.
    pub(super) day: Regex,
}

/// Returns the built-in rule set. The first call reads it; each rule is compiled when it is first tried.
pub fn rules() -> &'static Rules {
    static RULES: OnceLock<Rules> = OnceLock::new();
    RULES.get_or_init(|| Rules::compile(SOURCE))
}

impl Rules {
    /// Returns the SHA-256 of the file that the rules are written in.
    pub fn sha256(&self) -> Hash {
        self.sha256
    }

    /// Returns all rules, in the order in which they are tried.
    pub fn all(&self) -> &[Rule] {
        &self.rows
    }

    /// Returns the rules after `field` that hold for `language`. A language that no rule speaks of, or none at all, is
    /// given all of them.
    pub(super) fn of<'r, 'l>(
        &'r self,
        field: Field,
        language: Option<&'l str>,
    ) -> impl Iterator<Item = &'r Rule> + use<'r, 'l> {
        let language = language.filter(|tag| self.languages.iter().any(|known| known == tag));
        self.rows.iter().filter(move |rule| {
            let speaks = |tag: &str| rule.languages.iter().any(|known| known == "*" || known == tag);
            rule.field == field && language.is_none_or(speaks)
        })
    }

    /// Returns a rule of layout by its id.
    pub(super) fn layout(&self, id: &str) -> &Rule {
        let found = self.rows.iter().find(|rule| rule.id == id);
        found.unwrap_or_else(|| panic!("internal error: no rule {id} in rules.toml"))
    }

    /// A fault in the built-in file is our own and found by the first test.
    fn compile(source: &str) -> Self {
        let file: File = toml::from_str(source).expect("internal error: rules.toml is not of its form");
        assert_eq!(
            format!("{}/{}", file.name, file.version),
            RULESET,
            "internal error: version of rules.toml"
        );
        let mut rows = super::organisation::named_bodies();
        rows.extend(file.body);
        let bodies = Bodies::compile(&rows);
        let mut parts = file.parts;
        parts.insert("AGENCY".into(), bodies.agency_pattern().to_owned());
        parts.insert("WIRE".into(), bodies.wire_pattern().to_owned());
        parts.insert("BODY".into(), bodies.name_pattern().to_owned());
        parts.insert("MONTHS".into(), format!("(?i:{})", folded(&file.language, |l| &l.months).join("|")));
        parts.insert("WEEKDAYS".into(), folded(&file.language, |l| &l.weekdays).join("|"));
        let date = r"(?:\d{4}-\d{2}-\d{2}|\d{1,2}(?:er|st|nd|rd|th)?\s+%MONTHS%,?\s+\d{4}|%MONTHS%\s+\d{1,2}(?:st|nd|rd|th)?,?\s+\d{4})";
        parts.insert("DATE".into(), date.to_owned());
        let words = Words::compile(&file.language, &file.given_names);
        let packs: Packs = toml::from_str(PACKS).expect("internal error: packs.toml is not of its form");
        let mut rows = file.rule;
        rows.extend(packs.pack.iter().flat_map(Pack::rules));
        for rule in &mut rows {
            let whole = match (&rule.form, &rule.cue, &rule.pattern) {
                (Some(form), Some(cue), None) => {
                    let form =
                        file.forms.get(form).unwrap_or_else(|| panic!("internal error: form of {}", rule.id));
                    Some(form.replace("%CUE%", cue))
                }
                (None, None, pattern) => pattern.clone(),
                _ => panic!("internal error: {} needs form and cue, or pattern", rule.id),
            };
            let make = |source: &String| Pattern::new(expand(source, &parts), &rule.id);
            rule.compiled = Compiled {
                pattern: whole.as_ref().map(make),
                unless: rule.unless.as_ref().map(make),
                needs: rule.needs.as_ref().map(make),
                needs_agency: rule.value == ValueKind::Agency || NEED_AGENCY.contains(&rule.id.as_str()),
            };
        }
        let starts = |rule: &&Rule| {
            matches!(rule.form.as_deref(), Some("colon" | "line-colon" | "line" | "phrase"))
                && matches!(rule.field, Field::Origin | Field::Byline | Field::Photo)
        };
        let cues: Vec<&str> = rows.iter().filter(starts).filter_map(|rule| rule.cue.as_deref()).collect();
        let line_start = format!(
            r"^[(\[—–*-]?\s*(?:(?i:{})(?:\s*[:：]|\s+\p{{Lu}})|(?i:sources?)\s*[:：]|(?:[Bb]y|[Pp]or|[Vv]on|[Pp]ar)\p{{Lu}}\p{{Ll}})",
            cues.join("|")
        );
        let mut languages: Vec<String> = file.language.into_iter().map(|language| language.tag).collect();
        languages.retain(|tag| tag.len() <= 3);
        languages.extend(packs.pack.into_iter().map(|pack| pack.tag));
        languages.extend(["zh", "ja", "ko"].map(String::from));
        Rules {
            sha256: Hash::of(format!("{source}{PACKS}").as_bytes()),
            rows,
            languages,
            words,
            bodies,
            line_start: regex(&line_start, "line start"),
            day: regex(&expand("(?i:%DAY%|%DATE%|\\b\\d{1,2}[/.]\\d{1,2}[/.]\\d{4}\\b)", &parts), "day"),
        }
    }
}

/// Rules of names whose pattern has an agency that is not optional.
const NEED_AGENCY: &[&str] = &[
    "any.any.initials-agency",
    "any.any.name-comma-agency",
    "any.any.name-agency-day",
    "any.photo.name-slash-agency",
];

impl Rule {
    /// Returns what an origin found by this rule gave.
    pub fn origin_role(&self) -> OriginRole {
        self.role.as_deref().and_then(json_name).unwrap_or(OriginRole::Origin)
    }

    /// Returns what an author found by this rule did.
    pub fn byline_role(&self) -> BylineRole {
        self.role.as_deref().and_then(json_name).unwrap_or(BylineRole::Author)
    }

    /// Matches a line; `None` too where the rule is one of layout.
    pub(super) fn captures<'l>(&self, line: &'l str) -> Option<regex::Captures<'l>> {
        let compiled = &self.compiled;
        // A pattern is compiled when it is first tried: what no line has saves that.
        if !self.has.is_empty() && !self.has.iter().any(|part| line.contains(part.as_str())) {
            return None;
        }
        // Most lines name no agency, and their names make a large pattern.
        if compiled.needs_agency && !rules().bodies.has_agency(line) {
            return None;
        }
        // The pattern first: what forbids and what is needed cost as much, and seldom matter.
        let found = compiled.pattern.as_ref()?.regex().captures(line)?;
        let forbidden = compiled.unless.as_ref().is_some_and(|unless| unless.is_match(line));
        let needed = compiled.needs.as_ref().is_none_or(|needs| needs.is_match(line));
        (needed && !forbidden).then_some(found)
    }
}

/// Returns `text` in lower case with plain apostrophes, the form in which words are compared.
pub(super) fn fold(text: &str) -> String {
    text.to_lowercase().replace('’', "'")
}

fn json_name<T: for<'de> Deserialize<'de>>(name: &str) -> Option<T> {
    use serde::de::IntoDeserializer;
    use serde::de::value::{Error, StrDeserializer};
    let name: StrDeserializer<'_, Error> = name.into_deserializer();
    T::deserialize(name).ok()
}

fn regex(source: &str, of: &str) -> Regex {
    // Both apostrophes are printed, in every language.
    let source = source.replace(['’', '\''], r"[\x27\x{2019}]");
    Regex::new(&source).unwrap_or_else(|error| panic!("internal error: pattern of {of}: {error}"))
}

fn expand(source: &str, parts: &BTreeMap<String, String>) -> String {
    let mut text = source.to_owned();
    // Parts hold parts, two deep at most.
    for _ in 0..3 {
        if !text.contains('%') {
            break;
        }
        for (name, part) in parts {
            let token = format!("%{name}%");
            if text.contains(&token) {
                text = text.replace(&token, part);
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::{Article, ReadOptions, read};
    use super::*;

    /// Reads an example in the language of its rule.
    fn article(text: &str, rule: &Rule) -> Article {
        // Enough lines that head and tail do not meet.
        let fill = "\n\nFilets, pirogues, paniers et barques attendent ici depuis longtemps.".repeat(30);
        let text = text.replace("%FILL%", &fill);
        let text = match rule.languages[0].as_str() {
            "*" => text,
            tag => format!("---\nlang: {tag}\n---\n\n{text}"),
        };
        read(text.as_bytes(), &ReadOptions::default()).unwrap()
    }

    /// Everything found in `field`, with the rule that found it.
    fn found(article: &Article, field: Field) -> Vec<(String, String)> {
        let rule = |evidence: &super::super::Evidence| evidence.rule().unwrap_or_default().to_owned();
        let text = |claim: &Option<super::super::TextClaim>| {
            claim.iter().map(|claim| (rule(&claim.evidence), claim.value.clone())).collect::<Vec<_>>()
        };
        let origins = |photo: bool| {
            let wanted =
                article.claimed_origins.iter().filter(move |o| (o.role == OriginRole::PhotoOnly) == photo);
            wanted.map(|o| (rule(&o.evidence), o.as_printed.clone())).collect()
        };
        match field {
            Field::Origin | Field::Exclude => origins(false),
            Field::Photo => origins(true),
            Field::Byline => {
                article.bylines.iter().map(|b| (rule(&b.evidence), b.as_printed.clone())).collect()
            }
            Field::Dateline => {
                let one = article.dateline.iter();
                one.map(|d| (rule(&d.evidence), d.as_printed.clone())).collect()
            }
            Field::Title => text(&article.title),
            Field::Publisher => text(&article.publisher),
            Field::Published => text(&article.published_at),
            Field::Language => {
                let declared =
                    article.language.iter().filter(|l| l.source == super::super::LanguageSource::Declared);
                declared.map(|l| ("any.field.language".to_owned(), l.tag.clone())).collect()
            }
        }
    }

    #[test]
    fn every_example_of_every_rule() {
        let mut wrong = Vec::new();
        for rule in rules().all() {
            assert!(!rule.positive.is_empty(), "{} has no positive example", rule.id);
            let alone = rule.field == Field::Exclude;
            assert!(alone || !rule.negative.is_empty(), "{} has no negative example", rule.id);
            for example in &rule.positive {
                let article = article(&example.text, rule);
                let mut all = found(&article, rule.field);
                if rule.field == Field::Dateline && rule.value == ValueKind::Wire {
                    all = found(&article, Field::Origin);
                }
                let values: Vec<&str> = all
                    .iter()
                    .filter(|(id, _)| alone || *id == rule.id)
                    .map(|(_, value)| value.as_str())
                    .collect();
                if values != example.found {
                    wrong.push(format!("{}: {:?} gave {all:?}", rule.id, example.text));
                }
            }
            for text in &rule.negative {
                let all = found(&article(text, rule), rule.field);
                if !all.is_empty() {
                    wrong.push(format!("{}: {text:?} gave {all:?}", rule.id));
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn ids_are_unique_and_say_their_language() {
        let mut seen = BTreeSet::new();
        for rule in rules().all() {
            assert!(seen.insert(&rule.id), "{} twice", rule.id);
            let first = rule.id.split('.').next().unwrap();
            let expected = if first == "any" { "*" } else { first };
            assert_eq!(rule.languages, [expected], "{}", rule.id);
            assert!(!rule.note.is_empty() && !rule.scope.is_empty(), "{}", rule.id);
        }
    }

    #[test]
    fn roles_are_those_of_the_claims() {
        for rule in rules().all() {
            let Some(role) = &rule.role else { continue };
            let known = match rule.field {
                Field::Byline => json_name::<BylineRole>(role).is_some(),
                _ => json_name::<OriginRole>(role).is_some(),
            };
            assert!(known, "{}: {role}", rule.id);
        }
    }

    #[test]
    fn the_file_has_a_name_and_a_digest() {
        assert_eq!(RULESET, "dateline-rules/2");
        assert_eq!(rules().sha256(), Hash::of(format!("{SOURCE}{PACKS}").as_bytes()));
    }
}
