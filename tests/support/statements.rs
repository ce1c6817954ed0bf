//! Statements about registered documents, for tests: the log that they are about, and each kind of them.

use dateline::article::{self, ReadOptions};
use dateline::attest::dsse::{Envelope, PAYLOAD_TYPE, pae};
use dateline::base::{Hash, SigningKey, Timestamp};
use dateline::record::about::Support;
use dateline::record::assessment::Method;
use dateline::record::entry::Circumstances;
use dateline::record::relation::AssertedBy;
use dateline::record::{
    Assessment, AssessmentState, Decisions, Draft, Entry, EntryError, KeyAction, NewEntry, Notice,
    NoticeKind, RecordRef, Relation, RelationKind, Role, SealedEntry, Target,
};
use serde_json::Value;

use super::{editor, enrolment, registration, root_key, salts, signing};

/// Makes a statement as `by`.
pub(crate) fn said(
    by: &SigningKey,
    draft: impl FnOnce(&mut Circumstances<'_>) -> Result<Draft, EntryError>,
) -> NewEntry {
    stated(by, draft).into_entry()
}

/// The same, as a log takes it.
pub(crate) fn stated(
    by: &SigningKey,
    draft: impl FnOnce(&mut Circumstances<'_>) -> Result<Draft, EntryError>,
) -> SealedEntry {
    let mut random = salts("statement".into());
    let mut circumstances =
        Circumstances { recorded_by: by.public().key_id(), recorded_at: when(), random: &mut random };
    let draft = draft(&mut circumstances).unwrap();
    draft.sign(by).unwrap()
}

pub(crate) fn when() -> Timestamp {
    "2026-11-24T08:00:00Z".parse().unwrap()
}

pub(crate) fn assessor() -> SigningKey {
    signing(4)
}

pub(crate) fn enrolled(by: &SigningKey, role: Role) -> NewEntry {
    said(&root_key(), |circumstances| {
        Draft::key(KeyAction::Enrol, &by.public(), vec![role], None, None, circumstances)
    })
}

/// Entry 0 enrols the editor, 1 the assessor, 2 and 3 register documents.
pub(crate) fn log() -> Vec<NewEntry> {
    let documents = [2, 3].map(|number| registration(&editor(), number, "", false).entry.into_entry());
    let [two, three] = documents;
    vec![enrolment().entry.into_entry(), enrolled(&assessor(), Role::Assessor), two, three]
}

pub(crate) fn document(number: u64) -> RecordRef {
    let original = registration(&editor(), number as usize, "", false).entry.original.unwrap();
    RecordRef { record: number, original }
}

pub(crate) fn recorded(by: &SigningKey) -> (Hash, Timestamp) {
    (by.public().key_id(), when())
}

pub(crate) fn relation(about: RecordRef, kind: RelationKind, target: Target) -> Relation {
    let (recorded_by, recorded_at) = recorded(&editor());
    let asserted_by = AssertedBy::Person;
    Relation {
        about,
        relation: kind,
        target,
        asserted_by,
        quote: Some("a river".into()),
        recorded_by,
        recorded_at,
    }
}

pub(crate) fn assessment(
    about: RecordRef,
    claim: &str,
    state: AssessmentState,
    method: Option<Method>,
) -> Assessment {
    let (recorded_by, recorded_at) = recorded(&assessor());
    Assessment {
        about,
        claim: claim.into(),
        state,
        method,
        evidence: vec![Support { url: Some("https://example.org/".into()), ..Support::default() }],
        confidence: None,
        note: Some("asked by telephone".into()),
        recorded_by,
        recorded_at,
    }
}

pub(crate) fn notice(about: RecordRef, notice: NoticeKind) -> Notice {
    let (recorded_by, recorded_at) = recorded(&editor());
    let until = (notice == NoticeKind::Embargo).then(when);
    Notice { about, notice, replaced_by: None, until, url: None, note: None, recorded_by, recorded_at }
}

pub(crate) fn relates(relation: Relation) -> NewEntry {
    said(&editor(), |circumstances| Draft::relation(relation, circumstances))
}

pub(crate) fn assesses(assessment: Assessment) -> NewEntry {
    said(&assessor(), |circumstances| Draft::assessment(assessment, circumstances))
}

pub(crate) fn notes(notice: Notice) -> NewEntry {
    said(&editor(), |circumstances| Draft::notice(notice, circumstances))
}

pub(crate) fn to(record: RecordRef) -> Target {
    Target::Record(record)
}

/// The payload of an entry.
pub(crate) fn payload_of(entry: &NewEntry) -> Vec<u8> {
    Entry::parse(&entry.bytes).unwrap().envelope.unverified_payload().to_vec()
}

/// An entry with that payload, signed by `by`.
pub(crate) fn sealed(payload: Vec<u8>, by: &SigningKey) -> Vec<u8> {
    let signature = by.sign(&pae(PAYLOAD_TYPE, &payload));
    Envelope::seal(payload, &by.public(), signature).unwrap().encode()
}

/// The statement with its payload changed, signed again by whoever signed it.
pub(crate) fn resigned(entry: &NewEntry, change: impl FnOnce(&mut Value)) -> NewEntry {
    let mut payload = serde_json::from_slice(&payload_of(entry)).unwrap();
    change(&mut payload);
    let key_id = Entry::parse(&entry.bytes).unwrap().envelope.key_id();
    let by = [editor(), assessor(), root_key()].into_iter().find(|by| by.public().key_id() == key_id);
    NewEntry { bytes: sealed(serde_json::to_vec(&payload).unwrap(), &by.unwrap()), ..entry.clone() }
}

/// The registration of a document with these bytes.
pub(crate) fn registers(text: &str) -> NewEntry {
    let article = article::read(text.as_bytes(), &ReadOptions::default()).unwrap();
    let mut random = salts(text.into());
    let mut circumstances =
        Circumstances { recorded_by: editor().public().key_id(), recorded_at: when(), random: &mut random };
    let draft = Draft::registration(&article, &Decisions::default(), &mut circumstances).unwrap();
    draft.sign(&editor()).unwrap().into_entry()
}
