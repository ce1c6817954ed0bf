//! Layer 1, pure: authenticated metadata. A statement (in-toto), in an envelope (DSSE), some of its words behind
//! commitments (SD-JWT disclosures, RFC 9901).
//!
//! Who may lie here: everyone. An envelope's `keyid` is a hint that nobody signed; the payload is true to the signer
//! only after [`Envelope::verify`]; an opening is worth nothing unless its digest stands in a verified payload.

pub mod disclosure;
pub mod dsse;
pub mod json;
pub mod statement;

pub use disclosure::{Disclosure, DisclosureError};
pub use dsse::{Envelope, EnvelopeError};
pub use statement::{DigestSet, Statement, StatementError, Subject};
