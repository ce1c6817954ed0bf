//! One document against one proof file: no log, no network.
//!
//! A `.tlog-proof` says that some leaf is in a log. What the leaf is stands in its `extra` line, base64 of
//!
//! ```json
//! {"format":"dateline-proof/1","entry":"<base64 of the entry>","openings":["WyJ…"],
//!  "keys":[{"index":0,"entry":"<base64>","proof":["<base64 hash>","…"]}]}
//! ```
//!
//! Nothing signs that line, and nothing needs to: the entry must hash to the proven leaf, each opening to a commitment
//! in it, and each of `keys`, the statements that enrolled the signer, to a leaf of the same checkpoint. A statement
//! that *ended* the key before that index could be left out of the file: that it was not revoked needs the log.

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::article::{ReadOptions, read};
use crate::base::encoding::{DecodeError, from_base64, to_base64};
use crate::base::{Hash, PublicKey};
use crate::note::{Note, OpenError, OpenedCheckpoint, TlogProof, TlogProofError};
use crate::record::registration::OpenedRegistration;
use crate::record::{Body, Entry, EntryError, State};
use crate::tlog::{InclusionProof, ProofError, leaf_hash};

use super::Trust;
use super::reader::{LogReader, ReaderError, open_registration};
use super::signer::authorise_and_fold;

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
    /// The statements that enrolled its signer, in log order.
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

/// What a proof establishes about a document.
#[derive(Debug, Clone)]
pub struct ProvenRecord {
    /// Index of the record.
    pub index: u64,
    /// The checkpoint, with its cosignatures.
    pub opened: OpenedCheckpoint,
    /// What the record says.
    pub registration: OpenedRegistration,
    /// SHA-256 of the original that was registered.
    pub original: Hash,
    /// Whether the document has those bytes; if not, only its wording is the same.
    pub same_bytes: bool,
    /// Id of the key that signed, enrolled by a root key at an earlier index.
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
    /// The record is not a registration.
    #[error("record {index} is not the registration of a document")]
    NotARegistration {
        /// Its index.
        index: u64,
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
                | ProofCheckError::Checkpoint(
                    OpenError::QuorumNotReached(_) | OpenError::LogUnverifiable { .. }
                )
        )
    }
}

impl LogReader<'_> {
    /// Makes the proof file of a record, with its openings and the statements that enrolled its signer.
    ///
    /// # Errors
    /// [`ReaderError`].
    pub fn proof_file(&self, index: u64) -> Result<TlogProof, ReaderError> {
        let mut record = None;
        let mut enrolments = Vec::new();
        self.scan(|read| {
            if let Body::Key(_) = read.entry.body {
                enrolments.push((read.index, read.entry.statement.subject[0].digest.sha256, read.bytes));
            } else if read.index == index {
                record = Some(read);
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        })?;
        let size = self.size();
        let record = record.ok_or(ReaderError::NoRecord { index, size })?;
        let signer = record.entry.envelope.key_id();
        let mut keys = Vec::new();
        for (index, _, bytes) in enrolments.into_iter().filter(|(_, key, _)| *key == signer) {
            let proof = self.prove(index)?.0.iter().map(Hash::to_base64).collect();
            keys.push(KeyProof { index, entry: to_base64(&bytes), proof });
        }
        let (format, entry, openings) = (PROOF_FORMAT.into(), to_base64(&record.bytes), record.openings);
        let bundle = ProofBundle { format, entry, openings, keys };
        let extra = serde_json::to_vec(&bundle).expect("internal error: a proof bundle does not make JSON");
        let note = Note::parse(self.checkpoint_bytes()).expect("internal error: the checkpoint was opened");
        let proof = TlogProof::new(extra, index, self.prove(index)?.0, note);
        proof.map_err(|error| ReaderError::Changed { what: error.to_string() })
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
    let proof = TlogProof::parse(proof)?;
    let bundle: ProofBundle =
        serde_json::from_slice(proof.extra()).map_err(|error| ProofCheckError::Extra(Some(error)))?;
    if bundle.format != PROOF_FORMAT {
        return Err(ProofCheckError::Extra(None));
    }
    let opened = proof.open(&trust.policy)?;
    let index = proof.index();
    let entry = included(&opened, index, &bundle.entry, proof.hashes().to_vec())?;
    let mut state = enrolled(&opened, index, &bundle.keys, &trust.roots)?;
    let signer = authorise_and_fold(&mut state, &entry).signer(&entry);
    let signer = signer.map_err(|why| ProofCheckError::Signer { index, why })?;

    let (registration, fit) = open_registration(&entry, &bundle.openings);
    fit.map_err(|why| ProofCheckError::Openings { index, why })?;
    let registration = registration.ok_or(ProofCheckError::NotARegistration { index })?;
    let (found, registered) = (Hash::of(document), entry.statement.subject[0].digest.sha256);
    let same_bytes = found == registered;
    if !same_bytes {
        let options = ReadOptions { file_name, ..ReadOptions::default() };
        let wording = read(document, &options)
            .ok()
            .filter(|article| !article.text.is_empty())
            .map(|article| article.digests.reflow);
        if wording != Some(registration.registration.fingerprints.reflow.sha256) {
            return Err(ProofCheckError::OtherDocument { index, found, registered });
        }
    }
    Ok(ProvenRecord { index, opened, registration, original: registered, same_bytes, signer })
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
    }
    if state.skip_to(record) {
        Ok(state)
    } else {
        Err(ProofCheckError::KeyStatement { index: record, record })
    }
}
