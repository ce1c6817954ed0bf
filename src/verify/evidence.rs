//! Evidence against a log that does not only extend: both checkpoints, signed by its own key, in one file.
//!
//! ```json
//! {"format":"dateline-evidence/1","code":"prefixRewritten","accepted":"<signed note>","found":"<signed note>",
//!  "prefixRoot":"<hex>","consistency":["<hex>","…"]}
//! ```
//!
//! Two checkpoints of one size and different roots convict by themselves. Where the later one is of a larger tree, a
//! consistency proof (RFC 6962, 2.1.2) shows which root its first entries really have. A smaller checkpoint shown after
//! a larger one convicts nobody: a copy that is out of date looks the same.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::base::Hash;
use crate::note::{OpenedCheckpoint, Policy};
use crate::tlog::{ConsistencyProof, ProofError};

use super::memory::open_by_a_log;
use super::report::Code;

/// The value of `format`.
pub const EVIDENCE_FORMAT: &str = "dateline-evidence/1";

/// Two checkpoints of one log that contradict each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Evidence {
    /// Always [`EVIDENCE_FORMAT`].
    format: String,
    /// How they do.
    code: Contradiction,
    /// The signed note that was accepted before.
    accepted: String,
    /// The signed note that was found later.
    found: String,
    /// For [`Contradiction::PrefixRewritten`]: the root that the first entries of the found log have, as many as were
    /// accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    prefix_root: Option<Hash>,
    /// For [`Contradiction::PrefixRewritten`]: that they do.
    #[serde(skip_serializing_if = "Option::is_none")]
    consistency: Option<Vec<Hash>>,
}

/// How a log contradicts itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Contradiction {
    /// Fewer entries than before.
    RolledBack,
    /// As many entries, and others.
    Forked,
    /// More entries, but the first of them are others.
    PrefixRewritten,
}

impl Contradiction {
    /// Returns the code of the finding.
    pub fn code(self) -> Code {
        match self {
            Contradiction::RolledBack => Code::RolledBack,
            Contradiction::Forked => Code::Forked,
            Contradiction::PrefixRewritten => Code::PrefixRewritten,
        }
    }
}

impl Contradiction {
    /// Returns it in words.
    pub fn describe(self) -> &'static str {
        match self {
            Contradiction::RolledBack => "it has fewer entries",
            Contradiction::Forked => "it has as many entries, and others",
            Contradiction::PrefixRewritten => "its first entries are others",
        }
    }
}

/// What evidence establishes.
#[derive(Debug, Clone)]
pub struct Shown {
    /// How the log contradicts itself.
    pub contradiction: Contradiction,
    /// The checkpoint that was accepted before.
    pub accepted: OpenedCheckpoint,
    /// The one that was found later.
    pub found: OpenedCheckpoint,
}

/// Why evidence shows nothing.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EvidenceError {
    /// Not a file of evidence.
    #[error("it is not a file of evidence")]
    Malformed(#[from] serde_json::Error),
    /// Written by a release that this one does not know.
    #[error("its format is {0:?}; this release reads {EVIDENCE_FORMAT:?}")]
    Format(String),
    /// One of the two is not signed by a log of the policy.
    #[error("the checkpoint {which} is not signed by a log of the policy")]
    NotSigned {
        /// `accepted` or `found`.
        which: &'static str,
    },
    /// They are of two logs.
    #[error("the two checkpoints are signed by two different logs")]
    TwoLogs,
    /// They do not contradict each other as is said.
    #[error("the two checkpoints do not contradict each other as it says")]
    NoContradiction,
    /// The consistency proof does not hold.
    #[error("its consistency proof does not hold")]
    Proof(#[from] ProofError),
}

impl Evidence {
    /// Returns how two checkpoints of one log contradict each other. `prefix` is the root that the found log's first
    /// entries have, as many as were accepted, where it has as many.
    pub(super) fn contradiction(
        accepted: &OpenedCheckpoint,
        found: &OpenedCheckpoint,
        prefix: Option<&Hash>,
    ) -> Option<Contradiction> {
        let (old, new) = (accepted.checkpoint(), found.checkpoint());
        match old.size().cmp(&new.size()) {
            std::cmp::Ordering::Greater => Some(Contradiction::RolledBack),
            std::cmp::Ordering::Equal => {
                (old.root_hash() != new.root_hash()).then_some(Contradiction::Forked)
            }
            std::cmp::Ordering::Less => {
                prefix.is_some_and(|root| *root != old.root_hash()).then_some(Contradiction::PrefixRewritten)
            }
        }
    }

    pub(super) fn new(
        code: Contradiction,
        accepted: &str,
        found: &str,
        prefix: Option<(Hash, ConsistencyProof)>,
    ) -> Self {
        let (prefix_root, consistency) = prefix.map(|(root, proof)| (root, proof.0)).unzip();
        let (accepted, found) = (accepted.to_owned(), found.to_owned());
        Evidence { format: EVIDENCE_FORMAT.into(), code, accepted, found, prefix_root, consistency }
    }

    /// Parses what [`Evidence::format`] wrote.
    ///
    /// # Errors
    /// [`EvidenceError::Malformed`], [`EvidenceError::Format`].
    pub fn parse(bytes: &[u8]) -> Result<Self, EvidenceError> {
        let evidence: Evidence = serde_json::from_slice(bytes)?;
        if evidence.format != EVIDENCE_FORMAT {
            return Err(EvidenceError::Format(evidence.format));
        }
        Ok(evidence)
    }

    /// Returns the bytes of the file. The same evidence gives the same bytes.
    pub fn format(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(self).expect("internal error: evidence is plain data");
        bytes.push(b'\n');
        bytes
    }

    /// Checks it with nothing but the log's key, which `policy` names. Whether witnesses cosigned does not matter: the
    /// log's own signatures contradict each other.
    ///
    /// # Errors
    /// [`EvidenceError`] if it shows nothing.
    pub fn check(&self, policy: &Policy) -> Result<Shown, EvidenceError> {
        let open = |note: &str, which| {
            open_by_a_log(policy, note.as_bytes()).ok_or(EvidenceError::NotSigned { which })
        };
        let (accepted, found) = (open(&self.accepted, "accepted")?, open(&self.found, "found")?);
        if accepted.log() != found.log() {
            return Err(EvidenceError::TwoLogs);
        }
        let contradiction = Evidence::contradiction(&accepted, &found, self.prefix_root.as_ref());
        if contradiction != Some(self.code) {
            return Err(EvidenceError::NoContradiction);
        }
        match (self.code, self.prefix_root, self.consistency.clone()) {
            (Contradiction::PrefixRewritten, Some(root), Some(hashes)) => {
                let (old, new) = (accepted.checkpoint().size(), found.checkpoint());
                ConsistencyProof(hashes).verify(old, &root, new.size(), &new.root_hash())?;
            }
            (Contradiction::Forked | Contradiction::RolledBack, None, None) => {}
            // Words beside the evidence, which nothing shows, are no evidence.
            _ => return Err(EvidenceError::NoContradiction),
        }
        Ok(Shown { contradiction: self.code, accepted, found })
    }
}
