//! A text as the rules see it: its lines, its fields, and the way from a place in a line to evidence.

use std::ops::Range;

use super::claim::{Evidence, Scope};
use super::extract::Extract;
use super::lines::{Line, lines};
use super::position::ExtractedText;
use super::rules::{Field, Rule, Rules};

/// An extracted text with its logical lines.
pub(super) struct Page<'t> {
    pub text: &'t ExtractedText<'t>,
    pub extract: &'t Extract,
    pub lines: Vec<Line>,
    pub rules: &'static Rules,
    pub language: Option<&'t str>,
}

impl<'t> Page<'t> {
    pub(super) fn new(
        text: &'t ExtractedText<'t>,
        extract: &'t Extract,
        rules: &'static Rules,
        language: Option<&'t str>,
    ) -> Self {
        let lines = lines(text.as_str(), extract.body, rules, language);
        Page { text, extract, lines, rules, language }
    }

    /// Returns the bytes of the text that the bytes `range` of a line were made of.
    pub(super) fn source(&self, line: &Line, range: Range<usize>) -> Range<usize> {
        line.source(self.text.as_str(), range)
    }

    /// Returns the evidence that `rule` found the bytes `source` of the text.
    pub(super) fn evidence(&self, rule: &Rule, scope: Scope, source: Range<usize>) -> Evidence {
        self.text.evidence(rule, scope, source)
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
            let values = self.extract.fields.iter().filter(|value| rule.keys.contains(&value.key));
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
