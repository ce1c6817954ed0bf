//! JSON-LD in a page: the node that describes the article, as schema.org has it.
//!
//! ```text
//! <script type="application/ld+json">
//! {"@type": "NewsArticle", "headline": "…", "author": [{"@type": "Person", "name": "Awa Diallo"}], "datePublished": "…"}
//! </script>
//! ```
//!
//! It is read as JSON, not expanded: only terms of schema.org by their short names, `@graph`, and `@id` within the page.

use serde_json::{Map, Value};

use crate::article::extract::{Declared, Key};
use crate::base::limits;

use super::entities;

/// Nodes that are looked at in one page.
const NODES_MAX: usize = 2_000;
/// Values taken of one property.
const VALUES_MAX: usize = 32;

/// What the page's JSON-LD say of the article.
#[derive(Debug, Default)]
pub(super) struct Linked {
    /// What is declared, in the order of the properties below.
    pub declared: Vec<Declared>,
    /// The article's text, where it is given: a guide to where it stands in the page.
    pub body: Option<String>,
}

/// Reads all scripts of a page, `(number, text)` each.
pub(super) fn read(scripts: &[(usize, String)]) -> Linked {
    let documents: Vec<(usize, Value)> =
        scripts.iter().filter_map(|(number, text)| Some((*number, parse(text)?))).collect();
    let mut nodes = Vec::new();
    for (number, document) in &documents {
        collect(document, format!("script[{number}]"), &mut nodes, 0);
    }
    let best = nodes.iter().enumerate().max_by_key(|(at, node)| (rank(node.object), usize::MAX - at));
    let mut linked = Linked::default();
    if let Some((_, article)) = best.filter(|(_, node)| rank(node.object) > 0) {
        describe(article, &nodes, &mut linked);
    }
    for node in &nodes {
        if is_type(node.object, "WebSite") {
            value_of(
                node.object,
                "name",
                &format!("{}/WebSite", node.path),
                Key::Publisher,
                &mut linked.declared,
            );
        }
    }
    linked
}

struct Node<'d> {
    path: String,
    object: &'d Map<String, Value>,
}

/// Parses leniently: pages wrap the JSON in comments, leave raw line breaks in strings, and end lists with commas.
fn parse(text: &str) -> Option<Value> {
    let text = text.trim().trim_start_matches("<!--").trim_end_matches("-->");
    let text = text
        .trim()
        .trim_start_matches("//")
        .trim_start_matches("<![CDATA[")
        .trim_start_matches("/*<![CDATA[*/");
    let text = text.trim().trim_end_matches("/*]]>*/").trim_end_matches("]]>").trim().trim_end_matches("//");
    let text = text.trim().trim_end_matches(';');
    if text.len() > limits::HTML_MAX_BYTES {
        return None;
    }
    serde_json::from_str(text).ok().or_else(|| serde_json::from_str(&repaired(text)).ok())
}

/// Makes control characters in strings spaces, and drops commas before a closing bracket.
fn repaired(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut inside, mut escaped) = (false, false);
    for c in text.chars() {
        if inside {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => inside = false,
                _ => {}
            }
            out.push(if c.is_control() { ' ' } else { c });
            continue;
        }
        match c {
            '"' => inside = true,
            '}' | ']' => {
                let end = out.trim_end().len();
                if out[..end].ends_with(',') {
                    out.truncate(end - 1);
                }
            }
            _ => {}
        }
        out.push(c);
    }
    out
}

/// Collects the nodes at the top of a document, in its graph, and those that a page says it is about.
fn collect<'d>(value: &'d Value, path: String, nodes: &mut Vec<Node<'d>>, depth: usize) {
    if nodes.len() >= NODES_MAX || depth > 4 {
        return;
    }
    match value {
        Value::Array(values) => {
            for (at, value) in values.iter().enumerate() {
                collect(value, format!("{path}/{at}"), nodes, depth + 1);
            }
        }
        Value::Object(object) => {
            if object.contains_key("@type") {
                nodes.push(Node { path: path.clone(), object });
            }
            for term in ["@graph", "mainEntity", "mainEntityOfPage"] {
                if let Some(value) = object.get(term) {
                    collect(value, format!("{path}/{term}"), nodes, depth + 1);
                }
            }
        }
        _ => {}
    }
}

fn types(object: &Map<String, Value>) -> Vec<&str> {
    let name = |value: &'_ Value| value.as_str().map(str::len).is_some();
    match object.get("@type") {
        Some(Value::String(one)) => vec![short(one)],
        Some(Value::Array(all)) => {
            all.iter().filter(|v| name(v)).filter_map(Value::as_str).map(short).collect()
        }
        _ => Vec::new(),
    }
}

fn short(name: &str) -> &str {
    name.rsplit(['/', '#', ':']).next().unwrap_or(name)
}

fn is_type(object: &Map<String, Value>, wanted: &str) -> bool {
    types(object).iter().any(|name| name.eq_ignore_ascii_case(wanted))
}

/// Returns how likely the node describes the article: 0 for never.
fn rank(object: &Map<String, Value>) -> u8 {
    let of = |name: &&str| match *name {
        "WebPage" | "ItemPage" | "AboutPage" | "MediaObject" | "VideoObject" | "CreativeWork" | "Product"
        | "Recipe" => 1,
        "Review" | "Report" | "SocialMediaPosting" | "Event" => 2,
        name if name.ends_with("Article") || name.ends_with("Posting") => 4,
        _ => 0,
    };
    let rank = types(object).iter().map(of).max().unwrap_or(0);
    // A description without headline, author and date is of something else.
    let says =
        ["headline", "author", "datePublished"].iter().filter(|term| object.contains_key(**term)).count();
    if rank > 0 && says == 0 { 0 } else { rank }
}

fn describe(node: &Node<'_>, nodes: &[Node<'_>], linked: &mut Linked) {
    let (object, path) = (node.object, &node.path);
    let out = &mut linked.declared;
    value_of(object, "headline", path, Key::Title, out);
    if !out.iter().any(|one| one.key == Key::Title) {
        value_of(object, "name", path, Key::Title, out);
    }
    for term in ["author", "creator"] {
        if !out.iter().any(|one| matches!(one.key, Key::Author | Key::AuthorOrganisation)) {
            bodies(object.get(term), &format!("{path}/{term}"), nodes, Some(Key::Author), out, 0);
        }
    }
    bodies(object.get("publisher"), &format!("{path}/publisher"), nodes, Some(Key::Publisher), out, 0);
    for term in ["sourceOrganization", "provider"] {
        bodies(object.get(term), &format!("{path}/{term}"), nodes, Some(Key::Origin), out, 0);
    }
    for (term, key) in [
        ("datePublished", Key::Published),
        ("dateCreated", Key::Published),
        ("dateModified", Key::Modified),
        ("inLanguage", Key::Language),
        ("url", Key::Url),
        ("description", Key::Description),
        ("@type", Key::Kind),
    ] {
        if term != "dateCreated" || !out.iter().any(|one| one.key == Key::Published) {
            value_of(object, term, path, key, out);
        }
    }
    linked.body = object.get("articleBody").and_then(Value::as_str).map(entities::decode);
}

fn value_of(object: &Map<String, Value>, term: &str, path: &str, key: Key, out: &mut Vec<Declared>) {
    let value = match object.get(term) {
        Some(Value::String(value)) => value.as_str(),
        Some(Value::Array(values)) => values.first().and_then(Value::as_str).unwrap_or_default(),
        Some(Value::Object(inner)) => inner.get("name").and_then(Value::as_str).unwrap_or_default(),
        _ => "",
    };
    push(key, &format!("{path}/{term}"), value, out);
}

/// Reads persons and bodies: a name, a node with a name, a reference to one, or a list of these.
fn bodies(
    value: Option<&Value>,
    path: &str,
    nodes: &[Node<'_>],
    key: Option<Key>,
    out: &mut Vec<Declared>,
    depth: usize,
) {
    let Some(key) = key.filter(|_| depth < 4) else { return };
    match value {
        Some(Value::String(name)) => push(key, path, name, out),
        Some(Value::Array(values)) => {
            for (at, value) in values.iter().take(VALUES_MAX).enumerate() {
                bodies(Some(value), &format!("{path}/{at}"), nodes, Some(key), out, depth + 1);
            }
        }
        Some(Value::Object(object)) => {
            let name = object.get("name");
            let organisation = types(object).iter().any(|name| name.ends_with("Organization"));
            let key = if key == Key::Author && organisation { Key::AuthorOrganisation } else { key };
            match name {
                Some(Value::String(name)) => push(key, &format!("{path}/name"), name, out),
                Some(Value::Array(_)) => {
                    bodies(name, &format!("{path}/name"), nodes, Some(key), out, depth + 1)
                }
                _ => {
                    let id = object.get("@id").and_then(Value::as_str);
                    let there = nodes.iter().find(|node| {
                        node.object.contains_key("name")
                            && node.object.get("@id").and_then(Value::as_str) == id
                            && id.is_some()
                    });
                    if let Some(node) = there {
                        let value = Value::Object(node.object.clone());
                        bodies(Some(&value), &node.path, nodes, Some(key), out, depth + 1);
                    }
                }
            }
        }
        _ => {}
    }
}

fn push(key: Key, path: &str, value: &str, out: &mut Vec<Declared>) {
    let value = super::tree::squeeze(&entities::decode(value));
    if !value.is_empty() && value.chars().count() <= limits::DECLARED_MAX_CHARS {
        out.push(Declared { key, source: "json-ld".into(), path: path.to_owned(), value });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str, key: Key) -> Vec<String> {
        let linked = read(&[(0, text.to_owned())]);
        linked.declared.into_iter().filter(|one| one.key == key).map(|one| one.value).collect()
    }

    #[test]
    fn the_article_of_a_graph_is_read() {
        let text = r##"{"@context": "https://schema.org", "@graph": [
            {"@type": "WebSite", "name": "Le Port"},
            {"@type": ["Thing", "NewsArticle"], "headline": "Les pirogues &amp; la mer", "datePublished": "2026-02-16T08:00:00+01:00",
             "author": [{"@id": "#a"}, {"@type": "Person", "name": "Tom Dell"}, {"@type": "Organization", "name": "AFP"}],
             "publisher": {"@type": "NewsMediaOrganization", "name": "Le Port SA"}, "inLanguage": "fr-FR"},
            {"@type": "Person", "@id": "#a", "name": "Awa Diallo"}]}"##;
        assert_eq!(values(text, Key::Title), ["Les pirogues & la mer"]);
        assert_eq!(values(text, Key::Author), ["Awa Diallo", "Tom Dell"]);
        assert_eq!(values(text, Key::AuthorOrganisation), ["AFP"]);
        assert_eq!(values(text, Key::Publisher), ["Le Port SA", "Le Port"]);
        assert_eq!(values(text, Key::Published), ["2026-02-16T08:00:00+01:00"]);
    }

    #[test]
    fn sloppy_json_is_read() {
        let text =
            "<!-- {\"@type\": \"NewsArticle\", \"headline\": \"deux\nlignes\", \"author\": \"A. D.\",} -->";
        assert_eq!(values(text, Key::Title), ["deux lignes"]);
        assert_eq!(values(text, Key::Author), ["A. D."]);
        assert!(read(&[(0, "{\"a\":".repeat(200_000))]).declared.is_empty());
    }

    #[test]
    fn what_describes_something_else_is_left() {
        assert!(values(r#"{"@type": "BreadcrumbList", "name": "x"}"#, Key::Title).is_empty());
        assert!(
            values(
                r#"{"@type": "ItemList", "itemListElement": [{"@type": "NewsArticle", "headline": "x"}]}"#,
                Key::Title
            )
            .is_empty()
        );
    }
}
