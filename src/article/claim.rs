//! What a document claims of itself, each claim with its evidence.

use serde::{Deserialize, Serialize};

use super::authority::OrganisationRef;
use crate::base::Hash;

/// Where in the document a rule looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Scope {
    /// The first 400 characters of the reflowed text, or its first lines.
    Head,
    /// The last 600 characters, or the last six lines that are not empty.
    Tail,
    /// A field made for the purpose: Markdown front matter, later the metadata of a page.
    Field,
    /// Anywhere.
    Body,
}

/// How far a find may be trusted to be what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Strength {
    /// Might be; shown, never acted on.
    Hint,
    /// A person should confirm it.
    Weak,
    /// Said in so many words.
    Strong,
    /// A person said so; there is no rule behind it.
    Stated,
}

/// A W3C Web Annotation selector into the extracted text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", try_from = "SelectorMembers")]
pub enum Selector {
    /// Code points `start` (counted from 0) to `end` (exclusive) of the text whose SHA-256 is `of`.
    TextPositionSelector {
        /// First code point.
        start: usize,
        /// One past the last code point.
        end: usize,
        /// Always `codepoint`: said because tools differ.
        unit: String,
        /// `sha256:<hex>` of the extracted text.
        of: String,
    },
    /// The words themselves, with at most 32 characters on either side where these may be shown.
    TextQuoteSelector {
        /// The words as they stand in the extracted text, line breaks included.
        exact: String,
        /// What stands right before; left out where it could give a committed word away.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        prefix: Option<String>,
        /// What stands right after; left out likewise.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        suffix: Option<String>,
    },
    /// Words that stand in the document but not in the extracted text: in its metadata, or on the page around the
    /// article. Not a type of the W3C's; whoever extracts again finds it among what the format declares.
    DeclaredSelector {
        /// The vocabulary: `json-ld`, `opengraph`; `page` for what is shown around the article.
        source: String,
        /// Where in it: a JSON Pointer, a CSS selector, a header's name.
        path: String,
        /// The words.
        exact: String,
    },
}

/// Why a claim is made: a rule and where it fired, or a person's word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, try_from = "EvidenceMembers")]
pub enum Evidence {
    /// A rule found it.
    Rule(RuleEvidence),
    /// A person said so, on the command line or a page.
    Person {
        /// Always `person`.
        #[serde(rename = "statedBy")]
        stated_by: Person,
    },
}

/// The one value of `statedBy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Person {
    /// Said by the person who registered the document.
    Person,
}

/// A rule that fired, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleEvidence {
    /// The rule's id, as in `rules.toml`: `fr.tail.source-colon`. Never reused for another rule.
    pub rule: String,
    /// Name and version of the rule set: `dateline-rules/1`.
    pub ruleset: String,
    /// Where the rule looked.
    pub scope: Scope,
    /// How strong the rule is.
    pub strength: Strength,
    /// First a position, then a quotation, of the same words; or one place outside of the extracted text.
    pub selector: Vec<Selector>,
    /// Other readings of the document that say the same, by their vocabulary: `json-ld`, `opengraph`, `page`. Two that
    /// agree are the best sign there is that a value is right.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub agrees: Vec<String>,
}

impl Evidence {
    /// The evidence of what a person says.
    pub const STATED: Evidence = Evidence::Person { stated_by: Person::Person };

    /// Returns the rule's strength, or [`Strength::Stated`].
    pub fn strength(&self) -> Strength {
        match self {
            Evidence::Rule(rule) => rule.strength,
            Evidence::Person { .. } => Strength::Stated,
        }
    }

    /// Returns the id of the rule; `None` for a person's word.
    pub fn rule(&self) -> Option<&str> {
        match self {
            Evidence::Rule(rule) => Some(&rule.rule),
            Evidence::Person { .. } => None,
        }
    }

    /// Returns the vocabulary of a value that stands outside of the extracted text.
    pub fn source(&self) -> Option<&str> {
        let Evidence::Rule(rule) = self else { return None };
        rule.selector.iter().find_map(|selector| match selector {
            Selector::DeclaredSelector { source, .. } => Some(source.as_str()),
            _ => None,
        })
    }

    /// Returns the other readings that say the same.
    pub fn agrees(&self) -> &[String] {
        match self {
            Evidence::Rule(rule) => &rule.agrees,
            Evidence::Person { .. } => &[],
        }
    }

    /// Returns the same evidence without the words around the quotation, for places where a neighbour of the
    /// claim is committed and must not be given away.
    pub fn without_context(&self) -> Evidence {
        let mut evidence = self.clone();
        if let Evidence::Rule(rule) = &mut evidence {
            for selector in &mut rule.selector {
                if let Selector::TextQuoteSelector { prefix, suffix, .. } = selector {
                    (*prefix, *suffix) = (None, None);
                }
            }
        }
        evidence
    }

    /// Returns code points start and end of the claim in the extracted text; `None` for a person's word.
    pub fn position(&self) -> Option<(usize, usize)> {
        let Evidence::Rule(rule) = self else { return None };
        rule.selector.iter().find_map(|selector| match selector {
            Selector::TextPositionSelector { start, end, .. } => Some((*start, *end)),
            _ => None,
        })
    }
}

/// A text with its evidence: a title, a publisher, a date as printed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextClaim {
    /// As printed, line breaks joined.
    pub value: String,
    /// Why.
    pub evidence: Evidence,
}

/// How the language is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum LanguageSource {
    /// The document says so.
    Declared,
    /// Guessed from the words.
    Detected,
    /// A person said so.
    Stated,
}

/// The language of the document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Language {
    /// BCP 47, shortest form: `fr`.
    pub tag: String,
    /// How it is known.
    pub source: LanguageSource,
}

/// What sort of body an origin is, as far as its printed name tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum OriginKind {
    /// A ministry, an embassy, an office of state.
    Government,
    /// A news agency.
    Agency,
    /// A newspaper, broadcaster or site.
    Outlet,
    /// A business.
    Company,
    /// A non-governmental organisation.
    Ngo,
    /// An intergovernmental organisation.
    Igo,
    /// An armed force.
    Military,
    /// A person.
    Person,
    /// The name does not tell.
    Unknown,
}

/// What the origin is said to have given. Surface roles only: whether a credit is laundered or false is an
/// assessment, made by a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum OriginRole {
    /// The text comes from there.
    Origin,
    /// An agency's wire carried it.
    WireCarriage,
    /// Part of it comes from there ("with files from").
    Contribution,
    /// A release distributor.
    Distribution,
    /// It is a translation of that origin's text.
    TranslationOf,
    /// Only pictures come from there.
    PhotoOnly,
    /// Only data come from there.
    DataSource,
    /// It is merely named.
    Mention,
}

/// The core field: where the document says that it comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClaimedOrigin {
    /// The name as printed, line breaks joined, without the cue.
    pub as_printed: String,
    /// Language of the printed name, BCP 47, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lang: Option<String>,
    /// What sort of body it is.
    pub kind: OriginKind,
    /// Which body it is, where the authority file knows the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organisation: Option<OrganisationRef>,
    /// What it is said to have given.
    pub role: OriginRole,
    /// The cue as printed: `Source :`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cue: Option<String>,
    /// Why. The selectors cover the name without the cue.
    pub evidence: Evidence,
}

/// What sort of author a byline names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum BylineKind {
    /// Given name and surname.
    Person,
    /// A body.
    Organisation,
    /// A desk: `La Rédaction`.
    Desk,
    /// Initials: `A. D.`
    Initials,
    /// Said to be a pseudonym.
    Pseudonym,
    /// The print does not tell: a single name, for one.
    Unknown,
}

/// What the person did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum BylineRole {
    /// Wrote it.
    Author,
    /// Translated it.
    Translator,
    /// Adapted it.
    Adapter,
    /// Edited it.
    Editor,
    /// Took the pictures.
    Photographer,
}

/// An authorship line, as printed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Byline {
    /// The name as printed, line breaks joined, without the cue.
    pub as_printed: String,
    /// What sort of author.
    pub kind: BylineKind,
    /// What the author did.
    pub role: BylineRole,
    /// The cue as printed: `Par`; `None` for a bare name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cue: Option<String>,
    /// Why. The selectors cover the name without the cue.
    pub evidence: Evidence,
}

/// Where and when the story says that it was filed: `BEIJING, Sept. 2 (Xinhua) --`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Dateline {
    /// As printed, line breaks joined.
    pub as_printed: String,
    /// The place as printed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// The date as printed: often without a year.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// Why.
    pub evidence: Evidence,
}

/// Words given as somebody's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Quotation {
    /// The words between the marks, reflowed: soft wraps and hyphen breaks joined.
    pub text: String,
    /// The opening and the closing mark as printed: `«»`.
    pub marks: String,
    /// First code point of the words in the extracted text, without the mark.
    pub start: usize,
    /// One past the last code point, without the mark.
    pub end: usize,
    /// SHA-256 of `text`, the reflowed words in UTF-8.
    pub reflow_sha256: Hash,
}
/// The members of a selector of any type. Which type it is may stand behind the others: read through these, nothing needs
/// to be kept and read twice.
#[derive(Deserialize)]
struct SelectorMembers {
    r#type: SelectorType,
    start: Option<usize>,
    end: Option<usize>,
    unit: Option<String>,
    of: Option<String>,
    exact: Option<String>,
    prefix: Option<String>,
    suffix: Option<String>,
    source: Option<String>,
    path: Option<String>,
}

#[derive(Deserialize)]
#[allow(clippy::enum_variant_names)]
enum SelectorType {
    TextPositionSelector,
    TextQuoteSelector,
    DeclaredSelector,
}

/// A member that such a selector, or such evidence, must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("missing member `{0}`")]
struct MissingMember(&'static str);

fn must<T>(member: Option<T>, name: &'static str) -> Result<T, MissingMember> {
    member.ok_or(MissingMember(name))
}

impl TryFrom<SelectorMembers> for Selector {
    type Error = MissingMember;

    fn try_from(members: SelectorMembers) -> Result<Self, MissingMember> {
        let SelectorMembers { r#type, start, end, unit, of, exact, prefix, suffix, source, path } = members;
        Ok(match r#type {
            SelectorType::TextPositionSelector => Selector::TextPositionSelector {
                start: must(start, "start")?,
                end: must(end, "end")?,
                unit: must(unit, "unit")?,
                of: must(of, "of")?,
            },
            SelectorType::TextQuoteSelector => {
                Selector::TextQuoteSelector { exact: must(exact, "exact")?, prefix, suffix }
            }
            SelectorType::DeclaredSelector => Selector::DeclaredSelector {
                source: must(source, "source")?,
                path: must(path, "path")?,
                exact: must(exact, "exact")?,
            },
        })
    }
}

/// The members of evidence of either kind.
#[derive(Deserialize)]
struct EvidenceMembers {
    rule: Option<String>,
    ruleset: Option<String>,
    scope: Option<Scope>,
    strength: Option<Strength>,
    selector: Option<Vec<Selector>>,
    #[serde(default)]
    agrees: Vec<String>,
    #[serde(rename = "statedBy")]
    stated_by: Option<Person>,
}

impl TryFrom<EvidenceMembers> for Evidence {
    type Error = MissingMember;

    fn try_from(members: EvidenceMembers) -> Result<Self, MissingMember> {
        let EvidenceMembers { rule, ruleset, scope, strength, selector, agrees, stated_by } = members;
        let rule = || {
            Ok(Evidence::Rule(RuleEvidence {
                rule: must(rule, "rule")?,
                ruleset: must(ruleset, "ruleset")?,
                scope: must(scope, "scope")?,
                strength: must(strength, "strength")?,
                selector: must(selector, "selector")?,
                agrees,
            }))
        };
        match (rule(), stated_by) {
            (Ok(rule), _) => Ok(rule),
            (Err(_), Some(stated_by)) => Ok(Evidence::Person { stated_by }),
            (Err(missing), None) => Err(missing),
        }
    }
}
