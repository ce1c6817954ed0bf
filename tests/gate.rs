//! Lock files and the gate: each finding, each level of the rule, and what cannot be checked.
#![allow(clippy::unwrap_used)]

mod support;

use dateline::base::{Hash, SigningKey, Timestamp};
use dateline::note::{Cosignature, KeyName, Note, Policy, VerifierKey};
use dateline::record::about::Support;
use dateline::record::assessment::Method;
use dateline::record::relation::Unresolved;
use dateline::record::{
    Assessment, AssessmentState, Draft, KeyAction, NewEntry, Notice, NoticeKind, Pending, RecordRef,
    RelationKind, Role, Target, layout,
};
use dateline::storage::{Key, Listing, MemoryStore, Object, Store, StoreError};
use dateline::tlog::leaf_hash;
use dateline::verify::{
    Code, FINDINGS_MAX, GateArticle, GateError, GateReport, GateRule, Given, Lock, LockError, LockPath,
    LogReader, PinError, PinRequest, Require, Severity, SourceRef, Trust, Verdict,
};
use support::statements::{
    assesses, assessment, assessor, enrolled, notes, notice, recorded, registers, relates, relation, said,
    to, when,
};
use support::{ORIGIN, assembled, editor, enrolment, key, log_key, root_key, signing, trust, vkey_of};

const ARTICLE: &str =
    "The lake rises\n\nThe water is up by two metres, the ministry says.\n\nBy Awa Diarra\n";
const ONE: &str = "Le lac monte\n\nL'eau est haute.\n\nSource : Ministère de la Pêche\n";
const TWO: &str = "Le port est fermé.\n\nSource : Mairie de Port-Clair\nSource : AFP\n";
const NONE: &str = "A text from nowhere\n\nIt rains.\n";

/// Entry 0 enrols the editor, 1 the assessor; 2 and 3 are sources, 4 one that claims nothing, 5 the article.
fn log() -> Vec<NewEntry> {
    let mut log = vec![enrolment().entry.into_entry(), enrolled(&assessor(), Role::Assessor)];
    log.extend([ONE, TWO, NONE, ARTICLE].map(registers));
    log
}

fn document(record: u64) -> RecordRef {
    RecordRef { record, original: log()[record as usize].original.unwrap() }
}

fn cites(record: u64) -> NewEntry {
    relates(relation(document(5), RelationKind::Cites, to(document(record))))
}

fn assess(record: u64, claim: &str, state: AssessmentState) -> NewEntry {
    assesses(assessment(document(record), claim, state, Some(Method::OriginPublication)))
}

fn with(more: &[NewEntry]) -> MemoryStore {
    assembled(&[log().as_slice(), more].concat(), ORIGIN, &log_key())
}

fn path(text: &str) -> LockPath {
    LockPath::new(text).unwrap()
}

fn request(given: Vec<Given>) -> PinRequest {
    let articles = vec![(path("lake.md"), Hash::of(ARTICLE.as_bytes()))];
    PinRequest { articles, given, forget_given: false }
}

fn pinned(store: &dyn Store, previous: Option<&Lock>, given: Vec<Given>) -> Result<Lock, PinError> {
    let trust = trust();
    let made = LogReader::open(store, &trust).unwrap().pin(previous, &request(given))?;
    // What is gated is what was read from a file.
    Ok(Lock::parse(&made.format()).unwrap())
}

fn rule(require: Option<Require>) -> GateRule {
    GateRule { require, max_age: None, now: when(), allow_unresolved: false }
}

fn gated(store: &dyn Store, lock: &Lock, rule: &GateRule) -> GateReport {
    gated_as(store, lock, rule, Ok(Hash::of(ARTICLE.as_bytes())), &trust())
}

fn gated_as(
    store: &dyn Store,
    lock: &Lock,
    rule: &GateRule,
    sha256: Result<Hash, String>,
    trust: &Trust,
) -> GateReport {
    let article = GateArticle { path: path("lake.md"), name: "lake.md".into(), sha256 };
    LogReader::open(store, trust).unwrap().gate(lock, "sources.lock", &[article], rule).unwrap()
}

/// The codes of a gate over a log that got `more` since it was locked with sources 2 and 3, said by records 6 and 7.
fn after(more: &[NewEntry], rule: &GateRule) -> Vec<(Code, Option<u64>)> {
    let before = [cites(2), cites(3)];
    let lock = pinned(&with(&before), None, Vec::new()).unwrap();
    let report = gated(&with(&[before.as_slice(), more].concat()), &lock, rule);
    for finding in &report.findings {
        assert_eq!(finding.path.as_deref(), Some("sources.lock"));
        let line = lock.format().lines().nth(finding.line.unwrap() as usize - 1).unwrap().to_owned();
        match finding.record {
            Some(record @ (2 | 3)) => assert!(line.contains(&format!("\"record\":{record},")), "{line}"),
            _ => assert!(line.contains("\"path\": \"lake.md\""), "{line}"),
        }
    }
    let worst = report.findings.iter().map(|finding| finding.severity).max().unwrap_or(Severity::Note);
    let expected = [Verdict::Verified, Verdict::Unverifiable, Verdict::Invalid][worst as usize];
    assert_eq!((report.verdict, report.articles[0].verdict), (expected, expected));
    report.findings.iter().map(|finding| (finding.code, finding.record)).collect()
}

#[test]
fn what_is_as_it_was_locked_passes() {
    assert_eq!(after(&[], &rule(None)), []);
    assert_eq!(after(&[], &rule(Some(Require::Claimed))), []);
    // Whatever else the log got since.
    assert_eq!(after(&[registers("x\n\ny\n"), enrolled(&signing(7), Role::Editor)], &rule(None)), []);
}

#[test]
fn what_was_taken_back_does_not() {
    let plain = rule(None);
    for kind in [NoticeKind::Retraction, NoticeKind::Kill, NoticeKind::Takedown] {
        let taken = notes(notice(document(3), kind.clone()));
        assert_eq!(after(&[taken], &plain), [(Code::SourceRetracted, Some(3))], "{kind:?}");
    }
    let by_document = relates(relation(document(4), RelationKind::Retracts, to(document(2))));
    assert_eq!(after(&[by_document], &plain), [(Code::SourceRetracted, Some(2))]);
    // Of something else, or by someone who may not say so.
    assert_eq!(after(&[notes(notice(document(4), NoticeKind::Retraction))], &plain), []);
    let (recorded_by, _) = recorded(&assessor());
    let by_assessor = Notice { recorded_by, ..notice(document(2), NoticeKind::Retraction) };
    let by_assessor = said(&assessor(), |circumstances| Draft::notice(by_assessor, circumstances));
    assert_eq!(after(&[by_assessor], &plain), []);
    let other = RecordRef { record: 2, ..document(3) };
    assert_eq!(after(&[notes(notice(other, NoticeKind::Retraction))], &plain), []);
}

#[test]
fn what_was_refuted_does_not_until_that_is_taken_back() {
    let plain = rule(None);
    let refuted = |claim| assess(2, claim, AssessmentState::Refuted);
    let found = [(Code::SourceRefuted, Some(2))];
    assert_eq!(after(&[refuted("/claimedOrigins/0")], &plain), found);
    assert_eq!(after(&[refuted("/title/0")], &plain), found);
    let withdrawn = assess(2, "/claimedOrigins/0", AssessmentState::Withdrawn);
    assert_eq!(after(&[refuted("/claimedOrigins/0"), withdrawn], &plain), []);
    // Once, not as below the rule besides.
    assert_eq!(after(&[refuted("/claimedOrigins/0")], &rule(Some(Require::Claimed))), found);
}

#[test]
fn an_embargo_holds_until_its_end_and_the_last_word_counts() {
    let embargo = |until: &str| {
        let until = Some(until.parse().unwrap());
        notes(Notice { until, ..notice(document(2), NoticeKind::Embargo) })
    };
    let plain = rule(None);
    assert_eq!(after(&[embargo("2026-11-24T08:00:01Z")], &plain), [(Code::SourceEmbargoed, Some(2))]);
    assert_eq!(after(&[embargo("2026-11-24T08:00:00Z")], &plain), []);
    let later = embargo("2027-01-01T00:00:00Z");
    let earlier = embargo("2026-11-01T00:00:00Z");
    assert_eq!(after(&[later.clone(), earlier.clone()], &plain), []);
    assert_eq!(after(&[earlier, later], &plain), [(Code::SourceEmbargoed, Some(2))]);
}

#[test]
fn what_is_said_of_another_record_of_a_source_is_said_of_it() {
    // Record 8 is of the same document as record 2.
    let other = RecordRef { record: 8, ..document(2) };
    let again = registers(ONE);
    let said = |statement: NewEntry| after(&[again.clone(), statement], &rule(None));
    let until = Some("2026-11-24T08:00:01Z".parse().unwrap());
    let embargo = |about| notes(Notice { until, ..notice(about, NoticeKind::Embargo) });
    let refuted = assesses(assessment(
        other,
        "/claimedOrigins/0",
        AssessmentState::Refuted,
        Some(Method::OriginPublication),
    ));
    for (statement, code) in [
        (notes(notice(other, NoticeKind::Retraction)), Code::SourceRetracted),
        (relates(relation(document(4), RelationKind::Retracts, to(other))), Code::SourceRetracted),
        (refuted, Code::SourceRefuted),
        (embargo(other), Code::SourceEmbargoed),
        (notes(notice(other, NoticeKind::Correction)), Code::SourceCorrected),
    ] {
        assert_eq!(said(statement), [(code, Some(2))]);
    }
    // Of an embargo the last word holds, of whichever record it is said.
    let ended = notes(notice(document(2), NoticeKind::Embargo));
    assert_eq!(after(&[again.clone(), embargo(other), ended.clone()], &rule(None)), []);
    let embargoed = after(&[again.clone(), ended, embargo(other)], &rule(None));
    assert_eq!(embargoed, [(Code::SourceEmbargoed, Some(2))]);
    // It is told of which of them it was said.
    let lock = pinned(&with(&[cites(2), again.clone()]), None, Vec::new()).unwrap();
    for (about, named) in [
        (document(2), "lake.md: record 2 was retracted"),
        (
            RecordRef { record: 7, ..document(2) },
            "lake.md: record 7, which registers the document of record 2 too, was retracted",
        ),
    ] {
        let store = with(&[cites(2), again.clone(), notes(notice(about, NoticeKind::Retraction))]);
        let told = gated(&store, &lock, &rule(None)).findings.swap_remove(0).message;
        assert_eq!(told, format!("{named}, by record 8"));
    }
    // What the rule asks for must be shown of the record that is locked.
    let shown = |about| {
        let method = Some(Method::OriginPublication);
        assesses(assessment(about, "/claimedOrigins/0", AssessmentState::Verified, method))
    };
    let of_three = ["/claimedOrigins/0", "/claimedOrigins/1"];
    let of_three = of_three.map(|claim| assess(3, claim, AssessmentState::Verified));
    let found = |about| {
        let more = [&[again.clone(), shown(about)], of_three.as_slice()].concat();
        after(&more, &rule(Some(Require::Verified)))
    };
    assert_eq!(found(other), [(Code::SourceBelowRule, Some(2))]);
    assert_eq!(found(document(2)), []);
}

#[test]
fn what_waits_to_be_said_of_a_source_is_named() {
    let store = with(&[cites(2), registers(ONE)]);
    let lock = pinned(&store, None, Vec::new()).unwrap();
    let waits = |entry: &NewEntry| {
        let pending = Pending::of(entry);
        store.put(&[Object { key: key(&pending.path()), bytes: pending.format() }]).unwrap();
        let report = gated(&store, &lock, &rule(None));
        store.delete(&[key(&pending.path())]).unwrap();
        let unread = report.not_checked.iter().any(|one| one.contains("could not be appended"));
        let found: Vec<_> = report.findings.iter().map(|one| (one.code, one.record, one.severity)).collect();
        (found, unread)
    };
    let until = |until: &str| Notice {
        until: Some(until.parse().unwrap()),
        ..notice(document(2), NoticeKind::Embargo)
    };
    let of_another = RecordRef { record: 7, ..document(2) };
    let method = Some(Method::OriginPublication);
    let assessed = |state: AssessmentState| {
        assesses(assessment(document(2), "/claimedOrigins/0", state, method.clone()))
    };
    let related = |kind| relates(relation(document(4), kind, to(document(2))));
    let renamed = |entry: &NewEntry, member: &str| {
        support::statements::resigned(entry, |payload| payload["predicate"][member] = "unheard".into())
    };
    let replaced = Notice { replaced_by: Some(document(2)), ..notice(document(4), NoticeKind::Retraction) };
    let supported = Assessment {
        evidence: vec![Support { record: Some(document(2)), ..Support::default() }],
        ..assessment(document(3), "/claimedOrigins/0", AssessmentState::Refuted, method.clone())
    };
    let of_article = |about, kind, target| relates(relation(document(about), kind, to(document(target))));
    let (grave, note) = (Some(Severity::Unverifiable), Some(Severity::Note));
    for (entry, severity) in [
        (notes(notice(document(2), NoticeKind::Retraction)), grave),
        (notes(notice(of_another, NoticeKind::Kill)), grave),
        (notes(notice(document(2), NoticeKind::Takedown)), grave),
        (notes(until("2026-11-24T08:00:01Z")), grave),
        (notes(until("2026-11-24T08:00:00Z")), None),
        (notes(notice(document(2), NoticeKind::Correction)), note),
        (notes(notice(document(3), NoticeKind::Retraction)), None),
        (assessed(AssessmentState::Refuted), grave),
        (assessed(AssessmentState::Disputed), note),
        (assessed(AssessmentState::Corroborated), None),
        (related(RelationKind::Retracts), grave),
        (related(RelationKind::Supersedes), note),
        (related(RelationKind::SameContentAs), None),
        (notes(notice(document(2), NoticeKind::Clarification)), note),
        (notes(notice(document(2), NoticeKind::Update)), note),
        (related(RelationKind::Corrects), note),
        (related(RelationKind::Clarifies), note),
        (related(RelationKind::Updates), note),
        (related(RelationKind::Contradicts), note),
        // What is not known here may be anything.
        (renamed(&notes(notice(document(2), NoticeKind::Correction)), "notice"), grave),
        (renamed(&assessed(AssessmentState::Disputed), "state"), grave),
        (renamed(&related(RelationKind::Cites), "relation"), grave),
        // What only names it, and is said of another document.
        (notes(replaced), None),
        (assesses(supported), None),
        (of_article(2, RelationKind::Retracts, 4), None),
        // Nor does an article rest on what cites it, or what it updates.
        (of_article(4, RelationKind::Cites, 5), None),
        (of_article(5, RelationKind::Updates, 4), None),
    ] {
        let expected: Vec<_> =
            severity.into_iter().map(|severity| (Code::SourcePending, Some(2), severity)).collect();
        assert_eq!(waits(&entry), (expected, false));
    }
    // What could not be appended says nothing, and is counted.
    let (recorded_by, _) = recorded(&signing(9));
    let stranger = Notice { recorded_by, ..notice(document(2), NoticeKind::Kill) };
    let stranger = said(&signing(9), |circumstances| Draft::notice(stranger, circumstances));
    assert_eq!(waits(&stranger), (vec![], true));
    let kill = notes(notice(document(2), NoticeKind::Kill));
    let torn = support::statements::resigned(&kill, |payload| {
        payload["predicate"]["recordedBy"] = recorded_by.to_string().into();
    });
    assert_eq!(waits(&torn), (vec![], true));
    let name = key("pending/x.json");
    store.put(&[Object { key: name, bytes: b"{".to_vec() }]).unwrap();
    let report = gated(&store, &lock, &rule(None));
    let told = "what 1 file below pending/ says, which could not be appended: `dateline verify` names them";
    assert!(report.not_checked.iter().any(|one| one == told), "{:?}", report.not_checked);
}

/// Whom nothing was asked about does not meet a rule.
#[test]
fn an_article_without_a_source_meets_no_rule() {
    let store = with(&[]);
    let lock = pinned(&store, None, Vec::new()).unwrap();
    let plain = gated(&store, &lock, &rule(None));
    assert_eq!((plain.verdict, plain.findings.len()), (Verdict::Verified, 0));
    assert!(
        plain.not_checked.iter().any(|one| one.contains("no source is locked")),
        "{:?}",
        plain.not_checked
    );
    let asked = gated(&store, &lock, &rule(Some(Require::Claimed)));
    assert_eq!(asked.verdict, Verdict::Unverifiable);
    assert_eq!(asked.findings.iter().map(|finding| finding.code).collect::<Vec<_>>(), [Code::SourceNone]);
}

#[test]
fn any_number_of_sources_is_pinned_and_judged() {
    let store = with(&[cites(2)]);
    let text = pinned(&store, None, Vec::new()).unwrap().format();
    let hash = Hash::of(b"x");
    // Sources that a person named, beside the one that a statement does.
    let many = 20_000;
    let source = |record| format!("{{\"record\":{record},\"original\":\"{hash}\",\"leaf\":\"{hash}\"}},\n");
    let named: String = (0..many).map(source).collect();
    let lock = Lock::parse(&text.replacen("{\"record\":2,", &(named.clone() + "{\"record\":2,"), 1)).unwrap();
    let trust = trust();
    let reader = LogReader::open(&store, &trust).unwrap();
    let again = reader.pin(Some(&lock), &request(Vec::new())).unwrap();
    assert_eq!(again.articles()[0].sources.len() as u64, many + 1);
    let report = gated(&store, &lock, &rule(None));
    assert_eq!(report.verdict, Verdict::Invalid);
    assert_eq!((report.findings.len(), report.findings_left_out), (FINDINGS_MAX, many - FINDINGS_MAX as u64));
    // As many as are kept.
    let lines: Vec<&str> = named.lines().take(FINDINGS_MAX).collect();
    let few = text.replacen("{\"record\":2,", &(lines.join("\n") + "{\"record\":2,"), 1);
    let report = gated(&store, &Lock::parse(&few).unwrap(), &rule(None));
    assert_eq!((report.findings.len(), report.findings_left_out), (FINDINGS_MAX, 0));
}

#[test]
fn what_was_corrected_or_disputed_is_worth_knowing() {
    let plain = rule(None);
    for kind in [NoticeKind::Correction, NoticeKind::Clarification, NoticeKind::Update] {
        let said = notes(notice(document(2), kind));
        assert_eq!(after(&[said], &plain), [(Code::SourceCorrected, Some(2))]);
    }
    use RelationKind::{Clarifies, Contradicts, Corrects, SameContentAs, Supersedes, Updates};
    for (kind, code) in [
        (Corrects, Some(Code::SourceCorrected)),
        (Clarifies, Some(Code::SourceCorrected)),
        (Updates, Some(Code::SourceCorrected)),
        (Supersedes, Some(Code::SourceCorrected)),
        (Contradicts, Some(Code::SourceDisputed)),
        (SameContentAs, None),
    ] {
        let said = relates(relation(document(4), kind, to(document(3))));
        let expected: Vec<_> = code.into_iter().map(|code| (code, Some(3))).collect();
        assert_eq!(after(&[said], &plain), expected);
    }
    let disputed = assess(3, "/claimedOrigins/1", AssessmentState::Disputed);
    assert_eq!(after(&[disputed], &plain), [(Code::SourceDisputed, Some(3))]);
}

#[test]
fn each_claimed_origin_must_meet_the_rule() {
    use AssessmentState::{Corroborated, Disputed, Inconclusive, Verified};
    use Require::Claimed;
    let second = signing(6);
    let by_second = |claim: &str, state| {
        let (recorded_by, _) = recorded(&second);
        let stated =
            Assessment { recorded_by, ..assessment(document(2), claim, state, Some(Method::DirectContact)) };
        said(&second, |circumstances| Draft::assessment(stated, circumstances))
    };
    // Record 3 claims two origins; both hold here.
    let three = |state: &AssessmentState| {
        ["/claimedOrigins/0", "/claimedOrigins/1"].map(|claim| assess(3, claim, state.clone()))
    };
    let below = |count| vec![(Code::SourceBelowRule, Some(2)); count];
    let disputed = (Code::SourceDisputed, Some(2));
    for (words, claimed, corroborated, verified) in [
        (vec![], vec![], below(1), below(1)),
        (vec![assess(2, "/claimedOrigins/0", Corroborated)], vec![], vec![], below(1)),
        (vec![assess(2, "/claimedOrigins/0", Verified)], vec![], vec![], vec![]),
        (vec![assess(2, "/claimedOrigins/0", Inconclusive)], vec![], below(1), below(1)),
        (vec![assess(2, "/title/0", Verified)], vec![], below(1), below(1)),
        (
            vec![assess(2, "/claimedOrigins/0", Verified), by_second("/claimedOrigins/0", Disputed)],
            vec![disputed],
            vec![disputed, below(1)[0]],
            vec![disputed, below(1)[0]],
        ),
        (
            vec![assess(2, "/claimedOrigins/0", Corroborated), by_second("/claimedOrigins/0", Verified)],
            vec![],
            vec![],
            vec![],
        ),
        (
            // The same assessor's later word takes the place of the earlier.
            vec![assess(2, "/claimedOrigins/0", Disputed), assess(2, "/claimedOrigins/0", Verified)],
            vec![],
            vec![],
            vec![],
        ),
    ] {
        let mut more = vec![enrolled(&second, Role::Assessor)];
        more.extend(three(&Verified));
        more.extend(words.clone());
        for (require, expected) in
            [(Claimed, &claimed), (Require::Corroborated, &corroborated), (Require::Verified, &verified)]
        {
            assert_eq!(&after(&more, &rule(Some(require))), expected, "{require:?} {}", words.len());
        }
    }
    // One of two is not enough.
    let more = [assess(2, "/claimedOrigins/0", Verified), assess(3, "/claimedOrigins/1", Verified)];
    let lock = pinned(&with(&[cites(2), cites(3)]), None, Vec::new()).unwrap();
    let store = with(&[[cites(2), cites(3)].as_slice(), &more].concat());
    let report = gated(&store, &lock, &rule(Some(Require::Verified)));
    let [finding] = report.findings.as_slice() else { panic!("{:?}", report.findings) };
    assert_eq!((finding.code, finding.field.as_deref()), (Code::SourceBelowRule, Some("/claimedOrigins/0")));
    assert_eq!((finding.expected.as_deref(), finding.found.as_deref()), (Some("verified"), Some("claimed")));
    // A source that claims no origin.
    let lock = pinned(&with(&[cites(4)]), None, Vec::new()).unwrap();
    for require in [Claimed, Require::Corroborated, Require::Verified] {
        let report = gated(&with(&[cites(4)]), &lock, &rule(Some(require)));
        let codes: Vec<Code> = report.findings.iter().map(|finding| finding.code).collect();
        assert_eq!(codes, [Code::SourceBelowRule]);
    }
    assert_eq!(gated(&with(&[cites(4)]), &lock, &rule(None)).verdict, Verdict::Verified);
}

#[test]
fn a_lock_that_is_out_of_date_says_so() {
    let plain = rule(None);
    assert_eq!(after(&[cites(4)], &plain), [(Code::LockOutdated, Some(8))]);
    let quotes = relates(relation(document(5), RelationKind::Quotes, to(document(2))));
    assert_eq!(after(&[quotes], &plain), [(Code::LockOutdated, Some(8))]);
    // The same once more changes nothing, nor does what the article does not rest on.
    let updates = relates(relation(document(5), RelationKind::Updates, to(document(4))));
    assert_eq!(after(&[cites(2), updates], &plain), []);

    let store = with(&[cites(2)]);
    let lock = pinned(&store, None, Vec::new()).unwrap();
    let found = |lock: &Lock, sha256: Result<Hash, String>| {
        let report = gated_as(&store, lock, &plain, sha256, &trust());
        report.findings.iter().map(|one| (one.code, one.record, one.line)).collect::<Vec<_>>()
    };
    let changed = found(&lock, Ok(Hash::of(b"another")));
    assert_eq!(changed, [(Code::LockOutdated, None, Some(10))]);
    assert_eq!(found(&lock, Err("cannot read".into())), [(Code::ArticleMissing, None, Some(10))]);
    let edited = |from: &str, to: &str| {
        let text = lock.format();
        assert!(text.contains(from), "{from}: {text}");
        Lock::parse(&text.replace(from, to)).unwrap()
    };
    let good = || Ok(Hash::of(ARTICLE.as_bytes()));
    let none = found(&edited("lake.md", "other.md"), good());
    assert_eq!(none, [(Code::LockOutdated, None, None)]);
    // What no statement says, and a statement that is left out.
    let (outdated, article, source) = (Code::LockOutdated, Some(10), Some(14));
    let moved = found(&edited("\"saidBy\":6", "\"saidBy\":5"), good());
    assert_eq!(moved, [(outdated, Some(6), article), (outdated, Some(5), source)]);
    let unsaid = found(&edited(",\"relation\":\"cites\",\"saidBy\":6", ""), good());
    assert_eq!(unsaid, [(Code::LockOutdated, Some(6), Some(10))]);
    assert_eq!(found(&edited("\"record\": 5,", "\"record\": 2,"), good())[0].0, Code::LockOutdated);
}

#[test]
fn a_source_must_be_the_entry_that_was_locked() {
    let store = with(&[cites(2)]);
    let lock = pinned(&store, None, vec![Given::Record(3)]).unwrap();
    let text = lock.format();
    let leaf = |record: usize| leaf_hash(&log()[record].bytes).to_hex();
    let (two, three) = (document(2).original.to_hex(), document(3).original.to_hex());
    for (from, to, codes) in [
        (leaf(3), leaf(2), vec![Code::SourceChanged]),
        (three.clone(), two, vec![Code::SourceChanged]),
        ("\"record\":3,".into(), "\"record\":9,".into(), vec![Code::SourceChanged]),
        ("\"record\":3,".into(), "\"record\":1,".into(), vec![Code::SourceChanged]),
        ("\"record\":3,".into(), format!("\"record\":{},", u64::MAX), vec![Code::SourceChanged]),
        (text.clone(), text.clone(), vec![]),
    ] {
        assert!(text.contains(&from), "{from}");
        let report = gated(&store, &Lock::parse(&text.replace(&from, &to)).unwrap(), &rule(None));
        let found: Vec<Code> = report.findings.iter().map(|finding| finding.code).collect();
        assert_eq!(found, codes, "{from} {to}");
    }
    // A key is no document, even by its own leaf hash.
    let entry = &log()[1];
    let as_key =
        text.replace(&leaf(3), &leaf_hash(&entry.bytes).to_hex()).replace("\"record\":3,", "\"record\":1,");
    let report = gated(&store, &Lock::parse(&as_key).unwrap(), &rule(None));
    assert_eq!(report.findings[0].code, Code::SourceChanged);
}

#[test]
fn a_source_that_nobody_may_have_signed_does_not_pass() {
    let revoked = [
        support::key_entry(&root_key(), KeyAction::Revoke, &editor().public()),
        enrolled(&signing(7), Role::Editor),
    ];
    let late = registers("Late\n\nA text.\n");
    let store = with(&[revoked.as_slice(), std::slice::from_ref(&late)].concat());
    assert!(matches!(pinned(&store, None, vec![Given::Record(8)]), Err(PinError::NotARegistration(8))));
    let lock = pinned(&store, None, vec![Given::Record(3)]).unwrap();
    let text = lock.format();
    let text = text.replace(&leaf_hash(&log()[3].bytes).to_hex(), &leaf_hash(&late.bytes).to_hex());
    let text = text.replace(&document(3).original.to_hex(), &late.original.unwrap().to_hex());
    let lock = Lock::parse(&text.replace("\"record\":3,", "\"record\":8,")).unwrap();
    let report = gated(&store, &lock, &rule(None));
    assert_eq!(report.findings.iter().map(|one| one.code).collect::<Vec<_>>(), [Code::SourceInvalid]);
}

#[test]
fn what_nobody_has_registered_cannot_be_checked() {
    let release = Unresolved { text: Some("a press release".into()), ..Unresolved::default() };
    let rests = relates(relation(document(5), RelationKind::IsBasedOn, Target::Unresolved(release)));
    let store = with(&[rests]);
    let lock = pinned(&store, None, Vec::new()).unwrap();
    let report = gated(&store, &lock, &rule(None));
    assert_eq!((report.verdict, report.findings[0].code), (Verdict::Unverifiable, Code::SourceUnresolved));
    assert_eq!(report.findings[0].line, Some(14));
    let report = gated(&store, &lock, &GateRule { allow_unresolved: true, ..rule(None) });
    assert_eq!((report.verdict, report.findings[0].severity), (Verdict::Verified, Severity::Note));
}

#[test]
fn what_waits_is_not_registered() {
    let store = with(&[cites(2)]);
    let put = |entry: &NewEntry| {
        let pending = Pending::of(entry);
        store.put(&[Object { key: key(&pending.path()), bytes: pending.format() }]).unwrap();
        pending.path()
    };
    let source = registers("Waiting\n\nA text that waits.\n\nSource : AFP\n");
    let given = vec![Given::Document(source.original.unwrap(), "waiting.txt".into())];
    let refused = pinned(&store, None, given.clone());
    assert!(matches!(refused, Err(PinError::NotRegistered(name)) if name == "waiting.txt"));
    let waits = put(&source);
    let lock = pinned(&store, None, given).unwrap();
    assert!(matches!(lock.articles()[0].sources[1].source, SourceRef::Pending { .. }));
    let codes = |store: &dyn Store, lock: &Lock| {
        let report = gated(store, lock, &rule(None));
        let codes: Vec<Code> = report.findings.iter().map(|finding| finding.code).collect();
        (report.verdict, codes)
    };
    assert_eq!(codes(&store, &lock), (Verdict::Unverifiable, vec![Code::SourcePending]));
    // A statement that waits says that the article rests on something.
    let relation = put(&cites(3));
    assert_eq!(codes(&store, &lock).1, [Code::SourcePending, Code::SourcePending]);
    store.delete(&[key(&relation)]).unwrap();
    // One by a stranger says nothing.
    let (recorded_by, _) = recorded(&signing(9));
    let stranger = dateline::record::Relation {
        recorded_by,
        ..support::statements::relation(document(5), RelationKind::Cites, to(document(3)))
    };
    let stranger = put(&said(&signing(9), |circumstances| Draft::relation(stranger, circumstances)));
    assert_eq!(codes(&store, &lock).1, [Code::SourcePending]);
    store.delete(&[key(&stranger), key(&waits)]).unwrap();
    assert_eq!(codes(&store, &lock), (Verdict::Unverifiable, vec![Code::SourceUnresolved]));
    // Once it is in the log, the lock is out of date, and is brought up to date.
    let store = with(&[cites(2), source]);
    assert_eq!(codes(&store, &lock), (Verdict::Invalid, vec![Code::LockOutdated]));
    let lock = pinned(&store, Some(&lock), Vec::new()).unwrap();
    assert!(matches!(lock.articles()[0].sources[1].source, SourceRef::Record { record: 7, .. }));
    assert_eq!(codes(&store, &lock), (Verdict::Verified, vec![]));
}

#[test]
fn a_log_that_does_not_continue_the_lock_is_bad() {
    let lock = pinned(&with(&[cites(2), registers("a\n\nb\n")]), None, vec![Given::Record(3)]).unwrap();
    let first = |store: &dyn Store| {
        let mut report = gated(store, &lock, &rule(None));
        assert_eq!(report.verdict, Verdict::Invalid);
        let first = report.findings.swap_remove(0);
        assert_eq!(first.path.as_deref(), Some("sources.lock"));
        (first.code, first.message, first.expected.unwrap(), first.found.unwrap())
    };
    let root =
        |store: &dyn Store| LogReader::open(store, &trust()).unwrap().checkpoint().root_hash().to_string();
    let short = with(&[cites(2)]);
    let other = with(&[cites(2), registers("c\n\nd\n")]);
    let longer = with(&[cites(2), registers("c\n\nd\n"), registers("e\n\nf\n")]);
    let (code, told, expected, found) = first(&short);
    assert_eq!((code, expected.as_str(), found.as_str()), (Code::RolledBack, "8", "7"));
    assert!(told.starts_with("the log has 7 entries; the lock file was written against 8: "), "{told}");
    let locked = root(&with(&[cites(2), registers("a\n\nb\n")]));
    for (store, code) in [(&other, Code::Forked), (&longer, Code::PrefixRewritten)] {
        let (found_code, told, expected, found) = first(store);
        assert_eq!((found_code, expected, found), (code, locked.clone(), root(&other)));
        let words = "the log does not continue the one of 8 entries that the lock file was written against: ";
        assert!(told.starts_with(words), "{told}");
    }
    for store in [short, other, longer] {
        assert!(matches!(pinned(&store, Some(&lock), Vec::new()), Err(PinError::Contradicts(_))));
    }
}

#[test]
fn a_lock_of_another_log_is_not_used() {
    let store = with(&[cites(2)]);
    let lock = pinned(&store, None, Vec::new()).unwrap();
    let text = lock.format();
    let trust = trust();
    let reader = LogReader::open(&store, &trust).unwrap();
    let refused = |text: &str| {
        let lock = Lock::parse(text).unwrap();
        let Err(GateError::Lock(error)) = reader.gate(&lock, "x", &[], &rule(None)) else { panic!("{text}") };
        assert!(matches!(reader.pin(Some(&lock), &request(Vec::new())), Err(PinError::Lock(_))));
        error
    };
    let vkey = vkey_of(ORIGIN, &log_key()).to_string();
    let other = vkey_of(ORIGIN, &signing(8)).to_string();
    assert!(matches!(refused(&text.replace(&vkey, &other)), LockError::OtherLog { .. }));
    assert!(matches!(
        refused(&text.replace("\"origin\": \"example", "\"origin\": \"other.example")),
        LockError::Inconsistent
    ));
    // The size in the signed note.
    assert!(matches!(refused(&text.replace("log\\n7\\n", "log\\n8\\n")), LockError::NotSigned));
    let foreign = assembled(&log(), ORIGIN, &signing(8));
    let note = String::from_utf8(foreign.get(&key(layout::CHECKPOINT), u64::MAX).unwrap().unwrap()).unwrap();
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    let mut swapped = value.clone();
    swapped["log"]["checkpoint"] = note.into();
    assert!(matches!(refused(&swapped.to_string()), LockError::NotSigned));
}

#[test]
fn what_a_person_names_stays_and_other_articles_are_not_touched() {
    let store = with(&[cites(2)]);
    let named = pinned(&store, None, vec![Given::Record(3), Given::Record(2)]).unwrap();
    let records = |lock: &Lock| {
        let of = lock.article(&path("lake.md")).unwrap().sources.iter();
        of.map(|one| (one.source.clone(), one.said.is_some())).collect::<Vec<_>>()
    };
    let said: Vec<bool> = records(&named).iter().map(|(_, said)| *said).collect();
    assert_eq!(said, [true, false], "what is said is not named besides");
    let again = pinned(&store, Some(&named), Vec::new()).unwrap();
    assert_eq!(again.format(), named.format());
    let document = vec![Given::Document(document(3).original, String::new())];
    assert_eq!(pinned(&store, None, document).unwrap().format(), named.format());
    let trust = trust();
    let reader = LogReader::open(&store, &trust).unwrap();
    let forget = PinRequest { forget_given: true, ..request(Vec::new()) };
    assert_eq!(records(&reader.pin(Some(&named), &forget).unwrap()).len(), 1);
    let other =
        PinRequest { articles: vec![(path("a/b.md"), Hash::of(b"b"))], ..request(vec![Given::Record(4)]) };
    let both = reader.pin(Some(&named), &other).unwrap();
    assert_eq!(both.articles().len(), 2);
    assert_eq!(records(&both), records(&named));
    assert_eq!(both.article(&path("a/b.md")).unwrap().record, None);
    for record in [0, 1, 6, 7, u64::MAX] {
        let refused = pinned(&store, None, vec![Given::Record(record)]);
        assert!(matches!(refused, Err(PinError::NotARegistration(found)) if found == record), "{record}");
    }
}

#[test]
fn the_age_of_a_checkpoint() {
    let store = with(&[cites(2)]);
    let lock = pinned(&store, None, Vec::new()).unwrap();
    let at = |now: i64, max_age: u64, trust: &Trust| {
        let now = Timestamp::from_unix_seconds(now).unwrap();
        let rule = GateRule { now, max_age: Some(max_age), ..rule(None) };
        let report = gated_as(&store, &lock, &rule, Ok(Hash::of(ARTICLE.as_bytes())), trust);
        let codes: Vec<Code> = report.findings.iter().map(|finding| finding.code).collect();
        (
            report.verdict,
            codes,
            report.not_checked.iter().any(|one| one.contains("the newest time that a signer gave")),
        )
    };
    let said = when().unix_seconds();
    let (good, old) =
        ((Verdict::Verified, vec![], true), (Verdict::Unverifiable, vec![Code::CheckpointTooOld], true));
    let unknown = (Verdict::Unverifiable, vec![Code::CheckpointAgeUnknown], true);
    assert_eq!(at(said + 60, 60, &trust()), good);
    assert_eq!(at(said + 61, 60, &trust()), old);
    assert_eq!(at(said - 86_400, 0, &trust()), good);
    assert_eq!(at(said - 86_401, u64::MAX, &trust()), unknown);

    // A witness's time goes before what signers say.
    let witness = signing(11);
    let name = || KeyName::new("witness.example.org").unwrap();
    let vkey = VerifierKey::ed25519_cosigner(name(), witness.public());
    let note = store.get(&key(layout::CHECKPOINT), u64::MAX).unwrap().unwrap();
    let note = Note::parse(&note).unwrap();
    let cosigned = |time: u64, by: &SigningKey| {
        let signature = by.sign(&Cosignature::message(time, note.text()));
        note.clone().with_cosignature(&vkey, &Cosignature::new(time, signature).unwrap()).unwrap().format()
    };
    let policy = format!("log {}\nwitness one {vkey}\nquorum one\n", vkey_of(ORIGIN, &log_key()));
    let trust = Trust { policy: Policy::parse(policy.as_bytes()).unwrap(), ..trust() };
    let time = said + 1_000;
    let bytes = cosigned(u64::try_from(time).unwrap(), &witness).into_bytes();
    store.put(&[Object { key: key(layout::CHECKPOINT), bytes }]).unwrap();
    let witnessed = |(verdict, codes, _): (Verdict, Vec<Code>, bool)| (verdict, codes, false);
    assert_eq!(at(time + 60, 60, &trust), witnessed(good));
    assert_eq!(at(time + 61, 60, &trust), witnessed(old));
    assert_eq!(at(time - 86_401, 60, &trust), witnessed(unknown.clone()));
    // One witness's time that no calendar has does not hide another's.
    let second = signing(12);
    let other = VerifierKey::ed25519_cosigner(KeyName::new("second.example.org").unwrap(), second.public());
    let message = |time: u64| Cosignature::new(time, second.sign(&Cosignature::message(time, note.text())));
    let bytes = Note::parse(cosigned(u64::try_from(time).unwrap(), &witness).as_bytes()).unwrap();
    let bytes = bytes.with_cosignature(&other, &message(i64::MAX as u64).unwrap()).unwrap().format();
    store.put(&[Object { key: key(layout::CHECKPOINT), bytes: bytes.into_bytes() }]).unwrap();
    let both = format!("{policy}witness two {other}\n").replace("quorum one\n", "") + "quorum one\n";
    let both = Trust { policy: Policy::parse(both.as_bytes()).unwrap(), ..trust.clone() };
    assert_eq!(at(time + 60, 60, &both), (Verdict::Verified, vec![], false));
    assert_eq!(at(time + 61, 60, &both), (Verdict::Unverifiable, vec![Code::CheckpointTooOld], false));
    // A time that no calendar has is no time at all.
    let bytes = cosigned(i64::MAX as u64, &witness).into_bytes();
    store.put(&[Object { key: key(layout::CHECKPOINT), bytes }]).unwrap();
    assert_eq!(at(said, 60, &trust).0, Verdict::Verified);
}

#[test]
fn statements_of_kinds_not_known_here_are_not_passed_over() {
    use dateline::attest::dsse::{Envelope, PAYLOAD_TYPE, pae};
    let resigned = |entry: &NewEntry, by: &SigningKey, member: &str, value: &str| {
        let parsed = dateline::record::Entry::parse(&entry.bytes).unwrap();
        let mut payload: serde_json::Value =
            serde_json::from_slice(parsed.envelope.unverified_payload()).unwrap();
        payload["predicate"][member] = value.into();
        let payload = serde_json::to_vec(&payload).unwrap();
        let signature = by.sign(&pae(PAYLOAD_TYPE, &payload));
        let bytes = Envelope::seal(payload, &by.public(), signature).unwrap().encode();
        NewEntry { bytes, ..entry.clone() }
    };
    let correction = notes(notice(document(2), NoticeKind::Correction));
    let contradicts = relates(relation(document(4), RelationKind::Contradicts, to(document(3))));
    let rests = cites(4);
    let disputed = assess(2, "/claimedOrigins/0", AssessmentState::Disputed);
    for (entry, about) in [
        (resigned(&correction, &editor(), "notice", "obliteration"), 2),
        (resigned(&contradicts, &editor(), "relation", "annuls"), 3),
        (resigned(&disputed, &assessor(), "state", "fabricated"), 2),
        (resigned(&rests, &editor(), "relation", "leansOn"), 8),
    ] {
        assert_eq!(after(&[entry], &rule(None)), [(Code::ValueUnknown, Some(about))]);
    }
}

/// A store that cannot say what waits in it.
struct Unlisted(MemoryStore);

impl Store for Unlisted {
    fn get(&self, key: &Key, limit: u64) -> Result<Option<Vec<u8>>, StoreError> {
        self.0.get(key, limit)
    }

    fn list(&self, folder: &str) -> Result<Listing, StoreError> {
        let source = std::io::ErrorKind::PermissionDenied.into();
        Err(StoreError::Io { op: "list", path: folder.into(), source })
    }
}

#[test]
fn what_a_gate_did_not_look_at_is_named() {
    let lock = pinned(&with(&[cites(2)]), None, Vec::new()).unwrap();
    let not_checked = |store: &dyn Store| {
        let mut named = gated(store, &lock, &rule(None)).not_checked;
        named.retain(|what| {
            what.contains("wait") || what.contains("pending/") || what.contains("does not know as records")
        });
        named
    };
    let rumour = |number: u64| {
        support::statements::resigned(&notes(notice(document(2), NoticeKind::Correction)), |payload| {
            payload["predicateType"] = format!("urn:dateline:rumour:v{number}").into();
        })
    };
    let unknown = "say that this release does not know as records: `dateline verify` names them";
    assert_eq!(not_checked(&with(&[cites(2)])), [""; 0]);
    assert_eq!(not_checked(&with(&[cites(2), rumour(1)])), [format!("what 1 entry {unknown}")]);
    let two = with(&[cites(2), rumour(1), rumour(2)]);
    assert_eq!(not_checked(&two), [format!("what 2 entries {unknown}")]);
    for name in ["pending/x.json", "pending/y.json"] {
        two.put(&[Object { key: key(name), bytes: b"{".to_vec() }]).unwrap();
    }
    assert_eq!(
        not_checked(&two)[0],
        "what 2 files below pending/ say, which could not be appended: `dateline verify` names them"
    );
    let unlisted = Unlisted(with(&[cites(2)]));
    assert_eq!(not_checked(&unlisted), ["whether statements wait to be appended: they could not be listed"]);
}

#[test]
fn sources_are_locked_in_one_order_however_they_were_said() {
    let release = |text: &str| Unresolved { text: Some(text.into()), ..Unresolved::default() };
    let rests =
        |text| relates(relation(document(5), RelationKind::IsBasedOn, Target::Unresolved(release(text))));
    let quotes = |record| relates(relation(document(5), RelationKind::Quotes, to(document(record))));
    // Records 6 to 10.
    let store = with(&[rests("z"), quotes(3), cites(3), rests("a"), cites(2)]);
    let mut waits: Vec<(String, Hash)> = ["one", "two", "three"]
        .iter()
        .map(|text| {
            let entry = registers(&format!("{text}\n\nA text that waits.\n"));
            let pending = Pending::of(&entry);
            store.put(&[Object { key: key(&pending.path()), bytes: pending.format() }]).unwrap();
            (pending.path(), entry.original.unwrap())
        })
        .collect();
    let mut named: Vec<Given> =
        waits.iter().map(|(_, original)| Given::Document(*original, String::new())).collect();
    named.push(Given::Record(4));
    let lock = pinned(&store, None, named.clone()).unwrap();
    named.reverse();
    assert_eq!(pinned(&store, None, named).unwrap().format(), lock.format());
    waits.sort();
    let told: Vec<String> = lock.articles()[0]
        .sources
        .iter()
        .map(|source| {
            let by = source.said.as_ref().map_or("a person".to_owned(), |said| format!("record {}", said.by));
            match &source.source {
                SourceRef::Record { record, .. } => format!("record {record} by {by}"),
                SourceRef::Pending { original, .. } => {
                    format!("waits {}", waits.iter().position(|(_, one)| one == original).unwrap())
                }
                SourceRef::Unresolved(unresolved) => format!("{} by {by}", unresolved.text.as_ref().unwrap()),
            }
        })
        .collect();
    assert_eq!(
        told,
        [
            "record 2 by record 10",
            "record 3 by record 8",
            "record 3 by record 7",
            "record 4 by a person",
            "waits 0",
            "waits 1",
            "waits 2",
            "z by record 6",
            "a by record 9",
        ]
    );
}

#[test]
fn a_statement_of_a_kind_not_known_here_about_a_source_is_not_passed_over() {
    use dateline::attest::dsse::{Envelope, PAYLOAD_TYPE, pae};
    let parsed = dateline::record::Entry::parse(&notes(notice(document(2), NoticeKind::Kill)).bytes).unwrap();
    let resigned = |by: &SigningKey, original: Hash| {
        let mut payload: serde_json::Value =
            serde_json::from_slice(parsed.envelope.unverified_payload()).unwrap();
        payload["predicateType"] = "urn:dateline:obliteration:v1".into();
        payload["subject"][0]["digest"]["sha256"] = original.to_hex().into();
        let payload = serde_json::to_vec(&payload).unwrap();
        let signature = by.sign(&pae(PAYLOAD_TYPE, &payload));
        let bytes = Envelope::seal(payload, &by.public(), signature).unwrap().encode();
        NewEntry { bytes, ..cites(2) }
    };
    let strip = |entry: NewEntry| NewEntry { openings: Vec::new(), ..entry };
    let about = |by: &SigningKey, record| strip(resigned(by, document(record).original));
    assert_eq!(after(&[about(&editor(), 2)], &rule(None)), [(Code::KindUnknown, Some(2))]);
    // About something else, or by nobody.
    assert_eq!(after(&[about(&editor(), 4)], &rule(None)), []);
    assert_eq!(after(&[about(&signing(9), 2)], &rule(None)), []);
}
