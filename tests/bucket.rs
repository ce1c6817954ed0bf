//! A log in a bucket, through the real program: what no store may do that is to hold one, and, on SeaweedFS, several
//! front ends at once on two gateways, while front ends and the store are killed.

#![allow(clippy::unwrap_used)]

mod support;

#[path = "support/desk.rs"]
mod desk;
#[path = "support/weed.rs"]
mod weed;

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path as UrlPath, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use dateline::base::Hash;
use dateline::storage::bucket::Settings;
use dateline::storage::{Bucket, Store, StoreError};
use desk::{Desk, Promises, lines, number, told};
use serde_json::Value;
use weed::Weed;

/// How a store goes wrong.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Careless {
    /// Not at all.
    No,
    /// It answers 200 to a conditional write, and ignores the condition.
    Ignores,
    /// It looks, and then writes: for one client that is as good, for several it is not.
    LooksThenWrites,
}

#[derive(Clone)]
struct Server {
    how: Careless,
    objects: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    writes: Arc<AtomicUsize>,
}

fn etag(bytes: &[u8]) -> String {
    format!("\"{}\"", &Hash::of(bytes).to_hex()[..32])
}

async fn answer(
    State(server): State<Server>,
    method: Method,
    UrlPath(path): UrlPath<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let condition = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    let holds = |there: Option<&Vec<u8>>| {
        condition("if-none-match").is_none_or(|_| there.is_none())
            && condition("if-match").is_none_or(|wanted| there.is_some_and(|bytes| etag(bytes) == wanted))
    };
    match method {
        Method::PUT => {
            server.writes.fetch_add(1, Ordering::SeqCst);
            let before = {
                let mut objects = server.objects.lock().unwrap();
                let held = holds(objects.get(&path));
                if server.how == Careless::No && held {
                    objects.insert(path.clone(), body.to_vec());
                }
                held
            };
            if server.how != Careless::Ignores && !before {
                return StatusCode::PRECONDITION_FAILED.into_response();
            }
            if server.how == Careless::LooksThenWrites {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            server.objects.lock().unwrap().insert(path, body.to_vec());
            (StatusCode::OK, [("etag", etag(&body))]).into_response()
        }
        Method::GET | Method::HEAD => match server.objects.lock().unwrap().get(&path) {
            Some(bytes) => {
                let modified = "Thu, 26 Nov 2026 05:00:00 GMT".to_owned();
                let length = bytes.len().to_string();
                let fields = [("etag", etag(bytes)), ("last-modified", modified), ("content-length", length)];
                let body = if method == Method::GET { bytes.clone() } else { Vec::new() };
                (StatusCode::OK, fields, body).into_response()
            }
            None => StatusCode::NOT_FOUND.into_response(),
        },
        _ => StatusCode::NO_CONTENT.into_response(),
    }
}

/// Serves such a store on loopback for as long as the test runs; returns its address.
fn careless(how: Careless) -> (String, Arc<AtomicUsize>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let server = Server { how, objects: Arc::default(), writes: Arc::default() };
    let writes = Arc::clone(&server.writes);
    thread::spawn(move || {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async move {
            let router = Router::new().route("/{*path}", axum::routing::any(answer)).with_state(server);
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            axum::serve(listener, router).await.unwrap();
        });
    });
    (address, writes)
}

fn settings(endpoints: &[&str]) -> Vec<(String, String)> {
    let all = endpoints.join(",");
    let words = [
        ("AWS_ACCESS_KEY_ID", "key"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_ENDPOINT_URL", endpoints[0]),
        ("DATELINE_STORE_ENDPOINTS", all.as_str()),
    ];
    words.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

#[test]
fn a_store_that_does_not_keep_writers_apart_is_refused() {
    for (how, seen) in [
        (Careless::Ignores, "an object that was not there was written under the condition that it is there"),
        (Careless::LooksThenWrites, "of 6 writers were told that they alone had written one object (create)"),
    ] {
        let (address, _) = careless(how);
        let desk = Desk::empty();
        let mut command = desk.command_at(
            &desk.workspace(),
            &["init", "--store", "s3://news/log", "--no-passphrase", "--log-origin", "example.org/log"],
            &[],
        );
        command.envs(settings(&[&address])).env("XDG_CACHE_HOME", desk.root().join("cache"));
        let refused = command.output().unwrap();
        assert_eq!(refused.status.code(), Some(3), "{}", told(&refused));
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(said.contains(seen) && said.contains("s3://news/log cannot hold a log"), "{said}");
        // No key was made for a log that cannot be.
        assert!(!desk.workspace().join("keys").exists());
    }
}

#[test]
fn a_store_that_keeps_them_apart_is_taken_and_not_asked_twice() {
    let (address, writes) = careless(Careless::No);
    let caches = tempfile::tempdir().unwrap();
    let bucket = Bucket::new("s3://news/log", &Settings::new(settings(&[&address])), caches.path()).unwrap();
    drop(bucket.writer().unwrap());
    let probed = writes.load(Ordering::SeqCst);
    assert!(probed > 100, "{probed}");
    drop(bucket.writer().unwrap());
    assert_eq!(writes.load(Ordering::SeqCst), probed);
}

#[test]
fn endpoints_that_know_nothing_of_each_other_are_refused() {
    // Each keeps its promise, and they are not one store.
    let ((one, _), (two, _)) = (careless(Careless::No), careless(Careless::No));
    let caches = tempfile::tempdir().unwrap();
    let settings = Settings::new(settings(&[&one, &two]));
    let refused = Bucket::new("s3://news/log", &settings, caches.path()).unwrap().writer();
    // Both are tried at once: which is the first to be caught is chance.
    let names_one = |seen: &String| seen.contains(&one) || seen.contains(&two);
    assert!(matches!(&refused, Err(StoreError::Unsafe { seen, .. }) if names_one(seen)), "{refused:?}");
}

/// Front ends of one log in a bucket.
struct Group {
    desk: Desk,
    weed: Weed,
}

impl Group {
    /// `None` where there is no store.
    fn new() -> Option<Self> {
        let weed = Weed::start()?;
        let group = Group { desk: Desk::empty(), weed };
        let made = group.run(0, &["init", "--no-passphrase", "--log-origin", desk::ORIGIN], &[]);
        assert!(made.status.success(), "{}", told(&made));
        Some(group)
    }

    /// The program as front end `number` runs it: by one of the gateways, with a cache of its own.
    fn command(&self, number: usize, args: &[&str], paths: &[PathBuf]) -> Command {
        let args = [&["--store", "s3://news/log"], args].concat();
        let mut command = self.desk.command_at(&self.desk.workspace(), &args, paths);
        command.envs(self.weed.settings(number));
        command.env("XDG_CACHE_HOME", self.desk.root().join(format!("cache{number}")));
        command.env("RUST_LOG", "error");
        command
    }

    fn run(&self, number: usize, args: &[&str], paths: &[PathBuf]) -> Output {
        self.command(number, args, paths).output().unwrap()
    }

    fn done(&self, number: usize, args: &[&str], paths: &[PathBuf]) -> String {
        let done = self.run(number, args, paths);
        assert!(done.status.success(), "{args:?}: {}", told(&done));
        String::from_utf8(done.stdout).unwrap()
    }

    fn store(&self) -> impl Store {
        let caches = self.desk.root().join("cache-of-the-test");
        Bucket::new("s3://news/log", &Settings::new(self.weed.settings(0)), &caches).unwrap().reader()
    }

    /// Audits it as somebody who has nothing but the policy and the root key, and finds no stray.
    fn audit(&self) -> Value {
        let foreign = self.desk.root().join("auditor");
        let _ = fs::remove_dir_all(&foreign);
        fs::create_dir_all(foreign.join("keys")).unwrap();
        let own = self.desk.workspace().join("keys");
        fs::copy(own.join("policy"), foreign.join("keys/policy")).unwrap();
        desk::copy_folder(&own.join("roots"), &foreign.join("keys/roots"));
        let args = ["--store", "s3://news/log", "verify", "--stateless"];
        let mut command = self.desk.command_at(&foreign, &args, &[]);
        let audit = command.envs(self.weed.settings(1)).output().unwrap();
        assert!(audit.status.success(), "{}", told(&audit));
        let report: Value = serde_json::from_slice(&audit.stdout).unwrap();
        assert_eq!(report["findings"], Value::Array(Vec::new()), "{report}");
        report
    }
}

#[test]
fn a_log_lives_in_a_bucket() {
    let Some(group) = Group::new() else { return };
    let again = group.run(1, &["init", "--no-passphrase", "--log-origin", "example.org/other"], &[]);
    assert_eq!(again.status.code(), Some(2), "{}", told(&again));
    let documents = group.desk.documents(0..6);
    group.done(0, &["add", "--yes"], &documents[..4]);
    group.done(1, &["add", "--yes", "--pending"], &documents[4..5]);
    group.done(0, &["publish"], &[]);
    group.done(1, &["add", "--yes"], &documents[3..]);
    let listed = group.done(0, &["list"], &[]);
    assert_eq!(lines(listed.as_bytes()).len(), 6, "{listed}");
    group.done(1, &["check"], &documents[4..5]);
    group.done(0, &["show", "3"], &[]);
    group.done(0, &["prove", "3", "-o"], &[group.desk.root().join("proof")]);
    group.done(0, &["correct", "1", "--note", "It was Tuesday."], &[]);
    assert_eq!(group.audit()["size"], 8);
    assert!(!group.desk.workspace().join("records").exists(), "something was written beside the bucket");
}

#[test]
fn a_log_moves_to_a_folder_and_back() {
    let Some(group) = Group::new() else { return };
    let documents = group.desk.documents(0..4);
    group.done(0, &["add", "--yes"], &documents[..3]);
    let folder = group.desk.workspace().join("records");
    group.done(1, &["mirror"], std::slice::from_ref(&folder));
    // In the folder it goes on, as the same log.
    let here = |args: &[&str], paths: &[PathBuf]| {
        let done = group.desk.command_at(&group.desk.workspace(), args, paths).output().unwrap();
        assert!(done.status.success(), "{args:?}: {}", told(&done));
    };
    here(&["add", "--yes"], &documents[3..]);
    here(&["key", "new", "officer", "--no-passphrase"], &[]);
    let officer = group.desk.workspace().join("keys/private/officer.pub");
    here(&["key", "enrol", "--role", "data-officer"], &[officer]);
    here(&["erase", "1", "paragraphs", "--original", "--reason", "pii", "--yes"], &[]);
    here(&["verify", "--stateless"], &[]);
    let mut back = group.desk.command_at(&group.desk.workspace(), &["mirror", "s3://news/log"], &[]);
    let back = back.envs(group.weed.settings(0)).env("XDG_CACHE_HOME", group.desk.root().join("cache0"));
    let back = back.output().unwrap();
    assert!(back.status.success(), "{}", told(&back));
    let report: Value = serde_json::from_slice(&back.stdout).unwrap();
    assert_eq!((&report["sizeBefore"], &report["size"]), (&4.into(), &7.into()), "{report}");
    assert_eq!(group.audit()["size"], 7);
    // And in the bucket again.
    group.done(1, &["correct", "2", "--note", "It was Tuesday."], &[]);
    assert_eq!(group.audit()["size"], 8);
}

/// What front ends were told.
#[derive(Default)]
struct Told {
    promises: Mutex<Promises>,
    /// By size, the root that was shown.
    roots: Mutex<BTreeMap<u64, String>>,
    refused: AtomicU64,
    killed: AtomicU64,
    served: AtomicU64,
}

impl Told {
    fn checkpoint(&self, line: &Value) {
        let (size, root) = (&line["checkpoint"]["size"], &line["checkpoint"]["rootHash"]);
        self.root(size.as_u64().unwrap(), root.as_str().unwrap().to_owned());
    }

    /// Keeps the checkpoint in a proof: a line of the origin, one of the size, one of the root.
    fn proof(&self, proof: &str) {
        let mut lines = proof.lines().skip_while(|line| *line != desk::ORIGIN).skip(1);
        let size = lines.next().unwrap().parse().unwrap();
        let root = dateline::base::encoding::from_base64(lines.next().unwrap()).unwrap();
        self.root(size, Hash(root.try_into().unwrap()).to_string());
    }

    fn root(&self, size: u64, root: String) {
        let known = self.roots.lock().unwrap().insert(size, root.clone());
        assert!(known.is_none_or(|known| known == root), "the log was forked at {size}");
    }
}

/// Adds documents again and again, until `stop`; now and then it is killed.
fn adds(group: &Group, number: usize, told: &Told, stop: &AtomicBool) {
    let mut first = number * 100_000;
    let mut round = 0;
    while !stop.load(Ordering::SeqCst) {
        round += 1;
        let count = 1 + desk::number("batch", first, 30);
        let mut documents = group.desk.documents(first..first + count);
        // One that the others add too.
        documents.extend(group.desk.documents(900_000 + round..900_001 + round));
        loop {
            let mut command = group.command(number, &["add", "--yes"], &documents);
            let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            let dies = desk::number("dies", first + round, 4) == 0 && !stop.load(Ordering::SeqCst);
            if dies {
                thread::sleep(Duration::from_millis(desk::number("when", first, 1_500) as u64));
                if child.kill().is_ok() {
                    told.killed.fetch_add(1, Ordering::SeqCst);
                }
            }
            let output = child.wait_with_output().unwrap();
            for line in lines(&output.stdout).iter().filter(|line| line.get("error").is_none()) {
                told.checkpoint(line);
            }
            told.promises.lock().unwrap().keep(&output.stdout);
            match output.status.code() {
                Some(0) => break,
                // Killed.
                None => {}
                // The store was away.
                Some(3) => drop(told.refused.fetch_add(1, Ordering::SeqCst)),
                _ => panic!("{}", desk::told(&output)),
            }
            round += 1;
            if stop.load(Ordering::SeqCst) {
                return;
            }
        }
        first += count;
    }
}

struct Serving {
    child: Child,
    address: String,
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn serving(group: &Group, number: usize) -> Option<Serving> {
    let mut command = group.command(number, &["serve", "--listen", "127.0.0.1:0", "--rate", "100000"], &[]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let line: Value = serde_json::from_str(&line).unwrap_or_default();
    let Some(address) = line["listening"].as_str() else {
        // The store was away.
        assert_eq!(child.wait().unwrap().code(), Some(3), "{line}");
        return None;
    };
    let address = address.trim_start_matches("http://").trim_end_matches('/').to_owned();
    Some(Serving { child, address })
}

/// Sends a document; returns the status and the answer, if one came.
fn send(address: &str, token: &str, body: &[u8]) -> Option<(u16, Value)> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(60))).ok()?;
    let head = format!(
        "POST /api/v1/records HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body)).ok()?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let status = text.split(' ').nth(1)?.parse().ok()?;
    let body = text.split_once("\r\n\r\n")?.1;
    // Chunked or not, the object is all there is between the braces.
    let object = &body[body.find('{')?..=body.rfind('}')?];
    Some((status, serde_json::from_str(object).unwrap_or_default()))
}

/// Serves, and sends documents to it from several clients at once; it is killed now and then.
fn serves(group: &Group, number: usize, token: &str, told: &Told, stop: &AtomicBool) {
    let mut life = 0;
    while !stop.load(Ordering::SeqCst) {
        life += 1;
        let Some(server) = serving(group, number) else {
            told.refused.fetch_add(1, Ordering::SeqCst);
            thread::sleep(Duration::from_millis(300));
            continue;
        };
        let until = Instant::now() + Duration::from_millis(6_000 + desk::number("life", life, 12_000) as u64);
        thread::scope(|scope| {
            for client in 0..4 {
                let address = &server.address;
                scope.spawn(move || {
                    for n in 0.. {
                        if stop.load(Ordering::SeqCst) || Instant::now() > until {
                            break;
                        }
                        let text =
                            format!("Dispatch {number} {life} {client} {n}\n\nThe river stood still.\n");
                        match send(address, token, text.as_bytes()) {
                            Some((200 | 201, answer)) => {
                                told.proof(answer["proof"].as_str().unwrap());
                                let record = answer["record"].as_u64().unwrap();
                                let original = format!("sha256:{}", Hash::of(text.as_bytes()));
                                told.promises.lock().unwrap().promised(record, original);
                                told.served.fetch_add(1, Ordering::SeqCst);
                            }
                            Some((429 | 500..=599, _)) | None => {
                                told.refused.fetch_add(1, Ordering::SeqCst);
                                thread::sleep(Duration::from_millis(100));
                            }
                            Some((status, answer)) => panic!("{status}: {answer}"),
                        }
                    }
                });
            }
        });
        if !stop.load(Ordering::SeqCst) {
            told.killed.fetch_add(1, Ordering::SeqCst);
        }
        drop(server);
    }
}

#[test]
fn front_ends_at_once_lose_nothing_while_they_and_the_store_are_killed() {
    let Some(group) = Group::new() else { return };
    let seconds =
        std::env::var("DATELINE_STORE_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(25);
    let token = {
        let mut command =
            group.desk.command_at(&group.desk.workspace(), &["token", "new", "--scope", "submit"], &[]);
        let made: Value = serde_json::from_slice(&command.output().unwrap().stdout).unwrap();
        made["token"].as_str().unwrap().to_owned()
    };
    let (told, stop) = (Told::default(), AtomicBool::new(false));
    let mut restarts = 0;
    thread::scope(|scope| {
        let (group, told, stop, token) = (&group, &told, &stop, token.as_str());
        for number in 0..2 {
            scope.spawn(move || adds(group, number, told, stop));
            scope.spawn(move || serves(group, 2 + number, token, told, stop));
        }
        let begun = Instant::now();
        // On a busy machine a server may be killed, or lose the store, before it has served anything.
        let idle = || told.served.load(Ordering::SeqCst) == 0;
        while begun.elapsed() < Duration::from_secs(seconds)
            || idle() && begun.elapsed() < Duration::from_secs(seconds * 6)
        {
            thread::sleep(Duration::from_millis(9_000 + number("store", restarts, 8_000) as u64));
            group.weed.kill();
            thread::sleep(Duration::from_millis(500));
            group.weed.run();
            restarts += 1;
        }
        stop.store(true, Ordering::SeqCst);
    });
    // Whoever opens it next finishes what was left.
    group.done(0, &["add", "--yes"], &group.desk.documents(999_000..999_001));
    let report = group.audit();

    // Every record that was acknowledged is there, where it was said to be.
    let listed = group.done(0, &["list"], &[]);
    let promises = told.promises.into_inner().unwrap();
    promises.are_kept_in(listed.as_bytes());
    let (kept, served) = (promises.count(), told.served.load(Ordering::SeqCst));
    // And every checkpoint that anybody was shown is one of this log.
    let roots = told.roots.into_inner().unwrap();
    let store = group.store();
    support::witness::prefixes_have_roots(&store, report["size"].as_u64().unwrap(), &roots);
    println!(
        "{} entries, {kept} acknowledged, {served} of them by serve, {} checkpoints seen; {} front ends and {restarts} \
         stores were killed, {} requests refused meanwhile",
        report["size"],
        roots.len(),
        told.killed.load(Ordering::SeqCst),
        told.refused.load(Ordering::SeqCst)
    );
    assert!(served > 0 && kept as u64 > served, "nothing was done");
}
