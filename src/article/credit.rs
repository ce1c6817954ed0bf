//! Claimed origins: credit lines, agencies' datelines and trailers, fields made for the purpose.
//!
//! A picture's credit is taken out first; an address of a page is a link, a mention in prose is no credit, the publisher's
//! own name is no foreign origin. Where the printed words do not read as the name of a body, nothing is found.

use std::collections::BTreeSet;
use std::ops::Range;

use super::authority::Authority;
use super::claim::{ClaimedOrigin, OriginKind, OriginRole, Scope};
use super::credited::{Reading, organisations, outlets};
use super::lines::{MASK, trim_mask};
use super::organisation::agencies_alone;
use super::page::Page;
use super::rules::{Field, Rule, ValueKind, fold};
use crate::base::limits;

/// Claimed origins while they are being found.
#[derive(Default)]
pub(super) struct Origins {
    found: Vec<(Range<usize>, ClaimedOrigin)>,
    publisher: Option<String>,
    /// Where values begin that are longer than a claim may be.
    pub too_long: BTreeSet<usize>,
}

impl Origins {
    /// Starts with the publisher's name, which is no foreign origin.
    pub(super) fn new(publisher: Option<&str>) -> Self {
        Origins { publisher: publisher.map(fold), ..Origins::default() }
    }

    /// True when an origin, and not only a picture's, overlaps the bytes `source` of the text.
    pub(super) fn covers(&self, source: &Range<usize>) -> bool {
        let text = |origin: &&(Range<usize>, ClaimedOrigin)| origin.1.role != OriginRole::PhotoOnly;
        self.found.iter().filter(text).any(|(other, _)| other.start < source.end && source.start < other.end)
    }

    /// Adds the bytes `value` of line `at` as an origin, unless it is one already, or the publisher.
    pub(super) fn add(
        &mut self,
        page: &Page<'_>,
        at: usize,
        rule: &Rule,
        value: Range<usize>,
        cue: Option<&str>,
    ) {
        let line = &page.lines[at];
        let Some(scope) = line.scope_for(rule) else { return };
        let printed = line.printed().get(value.clone()).unwrap_or_default().to_owned();
        self.push(page, rule, scope, page.source(line, value), &printed, cue);
    }

    fn push(
        &mut self,
        page: &Page<'_>,
        rule: &Rule,
        scope: Scope,
        source: Range<usize>,
        printed: &str,
        cue: Option<&str>,
    ) {
        if printed.chars().count() > limits::CLAIM_MAX_CHARS {
            self.too_long.insert(source.start);
            return;
        }
        let (folded, role) = (fold(printed), rule.origin_role());
        // One body under two of its names is one origin; a picture's credit says nothing of the text.
        let body = Authority::builtin().find(printed).map(|body| &body.id);
        let picture = |role: OriginRole| role == OriginRole::PhotoOnly;
        let known = |other: &ClaimedOrigin| {
            let same_body =
                body.is_some() && body == Authority::builtin().find(&other.as_printed).map(|body| &body.id);
            (other.role == role && fold(&other.as_printed) == folded)
                || (same_body && picture(other.role) == picture(role))
        };
        if source.is_empty()
            || self.publisher.as_ref() == Some(&folded)
            || self.covers(&source)
            || self.found.iter().any(|(_, other)| known(other))
        {
            return;
        }
        let (kind, lang) = page.rules.bodies.kind_of(printed);
        let origin = ClaimedOrigin {
            as_printed: printed.to_owned(),
            lang,
            kind,
            organisation: None,
            role,
            cue: cue.map(|cue| cue.trim().to_owned()).filter(|cue| !cue.is_empty()),
            evidence: page.evidence(rule, scope, source.clone()),
        };
        self.found.push((source, origin));
    }

    /// Returns the origins in the order of the text, pictures' credits last, and how many more there were than
    /// [`limits::CLAIMS_MAX`].
    pub(super) fn finish(mut self) -> (Vec<ClaimedOrigin>, usize) {
        // Whose copyright a page carries tells something only where nothing else does.
        let copyright = |origin: &ClaimedOrigin| origin.evidence.rule() == Some("any.tail.agency-copyright");
        let picture = |origin: &ClaimedOrigin| origin.role == OriginRole::PhotoOnly;
        if self.found.iter().any(|(_, origin)| !copyright(origin) && !picture(origin)) {
            self.found.retain(|(_, origin)| !copyright(origin));
        }
        self.found.sort_by_key(|(source, origin)| (origin.role == OriginRole::PhotoOnly, source.start));
        let dropped = self.found.len().saturating_sub(limits::CLAIMS_MAX);
        (self.found.into_iter().take(limits::CLAIMS_MAX).map(|(_, origin)| origin).collect(), dropped)
    }
}

/// Takes pictures' credits out of the lines, and keeps them as what they are.
pub(super) fn photos(page: &mut Page<'_>, origins: &mut Origins) {
    for rule in page.rules.of(Field::Photo, page.language) {
        for at in 0..page.lines.len() {
            let line = &page.lines[at];
            let Some(found) = line.captures(rule) else { continue };
            let (Some(cue), Some(value)) = (found.name("cue"), found.name("value")) else { continue };
            let (blotted, printed) = (cue.start()..line.text.len(), cue.as_str().to_owned());
            let names = organisations(page, &line.text, value.range(), Reading::default());
            for name in names {
                origins.add(page, at, rule, name, Some(&printed));
            }
            let line = &mut page.lines[at];
            line.blot(blotted);
            trim_mask(&mut line.text);
            line.excluded |= line.text.trim_matches(|c: char| c == MASK || !c.is_alphanumeric()).is_empty();
        }
    }
}

/// Finds the origins that fields and lines tell.
pub(super) fn find(page: &Page<'_>, origins: &mut Origins) {
    for (rule, name, value) in page.fields(Field::Origin) {
        let text = page.text.as_str();
        let cue = &text[name];
        let names = organisations(page, text, value, Reading { several: true, ..Reading::default() });
        for name in names {
            let printed = text[name.clone()].to_owned();
            origins.push(page, rule, Scope::Field, name, &printed, Some(cue));
        }
    }
    for at in 0..page.lines.len() {
        if !page.lines[at].usable() {
            continue;
        }
        for rule in page.rules_of(Field::Origin) {
            line_origins(page, at, rule, origins);
        }
    }
    last_line(page, origins);
}

/// The last line, where it is the name of a public body and nothing else.
fn last_line(page: &Page<'_>, origins: &mut Origins) {
    let rule = page.rules.layout("any.tail.body-line");
    let Some(at) = (0..page.lines.len()).rev().find(|at| !page.lines[*at].excluded) else { return };
    let line = &page.lines[at];
    let words = line.text.split_whitespace().count();
    let after_sentence = page.previous(at).is_some_and(|previous| page.lines[previous].ends_sentence());
    if !line.usable() || !after_sentence || line.ends_sentence() || !(3..=14).contains(&words) {
        return;
    }
    let (kind, _) = page.rules.bodies.kind_of(&line.text);
    let public = matches!(kind, OriginKind::Government | OriginKind::Military | OriginKind::Igo);
    // The sort of body stands first, or last in languages that put it there: elsewhere it is a sentence's object.
    let folded = fold(&line.text);
    let ends: Vec<&str> =
        [folded.split(' ').next(), folded.rsplit(' ').next()].into_iter().flatten().collect();
    let says = ends.iter().any(|word| page.rules.bodies.knows(word));
    let capital = !line.text.starts_with(char::is_lowercase);
    if public
        && says
        && capital
        && origins.found.iter().all(|(_, origin)| origin.role == OriginRole::PhotoOnly)
    {
        origins.add(page, at, rule, 0..line.text.len(), None);
    }
}

fn line_origins(page: &Page<'_>, at: usize, rule: &Rule, origins: &mut Origins) {
    let line = &page.lines[at];
    if line.scope_for(rule).is_none() {
        return;
    }
    let Some(found) = line.captures(rule) else { return };
    let Some(value) = found.name("value") else { return };
    let cue = found.name("cue").map(|cue| cue.as_str());
    let start = found.get(0).map_or(0, |all| all.start());
    let glue = &line.text[start..found.name("cue").map_or(start, |cue| cue.start())];
    let plural = cue.is_some_and(is_plural);
    let reading = Reading {
        glued: start > 0 && rule.form == Some("colon") && !glue.contains(['|', '•', '·']),
        parenthesis: glue.contains(['(', '[']),
        several: plural,
        any_case: false,
    };
    let names = match rule.value {
        ValueKind::Organisation if value.as_str().trim().is_empty() => {
            next_line_origin(page, at, rule, plural, cue, origins);
            return;
        }
        ValueKind::Organisation => organisations(page, &line.text, value.range(), reading),
        ValueKind::Body => {
            let known = |name: &Range<usize>| page.rules.bodies.knows(&line.text[name.clone()]);
            organisations(page, &line.text, value.range(), Reading { any_case: true, ..reading })
                .into_iter()
                .filter(known)
                .collect()
        }
        ValueKind::Outlet => outlets(page, &line.text, value.range()),
        ValueKind::Agency => {
            let inside = page.rules.bodies.agencies_in(value.as_str());
            inside.into_iter().map(|name| value.start() + name.start..value.start() + name.end).collect()
        }
        ValueKind::Wire => {
            let alone = agencies_alone(page.authority, value.as_str());
            alone.into_iter().map(|name| value.start() + name.start..value.start() + name.end).collect()
        }
        ValueKind::Names | ValueKind::Han | ValueKind::Initials | ValueKind::Desk | ValueKind::None => {
            Vec::new()
        }
    };
    for name in names {
        origins.add(page, at, rule, name, cue);
    }
}

/// True for a cue that speaks of several sources.
fn is_plural(cue: &str) -> bool {
    let bare = fold(cue.trim_end_matches([' ', ':', '：']));
    bare.ends_with('s') || PLURALS.iter().any(|plural| bare.ends_with(plural))
}

/// Plurals of `source` that do not end in s.
const PLURALS: [&str; 24] = [
    "материалам",
    "матеріалами",
    "данным",
    "даними",
    "quellen",
    "fonti",
    "bronnen",
    "kilder",
    "källor",
    "källa",
    "lähteet",
    "источники",
    "джерела",
    "źródła",
    "zdroje",
    "surse",
    "izvori",
    "források",
    "kaynaklar",
    "المصادر",
    "مصادر",
    "منابع",
    "πηγές",
    "vyanzo",
];

/// A cue alone in its line: the next line is the value. A list of sources is a list of references, and no origin.
fn next_line_origin(
    page: &Page<'_>,
    at: usize,
    rule: &Rule,
    plural: bool,
    cue: Option<&str>,
    origins: &mut Origins,
) {
    let Some(next) = page.next(at).filter(|_| !plural) else { return };
    let line = &page.lines[next];
    if line.torn || page.rules.line_start.is_match(&line.text) {
        return;
    }
    let names = organisations(page, &line.text, 0..line.text.len(), Reading::default());
    for name in names {
        origins.add(page, next, rule, name, cue);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Article, ReadOptions, Strength, read};
    use super::*;

    fn article(text: &str) -> Article {
        read(text.as_bytes(), &ReadOptions::default()).unwrap()
    }

    fn origins(text: &str) -> Vec<String> {
        article(text).claimed_origins.into_iter().map(|origin| origin.as_printed).collect()
    }

    #[test]
    fn a_wrapped_credit_line_is_one_name() {
        let text = "Les bateaux sont rentrés lundi.\nNaba\nSource\u{a0}: Ministère de la Fédé-\nration des pêcheurs et des\nRessources marines\n";
        let article = article(text);
        let [origin] = article.claimed_origins.as_slice() else { panic!("{:?}", article.claimed_origins) };
        assert_eq!(origin.as_printed, "Ministère de la Fédération des pêcheurs et des Ressources marines");
        assert_eq!((origin.kind, origin.role), (OriginKind::Government, OriginRole::Origin));
        assert_eq!((origin.cue.as_deref(), origin.lang.as_deref()), (Some("Source :"), Some("fr")));
        assert_eq!(origin.evidence.strength(), Strength::Strong);
        let (start, end) = origin.evidence.position().unwrap();
        let exact: String = text.chars().skip(start).take(end - start).collect();
        assert_eq!(exact, "Ministère de la Fédé-\nration des pêcheurs et des\nRessources marines");
    }

    #[test]
    fn values_end_where_names_end() {
        let tail = |line: &str| origins(&format!("Les bateaux sont rentrés lundi.\n\n{line}\n"));
        assert_eq!(tail("Source : Radio du Fleuve. Tous droits réservés"), ["Radio du Fleuve"]);
        assert_eq!(tail("Source : Radio du Fleuve | Photo : Fleuve Images")[0], "Radio du Fleuve");
        assert_eq!(tail("Source : Gazette de St. Louis. Fin"), ["Gazette de St. Louis"]);
        assert_eq!(tail("Source : « Radio du Fleuve »."), ["Radio du Fleuve"]);
        assert_eq!(tail("Source : Institut du lac (IDL)"), ["Institut du lac (IDL)"]);
        assert_eq!(tail("(Source : AFP)"), ["AFP"]);
        assert_eq!(tail("Source : AFP, le 3 juin 2026"), ["AFP"]);
        assert_eq!(
            tail("Source : ministère de la Pêche, du Lac et des Ports"),
            ["ministère de la Pêche, du Lac et des Ports"]
        );
        assert_eq!(
            tail("Sources : Radio du Fleuve ; Institut du lac"),
            ["Radio du Fleuve", "Institut du lac"]
        );
        assert_eq!(tail("Source :"), [""; 0]);
        assert_eq!(tail("Source :\nRadio du Fleuve"), ["Radio du Fleuve"]);
        assert_eq!(tail("Source : 2026"), [""; 0]);
        assert_eq!(tail("Source : www.exemple.org"), ["www.exemple.org"]);
        assert_eq!(tail("Source : www.exemple.org/article"), [""; 0]);
    }

    #[test]
    fn the_publisher_is_no_foreign_origin() {
        let text = "---\npublisher: Gazette du Fleuve\n---\n\nLes bateaux sont rentrés.\n\nSource : Gazette du fleuve\n";
        assert_eq!(origins(text), [""; 0]);
    }

    #[test]
    fn pictures_come_last_and_say_so() {
        let text = "Photo : Fleuve Images\n\nLes bateaux sont rentrés lundi.\n\nSource : Radio du Fleuve\n";
        let article = article(text);
        let roles: Vec<OriginRole> = article.claimed_origins.iter().map(|origin| origin.role).collect();
        assert_eq!(roles, [OriginRole::Origin, OriginRole::PhotoOnly]);
    }

    #[test]
    fn a_claim_has_a_longest_length() {
        let of = |chars: usize| article(&format!("Le port a rouvert.\n\nSource : {}\n", "A".repeat(chars)));
        assert_eq!(of(limits::CLAIM_MAX_CHARS).claimed_origins.len(), 1);
        let past = of(limits::CLAIM_MAX_CHARS + 1);
        assert!(past.claimed_origins.is_empty());
        assert!(
            past.warnings
                .contains(&super::super::Warning::ClaimsTooLong { count: 1, limit: limits::CLAIM_MAX_CHARS })
        );
    }
}
