//! How fast `dateline serve` registers: `cargo bench --bench serving --profile release`.
//!
//! A log of `DATELINE_DOCUMENTS` (2,000 unless said otherwise) articles below `DATELINE_FOLDER` (the system's temporary folder unless said
//! otherwise) is served on loopback. 1, 16 and 256 clients, each on a connection of its own, send articles of some 1.7 kB for
//! `DATELINE_SECONDS` (10 unless said otherwise) each. A registration's time runs from the first byte sent to the last of the answer, which
//! has the proof: the record is durable, and in a published checkpoint. In the same run: files created and synced with their folder,
//! one at a time, before and after; and the server's memory. `DATELINE_CLIENTS=16` takes only so many.
//!
//! Light load comes first, once the server's search index is made, for about a minute: 200 registrations, about three a second, so
//! that each takes the lock anew, and between each two a synced file, so that both meet the same machine.
//!
//! Clients and server share the machine's cores. The documents have no wording in common: that one is warned of ends the benchmark.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

mod support;

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use support::Dice;

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap())
}

fn article(number: u64) -> String {
    let mut dice = Dice(number);
    let mut words = |count: usize| (0..count).map(|_| dice.word()).collect::<Vec<_>>().join(" ");
    let mut text = format!("{} {number}\n\nBy Awa Diarra\n\n", words(6));
    for _ in 0..25 {
        text.push_str(&format!("{}.\n\n", words(10)));
    }
    text.push_str("Source: AFP\n");
    text
}

struct Log {
    folder: tempfile::TempDir,
}

impl Log {
    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dateline"));
        command.args(args).current_dir(self.folder.path()).stdin(Stdio::null()).env("RUST_LOG", "error");
        command.env("XDG_STATE_HOME", self.folder.path().join("state")).env_remove("SSH_AUTH_SOCK");
        command
    }

    fn done(&self, args: &[&str]) -> String {
        let output = self.command(args).output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}

struct Server(Child, String);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Server {
    /// Waits until the search index of the server has what the log has.
    fn index_is_made(&self) {
        let lag = || -> f64 {
            let told = ureq::get(self.1.replace("api/v1/records", "metrics")).call().unwrap();
            let told = told.into_body().read_to_string().unwrap();
            let lag = told.lines().find_map(|line| line.strip_prefix("dateline_index_lag_entries "));
            lag.unwrap().parse().unwrap()
        };
        // It says nothing before it has begun.
        std::thread::sleep(Duration::from_secs(2));
        while lag() > 0.0 {
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Megabytes of memory that are in use now.
    fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) / 1024
    }
}

/// One that registers, on a connection of its own.
struct Client<'a> {
    agent: ureq::Agent,
    server: &'a Server,
    token: &'a str,
}

impl<'a> Client<'a> {
    fn new(server: &'a Server, token: &'a str) -> Self {
        let config = ureq::Agent::config_builder().http_status_as_error(false);
        let agent = config.timeout_global(Some(Duration::from_secs(120))).build().into();
        Client { agent, server, token }
    }

    /// Returns how long it took; `None` if it was put off.
    fn register(&self, text: String) -> Option<Duration> {
        let begun = Instant::now();
        let request =
            self.agent.post(&self.server.1).header("Authorization", format!("Bearer {}", self.token));
        let mut answer = request.header("Content-Type", "text/plain; charset=utf-8").send(text).unwrap();
        let body = answer.body_mut().read_to_string().unwrap();
        match answer.status().as_u16() {
            201 => {
                let taken = begun.elapsed();
                // `null` where the server had no time to look.
                assert!(!body.contains("\"warnings\":[{"), "{body}");
                Some(taken)
            }
            429 => None,
            other => panic!("{other}: {body}"),
        }
    }
}

/// Milliseconds at a share of all.
fn at(sorted: &[Duration], share: f64) -> f64 {
    let place = ((sorted.len() - 1) as f64 * share).round() as usize;
    sorted[place].as_secs_f64() * 1e3
}

/// Creates a file and syncs it, with its folder.
fn synced_file(folder: &Path, number: usize) -> Duration {
    let begun = Instant::now();
    let mut file = File::create(folder.join(number.to_string())).unwrap();
    file.write_all(&[7; 1024]).unwrap();
    file.sync_all().unwrap();
    File::open(folder).unwrap().sync_all().unwrap();
    begun.elapsed()
}

/// Creates so many, one after the other.
fn synced_files(folder: &Path, count: usize) -> Vec<Duration> {
    fs::create_dir_all(folder).unwrap();
    let mut taken: Vec<Duration> = (0..count).map(|number| synced_file(folder, number)).collect();
    taken.sort();
    taken
}

/// Longer, twice, than the server keeps the log open without work.
const PAUSE: Duration = Duration::from_millis(150);
const LIGHTLY: u64 = 200;

/// Registers documents one at a time, and creates a synced file between each two.
fn light_load(client: &Client<'_>, folder: &Path, texts: impl Iterator<Item = String>) {
    fs::create_dir_all(folder).unwrap();
    let (mut registered, mut synced) = (Vec::new(), Vec::new());
    for (number, text) in texts.enumerate() {
        registered.push(client.register(text).unwrap());
        std::thread::sleep(PAUSE);
        synced.push(synced_file(folder, number));
        std::thread::sleep(PAUSE);
    }
    registered.sort();
    synced.sort();
    let row = |share: f64| {
        let (one, file) = (at(&registered, share), at(&synced, share));
        format!("p{:.0} {one:.1} ms beside {file:.2} ms for a synced file ({:.1})", share * 100.0, one / file)
    };
    println!("light load: {}, {}", row(0.5), row(0.99));
}

fn main() {
    let (documents, seconds) = (number("DATELINE_DOCUMENTS", 2_000), number("DATELINE_SECONDS", 10));
    let below = std::env::var_os("DATELINE_FOLDER").map_or_else(std::env::temp_dir, Into::into);
    let log = Log { folder: tempfile::tempdir_in(below).unwrap() };
    log.done(&["init", "--log-origin", "bench.example.org/log", "--no-passphrase"]);
    let articles = log.folder.path().join("articles");
    fs::create_dir(&articles).unwrap();
    for number in 0..documents {
        fs::write(articles.join(format!("{number}.txt")), article(number)).unwrap();
    }
    let begun = Instant::now();
    log.done(&["add", "articles", "--yes"]);
    println!("{documents} articles added in {:.1} s", begun.elapsed().as_secs_f64());
    let token = log.done(&["token", "new"]).trim().to_owned();

    let args = ["serve", "--listen", "127.0.0.1:0", "--rate", "1000000", "--queue", "4096"];
    let mut child = log.command(&args).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.split_whitespace().last().unwrap().to_owned();
    let server = Server(child, format!("{address}api/v1/records"));

    let next = AtomicU64::new(documents);
    let alone = synced_files(&log.folder.path().join("synced"), 300);
    println!("synced file: p50 {:.2} ms, p99 {:.2} ms", at(&alone, 0.5), at(&alone, 0.99));
    println!("memory of the server at rest: {} MB", server.memory());
    let begun = Instant::now();
    server.index_is_made();
    println!("its search index is made: {:.0} s later", begun.elapsed().as_secs_f64());
    let lightly = documents..documents + LIGHTLY;
    next.store(lightly.end, Ordering::Relaxed);
    light_load(
        &Client::new(&server, &token),
        &log.folder.path().join("synced-between"),
        lightly.map(article),
    );
    let all = [1, 16, 256];
    let clients: Vec<u64> = match number("DATELINE_CLIENTS", 0) {
        0 => all.to_vec(),
        one => vec![one],
    };
    for clients in clients {
        let until = Instant::now() + Duration::from_secs(seconds);
        let begun = Instant::now();
        let (mut taken, mut refused) = (Vec::new(), 0);
        std::thread::scope(|scope| {
            let (next, server, token) = (&next, &server, &token);
            let client = move || {
                let (client, mut taken, mut refused) = (Client::new(server, token), Vec::new(), 0_u64);
                while Instant::now() < until {
                    match client.register(article(next.fetch_add(1, Ordering::Relaxed))) {
                        Some(one) => taken.push(one),
                        None => refused += 1,
                    }
                }
                (taken, refused)
            };
            let running: Vec<_> = (0..clients).map(|_| scope.spawn(client)).collect();
            for one in running {
                let (some, few) = one.join().unwrap();
                taken.extend(some);
                refused += few;
            }
        });
        let elapsed = begun.elapsed().as_secs_f64();
        taken.sort();
        println!(
            "{clients:>4} clients: {:>7.0} registrations/s, p50 {:>7.1} ms, p99 {:>7.1} ms ({:.1} synced files), {refused} put off, {} MB",
            taken.len() as f64 / elapsed,
            at(&taken, 0.5),
            at(&taken, 0.99),
            at(&taken, 0.99) / at(&alone, 0.5),
            server.memory(),
        );
    }
    let after = synced_files(&log.folder.path().join("synced-after"), 300);
    println!("synced file: p50 {:.2} ms, p99 {:.2} ms", at(&after, 0.5), at(&after, 0.99));
    drop(server);
    let begun = Instant::now();
    log.done(&["verify", "--stateless"]);
    println!("the log holds: checked in {:.1} s", begun.elapsed().as_secs_f64());
}
