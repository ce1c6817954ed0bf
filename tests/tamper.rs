//! A log on disk is changed, and the audit says what was changed. It never says verified.
//!
//! With `DATELINE_EXHAUSTIVE=1` in the environment every bit of a small log is flipped as well.

#![allow(clippy::unwrap_used)]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use dateline::base::Hash;
use dateline::record::layout;
use dateline::storage::{FileStore, Store};
use dateline::tlog::leaf_hash;
use dateline::verify::{AuditError, Code, Report, Severity, Verdict, audit};
use rayon::prelude::*;
use support::{append, audited, create, editor, enrolment, joined, policy, registration, trust};

/// A log in a folder of its own.
struct Scratch {
    folder: tempfile::TempDir,
}

impl Scratch {
    /// A log of `count` registrations with stored originals.
    fn new(count: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (store, policy) = (FileStore::writer(folder.path()).unwrap(), policy());
        let mut records = vec![enrolment()];
        records.extend((1..=count).map(|number| registration(&editor(), number, "", true)));
        append(&mut create(&store, &policy).unwrap(), records).unwrap();
        Scratch { folder }
    }

    fn root(&self) -> &Path {
        self.folder.path()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root().join(name)
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), bytes).unwrap();
    }

    /// All files but those in `.local`.
    fn files(&self) -> Vec<String> {
        let listing = FileStore::reader(self.root()).list("").unwrap();
        assert_eq!(listing.foreign, [""; 0]);
        let names = listing.keys.iter().map(ToString::to_string);
        names.filter(|name| !name.starts_with(".local/")).collect()
    }

    fn audit(&self) -> Report {
        audited(&FileStore::reader(self.root()))
    }

    /// Audits with `name` changed to `bytes`, and puts it back.
    fn with(&self, name: &str, bytes: &[u8]) -> Report {
        let before = self.read(name);
        assert_ne!(before, bytes, "{name} was not changed");
        self.write(name, bytes);
        let report = self.audit();
        self.write(name, &before);
        report
    }

    /// Audits without `name`, and puts it back.
    fn without(&self, name: &str) -> Report {
        let before = self.read(name);
        fs::remove_file(self.path(name)).unwrap();
        let report = self.audit();
        self.write(name, &before);
        report
    }

    fn flipped(&self, name: &str, bit: usize) -> Report {
        let mut bytes = self.read(name);
        bytes[bit / 8] ^= 1 << (bit % 8);
        self.with(name, &bytes)
    }
}

fn codes(report: &Report) -> Vec<Code> {
    let mut codes: Vec<Code> = Vec::new();
    for finding in &report.findings {
        if !codes.contains(&finding.code) {
            codes.push(finding.code);
        }
    }
    codes
}

/// The records that a code is said of.
fn named(report: &Report, code: Code) -> Vec<Option<u64>> {
    report.findings.iter().filter(|finding| finding.code == code).map(|finding| finding.record).collect()
}

fn assert_verified(report: &Report) {
    assert_eq!(report.verdict, Verdict::Verified, "{:#?}", report.findings);
}

/// Seeded numbers below `below`; the same in every run.
fn numbers(seed: &str, count: usize, below: usize) -> Vec<usize> {
    let number = |n: usize| {
        let hash = Hash::of(format!("{seed} {n}").as_bytes());
        u64::from_be_bytes(std::array::from_fn(|place| hash.0[place])) as usize % below
    };
    (0..count).map(number).collect()
}

/// Every file that is not an original, and a few that are.
fn sample(files: Vec<String>, originals: usize) -> Vec<String> {
    let (content, mut rest): (Vec<_>, Vec<_>) =
        files.into_iter().partition(|name| name.starts_with(layout::CONTENT));
    let step = content.len().div_ceil(originals);
    rest.extend(content.into_iter().step_by(step.max(1)));
    rest
}

#[test]
fn a_file_removed_or_a_bit_flipped_is_never_verified() {
    let files = Scratch::new(300).files();
    assert_eq!(files.len(), 300 + 8, "{files:?}");
    // Each half on a log of its own, at the same time.
    let (even, odd): (Vec<_>, Vec<_>) =
        sample(files, 12).into_iter().enumerate().partition(|(n, _)| n % 2 == 0);
    [even, odd].into_par_iter().for_each(|names| {
        let log = Scratch::new(300);
        assert_verified(&log.audit());
        names.iter().for_each(|(_, name)| damage(&log, name));
        assert_verified(&log.audit());
    });
}

/// Removes a file of `log`, and flips bits of it.
fn damage(log: &Scratch, name: &str) {
    let report = log.without(name);
    assert_eq!(report.verdict, Verdict::Unverifiable, "{name} removed: {:?}", report.findings);
    let content = name.starts_with(layout::CONTENT);
    let bytes = log.read(name).len();
    let bits = match name {
        layout::CHECKPOINT => (0..bytes).map(|byte| byte * 8 + byte % 8).collect(),
        _ => numbers(name, if content { 2 } else { 40 }, bytes * 8),
    };
    for bit in bits {
        let report = log.flipped(name, bit);
        assert_ne!(report.verdict, Verdict::Verified, "bit {bit} of {name} flipped");
        // What hashes vouch for was seen to be bad, not merely out of reach.
        let vouched = content || name.starts_with(layout::TILES) || name == layout::CHECKPOINT;
        assert!(!vouched || report.verdict == Verdict::Invalid, "bit {bit} of {name}: {report:?}");
    }
}

#[test]
fn every_bit_of_a_small_log_is_vouched_for() {
    let log = Scratch::new(3);
    assert_verified(&log.audit());
    let exhaustive = std::env::var("DATELINE_EXHAUSTIVE").is_ok_and(|value| value == "1");
    for name in log.files() {
        assert_eq!(log.without(&name).verdict, Verdict::Unverifiable, "{name} removed");
        let bits = log.read(&name).len() * 8;
        let bits = if exhaustive { (0..bits).collect() } else { numbers(&name, 60, bits) };
        for bit in bits {
            assert_ne!(log.flipped(&name, bit).verdict, Verdict::Verified, "bit {bit} of {name} flipped");
        }
        let mut bytes = log.read(&name);
        bytes.push(b'\n');
        assert_ne!(log.with(&name, &bytes).verdict, Verdict::Verified, "{name} made longer");
        bytes.truncate(bytes.len() - 2);
        assert_ne!(log.with(&name, &bytes).verdict, Verdict::Verified, "{name} made shorter");
        assert_ne!(log.with(&name, b"").verdict, Verdict::Verified, "{name} emptied");
    }
}

#[test]
fn nothing_left_is_no_log() {
    let folder = tempfile::tempdir().unwrap();
    let none = audit(&FileStore::reader(folder.path()), &trust(), &|_, _| {});
    assert!(matches!(none, Err(AuditError::NoLog)), "{none:?}");
}

#[test]
fn one_changed_byte_of_an_entry_names_that_record() {
    let log = Scratch::new(300);
    for (name, first, width) in [("tile/entries/000", 0, 256), ("tile/entries/001.p/45", 256, 45)] {
        let bytes = log.read(name);
        let entries = dateline::tlog::EntryBundle::new(first / 256, width).unwrap();
        let entries = entries.entries(&bytes).unwrap();
        for place in [0, 7, usize::from(width) - 1] {
            let start = entries[place].as_ptr() as usize - bytes.as_ptr() as usize;
            for at in numbers(&format!("{name} {place}"), 4, entries[place].len()) {
                let mut changed = bytes.clone();
                changed[start + at] ^= 1;
                let report = log.with(name, &changed);
                assert_eq!(report.verdict, Verdict::Invalid);
                assert_eq!(named(&report, Code::EntryChanged), [Some(first + place as u64)]);
                assert_eq!(named(&report, Code::TileChanged), []);
                let leaf = leaf_hash(entries[place]).to_string();
                let found = report.findings.iter().find(|one| one.code == Code::EntryChanged).unwrap();
                assert_eq!(found.expected.as_ref(), Some(&leaf));
                assert!(found.found.is_some() && found.found != found.expected);
                assert_eq!(found.path.as_deref(), Some(name));
            }
        }
    }
}

#[test]
fn a_changed_tile_is_told_from_a_changed_entry() {
    let log = Scratch::new(300);
    for name in ["tile/0/000", "tile/0/001.p/45", "tile/1/000.p/1"] {
        let mut bytes = log.read(name);
        bytes[17] ^= 4;
        let report = log.with(name, &bytes);
        assert_eq!(codes(&report), [Code::TileChanged], "{name}");
        assert_eq!(report.findings[0].path.as_deref(), Some(name));
        assert_eq!(report.verdict, Verdict::Invalid);
        let report = log.without(name);
        assert_eq!(codes(&report), [Code::TileMissing], "{name}");
        assert_eq!(report.findings[0].path.as_deref(), Some(name));
        assert_eq!(report.verdict, Verdict::Unverifiable);
    }
    // It held the enrolment: who signed the rest may be whom it enrolled.
    let report = log.without("tile/entries/000");
    assert_eq!(codes(&report), [Code::SignerUnknown, Code::FileMissing]);
    assert_eq!(report.verdict, Verdict::Unverifiable);
    assert_eq!(report.counts.entries, 45);
}

/// The lines of the first file of openings, by record.
fn openings(log: &Scratch) -> Vec<(u64, String)> {
    let text = String::from_utf8(log.read("disclosures/000")).unwrap();
    let split = |line: &str| {
        let (index, opening) = line.split_once(' ').unwrap();
        (index.parse().unwrap(), opening.to_owned())
    };
    text.lines().map(split).collect()
}

#[test]
fn openings_removed_or_moved_are_named() {
    let log = Scratch::new(5);
    let lines = openings(&log);
    for at in 0..lines.len() {
        let mut less = lines.clone();
        let (record, opening) = less.remove(at);
        let report = log.with("disclosures/000", &joined(&less));
        assert_eq!(codes(&report), [Code::OpeningMissing]);
        assert_eq!(named(&report, Code::OpeningMissing), [Some(record)]);
        assert_eq!(report.verdict, Verdict::Unverifiable);

        let to = if record == 5 { 1 } else { record + 1 };
        less.push((to, opening));
        less.sort_by_key(|(index, _)| *index);
        let report = log.with("disclosures/000", &joined(&less));
        assert_eq!(named(&report, Code::OpeningMismatch), [Some(to)]);
        assert_eq!(named(&report, Code::OpeningMissing), [Some(record)]);
        assert_eq!(report.verdict, Verdict::Invalid);
    }
    let mut twice = lines.clone();
    twice.insert(1, lines[0].clone());
    assert_eq!(log.with("disclosures/000", &joined(&twice)).verdict, Verdict::Invalid);
    let mut beyond = lines;
    beyond.push((77, "WyJh".into()));
    let report = log.with("disclosures/000", &joined(&beyond));
    assert_eq!((codes(&report), report.verdict), (vec![Code::Stray], Verdict::Verified));
}

#[test]
fn an_original_changed_or_removed_is_named() {
    let log = Scratch::new(4);
    let record = registration(&editor(), 3, "", true);
    let name = layout::content_path(&record.entry.original.unwrap());
    let bytes = record.content.unwrap();
    let (mut changed, mut longer, mut shorter) = (bytes.clone(), bytes.clone(), bytes);
    changed[4] ^= 1;
    longer.push(b' ');
    shorter.pop();
    for bytes in [changed, longer, shorter] {
        let report = log.with(&name, &bytes);
        assert_eq!(codes(&report), [Code::OriginalChanged]);
        assert_eq!(report.findings[0].path.as_ref(), Some(&name));
        assert_eq!(named(&report, Code::OriginalChanged), [Some(3)]);
        assert_eq!(report.verdict, Verdict::Invalid);
    }
    let report = log.without(&name);
    assert_eq!(named(&report, Code::OriginalMissing), [Some(3)]);
    assert_eq!((codes(&report), report.verdict), (vec![Code::OriginalMissing], Verdict::Unverifiable));
}

#[test]
fn a_stray_file_is_noted_and_changes_nothing() {
    let log = Scratch::new(4);
    let stray = layout::content_path(&Hash::of(b"never registered"));
    for name in ["notes.txt", "tile/0/000.p/4.bak", "tile/0/000.p/3", "tile/0/000", "disclosures/001", &stray]
    {
        log.write(name, b"x");
        let report = log.audit();
        fs::remove_file(log.path(name)).unwrap();
        assert_verified(&report);
        assert_eq!(codes(&report), [Code::Stray], "{name}");
        assert_eq!(report.findings[0].severity, Severity::Note);
        assert_eq!(report.findings[0].path.as_deref(), Some(name));
    }
    log.write(".local/anything", b"x");
    assert_eq!(log.audit().findings, []);
}
