//! What an auditor remembers: the next audit is quicker, and no less strict; a log that does not only grow is convicted
//! by a file that anyone can check.
#![allow(clippy::unwrap_used)]

mod support;

use dateline::base::Hash;
use dateline::base::encoding::to_base64;
use dateline::note::{KeyName, Policy, VerifierKey};
use dateline::record::{NewEntry, NoticeKind, Pending, RecordRef, Role, layout};
use dateline::storage::{MemoryStore, Object, Store};
use dateline::verify::{
    Audited, Code, Contradiction, Evidence, EvidenceError, Extent, Memory, Severity, Trust, Verdict,
    audit_since, log_of,
};
use serde_json::Value;
use support::statements::{enrolled, notes, notice};
use support::{
    ORIGIN, append, assembled, build, copy, editor, enrolment, get, key, log_key, open, policy, records,
    registration, signing, trust, vkey_of,
};

fn audited(store: &dyn Store, memory: Option<&Memory>) -> Audited {
    audit_since(store, &trust(), memory, &|_, _| {}).unwrap()
}

/// A log of 600 entries, and what the first audit of it leaves behind.
fn remembered() -> (MemoryStore, Memory) {
    let store = MemoryStore::default();
    build(&store, 600);
    let first = audited(&store, None);
    assert_eq!(first.report.verdict, Verdict::Verified, "{:?}", first.report.findings);
    assert_eq!(first.report.remembered, None);
    assert!(first.report.not_checked.iter().any(|what| what.contains("only grew")), "{first:?}");
    (store, first.memory.unwrap())
}

fn put(store: &dyn Store, name: &str, bytes: Vec<u8>) {
    store.put(&[Object { key: key(name), bytes }]).unwrap();
}

fn codes(audited: &Audited) -> Vec<Code> {
    let mut codes: Vec<Code> = audited.report.findings.iter().map(|finding| finding.code).collect();
    codes.dedup();
    codes
}

#[test]
fn what_was_checked_is_compared_and_what_is_new_is_checked() {
    let (store, memory) = remembered();
    let again = audited(&store, Some(&memory));
    assert_eq!(again.report.verdict, Verdict::Verified, "{:?}", again.report.findings);
    let what = again.report.remembered.unwrap();
    assert_eq!((what.size, what.extends, what.compared), (600, Some(true), 512));
    assert_eq!((again.report.counts.entries, again.report.counts.signatures), (600, 600 - 512));
    assert_eq!(again.report.counts.tiles, audited(&store, None).report.counts.tiles);
    assert_eq!(again.memory.as_ref(), Some(&memory), "nothing has changed");
    let told = again.report.not_checked.iter().any(|what| what.contains("entries 0 to 511"));
    assert!(told, "{:?}", again.report.not_checked);

    let policy = policy();
    append(&mut open(&store, &policy).unwrap(), records(600..900)).unwrap();
    let grown = audited(&store, Some(&memory));
    assert_eq!(grown.report.verdict, Verdict::Verified, "{:?}", grown.report.findings);
    let what = grown.report.remembered.unwrap();
    assert_eq!((what.size, what.extends, what.compared), (600, Some(true), 512));
    assert_eq!((grown.report.counts.entries, grown.report.counts.signatures), (900, 900 - 512));
    let memory = grown.memory.unwrap();
    let last = audited(&store, Some(&memory));
    assert_eq!(last.report.remembered.unwrap().compared, 768);

    // What the two ways leave behind is the same.
    assert_eq!(audited(&store, None).memory.unwrap(), memory);
    let full = audited(&store, Some(&memory.clone().without_prefix()));
    assert_eq!(full.report.remembered.unwrap().compared, 0);
    assert_eq!(full.report.counts.signatures, 900);
    assert_eq!(full.memory.unwrap(), memory);
}

#[test]
fn nothing_that_is_changed_below_a_remembered_prefix_goes_unnoticed() {
    let (store, memory) = remembered();
    let originals: Vec<String> =
        store.list("content").unwrap().keys.iter().map(ToString::to_string).collect();
    assert!(!originals.is_empty());
    let names = ["tile/entries/000", "tile/0/001", "tile/1/000.p/2", "disclosures/000", "disclosures/001"];
    for name in names {
        let damaged = MemoryStore::default();
        copy(&store, &damaged, name);
        let without = audited(&damaged, Some(&memory));
        assert_eq!(without.report.verdict, Verdict::Unverifiable, "{name} removed: {:?}", codes(&without));
        assert_eq!(without.report.findings, audited(&damaged, None).report.findings, "{name} removed");
        let mut bytes = get(&store, name).unwrap();
        let at = bytes.len() / 2;
        bytes[at] ^= 1;
        put(&damaged, name, bytes);
        let flipped = audited(&damaged, Some(&memory));
        assert_eq!(flipped.report.verdict, Verdict::Invalid, "{name} changed");
        assert_eq!(flipped.report.findings, audited(&damaged, None).report.findings, "{name} changed");
        assert_eq!(flipped.report.remembered.unwrap().compared, 0, "{name}");
        assert_eq!(flipped.memory, None, "{name}: what was accepted stays remembered");
    }
    let damaged = MemoryStore::default();
    copy(&store, &damaged, &originals[0]);
    let without = audited(&damaged, Some(&memory));
    assert_eq!(codes(&without), [Code::OriginalMissing]);
    // A stray is told each time, and costs no more than that.
    put(&store, &layout::content_path(&Hash::of(b"stray")), b"stray".to_vec());
    for memory in [Some(&memory), None] {
        let stray = audited(&store, memory);
        assert_eq!((codes(&stray), stray.report.verdict), (vec![Code::Stray], Verdict::Verified));
        assert_eq!(audited(&store, stray.memory.as_ref()).report.findings.len(), 1);
    }
}

#[test]
fn what_could_not_be_checked_is_not_remembered_as_checked() {
    let (store, _) = remembered();
    let damaged = MemoryStore::default();
    copy(&store, &damaged, store.list("content").unwrap().keys[0].as_str());
    let mut memory = None;
    for _ in 0..3 {
        let found = audited(&damaged, memory.as_ref());
        assert_eq!(codes(&found), [Code::OriginalMissing]);
        assert_eq!(found.report.counts.signatures, 600);
        memory = found.memory;
        assert!(memory.is_some(), "its checkpoint was accepted");
    }
}

/// What is kept of a prefix, or nothing.
fn prefix_of(memory: &Memory) -> Value {
    serde_json::from_slice::<Value>(&memory.format()).unwrap()["prefix"].clone()
}

#[test]
fn of_a_log_without_a_whole_bundle_the_checkpoint_alone_is_remembered() {
    for (size, checked) in [(1, Value::Null), (255, Value::Null), (256, 256.into()), (257, 256.into())] {
        let memory = audited(&assembled(&entries(size), ORIGIN, &log_key()), None).memory.unwrap();
        assert_eq!(prefix_of(&memory)["size"], checked, "{size}");
    }
}

#[test]
fn statements_about_keys_are_read_again_wherever_they_lie_in_a_bundle() {
    let mut log = entries(600);
    let enrols = [255, 256, 511, 512].map(|index: usize| (index, signing((index % 200) as u8)));
    for (index, key) in &enrols {
        log[*index] = enrolled(key, Role::Editor);
    }
    // What those keys sign lies beyond what is compared.
    for (place, (_, key)) in (590..).zip(&enrols) {
        log[place] = registration(key, place, "", false).entry.into_entry();
    }
    let three = RecordRef { record: 3, original: log[3].original.unwrap() };
    log[10] = notes(notice(three, NoticeKind::Correction));
    let store = assembled(&log, ORIGIN, &log_key());
    let first = audited(&store, None);
    assert_eq!(first.report.verdict, Verdict::Verified, "{:?}", first.report.findings);
    let memory = first.memory.unwrap();
    assert_eq!(prefix_of(&memory)["keys"], serde_json::json!([0, 255, 256, 511]));
    for memory in [memory.clone(), memory.clone().tiles_alone()] {
        let again = audited(&store, Some(&memory));
        assert_eq!(again.report.verdict, Verdict::Verified, "{:?}", again.report.findings);
        assert_eq!(again.report.remembered.unwrap().compared, 512);
        assert_eq!(again.report.counts.signatures, 600 - 512);
    }
    // Where something else lies, or one is named twice, or none can be, all is checked again.
    for keys in ["[0,10,255,256,511]", "[0,5,255,256,511]", "[0,0,255,256,511]", "[511,256,255,0]"] {
        let text = String::from_utf8(memory.format()).unwrap().replace("[0,255,256,511]", keys);
        let again = audited(&store, Some(&Memory::parse(text.as_bytes()).unwrap()));
        assert_eq!(again.report.verdict, Verdict::Verified, "{keys}: {:?}", again.report.findings);
        assert_eq!(again.report.remembered.unwrap().compared, 0, "{keys}");
    }
}

#[test]
fn a_changed_original_below_a_prefix_is_found_by_a_full_audit_and_said_not_to_be_checked_before() {
    let (store, memory) = remembered();
    let name = store.list("content").unwrap().keys[0].to_string();
    let damaged = MemoryStore::default();
    copy(&store, &damaged, &name);
    let mut bytes = get(&store, &name).unwrap();
    bytes[3] ^= 1;
    put(&damaged, &name, bytes);
    let store = damaged;
    let quick = audited(&store, Some(&memory));
    assert_eq!(quick.report.verdict, Verdict::Verified);
    assert!(quick.report.not_checked[0].contains("stored originals"), "{:?}", quick.report.not_checked);
    let full = audited(&store, Some(&memory.without_prefix()));
    assert_eq!(codes(&full), [Code::OriginalChanged]);
}

#[test]
fn by_tiles_alone_what_was_checked_is_not_read_and_any_other_history_is_found() {
    let (store, memory) = remembered();
    let quick = memory.clone().tiles_alone();
    let policy = policy();
    append(&mut open(&store, &policy).unwrap(), records(600..900)).unwrap();
    // The keys were enrolled in the first bundle, so that is read; nothing is asked of the second.
    let part = MemoryStore::default();
    copy(&store, &part, "tile/entries/001");
    part.delete(&[key("disclosures/000"), key("disclosures/001")]).unwrap();
    let grown = audited(&part, Some(&quick));
    assert_eq!(grown.report.verdict, Verdict::Verified, "{:?}", grown.report.findings);
    let what = grown.report.remembered.unwrap();
    assert_eq!((what.size, what.extends, what.compared, what.tiles_alone), (600, Some(true), 512, true));
    assert_eq!((grown.report.counts.entries, grown.report.counts.signatures), (900 - 256, 900 - 512));
    let told =
        |audited: &Audited| audited.report.not_checked[0].starts_with("whether entries 0 to 511 and their");
    assert!(told(&grown), "{:?}", grown.report.not_checked);

    // What it leaves behind is what any other audit of the whole log does, and finds what is gone.
    let after = grown.memory.unwrap();
    assert_eq!(after, audited(&store, None).memory.unwrap());
    let all = audited(&part, Some(&after));
    assert_eq!(all.report.verdict, Verdict::Unverifiable);
    assert!(codes(&all).contains(&Code::FileMissing), "{:?}", codes(&all));

    // A tile that is gone or was changed makes it check everything.
    for changed in [false, true] {
        let damaged = MemoryStore::default();
        copy(&store, &damaged, "tile/0/001");
        if changed {
            let mut bytes = get(&store, "tile/0/001").unwrap();
            bytes[40] ^= 1;
            put(&damaged, "tile/0/001", bytes);
        }
        let found = audited(&damaged, Some(&quick));
        assert_eq!(found.report.findings, audited(&damaged, None).report.findings);
        assert!(!found.report.findings.is_empty());
        let what = found.report.remembered.unwrap();
        assert_eq!((what.compared, what.tiles_alone), (0, false));
        assert!(!told(&found), "{:?}", found.report.not_checked);
    }
}

#[test]
fn another_judge_checks_everything_again() {
    let (store, memory) = remembered();
    let mut others = trust();
    others.roots.push(signing(9).public());
    let again = audit_since(&store, &others, Some(&memory), &|_, _| {}).unwrap();
    assert_eq!(again.report.verdict, Verdict::Verified);
    assert_eq!(again.report.remembered.unwrap().compared, 0);
    // A memory of another log says nothing of this one.
    let other = assembled(&entries(3), "example.org/other", &signing(8));
    let mut both = trust();
    let lines = format!(
        "log {}\nlog {}\nquorum none\n",
        vkey_of(ORIGIN, &log_key()),
        vkey_of("example.org/other", &signing(8))
    );
    both.policy = Policy::parse(lines.as_bytes()).unwrap();
    let first = audit_since(&other, &both, Some(&memory), &|_, _| {}).unwrap();
    assert_eq!((first.report.verdict, first.report.remembered), (Verdict::Verified, None));
    let note = get(&other, layout::CHECKPOINT).unwrap();
    assert_eq!(log_of(&note, &both.policy), Some(vkey_of("example.org/other", &signing(8))));
    assert_eq!(log_of(&note, &policy()), None);
}

/// The entries of a log of `size`; from `differs` on they are others.
fn history(size: usize, differs: usize) -> Vec<NewEntry> {
    let record =
        |number| registration(&editor(), number, if number >= differs { "again" } else { "" }, false);
    std::iter::once(enrolment())
        .chain((1..size).map(record))
        .map(|record| record.entry.into_entry())
        .collect()
}

fn entries(size: usize) -> Vec<NewEntry> {
    history(size, usize::MAX)
}

/// Audits the first log, then the second with what that left.
fn one_then_other(first: &[NewEntry], second: &[NewEntry]) -> (Memory, Audited) {
    let first = audited(&assembled(first, ORIGIN, &log_key()), None);
    assert_eq!(first.report.verdict, Verdict::Verified, "{:?}", first.report.findings);
    let memory = first.memory.unwrap();
    let second = audited(&assembled(second, ORIGIN, &log_key()), Some(&memory));
    (memory, second)
}

#[test]
fn a_log_that_does_not_only_grow_is_convicted() {
    let cases = [
        (entries(7), entries(5), Code::RolledBack, Contradiction::RolledBack),
        (entries(5), history(5, 3), Code::Forked, Contradiction::Forked),
        (entries(5), history(9, 3), Code::PrefixRewritten, Contradiction::PrefixRewritten),
        (entries(300), history(600, 280), Code::PrefixRewritten, Contradiction::PrefixRewritten),
        (entries(256), history(257, 255), Code::PrefixRewritten, Contradiction::PrefixRewritten),
    ];
    for (first, later, code, contradiction) in cases {
        let (memory, second) = one_then_other(&first, &later);
        assert_eq!((codes(&second), second.report.verdict), (vec![code], Verdict::Invalid));
        assert_eq!(second.report.findings[0].severity, Severity::Invalid);
        let root = |entries: &[NewEntry]| {
            let store = assembled(entries, ORIGIN, &log_key());
            audited(&store, None).report.root_hash.unwrap().to_string()
        };
        let (expected, found) = match contradiction {
            Contradiction::RolledBack => (first.len().to_string(), later.len().to_string()),
            _ => (root(&first), root(&later[..first.len()])),
        };
        let told = &second.report.findings[0];
        assert_eq!((&told.expected, &told.found), (&Some(expected), &Some(found)));
        assert_eq!(second.report.remembered.unwrap().extends, Some(false));
        assert_eq!(second.memory, None, "what was accepted stays remembered");
        let evidence = second.evidence.unwrap();
        let bytes = evidence.format();
        let shown = Evidence::parse(&bytes).unwrap().check(&policy()).unwrap();
        assert_eq!(shown.contradiction, contradiction);
        let words = match contradiction {
            Contradiction::RolledBack => "it has fewer entries",
            Contradiction::Forked => "it has as many entries, and others",
            _ => "its first entries are others",
        };
        assert_eq!(shown.contradiction.describe(), words);
        assert_eq!(shown.accepted.checkpoint().size(), first.len() as u64);
        let accepted = serde_json::from_slice::<Value>(&bytes).unwrap()["accepted"].clone();
        assert_eq!(accepted, memory.checkpoint());

        // Nothing of it can be changed, but where a hash's spelling says the same.
        let other = Policy::of_log(vkey_of(ORIGIN, &signing(9))).unwrap();
        assert!(matches!(evidence.check(&other), Err(EvidenceError::NotSigned { .. })));
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            let verdict =
                Evidence::parse(&changed).and_then(|evidence| evidence.check(&policy()).map(|_| evidence));
            assert!(verdict.is_err() || verdict.unwrap() == evidence, "byte {at} of {code:?}");
        }
    }
}

#[test]
fn a_memory_is_later_only_if_its_log_has_more_entries() {
    let of = |entries: &[NewEntry], origin: &str, by: u8| {
        let note = get(&assembled(entries, origin, &signing(by)), layout::CHECKPOINT).unwrap();
        let policy = Policy::of_log(vkey_of(origin, &signing(by))).unwrap();
        Memory::of_checkpoint(&note, &policy).unwrap()
    };
    let log = vkey_of(ORIGIN, &log_key());
    let [none, five, seven, other] = [
        of(&entries(9), "example.org/other", 8),
        of(&entries(5), ORIGIN, 2),
        of(&entries(7), ORIGIN, 2),
        of(&history(7, 3), ORIGIN, 2),
    ];
    for (one, than, later) in [
        (&seven, &five, true),
        (&five, &seven, false),
        (&seven, &other, false),
        (&seven, &seven, false),
        // One of another log is of nothing here.
        (&five, &none, true),
        (&none, &seven, false),
    ] {
        assert_eq!(one.is_later_than(than, &log), later, "{one:?} {than:?}");
    }
}

#[test]
fn of_what_is_only_compared_no_originals_are_asked_for() {
    let store = MemoryStore::default();
    build(&store, 700);
    let memory = audited(&store, None).memory.unwrap();
    let note = get(&store, layout::CHECKPOINT).unwrap();
    let wanted = |name: &str, memory: Option<&Memory>| {
        let extent = Extent::of(&note, &policy(), memory).unwrap();
        let wanted = extent.originals(&key(name), &get(&store, name).unwrap());
        wanted.into_iter().map(|one| (one.key.to_string(), one.limit)).collect::<Vec<_>>()
    };
    let stored = |number: usize| {
        let text = support::text(number);
        (layout::content_path(&Hash::of(text.as_bytes())), text.len() as u64)
    };
    for (name, numbers, compared) in [
        ("tile/entries/000", vec![2, 102, 202], true),
        ("tile/entries/001", vec![302, 402, 502], true),
        ("tile/entries/002.p/188", vec![602], false),
        ("tile/0/000", vec![], false),
    ] {
        let all: Vec<_> = numbers.into_iter().map(stored).collect();
        assert_eq!(wanted(name, None), all, "{name}");
        assert_eq!(wanted(name, Some(&memory)), if compared { vec![] } else { all }, "{name}");
    }
}

#[test]
fn each_tile_and_bundle_that_is_read_is_counted_once_whether_its_entries_are_checked_or_compared() {
    let (store, memory) = remembered();
    // Three tiles of the lowest level, the one above them, and as many bundles as were read: the second needs not be.
    for (memory, tiles) in [(None, 7), (Some(&memory), 7), (Some(&memory.clone().tiles_alone()), 6)] {
        assert_eq!(audited(&store, memory).report.counts.tiles, tiles, "{}", memory.is_some());
    }
}

#[test]
fn originals_that_came_later_or_wait_do_not_make_an_audit_begin_again() {
    let log = entries(512);
    let memory = audited(&assembled(&log, ORIGIN, &log_key()), None).memory.unwrap();
    let store_original = |store: &dyn Store, record: &dateline::log::NewRecord| {
        let name = layout::content_path(&record.entry.original.unwrap());
        put(store, &name, record.content.clone().unwrap());
    };
    // The first entry after what was checked, and a statement that waits, each with its original.
    let [next, waits] = [700, 800].map(|number| registration(&editor(), number, "", true));
    let store = assembled(&[log.as_slice(), std::slice::from_ref(&next.entry)].concat(), ORIGIN, &log_key());
    store_original(&store, &next);
    let compared = |memory: &Memory| {
        let audited = audited(&store, Some(memory));
        assert_eq!((codes(&audited), audited.report.verdict), (vec![], Verdict::Verified));
        assert_eq!(audited.report.remembered.unwrap().compared, 512);
        audited.memory.unwrap()
    };
    let later = compared(&memory);
    let pending = Pending::of(&waits.entry);
    put(&store, &pending.path(), pending.format());
    store_original(&store, &waits);
    compared(&compared(&later));
}

#[test]
fn evidence_against_an_honest_log_shows_nothing() {
    let note = |entries: &[NewEntry]| {
        let bytes = get(&assembled(entries, ORIGIN, &log_key()), layout::CHECKPOINT).unwrap();
        String::from_utf8(bytes).unwrap()
    };
    let (five, seven) = (note(&entries(5)), note(&entries(7)));
    for (code, accepted, found) in [
        ("forked", &five, &five),
        ("forked", &five, &seven),
        ("rolledBack", &five, &seven),
        ("prefixRewritten", &five, &seven),
        ("prefixRewritten", &seven, &five),
    ] {
        let root = Hash::of(b"any").to_string();
        for prefix in [None, Some(root)] {
            let file = serde_json::json!({
                "format": "dateline-evidence/1", "code": code, "accepted": accepted, "found": found,
                "prefixRoot": prefix, "consistency": ["00".repeat(32)],
            });
            let evidence = Evidence::parse(file.to_string().as_bytes()).unwrap();
            assert!(evidence.check(&policy()).is_err(), "{code}");
        }
    }
}

#[test]
fn that_a_log_extends_another_cannot_be_told_without_its_tiles() {
    let first = audited(&assembled(&entries(300), ORIGIN, &log_key()), None).memory.unwrap();
    let store = assembled(&entries(600), ORIGIN, &log_key());
    store.delete(&[key("tile/0/001")]).unwrap();
    let second = audited(&store, Some(&first));
    assert!(codes(&second).contains(&Code::ExtensionUnknown), "{:?}", codes(&second));
    assert_eq!((second.report.verdict, second.memory, second.evidence), (Verdict::Unverifiable, None, None));
    assert_eq!(second.report.remembered.unwrap().extends, None);
}

/// Whom else an auditor trusts may change: what he remembers is the log's own word all the same.
#[test]
fn a_bad_line_of_somebody_else_does_not_make_an_auditor_forget() {
    let longer = assembled(&entries(300), ORIGIN, &log_key());
    let note = String::from_utf8(get(&longer, layout::CHECKPOINT).unwrap()).unwrap();
    // A line that names a witness whom nobody knows yet, and that does not hold.
    let witness = VerifierKey::ed25519_cosigner(KeyName::new("w.example").unwrap(), signing(9).public());
    let line = [&witness.id().0[..], &[0; 72]].concat();
    put(&longer, layout::CHECKPOINT, format!("{note}\u{2014} w.example {}\n", to_base64(&line)).into_bytes());
    let memory = audited(&longer, None).memory.unwrap();

    let policy = format!("log {}\nwitness w {witness}\nquorum none\n", vkey_of(ORIGIN, &log_key()));
    let trust = Trust { policy: Policy::parse(policy.as_bytes()).unwrap(), ..trust() };
    let shorter = assembled(&entries(20), ORIGIN, &log_key());
    let audited = audit_since(&shorter, &trust, Some(&memory), &|_, _| {}).unwrap();
    assert_eq!(codes(&audited), [Code::RolledBack]);
    let evidence = audited.evidence.unwrap();
    assert!(evidence.check(&trust.policy).is_ok());
}

/// What is remembered, and cannot be read, is neither forgotten nor written over.
#[test]
fn a_memory_that_is_no_checkpoint_of_the_log_is_said() {
    let (store, memory) = remembered();
    let text = String::from_utf8(memory.format()).unwrap();
    let spoilt = Memory::parse(text.replacen(ORIGIN, "example.org/lag", 1).as_bytes()).unwrap();
    let audited = audited(&store, Some(&spoilt));
    assert_eq!(codes(&audited), [Code::ExtensionUnknown]);
    assert_eq!(audited.report.verdict, Verdict::Unverifiable);
    assert!(audited.memory.is_none());
}
