//! The headline, and who publishes.

use super::super::authority::Authority;
use super::super::claim::{OriginKind, TextClaim};
use super::super::extract::{Declared, Key};
use super::super::rules::fold;
use super::{Declarations, evidence};
use crate::base::limits;

/// Marks that part a headline from the name of the site.
const PARTS: &[&str] = &[
    " | ", " – ", " — ", " - ", " :: ", " » ", " « ", " · ", " • ", " / ", ": ", " ‹ ", " › ", "｜", "_",
    " ~ ",
];

/// Words compared: letters and digits in lower case.
fn key(text: &str) -> String {
    fold(text).chars().filter(|c| c.is_alphanumeric()).collect()
}

/// Returns the headline: the heading that is shown where something declared agrees with it, else what is declared.
pub(in super::super) fn title(declared: &Declarations<'_>) -> Option<TextClaim> {
    let all: Vec<&Declared> =
        declared.of(Key::Title).filter(|one| one.value.chars().count() <= limits::CLAIM_MAX_CHARS).collect();
    let sites: Vec<String> = declared.of(Key::Publisher).map(|one| key(&one.value)).collect();
    let is_site = |text: &str| {
        let text = key(text);
        sites.contains(&text)
            || declared
                .host
                .as_ref()
                .is_some_and(|host| !text.is_empty() && key(host).starts_with(&text) && text.len() >= 4)
    };
    let headings: Vec<&Declared> =
        all.iter().copied().filter(|one| one.source == "h1" && !is_site(&one.value)).collect();
    let others: Vec<&Declared> =
        all.iter().copied().filter(|one| one.source != "h1" && !is_site(&one.value)).collect();
    let agrees = |value: &str, than: &str| -> Vec<String> {
        let wanted = key(value);
        let says = |one: &&&Declared| one.source != than && key(strip(&one.value, value, &is_site)) == wanted;
        let mut sources: Vec<String> = all.iter().filter(says).map(|one| one.source.clone()).collect();
        sources.dedup();
        sources
    };
    let near = |heading: &&&Declared| {
        others.iter().map(|one| likeness(&heading.value, &one.value)).fold(0.0, f64::max)
    };
    let heading = headings
        .iter()
        .find(|heading| !agrees(&heading.value, "h1").is_empty())
        .or_else(|| {
            headings
                .iter()
                .filter(|heading| near(heading) >= 0.4)
                .max_by(|one, other| near(one).total_cmp(&near(other)))
        })
        .or_else(|| {
            headings.first().filter(|one| {
                others.is_empty() || (headings.len() == 1 && one.value.split_whitespace().count() >= 3)
            })
        });
    if let Some(heading) = heading {
        // What is declared may part the line above the headline from it, or have it where the page shows it apart.
        let shown = key(&heading.value);
        let rank = |one: &Declared| {
            let whole = key(strip(&one.value, "", &is_site));
            let parted = one.value.contains([':', '–', '|']) || one.value.contains(" - ");
            match () {
                () if whole.len() > shown.len() && whole.ends_with(&shown) && parted => 3,
                () if key(&one.value) == shown => 2,
                () if whole.len() >= 12 && shown.len() > whole.len() && shown.ends_with(&whole) => 1,
                () => 0,
            }
        };
        // A line above the headline is believed where JSON-LD has it: elsewhere it is often the name of the site.
        let kicker = others.iter().any(|one| one.source == "json-ld" && rank(one) == 3);
        let better = others
            .iter()
            .filter(|one| matches!(one.source.as_str(), "json-ld" | "opengraph") && rank(one) > 0)
            .filter(|one| rank(one) < 3 || kicker)
            .max_by_key(|one| (rank(one), one.value.contains(':'), one.source == "json-ld"));
        let (one, value) = match better {
            Some(better) => (*better, strip(&better.value, "", &is_site).to_owned()),
            None => (*heading, heading.value.clone()),
        };
        let agrees = agrees(&value, &one.source);
        return Some(TextClaim { evidence: evidence("any.declared.title", one, &value, agrees), value });
    }
    let order = [
        "json-ld",
        "ninjs",
        "newsml",
        "feed",
        "mail-header",
        "microdata",
        "opengraph",
        "dublin-core",
        "meta",
        "core-properties",
        "opf",
        "title",
    ];
    let rank = |one: &&Declared| order.iter().position(|source| *source == one.source).unwrap_or(order.len());
    let best = others.iter().copied().min_by_key(rank)?;
    // A name of the site at the end goes where something else says what the headline is, or the name is known.
    let shorter =
        others.iter().map(|one| strip(&best.value, &one.value, &is_site)).min_by_key(|value| value.len());
    let value = shorter.unwrap_or(&best.value);
    let agrees = agrees(value, &best.source);
    Some(TextClaim { value: value.to_owned(), evidence: evidence("any.declared.title", best, value, agrees) })
}

/// True for what a program wrote into a file beside its text.
fn is_of_file(one: &Declared) -> bool {
    matches!(one.source.as_str(), "pdf-info" | "core-properties")
}

/// Returns the title that a file's properties give, unless it is a file's name.
pub(in super::super) fn title_of_file(declared: &Declarations<'_>) -> Option<TextClaim> {
    let is_name = |value: &str| {
        let end = value.rsplit_once('.').map_or("", |(_, end)| end);
        (2..=5).contains(&end.len())
            && end.chars().all(|c| c.is_ascii_alphanumeric())
            && !value.ends_with(' ')
    };
    let fits = |one: &&Declared| one.value.chars().count() <= limits::CLAIM_MAX_CHARS && !is_name(&one.value);
    let one = declared.of(Key::Title).filter(|one| is_of_file(one)).find(fits)?;
    let evidence = evidence("any.declared.title", one, &one.value, Vec::new());
    Some(TextClaim { value: one.value.clone(), evidence })
}

/// Takes the name of the site off a title: what stands behind or before a mark and is a site's name, or is all that
/// parts it from `other`.
fn strip<'t>(title: &'t str, other: &str, is_site: &impl Fn(&str) -> bool) -> &'t str {
    let other = Some(key(other)).filter(|other| !other.is_empty());
    let is_other = |part: &str| other.as_ref() == Some(&key(part));
    for mark in PARTS {
        if let Some((front, back)) = title.rsplit_once(mark)
            && (is_other(front) || is_site(back))
        {
            return front.trim();
        }
        if let Some((front, back)) = title.split_once(mark) {
            if is_other(front) {
                return front.trim();
            }
            if is_other(back) || is_site(front) {
                return back.trim();
            }
        }
    }
    title
}

/// Share of words that two titles have in common, 0 to 1.
fn likeness(one: &str, other: &str) -> f64 {
    let words = |text: &str| -> std::collections::BTreeSet<String> {
        let wide = |c: char| c > '\u{2e80}';
        let folded = fold(text);
        let plain = folded
            .split(|c: char| !c.is_alphanumeric() || wide(c))
            .filter(|word| !word.is_empty())
            .map(str::to_owned);
        plain.chain(folded.chars().filter(|c| wide(*c) && c.is_alphanumeric()).map(String::from)).collect()
    };
    let (one, other) = (words(one), words(other));
    let smaller = one.len().min(other.len()).max(1);
    one.intersection(&other).count() as f64 / smaller as f64
}

/// Returns who publishes this copy.
pub(in super::super) fn publisher(declared: &Declarations<'_>) -> Option<TextClaim> {
    let all: Vec<&Declared> = declared
        .of(Key::Publisher)
        .filter(|one| !one.value.contains("://") && one.value.chars().count() <= 80)
        .collect();
    let order =
        ["opengraph", "json-ld", "microdata", "feed", "newsml", "ninjs", "dublin-core", "meta", "opf"];
    let rank = |one: &&Declared| order.iter().position(|source| *source == one.source);
    let sources = |one: &Declared| -> Vec<String> {
        let mut sources: Vec<String> = all
            .iter()
            .filter(|other| other.source != one.source && key(&other.value) == key(&one.value))
            .map(|other| other.source.clone())
            .collect();
        sources.dedup();
        sources
    };
    let best = all
        .iter()
        .copied()
        .filter(|one| rank(one).is_some() && !one.value.starts_with('@'))
        .min_by_key(|one| (usize::MAX - sources(one).len(), rank(one)))?;
    let agrees = sources(best);
    // Where the authority file has the site, its label is the name: pages spell their own in many ways.
    let authority = Authority::builtin();
    let known =
        declared.host.as_ref().and_then(|host| authority.at(host)).or_else(|| authority.find(&best.value));
    let value = known
        .filter(|body| body.kind() == OriginKind::Outlet)
        .map_or(best.value.as_str(), |body| body.label(None));
    Some(TextClaim {
        value: value.to_owned(),
        evidence: evidence("any.declared.publisher", best, &best.value, agrees),
    })
}
