//! The log as it lies: exactly the paths of tlog-tiles (<https://c2sp.org/tlog-tiles>) below `/log/`, with openings and
//! stored originals beside them, for any reader, browser or cache.
//!
//! Full tiles, bundles and originals never change and may be kept for ever; partial ones neither, as long as they are
//! there. The checkpoint and the openings are asked for anew each time. What is not part of the log (`.local`, what waits)
//! is not there.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};

use crate::base::Hash;
use crate::base::limits::{DISCLOSURES_FILE_MAX_BYTES, DOCUMENT_MAX_BYTES, NOTE_MAX_BYTES};
use crate::record::layout;
use crate::storage::{self, Key, Store, StoreError};
use crate::tlog::bundle::BUNDLE_MAX_BYTES;
use crate::tlog::{EntryBundle, Tile};

use super::problem::Problem;

/// What a file is, as far as those who keep copies need to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    /// The published checkpoint.
    Checkpoint,
    /// A hash tile or an entry bundle.
    Tile,
    /// Openings, which can be erased.
    Openings,
    /// A stored original: any sort of document, which no browser is to run.
    Original,
}

impl Sort {
    /// Returns what lies at a path below the log; `None` for what is not part of it.
    fn of(path: &str) -> Option<Self> {
        if path == layout::CHECKPOINT {
            return Some(Sort::Checkpoint);
        }
        if path.parse::<Tile>().is_ok() || path.parse::<EntryBundle>().is_ok() {
            return Some(Sort::Tile);
        }
        if let Some(number) = path.strip_prefix(layout::DISCLOSURES).and_then(|rest| rest.strip_prefix('/')) {
            let is_number = |part: &str| part.len() == 3 && part.bytes().all(|byte| byte.is_ascii_digit());
            let mut parts = number.split('/').rev();
            let last = parts.next().is_some_and(is_number);
            let rest = parts.all(|part| part.strip_prefix('x').is_some_and(is_number));
            return (last && rest).then_some(Sort::Openings);
        }
        let hex = path.strip_prefix(layout::CONTENT)?.strip_prefix('/')?.split_once('/')?.1;
        let original = Hash::from_hex(hex).ok()?;
        (layout::content_path(&original) == path).then_some(Sort::Original)
    }

    fn limit(self) -> u64 {
        match self {
            Sort::Checkpoint => NOTE_MAX_BYTES as u64,
            Sort::Tile => BUNDLE_MAX_BYTES as u64,
            Sort::Openings => DISCLOSURES_FILE_MAX_BYTES as u64,
            Sort::Original => DOCUMENT_MAX_BYTES,
        }
    }

    fn content_type(self) -> &'static str {
        match self {
            Sort::Checkpoint | Sort::Openings => "text/plain; charset=utf-8",
            Sort::Tile | Sort::Original => "application/octet-stream",
        }
    }

    fn cache_control(self) -> &'static str {
        match self {
            Sort::Checkpoint | Sort::Openings => "no-cache",
            Sort::Tile => "public, max-age=31536000, immutable",
            // It may be erased: nobody is told to keep it for ever.
            Sort::Original => "public, max-age=300",
        }
    }
}

/// The log that is served.
#[derive(Debug, Clone)]
pub(crate) struct Records(pub(crate) storage::Records);

/// `GET /log/{path}`
pub(crate) async fn file(
    State(Records(place)): State<Records>,
    method: Method,
    Path(path): Path<String>,
    headers: HeaderMap,
) -> Result<Response<Body>, Problem> {
    let not_found = || Problem::not_found("there is no such file in the log");
    let sort = Sort::of(&path).ok_or_else(not_found)?;
    let key = Key::new(path).map_err(|_| not_found())?;
    let read = tokio::task::spawn_blocking(move || place.reader().get(&key, sort.limit()));
    let bytes = match read.await {
        Ok(Ok(Some(bytes))) => bytes,
        Ok(Ok(None)) => return Err(not_found()),
        Ok(Err(StoreError::TooLarge { .. })) => {
            return Err(Problem::internal("the file is larger than it may be"));
        }
        Ok(Err(error)) => return Err(Problem::unavailable(error.to_string())),
        Err(_) => return Err(Problem::internal("reading was broken off")),
    };
    Ok(answer(sort, &method, &headers, bytes))
}

fn answer(sort: Sort, method: &Method, headers: &HeaderMap, bytes: Vec<u8>) -> Response<Body> {
    let etag = format!("\"{}\"", Hash::of(&bytes));
    let asked = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let known = asked(header::IF_NONE_MATCH).is_some_and(|tags| {
        tags.split(',').any(|tag| {
            matches!(tag.trim().trim_start_matches("W/"), "*") || tag.trim().trim_start_matches("W/") == etag
        })
    });
    let mut response = Response::builder()
        .header(header::CONTENT_TYPE, sort.content_type())
        .header(header::CACHE_CONTROL, sort.cache_control())
        .header(header::ETAG, &etag)
        .header(header::ACCEPT_RANGES, "bytes")
        .header(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")
        .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    if sort == Sort::Original {
        response = response
            .header(header::CONTENT_DISPOSITION, "attachment")
            .header(header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox");
    }
    let finish = |response: axum::http::response::Builder, body: Vec<u8>| {
        response.body(Body::from(body)).expect("internal error: the header fields are our own")
    };
    if known {
        return finish(response.status(StatusCode::NOT_MODIFIED), Vec::new());
    }
    let size = bytes.len();
    let if_range = asked(header::IF_RANGE).is_none_or(|tag| tag == etag);
    let (status, body) =
        match asked(header::RANGE).filter(|_| if_range).and_then(|range| part_of(range, size)) {
            Some(Some((from, to))) => {
                let range = format!("bytes {from}-{}/{size}", to - 1);
                response = response.header(header::CONTENT_RANGE, range);
                (StatusCode::PARTIAL_CONTENT, bytes[from..to].to_vec())
            }
            Some(None) => {
                response = response.header(header::CONTENT_RANGE, format!("bytes */{size}"));
                return finish(response.status(StatusCode::RANGE_NOT_SATISFIABLE), Vec::new());
            }
            None => (StatusCode::OK, bytes),
        };
    if method == Method::HEAD {
        let length = HeaderValue::from(body.len());
        return finish(response.status(status).header(header::CONTENT_LENGTH, length), Vec::new());
    }
    finish(response.status(status), body)
}

/// Reads a single range (RFC 9110, 14.2). `None`: one that is passed over, as several are; `Some(None)`: one that cannot be
/// satisfied.
fn part_of(range: &str, size: usize) -> Option<Option<(usize, usize)>> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let number = |text: &str| text.trim().parse::<usize>().ok();
    let (from, to) = match (number(first), number(last)) {
        (Some(from), Some(last)) if from <= last => (from, last.saturating_add(1).min(size)),
        (Some(from), None) if last.trim().is_empty() => (from, size),
        (None, Some(suffix)) if first.trim().is_empty() => (size.saturating_sub(suffix), size),
        _ => return None,
    };
    Some((from < to).then_some((from, to)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_part_of_the_log_is_served() {
        let original = layout::content_path(&Hash::of(b"a"));
        for (path, sort) in [
            ("checkpoint", Some(Sort::Checkpoint)),
            ("tile/0/000", Some(Sort::Tile)),
            ("tile/0/x001/067.p/12", Some(Sort::Tile)),
            ("tile/entries/000", Some(Sort::Tile)),
            ("disclosures/000", Some(Sort::Openings)),
            ("disclosures/x001/067", Some(Sort::Openings)),
            (&original, Some(Sort::Original)),
            (".local/checkpoint", None),
            ("pending/00.json", None),
            ("../keys/private/log", None),
            ("tile/0/../../../keys/private/log", None),
            ("tile/0/1", None),
            ("disclosures/", None),
            ("disclosures/001/067", None),
            ("content/sha256/ca/ab", None),
            ("", None),
        ] {
            assert_eq!(Sort::of(path), sort, "{path}");
        }
    }

    #[test]
    fn ranges() {
        for (range, part) in [
            ("bytes=0-3", Some(Some((0, 4)))),
            ("bytes=2-", Some(Some((2, 10)))),
            ("bytes=-3", Some(Some((7, 10)))),
            ("bytes=8-99", Some(Some((8, 10)))),
            ("bytes=10-", Some(None)),
            ("bytes=-0", Some(None)),
            ("bytes=3-2", None),
            ("bytes=0-1,4-5", None),
            ("items=0-1", None),
            ("bytes=-", None),
        ] {
            assert_eq!(part_of(range, 10), part, "{range}");
        }
    }
}
