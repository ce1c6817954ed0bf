//! Several writers and readers at once, writers killed at random, for as long as one likes.
//!
//! `DATELINE_SOAK_SECONDS=900 cargo test --release --test soak -- --nocapture` runs for a quarter of an hour and prints
//! its figures; without the variable it runs for a few seconds. `DATELINE_SOAK_SEED` names another run: what is done is
//! drawn from it, how the processes meet is the machine's.

#![allow(clippy::unwrap_used)]
#![cfg(unix)]

#[path = "support/desk.rs"]
mod desk;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use desk::{Desk, Promises, number, told, verified};

const SECONDS: u64 = 6;
const WRITERS: usize = 3;
/// The longest that a writer is let live that is to be killed.
const LONGEST: Duration = Duration::from_millis(400);

/// What happened so far.
#[derive(Debug, Default)]
struct Figures {
    /// Runs of `add` that came to their end.
    adds: usize,
    /// Records that they said are there, those that were there before among them.
    acknowledged: usize,
    kills: usize,
    /// Kills after which a commit was left for the next writer to finish, or to drop.
    kills_in_a_commit: usize,
    /// Runs that found another one at work.
    lost_races: usize,
    verifies: usize,
    lists: usize,
}

struct Soak {
    desk: Desk,
    seed: String,
    end: Instant,
    /// Documents that were ever given to `add`: those below.
    documents: AtomicUsize,
    /// Turns of taking a document that two writers share.
    shared: AtomicUsize,
    usual: Mutex<Duration>,
    promises: Mutex<Promises>,
    /// The root of each size that a writer told of.
    roots: Mutex<BTreeMap<u64, String>>,
    figures: Mutex<Figures>,
}

impl Soak {
    fn fresh(&self, count: usize) -> Vec<PathBuf> {
        let first = self.documents.fetch_add(count, Ordering::Relaxed);
        self.desk.documents(first..first + count)
    }

    /// What a writer does next.
    fn paths(&self, draw: &dyn Fn(&str, usize) -> usize) -> Vec<PathBuf> {
        let known = |count: usize| -> Vec<PathBuf> {
            let there = self.documents.load(Ordering::Relaxed);
            (0..count).map(|n| self.desk.document(draw(&format!("known {n}"), there))).collect()
        };
        match draw("what", 10) {
            0..=3 => self.fresh(1),
            4..=5 => {
                // A folder of its own, whose files are documents like others.
                let some = self.fresh(draw("size", 12) + 1);
                let folder = self.desk.root().join("in").join(some[0].file_stem().unwrap());
                fs::create_dir(&folder).unwrap();
                for path in some {
                    fs::copy(&path, folder.join(path.file_name().unwrap())).unwrap();
                }
                vec![folder]
            }
            6 => known(1),
            7..=8 => {
                // The one that the other writer took last, or takes next.
                let turn = self.shared.fetch_add(1, Ordering::Relaxed);
                match turn % 2 {
                    0 => self.fresh(1),
                    _ => vec![self.desk.document(self.documents.load(Ordering::Relaxed) - 1)],
                }
            }
            _ => [self.fresh(2), known(3)].concat(),
        }
    }

    /// Runs `add`, and kills it sometimes.
    fn add(&self, draw: &dyn Fn(&str, usize) -> usize) {
        let paths = self.paths(draw);
        let mut command = self.desk.command_at(&self.desk.workspace(), &["add", "--yes"], &paths);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let begin = Instant::now();
        let is_doomed = draw("kill", 3) == 0;
        if is_doomed {
            self.wait(draw);
            // Ends with SIGKILL: nothing of the program runs any more.
            child.kill().unwrap();
        }
        let output = child.wait_with_output().unwrap();
        self.keep(&output);
        if output.status.code() == Some(11) {
            // Whoever is at work gets a moment to finish.
            thread::sleep(Duration::from_millis(draw("pause", 30) as u64));
        }
        if output.status.success() && !is_doomed {
            let mut usual = self.usual.lock().unwrap();
            *usual = (*usual * 7 + begin.elapsed()) / 8;
        }
    }

    /// Waits until a writer is to be killed: some part of the usual time, or until somebody begins to commit.
    fn wait(&self, draw: &dyn Fn(&str, usize) -> usize) {
        let begin = Instant::now();
        if draw("moment", 2) == 0 {
            let usual = *self.usual.lock().unwrap();
            thread::sleep((usual * draw("delay", 120) as u32 / 100).min(LONGEST));
            return;
        }
        let staging = self.desk.records().join(".local/staging");
        while !staging.exists() && begin.elapsed() < LONGEST {
            thread::sleep(Duration::from_micros(200));
        }
        // Close together at first: a fast disk is done in a millisecond, a slow one takes twenty.
        thread::sleep(Duration::from_micros(draw("delay", 16).pow(2) as u64 * 60));
    }

    /// Keeps what a run of `add` said.
    fn keep(&self, output: &Output) {
        let acknowledged = self.promises.lock().unwrap().keep(&output.stdout);
        for line in desk::lines(&output.stdout) {
            let checkpoint = &line["checkpoint"];
            if let (Some(size), Some(root)) = (checkpoint["size"].as_u64(), checkpoint["rootHash"].as_str()) {
                let known = self.roots.lock().unwrap().insert(size, root.to_owned());
                assert!(known.is_none_or(|known| known == root), "two roots for size {size}");
            }
        }
        let in_a_commit = self.desk.records().join(".local/staging").exists();
        let mut figures = self.figures.lock().unwrap();
        figures.acknowledged += acknowledged;
        match (output.status.code(), output.status.signal()) {
            (Some(0), _) => figures.adds += 1,
            (Some(11), _) => figures.lost_races += 1,
            (None, Some(9)) => {
                figures.kills += 1;
                figures.kills_in_a_commit += usize::from(in_a_commit);
            }
            _ => panic!("{}", told(output)),
        }
    }

    fn write(&self, writer: usize) {
        for turn in 0.. {
            if Instant::now() > self.end {
                break;
            }
            self.add(&|what, below| number(&format!("{} {writer} {what}", self.seed), turn, below));
        }
    }

    fn read(&self) {
        while Instant::now() < self.end {
            verified(&self.desk, &self.desk.workspace());
            self.figures.lock().unwrap().verifies += 1;
            let promises = self.promises.lock().unwrap().clone();
            promises.are_kept(&self.desk);
            self.figures.lock().unwrap().lists += 1;
        }
    }
}

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().unwrap())
}

#[test]
fn writers_that_are_killed_at_random_lose_nothing() {
    let seconds = Duration::from_secs(variable("DATELINE_SOAK_SECONDS").unwrap_or(SECONDS));
    let soak = Soak {
        desk: Desk::with_log(),
        seed: variable("DATELINE_SOAK_SEED").unwrap_or(1).to_string(),
        end: Instant::now() + seconds,
        documents: AtomicUsize::new(1),
        shared: AtomicUsize::new(0),
        usual: Mutex::new(Duration::from_millis(30)),
        promises: Mutex::default(),
        roots: Mutex::default(),
        figures: Mutex::default(),
    };
    soak.desk.document(0);
    thread::scope(|scope| {
        let soak = &soak;
        for writer in 0..WRITERS {
            scope.spawn(move || soak.write(writer));
        }
        scope.spawn(|| soak.read());
    });
    let figures = soak.figures.into_inner().unwrap();
    let mut promises = soak.promises.into_inner().unwrap();
    println!("{figures:?}, {} records promised", promises.count());
    assert!(figures.adds > 0 && figures.verifies > 0, "{figures:?}");
    promises.are_kept(&soak.desk);
    // What was cut off is done now, and nothing is left of it.
    let all = soak.desk.documents(0..soak.documents.load(Ordering::Relaxed));
    for some in all.chunks(1_000) {
        soak.desk.add(some, &mut promises);
    }
    assert_eq!(verified(&soak.desk, &soak.desk.workspace()), [""; 0]);
    assert_eq!(promises.are_kept(&soak.desk), all.len());
    let local = soak.desk.records().join(".local");
    assert!(!local.join("staging").exists(), "a staged bundle was left");
    assert_eq!(fs::read_dir(local.join("tmp")).unwrap().count(), 0, "temporary files were left");
    println!("{} records in the end, one for each document", all.len());
}
