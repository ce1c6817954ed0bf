//! Statements about registered documents: who may make them, what they may point to, what becomes of a document by them.
#![allow(clippy::unwrap_used)]

mod support;

use dateline::attest::Disclosure;
use dateline::base::{Hash, SigningKey};
use dateline::record::assessment::Method;
use dateline::record::entry::Circumstances;
use dateline::record::relation::Unresolved;
use dateline::record::{
    Assessment, AssessmentState, Body, Draft, Entry, EntryError, NewEntry, Notice, NoticeKind, Pending,
    RecordRef, Relation, RelationKind, Role, Standings, Target, layout,
};
use dateline::storage::{MemoryStore, Object, Store};
use dateline::verify::{Code, LogReader, Report, Verdict};
use serde_json::{Value, json};
use support::statements::{
    assesses, assessment, assessor, document, enrolled, log, notes, notice, recorded, relates, relation,
    resigned, said, to, when,
};
use support::{ORIGIN, assembled, audited, editor, key, log_key, registration, signing};

fn audit_with(more: &[NewEntry]) -> Report {
    audited(&assembled(&[log().as_slice(), more].concat(), ORIGIN, &log_key()))
}

/// Audits the log with one statement more; returns what is said of it.
fn findings(entry: NewEntry) -> Vec<(Code, Option<String>)> {
    let report = audit_with(&[entry]);
    let findings = report.findings.iter().filter(|finding| finding.record == Some(4));
    let findings: Vec<_> = findings.map(|finding| (finding.code, finding.field.clone())).collect();
    assert_eq!(findings.len(), report.findings.len(), "{:?}", report.findings);
    assert_eq!(findings.is_empty(), report.verdict == Verdict::Verified);
    findings
}

fn standings(more: &[NewEntry]) -> Standings {
    let mut standings = Standings::default();
    for (index, entry) in (0..).zip(log().iter().chain(more)) {
        standings.fold(index, &Entry::parse(&entry.bytes).unwrap());
    }
    standings
}

#[test]
fn statements_that_hold() {
    let unresolved = Unresolved { text: Some("Ministry press release".into()), ..Unresolved::default() };
    let more = [
        relates(relation(document(3), RelationKind::Cites, to(document(2)))),
        relates(relation(document(3), RelationKind::Quotes, Target::Unresolved(unresolved))),
        assesses(assessment(document(2), "/title/0", AssessmentState::Verified, Some(Method::ArchiveMatch))),
        notes(notice(document(2), NoticeKind::Embargo)),
        notes(Notice { replaced_by: Some(document(3)), ..notice(document(2), NoticeKind::Retraction) }),
    ];
    let report = audit_with(&more);
    assert_eq!((report.verdict, &report.findings), (Verdict::Verified, &Vec::new()));
    assert_eq!(report.counts.statements, 5);
    // Words and notes can be forgotten.
    for entry in &more[..3] {
        let text = String::from_utf8_lossy(&entry.bytes).into_owned();
        assert!(!entry.openings.is_empty() && !text.contains("telephone"), "{text}");
    }

    let standings = standings(&more);
    let of = standings.of(2).unwrap();
    assert_eq!(of.taken_back(), Some((8, "retracted")));
    assert_eq!(of.related_from.len(), 1);
    assert_eq!(of.related_from[0].other, to(document(3)));
    assert_eq!(of.assessed(AssessmentState::Verified).count(), 1);
    assert_eq!(standings.of(3).unwrap().relations.len(), 2);
}

#[test]
fn what_a_statement_points_to_must_be_there() {
    use Code::{ReferenceInvalid, StatementInconsistent};
    let cites = |about, target| relates(relation(about, RelationKind::Cites, to(target)));
    let other = |record, number: u64| RecordRef { record, ..document(number) };
    let about = |field: &str| Some(field.to_owned());
    for future in [4, 5, 1 << 40, u64::MAX] {
        let found = findings(cites(document(3), other(future, 2)));
        assert_eq!(found, [(ReferenceInvalid, about("/target/record"))], "{future}");
    }
    // An entry that registers nothing, and one that registers something else.
    assert_eq!(findings(cites(document(3), other(1, 2))), [(ReferenceInvalid, about("/target/record"))]);
    assert_eq!(findings(cites(document(3), other(2, 3))), [(ReferenceInvalid, about("/target/record"))]);
    assert_eq!(findings(cites(other(2, 3), document(2))), [(ReferenceInvalid, about("/about"))]);
    let to_itself = Draft::relation(
        relation(document(3), RelationKind::Cites, to(document(3))),
        &mut Circumstances { recorded_by: Hash([0; 32]), recorded_at: when(), random: &mut || [0; 16] },
    );
    assert!(matches!(to_itself, Err(EntryError::Fault { field: "/target", .. })));

    for claim in ["/title/7", "/claimedOrigins/0", "/recordedBy", "", "title/0"] {
        let found = findings(assesses(assessment(
            document(2),
            claim,
            AssessmentState::Disputed,
            Some(Method::EditorialJudgement),
        )));
        assert_eq!(found, [(ReferenceInvalid, about("/claim"))], "{claim}");
    }
    let mut evidence =
        assessment(document(2), "/title/0", AssessmentState::Corroborated, Some(Method::ArchiveMatch));
    evidence.evidence[0].record = Some(other(9, 3));
    assert_eq!(findings(assesses(evidence)), [(ReferenceInvalid, about("/evidence"))]);
    let replaced = Notice { replaced_by: Some(other(0, 3)), ..notice(document(2), NoticeKind::Correction) };
    assert_eq!(findings(notes(replaced)), [(ReferenceInvalid, about("/replacedBy"))]);

    // The subject and what it is about are one.
    let entry = cites(document(3), document(2));
    let text = resigned(&entry, |payload| payload["subject"][0]["digest"]["sha256"] = "00".repeat(32).into());
    assert_eq!(findings(text), [(StatementInconsistent, about("/about/original"))]);
}

#[test]
fn rules_hold_when_a_statement_is_checked_too() {
    use Code::{StatementInconsistent, ValueUnknown};
    let verified = AssessmentState::Verified;
    let good = assesses(assessment(document(2), "/title/0", verified, Some(Method::DirectContact)));
    let predicate = |member: &'static str, value: serde_json::Value| {
        move |payload: &mut serde_json::Value| payload["predicate"][member] = value
    };
    for (member, value, code) in [
        ("method", "editorialJudgement".into(), StatementInconsistent),
        ("method", "telepathy".into(), StatementInconsistent),
        ("method", serde_json::Value::Null, StatementInconsistent),
        ("state", "proven".into(), ValueUnknown),
    ] {
        let found = findings(resigned(&good, predicate(member, value)));
        assert_eq!(found, [(code, Some(format!("/{member}")))]);
    }
    let good = notes(notice(document(2), NoticeKind::Embargo));
    let found = findings(resigned(&good, predicate("until", serde_json::Value::Null)));
    assert_eq!(found, [(StatementInconsistent, Some("/until".into()))]);
    let found = findings(resigned(&good, predicate("notice", "rumour".into())));
    assert_eq!(found[0], (StatementInconsistent, Some("/until".into())));
    let good = relates(relation(document(3), RelationKind::Cites, to(document(2))));
    let found = findings(resigned(&good, predicate("relation", "mocks".into())));
    assert_eq!(found, [(ValueUnknown, Some("/relation".into()))]);
    let found = findings(resigned(&good, predicate("target", serde_json::json!({"unresolved": {}}))));
    assert_eq!(found, [(StatementInconsistent, Some("/target".into()))]);
    let found = findings(resigned(&good, predicate("target", serde_json::json!({"both": 1}))));
    assert_eq!(found, [(Code::EntryMalformed, None)]);
    // None of these changes anything.
    let bad = [
        resigned(&good, predicate("target", serde_json::json!({"unresolved": {}}))),
        resigned(&relates(relation(document(3), RelationKind::Cites, to(document(2)))), |payload| {
            payload["predicate"]["about"]["record"] = 77.into();
        }),
    ];
    assert_eq!(standings(&bad).iter().count(), 0);
}

#[test]
fn a_statement_takes_the_role_for_it() {
    let not_allowed = [(Code::SignerNotAllowed, Some("signatures/0/keyid".to_owned()))];
    let by_editor =
        assessment(document(2), "/title/0", AssessmentState::Verified, Some(Method::OriginSignature));
    let (recorded_by, _) = recorded(&editor());
    let by_editor = Assessment { recorded_by, ..by_editor };
    let entry = said(&editor(), |circumstances| Draft::assessment(by_editor, circumstances));
    assert_eq!(findings(entry), not_allowed);
    let (recorded_by, _) = recorded(&assessor());
    let by_assessor = Notice { recorded_by, ..notice(document(2), NoticeKind::Retraction) };
    let entry = said(&assessor(), |circumstances| Draft::notice(by_assessor, circumstances));
    assert_eq!(findings(entry), not_allowed);
    let by_assessor = Relation { recorded_by, ..relation(document(3), RelationKind::Cites, to(document(2))) };
    let entry = said(&assessor(), |circumstances| Draft::relation(by_assessor, circumstances));
    assert_eq!(findings(entry), []);
}

#[test]
fn of_one_assessor_the_last_word_holds_and_of_two_both_stand() {
    let second = signing(6);
    let assess = |by: &SigningKey, state: AssessmentState| {
        let (recorded_by, _) = recorded(by);
        let method = Some(Method::OriginPublication);
        let stated = Assessment { recorded_by, ..assessment(document(2), "/title/0", state, method) };
        said(by, |circumstances| Draft::assessment(stated, circumstances))
    };
    let more = [
        enrolled(&second, Role::Assessor),
        assess(&assessor(), AssessmentState::Verified),
        assess(&second, AssessmentState::Disputed),
        assess(&assessor(), AssessmentState::Withdrawn),
        assess(&assessor(), AssessmentState::Refuted),
    ];
    assert_eq!(audit_with(&more).findings, []);
    let standings = standings(&more);
    let states: Vec<_> =
        standings.of(2).unwrap().assessments.iter().map(|one| (one.by, one.state.clone())).collect();
    assert_eq!(states, [(6, AssessmentState::Disputed), (8, AssessmentState::Refuted)]);
}

#[test]
fn a_document_is_taken_back_by_a_notice_or_by_another_document() {
    for kind in [NoticeKind::Retraction, NoticeKind::Kill, NoticeKind::Takedown] {
        assert!(standings(&[notes(notice(document(2), kind))]).of(2).unwrap().taken_back().is_some());
    }
    for kind in [NoticeKind::Correction, NoticeKind::Update, NoticeKind::Clarification] {
        assert_eq!(standings(&[notes(notice(document(2), kind))]).of(2).unwrap().taken_back(), None);
    }
    let by_document = relates(relation(document(3), RelationKind::Retracts, to(document(2))));
    let standings = standings(&[by_document]);
    assert_eq!(standings.of(2).unwrap().taken_back(), Some((4, "retracted")));
    assert_eq!(standings.of(3).unwrap().taken_back(), None);
}

#[test]
fn what_points_into_a_part_that_cannot_be_read_cannot_be_checked() {
    let cites = relates(relation(document(3), RelationKind::Cites, to(document(2))));
    let mut entries = log();
    entries.resize_with(300, || registration(&editor(), 9, "", false).entry.into_entry());
    entries.push(cites);
    let store = assembled(&entries, ORIGIN, &log_key());
    assert_eq!(audited(&store).verdict, Verdict::Verified);
    store.delete(&[key("tile/entries/000")]).unwrap();
    let report = audited(&store);
    let unknown = report.findings.iter().filter(|finding| finding.code == Code::ReferenceUnknown);
    assert_eq!(unknown.map(|finding| finding.record).collect::<Vec<_>>(), [Some(300), Some(300)]);
    assert_eq!(report.verdict, Verdict::Unverifiable);
}

#[test]
fn what_waits_and_could_be_appended_is_counted() {
    let store = assembled(&log(), ORIGIN, &log_key());
    let put = |pending: &Pending, path: &str| {
        store.put(&[Object { key: key(path), bytes: pending.format() }]).unwrap();
    };
    let new = registration(&editor(), 5, "", true);
    let pending = Pending::of(&new.entry);
    put(&pending, &pending.path());
    let content = layout::content_path(&new.entry.original.unwrap());
    store.put(&[Object { key: key(&content), bytes: new.content.unwrap() }]).unwrap();
    let notice = Pending::of(&notes(notice(document(2), NoticeKind::Correction)));
    put(&notice, &notice.path());
    let report = audited(&store);
    assert_eq!((report.verdict, &report.findings), (Verdict::Verified, &Vec::new()));
    assert_eq!((report.counts.pending, report.counts.entries, report.size), (2, 4, 4));
}

#[test]
fn what_points_into_a_part_that_is_only_compared_is_checked() {
    let mut entries = log();
    entries.resize_with(256, || registration(&editor(), 9, "", false).entry.into_entry());
    let audit = |entries: &[NewEntry], memory: Option<&dateline::verify::Memory>| {
        let store = assembled(entries, ORIGIN, &log_key());
        dateline::verify::audit_since(&store, &support::trust(), memory, &|_, _| {}).unwrap()
    };
    let memory = audit(&entries, None).memory.unwrap();
    let wrong = RecordRef { record: 2, ..document(3) };
    for (target, expected) in [(document(2), vec![]), (wrong, vec![Code::ReferenceInvalid])] {
        let more = [entries.clone(), vec![relates(relation(document(3), RelationKind::Cites, to(target)))]];
        let audited = audit(&more.concat(), Some(&memory));
        assert_eq!(audited.report.remembered.unwrap().compared, 256);
        let codes: Vec<Code> = audited.report.findings.iter().map(|finding| finding.code).collect();
        assert_eq!(codes, expected);
    }
}

#[test]
fn what_points_into_two_parts_in_turn_that_are_only_compared_is_checked() {
    let mut entries = log();
    entries.resize_with(300, || registration(&editor(), 9, "", false).entry.into_entry());
    entries.resize_with(512, || registration(&editor(), 10, "", false).entry.into_entry());
    let store = |more: &[NewEntry]| assembled(&[&entries, more].concat(), ORIGIN, &log_key());
    let audit = |store: &MemoryStore, memory: Option<&dateline::verify::Memory>| {
        dateline::verify::audit_since(store, &support::trust(), memory, &|_, _| {}).unwrap()
    };
    let memory = audit(&store(&[]), None).memory.unwrap();
    let far = RecordRef { record: 258, original: entries[258].original.unwrap() };
    let cites = |target| relates(relation(document(3), RelationKind::Cites, to(target)));
    let more = [cites(far), cites(document(2)), cites(far)];
    let audited = audit(&store(&more), Some(&memory));
    assert_eq!(audited.report.remembered.unwrap().compared, 512);
    assert_eq!(audited.report.findings, []);
}

#[test]
fn what_became_of_each_document_is_read_from_the_log_with_its_records() {
    let notice = notes(notice(document(2), NoticeKind::Retraction));
    let store = assembled(&[log().as_slice(), &[notice]].concat(), ORIGIN, &log_key());
    let trust = support::trust();
    let reader = LogReader::open(&store, &trust).unwrap();
    let mut read = Vec::new();
    let standings = reader.standings(|record| read.push((record.index, record.registration.is_some())));
    assert_eq!(standings.unwrap().of(2).unwrap().taken_back(), Some((4, "retracted")));
    assert_eq!(read, [(0, false), (1, false), (2, true), (3, true), (4, false)]);
    assert_eq!(reader.record(3).unwrap().openings_fit, Ok(()));
}

/// What an audit reads in one pass is what two passes read: the entry as it stands, then with its openings put back.
#[test]
fn a_registration_opened_at_once_is_read_as_in_two_steps() {
    let entry = registration(&editor(), 2, "", false).entry.into_entry();
    let member = |name: &str, value: Value| Disclosure::member([7; 16], name, &value).unwrap();
    let element = |value: Value| Disclosure::element([8; 16], &value).unwrap();
    let origin = json!({"id": "o1", "asPrinted": "A", "org": {"label": "A", "kind": "other"}, "role": "source",
        "extent": "unknown", "evidence": {"statedBy": "person"}});
    let title = entry_title(&entry);
    type Change = Box<dyn Fn(&mut Value)>;
    let at = |pointer: &'static str, value: Value| -> Change {
        Box::new(move |payload| *payload.pointer_mut(pointer).unwrap() = value.clone())
    };
    let commit = |object: &'static str, opening: Disclosure| -> Change {
        Box::new(move |payload| {
            let object = payload.pointer_mut(object).unwrap().as_object_mut().unwrap();
            if let Some(name) = opening.name() {
                object.remove(name);
            }
            let digests = object.entry("_sd").or_insert(json!([]));
            digests.as_array_mut().unwrap().push(opening.digest().into());
        })
    };
    let hidden = element(origin.clone());
    let note = member("note", json!("off the record"));
    let cases: Vec<(&str, Change, Vec<Disclosure>)> = vec![
        ("as it is", Box::new(|_| {}), vec![]),
        ("a note", commit("/predicate", note.clone()), vec![note.clone()]),
        ("a note, not opened", commit("/predicate", note.clone()), vec![]),
        (
            "a note of another type",
            commit("/predicate", member("note", json!(7))),
            vec![member("note", json!(7))],
        ),
        (
            "a required member",
            commit("/predicate", member("bytes", json!(9))),
            vec![member("bytes", json!(9))],
        ),
        (
            "a title",
            commit("/predicate", member("title", title.clone())),
            vec![member("title", title.clone())],
        ),
        (
            "quotes as a whole",
            commit("/predicate", member("quotes", json!([]))),
            vec![member("quotes", json!([]))],
        ),
        (
            "a required member deeper down",
            commit("/predicate/text", member("extractor", json!("dateline-text/1"))),
            vec![member("extractor", json!("dateline-text/1"))],
        ),
        (
            "an unknown member deeper down",
            commit("/predicate/text", member("more", json!(1))),
            vec![member("more", json!(1))],
        ),
        (
            "an origin",
            at("/predicate/claimedOrigins", json!([{"...": hidden.digest()}, origin])),
            vec![hidden.clone()],
        ),
        ("an origin, not opened", at("/predicate/claimedOrigins", json!([{"...": hidden.digest()}])), vec![]),
        (
            "an origin with more beside it",
            at("/predicate/claimedOrigins", json!([{"...": hidden.digest(), "id": "o1"}])),
            vec![hidden.clone()],
        ),
        ("an origin of nothing", at("/predicate/claimedOrigins", json!([{}])), vec![]),
        ("an origin in an array", at("/predicate/claimedOrigins", json!([["a digest"]])), vec![]),
        (
            "an origin that is something else",
            at("/predicate/claimedOrigins", json!([{"...": element(json!(3)).digest()}])),
            vec![element(json!(3))],
        ),
        (
            "a commitment where none may be",
            Box::new(move |payload| payload["predicate"]["urls"] = json!([{"...": hidden.digest()}])),
            vec![element(json!({"href": "a", "rel": "seen"}))],
        ),
        ("an opening of nothing", Box::new(|_| {}), vec![element(json!(4))]),
        (
            "no bylines",
            Box::new(|payload| drop(payload["predicate"].as_object_mut().unwrap().remove("bylines"))),
            vec![],
        ),
        ("another algorithm", Box::new(|payload| payload["predicate"]["_sd_alg"] = json!("sha-512")), vec![]),
        ("another kind", at("/predicateType", json!("urn:dateline:notice:v1")), vec![]),
        ("no kind that is known", at("/predicateType", json!("urn:x")), vec![]),
        ("other subjects", at("/subject/1/name", json!("original")), vec![]),
    ];
    let mut well_formed = 0;
    for (name, change, more) in cases {
        let changed = resigned(&entry, change);
        let mut openings = entry.openings.clone();
        openings.extend(more.iter().map(|opening| opening.as_str().to_owned()));
        for openings in [openings, more.iter().map(|opening| opening.as_str().to_owned()).collect()] {
            let parsed = Entry::parse(&changed.bytes);
            let at_once = Entry::parse_opened(&changed.bytes, &openings);
            let (parsed, at_once) = match (parsed, at_once) {
                (Ok(parsed), Ok(at_once)) => (parsed, at_once),
                (Err(one), Err(other)) => {
                    assert_eq!(one.to_string(), other.to_string(), "{name}");
                    continue;
                }
                (one, other) => panic!("{name}: {one:?} and {other:?}"),
            };
            assert_eq!(at_once.claims, parsed.claims(), "{name}");
            if !matches!(parsed.body, Body::Registration(_)) {
                continue;
            }
            match (parsed.open_registration(&openings), &at_once.withheld) {
                (Ok(opened), Ok(withheld)) => {
                    let Body::Registration(read) = &at_once.entry.body else { panic!("{name}") };
                    assert_eq!((&opened.registration, &opened.withheld), (&**read, withheld), "{name}");
                    well_formed += 1;
                }
                (Err(one), Err(other)) => assert_eq!(one.to_string(), other.to_string(), "{name}"),
                (one, other) => panic!("{name}: {one:?} and {other:?}"),
            }
        }
    }
    assert!(well_formed > 10, "{well_formed}");
}

fn entry_title(entry: &NewEntry) -> Value {
    Entry::parse(&entry.bytes).unwrap().predicate()["title"].clone()
}
