//! `dateline confirm`, `assess`, `cite`, `correct`, `retract`, `note` and `observe`: what is said of a record.

use std::path::{Path, PathBuf};

use crate::article::{self, ReadOptions};
use crate::base::limits::NOTE_TEXT_MAX_CHARS;
use crate::base::{Hash, Timestamp};
use crate::record::about::Support;
use crate::record::assessment::{Confidence, Method};
use crate::record::entry::Circumstances;
use crate::record::relation::{AssertedBy, Unresolved};
use crate::record::{
    Assessment, AssessmentState, ClaimCounts, ClaimVerdict, Confirmation, Draft, Kind, Notice, NoticeKind,
    Observation, Observed, RecordRef, Relation, RelationKind, Target,
};

use super::args::{
    AssertedByName, AssessArgs, CiteArgs, ConfirmArgs, CorrectArgs, FoundBy, FoundState, NoteArgs,
    NoticeArgs, NoticeName, ObserveArgs, ObservedName, RelationName, RetractArgs, Sureness,
};
use super::exit::Exit;
use super::failure::{Failure, Outcome};
use super::input::Input;
use super::output::Output;
use super::workspace::Workspace;
use super::writing::{Desk, state};

/// Names of claims on the command line, with the members that they stand in.
const CLAIMS: [(&str, &str, bool); 8] = [
    ("origin", "claimedOrigins", true),
    ("byline", "bylines", true),
    ("title", "title", true),
    ("quote", "quotes", true),
    ("publisher", "publisher", false),
    ("published", "publishedAt", false),
    ("dateline", "dateline", false),
    ("language", "language", false),
];

/// Returns the JSON Pointer of the claim that `named` names: `origin`, `byline/1`, `/title/0`.
pub(crate) fn claim_of(named: &str, claims: &ClaimCounts) -> Outcome<String> {
    let (name, place) = named.split_once('/').map_or((named, None), |(name, place)| (name, Some(place)));
    let singular = name.strip_suffix('s').unwrap_or(name);
    let known = CLAIMS.iter().find(|(known, member, _)| *known == singular || *member == name);
    let pointer = match known {
        _ if named.starts_with('/') => named.to_owned(),
        Some((_, member, true)) => {
            let several = claims.has(&format!("/{member}/1"));
            if place.is_none() && several {
                let message =
                    format!("the record makes several claims of that sort: {named:?} is one of them?");
                return Err(
                    Failure::new(Exit::Usage, message).hint(format!("say which: {name}/0, {name}/1 …"))
                );
            }
            format!("/{member}/{}", place.unwrap_or("0"))
        }
        Some((_, member, false)) if place.is_none() => format!("/{member}"),
        _ => named.to_owned(),
    };
    if claims.has(&pointer) {
        return Ok(pointer);
    }
    let failure = Failure::new(Exit::NotFound, format!("the record makes no claim {named:?}"));
    let all = claims.pointers();
    Err(match all.is_empty() {
        true => failure.hint("it claims nothing: `dateline show RECORD`"),
        false => failure.hint(format!("it makes these: {}", all.join(", "))),
    })
}

/// Refuses a note that is too long to be one.
fn checked_note(note: &Option<String>) -> Outcome<Option<String>> {
    match note.as_ref().map(|note| note.chars().count()) {
        Some(found) if found > NOTE_TEXT_MAX_CHARS => {
            let message = format!("the note has {found} characters; {NOTE_TEXT_MAX_CHARS} is the most");
            Err(Failure::new(Exit::Usage, message)
                .hint("put it into a document of its own, and register that"))
        }
        _ => Ok(note.clone()),
    }
}

pub(crate) fn confirm(workspace: &Workspace, args: &ConfirmArgs, output: Output) -> Outcome<()> {
    let note = checked_note(&args.note)?;
    state(workspace, Kind::Confirmation, &args.sign, output, |desk, circumstances| {
        let (about, claims) = desk.registered(&args.record)?;
        let mut said: Vec<(String, ClaimVerdict, Option<String>)> = Vec::new();
        for claim in &args.claims {
            said.push((claim_of(claim, &claims)?, ClaimVerdict::Confirmed, None));
        }
        for correct in &args.correct {
            let Some((claim, value)) = correct.split_once('=') else {
                let message = format!("{correct:?} does not say what the claim should read");
                return Err(Failure::new(Exit::Usage, message).hint("say --correct 'byline=A. Diarra'"));
            };
            said.push((claim_of(claim, &claims)?, ClaimVerdict::Corrected, Some(value.trim().to_owned())));
        }
        for claim in &args.reject {
            said.push((claim_of(claim, &claims)?, ClaimVerdict::Rejected, None));
        }
        if said.is_empty() {
            let all = claims.pointers().into_iter();
            said.extend(all.map(|claim| (claim, ClaimVerdict::Confirmed, None)));
        }
        if said.is_empty() {
            let failure = Failure::new(Exit::NotFound, format!("record {} claims nothing", about.record));
            return Err(failure.hint("there is nothing to confirm: `dateline show RECORD`"));
        }
        said.sort_by(|one, other| one.0.cmp(&other.0));
        if let Some(twice) = said.windows(2).find(|two| two[0].0 == two[1].0) {
            return Err(Failure::new(Exit::Usage, format!("two things are said of {}", twice[0].0)));
        }
        let draft = |(claim, verdict, value)| {
            let confirmation = Confirmation {
                about,
                claim,
                verdict,
                value,
                note: note.clone(),
                recorded_by: circumstances.recorded_by,
                recorded_at: circumstances.recorded_at,
            };
            Ok(Draft::confirmation(confirmation, circumstances)?)
        };
        said.into_iter().map(draft).collect()
    })
}

pub(crate) fn assess(workspace: &Workspace, args: &AssessArgs, output: Output) -> Outcome<()> {
    let note = checked_note(&args.note)?;
    state(workspace, Kind::Assessment, &args.sign, output, |desk, circumstances| {
        let (about, claims) = desk.registered(&args.record)?;
        let evidence: Outcome<Vec<Support>> =
            args.evidence.iter().map(|named| support(desk, named)).collect();
        let assessment = Assessment {
            about,
            claim: claim_of(&args.claim, &claims)?,
            state: args.state.into(),
            method: args.method.map(Method::from),
            evidence: evidence?,
            confidence: args.confidence.map(Confidence::from),
            note,
            recorded_by: circumstances.recorded_by,
            recorded_at: circumstances.recorded_at,
        };
        if args.method.is_none() && args.state != FoundState::Withdrawn {
            let failure = Failure::new(Exit::Usage, "an assessment says how it was found out");
            return Err(failure.hint("say --method METHOD; `dateline assess --help` lists them"));
        }
        let draft = Draft::assessment(assessment, circumstances);
        draft.map(|draft| vec![draft]).map_err(|error| {
            let failure = Failure::from(error);
            match args.state {
                FoundState::Verified => failure.hint(
                    "a claim is verified by origin-signature, origin-publication, archive-match, wire-feed-match or \
                     direct-contact; any other method can corroborate it",
                ),
                _ => failure,
            }
        })
    })
}

/// What evidence names: an address, a record, or a file, which need not be registered.
fn support(desk: &Desk<'_>, named: &str) -> Outcome<Support> {
    if named.starts_with("http://") || named.starts_with("https://") {
        return Ok(Support { url: Some(named.to_owned()), ..Support::default() });
    }
    if named.parse::<u64>().is_ok() {
        let record = desk.registered(Path::new(named))?.0;
        return Ok(Support { record: Some(record), ..Support::default() });
    }
    let original = Hash::of(&Input::File(PathBuf::from(named)).read()?);
    match desk.log.find_original(&original)? {
        Some(record) => Ok(Support { record: Some(RecordRef { record, original }), ..Support::default() }),
        None => Ok(Support { sha256: Some(original), ..Support::default() }),
    }
}

pub(crate) fn cite(workspace: &Workspace, args: &CiteArgs, output: Output) -> Outcome<()> {
    state(workspace, Kind::Relation, &args.sign, output, |desk, circumstances| {
        let about = desk.registered(&args.record)?.0;
        let mut targets: Vec<Target> = Vec::new();
        for target in &args.targets {
            targets.push(Target::Record(desk.registered(target)?.0));
        }
        let unresolved = Unresolved {
            text: args.unresolved.clone(),
            url: args.unresolved_url.clone(),
            org: args.unresolved_org.clone(),
        };
        if unresolved != Unresolved::default() {
            targets.push(Target::Unresolved(unresolved));
        }
        let relation = RelationKind::from(args.relation);
        if relation.rests_on_target() && targets.iter().all(|target| matches!(target, Target::Record(_))) {
            desk.tell_of_misquotes(about, &targets)?;
        }
        let draft = |target| {
            let relation = Relation {
                about,
                relation: args.relation.into(),
                target,
                asserted_by: args.asserted_by.into(),
                quote: args.quote.clone(),
                recorded_by: circumstances.recorded_by,
                recorded_at: circumstances.recorded_at,
            };
            Ok(Draft::relation(relation, circumstances)?)
        };
        targets.into_iter().map(draft).collect()
    })
}

pub(crate) fn correct(workspace: &Workspace, args: &CorrectArgs, output: Output) -> Outcome<()> {
    notice(workspace, &args.record, NoticeKind::Correction, None, &args.notice, output)
}

pub(crate) fn retract(workspace: &Workspace, args: &RetractArgs, output: Output) -> Outcome<()> {
    notice(workspace, &args.record, NoticeKind::Retraction, None, &args.notice, output)
}

pub(crate) fn note(workspace: &Workspace, args: &NoteArgs, output: Output) -> Outcome<()> {
    let until: Option<Timestamp> = match &args.until {
        None => None,
        Some(text) => Some(text.parse().map_err(|error| {
            Failure::new(Exit::Usage, format!("{text:?} is not a time"))
                .because(&error)
                .hint("give one like 2026-12-01T06:00:00Z")
        })?),
    };
    let kind = match args.kind {
        NoticeName::Clarification => NoticeKind::Clarification,
        NoticeName::Update => NoticeKind::Update,
        NoticeName::Kill => NoticeKind::Kill,
        NoticeName::Embargo => NoticeKind::Embargo,
        NoticeName::Takedown => NoticeKind::Takedown,
    };
    if (kind == NoticeKind::Embargo) != until.is_some() {
        let failure = Failure::new(Exit::Usage, "an embargo, and nothing else, has an end");
        return Err(failure.hint("say when it ends: --until 2026-12-01T06:00:00Z"));
    }
    notice(workspace, &args.record, kind, until, &args.notice, output)
}

fn notice(
    workspace: &Workspace,
    record: &Path,
    kind: NoticeKind,
    until: Option<Timestamp>,
    args: &NoticeArgs,
    output: Output,
) -> Outcome<()> {
    let note = checked_note(&args.note)?;
    state(workspace, Kind::Notice, &args.sign, output, |desk, circumstances| {
        let about = desk.registered(record)?.0;
        let replaced_by = match &args.replaced_by {
            Some(named) => Some(desk.registered(named)?.0),
            None => None,
        };
        let notice = Notice {
            about,
            notice: kind,
            replaced_by,
            until,
            url: args.url.clone(),
            note,
            recorded_by: circumstances.recorded_by,
            recorded_at: circumstances.recorded_at,
        };
        Ok(vec![Draft::notice(notice, circumstances)?])
    })
}

pub(crate) fn observe(workspace: &Workspace, args: &ObserveArgs, output: Output) -> Outcome<()> {
    state(workspace, Kind::Observation, &args.sign, output, |desk, circumstances| {
        let about = desk.registered(&args.record)?.0;
        let mut found = Found::default();
        match (&args.file, args.found) {
            (Some(file), _) => {
                let bytes = Input::File(file.clone()).read()?;
                let name = file.file_name().and_then(|name| name.to_str());
                found =
                    compare(desk, about, &bytes, &ReadOptions { file_name: name, ..ReadOptions::default() })?;
            }
            (None, Some(name)) => found.observed = Some(name.into()),
            (None, None) => {}
        }
        let seen = Seen { url: args.url.clone(), location: args.location.clone(), status: args.status };
        Ok(vec![observation(about, found, seen, circumstances)?])
    })
}

/// What came from an address, compared with what was registered.
#[derive(Debug, Clone, Default)]
pub(crate) struct Found {
    pub(crate) observed: Option<Observed>,
    pub(crate) original: Option<Hash>,
    pub(crate) reflow: Option<Hash>,
}

/// Where it was looked for, and what the server answered.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) url: String,
    pub(crate) location: Option<String>,
    pub(crate) status: Option<u16>,
}

/// Compares `bytes` with the document that was registered.
pub(crate) fn compare(
    desk: &Desk<'_>,
    about: RecordRef,
    bytes: &[u8],
    options: &ReadOptions<'_>,
) -> Outcome<Found> {
    let original = Hash::of(bytes);
    let reflow = article::read(bytes, options).ok().map(|article| article.digests.reflow);
    let registered = desk.reader()?.entry(about.record)?.0;
    let wording = match &registered.body {
        crate::record::Body::Registration(one) => Some(one.fingerprints.reflow.sha256),
        _ => None,
    };
    let observed = match () {
        () if original == about.original => Observed::Unchanged,
        () if reflow.is_some() && reflow == wording => Observed::Reflowed,
        () => Observed::Changed,
    };
    Ok(Found { observed: Some(observed), original: Some(original), reflow })
}

/// Drafts what was found.
pub(crate) fn observation(
    about: RecordRef,
    found: Found,
    seen: Seen,
    circumstances: &mut Circumstances<'_>,
) -> Outcome<Draft> {
    let observed = found.observed.ok_or_else(|| Failure::new(Exit::Usage, "what was found is not said"))?;
    let observation = Observation {
        about,
        url: seen.url,
        observed,
        original: found.original,
        reflow: found.reflow,
        location: seen.location,
        status: seen.status,
        recorded_by: circumstances.recorded_by,
        recorded_at: circumstances.recorded_at,
    };
    Ok(Draft::observation(&observation, circumstances)?)
}

impl From<ObservedName> for Observed {
    fn from(name: ObservedName) -> Self {
        match name {
            ObservedName::Gone => Observed::Gone,
            ObservedName::Blocked => Observed::Blocked,
            ObservedName::Moved => Observed::Moved,
        }
    }
}

impl From<FoundState> for AssessmentState {
    fn from(name: FoundState) -> Self {
        match name {
            FoundState::Corroborated => AssessmentState::Corroborated,
            FoundState::Verified => AssessmentState::Verified,
            FoundState::Disputed => AssessmentState::Disputed,
            FoundState::Refuted => AssessmentState::Refuted,
            FoundState::Inconclusive => AssessmentState::Inconclusive,
            FoundState::Withdrawn => AssessmentState::Withdrawn,
        }
    }
}

impl From<FoundBy> for Method {
    fn from(name: FoundBy) -> Self {
        match name {
            FoundBy::OriginSignature => Method::OriginSignature,
            FoundBy::OriginPublication => Method::OriginPublication,
            FoundBy::ArchiveMatch => Method::ArchiveMatch,
            FoundBy::WireFeedMatch => Method::WireFeedMatch,
            FoundBy::DirectContact => Method::DirectContact,
            FoundBy::SecondIndependentSource => Method::SecondIndependentSource,
            FoundBy::DocumentForensics => Method::DocumentForensics,
            FoundBy::MetadataOnly => Method::MetadataOnly,
            FoundBy::EditorialJudgement => Method::EditorialJudgement,
        }
    }
}

impl From<Sureness> for Confidence {
    fn from(name: Sureness) -> Self {
        match name {
            Sureness::Low => Confidence::Low,
            Sureness::Medium => Confidence::Medium,
            Sureness::High => Confidence::High,
        }
    }
}

impl From<AssertedByName> for AssertedBy {
    fn from(name: AssertedByName) -> Self {
        match name {
            AssertedByName::Text => AssertedBy::Text,
            AssertedByName::Machine => AssertedBy::Machine,
            AssertedByName::Person => AssertedBy::Person,
        }
    }
}

impl From<RelationName> for RelationKind {
    fn from(name: RelationName) -> Self {
        match name {
            RelationName::Quotes => RelationKind::Quotes,
            RelationName::Cites => RelationKind::Cites,
            RelationName::IsBasedOn => RelationKind::IsBasedOn,
            RelationName::TranslationOf => RelationKind::TranslationOf,
            RelationName::Syndicates => RelationKind::Syndicates,
            RelationName::ExcerptOf => RelationKind::ExcerptOf,
            RelationName::Corrects => RelationKind::Corrects,
            RelationName::Clarifies => RelationKind::Clarifies,
            RelationName::Updates => RelationKind::Updates,
            RelationName::Retracts => RelationKind::Retracts,
            RelationName::Supersedes => RelationKind::Supersedes,
            RelationName::Contradicts => RelationKind::Contradicts,
            RelationName::SameContentAs => RelationKind::SameContentAs,
            RelationName::NearDuplicateOf => RelationKind::NearDuplicateOf,
            RelationName::RecordingOf => RelationKind::RecordingOf,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_named_as_people_say_it() {
        let statement = serde_json::json!({
            "documentId": "x", "kind": "article", "claimedOrigins": [{"...": "a"}],
            "bylines": [{"...": "a"}, {"...": "b"}], "mediaType": "text/plain", "bytes": 1,
            "originalStored": false, "text": {"sha256": "00".repeat(32), "extractor": "x", "charset": "x"},
            "fingerprints": {"reflow": {"algorithm": "x", "sha256": "00".repeat(32)}},
            "ruleset": {"name": "x", "sha256": "00".repeat(32)}, "recordedBy": "00".repeat(32),
            "recordedAt": "2026-11-23T09:30:00Z",
        });
        let registration: crate::record::Registration = serde_json::from_value(statement).unwrap();
        let claims = ClaimCounts::of(&registration);
        for (named, pointer) in [
            ("origin", Some("/claimedOrigins/0")),
            ("origins/0", Some("/claimedOrigins/0")),
            ("claimedOrigins/0", Some("/claimedOrigins/0")),
            ("/claimedOrigins/0", Some("/claimedOrigins/0")),
            ("byline/1", Some("/bylines/1")),
            ("byline", None),
            ("byline/2", None),
            ("title", None),
            ("publisher/0", None),
            ("", None),
        ] {
            assert_eq!(claim_of(named, &claims).ok().as_deref(), pointer, "{named}");
        }
        let told = claim_of("title", &claims).unwrap_err().text();
        assert!(told.contains("/claimedOrigins/0, /bylines/0, /bylines/1"), "{told}");
    }
}
