//! Word documents (ECMA-376, WordprocessingML): `word/document.xml` and what it points to.
//!
//! ```text
//! <w:p><w:r><w:t>Les bateaux </w:t></w:r><w:del><w:r><w:delText>coulent</w:delText></w:r></w:del>…</w:p>
//! ```
//!
//! Inserted text is read, deleted text is not; comments, hidden text and field codes are left out, and counted. Numbers
//! and bullets of lists are not written in the file, and not in the text. Who may lie here: the properties are whatever
//! the last program wrote, often the author of a template.

use std::collections::BTreeMap;

use super::office::{LeftOut, Paragraphs, declare};
use super::package::Package;
use super::xml::{self, Element};
use crate::article::extract::{Declared, Extract, Key};
use crate::article::{ReadError, ReadOptions};
use crate::base::limits;

const FORMAT: &str = "DOCX";

/// Reads a document. Costs a pass over its XML.
///
/// # Errors
/// [`ReadError`].
pub(in crate::article) fn extract(bytes: &[u8], options: &ReadOptions<'_>) -> Result<Extract, ReadError> {
    let _ = options;
    let mut package = Package::open(bytes, FORMAT)?;
    let document = xml::parse(&package.need("word/document.xml")?, FORMAT)?;
    let styles = match package.read("word/styles.xml")? {
        Some(bytes) => Styles::read(&xml::parse(&bytes, FORMAT)?),
        None => Styles::default(),
    };
    let mut left_out = LeftOut::default();
    let mut text = Paragraphs::default();
    if let Some(body) = document.child("body") {
        text.append(Writer::new(&styles, &mut left_out).write(body));
    }
    for notes in ["word/footnotes.xml", "word/endnotes.xml"] {
        if let Some(bytes) = package.read(notes)? {
            let root = xml::parse(&bytes, FORMAT)?;
            for note in root.elements().filter(|note| is_note(note)) {
                text.append(Writer::new(&styles, &mut left_out).write(note));
            }
        }
    }
    let (text, headings) = text.finish();
    let mut out = Extract { text, headings, ..Extract::default() };
    for (name, head) in parts_around(&package) {
        let root = xml::parse(&package.need(&name)?, FORMAT)?;
        let lines = Writer::new(&styles, &mut left_out).write(&root);
        lines.around(&name, if head { &mut out.head } else { &mut out.tail });
    }
    if let Some(bytes) = package.read("docProps/core.xml")? {
        out.declared = properties(&xml::parse(&bytes, FORMAT)?);
    }
    if let Some(bytes) = package.read("word/comments.xml")? {
        left_out.comments = xml::parse(&bytes, FORMAT)?.all("comment").len();
    }
    out.warnings.extend(left_out.warning());
    if out.text.is_empty() {
        return Err(ReadError::Empty { size: bytes.len() as u64 });
    }
    Ok(out)
}

/// False for the lines that part notes from the text.
fn is_note(element: &Element) -> bool {
    matches!(element.attribute("type"), None | Some("normal"))
}

/// Returns headers and footers, headers marked.
fn parts_around(package: &Package<'_>) -> Vec<(String, bool)> {
    let mut names: Vec<String> = package.names();
    names.sort();
    let of = |name: &String| {
        let head = name.starts_with("word/header");
        ((head || name.starts_with("word/footer")) && name.ends_with(".xml")).then(|| (name.clone(), head))
    };
    names.iter().filter_map(of).take(limits::AROUND_MAX_PARTS).collect()
}

/// What the core properties (ECMA-376 part 2) say. Who saved the file last is no author.
fn properties(root: &Element) -> Vec<Declared> {
    let keys = [
        ("title", Key::Title),
        ("creator", Key::Author),
        ("created", Key::Published),
        ("modified", Key::Modified),
        ("language", Key::Language),
        ("description", Key::Description),
        ("identifier", Key::Identifier),
    ];
    let mut out = Vec::new();
    for element in root.elements() {
        if let Some((name, key)) = keys.iter().find(|(name, _)| *name == element.name) {
            declare(&mut out, *key, "core-properties", name, &element.text());
        }
    }
    out
}

/// What the styles say that matters here. Identifiers are in the language of the program (`Titre1`, `1`), the names of
/// the built-in ones are not (`heading 1`).
#[derive(Default)]
struct Styles {
    by_id: BTreeMap<String, Style>,
}

#[derive(Default)]
struct Style {
    name: String,
    based_on: Option<String>,
    top: Option<bool>,
    hidden: Option<bool>,
}

/// Styles that one is based on, one after the other. Word allows eleven.
const BASES: usize = 12;

impl Styles {
    fn read(root: &Element) -> Styles {
        let value = |element: &Element, name: &str| {
            element.child(name).and_then(|child| child.attribute("val")).map(str::to_owned)
        };
        let mut by_id = BTreeMap::new();
        for style in root.elements().filter(|element| element.name == "style") {
            let Some(id) = style.attribute("styleId") else { continue };
            let name = value(style, "name").unwrap_or_default().to_lowercase();
            let top = style.child("pPr").and_then(outline);
            let hidden = style.child("rPr").and_then(vanishes);
            by_id.insert(id.to_owned(), Style { name, based_on: value(style, "basedOn"), top, hidden });
        }
        Styles { by_id }
    }

    /// Returns a style and what it is based on.
    fn chain<'s>(&'s self, id: Option<&'s str>) -> impl Iterator<Item = &'s Style> {
        let next = |style: &&'s Style| style.based_on.as_deref().and_then(|id| self.by_id.get(id));
        std::iter::successors(id.and_then(|id| self.by_id.get(id)), next).take(BASES)
    }

    fn is_heading(&self, id: Option<&str>) -> bool {
        let named = |name: &str| matches!(name, "title" | "heading 1");
        match id {
            Some(id) if !self.by_id.contains_key(id) => matches!(id, "Title" | "Heading1"),
            _ => self
                .chain(id)
                .find_map(|style| if named(&style.name) { Some(true) } else { style.top })
                .unwrap_or(false),
        }
    }

    fn hides(&self, id: Option<&str>) -> Option<bool> {
        self.chain(id).find_map(|style| style.hidden)
    }
}

/// Whether paragraph properties put a paragraph at the first level of the outline.
fn outline(properties: &Element) -> Option<bool> {
    properties.child("outlineLvl").map(|level| level.attribute("val") == Some("0"))
}

/// Whether run properties hide a run.
fn vanishes(properties: &Element) -> Option<bool> {
    let vanish = properties.child("vanish")?;
    Some(!matches!(vanish.attribute("val"), Some("0" | "false" | "off")))
}

/// Whether the properties of a paragraph's mark, or of a row, say that it is deleted.
fn is_deleted(properties: Option<&Element>) -> bool {
    properties.is_some_and(|properties| {
        properties.elements().any(|element| matches!(element.name.as_str(), "del" | "moveFrom"))
    })
}

fn style_of<'e>(element: &'e Element, properties: &str, style: &str) -> Option<&'e str> {
    element.child(properties)?.child(style)?.attribute("val")
}

/// Writes one part of the document, or one cell.
struct Writer<'w> {
    styles: &'w Styles,
    left_out: &'w mut LeftOut,
    out: Paragraphs,
    /// The text of paragraphs whose marks are deleted: it belongs to the next one.
    carried: String,
}

/// A paragraph in the making.
#[derive(Default)]
struct Line<'e> {
    text: String,
    boxes: Vec<&'e Element>,
    /// The complex fields that are open: true while their code runs, false in their result.
    fields: Vec<bool>,
    hidden: bool,
}

impl<'w> Writer<'w> {
    fn new(styles: &'w Styles, left_out: &'w mut LeftOut) -> Self {
        Writer { styles, left_out, out: Paragraphs::default(), carried: String::new() }
    }

    fn write(mut self, parent: &Element) -> Paragraphs {
        self.blocks(parent);
        self.settle();
        self.out
    }

    fn settle(&mut self) {
        let carried = std::mem::take(&mut self.carried);
        self.out.add(&carried, false);
    }

    fn blocks(&mut self, parent: &Element) {
        for element in parent.elements() {
            match element.name.as_str() {
                "p" => self.paragraph(element),
                "tbl" => self.table(element),
                "del" | "moveFrom" => self.left_out.deleted += 1,
                "AlternateContent" => self.blocks_of(alternative(element)),
                "sdtPr" | "sectPr" => {}
                // Content controls, inserted blocks, custom markup: what is in them stands here.
                _ => self.blocks(element),
            }
        }
    }

    fn blocks_of(&mut self, parent: Option<&Element>) {
        if let Some(parent) = parent {
            self.blocks(parent);
        }
    }

    fn paragraph(&mut self, paragraph: &Element) {
        let style = style_of(paragraph, "pPr", "pStyle");
        let mut line = Line { text: std::mem::take(&mut self.carried), ..Line::default() };
        line.hidden = self.styles.hides(style).unwrap_or(false);
        self.runs(paragraph, &mut line);
        let properties = paragraph.child("pPr");
        if is_deleted(properties.and_then(|properties| properties.child("rPr"))) {
            self.carried = line.text;
        } else {
            let own = properties.and_then(outline);
            self.out.add(&line.text, own.unwrap_or_else(|| self.styles.is_heading(style)));
        }
        for one in line.boxes {
            let text = Writer::new(self.styles, self.left_out).write(one);
            self.out.append(text);
        }
    }

    fn runs<'e>(&mut self, parent: &'e Element, line: &mut Line<'e>) {
        for element in parent.elements() {
            match element.name.as_str() {
                "r" if self.is_hidden(element, line) => {
                    let shown = element.all("t").iter().any(|text| !text.raw_text().trim().is_empty());
                    self.left_out.hidden += usize::from(shown);
                }
                "del" | "moveFrom" => self.left_out.deleted += 1,
                "fldChar" => field(element.attribute("fldCharType"), &mut line.fields),
                "AlternateContent" => {
                    if let Some(one) = alternative(element) {
                        self.runs(one, line);
                    }
                }
                "txbxContent" => line.boxes.push(element),
                // Properties, codes, and the reading aid above East Asian words.
                "pPr" | "rPr" | "sdtPr" | "rubyPr" | "rt" | "instrText" | "delText" | "delInstrText" => {}
                "t" | "tab" | "ptab" | "br" | "cr" | "noBreakHyphen" | "softHyphen" | "sym" => {
                    if !line.fields.contains(&true) {
                        characters(element, &mut line.text);
                    }
                }
                _ => self.runs(element, line),
            }
        }
    }

    fn is_hidden(&self, run: &Element, line: &Line<'_>) -> bool {
        let own = run.child("rPr").and_then(vanishes);
        own.or_else(|| self.styles.hides(style_of(run, "rPr", "rStyle"))).unwrap_or(line.hidden)
    }

    fn table(&mut self, table: &Element) {
        self.settle();
        let mut rows = Vec::new();
        self.rows(table, &mut rows);
        self.out.table(rows);
    }

    /// Collects the rows, also those in content controls.
    fn rows(&mut self, parent: &Element, rows: &mut Vec<Vec<Paragraphs>>) {
        for element in parent.elements() {
            match element.name.as_str() {
                "tr" if is_deleted(element.child("trPr")) => self.left_out.deleted += 1,
                "tr" => {
                    let mut cells = Vec::new();
                    self.cells(element, &mut cells);
                    rows.push(cells);
                }
                "tblPr" | "tblGrid" | "sdtPr" => {}
                _ => self.rows(element, rows),
            }
        }
    }

    fn cells(&mut self, parent: &Element, cells: &mut Vec<Paragraphs>) {
        for element in parent.elements() {
            match element.name.as_str() {
                "tc" => cells.push(Writer::new(self.styles, self.left_out).write(element)),
                "trPr" | "tblPrEx" | "sdtPr" => {}
                _ => self.cells(element, cells),
            }
        }
    }
}

/// The same content for old and for new readers (ECMA-376 part 3): one of them is enough.
fn alternative(element: &Element) -> Option<&Element> {
    element.child("Choice").or_else(|| element.child("Fallback"))
}

fn field(kind: Option<&str>, open: &mut Vec<bool>) {
    match kind {
        Some("begin") => open.push(true),
        Some("separate") => {
            if let Some(last) = open.last_mut() {
                *last = false;
            }
        }
        Some("end") => drop(open.pop()),
        _ => {}
    }
}

fn characters(element: &Element, line: &mut String) {
    match element.name.as_str() {
        "t" => {
            // Blanks at its ends are kept also where `xml:space` does not ask for it: words run together are worse.
            let white = |c: char| matches!(c, '\t' | '\n' | '\r');
            line.extend(element.raw_text().chars().map(|c| if white(c) { ' ' } else { c }));
        }
        "tab" | "ptab" => line.push('\t'),
        "br" | "cr" => line.push('\n'),
        "noBreakHyphen" => line.push('\u{2011}'),
        "softHyphen" => line.push('\u{ad}'),
        _ => line.extend(symbol(element)),
    }
}

/// A symbol by its code; private codes of symbol fonts mean nothing in text.
fn symbol(element: &Element) -> Option<char> {
    let code = u32::from_str_radix(element.attribute("char")?, 16).ok()?;
    char::from_u32(code).filter(|c| !('\u{e000}'..='\u{f8ff}').contains(c) && !c.is_control())
}

/// Tells what an old compound file is: an encrypted document of today, or one of a format that is not read.
pub(in crate::article) fn ole2(bytes: &[u8]) -> ReadError {
    let name: Vec<u8> = "EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes).collect();
    if bytes.windows(name.len()).any(|window| window == name) {
        return ReadError::Encrypted { format: "Office".into() };
    }
    ReadError::Unsupported { format: "an old Office document".into() }
}

#[cfg(test)]
mod tests {
    use super::super::package::packed;
    use super::*;
    use crate::article::Warning;

    fn docx(body: &str) -> Vec<u8> {
        let document = format!("<w:document xmlns:w='x' xmlns:mc='y'><w:body>{body}</w:body></w:document>");
        let core = "<cp:coreProperties xmlns:dc='d' xmlns:cp='c'><dc:title>Le port</dc:title><dc:creator>Awa Diallo</dc:creator><cp:lastModifiedBy>Tom</cp:lastModifiedBy></cp:coreProperties>";
        packed(&[("word/document.xml", document.as_bytes()), ("docProps/core.xml", core.as_bytes())])
    }

    fn read(body: &str) -> Extract {
        extract(&docx(body), &ReadOptions::default()).unwrap()
    }

    #[test]
    fn paragraphs_tables_and_breaks() {
        let out = read(
            "<w:p><w:pPr><w:pStyle w:val='Title'/></w:pPr><w:r><w:t>Le port</w:t></w:r></w:p>\
             <w:p><w:r><w:t xml:space='preserve'>Les </w:t></w:r><w:hyperlink><w:r><w:t>bateaux</w:t></w:r></w:hyperlink><w:r><w:br/><w:t>rentrent</w:t></w:r></w:p>\
             <w:tbl><w:tr><w:tc><w:p><w:r><w:t>a</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>b</w:t></w:r></w:p></w:tc></w:tr></w:tbl>",
        );
        assert_eq!(out.text, "Le port\n\nLes bateaux\nrentrent\n\na\tb");
        assert_eq!(&out.text[out.headings[0].clone()], "Le port");
        let keys: Vec<(Key, &str)> = out.declared.iter().map(|one| (one.key, one.value.as_str())).collect();
        assert_eq!(keys, [(Key::Title, "Le port"), (Key::Author, "Awa Diallo")]);
    }

    #[test]
    fn deleted_hidden_and_doubled_text_is_left_out() {
        let out = read(
            "<w:p><w:r><w:t>Un </w:t></w:r><w:del><w:r><w:delText>mort</w:delText></w:r></w:del><w:ins><w:r><w:t>deux</w:t></w:r></w:ins>\
             <w:r><w:rPr><w:vanish/></w:rPr><w:t>secret</w:t></w:r><w:r><w:instrText>PAGE</w:instrText></w:r>\
             <mc:AlternateContent><mc:Choice><w:r><w:t> trois</w:t></w:r></mc:Choice><mc:Fallback><w:r><w:t> trois</w:t></w:r></mc:Fallback></mc:AlternateContent></w:p>",
        );
        assert_eq!(out.text, "Un deux trois");
        assert_eq!(out.warnings, [Warning::LeftOut { deleted: 1, hidden: 1, comments: 0 }]);
    }

    #[test]
    fn locked_old_and_damaged_files_are_told_apart() {
        let mut locked = b"\xd0\xcf\x11\xe0".to_vec();
        locked.extend("EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes));
        assert!(matches!(ole2(&locked), ReadError::Encrypted { .. }));
        assert!(matches!(ole2(b"\xd0\xcf\x11\xe0 WordDocument"), ReadError::Unsupported { .. }));
        let bytes = docx("<w:p><w:r><w:t>Le port</w:t></w:r></w:p>");
        for end in 0..bytes.len() {
            let cut = extract(&bytes[..end], &ReadOptions::default());
            assert!(matches!(cut, Err(ReadError::Damaged { .. })), "{end}: {cut:?}");
        }
        let empty = packed(&[("word/document.xml", b"<document><body/></document>")]);
        assert!(matches!(extract(&empty, &ReadOptions::default()), Err(ReadError::Empty { .. })));
    }

    const STYLES: &str = "<w:styles xmlns:w='x'><w:style w:styleId='1'><w:name w:val='heading 1'/></w:style>\
        <w:style w:styleId='a3'><w:name w:val='Surtitre'/><w:basedOn w:val='1'/></w:style>\
        <w:style w:styleId='a4'><w:basedOn w:val='a4'/><w:pPr><w:outlineLvl w:val='0'/></w:pPr></w:style>\
        <w:style w:styleId='loop'><w:basedOn w:val='loop'/></w:style>\
        <w:style w:styleId='h'><w:name w:val='Consigne'/><w:rPr><w:vanish/></w:rPr></w:style></w:styles>";

    #[test]
    fn styles_are_known_by_their_names_and_not_by_their_identifiers() {
        let styled = |style: &str, text: &str| {
            format!("<w:p><w:pPr><w:pStyle w:val='{style}'/></w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>")
        };
        let body = [
            ("1", "Порт"),
            ("a3", "Суда"),
            ("a4", "Шторм"),
            ("loop", "Да"),
            ("h", "Секрет"),
            ("none", "Нет"),
        ];
        let body: String = body.iter().map(|(style, text)| styled(style, text)).collect();
        let document = format!("<w:document xmlns:w='x'><w:body>{body}</w:body></w:document>");
        let bytes =
            packed(&[("word/document.xml", document.as_bytes()), ("word/styles.xml", STYLES.as_bytes())]);
        let out = extract(&bytes, &ReadOptions::default()).unwrap();
        assert_eq!(out.text, "Порт\n\nСуда\n\nШторм\n\nДа\n\nНет");
        let headings: Vec<&str> = out.headings.into_iter().map(|range| &out.text[range]).collect();
        assert_eq!(headings, ["Порт", "Суда", "Шторм"]);
        assert_eq!(out.warnings, [Warning::LeftOut { deleted: 0, hidden: 1, comments: 0 }]);
    }

    #[test]
    fn what_is_shown_once_is_read_once() {
        let shape = "<w:r><mc:AlternateContent><mc:Choice><w:drawing><wps:txbx><w:txbxContent><w:p><w:r><w:t>Encadré.</w:t></w:r></w:p></w:txbxContent></wps:txbx></w:drawing></mc:Choice>\
            <mc:Fallback><w:pict><v:textbox><w:txbxContent><w:p><w:r><w:t>Encadré.</w:t></w:r></w:p></w:txbxContent></v:textbox></w:pict></mc:Fallback></mc:AlternateContent></w:r>";
        let out = read(&format!(
            "<w:p><w:r><w:t>Un</w:t></w:r>{shape}<w:r><w:t> deux.</w:t></w:r></w:p>\
             <mc:AlternateContent><mc:Choice><w:p><w:r><w:t>Trois.</w:t></w:r></w:p></mc:Choice><mc:Fallback><w:p><w:r><w:t>Trois.</w:t></w:r></w:p></mc:Fallback></mc:AlternateContent>\
             <w:p><w:r><w:ruby><w:rt><w:r><w:t>みなと</w:t></w:r></w:rt><w:rubyBase><w:r><w:t>港</w:t></w:r></w:rubyBase></w:ruby></w:r></w:p>\
             <w:p><w:r><w:fldChar w:fldCharType='begin'/></w:r><w:r><w:t>code</w:t></w:r><w:r><w:fldChar w:fldCharType='separate'/></w:r><w:r><w:t>page 3</w:t></w:r><w:r><w:fldChar w:fldCharType='end'/></w:r></w:p>"
        ));
        assert_eq!(out.text, "Un deux.\n\nEncadré.\n\nTrois.\n\n港\n\npage 3");
        assert_eq!(out.warnings, []);
    }

    #[test]
    fn a_deleted_mark_joins_paragraphs_and_a_deleted_row_goes() {
        let out = read(
            "<w:p><w:pPr><w:rPr><w:del/></w:rPr></w:pPr><w:r><w:t>Les </w:t></w:r></w:p><w:p><w:r><w:t>bateaux</w:t></w:r></w:p>\
             <w:tbl><w:tr><w:trPr><w:del/></w:trPr><w:tc><w:p><w:r><w:t>mort</w:t></w:r></w:p></w:tc></w:tr>\
             <w:sdt><w:sdtContent><w:tr><w:tc><w:p><w:r><w:t>vif</w:t></w:r></w:p></w:tc><w:tc><w:p/></w:tc></w:tr></w:sdtContent></w:sdt></w:tbl>\
             <w:p><w:pPr><w:rPr><w:del/></w:rPr></w:pPr><w:r><w:t>Fin</w:t></w:r></w:p>",
        );
        assert_eq!(out.text, "Les bateaux\n\nvif\n\nFin");
        assert_eq!(out.warnings, [Warning::LeftOut { deleted: 1, hidden: 0, comments: 0 }]);
    }

    #[test]
    fn notes_come_last_and_headers_stand_around() {
        let part = |text: &str| format!("<w:x xmlns:w='x'><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:x>");
        let notes = "<w:footnotes xmlns:w='x'><w:footnote w:type='separator'><w:p><w:r><w:t>-</w:t></w:r></w:p></w:footnote><w:footnote w:type='normal'><w:p><w:r><w:t>Note.</w:t></w:r></w:p></w:footnote></w:footnotes>";
        let comments = "<w:comments xmlns:w='x'><w:comment><w:p><w:r><w:t>Sûr ?</w:t></w:r></w:p></w:comment></w:comments>";
        let document = format!("<w:document xmlns:w='x'><w:body>{}</w:body></w:document>", part("Texte."));
        let (same, foot) = (part("Le Courrier"), part("Source : Ministère"));
        let bytes = packed(&[
            ("word/document.xml", document.as_bytes()),
            ("word/footnotes.xml", notes.as_bytes()),
            ("word/comments.xml", comments.as_bytes()),
            ("word/header1.xml", same.as_bytes()),
            ("word/header2.xml", same.as_bytes()),
            ("word/footer1.xml", foot.as_bytes()),
        ]);
        let out = extract(&bytes, &ReadOptions::default()).unwrap();
        assert_eq!(out.text, "Texte.\n\nNote.");
        assert_eq!(out.warnings, [Warning::LeftOut { deleted: 0, hidden: 0, comments: 1 }]);
        let around = |blocks: &[crate::article::extract::Block]| -> Vec<(String, String)> {
            blocks.iter().map(|block| (block.path.clone(), block.text.clone())).collect()
        };
        assert_eq!(around(&out.head), [("word/header1.xml".into(), "Le Courrier".into())]);
        assert_eq!(around(&out.tail), [("word/footer1.xml".into(), "Source : Ministère".into())]);
    }

    #[test]
    fn hostile_documents_are_bounded() {
        let deep = "<w:p>".repeat(100_000);
        assert!(matches!(extract(&docx(&deep), &ReadOptions::default()), Err(ReadError::LimitPassed { .. })));
        // As deep as it may be, closed and not, in the stack of a thread of the tests.
        let depth = limits::XML_MAX_DEPTH - 10;
        let nested =
            format!("{}<w:p><w:r><w:t>fond</w:t></w:r></w:p>", "<w:tbl><w:tr><w:tc>".repeat(depth / 3));
        assert_eq!(read(&nested).text, "fond");
        let wide = format!("<w:p w:x='{}'><w:r><w:t>mot</w:t></w:r></w:p>", "x".repeat(1 << 20));
        assert_eq!(read(&wide).text, "mot");
        let laughs: String =
            (1..10).map(|n| format!("<!ENTITY l{n} '{}'>", format!("&l{};", n - 1).repeat(10))).collect();
        let laughs =
            format!("<!DOCTYPE d [<!ENTITY l0 'ha'>{laughs}]><d><body><p><r><t>&l9;</t></r></p></body></d>");
        let bytes = packed(&[("word/document.xml", laughs.as_bytes())]);
        assert_eq!(extract(&bytes, &ReadOptions::default()).unwrap().text, "&l9;");
        // A document in a document is not opened.
        let inner = docx("<w:p><w:r><w:t>dedans</w:t></w:r></w:p>");
        let document = b"<d><body><p><r><t>dehors</t></r></p></body></d>";
        let bytes = packed(&[("word/document.xml", document), ("word/embeddings/a.docx", &inner)]);
        assert_eq!(extract(&bytes, &ReadOptions::default()).unwrap().text, "dehors");
    }

    #[test]
    fn utf_16_is_read() {
        let xml = "<?xml version='1.0' encoding='UTF-16'?><d><body><p><r><t>Les pêcheurs, порт</t></r></p></body></d>";
        let bytes: Vec<u8> =
            [0xfeff].into_iter().chain(xml.encode_utf16()).flat_map(u16::to_le_bytes).collect();
        let bytes = packed(&[("word/document.xml", &bytes)]);
        assert_eq!(extract(&bytes, &ReadOptions::default()).unwrap().text, "Les pêcheurs, порт");
    }

    proptest::proptest! {
        #[test]
        fn any_nesting(tags in proptest::collection::vec(proptest::sample::select(vec!["<w:p>", "</w:p>", "<w:r>", "</w:r>", "<w:t>", "</w:t>", "<w:tbl>", "</w:tbl>", "<w:tr>", "</w:tr>", "<w:tc>", "</w:tc>", "<w:del>", "</w:del>", "<w:br/>", "<w:tab/>", "<w:txbxContent>", "</w:txbxContent>", "<w:pPr><w:outlineLvl w:val='0'/><w:rPr><w:del/></w:rPr></w:pPr>", "<w:fldChar w:fldCharType='begin'/>", "<w:fldChar w:fldCharType='end'/>", "<w:rPr><w:vanish/></w:rPr>", "mot ", " \u{a0}"]), 0..60)) {
            let bytes = docx(&tags.concat());
            if let Ok(out) = extract(&bytes, &ReadOptions::default()) {
                let lines = || out.text.lines();
                proptest::prop_assert!(lines().all(|line| line.trim_end() == line) && !out.text.contains("\n\n\n"));
                proptest::prop_assert!(out.headings.iter().all(|range| out.text.get(range.clone()).is_some()));
            }
        }
    }
}
