//! Every write of a commit fails, twice over: before it took place, and after. Whatever happens, the log goes on as
//! one log.

#![allow(clippy::unwrap_used)]

mod support;

use dateline::log::{AppendError, Appended, COMMITTED, NewRecord, OpenError, STAGING};
use dateline::note::Policy;
use dateline::record::layout;
use dateline::storage::memory::Fault;
use dateline::storage::{FileStore, MemoryStore, Object, Store, StoreError};
use dateline::verify::Verdict;
use support::witness::{Witness, contents, damage_is_found, second_writer_is_refused};
use support::{append, audited, build, copy, editor, key, open, policy, records, registration};

const FAULTS: [Fault; 2] = [Fault::NotApplied, Fault::Applied];

fn copied(from: &dyn Store) -> MemoryStore {
    let to = MemoryStore::default();
    copy(from, &to, "");
    to
}

fn log_of(size: u64) -> MemoryStore {
    let store = MemoryStore::default();
    build(&store, size);
    store
}

/// Makes the `nth` write from now on fail.
fn fail_at(store: &MemoryStore, nth: u64, fault: Fault) {
    store.set_script(move |_, number| if number == nth { fault } else { Fault::None });
}

/// Appends to an open log, holds what it says against what is there, and acknowledges.
fn append_and_check(
    witness: &mut Witness,
    store: &MemoryStore,
    log: &mut dateline::log::Log<'_>,
    records: Vec<NewRecord>,
) {
    let before = log.size();
    let appended = append(log, records.clone()).unwrap();
    let mut next = before;
    for (record, appended) in records.iter().zip(appended) {
        if appended == Appended::Registered(next) {
            next += 1;
            witness.acknowledge(appended.index(), record);
        }
        assert!(appended.index() < next, "{appended:?} at size {next}");
    }
    assert_eq!(log.size(), next);
    assert_eq!(witness.log_is_whole(store), next);
}

/// Opens a log, which must have `size` entries, and appends the two records that follow.
fn open_and_append(witness: &mut Witness, store: &MemoryStore, policy: &Policy, size: u64) {
    let mut log = open(store, policy).unwrap();
    assert_eq!(log.size(), size);
    assert_eq!(witness.log_is_whole(store), size);
    append_and_check(witness, store, &mut log, records(size..size + 2));
}

/// Appends records `from..to` with one fault, and returns the store as the fault left it.
fn broken(
    witness: &mut Witness,
    base: &MemoryStore,
    (from, to): (u64, u64),
    (nth, fault): (u64, Fault),
) -> MemoryStore {
    let (store, policy) = (copied(base), policy());
    witness.log_is_whole(&store);
    let mut log = open(&store, &policy).unwrap();
    fail_at(&store, nth, fault);
    let error = append(&mut log, records(from..to)).unwrap_err();
    store.clear_script();
    let told = match nth {
        0 => matches!(error, AppendError::NotAppended(_)),
        1 => matches!(error, AppendError::Unknown(_)),
        _ => matches!(error, AppendError::Unpublished { first_index, .. } if first_index == from),
    };
    assert!(told, "write {nth} of {from} to {to}: {error:?}");
    let again = append(&mut log, records(to..to + 1));
    assert!(matches!(again, Err(AppendError::Unusable)), "{again:?}");
    witness.readers_see_a_log(&store);
    store
}

fn writes_of(base: &MemoryStore, (from, to): (u64, u64)) -> u64 {
    let (store, policy) = (copied(base), policy());
    let mut log = open(&store, &policy).unwrap();
    store.set_script(|_, _| Fault::None);
    append(&mut log, records(from..to)).unwrap();
    store.clear_script()
}

/// Whether a commit that failed so is in the log.
fn is_committed(nth: u64, fault: Fault) -> bool {
    nth > 1 || (nth == 1 && fault == Fault::Applied)
}

/// Fails each write of one commit in turn.
fn one_fault_at_each_write((from, to): (u64, u64)) {
    let policy = policy();
    let base = log_of(from);
    let writes = writes_of(&base, (from, to));
    assert!(writes >= 5, "only {writes} writes from {from} to {to}");
    for (nth, fault) in (0..writes).flat_map(|nth| FAULTS.map(|fault| (nth, fault))) {
        let mut witness = Witness::default();
        let store = broken(&mut witness, &base, (from, to), (nth, fault));
        let other = copied(&store);
        let mut log = open(&store, &policy).unwrap();
        let expected = if is_committed(nth, fault) { to } else { from };
        assert_eq!(log.size(), expected, "write {nth} {fault:?}");
        assert_eq!(witness.log_is_whole(&store), expected);
        // The same again, and then more.
        append_and_check(&mut witness, &store, &mut log, records(from..to));
        assert_eq!(log.size(), to);
        append_and_check(&mut witness, &store, &mut log, records(from..to + 3));
        assert_eq!(log.size(), to + 3);
        if expected == from {
            // Or something else, of another size.
            let mut witness = Witness::default();
            let mut log = open(&other, &policy).unwrap();
            append_and_check(&mut witness, &other, &mut log, records(to + 5..to + 8));
        }
        if nth % 5 == 0 && fault == Fault::Applied {
            damage_is_found(&store, &format!("{from} {to} {nth}"));
            witness.log_knows_its_entries(&store, &log);
        }
    }
}

#[test]
fn one_fault_inside_a_tile() {
    one_fault_at_each_write((1, 2));
}

#[test]
fn one_fault_up_to_the_border_of_a_tile() {
    one_fault_at_each_write((255, 256));
}

#[test]
fn one_fault_over_the_border_of_a_tile() {
    one_fault_at_each_write((255, 257));
}

#[test]
fn one_fault_from_the_border_of_a_tile() {
    one_fault_at_each_write((256, 257));
}

#[test]
fn one_fault_over_more_than_one_tile() {
    one_fault_at_each_write((300, 600));
}

#[test]
fn a_fault_at_the_first_commit_leaves_no_log_or_a_log_of_one() {
    let policy = policy();
    for (nth, fault) in (0..5).flat_map(|nth| FAULTS.map(|fault| (nth, fault))) {
        let store = MemoryStore::default();
        let mut log = support::create(&store, &policy).unwrap();
        fail_at(&store, nth, fault);
        append(&mut log, records(0..1)).unwrap_err();
        store.clear_script();
        let mut witness = Witness::default();
        if is_committed(nth, fault) {
            assert!(matches!(support::create(&store, &policy), Err(OpenError::Exists)));
            assert_eq!(open(&store, &policy).unwrap().size(), 1);
        } else {
            assert!(matches!(open(&store, &policy), Err(OpenError::NoLog)), "write {nth} {fault:?}");
            append(&mut support::create(&store, &policy).unwrap(), records(0..1)).unwrap();
        }
        open_and_append(&mut witness, &store, &policy, 1);
        assert_eq!(audited(&store).verdict, Verdict::Verified);
    }
}

#[test]
fn a_fault_while_recovering_from_a_fault() {
    let policy = policy();
    for (from, to) in [(1, 2), (255, 257)] {
        let base = log_of(from);
        let writes = writes_of(&base, (from, to));
        for first in (1..writes).flat_map(|nth| FAULTS.map(|fault| (nth, fault))) {
            let mut witness = Witness::default();
            let store = broken(&mut witness, &base, (from, to), first);
            let clean = copied(&store);
            clean.set_script(|_, _| Fault::None);
            open(&clean, &policy).unwrap();
            let recovery = clean.clear_script();
            assert_eq!(recovery > 0, is_committed(first.0, first.1), "{first:?}");
            for second in (0..recovery).flat_map(|nth| FAULTS.map(|fault| (nth, fault))) {
                let (store, mut witness) = (copied(&store), witness.clone());
                fail_at(&store, second.0, second.1);
                let refused = open(&store, &policy).err();
                assert!(matches!(refused, Some(OpenError::Store(_))), "{first:?} {second:?}: {refused:?}");
                store.clear_script();
                witness.readers_see_a_log(&store);
                open_and_append(&mut witness, &store, &policy, to);
            }
        }
    }
}

#[test]
fn an_original_is_registered_once() {
    let (store, policy) = (log_of(5), policy());
    let mut log = open(&store, &policy).unwrap();
    let again = |number, how| registration(&editor(), number, how, false);
    let sent = vec![again(3, "again"), again(900, "first"), again(900, "second"), again(4, "again")];
    let appended = append(&mut log, sent).unwrap();
    let expected = [
        Appended::AlreadyRegistered(3),
        Appended::Registered(5),
        Appended::AlreadyRegistered(5),
        Appended::AlreadyRegistered(4),
    ];
    assert_eq!(appended, expected);
    let before = support::get(&store, layout::CHECKPOINT);
    assert_eq!(append(&mut log, vec![again(900, "third")]).unwrap(), [Appended::AlreadyRegistered(5)]);
    assert_eq!(support::get(&store, layout::CHECKPOINT), before);
    let mut log = open(&store, &policy).unwrap();
    assert_eq!(append(&mut log, vec![again(900, "fourth")]).unwrap(), [Appended::AlreadyRegistered(5)]);
}

#[test]
fn a_staged_bundle_whose_removal_was_lost_does_no_harm() {
    let policy = policy();
    let base = log_of(255);
    let writes = writes_of(&base, (255, 257));
    let mut witness = Witness::default();
    // The last write is the publication: all is done but the cleaning.
    let store = broken(&mut witness, &base, (255, 257), (writes - 1, Fault::Applied));
    let staged = Object { key: key(STAGING), bytes: support::get(&store, STAGING).unwrap() };
    open(&store, &policy).unwrap();
    witness.log_is_whole(&store);
    store.put(std::slice::from_ref(&staged)).unwrap();
    open_and_append(&mut witness, &store, &policy, 257);
    store.put(&[staged]).unwrap();
    open_and_append(&mut witness, &store, &policy, 259);
    assert_eq!(audited(&store).verdict, Verdict::Verified);
}

#[test]
fn a_damaged_staged_bundle_is_no_commit() {
    let policy = policy();
    let mut witness = Witness::default();
    let store = broken(&mut witness, &log_of(3), (3, 5), (0, Fault::Applied));
    let mut bytes = support::get(&store, STAGING).unwrap();
    bytes.pop();
    store.put(&[Object { key: key(STAGING), bytes }]).unwrap();
    open_and_append(&mut witness, &store, &policy, 3);
}

#[test]
fn a_second_writer_is_refused_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = FileStore::writer(folder.path()).unwrap();
    build(&store, 3);
    second_writer_is_refused(&store, || FileStore::writer(folder.path()));
    let before = contents(&store, "");
    let reader = FileStore::reader(folder.path());
    let policy = policy();
    let mut log = open(&reader, &policy).unwrap();
    let refused = append(&mut log, records(3..4));
    let read_only = |error: &StoreError| matches!(error, StoreError::ReadOnly { .. });
    assert!(matches!(&refused, Err(AppendError::NotAppended(error)) if read_only(error)), "{refused:?}");
    assert!(contents(&store, "") == before, "a reader changed something");
}

#[test]
fn a_writer_that_lost_the_race_says_so() {
    let (store, policy) = (log_of(3), policy());
    let mut slow = open(&store, &policy).unwrap();
    append(&mut open(&store, &policy).unwrap(), records(3..5)).unwrap();
    let mut slower = open(&store, &policy).unwrap();
    let raced = append(&mut slow, records(5..6));
    assert!(matches!(raced, Err(AppendError::Raced { size: 3, .. })), "{raced:?}");
    // Also where the other's files lie in the place of ours.
    append(&mut open(&store, &policy).unwrap(), records(5..6)).unwrap();
    let raced = append(&mut slower, records(6..7));
    assert!(matches!(raced, Err(AppendError::Raced { size: 5, .. })), "{raced:?}");
    let mut witness = Witness::default();
    open_and_append(&mut witness, &store, &policy, 6);
}

/// Replaces all that is published by what `other` publishes, and keeps `.local`.
fn pull(store: &MemoryStore, other: &MemoryStore) -> MemoryStore {
    let pulled = MemoryStore::default();
    copy(other, &pulled, ".local");
    for name in [COMMITTED, STAGING] {
        if let Some(bytes) = support::get(store, name) {
            pulled.put(&[Object { key: key(name), bytes }]).unwrap();
        }
    }
    pulled
}

#[test]
fn a_log_that_was_set_back_is_refused() {
    let policy = policy();
    for (old, new) in [(1, 2), (200, 300), (256, 257)] {
        let store = pull(&log_of(new), &log_of(old));
        let refused = open(&store, &policy).err();
        let told = matches!(refused, Some(OpenError::SetBack { published, committed })
            if (published, committed) == (old, new));
        assert!(told, "{refused:?}");
    }
}

/// A log that has other entries than [`log_of`] from index `fork` on.
fn fork_of(fork: u64, size: u64) -> MemoryStore {
    let (store, policy) = (log_of(fork), policy());
    append(&mut open(&store, &policy).unwrap(), records(700 + fork..700 + size)).unwrap();
    store
}

#[test]
fn a_log_that_was_forked_is_refused() {
    let policy = policy();
    for (fork, here, there) in [(1, 2, 2), (1, 2, 300), (255, 257, 257), (100, 270, 300), (299, 300, 600)] {
        let store = pull(&log_of(here), &fork_of(fork, there));
        let refused = open(&store, &policy).err();
        let told = matches!(refused, Some(OpenError::Forked { published, committed })
            if (published, committed) == (there, here));
        assert!(told, "{refused:?}");
    }
}

#[test]
fn a_log_that_was_continued_elsewhere_is_taken_up() {
    let policy = policy();
    let without_local = |size| pull(&MemoryStore::default(), &log_of(size));
    for store in [without_local(1), without_local(300), pull(&log_of(2), &log_of(300))] {
        let size = dateline::verify::LogReader::open(&store, &support::trust()).unwrap().size();
        open_and_append(&mut Witness::default(), &store, &policy, size);
        assert_eq!(audited(&store).verdict, Verdict::Verified);
    }
    for (here, there) in [(1, 2), (255, 256), (200, 600), (256, 512)] {
        for fault in FAULTS {
            let store = pull(&log_of(here), &log_of(there));
            fail_at(&store, 0, fault);
            assert!(matches!(open(&store, &policy), Err(OpenError::Store(_))));
            store.clear_script();
            open_and_append(&mut Witness::default(), &store, &policy, there);
        }
    }
}

#[test]
fn an_interrupted_commit_never_takes_back_what_was_published_elsewhere_since() {
    let policy = policy();
    let base = log_of(254);
    let writes = writes_of(&base, (254, 256));
    for nth in 2..writes {
        let store = broken(&mut Witness::default(), &base, (254, 256), (nth, Fault::Applied));
        // Another copy finished the commit and went on; then it was pulled here, beside the staged bundle.
        let finished = copied(&store);
        open_and_append(&mut Witness::default(), &finished, &policy, 256);
        let pulled = pull(&store, &finished);
        open_and_append(&mut Witness::default(), &pulled, &policy, 258);
        let report = audited(&pulled);
        assert_eq!(report.verdict, Verdict::Verified, "{:?}", report.findings);
    }
    let store = broken(&mut Witness::default(), &base, (254, 256), (2, Fault::NotApplied));
    let refused = open(&pull(&store, &fork_of(255, 258)), &policy).err();
    assert!(matches!(refused, Some(OpenError::Forked { published: 258, committed: 256 })), "{refused:?}");
    let refused = open(&pull(&store, &fork_of(250, 254)), &policy).err();
    assert!(matches!(refused, Some(OpenError::Forked { published: 254, committed: 256 })), "{refused:?}");
    let refused = open(&pull(&store, &log_of(200)), &policy).err();
    assert!(matches!(refused, Some(OpenError::SetBack { published: 200, committed: 256 })), "{refused:?}");
}

#[test]
fn a_key_that_no_root_enrolled_is_not_taken_up_either() {
    let policy = policy();
    let stranger = support::signing(9);
    let himself = support::key_entry(&stranger, dateline::record::KeyAction::Enrol, &stranger.public());
    let entries = [records(0..1).remove(0).entry.into_entry(), himself];
    let store = support::assembled(&entries, support::ORIGIN, &support::log_key());
    let mut log = open(&store, &policy).unwrap();
    assert_eq!(log.state().size(), 2);
    assert_eq!(log.state().key(&stranger.public().key_id()), None);
    let refused = append(&mut log, vec![registration(&stranger, 1, "", false)]);
    assert!(matches!(refused, Err(AppendError::NotAllowed(_))), "{refused:?}");
    let mut log = open(&store, &policy).unwrap();
    let appended = append(&mut log, vec![registration(&editor(), 1, "", false)]).unwrap();
    assert_eq!(appended, [Appended::Registered(2)]);
}

#[test]
fn a_file_in_the_way_is_found_before_anything_is_committed() {
    let policy = policy();
    for path in ["tile/0/000.p/5", "tile/entries/000.p/5"] {
        let store = log_of(4);
        let before = store.get(&key("checkpoint"), 9999).unwrap();
        store.put(&[Object { key: key(path), bytes: b"in the way".to_vec() }]).unwrap();
        let mut log = open(&store, &policy).unwrap();
        let refused = append(&mut log, records(4..5)).err();
        let told = matches!(&refused, Some(AppendError::NotAppended(StoreError::Immutable { key })) if key.as_str() == path);
        assert!(told, "{refused:?}");
        assert_eq!(store.get(&key("checkpoint"), 9999).unwrap(), before);
        store.delete(&[key(path)]).unwrap();
        open_and_append(&mut Witness::default(), &store, &policy, 4);
    }
}
