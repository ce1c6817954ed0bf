//! EPUB (W3C EPUB 3, and 2): the chapters in the order of the spine.
//!
//! ```text
//! META-INF/container.xml → OEBPS/content.opf → <spine><itemref idref="c1"/>… → OEBPS/chapter-1.xhtml
//! ```
//!
//! Who may lie here: the metadata are a seller's or a converter's as often as a publisher's.

use std::collections::BTreeMap;

use super::office::declare;
use super::package::Package;
use super::xml::{self, Element};
use crate::article::extract::{Declared, Extract, Key};
use crate::article::{ReadError, ReadOptions, decode};

const FORMAT: &str = "EPUB";

/// Reads a book. Costs a pass over its chapters.
///
/// # Errors
/// [`ReadError`].
pub(in crate::article) fn extract(bytes: &[u8], options: &ReadOptions<'_>) -> Result<Extract, ReadError> {
    let _ = options;
    let mut package = Package::open(bytes, FORMAT)?;
    refuse_locked(&mut package)?;
    let container = xml::parse(&package.need("META-INF/container.xml")?, FORMAT)?;
    let rootfile = container.all("rootfile").first().and_then(|file| file.attribute("full-path"));
    let Some(path) = rootfile.map(str::to_owned) else {
        return Err(damaged("its container names no package"));
    };
    let opf = xml::parse(&package.need(&path)?, FORMAT)?;
    let mut out = Extract { declared: metadata(&opf), ..Extract::default() };
    for name in chapters(&opf, &path)? {
        let chapter = super::html::plain_text(&decode::decode_page(&package.need(&name)?, None)?.text);
        if !chapter.is_empty() {
            if !out.text.is_empty() {
                out.text.push_str("\n\n");
            }
            out.text.push_str(&chapter);
        }
    }
    if out.text.trim().is_empty() {
        return Err(ReadError::Empty { size: bytes.len() as u64 });
    }
    Ok(out)
}

fn damaged(reason: &'static str) -> ReadError {
    ReadError::Damaged { format: FORMAT.into(), reason: reason.into() }
}

/// Returns the names of the chapters in the order of the spine, each once. The table of contents is made of the
/// chapters' titles and is left out; so is what is not made of words.
fn chapters(opf: &Element, path: &str) -> Result<Vec<String>, ReadError> {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    // A name that is given twice means the first.
    let mut items: BTreeMap<&str, &Element> = BTreeMap::new();
    for item in opf.all("item") {
        if let Some(id) = item.attribute("id") {
            items.entry(id).or_insert(item);
        }
    }
    let mut names = Vec::new();
    for itemref in opf.all("itemref") {
        let item = itemref.attribute("idref").and_then(|id| items.remove(id));
        let Some(item) = item else { continue };
        let media = item.attribute("media-type").unwrap_or("application/xhtml+xml");
        let words = matches!(media, "application/xhtml+xml" | "text/html" | "application/xml" | "text/xml");
        let contents = item.attribute("properties").unwrap_or_default().split_whitespace();
        if words && !contents.into_iter().any(|property| property == "nav") {
            let href = item.attribute("href").ok_or_else(|| damaged("a chapter has no file"))?;
            names.push(resolved(folder, href));
        }
    }
    Ok(names)
}

/// Resolves a reference against the folder of the file that it stands in. The name is looked up in the package and is
/// never a path.
fn resolved(folder: &str, href: &str) -> String {
    let href = href.split(['#', '?']).next().unwrap_or_default();
    let whole = if href.starts_with('/') { String::new() } else { format!("{folder}/") } + &unescaped(href);
    let mut steps: Vec<&str> = Vec::new();
    for step in whole.split('/') {
        match step {
            "" | "." => {}
            ".." => drop(steps.pop()),
            step => steps.push(step),
        }
    }
    steps.join("/")
}

/// Fonts may be obfuscated (EPUB 3, 4.4); anything more is a lock.
fn refuse_locked(package: &mut Package<'_>) -> Result<(), ReadError> {
    let Some(bytes) = package.read("META-INF/encryption.xml")? else { return Ok(()) };
    let root = xml::parse(&bytes, FORMAT)?;
    let is_font = |encrypted: &&Element| {
        let method = encrypted.child("EncryptionMethod").and_then(|method| method.attribute("Algorithm"));
        let method = method.unwrap_or_default();
        method == "http://www.idpf.org/2008/embedding" || method == "http://ns.adobe.com/pdf/enc#RC"
    };
    if root.all("EncryptedData").iter().all(is_font) {
        return Ok(());
    }
    Err(ReadError::Encrypted { format: FORMAT.into() })
}

/// What the package document says. A creator with another role than author (MARC: `trl`, `bkp`) is none.
fn metadata(opf: &Element) -> Vec<Declared> {
    let keys = [
        ("title", Key::Title),
        ("creator", Key::Author),
        ("publisher", Key::Publisher),
        ("date", Key::Published),
        ("language", Key::Language),
        ("source", Key::Origin),
        ("identifier", Key::Identifier),
        ("description", Key::Description),
    ];
    let mut out = Vec::new();
    let Some(metadata) = opf.child("metadata") else { return out };
    // EPUB 3 says it in an element of its own, which names the one that it is about.
    let mut roles: BTreeMap<&str, String> = BTreeMap::new();
    for meta in metadata.all("meta") {
        let refines = meta.attribute("refines").and_then(|about| about.strip_prefix('#'));
        match (meta.attribute("property"), refines) {
            (Some("role"), Some(id)) => drop(roles.insert(id, meta.text())),
            (Some("dcterms:modified"), None) => {
                declare(&mut out, Key::Modified, "opf", "dcterms:modified", &meta.text());
            }
            _ => {}
        }
    }
    for (name, key) in keys {
        for element in metadata.all(name) {
            let role = element.attribute("role").map(str::to_owned);
            let role = role.or_else(|| element.attribute("id").and_then(|id| roles.get(id).cloned()));
            if key == Key::Author && role.is_some_and(|role| role != "aut") {
                continue;
            }
            let changed = key == Key::Published && element.attribute("event") == Some("modification");
            declare(&mut out, if changed { Key::Modified } else { key }, "opf", name, &element.text());
        }
    }
    out
}

/// Decodes `%20` and the like in a reference.
fn unescaped(name: &str) -> String {
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let hex = tail
            .get(..2)
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (first, hex) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::super::package::packed;
    use super::*;

    #[test]
    fn chapters_come_in_the_order_of_the_spine() {
        let opf = "<package><metadata xmlns:dc='d'><dc:title>Le port</dc:title><dc:creator>Awa Diallo</dc:creator></metadata>\
            <manifest><item id='b' href='b%20b.xhtml'/><item id='a' href='a.xhtml'/></manifest><spine><itemref idref='b'/><itemref idref='a'/></spine></package>";
        let bytes = packed(&[
            (
                "META-INF/container.xml",
                b"<container><rootfiles><rootfile full-path='O/x.opf'/></rootfiles></container>",
            ),
            ("O/x.opf", opf.as_bytes()),
            ("O/a.xhtml", b"<html><body><p>Fin.</p></body></html>"),
            ("O/b b.xhtml", b"<html><body><h1>Un</h1><p>Les bateaux</p></body></html>"),
        ]);
        let out = extract(&bytes, &ReadOptions::default()).unwrap();
        assert_eq!(out.text, "Un\n\nLes bateaux\n\nFin.");
        assert_eq!(out.declared.len(), 2);
        for end in 0..bytes.len() {
            let cut = extract(&bytes[..end], &ReadOptions::default());
            assert!(matches!(cut, Err(ReadError::Damaged { .. })), "{end}: {cut:?}");
        }
    }

    fn book(opf: &str, files: &[(&str, &[u8])]) -> Result<Extract, ReadError> {
        let container = b"<container><rootfiles><rootfile full-path='O/p/x.opf'/></rootfiles></container>";
        let mut all: Vec<(&str, &[u8])> =
            vec![("META-INF/container.xml", container), ("O/p/x.opf", opf.as_bytes())];
        all.extend(files);
        extract(&packed(&all), &ReadOptions::default())
    }

    const SPINE: &str = "<package><manifest><item id='n' href='n.xhtml' properties='nav'/><item id='a' href='../t/./a.xhtml#x' media-type='application/xhtml+xml'/><item id='i' href='i.svg' media-type='image/svg+xml'/></manifest>\
        <spine><itemref idref='n'/><itemref idref='i'/><itemref idref='a'/><itemref idref='a'/></spine></package>";

    #[test]
    fn references_are_resolved_inside_the_package() {
        let out = book(SPINE, &[("O/t/a.xhtml", b"<html><body><p>Un.</p></body></html>")]).unwrap();
        assert_eq!(out.text, "Un.");
        assert!(matches!(book(SPINE, &[]), Err(ReadError::Damaged { .. })));
        assert_eq!(resolved("O", "../../../etc/passwd"), "etc/passwd");
        assert_eq!(resolved("", "a%zz%2fb.xhtml"), "a%zz/b.xhtml");
    }

    #[test]
    fn translators_are_no_authors() {
        let opf = parse(
            "<package><metadata><creator id='c1'>Awa Diallo</creator><creator id='c2'>Tom</creator><creator role='trl'>Ann</creator><creator role='aut'>Li Wei</creator>\
             <meta refines='#c2' property='role'>ill</meta><meta property='dcterms:modified'>2026-02-17</meta><date event='modification'>2026-02-18</date><date>2026-02-16</date></metadata></package>",
        );
        let values: Vec<(Key, String)> = metadata(&opf).into_iter().map(|one| (one.key, one.value)).collect();
        let expected = [
            (Key::Modified, "2026-02-17"),
            (Key::Author, "Awa Diallo"),
            (Key::Author, "Li Wei"),
            (Key::Modified, "2026-02-18"),
            (Key::Published, "2026-02-16"),
        ];
        assert_eq!(values, expected.map(|(key, value)| (key, value.to_owned())));
    }

    fn parse(xml: &str) -> Element {
        xml::parse(xml.as_bytes(), FORMAT).unwrap()
    }

    #[test]
    fn locked_books_are_told_from_obfuscated_fonts() {
        let data = |algorithm: &str| {
            format!("<EncryptedData><EncryptionMethod Algorithm='{algorithm}'/></EncryptedData>")
        };
        let font = data("http://www.idpf.org/2008/embedding");
        let chapter = data("http://www.w3.org/2001/04/xmlenc#aes128-cbc");
        let read = |encryption: &str| {
            let encryption = format!("<encryption>{encryption}</encryption>");
            book(SPINE, &[("META-INF/encryption.xml", encryption.as_bytes()), ("O/t/a.xhtml", b"<p>Un.</p>")])
        };
        assert_eq!(read(&font).unwrap().text, "Un.");
        for locked in [format!("{font}{chapter}"), "<EncryptedData/>".to_owned()] {
            assert!(matches!(read(&locked), Err(ReadError::Encrypted { .. })), "{locked}");
        }
    }
}
