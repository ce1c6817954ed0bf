//! EPUB (W3C EPUB 3): the chapters in the order of the spine.

use super::package::Package;
use super::xml::{self, Element};
use crate::article::extract::{Declared, Extract, Key};
use crate::article::{ReadError, ReadOptions, decode};
use crate::base::limits;

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
    let damaged = |reason: &'static str| ReadError::Damaged { format: FORMAT.into(), reason: reason.into() };
    let rootfile =
        container.all("rootfile").first().and_then(|file| file.attribute("full-path")).map(str::to_owned);
    let path = rootfile.ok_or_else(|| damaged("its container names no package"))?;
    let opf = xml::parse(&package.need(&path)?, FORMAT)?;
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut out = Extract { declared: metadata(&opf), ..Extract::default() };
    let items = opf.all("item");
    for itemref in opf.all("itemref").into_iter().take(limits::PACKAGE_MAX_ENTRIES) {
        let Some(id) = itemref.attribute("idref") else { continue };
        let Some(href) = items
            .iter()
            .find(|item| item.attribute("id") == Some(id))
            .and_then(|item| item.attribute("href"))
        else {
            continue;
        };
        let name = if folder.is_empty() { href.to_owned() } else { format!("{folder}/{href}") };
        let Some(bytes) = package.read(&unescaped(&name))? else { continue };
        let chapter = super::html::plain_text(&decode::decode_page(&bytes, None)?.text);
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

/// Fonts may be obfuscated (EPUB 3, 4.4); anything more is a lock.
fn refuse_locked(package: &mut Package<'_>) -> Result<(), ReadError> {
    let Some(bytes) = package.read("META-INF/encryption.xml")? else { return Ok(()) };
    let root = xml::parse(&bytes, FORMAT)?;
    let font = |method: &&Element| {
        let algorithm = method.attribute("Algorithm").unwrap_or_default();
        algorithm.contains("idpf.org/2008/embedding") || algorithm.contains("ns.adobe.com/pdf/enc#RC")
    };
    let locked = root.all("EncryptionMethod").iter().any(|method| !font(method));
    if locked { Err(ReadError::Encrypted { format: FORMAT.into() }) } else { Ok(()) }
}

fn metadata(opf: &Element) -> Vec<Declared> {
    let keys = [
        ("title", Key::Title),
        ("creator", Key::Author),
        ("publisher", Key::Publisher),
        ("date", Key::Published),
        ("language", Key::Language),
        ("source", Key::Origin),
        ("identifier", Key::Identifier),
    ];
    let mut out = Vec::new();
    for element in opf.child("metadata").into_iter().flat_map(Element::elements) {
        let Some((_, key)) = keys.iter().find(|(name, _)| *name == element.name) else { continue };
        let value = element.text();
        if !value.is_empty()
            && value.chars().count() <= limits::DECLARED_MAX_CHARS
            && out.len() < limits::DECLARED_MAX
        {
            out.push(Declared { key: *key, source: "opf".into(), path: element.name.clone(), value });
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
            let _ = extract(&bytes[..end], &ReadOptions::default());
        }
    }
}
