//! A log that is let go and taken up again goes on as one that was opened anew, and is opened anew where anything changed.

#![allow(clippy::unwrap_used)]

mod support;

use dateline::attest::Disclosure;
use dateline::base::encoding::to_base64;
use dateline::log::{ASIDE, Appended, COMMITTED, Log, OpeningChange, Resting, STAGING};
use dateline::note::{Note, Policy};
use dateline::record::DisclosureFile;
use dateline::storage::{FileStore, MemoryStore, Object, Store};
use support::witness::contents;
use support::{
    append, audited, build, create, editor, get, key, log_key, open, policy, records, registration,
};

fn put(store: &dyn Store, name: &str, bytes: Vec<u8>) {
    store.put(&[Object { key: key(name), bytes }]).unwrap();
}

fn resumed<'a>(store: &'a dyn Store, policy: &'a Policy, resting: Resting) -> Option<Log<'a>> {
    Log::resume(store, policy, resting).unwrap()
}

#[test]
fn it_goes_on_as_one_that_was_opened() {
    goes_on(&MemoryStore::default(), &MemoryStore::default());
    // Where what is appended to was put aside and moved.
    let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let [one, other] = [0, 1].map(|which: usize| FileStore::writer(folders[which].path()).unwrap());
    goes_on(&one, &other);
}

fn goes_on(one: &dyn Store, other: &dyn Store) {
    let policy = policy();
    let again = |number: usize| registration(&editor(), number, "again", false);
    let mut log = create(one, &policy).unwrap();
    let mut next = 0;
    for end in [1, 2, 3, 255, 256, 257, 400, 512, 513, 1_023, 1_024, 1_025, 1_300] {
        let mut anew = if next == 0 { create(other, &policy) } else { open(other, &policy) }.unwrap();
        // Documents that are there: from long ago, from the last bundle, from the commit itself.
        let known = [3, 254, 300, end as usize - 1].map(again);
        let sent = || {
            let mut sent = records(next..end);
            sent.extend(known.iter().filter(|_| end > 300).cloned());
            sent
        };
        let appended = append(&mut log, sent()).unwrap();
        assert_eq!(appended, append(&mut anew, sent()).unwrap(), "at {end}");
        if end > 300 {
            let found = &appended[(end - next) as usize..];
            assert_eq!(found, [3, 254, 300, end - 1].map(Appended::AlreadyRegistered), "at {end}");
        }
        assert!(contents(one, "") == contents(other, ""), "at {end}");
        log = resumed(one, &policy, log.rest().unwrap()).unwrap();
        next = end;
    }
    assert!(audited(one).findings.is_empty());
}

/// A change of a store.
type Change<'c> = &'c dyn Fn(&dyn Store);

#[test]
fn what_anybody_changed_is_read_anew() {
    let policy = policy();
    let cosigned = |store: &dyn Store| {
        let text = String::from_utf8(get(store, "checkpoint").unwrap()).unwrap();
        let line = format!("\u{2014} witness.example.org {}\n", to_base64(&[7; 80]));
        let cosigned = (text + &line).into_bytes();
        Note::parse(&cosigned).unwrap();
        put(store, "checkpoint", cosigned);
    };
    let shorter = |store: &dyn Store| {
        let other = MemoryStore::default();
        build(&other, 5);
        for name in [COMMITTED, "checkpoint"] {
            put(store, name, get(&other, name).unwrap());
        }
    };
    let changes: [(&str, Change<'_>, bool); 9] = [
        ("nothing", &|_| {}, true),
        (
            "another writer was there",
            &|store| drop(append(&mut open(store, &policy).unwrap(), records(600..601)).unwrap()),
            false,
        ),
        ("it was cosigned", &cosigned, false),
        ("it was set back", &shorter, false),
        ("nothing is published", &|store| store.delete(&[key("checkpoint")]).unwrap(), false),
        ("nothing is committed", &|store| store.delete(&[key(COMMITTED)]).unwrap(), false),
        ("a commit was staged", &|store| put(store, STAGING, b"half".to_vec()), false),
        ("something was put aside", &|store| put(store, &format!("{ASIDE}/x"), b"half".to_vec()), false),
        ("a file was made nearby", &|store| put(store, ".local/other", b"x".to_vec()), true),
    ];
    for (what, change, goes_on) in changes {
        let store = MemoryStore::default();
        build(&store, 600);
        let resting = open(&store, &policy).unwrap().rest().unwrap();
        change(&store);
        assert_eq!(resumed(&store, &policy, resting).is_some(), goes_on, "{what}");
    }
}

#[test]
fn what_was_erased_meanwhile_does_not_come_back() {
    let (store, policy) = (MemoryStore::default(), policy());
    build(&store, 600);
    let mut log = open(&store, &policy).unwrap();
    append(&mut log, records(600..601)).unwrap();
    let resting = log.rest().unwrap();

    let file = || DisclosureFile::parse(2, &get(&store, "disclosures/002").unwrap()).unwrap();
    let openings = file().of_entry(599).to_vec();
    assert!(!openings.is_empty());
    let commitments = openings.iter().map(|opening| Disclosure::parse(opening).unwrap().digest());
    let erasure = OpeningChange::Erase { entry: 599, commitments: commitments.collect() };
    open(&store, &policy).unwrap().change_openings(&[erasure]).unwrap();
    assert!(file().of_entry(599).is_empty());

    let mut log = resumed(&store, &policy, resting).expect("no checkpoint was changed");
    append(&mut log, records(601..602)).unwrap();
    assert!(file().of_entry(599).is_empty());
    assert!(!file().of_entry(601).is_empty());
}

#[test]
fn what_is_not_known_for_sure_is_not_kept() {
    let (store, policy) = (MemoryStore::default(), policy());
    build(&store, 3);
    let sign = &mut |text: &[u8]| Ok(log_key().sign(text));
    let mut log = open(&store, &policy).unwrap();
    log.append_uncleaned(records(3..4), sign).unwrap();
    assert!(log.rest().is_none(), "what the last commit left is still there");
    let mut log = open(&store, &policy).unwrap();
    log.append_uncleaned(records(4..5), sign).unwrap();
    log.clean().unwrap();
    assert!(log.rest().is_some());
    let mut log = open(&store, &policy).unwrap();
    let mut record = records(5..6).remove(0);
    record.content = Some(b"another document".to_vec());
    append(&mut log, vec![record]).unwrap_err();
    assert!(log.rest().is_none(), "an append failed");
    // An empty log that was never written is nothing to go on from.
    let nothing = MemoryStore::default();
    let resting = create(&nothing, &policy).unwrap().rest().unwrap();
    assert!(resumed(&nothing, &policy, resting).is_none());
}

#[test]
fn an_index_that_went_meanwhile_is_told() {
    let (store, policy) = (MemoryStore::default(), policy());
    build(&store, 600);
    let resting = open(&store, &policy).unwrap().rest().unwrap();
    let runs = store.list(".local/originals").unwrap().keys;
    assert!(!runs.is_empty());
    store.delete(&runs).unwrap();
    let mut log = resumed(&store, &policy, resting).unwrap();
    // Nothing is taken for new that may be there; opened anew the log has its index again.
    append(&mut log, vec![registration(&editor(), 3, "again", false)]).unwrap_err();
    let again = append(&mut open(&store, &policy).unwrap(), vec![registration(&editor(), 3, "again", false)]);
    assert_eq!(again.unwrap(), [Appended::AlreadyRegistered(3)]);
}
