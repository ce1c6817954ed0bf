//! The rule set: data in `rules.toml` and `packs.toml`, made into tables when the program is built.
//!
//! A rule says where to look, what to look for and how far to trust it. Rows are told from one another by an id
//! that is never used again for another rule. All matching is linear in the text: see `Pattern`.
//! The text is a stranger's, the rules are ours: a fault in `rules.toml` is a fault of the program, and no program is built
//! of it.

use serde::Deserialize;

use super::claim::{BylineRole, OriginKind, OriginRole, Scope, Strength};
pub(super) use super::fold::fold;
use super::organisation::Bodies;
use super::pattern::{Captures, Pattern};
use super::tables;
use crate::base::Hash;

/// Name and version of the rule set, recorded with every claim.
pub const RULESET: &str = tables::RULESET;

/// What a rule is after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ValueKind {
    /// Not read as a name.
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

/// One row of the rule set.
#[derive(Debug)]
pub struct Rule {
    /// Never given to another rule.
    pub id: &'static str,
    /// BCP 47 tags; `*` for all.
    pub languages: &'static [&'static str],
    /// What it is after.
    pub field: Field,
    /// Where it looks, tried in this order.
    pub scope: &'static [Scope],
    /// How far a find may be trusted.
    pub strength: Strength,
    /// What an origin gave, or what an author did: the JSON name of the role.
    pub role: Option<&'static str>,
    /// How cue and value stand, a key of `[forms]`.
    pub form: Option<&'static str>,
    /// Pieces of which a line must have one, or the pattern is not tried. None: any line.
    pub has: &'static [&'static str],
    /// How the value is read.
    pub value: ValueKind,
    /// Names of fields, in lower case.
    pub keys: &'static [&'static str],
    /// Values that are none.
    pub not: &'static [&'static str],
    /// Cue and value, or whatever is looked for. None: a rule of layout.
    pub(super) pattern: Option<Pattern>,
    /// What must not occur in the line.
    pub(super) unless: Option<Pattern>,
    /// What must occur in the line.
    pub(super) needs: Option<Pattern>,
    /// Nothing can match where no agency is named.
    pub(super) needs_agency: bool,
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

/// Small words of all languages, in lower case.
#[derive(Debug)]
pub(super) struct Words {
    /// For each month of each language, a pattern of its names.
    pub months: &'static [Pattern],
    pub weekdays: &'static [&'static str],
    pub particles: &'static [&'static str],
    pub conjunctions: &'static [&'static str],
    pub open: &'static [&'static str],
    pub jobs: &'static [&'static str],
    pub desks: &'static [&'static str],
    pub not_a_name: &'static [&'static str],
    /// First words of lines that stand below bylines.
    pub marks: &'static [&'static str],
    /// Words that are found glued to names.
    pub glued: &'static [&'static str],
    given_names: &'static [&'static str],
}

impl Words {
    /// True for a common given name, folded.
    pub(super) fn is_given_name(&self, word: &str) -> bool {
        self.given_names.binary_search(&word).is_ok()
    }
}

/// The rule set, ready to use.
#[derive(Debug)]
pub struct Rules {
    rows: &'static [Rule],
    pub(super) words: Words,
    pub(super) bodies: Bodies,
    /// Cues that begin a line whatever stands before.
    pub(super) line_start: &'static Pattern,
    /// A day, with the month in letters or in ISO form.
    pub(super) day: &'static Pattern,
}

/// Returns the built-in rule set. Nothing is read or compiled.
pub fn rules() -> &'static Rules {
    static RULES: Rules = Rules {
        rows: &tables::ROWS,
        words: Words {
            months: &tables::MONTHS,
            weekdays: tables::WEEKDAYS,
            particles: tables::PARTICLES,
            conjunctions: tables::CONJUNCTIONS,
            open: tables::OPEN,
            jobs: tables::JOBS,
            desks: tables::DESKS,
            not_a_name: tables::NOT_A_NAME,
            marks: tables::MARKS,
            glued: tables::GLUED,
            given_names: tables::GIVEN_NAMES,
        },
        bodies: Bodies,
        line_start: &tables::LINE_START,
        day: &tables::DAY,
    };
    &RULES
}

impl Rules {
    /// Returns the SHA-256 of the files that the rules are written in, one after the other.
    pub fn sha256(&self) -> Hash {
        Hash::from_bytes(tables::SHA256)
    }

    /// Returns all rules, in the order in which they are tried.
    pub fn all(&self) -> &'static [Rule] {
        self.rows
    }

    /// Returns the rules after `field` that hold for `language`. A language that no rule speaks of, or none at all, is
    /// given all of them.
    pub(super) fn of<'r, 'l>(
        &'r self,
        field: Field,
        language: Option<&'l str>,
    ) -> impl Iterator<Item = &'r Rule> + use<'r, 'l> {
        let language = language.filter(|tag| tables::LANGUAGES.contains(tag));
        self.rows.iter().filter(move |rule| {
            let speaks = |tag: &str| rule.languages.iter().any(|known| *known == "*" || *known == tag);
            rule.field == field && language.is_none_or(speaks)
        })
    }

    /// Returns a rule of layout by its id.
    pub(super) fn layout(&self, id: &str) -> &Rule {
        let found = self.rows.iter().find(|rule| rule.id == id);
        found.unwrap_or_else(|| panic!("internal error: no rule {id} in rules.toml"))
    }
}

impl Rule {
    /// Returns what an origin found by this rule gave.
    pub fn origin_role(&self) -> OriginRole {
        self.role.and_then(json_name).unwrap_or(OriginRole::Origin)
    }

    /// Returns what an author found by this rule did.
    pub fn byline_role(&self) -> BylineRole {
        self.role.and_then(json_name).unwrap_or(BylineRole::Author)
    }

    /// Matches a line; `None` too where the rule is one of layout.
    pub(super) fn captures<'l>(&self, line: &'l str) -> Option<Captures<'l>> {
        self.captures_where(line, || rules().bodies.has_agency(line))
    }

    /// As [`Rule::captures`], where `has_agency` tells whether the line names one.
    pub(super) fn captures_where<'l>(
        &self,
        line: &'l str,
        has_agency: impl FnOnce() -> bool,
    ) -> Option<Captures<'l>> {
        if !self.has.is_empty() && !self.has.iter().any(|part| line.contains(part)) {
            return None;
        }
        // Most lines name no agency, and their names make a large pattern.
        if self.needs_agency && !has_agency() {
            return None;
        }
        // The pattern first: what forbids and what is needed cost as much, and seldom matter.
        let found = self.pattern.as_ref()?.captures(line)?;
        let forbidden = self.unless.as_ref().is_some_and(|unless| unless.is_match(line));
        let needed = self.needs.as_ref().is_none_or(|needs| needs.is_match(line));
        (needed && !forbidden).then_some(found)
    }
}

fn json_name<T: for<'de> Deserialize<'de>>(name: &str) -> Option<T> {
    use serde::de::IntoDeserializer;
    use serde::de::value::{Error, StrDeserializer};
    let name: StrDeserializer<'_, Error> = name.into_deserializer();
    T::deserialize(name).ok()
}

#[cfg(test)]
pub(super) mod tests;
