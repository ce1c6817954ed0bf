//! OpenDocument text (OASIS ODF 1.3): `content.xml`, and `styles.xml` and `meta.xml` beside it.
//!
//! ```text
//! <text:p>Les<text:s text:c="2"/>bateaux<text:note>…</text:note> rentrent.</text:p>
//! ```
//!
//! Notes come at the end. Tracked deletions, comments and hidden text are left out, and counted. Who may lie here: the
//! properties are whatever the last program wrote.

use std::collections::BTreeSet;

use super::office::{LeftOut, Paragraphs, declare};
use super::package::Package;
use super::xml::{self, Element, Node};
use crate::article::extract::{Declared, Extract, Key};
use crate::article::{ReadError, ReadOptions};
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
    let mut reader = Reader { styles: Styles::read(&content), ..Reader::default() };
    let mut text = Paragraphs::default();
    if let Some(body) = content.child("body") {
        reader.blocks(body, &mut text);
    }
    text.append(std::mem::take(&mut reader.notes));
    let (text, headings) = text.finish();
    let mut out = Extract { text, headings, ..Extract::default() };
    out.warnings.extend(reader.left_out.warning());
    if let Some(bytes) = package.read("styles.xml")? {
        around(&xml::parse(&bytes, FORMAT)?, &mut out);
    }
    if let Some(bytes) = package.read("meta.xml")? {
        out.declared = meta(&xml::parse(&bytes, FORMAT)?);
    }
    if out.text.is_empty() {
        return Err(ReadError::Empty { size: bytes.len() as u64 });
    }
    Ok(out)
}

/// Reads the headers and footers of the page layouts.
fn around(root: &Element, out: &mut Extract) {
    let pages = root.child("master-styles").into_iter().flat_map(Element::elements);
    let parts = pages.filter(|page| page.name == "master-page").flat_map(Element::elements);
    let parts = parts.filter(|part| part.name.starts_with("header") || part.name.starts_with("footer"));
    for part in parts.take(limits::AROUND_MAX_PARTS) {
        let mut reader = Reader { styles: Styles::read(root), ..Reader::default() };
        let mut lines = Paragraphs::default();
        reader.blocks(part, &mut lines);
        let blocks = if part.name.starts_with("header") { &mut out.head } else { &mut out.tail };
        lines.around(&format!("styles.xml {}", part.name), blocks);
    }
}

/// What the metadata say. `dc:creator` is who saved the file last, and no author.
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
            declare(&mut out, key, "core-properties", name, &element.text());
        }
    }
    out
}

/// The automatic styles that matter here, by name.
#[derive(Debug, Default)]
struct Styles {
    hidden: BTreeSet<String>,
    titles: BTreeSet<String>,
}

impl Styles {
    fn read(root: &Element) -> Styles {
        let mut styles = Styles::default();
        styles.titles.insert("Title".into());
        for style in root.child("automatic-styles").into_iter().flat_map(Element::elements) {
            let Some(name) = style.attribute("name") else { continue };
            if style.attribute("parent-style-name") == Some("Title") {
                styles.titles.insert(name.into());
            }
            let hides = |properties: &Element| properties.attribute("display") == Some("none");
            if style.child("text-properties").is_some_and(hides) {
                styles.hidden.insert(name.into());
            }
        }
        styles
    }

    fn hides(&self, element: &Element) -> bool {
        element.attribute("style-name").is_some_and(|name| self.hidden.contains(name))
            || element.attribute("display") == Some("none")
            || element.attribute("is-hidden") == Some("true")
    }

    fn is_heading(&self, element: &Element) -> bool {
        match element.name.as_str() {
            "h" => element.attribute("outline-level").is_none_or(|level| level == "1"),
            _ => element.attribute("style-name").is_some_and(|name| self.titles.contains(name)),
        }
    }
}

#[derive(Default)]
struct Reader {
    styles: Styles,
    notes: Paragraphs,
    left_out: LeftOut,
}

/// A paragraph in the making.
#[derive(Default)]
struct Line<'e> {
    text: String,
    /// White space that follows counts: what stands before is none.
    after_word: bool,
    boxes: Vec<&'e Element>,
}

impl Reader {
    fn blocks(&mut self, parent: &Element, out: &mut Paragraphs) {
        for element in parent.elements() {
            match element.name.as_str() {
                "tracked-changes" => self.left_out.deleted += element.all("deletion").len(),
                "annotation" => self.left_out.comments += 1,
                "forms" | "script" | "scripts" => {}
                _ if self.hides(element) => {}
                "p" | "h" => {
                    let mut line = Line::default();
                    self.inline(element, &mut line);
                    out.add(&line.text, self.styles.is_heading(element));
                    line.boxes.into_iter().for_each(|one| self.blocks(one, out));
                }
                "table" => {
                    let mut rows = Vec::new();
                    self.rows(element, &mut rows);
                    out.table(rows);
                }
                _ => self.blocks(element, out),
            }
        }
    }

    /// Tells whether an element is hidden, and counts it when it is and has words.
    fn hides(&mut self, element: &Element) -> bool {
        let hidden = self.styles.hides(element);
        self.left_out.hidden += usize::from(hidden && !element.raw_text().trim().is_empty());
        hidden
    }

    /// Collects the rows, also those in groups.
    fn rows(&mut self, parent: &Element, rows: &mut Vec<Vec<Paragraphs>>) {
        for element in parent.elements() {
            match element.name.as_str() {
                "table-row" => {
                    let cells = element.elements().filter(|cell| cell.name == "table-cell");
                    let one = |cell: &Element| {
                        let mut inner = Paragraphs::default();
                        self.blocks(cell, &mut inner);
                        inner
                    };
                    rows.push(cells.map(one).collect());
                }
                "table-header-rows" | "table-rows" | "table-row-group" => self.rows(element, rows),
                _ => {}
            }
        }
    }

    fn inline<'e>(&mut self, parent: &'e Element, line: &mut Line<'e>) {
        for node in &parent.children {
            let element = match node {
                Node::Text(text) => {
                    words(text, line);
                    continue;
                }
                Node::Element(element) => element,
            };
            match element.name.as_str() {
                "s" => {
                    let count = element.attribute("c").and_then(|count| count.parse::<u64>().ok());
                    let count = count.unwrap_or(1).min(limits::SPACES_MAX as u64) as usize;
                    line.text.extend(std::iter::repeat_n(' ', count));
                    line.after_word = true;
                }
                "tab" => mark('\t', line),
                "line-break" => mark('\n', line),
                "annotation" => self.left_out.comments += 1,
                "note" => {
                    let mut inner = Paragraphs::default();
                    element.child("note-body").into_iter().for_each(|body| self.blocks(body, &mut inner));
                    self.notes.append(inner);
                }
                // Marks, programs, and the reading aid above East Asian words.
                "annotation-end" | "tracked-changes" | "script" | "ruby-text" => {}
                _ if self.hides(element) => {}
                "frame" | "custom-shape" | "rect" | "line" | "polyline" | "polygon" | "regular-polygon"
                | "path" | "circle" | "ellipse" | "connector" | "caption" | "measure" | "g" => {
                    line.boxes.push(element);
                }
                _ => self.inline(element, line),
            }
        }
    }
}

fn mark(mark: char, line: &mut Line<'_>) {
    line.text.push(mark);
    line.after_word = true;
}

/// Adds words. White space of several characters is one space, at the beginning none (ODF 1.3 part 3, 6.1.2): more of it
/// is `text:s`.
fn words(text: &str, line: &mut Line<'_>) {
    for c in text.chars() {
        let white = matches!(c, ' ' | '\t' | '\n' | '\r');
        if !white {
            line.text.push(c);
        } else if line.after_word {
            line.text.push(' ');
        }
        line.after_word = !white;
    }
}

#[cfg(test)]
mod tests {
    use super::super::package::packed;
    use super::*;
    use crate::article::Warning;

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
            let cut = extract(&bytes[..end], &ReadOptions::default());
            assert!(matches!(cut, Err(ReadError::Damaged { .. })), "{end}: {cut:?}");
        }
    }

    #[test]
    fn a_locked_document_is_told() {
        let manifest = b"<manifest><file-entry><encryption-data/></file-entry></manifest>";
        let bytes = packed(&[("content.xml", b"<x/>"), ("META-INF/manifest.xml", manifest)]);
        assert!(matches!(extract(&bytes, &ReadOptions::default()), Err(ReadError::Encrypted { .. })));
    }

    fn read(styles: &str, body: &str) -> Extract {
        let content = format!(
            "<document-content><automatic-styles>{styles}</automatic-styles><body><text>{body}</text></body></document-content>"
        );
        let layout = "<document-styles><master-styles><master-page><header><p>Le Courrier</p></header><footer><p>Source : Ministère</p></footer></master-page></master-styles></document-styles>";
        let bytes = packed(&[("content.xml", content.as_bytes()), ("styles.xml", layout.as_bytes())]);
        extract(&bytes, &ReadOptions::default()).unwrap()
    }

    #[test]
    fn white_space_is_single_but_where_it_is_marked() {
        let out = read(
            "",
            "<p>\n  Les <span> bateaux\t</span>\n du<s c='3'/> port<tab/> <line-break/> de<s c='99999999999'/><s c='9999'/>Gao <s/></p>",
        );
        let spaces = " ".repeat(limits::SPACES_MAX * 2);
        assert_eq!(out.text, format!("Les bateaux du    port\n de{spaces}Gao"));
    }

    #[test]
    fn boxes_follow_their_paragraph_and_pictures_have_no_text() {
        let out = read(
            "",
            "<p>Un<frame><title>image</title><desc>description</desc><text-box><p>Encadré.</p></text-box></frame> deux<ruby><ruby-base>港</ruby-base><ruby-text>みなと</ruby-text></ruby>.</p>\
             <list><list-item><p>a</p></list-item><list-item><p>b</p></list-item></list>\
             <table><table-header-rows><table-row><table-cell><p>x<note><note-citation>1</note-citation><note-body><p>Note.</p></note-body></note></p></table-cell></table-row></table-header-rows><table-row><table-cell/><covered-table-cell/><table-cell><p>y<annotation><p>Sûr ?</p></annotation></p></table-cell></table-row></table><p>fin</p>",
        );
        assert_eq!(out.text, "Un deux港.\n\nEncadré.\n\na\n\nb\n\nx\n\ty\n\nfin\n\nNote.");
        assert_eq!(out.warnings, [Warning::LeftOut { deleted: 0, hidden: 0, comments: 1 }]);
        assert_eq!(
            (out.head[0].text.as_str(), out.tail[0].text.as_str()),
            ("Le Courrier", "Source : Ministère")
        );
    }

    #[test]
    fn hidden_text_is_left_out_and_titles_are_headings() {
        let out = read(
            "<style name='P1' parent-style-name='Title'/><style name='T1'><text-properties display='none'/></style>",
            "<p style-name='P1'>Titre</p><h outline-level='2'>Inter</h><p>Un<span style-name='T1'> secret</span>.</p><section display='none'><p>caché</p></section><section display='none'><p/></section>",
        );
        assert_eq!(out.text, "Titre\n\nInter\n\nUn.");
        assert_eq!(out.headings, vec![0_usize..5]);
        assert_eq!(out.warnings, [Warning::LeftOut { deleted: 0, hidden: 2, comments: 0 }]);
    }

    proptest::proptest! {
        #[test]
        fn any_nesting(tags in proptest::collection::vec(proptest::sample::select(vec!["<p>", "</p>", "<h>", "</h>", "<span>", "</span>", "<table>", "</table>", "<table-row>", "</table-row>", "<table-cell>", "</table-cell>", "<s c='3'/>", "<tab/>", "<line-break/>", "<frame>", "</frame>", "<note><note-body>", "</note-body></note>", "<annotation>", "<tracked-changes>", "</tracked-changes>", "mot ", "\n "]), 0..60)) {
            let bytes = packed(&[("content.xml", format!("<d><body>{}", tags.concat()).as_bytes())]);
            if let Ok(out) = extract(&bytes, &ReadOptions::default()) {
                let lines = || out.text.lines();
                proptest::prop_assert!(lines().all(|line| line.trim_end() == line) && !out.text.contains("\n\n\n"));
                proptest::prop_assert!(out.headings.iter().all(|range| out.text.get(range.clone()).is_some()));
            }
        }
    }
}
