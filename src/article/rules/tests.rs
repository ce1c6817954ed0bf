use std::collections::BTreeSet;

use super::super::{Article, ReadOptions, read};
use super::*;

const SOURCE: &str = include_str!("../rules.toml");
const PACKS: &str = include_str!("../packs.toml");

/// A document in which a rule must find something, and what, in order.
#[derive(Debug, Deserialize)]
pub(in super::super) struct Example {
    pub text: String,
    found: Vec<String>,
}

/// A rule as it is written, for its examples.
#[derive(Debug, Deserialize)]
pub(in super::super) struct Written {
    id: String,
    note: String,
    pub positive: Vec<Example>,
    pub negative: Vec<String>,
}

#[derive(Deserialize)]
struct Examples {
    rule: Vec<Written>,
}

#[derive(Deserialize)]
struct Packs {
    pack: Vec<Pack>,
}

#[derive(Deserialize)]
struct Pack {
    tag: String,
    prose: String,
    #[serde(default)]
    by_line: Vec<String>,
    #[serde(default)]
    label_line: Vec<String>,
    #[serde(default)]
    source_line: Vec<String>,
    #[serde(default)]
    with_line: Vec<String>,
}

impl Pack {
    fn written(&self) -> Vec<Written> {
        let lines = [
            ("any.by", &self.by_line),
            ("any.author", &self.label_line),
            ("any.with", &self.with_line),
            ("tail.source-colon", &self.source_line),
            ("head.source-colon", &self.source_line),
        ];
        let prose = &self.prose;
        let written = |(name, line): (&str, &Vec<String>)| {
            let [line, found] = line.as_slice() else { return None };
            let text = match name {
                "head.source-colon" => format!("{line}\n\n{prose}%FILL%"),
                _ => format!("{prose}%FILL%\n\n{line}\n"),
            };
            Some(Written {
                id: format!("{}.{name}", self.tag),
                note: "made of the language's pack".into(),
                positive: vec![Example { text, found: vec![found.clone()] }],
                negative: vec![format!("{prose}%FILL%\n\n{prose}\n")],
            })
        };
        lines.into_iter().filter_map(written).collect()
    }
}

/// Returns all rules as they are written, in the order of [`Rules::all`].
pub(in super::super) fn examples() -> Vec<Written> {
    let mut all = toml::from_str::<Examples>(SOURCE).unwrap().rule;
    let packs: Packs = toml::from_str(PACKS).unwrap();
    all.extend(packs.pack.iter().flat_map(Pack::written));
    all
}

/// Reads an example in the language of its rule.
fn article(text: &str, rule: &Rule) -> Article {
    // Enough lines that head and tail do not meet.
    let fill = "\n\nFilets, pirogues, paniers et barques attendent ici depuis longtemps.".repeat(30);
    let text = text.replace("%FILL%", &fill);
    let text = match rule.languages[0] {
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
        Field::Byline => article.bylines.iter().map(|b| (rule(&b.evidence), b.as_printed.clone())).collect(),
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
    let examples = examples();
    assert_eq!(examples.len(), rules().all().len());
    for (written, rule) in examples.iter().zip(rules().all()) {
        assert_eq!(written.id, rule.id);
        assert!(!written.note.is_empty(), "{} has no note", rule.id);
        assert!(!written.positive.is_empty(), "{} has no positive example", rule.id);
        let alone = rule.field == Field::Exclude;
        assert!(alone || !written.negative.is_empty(), "{} has no negative example", rule.id);
        for example in &written.positive {
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
        for text in &written.negative {
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
        assert!(!rule.scope.is_empty(), "{}", rule.id);
    }
}

#[test]
fn roles_are_those_of_the_claims() {
    for rule in rules().all() {
        let Some(role) = rule.role else { continue };
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
