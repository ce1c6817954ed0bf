//! The program is killed again and again while it registers documents. What it said is in the log is in the log.

#![allow(clippy::unwrap_used)]
#![cfg(unix)]

#[path = "support/desk.rs"]
mod desk;

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use dateline::base::Hash;
use dateline::storage::{FileStore, Key, Store};
use desk::{lines, number};
use serde_json::Value;

const FILES: usize = 400;
const KILLS: usize = 50;
const MORE_KILLS: usize = 80;

/// A workspace with documents beside it.
struct Scratch {
    folder: tempfile::TempDir,
}

impl Scratch {
    fn new(files: usize) -> Self {
        let scratch = Scratch { folder: tempfile::tempdir().unwrap() };
        fs::create_dir(scratch.folder.path().join("in")).unwrap();
        for number in 0..files {
            let text = format!("Dispatch {number}\n\nThe river stood at {number} centimetres.\n");
            fs::write(scratch.document(number), text).unwrap();
        }
        let made = scratch.run(&["init", "--no-passphrase", "--log-origin", "example.org/log"], &[]);
        assert!(made.status.success(), "{made:?}");
        scratch
    }

    fn workspace(&self) -> PathBuf {
        self.folder.path().join("news")
    }

    fn document(&self, number: usize) -> PathBuf {
        self.folder.path().join(format!("in/{number:04}.txt"))
    }

    fn command(&self, args: &[&str], paths: &[PathBuf]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dateline"));
        command.args(["--format", "json", "--workspace"]).arg(self.workspace()).args(args).args(paths);
        command.env_remove("SSH_AUTH_SOCK").env_remove("DATELINE_PASSPHRASE_FILE");
        command.env("XDG_STATE_HOME", self.workspace().join("state"));
        command.stdin(Stdio::null()).stderr(Stdio::null());
        command
    }

    fn run(&self, args: &[&str], paths: &[PathBuf]) -> Output {
        self.command(args, paths).stderr(Stdio::piped()).output().unwrap()
    }

    /// Starts `add`, kills it when `when` says so, and returns what it printed, and whether it was killed in time.
    fn add_and_kill(&self, paths: &[PathBuf], when: &Kill) -> (Vec<u8>, bool) {
        let mut child = self.command(&["add", "--yes"], paths).stdout(Stdio::piped()).spawn().unwrap();
        when.wait(&self.workspace().join("records/.local"), &mut child);
        let killed = child.try_wait().unwrap().is_none();
        // Ends with SIGKILL: nothing of the program runs any more.
        child.kill().unwrap();
        let mut printed = Vec::new();
        child.stdout.take().unwrap().read_to_end(&mut printed).unwrap();
        child.wait().unwrap();
        (printed, killed)
    }
}

/// The moment of a kill.
enum Kill {
    After(Duration),
    /// So long after the commit began to be staged.
    Staged(Duration),
}

impl Kill {
    fn wait(&self, local: &Path, child: &mut Child) {
        match self {
            Kill::After(delay) => std::thread::sleep(*delay),
            Kill::Staged(delay) => {
                let staging = local.join("staging");
                // One that an earlier kill left is finished first, and counts.
                while !staging.exists() && child.try_wait().unwrap().is_none() {
                    std::hint::spin_loop();
                }
                std::thread::sleep(*delay);
            }
        }
    }
}

/// What the log was seen to promise: the original of each record.
#[derive(Default)]
struct Promises(BTreeMap<u64, String>);

impl Promises {
    /// Keeps what a run of `add` says, and returns how many records it says are there.
    fn keep(&mut self, printed: &[u8]) -> usize {
        let said = lines(printed);
        for line in &said {
            let outcome = line["outcome"].as_str().unwrap();
            assert!(matches!(outcome, "registered" | "alreadyRegistered"), "{line}");
            let path = line["path"].as_str().unwrap();
            let original = line["digests"]["original"].as_str().unwrap().to_owned();
            let digest = Hash::of(&fs::read(path).unwrap()).to_hex();
            assert!(original.ends_with(&digest), "{original} is not the digest of {path}, {digest}");
            let known = self.0.insert(line["record"].as_u64().unwrap(), original.clone());
            assert!(known.is_none_or(|known| known == original), "a record was given twice: {line}");
        }
        said.len()
    }
}

#[test]
fn what_was_acknowledged_survives_kill_9() {
    let scratch = Scratch::new(FILES);
    let mut promises = Promises::default();
    let begin = Instant::now();
    let warm = scratch.run(&["add", "--yes"], &[scratch.document(0)]);
    let usual = begin.elapsed().clamp(Duration::from_millis(5), Duration::from_millis(200));
    assert_eq!(promises.keep(&warm.stdout), 1);

    let (mut next, mut killed, mut staged) = (1, 0, 0);
    for n in 0..MORE_KILLS {
        // On a busy machine no kill may have fallen into a commit yet.
        if n >= KILLS && staged > 0 || next + 8 > FILES {
            break;
        }
        let new = number("count", n, 8) + 1;
        let mut paths: Vec<PathBuf> = (next..next + new).map(|number| scratch.document(number)).collect();
        next += new;
        // One that was tried before, and perhaps was registered, perhaps not.
        paths.push(scratch.document(number("again", n, next)));
        let when = match n % 2 {
            0 => Kill::After(usual * number("delay", n, 120) as u32 / 100),
            // A commit is on the disk in some milliseconds.
            _ => Kill::Staged(Duration::from_micros(number("delay", n, 8).pow(2) as u64 * 60)),
        };
        let (printed, in_time) = scratch.add_and_kill(&paths, &when);
        promises.keep(&printed);
        killed += usize::from(in_time);
        staged += usize::from(scratch.workspace().join("records/.local/staging").exists());
        if n % 10 == 9 {
            // A reader needs no writer to clean up first.
            let verified = scratch.run(&["verify"], &[]);
            assert_eq!(verified.status.code(), Some(0), "{}", String::from_utf8_lossy(&verified.stdout));
        }
    }
    assert!(killed > KILLS / 3, "only {killed} of {KILLS} were killed before they were done");
    assert!(staged > 0, "no kill fell into a commit");

    let all: Vec<PathBuf> = (0..FILES).map(|number| scratch.document(number)).collect();
    let done = scratch.run(&["add", "--yes"], &all);
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    assert_eq!(promises.keep(&done.stdout), FILES);
    let verified = scratch.run(&["verify"], &[]);
    assert_eq!(verified.status.code(), Some(0), "{}", String::from_utf8_lossy(&verified.stdout));

    let listed = lines(&scratch.run(&["list"], &[]).stdout);
    let original = |line: &Value| line["digests"]["original"].as_str().unwrap().to_owned();
    let there: BTreeMap<u64, String> =
        listed.iter().map(|line| (line["record"].as_u64().unwrap(), original(line))).collect();
    assert_eq!(there.len(), FILES, "one record for each document");
    assert_eq!(there, promises.0, "every record that was promised, where it was promised");
}

#[test]
fn a_second_writer_gets_exit_11_and_changes_nothing() {
    let scratch = Scratch::new(2);
    let records = scratch.workspace().join("records");
    let held = FileStore::writer(&records).unwrap();
    let contents = || -> BTreeMap<Key, Option<Vec<u8>>> {
        let keys = held.list("").unwrap().keys;
        keys.into_iter().map(|key| (key.clone(), held.get(&key, u64::MAX).unwrap())).collect()
    };
    let before = contents();
    let refused = scratch.run(&["add", "--yes"], &[scratch.document(0)]);
    assert_eq!(refused.status.code(), Some(11), "{refused:?}");
    assert!(contents() == before, "the second writer changed something");
    assert_eq!(scratch.run(&["verify"], &[]).status.code(), Some(0), "reading needs no lock");
    drop(held);
    let done = scratch.run(&["add", "--yes"], &[scratch.document(0)]);
    assert_eq!(done.status.code(), Some(0), "{done:?}");
}
