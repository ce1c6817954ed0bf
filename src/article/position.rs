//! Places in the extracted text, as evidence gives them: code points, counted from 0.

use std::ops::Range;

use thiserror::Error;

use super::claim::{Evidence, RuleEvidence, Scope, Selector};
use super::extract::{Block, Declared, Extract};
use super::rules::{RULESET, Rule};
use crate::base::Hash;

/// Characters of context that a quotation selector carries on either side.
pub const CONTEXT_CHARS: usize = 32;

/// The vocabulary of what is shown around the article.
pub(super) const SHOWN: &str = "page";

/// Bytes between two counted places.
const STRIDE: usize = 4096;

/// An extracted text with its digest, ready to turn byte offsets into code points and back.
///
/// Making one costs a pass over the text; every place looked up costs at most one stride of 4 kB.
#[derive(Debug, Clone)]
pub struct ExtractedText<'t> {
    text: &'t str,
    sha256: Hash,
    /// Code points before byte `i * STRIDE`, counted by their first bytes.
    counts: Vec<usize>,
    chars: usize,
    /// What the document says beside the text.
    beside: Option<&'t Extract>,
}

/// Why evidence does not hold for a text.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EvidenceError {
    /// Not a position selector and a quotation selector, in that order.
    #[error("evidence has {found} selectors, expected a position and a quotation")]
    Selectors {
        /// Selectors found, of whatever type.
        found: usize,
    },
    /// The unit of the position is not code points.
    #[error("position is in {found:?}, expected codepoint")]
    Unit {
        /// The unit found.
        found: String,
    },
    /// The position speaks of another text.
    #[error("position is in the text {found}, expected {expected}")]
    Text {
        /// `sha256:` and the digest of the text at hand.
        expected: String,
        /// What the selector says.
        found: String,
    },
    /// The position lies outside of the text, or is empty.
    #[error("position {start} to {end} does not lie in a text of {chars} characters")]
    Range {
        /// First code point.
        start: usize,
        /// One past the last code point.
        end: usize,
        /// Code points of the text.
        chars: usize,
    },
    /// The document does not declare it.
    #[error("{vocabulary:?} at {path:?} does not say {expected:?}")]
    Declared {
        /// Such as `json-ld`.
        vocabulary: String,
        /// Where in it.
        path: String,
        /// The words of the selector.
        expected: String,
    },
    /// Other words stand there.
    #[error("at {start} stands {found:?}, expected {expected:?}")]
    Words {
        /// First code point.
        start: usize,
        /// The words of the selector: quoted, before, or after.
        expected: String,
        /// The words of the text.
        found: String,
    },
}

impl<'t> ExtractedText<'t> {
    /// Hashes and indexes a text.
    pub fn new(text: &'t str) -> Self {
        let mut chars = 0;
        let mut counts = Vec::with_capacity(text.len() / STRIDE + 1);
        for chunk in text.as_bytes().chunks(STRIDE) {
            counts.push(chars);
            chars += first_bytes(chunk);
        }
        ExtractedText { text, sha256: Hash::of(text.as_bytes()), counts, chars, beside: None }
    }

    /// Adds what the document says beside the text, so that evidence outside of it can be checked.
    pub fn beside(self, extract: &'t Extract) -> Self {
        ExtractedText { beside: Some(extract), ..self }
    }

    /// Returns the text.
    pub fn as_str(&self) -> &'t str {
        self.text
    }

    /// Returns the SHA-256 of the text.
    pub fn sha256(&self) -> Hash {
        self.sha256
    }

    /// Returns how many code points the text has.
    pub fn chars(&self) -> usize {
        self.chars
    }

    /// Returns the words from code point `start` to `end` (exclusive); `None` where the text has no such places.
    pub fn slice(&self, start: usize, end: usize) -> Option<&'t str> {
        self.text.get(self.byte_of(start)?..self.byte_of(end)?)
    }

    /// Checks that the evidence speaks of this text and that its words stand where it says. A person's word has
    /// no place and always holds.
    ///
    /// # Errors
    /// [`EvidenceError`].
    pub fn holds(&self, evidence: &Evidence) -> Result<(), EvidenceError> {
        let Evidence::Rule(rule) = evidence else { return Ok(()) };
        if let [Selector::DeclaredSelector { source, path, exact }] = rule.selector.as_slice() {
            return self.is_declared(source, path, exact);
        }
        let [
            Selector::TextPositionSelector { start, end, unit, of },
            Selector::TextQuoteSelector { exact, prefix, suffix },
        ] = rule.selector.as_slice()
        else {
            return Err(EvidenceError::Selectors { found: rule.selector.len() });
        };
        if unit != "codepoint" {
            return Err(EvidenceError::Unit { found: unit.clone() });
        }
        let expected = self.digest_name();
        if *of != expected {
            return Err(EvidenceError::Text { expected, found: of.clone() });
        }
        let (start, end) = (*start, *end);
        let range = EvidenceError::Range { start, end, chars: self.chars };
        let found = self.slice(start, end).filter(|words| !words.is_empty()).ok_or(range)?;
        let differ = |start: usize, expected: &str, found: &str| match expected == found {
            true => Ok(()),
            false => Err(EvidenceError::Words {
                start,
                expected: expected.to_owned(),
                found: found.chars().take(expected.chars().count().max(80)).collect(),
            }),
        };
        differ(start, exact, found)?;
        if let Some(prefix) = prefix {
            let from = start.saturating_sub(prefix.chars().count());
            differ(from, prefix, self.slice(from, start).unwrap_or_default())?;
        }
        if let Some(suffix) = suffix {
            let to = end.saturating_add(suffix.chars().count()).min(self.chars);
            differ(end, suffix, self.slice(end, to).unwrap_or_default())?;
        }
        Ok(())
    }

    fn is_declared(&self, source: &str, path: &str, exact: &str) -> Result<(), EvidenceError> {
        let declared = self.beside.is_some_and(|extract| {
            let value =
                |one: &Declared| one.source == source && one.path == path && one.value.contains(exact);
            let block = |one: &Block| source == SHOWN && one.path == path && one.text.contains(exact);
            extract.declared.iter().any(value) || extract.head.iter().chain(&extract.tail).any(block)
        });
        let absent = || EvidenceError::Declared {
            vocabulary: source.to_owned(),
            path: path.to_owned(),
            expected: exact.to_owned(),
        };
        declared.then_some(()).ok_or_else(absent)
    }

    /// Returns the code point at byte offset `byte`, a character's first or the text's end.
    ///
    /// # Panics
    /// If the text is shorter.
    pub fn position(&self, byte: usize) -> usize {
        let block = (byte / STRIDE).min(self.counts.len().saturating_sub(1));
        let before = self.counts.get(block).copied().unwrap_or(0);
        before + first_bytes(&self.text.as_bytes()[block * STRIDE..byte])
    }

    /// Returns the evidence that `rule` found the bytes `range` in `scope`.
    pub(super) fn evidence(&self, rule: &Rule, scope: Scope, range: Range<usize>) -> Evidence {
        let (before, after) = (&self.text[..range.start], &self.text[range.end..]);
        let prefix_at =
            before.char_indices().rev().take(CONTEXT_CHARS).last().map_or(range.start, |(at, _)| at);
        let suffix_len = after.char_indices().nth(CONTEXT_CHARS).map_or(after.len(), |(at, _)| at);
        Evidence::Rule(RuleEvidence {
            rule: rule.id.to_owned(),
            ruleset: RULESET.to_owned(),
            scope,
            strength: rule.strength,
            selector: vec![
                Selector::TextPositionSelector {
                    start: self.position(range.start),
                    end: self.position(range.end),
                    unit: "codepoint".to_owned(),
                    of: self.digest_name(),
                },
                Selector::TextQuoteSelector {
                    exact: self.text[range.clone()].to_owned(),
                    prefix: Some(before[prefix_at..].to_owned()),
                    suffix: Some(after[..suffix_len].to_owned()),
                },
            ],
            agrees: Vec::new(),
        })
    }

    fn digest_name(&self) -> String {
        format!("sha256:{}", self.sha256)
    }

    fn byte_of(&self, position: usize) -> Option<usize> {
        if position >= self.chars {
            return (position == self.chars).then_some(self.text.len());
        }
        let block = self.counts.partition_point(|count| *count <= position).checked_sub(1)?;
        let mut left = position - self.counts.get(block)?;
        for (offset, byte) in self.text.as_bytes()[block * STRIDE..].iter().enumerate() {
            if !is_first(*byte) {
                continue;
            }
            if left == 0 {
                return Some(block * STRIDE + offset);
            }
            left -= 1;
        }
        None
    }
}

fn is_first(byte: u8) -> bool {
    byte & 0xc0 != 0x80
}

fn first_bytes(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| is_first(**byte)).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn evidence(text: &str, words: &str) -> Evidence {
        let at = text.find(words).unwrap();
        let rule = &super::super::rules::rules().all()[0];
        ExtractedText::new(text).evidence(rule, Scope::Tail, at..at + words.len())
    }

    fn change(evidence: &Evidence, edit: impl FnOnce(&mut RuleEvidence)) -> Evidence {
        let mut evidence = evidence.clone();
        if let Evidence::Rule(rule) = &mut evidence {
            edit(rule);
        }
        evidence
    }

    #[test]
    fn each_lie_is_told_by_name() {
        let text = "Été au lac.\nSource : Ministère\nde la Pêche";
        let words = "Ministère\nde la Pêche";
        let good = evidence(text, words);
        let checker = ExtractedText::new(text);
        assert_eq!(checker.holds(&good), Ok(()));
        assert_eq!(checker.holds(&Evidence::STATED), Ok(()));
        assert_eq!(good.position(), Some((21, 42)));
        assert_eq!(checker.holds(&good.without_context()), Ok(()));

        let other = ExtractedText::new("Autre texte");
        assert!(matches!(other.holds(&good), Err(EvidenceError::Text { .. })));
        let swapped = change(&good, |rule| rule.selector.reverse());
        assert_eq!(checker.holds(&swapped), Err(EvidenceError::Selectors { found: 2 }));
        let position = |from: usize, to: usize, name: &str| {
            change(&good, |rule| {
                if let Selector::TextPositionSelector { start, end, unit, .. } = &mut rule.selector[0] {
                    (*start, *end, *unit) = (from, to, name.to_owned());
                }
            })
        };
        assert!(matches!(checker.holds(&position(21, 42, "byte")), Err(EvidenceError::Unit { .. })));
        for (from, to) in [(21, 43), (21, usize::MAX), (42, 21), (21, 21)] {
            let error = checker.holds(&position(from, to, "codepoint"));
            assert!(matches!(error, Err(EvidenceError::Range { .. })), "{from} {to} {error:?}");
        }
        assert!(matches!(checker.holds(&position(20, 41, "codepoint")), Err(EvidenceError::Words { .. })));
        let quote = |edit: fn(&mut String, &mut Option<String>, &mut Option<String>)| {
            change(&good, |rule| {
                if let Selector::TextQuoteSelector { exact, prefix, suffix } = &mut rule.selector[1] {
                    edit(exact, prefix, suffix);
                }
            })
        };
        for lie in [
            quote(|exact, _, _| *exact = exact.replace('\n', " ")),
            quote(|_, prefix, _| *prefix = Some("autre ".to_owned())),
            quote(|_, _, suffix| *suffix = Some("!".to_owned())),
        ] {
            assert!(matches!(checker.holds(&lie), Err(EvidenceError::Words { .. })), "{lie:?}");
        }
    }

    proptest! {
        #[test]
        fn code_points_are_those_of_chars(text in "[aé€𝔸\n]{0,40}", repeat in 1usize..400, at: prop::sample::Index) {
            let text = text.repeat(repeat);
            let extracted = ExtractedText::new(&text);
            let chars: Vec<(usize, char)> = text.char_indices().collect();
            prop_assert_eq!(extracted.chars(), chars.len());
            if !chars.is_empty() {
                let nth = at.index(chars.len());
                prop_assert_eq!(extracted.position(chars[nth].0), nth);
                prop_assert_eq!(extracted.byte_of(nth), Some(chars[nth].0));
            }
            prop_assert_eq!(extracted.byte_of(chars.len() + 1), None);
        }
    }
}
