//! One file over HTTP(S): tried again where that may help, resumed where it was cut, never longer than it may be.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use flate2::read::MultiGzDecoder;
use thiserror::Error;
use ureq::Agent;
use ureq::http::{HeaderMap, Response, Version};
use ureq::unversioned::transport::DefaultConnector;
use url::Url;

use super::address::Hops;

/// Redirects that are followed.
const REDIRECTS_MAX: u32 = 5;
/// Bytes of an answer's header fields.
const HEADERS_MAX_BYTES: usize = 64 * 1024;
/// How often one file is tried again.
const RETRIES: u32 = 4;
/// How long a server may ask to be left alone.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(60);
/// Retries that all files share at first; every [`SUCCESSES_A_RETRY`] files that come add one. So a server that fails at
/// every file is given up soon, and one that fails now and then is not.
const RETRIES_AT_FIRST: i64 = 64;
const SUCCESSES_A_RETRY: u64 = 8;
/// Bytes a second at which a file must come at least, once it may take longer than the time that was set.
const SLOWEST: u64 = 256 * 1024;
/// Bytes that are read at a time.
const CHUNK: usize = 64 * 1024;

/// How to ask servers.
#[derive(Debug, Clone)]
pub struct Options {
    /// Seconds that a server may keep silent.
    pub seconds: u64,
    /// Files that are asked for at once.
    pub connections: usize,
    /// The name that is given to servers.
    pub user_agent: String,
    /// How long to wait before the first retry; each one after it waits twice as long.
    pub pause: Duration,
}

impl Default for Options {
    fn default() -> Self {
        let user_agent = format!("dateline/{}", env!("CARGO_PKG_VERSION"));
        Options { seconds: 30, connections: 16, user_agent, pause: Duration::from_millis(200) }
    }
}

/// Why a file could not be had. None of it says anything of the log.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WebError {
    /// Another status than 200.
    #[error("the server answered with status {status}")]
    Status {
        /// Which.
        status: u16,
    },
    /// The network, or the server's protocol.
    #[error("{0}")]
    Transport(String),
    /// It ended early.
    #[error("it was cut off after {got} bytes")]
    Cut {
        /// Bytes that came.
        got: u64,
    },
    /// Nothing tells whether it came whole.
    #[error("the server does not say how long it is, so that nothing tells whether it came whole")]
    NoLength,
    /// Longer than is downloaded.
    #[error("it has more than {limit} bytes: download and unpack it, and name the folder")]
    TooLong {
        /// The limit.
        limit: u64,
    },
    /// There is no room for it.
    #[error("the temporary file cannot be written: {0}")]
    Temporary(String),
    /// A part was asked for, and something else came.
    #[error("the server gives out no parts of it, or it changed while it was read")]
    NoRange,
}

impl From<WebError> for io::Error {
    fn from(error: WebError) -> Self {
        io::Error::other(error)
    }
}

/// What was asked for.
pub(super) enum Got {
    Body(Vec<u8>),
    /// Larger than it may be; the size as far as it is known.
    TooLarge(u64),
    Absent,
}

/// A part of a file, and what it is a part of.
pub(super) struct Part {
    pub(super) bytes: Vec<u8>,
    pub(super) total: u64,
    pub(super) etag: Option<String>,
}

/// What came so far.
#[derive(Default)]
struct Partial {
    bytes: Vec<u8>,
    /// The strong entity tag and the whole length, where both were told: then the rest can be asked for.
    whole: Option<(String, u64)>,
}

/// Why it failed this time, and when to try again, if at all.
struct Trouble {
    error: WebError,
    again: Option<Duration>,
}

impl Trouble {
    fn last(error: WebError) -> Self {
        Trouble { error, again: None }
    }

    fn passing(error: WebError) -> Self {
        Trouble { error, again: Some(Duration::ZERO) }
    }
}

/// Asks one server.
#[derive(Debug)]
pub(super) struct Client {
    agent: Agent,
    options: Options,
    retries: AtomicI64,
    successes: AtomicU64,
    bytes: AtomicU64,
}

impl Client {
    /// `named`: the address that the user named. If it is secure, no redirect may lead to one that is not.
    pub(super) fn new(options: &Options, named: &Url) -> Self {
        let seconds = Duration::from_secs(options.seconds.max(1));
        // Those of readers who do not wait for the reader ahead, too.
        let connections = options.connections.max(1) + 16;
        let config = Agent::config_builder()
            .max_redirects(REDIRECTS_MAX)
            .max_redirects_will_error(true)
            .http_status_as_error(false)
            .https_only(named.scheme() == "https")
            .timeout_connect(Some(seconds.min(Duration::from_secs(10))))
            .timeout_recv_response(Some(seconds))
            .timeout_per_read(Some(seconds))
            .max_response_header_size(HEADERS_MAX_BYTES)
            .max_idle_connections(connections)
            .max_idle_connections_per_host(connections)
            .user_agent(options.user_agent.clone())
            .accept_encoding("gzip")
            .proxy(None)
            .build();
        let retries = AtomicI64::new(RETRIES_AT_FIRST);
        let (successes, bytes) = (AtomicU64::new(0), AtomicU64::new(0));
        let agent = Agent::with_parts(config, DefaultConnector::default(), Hops::of(named));
        Client { agent, options: options.clone(), retries, successes, bytes }
    }

    /// Returns how many files and bytes came so far.
    pub(super) fn fetched(&self) -> (u64, u64) {
        (self.successes.load(Ordering::Relaxed), self.bytes.load(Ordering::Relaxed))
    }

    /// Gets a file of at most `limit` bytes. `fresh`: not from a cache on the way.
    pub(super) fn get(&self, url: &str, limit: u64, fresh: bool) -> Result<Got, WebError> {
        let mut partial = Partial::default();
        self.patiently(|| self.once(url, limit, fresh, &mut partial))
    }

    /// Gets the bytes from `first` to before `end`, or fewer at the end of the file. `etag` is that of the parts before.
    pub(super) fn part(&self, url: &str, first: u64, end: u64, etag: Option<&str>) -> Result<Part, WebError> {
        self.patiently(|| {
            let range = format!("bytes={first}-{}", end.saturating_sub(1));
            let response = self.call(url, end - first, true, Some((&range, etag)))?;
            let (found, total) = match (response.status().as_u16(), content_range(response.headers())) {
                (206, Some((found, total))) => (found, total),
                (status, _) => return Err(refused(status, response.headers(), WebError::NoRange)),
            };
            let length = end.min(total).saturating_sub(first);
            let its = strong_etag(response.headers());
            if found != first || etag.is_some() && its.as_deref() != etag {
                return Err(Trouble::last(WebError::NoRange));
            }
            let mut bytes = Vec::new();
            self.read(response, length, &mut bytes)?;
            if bytes.len() as u64 != length {
                return Err(Trouble::passing(WebError::Cut { got: bytes.len() as u64 }));
            }
            Ok(Part { bytes, total, etag: its })
        })
    }

    /// Copies a whole file of at most `limit` bytes. `progress` is told the bytes so far.
    pub(super) fn copy(
        &self,
        url: &str,
        mut file: File,
        limit: u64,
        progress: &dyn Fn(u64),
    ) -> Result<File, WebError> {
        let unwritten = |error: io::Error| Trouble::last(WebError::Temporary(error.to_string()));
        self.patiently(|| {
            file.set_len(0).and_then(|()| file.rewind()).map_err(unwritten)?;
            let mut response = self.call(url, limit, true, None)?;
            let status = response.status().as_u16();
            if status != 200 {
                return Err(refused(status, response.headers(), WebError::Status { status }));
            }
            let expected = content_length(&response);
            if expected.is_none() && is_ended_by_closing(&response) {
                return Err(Trouble::last(WebError::NoLength));
            }
            if expected.is_some_and(|expected| expected > limit) {
                return Err(Trouble::last(WebError::TooLong { limit }));
            }
            let mut reader = decoded(&mut response)?;
            let (mut got, mut chunk) = (0u64, vec![0; CHUNK]);
            loop {
                let count = reader.read(&mut chunk);
                let count =
                    count.map_err(|error| Trouble::passing(WebError::Transport(error.to_string())))?;
                got += count as u64;
                self.bytes.fetch_add(count as u64, Ordering::Relaxed);
                if got > limit {
                    return Err(Trouble::last(WebError::TooLong { limit }));
                }
                if count == 0 {
                    break;
                }
                file.write_all(&chunk[..count]).map_err(unwritten)?;
                progress(got);
            }
            match expected {
                Some(expected) if got != expected => Err(Trouble::passing(WebError::Cut { got })),
                _ => Ok(()),
            }
        })?;
        Ok(file)
    }

    /// Tries until it succeeds, fails for good, or is no longer worth it.
    fn patiently<T>(&self, mut attempt: impl FnMut() -> Result<T, Trouble>) -> Result<T, WebError> {
        let mut pause = self.options.pause;
        for tries in 0.. {
            let trouble = match attempt() {
                Ok(got) => {
                    let before = self.successes.fetch_add(1, Ordering::Relaxed);
                    if before % SUCCESSES_A_RETRY == SUCCESSES_A_RETRY - 1 {
                        self.retries.fetch_add(1, Ordering::Relaxed);
                    }
                    return Ok(got);
                }
                Err(trouble) => trouble,
            };
            match trouble.again {
                Some(after) if tries < RETRIES && self.retries.fetch_sub(1, Ordering::Relaxed) > 0 => {
                    thread::sleep(after.max(pause));
                    pause *= 2;
                }
                _ => return Err(trouble.error),
            }
        }
        unreachable!("internal error: the last try returns")
    }

    fn once(&self, url: &str, limit: u64, fresh: bool, partial: &mut Partial) -> Result<Got, Trouble> {
        let have = partial.bytes.len() as u64;
        let range = partial.whole.as_ref().map(|(etag, _)| (format!("bytes={have}-"), etag.clone()));
        let asked = range.as_ref().map(|(range, etag)| (range.as_str(), Some(etag.as_str())));
        let response = self.call(url, limit, fresh, asked)?;
        let headers = response.headers();
        match (response.status().as_u16(), &partial.whole) {
            (404 | 410, _) => return Ok(Got::Absent),
            (200, _) => *partial = Partial::default(),
            (206, Some((etag, total)))
                if content_range(headers) == Some((have, *total))
                    && strong_etag(headers).is_none_or(|its| its == *etag) => {}
            // Not the rest of what came: from the start.
            (206 | 416, Some(_)) => {
                *partial = Partial::default();
                return Err(Trouble::passing(WebError::NoRange));
            }
            (status, _) => return Err(refused(status, headers, WebError::Status { status })),
        }
        if partial.whole.is_none() {
            let length = content_length(&response);
            if let Some(length) = length.filter(|length| *length > limit) {
                return Ok(Got::TooLarge(length));
            }
            partial.whole = strong_etag(headers).zip(length);
        }
        let expected = partial.whole.as_ref().map(|(_, total)| *total).or(content_length(&response));
        let told = expected.is_some() || !is_ended_by_closing(&response);
        let left = limit.saturating_add(1).saturating_sub(partial.bytes.len() as u64);
        let read = self.read(response, left, &mut partial.bytes);
        if read.is_err() && partial.whole.is_none() {
            partial.bytes.clear();
        }
        read?;
        let got = partial.bytes.len() as u64;
        match expected {
            _ if got > limit => Ok(Got::TooLarge(got)),
            Some(expected) if got != expected => Err(Trouble::passing(WebError::Cut { got })),
            _ if !told => Err(Trouble::last(WebError::NoLength)),
            _ => Ok(Got::Body(std::mem::take(&mut partial.bytes))),
        }
    }

    fn call(
        &self,
        url: &str,
        length: u64,
        fresh: bool,
        range: Option<(&str, Option<&str>)>,
    ) -> Result<Response<ureq::Body>, Trouble> {
        let mut request = self.agent.get(url);
        if fresh {
            request = request.header("Cache-Control", "no-cache");
        }
        if let Some((range, etag)) = range {
            request = request.header("Range", range).header("Accept-Encoding", "identity");
            if let Some(etag) = etag {
                request = request.header("If-Range", etag);
            }
        }
        let all = Duration::from_secs(self.options.seconds.max(1).saturating_add(length / SLOWEST));
        request.config().timeout_global(Some(all)).build().call().map_err(|error| failed(&error))
    }

    /// Reads at most `limit` bytes.
    fn read(
        &self,
        mut response: Response<ureq::Body>,
        limit: u64,
        bytes: &mut Vec<u8>,
    ) -> Result<(), Trouble> {
        let before = bytes.len();
        let mut reader = decoded(&mut response)?.take(limit);
        let mut chunk = vec![0; CHUNK];
        let read = loop {
            match reader.read(&mut chunk) {
                Ok(0) => break Ok(()),
                Ok(count) => bytes.extend_from_slice(&chunk[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        self.bytes.fetch_add((bytes.len() - before) as u64, Ordering::Relaxed);
        read.map_err(|error| Trouble::passing(WebError::Transport(error.to_string())))
    }
}

/// What a status calls for that is not what was hoped for.
fn refused(status: u16, headers: &HeaderMap, otherwise: WebError) -> Trouble {
    match status {
        408 | 425 | 429 | 500 | 502 | 503 | 504 => {
            let again = retry_after(headers).unwrap_or_default().min(RETRY_AFTER_MAX);
            Trouble { error: WebError::Status { status }, again: Some(again) }
        }
        200..=299 => Trouble::last(otherwise),
        _ => Trouble::last(WebError::Status { status }),
    }
}

fn failed(error: &ureq::Error) -> Trouble {
    let told = match error {
        ureq::Error::Timeout(_) => "the server did not answer in time".to_owned(),
        ureq::Error::RequireHttpsOnly(_) => "it leads to an address that is not secure".to_owned(),
        ureq::Error::TooManyRedirects => {
            format!("it leads through more than {REDIRECTS_MAX} redirects, or in a circle")
        }
        other => other.to_string(),
    };
    let passing = matches!(
        error,
        ureq::Error::Timeout(_)
            | ureq::Error::Io(_)
            | ureq::Error::ConnectionFailed
            | ureq::Error::Protocol(_)
    );
    let error = WebError::Transport(told);
    if passing { Trouble::passing(error) } else { Trouble::last(error) }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

/// Seconds, or a date (RFC 9110, 10.2.3).
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = header(headers, "retry-after")?;
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = chrono::DateTime::parse_from_rfc2822(value).ok()?;
    (date.to_utc() - chrono::Utc::now()).to_std().ok()
}

/// Returns the entity tag if it is a strong one: the same means the same bytes.
fn strong_etag(headers: &HeaderMap) -> Option<String> {
    header(headers, "etag").filter(|etag| etag.starts_with('"')).map(str::to_owned)
}

/// Returns first byte and whole length of `bytes 7-11/12`.
fn content_range(headers: &HeaderMap) -> Option<(u64, u64)> {
    let (range, total) = header(headers, "content-range")?.strip_prefix("bytes ")?.split_once('/')?;
    Some((range.split_once('-')?.0.parse().ok()?, total.parse().ok()?))
}

/// Returns what the body is packed with, in lower case.
fn encoding(headers: &HeaderMap) -> Option<String> {
    let encoding = headers.get("content-encoding").map(|value| String::from_utf8_lossy(value.as_bytes()))?;
    Some(encoding.trim().to_ascii_lowercase())
        .filter(|encoding| !matches!(encoding.as_str(), "" | "identity"))
}

/// Takes the encoding off a body.
fn decoded(response: &mut Response<ureq::Body>) -> Result<Box<dyn Read + '_>, Trouble> {
    let encoding = encoding(response.headers());
    let reader = response.body_mut().as_reader();
    match encoding.as_deref() {
        None => Ok(Box::new(reader)),
        Some("gzip" | "x-gzip") => Ok(Box::new(MultiGzDecoder::new(reader))),
        Some(other) => {
            let told = format!("the server sent it encoded as {other:?}, which was not asked for");
            Err(Trouble::last(WebError::Transport(told)))
        }
    }
}

/// Returns the length, unless the body is packed, or comes in chunks.
fn content_length(response: &Response<ureq::Body>) -> Option<u64> {
    let length = response.body().content_length();
    length.filter(|_| encoding(response.headers()).is_none())
}

/// Returns whether nothing but the end of the connection ends the body (RFC 9112, 6.3): where a length is told, packed or
/// not, or chunks are, their reader fails at an end before it.
fn is_ended_by_closing(response: &Response<ureq::Body>) -> bool {
    let all = response.headers().get_all("transfer-encoding").into_iter();
    let mut codings = all.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    let chunked = codings.any(|coding| coding.trim().eq_ignore_ascii_case("chunked"));
    let in_chunks = chunked && response.version() > Version::HTTP_10;
    !in_chunks && !response.headers().contains_key("content-length")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        headers
    }

    #[test]
    fn header_fields_are_read_strictly() {
        let range = |value: &str| content_range(&headers("content-range", value));
        assert_eq!(range("bytes 7-11/12"), Some((7, 12)));
        for bad in ["bytes */12", "bytes 7-11/*", "7-11/12", "bytes 7/12", ""] {
            assert_eq!(range(bad), None, "{bad:?}");
        }
        let etag = |value: &str| strong_etag(&headers("etag", value));
        assert_eq!(etag("\"a\"").as_deref(), Some("\"a\""));
        assert_eq!(etag("W/\"a\""), None);
    }

    #[test]
    fn how_long_to_wait() {
        let after = |value: &str| retry_after(&headers("retry-after", value));
        assert_eq!(after("7"), Some(Duration::from_secs(7)));
        assert_eq!(after("soon"), None);
        assert_eq!(after("Wed, 21 Oct 2015 07:28:00 GMT"), None, "it is past");
        assert!(after("Wed, 21 Oct 2105 07:28:00 GMT").is_some());
        let trouble = refused(429, &headers("retry-after", "100000"), WebError::NoRange);
        assert_eq!(trouble.again, Some(RETRY_AFTER_MAX));
        assert!(refused(403, &HeaderMap::new(), WebError::NoRange).again.is_none());
    }
}
