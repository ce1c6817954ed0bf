//! How fast records are appended, beside what the machine can do: `cargo bench --bench log --profile release`.
//!
//! Ready entries of about 1 KiB, signed by four signers, are appended to a fresh log in a folder below `DATELINE_FOLDER` (the
//! system's temporary folder unless said otherwise; it should lie on the disk that logs lie on): one at a time, and in
//! commits of 256, of 4,096, and of all `DATELINE_ENTRIES` (200,000 unless said otherwise). When an append returns, its entries
//! are on the disk and published. Then articles that were read before are registered: drafted, signed, appended in
//! commits of 4,096, with their openings. Last, the program itself adds one file: to a log of one entry, and to one of `DATELINE_LOG`
//! entries (1,000,000 unless said otherwise).
//!
//! Every row is the median of five runs, beside what the machine must do for it and could do no faster, measured in the
//! same run: SHA-256 over the same bytes, signing and `verify_strict` of the same messages on all cores, and syncs of one small
//! file. Nothing is removed before the end: a file system that has just removed many files makes new ones slowly.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

mod support;

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use dateline::article::{Article, ReadOptions, read};
use dateline::attest::dsse::{PAYLOAD_TYPE, pae};
use dateline::base::{Hash, SigningKey, Timestamp};
use dateline::log::{Log, NewRecord};
use dateline::note::{KeyName, Origin, Policy, VerifierKey};
use dateline::record::entry::Circumstances;
use dateline::record::{
    Decisions, Draft, Entry, EntryError, KeyAction, Kind, Notice, NoticeKind, RecordRef, Role, SealedEntry,
};
use dateline::storage::FileStore;
use rayon::prelude::*;
use support::{said, salts, signing};

const ORIGIN: &str = "bench.example/log";
const SIGNERS: u8 = 4;
const RUNS: usize = 5;
/// Documents that are registered, and documents of one commit.
const DOCUMENTS: usize = 20_000;
const COMMIT: usize = 4_096;

fn main() {
    let count: usize = std::env::var("DATELINE_ENTRIES").map_or(200_000, |count| count.parse().unwrap());
    let folder = std::env::var_os("DATELINE_FOLDER").map_or_else(std::env::temp_dir, PathBuf::from);
    let signers: Vec<SigningKey> = (0..SIGNERS).map(|number| signing(3 + number)).collect();
    let entries: Vec<NewRecord> = (0..count)
        .into_par_iter()
        .map(|number| record(said(&signers[number % signers.len()], number, |it| notice(number, it))))
        .collect();
    let bytes: usize = entries.iter().map(|record| record.entry.bytes.len()).sum();
    println!("{count} entries of {} bytes, {} threads", bytes / count, rayon::current_num_threads());

    let hashing = rate(count, || {
        let hashes = entries.par_iter().map(|record| Hash::of(&record.entry.bytes).0[0] as usize);
        assert!(hashes.sum::<usize>() > 0);
    });
    println!("{:<34}{hashing:>12.0} entries/s", "SHA-256 of the bytes alone");
    let signed: Vec<_> = entries
        .iter()
        .map(|record| {
            let envelope = Entry::parse(&record.entry.bytes).unwrap().envelope;
            let key = signers.iter().map(SigningKey::public).find(|key| key.key_id() == envelope.key_id());
            let key = ed25519_dalek::VerifyingKey::from_bytes(key.unwrap().as_bytes()).unwrap();
            let signature = ed25519_dalek::Signature::from_bytes(&envelope.signature().0);
            (key, pae(PAYLOAD_TYPE, envelope.unverified_payload()), signature)
        })
        .collect();
    let strict = rate(count, || {
        let holds = signed.par_iter().filter(|(key, message, sig)| key.verify_strict(message, sig).is_ok());
        assert_eq!(holds.count(), count);
    });
    println!("{:<34}{strict:>12.0} entries/s", "verify_strict alone, all cores");
    let key = ed25519_dalek::SigningKey::from_bytes(&[3; 32]);
    let sign = rate(count, || {
        let made = signed
            .par_iter()
            .map(|(_, message, _)| ed25519_dalek::Signer::sign(&key, message).to_bytes()[0] as usize);
        assert!(made.sum::<usize>() > 0);
    });
    println!("{:<34}{sign:>12.0} entries/s", "signing alone, all cores");
    let synced = rate(64, || {
        let file = tempfile::NamedTempFile::new_in(&folder).unwrap();
        let mut handle: File = file.reopen().unwrap();
        for _ in 0..64 {
            handle.write_all(b"one line\n").unwrap();
            handle.sync_all().unwrap();
        }
    });
    println!("{:<34}{synced:>12.0} syncs/s", "a synced write of one line");

    let kept = tempfile::tempdir_in(&folder).unwrap();
    for batch in [1, 256, 4096, count] {
        // One at a time, so many are enough to know.
        let some = if batch == 1 { &entries[..entries.len().min(500)] } else { &entries[..] };
        let mut clones = vec![some.to_vec(); RUNS];
        let appended = rate(some.len(), || {
            let mut left = clones.pop().unwrap().into_iter();
            in_new_log(kept.path(), &signers, |log| {
                while left.len() > 0 {
                    append(log, left.by_ref().take(batch).collect());
                }
            });
        });
        let commits = appended / batch as f64;
        println!(
            "{:<34}{appended:>12.0} entries/s  {commits:>8.1} commits/s  of hashing {:.2}, {:.1} times verify_strict, {:.1} syncs' time a commit",
            format!("append, {batch} a commit"),
            appended / hashing,
            appended / strict,
            synced / commits,
        );
    }
    drop(entries);
    register(kept.path(), &signers);
    add(kept.path(), std::env::var("DATELINE_LOG").map_or(1_000_000, |count| count.parse().unwrap()));
}

/// Drafts, signs and appends what was read before.
fn register(folder: &Path, signers: &[SigningKey]) {
    let articles: Vec<Article> = (0..DOCUMENTS)
        .into_par_iter()
        .map(|number| read(text(number).as_bytes(), &ReadOptions::default()).unwrap())
        .collect();
    let draft = |number: usize| {
        let mut random = salts(number);
        let recorded_at = Timestamp::from_unix_seconds(1_795_000_000).unwrap();
        let recorded_by = signers[number % signers.len()].public().key_id();
        let mut circumstances = Circumstances { recorded_by, recorded_at, random: &mut random };
        Draft::registration(&articles[number], &Decisions::default(), &mut circumstances).unwrap()
    };
    let messages: Vec<Vec<u8>> =
        (0..DOCUMENTS).into_par_iter().map(|number| draft(number).to_be_signed()).collect();
    let sign = rate(DOCUMENTS, || {
        let made = messages.par_iter().map(|message| signers[0].sign(message).0[0] as usize);
        assert!(made.sum::<usize>() > 0);
    });
    println!("{:<34}{sign:>12.0} documents/s", "signing of registrations alone");
    let numbers: Vec<usize> = (0..DOCUMENTS).collect();
    for (what, stored) in [("register", false), ("register, with the originals", true)] {
        let registered = rate(DOCUMENTS, || {
            in_new_log(folder, signers, |log| {
                for some in numbers.chunks(COMMIT) {
                    let sealed = some.par_iter().map(|number| {
                        let entry = draft(*number).sign(&signers[number % signers.len()]).unwrap();
                        NewRecord { entry, content: stored.then(|| text(*number).into_bytes()) }
                    });
                    append(log, sealed.collect());
                }
            });
        });
        println!("{what:<34}{registered:>12.0} documents/s  of signing {:.2}", registered / sign);
    }
    let read = rate(DOCUMENTS, || {
        let read = (0..DOCUMENTS)
            .into_par_iter()
            .map(|number| read(text(number).as_bytes(), &ReadOptions::default()).unwrap().paragraphs.len());
        assert!(read.sum::<usize>() > 0);
    });
    println!("{:<34}{read:>12.0} documents/s", "reading them alone");
}

fn text(number: usize) -> String {
    format!(
        "The river rises in week {number}\n\nSource : Ministry of Works\n\nThe river stood at {number} centimetres on Monday, \
         and it is thought that it will stand higher by the end of the week. Two roads along the bank were closed.\n\n\
         The gauge by the old bridge was put up in 1874 and has been read each morning since.\n"
    )
}

/// Has the program add a file to a small log and to a large one.
fn add(folder: &Path, large: usize) {
    let dateline = |workspace: &Path, arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dateline"));
        command.arg("--workspace").arg(workspace).args(arguments).env("XDG_STATE_HOME", folder);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    for size in [1, large] {
        let workspace = folder.join(format!("of {size}"));
        dateline(&workspace, &["init", "--no-passphrase", "--log-origin", ORIGIN]);
        grow(&workspace, size);
        let mut took: Vec<f64> = (0..21)
            .map(|number| {
                let path = folder.join(format!("{size} {number}.txt"));
                std::fs::write(&path, text(DOCUMENTS + number)).unwrap();
                let start = Instant::now();
                dateline(&workspace, &["add", path.to_str().unwrap(), "--yes"]);
                start.elapsed().as_secs_f64()
            })
            .collect();
        took.sort_by(f64::total_cmp);
        let name = format!("`add` of one file, a log of {size}");
        println!("{name:<46}{:>8.1} ms, from {:.1} to {:.1}", took[10] * 1e3, took[0] * 1e3, took[20] * 1e3);
    }
}

/// Grows the log of a workspace to `size` entries.
fn grow(workspace: &Path, size: usize) {
    let read = |name: &str| std::fs::read(workspace.join("keys").join(name)).unwrap();
    let policy = Policy::parse(&read("policy")).unwrap();
    let keys = |folder: &str| {
        std::fs::read_dir(workspace.join("keys").join(folder)).unwrap().map(|file| file.unwrap().path())
    };
    let private: Vec<SigningKey> = keys("private")
        .filter_map(|path| dateline::keys::private::read(&path, &mut |_| unreachable!()).ok())
        .collect();
    let roots: Vec<_> =
        keys("roots").filter_map(|path| Some(dateline::keys::public::read(&path).ok()?.0)).collect();
    let store = FileStore::writer(&workspace.join("records")).unwrap();
    let mut log = Log::open(&store, &policy, &roots).unwrap();
    let may_sign = |key: &&SigningKey| log.state().authorise(&key.public().key_id(), Kind::Notice).is_ok();
    let editor = private.iter().find(may_sign).unwrap();
    let public = policy.logs()[0].key.public_key().unwrap();
    let log_key = private.iter().find(|key| key.public() == *public).unwrap();
    while log.size() < size as u64 {
        let (from, end) = (log.size() as usize, size.min(log.size() as usize + 50_000));
        let some =
            (from..end).into_par_iter().map(|number| record(said(editor, number, |it| notice(number, it))));
        log.append(some.collect(), &mut |text| Ok(log_key.sign(text))).unwrap();
    }
}

fn in_new_log(folder: &Path, signers: &[SigningKey], work: impl FnOnce(&mut Log<'_>)) {
    let folder = tempfile::tempdir_in(folder).unwrap().keep();
    let store = FileStore::writer(&folder).unwrap();
    let root = signing(1);
    let vkey = VerifierKey::ed25519(KeyName::new(ORIGIN).unwrap(), signing(2).public());
    let policy = Policy::of_log(vkey).unwrap();
    let mut log = Log::create(&store, &policy, Origin::new(ORIGIN).unwrap(), &[root.public()]).unwrap();
    let enrolments = signers.iter().enumerate().map(|(number, signer)| {
        record(said(&root, number, |it| {
            Draft::key(KeyAction::Enrol, &signer.public(), vec![Role::Editor], None, None, it)
        }))
    });
    append(&mut log, enrolments.collect());
    work(&mut log);
}

fn append(log: &mut Log<'_>, records: Vec<NewRecord>) {
    log.append(records, &mut |text| Ok(signing(2).sign(text))).unwrap();
}

/// So many a second, as the median of some runs.
fn rate(count: usize, mut work: impl FnMut()) -> f64 {
    let mut took: Vec<f64> = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed().as_secs_f64()
        })
        .collect();
    took.sort_by(f64::total_cmp);
    count as f64 / took[RUNS / 2]
}

fn record(entry: SealedEntry) -> NewRecord {
    NewRecord { entry, content: None }
}

fn notice(number: usize, circumstances: &mut Circumstances<'_>) -> Result<Draft, EntryError> {
    let about = RecordRef { record: 0, original: Hash::of(&number.to_be_bytes()) };
    let notice = Notice {
        about,
        notice: NoticeKind::Correction,
        replaced_by: None,
        until: None,
        url: Some(format!("https://bench.example/corrections/{number}")),
        note: Some(format!("The figure in paragraph {number} was read wrongly.")),
        recorded_by: circumstances.recorded_by,
        recorded_at: circumstances.recorded_at,
    };
    Draft::notice(notice, circumstances)
}
