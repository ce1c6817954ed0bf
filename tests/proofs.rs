//! Proof files: every kind of record, fields left out, older proofs anchored to newer checkpoints.
#![allow(clippy::unwrap_used)]

mod support;

use dateline::article::{self, ReadOptions};
use dateline::base::encoding::to_base64;
use dateline::base::{Hash, SigningKey};
use dateline::note::{Note, Policy, TlogProof};
use dateline::record::{
    Decisions, Draft, Entry, KeyAction, NewEntry, NoticeKind, RecordRef, RelationKind, Role, Standings,
    layout,
};
use dateline::storage::{MemoryStore, Object, Store};
use dateline::verify::{
    Contradiction, LogReader, MadeProof, Memory, ProofBundle, ProofCheckError, ProveError, ReaderError,
    Sameness, Trust, WithholdError, audit_since, check_proof, check_proof_alone, read_log_as,
};
use support::statements::{
    enrolled, notes, notice, recorded, registers, relates, relation, resigned, said, to,
};
use support::{
    ORIGIN, assembled, editor, enrolment, key, key_entry, log_key, records, root_key, signing, text, trust,
    vkey_of,
};

const STORY: &str = "Le lac monte\n\n« L'eau est là », a dit le maire. « Nous restons », a dit sa voisine.\n\n\
                     Par Awa Diarra\n\nSource : Ministère de la Pêche\n";

fn of(entries: &[NewEntry]) -> MemoryStore {
    assembled(entries, ORIGIN, &log_key())
}

/// A log of the first `size` records of the tests' log.
fn of_size(size: u64) -> MemoryStore {
    of(&records(0..size).into_iter().map(|record| record.entry.into_entry()).collect::<Vec<_>>())
}

fn made(
    store: &dyn Store,
    index: u64,
    withhold: &[&str],
    checkpoint: Option<&[u8]>,
) -> Result<MadeProof, ProveError> {
    let withhold: Vec<String> = withhold.iter().map(|field| (*field).into()).collect();
    LogReader::open(store, &trust()).unwrap().proof_file(index, &withhold, checkpoint)
}

fn proof(store: &dyn Store, index: u64) -> Vec<u8> {
    made(store, index, &[], None).unwrap().file.format().into_bytes()
}

fn upgraded(store: &dyn Store, old: &[u8], checkpoint: Option<&[u8]>) -> Result<Vec<u8>, ProveError> {
    let trust = trust();
    let made = LogReader::open(store, &trust).unwrap().upgrade_proof(old, checkpoint)?;
    Ok(made.file.format().into_bytes())
}

fn checkpoint(store: &dyn Store) -> Vec<u8> {
    store.get(&key(layout::CHECKPOINT), u64::MAX).unwrap().unwrap()
}

/// The proof with its extra line changed, which nothing signs.
fn changed(proof: &[u8], change: impl FnOnce(&mut ProofBundle)) -> Vec<u8> {
    let proof = TlogProof::parse(proof).unwrap();
    let mut bundle: ProofBundle = serde_json::from_slice(proof.extra()).unwrap();
    change(&mut bundle);
    let extra = serde_json::to_vec(&bundle).unwrap();
    let note = Note::parse(proof.checkpoint().format().as_bytes()).unwrap();
    let made = TlogProof::new(extra, proof.index(), proof.hashes().to_vec(), note).unwrap();
    made.format().into_bytes()
}

#[test]
fn a_field_that_is_withheld_is_not_in_the_proof_and_is_told_from_one_that_is_missing() {
    let store = of(&[enrolment().entry.into_entry(), registers(STORY)]);
    let whole = made(&store, 1, &[], None).unwrap();
    assert_eq!(whole.withheld, []);
    let bundle: ProofBundle = serde_json::from_slice(whole.file.extra()).unwrap();
    let count = bundle.openings.len();
    for (asked, fields, left_out) in [
        // With words go the digests by which they could be guessed.
        (vec!["bylines"], vec!["/bylines/0", "/numbers", "/paragraphs"], 3),
        (vec!["/bylines/0"], vec!["/bylines/0", "/numbers", "/paragraphs"], 3),
        (vec!["quotes"], vec!["/numbers", "/paragraphs", "/quotes/0", "/quotes/1"], 4),
        (vec!["/quotes/1"], vec!["/numbers", "/paragraphs", "/quotes/1"], 3),
        (vec!["paragraphs"], vec!["/paragraphs"], 1),
        (vec!["numbers"], vec!["/numbers"], 1),
        (vec!["/numbers", "bylines", "numbers"], vec!["/bylines/0", "/numbers", "/paragraphs"], 3),
    ] {
        let made = made(&store, 1, &asked, None).unwrap();
        let mut found: Vec<&str> = made.withheld.iter().map(|one| one.field.as_str()).collect();
        found.sort_unstable();
        assert_eq!(found, fields, "{asked:?}");
        let bundle: ProofBundle = serde_json::from_slice(made.file.extra()).unwrap();
        assert_eq!(bundle.openings.len(), count - left_out);
        let bytes = made.file.format().into_bytes();
        let proven = check_proof(STORY.as_bytes(), None, &bytes, &trust()).unwrap();
        assert_eq!((proven.document, &proven.withheld), (Some(Sameness::Bytes), &made.withheld));
        assert_eq!(proven.missing, [""; 0]);
        let opened = proven.registration.unwrap();
        assert_eq!(opened.withheld.len(), left_out);
        // Not named, it is missing; named without being so, it does not fit.
        let unnamed = changed(&bytes, |bundle| bundle.withheld.clear());
        let proven = check_proof(STORY.as_bytes(), None, &unnamed, &trust()).unwrap();
        assert_eq!((proven.withheld.len(), proven.missing.len()), (0, left_out));
        let bundle: ProofBundle = serde_json::from_slice(whole.file.extra()).unwrap();
        let put_back = changed(&bytes, |changed| changed.openings = bundle.openings);
        let refused = check_proof(STORY.as_bytes(), None, &put_back, &trust());
        assert!(matches!(refused, Err(ProofCheckError::Openings { index: 1, .. })));
    }
    for (field, clear) in [
        ("title", true),
        ("claimedOrigins", true),
        ("/claimedOrigins/0/asPrinted", true),
        ("note", false),
        ("/bylines/1", false),
        ("quote", false),
        ("", false),
        ("/", false),
        ("/paragraphs/0", false),
        ("_sd", true),
    ] {
        let Err(ProveError::Withhold(error)) = made(&store, 1, &[field], None) else { panic!("{field}") };
        assert_eq!(matches!(error, WithholdError::InTheClear { .. }), clear, "{field}: {error}");
        let told = error.to_string();
        assert!(told.ends_with("can be withheld: bylines, numbers, paragraphs, quotes (2)"), "{told}");
    }
}

#[test]
fn an_older_proof_moves_to_a_newer_checkpoint() {
    for (old, new) in [(3, 5), (3, 3), (255, 256), (255, 257), (256, 257), (300, 600), (1, 2)] {
        let (before, after) = (of_size(old), of_size(new));
        for index in [0, old / 2, old - 1] {
            let moved = upgraded(&after, &proof(&before, index), None).unwrap();
            assert_eq!(moved, proof(&after, index), "{index}: {old} to {new}");
            let document = text(index as usize);
            let proven = match index {
                0 => check_proof_alone(&moved, &trust()),
                _ => check_proof(document.as_bytes(), None, &moved, &trust()),
            };
            assert_eq!(proven.unwrap().opened.checkpoint().size(), new);
        }
    }
}

#[test]
fn what_is_withheld_stays_withheld() {
    let entries = [enrolment().entry.into_entry(), registers(STORY), registers("a\n\nb\n")];
    let (before, after) = (of(&entries[..2]), of(&entries));
    let old = made(&before, 1, &["quotes"], None).unwrap();
    let moved = upgraded(&after, old.file.format().as_bytes(), None).unwrap();
    let fresh = made(&after, 1, &["quotes"], None).unwrap();
    assert_eq!(moved, fresh.file.format().into_bytes());
    assert_ne!(moved, proof(&after, 1));
}

#[test]
fn an_older_proof_that_does_not_hold_is_not_moved() {
    let (before, after) = (of_size(3), of_size(5));
    let old = proof(&before, 2);
    let bytes = old.len();
    let mut refused = 0;
    for at in (0..bytes).step_by(7) {
        let mut flipped = old.clone();
        flipped[at] ^= 1;
        if let Ok(moved) = upgraded(&after, &flipped, None) {
            // What was flipped is what nothing signs, and nothing believes.
            assert!(check_proof_alone(&moved, &trust()).is_ok(), "byte {at}");
        } else {
            refused += 1;
        }
    }
    assert!(refused > bytes / 14, "{refused} of {bytes}");
    let other = proof(&of_size(4), 3);
    let swapped = changed(&old, |bundle| {
        let other = TlogProof::parse(&other).unwrap();
        bundle.entry = serde_json::from_slice::<ProofBundle>(other.extra()).unwrap().entry;
    });
    let old_error = |result: Result<Vec<u8>, ProveError>| match result {
        Err(ProveError::Old(error)) => error,
        other => panic!("{other:?}"),
    };
    assert!(matches!(
        old_error(upgraded(&after, &swapped, None)),
        ProofCheckError::Inclusion { index: 2, .. }
    ));
    let without = changed(&old, |bundle| bundle.keys.clear());
    assert!(matches!(old_error(upgraded(&after, &without, None)), ProofCheckError::Signer { index: 2, .. }));
    assert!(matches!(old_error(upgraded(&after, b"", None)), ProofCheckError::File(_)));
    let foreign = assembled(&[enrolment().entry.into_entry(), registers(STORY)], ORIGIN, &signing(8));
    let note = Note::parse(&checkpoint(&foreign)).unwrap();
    let parsed = TlogProof::parse(&old).unwrap();
    let unsigned = TlogProof::new(parsed.extra().to_vec(), 1, Vec::new(), note).unwrap();
    assert!(matches!(upgraded(&after, unsigned.format().as_bytes(), None), Err(ProveError::OldNotSigned)));
}

#[test]
fn a_log_that_does_not_continue_the_old_proof_is_refused() {
    let entries: Vec<NewEntry> = records(0..5).into_iter().map(|record| record.entry.into_entry()).collect();
    let old = proof(&of(&entries), 2);
    let mut other = entries.clone();
    other[4] = registers(STORY);
    let longer = [other.as_slice(), &[registers("a\n\nb\n")]].concat();
    for (log, expected) in [
        (of(&entries[..4]), Contradiction::RolledBack),
        (of(&other), Contradiction::Forked),
        (of(&longer), Contradiction::PrefixRewritten),
    ] {
        let found = upgraded(&log, &old, None);
        assert!(
            matches!(&found, Err(ProveError::Contradicts { contradiction, .. }) if *contradiction == expected),
            "{found:?}"
        );
    }
    // Tiles that do not lead to the root move nothing.
    let after = of_size(7);
    let tile = key("tile/0/000.p/7");
    let mut bytes = after.get(&tile, u64::MAX).unwrap().unwrap();
    bytes[3] ^= 1;
    after.put(&[Object { key: tile, bytes }]).unwrap();
    assert!(matches!(upgraded(&after, &old, None), Err(ProveError::Reader(_))));
}

#[test]
fn a_checkpoint_may_be_named() {
    let store = of_size(300);
    let (three, five, more) = (checkpoint(&of_size(3)), checkpoint(&of_size(5)), checkpoint(&of_size(301)));
    assert_eq!(made(&store, 2, &[], Some(&three)).unwrap().file.format().into_bytes(), proof(&of_size(3), 2));
    // The log's own, too.
    let own = made(&store, 2, &[], Some(&checkpoint(&store))).unwrap();
    assert_eq!(own.file.format().into_bytes(), proof(&store, 2));
    let old = proof(&of_size(3), 2);
    assert_eq!(upgraded(&store, &old, Some(&five)).unwrap(), proof(&of_size(5), 2));
    assert!(matches!(made(&store, 3, &[], Some(&three)), Err(ProveError::TooOld { size: 3, needed: 4 })));
    let back = upgraded(&store, &proof(&of_size(5), 2), Some(&three));
    assert!(matches!(back, Err(ProveError::TooOld { size: 3, needed: 5 })));
    assert!(matches!(made(&store, 2, &[], Some(&more)), Err(ProveError::Ahead { size: 300, found: 301 })));
    let mut entries: Vec<NewEntry> =
        records(0..5).into_iter().map(|record| record.entry.into_entry()).collect();
    entries[4] = registers(STORY);
    let forked = checkpoint(&of(&entries));
    assert!(matches!(made(&store, 2, &[], Some(&forked)), Err(ProveError::Contradicts { .. })));
    let foreign = checkpoint(&assembled(&entries, ORIGIN, &signing(8)));
    assert!(matches!(made(&store, 2, &[], Some(&foreign)), Err(ProveError::Checkpoint(_))));
    assert!(matches!(made(&store, 2, &[], Some(b"x")), Err(ProveError::Note(_))));
}

#[test]
fn a_checkpoint_of_another_log_of_the_policy_anchors_nothing() {
    let entries: Vec<NewEntry> = records(0..5).into_iter().map(|record| record.entry.into_entry()).collect();
    let (ours, theirs) = (vkey_of(ORIGIN, &log_key()), vkey_of("example.org/other", &signing(8)));
    let policy = Policy::parse(format!("log {ours}\nlog {theirs}\nquorum none\n").as_bytes()).unwrap();
    let trust = Trust { policy, ..trust() };
    let other = assembled(&entries, "example.org/other", &signing(8));
    let store = of(&entries);
    let reader = LogReader::open(&store, &trust).unwrap();
    let foreign = LogReader::open(&other, &trust).unwrap().proof_file(2, &[], None).unwrap();
    let old = foreign.file.format();
    let refused = [
        ("the checkpoint named", reader.proof_file(2, &[], Some(&checkpoint(&other)))),
        ("the old proof", reader.upgrade_proof(old.as_bytes(), None)),
    ];
    for (is, result) in refused {
        let Err(ProveError::OtherLog { what, expected, found }) = result else { panic!("{is}: {result:?}") };
        assert_eq!((what, expected, found), (is, ours.to_string(), theirs.to_string()));
    }
}

/// A registration signed by `by`.
fn registers_as(by: &SigningKey, number: usize) -> NewEntry {
    support::registration(by, number, "", false).entry.into_entry()
}

#[test]
fn a_key_that_took_the_place_of_another_is_proven_with_it() {
    let (second, third) = (signing(21), signing(22));
    let rotates = |from: &SigningKey, to: &SigningKey| {
        said(&root_key(), |circumstances| {
            let replaced = Some(from.public().key_id());
            Draft::key(KeyAction::Rotate, &to.public(), vec![Role::Editor], replaced, None, circumstances)
        })
    };
    let store = of(&[
        enrolment().entry.into_entry(),
        enrolled(&signing(23), Role::Editor),
        // Nobody who may: it stands in the log and changes nothing.
        key_entry(&signing(23), KeyAction::Revoke, &editor().public()),
        registers_as(&editor(), 3),
        rotates(&editor(), &second),
        rotates(&second, &third),
        registers_as(&third, 6),
        registers_as(&second, 7),
    ]);
    for (index, keys) in [(3, vec![0]), (5, vec![0, 4]), (6, vec![0, 4, 5]), (4, vec![0])] {
        let made = made(&store, index, &[], None).unwrap();
        let bundle: ProofBundle = serde_json::from_slice(made.file.extra()).unwrap();
        let found: Vec<u64> = bundle.keys.iter().map(|key| key.index).collect();
        assert_eq!(found, keys, "{index}");
        assert!(check_proof_alone(made.file.format().as_bytes(), &trust()).is_ok(), "{index}");
    }
    // What does not hold is not proven.
    for index in [2, 7] {
        assert!(matches!(made(&store, index, &[], None), Err(ProveError::NotHeld { .. })), "{index}");
    }
    let missing = made(&store, 8, &[], None);
    assert!(matches!(missing, Err(ProveError::Reader(_))));
}

#[test]
fn every_kind_of_record_is_proven() {
    let mut entries = vec![enrolment().entry.into_entry(), registers(STORY), registers("Autre\n\nTexte.\n")];
    let document = |entries: &[NewEntry], record: u64| RecordRef {
        record,
        original: entries[record as usize].original.unwrap(),
    };
    let (one, two) = (document(&entries, 1), document(&entries, 2));
    entries.push(notes(notice(one, NoticeKind::Retraction)));
    entries.push(relates(relation(two, RelationKind::Cites, to(one))));
    let store = of(&entries);
    // A notice is about the document; its wording in other bytes is another document.
    let retraction = proof(&store, 3);
    let proven = check_proof(STORY.as_bytes(), None, &retraction, &trust()).unwrap();
    assert_eq!((proven.document, proven.original), (Some(Sameness::Bytes), Some(Hash::of(STORY.as_bytes()))));
    assert!(proven.registration.is_none());
    assert_eq!(proven.entry.predicate()["notice"], "retraction");
    let other = check_proof(STORY.replace('\n', " \n").as_bytes(), None, &retraction, &trust());
    assert!(matches!(other, Err(ProofCheckError::OtherDocument { index: 3, .. })));
    let cites = made(&store, 4, &["quote"], None).unwrap();
    let proven = check_proof_alone(cites.file.format().as_bytes(), &trust()).unwrap();
    assert_eq!((proven.document, proven.original, proven.withheld.len()), (None, Some(two.original), 1));
    // A statement about a key is about no document.
    let enrols = made(&store, 0, &["name"], None).unwrap();
    let bytes = enrols.file.format().into_bytes();
    assert_eq!(check_proof_alone(&bytes, &trust()).unwrap().original, None);
    let refused = check_proof(STORY.as_bytes(), None, &bytes, &trust());
    assert!(matches!(refused, Err(ProofCheckError::NotARegistration { index: 0 })));
}

/// The proof of record 1 of a log, made of its one bundle by hand: whoever makes it need not look at what it says.
fn unjudged(entries: &[NewEntry; 2]) -> Vec<u8> {
    let store = of(entries);
    let good = made(&of(&[entries[0].clone(), registers(STORY)]), 1, &[], None).unwrap();
    let mut bundle: ProofBundle = serde_json::from_slice(good.file.extra()).unwrap();
    let trust = trust();
    let reader = LogReader::open(&store, &trust).unwrap();
    bundle.entry = to_base64(&entries[1].bytes);
    bundle.openings = entries[1].openings.clone();
    bundle.keys[0].proof = reader.prove(0).unwrap().0.iter().map(Hash::to_base64).collect();
    let note = Note::parse(&checkpoint(&store)).unwrap();
    let extra = serde_json::to_vec(&bundle).unwrap();
    let file = TlogProof::new(extra, 1, reader.prove(1).unwrap().0, note).unwrap();
    file.format().into_bytes()
}

#[test]
fn a_record_that_contradicts_itself_is_not_proven() {
    let one = RecordRef { record: 1, original: Hash::of(STORY.as_bytes()) };
    let (other, _) = recorded(&signing(9));
    let retraction = notes(notice(one, NoticeKind::Retraction));
    let changes: [(&NewEntry, &str, &str, Hash); 5] = [
        (&retraction, "/predicate/recordedBy", "/recordedBy", other),
        (&retraction, "/predicate/about/original", "/about/original", Hash::of(b"x")),
        (&registers(STORY), "/predicate/recordedBy", "/recordedBy", other),
        (&registers(STORY), "/predicate/text/sha256", "/text/sha256", Hash::of(b"x")),
        (&registers(STORY), "/subject/1/digest/sha256", "/text/sha256", Hash::of(b"x")),
    ];
    for (entry, pointer, field, value) in changes {
        let changed = resigned(entry, |payload| {
            *payload.pointer_mut(pointer).unwrap() = value.to_string().into();
        });
        let proof = unjudged(&[enrolment().entry.into_entry(), changed.clone()]);
        let error = check_proof_alone(&proof, &trust()).unwrap_err();
        let ProofCheckError::Fault { index: 1, why } = &error else { panic!("{pointer}: {error:?}") };
        assert!(why.contains(field) && !error.is_unverifiable(), "{why}");
        let refused = made(&of(&[enrolment().entry.into_entry(), changed]), 1, &[], None);
        assert!(matches!(refused, Err(ProveError::NotHeld { index: 1, .. })), "{pointer}");
    }
    let as_it_was = unjudged(&[enrolment().entry.into_entry(), registers(STORY)]);
    assert!(check_proof_alone(&as_it_was, &trust()).is_ok());
    // A statement about a key of which the subject is another key.
    let enrols = enrolled(&signing(23), Role::Editor);
    let changed = resigned(&enrols, |payload| {
        payload["subject"][0]["digest"]["sha256"] = Hash::of(b"x").to_string().into();
    });
    let error =
        check_proof_alone(&unjudged(&[enrolment().entry.into_entry(), changed]), &trust()).unwrap_err();
    assert!(matches!(&error, ProofCheckError::Fault { why, .. } if why.contains("/key")), "{error:?}");
}

#[test]
fn a_statement_that_contradicts_itself_says_nothing() {
    let one = RecordRef { record: 1, original: Hash::of(STORY.as_bytes()) };
    let retraction = notes(notice(one, NoticeKind::Retraction));
    let with = |pointer: &str, value: &str| {
        resigned(&retraction, |payload| *payload.pointer_mut(pointer).unwrap() = value.into())
    };
    let (other, _) = recorded(&signing(9));
    for (statement, said) in [
        (retraction.clone(), true),
        (with("/subject/0/digest/sha256", &Hash::of(b"x").to_string()), false),
        (with("/predicate/recordedBy", &other.to_string()), false),
    ] {
        let mut standings = Standings::default();
        for (index, entry) in (1..).zip([&registers(STORY), &statement]) {
            standings.fold(index, &Entry::parse(&entry.bytes).unwrap());
        }
        assert_eq!(standings.of(1).is_some(), said);
    }
}

/// A PDF of one page without a text.
fn scan() -> String {
    let mut file = String::from("%PDF-1.4\n");
    let mut places = String::new();
    for (number, object) in [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] >>",
    ]
    .iter()
    .enumerate()
    {
        places += &format!("{:010} 00000 n \n", file.len());
        file += &format!("{} 0 obj\n{object}\nendobj\n", number + 1);
    }
    let start = file.len();
    file += &format!("xref\n0 4\n0000000000 65535 f \n{places}trailer\n<< /Size 4 /Root 1 0 R >>\n");
    file + &format!("startxref\n{start}\n%%EOF\n")
}

#[test]
fn whether_a_document_has_the_wording_cannot_always_be_told() {
    let proof_with = |change: &dyn Fn(&mut serde_json::Value)| {
        unjudged(&[
            enrolment().entry.into_entry(),
            resigned(&registers(STORY), |payload| change(&mut payload["predicate"])),
        ])
    };
    let plain = proof_with(&|_| {});
    let checked = |document: &[u8], proof: &[u8]| check_proof(document, None, proof, &trust());
    let copy = STORY.replace('\n', " \n");
    assert_eq!(checked(copy.as_bytes(), &plain).unwrap().document, Some(Sameness::Wording));
    assert!(matches!(checked(b"other", &plain), Err(ProofCheckError::OtherDocument { .. })));
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    // A scan is a document, of which nobody has read a word.
    let scan = scan();
    for unread in [png.as_slice(), b"", scan.as_bytes()] {
        let error = checked(unread, &plain).unwrap_err();
        assert!(matches!(error, ProofCheckError::WordingUnread { index: 1, .. }), "{error:?}");
        assert!(error.is_unverifiable());
    }
    let newer = proof_with(&|said| said["fingerprints"]["reflow"]["algorithm"] = "reflow/2".into());
    let extracted = proof_with(&|said| said["text"]["extractor"] = "dateline-text/9".into());
    for (document, proof) in [(copy.as_bytes(), &newer), (b"other", &newer), (b"other", &extracted)] {
        let error = checked(document, proof).unwrap_err();
        assert!(matches!(error, ProofCheckError::AlgorithmUnknown { index: 1, .. }), "{error:?}");
        assert!(error.is_unverifiable());
    }
    assert!(checked(copy.as_bytes(), &extracted).is_ok());
    assert!(checked(STORY.as_bytes(), &newer).is_ok(), "the same bytes are the same");
}

#[test]
fn a_document_is_read_by_the_registered_charset() {
    // Cyrillic, as a server said; the page says otherwise.
    let text = "<html><head><meta charset=\"windows-1251\"></head><body><article><h1>\u{41e}\u{437}\u{435}\u{440}\u{43e}</h1><p>\u{412}\u{43e}\u{434}\u{430} \u{43f}\u{440}\u{438}\u{431}\u{44b}\u{43b}\u{430}.</p></article></body></html>";
    let bytes = |text: &str| encoding_rs::KOI8_R.encode(text).0.into_owned();
    let options = ReadOptions { charset: Some("koi8-r"), ..ReadOptions::default() };
    let article = article::read(&bytes(text), &options).unwrap();
    let registered =
        said(&editor(), |circumstances| Draft::registration(&article, &Decisions::default(), circumstances));
    let proof = proof(&of(&[enrolment().entry.into_entry(), registered]), 1);
    let other_bytes = text.replace("</h1><p>", "</h1> <p>");
    for copy in [bytes(&other_bytes), other_bytes.clone().into_bytes()] {
        let proven = check_proof(&copy, None, &proof, &trust());
        assert_eq!(proven.unwrap().document, Some(Sameness::Wording));
    }
}

#[test]
fn a_document_is_read_by_the_name_of_its_file() {
    let story = "# The *lake* rises\n\nThe water is **up**.\n";
    let options = ReadOptions { file_name: Some("story.md"), ..ReadOptions::default() };
    let article = article::read(story.as_bytes(), &options).unwrap();
    let registered =
        said(&editor(), |circumstances| Draft::registration(&article, &Decisions::default(), circumstances));
    let proof = proof(&of(&[enrolment().entry.into_entry(), registered]), 1);
    // Set otherwise.
    let copy = b"The _lake_ rises\n================\n\nThe water is __up__.\n";
    let proven = check_proof(copy, Some("copy.markdown"), &proof, &trust());
    assert_eq!(proven.unwrap().document, Some(Sameness::Wording));
    for name in [None, Some("copy.txt")] {
        let refused = check_proof(copy, name, &proof, &trust());
        assert!(matches!(refused, Err(ProofCheckError::OtherDocument { index: 1, .. })), "{refused:?}");
    }
}

#[test]
fn a_reader_who_was_overtaken_begins_again_and_at_last_gives_up() {
    let trust = trust();
    // What is read fails or not, and the log grows meanwhile or not: how often is it read?
    for (fails, grows, expected) in [(0, 3, 1), (9, 0, 1), (9, 1, 2), (1, 3, 2), (2, 3, 3), (9, 9, 3)] {
        let store = of_size(3);
        let mut sizes = Vec::new();
        let result = read_log_as(&store, &trust, |reader| -> Result<(), ReaderError> {
            let time = sizes.len() as u64;
            sizes.push(reader.size());
            if time < grows {
                support::copy(&of_size(4 + time), &store, "");
            }
            match time < fails {
                true => Err(ReaderError::NoLog),
                false => Ok(()),
            }
        });
        assert_eq!((result.is_ok(), sizes.len()), (fails < 3, expected), "{fails} {grows}");
        assert!(sizes.is_sorted() && sizes[0] == 3 && sizes.len() <= 3, "{sizes:?}");
    }
}

#[test]
fn an_entry_that_is_no_record_is_told_from_none() {
    let mut none = registers(STORY);
    none.bytes = b"not an envelope".to_vec();
    let store = of(&[enrolment().entry.into_entry(), none]);
    let trust = trust();
    let reader = LogReader::open(&store, &trust).unwrap();
    assert!(matches!(reader.record(1), Err(ReaderError::NotARecord { index: 1, .. })));
    assert!(matches!(reader.record(2), Err(ReaderError::NoRecord { index: 2, size: 2 })));
    let refused = made(&store, 1, &[], None);
    assert!(matches!(refused, Err(ProveError::Reader(ReaderError::NotARecord { index: 1, .. }))));
    let beyond = made(&store, 2, &[], None);
    assert!(matches!(beyond, Err(ProveError::Reader(ReaderError::NoRecord { index: 2, size: 2 }))));
}

#[test]
fn what_an_audit_remembers_changes_no_proof() {
    // The signer of the last records took the place of another after the first bundle.
    let (first, second) = (signing(61), signing(62));
    let mut entries = vec![enrolled(&first, Role::Editor)];
    entries.extend((1..300).map(|number| registers_as(&first, number)));
    entries.push(said(&root_key(), |circumstances| {
        let replaced = Some(first.public().key_id());
        Draft::key(KeyAction::Rotate, &second.public(), vec![Role::Editor], replaced, None, circumstances)
    }));
    entries.extend((301..600).map(|number| registers_as(&second, number)));
    let store = of(&entries);
    let memory_of =
        |size: usize| audit_since(&of(&entries[..size]), &trust(), None, &|_, _| {}).unwrap().memory;
    let other = of(&[enrolment().entry.into_entry()]);
    let memories = [
        memory_of(600),
        memory_of(299),
        memory_of(200),
        audit_since(&other, &trust(), None, &|_, _| {}).unwrap().memory,
    ];
    let trust = trust();
    let reader = LogReader::open(&store, &trust).unwrap();
    let proven = |index: u64, memory: Option<&Memory>| {
        reader.proof_file_since(index, &[], None, memory).map(|made| made.file.format())
    };
    for index in [0, 1, 255, 256, 299, 300, 301, 511, 512, 599] {
        let expected = proven(index, None).unwrap();
        check_proof_alone(expected.as_bytes(), &trust).unwrap();
        for memory in &memories {
            assert_eq!(proven(index, Some(memory.as_ref().unwrap())).unwrap(), expected, "{index}");
        }
    }
    assert!(matches!(
        proven(600, memories[0].as_ref()),
        Err(ProveError::Reader(ReaderError::NoRecord { index: 600, size: 600 }))
    ));
    // What is read is held against the hashes, with a memory too.
    let bundle = key("tile/entries/001");
    let mut bytes = store.get(&bundle, u64::MAX).unwrap().unwrap();
    let last = bytes.len() - 10;
    bytes[last] ^= 1;
    store.put(&[Object { key: bundle, bytes }]).unwrap();
    for memory in [None, memories[0].as_ref()] {
        assert!(matches!(proven(511, memory), Err(ProveError::Reader(ReaderError::Changed { .. }))));
    }
}
