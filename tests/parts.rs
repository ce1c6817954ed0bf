//! An audit in parts says what one run says: the same findings in the same order, the same counts, the same verdict.

#![allow(clippy::unwrap_used)]

mod support;

use dateline::base::{Hash, SigningKey};
use dateline::record::{
    Draft, Erasure, ErasureReason, KeyAction, NewEntry, RecordRef, RelationKind, Role, layout,
};
use dateline::storage::{MemoryStore, Object, Store};
use dateline::tlog::EntryBundle;
use dateline::verify::{
    CombineError, KnownKeys, Part, PartError, Range, RangeError, Verdict, audit_range, combine,
};
use proptest::prelude::*;
use support::parts::{agree, combined, parts};
use support::statements::{enrolled, relates, relation, said, to};
use support::{
    ORIGIN, assembled, audited, editor, editor_key, get, key, log_key, records, registration, root_key,
    signing, text, trust,
};

fn officer() -> SigningKey {
    signing(5)
}

/// What is done to a log before it is published: to its entries.
#[derive(Debug, Clone)]
enum Entered {
    /// An entry that is none.
    Malformed(usize),
    /// A registration by somebody whom nobody enrolled.
    Stranger(usize),
    /// A signature that does not hold.
    BadSignature(usize),
    /// The editor's key is revoked.
    Revoked(usize),
    /// A second editor is enrolled, and registers something.
    Second(usize),
    /// A relation from one record to another, right or wrong.
    Relates { at: usize, about: usize, target: usize, wrong: bool },
    /// The openings of an entry are erased, and destroyed or not.
    Erased { at: usize, entry: usize, destroyed: bool, original: bool },
    /// A statement about keys that cannot stand.
    Idle(usize),
}

/// What is done to a log after it was published: to its files.
#[derive(Debug, Clone)]
enum Done {
    Removed(usize),
    Flipped(usize, usize),
    Opening(usize),
    Stray,
}

fn entered(size: usize) -> impl Strategy<Value = Entered> {
    let at = 3..size;
    prop_oneof![
        1 => at.clone().prop_map(Entered::Malformed),
        2 => at.clone().prop_map(Entered::Stranger),
        2 => at.clone().prop_map(Entered::BadSignature),
        1 => at.clone().prop_map(Entered::Revoked),
        3 => at.clone().prop_map(Entered::Second),
        4 => (at.clone(), 0..size, 0..size, any::<bool>())
            .prop_map(|(at, about, target, wrong)| Entered::Relates { at, about, target, wrong }),
        3 => (at.clone(), 0..size, any::<bool>(), any::<bool>())
            .prop_map(|(at, entry, destroyed, original)| Entered::Erased { at, entry, destroyed, original }),
        1 => at.prop_map(Entered::Idle),
    ]
}

fn done() -> impl Strategy<Value = Done> {
    prop_oneof![
        3 => any::<usize>().prop_map(Done::Removed),
        4 => (any::<usize>(), any::<usize>()).prop_map(|(file, bit)| Done::Flipped(file, bit)),
        3 => any::<usize>().prop_map(Done::Opening),
        1 => Just(Done::Stray),
    ]
}

/// The reference to the record at an index, if it registers something.
fn reference(entries: &[NewEntry], record: usize) -> RecordRef {
    let original = entries.get(record).and_then(|entry| entry.original);
    RecordRef { record: record as u64, original: original.unwrap_or(Hash([3; 32])) }
}

/// The digests of the openings of an entry.
fn commitments(entry: &NewEntry) -> Vec<String> {
    let digest = |text: &String| dateline::attest::Disclosure::parse(text).unwrap().digest();
    let mut all: Vec<String> = entry.openings.iter().map(digest).collect();
    all.sort();
    all
}

/// The log of some entries, with what happened to it. The first entries enrol an editor, and a data officer.
fn log(size: usize, enters: &[Entered], does: &[Done]) -> MemoryStore {
    let mut entries: Vec<NewEntry> =
        records(0..size as u64).into_iter().map(|record| record.entry.into_entry()).collect();
    entries.insert(1, enrolled(&officer(), Role::DataOfficer));
    let mut destroyed = Vec::new();
    for (number, one) in enters.iter().enumerate() {
        let again = format!("again {number}");
        match one {
            Entered::Malformed(at) => {
                entries[*at] =
                    NewEntry { bytes: b"{}".to_vec(), openings: Vec::new(), ..entries[*at].clone() };
            }
            Entered::Stranger(at) => {
                entries.insert(*at, registration(&signing(9), 7, &again, false).entry.into_entry());
            }
            Entered::BadSignature(at) => {
                let text = String::from_utf8(entries[*at].bytes.clone()).unwrap();
                if let Some(place) = text.find("\"sig\":\"") {
                    let digit = place + if number % 2 == 0 { 9 } else { 12 };
                    let other = if text.as_bytes()[digit] == b'A' { "B" } else { "A" };
                    let mut changed = text;
                    changed.replace_range(digit..=digit, other);
                    entries[*at].bytes = changed.into_bytes();
                }
            }
            Entered::Revoked(at) => {
                let revoked = editor_key(&root_key(), KeyAction::Revoke, &editor().public());
                entries.insert(*at, revoked.into_entry());
            }
            Entered::Second(at) => {
                let second = signing(20 + number as u8);
                entries.insert(*at, registration(&second, 3, &again, false).entry.into_entry());
                let enrolment = editor_key(&root_key(), KeyAction::Enrol, &second.public());
                entries.insert(*at / 2 + 1, enrolment.into_entry());
            }
            Entered::Relates { at, about, target, wrong } => {
                let (about, mut target) = (reference(&entries, *about), reference(&entries, *target));
                if *wrong {
                    target.original = Hash([5; 32]);
                }
                let relation = relation(about, RelationKind::Cites, to(target));
                if relation.fault().is_none() {
                    entries.insert(*at, relates(relation));
                }
            }
            Entered::Erased { at, entry, destroyed: gone, original } => {
                let of = &entries[*entry];
                let mut list = commitments(of);
                list.truncate(3);
                let erasure = Erasure {
                    entry: *entry as u64,
                    commitments: list.clone(),
                    original: of.original.filter(|_| *original || list.is_empty()),
                    reason: ErasureReason::Pii,
                    recorded_by: officer().public().key_id(),
                    recorded_at: "2026-11-23T09:30:00Z".parse().unwrap(),
                };
                if *gone {
                    destroyed.push((of.bytes.clone(), list));
                }
                if erasure.fault().is_none() {
                    let by = if number % 3 == 0 { signing(9) } else { officer() };
                    entries.insert(*at, said(&by, |circumstances| Draft::erasure(&erasure, circumstances)));
                }
            }
            Entered::Idle(at) => {
                let idle = editor_key(&root_key(), KeyAction::Revoke, &signing(77).public());
                entries.insert(*at, idle.into_entry());
            }
        }
    }
    for (bytes, list) in destroyed {
        for entry in entries.iter_mut().filter(|entry| entry.bytes == bytes) {
            let digest = |text: &String| dateline::attest::Disclosure::parse(text).unwrap().digest();
            entry.openings.retain(|opening| !list.contains(&digest(opening)));
        }
    }
    let store = assembled(&entries, ORIGIN, &log_key());
    let put = |name: &str, bytes: Vec<u8>| store.put(&[Object { key: key(name), bytes }]).unwrap();
    // Every hundredth is stored.
    for number in (2..size).step_by(100) {
        put(&layout::content_path(&Hash::of(text(number).as_bytes())), text(number).into_bytes());
    }
    for one in does {
        let names: Vec<String> = store.list("").unwrap().keys.iter().map(ToString::to_string).collect();
        let names: Vec<String> = names.into_iter().filter(|name| name != layout::CHECKPOINT).collect();
        match one {
            Done::Removed(file) => store.delete(&[key(&names[file % names.len()])]).unwrap(),
            Done::Flipped(file, bit) => {
                let name = &names[file % names.len()];
                let mut bytes = get(&store, name).unwrap();
                if !bytes.is_empty() {
                    let bit = bit % (bytes.len() * 8);
                    bytes[bit / 8] ^= 1 << (bit % 8);
                    put(name, bytes);
                }
            }
            Done::Opening(line) => {
                let files: Vec<&String> =
                    names.iter().filter(|name| name.starts_with("disclosures/")).collect();
                let Some(name) = files.get(line % files.len().max(1)) else { continue };
                let text = String::from_utf8_lossy(&get(&store, name).unwrap()).into_owned();
                let lines = text.lines().count().max(1);
                let less = text.lines().enumerate().filter(|(number, _)| *number != line % lines);
                put(name, less.flat_map(|(_, line)| [line, "\n"]).collect::<String>().into_bytes());
            }
            Done::Stray => put("tile/stray", b"x".to_vec()),
        }
    }
    store
}

/// A log cut where `cuts` say, at bundles.
fn cut_at(size: u64, cuts: &[u64]) -> Vec<u64> {
    let mut at: Vec<u64> = cuts.iter().map(|cut| cut % size.div_ceil(256) * 256).collect();
    at.extend([0, size]);
    at.sort_unstable();
    at.dedup();
    at
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), max_shrink_iters: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn parts_say_what_one_run_says(
        (size, enters) in (300usize..1_290).prop_flat_map(|size| (Just(size), prop::collection::vec(entered(size), 0..14))),
        does in prop::collection::vec(done(), 0..4),
        cuts in prop::collection::vec(any::<u64>(), 0..5),
    ) {
        let store = log(size, &enters, &does);
        let report = audited(&store);
        agree("drawn", &store, &trust(), &report, &cut_at(report.size, &cuts));
        let all: Vec<u64> = (0..report.size.div_ceil(256)).collect();
        agree("one bundle each", &store, &trust(), &report, &cut_at(report.size, &all));
    }
}

/// Logs that are drawn; `DATELINE_PARTS` says how many, to look for longer.
fn cases() -> u32 {
    std::env::var("DATELINE_PARTS").ok().and_then(|text| text.parse().ok()).unwrap_or(16)
}

#[test]
fn what_is_drawn_is_all_there() {
    let erased = |at, entry, destroyed| Entered::Erased { at, entry, destroyed, original: false };
    let enters = [
        Entered::Second(600),
        Entered::Relates { at: 700, about: 690, target: 4, wrong: false },
        Entered::Relates { at: 701, about: 5, target: 600, wrong: true },
        // What is said of signers after it is not known; before it, it is.
        Entered::Malformed(1_100),
        erased(800, 40, true),
        erased(801, 41, false),
        Entered::Idle(200),
        Entered::Revoked(1_000),
    ];
    let store = log(1_200, &enters, &[Done::Opening(3), Done::Stray]);
    let report = audited(&store);
    assert_eq!(report.verdict, Verdict::Invalid);
    let codes: std::collections::BTreeSet<String> =
        report.findings.iter().map(|finding| serde_json::to_string(&finding.code).unwrap()).collect();
    for code in [
        "entryMalformed",
        "referenceInvalid",
        "erasureIncomplete",
        "keyStatementInvalid",
        "signerEnded",
        "signerUnknown",
        "openingMissing",
        "stray",
    ] {
        assert!(codes.contains(&format!("{code:?}")), "{code} is not among {codes:?}");
    }
    assert!(report.counts.erased > 0);
    agree("all", &store, &trust(), &report, &[0, 256, 512, 768, report.size]);
}

#[test]
fn more_findings_than_are_kept_are_the_same_ones() {
    let enters = [Entered::Revoked(5), Entered::Malformed(900), Entered::Malformed(3)];
    let store = log(1_290, &enters, &[]);
    let report = audited(&store);
    assert!(report.findings_left_out > 0 && report.findings.len() == 1_000);
    agree("revoked", &store, &trust(), &report, &[0, 256, 1_024, report.size]);
    agree("revoked", &store, &trust(), &report, &[0, report.size]);
}

/// A log of some 1,100 entries, its last editor enrolled in its third bundle.
fn good() -> MemoryStore {
    log(1_100, &[Entered::Second(1_060)], &[])
}

#[test]
fn parts_of_something_else_are_refused_by_name() {
    let store = good();
    let report = audited(&store);
    assert_eq!((report.verdict, report.size), (Verdict::Verified, 1_103));
    let all = parts(&store, &trust(), &[0, 256, 512, report.size]).unwrap();
    let [one, two, three] = <[Part; 3]>::try_from(all).unwrap();
    let refused = |parts: Vec<&Part>| {
        let error = combined(&store, &trust(), parts.into_iter().cloned().collect()).unwrap_err();
        error.to_string()
    };
    let whole = combined(&store, &trust(), vec![one.clone(), two.clone(), three.clone()]).unwrap();
    assert_eq!(whole.report, report);
    assert_eq!(refused(vec![&one, &three]), "no part is of entries 256 to 511");
    assert_eq!(refused(vec![&one, &two]), "no part is of entries 512 to 1102");
    assert_eq!(refused(vec![]), "no part is of entries 0 to 1102");
    assert_eq!(refused(vec![&two, &three]), "no part is of entries 0 to 255");
    let twice = refused(vec![&one, &two, &two, &three]);
    assert_eq!(twice, "part 2 is of entries from 256 on, and other parts are of those before 512");

    // Of a log that has grown meanwhile, and under other keys.
    let grown = log(1_200, &[], &[]);
    let error = combined(&grown, &trust(), vec![one.clone()]).unwrap_err().to_string();
    assert!(error.starts_with("part 0 is of the log \"example.org/log\" with 1103 entries"), "{error}");
    assert!(error.contains("and not of the log \"example.org/log\" with 1201 entries"), "{error}");
    let mut other = trust();
    other.roots.push(signing(33).public());
    let error = combined(&store, &other, vec![one.clone()]).unwrap_err().to_string();
    assert!(error.starts_with("part 0 is of an audit under the root keys "), "{error}");

    // Made by whoever knew the keys of its range alone.
    let range = Range::Entries(512, report.size);
    let poor = audit_range(&store, &trust(), range, KnownKeys::Given(Vec::new()), &|_, _| {}).unwrap();
    let error = combined(&store, &trust(), vec![one.clone(), two.clone(), poor]).unwrap_err();
    assert!(matches!(&error, CombineError::Key { name, .. } if name == "part 2"), "{error}");
    let keys = [one.keys(), two.keys()].concat();
    let rich = audit_range(&store, &trust(), range, KnownKeys::Given(keys), &|_, _| {}).unwrap();
    assert_eq!(rich, three);
}

#[test]
fn a_lie_about_the_entries_does_not_lead_to_the_root() {
    let store = good();
    let mut changed = get(&store, "tile/entries/001").unwrap();
    let entries = EntryBundle::new(1, 256).unwrap().entries(&changed).unwrap();
    let at = entries[9].as_ptr() as usize - changed.as_ptr() as usize + 40;
    changed[at] ^= 1;
    let liar = log(1_100, &[Entered::Second(1_060)], &[]);
    liar.put(&[Object { key: key("tile/entries/001"), bytes: changed }]).unwrap();
    let honest = parts(&store, &trust(), &[0, 256, 512, 1_103]).unwrap();
    let lied = parts(&liar, &trust(), &[256, 512]).unwrap();
    let mixed = vec![honest[0].clone(), lied[0].clone(), honest[2].clone()];
    let said = combined(&store, &trust(), mixed).unwrap().report;
    assert_eq!(said.verdict, Verdict::Invalid);
}

#[test]
fn another_answer_to_another_reader_is_told() {
    // Record 1,000 points to record 4, in a bundle that lies there otherwise when the part is made.
    let enters = [Entered::Relates { at: 1_000, about: 990, target: 4, wrong: false }];
    let (store, other) = (log(1_100, &enters, &[]), log(1_100, &enters, &[]));
    let mut bytes = get(&other, "tile/entries/000").unwrap();
    let at = bytes.len() - 3;
    bytes[at] ^= 1;
    other.put(&[Object { key: key("tile/entries/000"), bytes }]).unwrap();
    let size = audited(&store).size;
    let mut all = parts(&store, &trust(), &[0, 512, size]).unwrap();
    all[1] = parts(&other, &trust(), &[512, size]).unwrap().remove(0);
    let error = combined(&store, &trust(), all).unwrap_err();
    assert!(matches!(&error, CombineError::Bundle { name, bundle: 0 } if name == "part 1"), "{error}");
}

#[test]
fn ranges_that_are_none_are_refused() {
    let store = good();
    let make = |(start, end)| {
        let range = Range::Entries(start, end);
        audit_range(&store, &trust(), range, KnownKeys::Sought, &|_, _| {})
    };
    for range in [(1, 256), (0, 255), (256, 256), (1_103, 1_200), (1_280, 1_536), (0, 0), (512, 256)] {
        assert!(matches!(make(range), Err(RangeError::Range { size: 1_103, .. })), "{range:?}");
    }
    assert_eq!(make((1_024, u64::MAX)).unwrap().range(), (1_024, 1_103));
    let none = MemoryStore::default();
    let none = audit_range(&none, &trust(), Range::Share { index: 0, of: 2 }, KnownKeys::Sought, &|_, _| {});
    assert!(matches!(none, Err(RangeError::NoLog)));
}

#[test]
fn shares_say_what_one_run_says_also_where_there_are_more_than_bundles() {
    let store = good();
    for of in [1, 2, 3, 5, 9] {
        let share = |index| {
            let share = Range::Share { index, of };
            let part = audit_range(&store, &trust(), share, KnownKeys::Sought, &|_, _| {}).unwrap();
            Part::parse(&part.format()).unwrap()
        };
        let parts = (0..of).map(share).collect();
        assert_eq!(combined(&store, &trust(), parts).unwrap().report, audited(&store), "{of}");
    }
}

#[test]
fn a_part_is_read_strictly() {
    let store = good();
    let part = parts(&store, &trust(), &[256, 512]).unwrap().remove(0);
    let text = String::from_utf8(part.format()).unwrap();
    let parse = |text: &str| Part::parse(text.as_bytes());
    assert_eq!(parse(&text).unwrap(), part);
    for (from, to) in [
        (r#""dateline-part/1""#, r#""dateline-part/2""#),
        (r#""start":256"#, r#""start":0"#),
        (r#""start":256"#, r#""start":257"#),
        (r#""start":256"#, r#""start": 256"#),
        (r#""start":256"#, r#""start":-1"#),
        (r#""start":256"#, r#""start":256,"start":256"#),
        (r#""end":512"#, r#""end":256"#),
        (r#""end":512"#, r#""end":51200"#),
        (r#""lists":true"#, r#""lists":true,"more":1"#),
        (r#""count":256"#, r#""count":255"#),
        (r#""badMore":0"#, r#""badMore":18446744073709551615"#),
        (r#""first":[256,"#, r#""first":[257,"#),
        (r#""first":[256,"#, r#""first":[4,"#),
        ("\n", ""),
        ("\n", "\n\n"),
    ] {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "{from}");
        let refused = parse(&changed);
        assert!(refused.is_err(), "{from} → {to}");
        assert_eq!(matches!(refused, Err(PartError::Format(_))), to.contains("part/2"));
    }
    // Whatever else is changed: refused, or another part; never a panic, here or where it is combined.
    let others = parts(&store, &trust(), &[0, 256, 512, 1_103]).unwrap();
    let bytes = text.into_bytes();
    for number in 0..400 {
        let mut changed = bytes.clone();
        let at = support::drawn(&format!("at {number}"), bytes.len());
        changed[at] = b"0123456789abcdef\"[]{},:"[support::drawn(&format!("to {number}"), 23)];
        let Ok(other) = Part::parse(&changed) else { continue };
        let named = [others[0].clone(), other, others[2].clone()].map(|part| Ok((String::new(), part)));
        let _ = combine::<CombineError>(&store, &trust(), None, named.into_iter());
    }
}
