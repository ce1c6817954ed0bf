//! Layer 4: the reader and auditor. It trusts the policy and the root keys it is given, and nothing that lies in the
//! log's folder.
//!
//! [`audit()`] checks everything; [`audit_range`] checks a range of entries, and [`combine`] says of the parts what
//! [`audit()`] says of the whole; [`LogReader`] reads records for commands that show them, through authenticated
//! hashes; [`check_proof`] checks one document against a proof file, with no log at hand; a [`Lock`] pins what articles
//! rest on, and [`LogReader::gate`] checks that it still holds.
//!
//! Three values throughout: what is bad is *invalid*, what could not be checked is *unverifiable*, and only what was
//! checked and holds is *verified*. An opening that is missing, a stored original that is missing, a quorum not
//! reached: none of these is ever silently fine.
//!
//! Never imports `log`: what the two have in common is the pure layers, which have oracles of their own.

mod audit;
mod base;
mod batch;
mod checkpoint;
mod code;
mod combine;
mod entry;
mod evidence;
mod fetch;
mod found;
mod gate;
mod held;
mod key_statements;
mod lock;
mod memory;
mod missing;
mod original;
mod part;
mod pick;
mod pin;
mod proof;
mod provable;
mod prove;
mod range;
mod reader;
mod references;
mod remote;
mod report;
mod signer;
mod signer_keys;
mod signers;
mod single;
mod strays;
mod survey;
mod tree;
mod unseen;
mod waiting;
mod withhold;

use crate::base::PublicKey;
use crate::note::Policy;

pub use audit::{AuditError, Audited, audit, audit_since};
pub use base::{Base, audit_onto};
pub use combine::{CombineError, combine};
pub use evidence::{Contradiction, EVIDENCE_FORMAT, Evidence, EvidenceError, Shown};
pub use gate::{GateArticle, GateError, GateReport, GateRule, GatedArticle, Require};
pub use key_statements::KeyStatements;
pub use lock::{LOCK_FORMAT, Lock, LockError, LockPath, LockedArticle, LockedSource, Said, SourceRef};
pub use memory::{MEMORY_FORMAT, Memory, MemoryError, log_of};
pub use part::{PART_FORMAT, Part, PartError};
pub use pick::Picked;
pub use pin::{Given, PinError, PinRequest};
pub use proof::{
    KeyProof, PROOF_FORMAT, ProofBundle, ProofCheckError, ProvenRecord, Sameness, check_proof,
    check_proof_alone,
};
pub use provable::Provable;
pub use prove::{MadeProof, ProveError};
pub use range::{KnownKeys, Range, RangeError, audit_range};
pub use reader::{LogReader, ReaderError, Record, read_log, read_log_as, read_log_at_length};
pub use remote::{Belonging, Extent, never_changes};
pub use report::{Code, Counts, FINDINGS_MAX, Finding, Remembered, Report, Severity, Verdict};
pub use withhold::{ErasedBy, Withheld, WithholdError, withhold};

/// Whom a reader trusts: all that must come to him by another way than the log.
#[derive(Debug, Clone)]
pub struct Trust {
    /// The log's key, the witnesses, the quorum.
    pub policy: Policy,
    /// The keys that may enrol and revoke signers.
    pub roots: Vec<PublicKey>,
}
