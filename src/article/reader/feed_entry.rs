//! One entry of a feed: RSS 0.9x to 2.0, RSS 1.0, Atom 1.0. Names are matched without their prefixes, since these are declared
//! in the feed around the entry.

use super::xml::{self, Element};
use crate::article::extract::{Declared, Extract, Key};
use crate::article::{ReadError, ReadOptions};
use crate::base::limits;

/// Reads an entry.
///
/// # Errors
/// [`ReadError`].
pub(in crate::article) fn extract(bytes: &[u8], options: &ReadOptions<'_>) -> Result<Extract, ReadError> {
    let _ = options;
    let root = xml::parse(bytes, "feed")?;
    let mut out = Extract::default();
    for element in root.elements() {
        let key = match element.name.as_str() {
            "title" => Key::Title,
            "creator" | "author" => Key::Author,
            "pubDate" | "published" | "issued" => Key::Published,
            "date" => Key::Published,
            "updated" | "modified" => Key::Modified,
            "source" => Key::Origin,
            "publisher" => Key::Publisher,
            "language" => Key::Language,
            "guid" | "id" => Key::Identifier,
            "link" => Key::Url,
            _ => continue,
        };
        let name = element.child("name").or_else(|| element.child("title")).map(Element::text);
        let value = match key {
            Key::Url => element.attribute("href").map_or_else(|| element.text(), str::to_owned),
            Key::Author => without_address(&name.unwrap_or_else(|| element.text())),
            _ => name.unwrap_or_else(|| element.text()),
        };
        if !value.is_empty()
            && value.chars().count() <= limits::DECLARED_MAX_CHARS
            && out.declared.len() < limits::DECLARED_MAX
        {
            out.declared.push(Declared { key, source: "feed".into(), path: element.name.clone(), value });
        }
    }
    if !out.declared.iter().any(|one| one.key == Key::Published) {
        let changed = out.declared.iter().find(|one| one.key == Key::Modified).cloned();
        out.declared.extend(changed.map(|one| Declared { key: Key::Published, ..one }));
    }
    let body = ["encoded", "content", "description", "summary"].iter().find_map(|name| {
        let found = root.elements().filter(|element| element.name == *name);
        found.map(text).find(|text| !text.is_empty())
    });
    out.text = body.unwrap_or_default();
    if out.text.is_empty() {
        return Err(ReadError::Empty { size: bytes.len() as u64 });
    }
    Ok(out)
}

/// What a list of entries shows of one.
pub(in crate::article) struct About {
    pub title: Option<String>,
    pub link: Option<String>,
}

/// Returns an entry's title and link, as far as it has them.
pub(in crate::article) fn about(element: &str) -> About {
    let Ok(root) = xml::parse_text(element, "feed") else { return About { title: None, link: None } };
    let some = |text: String| Some(text).filter(|text| !text.is_empty());
    let link = root.elements().find(|element| {
        element.name == "link" && element.attribute("rel").is_none_or(|rel| rel == "alternate")
    });
    let link = link.map(|link| link.attribute("href").map_or_else(|| link.text(), str::to_owned));
    About { title: root.child("title").and_then(|title| some(title.text())), link: link.and_then(some) }
}

/// The words of an element that holds escaped markup, XHTML or plain text.
fn text(element: &Element) -> String {
    if element.elements().next().is_some() {
        return super::html::plain_text(&element.inner_markup());
    }
    let raw = element.raw_text();
    if raw.contains('<') || raw.contains('&') { super::html::plain_text(&raw) } else { raw.trim().to_owned() }
}

/// RSS 2.0 wants a mail address with the name in parentheses: `a@b.example (Awa Diallo)`.
fn without_address(author: &str) -> String {
    match (author.find('('), author.rfind(')')) {
        (Some(open), Some(close)) if open < close && author.contains('@') => {
            author[open + 1..close].trim().to_owned()
        }
        _ => author.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_of_both_kinds_are_read() {
        let rss = "<item><title>Le port</title><link>https://journal.example/a</link><dc:creator>Awa Diallo</dc:creator><pubDate>Mon, 16 Feb 2026 08:00:00 GMT</pubDate>\
            <source url='https://x.example'>Radio du Fleuve</source><description>court</description><content:encoded><![CDATA[<p>Les bateaux</p><p>rentrent.</p>]]></content:encoded></item>";
        let out = extract(rss.as_bytes(), &ReadOptions::default()).unwrap();
        assert_eq!(out.text, "Les bateaux\n\nrentrent.");
        assert_eq!(out.declared.len(), 5);
        let atom = "<entry><title>Le port</title><author><name>Awa Diallo</name></author><link href='https://j.example/b'/><updated>2026-02-16T08:00:00Z</updated>\
            <content type='xhtml'><div><p>Les bateaux</p></div></content></entry>";
        let out = extract(atom.as_bytes(), &ReadOptions::default()).unwrap();
        assert_eq!(out.text, "Les bateaux");
        assert!(out.declared.iter().any(|one| one.key == Key::Author && one.value == "Awa Diallo"));
        assert!(out.declared.iter().any(|one| one.key == Key::Published));
        assert_eq!(without_address("a@b.example (Awa Diallo)"), "Awa Diallo");
    }
}
