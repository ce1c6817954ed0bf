//! Bytes in any charset → text in UTF-8 with line feeds.
//!
//! The order is: byte order mark, valid UTF-8, UTF-8 with a few broken bytes, then a guess from the bytes
//! (chardetng, as in Firefox). How the charset is known is recorded, since a guess may be wrong. Bytes that are no text
//! are refused by name, so that nobody hashes the noise inside a PDF as if it were words.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8};
use serde::{Deserialize, Serialize};

use super::ReadError;
use crate::base::limits;

/// How a charset is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum CharsetSource {
    /// A byte order mark says so.
    ByteOrderMark,
    /// The bytes are valid UTF-8, or would be but for a few of them.
    Utf8,
    /// Whoever delivered the document says so: an HTTP header, a mail's part.
    Transport,
    /// The document says so itself.
    Declared,
    /// Guessed from the bytes.
    Detected,
    /// The format leaves no choice.
    Format,
}

/// The charset that the bytes were read in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charset {
    /// Name as in the WHATWG Encoding Standard: `UTF-8`, `windows-1252`.
    pub name: String,
    /// How it is known.
    pub source: CharsetSource,
}

/// A decoded document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decoded {
    /// UTF-8, line feeds only, no byte order mark.
    pub text: String,
    /// What it was read in.
    pub charset: Charset,
    /// Undecodable sequences, each now U+FFFD.
    pub undecodable: usize,
}

/// Bytes shown to the charset detector.
const DETECT_BYTES: usize = 256 * 1024;

/// First bytes of formats that are not text, each with the name to tell.
const MAGIC: &[(&[u8], &str)] = &[
    (b"%PDF-", "PDF"),
    (b"PK\x03\x04", "ZIP or Office document"),
    (b"PK\x05\x06", "empty ZIP"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old Office document"),
    (b"{\\rtf", "RTF"),
    (b"\x89PNG\r\n\x1a\n", "PNG image"),
    (b"\xff\xd8\xff", "JPEG image"),
    (b"GIF87a", "GIF image"),
    (b"GIF89a", "GIF image"),
    (b"II*\0", "TIFF image"),
    (b"MM\0*", "TIFF image"),
    (b"RIFF", "RIFF audio, video or image"),
    (b"\0asm", "WebAssembly"),
    (b"\x7fELF", "program"),
    (b"\x1f\x8b", "gzip archive"),
    (b"\xfd7zXZ\0", "xz archive"),
    (b"\x28\xb5\x2f\xfd", "zstd archive"),
    (b"7z\xbc\xaf\x27\x1c", "7z archive"),
    (b"ID3", "MP3 audio"),
    (b"OggS", "Ogg audio or video"),
    (b"SQLite format 3\0", "SQLite database"),
];

/// Decodes a document. Costs a few passes over the bytes.
///
/// # Errors
/// [`ReadError::TooLarge`], [`ReadError::Empty`], [`ReadError::Binary`].
pub(super) fn decode(bytes: &[u8]) -> Result<Decoded, ReadError> {
    let size = bytes.len() as u64;
    if size > limits::DOCUMENT_MAX_BYTES {
        return Err(ReadError::TooLarge { size, limit: limits::DOCUMENT_MAX_BYTES });
    }
    if let Some((_, looks_like)) = MAGIC.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return Err(ReadError::Binary { looks_like: (*looks_like).into() });
    }
    let (encoding, source, skip) = charset(bytes)?;
    let (decoded, malformed) = encoding.decode_without_bom_handling(&bytes[skip..]);
    let undecodable = if malformed { count_replacements(&decoded, &bytes[skip..], encoding) } else { 0 };
    let text = line_feeds(decoded.into_owned());
    let text = match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    };
    if !text.chars().any(|c| !c.is_whitespace() && !super::reflow::is_invisible(c)) {
        return Err(ReadError::Empty { size });
    }
    Ok(Decoded { text, charset: Charset { name: encoding.name().to_owned(), source }, undecodable })
}

/// Decodes a page: as [`decode`], but what its deliverer and the page itself say of the charset is heard, and nothing is
/// refused for being binary. Order: byte order mark, the deliverer, valid UTF-8, `<meta charset>`, a guess.
///
/// # Errors
/// [`ReadError::TooLarge`], [`ReadError::Empty`].
pub(super) fn decode_page(bytes: &[u8], delivered: Option<&str>) -> Result<Decoded, ReadError> {
    let size = bytes.len() as u64;
    if size > limits::DOCUMENT_MAX_BYTES {
        return Err(ReadError::TooLarge { size, limit: limits::DOCUMENT_MAX_BYTES });
    }
    let label = |label: &str| Encoding::for_label(label.trim().as_bytes());
    let by_mark = Encoding::for_bom(bytes);
    let (encoding, source, skip) = if let Some((encoding, skip)) = by_mark {
        (encoding, CharsetSource::ByteOrderMark, skip)
    } else if let Some(encoding) = delivered.and_then(label) {
        (encoding, CharsetSource::Transport, 0)
    } else if is_nearly_utf8(bytes) {
        (UTF_8, CharsetSource::Utf8, 0)
    } else if let Some(encoding) = declared_in_page(bytes).and_then(|name| label(&name)) {
        (encoding, CharsetSource::Declared, 0)
    } else {
        guess(bytes)
    };
    let (decoded, malformed) = encoding.decode_without_bom_handling(&bytes[skip..]);
    let undecodable = if malformed { count_replacements(&decoded, &bytes[skip..], encoding) } else { 0 };
    let text = line_feeds(decoded.into_owned());
    Ok(Decoded { text, charset: Charset { name: encoding.name().to_owned(), source }, undecodable })
}

/// Returns the charset that a page or an XML declaration names in its first bytes.
fn declared_in_page(bytes: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(4_096)]).to_ascii_lowercase();
    let after = |mark: &str| {
        let at = head.find(mark)? + mark.len();
        let value = head[at..].trim_start_matches([' ', '=', '"', '\'']);
        let end = value.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':' | '.')))?;
        let name = &value[..end];
        // A page that is ASCII up to here cannot be in UTF-16, whatever it says.
        (!name.is_empty())
            .then(|| if name.starts_with("utf-16") { "utf-8".to_owned() } else { name.to_owned() })
    };
    after("charset").or_else(|| after("encoding"))
}

fn charset(bytes: &[u8]) -> Result<(&'static Encoding, CharsetSource, usize), ReadError> {
    if let Some((encoding, skip)) = Encoding::for_bom(bytes) {
        return Ok((encoding, CharsetSource::ByteOrderMark, skip));
    }
    refuse_controls(bytes)?;
    let escapes = bytes.contains(&0x1b) && bytes.is_ascii();
    if !escapes && is_nearly_utf8(bytes) {
        return Ok((UTF_8, CharsetSource::Utf8, 0));
    }
    Ok(guess(bytes))
}

fn guess(bytes: &[u8]) -> (&'static Encoding, CharsetSource, usize) {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    // What comes before the first byte that is not plain ASCII tells nothing about the charset.
    let first = bytes.iter().position(|b| !b.is_ascii() || *b == 0x1b).unwrap_or(0);
    let end = bytes.len().min(first.saturating_add(DETECT_BYTES));
    detector.feed(&bytes[first..end], end == bytes.len());
    let encoding = detector.guess(None, Utf8Detection::Allow);
    let source = if encoding == UTF_8 { CharsetSource::Utf8 } else { CharsetSource::Detected };
    (encoding, source, 0)
}

/// True when the bytes are UTF-8 but for at most one broken place in ten sequences: one bad byte must not turn
/// every accent of a text into something else.
fn is_nearly_utf8(bytes: &[u8]) -> bool {
    let (mut sequences, mut broken) = (0usize, 0usize);
    for chunk in bytes.utf8_chunks() {
        sequences += chunk.valid().bytes().filter(|b| *b >= 0xc0).count();
        broken += usize::from(!chunk.invalid().is_empty());
    }
    broken == 0 || sequences >= 10 * broken
}

/// Refuses NUL bytes, and more than one control character in ten bytes.
fn refuse_controls(bytes: &[u8]) -> Result<(), ReadError> {
    if bytes.contains(&0) {
        return Err(ReadError::Binary { looks_like: "binary data (NUL bytes)".into() });
    }
    let control = |b: &&u8| matches!(b, 1..=8 | 14..=26 | 28..=31 | 127);
    if bytes.iter().filter(control).count() * 10 > bytes.len() {
        return Err(ReadError::Binary { looks_like: "binary data (control characters)".into() });
    }
    Ok(())
}

fn line_feeds(text: String) -> String {
    if text.contains('\r') { text.replace("\r\n", "\n").replace('\r', "\n") } else { text }
}

/// Counts the replacement characters that decoding put in, leaving out those that the document brought along.
fn count_replacements(decoded: &str, bytes: &[u8], encoding: &Encoding) -> usize {
    let all = decoded.matches('\u{fffd}').count();
    if encoding != UTF_8 {
        return all;
    }
    all - bytes.windows(3).filter(|window| window == b"\xef\xbf\xbd").count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(bytes: &[u8]) -> (String, String, CharsetSource, usize) {
        let d = decode(bytes).unwrap();
        (d.text, d.charset.name, d.charset.source, d.undecodable)
    }

    #[test]
    fn marks_and_utf8() {
        let (text, name, source, bad) = text_of("\u{feff}été\r\nhiver\rfin\n".as_bytes());
        assert_eq!((text.as_str(), name.as_str(), bad), ("été\nhiver\nfin\n", "UTF-8", 0));
        assert_eq!(source, CharsetSource::ByteOrderMark);
        let utf16: Vec<u8> =
            [0xfeffu16].into_iter().chain("été à Gao".encode_utf16()).flat_map(u16::to_le_bytes).collect();
        assert_eq!(text_of(&utf16).0, "été à Gao");
        assert_eq!(text_of(&utf16).1, "UTF-16LE");
        assert_eq!(text_of("simple".as_bytes()).2, CharsetSource::Utf8);
    }

    #[test]
    fn legacy_charsets_are_guessed() {
        let french = "La délégation a été reçue à l’hôtel de ville, où elle a présenté son idée générale.";
        let (bytes, _, _) = encoding_rs::WINDOWS_1252.encode(french);
        let (text, name, source, bad) = text_of(&bytes);
        assert_eq!((text.as_str(), name.as_str(), bad), (french, "windows-1252", 0));
        assert_eq!(source, CharsetSource::Detected);
        let russian = "Министр прибыл в порт и встретился с рыбаками после долгого перерыва.";
        let (bytes, _, _) = encoding_rs::KOI8_R.encode(russian);
        assert_eq!(text_of(&bytes).0, russian);
        let japanese = "大臣は漁港を訪れ、漁業者と会談した。";
        let (bytes, _, _) = encoding_rs::ISO_2022_JP.encode(japanese);
        assert_eq!(text_of(&bytes).0, japanese);
    }

    #[test]
    fn a_broken_byte_is_counted_and_the_rest_stays() {
        let mut bytes = "é".repeat(20).into_bytes();
        bytes.push(0xff);
        bytes.extend("\u{fffd} là".as_bytes());
        let (text, name, _, bad) = text_of(&bytes);
        assert_eq!((name.as_str(), bad), ("UTF-8", 1));
        assert_eq!(text, format!("{}\u{fffd}\u{fffd} là", "é".repeat(20)));
    }

    #[test]
    fn what_is_no_text_is_named() {
        let looks = |bytes: &[u8]| match decode(bytes) {
            Err(ReadError::Binary { looks_like }) => looks_like,
            other => panic!("{other:?}"),
        };
        assert_eq!(looks(b"%PDF-1.7\n%\xe2\xe3"), "PDF");
        assert_eq!(looks(b"PK\x03\x04\x14\0"), "ZIP or Office document");
        assert_eq!(looks(b"\xff\xd8\xff\xe0"), "JPEG image");
        assert_eq!(looks(b"text\0text"), "binary data (NUL bytes)");
        assert_eq!(looks(b"\x01\x02\x03abc"), "binary data (control characters)");
    }

    #[test]
    fn empty_and_too_large() {
        for empty in ["", " \n\t\r\n", "\u{feff}", "\u{200b}\u{202e}\n"] {
            let size = empty.len() as u64;
            assert_eq!(decode(empty.as_bytes()).unwrap_err(), ReadError::Empty { size }, "{empty:?}");
        }
        let limit = limits::DOCUMENT_MAX_BYTES;
        let mut bytes = vec![b'a'; limit as usize];
        assert!(decode(&bytes).is_ok());
        bytes.push(b'a');
        assert_eq!(decode(&bytes).unwrap_err(), ReadError::TooLarge { size: limit + 1, limit });
    }
}
