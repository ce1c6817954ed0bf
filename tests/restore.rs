//! Backup and restore, drilled: what the README says of it is done here, command by command.

#![allow(clippy::unwrap_used)]
#![cfg(target_os = "linux")]

#[path = "support/desk.rs"]
mod desk;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use dateline::storage::FileStore;
use desk::{Desk, Promises, copy_folder, lines, told, verified};
use serde_json::Value;

/// The blocks of commands in the README's section, in their order.
#[derive(Clone, Copy)]
enum Block {
    Backup,
    CopyWithoutLock,
    Restore,
    RestoreFromMirror,
    BeginAnew,
}

fn commands(block: Block) -> String {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let (_, section) = readme.split_once("## Backup and restore\n").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let mut blocks = section.split("```sh\n").skip(1).map(|rest| rest.split_once("```").unwrap().0);
    assert_eq!(blocks.clone().count(), 5, "the README has another number of blocks");
    blocks.nth(block as usize).unwrap().to_owned()
}

/// Runs a block in the workspace as a shell does, up to the first command that fails.
fn run_block(desk: &Desk, block: Block) -> Output {
    let mut shell = Command::new("sh");
    shell.args(["-e", "-c", &commands(block)]).current_dir(desk.workspace());
    desk.bare(&mut shell);
    let program = Path::new(env!("CARGO_BIN_EXE_dateline")).parent().unwrap();
    shell.env("PATH", format!("{}:{}", program.display(), std::env::var("PATH").unwrap()));
    let passphrase = desk.root().join("passphrase");
    fs::write(&passphrase, "correct horse").unwrap();
    shell.env("DATELINE_PASSPHRASE_FILE", passphrase);
    shell.output().unwrap()
}

fn says(output: &Output, code: i32, words: &str) {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    let is_said = String::from_utf8_lossy(&text).contains(words);
    assert!(output.status.code() == Some(code) && is_said, "not {code} and {words:?}: {}", told(output));
}

/// A desk with so many registrations, `articles/` in the workspace, and an auditor who has seen nothing yet.
fn desk_with(documents: usize, promises: &mut Promises) -> Desk {
    let desk = Desk::with_log();
    fs::create_dir(desk.workspace().join("articles")).unwrap();
    for path in desk.documents(0..6) {
        fs::copy(&path, desk.workspace().join("articles").join(path.file_name().unwrap())).unwrap();
    }
    desk.add(&desk.documents(0..documents), promises);
    desk
}

/// Verifies as an auditor who remembers.
fn audit(desk: &Desk) -> Output {
    desk.run(&["verify"], &[])
}

fn codes(output: &Output) -> Vec<String> {
    let report = lines(&output.stdout).remove(0);
    report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|found| found["code"].as_str().unwrap().into())
        .collect()
}

fn add(desk: &Desk, document: usize) -> Output {
    desk.run(&["add", "--yes"], &[desk.document(document)])
}

#[test]
fn a_backup_is_restored_and_the_log_goes_on() {
    let mut promises = Promises::default();
    let desk = desk_with(3, &mut promises);
    says(&run_block(&desk, Block::Backup), 0, "verified");
    // A disk that lost half of what was on it.
    fs::remove_dir_all(desk.records().join("tile")).unwrap();
    says(&audit(&desk), 3, "fileMissing");
    says(&run_block(&desk, Block::Restore), 0, "verified");
    promises.are_kept(&desk);
    desk.add(&desk.documents(2..6), &mut promises);
    assert_eq!(promises.are_kept(&desk), 6);
    assert_eq!(verified(&desk, &desk.workspace()), [""; 0]);

    // On another machine, where the folder was never: the private keys come by their own way.
    says(&run_block(&desk, Block::Backup), 0, "verified");
    let other = desk.root().join("other");
    fs::create_dir(&other).unwrap();
    let unpacked =
        Command::new("tar").arg("-xf").arg(desk.workspace().join("backup.tar")).current_dir(&other).status();
    assert!(unpacked.unwrap().success());
    for absent in ["keys/private", "records/.local"] {
        assert!(!other.join(absent).exists(), "{absent} is in the backup");
    }
    assert_eq!(verified(&desk, &other), [""; 0]);
    copy_folder(&desk.workspace().join("keys/private"), &other.join("keys/private"));
    let added = desk.run_at(&other, &["add", "--yes"], &[desk.document(6)]);
    assert_eq!(promises.keep(&added.stdout), 1, "{}", told(&added));
    assert_eq!(promises.are_kept_at(&desk, &other), 7);
    assert_eq!(verified(&desk, &other), [""; 0]);
}

#[test]
fn a_backup_keeps_writers_out_and_one_that_is_at_work_keeps_it_waiting() {
    let desk = desk_with(1, &mut Promises::default());
    let lock = desk.records().join(".local/lock");
    let mut holder = Command::new("flock");
    holder.arg(&lock).args(["sh", "-c", "echo held; read end"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut holder = holder.spawn().unwrap();
    let mut said = [0; 5];
    std::io::Read::read_exact(holder.stdout.as_mut().unwrap(), &mut said).unwrap();
    says(&add(&desk, 1), 11, "try again");
    drop(holder.stdin.take());
    holder.wait().unwrap();
    says(&add(&desk, 1), 0, "registered");
    let writer = FileStore::writer(&desk.records()).unwrap();
    let busy = Command::new("flock").arg("--nonblock").arg(&lock).arg("true").status().unwrap();
    assert!(!busy.success(), "the lock is not the one that writers take");
    drop(writer);
}

#[test]
fn backups_that_are_taken_while_a_writer_works_hold() {
    let mut promises = Promises::default();
    let desk = desk_with(1, &mut promises);
    std::thread::scope(|scope| {
        let adding = scope.spawn(|| {
            let mut promises = Promises::default();
            for document in 1..12 {
                // Until it gets its turn.
                while promises.keep(&add(&desk, document).stdout) == 0 {}
            }
            promises
        });
        let mut taken = 0;
        while !adding.is_finished() {
            let backup = run_block(&desk, Block::Backup);
            says(&backup, 0, "verified");
            taken += 1;
        }
        assert!(taken > 0);
        promises.merge(adding.join().unwrap());
    });
    assert_eq!(promises.are_kept(&desk), 12);
}

/// Copies parts of `records/` one after the other, with an `add` before the part at `meddled`.
fn copy_in_order(desk: &Desk, order: &[&str], meddled: usize, document: usize) -> PathBuf {
    let copy = desk.root().join("copied");
    let _ = fs::remove_dir_all(&copy);
    fs::create_dir_all(copy.join("records")).unwrap();
    for (place, part) in order.iter().enumerate() {
        if place == meddled {
            says(&add(desk, document), 0, "registered");
        }
        let (from, to) = (desk.records().join(part), copy.join("records").join(part));
        if from.is_dir() { copy_folder(&from, &to) } else { fs::copy(&from, &to).map(drop).unwrap() }
    }
    copy_folder(&desk.workspace().join("keys"), &copy.join("keys"));
    copy
}

/// Verifies a copy, and says how many records it holds, and how many originals it lacks.
fn copy_holds(desk: &Desk, copy: &Path) -> Option<(u64, u64)> {
    let output = desk.run_at(copy, &["verify", "--stateless"], &[]);
    let report: Value = lines(&output.stdout).remove(0);
    let count = |name: &str| report["counts"][name].as_u64().unwrap();
    let missing =
        report["findings"].as_array().unwrap().iter().filter(|found| found["code"] != "stray").count();
    match output.status.code() {
        Some(0) => Some((count("registrations"), missing as u64)),
        Some(3) => None,
        _ => panic!("{}", told(&output)),
    }
}

#[test]
fn a_copy_with_the_checkpoint_first_is_whole_or_says_that_it_is_not() {
    let desk = desk_with(2, &mut Promises::default());
    let first = ["checkpoint", "tile", "disclosures", "content"];
    let last = ["content", "disclosures", "tile", "checkpoint"];
    let mut document = 10;
    let mut results = Vec::new();
    for order in [first, last] {
        for meddled in 1..4 {
            let copy = copy_in_order(&desk, &order, meddled, document);
            results.push(copy_holds(&desk, &copy));
            document += 1;
        }
    }
    println!("{results:?}");
    let whole = |registrations: u64| Some((registrations, 0));
    // Between checkpoint and tiles, the partial tile went; after the tiles, nothing is missed.
    assert_eq!(results[..3], [None, whole(3), whole(4)]);
    // A newer checkpoint, or newer tiles, than what lies beside them.
    assert_eq!(results[3..], [None; 3]);

    says(&run_block(&desk, Block::CopyWithoutLock), 0, "verified");
}

#[test]
fn a_restore_that_lost_records_is_found_out_and_a_newer_copy_is_the_way_on() {
    let mut promises = Promises::default();
    let desk = desk_with(2, &mut promises);
    says(&run_block(&desk, Block::Backup), 0, "verified");
    desk.add(&desk.documents(2..4), &mut promises);
    says(&audit(&desk), 0, "verified");
    // Somebody has a copy of that.
    copy_folder(&desk.records(), &desk.workspace().join("mirror"));

    says(&run_block(&desk, Block::Restore), 1, "3 entries; 5 were accepted before");
    let seen = audit(&desk);
    assert_eq!((seen.status.code(), &codes(&seen)[..]), (Some(1), &["rolledBack".to_owned()][..]));
    let before = fs::read(desk.records().join("checkpoint")).unwrap();
    says(&add(&desk, 5), 1, "has 3 entries, but 5 were committed here: records/ was set back");
    assert_eq!(fs::read(desk.records().join("checkpoint")).unwrap(), before);

    says(&run_block(&desk, Block::RestoreFromMirror), 0, "verified");
    promises.are_kept(&desk);
    desk.add(&desk.documents(4..6), &mut promises);
    assert_eq!(promises.are_kept(&desk), 6);
    assert_eq!(verified(&desk, &desk.workspace()), [""; 0]);
}

#[test]
fn who_goes_on_after_losing_records_is_convicted_and_a_new_log_is_the_way_on() {
    let mut promises = Promises::default();
    let desk = desk_with(2, &mut promises);
    says(&run_block(&desk, Block::Backup), 0, "verified");
    desk.add(&desk.documents(2..4), &mut promises);
    says(&audit(&desk), 0, "verified");
    let proof = desk.root().join("lost.tlog-proof");
    says(&desk.run(&["prove", "4", "-o", proof.to_str().unwrap()], &[]), 0, "");
    says(&run_block(&desk, Block::Restore), 1, "5 were accepted before");
    let lost = desk.root().join("restored");
    copy_folder(&desk.workspace(), &lost);

    // What the README says not to do. Who has no memory cannot tell; who has one can prove it to others.
    fs::remove_dir_all(desk.records().join(".local")).unwrap();
    desk.add(&[desk.document(8), desk.document(9)], &mut Promises::default());
    assert_eq!(verified(&desk, &desk.workspace()), [""; 0]);
    let seen = audit(&desk);
    assert_eq!(seen.status.code(), Some(1), "{}", told(&seen));
    assert_eq!(codes(&seen), ["forked"]);
    let evidence = PathBuf::from(lines(&seen.stdout)[0]["evidence"].as_str().unwrap());
    let policy = desk.workspace().join("keys/policy");
    let judged = ["verify", "--evidence", evidence.to_str().unwrap(), "--policy", policy.to_str().unwrap()];
    let elsewhere = desk.root().join("elsewhere");
    let judged = desk.run_at(&elsewhere, &judged, &[]);
    assert!(judged.status.success(), "{}", told(&judged));

    // What it says to do.
    fs::remove_dir_all(desk.workspace()).unwrap();
    copy_folder(&lost, &desk.workspace());
    let begun = run_block(&desk, Block::BeginAnew);
    assert!(begun.status.success(), "{}", told(&begun));
    let second = desk.workspace().join("second");
    assert_eq!(verified(&desk, &second), [""; 0]);
    assert_eq!(Promises::default().are_kept_at(&desk, &second), 6);
    // The proof of a lost record holds without the log.
    let root = desk.workspace().join("keys/roots/root.pub");
    let mut check = vec!["check", "--proof", proof.to_str().unwrap(), "--policy", policy.to_str().unwrap()];
    check.extend(["--root", root.to_str().unwrap()]);
    let checked = desk.run_at(&elsewhere, &check, &[desk.document(3)]);
    assert!(checked.status.success(), "{}", told(&checked));
}
