//! Several writers on one store with nothing but conditional writes between them, in memory: one runs from beginning to
//! end before each single request of another; one dies at each request; answers are lost at each; and all at once on
//! several threads. Then there is one log, no fork, and every acknowledged record is in it once.
//!
//! The same against a real store, with processes that are killed: `tests/bucket.rs`.

#![allow(clippy::unwrap_used)]

mod support;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use dateline::log::{AppendError, Appended, NewRecord, OpeningChange};
use dateline::record::erasure::{Erasure, ErasureReason};
use dateline::record::{Draft, KeyAction, Role, layout};
use dateline::storage::{Key, Listing, MemoryStore, Object, Store, StoreError};
use dateline::verify::Verdict;
use support::statements::stated;
use support::witness::Witness;
use support::{
    append, audited, create, drawn, editor, get, key_statement, open, policy, records, registration,
    root_key, signing,
};

/// What happens to one request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Done,
    /// It is carried out, and the answer is lost.
    NoAnswer,
    /// It is not carried out.
    NotSent,
}

/// One front end: the store that it shares with others, and what it keeps for itself.
struct FrontEnd<'a> {
    shared: &'a MemoryStore,
    own: MemoryStore,
    /// Asked before each request, with its number and whether it changes anything.
    before: Box<dyn Fn(usize, bool) -> Fate + Sync + Send + 'a>,
    requests: AtomicUsize,
}

impl<'a> FrontEnd<'a> {
    fn new(shared: &'a MemoryStore) -> Self {
        FrontEnd::with(shared, |_, _| Fate::Done)
    }

    fn with(shared: &'a MemoryStore, before: impl Fn(usize, bool) -> Fate + Sync + Send + 'a) -> Self {
        FrontEnd {
            shared,
            own: MemoryStore::default(),
            before: Box::new(before),
            requests: AtomicUsize::new(0),
        }
    }

    fn request<T>(
        &self,
        writes: bool,
        then: impl FnOnce() -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let lost = || {
            let source = std::io::Error::other("a fault was asked for");
            Err(StoreError::Io { op: "ask", path: "the store".into(), source })
        };
        match (self.before)(self.requests.fetch_add(1, Ordering::SeqCst), writes) {
            Fate::Done => then(),
            Fate::NoAnswer => {
                let _ = then();
                lost()
            }
            Fate::NotSent => lost(),
        }
    }
}

impl Store for FrontEnd<'_> {
    fn get(&self, key: &Key, limit: u64) -> Result<Option<Vec<u8>>, StoreError> {
        self.request(false, || self.shared.get(key, limit))
    }

    // Each object is a request of its own, as in a bucket.
    fn put_immutable(&self, objects: &[Object]) -> Result<(), StoreError> {
        let one = |object| self.request(true, || self.shared.put_immutable(std::slice::from_ref(object)));
        objects.iter().try_for_each(one)
    }

    fn put(&self, objects: &[Object]) -> Result<(), StoreError> {
        let one = |object| self.request(true, || self.shared.put(std::slice::from_ref(object)));
        objects.iter().try_for_each(one)
    }

    fn compare_and_swap(&self, key: &Key, expected: Option<&[u8]>, new: &[u8]) -> Result<bool, StoreError> {
        self.request(true, || self.shared.compare_and_swap(key, expected, new))
    }

    fn delete(&self, keys: &[Key]) -> Result<(), StoreError> {
        self.request(true, || self.shared.delete(keys))
    }

    fn list(&self, folder: &str) -> Result<Listing, StoreError> {
        self.request(false, || self.shared.list(folder))
    }

    fn own(&self) -> Option<&dyn Store> {
        Some(&self.own)
    }
}

/// A log of the first `size` records, made by a front end that is gone.
fn begun(size: u64) -> MemoryStore {
    let shared = MemoryStore::default();
    {
        let (end, policy) = (FrontEnd::new(&shared), policy());
        let mut log = create(&end, &policy).unwrap();
        append(&mut log, records(0..1)).unwrap();
        append(&mut log, records(1..size)).unwrap();
    }
    shared
}

/// Opens the log as a front end of its own and appends.
fn appended_by(end: &FrontEnd<'_>, records: Vec<NewRecord>) -> Vec<Appended> {
    let policy = policy();
    append(&mut open(end, &policy).unwrap(), records).unwrap()
}

fn whole(shared: &MemoryStore, witness: &mut Witness) -> u64 {
    // Whoever opens it next finishes what was left.
    let (end, policy) = (FrontEnd::new(shared), policy());
    let size = open(&end, &policy).unwrap().size();
    assert_eq!(witness.log_is_whole(shared), size);
    let report = audited(shared);
    assert_eq!(report.verdict, Verdict::Verified, "{:?}", report.findings);
    size
}

fn acknowledge(witness: &mut Witness, records: &[NewRecord], appended: &[Appended]) {
    for (record, appended) in records.iter().zip(appended) {
        witness.acknowledge(appended.index(), record);
    }
}

/// How many requests it takes to open a log of `size` entries and to append two.
fn requests_of(size: u64) -> usize {
    let shared = begun(size);
    let end = FrontEnd::new(&shared);
    appended_by(&end, records(size..size + 2));
    end.requests.load(Ordering::SeqCst)
}

/// A log that is begun, and one whose edge is about to be full.
const SIZES: [u64; 2] = [5, 255];

#[test]
fn another_writer_may_come_before_any_request() {
    for size in SIZES {
        let requests = requests_of(size);
        assert!(requests > 12, "{requests}");
        let steps: Vec<usize> = (0..requests).collect();
        thread::scope(|scope| {
            for some in steps.chunks(requests.div_ceil(8)) {
                scope.spawn(move || some.iter().for_each(|at| another_comes_before(size, *at)));
            }
        });
    }
}

fn another_comes_before(size: u64, at: usize) {
    let shared = begun(size);
    let mut witness = Witness::default();
    witness.log_is_whole(&shared);
    let his = Mutex::new(Vec::new());
    let end = FrontEnd::with(&shared, |number, _| {
        if number == at {
            // Twice: what the first left to be cleaned, the second finds.
            for record in 1_000..1_002 {
                let said = appended_by(&FrontEnd::new(&shared), records(record..record + 1));
                his.lock().unwrap().extend(said);
            }
        }
        Fate::Done
    });
    let mine = records(size..size + 2);
    let said = appended_by(&end, mine.clone());
    drop(end);
    acknowledge(&mut witness, &mine, &said);
    let his = his.into_inner().unwrap();
    assert_eq!(his.len(), 2, "request {at} of a log of {size}");
    acknowledge(&mut witness, &records(1_000..1_002), &his);
    assert_eq!(whole(&shared, &mut witness), size + 4, "request {at} of a log of {size}");
}

#[test]
fn a_writer_whom_others_overtake_again_and_again_gets_there() {
    for step in 5..14 {
        let shared = begun(5);
        let others = AtomicUsize::new(0);
        let end = FrontEnd::with(&shared, |number, _| {
            if number % step == 0 && number < 500 {
                let next = 600 + others.fetch_add(1, Ordering::SeqCst) as u64;
                appended_by(&FrontEnd::new(&shared), records(next..next + 1));
            }
            Fate::Done
        });
        let mut witness = Witness::default();
        acknowledge(&mut witness, &records(5..7), &appended_by(&end, records(5..7)));
        let others = others.load(Ordering::SeqCst) as u64;
        assert_eq!(whole(&shared, &mut witness), 7 + others, "{step}");
    }
}

#[test]
fn a_writer_may_die_at_any_request() {
    // One thread: a panic of another would be waited for.
    let pool = support::one_thread();
    for size in SIZES {
        let requests = requests_of(size);
        for at in 0..requests {
            let shared = begun(size);
            let mut witness = Witness::default();
            witness.log_is_whole(&shared);
            let dead = FrontEnd::with(&shared, |number, _| {
                if number == at {
                    // Nobody unwinds a process that is killed; it makes no more requests.
                    std::panic::resume_unwind(Box::new("killed"));
                }
                Fate::Done
            });
            let mine = records(size..size + 2);
            let died = pool.install(|| {
                std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| appended_by(&dead, mine.clone())))
            });
            assert!(died.is_err(), "request {at} was never made");
            // Another front end goes on, and the one that is started again is asked for the same.
            let his = appended_by(&FrontEnd::new(&shared), records(1_000..1_001));
            acknowledge(&mut witness, &records(1_000..1_001), &his);
            let again = appended_by(&FrontEnd::new(&shared), mine.clone());
            acknowledge(&mut witness, &mine, &again);
            assert_eq!(whole(&shared, &mut witness), size + 3, "request {at} of a log of {size}");
        }
    }
}

#[test]
fn no_answer_and_no_request_are_got_over() {
    let size = 255;
    let first = {
        let (shared, policy) = (begun(size), policy());
        let end = FrontEnd::new(&shared);
        drop(open(&end, &policy).unwrap());
        end.requests.load(Ordering::SeqCst)
    };
    let requests = requests_of(size);
    for fate in [Fate::NoAnswer, Fate::NotSent] {
        for at in first..requests {
            let shared = begun(size);
            let mut witness = Witness::default();
            let end = FrontEnd::with(&shared, |number, _| if number == at { fate } else { Fate::Done });
            // Also of what has no original, by which it would be found again.
            let statement = key_statement(
                &root_key(),
                KeyAction::Enrol,
                &signing(9).public(),
                vec![Role::Assessor],
                None,
            );
            let mut mine = records(size..size + 1);
            mine.push(NewRecord { entry: statement, content: None });
            let said = appended_by(&end, mine.clone());
            acknowledge(&mut witness, &mine, &said);
            assert_eq!(whole(&shared, &mut witness), size + 2, "request {at}");
        }
    }
}

#[test]
fn a_store_that_stays_away_is_told_of() {
    let shared = begun(5);
    let policy = policy();
    let away = std::sync::atomic::AtomicBool::new(false);
    let end =
        FrontEnd::with(&shared, |_, _| if away.load(Ordering::SeqCst) { Fate::NotSent } else { Fate::Done });
    let mut log = open(&end, &policy).unwrap();
    away.store(true, Ordering::SeqCst);
    let failed = append(&mut log, records(5..6));
    assert!(matches!(failed, Err(AppendError::NotReadAgain(_))), "{failed:?}");
    assert!(matches!(append(&mut log, records(5..6)), Err(AppendError::Unusable)));
    away.store(false, Ordering::SeqCst);
    assert_eq!(appended_by(&end, records(5..6)), [Appended::Registered(5)]);
}

#[test]
fn the_same_record_given_to_two_front_ends_is_in_the_log_once() {
    let size = 5;
    for at in 0..requests_of(size) {
        let shared = begun(size);
        let mut witness = Witness::default();
        let statement =
            key_statement(&root_key(), KeyAction::Enrol, &signing(9).public(), vec![Role::Assessor], None);
        let both =
            || vec![records(size..size + 1).remove(0), NewRecord { entry: statement.clone(), content: None }];
        let his = Mutex::new(None);
        let policy = policy();
        let end = FrontEnd::with(&shared, |number, _| {
            if number == at {
                let other = FrontEnd::new(&shared);
                let said = append(&mut open(&other, &policy).unwrap(), both());
                *his.lock().unwrap() = Some(said);
            }
            Fate::Done
        });
        let opened = open(&end, &policy).unwrap();
        let before = opened.size();
        let mut log = opened;
        let said = append(&mut log, both());
        let his = his.lock().unwrap().take().expect("the other one ran");
        match (&said, &his) {
            (Ok(said), Ok(his)) => assert_eq!(said, his, "request {at}"),
            // Whoever opened the log when the key was enrolled learns that before anything is tried.
            (Err(AppendError::NotAllowed(_)), Ok(_)) => assert_eq!(before, size + 2, "request {at}"),
            (Ok(_), Err(AppendError::NotAllowed(_))) => assert_eq!(before, size, "request {at}"),
            _ => panic!("request {at}: {said:?} {his:?}"),
        }
        [said, his].iter().flatten().for_each(|said| acknowledge(&mut witness, &both(), said));
        assert_eq!(whole(&shared, &mut witness), size + 2, "request {at}");
    }
}

/// An erasure of all openings of the registration at `index`, as the data officer says it.
fn erasure(record: &NewRecord, index: u64, officer: &dateline::base::SigningKey) -> (NewRecord, Vec<String>) {
    let opened = record.entry.openings.iter();
    let mut commitments: Vec<String> =
        opened.map(|opening| dateline::attest::Disclosure::parse(opening).unwrap().digest()).collect();
    commitments.sort();
    let entry = stated(officer, |circumstances| {
        let erasure = Erasure {
            entry: index,
            commitments: commitments.clone(),
            original: record.entry.original.filter(|_| record.content.is_some()),
            reason: ErasureReason::Pii,
            recorded_by: circumstances.recorded_by,
            recorded_at: circumstances.recorded_at,
        };
        Draft::erasure(&erasure, circumstances)
    });
    (NewRecord { entry, content: None }, commitments)
}

#[test]
fn what_is_erased_while_a_writer_stands_still_stays_erased() {
    let size = 255;
    let officer = signing(8);
    let enrol =
        key_statement(&root_key(), KeyAction::Enrol, &officer.public(), vec![Role::DataOfficer], None);
    let record = registration(&editor(), 5_000, "", true);
    assert!(!record.entry.openings.is_empty());
    let original = layout::content_path(&record.entry.original.unwrap());
    let mut erased_in_between = 0;
    let requests = requests_of(size);
    for at in 0..requests + 4 {
        let shared = begun(size);
        appended_by(&FrontEnd::new(&shared), vec![NewRecord { entry: enrol.clone(), content: None }]);
        let policy = policy();
        let done = AtomicUsize::new(0);
        let end = FrontEnd::with(&shared, |number, _| {
            if number == at {
                // Finishes what this one committed, if it has, and erases it.
                let other = FrontEnd::new(&shared);
                let mut log = open(&other, &policy).unwrap();
                if let Some(index) = log.find_original(&record.entry.original.unwrap()).unwrap() {
                    let (statement, commitments) = erasure(&record, index, &officer);
                    append(&mut log, vec![statement]).unwrap();
                    shared.delete(&[Key::new(original.clone()).unwrap()]).unwrap();
                    log.change_openings(&[OpeningChange::Erase { entry: index, commitments }]).unwrap();
                    done.fetch_add(1, Ordering::SeqCst);
                }
            }
            Fate::Done
        });
        let said = appended_by(&end, vec![record.clone()]);
        let index = said[0].index();
        drop(end);
        let mut witness = Witness::default();
        whole(&shared, &mut witness);
        let openings = get(&shared, &layout::disclosures_path(index / 256)).unwrap_or_default();
        let there =
            String::from_utf8(openings).unwrap().lines().any(|line| line.starts_with(&format!("{index} ")));
        let erased = done.load(Ordering::SeqCst) > 0;
        assert_eq!(there, !erased, "request {at}: openings");
        assert_eq!(get(&shared, &original).is_some(), !erased, "request {at}: the original");
        erased_in_between += usize::from(erased);
    }
    assert!(erased_in_between > 5, "{erased_in_between}");
}

#[test]
fn what_was_staged_and_never_committed_goes_with_the_next_commit() {
    let size = 5;
    let shared = begun(size);
    let policy = policy();
    let mut mine = records(size..size + 3);
    mine.push(registration(&editor(), 5_000, "", true));
    let dead = FrontEnd::with(&shared, |_, writes| {
        let staged = !shared.list(".local/staged").unwrap().keys.is_empty();
        if writes && staged { Fate::NotSent } else { Fate::Done }
    });
    let failed = append(&mut open(&dead, &policy).unwrap(), mine);
    assert!(failed.is_err(), "{failed:?}");
    assert_eq!(shared.list(".local/staged").unwrap().keys.len(), 1);
    // It leads from a log of five to one of nine; once the log has six it cannot be committed.
    let end = FrontEnd::new(&shared);
    let mut log = open(&end, &policy).unwrap();
    assert_eq!(shared.list(".local/staged").unwrap().keys.len(), 1);
    append(&mut log, records(size..size + 1)).unwrap();
    assert_eq!(shared.list(".local/staged").unwrap().keys, []);
}

#[test]
fn many_at_once_lose_nothing() {
    const ENDS: usize = 4;
    const COMMITS: usize = 12;
    let shared = begun(250);
    let witness = Mutex::new(Witness::default());
    thread::scope(|scope| {
        for number in 0..ENDS {
            let (shared, witness) = (&shared, &witness);
            scope.spawn(move || {
                let policy = policy();
                // One request in sixty fails, in one of the two ways.
                let end = FrontEnd::with(shared, move |request, _| {
                    match drawn(&format!("front end {number} request {request}"), 120) {
                        0 => Fate::NoAnswer,
                        1 => Fate::NotSent,
                        _ => Fate::Done,
                    }
                });
                for commit in 0..COMMITS {
                    let first = (300 + number * COMMITS * 7 + commit * 7) as u64;
                    let mut some = records(first..first + 7);
                    // One that another registers too.
                    some.extend(records(280 + commit as u64..281 + commit as u64));
                    loop {
                        let Ok(mut log) = open(&end, &policy) else { continue };
                        let Ok(said) = append(&mut log, some.clone()) else { continue };
                        let mut witness = witness.lock().unwrap();
                        // Of an original the first is the one that counts, whoever's entry it is.
                        let fresh = some
                            .iter()
                            .zip(&said)
                            .filter(|(_, said)| matches!(said, Appended::Registered(_)));
                        fresh.for_each(|(record, said)| witness.acknowledge(said.index(), record));
                        break;
                    }
                }
            });
        }
    });
    let mut witness = witness.into_inner().unwrap();
    assert_eq!(whole(&shared, &mut witness), (250 + ENDS * COMMITS * 7 + COMMITS) as u64);
}
