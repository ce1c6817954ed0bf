//! Statements about registered documents, as tests make them.

use dateline::article::{self, ReadOptions};
use dateline::base::{Hash, SigningKey, Timestamp};
use dateline::record::about::Support;
use dateline::record::assessment::Method;
use dateline::record::entry::Circumstances;
use dateline::record::relation::AssertedBy;
use dateline::record::{
    Assessment, AssessmentState, Decisions, Draft, EntryError, KeyAction, NewEntry, Notice, NoticeKind,
    RecordRef, Relation, RelationKind, Role, Target,
};

use super::{editor, root_key, salts, signing};

/// Makes a statement as `by`.
pub(crate) fn said(
    by: &SigningKey,
    draft: impl FnOnce(&mut Circumstances<'_>) -> Result<Draft, EntryError>,
) -> NewEntry {
    let mut random = salts("statement".into());
    let mut circumstances =
        Circumstances { recorded_by: by.public().key_id(), recorded_at: when(), random: &mut random };
    let draft = draft(&mut circumstances).unwrap();
    draft.clone().seal(&by.public(), by.sign(&draft.to_be_signed())).unwrap()
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

/// The registration of a document with these bytes.
pub(crate) fn registers(text: &str) -> NewEntry {
    let article = article::read(text.as_bytes(), &ReadOptions::default()).unwrap();
    let mut random = salts(text.into());
    let mut circumstances =
        Circumstances { recorded_by: editor().public().key_id(), recorded_at: when(), random: &mut random };
    let draft = Draft::registration(&article, &Decisions::default(), &mut circumstances).unwrap();
    let signature = editor().sign(&draft.to_be_signed());
    draft.seal(&editor().public(), signature).unwrap()
}
