//! Who signed it: declared names, shown names, and their agreement.

use super::super::claim::{Byline, BylineKind, BylineRole};
use super::super::extract::{Declared, Key};
use super::super::page::Page;
use super::super::rules::fold;
use super::super::{names, reflow};
use super::{Declarations, byline, confirm, shown};

/// A name with where it is declared.
#[derive(Clone)]
struct Named<'d> {
    one: &'d Declared,
    name: String,
    kind: BylineKind,
}

/// Weighs the declared authors against the bylines that the rules found, and returns the bylines.
pub(in super::super) fn authors(
    page: &Page<'_>,
    declared: &Declarations<'_>,
    mut found: Vec<Byline>,
) -> Vec<Byline> {
    let family = |sources: &[&str]| -> Vec<Named<'_>> {
        let mut all: Vec<Named<'_>> = Vec::new();
        for one in declared.of(Key::Author).filter(|one| sources.contains(&one.source.as_str())) {
            for (name, kind) in people(page, declared, &one.value) {
                if kind != BylineKind::Organisation && !all.iter().any(|other| key(&other.name) == key(&name))
                {
                    all.push(Named { one, name, kind });
                }
            }
        }
        all
    };
    let linked = family(&["json-ld", "ninjs", "newsml", "nitf", "feed"]);
    let meta = family(&["meta", "opengraph", "dublin-core", "core-properties", "opf"]);
    let marked = marked(page, declared);
    let shown_names: Vec<String> = authors_of(&found).map(|byline| key(&byline.as_printed)).collect();
    let same = |one: &[Named<'_>], other: &[Named<'_>]| !one.is_empty() && keys(one) == keys(other);
    let as_shown = |one: &[Named<'_>]| !one.is_empty() && keys(one) == sorted(shown_names.clone());

    let chosen: &[Named<'_>] = if same(&linked, &meta) || same(&linked, &marked) || as_shown(&linked) {
        &linked
    } else if same(&marked, &meta) || as_shown(&marked) {
        &marked
    } else if as_shown(&meta) || (linked.is_empty() && labelled(declared, &meta)) {
        &meta
    } else if !linked.is_empty() {
        // The page may name one author more than its metadata do.
        let more = |other: &[Named<'_>]| {
            other.len() > linked.len() && linked.iter().all(|one| keys(other).contains(&key(&one.name)))
        };
        if more(&marked) { &marked } else { &linked }
    } else if !marked.is_empty() {
        &marked
    } else if !meta.is_empty() && shown_names.is_empty() {
        &meta
    } else {
        &[]
    };
    if chosen.is_empty() {
        let agency = declared
            .of(Key::Author)
            .any(|one| one.value.len() < 80 && !page.rules.bodies.agencies_in(&one.value).is_empty());
        if !agency && authors_of(&found).next().is_none() {
            found.extend(organisations(page, declared));
        }
        return found;
    }
    let mut out: Vec<Byline> = Vec::new();
    for named in chosen {
        let others = [&linked, &meta, &marked];
        let mut agrees: Vec<String> = Vec::new();
        for other in others.into_iter().flatten() {
            if key(&other.name) == key(&named.name)
                && other.one.source != named.one.source
                && !agrees.contains(&other.one.source)
            {
                agrees.push(other.one.source.clone());
            }
        }
        // A place in the text is the better evidence.
        if let Some(place) = found.iter().position(|byline| {
            byline.role == BylineRole::Author && key(&byline.as_printed) == key(&named.name)
        }) {
            let mut byline = found.remove(place);
            agrees.push(named.one.source.clone());
            confirm(&mut byline.evidence, agrees.into_iter().filter(|source| *source != shown()));
            out.push(byline);
        } else {
            out.push(byline(named.one, &named.name, named.kind, agrees));
        }
    }
    out.extend(found.into_iter().filter(|byline| byline.role != BylineRole::Author));
    out
}

fn authors_of(found: &[Byline]) -> impl Iterator<Item = &Byline> {
    found.iter().filter(|byline| byline.role == BylineRole::Author)
}

/// A name as it is compared: letters alone, in lower case.
fn key(name: &str) -> String {
    fold(name).chars().filter(|c| c.is_alphanumeric()).collect()
}

fn sorted(mut keys: Vec<String>) -> Vec<String> {
    keys.sort();
    keys.dedup();
    keys
}

fn keys(names: &[Named<'_>]) -> Vec<String> {
    sorted(names.iter().map(|named| key(&named.name)).collect())
}

/// True where an element that is labelled as the author's names all of these, whatever else stands in it.
fn labelled(declared: &Declarations<'_>, names: &[Named<'_>]) -> bool {
    let inside = |one: &Declared| {
        let value = key(&one.value);
        matches!(one.source.as_str(), "markup" | "rel-author" | "author-link" | "microdata")
            && names
                .iter()
                .all(|named| key(&named.name).chars().count() > 4 && value.contains(&key(&named.name)))
    };
    !names.is_empty() && declared.of(Key::Author).any(inside)
}

/// Returns the names that the page's markup labels: those of the first labelled element, and of its like that follow.
fn marked<'d>(page: &Page<'_>, declared: &Declarations<'d>) -> Vec<Named<'d>> {
    let mut all: Vec<Named<'d>> = Vec::new();
    let mut source: Option<(&str, &str)> = None;
    for one in declared
        .of(Key::Author)
        .filter(|one| matches!(one.source.as_str(), "markup" | "rel-author" | "author-link" | "microdata"))
    {
        // The same element may be labelled twice; another path is another article's author.
        if source.is_some_and(|first| first != (one.source.as_str(), one.path.as_str())) {
            continue;
        }
        let mut people = people(page, declared, &one.value);
        let single = people.len() == 1 && one.source != "markup";
        people.retain(|(name, kind)| *kind != BylineKind::Organisation && (single || is_capitalised(name)));
        if people.is_empty() {
            continue;
        }
        source.get_or_insert((&one.source, &one.path));
        for (name, kind) in people {
            if !all.iter().any(|other| key(&other.name) == key(&name)) {
                all.push(Named { one, name, kind });
            }
        }
        if all.len() >= 8 {
            break;
        }
    }
    all
}

/// Bodies that are said to be the author, and are no agencies.
fn organisations(page: &Page<'_>, declared: &Declarations<'_>) -> Vec<Byline> {
    let mut out: Vec<Byline> = Vec::new();
    let sources = ["json-ld", "meta", "dublin-core", "microdata", "rel-author"];
    let named = declared.all.iter().filter(|one| matches!(one.key, Key::AuthorOrganisation | Key::Author));
    for one in named.filter(|one| sources.contains(&one.source.as_str()) && is_name(one.value.trim())) {
        let body = one.key == Key::AuthorOrganisation
            || people(page, declared, &one.value).iter().any(|(_, kind)| *kind == BylineKind::Organisation);
        let agency = !page.rules.bodies.agencies_in(&one.value).is_empty();
        if body && !agency {
            out.push(byline(one, one.value.trim(), BylineKind::Organisation, Vec::new()));
            break;
        }
    }
    out
}

/// True where every word begins with a capital or is a small word of a name, or the script has no capitals.
fn is_capitalised(name: &str) -> bool {
    let small = [
        "de", "da", "do", "dos", "das", "di", "del", "della", "la", "le", "el", "al", "van", "von", "der",
        "den", "ter", "ten", "bin", "ibn", "ag", "ould", "y", "e", "af", "av", "zu", "und", "du", "des",
    ];
    name.split_whitespace().all(|word| small.contains(&word) || !word.starts_with(char::is_lowercase))
}

fn is_name(name: &str) -> bool {
    let length = name.chars().count();
    (2..=80).contains(&length)
        && name.chars().any(char::is_alphabetic)
        && !name.contains("://")
        && !name.contains('@')
}

/// Marks between names.
const BETWEEN: &[&str] = &[
    " and ", " und ", " et ", " y ", " e ", " och ", " og ", " en ", " i ", " и ", " та ", " ve ", " و ",
    " with ", " mit ", " avec ", " con ", " by ",
];

/// Words before names, in lower case.
#[rustfmt::skip]
const BEFORE: &[&str] = &[
    "by", "von", "par", "por", "di", "da", "av", "af", "door", "od", "text", "texte", "texto", "testo", "tekst", "story by", "written by", "posted by", "reported by",
    "published by", "words by", "autor", "autorin", "autoren", "autora", "autore", "auteur", "author", "authors", "reporter", "автор", "авторы", "текст", "文", "作者", "記者", "记者",
    "撰文", "yazan", "oleh", "بقلم", "كتب", "από", "skrevet av", "skriven av", "redaktion", "redazione", "redacción", "propos recueillis par", "un article de", "ein artikel von",
    "ein beitrag von", "eine analyse von", "ein kommentar von", "interview", "interview von", "kommentar von", "analyse von", "article by", "opinion by", "analysis by",
    "review by", "as told to", "a cura di", "di:", "de", "del", "texte par", "написал", "подготовил", "text von", "bericht von", "geschrieben von", "veröffentlicht von",
    "artikel von", "erstellt von", "gepostet von", "publié par", "rédigé par", "écrit par", "escrito por", "publicado por", "scritto da", "pubblicato da", "geplaatst door",
    "napisał", "autorzy", "zeige alle beiträge von", "alle beiträge von", "alle artikel von", "mehr von", "weitere artikel von", "view all posts by", "all posts by",
    "more posts by", "more by", "more from", "voir tous les articles de", "voir tous les articles par", "ver todas las entradas de", "ver todos os posts de", "vedi tutti gli articoli di",
    "all articles by", "all stories by", "view all articles by",
];

/// Words of buttons and labels that stand beside names.
#[rustfmt::skip]
const CALLS: &[&str] = &[
    "facebook", "twitter", "whatsapp", "telegram", "instagram", "linkedin", "e-mail", "email", "mail", "share", "follow", "view", "posts", "post", "posted", "published", "updated",
    "subscribe", "comments", "comment", "read", "min", "minutes", "print", "rss", "login", "sign", "about", "contact", "profile", "bio", "more", "all", "articles", "stories",
    "copy", "link", "save", "listen", "sdílet", "přihlaste", "teilen", "folgen", "artikel", "beiträge", "veröffentlicht", "geändert", "aktualisiert", "zuletzt", "nachricht",
    "nachrichten", "pressemitteilung", "wortlaut", "drucken", "lesezeit", "datum", "uhr", "stand", "kommentare", "kommentar", "partager", "publié", "publie", "modifié", "suivre",
    "lecture", "lire", "imprimer", "le", "compartir", "publicado", "seguir", "actualizado", "hace", "leer", "compartilhar", "atualizado", "condividi", "pubblicato", "udostępnij",
    "opublikowano", "del", "dela", "lees", "deel", "поделиться", "опубликовано", "обновлено", "paylaş", "güncelleme", "yayınlanma", "giriş", "شارك", "نشر",
];

/// What the names of firms end with.
const LEGAL_FORMS: [&str; 16] = [
    "GmbH", "mbH", "AG", "KG", "SE", "Ltd", "Ltd.", "LLC", "Inc", "Inc.", "PLC", "SARL", "SAS", "S.p.A.",
    "S.r.l.", "B.V.",
];

/// Reads the names of persons and desks in a declared value; agencies and the publisher's own name are left out.
fn people(page: &Page<'_>, declared: &Declarations<'_>, value: &str) -> Vec<(String, BylineKind)> {
    if value.contains("://") || value.starts_with("www.") || value.chars().count() > 300 {
        return Vec::new();
    }
    let publishers: Vec<String> = declared.of(Key::Publisher).map(|one| key(&one.value)).collect();
    let mut out = Vec::new();
    // `Verlag GmbH, Bremen, Germany`: a firm and where it sits.
    let firm = |part: &str| part.split([' ', ',']).any(|word| LEGAL_FORMS.contains(&word));
    let value = if firm(value) { value.split(',').find(|part| firm(part)).unwrap_or(value) } else { value };
    for segment in value
        .split(['|', '•', '·', ';', '/', '、', '，', '،', '\n', '–', '—', ',', '&', '(', ')', '•', '‧', '•'])
    {
        let mut parts = vec![segment];
        for mark in BETWEEN {
            parts = parts.into_iter().flat_map(|part| part.split(mark)).collect();
        }
        for part in parts {
            match person(page, part, &publishers, declared) {
                Part::Name(name, kind) => out.push((name, kind)),
                Part::Body(name) => out.push((name, BylineKind::Organisation)),
                Part::Nothing => {}
                // What follows is no name any more: a date, a call, a biography.
                Part::End => return out,
            }
        }
    }
    out
}

enum Part {
    Name(String, BylineKind),
    /// A body: the publisher itself, an outlet.
    Body(String),
    Nothing,
    End,
}

fn person(page: &Page<'_>, part: &str, publishers: &[String], declared: &Declarations<'_>) -> Part {
    let mut name = part.trim_matches(|c: char| !c.is_alphanumeric() && !reflow::is_mark(c) && c != '.');
    loop {
        let lower = name.to_lowercase();
        let cue = BEFORE.iter().filter(|cue| lower.starts_with(**cue)).max_by_key(|cue| cue.len());
        // A desk may sign with the word alone.
        let Some(cue) = cue.filter(|cue| lower.len() > cue.len()) else { break };
        let rest = &name[name.char_indices().nth(cue.chars().count()).map_or(name.len(), |(at, _)| at)..];
        let wide = cue.chars().any(|c| c > '\u{2e80}');
        if !(wide || rest.is_empty() || rest.starts_with([' ', ':', '：', '\u{a0}'])) {
            break;
        }
        name = rest.trim_matches(|c: char| !c.is_alphanumeric() && c != '.');
    }
    // `Awa Diallo @awad`: the account is another name for the same person.
    if let Some((front, _)) = name.split_once(" @") {
        name = front.trim_end();
    }
    // A date or a number begins: the name is over.
    let digits = name.find(|c: char| c.is_ascii_digit());
    let over = digits.is_some();
    if let Some(at) = digits {
        name = name[..at].trim_end_matches(|c: char| !c.is_alphanumeric() && c != '.');
    }
    let end = if over { Part::End } else { Part::Nothing };
    if !is_name(name) || name.chars().count() > 60 {
        return end;
    }
    let words: Vec<&str> = name.split_whitespace().collect();
    let folded = fold(name);
    if words.iter().any(|word| CALLS.contains(&fold(word).trim_end_matches(':'))) {
        return end;
    }
    let nobody = [
        "admin",
        "administrator",
        "webmaster",
        "wordpress",
        "root",
        "user",
        "guest",
        "anonymous",
        "editor",
        "null",
        "none",
        "undefined",
        "author",
        "unknown",
        "superuser",
        "author name",
        "name",
    ];
    if nobody.contains(&folded.as_str()) || folded.contains("admin") {
        return end;
    }
    if !page.rules.bodies.agencies_in(name).is_empty() {
        return Part::Nothing;
    }
    let own =
        publishers.contains(&key(name)) || declared.host.as_ref().is_some_and(|host| key(host) == key(name));
    let address = name.contains('.')
        && !name.contains(' ')
        && name
            .rsplit('.')
            .next()
            .is_some_and(|end| (2..=4).contains(&end.len()) && end.chars().all(|c| c.is_ascii_lowercase()))
        && name.len() > 6;
    if own || address || page.rules.bodies.knows(name) {
        return Part::Body(name.to_owned());
    }
    let job = |word: &&str| page.rules.words.jobs.iter().any(|job| *job == fold(word));
    if words.len() > 5 || words.iter().any(job) || day_word(page, &folded) {
        return if words.len() > 5 { Part::End } else { end };
    }
    Part::Name(name.to_owned(), names::kind_of(name, page.rules))
}

fn day_word(page: &Page<'_>, folded: &str) -> bool {
    let first = folded.split(' ').next().unwrap_or_default();
    page.rules.words.weekdays.contains(&first)
        || super::super::day::month(first).is_some() && folded.split(' ').count() == 1
}
