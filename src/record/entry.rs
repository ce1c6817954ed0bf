//! The bytes of a log entry, taken apart: nothing is checked but the form.
//!
//! ```text
//! bytes ── Entry::parse ─► Entry { envelope, statement, body }
//! ```

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use thiserror::Error;

use crate::attest::disclosure::{self, Decoded, DisclosureError, Opened};
use crate::attest::dsse::{Envelope, EnvelopeError};
use crate::attest::json::Json;
use crate::attest::statement::{Statement, StatementError};
use crate::base::Hash;

use super::registration::OpenedRegistration;
use super::{
    Assessment, ClaimCounts, Confirmation, Erasure, KeyStatement, Kind, Notice, Observation, RecordRef,
    Registration, Relation, Sealed, Target,
};

pub use super::draft::{Circumstances, Draft, NewEntry, SealedEntry};

/// Name of the subject that is the original bytes.
pub const SUBJECT_ORIGINAL: &str = "original";
/// Name of the subject that is the extracted text.
pub const SUBJECT_TEXT: &str = "text";
/// Name of the subject that is a key.
pub const SUBJECT_KEY: &str = "key";
/// Name of the subject that is a list of commitments.
pub const SUBJECT_COMMITMENTS: &str = "commitments";
/// Name of the subject that is a document which is not told.
pub const SUBJECT_SEALED: &str = "sealed";

/// The subjects of a registration.
const SUBJECTS_OF_A_DOCUMENT: &[&str] = &[SUBJECT_ORIGINAL, SUBJECT_TEXT];

/// Why there is no entry.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EntryError {
    /// Too large for the log.
    #[error("the entry would have {size} bytes; the log takes {limit} at most")]
    TooLarge {
        /// Its size in bytes.
        size: usize,
        /// The largest entry, in bytes.
        limit: usize,
    },
    /// Not an envelope as the log takes them.
    #[error("the entry is not a DSSE envelope as the log takes them")]
    Envelope(#[from] EnvelopeError),
    /// Not a statement.
    #[error("the payload is not an in-toto statement")]
    Statement(#[from] StatementError),
    /// A statement of a known kind without its form.
    #[error("the predicate is not that of a {kind} statement")]
    Predicate {
        /// Which kind.
        kind: Kind,
        /// What is wrong.
        #[source]
        source: serde_json::Error,
    },
    /// The subjects are not those of the kind.
    #[error("the subjects are not those of a {kind} statement")]
    Subject {
        /// Which kind.
        kind: Kind,
    },
    /// It contradicts the rules of its kind.
    #[error("such a statement cannot stand: {why} ({kind}, {field})")]
    Fault {
        /// Which kind.
        kind: Kind,
        /// The member, as a JSON Pointer.
        field: &'static str,
        /// Why.
        why: String,
    },
    /// Of a kind that this release does not know.
    #[error("a statement of a kind that is not known here")]
    KindUnknown,
    /// A commitment could not be made.
    #[error("a commitment could not be made")]
    Commitment(#[from] disclosure::DisclosureError),
}

/// Why the openings of an entry cannot be put back.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// They do not fit.
    #[error(transparent)]
    Disclosure(#[from] DisclosureError),
    /// What was opened is not what a statement of its kind holds.
    #[error("the opened predicate is not that of a statement of its kind")]
    Predicate(#[source] serde_json::Error),
}

/// A log entry, taken apart. Its signature is not yet checked.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The signed envelope.
    pub envelope: Envelope,
    /// What the envelope says, as read before its signature was checked; the predicate is `body`.
    pub statement: Statement<()>,
    /// The predicate, by kind.
    pub body: Body,
}

/// An entry with its openings put back.
#[derive(Debug)]
pub struct OpenedEntry {
    /// The entry. Of a registration, `body` is what it says as far as it is disclosed, unless its openings do not fit.
    pub entry: Entry,
    /// What a registration claims in the clear.
    pub claims: ClaimCounts,
    /// JSON Pointers into the predicate of what stays committed; or why the openings do not fit.
    pub withheld: Result<Vec<String>, OpenError>,
}

/// The predicate of an entry.
#[derive(Debug, Clone)]
pub enum Body {
    /// A document, with its commitments closed.
    Registration(Box<Registration>),
    /// A statement about a key, with its commitments closed.
    Key(Box<KeyStatement>),
    /// What one document is to another, with its commitments closed.
    Relation(Box<Relation>),
    /// What was found out about a claim, with its commitments closed.
    Assessment(Box<Assessment>),
    /// What is said of a document, with its commitments closed.
    Notice(Box<Notice>),
    /// What a person says of a claim, with its commitments closed.
    Confirmation(Box<Confirmation>),
    /// What was found at an address.
    Observation(Box<Observation>),
    /// Whose openings were destroyed.
    Erasure(Box<Erasure>),
    /// That somebody had a document, with its commitment closed.
    Sealed(Box<Sealed>),
    /// Of a kind that this release does not know.
    Unknown,
}

impl Entry {
    /// Takes an entry apart and checks its form. Costs about 10 µs for two kilobytes.
    ///
    /// # Errors
    /// [`EntryError`]. A predicate of an unknown kind is no error.
    pub fn parse(bytes: &[u8]) -> Result<Self, EntryError> {
        let envelope = Envelope::parse(bytes)?;
        let statement = Statement::read(envelope.unverified_payload())?;
        let body = Body::read(&statement)?;
        let statement = statement.without_predicate();
        Ok(Entry { envelope, statement, body })
    }

    /// As [`Entry::parse`], with the openings put back.
    ///
    /// # Errors
    /// As [`Entry::parse`].
    pub fn parse_opened(bytes: &[u8], openings: &[String]) -> Result<OpenedEntry, EntryError> {
        let envelope = Envelope::parse(bytes)?;
        let mut read = Statement::read(envelope.unverified_payload())?;
        if Kind::of_predicate_type(&read.predicate_type) == Some(Kind::Registration) {
            // Nearly always one pass over a registration does.
            if let Some((statement, registration, withheld)) = open_registration_at_once(read, openings) {
                let claims = ClaimCounts::of(&registration);
                let entry = Entry { envelope, statement, body: Body::Registration(registration) };
                return Ok(OpenedEntry { entry, claims, withheld: Ok(withheld) });
            }
            read = Statement::read(envelope.unverified_payload())?;
        }
        let mut body = Body::read(&read)?;
        let Statement { subject, predicate_type, predicate } = read;
        let claims = body.claims();
        let withheld = match &mut body {
            Body::Registration(closed) => {
                open::<Box<Registration>>(predicate, openings).map(|Opened { value, withheld }| {
                    *closed = value;
                    withheld
                })
            }
            _ => open::<IgnoredAny>(predicate, openings).map(|opened| opened.withheld),
        };
        let statement = Statement { subject, predicate_type, predicate: () };
        Ok(OpenedEntry { entry: Entry { envelope, statement, body }, claims, withheld })
    }

    /// Returns the predicate as it was signed, with its commitments closed.
    pub fn predicate(&self) -> Value {
        let statement = Statement::parse(self.envelope.unverified_payload());
        statement.expect("internal error: the payload was read before").predicate
    }

    /// Puts openings, in their RFC 9901 spelling, back into the predicate, and reads it as a `T`. Costs one pass over
    /// both.
    ///
    /// # Errors
    /// [`OpenError`] if an opening matches nothing, matches twice, or opens to something that has no place there.
    pub fn open<T>(&self, openings: &[String]) -> Result<Opened<T>, OpenError>
    where
        T: for<'de> Deserialize<'de>,
    {
        let statement = Statement::read(self.envelope.unverified_payload());
        open(statement.expect("internal error: the payload was read before").predicate, openings)
    }

    /// As [`Entry::open`], for a registration.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open_registration(&self, openings: &[String]) -> Result<OpenedRegistration, OpenError> {
        let Opened { value: registration, withheld } = self.open(openings)?;
        Ok(OpenedRegistration { registration, withheld })
    }

    /// Returns the kind; `None` for one that this release does not know.
    pub fn kind(&self) -> Option<Kind> {
        match self.body {
            Body::Registration(_) => Some(Kind::Registration),
            Body::Key(_) => Some(Kind::Key),
            Body::Relation(_) => Some(Kind::Relation),
            Body::Assessment(_) => Some(Kind::Assessment),
            Body::Notice(_) => Some(Kind::Notice),
            Body::Confirmation(_) => Some(Kind::Confirmation),
            Body::Observation(_) => Some(Kind::Observation),
            Body::Erasure(_) => Some(Kind::Erasure),
            Body::Sealed(_) => Some(Kind::Sealed),
            Body::Unknown => None,
        }
    }

    /// Returns the registrations that the statement points to, each with the member that does, as a JSON Pointer. The
    /// first is the one it is about.
    pub fn references(&self) -> Vec<(&'static str, RecordRef)> {
        match &self.body {
            Body::Relation(relation) => {
                let mut all = vec![("/about", relation.about)];
                if let Target::Record(target) = relation.target {
                    all.push(("/target/record", target));
                }
                all
            }
            Body::Assessment(assessment) => {
                let mut all = vec![("/about", assessment.about)];
                let evidence = assessment.evidence.iter().filter_map(|support| support.record);
                all.extend(evidence.map(|record| ("/evidence", record)));
                all
            }
            Body::Notice(notice) => {
                let mut all = vec![("/about", notice.about)];
                all.extend(notice.replaced_by.map(|record| ("/replacedBy", record)));
                all
            }
            Body::Confirmation(confirmation) => vec![("/about", confirmation.about)],
            Body::Observation(observation) => vec![("/about", observation.about)],
            Body::Erasure(erasure) => {
                let of_original = |original| ("/original", RecordRef { record: erasure.entry, original });
                erasure.original.map(of_original).into_iter().collect()
            }
            Body::Registration(_) | Body::Key(_) | Body::Sealed(_) | Body::Unknown => Vec::new(),
        }
    }

    /// Returns the claim that the statement is about, as a JSON Pointer into the predicate of the registration.
    pub fn claim(&self) -> Option<&str> {
        match &self.body {
            Body::Assessment(assessment) => Some(&assessment.claim),
            Body::Confirmation(confirmation) => Some(&confirmation.claim),
            _ => None,
        }
    }

    /// Returns what contradicts the rules of the statement's kind: the field, and why. Pure form, without the log.
    pub fn fault(&self) -> Option<(&'static str, String)> {
        match &self.body {
            Body::Relation(relation) => relation.fault(),
            Body::Assessment(assessment) => assessment.fault(),
            Body::Notice(notice) => notice.fault(),
            Body::Confirmation(confirmation) => confirmation.fault(),
            Body::Observation(observation) => observation.fault(),
            Body::Erasure(erasure) => erasure.fault(),
            Body::Registration(_) | Body::Key(_) | Body::Sealed(_) | Body::Unknown => None,
        }
    }

    /// Returns how many claims of each sort a registration makes; of anything else, none.
    pub fn claims(&self) -> ClaimCounts {
        self.body.claims()
    }

    /// Returns the SHA-256 of the original; `None` unless it is a registration.
    pub fn original(&self) -> Option<Hash> {
        matches!(self.body, Body::Registration(_)).then(|| self.statement.subject[0].digest.sha256)
    }
}

impl Body {
    /// Reads the predicate of a statement.
    fn read(statement: &Statement<Json<'_>>) -> Result<Self, EntryError> {
        fn read<'a, T: Deserialize<'a>>(kind: Kind, predicate: &'a Json<'_>) -> Result<Box<T>, EntryError> {
            T::deserialize(predicate).map(Box::new).map_err(|source| EntryError::Predicate { kind, source })
        }
        let Statement { subject, predicate_type, predicate } = statement;
        let Some(kind) = Kind::of_predicate_type(predicate_type) else { return Ok(Body::Unknown) };
        let is =
            |names: &[&str]| subject.iter().map(|subject| subject.name.as_str()).eq(names.iter().copied());
        Ok(match kind {
            Kind::Registration if is(SUBJECTS_OF_A_DOCUMENT) => Body::Registration(read(kind, predicate)?),
            Kind::Key if is(&[SUBJECT_KEY]) => Body::Key(read(kind, predicate)?),
            Kind::Relation if is(&[SUBJECT_ORIGINAL]) => Body::Relation(read(kind, predicate)?),
            Kind::Assessment if is(&[SUBJECT_ORIGINAL]) => Body::Assessment(read(kind, predicate)?),
            Kind::Notice if is(&[SUBJECT_ORIGINAL]) => Body::Notice(read(kind, predicate)?),
            Kind::Confirmation if is(&[SUBJECT_ORIGINAL]) => Body::Confirmation(read(kind, predicate)?),
            Kind::Observation if is(&[SUBJECT_ORIGINAL]) => Body::Observation(read(kind, predicate)?),
            Kind::Erasure if is(&[SUBJECT_COMMITMENTS]) => Body::Erasure(read(kind, predicate)?),
            Kind::Sealed if is(&[SUBJECT_SEALED]) => Body::Sealed(read(kind, predicate)?),
            _ => return Err(EntryError::Subject { kind }),
        })
    }

    fn claims(&self) -> ClaimCounts {
        match self {
            Body::Registration(registration) => ClaimCounts::of(registration),
            _ => ClaimCounts::default(),
        }
    }
}

/// Puts openings back into a predicate, and reads it.
fn open<T>(predicate: Json<'_>, openings: &[String]) -> Result<Opened<T>, OpenError>
where
    T: for<'de> Deserialize<'de>,
{
    let decoded: Vec<Decoded<'_>> =
        openings.iter().map(|text| Decoded::of(text)).collect::<Result<_, _>>()?;
    let openings: Vec<_> = decoded.iter().map(Decoded::opening).collect::<Result<_, _>>()?;
    let (Opened { value, withheld }, _) = disclosure::put_back(predicate, openings)?;
    let value = T::deserialize(&value).map_err(OpenError::Predicate)?;
    Ok(Opened { value, withheld })
}

/// Members of a registration that are not there until they are opened, and whose absence says nothing else.
const OPENED_MEMBERS: [&str; 3] = ["numbers", "paragraphs", "note"];
/// Arrays of a registration that may hold commitments.
const COMMITTABLE_ARRAYS: [&str; 3] = ["claimedOrigins", "bylines", "quotes"];

/// Reads a registration with its openings put back, and only so, where that says as much as reading it twice: its
/// commitments stand where a registration has them, so that what is well formed with its openings is so without. `None`
/// if anything is otherwise, or wrong.
fn open_registration_at_once(
    statement: Statement<Json<'_>>,
    openings: &[String],
) -> Option<(Statement<()>, Box<Registration>, Vec<String>)> {
    let Statement { subject, predicate_type, predicate } = statement;
    let is_document =
        subject.iter().map(|subject| subject.name.as_str()).eq(SUBJECTS_OF_A_DOCUMENT.iter().copied());
    if Kind::of_predicate_type(&predicate_type) != Some(Kind::Registration) || !is_document {
        return None;
    }
    let decoded: Vec<Decoded<'_>> =
        openings.iter().map(|text| Decoded::of(text).ok()).collect::<Option<_>>()?;
    let openings: Vec<_> = decoded.iter().map(|decoded| decoded.opening().ok()).collect::<Option<_>>()?;
    let (Opened { value, withheld }, places) = disclosure::put_back(predicate, openings).ok()?;
    let within =
        |names: &[Cow<'_, str>], known: &[&str]| names.iter().all(|name| known.contains(&name.as_ref()));
    let usual = !places.deeper
        && within(&places.members, &OPENED_MEMBERS)
        && within(&places.arrays, &COMMITTABLE_ARRAYS);
    let registration = Box::<Registration>::deserialize(&value).ok().filter(|_| usual)?;
    Some((Statement { subject, predicate_type, predicate: () }, registration, withheld))
}
