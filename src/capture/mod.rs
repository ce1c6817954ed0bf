//! Pages over HTTP(S), as a newsroom may ask for them: within limits, from the public network, by the rules of the site.
//!
//! Redirects are followed one by one and kept; `robots.txt` (RFC 9309) is asked for first; a body that is cut short is
//! never taken for the whole. No proxy of the environment is used: it would hide the address that is checked.
//!
//! Who may lie here: the server, in everything. What is kept says what it answered, and nothing more.

mod address;

use std::collections::BTreeMap;
use std::io::Read;
use std::time::Duration;

use flate2::read::MultiGzDecoder;
use thiserror::Error;
use ureq::Agent;
use ureq::unversioned::transport::DefaultConnector;
use url::Url;

use crate::base::{Hash, limits};
use address::{NotPublic, Public};

/// Redirects that are followed.
pub const REDIRECTS_MAX: usize = 10;
/// Bytes of an answer's header fields.
const HEADERS_MAX_BYTES: usize = 64 * 1024;
/// Bytes of a `robots.txt` that are read (RFC 9309 asks for 500 KiB at least).
const ROBOTS_MAX_BYTES: u64 = 512 * 1024;

/// How to fetch.
#[derive(Debug, Clone)]
pub struct Options {
    /// Fetch from addresses that are not public, too.
    pub allow_private: bool,
    /// Do not ask `robots.txt`.
    pub ignore_robots: bool,
    /// Seconds that one page may take, redirects and all.
    pub seconds: u64,
    /// The name that is given to servers.
    pub user_agent: String,
}

impl Default for Options {
    fn default() -> Self {
        let user_agent = format!("dateline/{}", env!("CARGO_PKG_VERSION"));
        Options { allow_private: false, ignore_robots: false, seconds: 30, user_agent }
    }
}

/// A fetched page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capture {
    /// The address that was asked for, without fragment.
    pub requested: String,
    /// The address that answered.
    pub url: String,
    /// The addresses in between, in order.
    pub redirects: Vec<String>,
    /// The status of the last answer: 200, or 304 where the page was asked for only if changed.
    pub status: u16,
    /// SHA-256 of the header fields as received: `name: value` and a line feed each, names in lower case.
    pub headers_sha256: Hash,
    /// The media type, without parameters, in lower case.
    pub media_type: Option<String>,
    /// The charset that the server names.
    pub charset: Option<String>,
    /// The entity tag, to ask later whether it changed.
    pub etag: Option<String>,
    /// When the server says that it last changed.
    pub last_modified: Option<String>,
    /// The body, after content encodings were taken off.
    pub body: Vec<u8>,
}

/// Why a page cannot be had.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CaptureError {
    /// Not an address that can be fetched.
    #[error("{url} is not an address that can be fetched: {reason}")]
    Url {
        /// What was given.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Not on the public network.
    #[error("{url} is not on the public network: {reason}")]
    Private {
        /// The address.
        url: String,
        /// Where it leads.
        reason: String,
    },
    /// The site does not want it.
    #[error("robots.txt of {site} does not allow {url}")]
    Robots {
        /// The site.
        site: String,
        /// The address.
        url: String,
    },
    /// The site's rules could not be had, so that nothing is allowed (RFC 9309, 2.3.1.4).
    #[error("robots.txt of {site} cannot be had: {reason}")]
    RobotsUnavailable {
        /// The site.
        site: String,
        /// Why.
        reason: String,
    },
    /// Too many redirects, or in a circle.
    #[error("{url} leads through more than {limit} redirects, or in a circle")]
    Redirects {
        /// The address that was asked for.
        url: String,
        /// The limit.
        limit: usize,
    },
    /// Another status than 200.
    #[error("{url} answered with status {status}")]
    Status {
        /// The address.
        url: String,
        /// The status.
        status: u16,
    },
    /// Larger than a document may be.
    #[error("{url} is larger than {limit} bytes")]
    TooLarge {
        /// The address.
        url: String,
        /// The limit.
        limit: u64,
    },
    /// The network, or the server's protocol.
    #[error("cannot fetch {url}: {reason}")]
    Fetch {
        /// The address.
        url: String,
        /// What went wrong.
        reason: String,
    },
}

/// Fetches pages, and remembers the rules of the sites it has asked.
#[derive(Debug)]
pub struct Fetcher {
    agent: Agent,
    options: Options,
    robots: BTreeMap<String, Vec<u8>>,
}

/// What an earlier visit left: the page is wanted only if it changed since.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Validators {
    /// The entity tag.
    pub etag: Option<String>,
    /// The time of the last change, as the server wrote it.
    pub last_modified: Option<String>,
}

impl Fetcher {
    /// Makes a fetcher.
    pub fn new(options: Options) -> Self {
        let config = Agent::config_builder()
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(options.seconds.max(1))))
            .timeout_connect(Some(Duration::from_secs(options.seconds.clamp(1, 10))))
            .max_response_header_size(HEADERS_MAX_BYTES)
            .user_agent(options.user_agent.clone())
            .accept_encoding("gzip, br")
            .proxy(None)
            .build();
        let resolver = Public::new(options.allow_private);
        let agent = Agent::with_parts(config, DefaultConnector::default(), resolver);
        Fetcher { agent, options, robots: BTreeMap::new() }
    }

    /// Fetches a page with status 200.
    ///
    /// # Errors
    /// [`CaptureError`].
    pub fn fetch(&mut self, address: &str) -> Result<Capture, CaptureError> {
        let capture = self.fetch_if_changed(address, &Validators::default())?;
        match capture.status {
            200 => Ok(capture),
            status => Err(CaptureError::Status { url: capture.url, status }),
        }
    }

    /// Fetches a page unless it is unchanged: then the status is 304, and the body empty.
    ///
    /// # Errors
    /// [`CaptureError`].
    pub fn fetch_if_changed(&mut self, address: &str, known: &Validators) -> Result<Capture, CaptureError> {
        let requested = parse(address)?;
        let mut url = requested.clone();
        let mut redirects: Vec<String> = Vec::new();
        loop {
            if !self.options.ignore_robots {
                self.ask_robots(&url)?;
            }
            let mut request = self.agent.get(url.as_str());
            if let Some(etag) = &known.etag {
                request = request.header("If-None-Match", etag);
            }
            if let Some(time) = &known.last_modified {
                request = request.header("If-Modified-Since", time);
            }
            let mut response = request.call().map_err(|error| failed(url.as_str(), &error))?;
            let status = response.status().as_u16();
            if matches!(status, 301 | 302 | 303 | 307 | 308) {
                let target = response
                    .headers()
                    .get("location")
                    .and_then(|target| target.to_str().ok())
                    .unwrap_or_default();
                let next = url.join(target).map_err(|error| refuse(target, &error.to_string()))?;
                let next = parse(next.as_str())?;
                if redirects.len() >= REDIRECTS_MAX
                    || redirects.contains(&next.to_string())
                    || next == requested
                {
                    return Err(CaptureError::Redirects { url: requested.into(), limit: REDIRECTS_MAX });
                }
                if url.scheme() == "https" && next.scheme() == "http" {
                    return Err(refuse(next.as_str(), "a secure page leads to it, and it is not secure"));
                }
                redirects.push(next.to_string());
                url = next;
                continue;
            }
            if !matches!(status, 200 | 304) {
                return Err(CaptureError::Status { url: url.into(), status });
            }
            let mut text = String::new();
            let header = |name: &str| {
                response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
            };
            for (name, value) in response.headers() {
                text.push_str(&format!("{}: {}\n", name.as_str(), String::from_utf8_lossy(value.as_bytes())));
            }
            let content_type = header("content-type").unwrap_or_default();
            let (etag, last_modified) = (header("etag"), header("last-modified"));
            let mut parts = content_type.split(';').map(str::trim);
            let media_type = parts.next().map(str::to_ascii_lowercase).filter(|media| !media.is_empty());
            let charset = parts.find_map(|part| {
                let (name, value) = part.split_once('=')?;
                name.eq_ignore_ascii_case("charset").then(|| value.trim_matches(['"', '\'', ' ']).to_owned())
            });
            let body = body(&mut response, url.as_str(), limits::DOCUMENT_MAX_BYTES)?;
            redirects.pop();
            return Ok(Capture {
                requested: requested.into(),
                url: url.into(),
                redirects,
                status,
                headers_sha256: Hash::of(text.as_bytes()),
                media_type,
                charset,
                etag,
                last_modified,
                body,
            });
        }
    }

    /// Asks the rules of the site, once each.
    fn ask_robots(&mut self, url: &Url) -> Result<(), CaptureError> {
        let site = url[..url::Position::BeforePath].to_owned();
        if !self.robots.contains_key(&site) {
            let rules = self.robots_of(&site)?;
            self.robots.insert(site.clone(), rules);
        }
        let rules = self.robots.get(&site).map(Vec::as_slice).unwrap_or_default();
        let name = self.options.user_agent.split('/').next().unwrap_or("dateline");
        let unreadable =
            |error: String| CaptureError::RobotsUnavailable { site: site.clone(), reason: error };
        let robot = texting_robots::Robot::new(name, rules).map_err(|error| unreadable(error.to_string()))?;
        if robot.allowed(url.as_str()) {
            Ok(())
        } else {
            Err(CaptureError::Robots { site, url: url.to_string() })
        }
    }

    fn robots_of(&self, site: &str) -> Result<Vec<u8>, CaptureError> {
        let mut url = parse(&format!("{site}/robots.txt"))?;
        let unavailable = |reason: String| CaptureError::RobotsUnavailable { site: site.to_owned(), reason };
        for _ in 0..5 {
            let mut response = match self.agent.get(url.as_str()).call() {
                Ok(response) => response,
                Err(error) => {
                    return Err(match failed(url.as_str(), &error) {
                        private @ CaptureError::Private { .. } => private,
                        other => unavailable(other.to_string()),
                    });
                }
            };
            match response.status().as_u16() {
                200 => {
                    let mut rules = Vec::new();
                    let read = decoded(&mut response).take(ROBOTS_MAX_BYTES).read_to_end(&mut rules);
                    return read.map(|_| rules).map_err(|error| unavailable(error.to_string()));
                }
                301 | 302 | 303 | 307 | 308 => {
                    let target = response.headers().get("location").and_then(|target| target.to_str().ok());
                    let next = target.and_then(|target| url.join(target).ok());
                    url = next.ok_or_else(|| unavailable("it leads nowhere".into()))?;
                }
                // Not there: everything is allowed (RFC 9309, 2.3.1.3).
                400..=499 => return Ok(Vec::new()),
                status => return Err(unavailable(format!("status {status}"))),
            }
        }
        Ok(Vec::new())
    }
}

/// Reads an address as browsers do, and refuses what cannot be fetched or gives a secret away.
fn parse(address: &str) -> Result<Url, CaptureError> {
    if address.len() > limits::URL_MAX_BYTES {
        return Err(refuse(&address.chars().take(80).collect::<String>(), "it is too long"));
    }
    let mut url = Url::parse(address).map_err(|error| refuse(address, &error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(refuse(address, "only http and https can be fetched"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refuse(
            url.host_str().unwrap_or_default(),
            "it has a user name in it, which would be recorded",
        ));
    }
    url.set_fragment(None);
    Ok(url)
}

fn refuse(url: &str, reason: &str) -> CaptureError {
    CaptureError::Url { url: url.to_owned(), reason: reason.to_owned() }
}

/// Takes the content encoding off a body.
fn decoded(response: &mut ureq::http::Response<ureq::Body>) -> Box<dyn Read + '_> {
    let encoding = response.headers().get("content-encoding").and_then(|value| value.to_str().ok());
    let encoding = encoding.unwrap_or_default().trim().to_ascii_lowercase();
    let reader = response.body_mut().as_reader();
    match encoding.as_str() {
        "gzip" | "x-gzip" => Box::new(MultiGzDecoder::new(reader)),
        "br" => Box::new(brotli_decompressor::Decompressor::new(reader, 4096)),
        _ => Box::new(reader),
    }
}

fn body(
    response: &mut ureq::http::Response<ureq::Body>,
    url: &str,
    limit: u64,
) -> Result<Vec<u8>, CaptureError> {
    let mut bytes = Vec::new();
    let read = decoded(response).take(limit + 1).read_to_end(&mut bytes);
    read.map_err(|error| CaptureError::Fetch { url: url.to_owned(), reason: error.to_string() })?;
    if bytes.len() as u64 > limit {
        return Err(CaptureError::TooLarge { url: url.to_owned(), limit });
    }
    Ok(bytes)
}

fn failed(url: &str, error: &ureq::Error) -> CaptureError {
    if let ureq::Error::Other(inner) = error
        && let Some(private) = inner.downcast_ref::<NotPublic>()
    {
        return CaptureError::Private { url: url.to_owned(), reason: private.to_string() };
    }
    CaptureError::Fetch { url: url.to_owned(), reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_cannot_be_fetched() {
        for address in [
            "ftp://a.example/",
            "file:///etc/passwd",
            "https://user:secret@a.example/",
            "no address",
            "javascript:x",
        ] {
            let error = parse(address).unwrap_err();
            assert!(
                matches!(error, CaptureError::Url { .. }) && !error.to_string().contains("secret"),
                "{error}"
            );
        }
        assert_eq!(parse("HTTP://A.example/x#y").unwrap().as_str(), "http://a.example/x");
    }

    #[test]
    fn content_encodings_are_taken_off() {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut gzip, b"hello").unwrap();
        let gzip = gzip.finish().unwrap();
        let brotli = b"\x0b\x02\x80hello\x03";
        for (encoding, packed) in [
            ("gzip", gzip.as_slice()),
            ("GZIP", &gzip),
            ("x-gzip", &gzip),
            ("br", brotli),
            ("identity", b"hello"),
            ("", b"hello"),
        ] {
            let answer = |packed: &[u8]| {
                let response = ureq::http::Response::builder().header("Content-Encoding", encoding);
                response.body(ureq::Body::builder().data(packed)).unwrap()
            };
            assert_eq!(body(&mut answer(packed), "x", 5).unwrap(), b"hello", "{encoding}");
            let larger = body(&mut answer(packed), "x", 4);
            assert!(matches!(larger, Err(CaptureError::TooLarge { limit: 4, .. })), "{encoding}: {larger:?}");
            if !matches!(encoding, "identity" | "") {
                let cut = body(&mut answer(&packed[..packed.len() - 1]), "x", 5);
                assert!(matches!(cut, Err(CaptureError::Fetch { .. })), "{encoding}: {cut:?}");
            }
        }
    }

    #[test]
    fn private_hosts_are_refused_in_every_spelling() {
        let mut fetcher = Fetcher::new(Options { seconds: 5, ..Options::default() });
        for address in [
            "http://127.0.0.1:9/",
            "http://0x7f000001/",
            "http://2130706433/",
            "http://127.1/",
            "http://localhost/",
            "http://[::1]/",
        ] {
            let error = fetcher.fetch(address).unwrap_err();
            assert!(matches!(error, CaptureError::Private { .. }), "{address}: {error}");
        }
    }
}
