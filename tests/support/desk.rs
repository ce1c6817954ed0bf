//! A workspace that the real program works in, and what the program was seen to promise there.

// Each test program uses a part of this.
#![allow(dead_code)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use dateline::base::Hash;
use serde_json::Value;

pub(crate) const ORIGIN: &str = "example.org/log";

/// Seeded numbers; the same in every run.
pub(crate) fn number(seed: &str, n: usize, below: usize) -> usize {
    let hash = Hash::of(format!("{seed} {n}").as_bytes());
    (u64::from_be_bytes(std::array::from_fn(|place| hash.0[place])) % below as u64) as usize
}

/// Copies a folder with all that is in it.
pub(crate) fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() { copy_folder(&from, &to) } else { copy_file(&from, &to) }
    }
}

/// Copies a file with its time, by which an index is known to be as it was left.
pub(crate) fn copy_file(from: &Path, to: &Path) {
    fs::copy(from, to).unwrap();
    let modified = fs::metadata(from).unwrap().modified().unwrap();
    fs::File::options().append(true).open(to).unwrap().set_modified(modified).unwrap();
}

/// A folder `news`, the workspace, and a folder `in`, documents to register.
pub(crate) struct Desk {
    root: PathBuf,
    // Removed with the desk.
    _folder: tempfile::TempDir,
}

impl Desk {
    /// A desk without a log.
    pub(crate) fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        fs::create_dir(root.join("in")).unwrap();
        Desk { root, _folder: folder }
    }

    /// A desk with a log of one entry.
    pub(crate) fn with_log() -> Self {
        let desk = Desk::empty();
        let made = desk.run(&["init", "--no-passphrase", "--log-origin", ORIGIN], &[]);
        assert!(made.status.success(), "{made:?}");
        desk
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn workspace(&self) -> PathBuf {
        self.root.join("news")
    }

    pub(crate) fn records(&self) -> PathBuf {
        self.workspace().join("records")
    }

    /// Returns document `number`, which is written if it is not there.
    pub(crate) fn document(&self, number: usize) -> PathBuf {
        let path = self.root.join(format!("in/{number:05}.txt"));
        if !path.exists() {
            let text = format!("Dispatch {number}\n\nThe river stood at {number} centimetres.\n");
            // In one step: another thread may be about to write or to read it.
            let whole = self.root.join(format!("{number} {:?}", std::thread::current().id()));
            fs::write(&whole, text).unwrap();
            fs::rename(whole, &path).unwrap();
        }
        path
    }

    pub(crate) fn documents(&self, numbers: std::ops::Range<usize>) -> Vec<PathBuf> {
        numbers.map(|number| self.document(number)).collect()
    }

    /// The program, run on a workspace.
    pub(crate) fn command_at(&self, workspace: &Path, args: &[&str], paths: &[PathBuf]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dateline"));
        command.args(arguments(workspace, args, paths));
        self.bare(&mut command);
        command
    }

    /// Takes from a command what belongs to the person who runs the tests.
    pub(crate) fn bare(&self, command: &mut Command) {
        command.env_remove("SSH_AUTH_SOCK").env_remove("DATELINE_PASSPHRASE_FILE");
        command.env("XDG_STATE_HOME", self.root.join("state")).stdin(Stdio::null());
    }

    pub(crate) fn run_at(&self, workspace: &Path, args: &[&str], paths: &[PathBuf]) -> Output {
        self.command_at(workspace, args, paths).output().unwrap()
    }

    pub(crate) fn run(&self, args: &[&str], paths: &[PathBuf]) -> Output {
        self.run_at(&self.workspace(), args, paths)
    }

    /// Registers documents, which must work, and keeps what is said.
    pub(crate) fn add(&self, paths: &[PathBuf], promises: &mut Promises) {
        let done = self.run(&["add", "--yes"], paths);
        assert_eq!(done.status.code(), Some(0), "{}", told(&done));
        assert_eq!(promises.keep(&done.stdout), paths.len());
    }
}

/// The arguments of the program: JSON, of a workspace.
pub(crate) fn arguments(workspace: &Path, args: &[&str], paths: &[PathBuf]) -> Vec<PathBuf> {
    let first = ["--format", "json", "--workspace"].map(PathBuf::from);
    let own = args.iter().map(PathBuf::from);
    first.into_iter().chain([workspace.to_owned()]).chain(own).chain(paths.iter().cloned()).collect()
}

/// What a program said, for a failure's message.
pub(crate) fn told(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).chars().take(2_000).collect::<String>();
    format!("{:?}\n{}\n{}", output.status, text(&output.stdout), text(&output.stderr))
}

/// The whole lines of what a program printed that was perhaps killed.
pub(crate) fn lines(printed: &[u8]) -> Vec<Value> {
    let whole = printed.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let lines = printed[..whole].split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).unwrap()).collect()
}

/// Verifies a workspace from nothing but what lies there. It must hold, and the strays are returned.
pub(crate) fn verified(desk: &Desk, workspace: &Path) -> Vec<String> {
    let output = desk.run_at(workspace, &["verify", "--stateless"], &[]);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let report = lines(&output.stdout).remove(0);
    assert_eq!(report["verdict"], "verified", "{report}");
    let findings = report["findings"].as_array().unwrap();
    assert!(findings.iter().all(|finding| finding["code"] == "stray"), "{report}");
    findings.iter().map(|finding| finding["path"].as_str().unwrap().to_owned()).collect()
}

/// What a log was seen to promise: the original of each record.
#[derive(Debug, Clone, Default)]
pub(crate) struct Promises(BTreeMap<u64, String>);

impl Promises {
    /// Keeps what a run of `add` says, and returns how many records it says are there.
    pub(crate) fn keep(&mut self, printed: &[u8]) -> usize {
        let mut kept = 0;
        for line in lines(printed) {
            if line.get("error").is_some() {
                continue;
            }
            let outcome = line["outcome"].as_str().unwrap();
            assert!(matches!(outcome, "registered" | "alreadyRegistered"), "{line}");
            let path = line["path"].as_str().unwrap();
            let original = line["digests"]["original"].as_str().unwrap().to_owned();
            let digest = Hash::of(&fs::read(path).unwrap()).to_hex();
            assert!(original.ends_with(&digest), "{original} is not the digest of {path}, {digest}");
            let known = self.0.insert(line["record"].as_u64().unwrap(), original.clone());
            assert!(known.is_none_or(|known| known == original), "a record was given twice: {line}");
            kept += 1;
        }
        kept
    }

    /// Takes what was promised by other means.
    pub(crate) fn promised(&mut self, record: u64, original: String) {
        let known = self.0.insert(record, original.clone());
        assert!(known.is_none_or(|known| known == original), "record {record} was given twice");
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// Takes what another run was promised.
    pub(crate) fn merge(&mut self, other: Promises) {
        for (record, original) in other.0 {
            let known = self.0.insert(record, original.clone());
            assert!(known.is_none_or(|known| known == original), "record {record} was given twice");
        }
    }

    /// Lists a workspace: every record that was promised is where it was promised, and no original is there twice.
    /// Returns how many records there are.
    pub(crate) fn are_kept_at(&self, desk: &Desk, workspace: &Path) -> usize {
        let output = desk.run_at(workspace, &["list"], &[]);
        assert_eq!(output.status.code(), Some(0), "{}", told(&output));
        self.are_kept_in(&output.stdout)
    }

    /// The same, from what `list` printed.
    pub(crate) fn are_kept_in(&self, listed: &[u8]) -> usize {
        let original = |line: &Value| line["digests"]["original"].as_str().unwrap().to_owned();
        let there: BTreeMap<u64, String> =
            lines(listed).iter().map(|line| (line["record"].as_u64().unwrap(), original(line))).collect();
        for (record, promised) in &self.0 {
            assert_eq!(there.get(record), Some(promised), "record {record}");
        }
        let originals: BTreeSet<&String> = there.values().collect();
        assert_eq!(originals.len(), there.len(), "an original was registered twice");
        there.len()
    }

    pub(crate) fn are_kept(&self, desk: &Desk) -> usize {
        self.are_kept_at(desk, &desk.workspace())
    }
}
