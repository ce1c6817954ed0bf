//! One record, and its document, against one proof file: no log, no network.
//!
//! A `.tlog-proof` says that some leaf is in a log. What the leaf is stands in its `extra` line, base64 of
//!
//! ```json
//! {"format":"dateline-proof/1","entry":"<base64 of the entry>","openings":["WyJ…"],
//!  "withheld":[{"commitment":"/bylines/0","field":"/bylines/0"}],
//!  "keys":[{"index":0,"entry":"<base64>","proof":["<base64 hash>","…"]}]}
//! ```
//!
//! Nothing signs that line, and nothing needs to: the entry must hash to the proven leaf, each opening to a commitment
//! in it, and each of `keys`, the statements that enrolled the signer, to a leaf of the same checkpoint. A statement
//! that *ended* the key before that index, or that asked for more root keys to enrol it, could be left out of the file:
//! that neither is so needs the log.
//! `withheld` is whoever made the file speaking: which openings he left out on purpose. What is closed and not named there
//! is missing.

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::article::{Format, REFLOW, ReadError, ReadOptions, read};
use crate::attest::json::Json;
use crate::base::encoding::{DecodeError, from_base64};
use crate::base::{Hash, PublicKey};
use crate::note::{OpenError, OpenedCheckpoint, TlogProof, TlogProofError};
use crate::record::consistency::differences;
use crate::record::registration::OpenedRegistration;
use crate::record::{Body, Entry, EntryError, Registration, State};
use crate::tlog::{InclusionProof, ProofError, leaf_hash};

use super::Trust;
use super::signer::authorise_and_fold;
use super::withhold::Withheld;

/// The value of `format`.
pub const PROOF_FORMAT: &str = "dateline-proof/1";

/// What the `extra` line holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProofBundle {
    /// Always [`PROOF_FORMAT`].
    pub format: String,
    /// The entry, base64.
    pub entry: String,
    /// The openings of its commitments.
    pub openings: Vec<String>,
    /// Those that were left out on purpose.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub withheld: Vec<Withheld>,
    /// The statements that enrolled its signer, and the keys that this one replaced, in log order.
    pub keys: Vec<KeyProof>,
}

/// A statement about a key, proven to be in the same log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyProof {
    /// Its index.
    pub index: u64,
    /// The entry, base64.
    pub entry: String,
    /// Its inclusion proof, base64 hashes.
    pub proof: Vec<String>,
}

/// How a document is the one that a record is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sameness {
    /// It has the bytes that were registered.
    Bytes,
    /// It has other bytes, and the wording that was registered.
    Wording,
}

/// What a proof establishes.
#[derive(Debug, Clone)]
pub struct ProvenRecord {
    /// Index of the record.
    pub index: u64,
    /// The checkpoint, with its cosignatures.
    pub opened: OpenedCheckpoint,
    /// The record.
    pub entry: Entry,
    /// What it says, if it is a registration.
    pub registration: Option<OpenedRegistration>,
    /// SHA-256 of the original of the document that it is about; `None` if it is about a key.
    pub original: Option<Hash>,
    /// How the document at hand is that one; `None` if none was given.
    pub document: Option<Sameness>,
    /// What whoever made the proof left out on purpose, as he says.
    pub withheld: Vec<Withheld>,
    /// JSON Pointers to the commitments whose openings are not in the proof, and nobody says why.
    pub missing: Vec<String>,
    /// Id of the key that signed, enrolled by a root key at an earlier index, or a root key itself.
    pub signer: Hash,
}

/// Why a proof does not hold, or could not be checked.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ProofCheckError {
    /// Not a proof file.
    #[error("not a .tlog-proof file")]
    File(#[from] TlogProofError),
    /// Without the record in it.
    #[error("the proof carries no record: its extra line is not {PROOF_FORMAT}")]
    Extra(#[source] Option<serde_json::Error>),
    /// Not base64.
    #[error("the proof's extra line is damaged")]
    Encoding(#[from] DecodeError),
    /// The checkpoint does not hold under the policy.
    #[error("the proof's checkpoint does not hold under the policy")]
    Checkpoint(#[from] OpenError),
    /// The entry is not in the log.
    #[error("entry {index} is not in the log that the proof's checkpoint signs")]
    Inclusion {
        /// The index claimed.
        index: u64,
        /// Why.
        #[source]
        source: ProofError,
    },
    /// The entry is not a record.
    #[error("entry {index} is not a record")]
    Entry {
        /// Its index.
        index: u64,
        /// Why.
        #[source]
        source: EntryError,
    },
    /// A statement about keys stands where none may.
    #[error("entry {index} is no statement about keys from before record {record}")]
    KeyStatement {
        /// Its index.
        index: u64,
        /// The record's index.
        record: u64,
    },
    /// The signer was not enrolled, or the signature does not hold.
    #[error("the signer of record {index} does not hold: {why}")]
    Signer {
        /// The record's index.
        index: u64,
        /// Why.
        why: String,
    },
    /// The openings are not those of the record.
    #[error("the proof's openings do not fit record {index}: {why}")]
    Openings {
        /// The record's index.
        index: u64,
        /// Why.
        why: String,
    },
    /// The record is of a kind that this release does not know.
    #[error("record {index} is of type {predicate_type:?}, which is not known here")]
    KindUnknown {
        /// Its index.
        index: u64,
        /// The type of its predicate.
        predicate_type: String,
    },
    /// The record says what none of its kind can.
    #[error("record {index} contradicts itself: {why}")]
    Fault {
        /// Its index.
        index: u64,
        /// Why.
        why: String,
    },
    /// The record is about no document.
    #[error("record {index} is about a key, not about a document")]
    NotARegistration {
        /// Its index.
        index: u64,
    },
    /// The document has other bytes, and its wording cannot be known.
    #[error(
        "the document has not the bytes that record {index} registered, and whether it has the wording cannot be told"
    )]
    WordingUnread {
        /// The record's index.
        index: u64,
        /// Why.
        #[source]
        source: ReadError,
    },
    /// The document has other bytes, and the registered wording was made by what this release does not have.
    #[error(
        "the document has not the bytes that record {index} registered, and its wording was made by {algorithm:?}, which \
         is not known here"
    )]
    AlgorithmUnknown {
        /// The record's index.
        index: u64,
        /// The normal form, or the extractor.
        algorithm: String,
    },
    /// The document is another.
    #[error(
        "the document is not the one that record {index} is about: sha256 {found}, registered {registered}"
    )]
    OtherDocument {
        /// The record's index.
        index: u64,
        /// SHA-256 of the document.
        found: Hash,
        /// SHA-256 of the registered original.
        registered: Hash,
    },
}

impl ProofCheckError {
    /// Returns whether it could not be checked, rather than being bad.
    pub fn is_unverifiable(&self) -> bool {
        matches!(
            self,
            ProofCheckError::Extra(_)
                | ProofCheckError::KindUnknown { .. }
                | ProofCheckError::WordingUnread { .. }
                | ProofCheckError::AlgorithmUnknown { .. }
                | ProofCheckError::Checkpoint(
                    OpenError::QuorumNotReached(_) | OpenError::LogUnverifiable { .. }
                )
        )
    }
}

/// Checks `document` against the proof file `proof`. `file_name` tells Markdown from plain text, where the wording is
/// compared.
///
/// # Errors
/// [`ProofCheckError`]; [`ProofCheckError::is_unverifiable`] tells what is bad from what could not be checked.
pub fn check_proof(
    document: &[u8],
    file_name: Option<&str>,
    proof: &[u8],
    trust: &Trust,
) -> Result<ProvenRecord, ProofCheckError> {
    let mut proven = check_proof_alone(proof, trust)?;
    let (found, index) = (Hash::of(document), proven.index);
    let registered = proven.original.ok_or(ProofCheckError::NotARegistration { index })?;
    if found == registered {
        proven.document = Some(Sameness::Bytes);
        return Ok(proven);
    }
    let other = ProofCheckError::OtherDocument { index, found, registered };
    // A statement is about the bytes of a document only.
    let Some(opened) = &proven.registration else { return Err(other) };
    if !has_wording(document, file_name, index, &opened.registration)? {
        return Err(other);
    }
    proven.document = Some(Sameness::Wording);
    Ok(proven)
}

/// Returns whether the document has the wording that was registered.
fn has_wording(
    document: &[u8],
    file_name: Option<&str>,
    index: u64,
    registration: &Registration,
) -> Result<bool, ProofCheckError> {
    let unknown = |algorithm: &str| ProofCheckError::AlgorithmUnknown { index, algorithm: algorithm.into() };
    let wording = &registration.fingerprints.reflow;
    if wording.algorithm != REFLOW {
        return Err(unknown(&wording.algorithm));
    }
    // A copy may have the registered charset, which its bytes need not tell, or another one.
    let charsets = [Some(registration.text.charset.as_str()), None];
    let mut unread = None;
    for charset in charsets {
        match read(document, &ReadOptions { file_name, charset, ..ReadOptions::default() }) {
            Ok(article) if article.text.is_empty() => {
                unread = Some(ReadError::Empty { size: document.len() as u64 });
            }
            Ok(article) if article.digests.reflow == wording.sha256 => return Ok(true),
            Ok(_) => {}
            Err(source) => unread = Some(source),
        }
    }
    let extractor = &registration.text.extractor;
    match unread {
        Some(source) => Err(ProofCheckError::WordingUnread { index, source }),
        None if Format::of_extractor(extractor).is_none() => Err(unknown(extractor)),
        None => Ok(false),
    }
}

/// Checks the proof file `proof` with no document at hand: what it says of a record, but not of which file.
///
/// # Errors
/// As [`check_proof`].
pub fn check_proof_alone(proof: &[u8], trust: &Trust) -> Result<ProvenRecord, ProofCheckError> {
    let proof = TlogProof::parse(proof)?;
    let bundle = ProofBundle::of(&proof)?;
    let opened = proof.open(&trust.policy)?;
    check_bundle(&proof, bundle, opened, &trust.roots)
}

/// Checks all that a proof says, against its checkpoint.
pub(super) fn check_bundle(
    proof: &TlogProof,
    bundle: ProofBundle,
    opened: OpenedCheckpoint,
    roots: &[PublicKey],
) -> Result<ProvenRecord, ProofCheckError> {
    let index = proof.index();
    let entry = included(&opened, index, &bundle.entry, proof.hashes().to_vec())?;
    let mut state = enrolled(&opened, index, &bundle.keys, roots)?;
    let signer = authorise_and_fold(&mut state, &entry).signer(&entry);
    let signer = signer.map_err(|why| ProofCheckError::Signer { index, why })?;
    if let Body::Unknown = entry.body {
        let predicate_type = entry.statement.predicate_type.clone();
        return Err(ProofCheckError::KindUnknown { index, predicate_type });
    }
    if let Some(why) = fault(&entry) {
        return Err(ProofCheckError::Fault { index, why });
    }
    let (registration, closed) =
        open_any(&entry, &bundle.openings).map_err(|why| ProofCheckError::Openings { index, why })?;
    if let Some(one) = bundle.withheld.iter().find(|one| !closed.contains(&one.commitment)) {
        let why = format!("{} is said to be withheld, and is not", one.commitment);
        return Err(ProofCheckError::Openings { index, why });
    }
    let said = |pointer: &String| bundle.withheld.iter().any(|one| one.commitment == *pointer);
    // What is sealed is closed until somebody reveals it.
    let is_sealed = matches!(entry.body, Body::Sealed(_));
    let missing = closed.into_iter().filter(|pointer| !is_sealed && !said(pointer)).collect();
    let is_of_a_key = matches!(entry.body, Body::Key(_));
    let original = (!is_of_a_key).then(|| entry.statement.subject[0].digest.sha256);
    Ok(ProvenRecord {
        index,
        opened,
        entry,
        registration,
        original,
        document: None,
        withheld: bundle.withheld,
        missing,
        signer,
    })
}

impl ProofBundle {
    /// Reads the extra line of a proof.
    pub(super) fn of(proof: &TlogProof) -> Result<Self, ProofCheckError> {
        let bundle = Json::parse(proof.extra()).and_then(|json| ProofBundle::deserialize(&json));
        let bundle = bundle.map_err(|error| ProofCheckError::Extra(Some(error)))?;
        if bundle.format != PROOF_FORMAT {
            return Err(ProofCheckError::Extra(None));
        }
        Ok(bundle)
    }
}

/// Returns in what the entry contradicts itself, or the rules of its kind.
pub(super) fn fault(entry: &Entry) -> Option<String> {
    if let Some(one) = differences(entry).first() {
        return Some(format!("{} ({}): expected {}, found {}", one.what, one.field, one.expected, one.found));
    }
    entry.fault().map(|(field, why)| format!("{why} ({field})"))
}

/// Puts the openings back. Returns what a registration then says, and JSON Pointers to the commitments that stay closed;
/// or why they do not fit.
fn open_any(entry: &Entry, openings: &[String]) -> Result<(Option<OpenedRegistration>, Vec<String>), String> {
    let opened = match &entry.body {
        Body::Registration(_) => entry.open_registration(openings).map(|opened| {
            let closed = opened.withheld.clone();
            (Some(opened), closed)
        }),
        _ => entry.open::<IgnoredAny>(openings).map(|opened| (None, opened.withheld)),
    };
    opened.map_err(|error| error.to_string())
}

/// Takes an entry out of its base64 and checks that it is in the log.
fn included(
    opened: &OpenedCheckpoint,
    index: u64,
    entry: &str,
    proof: Vec<Hash>,
) -> Result<Entry, ProofCheckError> {
    let bytes = from_base64(entry)?;
    let (size, root) = (opened.checkpoint().size(), opened.checkpoint().root_hash());
    InclusionProof(proof)
        .verify(&leaf_hash(&bytes), index, size, &root)
        .map_err(|source| ProofCheckError::Inclusion { index, source })?;
    Entry::parse(&bytes).map_err(|source| ProofCheckError::Entry { index, source })
}

/// Folds the statements about keys that the proof carries, up to the record.
fn enrolled(
    opened: &OpenedCheckpoint,
    record: u64,
    keys: &[KeyProof],
    roots: &[PublicKey],
) -> Result<State, ProofCheckError> {
    let mut state = State::new(roots.iter().copied());
    for key in keys {
        let index = key.index;
        let misplaced = ProofCheckError::KeyStatement { index, record };
        let hashes: Result<Vec<Hash>, DecodeError> =
            key.proof.iter().map(|hash| Hash::from_base64(hash)).collect();
        let entry = included(opened, index, &key.entry, hashes?)?;
        if index >= record || !matches!(entry.body, Body::Key(_)) || !state.skip_to(index) {
            return Err(misplaced);
        }
        let signer = authorise_and_fold(&mut state, &entry).signer(&entry);
        signer.map_err(|why| ProofCheckError::Signer { index, why })?;
        if let Some(why) = fault(&entry) {
            return Err(ProofCheckError::Fault { index, why });
        }
    }
    if state.skip_to(record) {
        Ok(state)
    } else {
        Err(ProofCheckError::KeyStatement { index: record, record })
    }
}
