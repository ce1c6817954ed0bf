//! The index that is kept beside a log: what it answers, that it grows into what would be made anew, and that one that does
//! not fit is made anew.

#![allow(clippy::unwrap_used)]

mod support;

use dateline::base::Hash;
use dateline::log::{Appended, Log, NewRecord, OpenError};
use dateline::record::{KeyAction, Kind};
use dateline::storage::{Key, MemoryStore, Object, Store, StoreError};
use support::witness::index_of;
use support::{
    append, build, copy, create, editor, editor_key, get, key, open, policy, records, registration, root_key,
    signing,
};

const INDEX: &str = ".local/index";

fn remove_index(store: &dyn Store) {
    store.delete(&index_of(store).into_keys().collect::<Vec<_>>()).unwrap();
}

fn put(store: &dyn Store, name: &str, bytes: Vec<u8>) {
    store.put(&[Object { key: key(name), bytes }]).unwrap();
}

/// Checks that a log answers for each of `records`, and for no other.
fn answers(log: &Log<'_>, records: &[NewRecord]) {
    assert_eq!(log.size(), records.len() as u64);
    for (index, record) in (0..).zip(records) {
        if let Some(original) = record.entry.original {
            assert_eq!(log.find_original(&original).unwrap(), Some(index));
        }
        assert_eq!(log.find_original(&Hash::of(format!("never {index}").as_bytes())).unwrap(), None);
    }
}

#[test]
fn an_index_grows_into_what_is_made_anew() {
    let (store, policy) = (MemoryStore::default(), policy());
    let mut log = create(&store, &policy).unwrap();
    let mut next = 0;
    for end in [1, 255, 256, 257, 511, 512, 513, 800, 1_023, 1_025, 1_300] {
        append(&mut log, records(next..end)).unwrap();
        next = end;
        answers(&log, &records(0..end));

        let other = MemoryStore::default();
        copy(&store, &other, "");
        remove_index(&other);
        answers(&open(&other, &policy).unwrap(), &records(0..end));
        assert_eq!(index_of(&store), index_of(&other), "at {end}");
        // And a writer that comes now goes on with what it finds.
        log = open(&store, &policy).unwrap();
        answers(&log, &records(0..end));
    }
    let names: Vec<String> = index_of(&store).keys().map(Key::to_string).collect();
    assert_eq!(names, [INDEX, ".local/originals/0/4", ".local/originals/1/0"]);
}

#[test]
fn a_log_is_opened_without_reading_its_entries() {
    let (store, policy) = (MemoryStore::default(), policy());
    build(&store, 1_300);
    let full = ["000", "001", "002", "003", "004"].map(|number| key(&format!("tile/entries/{number}")));
    store.delete(&full).unwrap();
    answers(&open(&store, &policy).unwrap(), &records(0..1_300));
    remove_index(&store);
    let opened = open(&store, &policy).map(drop);
    assert!(matches!(&opened, Err(OpenError::Missing { path }) if path == "tile/entries/000"), "{opened:?}");
}

#[test]
fn what_was_registered_is_known_in_every_later_session() {
    let (store, policy) = (MemoryStore::default(), policy());
    build(&store, 600);
    let again = |number: usize| registration(&editor(), number, "again", false);
    let mut log = open(&store, &policy).unwrap();
    let mut sent = vec![again(3), again(590), again(700), again(700)];
    sent.extend(records(701..1_100));
    let appended = append(&mut log, sent).unwrap();
    let expected = [
        Appended::AlreadyRegistered(3),
        Appended::AlreadyRegistered(590),
        Appended::Registered(600),
        Appended::AlreadyRegistered(600),
    ];
    assert_eq!(appended[..4], expected);
    let mut log = open(&store, &policy).unwrap();
    let appended = append(&mut log, vec![again(3), again(700), again(1_099), again(1_200)]).unwrap();
    let expected = [
        Appended::AlreadyRegistered(3),
        Appended::AlreadyRegistered(600),
        Appended::AlreadyRegistered(999),
        Appended::Registered(1_000),
    ];
    assert_eq!(appended, expected);
}

#[test]
fn an_index_that_does_not_fit_is_made_anew() {
    let (store, policy) = (MemoryStore::default(), policy());
    build(&store, 1_300);
    let expected = index_of(&store);
    let another = MemoryStore::default();
    let mut log = create(&another, &policy).unwrap();
    append(&mut log, records(0..1)).unwrap();
    append(&mut log, (2_000..3_300).map(|n| registration(&editor(), n, "", false)).collect()).unwrap();
    let shorter = MemoryStore::default();
    build(&shorter, 700);

    let text = String::from_utf8(get(&store, INDEX).unwrap()).unwrap();
    let changed = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1).into_bytes()
    };
    let run = ".local/originals/1/0";
    let bytes = get(&store, run).unwrap();
    let damages: [(&str, &dyn Fn()); 13] = [
        ("nothing", &|| {}),
        ("gone", &|| remove_index(&store)),
        ("no index", &|| store.delete(&[key(INDEX)]).unwrap()),
        ("a run is missing", &|| store.delete(&[key(run)]).unwrap()),
        ("a run is cut short", &|| put(&store, run, bytes[..bytes.len() - 40].to_vec())),
        ("a run goes on", &|| put(&store, run, [&bytes[..], &[7; 40]].concat())),
        ("no JSON", &|| put(&store, INDEX, b"{".to_vec())),
        ("another format", &|| put(&store, INDEX, changed("index/1", "index/2"))),
        ("another size", &|| put(&store, INDEX, changed(r#""size":1280"#, r#""size":1024"#))),
        ("half a bundle", &|| put(&store, INDEX, changed(r#""size":1280"#, r#""size":1281"#))),
        ("of a log to come", &|| put(&store, INDEX, changed(r#""size":1280"#, r#""size":2560"#))),
        ("a statement that is none", &|| put(&store, INDEX, changed(r#""entry":""#, r#""entry":"-"#))),
        ("of another log", &|| {
            remove_index(&store);
            for (key, bytes) in index_of(&another) {
                store.put(&[Object { key, bytes }]).unwrap();
            }
        }),
    ];
    for (what, damage) in damages {
        damage();
        answers(&open(&store, &policy).unwrap(), &records(0..1_300));
        assert_eq!(index_of(&store), expected, "{what}");
    }
    // One that is behind is brought up to date.
    remove_index(&store);
    for (key, bytes) in index_of(&shorter) {
        store.put(&[Object { key, bytes }]).unwrap();
    }
    answers(&open(&store, &policy).unwrap(), &records(0..1_300));
    assert_eq!(index_of(&store), expected);
}

#[test]
fn a_run_that_is_damaged_meanwhile_is_named() {
    let (store, policy) = (MemoryStore::default(), policy());
    build(&store, 1_300);
    let mut log = open(&store, &policy).unwrap();
    put(&store, ".local/originals/1/0", Vec::new());
    let found = log.find_original(&records(5..6)[0].entry.original.unwrap());
    assert!(matches!(found, Err(StoreError::CutShort { .. })), "{found:?}");
    let refused = append(&mut log, vec![registration(&editor(), 5_000, "", false)]).unwrap_err();
    assert_eq!(refused.to_string(), "nothing was appended");
    answers(&open(&store, &policy).unwrap(), &records(0..1_300));
}

#[test]
fn who_may_sign_follows_from_what_is_kept() {
    let (store, policy) = (MemoryStore::default(), policy());
    build(&store, 300);
    let second = signing(5);
    let about = |action, by: &dateline::base::SigningKey| NewRecord {
        entry: editor_key(&root_key(), action, &by.public()),
        content: None,
    };
    let mut log = open(&store, &policy).unwrap();
    append(&mut log, vec![about(KeyAction::Enrol, &second)]).unwrap();
    append(&mut log, records(301..900)).unwrap();
    append(&mut log, vec![about(KeyAction::Revoke, &editor())]).unwrap();
    let by_second = (1_000..1_300).map(|number| registration(&second, number, "", false)).collect();
    append(&mut log, by_second).unwrap();

    let expected: Vec<_> = log.state().keys().map(|(id, state)| (*id, state.clone())).collect();
    assert_eq!(expected.len(), 2);
    for made_anew in [false, true] {
        if made_anew {
            remove_index(&store);
        }
        let log = open(&store, &policy).unwrap();
        let found: Vec<_> = log.state().keys().map(|(id, state)| (*id, state.clone())).collect();
        assert_eq!(found, expected);
        assert_eq!(log.state().size(), log.size());
        assert!(log.state().authorise(&second.public().key_id(), Kind::Registration).is_ok());
        assert!(log.state().authorise(&editor().public().key_id(), Kind::Registration).is_err());
    }
}

#[test]
fn a_log_that_was_continued_elsewhere_is_caught_up_with() {
    let (here, there, policy) = (MemoryStore::default(), MemoryStore::default(), policy());
    build(&here, 300);
    copy(&here, &there, ".local/");
    let mut log = open(&there, &policy).unwrap();
    append(&mut log, records(300..1_100)).unwrap();
    // The published files come back, as by git; what is in `.local` stays as it was.
    copy(&there, &here, ".local/");
    answers(&open(&here, &policy).unwrap(), &records(0..1_100));
    assert_eq!(index_of(&here), index_of(&there));
}
