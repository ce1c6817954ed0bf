//! Appends, duplicates, faults and crashes in any order, against a list in memory.

#![allow(clippy::unwrap_used)]

mod support;

use dateline::log::{AppendError, Appended, NewRecord};
use dateline::storage::memory::Fault;
use dateline::storage::{FileStore, MemoryStore};
use dateline::verify::Verdict;
use proptest::prelude::*;
use support::{Witness, append, audited, build, copy, editor, open, policy, records, registration};

#[derive(Debug, Clone)]
enum Step {
    /// Appends so many new records.
    Append(u64),
    /// Appends an original of the log again, then one new record, then that again.
    Duplicate(prop::sample::Index),
    /// Appends so many new records while a write fails, and drops the writer.
    Fault(u64, u64, Fault),
    /// Drops the writer and opens the log again.
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let fault = prop_oneof![Just(Fault::NotApplied), Just(Fault::Applied)];
    prop_oneof![
        3 => prop_oneof![1..4u64, 1..130u64].prop_map(Step::Append),
        2 => any::<prop::sample::Index>().prop_map(Step::Duplicate),
        4 => (1..130u64, 0..12u64, fault).prop_map(|(count, nth, fault)| Step::Fault(count, nth, fault)),
        1 => Just(Step::Reopen),
    ]
}

/// Runs steps on a log of one entry, and returns the store.
fn run(steps: Vec<Step>) -> MemoryStore {
    let (store, policy) = (MemoryStore::default(), policy());
    build(&store, 1);
    let mut witness = Witness::default();
    // What the log must hold; record n of the source is used once.
    let mut model: Vec<(usize, NewRecord)> = vec![(0, records(0..1).remove(0))];
    let mut used = 1;
    let mut log = open(&store, &policy).unwrap();
    for step in steps {
        let size = model.len() as u64;
        let mut fresh = |count: u64| -> Vec<(usize, NewRecord)> {
            let from = used;
            used += count;
            (from as usize..).zip(records(from..used)).collect()
        };
        let bare = |some: &[(usize, NewRecord)]| some.iter().map(|(_, record)| record.clone()).collect();
        match step {
            Step::Append(count) => {
                let some = fresh(count);
                let appended = append(&mut log, bare(&some)).unwrap();
                let expected: Vec<_> = (size..size + count).map(Appended::Registered).collect();
                assert_eq!(appended, expected);
                model.extend(some);
            }
            Step::Duplicate(which) => {
                let again = |number| registration(&editor(), number, "again", false);
                let index = which.index(model.len());
                let old = (index > 0).then(|| again(model[index].0));
                let some = fresh(1);
                let mut sent: Vec<NewRecord> = old.clone().into_iter().collect();
                sent.extend([some[0].1.clone(), again(some[0].0)]);
                let mut expected: Vec<_> =
                    old.iter().map(|_| Appended::AlreadyRegistered(index as u64)).collect();
                expected.extend([Appended::Registered(size), Appended::AlreadyRegistered(size)]);
                assert_eq!(append(&mut log, sent).unwrap(), expected);
                model.extend(some);
            }
            Step::Fault(count, nth, fault) => {
                let some = fresh(count);
                store.set_script(move |_, number| if number == nth { fault } else { Fault::None });
                let result = append(&mut log, bare(&some));
                store.clear_script();
                witness.readers_see_a_log(&store);
                log = open(&store, &policy).unwrap();
                let committed = match result {
                    Ok(_) | Err(AppendError::Unpublished { .. }) => true,
                    Err(AppendError::NotAppended(_)) => false,
                    Err(AppendError::Unknown(_)) => fault == Fault::Applied,
                    Err(error) => panic!("{error:?}"),
                };
                if committed {
                    model.extend(some);
                }
            }
            Step::Reopen => log = open(&store, &policy).unwrap(),
        }
        assert_eq!(log.size(), model.len() as u64);
        for (index, (_, record)) in (0..).zip(&model) {
            witness.acknowledge(index, record);
        }
        assert_eq!(witness.log_is_whole(&store), model.len() as u64);
    }
    store
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_log_is_a_list(steps in prop::collection::vec(step(), 1..9)) {
        let store = run(steps);
        let report = audited(&store);
        assert_eq!(report.verdict, Verdict::Verified, "{:?}", report.findings);
    }
}

#[test]
fn a_log_in_memory_is_the_same_log_on_disk() {
    let (memory, folder) = (MemoryStore::default(), tempfile::tempdir().unwrap());
    let files = FileStore::writer(folder.path()).unwrap();
    build(&memory, 260);
    build(&files, 260);
    let (copy_of_files, copy_of_memory) = (MemoryStore::default(), MemoryStore::default());
    copy(&files, &copy_of_files, ".local/");
    copy(&memory, &copy_of_memory, ".local/");
    let listed = dateline::storage::Store::list(&copy_of_files, "").unwrap();
    assert_eq!(listed, dateline::storage::Store::list(&copy_of_memory, "").unwrap());
    for key in listed.keys {
        let name = key.as_str();
        assert_eq!(support::get(&copy_of_files, name), support::get(&copy_of_memory, name), "{name}");
    }
}
