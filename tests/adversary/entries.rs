//! Entries that should not be in the log, under a root that is right: not of the form that one has, or in another order.

use dateline::attest::Envelope;
use dateline::attest::dsse::{PAYLOAD_TYPE, pae};
use dateline::base::Hash;
use dateline::base::limits::ENTRY_MAX_BYTES;
use dateline::record::{Entry, EntryError, KeyAction, NewEntry};
use dateline::storage::{MemoryStore, Store};
use dateline::verify::{Code, FINDINGS_MAX, Report, Verdict};

use crate::attack::{
    Attack, at, attack, by_editor, by_stranger, check_all, edit, envelope, note, operator, put, raw, with,
};
use crate::support::statements::{assessor, payload_of, resigned, sealed};
use crate::support::{ORIGIN, assembled, audited, editor, enrolment, key, key_entry, log_key, root_key};

#[test]
fn entry() {
    check_all(sequences());
}

#[test]
fn form() {
    check_all(forms());
}

/// Entries dropped, inserted, swapped and repeated by the operator, as far as the entries themselves tell: that a log
/// which was seen before has fewer or others is told by whoever remembers it.
pub(crate) fn sequences() -> Vec<Attack> {
    use Code::{KeyStatementInvalid, ReferenceInvalid, SignatureInvalid, SignerNotEnrolled};
    vec![
        attack(
            "a word of an entry is changed",
            operator(|all| {
                let payload = String::from_utf8(payload_of(&all[6])).unwrap();
                let changed = payload.replace("correction", "retraction");
                let signature = Entry::parse(&all[6].bytes).unwrap().envelope.signature().0;
                all[6].bytes = envelope(changed.as_bytes(), editor().public().key_id(), &signature).into();
            }),
        )
        .finds([at(6, SignatureInvalid)])
        .holds(7, 6),
        attack("a document that others point to is dropped", operator(|all| drop(all.remove(2))))
            .finds([
                // What cites is about itself now, what is said of 2 is of another document.
                at(3, ReferenceInvalid),
                at(3, ReferenceInvalid),
                at(4, ReferenceInvalid),
                at(5, ReferenceInvalid),
            ])
            .holds(6, 6),
        attack("an enrolment is dropped", operator(|all| drop(all.remove(0))))
            .finds([
                at(1, SignerNotEnrolled),
                at(2, SignerNotEnrolled),
                at(3, SignerNotEnrolled),
                at(3, ReferenceInvalid),
                at(3, ReferenceInvalid),
                at(4, ReferenceInvalid),
                at(5, SignerNotEnrolled),
                at(5, ReferenceInvalid),
            ])
            .holds(6, 2),
        attack(
            "a document is inserted before those that others point to",
            operator(|all| all.insert(2, by_editor(5))),
        )
        .finds([
            at(5, ReferenceInvalid),
            at(5, ReferenceInvalid),
            at(6, ReferenceInvalid),
            at(7, ReferenceInvalid),
        ])
        .holds(8, 8),
        attack("a stranger's record is inserted", with([by_stranger()]))
            .finds([at(7, SignerNotEnrolled)])
            .holds(8, 7),
        attack("two documents are swapped", operator(|all| all.swap(2, 3)))
            .finds([
                at(4, ReferenceInvalid),
                at(4, ReferenceInvalid),
                at(5, ReferenceInvalid),
                at(6, ReferenceInvalid),
            ])
            .holds(7, 7),
        attack("an enrolment is swapped with what the key signed", operator(|all| all.swap(0, 2)))
            .finds([
                at(0, SignerNotEnrolled),
                at(4, ReferenceInvalid),
                at(5, ReferenceInvalid),
                at(6, ReferenceInvalid),
            ])
            .holds(7, 6),
        attack("an enrolment stands twice", operator(|all| all.push(all[0].clone())))
            .finds([at(7, KeyStatementInvalid)])
            .holds(8, 8),
        attack("a document is registered twice", operator(|all| all.push(all[2].clone())))
            .holds(8, 8)
            .harmless(),
    ]
}

/// Bytes that are not of the form that an entry has.
pub(crate) fn forms() -> Vec<Attack> {
    use Code::{EntryMalformed, ReferenceUnknown, SignerUnknown};
    let envelope_of = |change: &dyn Fn(&str) -> String| {
        let text = String::from_utf8(by_editor(5).bytes).unwrap();
        let changed = change(&text);
        assert_ne!(changed, text);
        raw(changed)
    };
    let malformed =
        |name, entry: NewEntry| attack(name, with([entry])).finds([at(7, EntryMalformed)]).holds(8, 7);
    let spelt = |name, change: &dyn Fn(&str) -> String| malformed(name, envelope_of(change));
    let payload = |name, change: &dyn Fn(&str) -> String| {
        let text = String::from_utf8(payload_of(&by_editor(5))).unwrap();
        let changed = change(&text);
        assert_ne!(changed, text);
        malformed(name, raw(sealed(changed.into(), &editor())))
    };
    vec![
        spelt("two signatures", &|text| {
            let (_, one) = text.split_once("\"signatures\":[").unwrap();
            let one = one.strip_suffix("]}").unwrap();
            text.replace(one, &format!("{one},{one}"))
        }),
        spelt("no signature", &|text| {
            format!("{}\"signatures\":[]}}", text.split_once("\"signatures\"").unwrap().0)
        }),
        spelt("another payload type", &|text| text.replace(PAYLOAD_TYPE, "application/json")),
        spelt("a payload type spelt otherwise", &|text| {
            text.replace("vnd.in-toto+json", r"vnd.in-toto\u002bjson")
        }),
        spelt("a member more in the envelope", &|text| text.replacen('{', r#"{"a":1,"#, 1)),
        spelt("a member twice in the envelope", &|text| text.replacen('{', r#"{"payload":"","#, 1)),
        spelt("spaces in the envelope", &|text| text.replacen(',', ", ", 1)),
        spelt("a line break after the envelope", &|text| format!("{text}\n")),
        spelt("base64 without its padding", &|text| text.replacen("==\"", "\"", 1)),
        spelt("base64 with bits to spare", &|text| {
            // A signature leaves four bits over.
            let (before, after) = text.split_at(text.rfind("==").unwrap() - 1);
            let spare = char::from(after.as_bytes()[0] + 1);
            format!("{before}{spare}{}", &after[1..])
        }),
        spelt("base64 of URLs", &|text| text.replace('/', "_").replace('+', "-")),
        spelt("a key id in upper case", &|text| {
            let id = editor().public().key_id().to_string();
            text.replace(&id, &id.to_uppercase())
        }),
        malformed("nothing", raw("")),
        malformed("no JSON", raw([0xff; 900])),
        malformed("a statement that nobody signed", raw(payload_of(&by_editor(5)))),
        payload("a member twice in the statement", &|text| text.replacen('{', r#"{"predicate":{},"#, 1)),
        payload("a member twice, deep in the predicate", &|text| {
            text.replacen(r#""bytes":"#, r#""bytes":7,"bytes":"#, 1)
        }),
        payload("arrays in arrays without end", &|text| {
            let deep = format!("{}{}", "[".repeat(20_000), "]".repeat(20_000));
            text.replacen(r#""predicate":{"#, &format!(r#""predicate":{{"deep":{deep},"#), 1)
        }),
        payload("something after the statement", &|text| format!("{text}{{}}")),
        payload("another statement type", &|text| text.replace("Statement/v1", "Statement/v0.1")),
        payload("no subject", &|text| {
            let (before, after) = text.split_once(r#""subject":["#).unwrap();
            format!("{before}\"subject\":[{}", &after[after.find("],").unwrap()..])
        }),
        payload("a subject of another name", &|text| text.replace(r#""name":"text""#, r#""name":"texts""#)),
        payload("the subjects of another kind", &|text| {
            text.replace("urn:dateline:registration", "urn:dateline:notice")
        }),
        payload("a digest by another algorithm", &|text| text.replacen("sha256", "sha512", 1)),
        payload("a digest of something else beside the first", &|text| {
            text.replacen(r#""digest":{"#, &format!(r#""digest":{{"sha512":"{}","#, "00".repeat(64)), 1)
        }),
        payload("a digest in upper case", &|text| {
            let digest = Hash::of(crate::support::text(5).as_bytes()).to_string();
            text.replace(&digest, &digest.to_uppercase())
        }),
        malformed("65,535 bytes that are no envelope", raw(vec![b'{'; ENTRY_MAX_BYTES])),
        // Each four bytes are three of the payload: no envelope has 65,533 to 65,535.
        attack("the largest entry there can be", with([of_size(ENTRY_MAX_BYTES / 4 * 4)]))
            .holds(8, 8)
            .harmless(),
        attack("an entry that cannot be read, in the middle", operator(|all| all[2] = raw("{}")))
            .finds([
                at(2, EntryMalformed),
                at(4, ReferenceUnknown),
                at(5, ReferenceUnknown),
                at(6, ReferenceUnknown),
            ])
            .holds(7, 6),
        attack("an enrolment that cannot be read", operator(|all| all[0] = raw("{}")))
            .finds([
                at(0, EntryMalformed),
                at(2, SignerUnknown),
                at(3, SignerUnknown),
                at(4, SignerUnknown),
                at(6, SignerUnknown),
            ])
            .holds(7, 2),
        attack("the revocation of a key whose enrolment cannot be read", {
            operator(|all| {
                all[1] = raw("{}");
                all.push(key_entry(&root_key(), KeyAction::Revoke, &assessor().public()));
            })
        })
        .finds([at(1, EntryMalformed), at(5, SignerUnknown), at(7, SignerUnknown)])
        .holds(8, 6),
        attack("another enrolment cannot be read, and a key is revoked that is in force", {
            operator(|all| {
                all[1] = raw("{}");
                all.push(key_entry(&root_key(), KeyAction::Revoke, &editor().public()));
                all.push(by_editor(5));
            })
        })
        .finds([at(1, EntryMalformed), at(5, SignerUnknown), at(8, SignerUnknown)])
        .holds(9, 6),
    ]
}

/// A registration of that many bytes, made longer by a member that nobody knows.
fn of_size(size: usize) -> NewEntry {
    let longer =
        |by: usize| resigned(&by_editor(5), |payload| payload["predicate"]["more"] = "x".repeat(by).into());
    // Three bytes of payload are four of the entry.
    let by = (size - longer(0).bytes.len()) / 4 * 3;
    let entry = (by.saturating_sub(4)..by + 4).map(longer).find(|entry| entry.bytes.len() == size);
    entry.unwrap_or_else(|| panic!("no entry has {size} bytes"))
}

#[test]
fn an_entry_of_one_byte_too_many_has_no_place_in_a_log() {
    let payload = vec![b' '; ENTRY_MAX_BYTES / 4 * 3];
    let signature = editor().sign(&pae(PAYLOAD_TYPE, &payload));
    let bytes = Envelope::seal(payload, &editor().public(), signature).unwrap().encode();
    assert!(matches!(Entry::parse(&bytes), Err(EntryError::Envelope(_))));
    let refused = dateline::tlog::bundle::push(&mut Vec::new(), &bytes[..=ENTRY_MAX_BYTES]);
    assert!(matches!(refused, Err(dateline::tlog::bundle::BundleError::TooLarge { size: 65_536 })));
}

/// Several times as many entries as are read at once: a document that is registered again and again, and two entries that
/// cannot be read.
fn long_log() -> MemoryStore {
    let again = by_editor(5);
    let mut entries = vec![again; 2_304];
    entries[0] = enrolment().entry.into_entry();
    (entries[5], entries[2_200]) = (raw("{}"), raw("{}"));
    assembled(&entries, ORIGIN, &log_key())
}

#[test]
fn of_a_long_log_what_is_found_is_told_in_log_order_and_then_of_files() {
    let store = long_log();
    store.delete(&[key("tile/0/000")]).unwrap();
    let found: Vec<_> = audited(&store).findings.iter().map(|one| (one.code, one.record)).collect();
    let (malformed, missing) = (Code::EntryMalformed, Code::TileMissing);
    assert_eq!(found, [(malformed, Some(5)), (malformed, Some(2_200)), (missing, None)]);
}

#[test]
fn every_tile_that_was_changed_is_named_however_many_of_its_hashes_were() {
    let store = long_log();
    for (number, changed) in [(0, 0..256), (1, 0..256), (2, 0..256), (3, 0..256), (4, 0..256), (7, 9..10)] {
        edit(&store, &format!("tile/0/{number:03}"), |bytes| {
            bytes[changed.start * 32..changed.end * 32].iter_mut().for_each(|byte| *byte ^= 1);
        });
    }
    let report = audited(&store);
    let changed = report.findings.iter().filter(|one| one.code == Code::TileChanged);
    let paths: Vec<&str> = changed.map(|one| one.path.as_deref().unwrap()).collect();
    assert_eq!(paths, [0, 1, 2, 3, 4, 7].map(|number| format!("tile/0/{number:03}")));
    assert_eq!((report.findings.len(), report.findings_left_out), (2 + paths.len(), 0));
}

#[test]
fn changed_entries_that_are_not_told_one_by_one_are_counted() {
    let mut entries = vec![by_editor(5); 1_536];
    entries[0] = enrolment().entry.into_entry();
    let store = assembled(&entries, ORIGIN, &log_key());
    let mut others = Vec::new();
    (0..256).for_each(|_| dateline::tlog::bundle::push(&mut others, &by_editor(6).bytes).unwrap());
    // Each of them is another entry, and its opening is another's.
    for (bundles, changed) in [(3, 768), (5, 1_280)] {
        (1..=bundles).for_each(|number| put(&store, &format!("tile/entries/{number:03}"), others.clone()));
        let report = audited(&store);
        assert_eq!(report.findings.len() as u64 + report.findings_left_out, 2 * changed);
        assert_eq!((report.findings.len(), report.verdict), (FINDINGS_MAX, Verdict::Invalid));
    }
}

#[test]
fn an_audit_goes_on_where_hashes_alone_are_gone_and_ends_where_nothing_is() {
    let store = long_log();
    let tiles: Vec<_> = (0..8).map(|number| key(&format!("tile/0/{number:03}"))).collect();
    store.delete(&tiles).unwrap();
    let report = audited(&store);
    assert_eq!((report.counts.entries, report.findings.len()), (2_304, 2 + tiles.len()));
    let unread =
        |report: &Report| report.not_checked.iter().any(|what| what.starts_with("the entries from "));
    assert!(!unread(&report), "{:?}", report.not_checked);
    // The largest size there is, of which nothing is there.
    let text = format!("{ORIGIN}\n{}\n{}\n", i64::MAX, Hash::of(b"x").to_base64());
    put(&store, "checkpoint", note(&text, ORIGIN, &log_key()));
    store.delete(&store.list("tile").unwrap().keys).unwrap();
    let report = audited(&store);
    assert!(unread(&report), "{:?}", report.not_checked);
    assert_eq!((report.counts.entries, report.verdict), (0, Verdict::Unverifiable));
}
