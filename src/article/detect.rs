//! What a document is, by its content. A file's name is asked only where the content leaves it open.

use std::io::Cursor;

use super::{Format, ReadOptions};

/// What bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Detected {
    /// One document.
    Document(Format),
    /// A file of several.
    Container(Container),
    /// Text of no format that has marks of its own: plain text or Markdown.
    Text,
}

/// Files that hold several documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Container {
    /// RSS 0.9x to 2.0, RSS 1.0, Atom.
    Feed,
    /// WARC 1.0 and 1.1, plain or gzipped.
    Warc,
    /// WACZ.
    Wacz,
    /// Mailboxes of the mbox family, of two mails or more.
    Mbox,
}

/// Bytes in which the marks of a format are looked for.
const LOOK: usize = 8 * 1024;

/// Returns what the bytes are. Cheap: it looks at the beginning, and at the list of names of a ZIP package.
pub(super) fn detect(bytes: &[u8], options: &ReadOptions<'_>) -> Detected {
    let head = &bytes[..bytes.len().min(LOOK)];
    if find(&head[..head.len().min(1024)], b"%PDF-").is_some() {
        return Detected::Document(Format::Pdf);
    }
    if head.starts_with(b"{\\rtf") {
        return Detected::Document(Format::Rtf);
    }
    if head.starts_with(b"PK\x03\x04") {
        return package(bytes).unwrap_or(Detected::Text);
    }
    if head.starts_with(b"WARC/1.") || (head.starts_with(b"\x1f\x8b") && gzipped_warc(head)) {
        return Detected::Container(Container::Warc);
    }
    let text = start_of_text(head);
    if let Some(root) = root_element(&text) {
        return by_root(&root, &text);
    }
    if text.starts_with('{')
        && ["\"body_", "\"headline\"", "\"headlines\"", "\"versioncreated\"", "\"bodies\""]
            .iter()
            .any(|key| text.contains(key))
        && text.contains("\"uri\"")
    {
        return Detected::Document(Format::Ninjs);
    }
    let media = options.media_type.unwrap_or_default();
    if is_mail(&text) && super::container::mbox::is_mailbox(bytes) {
        return Detected::Container(Container::Mbox);
    }
    if is_mail(&text) || media.eq_ignore_ascii_case("message/rfc822") {
        return Detected::Document(Format::Mail);
    }
    if media.eq_ignore_ascii_case("text/html")
        || media.eq_ignore_ascii_case("application/xhtml+xml")
        || is_markup(&text)
    {
        return Detected::Document(Format::Html);
    }
    Detected::Text
}

/// True when the bytes are a compressed or packed file of no format that is read.
fn package(bytes: &[u8]) -> Option<Detected> {
    let archive = zip::ZipArchive::new(Cursor::new(bytes)).ok()?;
    let has = |name: &str| archive.index_for_name(name).is_some();
    if has("word/document.xml") {
        return Some(Detected::Document(Format::Docx));
    }
    if has("META-INF/container.xml") {
        return Some(Detected::Document(Format::Epub));
    }
    if has("datapackage.json") {
        return Some(Detected::Container(Container::Wacz));
    }
    (has("content.xml") && has("META-INF/manifest.xml")).then_some(Detected::Document(Format::Odt))
}

fn gzipped_warc(head: &[u8]) -> bool {
    use std::io::Read;
    let mut start = [0; 7];
    flate2::read::GzDecoder::new(head).read_exact(&mut start).is_ok() && start == *b"WARC/1."
}

/// Decodes the beginning as far as marks in ASCII need it.
fn start_of_text(head: &[u8]) -> String {
    let encoding =
        encoding_rs::Encoding::for_bom(head).map_or(encoding_rs::WINDOWS_1252, |(encoding, _)| encoding);
    let (text, _) = encoding.decode_with_bom_removal(head);
    text.trim_start().to_owned()
}

/// Returns the name of the first element when markup begins the text: declarations, comments and processing
/// instructions are stepped over.
fn root_element(text: &str) -> Option<String> {
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        let end = if rest.starts_with("<!--") {
            rest.find("-->").map(|at| at + 3)
        } else if rest.starts_with("<?") {
            rest.find("?>").map(|at| at + 2)
        } else if rest.get(..9).is_some_and(|start| start.eq_ignore_ascii_case("<!doctype")) {
            let html = rest[9..].trim_start().get(..4).is_some_and(|name| name.eq_ignore_ascii_case("html"));
            if html {
                return Some("html".into());
            }
            rest.find('>').map(|at| at + 1)
        } else {
            break;
        };
        rest = &rest[end?..];
    }
    let name = rest.strip_prefix('<')?;
    let end = name
        .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, ':' | '-' | '_')))
        .unwrap_or(name.len());
    (end > 0).then(|| name[..end].to_ascii_lowercase())
}

fn by_root(root: &str, text: &str) -> Detected {
    match root.rsplit(':').next().unwrap_or(root) {
        "rss" | "feed" => Detected::Container(Container::Feed),
        "rdf"
            if text.contains("http://purl.org/rss/1.0/") || text.contains("http://my.netscape.com/rdf/") =>
        {
            Detected::Container(Container::Feed)
        }
        "item" | "entry" => Detected::Document(Format::FeedEntry),
        "newsitem" | "newsmessage" | "packageitem" | "knowledgeitem" => Detected::Document(Format::NewsMl),
        "html" | "head" | "body" => Detected::Document(Format::Html),
        _ if is_markup(text) => Detected::Document(Format::Html),
        _ => Detected::Text,
    }
}

/// True for a piece of HTML without `<html>`: several tags that only pages have.
fn is_markup(text: &str) -> bool {
    // In most texts nothing is to be looked for.
    if !text.contains('<') {
        return false;
    }
    let lower = text.to_ascii_lowercase();
    let tags =
        ["<html", "<head>", "<body", "<meta ", "<title>", "<link ", "<script", "<style", "<article", "<div"];
    let starts = lower.starts_with('<');
    let count = tags.iter().filter(|tag| lower.contains(**tag)).count();
    count >= 3 || (starts && count >= 1 && !lower.starts_with("<http") && !lower.contains("\n# "))
}

/// True when the text begins with the header of a mail: RFC 5322 field lines, a sender or a date among them.
fn is_mail(text: &str) -> bool {
    let (mut fields, mut telling) = (0, 0);
    for line in text.lines() {
        if line.is_empty() {
            break;
        }
        if line.starts_with([' ', '\t']) && fields > 0 {
            continue;
        }
        if fields == 0 && line.starts_with("From ") {
            continue;
        }
        let Some((name, _)) = line.split_once(':') else { return false };
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_graphic()) {
            return false;
        }
        fields += 1;
        let known = [
            "from",
            "date",
            "subject",
            "to",
            "message-id",
            "mime-version",
            "received",
            "return-path",
            "delivered-to",
            "content-type",
        ];
        telling += usize::from(known.contains(&name.to_ascii_lowercase().as_str()));
    }
    fields >= 3 && telling >= 3
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_tells_the_format() {
        let doc = Detected::Document;
        let cases: &[(&[u8], Detected)] = &[
            (b"%PDF-1.7", doc(Format::Pdf)),
            (b"junk\n%PDF-1.4", doc(Format::Pdf)),
            (b"{\\rtf1\\ansi", doc(Format::Rtf)),
            (b"WARC/1.1\r\n", Detected::Container(Container::Warc)),
            (b"<!DOCTYPE html><p>x", doc(Format::Html)),
            (b" <HTML>", doc(Format::Html)),
            (b"\xef\xbb\xbf<?xml version='1.0'?><!-- x --> <html>", doc(Format::Html)),
            (b"<?xml version='1.0'?><rss version='2.0'>", Detected::Container(Container::Feed)),
            (b"<feed xmlns='http://www.w3.org/2005/Atom'>", Detected::Container(Container::Feed)),
            (b"<newsItem xmlns='x'>", doc(Format::NewsMl)),
            (b"<item><title>x</title></item>", doc(Format::FeedEntry)),
            (b"{\"uri\": \"urn:x\", \"headline\": \"y\"}", doc(Format::Ninjs)),
            (b"{\"a\": 1}", Detected::Text),
            (b"Subject: x\r\nFrom: a@b\r\nDate: y\r\n\r\nBody", doc(Format::Mail)),
            (b"Source: AFP\nDate: lundi\nVille: Gao\n\nLe texte", Detected::Text),
            (b"<p>Markdown may begin so</p>", Detected::Text),
            ("Le port est calme.".as_bytes(), Detected::Text),
        ];
        for (bytes, expected) in cases {
            assert_eq!(
                detect(bytes, &ReadOptions::default()),
                *expected,
                "{}",
                String::from_utf8_lossy(bytes)
            );
        }
    }
}
