//! OpenDocument text (OASIS ODF 1.3): `content.xml` and `meta.xml`.

use super::package::Package;
use super::xml::{self, Element, Node};
use crate::article::extract::{Declared, Extract, Key};
use crate::article::{ReadError, ReadOptions, Warning};
use crate::base::limits;

const FORMAT: &str = "ODT";

/// Reads a document. Costs a pass over its XML.
///
/// # Errors
/// [`ReadError`].
pub(in crate::article) fn extract(bytes: &[u8], options: &ReadOptions<'_>) -> Result<Extract, ReadError> {
    let _ = options;
    let mut package = Package::open(bytes, FORMAT)?;
    if let Some(manifest) = package.read("META-INF/manifest.xml")?
        && !xml::parse(&manifest, FORMAT)?.all("encryption-data").is_empty()
    {
        return Err(ReadError::Encrypted { format: FORMAT.into() });
    }
    let content = xml::parse(&package.need("content.xml")?, FORMAT)?;
    let mut writer = Writer::default();
    if let Some(body) = content.child("body") {
        writer.blocks(body);
    }
    for note in std::mem::take(&mut writer.notes) {
        writer.out.push_str(&note);
        writer.out.push_str("\n\n");
    }
    let mut out =
        Extract { text: writer.out.trim_end().to_owned(), headings: writer.headings, ..Extract::default() };
    if let Some(bytes) = package.read("meta.xml")? {
        out.declared = meta(&xml::parse(&bytes, FORMAT)?);
    }
    if writer.deleted + writer.comments > 0 {
        out.warnings.push(Warning::LeftOut { deleted: writer.deleted, hidden: 0, comments: writer.comments });
    }
    if out.text.trim().is_empty() {
        return Err(ReadError::Empty { size: bytes.len() as u64 });
    }
    Ok(out)
}

fn meta(root: &Element) -> Vec<Declared> {
    let keys = [
        ("title", Key::Title),
        ("initial-creator", Key::Author),
        ("creation-date", Key::Published),
        ("date", Key::Modified),
        ("language", Key::Language),
        ("description", Key::Description),
    ];
    let mut out = Vec::new();
    for (name, key) in keys {
        for element in root.all(name) {
            let value = element.text();
            if !value.is_empty() && value.chars().count() <= limits::DECLARED_MAX_CHARS {
                out.push(Declared { key, source: "core-properties".into(), path: name.into(), value });
            }
        }
    }
    out
}

#[derive(Default)]
struct Writer {
    out: String,
    headings: Vec<std::ops::Range<usize>>,
    notes: Vec<String>,
    deleted: usize,
    comments: usize,
}

impl Writer {
    fn blocks(&mut self, parent: &Element) {
        for element in parent.elements() {
            match element.name.as_str() {
                "p" | "h" => {
                    let mut line = String::new();
                    self.inline(element, &mut line);
                    let line = line.trim().to_owned();
                    if line.is_empty() {
                        continue;
                    }
                    let start = self.out.len();
                    self.out.push_str(&line);
                    if element.name == "h"
                        && element.attribute("outline-level").is_none_or(|level| level == "1")
                    {
                        self.headings.push(start..self.out.len());
                    }
                    self.out.push_str("\n\n");
                }
                "tracked-changes" => self.deleted += element.all("deletion").len(),
                "annotation" => self.comments += 1,
                "table-row" => self.row(element),
                _ => self.blocks(element),
            }
        }
        if parent.name == "table" && !self.out.ends_with("\n\n") && !self.out.is_empty() {
            self.out.push('\n');
        }
    }

    fn row(&mut self, row: &Element) {
        let mut cells = Vec::new();
        for cell in row.elements().filter(|cell| cell.name == "table-cell") {
            let mut inner = Writer::default();
            inner.blocks(cell);
            cells.push(inner.out.trim().replace("\n\n", " ").replace('\n', " "));
        }
        let line = cells.join("\t");
        if !line.trim().is_empty() {
            self.out.push_str(line.trim_end());
            self.out.push('\n');
        }
    }

    fn inline(&mut self, parent: &Element, line: &mut String) {
        for node in &parent.children {
            let element = match node {
                Node::Text(text) => {
                    // White space in XML is single in the document; more of it is `text:s`.
                    let flat: String =
                        text.chars().map(|c| if c.is_ascii_whitespace() { ' ' } else { c }).collect();
                    line.push_str(&flat);
                    continue;
                }
                Node::Element(element) => element,
            };
            match element.name.as_str() {
                "s" => {
                    let count =
                        element.attribute("c").and_then(|count| count.parse::<usize>().ok()).unwrap_or(1);
                    line.push_str(&" ".repeat(count.min(80)));
                }
                "tab" => line.push('\t'),
                "line-break" => line.push('\n'),
                "annotation" => self.comments += 1,
                "annotation-end" | "tracked-changes" => {}
                "note" => {
                    if let Some(body) = element.child("note-body") {
                        let mut inner = Writer::default();
                        inner.blocks(body);
                        self.notes.push(inner.out.trim().to_owned());
                    }
                }
                _ => self.inline(element, line),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::package::packed;
    use super::*;

    #[test]
    fn a_document_is_read() {
        let content = "<office:document-content xmlns:office='o' xmlns:text='t'><office:body><office:text>\
            <text:tracked-changes><text:changed-region><text:deletion><text:p>mort</text:p></text:deletion></text:changed-region></text:tracked-changes>\
            <text:h text:outline-level='1'>Le port</text:h><text:p>Les<text:s text:c='2'/>bateaux<text:note><text:note-body><text:p>Une note.</text:p></text:note-body></text:note> rentrent.</text:p>\
            <table:table xmlns:table='x'><table:table-row><table:table-cell><text:p>a</text:p></table:table-cell><table:table-cell><text:p>b</text:p></table:table-cell></table:table-row></table:table>\
            </office:text></office:body></office:document-content>";
        let meta = "<office:document-meta xmlns:office='o' xmlns:dc='d' xmlns:meta='m'><office:meta><meta:initial-creator>Awa Diallo</meta:initial-creator></office:meta></office:document-meta>";
        let bytes = packed(&[
            ("content.xml", content.as_bytes()),
            ("meta.xml", meta.as_bytes()),
            ("META-INF/manifest.xml", b"<manifest/>"),
        ]);
        let out = extract(&bytes, &ReadOptions::default()).unwrap();
        assert_eq!(out.text, "Le port\n\nLes  bateaux rentrent.\n\na\tb\n\nUne note.");
        assert_eq!(out.declared[0].value, "Awa Diallo");
        assert_eq!(out.warnings, [Warning::LeftOut { deleted: 1, hidden: 0, comments: 0 }]);
        for end in 0..bytes.len() {
            let _ = extract(&bytes[..end], &ReadOptions::default());
        }
    }

    #[test]
    fn a_locked_document_is_told() {
        let manifest = b"<manifest><file-entry><encryption-data/></file-entry></manifest>";
        let bytes = packed(&[("content.xml", b"<x/>"), ("META-INF/manifest.xml", manifest)]);
        assert!(matches!(extract(&bytes, &ReadOptions::default()), Err(ReadError::Encrypted { .. })));
    }
}
