//! Packs: the cues of one language, made into rules of one shape.

use serde::Deserialize;

use super::super::claim::{Scope, Strength};
use super::{Compiled, Example, Field, Rule, ValueKind};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Packs {
    pub pack: Vec<Pack>,
}

/// The cues of one language, and a line of each sort with what is found in it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pack {
    pub tag: String,
    by: String,
    label: String,
    source: String,
    with: String,
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
    /// Makes the rules of the language.
    pub(super) fn rules(&self) -> Vec<Rule> {
        use Scope::{Head, Tail};
        let mut rules = Vec::new();
        let mut add = |name: &str,
                       field: Field,
                       scope: &[Scope],
                       (form, cue): (&str, &str),
                       value: ValueKind,
                       line: &[String]| {
            if cue.is_empty() || line.len() != 2 {
                return;
            }
            let place = if scope == [Head] {
                format!("%LINE%\n\n{}%FILL%", self.prose)
            } else {
                format!("{}%FILL%\n\n%LINE%\n", self.prose)
            };
            let weak = scope == [Head] && field == Field::Origin;
            rules.push(Rule {
                id: format!("{}.{name}", self.tag),
                languages: vec![self.tag.clone()],
                field,
                scope: scope.to_vec(),
                strength: if weak { Strength::Weak } else { Strength::Strong },
                role: Some(match (field, value) {
                    (Field::Byline, _) => "author".into(),
                    (_, ValueKind::Agency) => "contribution".into(),
                    _ => "origin".into(),
                }),
                form: Some(form.into()),
                cue: Some(cue.to_owned()),
                pattern: None,
                unless: None,
                needs: None,
                has: Vec::new(),
                value,
                keys: Vec::new(),
                not: Vec::new(),
                note: "made of the language's pack".into(),
                positive: vec![Example {
                    text: place.replace("%LINE%", &line[0]),
                    found: vec![line[1].clone()],
                }],
                negative: vec![format!("{0}%FILL%\n\n{0}\n", self.prose)],
                compiled: Compiled::default(),
            });
        };
        add("any.by", Field::Byline, &[Head, Tail], ("line", &self.by), ValueKind::Names, &self.by_line);
        add(
            "any.author",
            Field::Byline,
            &[Head, Tail],
            ("line-colon", &self.label),
            ValueKind::Names,
            &self.label_line,
        );
        add(
            "any.with",
            Field::Origin,
            &[Tail, Head],
            ("phrase", &self.with),
            ValueKind::Agency,
            &self.with_line,
        );
        add(
            "tail.source-colon",
            Field::Origin,
            &[Tail],
            ("colon", &self.source),
            ValueKind::Organisation,
            &self.source_line,
        );
        add(
            "head.source-colon",
            Field::Origin,
            &[Head],
            ("line-colon", &self.source),
            ValueKind::Organisation,
            &self.source_line,
        );
        rules
    }
}
