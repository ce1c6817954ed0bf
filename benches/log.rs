//! How fast records are appended, beside what the machine can do: `cargo bench --bench log`.
//!
//! Ready entries of about 1 KiB, signed by four signers, are appended to a fresh log in a folder below `DATELINE_FOLDER` (the
//! system's temporary folder unless said otherwise; it should lie on the disk that logs lie on): one at a time, and in
//! commits of 256, of 4,096, and of all `DATELINE_ENTRIES` (50,000 unless said otherwise). When an append returns, its entries
//! are on the disk and published. Every row is the median of five runs, with the share of each thing that the machine must
//! do for it and could do no faster, measured in the same run: SHA-256 over the same bytes, `verify_strict` of the same
//! signatures on all cores, and syncs of one small file.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

mod support;

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::time::Instant;

use dateline::attest::dsse::{PAYLOAD_TYPE, pae};
use dateline::base::{Hash, SigningKey};
use dateline::log::{Log, NewRecord};
use dateline::note::{KeyName, Origin, Policy, VerifierKey};
use dateline::record::entry::Circumstances;
use dateline::record::{
    Draft, Entry, EntryError, KeyAction, Notice, NoticeKind, RecordRef, Role, SealedEntry,
};
use dateline::storage::FileStore;
use rayon::prelude::*;
use support::{said, signing};

const ORIGIN: &str = "bench.example/log";
const SIGNERS: u8 = 4;
const RUNS: usize = 5;

fn main() {
    let count: usize = std::env::var("DATELINE_ENTRIES").map_or(50_000, |count| count.parse().unwrap());
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

    for batch in [1, 256, 4096, count] {
        // One at a time, so many are enough to know.
        let some = if batch == 1 { &entries[..entries.len().min(500)] } else { &entries[..] };
        let appended = rate(some.len(), || append(&folder, &signers, some, batch));
        let commits = appended / batch as f64;
        println!(
            "{:<34}{appended:>12.0} entries/s  {commits:>8.1} commits/s  of hashing {:.2}, of verify_strict {:.2}, {:.1} syncs' time a commit",
            format!("append, {batch} a commit"),
            appended / hashing,
            appended / strict,
            synced / commits,
        );
    }
}

fn append(folder: &std::path::Path, signers: &[SigningKey], entries: &[NewRecord], batch: usize) {
    let folder = tempfile::tempdir_in(folder).unwrap();
    let store = FileStore::writer(folder.path()).unwrap();
    let (root, log_key) = (signing(1), signing(2));
    let vkey = VerifierKey::ed25519(KeyName::new(ORIGIN).unwrap(), log_key.public());
    let policy = Policy::of_log(vkey).unwrap();
    let mut log = Log::create(&store, &policy, Origin::new(ORIGIN).unwrap(), &[root.public()]).unwrap();
    let mut sign = |text: &[u8]| Ok(log_key.sign(text));
    let enrolments = signers.iter().enumerate().map(|(number, signer)| {
        record(said(&root, number, |it| {
            Draft::key(KeyAction::Enrol, &signer.public(), vec![Role::Editor], None, None, it)
        }))
    });
    log.append(enrolments.collect(), &mut sign).unwrap();
    for some in entries.chunks(batch) {
        log.append(some.to_vec(), &mut sign).unwrap();
    }
    assert_eq!(log.size(), entries.len() as u64 + u64::from(SIGNERS));
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
