//! Claimed origins: credit lines, agencies' datelines and trailers, fields made for the purpose.
//!
//! A picture's credit is taken out first; an address of a page is a link, a mention in prose is no credit, the publisher's
//! own name is no foreign origin. Where the printed words do not read as the name of a body, nothing is found.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::OnceLock;

use regex::Regex;

use super::authority::Authority;
use super::claim::{ClaimedOrigin, OriginKind, OriginRole, Scope};
use super::lines::{MASK, blot, trim_mask};
use super::page::Page;
use super::rules::{Field, Rule, ValueKind, fold};
use crate::base::limits;

/// Words of one name of a body; what has more is a sentence.
const NAME_MAX_WORDS: usize = 20;

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
            let Some(found) = rule.captures(&line.text) else { continue };
            let (Some(cue), Some(value)) = (found.name("cue"), found.name("value")) else { continue };
            let (blotted, printed) = (cue.start()..line.text.len(), cue.as_str().to_owned());
            let names = organisations(page, &line.text, value.range(), Reading::default());
            for name in names {
                origins.add(page, at, rule, name, Some(&printed));
            }
            let line = &mut page.lines[at];
            blot(&mut line.text, blotted);
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
    let Some(found) = rule.captures(&line.text) else { return };
    let Some(value) = found.name("value") else { return };
    let cue = found.name("cue").map(|cue| cue.as_str());
    let start = found.get(0).map_or(0, |all| all.start());
    let glue = &line.text[start..found.name("cue").map_or(start, |cue| cue.start())];
    let plural = cue.is_some_and(is_plural);
    let reading = Reading {
        glued: start > 0 && rule.form.as_deref() == Some("colon") && !glue.contains(['|', '•', '·']),
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
            let alone = page.rules.bodies.agencies_alone(value.as_str());
            alone.into_iter().map(|name| value.start() + name.start..value.start() + name.end).collect()
        }
        ValueKind::Names | ValueKind::Han | ValueKind::Initials | ValueKind::None => Vec::new(),
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

/// How a value is to be read as names of bodies.
#[derive(Debug, Clone, Copy, Default)]
struct Reading {
    /// The cue is glued to a sentence before it: the value must fill the rest of the line.
    glued: bool,
    /// The cue stands in parentheses after other words: a caption's or a figure's, unless the body is known.
    parenthesis: bool,
    /// The cue is in the plural.
    several: bool,
    /// Lower case will do.
    any_case: bool,
}

/// Reads the bytes `value` of `line` as names of bodies, in order; none where they do not read so.
fn organisations(page: &Page<'_>, line: &str, value: Range<usize>, reading: Reading) -> Vec<Range<usize>> {
    let Some(whole) = trimmed(page, line, value, reading) else { return Vec::new() };
    if let Some(agencies) = agencies_of(page, line, &whole) {
        return agencies;
    }
    if reading.parenthesis && !page.rules.bodies.knows(&line[whole.clone()]) {
        return Vec::new();
    }
    let parts = split(page, line, whole.clone(), reading.several);
    let names: Vec<Range<usize>> =
        parts.into_iter().filter(|part| is_name(page, &line[part.clone()], reading)).collect();
    if names.is_empty() && is_name(page, &line[whole.clone()], reading) { vec![whole] } else { names }
}

/// Reads a value that names agencies beside what is none: the site's own address, initials. `Some` of nothing is a
/// picture's credit: a person's name beside an agency.
fn agencies_of(page: &Page<'_>, line: &str, whole: &Range<usize>) -> Option<Vec<Range<usize>>> {
    let text = &line[whole.clone()];
    let agencies = page.rules.bodies.agencies_in(text);
    let parts: Vec<&str> =
        text.split([',', '/', ';']).map(str::trim).filter(|part| !part.is_empty()).collect();
    if agencies.is_empty() || parts.len() < 2 {
        return None;
    }
    let is_agency =
        |part: &&str| page.rules.bodies.agencies_in(part).iter().any(|found| found.len() == part.len());
    let others: Vec<&&str> = parts.iter().filter(|part| !is_agency(part)).collect();
    if others.is_empty() {
        return None;
    }
    let small = |part: &&&str| {
        patterns().host.is_match(part) || (part.chars().count() <= 5 && part.chars().all(char::is_lowercase))
    };
    let person = |part: &&&str| {
        let words: Vec<&str> = part.split_whitespace().collect();
        text.contains('/')
            && words.len() >= 2
            && !page.rules.bodies.knows(part)
            && words.iter().all(|word| word.starts_with(char::is_uppercase))
    };
    if others.iter().all(small) {
        return Some(
            agencies.into_iter().map(|found| whole.start + found.start..whole.start + found.end).collect(),
        );
    }
    others.iter().any(person).then(Vec::new)
}

/// Cuts a value where the name of a body must end.
fn trimmed(page: &Page<'_>, line: &str, value: Range<usize>, reading: Reading) -> Option<Range<usize>> {
    let text = &line[value.clone()];
    let mut end = text.find([MASK, '|', '•', '·']).unwrap_or(text.len());
    if let Some(dash) = patterns().dash.find(&text[..end]) {
        end = dash.start();
    }
    if let Some(label) = patterns().label.find(&text[..end]) {
        end = label.start();
    }
    end = known_name_end(page, &text[..end]).unwrap_or(end);
    end = mark_in(page, &text[..end]).unwrap_or(end);
    if let Some(stop) = sentence_end(&text[..end]) {
        if reading.glued {
            return None;
        }
        end = stop;
    }
    if let Some(day) = page.rules.day.find(&text[..end]) {
        end = day.start();
        // "on", "le", "in" before the day.
        let bare = text[..end].trim_end().trim_end_matches([',', ':']);
        let last = bare.rsplit(' ').next().unwrap_or_default();
        if page.rules.words.open.contains(&fold(last)) || page.rules.words.weekdays.contains(&fold(last)) {
            end = bare.len() - last.len();
        }
    }
    let mut words = text[..end].trim_end_matches(|c: char| {
        c.is_whitespace() || matches!(c, '.' | ',' | ';' | ':' | '-' | '–' | '—')
    });
    for (open, close) in [('(', ')'), ('[', ']')] {
        if words.ends_with(close) && words.matches(open).count() < words.matches(close).count() {
            words = words.trim_end_matches([close, '.', ' ']);
        }
        if words.matches(open).count() > words.matches(close).count() {
            words = words[..words.rfind(open).unwrap_or(0)].trim_end();
        }
    }
    let quoted = [('«', '»'), ('“', '”'), ('"', '"')].into_iter().find_map(|(open, close)| {
        words.trim().strip_prefix(open)?.strip_suffix(close).filter(|inner| !inner.contains(open))
    });
    let inner = quoted.unwrap_or(words);
    let lead = inner.len() - inner.trim_start().len();
    let offset = inner.as_ptr() as usize - text.as_ptr() as usize + lead;
    let inner = inner.trim();
    (!inner.is_empty()).then(|| value.start + offset..value.start + offset + inner.len())
}

/// Returns where a word begins that stands beside credits and in no name: `ČTK Aktualizováno`.
fn mark_in(page: &Page<'_>, text: &str) -> Option<usize> {
    let words = text.split_whitespace().skip(1);
    let mark = |word: &&str| word.chars().count() >= 7 && page.rules.words.marks.contains(&fold(word));
    words.into_iter().find(mark).map(|word| word.as_ptr() as usize - text.as_ptr() as usize)
}

/// Returns where a known name ends that a button's word is glued to: `F.A.Z.Artikelrechte`.
fn known_name_end(page: &Page<'_>, text: &str) -> Option<usize> {
    let glued = |(at, c): (usize, char)| {
        let before = text[..at].chars().next_back()?;
        let joint = c.is_uppercase() && (before.is_lowercase() || before == '.') && at > 2;
        (joint && page.rules.bodies.named(text[..at].trim()).is_some()).then_some(at)
    };
    text.char_indices().take(60).find_map(glued)
}

/// Returns where a sentence ends inside of a value; `None` at a short form such as "St." or "U.S.".
fn sentence_end(text: &str) -> Option<usize> {
    patterns().sentence.captures_iter(text).find_map(|found| {
        let (word, stop) = (found.name("word")?.as_str(), found.name("stop")?.start());
        let short = word.chars().count() < 2 || patterns().short_form.is_match(word);
        (!short).then_some(stop)
    })
}

/// Splits a list of names. Without a plural cue only where every part is a known body: names hold commas and "and"s.
fn split(page: &Page<'_>, line: &str, whole: Range<usize>, several: bool) -> Vec<Range<usize>> {
    let text = &line[whole.clone()];
    let cut = |separator: &Regex| -> Vec<Range<usize>> {
        let mut parts = Vec::new();
        let mut at = 0;
        for found in separator.find_iter(text) {
            parts.push(whole.start + at..whole.start + found.start());
            at = found.end();
        }
        parts.push(whole.start + at..whole.end);
        parts.into_iter().map(|part| unquoted(line, part)).collect()
    };
    let known = |parts: &[Range<usize>]| {
        parts.iter().all(|part| page.rules.bodies.named(&line[part.clone()]).is_some())
    };
    let full = cut(&patterns().list);
    if full.len() > 1 && known(&full) {
        return full;
    }
    let marks = cut(if several { &patterns().marks } else { &patterns().semicolons });
    if marks.len() > 1 { marks } else { vec![whole] }
}

/// Leaves out the quotation marks around one name of a list.
fn unquoted(line: &str, part: Range<usize>) -> Range<usize> {
    let text = &line[part.clone()];
    let inner = text.trim_matches(|c: char| {
        c.is_whitespace() || matches!(c, '«' | '»' | '“' | '”' | '„' | '"' | '《' | '》')
    });
    let start = part.start + text.find(inner).unwrap_or(0);
    if inner.is_empty() { part } else { start..start + inner.len() }
}

/// True when the words may be the name of a body.
fn is_name(page: &Page<'_>, words: &str, reading: Reading) -> bool {
    let bodies = &page.rules.bodies;
    let count = words.split_whitespace().count();
    let letters = words.chars().filter(|c| c.is_alphabetic()).count();
    let first = words.chars().next().unwrap_or(' ');
    let folded = fold(words);
    let begins = if first.is_lowercase() {
        let head: String = folded.split(' ').take(2).collect::<Vec<_>>().join(" ");
        reading.any_case || patterns().host.is_match(words) || bodies.knows(&head)
    } else {
        first.is_alphanumeric()
    };
    letters >= 1
        && count <= NAME_MAX_WORDS
        && begins
        && !words.ends_with(['?', '!'])
        && !words.contains(MASK)
        && !patterns().address.is_match(words)
        && !patterns().nobody.is_match(words)
        && page.rules.day.find(words).is_none_or(|day| day.start() > 0)
}

/// Reads names where persons' may stand as well.
fn outlets(page: &Page<'_>, line: &str, value: Range<usize>) -> Vec<Range<usize>> {
    let Some(whole) = trimmed(page, line, value.clone(), Reading::default()) else { return Vec::new() };
    let text = &line[whole.clone()];
    let mut parts = Vec::new();
    let mut at = 0;
    for found in patterns().list.find_iter(text) {
        parts.push(whole.start + at..whole.start + found.start());
        at = found.end();
    }
    parts.push(whole.start + at..whole.end);
    let named = |part: &Range<usize>| page.rules.bodies.named(&line[part.clone()]).is_some();
    if parts.iter().all(named) {
        return parts;
    }
    let inside = page.rules.bodies.agencies_in(&line[value.clone()]);
    if !inside.is_empty() {
        return inside.into_iter().map(|name| value.start + name.start..value.start + name.end).collect();
    }
    let single = |name: &str| !name.contains(' ') && name.chars().count() >= 3;
    let outlet = |part: &Range<usize>| {
        let name = &line[part.clone()];
        is_name(page, name, Reading::default())
            && (page.rules.bodies.knows(name) || single(name) || patterns().article.is_match(name))
    };
    if parts.iter().all(outlet) { parts } else { Vec::new() }
}

struct Patterns {
    sentence: Regex,
    label: Regex,
    short_form: Regex,
    dash: Regex,
    list: Regex,
    marks: Regex,
    semicolons: Regex,
    host: Regex,
    address: Regex,
    nobody: Regex,
    article: Regex,
}

/// Shapes of names and addresses, the same in all languages.
fn patterns() -> &'static Patterns {
    static PATTERNS: OnceLock<Patterns> = OnceLock::new();
    PATTERNS.get_or_init(|| {
        let make = |source: &str| Regex::new(source).expect("internal error: pattern of names");
        Patterns {
            sentence: make(r#"(?P<word>[\p{L}\p{N})»”"]+)\s?(?P<stop>\.)\s+["«“]?\p{Lu}"#),
            label: make(r"\s\p{Lu}\p{L}{2,14}\s?[:：]|,\s(?:übermittelt|verbreitet|distributed|transmitted|diffusé|distribué)\s|\s(?i:sous licence|under (?:a |the )?(?:creative|cc)|and is\b|bajo licencia|sob licença|con licenza|unter (?:einer )?(?:cc|creative)|على فيسبوك|(?:sur|on|auf|en|su|no) facebook)"),
            short_form: make(r"^(?:St|Ste|Mt|Dr|Mr|Mrs|Ms|Pr|Me|Co|Cie|Dept|Gov|Gen|No)$"),
            dash: make(r"\s(?:--|[-–—])\s"),
            list: make(
                r"\s*(?:[,;/،、]\s*(?:(?:et|and|und|y|e|en|и|та|і|ve|och|og|i|și)\s+)?|\s(?:et|and|&|und|y|e|en|и|та|і|ve|och|og|i|și|dan|na|và)\s)\s*",
            ),
            marks: make(r"\s*[,;،、]\s*|\s+/\s+"),
            semicolons: make(r"\s*;\s*|\s+/\s+"),
            host: make(r"^(?:[\w-]+\.)+[A-Za-z]{2,}$"),
            address: make(r"(?i)^(?:[a-z]+://|mailto:|(?:[\w-]+\.)+[a-z]{2,}/)\S*|\S+@\S+"),
            nobody: make(r"(?i)^(?:foto|photo|bild|getty|youtube|voir\b.*|see\b.*|dr|n/?a|divers|various|internet|agences?|agencies|code|tags?)$|^(?:foto|photo|bild|image)\s"),
            article: make(r"^(?:The|El|La|Le|Les|L[’']|Los|Las|Il|O|Die|Der|Das)\b.*\p{Lu}"),
        }
    })
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
