//! From what is to be said to the bytes of a log entry.
//!
//! ```text
//! Draft ── sign(key) ─────────────────────────────────────────────► SealedEntry { bytes, openings }
//!       └─ to_be_signed() ─► a key in an agent ── seal(signature) ─┘
//! ```

use std::ops::Deref;

use serde_json::{Value, json};

use crate::article::{Article, NUMBERS, OriginKind, REFLOW, RULESET, rules};
use crate::attest::disclosure::Disclosure;
use crate::attest::dsse::{self, Envelope};
use crate::attest::statement::{DigestSet, Statement, Subject};
use crate::base::{Hash, PublicKey, Signature, SigningKey, Timestamp, limits};

use super::entry::{Entry, EntryError, SUBJECT_KEY, SUBJECT_ORIGINAL, SUBJECT_TEXT};
use super::key_statement::KeyDescriptor;
use super::registration::{
    Committable, DocumentKind, ExtractedText, Fingerprint, Fingerprints, Link, OriginClaim, ParagraphDigest,
    Ruleset, Title,
};
use super::{
    Assessment, Decisions, KeyAction, KeyStatement, Kind, Notice, RecordRef, Registration, Relation, Role,
};

/// What the pure layers cannot make up themselves.
pub struct Circumstances<'a> {
    /// Id of the key that will sign.
    pub recorded_by: Hash,
    /// Now, by the signer's clock.
    pub recorded_at: Timestamp,
    /// Gives 16 random bytes at each call, never the same twice.
    pub random: &'a mut dyn FnMut() -> [u8; 16],
}

/// A statement that is to be signed.
#[derive(Debug, Clone)]
pub struct Draft {
    kind: Kind,
    payload: Vec<u8>,
    openings: Vec<Disclosure>,
    original: Option<Hash>,
}

/// A signed entry that is not in the log yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEntry {
    /// What it says.
    pub kind: Kind,
    /// The exact bytes of the log entry.
    pub bytes: Vec<u8>,
    /// The openings of its commitments, in their RFC 9901 spelling.
    pub openings: Vec<String>,
    /// SHA-256 of the original, for a registration.
    pub original: Option<Hash>,
}

/// A new entry that was signed here, or whose signature was checked here. Nothing else makes one, so that a log need
/// not check its own entries again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedEntry {
    entry: NewEntry,
    key_id: Hash,
}

impl SealedEntry {
    /// Returns the id of the key that signed it.
    pub fn key_id(&self) -> Hash {
        self.key_id
    }

    /// Says of an entry that it holds.
    #[cfg(test)]
    pub(crate) fn unchecked(entry: NewEntry) -> Self {
        SealedEntry { entry, key_id: Hash([0; 32]) }
    }

    /// Returns the entry, which then may be anything.
    pub fn into_entry(self) -> NewEntry {
        self.entry
    }
}

impl Deref for SealedEntry {
    type Target = NewEntry;

    fn deref(&self) -> &NewEntry {
        &self.entry
    }
}

impl Draft {
    /// Drafts the registration of `article` with what a person decided about it.
    ///
    /// # Errors
    /// [`EntryError::Commitment`] if a committed text is too long.
    pub fn registration(
        article: &Article,
        decisions: &Decisions,
        circumstances: &mut Circumstances<'_>,
    ) -> Result<Self, EntryError> {
        let mut openings = Vec::new();
        let registration = compose(article, decisions, circumstances, &mut openings)?;
        let mut predicate = to_value(&registration);
        let mut members = vec![("paragraphs", to_value(&paragraphs(article))), ("numbers", numbers(article))];
        members.extend(decisions.note.iter().map(|note| ("note", json!(note))));
        commit_members(&mut predicate, members, circumstances, &mut openings)?;
        let subject = vec![
            subject(SUBJECT_ORIGINAL, article.digests.original),
            subject(SUBJECT_TEXT, article.digests.text),
        ];
        let original = Some(article.digests.original);
        Ok(Self::of(Kind::Registration, subject, predicate, openings, original))
    }

    /// Drafts a statement about `key`. `name` is committed.
    ///
    /// # Errors
    /// [`EntryError::Commitment`] if the name is too long.
    pub fn key(
        action: KeyAction,
        key: &PublicKey,
        roles: Vec<Role>,
        replaces: Option<Hash>,
        name: Option<&str>,
        circumstances: &mut Circumstances<'_>,
    ) -> Result<Self, EntryError> {
        let mut openings = Vec::new();
        let (recorded_by, recorded_at) = (circumstances.recorded_by, circumstances.recorded_at);
        let key_descriptor = KeyDescriptor::of(key);
        let statement = KeyStatement {
            action,
            key: key_descriptor,
            roles,
            replaces,
            name: None,
            recorded_by,
            recorded_at,
        };
        let mut predicate = to_value(&statement);
        let members = name.iter().map(|name| ("name", json!(name))).collect();
        commit_members(&mut predicate, members, circumstances, &mut openings)?;
        let subject = vec![subject(SUBJECT_KEY, key.key_id())];
        Ok(Self::of(Kind::Key, subject, predicate, openings, None))
    }

    /// Drafts a statement that a document is related to another. Words of the target are committed, as quotations are.
    ///
    /// # Errors
    /// [`EntryError::Fault`]; [`EntryError::Commitment`] if the words are too long.
    pub fn relation(relation: Relation, circumstances: &mut Circumstances<'_>) -> Result<Self, EntryError> {
        let quote = relation.quote.clone();
        let stated = Relation { quote: None, ..relation };
        let (about, fault) = (stated.about, stated.fault());
        Self::about(Kind::Relation, about, fault, &stated, ("quote", quote), circumstances)
    }

    /// Drafts an assessment. The note is committed.
    ///
    /// # Errors
    /// As [`Draft::relation`].
    pub fn assessment(
        assessment: Assessment,
        circumstances: &mut Circumstances<'_>,
    ) -> Result<Self, EntryError> {
        let note = assessment.note.clone();
        let stated = Assessment { note: None, ..assessment };
        let (about, fault) = (stated.about, stated.fault());
        Self::about(Kind::Assessment, about, fault, &stated, ("note", note), circumstances)
    }

    /// Drafts a notice. The note is committed.
    ///
    /// # Errors
    /// As [`Draft::relation`].
    pub fn notice(notice: Notice, circumstances: &mut Circumstances<'_>) -> Result<Self, EntryError> {
        let note = notice.note.clone();
        let stated = Notice { note: None, ..notice };
        let (about, fault) = (stated.about, stated.fault());
        Self::about(Kind::Notice, about, fault, &stated, ("note", note), circumstances)
    }

    fn about(
        kind: Kind,
        about: RecordRef,
        fault: Option<(&'static str, String)>,
        stated: &impl serde::Serialize,
        (name, words): (&str, Option<String>),
        circumstances: &mut Circumstances<'_>,
    ) -> Result<Self, EntryError> {
        if let Some((field, why)) = fault {
            return Err(EntryError::Fault { kind, field, why });
        }
        let mut openings = Vec::new();
        let mut predicate = to_value(stated);
        let members = words.iter().map(|words| (name, json!(words))).collect();
        commit_members(&mut predicate, members, circumstances, &mut openings)?;
        let subject = vec![subject(SUBJECT_ORIGINAL, about.original)];
        Ok(Self::of(kind, subject, predicate, openings, None))
    }

    fn of(
        kind: Kind,
        subject: Vec<Subject>,
        predicate: Value,
        openings: Vec<Disclosure>,
        original: Option<Hash>,
    ) -> Self {
        let statement = Statement { subject, predicate_type: kind.predicate_type().into(), predicate };
        Draft { kind, payload: statement.encode(), openings, original }
    }

    /// Returns what the signer's key signs: the DSSE pre-authentication encoding of the statement.
    pub fn to_be_signed(&self) -> Vec<u8> {
        dsse::pae(dsse::PAYLOAD_TYPE, &self.payload)
    }

    /// Signs with a key that is at hand. Costs one signature.
    ///
    /// # Errors
    /// [`EntryError::TooLarge`].
    pub fn sign(self, key: &SigningKey) -> Result<SealedEntry, EntryError> {
        let signature = key.sign(&self.to_be_signed());
        let envelope = Envelope::signed(self.payload, key.public().key_id(), signature);
        Self::sealed(self.kind, &envelope, self.openings, self.original)
    }

    /// Puts a signature on that was made elsewhere. Costs checking it.
    ///
    /// # Errors
    /// [`EntryError::Envelope`] if it does not hold, [`EntryError::TooLarge`].
    pub fn seal(self, key: &PublicKey, signature: Signature) -> Result<SealedEntry, EntryError> {
        let envelope = Envelope::seal(self.payload, key, signature)?;
        Self::sealed(self.kind, &envelope, self.openings, self.original)
    }

    fn sealed(
        kind: Kind,
        envelope: &Envelope,
        openings: Vec<Disclosure>,
        original: Option<Hash>,
    ) -> Result<SealedEntry, EntryError> {
        let bytes = envelope.encode();
        if bytes.len() > limits::ENTRY_MAX_BYTES {
            return Err(EntryError::TooLarge { size: bytes.len(), limit: limits::ENTRY_MAX_BYTES });
        }
        // An entry that no reader can read would stand in the log for ever.
        let read = Entry::parse(&bytes)?;
        if read.kind() != Some(kind) || read.original() != original {
            return Err(EntryError::Subject { kind });
        }
        let openings = openings.into_iter().map(Disclosure::into_string).collect();
        let entry = NewEntry { kind, bytes, openings, original };
        Ok(SealedEntry { entry, key_id: envelope.key_id() })
    }
}

fn subject(name: &str, sha256: Hash) -> Subject {
    Subject { name: name.into(), digest: DigestSet { sha256 } }
}

/// Our own types always make JSON: no map has keys that are not strings, no number is not finite.
fn to_value<T: serde::Serialize>(value: &T) -> Value {
    serde_json::to_value(value).expect("internal error: a record's type does not make JSON")
}

/// Commits to `members` and adds their digests to `predicate`.
fn commit_members(
    predicate: &mut Value,
    members: Vec<(&str, Value)>,
    circumstances: &mut Circumstances<'_>,
    openings: &mut Vec<Disclosure>,
) -> Result<(), EntryError> {
    let mut digests = Vec::new();
    for (name, value) in members {
        let opening = Disclosure::member((circumstances.random)(), name, &value)?;
        digests.push(opening.digest());
        openings.push(opening);
    }
    // Sorted, so that their order tells nothing of what is behind them.
    digests.sort();
    predicate["_sd_alg"] = json!("sha-256");
    if !digests.is_empty() {
        predicate["_sd"] = json!(digests);
    }
    Ok(())
}

fn commit<T: serde::Serialize>(
    value: &T,
    circumstances: &mut Circumstances<'_>,
    openings: &mut Vec<Disclosure>,
) -> Result<Committable<T>, EntryError> {
    let opening = Disclosure::element((circumstances.random)(), &to_value(value))?;
    let digest = opening.digest();
    openings.push(opening);
    Ok(Committable::Committed { digest })
}

fn compose(
    article: &Article,
    decisions: &Decisions,
    circumstances: &mut Circumstances<'_>,
    openings: &mut Vec<Disclosure>,
) -> Result<Registration, EntryError> {
    let tag = article.language.as_ref().map(|language| language.tag.clone());
    let title = article.title.iter().map(|title| Title {
        value: title.value.clone(),
        lang: tag.clone(),
        evidence: title.evidence.without_context(),
    });
    let mut claimed_origins = Vec::new();
    for (number, origin) in (1..).zip(&article.claimed_origins) {
        let claim = OriginClaim::of(number, origin);
        claimed_origins.push(match claim.org.kind {
            OriginKind::Person => commit(&claim, circumstances, openings)?,
            _ => Committable::Open(claim),
        });
    }
    let mut bylines = Vec::new();
    for byline in &article.bylines {
        let mut byline = byline.clone();
        if decisions.no_store {
            // The words around a name are the document's, which is not to be kept.
            byline.evidence = byline.evidence.without_context();
        }
        bylines.push(commit(&byline, circumstances, openings)?);
    }
    let mut quotes = Vec::new();
    for quote in article.quotes.iter().filter(|_| !decisions.no_quotes) {
        quotes.push(commit(quote, circumstances, openings)?);
    }
    let mut dateline = article.dateline.clone();
    for claim in dateline.iter_mut() {
        claim.evidence = claim.evidence.without_context();
    }
    let without_context = |claim: &Option<crate::article::TextClaim>| {
        let mut claim = claim.clone();
        for claim in claim.iter_mut() {
            claim.evidence = claim.evidence.without_context();
        }
        claim
    };
    Ok(Registration {
        document_id: urn_uuid((circumstances.random)()),
        kind: DocumentKind::Article,
        title: title.collect(),
        language: article.language.clone(),
        dateline,
        publisher: without_context(&article.publisher),
        published_at: without_context(&article.published_at),
        claimed_origins,
        bylines,
        quotes: (!decisions.no_quotes).then_some(quotes),
        urls: links(article, decisions),
        delivery: article.delivery.clone(),
        media_type: article.media_type.into(),
        bytes: article.bytes,
        original_stored: !decisions.no_store,
        text: ExtractedText {
            sha256: article.digests.text,
            extractor: article.extractor.into(),
            charset: article.charset.name.clone(),
            warnings: article.warnings.clone(),
        },
        fingerprints: Fingerprints {
            reflow: Fingerprint { algorithm: REFLOW.into(), sha256: article.digests.reflow },
        },
        ruleset: Ruleset { name: RULESET.into(), sha256: rules::rules().sha256() },
        numbers: None,
        paragraphs: None,
        note: None,
        recorded_by: circumstances.recorded_by,
        recorded_at: circumstances.recorded_at,
    })
}

/// The addresses of the document: what a person says or the capture saw, and what it gives as its own.
fn links(article: &Article, decisions: &Decisions) -> Vec<Link> {
    let seen = decisions.url.clone().or_else(|| article.delivery.as_ref()?.url.clone());
    let link = |href: String, rel: &str| Link { href, rel: rel.into() };
    let mut links: Vec<Link> = seen.map(|url| link(url, "seen")).into_iter().collect();
    links.extend(article.canonical.clone().map(|url| link(url, "canonical")));
    links
}

fn paragraphs(article: &Article) -> Vec<ParagraphDigest> {
    let digest = |paragraph: &crate::article::Paragraph| ParagraphDigest {
        start: paragraph.start,
        end: paragraph.end,
        reflow_sha256: paragraph.reflow_sha256,
    };
    article.paragraphs.iter().map(digest).collect()
}

fn numbers(article: &Article) -> Value {
    to_value(&Fingerprint { algorithm: NUMBERS.into(), sha256: article.digests.numbers })
}

/// A random name, RFC 9562 version 4.
fn urn_uuid(mut random: [u8; 16]) -> String {
    random[6] = random[6] & 0x0f | 0x40;
    random[8] = random[8] & 0x3f | 0x80;
    let hex = crate::base::encoding::to_hex(&random);
    let (a, b, c, d, e) = (&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]);
    format!("urn:uuid:{a}-{b}-{c}-{d}-{e}")
}
