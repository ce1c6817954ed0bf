//! Two writers at once: two processes, and two that nothing keeps apart.
//!
//! The store relies on one thing of the file system: that `flock(2)` on `.local/lock` holds for everybody who writes.
//! It does on a local disk, by whatever path the folder is reached: a link, a bind mount. It does not
//!
//! - where a network file system keeps locks on each machine alone: sshfs does, and NFS mounted with `nolock` or
//!   `local_lock=flock`; NFS as it is usually mounted passes the lock on to the server;
//! - in an overlay, whose upper layer holds another file; but what is written there is another copy of the log too;
//! - where somebody removes `.local/lock` while a writer is at work.
//!
//! Two sshfs mounts of one folder were tried by hand: a lock that is held through one keeps nobody out who comes through
//! the other. In 25 rounds of two at once nothing was lost: each time one found `.local/checkpoint` moved on and got exit
//! 11, and once exit 3, as the other had removed its temporary file. NFS and SMB were not at hand.
//!
//! What can happen where no lock holds is tested by removing the file: both writers hold a lock, and one runs at each
//! step of the other. The comparison of `.local/checkpoint` catches a lost race as long as the other's commit came before
//! it. In a commit that comes later, a record that was acknowledged can be lost: between comparing and renaming, which no
//! lock makes one step any more, the log is forked, which an auditor finds who saw the other's checkpoint; between
//! committing and publishing, the published log is set back, and writers refuse to go on. So a log belongs on a disk
//! whose locks hold for all who write to it, or has one machine that writes.

#![allow(clippy::unwrap_used)]
#![cfg(unix)]

mod support;

#[path = "support/desk.rs"]
mod desk;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use dateline::log::{AppendError, Appended, OpenError};
use dateline::storage::{FileStore, Key, Listing, Move, Object, Store, StoreError};
use dateline::verify::{Code, Verdict, audit_since};
use desk::{Desk, Promises, lines, told, verified};
use support::witness::Witness;
use support::{append, audited, build, open, policy, records, trust};

const ROUNDS: usize = 24;

#[test]
fn of_two_that_add_at_once_none_is_lost() {
    let desk = Desk::with_log();
    let mut promises = Promises::default();
    let mut roots: BTreeMap<u64, String> = BTreeMap::new();
    let (mut refused, mut both) = (0, 0);
    for round in 0..ROUNDS {
        // Every third time the same document.
        let second = if round % 3 == 2 { 2 * round } else { 2 * round + 1 };
        let started = [2 * round, second].map(|number| {
            let mut command = desk.command_at(&desk.workspace(), &["add", "--yes"], &[desk.document(number)]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        });
        let outputs = started.map(|child| child.wait_with_output().unwrap());
        for output in &outputs {
            let said = String::from_utf8_lossy(&output.stderr);
            match output.status.code() {
                Some(0) => assert_eq!(promises.keep(&output.stdout), 1),
                Some(11) => assert!(said.contains("  hint: try again"), "{said}"),
                _ => panic!("{}", told(output)),
            }
            for line in lines(&output.stdout).iter().filter(|line| line.get("error").is_none()) {
                let (size, root) = (&line["checkpoint"]["size"], &line["checkpoint"]["rootHash"]);
                let root = root.as_str().unwrap().to_owned();
                let known = roots.insert(size.as_u64().unwrap(), root.clone());
                assert!(known.is_none_or(|known| known == root), "the log was forked at {size}");
            }
        }
        let done = outputs.iter().filter(|output| output.status.success()).count();
        assert!(done > 0, "neither was done: {}\n{}", told(&outputs[0]), told(&outputs[1]));
        refused += 2 - done;
        both += usize::from(done == 2);
        assert_eq!(verified(&desk, &desk.workspace()), [""; 0]);
    }
    println!("{ROUNDS} rounds: {refused} were refused, {both} times both were done one after the other");
    promises.are_kept(&desk);
    // Whoever lost tries again.
    desk.add(&desk.documents(0..2 * ROUNDS), &mut promises);
    assert_eq!(promises.are_kept(&desk), 2 * ROUNDS);
    assert_eq!(verified(&desk, &desk.workspace()), [""; 0]);
}

#[test]
fn the_lock_holds_by_whatever_path_the_folder_is_reached() {
    let desk = Desk::with_log();
    let held = FileStore::writer(&desk.records()).unwrap();
    let document = desk.document(0);
    let other = desk.root().join("other");
    symlink(desk.workspace(), &other).unwrap();
    let refused = desk.run_at(&other, &["add", "--yes"], std::slice::from_ref(&document));
    assert_eq!(refused.status.code(), Some(11), "by a link: {}", told(&refused));
    fs::remove_file(&other).unwrap();

    fs::create_dir(&other).unwrap();
    let mount = |then: &str| {
        let mut command = Command::new("unshare");
        command.args(["-rm", "sh", "-c", &format!("mount --bind \"$0\" \"$1\" && {then}")]);
        command.args([desk.workspace(), other.clone()]).args([env!("CARGO_BIN_EXE_dateline")]).arg(&document);
        desk.bare(&mut command);
        command.output()
    };
    if mount("true").is_ok_and(|tried| tried.status.success()) {
        let refused = mount("\"$2\" --workspace \"$1\" add --yes \"$3\"").unwrap();
        assert_eq!(refused.status.code(), Some(11), "by a bind mount: {}", told(&refused));
    } else {
        eprintln!("left out: this system lets nobody mount");
    }
    drop(held);
    desk.add(&[document], &mut Promises::default());
}

/// A folder whose lock keeps nobody out: before one of the writes, another writer runs from beginning to end.
struct Meddled<'a> {
    files: FileStore,
    other: &'a (dyn Fn() + Sync),
    /// The write before which he runs, counted from 0.
    at: usize,
    /// Whether he runs after a comparison, and before the renaming that was to be one step with it.
    is_late: bool,
    /// Whether objects are put aside and moved.
    moves: bool,
    writes: AtomicUsize,
}

impl Meddled<'_> {
    fn is_his_turn(&self) -> bool {
        self.writes.fetch_add(1, Ordering::Relaxed) == self.at
    }

    fn write(&self) {
        if self.is_his_turn() {
            (self.other)();
        }
    }
}

impl Store for Meddled<'_> {
    fn get(&self, key: &Key, limit: u64) -> Result<Option<Vec<u8>>, StoreError> {
        self.files.get(key, limit)
    }

    fn put_immutable(&self, objects: &[Object]) -> Result<(), StoreError> {
        self.write();
        self.files.put_immutable(objects)
    }

    fn put(&self, objects: &[Object]) -> Result<(), StoreError> {
        self.write();
        self.files.put(objects)
    }

    fn can_move(&self) -> bool {
        self.moves
    }

    fn put_aside(&self, objects: &[Object]) -> Result<(), StoreError> {
        self.write();
        self.files.put_aside(objects)
    }

    fn put_in_place(&self, immutable: &[Move], mutable: &[Move]) -> Result<(), StoreError> {
        self.write();
        self.files.put_in_place(immutable, mutable)
    }

    fn compare_and_swap(&self, key: &Key, expected: Option<&[u8]>, new: &[u8]) -> Result<bool, StoreError> {
        if !self.is_late {
            self.write();
            return self.files.compare_and_swap(key, expected, new);
        }
        let found = self.files.get(key, u64::MAX)?;
        if self.is_his_turn() {
            (self.other)();
        }
        if found.as_deref() != expected {
            return Ok(false);
        }
        self.files.put(&[Object { key: key.clone(), bytes: new.to_vec() }])?;
        Ok(true)
    }

    fn delete(&self, keys: &[Key]) -> Result<(), StoreError> {
        self.write();
        self.files.delete(keys)
    }

    fn list(&self, folder: &str) -> Result<Listing, StoreError> {
        self.files.list(folder)
    }
}

/// Opens a folder for writing as if there were no lock.
fn without_lock(folder: &Path) -> FileStore {
    let _ = fs::remove_file(folder.join(".local/lock"));
    FileStore::writer(folder).unwrap()
}

/// How two writers came out that nothing kept apart.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    /// The one that was overtaken learned of it, and changed nothing.
    Raced,
    /// Both are in the log, one after the other.
    Both,
    /// The published log is set back, what a reader needs may be missing, and the next writer refuses to go on.
    Stopped,
    /// What one was told is gone, and only who saw it knows.
    Forked,
}

/// Appends two records to a log of `size` while another writer appends one, before write `at`.
fn meddled_with(size: u64, at: usize, is_late: bool, moves: bool) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let policy = policy();
    build(&FileStore::writer(folder.path()).unwrap(), size);
    let mut witness = Witness::default();
    let files = without_lock(folder.path());
    witness.log_is_whole(&files);
    let (other_said, auditor) = (Mutex::new(None), Mutex::new(None));
    let other = || {
        let files = without_lock(folder.path());
        let mut log = open(&files, &policy).unwrap();
        let said = append(&mut log, records(1_000..1_001)).unwrap();
        *other_said.lock().unwrap() = Some(said[0].index());
        *auditor.lock().unwrap() = audit_since(&files, &trust(), None, &|_, _| {}).unwrap().memory;
    };
    let store = Meddled { files, other: &other, at, is_late, moves, writes: AtomicUsize::new(0) };
    let said = append(&mut open(&store, &policy).unwrap(), records(size..size + 2));
    let his = other_said.lock().unwrap().take().expect("the other one ran");
    drop(store);

    let files = without_lock(folder.path());
    let report = audited(&files);
    let whole = report.verdict == Verdict::Verified;
    let reopened = open(&files, &policy).map(|log| log.size());
    let memory = auditor.lock().unwrap().take().expect("an auditor came in between");
    let since = audit_since(&files, &trust(), Some(&memory), &|_, _| {}).unwrap().report;
    if since.findings.iter().any(|finding| finding.code == Code::PrefixRewritten) {
        assert_eq!(since.verdict, Verdict::Invalid);
        return Outcome::Forked;
    }
    let expect = |index, record: u64, witness: &mut Witness| {
        witness.acknowledge(index, &records(record..record + 1)[0]);
    };
    match said {
        Err(AppendError::Raced { .. }) => {
            assert!(whole, "write {at}: {:?}", report.findings);
            assert_eq!(reopened.unwrap(), size + 1, "write {at}");
            expect(his, 1_000, &mut witness);
            witness.log_is_whole(&files);
            Outcome::Raced
        }
        Ok(appended) if reopened.is_ok() => {
            assert!(whole, "write {at}: {:?}", report.findings);
            assert_eq!(reopened.unwrap(), size + 3, "write {at}");
            for (record, appended) in (size..).zip(appended) {
                assert!(matches!(appended, Appended::Registered(_)));
                expect(appended.index(), record, &mut witness);
            }
            expect(his, 1_000, &mut witness);
            witness.log_is_whole(&files);
            witness.log_knows_its_entries(&files, &open(&files, &policy).unwrap());
            Outcome::Both
        }
        // The other one finished the commit, and went on from there.
        Err(AppendError::Unpublished { first_index, .. }) if reopened.is_ok() => {
            assert!(whole, "write {at}: {:?}", report.findings);
            assert_eq!(reopened.unwrap(), size + 3, "write {at}");
            (first_index..)
                .zip(size..size + 2)
                .for_each(|(index, record)| expect(index, record, &mut witness));
            expect(his, 1_000, &mut witness);
            witness.log_is_whole(&files);
            witness.log_knows_its_entries(&files, &open(&files, &policy).unwrap());
            Outcome::Both
        }
        Ok(_) | Err(AppendError::Unpublished { .. }) => {
            assert_ne!(report.verdict, Verdict::Invalid, "write {at}: {:?}", report.findings);
            let error = reopened.unwrap_err();
            assert!(
                matches!(error, OpenError::SetBack { .. } | OpenError::Forked { .. }),
                "write {at}: {error:?}"
            );
            Outcome::Stopped
        }
        Err(error) => panic!("write {at}: {error:?}"),
    }
}

#[test]
fn where_no_lock_holds_a_lost_race_is_caught_or_stops_the_log() {
    // What was staged is written out in two steps, or moved in one.
    for (size, moves, published) in [(5, false, 5), (255, false, 5), (5, true, 4), (255, true, 4)] {
        for at in [0, 1] {
            // Before it staged, and before it compared.
            assert_eq!(meddled_with(size, at, false, moves), Outcome::Raced);
        }
        // Between comparing and renaming: found out at once where both wrote the same tile.
        let late = if size == 255 { Outcome::Stopped } else { Outcome::Forked };
        assert_eq!(meddled_with(size, 1, true, moves), late);
        // Committed, and not published. What the other one moved in its stead is missed, and left alone.
        let overtaken = || if moves { Outcome::Both } else { Outcome::Stopped };
        for at in 2..published {
            assert_eq!(meddled_with(size, at, false, moves), overtaken(), "write {at}");
        }
        assert_eq!(meddled_with(size, published, false, moves), Outcome::Both);
    }
}
