//! Making proof files, and anchoring old ones to a newer checkpoint.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use serde_json::Value;
use thiserror::Error;

use crate::attest::disclosure::commitment_at;
use crate::base::Hash;
use crate::base::encoding::to_base64;
use crate::note::{Checkpoint, Note, NoteError, OpenError, OpenedCheckpoint, TlogProof, TlogProofError};
use crate::record::{Body, State};
use crate::tlog::proof::root_of_prefix;
use crate::tlog::{InclusionProof, leaf_hash};

use super::evidence::{Contradiction, Evidence};
use super::key_statements::{KeyStatements, OfKey};
use super::memory::{Memory, Prefix, judge, open_signed};
use super::proof::{KeyProof, PROOF_FORMAT, ProofBundle, ProofCheckError, check_bundle};
use super::provable::Provable;
use super::reader::{LogReader, ReaderError, Record};
use super::signer::Authorised;
use super::withhold::{ErasedBy, Withheld, WithholdError};

/// Why there is no proof file.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ProveError {
    /// The log cannot be read.
    #[error(transparent)]
    Reader(#[from] ReaderError),
    /// The record is not one that can be relied on.
    #[error("record {index} does not hold: {why}")]
    NotHeld {
        /// Its index.
        index: u64,
        /// Why.
        why: String,
    },
    /// A field cannot be left out.
    #[error(transparent)]
    Withhold(#[from] WithholdError),
    /// The old proof does not hold.
    #[error("the old proof does not hold")]
    Old(#[from] ProofCheckError),
    /// The old proof's checkpoint is signed by no log of the policy.
    #[error("the old proof's checkpoint is not signed by a log of the policy")]
    OldNotSigned,
    /// The checkpoint asked for is none.
    #[error("the checkpoint named is not a signed note")]
    Note(#[from] NoteError),
    /// The checkpoint asked for does not hold.
    #[error("the checkpoint named does not hold under the policy")]
    Checkpoint(#[from] OpenError),
    /// It is of another log than the one at hand.
    #[error("{what} is of the log {found}; the log at hand is {expected}")]
    OtherLog {
        /// What is.
        what: &'static str,
        /// The log at hand.
        expected: String,
        /// The other one.
        found: String,
    },
    /// It has entries that are not at hand.
    #[error("the checkpoint named has {found} entries; the log at hand has {size}")]
    Ahead {
        /// Entries at hand.
        size: u64,
        /// Entries of the checkpoint.
        found: u64,
    },
    /// The checkpoint does not cover what is to be proven.
    #[error("the checkpoint of {size} entries is older than what is to be proven: {needed} entries")]
    TooOld {
        /// Entries of the checkpoint.
        size: u64,
        /// Entries that it must have.
        needed: u64,
    },
    /// The log at hand does not continue what was signed before.
    #[error("the log at hand does not continue {what}: {}", .contradiction.describe())]
    Contradicts {
        /// What was signed before.
        what: &'static str,
        /// How.
        contradiction: Contradiction,
    },
    /// The file would be too large.
    #[error("the proof is too large for a file")]
    File(#[from] TlogProofError),
}

/// A proof file, and what it was made against.
#[derive(Debug, Clone)]
pub struct MadeProof {
    /// The file.
    pub file: TlogProof,
    /// The checkpoint in it.
    pub checkpoint: Checkpoint,
    /// What was left out of it.
    pub withheld: Vec<Withheld>,
}

/// A checkpoint of the log at hand, which proofs are made against.
struct Anchor {
    note: Note,
    checkpoint: Checkpoint,
}

impl LogReader<'_> {
    /// Makes the proof file of a record: with its openings but for those of the fields to `withhold`, and with the
    /// statements that enrolled its signer. Against the log's own checkpoint, or an older one with other cosignatures.
    ///
    /// # Errors
    /// [`ProveError`].
    pub fn proof_file(
        &self,
        index: u64,
        withheld: &[String],
        checkpoint: Option<&[u8]>,
    ) -> Result<MadeProof, ProveError> {
        self.proof_file_since(index, withheld, checkpoint, None)
    }

    /// As [`LogReader::proof_file`], without a pass over the entries that `memory` knows: it names the statements about keys
    /// among them, and these and the record are read through authenticated hashes. A memory of another log, or of one that
    /// this one does not continue, changes nothing.
    ///
    /// # Errors
    /// As [`LogReader::proof_file`].
    pub fn proof_file_since(
        &self,
        index: u64,
        withheld: &[String],
        checkpoint: Option<&[u8]>,
        memory: Option<&Memory>,
    ) -> Result<MadeProof, ProveError> {
        let anchor = self.anchor(checkpoint)?;
        let (record, statements) = match memory.and_then(|memory| self.known(memory)) {
            Some(prefix) if index < self.size() => self.find_since(index, prefix.size, &prefix.keys)?,
            _ => self.find(index)?,
        };
        self.proof_of_record(index, record, statements, withheld, anchor)
    }

    /// As [`LogReader::proof_file`], where `known` tells which statements about keys stand before it: neither these nor the log is
    /// read for them.
    ///
    /// # Errors
    /// As [`LogReader::proof_file`].
    pub fn proof_file_knowing(
        &self,
        index: u64,
        withheld: &[String],
        known: &KeyStatements,
    ) -> Result<MadeProof, ProveError> {
        if index >= self.size() {
            return Err(self.no_record(index).into());
        }
        let (bytes, openings) = self.entry_with_openings(index)?;
        let provable = Provable::of_bytes(bytes, &openings, withheld);
        let provable = provable.map_err(|source| ReaderError::NotARecord { index, source })?;
        self.proof_knowing(index, &provable, withheld, known)
    }

    /// As [`LogReader::proof_file_knowing`], of an entry that is at hand: of one that was just appended. That it is the one at `index`
    /// is checked.
    ///
    /// # Errors
    /// As [`LogReader::proof_file`].
    pub fn proof_file_with(
        &self,
        index: u64,
        provable: &Provable,
        known: &KeyStatements,
    ) -> Result<MadeProof, ProveError> {
        self.proof_knowing(index, provable, &[], known)
    }

    fn proof_knowing(
        &self,
        index: u64,
        provable: &Provable,
        withheld: &[String],
        known: &KeyStatements,
    ) -> Result<MadeProof, ProveError> {
        let anchor = self.anchor(None)?;
        // Whether a statement about keys stands is told by all before it, one after the other; and the keys of one that was not
        // read yet are not known.
        if matches!(provable.entry.body, Body::Key(_)) || known.size() < index {
            let (record, statements) = self.find_since(index, known.size(), &known.indices)?;
            return self.proof_of_record(index, record, statements, withheld, anchor);
        }
        let signer = Authorised::at(&known.state, index, &provable.entry).signer(&provable.entry);
        let statements = known.standing.iter().take_while(|one| one.index < index).cloned().collect();
        self.proof_of(index, provable, signer, statements, anchor)
    }

    fn proof_of_record(
        &self,
        index: u64,
        record: Record,
        statements: Vec<Arc<OfKey>>,
        withheld: &[String],
        anchor: Anchor,
    ) -> Result<MadeProof, ProveError> {
        let signer = record.signer.clone();
        self.proof_of(index, &Provable::of_record(record, withheld), signer, statements, anchor)
    }

    fn proof_of(
        &self,
        index: u64,
        provable: &Provable,
        signer: Result<Hash, String>,
        statements: Vec<Arc<OfKey>>,
        anchor: Anchor,
    ) -> Result<MadeProof, ProveError> {
        let Provable { bytes, entry, holds, predicate, opened, closed } = provable;
        if let Err(why) = signer.and(holds.clone()) {
            return Err(ProveError::NotHeld { index, why });
        }
        // The keys that the proof must account for: the signer's, those it replaced, and, of a statement about a key, that
        // key's.
        let mut wanted = BTreeSet::from([entry.envelope.key_id()]);
        if let Body::Key(statement) = &entry.body {
            wanted.insert(entry.statement.subject[0].digest.sha256);
            wanted.extend(statement.replaces);
        }
        // A key is enrolled once, after those that it replaces: from the last to the first, one pass finds all.
        for statement in statements.iter().rev() {
            if wanted.contains(&statement.key) {
                wanted.extend(statement.replaces);
            }
        }
        let all = statements.iter().any(|one| one.of_roots);
        let needed: Vec<_> = statements.iter().filter(|one| all || wanted.contains(&one.key)).collect();
        let indices: Vec<u64> = needed.iter().map(|one| one.index).chain([index]).collect();
        let mut proofs = self.prove_in(&indices, anchor.checkpoint.size())?;
        let (leaf, proof) =
            proofs.pop().expect("internal error: not every entry that was asked for has a proof");
        if leaf != leaf_hash(bytes) {
            return Err(ReaderError::Changed { what: format!("entry {index}") }.into());
        }
        let with_proofs = needed.into_iter().zip(proofs);
        let keys = with_proofs.map(|(one, (_, proof))| KeyProof {
            index: one.index,
            entry: to_base64(&one.bytes),
            proof: proof.0.iter().map(Hash::to_base64).collect(),
        });
        let keys = keys.collect();
        let (openings, mut withheld) = opened.clone()?;
        withheld.extend(self.erased_of(index, closed, predicate)?);
        let (format, entry) = (PROOF_FORMAT.into(), to_base64(bytes));
        self.file(index, ProofBundle { format, entry, openings, withheld, keys }, proof, anchor)
    }

    /// Returns what of the record at `index` is `closed` because its opening was erased. Costs a pass over the log where anything is.
    fn erased_of(
        &self,
        index: u64,
        closed: &[String],
        predicate: &Value,
    ) -> Result<Vec<Withheld>, ReaderError> {
        if closed.is_empty() {
            return Ok(Vec::new());
        }
        let standings = self.standings(|_| {})?;
        let erased = |commitment: &String| {
            let by = standings.erasure_of(index, commitment_at(predicate, commitment)?)?;
            let erased = Some(ErasedBy { entry: by.by, reason: by.reason.clone() });
            Some(Withheld { field: commitment.clone(), commitment: commitment.clone(), erased })
        };
        Ok(closed.iter().filter_map(erased).collect())
    }

    /// Reads the whole log for a record, and the statements about keys before it that stand.
    fn find(&self, index: u64) -> Result<(Record, Vec<Arc<OfKey>>), ReaderError> {
        let (mut record, mut statements) = (None, Vec::new());
        self.scan(|read| {
            if read.index == index {
                record = Some(read);
                return ControlFlow::Break(());
            }
            if read.signer.is_ok() {
                let of_key = OfKey::of(read.index, &read.entry, read.bytes, self.trust);
                statements.extend(of_key.map(Arc::new));
            }
            ControlFlow::Continue(())
        })?;
        Ok((record.ok_or_else(|| self.no_record(index))?, statements))
    }

    /// The same, where of the first `size` entries those with `keys` are known to be statements about keys.
    fn find_since(
        &self,
        index: u64,
        size: u64,
        keys: &[u64],
    ) -> Result<(Record, Vec<Arc<OfKey>>), ReaderError> {
        let mut entries = self.entries()?;
        let mut state = State::new(self.trust.roots.iter().copied());
        let mut statements = Vec::new();
        let later = size.min(index)..index;
        for before in keys.iter().copied().filter(|before| *before < index).chain(later) {
            state.skip_to(before);
            let found = entries.key_statement(before, &mut state)?.filter(|(.., stands)| *stands);
            let of_key = found.and_then(|(entry, bytes, _)| OfKey::of(before, &entry, bytes, self.trust));
            statements.extend(of_key.map(Arc::new));
        }
        state.skip_to(index);
        Ok((entries.record(index, &mut state)?, statements))
    }

    /// Returns what the memory says was checked in full, if the log at hand continues it.
    fn known<'m>(&self, memory: &'m Memory) -> Option<&'m Prefix> {
        let old = memory.open(self.opened.log())?;
        let size = old.checkpoint().size();
        let known = memory.prefix(&judge(self.trust), size.min(self.size()))?;
        self.must_continue("the remembered checkpoint", &old).ok()?;
        Some(known.prefix)
    }

    /// Anchors the proof file `old` to the log's own checkpoint, or another newer one. Openings that it has are kept, and
    /// none are added.
    ///
    /// # Errors
    /// [`ProveError`]: [`ProveError::Old`] if it does not hold, [`ProveError::Contradicts`] if the log does not begin with
    /// the entries that it was made against.
    pub fn upgrade_proof(&self, old: &[u8], checkpoint: Option<&[u8]>) -> Result<MadeProof, ProveError> {
        let old = TlogProof::parse(old).map_err(ProofCheckError::from)?;
        // Whether witnesses cosigned the old checkpoint does not matter: the new one is what will be relied on.
        let signed = open_signed(&self.trust.policy, old.checkpoint().format().as_bytes());
        let signed = signed.ok_or(ProveError::OldNotSigned)?;
        self.must_be_of_this_log("the old proof", &signed)?;
        let mut bundle = ProofBundle::of(&old)?;
        check_bundle(&old, bundle.clone(), signed.clone(), &self.trust.roots)?;
        let anchor = self.anchor(checkpoint)?;
        self.must_continue("the checkpoint of the old proof", &signed)?;
        let needed = signed.checkpoint().size();
        if anchor.checkpoint.size() < needed {
            return Err(ProveError::TooOld { size: anchor.checkpoint.size(), needed });
        }
        let indices: Vec<u64> = bundle.keys.iter().map(|key| key.index).chain([old.index()]).collect();
        let mut proofs = self.prove_in(&indices, anchor.checkpoint.size())?;
        let (_, proof) =
            proofs.pop().expect("internal error: not every entry that was asked for has a proof");
        for (key, (_, proof)) in bundle.keys.iter_mut().zip(proofs) {
            key.proof = proof.0.iter().map(Hash::to_base64).collect();
        }
        self.file(old.index(), bundle, proof, anchor)
    }

    fn file(
        &self,
        index: u64,
        bundle: ProofBundle,
        proof: InclusionProof,
        anchor: Anchor,
    ) -> Result<MadeProof, ProveError> {
        let extra = serde_json::to_vec(&bundle).expect("internal error: a proof bundle does not make JSON");
        let Anchor { note, checkpoint } = anchor;
        let file = TlogProof::new(extra, index, proof.0, note)?;
        Ok(MadeProof { file, checkpoint, withheld: bundle.withheld })
    }

    /// Takes the log's own checkpoint, or the one named, once it is known to be one of the log.
    fn anchor(&self, checkpoint: Option<&[u8]>) -> Result<Anchor, ProveError> {
        let note = Note::parse(checkpoint.unwrap_or(self.checkpoint_bytes()))?;
        if checkpoint.is_none() {
            return Ok(Anchor { note, checkpoint: self.checkpoint().clone() });
        }
        let opened = self.trust.policy.open_note(&note)?;
        self.must_be_of_this_log("the checkpoint named", &opened)?;
        let found = opened.checkpoint().size();
        if found > self.size() {
            return Err(ProveError::Ahead { size: self.size(), found });
        }
        self.must_continue("the checkpoint named", &opened)?;
        Ok(Anchor { note, checkpoint: opened.checkpoint().clone() })
    }

    fn must_be_of_this_log(&self, what: &'static str, other: &OpenedCheckpoint) -> Result<(), ProveError> {
        if other.log() == self.opened.log() {
            return Ok(());
        }
        let (expected, found) = (self.opened.log().to_string(), other.log().to_string());
        Err(ProveError::OtherLog { what, expected, found })
    }

    fn must_continue(&self, what: &'static str, old: &OpenedCheckpoint) -> Result<(), ProveError> {
        let size = old.checkpoint().size();
        let prefix = match size < self.size() {
            true => Some(self.with_tiles(|tiles| root_of_prefix(size, tiles))?),
            false => None,
        };
        match Evidence::contradiction(old, &self.opened, prefix.as_ref()) {
            Some(contradiction) => Err(ProveError::Contradicts { what, contradiction }),
            None => Ok(()),
        }
    }

    /// Proves that the entries at `indices` are among the first `size`, which the log at hand has; returns their leaf hashes too.
    fn prove_in(&self, indices: &[u64], size: u64) -> Result<Vec<(Hash, InclusionProof)>, ProveError> {
        if let Some(index) = indices.iter().max().filter(|index| **index >= size) {
            return Err(ProveError::TooOld { size, needed: index + 1 });
        }
        Ok(self.with_tiles(|tiles| {
            let prove = |index: &u64| Ok((tiles.leaf(*index)?, InclusionProof::prove(*index, size, tiles)?));
            indices.iter().map(prove).collect()
        })?)
    }
}
