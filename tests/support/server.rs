//! A small web server for files, which misbehaves as it is told to, and remembers what it was asked.

// Each test program uses a part of this.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use dateline::base::Hash;
use dateline::storage::Store;

/// What happens to one answer.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// Nothing bad.
    None,
    /// This status instead, with a `Retry-After` if one is given.
    Status(u16, Option<&'static str>),
    /// The connection is closed after so many bytes of the body.
    Cut(usize),
    /// The answer comes so much later.
    Late(Duration),
    /// The body is so many bytes longer than is said.
    Longer(usize),
    /// The body ends with the connection, and nothing says how long it is; cut to so many bytes.
    NoLength(usize),
    /// The same, and the answer does not say that the connection closes.
    Unmarked(usize),
    /// The same, with this header field.
    UnmarkedWith(&'static str, usize),
    /// The body comes in chunks, and ends after so many of its bytes: with the last chunk, if that is all.
    Chunked(usize),
    /// The body is so many zero bytes, gzipped.
    Bomb(usize),
    /// The body is gzipped.
    Gzipped,
    /// The body is gzipped, and the connection closes after so many bytes of it, as the answer says.
    GzippedLast(usize),
    /// The body is gzipped and ends with the connection.
    GzippedNoLength,
    /// The body is said to be encoded so.
    Encoded(&'static str),
    /// Somewhere else.
    Redirect(String),
    /// A page with status 200, whatever was asked for.
    Page,
    /// The whole file, whatever part was asked for.
    NoRanges,
}

/// A request, as far as tests look at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) range: Option<String>,
    pub(crate) no_cache: bool,
}

type Script = Box<dyn FnMut(&Asked, usize) -> Fault + Send>;

/// A running server. It ends with the test program.
pub(crate) struct Server {
    pub(crate) address: String,
    shared: Arc<Shared>,
}

struct Shared {
    files: Mutex<BTreeMap<String, Vec<u8>>>,
    script: Mutex<Script>,
    asked: Mutex<Vec<Asked>>,
    delay: Duration,
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Server {
    /// Serves nothing yet; each answer takes `delay`.
    pub(crate) fn start(delay: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/", listener.local_addr().unwrap());
        let shared = Arc::new(Shared {
            files: Mutex::default(),
            script: Mutex::new(Box::new(|_, _| Fault::None)),
            asked: Mutex::default(),
            delay,
            now: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
        });
        let server = Server { address, shared: Arc::clone(&shared) };
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                thread::spawn(move || shared.serve(stream));
            }
        });
        server
    }

    /// Serves a log's files, as they lie.
    pub(crate) fn of(store: &dyn Store, delay: Duration) -> Self {
        let server = Server::start(delay);
        server.replace(store);
        server
    }

    /// Serves another log from now on.
    pub(crate) fn replace(&self, store: &dyn Store) {
        let mut files = self.shared.files.lock().unwrap();
        files.clear();
        for key in store.list("").unwrap().keys {
            if !key.as_str().starts_with(".local/") {
                let bytes = store.get(&key, u64::MAX).unwrap().unwrap();
                files.insert(format!("/{key}"), bytes);
            }
        }
    }

    pub(crate) fn put(&self, path: &str, bytes: Vec<u8>) {
        self.shared.files.lock().unwrap().insert(path.to_owned(), bytes);
    }

    pub(crate) fn remove(&self, path: &str) {
        assert!(self.shared.files.lock().unwrap().remove(path).is_some(), "{path}");
    }

    pub(crate) fn bytes(&self, path: &str) -> Vec<u8> {
        self.shared.files.lock().unwrap()[path].clone()
    }

    /// Makes every following answer ask `script`, which gets the request and how often its path was asked for before.
    pub(crate) fn set_script(&self, script: impl FnMut(&Asked, usize) -> Fault + Send + 'static) {
        *self.shared.script.lock().unwrap() = Box::new(script);
    }

    /// Returns what was asked for since this was last called.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut *self.shared.asked.lock().unwrap())
    }

    /// Returns how many requests were under way at once, at most.
    pub(crate) fn most_at_once(&self) -> usize {
        self.shared.most.load(Ordering::SeqCst)
    }
}

impl Shared {
    fn serve(&self, stream: TcpStream) {
        stream.set_nodelay(true).unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut writer = stream;
        loop {
            let mut lines = Vec::new();
            loop {
                let mut line = String::new();
                match (&mut reader).take(65_536).read_line(&mut line) {
                    Ok(0) | Err(_) => return,
                    Ok(_) if line == "\r\n" => break,
                    Ok(_) => lines.push(line.trim_end().to_owned()),
                }
            }
            let header = |name: &str| {
                lines.iter().skip(1).find_map(|line| {
                    let (found, value) = line.split_once(':')?;
                    found.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
                })
            };
            let asked = Asked {
                path: lines[0].split(' ').nth(1).unwrap().to_owned(),
                range: header("range"),
                no_cache: header("cache-control").as_deref() == Some("no-cache"),
            };
            let before = {
                let mut all = self.asked.lock().unwrap();
                all.push(asked.clone());
                all.iter().filter(|other| other.path == asked.path).count() - 1
            };
            let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
            self.most.fetch_max(now, Ordering::SeqCst);
            thread::sleep(self.delay);
            let fault = (self.script.lock().unwrap())(&asked, before);
            let goes_on = self.answer(&mut writer, &asked, header("if-range"), fault);
            self.now.fetch_sub(1, Ordering::SeqCst);
            if !goes_on {
                return;
            }
        }
    }

    /// Answers once; returns whether the connection stays open.
    fn answer(&self, out: &mut TcpStream, asked: &Asked, if_range: Option<String>, fault: Fault) -> bool {
        let path = asked.path.split('?').next().unwrap();
        let found = self.files.lock().unwrap().get(path).cloned();
        let send = |out: &mut TcpStream, status: u16, headers: &str, body: &[u8]| {
            let head = format!("HTTP/1.1 {status} x\r\n{headers}\r\n");
            out.write_all(head.as_bytes()).and_then(|()| out.write_all(body)).is_ok()
        };
        let length = |body: &[u8]| format!("Content-Length: {}\r\n", body.len());
        match &fault {
            Fault::Late(delay) => thread::sleep(*delay),
            Fault::Status(status, after) => {
                let after = after.map(|after| format!("Retry-After: {after}\r\n")).unwrap_or_default();
                return send(out, *status, &format!("Content-Length: 0\r\n{after}"), b"");
            }
            Fault::Redirect(to) => {
                return send(out, 302, &format!("Location: {to}\r\nContent-Length: 0\r\n"), b"");
            }
            Fault::Page => {
                let page = b"<!doctype html><title>Not here</title>";
                return send(out, 200, &length(page), page);
            }
            Fault::Bomb(size) => {
                let body = gzipped(&vec![0; *size]);
                return send(out, 200, &format!("Content-Encoding: gzip\r\n{}", length(&body)), &body);
            }
            _ => {}
        }
        let Some(bytes) = found else { return send(out, 404, "Content-Length: 0\r\n", b"") };
        let etag = format!("\"{}\"", Hash::of(&bytes));
        let range = asked.range.as_deref().filter(|_| !matches!(fault, Fault::NoRanges));
        let range = range.filter(|_| if_range.is_none_or(|wanted| wanted == etag));
        let part = range.and_then(|range| range.strip_prefix("bytes=")?.split_once('-')).map(|(a, b)| {
            let end = b.parse().map_or(bytes.len(), |last: usize| (last + 1).min(bytes.len()));
            (a.parse::<usize>().unwrap(), end)
        });
        let (status, body, mut headers) = match part {
            Some((first, end)) if first < end => {
                let told = format!("Content-Range: bytes {first}-{}/{}\r\n", end - 1, bytes.len());
                (206, bytes[first..end].to_vec(), told)
            }
            Some(_) => return send(out, 416, "Content-Length: 0\r\n", b""),
            None => (200, bytes, String::new()),
        };
        headers.push_str(&format!("ETag: {etag}\r\n"));
        match fault {
            Fault::Cut(at) => {
                send(out, status, &format!("{headers}{}", length(&body)), &body[..at.min(body.len())]);
                false
            }
            Fault::Longer(by) => {
                let longer = [body.as_slice(), &vec![b'x'; by]].concat();
                send(out, status, &format!("{headers}{}", length(&body)), &longer)
            }
            Fault::NoLength(at) => {
                send(out, status, "Connection: close\r\n", &body[..at.min(body.len())]);
                false
            }
            Fault::Unmarked(at) => {
                send(out, status, "", &body[..at.min(body.len())]);
                false
            }
            Fault::UnmarkedWith(field, at) => {
                send(out, status, &format!("{field}\r\n"), &body[..at.min(body.len())]);
                false
            }
            Fault::Chunked(at) => {
                let part = &body[..at.min(body.len())];
                let mut chunks = format!("{:x}\r\n", part.len()).into_bytes();
                chunks.extend_from_slice(part);
                chunks.extend_from_slice(if part.len() == body.len() { b"\r\n0\r\n\r\n" } else { b"\r\n" });
                send(out, status, "Transfer-Encoding: chunked\r\n", &chunks);
                false
            }
            Fault::GzippedLast(at) => {
                let body = gzipped(&body);
                let told = format!("Content-Encoding: gzip\r\nConnection: close\r\n{}", length(&body));
                send(out, status, &told, &body[..at.min(body.len())]);
                false
            }
            Fault::GzippedNoLength => {
                send(out, status, "Content-Encoding: gzip\r\n", &gzipped(&body));
                false
            }
            Fault::Encoded(encoding) => {
                let told = format!("{headers}Content-Encoding: {encoding}\r\n{}", length(&body));
                send(out, status, &told, &body)
            }
            Fault::Gzipped => {
                let body = gzipped(&body);
                send(out, status, &format!("{headers}Content-Encoding: gzip\r\n{}", length(&body)), &body)
            }
            _ => send(out, status, &format!("{headers}{}", length(&body)), &body),
        }
    }
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}
