//! The power fails at every step of a commit, and the disk keeps of what was not synced what it likes. What was acknowledged
//! is there, and the log goes on.
//!
//! A scenario is a line of [`SCENARIOS`]; all that follows is done with each, with some of the ways in which a disk loses
//! what was not synced, and with `DATELINE_POWER=all` with all of them, which takes minutes.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod support;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use dateline::attest::Disclosure;
use dateline::log::{AppendError, Appended, Log, NewRecord, OpenError, OpeningChange};
use dateline::record::{
    Draft, Erasure, ErasureReason, KeyAction, Notice, NoticeKind, RecordRef, Role, layout,
};
use dateline::storage::{FileStore, Store, StoreError};
use dateline::verify::Verdict;
use support::disk::{Crash, Plan, SimulatedDisk, folder};
use support::statements;
use support::stores::{Calls, Watched};
use support::witness::{Witness, damage_is_found, second_writer_is_refused};
use support::{
    append, audited, editor, editor_key, key, key_statement, log_key, one_thread, open, policy, records,
    root_key, signing,
};

/// What a writer does.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// Appends so many records in one commit. Publishing statements that wait does nothing else to the log; then it deletes their
    /// files, and one that a power cut brings back is found in the log by its leaf.
    Append(u64),
    /// The same, without cleaning, as a server does that has answered.
    Leave(u64),
    /// Enrols a key.
    Enrol,
    /// Drops the log and opens it again.
    Reopen,
    /// Destroys the openings of entry 1, by a data officer who is enrolled for it.
    Erase,
}

use Step::{Append, Enrol, Erase, Leave, Reopen};

/// What it is called, the entries of the log before, and what is done.
type Scenario = (&'static str, u64, &'static [Step]);

const SCENARIOS: &[Scenario] = &[
    ("the first append", 0, &[Append(1)]),
    ("one after another", 1, &[Append(1), Append(1)]),
    ("to the border of a tile", 255, &[Append(1)]),
    ("over the border of a tile", 255, &[Append(2)]),
    ("from the border of a tile", 256, &[Append(1)]),
    ("over several tiles", 200, &[Append(330)]),
    ("partial tiles are cleaned", 253, &[Append(2), Append(2)]),
    ("a key is enrolled", 3, &[Enrol, Append(1)]),
    ("openings are erased", 3, &[Erase, Append(1)]),
    ("what is left is cleaned by the next append", 254, &[Leave(1), Leave(2), Append(1)]),
    ("what is left is cleaned by who opens the log next", 3, &[Leave(1), Reopen, Leave(1), Erase]),
    ("the writer comes and goes", 2, &[Append(1), Reopen, Append(1), Reopen, Append(1)]),
];

/// The tree gets a level more. So many entries take their time: of its cases few are run.
const LARGE: Scenario = ("to a new level and over it", 65_535, &[Append(2)]);

const CRASHES: [Crash; 6] =
    [Crash::Nothing, Crash::Everything, Crash::Names, Crash::Last, Crash::Some(1), Crash::Some(2)];

/// Whether the `number`th of several like cases is to be run: all of them, or one of `of`.
fn is_chosen(number: u64, of: u64) -> bool {
    number.is_multiple_of(of) || std::env::var_os("DATELINE_POWER").is_some_and(|what| what == "all")
}

/// The records of a log of `size` entries at its beginning, and those that are appended to it. Of a large one nearly all are the same
/// notice, which costs one signature.
fn taken(size: u64, range: std::ops::Range<u64>) -> Vec<NewRecord> {
    if size < LARGE.1 {
        return records(range);
    }
    let made = |index: u64| {
        let original = records(1..2)[0].entry.original.unwrap();
        let notice = Notice {
            url: Some(format!("https://example.org/{index}")),
            ..statements::notice(RecordRef { record: 1, original }, NoticeKind::Retraction)
        };
        NewRecord { entry: statements::stated(&editor(), |it| Draft::notice(notice, it)), content: None }
    };
    let same = made(2);
    let record = |index: u64| match index {
        0 | 1 => records(index..index + 1).remove(0),
        index if index + 300 <= LARGE.1 => same.clone(),
        index => made(index),
    };
    range.map(record).collect()
}

fn store_on(disk: &SimulatedDisk) -> Result<FileStore, StoreError> {
    FileStore::writer_on(Arc::new(disk.clone()), &folder())
}

fn reader(disk: &SimulatedDisk) -> FileStore {
    FileStore::reader_on(Arc::new(disk.clone()), &folder())
}

/// A disk with a log of the first `size` records, all of it synced, and what was promised of it.
fn disk_of(size: u64) -> (SimulatedDisk, Witness) {
    let (disk, mut witness) = (SimulatedDisk::new(), Witness::default());
    if size > 0 {
        let (store, policy) = (store_on(&disk).unwrap(), policy());
        let mut log = support::create(&store, &policy).unwrap();
        let there = taken(size, 0..size);
        append(&mut log, there[..1].to_vec()).unwrap();
        append(&mut log, there[1..].to_vec()).unwrap();
        witness.readers_see_a_log(&store);
        (0..).zip(&there).for_each(|(index, record)| witness.acknowledge(index, record));
    }
    (disk.after(Crash::Everything), witness)
}

/// The work of one writer, who tells the witness what he was told.
struct Writer<'a> {
    store: &'a dyn Store,
    witness: &'a mut Witness,
    published: u64,
    /// Records that were tried.
    used: u64,
    /// Whether the openings of entry 1 were said to be destroyed.
    erased: bool,
}

impl Writer<'_> {
    fn work(&mut self, size: u64, steps: &[Step]) -> Result<(), ()> {
        let policy = policy();
        let begun = if size == 0 { support::create(self.store, &policy) } else { open(self.store, &policy) };
        let mut log = begun.map_err(drop)?;
        for step in steps {
            match step {
                Append(count) | Leave(count) => {
                    let some = taken(size, self.used..self.used + count);
                    self.used += count;
                    self.append(&mut log, some, matches!(step, Leave(_)))?;
                }
                Enrol => {
                    let entry = editor_key(&root_key(), KeyAction::Enrol, &signing(7).public());
                    self.append(&mut log, vec![NewRecord { entry, content: None }], false)?;
                }
                Erase => self.erase(&mut log)?,
                Reopen => log = open(self.store, &policy).map_err(drop)?,
            }
        }
        Ok(())
    }

    fn erase(&mut self, log: &mut Log<'_>) -> Result<(), ()> {
        let officer = signing(8);
        let commitments = commitments_of_the_first();
        let erasure = Erasure {
            entry: 1,
            commitments: commitments.clone(),
            original: None,
            reason: ErasureReason::Pii,
            recorded_by: officer.public().key_id(),
            recorded_at: statements::when(),
        };
        let roles = vec![Role::DataOfficer];
        let enrolled = key_statement(&root_key(), KeyAction::Enrol, &officer.public(), roles, None);
        let said = statements::stated(&officer, |it| Draft::erasure(&erasure, it));
        self.append(log, [enrolled, said].map(|entry| NewRecord { entry, content: None }).to_vec(), false)?;
        log.change_openings(&[OpeningChange::Erase { entry: 1, commitments }]).map_err(drop)?;
        self.erased = true;
        Ok(())
    }

    fn append(&mut self, log: &mut Log<'_>, records: Vec<NewRecord>, leave: bool) -> Result<(), ()> {
        let from = log.size();
        let sign = &mut |text: &[u8]| Ok(log_key().sign(text));
        let appended = match leave {
            true => log.append_uncleaned(records.clone(), sign),
            false => log.append(records.clone(), sign),
        };
        let (promised, result) = match appended {
            Ok(_) => {
                self.published = log.size();
                (true, Ok(()))
            }
            // Not published yet, but appended for good.
            Err(AppendError::Unpublished { first_index, .. }) => (first_index == from, Err(())),
            Err(_) => (false, Err(())),
        };
        if promised {
            (from..).zip(&records).for_each(|(index, record)| self.witness.acknowledge(index, record));
        }
        result
    }
}

/// The digests of the openings of record 1, as an erasure names them.
fn commitments_of_the_first() -> Vec<String> {
    let openings = &records(1..2)[0].entry.openings;
    let mut digests: Vec<String> =
        openings.iter().map(|opening| Disclosure::parse(opening).unwrap().digest()).collect();
    digests.sort();
    digests
}

/// A disk after a run, what was promised in it, and how many records were tried.
struct Run {
    disk: SimulatedDisk,
    witness: Witness,
    /// Entries that readers were promised to see.
    published: u64,
    tried: u64,
    erased: bool,
    done: bool,
}

impl Run {
    fn of((_, size, steps): Scenario, (base, witness): &(SimulatedDisk, Witness), plan: Plan) -> Self {
        let (disk, mut witness) = (base.copy(plan), witness.clone());
        let (mut published, mut tried, mut erased, mut done) = (size, size, false, false);
        if let Ok(files) = store_on(&disk) {
            let (calls, witness) = (Calls::default(), &mut witness);
            let store = Watched { store: &files, calls: &calls };
            let mut writer = Writer { store: &store, witness, published, used: size, erased };
            done = writer.work(size, steps).is_ok();
            (published, tried, erased) = (writer.published, writer.used, writer.erased);
        }
        Run { disk, witness, published, tried, erased, done }
    }

    /// Checks what a machine finds that was started again: first as a reader, then as a writer who goes on, with what was
    /// tried before or with something else.
    fn goes_on_after(&self, crash: Crash, again: bool) {
        let (disk, mut witness) = (self.disk.after(crash), self.witness.clone());
        let reader = reader(&disk);
        let seen = witness.readers_see_a_log(&reader).len() as u64;
        assert!(seen >= self.published, "readers see {seen} entries of {}", self.published);
        // All that the auditor reads beyond that does not depend on which sync was how far; a large log takes him long.
        let is_large = self.tried > LARGE.1;
        if crash == Crash::Nothing
            && !is_large
            && reader.get(&key(layout::CHECKPOINT), u64::MAX).unwrap().is_some()
        {
            verified(&reader);
        }
        let (store, policy, calls) = (store_on(&disk).unwrap(), policy(), Calls::default());
        let watched = Watched { store: &store, calls: &calls };
        let mut log = match open(&watched, &policy) {
            Err(OpenError::NoLog) => {
                assert_eq!(witness.acknowledged(), 0, "a log that was there is not there any more");
                support::create(&watched, &policy).unwrap()
            }
            opened => opened.unwrap(),
        };
        let before = log.size();
        assert!(before == 0 || witness.nothing_is_lost(&store).len() as u64 == before);
        let next = match (before, again) {
            (0, _) => records(0..1),
            (_, true) => records(1..self.tried + 1),
            (_, false) => taken(self.tried, self.tried + 1..self.tried + 3),
        };
        for (appended, record) in append(&mut log, next.clone()).unwrap().iter().zip(&next) {
            if let Appended::Registered(index) = appended {
                witness.acknowledge(*index, record);
            }
        }
        assert_eq!(witness.nothing_is_lost(&store).len() as u64, log.size());
        assert!(log.size() > before);
        if self.erased {
            let openings = store.get(&key(&layout::disclosures_path(0)), u64::MAX).unwrap().unwrap();
            let openings = String::from_utf8(openings).unwrap();
            assert!(!openings.lines().any(|line| line.starts_with("1 ")), "what was erased came back");
        }
        if crash == Crash::Some(1) && !again && !is_large {
            verified(&reader);
        }
        if crash == Crash::Some(1) && again {
            damage_is_found(&reader, &log.size().to_string());
            witness.log_knows_its_entries(&store, &log);
            second_writer_is_refused(&store, || store_on(&disk));
        }
    }
}

fn verified(store: &dyn Store) {
    let report = audited(store);
    assert_eq!(report.verdict, Verdict::Verified, "{:?}", report.findings);
}

/// Runs a scenario with a stop at each of its calls, and once to its end.
fn each_stop(scenario: Scenario, plan: Plan, mut then: impl FnMut(u64, Run) -> bool) {
    let base = disk_of(scenario.1);
    for stop in 0.. {
        let run = Run::of(scenario, &base, Plan { stop_at: Some(stop), ..plan });
        let stopped = run.disk.has_stopped();
        assert!(stopped || run.done, "{} fails without a fault", scenario.0);
        if !then(stop, run) || !stopped {
            break;
        }
    }
}

#[test]
fn what_was_acknowledged_survives_a_power_cut_at_any_step() {
    let _held = one_thread();
    for scenario in SCENARIOS {
        each_stop(*scenario, Plan::default(), |stop, run| {
            for (number, crash) in (0..).zip(CRASHES) {
                if is_chosen(stop + number, 3) {
                    let what = || format!("{}, stop {stop}, {crash:?}", scenario.0);
                    told(what, || run.goes_on_after(crash, (stop + number / 3).is_multiple_of(2)));
                }
            }
            true
        });
    }
}

#[test]
fn a_power_cut_where_the_tree_gets_a_level_does_no_harm() {
    let _held = one_thread();
    each_stop(LARGE, Plan::default(), |stop, run| {
        for (number, crash) in (0..).zip(CRASHES) {
            if is_chosen(stop * 6 + number, 23) {
                told(|| format!("{}, stop {stop}, {crash:?}", LARGE.0), || run.goes_on_after(crash, false));
            }
        }
        true
    });
}

#[test]
fn a_power_cut_while_recovering_does_no_harm_either() {
    let _held = one_thread();
    for scenario in [SCENARIOS[0], SCENARIOS[1], SCENARIOS[3], SCENARIOS[7]] {
        each_stop(scenario, Plan::default(), |stop, run| {
            // What the first crash leaves is a base for the second: opening it is the scenario.
            let twice = [(Crash::Everything, Crash::Nothing), (Crash::Names, Crash::Some(1))];
            for (number, (first, second)) in (0..).zip(twice) {
                if !is_chosen(stop + number, 5) {
                    continue;
                }
                let base = run.disk.after(first);
                for stop_again in 0.. {
                    let disk = base.copy(Plan { stop_at: Some(stop_again), ..Plan::default() });
                    let opened = store_on(&disk).is_ok_and(|store| open(&store, &policy()).is_ok());
                    let stopped = disk.has_stopped();
                    let again = Run { disk, witness: run.witness.clone(), ..run };
                    let what = || format!("{}, stops {stop} and {stop_again}, {first:?}", scenario.0);
                    told(what, || again.goes_on_after(second, stop_again % 2 == 0));
                    if !stopped {
                        assert!(opened || run.witness.acknowledged() == 0, "{}", what());
                        break;
                    }
                }
            }
            true
        });
    }
}

#[test]
fn what_was_acknowledged_survives_a_failed_call_and_the_power_cut_after_it() {
    let _held = one_thread();
    for scenario in SCENARIOS {
        let base = disk_of(scenario.1);
        for fail in 0.. {
            let run = Run::of(*scenario, &base, Plan { fail_at: Some(fail), ..Plan::default() });
            if run.disk.counted().0 <= fail {
                break;
            }
            for (number, crash) in (0..).zip([Crash::Everything, Crash::Nothing]) {
                if is_chosen(fail + number, 2) {
                    let what = || format!("{}, call {fail} fails, {crash:?}", scenario.0);
                    told(what, || run.goes_on_after(crash, fail % 4 < 2));
                }
            }
        }
    }
}

/// Takes each sync away in turn: somebody must lose something, or it was for nothing.
#[test]
fn each_sync_is_needed() {
    let _held = one_thread();
    for scenario in [SCENARIOS[0], SCENARIOS[1]] {
        let run = Run::of(scenario, &disk_of(scenario.1), Plan::default());
        let (_, syncs) = run.disk.counted();
        for lie in 0..syncs {
            let mut missed = false;
            each_stop(scenario, Plan { lie_at: Some(lie), ..Plan::default() }, |_, run| {
                for (crash, again) in CRASHES.into_iter().flat_map(|crash| [(crash, true), (crash, false)]) {
                    let held = catch_unwind(AssertUnwindSafe(|| run.goes_on_after(crash, again)));
                    missed |= held.is_err();
                }
                !missed
            });
            assert!(missed, "{}: nothing is lost without sync {lie} of {syncs}", scenario.0);
        }
    }
}

/// Says where a check fails.
fn told(what: impl Fn() -> String, check: impl FnOnce()) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(check)) {
        eprintln!("in: {}", what());
        std::panic::resume_unwind(panic);
    }
}
