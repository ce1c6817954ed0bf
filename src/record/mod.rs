//! Layer 2, pure: from an article and an editor's decisions to a log entry, and back.
//!
//! A **record** is one log entry: the exact bytes of one DSSE envelope around one in-toto Statement v1. What the
//! statement says is its predicate, one kind a file: [`registration`], [`key_statement`], [`relation`], [`assessment`],
//! [`notice`], [`confirmation`], [`observation`], [`erasure`], [`sealed`]. Words that the log must be able to forget stand in it as commitments; their openings lie beside it
//! ([`disclosures`]). What holds now is computed by folding statements in log order: who may sign ([`state`]), and what
//! became of each registration ([`standing`]), and from that what rests on what ([`lineage`]); nothing is ever updated.
//!
//! Who may lie here: everyone but the signer of a checked envelope, and the signer only about what he claims.

pub mod about;
pub mod assessment;
pub mod confirmation;
pub mod consistency;
pub mod decisions;
pub mod disclosures;
pub mod draft;
pub mod entry;
pub mod erasure;
pub mod key_statement;
pub mod kind;
pub mod layout;
pub mod lineage;
pub mod notice;
pub mod observation;
pub mod pending;
pub mod prepared;
pub mod registration;
pub mod relation;
pub mod sealed;
pub mod standing;
pub mod state;

pub use about::{ClaimCounts, RecordRef};
pub use assessment::{Assessment, AssessmentState};
pub use confirmation::{ClaimVerdict, Confirmation};
pub use decisions::{Decisions, SealField};
pub use disclosures::{DisclosureFile, DisclosureFileError};
pub use draft::{Draft, NewEntry, SealedEntry};
pub use entry::{Body, Entry, EntryError};
pub use erasure::{Erasure, ErasureReason};
pub use key_statement::{KeyAction, KeyStatement, Role};
pub use kind::Kind;
pub use lineage::Lineage;
pub use notice::{Notice, NoticeKind};
pub use observation::{Observation, Observed};
pub use pending::{Pending, PendingError};
pub use prepared::{Prepared, PreparedError};
pub use registration::Registration;
pub use relation::{Relation, RelationKind, Target};
pub use sealed::{Sealed, SealedDocument};
pub use standing::{Standing, Standings};
pub use state::{KeyState, State, StateError};
