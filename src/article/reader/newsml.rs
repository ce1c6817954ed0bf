//! IPTC NewsML-G2: one `newsItem`, alone or in a `newsMessage`; its text in NITF, XHTML or as inline data.

use super::xml::{self, Element};
use crate::article::extract::{Declared, Extract, Key};
use crate::article::{ReadError, ReadOptions};
use crate::base::limits;

const FORMAT: &str = "NewsML-G2";

/// Reads an item.
///
/// # Errors
/// [`ReadError`].
pub(in crate::article) fn extract(bytes: &[u8], options: &ReadOptions<'_>) -> Result<Extract, ReadError> {
    let _ = options;
    let root = xml::parse(bytes, FORMAT)?;
    let items = root.all("newsItem");
    let item = items.first().copied().unwrap_or(&root);
    let mut out = Extract { declared: declared(item), ..Extract::default() };
    out.text = text(item);
    if out.text.trim().is_empty() {
        return Err(ReadError::Empty { size: bytes.len() as u64 });
    }
    Ok(out)
}

fn declared(item: &Element) -> Vec<Declared> {
    let mut out = Vec::new();
    let mut push = |key: Key, path: &str, value: String| {
        let value = value.trim();
        if !value.is_empty()
            && value.chars().count() <= limits::DECLARED_MAX_CHARS
            && out.len() < limits::DECLARED_MAX
        {
            out.push(Declared {
                key,
                source: "newsml".into(),
                path: path.to_owned(),
                value: value.to_owned(),
            });
        }
    };
    for (path, key) in [
        ("headline", Key::Title),
        ("by", Key::Author),
        ("creditline", Key::Origin),
        ("dateline", Key::Dateline),
        ("firstCreated", Key::Published),
        ("contentCreated", Key::Published),
        ("versionCreated", Key::Modified),
        ("slugline", Key::Identifier),
    ] {
        for element in item.all(path) {
            push(key, path, element.text());
        }
    }
    for (path, key) in [
        ("creator", Key::Author),
        ("infoSource", Key::Origin),
        ("provider", Key::Origin),
        ("copyrightHolder", Key::Publisher),
    ] {
        for element in item.all(path) {
            let name = element.child("name").map(Element::text).filter(|name| !name.is_empty());
            push(
                key,
                path,
                name.or_else(|| element.attribute("literal").map(str::to_owned)).unwrap_or_default(),
            );
        }
    }
    for element in item.all("language") {
        push(Key::Language, "language", element.attribute("tag").unwrap_or_default().to_owned());
    }
    // An item that does not say when it was made is as old as its version.
    if !out.iter().any(|one| one.key == Key::Published) {
        let version = out.iter().find(|one| one.key == Key::Modified).cloned();
        out.extend(version.map(|one| Declared { key: Key::Published, ..one }));
    }
    out
}

fn text(item: &Element) -> String {
    let sets = item.all("contentSet");
    let content = sets.first().copied().unwrap_or(item);
    // NITF's body without its head, which repeats headline and byline.
    if let Some(body) = content.all("body.content").first() {
        return paragraphs(body);
    }
    if let Some(inline) = content.all("inlineXML").first() {
        let bodies = inline.all("body");
        return super::html::plain_text(&bodies.first().copied().unwrap_or(inline).inner_markup());
    }
    let data = content.all("inlineData");
    data.first().map(|data| data.raw_text().trim().to_owned()).unwrap_or_default()
}

/// The paragraphs and headings of NITF.
fn paragraphs(body: &Element) -> String {
    let mut out: Vec<String> = Vec::new();
    let mut stack: Vec<&Element> = vec![body];
    while let Some(element) = stack.pop() {
        if matches!(element.name.as_str(), "p" | "hl2" | "h1" | "h2" | "h3" | "li" | "pre") {
            let text = element.text();
            if !text.is_empty() {
                out.push(text);
            }
            continue;
        }
        if matches!(element.name.as_str(), "media" | "note") {
            continue;
        }
        let children: Vec<&Element> = element.elements().collect();
        stack.extend(children.into_iter().rev());
    }
    out.join("\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_with_nitf_is_read() {
        let item = "<newsItem xmlns='http://iptc.org/std/nar/2006-10-01/'><itemMeta><provider><name>AFP</name></provider><versionCreated>2026-02-16T08:00:00Z</versionCreated></itemMeta>\
            <contentMeta><language tag='fr'/><headline>Le port</headline><by>Awa Diallo</by><creditline>AFP</creditline></contentMeta>\
            <contentSet><inlineXML><nitf><body><body.head><hedline><hl1>Le port</hl1></hedline></body.head><body.content><p>Les bateaux</p><media><p>non</p></media><p>rentrent.</p></body.content></body></nitf></inlineXML></contentSet></newsItem>";
        let out = extract(item.as_bytes(), &ReadOptions::default()).unwrap();
        assert_eq!(out.text, "Les bateaux\n\nrentrent.");
        let of = |key: Key| {
            out.declared.iter().filter(|one| one.key == key).map(|one| one.value.as_str()).collect::<Vec<_>>()
        };
        assert_eq!((of(Key::Author), of(Key::Origin)), (vec!["Awa Diallo"], vec!["AFP", "AFP"]));
        let xhtml = "<newsItem><contentSet><inlineXML><html><head><title>x</title></head><body><p>Un</p><p>deux &amp; trois</p></body></html></inlineXML></contentSet></newsItem>";
        assert_eq!(extract(xhtml.as_bytes(), &ReadOptions::default()).unwrap().text, "Un\n\ndeux & trois");
        for end in 0..item.len() {
            let _ = extract(&item.as_bytes()[..end], &ReadOptions::default());
        }
    }
}
