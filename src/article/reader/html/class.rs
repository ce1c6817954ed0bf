//! What class names, ids and roles of elements tell of their part in a page.
//!
//! Names are cut into words (`article-body`, `articleBody`, `article__body` are all *article, body*), so that `ad` is not
//! found in `header`. A word is a hint of the page's maker, never a proof: what it hides is weighed in `body`.

use std::collections::HashMap;

use html5ever::local_name;

use super::tree::{DOCUMENT, Id, Tree};

/// What an element's names say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Flags {
    /// Not shown.
    pub hidden: bool,
    /// Navigation, share buttons, forms, adverts, legal lines.
    pub clutter: bool,
    /// Other articles: teasers, related, most read.
    pub elsewhere: bool,
    /// Readers' comments.
    pub comment: bool,
    /// A picture's or a video's caption or credit.
    pub caption: bool,
    /// Names the author.
    pub byline: bool,
    /// Holds a date.
    pub date: bool,
    /// Holds the date of a change.
    pub updated: bool,
    /// Says of itself that its date is that of publication.
    pub published: bool,
    /// Holds the article's text.
    pub content: bool,
    /// About the author, after the text.
    pub biography: bool,
    /// A summary before the text.
    pub lead: bool,
}

/// The flags of all elements of a tree.
#[derive(Debug)]
pub(super) struct Classes {
    flags: Vec<Flags>,
}

impl Classes {
    /// Reads the names of all elements. Each distinct name is read once.
    pub(super) fn read(tree: &Tree) -> Classes {
        let mut flags = vec![Flags::default(); tree.len()];
        let mut known: HashMap<&str, Flags> = HashMap::new();
        for id in tree.subtree(DOCUMENT) {
            let Some(name) = tree.name(id) else { continue };
            let mut all = Flags::default();
            for attribute in
                ["class", "id", "itemprop", "data-testid", "data-component", "data-qa", "data-block"]
            {
                let Some(value) = tree.attribute(id, attribute).filter(|value| value.len() <= 2_000) else {
                    continue;
                };
                all.merge(*known.entry(value).or_insert_with(|| of_names(value)));
            }
            // `date updated published`: an article that was never changed.
            all.updated &= !all.published;
            by_element(tree, id, &mut all);
            // Whole pages carry classes of what they may contain: `has-sidebar`, `comments-open`.
            if matches!(
                *name,
                local_name!("html") | local_name!("body") | local_name!("main") | local_name!("article")
            ) {
                all = Flags { content: all.content, hidden: false, ..Flags::default() };
            }
            // The rows of a table are named by what they count: `player`, `sponsor`.
            if matches!(*name, local_name!("tr") | local_name!("td") | local_name!("th")) {
                all = Flags { hidden: all.hidden, content: all.content, ..Flags::default() };
            }
            flags[id] = all;
        }
        Classes { flags }
    }

    pub(super) fn of(&self, id: Id) -> Flags {
        self.flags[id]
    }
}

impl Flags {
    fn merge(&mut self, other: Flags) {
        self.hidden |= other.hidden;
        self.clutter |= other.clutter;
        self.elsewhere |= other.elsewhere;
        self.comment |= other.comment;
        self.caption |= other.caption;
        self.byline |= other.byline;
        self.date |= other.date;
        self.updated |= other.updated;
        self.published |= other.published;
        self.content |= other.content;
        self.biography |= other.biography;
        self.lead |= other.lead;
    }
}

fn by_element(tree: &Tree, id: Id, flags: &mut Flags) {
    let role = tree.attribute(id, "role").unwrap_or_default();
    flags.clutter |= matches!(
        role,
        "navigation"
            | "banner"
            | "search"
            | "menu"
            | "menubar"
            | "dialog"
            | "alertdialog"
            | "alert"
            | "tooltip"
            | "button"
            | "contentinfo"
    );
    let style = tree.attribute(id, "style").unwrap_or_default();
    if !style.is_empty() {
        let plain: String =
            style.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_lowercase();
        flags.hidden |= plain.contains("display:none") || plain.contains("visibility:hidden");
    }
    flags.hidden |=
        tree.attribute(id, "hidden").is_some() || tree.attribute(id, "aria-hidden") == Some("true");
    let Some(name) = tree.name(id) else { return };
    match *name {
        local_name!("nav")
        | local_name!("footer")
        | local_name!("form")
        | local_name!("menu")
        | local_name!("dialog") => {
            flags.clutter = true;
        }
        local_name!("figcaption") | local_name!("caption") => flags.caption = true,
        _ => {}
    }
}

/// Cuts a name into words in lower case.
fn words(names: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut lower_before = false;
    for c in names.chars() {
        if !c.is_ascii_alphanumeric() && c.is_ascii() {
            if !word.is_empty() {
                out.push(std::mem::take(&mut word));
            }
            lower_before = false;
            continue;
        }
        if c.is_ascii_uppercase() && lower_before && !word.is_empty() {
            out.push(std::mem::take(&mut word));
        }
        lower_before = c.is_ascii_lowercase() || c.is_ascii_digit();
        word.extend(c.to_lowercase());
    }
    if !word.is_empty() {
        out.push(word);
    }
    out
}

fn of_names(names: &str) -> Flags {
    let mut all = Flags::default();
    let read = |name: &str| {
        let name = words(name);
        let name: Vec<&str> = name.iter().map(String::as_str).collect();
        if name.is_empty() { Flags::default() } else { of_name(&name) }
    };
    for name in names.split_ascii_whitespace() {
        all.merge(read(name));
        // `article-title__author` is an author, in a block called title.
        if let Some((_, element)) = name.rsplit_once("__") {
            all.byline |= read(element.split("--").next().unwrap_or_default()).byline;
        }
    }
    all
}

/// Reads the words of one name.
fn of_name(name: &[&str]) -> Flags {
    let mut flags = Flags::default();
    // `has-…`, `no-…`, `with-…`: a state of something else.
    if matches!(name[0], "has" | "no" | "with" | "is" | "not" | "js" | "wp" | "without" | "supports" | "hide")
        && name.len() > 1
        && !matches!((name[0], name[1]), (_, "hidden") | ("wp", "caption"))
    {
        return flags;
    }
    // WordPress names the tags and categories of a post in its classes: `tag-sponsored`.
    if matches!(name[0], "tag" | "category" | "post" | "type" | "status" | "format")
        && name.len() > 1
        && !matches!(
            name[1],
            "content"
                | "body"
                | "text"
                | "entry"
                | "author"
                | "date"
                | "meta"
                | "navigation"
                | "nav"
                | "related"
                | "list"
                | "cloud"
                | "links"
                | "footer"
                | "tags"
        )
    {
        return flags;
    }
    let has = |words: &[&str]| name.iter().any(|word| words.contains(word));
    let pair = |one: &str, two: &[&str]| name.windows(2).any(|w| w[0] == one && two.contains(&w[1]));
    flags.hidden = matches!(name, ["hidden" | "invisible" | "offscreen" | "visuallyhidden" | "screenreader"])
        || pair("visually", &["hidden"])
        || pair("is", &["hidden"])
        || pair("sr", &["only"])
        || pair("screen", &["reader"])
        || pair("display", &["none"]);
    flags.comment = has(&[
        "comment",
        "comments",
        "disqus",
        "respond",
        "commentlist",
        "kommentare",
        "commentaires",
        "comentarios",
        "kommentar",
        "livefyre",
        "reactions",
    ]);
    flags.elsewhere = has(&[
        "related",
        "recommended",
        "recommendation",
        "recommendations",
        "recirculation",
        "recirc",
        "teaser",
        "teasers",
        "trending",
        "mostread",
        "popular",
        "outbrain",
        "taboola",
        "sidebar",
        "rail",
        "readmore",
        "similar",
        "suggested",
        "suggestions",
        "crosslinks",
        "backfill",
        "mehr",
        "verwandt",
        "lireaussi",
        "alsoread",
        "playlist",
        "carousel",
        "slider",
        "latest",
        "zergnet",
        "relatedposts",
        "weiterlesen",
        "jeg_postblock",
        "upnext",
        "morefrom",
        "relacionadas",
        "relacionados",
        "correlati",
        "ranking",
        "topstories",
    ]) || pair("read", &["more", "also", "next"])
        || pair("most", &["read", "popular", "viewed", "commented", "recent"])
        || pair("more", &["on", "from", "news", "stories", "articles", "like", "in", "to"])
        || pair("also", &["read", "like", "see"])
        || pair("see", &["also"])
        || pair("next", &["article", "post", "story"])
        || pair("lire", &["aussi", "plus"])
        || pair("you", &["may", "might"])
        || pair("link", &["list", "box"])
        || pair("top", &["stories", "news"])
        || pair("post", &["navigation", "nav", "related"]);
    let calls = has(&[
        "subscribe",
        "subscription",
        "newsletter",
        "sharing",
        "sharebar",
        "sharedaddy",
        "social",
        "signup",
        "cookie",
        "consent",
        "donate",
        "donation",
        "advertisement",
        "addtoany",
    ]);
    flags.clutter = calls
        || has(&[
            "nav",
            "navbar",
            "navigation",
            "menu",
            "breadcrumb",
            "breadcrumbs",
            "share",
            "sharing",
            "sharebar",
            "sharedaddy",
            "social",
            "socials",
            "newsletter",
            "subscribe",
            "subscription",
            "signup",
            "login",
            "cookie",
            "cookies",
            "consent",
            "gdpr",
            "banner",
            "advert",
            "advertisement",
            "advertising",
            "ads",
            "ad",
            "adsense",
            "adslot",
            "dfp",
            "sponsor",
            "sponsored",
            "promo",
            "promotion",
            "footer",
            "toolbar",
            "tags",
            "taglist",
            "popup",
            "modal",
            "overlay",
            "pagination",
            "pager",
            "rating",
            "ratings",
            "vote",
            "poll",
            "print",
            "copyright",
            "disclaimer",
            "donate",
            "donation",
            "addtoany",
            "addthis",
            "follow",
            "tooltip",
            "dropdown",
            "search",
            "werbung",
            "anzeige",
            "publicidad",
            "publicite",
            "pub",
            "reklama",
            "newsbox",
            "infobox",
            "factbox",
            "toc",
            "masthead",
            "skip",
            "bookmark",
            "player",
            "controls",
            "shareaholic",
            "jp",
            "meta-nav",
            "correction",
            "feedback",
            "topics",
            "keywords",
        ]) && !has(&["content", "article", "body", "text", "story", "entry"]);
    flags.caption = has(&[
        "caption",
        "captions",
        "figcaption",
        "bildunterschrift",
        "legende",
        "imgcredit",
        "photocredit",
        "bildtext",
        "copyrighttext",
    ]) || pair("photo", &["credit", "credits", "info", "by", "author", "legend"])
        || pair("image", &["credit", "info", "description", "copyright", "source", "text", "legend", "meta"])
        || pair("img", &["credit", "caption", "source", "description"])
        || pair("media", &["caption", "info", "credit", "description", "meta"])
        || pair("picture", &["credit", "copyright"])
        || has(&["credit", "credits"]) && !has(&["article", "author"]);
    flags.byline = has(&[
        "byline",
        "bylines",
        "byl",
        "authorname",
        "auteur",
        "autor",
        "autore",
        "autoren",
        "verfasser",
        "signature",
        "firma",
        "articleauthor",
        "writtenby",
        "postauthor",
        "redactor",
        "journalist",
        "reporter",
        "contributor",
        "contributors",
        "author",
        "authors",
    ]) && !has(&[
        "bio",
        "box",
        "photo",
        "image",
        "img",
        "avatar",
        "picture",
        "social",
        "description",
        "info",
        "about",
        "posts",
        "more",
        "twitter",
        "follow",
        "email",
        "icon",
        "date",
        "time",
        "title",
        "role",
        "job",
        "position",
        "desc",
        "list-item",
        "count",
    ]);
    flags.biography = (has(&["author", "authors", "autor", "auteur", "vcard", "writer"])
        && has(&["bio", "box", "about", "description", "info", "desc", "card", "biography", "profile"]))
        || has(&["biography", "authorbox", "aboutauthor", "authorbio"]);
    flags.date = (has(&[
        "date",
        "datum",
        "published",
        "pubdate",
        "timestamp",
        "datetime",
        "publishdate",
        "posted",
        "fecha",
        "data",
        "dates",
        "pubtime",
        "time",
    ]) || pair("publish", &["date", "time"]))
        && !has(&["picker", "update", "container", "wrapper", "module"]);
    flags.published = has(&["published", "publish", "pubdate", "publishdate"]);
    flags.updated = has(&["updated", "modified", "update", "lastmodified"]) && !flags.published;
    flags.content = (pair("article", &["body", "content", "text", "copy", "main", "detail", "inner"])
        || pair("post", &["content", "body", "entry", "text"])
        || pair("entry", &["content", "body", "text"])
        || pair("story", &["body", "content", "text", "copy"])
        || pair("body", &["copy", "text", "content"])
        || pair("news", &["body", "content", "text", "detail"])
        || pair("main", &["content", "text", "body"])
        || pair("content", &["body", "text", "main", "article"])
        || has(&[
            "articlebody",
            "articletext",
            "articlecontent",
            "storybody",
            "storytext",
            "postcontent",
            "entrycontent",
            "bodytext",
            "newsbody",
            "hentry",
            "storycontent",
        ]))
        && !has(&["meta", "header", "footer", "share", "sidebar", "related", "bottom", "tools", "title"]);
    flags.lead = has(&[
        "lead",
        "lede",
        "intro",
        "teasertext",
        "standfirst",
        "chapo",
        "summary",
        "subtitle",
        "subheadline",
        "dek",
        "deck",
        "excerpt",
        "abstract",
        "vorspann",
        "kicker",
        "entradilla",
        "subhead",
        "introduction",
        "ingress",
        "sapo",
    ]);
    flags
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cut_into_words() {
        assert_eq!(
            words("article-body articleBody a__b2 headerAd"),
            ["article", "body", "article", "body", "a", "b2", "header", "ad"]
        );
        assert!(of_names("article__body").content && of_names("articleBody").content);
        assert!(!of_names("header").clutter && of_names("top-ad").clutter);
        assert!(
            of_names("post-author").byline
                && !of_names("author-bio").byline
                && of_names("author-bio").biography
        );
        assert!(of_names("most-read").elsewhere && of_names("related-articles").elsewhere);
        assert_eq!(of_names("has-sidebar no-comments"), Flags::default());
    }
}
