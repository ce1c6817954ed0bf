//! What must hold of any bytes that a stranger sends. Fuzz targets call it, and so does a test, with every input that
//! was ever found.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::io::Write as _;

use dateline::article::container::Contents;
use dateline::article::extract::Extract;
use dateline::article::{self, Article, Evidence, ExtractedText, Format, ReadOptions};
use dateline::attest::disclosure::Disclosure;
use dateline::attest::dsse::Envelope;
use dateline::attest::statement::Statement;
use dateline::base::limits;
use dateline::note::{Checkpoint, Note, Policy, TlogProof, VerifierKey};
use dateline::record::disclosures::DisclosureFile;
use dateline::record::entry::Entry;
use dateline::record::{Pending, PendingError};
use dateline::tlog::bundle::EntryBundle;
use dateline::tlog::tile::Tile;
use dateline::verify::Lock;

/// Names of the targets.
#[allow(dead_code)]
pub(crate) const TARGETS: [&str; 21] = [
    "any",
    "text",
    "markdown",
    "html",
    "pdf",
    "package",
    "rtf",
    "mail",
    "ninjs",
    "newsml",
    "feed_entry",
    "feed",
    "warc",
    "wacz",
    "note",
    "policy",
    "proof",
    "bundle",
    "entry",
    "lock",
    "pending",
];

/// Reads `bytes` as `target` does, and panics where something does not hold.
pub(crate) fn check(target: &str, bytes: &[u8]) {
    match target {
        "any" => any(bytes),
        "text" => document(Format::Text, bytes),
        "markdown" => document(Format::Markdown, bytes),
        "html" => document(Format::Html, bytes),
        "pdf" => document(Format::Pdf, bytes),
        "package" => package(bytes),
        "rtf" => document(Format::Rtf, bytes),
        "mail" => {
            document(Format::Mail, bytes);
            container(&joined(b"From: a@b.example\r\nMIME-Version: 1.0\r\nSubject: x\r\n", bytes));
        }
        "ninjs" => document(Format::Ninjs, bytes),
        "newsml" => document(Format::NewsMl, bytes),
        "feed_entry" => document(Format::FeedEntry, bytes),
        "feed" => container(&joined(b"<rss version='2.0'><channel>", bytes)),
        "warc" => container(&joined(b"WARC/1.0\r\nWARC-Type: response\r\n", bytes)),
        "wacz" => wacz(bytes),
        "note" => note(bytes),
        "policy" => exact(bytes, |bytes| Policy::parse(bytes).ok().map(|policy| policy.format()), false),
        "proof" => {
            exact(bytes, |bytes| TlogProof::parse(bytes).ok().map(|proof| proof.format().into_bytes()), true)
        }
        "bundle" => bundle(bytes),
        "entry" => entry(bytes),
        "lock" => lock(bytes),
        "pending" => pending(bytes),
        other => panic!("no target {other}"),
    }
}

/// What is read is written in one way, and read again from there.
fn lock(bytes: &[u8]) {
    let Some(read) = std::str::from_utf8(bytes).ok().and_then(|text| Lock::parse(text).ok()) else { return };
    let written = read.format();
    let again = Lock::parse(&written).unwrap();
    assert_eq!(again.format(), written);
    for article in again.articles() {
        let line = written.lines().nth(article.line as usize - 1).unwrap();
        assert!(line.contains("\"path\""), "{line}");
        assert!(article.path.as_str().split('/').all(|part| !matches!(part, "" | "." | "..")));
    }
}

/// A statement that waits: what is read under its own name is what was written.
fn pending(bytes: &[u8]) {
    let path = match Pending::parse("pending/x.json", bytes) {
        Err(PendingError::Name(digest)) => format!("pending/{digest}.json"),
        Err(_) => return,
        Ok(_) => panic!("no statement has this name"),
    };
    let Ok((read, _)) = Pending::parse(&path, bytes) else { return };
    assert_eq!(read.path(), path);
    let (again, _) = Pending::parse(&path, &read.format()).unwrap();
    assert_eq!(again, read);
}

fn joined(head: &[u8], rest: &[u8]) -> Vec<u8> {
    [head, rest].concat()
}

fn any(bytes: &[u8]) {
    let options = ReadOptions::default();
    single(bytes, &options);
    container(bytes);
}

fn single(bytes: &[u8], options: &ReadOptions<'_>) {
    if let Ok((format, extract)) = article::extract(bytes, options) {
        holds(&article::claims_of(bytes, format, extract.clone()), &extract);
    }
}

/// The same bytes are the same text; each claim stands where its evidence says; nothing passes its limit.
fn document(format: Format, bytes: &[u8]) {
    let options = ReadOptions::default();
    let one = article::extract_here(format, bytes, &options);
    assert_eq!(one, article::extract_here(format, bytes, &options), "a second reading differs");
    if let Ok(extract) = one {
        holds(&article::claims_of(bytes, format, extract.clone()), &extract);
    }
}

fn holds(article: &Article, extract: &Extract) {
    let text = ExtractedText::new(&article.text).beside(extract);
    let evidence = |evidence: &Evidence| assert_eq!(text.holds(evidence), Ok(()), "{evidence:?}");
    article.claimed_origins.iter().for_each(|origin| evidence(&origin.evidence));
    article.bylines.iter().for_each(|byline| evidence(&byline.evidence));
    article
        .title
        .iter()
        .chain(&article.published_at)
        .chain(&article.publisher)
        .for_each(|claim| evidence(&claim.evidence));
    article.dateline.iter().for_each(|dateline| evidence(&dateline.evidence));
    assert!(
        article.claimed_origins.len() <= limits::CLAIMS_MAX && article.bylines.len() <= limits::CLAIMS_MAX
    );
    assert!(article.quotes.len() <= limits::QUOTES_MAX && article.paragraphs.len() <= limits::PARAGRAPHS_MAX);
    let long = |name: &str| name.chars().count() > limits::CLAIM_MAX_CHARS;
    assert!(!article.claimed_origins.iter().any(|origin| long(&origin.as_printed)));
    assert!(!article.bylines.iter().any(|byline| long(&byline.as_printed)));
    let chars = article.text.chars().count();
    let mut last = 0;
    for paragraph in &article.paragraphs {
        assert!(
            last <= paragraph.start && paragraph.start < paragraph.end && paragraph.end <= chars,
            "{paragraph:?}"
        );
        last = paragraph.end;
    }
}

/// A file of several documents: its parts are bounded, and each is read or refused like any other.
fn container(bytes: &[u8]) {
    let Ok(Some(contents)) = article::open_here(bytes, &ReadOptions::default()) else { return };
    parts(&contents);
}

fn parts(contents: &Contents) {
    assert!(contents.parts.len() <= limits::PARTS_MAX);
    for part in contents.parts.iter().take(4) {
        let options = ReadOptions {
            file_name: Some(&part.name),
            media_type: part.media_type.as_deref(),
            charset: part.charset.as_deref(),
            url: part.url.as_deref(),
        };
        single(&part.bytes, &options);
    }
}

/// A ZIP package around the bytes, so that what they change is the XML and not the archive.
fn zipped(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        let stored =
            zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        archive.start_file(*name, stored).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// The first byte chooses the package; a zero byte parts its files.
fn package(bytes: &[u8]) {
    let Some((kind, rest)) = bytes.split_first() else { return };
    let mut files = rest.split(|byte| *byte == 0);
    let mut next = || files.next().unwrap_or_default();
    match kind % 4 {
        0 => {
            let entries = [
                ("word/document.xml", next()),
                ("word/styles.xml", next()),
                ("word/footnotes.xml", next()),
                ("docProps/core.xml", next()),
                ("word/comments.xml", next()),
                ("word/header1.xml", next()),
            ];
            document(Format::Docx, &zipped(&entries));
        }
        1 => {
            let entries = [
                ("mimetype", b"application/vnd.oasis.opendocument.text".as_slice()),
                ("content.xml", next()),
                ("styles.xml", next()),
                ("meta.xml", next()),
                ("META-INF/manifest.xml", b"<manifest/>"),
            ];
            document(Format::Odt, &zipped(&entries));
        }
        2 => {
            let container =
                b"<container><rootfiles><rootfile full-path='o.opf'/></rootfiles></container>".as_slice();
            let entries = [
                ("mimetype", b"application/epub+zip".as_slice()),
                ("META-INF/container.xml", container),
                ("o.opf", next()),
                ("a.xhtml", next()),
                ("b.xhtml", next()),
            ];
            document(Format::Epub, &zipped(&entries));
        }
        _ => [Format::Docx, Format::Odt, Format::Epub].into_iter().for_each(|format| document(format, rest)),
    }
}

fn wacz(bytes: &[u8]) {
    let mut files = bytes.split(|byte| *byte == 0xff);
    let mut next = || files.next().unwrap_or_default();
    let (package, pages) = (next(), next());
    let warc = next();
    let entries = [("datapackage.json", package), ("pages/pages.jsonl", pages), ("archive/data.warc", warc)];
    container(&zipped(&entries));
    container(bytes);
}

/// What was read is written back as it was; or, where `canonical` is false, what is written is read as itself.
fn exact(bytes: &[u8], again: impl Fn(&[u8]) -> Option<Vec<u8>>, canonical: bool) {
    let Some(written) = again(bytes) else { return };
    if canonical {
        assert_eq!(written, bytes, "written otherwise than it was read");
    } else {
        assert_eq!(again(&written).as_ref(), Some(&written), "what was written is read otherwise");
    }
}

fn note(bytes: &[u8]) {
    exact(bytes, |bytes| Note::parse(bytes).ok().map(|note| note.format().into_bytes()), true);
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    exact(bytes, |_| Checkpoint::parse(text).ok().map(|checkpoint| checkpoint.format().into_bytes()), true);
    exact(bytes, |_| VerifierKey::parse(text).ok().map(|key| key.to_string().into_bytes()), true);
    if let Ok(tile) = text.parse::<Tile>() {
        assert_eq!(tile.path(), text);
    }
}

fn bundle(bytes: &[u8]) {
    let Some((width, rest)) = bytes.split_first() else { return };
    let bundle = EntryBundle::new(0, u16::from(*width) + 1).unwrap();
    let Ok(entries) = bundle.entries(rest) else { return };
    assert_eq!(entries.len(), usize::from(bundle.width()));
    let mut written = Vec::new();
    entries.iter().for_each(|entry| dateline::tlog::bundle::push(&mut written, entry).unwrap());
    assert_eq!(written, rest);
}

fn entry(bytes: &[u8]) {
    exact(bytes, |bytes| Envelope::parse(bytes).ok().map(|envelope| envelope.encode()), true);
    exact(bytes, |bytes| Statement::parse(bytes).ok().map(|statement| statement.encode()), false);
    let _ = Entry::parse(bytes);
    exact(bytes, |bytes| DisclosureFile::parse(0, bytes).ok().map(|file| file.format()), false);
    if let Some(disclosure) = std::str::from_utf8(bytes).ok().and_then(|text| Disclosure::parse(text).ok()) {
        assert_eq!(disclosure.as_str().as_bytes(), bytes);
    }
}

/// Ends the process at a panic, as a fuzzer wants it, but for the panics of a library that is known to panic and whose
/// panics are caught where it is called.
#[allow(dead_code)]
pub(crate) fn abort_on_panic() {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let caught = info.location().is_some_and(|at| {
            ["hayro", "pdf-extract", "lopdf", "type1-encoding-parser", "cff-parser", "adobe-cmap-parser"]
                .iter()
                .any(|name| at.file().contains(name))
        });
        if !caught {
            hook(info);
            std::process::abort();
        }
    }));
}
