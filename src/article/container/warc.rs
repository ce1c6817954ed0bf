//! WARC files (ISO 28500, versions 1.0 and 1.1): a document per captured page.
//!
//! ```text
//! WARC/1.1
//! WARC-Type: response
//! WARC-Target-URI: https://journal.example/a
//! WARC-Date: 2026-02-16T08:00:00Z
//! Content-Length: 1234
//!
//! HTTP/1.1 200 OK …
//! ```
//!
//! Each record may be a gzip member of its own, or the whole file one. Lengths are a stranger's: what is read is what
//! is there.

use std::io::Read;

use sha1::Digest as _;

use super::{Contents, Part, Relation};
use crate::article::ReadError;
use crate::base::{Hash, limits};

/// Returns the pages of an archive.
///
/// # Errors
/// [`ReadError::Damaged`], [`ReadError::LimitPassed`].
pub(in crate::article) fn open(bytes: &[u8]) -> Result<Contents, ReadError> {
    let mut contents = Contents::default();
    read(bytes, &mut contents, &|_| true)?;
    Ok(contents)
}

/// Reads an archive into `contents`; only pages at the addresses that `wanted` takes.
pub(super) fn read(
    bytes: &[u8],
    contents: &mut Contents,
    wanted: &dyn Fn(&str) -> bool,
) -> Result<(), ReadError> {
    let plain;
    let mut rest = if bytes.starts_with(b"\x1f\x8b") {
        plain = unpack(flate2::read::MultiGzDecoder::new(bytes), limits::ARCHIVE_MAX_BYTES)?;
        plain.as_slice()
    } else {
        bytes
    };
    let mut others = 0;
    while !rest.is_empty() && contents.parts.len() < limits::PARTS_MAX {
        let start = rest.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(rest.len());
        rest = &rest[start..];
        if rest.is_empty() {
            break;
        }
        let Some((headers, body)) = headers(rest).filter(|_| rest.starts_with(b"WARC/")) else {
            let cut = rest.starts_with(b"WARC/") || b"WARC/".starts_with(&rest[..rest.len().min(5)]);
            let why = if cut { "the archive is cut short" } else { "no record begins where one should" };
            contents.left_out.push(("the rest of the archive".into(), why.into()));
            break;
        };
        let length =
            value(&headers, "content-length").and_then(|length| length.parse::<usize>().ok()).unwrap_or(0);
        let cut = body.len() < length;
        let block = &body[..length.min(body.len())];
        rest = &body[block.len()..];
        let url = value(&headers, "warc-target-uri").unwrap_or_default().trim_matches(['<', '>']).to_owned();
        if cut {
            contents.left_out.push((url, "the archive is cut short".into()));
            break;
        }
        let kind = value(&headers, "warc-type");
        let page = matches!(kind.as_deref(), Some("response" | "resource")) && wanted(&url);
        if let Some(said) = value(&headers, "warc-block-digest").filter(|said| page && !is_of(said, block)) {
            contents.left_out.push((
                url,
                format!("damaged: its bytes do not have the digest {said} that stands with them"),
            ));
            continue;
        }
        match kind.as_deref() {
            Some("response" | "resource") if wanted(&url) => {
                record(&headers, url, block, contents, &mut others)
            }
            Some("revisit") if wanted(&url) => {
                contents.left_out.push((url, "captured before, in another record".into()))
            }
            _ => {}
        }
    }
    if others > 0 {
        contents
            .left_out
            .push((format!("{others} records"), "pictures, styles, scripts and the like".into()));
    }
    Ok(())
}

fn record(
    headers_of_record: &[(String, String)],
    url: String,
    block: &[u8],
    contents: &mut Contents,
    others: &mut usize,
) {
    let http = block.starts_with(b"HTTP/");
    let (fields, status, body) = if http {
        let Some((fields, body)) = headers(block) else {
            return contents.left_out.push((url, "the response has no end of its header".into()));
        };
        let line = String::from_utf8_lossy(&block[..block.len().min(40)]).into_owned();
        let status =
            line.split_whitespace().nth(1).and_then(|status| status.parse::<u16>().ok()).unwrap_or(0);
        (fields, status, body)
    } else {
        (headers_of_record.to_vec(), 200, block)
    };
    let content_type = value(&fields, "content-type").unwrap_or_default().to_ascii_lowercase();
    let media_type = content_type.split(';').next().unwrap_or_default().trim().to_owned();
    let charset = content_type.split(';').find_map(|part| {
        part.trim().strip_prefix("charset=").map(|name| name.trim_matches(['"', '\'', ' ']).to_owned())
    });
    let pages = ["text/html", "application/xhtml+xml", "application/pdf", "text/plain"];
    if !pages.contains(&media_type.as_str()) {
        *others += 1;
        return;
    }
    if status != 200 {
        return contents.left_out.push((url, format!("HTTP status {status}")));
    }
    // Of the body as sent; some tools take it of the body without its chunks.
    let said = value(headers_of_record, "warc-payload-digest").unwrap_or_default();
    if !is_of(&said, body) && !unchunked(body).is_some_and(|body| is_of(&said, &body)) {
        return contents
            .left_out
            .push((url, format!("damaged: its body does not have the digest {said} that stands with it")));
    }
    match payload(&fields, body) {
        Ok(bytes) if bytes.is_empty() => contents.left_out.push((url, "empty".into())),
        Ok(bytes) => contents.parts.push(Part {
            name: url.clone(),
            relation: Relation::Capture,
            bytes,
            media_type: Some(media_type),
            charset,
            url: Some(url),
            captured_at: value(headers_of_record, "warc-date"),
            of: None,
        }),
        Err(why) => contents.left_out.push((url, why)),
    }
}

/// True where `said`, `sha1:` or `sha256:` and base32 or hexadecimal, is the digest of the bytes; and where it is of another
/// sort, since then it tells nothing.
fn is_of(said: &str, bytes: &[u8]) -> bool {
    let Some((name, digest)) = said.split_once(':') else { return true };
    let found = match name.to_ascii_lowercase().as_str() {
        "sha1" | "sha-1" => sha1::Sha1::digest(bytes).to_vec(),
        "sha256" | "sha-256" => Hash::of(bytes).as_bytes().to_vec(),
        _ => return true,
    };
    let digest = digest.trim();
    let base32 = data_encoding::BASE32_NOPAD.encode(&found);
    digest.eq_ignore_ascii_case(&data_encoding::HEXLOWER.encode(&found))
        || digest.trim_end_matches('=').eq_ignore_ascii_case(&base32)
}

/// Takes transfer and content encodings off a body.
fn payload(fields: &[(String, String)], body: &[u8]) -> Result<Vec<u8>, String> {
    let chunked = value(fields, "transfer-encoding")
        .is_some_and(|encoding| encoding.to_ascii_lowercase().contains("chunked"));
    // Some tools store the body whole and leave the header as it was.
    let bytes = if chunked { unchunked(body).unwrap_or_else(|| body.to_vec()) } else { body.to_vec() };
    let encoding = value(fields, "content-encoding").unwrap_or_default().to_ascii_lowercase();
    let limit = limits::DOCUMENT_MAX_BYTES;
    let large = |error: ReadError| error.to_string();
    match encoding.trim() {
        "gzip" | "x-gzip" if bytes.starts_with(b"\x1f\x8b") => {
            unpack(flate2::read::MultiGzDecoder::new(bytes.as_slice()), limit).map_err(large)
        }
        "deflate" => unpack(flate2::read::ZlibDecoder::new(bytes.as_slice()), limit)
            .or_else(|_| unpack(flate2::read::DeflateDecoder::new(bytes.as_slice()), limit))
            .map_err(large),
        "br" => unpack(brotli_decompressor::Decompressor::new(bytes.as_slice(), 4096), limit).map_err(large),
        "" | "identity" | "gzip" | "x-gzip" => Ok(bytes),
        other => Err(format!("content encoding {other} is not read")),
    }
}

/// Unpacks at most `limit` bytes; what was read before a fault counts as all there is.
fn unpack(reader: impl Read, limit: u64) -> Result<Vec<u8>, ReadError> {
    let mut out = Vec::new();
    let read = reader.take(limit + 1).read_to_end(&mut out);
    if out.len() as u64 > limit {
        return Err(ReadError::LimitPassed {
            format: "web archive".into(),
            what: "unpacked bytes".into(),
            limit,
        });
    }
    match read {
        Err(error) if out.is_empty() => {
            Err(ReadError::Damaged { format: "web archive".into(), reason: error.to_string().into() })
        }
        _ => Ok(out),
    }
}

/// Joins chunks (RFC 9112, 7.1); `None` where they are not of that form.
fn unchunked(mut body: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    loop {
        let end = body.windows(2).take(64).position(|window| window == b"\r\n")?;
        let line = std::str::from_utf8(&body[..end]).ok()?;
        let length = usize::from_str_radix(line.split(';').next()?.trim(), 16).ok()?;
        body = &body[end + 2..];
        if length == 0 {
            return Some(out);
        }
        out.extend_from_slice(body.get(..length)?);
        body = body.get(length..)?.strip_prefix(b"\r\n")?;
    }
}

/// Header fields in order: names in lower case, and values.
type Fields = Vec<(String, String)>;

/// Splits a header from what follows: names in lower case, values trimmed. The first line is left out.
fn headers(bytes: &[u8]) -> Option<(Fields, &[u8])> {
    let window = &bytes[..bytes.len().min(64 * 1024)];
    let (end, skip) = match window.windows(4).position(|window| window == b"\r\n\r\n") {
        Some(end) => (end, 4),
        None => (window.windows(2).position(|window| window == b"\n\n")?, 2),
    };
    let text = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let fields = text.lines().skip(1).filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        Some((name.trim().to_ascii_lowercase(), value.trim().to_owned()))
    });
    Some((fields.collect(), &bytes[end + skip..]))
}

fn value(fields: &[(String, String)], name: &str) -> Option<String> {
    fields.iter().find(|(own, _)| own == name).map(|(_, value)| value.clone())
}

#[cfg(test)]
pub(super) fn archive() -> Vec<u8> {
    let page = "<html><body><p>Les bateaux</p></body></html>";
    let chunked = format!("{:x}\r\n{page}\r\n0\r\n\r\n", page.len());
    let record = |kind: &str, url: &str, block: &str| {
        format!(
            "WARC/1.1\r\nWARC-Type: {kind}\r\nWARC-Target-URI: {url}\r\nWARC-Date: 2026-02-16T08:00:00Z\r\nContent-Length: {}\r\n\r\n{block}\r\n\r\n",
            block.len()
        )
    };
    [
        record("warcinfo", "", "software: x"),
        record("response", "https://j.example/a", &format!("HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n{chunked}")),
        record("response", "https://j.example/b", "HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\n\r\nnon"),
        record("response", "https://j.example/c.png", "HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\nxx"),
    ]
    .concat()
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn pages_are_taken_with_time_and_address() {
        let contents = open(&archive()).unwrap();
        let [page] = contents.parts.as_slice() else { panic!("{contents:?}") };
        assert_eq!(
            (page.url.as_deref(), page.captured_at.as_deref()),
            (Some("https://j.example/a"), Some("2026-02-16T08:00:00Z"))
        );
        assert_eq!((page.charset.as_deref(), page.bytes.starts_with(b"<html>")), (Some("utf-8"), true));
        assert_eq!(contents.left_out.len(), 2);
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&archive()).unwrap();
        assert_eq!(open(&gzip.finish().unwrap()).unwrap().parts, contents.parts);
    }

    #[test]
    fn digests_that_stand_with_a_record_are_checked() {
        let block = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nLes bateaux";
        let of = |field: &str, digest: &str| {
            let record = format!(
                "WARC/1.1\r\nWARC-Type: response\r\nWARC-Target-URI: https://j.example/a\r\n{field}: {digest}\r\nContent-Length: {}\r\n\r\n{block}\r\n\r\n",
                block.len()
            );
            open(record.as_bytes()).unwrap()
        };
        // `printf 'Les bateaux' | sha1sum`, the same in base32, and with SHA-256.
        let hex = "265517443f7eabe68ab55dbe970a2ffda4444f21";
        let sha1 = data_encoding::BASE32.encode(&data_encoding::HEXLOWER.decode(hex.as_bytes()).unwrap());
        for digest in [
            format!("sha1:{sha1}"),
            format!("sha1:{hex}"),
            format!("sha256:{}", Hash::of(b"Les bateaux")),
            "md5:abc".into(),
        ] {
            assert_eq!(of("WARC-Payload-Digest", &digest).parts.len(), 1, "{digest}");
        }
        for (field, digest) in [("WARC-Payload-Digest", sha1.clone()), ("WARC-Block-Digest", sha1)] {
            let digest = format!("sha1:{}", digest.chars().rev().collect::<String>());
            let contents = of(field, &digest);
            assert!(contents.parts.is_empty() && contents.left_out[0].1.contains("damaged"), "{contents:?}");
        }
    }

    #[test]
    fn archives_cut_short_give_what_is_there() {
        let bytes = archive();
        for end in 0..bytes.len() {
            let _ = open(&bytes[..end]);
        }
        let cut = open(&bytes[..bytes.len() - 60]).unwrap();
        assert_eq!(cut.parts.len(), 1);
        assert!(cut.left_out.iter().any(|(_, why)| why.contains("cut short")));
    }
}
