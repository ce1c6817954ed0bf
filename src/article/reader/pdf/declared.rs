//! What a PDF says of itself: `/Info`, the catalog's `/Lang`, and its XMP packet.
//!
//! `/Info <</Title (Port reopens) /Author (A. Writer) /CreationDate (D:20260314063000+01'00')>>`. Everybody can write
//! anything there, and most programs do so unasked: an author is often whoever was logged in.

use hayro_syntax::Pdf;
use hayro_syntax::object::{DateTime, Dict, Stream, String as PdfString};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use crate::article::extract::{Declared, Key};
use crate::base::limits;

/// Properties of XMP that are kept, by namespace and name (ISO 16684-1, Dublin Core, IPTC).
const XMP: &[(&str, &str, Key)] = &[
    (DC, "title", Key::Title),
    (DC, "creator", Key::Author),
    (DC, "description", Key::Description),
    (DC, "language", Key::Language),
    (DC, "publisher", Key::Publisher),
    (DC, "source", Key::Origin),
    (DC, "identifier", Key::Identifier),
    (PHOTOSHOP, "Credit", Key::Origin),
    (PHOTOSHOP, "Source", Key::Origin),
    (BASIC, "CreateDate", Key::Published),
    (BASIC, "ModifyDate", Key::Modified),
];
const DC: &str = "http://purl.org/dc/elements/1.1/";
const PHOTOSHOP: &str = "http://ns.adobe.com/photoshop/1.0/";
const BASIC: &str = "http://ns.adobe.com/xap/1.0/";

/// Returns what the file declares: `/Info` first, then the catalog, then XMP. At most [`limits::DECLARED_MAX`] values.
pub(super) fn declared(pdf: &Pdf) -> Vec<Declared> {
    let metadata = pdf.metadata();
    let mut out = Vec::new();
    let texts = [
        (Key::Title, "Title", &metadata.title),
        (Key::Author, "Author", &metadata.author),
        (Key::Description, "Subject", &metadata.subject),
    ];
    for (key, path, value) in texts {
        push(&mut out, key, "pdf-info", path, &value.as_deref().map(string).unwrap_or_default());
    }
    let dates = [
        (Key::Published, "CreationDate", &metadata.creation_date),
        (Key::Modified, "ModDate", &metadata.modification_date),
    ];
    for (key, path, value) in dates {
        push(&mut out, key, "pdf-info", path, &value.as_ref().map(date).unwrap_or_default());
    }
    let catalog = pdf.xref().get::<Dict<'_>>(pdf.xref().root_id());
    let Some(catalog) = catalog else { return out };
    if let Some(language) = catalog.get::<PdfString<'_>>(b"Lang") {
        push(&mut out, Key::Language, "pdf-info", "Lang", &string(language.as_bytes()));
    }
    if let Some(packet) = catalog.get::<Stream<'_>>(b"Metadata")
        && packet.raw_data().len() <= limits::PDF_MAX_XMP_BYTES
        && let Ok(packet) = packet.decoded()
        && packet.len() <= limits::PDF_MAX_XMP_BYTES
    {
        xmp(&string(&packet), &mut out);
    }
    out
}

fn push(out: &mut Vec<Declared>, key: Key, source: &str, path: &str, value: &str) {
    let value = value.trim_matches(|c: char| c.is_whitespace() || c == '\0');
    let fits = !value.is_empty()
        && value.chars().count() <= limits::DECLARED_MAX_CHARS
        && out.len() < limits::DECLARED_MAX;
    if fits {
        out.push(Declared { key, source: source.into(), path: path.into(), value: value.to_owned() });
    }
}

/// RFC 3339, in the zone that is written there.
fn date(date: &DateTime) -> String {
    let zone = match (date.utc_offset_hour, date.utc_offset_minute) {
        (0, 0) => "Z".to_owned(),
        (hour, minute) => format!("{hour:+03}:{minute:02}"),
    };
    let DateTime { year, month, day, hour, minute, second, .. } = date;
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{zone}")
}

/// Decodes a text string (ISO 32000-2, 7.9.2.2): UTF-16 or UTF-8 with a mark; else UTF-8 as many programs write it against
/// the rules, or near to Latin-1.
pub(super) fn string(bytes: &[u8]) -> String {
    match encoding_rs::Encoding::for_bom(bytes) {
        Some((encoding, _)) => encoding.decode(bytes).0.into_owned(),
        None => match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => encoding_rs::WINDOWS_1252.decode(bytes).0.into_owned(),
        },
    }
}

/// Reads an XMP packet: RDF in XML, properties as elements or as attributes of `rdf:Description`. Names are told by what
/// their prefix stands for. What is not well formed ends the reading.
fn xmp(packet: &str, out: &mut Vec<Declared>) {
    let mut reader = Reader::from_str(packet);
    // Prefixes are declared once, at the top, by all programs that write XMP.
    let mut prefixes: Vec<(String, String)> = Vec::new();
    let mut open: Option<(Key, String, usize)> = None;
    let (mut depth, mut text) = (0usize, String::new());
    loop {
        let event = reader.read_event();
        match event {
            Ok(Event::Start(element)) => {
                depth += 1;
                text.clear();
                attributes(&element, &mut prefixes, out);
                if open.is_none() {
                    let name = element.name().as_ref().to_owned();
                    open = known(&name, &prefixes).map(|key| (key, name, depth));
                }
            }
            Ok(Event::Empty(element)) => attributes(&element, &mut prefixes, out),
            Ok(Event::Text(part)) if open.is_some() => {
                text.push_str(&part);
            }
            Ok(Event::GeneralRef(entity)) if open.is_some() => {
                let entity = format!("&{};", &*entity);
                text.push_str(&quick_xml::escape::unescape(&entity).unwrap_or_default());
            }
            Ok(Event::End(_)) => {
                if let Some((key, name, level)) = &open {
                    push(out, *key, "xmp", name, &text);
                    text.clear();
                    if *level >= depth {
                        open = None;
                    }
                }
                depth = depth.saturating_sub(1);
            }
            Ok(Event::Eof) | Err(_) => return,
            Ok(_) => {}
        }
    }
}

fn known(name: &str, prefixes: &[(String, String)]) -> Option<Key> {
    let (prefix, local) = name.split_once(':')?;
    let (_, space) = prefixes.iter().rev().find(|(known, _)| known == prefix)?;
    XMP.iter().find(|(of, name, _)| of == space && *name == local).map(|(.., key)| *key)
}

fn attributes(element: &BytesStart<'_>, prefixes: &mut Vec<(String, String)>, out: &mut Vec<Declared>) {
    let pairs: Vec<(String, String)> = element
        .attributes()
        .flatten()
        .map(|pair| {
            let value = quick_xml::escape::unescape(&pair.value).map(|text| text.into_owned());
            (pair.key.as_ref().to_owned(), value.unwrap_or_default())
        })
        .collect();
    for (name, value) in &pairs {
        if let Some(prefix) = name.strip_prefix("xmlns:")
            && prefixes.len() < limits::DECLARED_MAX
        {
            prefixes.push((prefix.to_owned(), value.clone()));
        }
    }
    for (name, value) in &pairs {
        if let Some(key) = known(name, prefixes) {
            push(out, key, "xmp", name, value);
        }
    }
}
