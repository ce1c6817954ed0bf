//! `registration` statements: a document, its digests, and what it claims of its origin.
//!
//! `subject[0]` is the document's original bytes, `subject[1]` the text that was extracted from them. The predicate
//! says in the clear what may stay for ever: organisations, title, language, dates, digests. Bylines, quotations,
//! notes, origins that are persons, and digests of few words are commitments;
//! [`Entry::open_registration`](super::Entry::open_registration) puts back what the openings at hand disclose.
//!
//! Nothing in the clear gives a committed word away: evidence of a byline is inside its commitment, selectors in
//! the clear carry no neighbouring words, and digests of single paragraphs, of single quotations and of the
//! document's numbers, which could be found by trying, are committed too.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, IgnoredAny, IntoDeserializer, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::article::container::Delivery;
use crate::article::{
    Byline, ClaimedOrigin, Dateline, Evidence, Language, OrganisationRef, OriginKind, OriginRole, Quotation,
    TextClaim, Warning,
};
use crate::attest::disclosure::ELEMENT;
use crate::attest::json::Name;
use crate::base::{Hash, Timestamp};

/// What sort of document it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum DocumentKind {
    /// A news article.
    Article,
    /// An agency's dispatch.
    Wire,
    /// A press release.
    PressRelease,
    /// Anything else.
    Other,
}

/// A body, as named and as known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organisation {
    /// Its name.
    pub label: String,
    /// What sort of body.
    pub kind: OriginKind,
    /// Its id in the authority file, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its item in Wikidata, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wikidata: Option<String>,
    /// Its domain, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
}

impl Organisation {
    /// Returns which body of the authority file it is.
    pub fn reference(&self) -> Option<OrganisationRef> {
        let id = self.id.clone()?;
        let (wikidata, domain) = (self.wikidata.clone(), self.domain.clone());
        Some(OrganisationRef { id, label: self.label.clone(), wikidata, domain })
    }

    fn of(origin: &ClaimedOrigin) -> Self {
        let known = origin.organisation.clone();
        let label = known.as_ref().map_or_else(|| origin.as_printed.clone(), |known| known.label.clone());
        let (id, wikidata, domain) =
            known.map_or((None, None, None), |known| (Some(known.id), known.wikidata, known.domain));
        Organisation { label, kind: origin.kind, id, wikidata, domain }
    }
}

/// Whether the origin is said to have given the whole text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Extent {
    /// The document does not say.
    Unknown,
    /// All of it.
    Whole,
    /// Part of it.
    Part,
}

/// One claimed origin. That the document *says* so is all that this says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OriginClaim {
    /// Its name in this record: `o1`, `o2` …; other statements point to it.
    pub id: String,
    /// As printed, without the cue.
    pub as_printed: String,
    /// Language of the printed name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lang: Option<String>,
    /// The body it names.
    pub org: Organisation,
    /// What it is said to have given.
    pub role: OriginRole,
    /// How much of the text.
    pub extent: Extent,
    /// The cue as printed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cue: Option<String>,
    /// Why.
    pub evidence: Evidence,
}

impl OriginClaim {
    /// Numbers a claim of the document: `number` counts from 1.
    pub fn of(number: usize, origin: &ClaimedOrigin) -> Self {
        OriginClaim {
            id: format!("o{number}"),
            as_printed: origin.as_printed.clone(),
            lang: origin.lang.clone(),
            org: Organisation::of(origin),
            role: origin.role,
            extent: Extent::Unknown,
            cue: origin.cue.clone(),
            evidence: origin.evidence.without_context(),
        }
    }
}

/// A title with the language it is in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Title {
    /// As printed.
    pub value: String,
    /// BCP 47.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lang: Option<String>,
    /// Why.
    pub evidence: Evidence,
}

/// An address of the document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The absolute URL.
    pub href: String,
    /// `canonical`, `seen`, `amp`, `feed`, `archive` or `origin`.
    pub rel: String,
}

/// How the text was got from the original.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExtractedText {
    /// SHA-256 of the extracted UTF-8; the digest of `subject[1]` too.
    pub sha256: Hash,
    /// Name and version of the extractor: `dateline-text/1`. The same extractor gives the same text.
    pub extractor: String,
    /// The character set that the original was read as.
    pub charset: String,
    /// What was noticed on the way, by code, without words of the text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
}

/// A digest and the algorithm that made what was digested.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// Name and version of the normal form: `reflow/1`.
    pub algorithm: String,
    /// SHA-256 of the normal form, in UTF-8.
    pub sha256: Hash,
}

/// A paragraph: where it stands, and the digest of its reflow form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ParagraphDigest {
    /// First code point in the extracted text.
    pub start: usize,
    /// One past its last code point.
    pub end: usize,
    /// SHA-256 of its reflow form.
    pub reflow_sha256: Hash,
}

/// The digests by which the same wording is known again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprints {
    /// The wording.
    pub reflow: Fingerprint,
}

/// The rules that made the claims.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ruleset {
    /// Name and version: `dateline-rules/1`.
    pub name: String,
    /// SHA-256 of the rules as written.
    pub sha256: Hash,
}

/// Something that stands in a list in the clear, or as a commitment `{"...": digest}` (RFC 9901 section 4.2.4.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Committable<T> {
    /// A commitment whose opening is not at hand.
    Committed {
        /// Digest of the opening.
        #[serde(rename = "...")]
        digest: String,
    },
    /// The thing itself.
    Open(T),
}

impl<T> Committable<T> {
    /// Returns the thing; `None` while it is committed.
    pub fn opened(&self) -> Option<&T> {
        match self {
            Committable::Open(value) => Some(value),
            Committable::Committed { .. } => None,
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Committable<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Either<T> {
            type Value = Committable<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object, or a commitment to one")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Committable<T>, A::Error> {
                // The first member tells which: a commitment has no other, and nothing else has this one.
                let Some(Name(first)) = members.next_key()? else {
                    return T::deserialize(MapAccessDeserializer::new(members)).map(Committable::Open);
                };
                if first == ELEMENT {
                    let digest = members.next_value()?;
                    while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                    return Ok(Committable::Committed { digest });
                }
                let rest = Rest { first: Some(first), members };
                T::deserialize(MapAccessDeserializer::new(rest)).map(Committable::Open)
            }
        }
        deserializer.deserialize_map(Either(PhantomData))
    }
}

/// Members of an object of which the name of the first was read already.
struct Rest<'de, A> {
    first: Option<Cow<'de, str>>,
    members: A,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Rest<'de, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        match self.first.take() {
            Some(first) => seed.deserialize(first.into_deserializer()).map(Some),
            None => self.members.next_key_seed(seed),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.members.next_value_seed(seed)
    }
}

/// The predicate of a `registration` statement. Members that this release does not know are ignored, so that
/// later ones can add some.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Registration {
    /// Stable name of the *work*, through its versions: `urn:uuid:…`.
    pub document_id: String,
    /// What sort of document.
    pub kind: DocumentKind,
    /// As printed; empty where none was found.
    #[serde(default)]
    pub title: Vec<Title>,
    /// Its language, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
    /// Where and when it says that it was filed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dateline: Option<Dateline>,
    /// Who published this copy, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publisher: Option<TextClaim>,
    /// When it says that it was published, where known: RFC 3339, a date, a month or a year.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published_at: Option<TextClaim>,
    /// Where it says that it comes from. Empty: none found.
    pub claimed_origins: Vec<Committable<OriginClaim>>,
    /// Who it says wrote it. Empty: none found.
    pub bylines: Vec<Committable<Byline>>,
    /// Words given as somebody's. Absent: not recorded, which is not the same as none found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quotes: Option<Vec<Committable<Quotation>>>,
    /// Its addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub urls: Vec<Link>,
    /// How this copy came here, where it was fetched or taken out of another file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<Delivery>,
    /// Of the original: `text/plain`.
    pub media_type: String,
    /// Size of the original.
    pub bytes: u64,
    /// Whether the original was stored with the log when it was registered.
    pub original_stored: bool,
    /// How the text was got.
    pub text: ExtractedText,
    /// Digests of the wording.
    pub fingerprints: Fingerprints,
    /// Which rules made the claims.
    pub ruleset: Ruleset,
    /// The ordered numbers of the text, once opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub numbers: Option<Fingerprint>,
    /// The paragraphs, once opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paragraphs: Option<Vec<ParagraphDigest>>,
    /// A free note, once opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Id of the key that signs. Not a name.
    pub recorded_by: Hash,
    /// When, by the signer's own clock. Nothing is judged by it.
    pub recorded_at: Timestamp,
}

/// A registration with its openings put back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenedRegistration {
    /// What it says, as far as it is disclosed.
    pub registration: Registration,
    /// JSON Pointers into the predicate of what stays committed.
    pub withheld: Vec<String>,
}
