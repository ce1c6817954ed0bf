//! Bytes of a document → its text and what the text says of its own origin.
//!
//! Pure: no I/O. Everything found carries [`Evidence`]: the rule that found it, how strong the rule is, and where
//! in the extracted text it stands. What is found is a *claim of the document*, never a verified fact; finding
//! nothing is a value too.
//!
//! Who may lie here: the bytes are a stranger's. Reading them takes bounded time and memory and never panics.

pub mod claim;

pub use claim::{
    Byline, BylineKind, BylineRole, ClaimedOrigin, Dateline, Evidence, Language, LanguageSource, OriginKind,
    OriginRole, Quotation, RuleEvidence, Scope, Selector, Strength, TextClaim,
};
