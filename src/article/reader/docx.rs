//! Word documents (ECMA-376, WordprocessingML): `word/document.xml` and what it points to.
//!
//! Inserted text is read, deleted text is not; comments, hidden text and field codes are left out. Each is counted.

use super::package::Package;
use super::xml::{self, Element};
use crate::article::extract::{Block, Declared, Extract, Key};
use crate::article::{ReadError, ReadOptions, Warning};

const FORMAT: &str = "DOCX";

/// Reads a document. Costs a pass over its XML.
///
/// # Errors
/// [`ReadError`].
pub(in crate::article) fn extract(bytes: &[u8], options: &ReadOptions<'_>) -> Result<Extract, ReadError> {
    let _ = options;
    let mut package = Package::open(bytes, FORMAT)?;
    let document = xml::parse(&package.need("word/document.xml")?, FORMAT)?;
    let mut writer = Writer::default();
    if let Some(body) = document.child("body") {
        writer.blocks(body);
    }
    for notes in ["word/footnotes.xml", "word/endnotes.xml"] {
        if let Some(bytes) = package.read(notes)? {
            let root = xml::parse(&bytes, FORMAT)?;
            // Notes with a type are the lines that part notes from text.
            for note in root.elements().filter(|note| note.attribute("type").is_none()) {
                writer.blocks(note);
            }
        }
    }
    let mut out =
        Extract { text: writer.out.trim_end().to_owned(), headings: writer.headings, ..Extract::default() };
    for (name, head) in parts_around(&package) {
        let bytes = package.need(&name)?;
        let mut around = Writer::default();
        around.blocks(&xml::parse(&bytes, FORMAT)?);
        let lines = around.out.lines().filter(|line| !line.trim().is_empty());
        let blocks = lines.take(8).map(|line| Block { path: name.clone(), text: line.trim().to_owned() });
        if head { out.head.extend(blocks) } else { out.tail.extend(blocks) }
    }
    if let Some(bytes) = package.read("docProps/core.xml")? {
        out.declared = properties(&xml::parse(&bytes, FORMAT)?);
    }
    let comments = match package.read("word/comments.xml")? {
        Some(bytes) => xml::parse(&bytes, FORMAT)?.all("comment").len(),
        None => 0,
    };
    let left_out = writer.deleted + writer.hidden + comments;
    if left_out > 0 {
        out.warnings.push(Warning::LeftOut { deleted: writer.deleted, hidden: writer.hidden, comments });
    }
    if out.text.trim().is_empty() {
        return Err(ReadError::Empty { size: bytes.len() as u64 });
    }
    Ok(out)
}

/// Returns headers and footers, headers marked, each kind once.
fn parts_around(package: &Package<'_>) -> Vec<(String, bool)> {
    let mut names: Vec<String> = package.names();
    names.sort();
    let of = |name: &String| {
        let head = name.starts_with("word/header");
        ((head || name.starts_with("word/footer")) && name.ends_with(".xml")).then(|| (name.clone(), head))
    };
    names.iter().filter_map(of).take(6).collect()
}

/// What the core properties (ECMA-376 part 2) say. Who saved the file last is no author.
pub(super) fn properties(root: &Element) -> Vec<Declared> {
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
        let Some((_, key)) = keys.iter().find(|(name, _)| *name == element.name) else { continue };
        let value = element.text();
        if !value.is_empty() && value.chars().count() <= crate::base::limits::DECLARED_MAX_CHARS {
            out.push(Declared {
                key: *key,
                source: "core-properties".into(),
                path: element.name.clone(),
                value,
            });
        }
    }
    out
}

#[derive(Default)]
struct Writer {
    out: String,
    headings: Vec<std::ops::Range<usize>>,
    deleted: usize,
    hidden: usize,
}

impl Writer {
    /// Writes the paragraphs and tables of a part, each with a blank line after it.
    fn blocks(&mut self, parent: &Element) {
        for element in parent.elements() {
            match element.name.as_str() {
                "p" => self.paragraph(element),
                "tbl" => self.table(element),
                "del" | "moveFrom" => self.deleted += 1,
                // Content controls, inserted blocks, custom markup: what is in them stands here.
                _ => self.blocks(element),
            }
        }
    }

    fn paragraph(&mut self, paragraph: &Element) {
        let mut line = String::new();
        let mut boxes = Vec::new();
        self.runs(paragraph, &mut line, &mut boxes);
        let line = line.trim();
        if !line.is_empty() {
            let start = self.out.len();
            self.out.push_str(line);
            let style = paragraph.child("pPr").and_then(|properties| properties.child("pStyle"));
            let style =
                style.and_then(|style| style.attribute("val")).unwrap_or_default().to_ascii_lowercase();
            if matches!(
                style.as_str(),
                "title" | "titre" | "titel" | "heading1" | "titre1" | "berschrift1" | "überschrift1"
            ) {
                self.headings.push(start..self.out.len());
            }
            self.out.push_str("\n\n");
        }
        for one in boxes {
            self.blocks(one);
        }
    }

    fn runs<'e>(&mut self, parent: &'e Element, line: &mut String, boxes: &mut Vec<&'e Element>) {
        for element in parent.elements() {
            match element.name.as_str() {
                "t" => line.push_str(&element.raw_text()),
                "tab" => line.push('\t'),
                "br" | "cr" => line.push('\n'),
                "noBreakHyphen" => line.push('\u{2011}'),
                "softHyphen" => line.push('\u{ad}'),
                "sym" => line.extend(symbol(element)),
                "del" | "moveFrom" => self.deleted += 1,
                "pPr" | "instrText" | "delText" | "rPr" | "fldSimpleInstr" => {}
                // Shown twice for old and new readers: one of them is enough.
                "AlternateContent" => {
                    let choice = element.child("Choice").or_else(|| element.child("Fallback"));
                    if let Some(choice) = choice {
                        self.runs(choice, line, boxes);
                    }
                }
                "txbxContent" => boxes.push(element),
                "r" if is_hidden(element) => self.hidden += 1,
                _ => self.runs(element, line, boxes),
            }
        }
    }

    fn table(&mut self, table: &Element) {
        let mut rows = Vec::new();
        for row in table.elements().filter(|row| row.name == "tr") {
            let mut cells = Vec::new();
            for cell in row.elements().filter(|cell| cell.name == "tc") {
                let mut inner = Writer::default();
                inner.blocks(cell);
                self.deleted += inner.deleted;
                self.hidden += inner.hidden;
                cells.push(inner.out.trim().replace("\n\n", "\n").replace('\n', " "));
            }
            rows.push(cells.join("\t"));
        }
        let text = rows.join("\n");
        if !text.trim().is_empty() {
            self.out.push_str(text.trim());
            self.out.push_str("\n\n");
        }
    }
}

fn is_hidden(run: &Element) -> bool {
    let vanish = run.child("rPr").and_then(|properties| properties.child("vanish"));
    vanish.is_some_and(|vanish| !matches!(vanish.attribute("val"), Some("0" | "false" | "off")))
}

/// A symbol by its code; private codes of symbol fonts mean nothing in text.
fn symbol(element: &Element) -> Option<char> {
    let code = u32::from_str_radix(element.attribute("char")?, 16).ok()?;
    char::from_u32(code).filter(|c| !('\u{e000}'..='\u{f8ff}').contains(c))
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
            let _ = extract(&bytes[..end], &ReadOptions::default());
        }
        let empty = packed(&[("word/document.xml", b"<document><body/></document>")]);
        assert!(matches!(extract(&empty, &ReadOptions::default()), Err(ReadError::Empty { .. })));
    }
}
