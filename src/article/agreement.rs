//! What a document declares of itself, weighed against what it shows.
//!
//! A page says who wrote it up to five times: JSON-LD, `<meta>`, markup, the byline that is shown, the name under the
//! text. Each is read on its own. Where two say the same, that is the best sign there is that it is right; it is kept
//! with the evidence. Where they differ, the order of trust is fixed here, and the claim is a weak one.

use super::claim::{
    Byline, BylineKind, BylineRole, ClaimedOrigin, Evidence, OriginRole, RuleEvidence, Scope, Selector,
    Strength, TextClaim,
};
use super::day;
use super::extract::{Declared, Extract, Key};
use super::page::Page;
use super::position::SHOWN;
use super::rules::{RULESET, fold};
use crate::base::limits;

mod authors;
mod title;

pub(super) use authors::authors;
pub(super) use title::{publisher, title, title_of_file};

/// What is declared, with what is needed to read it.
pub(super) struct Declarations<'d> {
    pub all: &'d [Declared],
    pub language: Option<&'d str>,
    /// The host of the document's address.
    pub host: Option<String>,
}

impl<'d> Declarations<'d> {
    pub(super) fn new(all: &'d [Declared], language: Option<&'d str>, url: Option<&str>) -> Self {
        let declared = all.iter().filter(|one| one.key == Key::Url).map(|one| one.value.as_str());
        let host = url.into_iter().chain(declared).find_map(host);
        Declarations { all, language, host }
    }

    pub(super) fn of(&self, key: Key) -> impl Iterator<Item = &'d Declared> + use<'d> {
        self.all.iter().filter(move |one| one.key == key)
    }
}

/// Returns the host of an absolute URL in lower case, without `www.`.
fn host(url: &str) -> Option<String> {
    let rest = url.split_once("://")?.1;
    let host = rest.split(['/', '?', '#']).next()?.rsplit('@').next()?.split(':').next()?;
    let host = host.to_ascii_lowercase();
    (host.contains('.')).then(|| host.trim_start_matches("www.").to_owned())
}

/// Returns the evidence that `one` says `exact`, and that others agree.
pub(super) fn evidence(rule: &str, one: &Declared, exact: &str, agrees: Vec<String>) -> Evidence {
    let sure = matches!(one.source.as_str(), "json-ld" | "ninjs" | "newsml" | "h1" | "nitf" | "mail-header");
    Evidence::Rule(RuleEvidence {
        rule: rule.to_owned(),
        ruleset: RULESET.to_owned(),
        scope: Scope::Field,
        strength: if sure || !agrees.is_empty() { Strength::Strong } else { Strength::Weak },
        selector: vec![Selector::DeclaredSelector {
            source: one.source.clone(),
            path: one.path.clone(),
            exact: exact.to_owned(),
        }],
        agrees,
    })
}

/// Sources of a date, the most trusted first.
const DATE_SOURCES: &[&str] = &[
    "json-ld",
    "ninjs",
    "newsml",
    "feed",
    "mail-header",
    "opengraph",
    "microdata",
    "dublin-core",
    "meta",
    "core-properties",
    "opf",
    "time",
    "script",
    "markup",
];

/// Returns the day of publication that is declared, in ISO form.
pub(super) fn published(declared: &Declarations<'_>) -> Option<TextClaim> {
    let order = day::order(declared.language);
    let read = |one: &'_ Declared| {
        Some((day::day(&one.value, order)?, DATE_SOURCES.iter().position(|s| *s == one.source)?))
    };
    let mut all: Vec<(chrono::NaiveDate, usize, &Declared)> =
        declared.of(Key::Published).filter_map(|one| read(one).map(|(day, rank)| (day, rank, one))).collect();
    // The first of each source counts: what follows is another article's.
    let mut seen = Vec::new();
    all.retain(|(_, rank, _)| {
        !seen.contains(rank) && {
            seen.push(*rank);
            true
        }
    });
    all.sort_by_key(|(_, rank, _)| *rank);
    let votes = |day: chrono::NaiveDate| all.iter().filter(|(other, ..)| *other == day).count();
    let (best, ..) = all
        .iter()
        .max_by_key(|(day, rank, _)| (votes(*day).min(2) * usize::from(*rank < 9), usize::MAX - rank))?;
    // An address that has the day in it keeps the first one; metadata may have been written anew.
    if let Some(first) = in_address(declared).filter(|first| *best - first.0 > chrono::TimeDelta::days(2)) {
        let (day, one) = first;
        let value = day.format("%Y-%m-%d").to_string();
        return Some(TextClaim {
            value,
            evidence: evidence("any.declared.published-in-url", one, &one.value, Vec::new()),
        });
    }
    let (_, _, one) = all.iter().find(|(day, ..)| day == best)?;
    let agrees = all.iter().filter(|(day, _, other)| day == best && other.source != one.source);
    let agrees = agrees.map(|(.., other)| other.source.clone()).collect();
    let value = best.format("%Y-%m-%d").to_string();
    Some(TextClaim { value, evidence: evidence("any.declared.published", one, &one.value, agrees) })
}

/// Returns the day in the path of the document's address.
fn in_address<'d>(declared: &Declarations<'d>) -> Option<(chrono::NaiveDate, &'d Declared)> {
    declared.of(Key::Url).find_map(|one| {
        let path = one.value.split_once("://").map_or("", |(_, rest)| rest);
        let path =
            path.split_once('/').map_or("", |(_, path)| path).split(['?', '#']).next().unwrap_or_default();
        Some((day::day(path, day::Order::Unknown)?, one))
    })
}

/// Characters of a line around the article in which a day is looked for.
const DAY_LINE_MAX_CHARS: usize = 160;

/// Returns the day that the document's address has in its path, or that a line around the article shows.
pub(super) fn published_elsewhere(declared: &Declarations<'_>, extract: &Extract) -> Option<TextClaim> {
    let iso = |day: chrono::NaiveDate| day.format("%Y-%m-%d").to_string();
    if let Some((day, one)) = in_address(declared) {
        let evidence = evidence("any.declared.published-in-url", one, &one.value, Vec::new());
        return Some(TextClaim { value: iso(day), evidence });
    }
    let order = day::order(declared.language);
    let lines = extract.head.iter().chain(&extract.tail);
    let short = lines.filter(|block| block.text.chars().count() <= DAY_LINE_MAX_CHARS);
    let (block, day) = short.filter_map(|block| Some((block, day::day(&block.text, order)?))).next()?;
    let shown = Declared {
        key: Key::Published,
        source: SHOWN.to_owned(),
        path: block.path.clone(),
        value: block.text.clone(),
    };
    Some(TextClaim { value: iso(day), evidence: evidence("any.shown.day", &shown, &block.text, Vec::new()) })
}

/// Returns the language that is declared, unless the words are surely of another and the declaration is the one that
/// templates come with. Bokmål is given by its macrolanguage `no`, as most pages write it.
pub(super) fn language(declared: &[Declared], words: &str) -> Option<super::Language> {
    let mut language = declared_language(declared)?;
    if language.tag == "en" {
        let end = words.char_indices().nth(4_000).map_or(words.len(), |(at, _)| at);
        if let Some(detected) = super::language::detect(&words[..end])
            .filter(|other| other.tag != "en" && words.chars().take(400).count() == 400)
        {
            return Some(detected);
        }
    }
    let usual = match language.tag.as_str() {
        "nb" => "no",
        "iw" => "he",
        "in" => "id",
        _ => return Some(language),
    };
    language.tag = usual.to_owned();
    Some(language)
}

fn declared_language(declared: &[Declared]) -> Option<super::Language> {
    let order = ["html", "json-ld", "microdata", "opengraph", "meta"];
    let mut all: Vec<&Declared> = declared.iter().filter(|one| one.key == Key::Language).collect();
    all.sort_by_key(|one| order.iter().position(|source| *source == one.source).unwrap_or(order.len()));
    let real =
        |language: &super::Language| !matches!(language.tag.as_str(), "utf" | "und" | "mul" | "iso" | "xx");
    all.into_iter().find_map(|one| super::language::declared(&one.value).filter(real))
}

/// Returns the origins that are declared: credit lines, providers, agencies in the author's place.
pub(super) fn origins(
    page: &Page<'_>,
    declared: &Declarations<'_>,
    publisher: Option<&str>,
) -> Vec<ClaimedOrigin> {
    let mut found: Vec<ClaimedOrigin> = Vec::new();
    let mut add = |one: &Declared, name: &str, rule: &str, role: OriginRole| {
        let same = |other: &str| fold(other) == fold(name);
        let own = publisher.is_some_and(same) || declared.of(Key::Publisher).any(|own| same(&own.value));
        let long = name.chars().count() > limits::CLAIM_MAX_CHARS.min(120);
        if own
            || long
            || name.is_empty()
            || name.contains("://")
            || found.iter().any(|other| same(&other.as_printed))
        {
            return;
        }
        let (kind, lang) = page.rules.bodies.kind_of(name);
        let evidence = evidence(rule, one, name, Vec::new());
        found.push(ClaimedOrigin {
            as_printed: name.to_owned(),
            lang,
            kind,
            organisation: None,
            role,
            cue: None,
            evidence,
        });
    };
    for one in declared.of(Key::Origin) {
        add(one, &one.value, "any.declared.origin", OriginRole::Origin);
    }
    for one in declared.all.iter().filter(|one| matches!(one.key, Key::Author | Key::AuthorOrganisation)) {
        if matches!(one.source.as_str(), "markup" | "rel-author" | "microdata")
            && one.value.chars().count() > 200
        {
            continue;
        }
        for agency in page.rules.bodies.agencies_in(&one.value) {
            add(one, &one.value[agency], "any.declared.author-agency", OriginRole::WireCarriage);
        }
    }
    found
}

/// Says of a claim found in the text which declared values agree with it.
pub(super) fn confirm(evidence: &mut Evidence, sources: impl Iterator<Item = String>) {
    if let Evidence::Rule(rule) = evidence {
        for source in sources {
            if !rule.agrees.contains(&source) && rule.agrees.len() < 8 {
                rule.agrees.push(source);
            }
        }
        if !rule.agrees.is_empty() {
            rule.strength = rule.strength.max(Strength::Strong);
        }
    }
}

/// Makes a byline of a declared name.
fn byline(one: &Declared, name: &str, kind: BylineKind, agrees: Vec<String>) -> Byline {
    let evidence = evidence("any.declared.author", one, name, agrees);
    Byline { as_printed: name.to_owned(), kind, role: BylineRole::Author, cue: None, evidence }
}

/// Names the reading that a byline found by the rules is from.
fn shown() -> String {
    SHOWN.to_owned()
}
