//! From what is to be said to the bytes of a log entry.
//!
//! ```text
//! Draft ── sign(key) ─────────────────────────────────────────────► SealedEntry { bytes, openings }
//!       └─ to_be_signed() ─► a key in an agent ── seal(signature) ─┘
//! ```

use std::collections::BTreeSet;
use std::ops::Deref;

use serde_json::{Value, json};

use crate::article::{Article, NUMBERS, OriginKind, REFLOW, RULESET, rules};
use crate::attest::disclosure::Disclosure;
use crate::attest::dsse::{self, Envelope};
use crate::attest::statement::{DigestSet, Statement, Subject};
use crate::base::{Hash, PublicKey, Signature, SigningKey, Timestamp, limits};

use super::entry::{
    Entry, EntryError, SUBJECT_COMMITMENTS, SUBJECT_KEY, SUBJECT_ORIGINAL, SUBJECT_SEALED, SUBJECT_TEXT,
};
use super::key_statement::KeyDescriptor;
use super::registration::{
    Committable, DocumentKind, ExtractedText, Fingerprint, Fingerprints, Link, OriginClaim, ParagraphDigest,
    Ruleset, Title,
};
use super::sealed::SEALED_MEMBER;
use super::{
    Assessment, Confirmation, Decisions, Erasure, KeyAction, KeyStatement, Kind, Notice, Observation,
    Prepared, RecordRef, Registration, Relation, Role, SealField, Sealed, SealedDocument,
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

    /// Takes an entry that was signed elsewhere. Costs checking its signature.
    ///
    /// # Errors
    /// [`EntryError`]: it is not of its form, or `key` did not sign it.
    pub fn checked(bytes: Vec<u8>, openings: Vec<String>, key: &PublicKey) -> Result<Self, EntryError> {
        let entry = Entry::parse(&bytes)?;
        entry.envelope.verify(key)?;
        let kind = entry.kind().ok_or(EntryError::KindUnknown)?;
        let key_id = entry.envelope.key_id();
        let original = entry.original();
        Ok(SealedEntry { entry: NewEntry { kind, bytes, openings, original }, key_id })
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
        let sealed: BTreeSet<&str> =
            decisions.seal.iter().flat_map(|field| field.members()).copied().collect();
        for name in sealed {
            let value = predicate.as_object_mut().and_then(|members| members.remove(name));
            // Of what is not there, it is not told either that somebody asked for it to be sealed.
            members.extend(value.filter(|value| value != &json!([])).map(|value| (name, value)));
        }
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
            approvals: None,
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

    /// Drafts a statement by which `needed` root keys must make each statement about keys from then on. `root` is the root
    /// key that says so.
    ///
    /// # Errors
    /// None that can be met: there is nothing to commit.
    pub fn require_approvals(
        needed: u32,
        root: &PublicKey,
        circumstances: &mut Circumstances<'_>,
    ) -> Result<Self, EntryError> {
        let statement = KeyStatement {
            action: KeyAction::RequireApprovals,
            key: KeyDescriptor::of(root),
            roles: Vec::new(),
            replaces: None,
            approvals: Some(needed),
            name: None,
            recorded_by: circumstances.recorded_by,
            recorded_at: circumstances.recorded_at,
        };
        Self::stated(Kind::Key, subject(SUBJECT_KEY, root.key_id()), None, &statement, &[], circumstances)
    }

    /// Drafts a statement that a document is related to another. Words of the target are committed, as quotations are.
    ///
    /// # Errors
    /// [`EntryError::Fault`]; [`EntryError::Commitment`] if the words are too long.
    pub fn relation(relation: Relation, circumstances: &mut Circumstances<'_>) -> Result<Self, EntryError> {
        let (about, fault) = (relation.about, relation.fault());
        let stated = Relation { quote: None, ..relation.clone() };
        Self::about(Kind::Relation, about, fault, &stated, &[("quote", relation.quote)], circumstances)
    }

    /// Drafts an assessment. The note is committed.
    ///
    /// # Errors
    /// As [`Draft::relation`].
    pub fn assessment(
        assessment: Assessment,
        circumstances: &mut Circumstances<'_>,
    ) -> Result<Self, EntryError> {
        let (about, fault) = (assessment.about, assessment.fault());
        let stated = Assessment { note: None, ..assessment.clone() };
        Self::about(Kind::Assessment, about, fault, &stated, &[("note", assessment.note)], circumstances)
    }

    /// Drafts a notice. The note is committed.
    ///
    /// # Errors
    /// As [`Draft::relation`].
    pub fn notice(notice: Notice, circumstances: &mut Circumstances<'_>) -> Result<Self, EntryError> {
        let (about, fault) = (notice.about, notice.fault());
        let stated = Notice { note: None, ..notice.clone() };
        Self::about(Kind::Notice, about, fault, &stated, &[("note", notice.note)], circumstances)
    }

    /// Drafts what a person says of a claim. What the claim should read, and the note, are committed.
    ///
    /// # Errors
    /// As [`Draft::relation`].
    pub fn confirmation(
        confirmation: Confirmation,
        circumstances: &mut Circumstances<'_>,
    ) -> Result<Self, EntryError> {
        let (about, fault) = (confirmation.about, confirmation.fault());
        let stated = Confirmation { value: None, note: None, ..confirmation.clone() };
        let words = [("value", confirmation.value), ("note", confirmation.note)];
        Self::about(Kind::Confirmation, about, fault, &stated, &words, circumstances)
    }

    /// Drafts what was found at a document's address.
    ///
    /// # Errors
    /// [`EntryError::Fault`].
    pub fn observation(
        observation: &Observation,
        circumstances: &mut Circumstances<'_>,
    ) -> Result<Self, EntryError> {
        let (about, fault) = (observation.about, observation.fault());
        Self::about(Kind::Observation, about, fault, observation, &[], circumstances)
    }

    /// Drafts that openings were destroyed.
    ///
    /// # Errors
    /// [`EntryError::Fault`].
    pub fn erasure(erasure: &Erasure, circumstances: &mut Circumstances<'_>) -> Result<Self, EntryError> {
        let subject = subject(SUBJECT_COMMITMENTS, erasure.subject());
        Self::stated(Kind::Erasure, subject, erasure.fault(), erasure, &[], circumstances)
    }

    /// Drafts that somebody has `document`, without which it is. The one opening is returned beside the draft: it is not
    /// to be published with the entry.
    ///
    /// # Errors
    /// None that can be met: what is committed is short.
    pub fn sealed_document(
        document: &SealedDocument,
        circumstances: &mut Circumstances<'_>,
    ) -> Result<(Self, Disclosure), EntryError> {
        let opening = Disclosure::member((circumstances.random)(), SEALED_MEMBER, &to_value(document))?;
        let sealed = Sealed {
            document: None,
            recorded_by: circumstances.recorded_by,
            recorded_at: circumstances.recorded_at,
        };
        let mut predicate = to_value(&sealed);
        predicate["_sd_alg"] = json!("sha-256");
        predicate["_sd"] = json!([opening.digest()]);
        let subject = vec![subject(SUBJECT_SEALED, Hash::of(opening.digest().as_bytes()))];
        Ok((Self::of(Kind::Sealed, subject, predicate, Vec::new(), None), opening))
    }

    fn about(
        kind: Kind,
        about: RecordRef,
        fault: Option<(&'static str, String)>,
        stated: &impl serde::Serialize,
        words: &[(&str, Option<String>)],
        circumstances: &mut Circumstances<'_>,
    ) -> Result<Self, EntryError> {
        Self::stated(kind, subject(SUBJECT_ORIGINAL, about.original), fault, stated, words, circumstances)
    }

    /// Drafts a statement, unless there is something the matter with it. `words` are committed.
    fn stated(
        kind: Kind,
        subject: Subject,
        fault: Option<(&'static str, String)>,
        stated: &impl serde::Serialize,
        words: &[(&str, Option<String>)],
        circumstances: &mut Circumstances<'_>,
    ) -> Result<Self, EntryError> {
        if let Some((field, why)) = fault {
            return Err(EntryError::Fault { kind, field, why });
        }
        let mut openings = Vec::new();
        let mut predicate = to_value(stated);
        let members = words.iter().filter_map(|(name, words)| Some((*name, json!(words.as_ref()?))));
        commit_members(&mut predicate, members.collect(), circumstances, &mut openings)?;
        Ok(Self::of(kind, vec![subject], predicate, openings, None))
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

    /// Makes it ready for `key` to sign, on another machine.
    pub fn prepare(self, key: &PublicKey) -> Prepared {
        let openings = self.openings.into_iter().map(Disclosure::into_string).collect();
        Prepared { key: *key, payload: self.payload, openings }
    }

    /// Signs with a key that is at hand. Costs one signature.
    ///
    /// # Errors
    /// [`EntryError::TooLarge`].
    pub fn sign(self, key: &SigningKey) -> Result<SealedEntry, EntryError> {
        let signature = key.sign(&self.to_be_signed());
        let envelope = Envelope::signed(self.payload, key.public().key_id(), signature);
        Self::finished(self.kind, &envelope, self.openings, self.original)
    }

    /// Puts a signature on that was made elsewhere. Costs checking it.
    ///
    /// # Errors
    /// [`EntryError::Envelope`] if it does not hold, [`EntryError::TooLarge`].
    pub fn seal(self, key: &PublicKey, signature: Signature) -> Result<SealedEntry, EntryError> {
        let envelope = Envelope::seal(self.payload, key, signature)?;
        Self::finished(self.kind, &envelope, self.openings, self.original)
    }

    fn finished(
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
            _ if decisions.seal.contains(&SealField::Origin) => commit(&claim, circumstances, openings)?,
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
