//! Layer 0: what every other module stands on. Hashes, Ed25519, encodings, time, limits, network addresses.
//!
//! Nothing here imports another module of the crate, does I/O, reads a clock or draws randomness.

pub mod address;
pub mod ed25519;
pub mod encoding;
pub mod hash;
pub mod limits;
pub(crate) mod parallel;
pub mod time;

pub use ed25519::{PublicKey, Signature, SigningKey};
pub use hash::Hash;
pub use time::Timestamp;
