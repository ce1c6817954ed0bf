//! What an auditor remembers of a log: the last checkpoint he accepted, and how much of it he checked in full.
//!
//! A log that is honest only extends: a later checkpoint that does not contain the remembered one is evidence against
//! whoever signed both. The prefix that was checked need not be checked again as long as its bytes are the same, which
//! hashes tell.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::base::Hash;
use crate::note::{OpenError, OpenedCheckpoint, Policy, VerifierKey};

use super::Trust;

/// The value of `format`.
pub const MEMORY_FORMAT: &str = "dateline-memory/1";

/// What is remembered of one log. Kept as JSON; whoever can write it can make the auditor overlook things, so it must
/// lie where only he can.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Memory {
    /// Always [`MEMORY_FORMAT`].
    format: String,
    /// The last checkpoint that was accepted, as the signed note it was.
    checkpoint: String,
    /// What of it was checked in full and need only be compared.
    prefix: Option<Prefix>,
    /// Whether the next audit compares the hash tiles of that alone.
    #[serde(skip)]
    tiles_alone: bool,
}

/// Whole bundles whose every entry, opening and stored original was found to hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Prefix {
    /// Entries, a multiple of 256.
    pub(super) size: u64,
    /// Digest of the release that checked and of whom it trusted: another one may judge otherwise.
    pub(super) judge: Hash,
    /// Chain of the digests of the files of openings.
    pub(super) openings: Hash,
    /// Digest of the names of the stored originals; `None` where they could not be listed.
    pub(super) originals: Option<Hash>,
    /// Indices of the statements about keys: they are read again, as later entries depend on them.
    pub(super) keys: Vec<u64>,
}

/// What is only compared with what was remembered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Comparison<'m> {
    pub(super) prefix: &'m Prefix,
    /// Whether its hash tiles are all that is read of it, but for the statements about keys.
    pub(super) tiles_alone: bool,
}

/// Why a memory cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum MemoryError {
    /// Not the JSON that was written.
    #[error("it is not what a release of dateline wrote")]
    Malformed(#[from] serde_json::Error),
    /// Written by a release that this one does not know.
    #[error("its format is {0:?}; this release reads {MEMORY_FORMAT:?}")]
    Format(String),
}

impl Memory {
    /// Parses what [`Memory::format`] wrote.
    ///
    /// # Errors
    /// [`MemoryError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, MemoryError> {
        let memory: Memory = serde_json::from_slice(bytes)?;
        if memory.format != MEMORY_FORMAT {
            return Err(MemoryError::Format(memory.format));
        }
        Ok(memory)
    }

    /// Returns the bytes to be kept.
    pub fn format(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec(self).expect("internal error: a memory is plain data");
        bytes.push(b'\n');
        bytes
    }

    /// Returns the memory of a checkpoint that was accepted elsewhere, of which nothing was checked here. Whether
    /// witnesses cosigned it does not matter.
    ///
    /// # Errors
    /// [`OpenError`] if no log of the policy signed it.
    pub fn of_checkpoint(note: &[u8], policy: &Policy) -> Result<Self, OpenError> {
        match policy.open_checkpoint(note) {
            Ok(_) | Err(OpenError::QuorumNotReached(_)) => {}
            Err(error) => return Err(error),
        }
        let checkpoint = String::from_utf8_lossy(note).into_owned();
        Ok(Memory { format: MEMORY_FORMAT.into(), checkpoint, prefix: None, tiles_alone: false })
    }

    pub(super) fn new(note: &[u8], prefix: Option<Prefix>) -> Option<Self> {
        let checkpoint = String::from_utf8(note.to_vec()).ok()?;
        Some(Memory { format: MEMORY_FORMAT.into(), checkpoint, prefix, tiles_alone: false })
    }

    /// Returns the memory of this checkpoint, and of what was checked in full when `other` was made.
    pub(super) fn with_prefix_of(self, other: &Memory) -> Self {
        Memory { prefix: other.prefix.clone(), ..self }
    }

    /// Returns the memory of the checkpoint alone: everything is to be checked in full again.
    pub fn without_prefix(self) -> Self {
        Memory { prefix: None, ..self }
    }

    /// Returns the same for an audit that reads, of what was checked in full, the hash tiles alone and neither entries
    /// nor openings: it proves that their hashes are what they were, and not that they are still there.
    pub fn tiles_alone(self) -> Self {
        Memory { tiles_alone: true, ..self }
    }

    /// Returns whether it is of more entries than `other` is.
    pub fn is_later_than(&self, other: &Memory, log: &VerifierKey) -> bool {
        let size = |memory: &Memory| memory.open(log).map(|opened| opened.checkpoint().size());
        size(self) > size(other)
    }

    /// Returns the signed note of the remembered checkpoint.
    pub fn checkpoint(&self) -> &str {
        &self.checkpoint
    }

    /// Returns the log and the number of entries of the remembered checkpoint, if a log of the policy signed it.
    pub(super) fn subject(&self, policy: &Policy) -> Option<(VerifierKey, u64)> {
        let opened = open_by_a_log(policy, self.checkpoint.as_bytes())?;
        Some((opened.log().clone(), opened.checkpoint().size()))
    }

    /// Returns what need only be compared, if the same release audits again and trusts the same keys.
    pub(super) fn compared(&self) -> Option<Comparison<'_>> {
        self.prefix.as_ref().map(|prefix| Comparison { prefix, tiles_alone: self.tiles_alone })
    }

    /// Returns the remembered checkpoint, if `log` signed it. Nobody else's signature on it matters: whom else the policy
    /// names may have changed since.
    pub(super) fn open(&self, log: &VerifierKey) -> Option<OpenedCheckpoint> {
        open_signed(&Policy::of_log(log.clone()).ok()?, self.checkpoint.as_bytes())
    }

    /// Returns the prefix, if it was judged as `judge` would, and `size` entries hold it.
    pub(super) fn prefix(&self, judge: &Hash, size: u64) -> Option<Comparison<'_>> {
        let usable = |Comparison { prefix, .. }: &Comparison<'_>| {
            prefix.judge == *judge
                && prefix.size <= size
                && prefix.size > 0
                && prefix.size.is_multiple_of(256)
        };
        self.compared().filter(usable)
    }
}

/// Opens a checkpoint that a log of the policy signed, whoever cosigned it.
pub(super) fn open_signed(policy: &Policy, note: &[u8]) -> Option<OpenedCheckpoint> {
    policy.open_signed(note).ok()
}

/// Opens a checkpoint that a log of the policy signed, whatever else stands on it.
pub(super) fn open_by_a_log(policy: &Policy, note: &[u8]) -> Option<OpenedCheckpoint> {
    let alone = policy.logs().iter().filter_map(|log| Policy::of_log(log.key.clone()).ok());
    alone.into_iter().find_map(|policy| open_signed(&policy, note))
}

/// Returns the key of the log whose checkpoint `note` is, if a log of the policy signed it, whoever cosigned it: what a
/// memory is kept under.
pub fn log_of(note: &[u8], policy: &Policy) -> Option<VerifierKey> {
    open_signed(policy, note).map(|opened| opened.log().clone())
}

/// Raised with every change of what is checked: what an earlier build let pass is then checked again.
pub(super) const CHECKS: u32 = 1;

/// Returns the digest of the policy, and the ids of the root keys, ascending.
pub(super) fn policy_and_roots(trust: &Trust) -> (Hash, Vec<Hash>) {
    let mut roots: Vec<Hash> = trust.roots.iter().map(|root| root.key_id()).collect();
    roots.sort();
    (Hash::of(&trust.policy.format()), roots)
}

/// Returns the digest of everything but the log that a verdict depends on.
pub(super) fn judge(trust: &Trust) -> Hash {
    let (policy, roots) = policy_and_roots(trust);
    let roots: Vec<u8> = roots.iter().flat_map(|root| root.0).collect();
    let judge = format!("{} {CHECKS}\n", env!("CARGO_PKG_VERSION"));
    Hash::of_parts(&[judge.as_bytes(), &policy.0, &roots])
}

/// Adds the file of openings of the next bundle to the chain.
pub(super) fn chained(chain: &Hash, openings: &Hash) -> Hash {
    Hash::of_parts(&[&chain.0, &openings.0])
}

/// What a chain begins with.
pub(super) const CHAIN_START: Hash = Hash([0; 32]);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_nothing_else() {
        let keys = vec![0, 7];
        let hash = Hash::of(b"x");
        let prefix = Prefix { size: 256, judge: hash, openings: CHAIN_START, originals: Some(hash), keys };
        let memory = Memory::new(b"a\nb\n", Some(prefix)).unwrap();
        let bytes = memory.format();
        assert_eq!(Memory::parse(&bytes).unwrap(), memory);
        let other = String::from_utf8(bytes.clone()).unwrap().replace("memory/1", "memory/2");
        assert!(matches!(Memory::parse(other.as_bytes()), Err(MemoryError::Format(_))));
        for length in 0..bytes.len() - 1 {
            assert!(matches!(Memory::parse(&bytes[..length]), Err(MemoryError::Malformed(_))), "{length}");
        }
    }

    #[test]
    fn a_prefix_of_another_judge_or_of_odd_size_is_not_used() {
        let (judge, other) = (Hash::of(b"a"), Hash::of(b"b"));
        for (size, asked, of, usable) in [
            (256, judge, 256, true),
            (256, judge, 255, false),
            (256, other, 300, false),
            (255, judge, 300, false),
            (0, judge, 3, false),
        ] {
            let prefix = Prefix { size, judge, openings: judge, originals: Some(judge), keys: Vec::new() };
            let memory = Memory::new(b"", Some(prefix)).unwrap();
            assert_eq!(memory.prefix(&asked, of).is_some(), usable, "{size} {of}");
        }
    }
}
