//! A text as the rules see it: its lines, its fields, and the way from a place in a line to evidence.

use std::ops::Range;

use super::authority::Authority;
use super::claim::{Evidence, RuleEvidence, Scope, Selector};
use super::extract::{Block, Extract, FieldValue};
use super::lines::{Line, lines};
use super::position::{ExtractedText, SHOWN};
use super::rules::{Field, RULESET, Rule, Rules};

/// What is shown of a document in one text: the lines before the article, the article, the lines after it.
pub(super) struct Shown {
    /// The text, with fields and headings where they stand in it.
    pub extract: Extract,
    /// Bytes of the article's own text in it.
    article: Range<usize>,
    /// Bytes of each line around it, and its path.
    around: Vec<(Range<usize>, String)>,
}

impl Shown {
    pub(super) fn of(extract: &Extract) -> Shown {
        let mut around = Vec::new();
        let mut text = String::new();
        let mut add = |text: &mut String, blocks: &[Block]| {
            for block in blocks {
                let start = text.len();
                text.push_str(&block.text);
                around.push((start..text.len(), block.path.clone()));
                text.push('\n');
            }
        };
        add(&mut text, &extract.head);
        if !extract.head.is_empty() {
            text.push('\n');
        }
        let start = text.len();
        text.push_str(&extract.text);
        let article = start..text.len();
        if !extract.tail.is_empty() {
            text.push_str("\n\n");
        }
        add(&mut text, &extract.tail);
        let shift = |range: &Range<usize>| range.start + start..range.end + start;
        let fields = extract.fields.iter().map(|field| FieldValue {
            key: field.key.clone(),
            name: shift(&field.name),
            value: shift(&field.value),
        });
        let extract = Extract {
            text,
            body: if extract.head.is_empty() { extract.body } else { 0 },
            fields: fields.collect(),
            headings: extract.headings.iter().map(shift).collect(),
            ..Extract::default()
        };
        Shown { extract, article, around }
    }
}

/// An extracted text with its logical lines.
pub(super) struct Page<'t> {
    /// Everything that is shown, with a place for each word.
    pub text: &'t ExtractedText<'t>,
    /// The article's own text.
    article: &'t ExtractedText<'t>,
    shown: &'t Shown,
    pub extract: &'t Extract,
    pub lines: Vec<Line>,
    pub rules: &'static Rules,
    pub language: Option<&'t str>,
    /// The bodies that the reader knows.
    pub authority: &'t Authority,
}

impl<'t> Page<'t> {
    pub(super) fn new(
        text: &'t ExtractedText<'t>,
        article: &'t ExtractedText<'t>,
        shown: &'t Shown,
        rules: &'static Rules,
        (language, authority): (Option<&'t str>, &'t Authority),
    ) -> Self {
        let extract = &shown.extract;
        let lines = lines(text.as_str(), extract.body, rules, language);
        Page { text, article, shown, extract, lines, rules, language, authority }
    }

    /// Returns the bytes of the text that the bytes `range` of a line were made of.
    pub(super) fn source(&self, line: &Line, range: Range<usize>) -> Range<usize> {
        line.source(self.text.as_str(), range)
    }

    /// Returns the evidence that `rule` found the bytes `source` of the text.
    pub(super) fn evidence(&self, rule: &Rule, scope: Scope, source: Range<usize>) -> Evidence {
        let article = &self.shown.article;
        if article.start <= source.start && source.end <= article.end {
            let own = source.start - article.start..source.end - article.start;
            return self.article.evidence(rule, scope, own);
        }
        let around = self
            .shown
            .around
            .iter()
            .find(|(range, _)| range.start <= source.start && source.start < range.end);
        let (end, path) = around.map_or((source.end, ""), |(range, path)| (source.end.min(range.end), path));
        Evidence::Rule(RuleEvidence {
            rule: rule.id.to_owned(),
            ruleset: RULESET.to_owned(),
            scope,
            strength: rule.strength,
            selector: vec![Selector::DeclaredSelector {
                source: SHOWN.to_owned(),
                path: path.to_owned(),
                exact: self.text.as_str()[source.start..end].to_owned(),
            }],
            agrees: Vec::new(),
        })
    }

    /// Returns the rules after `field` that hold for the language of the text.
    pub(super) fn rules_of(&self, field: Field) -> impl Iterator<Item = &'static Rule> + use<'t> {
        self.rules.of(field, self.language)
    }

    /// Returns the values of the fields that a rule after `field` reads, with the rule, the bytes of the field's
    /// name and those of the value.
    pub(super) fn fields(&self, field: Field) -> Vec<(&'static Rule, Range<usize>, Range<usize>)> {
        let mut found = Vec::new();
        for rule in self.rules_of(field).filter(|rule| !rule.keys.is_empty()) {
            let values = self.extract.fields.iter().filter(|value| rule.keys.contains(&value.key.as_str()));
            found.extend(values.map(|value| (rule, value.name.clone(), value.value.clone())));
        }
        found
    }

    /// Returns the next line after `at` that a rule may look at, if nothing but such lines stands between.
    pub(super) fn next(&self, at: usize) -> Option<usize> {
        (at + 1..self.lines.len()).find(|next| !self.lines[*next].excluded)
    }

    /// Returns the line before `at` that a rule may look at.
    pub(super) fn previous(&self, at: usize) -> Option<usize> {
        (0..at).rev().find(|previous| !self.lines[*previous].excluded)
    }
}
