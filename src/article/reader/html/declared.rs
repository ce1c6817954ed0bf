//! What a page declares of itself: `<meta>`, `<link>`, microdata, and markup that names a byline or a date.

use std::ops::Range;

use html5ever::{LocalName, local_name};

use crate::article::day;
use crate::article::extract::{Declared, Key};
use crate::base::limits;

use super::class::Classes;
use super::entities;
use super::tree::{DOCUMENT, Id, Tree, squeeze};

/// Names of `<meta>` elements, in lower case: what they say, and in which vocabulary.
const META: &[(&str, Key, &str)] = &[
    ("og:title", Key::Title, "opengraph"),
    ("og:site_name", Key::Publisher, "opengraph"),
    ("og:locale", Key::Language, "opengraph"),
    ("og:url", Key::Url, "opengraph"),
    ("og:type", Key::Kind, "opengraph"),
    ("og:description", Key::Description, "opengraph"),
    ("og:article:author", Key::Author, "opengraph"),
    ("article:author", Key::Author, "opengraph"),
    ("article:author_name", Key::Author, "opengraph"),
    ("article:published_time", Key::Published, "opengraph"),
    ("article:published", Key::Published, "opengraph"),
    ("article:publication_date", Key::Published, "opengraph"),
    ("og:article:published_time", Key::Published, "opengraph"),
    ("og:published_time", Key::Published, "opengraph"),
    ("article:modified_time", Key::Modified, "opengraph"),
    ("og:updated_time", Key::Modified, "opengraph"),
    ("og:article:modified_time", Key::Modified, "opengraph"),
    ("dc.title", Key::Title, "dublin-core"),
    ("dcterms.title", Key::Title, "dublin-core"),
    ("dc.creator", Key::Author, "dublin-core"),
    ("dcterms.creator", Key::Author, "dublin-core"),
    ("dc.creator.aut", Key::Author, "dublin-core"),
    ("dc.date", Key::Published, "dublin-core"),
    ("dc.date.issued", Key::Published, "dublin-core"),
    ("dc.date.created", Key::Published, "dublin-core"),
    ("dcterms.date", Key::Published, "dublin-core"),
    ("dcterms.created", Key::Published, "dublin-core"),
    ("dcterms.issued", Key::Published, "dublin-core"),
    ("dcterms.modified", Key::Modified, "dublin-core"),
    ("dc.language", Key::Language, "dublin-core"),
    ("dcterms.language", Key::Language, "dublin-core"),
    ("dc.publisher", Key::Publisher, "dublin-core"),
    ("dcterms.publisher", Key::Publisher, "dublin-core"),
    ("dc.source", Key::Origin, "dublin-core"),
    ("dcterms.source", Key::Origin, "dublin-core"),
    ("author", Key::Author, "meta"),
    ("authors", Key::Author, "meta"),
    ("byl", Key::Author, "meta"),
    ("byline", Key::Author, "meta"),
    ("parsely-author", Key::Author, "meta"),
    ("sailthru.author", Key::Author, "meta"),
    ("citation_author", Key::Author, "meta"),
    ("article.author", Key::Author, "meta"),
    ("article-author", Key::Author, "meta"),
    ("cxenseparse:author", Key::Author, "meta"),
    ("cxenseparse:recs:articleauthor", Key::Author, "meta"),
    ("rnews:author", Key::Author, "meta"),
    ("vr:author", Key::Author, "meta"),
    ("parsely-title", Key::Title, "meta"),
    ("sailthru.title", Key::Title, "meta"),
    ("citation_title", Key::Title, "meta"),
    ("headline", Key::Title, "meta"),
    ("title", Key::Title, "meta"),
    ("twitter:title", Key::Title, "meta"),
    ("parsely-pub-date", Key::Published, "meta"),
    ("sailthru.date", Key::Published, "meta"),
    ("citation_publication_date", Key::Published, "meta"),
    ("citation_date", Key::Published, "meta"),
    ("pubdate", Key::Published, "meta"),
    ("publishdate", Key::Published, "meta"),
    ("publish_date", Key::Published, "meta"),
    ("publish-date", Key::Published, "meta"),
    ("published-date", Key::Published, "meta"),
    ("published_date", Key::Published, "meta"),
    ("publication_date", Key::Published, "meta"),
    ("publication-date", Key::Published, "meta"),
    ("published_time", Key::Published, "meta"),
    ("publishtime", Key::Published, "meta"),
    ("published", Key::Published, "meta"),
    ("datepublished", Key::Published, "meta"),
    ("date_published", Key::Published, "meta"),
    ("article_date_original", Key::Published, "meta"),
    ("article.published", Key::Published, "meta"),
    ("article.created", Key::Published, "meta"),
    ("originalpublicationdate", Key::Published, "meta"),
    ("ptime", Key::Published, "meta"),
    ("displaydate", Key::Published, "meta"),
    ("cxenseparse:recs:publishtime", Key::Published, "meta"),
    ("cxenseparse:publishtime", Key::Published, "meta"),
    ("date", Key::Published, "meta"),
    ("created", Key::Published, "meta"),
    ("article_date_updated", Key::Modified, "meta"),
    ("last-modified", Key::Modified, "meta"),
    ("lastmod", Key::Modified, "meta"),
    ("modified", Key::Modified, "meta"),
    ("article.updated", Key::Modified, "meta"),
    ("revised", Key::Modified, "meta"),
    ("application-name", Key::Publisher, "meta"),
    ("apple-mobile-web-app-title", Key::Publisher, "meta"),
    ("cre", Key::Publisher, "meta"),
    ("publisher", Key::Publisher, "meta"),
    ("twitter:site", Key::Publisher, "twitter"),
    ("copyright", Key::Publisher, "copyright"),
    ("source", Key::Origin, "meta"),
    ("news_source", Key::Origin, "meta"),
    ("original-source", Key::Origin, "meta"),
    ("syndication-source", Key::Origin, "meta"),
    ("content-language", Key::Language, "meta"),
    ("language", Key::Language, "meta"),
    ("lang", Key::Language, "meta"),
    ("description", Key::Description, "meta"),
];

/// Reads `<meta>`, `<link>`, `<title>` and `<html lang>`.
pub(super) fn head(tree: &Tree) -> Vec<Declared> {
    let mut out = Vec::new();
    let mut titled = false;
    let mut label = None;
    for id in tree.subtree(DOCUMENT) {
        let Some(name) = tree.name(id) else { continue };
        match *name {
            local_name!("meta") => {
                meta(tree, id, &mut out);
                labelled(tree, id, &mut label, &mut out);
            }
            local_name!("html") => {
                push(Key::Language, "html", "html[lang]", tree.attribute(id, "lang"), &mut out)
            }
            local_name!("link") if has_word(tree.attribute(id, "rel"), "canonical") => {
                push(Key::Url, "link", "link[rel=\"canonical\"]", tree.attribute(id, "href"), &mut out);
            }
            local_name!("title") if !titled && !within(tree, id, &local_name!("svg")) => {
                titled = true;
                push(Key::Title, "title", "title", Some(&tree.words(id)), &mut out);
            }
            _ => {}
        }
        if out.len() >= limits::DECLARED_MAX {
            break;
        }
    }
    out
}

fn meta(tree: &Tree, id: Id, out: &mut Vec<Declared>) {
    let Some(content) = tree.attribute(id, "content") else { return };
    for attribute in ["property", "name", "http-equiv", "itemprop"] {
        let Some(named) = tree.attribute(id, attribute) else { continue };
        let lower = named.trim().to_ascii_lowercase();
        let plain = lower.replace("dc:", "dc.").replace("dcterms:", "dcterms.");
        if let Some((_, key, source)) = META.iter().find(|(name, ..)| *name == plain) {
            push(*key, source, &format!("meta[{attribute}=\"{}\"]", named.trim()), Some(content), out);
            return;
        }
    }
}

/// What blog software calls the author in `twitter:label1`, in lower case.
#[rustfmt::skip]
const AUTHOR_LABELS: &[&str] = &[
    "written by", "author", "verfasst von", "geschrieben von", "autor", "écrit par", "rédigé par", "auteur", "escrito por", "autora", "scritto da", "autore",
    "geschreven door", "skriven av", "skrevet av", "skrevet af", "kirjoittanut", "napisane przez", "napisał", "autorem je", "napsal(a)", "yazan", "написано автором",
    "автор", "автор:", "ditulis oleh", "được viết bởi", "tác giả", "scris de", "γράφτηκε από", "συντάχθηκε από", "írta", "szerző:", "작성자", "글쓴이", "執筆者", "作者", "撰寫者",
    "נכתב על ידי", "كُتب بواسطة", "كتب بواسطة", "نوشته شده توسط", "เขียนโดย", "escrit per", "napisao",
];

/// Reads the pair `twitter:label1`, `twitter:data1`, in which blog software names the author.
fn labelled(tree: &Tree, id: Id, label: &mut Option<String>, out: &mut Vec<Declared>) {
    let Some(name) = tree.attribute(id, "name") else { return };
    let Some(content) = tree.attribute(id, "content") else { return };
    if let Some(number) = name.strip_prefix("twitter:label") {
        let is_author = AUTHOR_LABELS.contains(&content.trim().to_lowercase().as_str());
        *label = is_author.then(|| format!("twitter:data{number}"));
    } else if label.as_deref() == Some(name) {
        push(Key::Author, "meta", &format!("meta[name=\"{name}\"]"), Some(content), out);
    }
}

/// Names under which scripts of pages keep the day of publication, in lower case without marks.
const SCRIPT_DATES: &[&str] = &[
    "datepublished",
    "publishdate",
    "publisheddate",
    "publishedat",
    "publishedtime",
    "pubdate",
    "publicationdate",
    "publishtime",
    "firstpublished",
    "firstpublishedat",
    "firstpublisheddate",
    "datepublication",
    "articlepublishdate",
    "publishedon",
    "articledate",
    "contentpublisheddate",
    "publishedtimestamp",
];
/// Bytes of scripts in which they are looked for.
const SCRIPTS_MAX_BYTES: usize = 1024 * 1024;

/// Reads the first day of publication that a script of the page keeps for its own use.
pub(super) fn scripts(tree: &Tree, out: &mut Vec<Declared>) {
    let mut left = SCRIPTS_MAX_BYTES;
    for id in tree.subtree(DOCUMENT).filter(|id| tree.is(*id, &local_name!("script"))) {
        let linked = tree.attribute(id, "type").is_some_and(|kind| kind.contains("ld+json"));
        let Some(text) = tree.children(id).next().and_then(|child| tree.text(child)).filter(|_| !linked)
        else {
            continue;
        };
        if text.len() > left {
            return;
        }
        left -= text.len();
        let mut words = text.split('"');
        let mut name = String::new();
        while let Some(word) = words.next() {
            if name.is_empty() || !word.trim().trim_matches('\\').trim_start().starts_with([':', '=']) {
                name = word
                    .chars()
                    .filter(char::is_ascii_alphabetic)
                    .take(30)
                    .collect::<String>()
                    .to_ascii_lowercase();
                continue;
            }
            let known = SCRIPT_DATES.contains(&name.as_str());
            name.clear();
            let Some(value) = words.next().filter(|_| known) else { continue };
            if value.len() <= 60 && value.chars().filter(char::is_ascii_digit).count() >= 6 {
                return push(Key::Published, "script", "script", Some(value), out);
            }
        }
    }
}

/// Terms of schema.org in microdata and RDFa that say something of the article.
const PROPERTIES: &[(&str, Key)] = &[
    ("headline", Key::Title),
    ("author", Key::Author),
    ("creator", Key::Author),
    ("datepublished", Key::Published),
    ("datecreated", Key::Published),
    ("datemodified", Key::Modified),
    ("publisher", Key::Publisher),
    ("sourceorganization", Key::Origin),
    ("inlanguage", Key::Language),
];

/// Reads microdata, `rel=author`, and elements whose class names a byline. What stands in comments, teasers and lists of
/// other articles is passed over. What stands in `article` comes first, then what follows it, then what precedes it.
pub(super) fn markup(tree: &Tree, classes: &Classes, article: Range<Id>, out: &mut Vec<Declared>) {
    let mut found: Vec<(Id, Declared)> = Vec::new();
    collect(tree, classes, &mut found);
    let place = |id: Id| match id {
        id if article.contains(&id) => 0,
        id if id >= article.end => 1,
        _ => 2,
    };
    found.sort_by_key(|(id, _)| place(*id));
    let room = limits::DECLARED_MAX.saturating_sub(out.len());
    out.extend(found.into_iter().map(|(_, one)| one).take(room));
}

fn collect(tree: &Tree, classes: &Classes, found: &mut Vec<(Id, Declared)>) {
    let mut at = Some(DOCUMENT);
    while let Some(id) = at {
        let flags = classes.of(id);
        let skip = flags.elsewhere || flags.comment;
        if !skip && let Some(name) = tree.name(id) {
            let mut out = Vec::new();
            element(tree, classes, id, name, &mut out);
            found.extend(out.into_iter().map(|one| (id, one)));
            if found.len() >= limits::DECLARED_MAX {
                return;
            }
        }
        at = tree.after(id, DOCUMENT, skip);
    }
}

/// Characters of an element that holds a day and little else, and nodes before and after the article in which it is looked
/// for.
const DAY_MAX_CHARS: usize = 60;
const DAY_NEAR: usize = 600;

/// Reads the day that stands alone in an element nearest to the article's beginning. For pages that declare none.
pub(super) fn day_near(tree: &Tree, classes: &Classes, article: Range<Id>, out: &mut Vec<Declared>) {
    let aside = |id: Id| {
        let flags = classes.of(id);
        flags.hidden
            || flags.elsewhere
            || flags.comment
            || flags.caption
            || tree.is(id, &local_name!("aside"))
    };
    let alone = |id: &Id| {
        let text = tree.text(*id)?.trim();
        let digits = text.chars().filter(|c| c.is_numeric()).count();
        if digits < 4 || text.chars().count() > DAY_MAX_CHARS {
            return None;
        }
        let holder = tree.parent(*id)?;
        let words = short_words(tree, holder)?;
        day::day(&words, day::Order::DayFirst)?;
        (!std::iter::once(holder).chain(tree.ancestors(holder)).any(aside)).then_some((holder, words))
    };
    let near = article.start.saturating_sub(DAY_NEAR)..article.end.saturating_add(DAY_NEAR);
    let in_order = tree.subtree(DOCUMENT).filter(|id| near.contains(id));
    // Below the title is where it belongs; above it, a page may say what day it is today.
    let distance = |id: &Id| match id.checked_sub(article.start) {
        Some(below) => below,
        None => 2 * (article.start - id),
    };
    if let Some((id, words)) = in_order.filter_map(|id| alone(&id)).min_by_key(|(id, _)| distance(id)) {
        push(Key::Published, "markup", &path(tree, id), Some(&words), out);
    }
}

/// Returns the words of an element that has few.
fn short_words(tree: &Tree, id: Id) -> Option<String> {
    let mut words = String::new();
    for id in tree.subtree(id).take(12) {
        if let Some(text) = tree.text(id) {
            words.push_str(text);
            words.push(' ');
        }
        if words.len() > 6 * DAY_MAX_CHARS {
            return None;
        }
    }
    let words = squeeze(&words);
    (words.chars().count() <= DAY_MAX_CHARS).then_some(words)
}

fn element(tree: &Tree, classes: &Classes, id: Id, name: &LocalName, out: &mut Vec<Declared>) {
    let path = || path(tree, id);
    if let Some(property) = tree.attribute(id, "itemprop") {
        for word in property.split_ascii_whitespace() {
            let lower = word.to_ascii_lowercase();
            if let Some((_, key)) = PROPERTIES.iter().find(|(term, _)| *term == lower) {
                push(*key, "microdata", &path(), Some(&property_value(tree, id, *key)), out);
            }
        }
    }
    if has_word(tree.attribute(id, "rel"), "author") && *name == local_name!("a") {
        push(Key::Author, "rel-author", &path(), Some(&tree.words_apart(id)), out);
    }
    if *name == local_name!("a") && leads_to_author(tree.attribute(id, "href")) {
        push(Key::Author, "author-link", &path(), Some(&tree.words_apart(id)), out);
    }
    if classes.of(id).byline
        && *name != local_name!("img")
        && !tree.ancestors(id).take(6).any(|up| classes.of(up).byline)
    {
        push(Key::Author, "markup", &path(), Some(&tree.words_apart(id)), out);
    }
    if *name == local_name!("h1") && !classes.of(id).hidden {
        push(Key::Title, "h1", &path(), Some(&tree.words(id)), out);
    }
    if *name == local_name!("time") || classes.of(id).date {
        let value = tree.attribute(id, "datetime").or(tree.attribute(id, "content")).map(str::to_owned);
        let value = value
            .filter(|value| value.chars().any(|c| c.is_ascii_digit()))
            .unwrap_or_else(|| tree.words_apart(id));
        let flags = classes.of(id);
        let key = if flags.updated { Key::Modified } else { Key::Published };
        if value.chars().count() <= 120 {
            push(
                key,
                if *name == local_name!("time") { "time" } else { "markup" },
                &path(),
                Some(&value),
                out,
            );
        }
    }
}

/// True for the address of an author's page: `…/author/awa-diallo/`.
fn leads_to_author(address: Option<&str>) -> bool {
    const FOLDERS: &[&str] = &[
        "author",
        "authors",
        "autor",
        "autoren",
        "autores",
        "auteur",
        "auteurs",
        "autore",
        "autori",
        "redakteur",
        "redakteure",
        "journalist",
        "journaliste",
        "journalistes",
        "contributor",
        "contributors",
        "by",
        "byline",
        "writer",
        "writers",
        "forfatter",
        "yazar",
        "yazarlar",
        "penulis",
    ];
    let Some(address) = address.filter(|address| address.len() <= 300) else { return false };
    let path = address
        .split_once("://")
        .map_or(address, |(_, rest)| rest.split_once('/').map_or("", |(_, path)| path));
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    // A folder of authors has one of them in it, and nothing below.
    matches!(parts.as_slice(), [.., folder, one] if FOLDERS.contains(&folder.to_ascii_lowercase().as_str())
        && one.chars().any(char::is_alphabetic))
}

/// Returns the value of a microdata property: `content`, `datetime`, the names inside, or the words.
fn property_value(tree: &Tree, id: Id, key: Key) -> String {
    for attribute in ["content", "datetime"] {
        if let Some(value) = tree.attribute(id, attribute).filter(|value| !value.trim().is_empty()) {
            return value.to_owned();
        }
    }
    if matches!(key, Key::Author | Key::Publisher) {
        let inner =
            tree.subtree(id).skip(1).find(|inner| has_word(tree.attribute(*inner, "itemprop"), "name"));
        if let Some(inner) = inner {
            return tree.attribute(inner, "content").map_or_else(|| tree.words_apart(inner), str::to_owned);
        }
    }
    tree.words_apart(id)
}

/// Returns a short CSS path to an element: for a reader, and for an auditor who extracts again.
pub(super) fn path(tree: &Tree, id: Id) -> String {
    let part = |id: Id| {
        let name = tree.name(id).map_or("", |name| name);
        let class = tree.attribute(id, "class").and_then(|class| class.split_ascii_whitespace().next());
        match (tree.attribute(id, "id"), class) {
            (Some(own), _) if !own.is_empty() => format!("{name}#{}", own.trim()),
            (_, Some(class)) => format!("{name}.{class}"),
            _ => name.to_owned(),
        }
    };
    let up = tree.parent(id).filter(|up| tree.name(*up).is_some());
    let path = match up {
        Some(up) => format!("{} > {}", part(up), part(id)),
        None => part(id),
    };
    path.chars().take(200).collect()
}

pub(super) fn push(key: Key, source: &str, path: &str, value: Option<&str>, out: &mut Vec<Declared>) {
    let value = squeeze(&entities::decode(value.unwrap_or_default()));
    if !value.is_empty()
        && value.chars().count() <= limits::DECLARED_MAX_CHARS
        && out.len() < limits::DECLARED_MAX
    {
        out.push(Declared { key, source: source.to_owned(), path: path.to_owned(), value });
    }
}

fn has_word(value: Option<&str>, word: &str) -> bool {
    value.is_some_and(|value| value.split_ascii_whitespace().any(|one| one.eq_ignore_ascii_case(word)))
}

fn within(tree: &Tree, id: Id, name: &LocalName) -> bool {
    tree.ancestors(id).any(|up| tree.is(up, name))
}
