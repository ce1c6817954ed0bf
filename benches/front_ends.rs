//! How fast front ends write one log in a bucket, and what they ask of it: `cargo bench --bench front_ends --locked`.
//!
//! On a SeaweedFS that it starts on loopback with two gateways, if `DATELINE_WEED` names the program; otherwise it says that it is
//! left out. One, two and four front ends, each with a gateway, a cache and records of its own, append to a new log at
//! once, in commits of 1, 16, 256 and 4,096 registrations, for `DATELINE_SECONDS` (6 unless said otherwise) or until the
//! records are used up. They are threads of this process, and share the machine with the store. When an append returns, its
//! entries are published. The records have openings; originals are stored in the last rows alone.
//!
//! Every request is counted as it is sent. Beside it, in the same run: the conditional writes of new objects and the reads that the same
//! client does at the same gateways, one after the other and thirty-two at once; and the requests that one front end makes
//! of a store in memory, which must be those that it makes of the bucket.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

mod support;

#[path = "../tests/support/counted.rs"]
mod counted;
#[path = "../tests/support/weed.rs"]
mod weed;

use std::collections::BTreeMap;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use counted::Counted;
use dateline::article::{ReadOptions, read};
use dateline::log::{Appended, Log, NewRecord};
use dateline::note::{KeyName, Origin, Policy, VerifierKey};
use dateline::record::{Decisions, Draft, KeyAction, Role};
use dateline::storage::bucket::{Requests, Settings};
use dateline::storage::{Bucket, Key, MemoryStore, Object, Store};
use rayon::prelude::*;
use support::{said, signing};
use weed::Weed;

const ORIGIN: &str = "bench.example/log";
/// Records of all front ends of one row.
const RECORDS: usize = 65_536;
const BATCHES: [usize; 4] = [1, 16, 256, 4_096];

fn main() {
    let Some(weed) = Weed::start() else { return };
    let seconds: u64 = std::env::var("DATELINE_SECONDS").map_or(6, |text| text.parse().unwrap());
    let time = Duration::from_secs(seconds);
    let folder = tempfile::tempdir().unwrap();
    let bucket = |number: usize, prefix: &str| {
        let caches = folder.path().join(format!("{prefix}-{number}"));
        Bucket::new(&format!("s3://bench/{prefix}"), &Settings::new(weed.settings(number)), &caches).unwrap()
    };
    let records: Vec<NewRecord> = (0..RECORDS).into_par_iter().map(record).collect();
    let bytes: usize = records.iter().map(|record| record.entry.bytes.len()).sum();
    let openings = records.iter().flat_map(|record| &record.entry.openings).map(|text| text.len() + 8);
    let openings = openings.sum::<usize>() / RECORDS;
    println!("entries of {} bytes, openings of {openings}; {seconds} s a row at most\n", bytes / RECORDS);

    println!(
        "| raw requests of the same client | one after the other | | 32 at once |\n|---|---:|---:|---:|"
    );
    let store = bucket(0, "raw").writer().unwrap();
    let other = bucket(1, "raw").writer().unwrap();
    let both: [&dyn Store; 2] = [&store, &other];
    let number = AtomicUsize::new(0);
    let write = |store: &dyn Store| {
        let key = key(&format!("tile/{}", number.fetch_add(1, Ordering::Relaxed)));
        store.put_immutable(&[Object { key, bytes: vec![7; 4_000] }]).unwrap();
    };
    let single = raw("conditional writes of new objects", &both, time, &write);
    let written = number.load(Ordering::Relaxed);
    raw("reads", &both, time, &|store| {
        let key = key(&format!("tile/{}", number.fetch_add(1, Ordering::Relaxed) % written));
        assert!(store.get(&key, 10_000).unwrap().is_some());
    });

    println!(
        "\n| front ends | entries a commit | entries/s | commits/s | a commit, ms p50 | p90 | its time in single writes | \
         requests a commit: conditional writes | reads | lists | removals | requests an entry | writes, of alone | reads, of alone |"
    );
    println!("|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
    let mut alone = BTreeMap::new();
    for ends in [1, 2, 4] {
        for batch in BATCHES {
            let prefix = format!("log-{ends}-{batch}");
            let buckets: Vec<Bucket> = (0..ends).map(|number| bucket(number, &prefix)).collect();
            let row = row(&buckets, &records, batch, time);
            row.print(&ends.to_string(), batch, single, &mut alone);
        }
    }
    for batch in [16, 256] {
        let with: Vec<NewRecord> = records.iter().take(16_384).enumerate().map(stored).collect();
        let row = row(&[bucket(0, &format!("stored-{batch}"))], &with, batch, time);
        row.print("1, and originals", batch, single, &mut BTreeMap::new());
    }
    for batch in BATCHES {
        let shared = MemoryStore::default();
        let counted = Counted::new(&shared);
        begin(&counted);
        let row = appended(&[&counted], &[&|| counted.requests()], &records, batch, time);
        row.print("1, in memory", batch, single, &mut BTreeMap::new());
    }
}

/// What front ends did.
struct Row {
    entries: u64,
    took: Duration,
    /// Of each commit, in seconds.
    commits: Vec<f64>,
    requests: Requests,
}

impl Row {
    fn print(&self, ends: &str, batch: usize, single: f64, alone: &mut BTreeMap<usize, [f64; 2]>) {
        let mut times = self.commits.clone();
        times.sort_by(f64::total_cmp);
        let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
        let (seconds, commits) = (self.took.as_secs_f64(), times.len() as f64);
        let Requests { puts, conditional_puts, gets, lists, deletes, .. } = self.requests;
        assert_eq!(puts, 0, "everything is written under a condition");
        let [written, read, listed, removed] =
            [conditional_puts, gets, lists, deletes].map(|count| count as f64 / commits);
        let known = *alone.entry(batch).or_insert([written + listed, read]);
        println!(
            "| {ends} | {batch} | {:.0} | {:.1} | {:.1} | {:.1} | {:.1} | {written:.2} | {read:.2} | {listed:.2} | {removed:.2} | \
             {:.3} | {:.2} | {:.2} |",
            self.entries as f64 / seconds,
            commits / seconds,
            at(0.5) * 1e3,
            at(0.9) * 1e3,
            at(0.5) / single,
            (written + read + listed + removed) * commits / self.entries as f64,
            (written + listed) / known[0],
            read / known[1],
        );
    }
}

/// Has one front end for each of `buckets` append at once.
fn row(buckets: &[Bucket], records: &[NewRecord], batch: usize, time: Duration) -> Row {
    let stores: Vec<_> = buckets.iter().map(|bucket| bucket.writer().unwrap()).collect();
    begin(&stores[0]);
    let shared: Vec<&dyn Store> = stores.iter().map(|store| store as &dyn Store).collect();
    let counts: Vec<_> = buckets.iter().map(|bucket| || bucket.requests()).collect();
    let counts: Vec<&(dyn Fn() -> Requests + Sync)> = counts.iter().map(|count| count as _).collect();
    appended(&shared, &counts, records, batch, time)
}

fn appended(
    stores: &[&dyn Store],
    counts: &[&(dyn Fn() -> Requests + Sync)],
    records: &[NewRecord],
    batch: usize,
    time: Duration,
) -> Row {
    let (policy, roots) = (policy(), [signing(1).public()]);
    let ready = Barrier::new(stores.len());
    let entries = AtomicU64::new(0);
    let shares: Vec<&[NewRecord]> = records.chunks(records.len() / stores.len()).collect();
    let one = |number: usize| {
        let mut log = Log::open(stores[number], &policy, &roots).unwrap();
        ready.wait();
        let (before, begun, mut commits) = (counts[number](), Instant::now(), Vec::new());
        for some in shares[number].chunks_exact(batch.min(shares[number].len())) {
            if begun.elapsed() >= time {
                break;
            }
            let some = some.to_vec();
            let start = Instant::now();
            let said = log.append(some, &mut |text| Ok(signing(2).sign(text))).unwrap();
            commits.push(start.elapsed().as_secs_f64());
            assert!(said.iter().all(|said| matches!(said, Appended::Registered(_))));
            entries.fetch_add(said.len() as u64, Ordering::Relaxed);
        }
        (begun.elapsed(), commits, counts[number]().since(&before))
    };
    let done: Vec<_> = thread::scope(|scope| {
        let ends: Vec<_> = (0..stores.len())
            .map(|number| {
                scope.spawn({
                    let one = &one;
                    move || one(number)
                })
            })
            .collect();
        ends.into_iter().map(|end| end.join().unwrap()).collect()
    });
    let mut all = Row {
        entries: entries.into_inner(),
        took: done.iter().map(|(took, ..)| *took).max().unwrap(),
        commits: Vec::new(),
        requests: Requests::default(),
    };
    for (_, commits, requests) in done {
        all.commits.extend(commits);
        all.requests.puts += requests.puts;
        all.requests.conditional_puts += requests.conditional_puts;
        all.requests.gets += requests.gets;
        all.requests.lists += requests.lists;
        all.requests.deletes += requests.deletes;
    }
    all
}

/// Does `request` for so long, one after the other, then on thirty-two threads; returns how long a single one takes.
fn raw(what: &str, stores: &[&dyn Store; 2], time: Duration, request: &(dyn Fn(&dyn Store) + Sync)) -> f64 {
    let run = |threads: usize| {
        let (begun, count) = (Instant::now(), AtomicU64::new(0));
        thread::scope(|scope| {
            for number in 0..threads {
                let count = &count;
                scope.spawn(move || {
                    while begun.elapsed() < time / 2 {
                        request(stores[number % 2]);
                        count.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        });
        count.into_inner() as f64 / begun.elapsed().as_secs_f64()
    };
    let (one, many) = (run(1), run(32));
    println!("| {what} | {one:.0}/s | {:.2} ms | {many:.0}/s |", 1e3 / one);
    1.0 / one
}

fn key(name: &str) -> Key {
    Key::new(name).unwrap()
}

fn policy() -> Policy {
    let vkey = VerifierKey::ed25519(KeyName::new(ORIGIN).unwrap(), signing(2).public());
    Policy::of_log(vkey).unwrap()
}

/// Begins a log with the enrolment of an editor.
fn begin(store: &dyn Store) {
    let (root, editor, policy) = (signing(1), signing(3).public(), policy());
    let mut log = Log::create(store, &policy, Origin::new(ORIGIN).unwrap(), &[root.public()]).unwrap();
    let entry =
        said(&root, 0, |it| Draft::key(KeyAction::Enrol, &editor, vec![Role::Editor], None, None, it));
    log.append(vec![NewRecord { entry, content: None }], &mut |text| Ok(signing(2).sign(text))).unwrap();
}

fn text(number: usize) -> String {
    format!(
        "The lake fell in week {number}\n\nThe lake by the mill stood at {number} centimetres on Friday, and is thought to \
         fall on until the rains. Two boats lie on the mud.\n\nThe gauge was read each morning since May.\n"
    )
}

/// A registration whose original is not stored.
fn record(number: usize) -> NewRecord {
    let article = read(text(number).as_bytes(), &ReadOptions::default()).unwrap();
    let decisions = Decisions { no_store: true, ..Decisions::default() };
    let entry = said(&signing(3), number, |it| Draft::registration(&article, &decisions, it));
    NewRecord { entry, content: None }
}

/// The same document, and its original with it.
fn stored((number, _): (usize, &NewRecord)) -> NewRecord {
    let article = read(text(number).as_bytes(), &ReadOptions::default()).unwrap();
    let entry = said(&signing(3), number, |it| Draft::registration(&article, &Decisions::default(), it));
    NewRecord { entry, content: Some(text(number).into_bytes()) }
}
