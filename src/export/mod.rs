//! Layer 5: records in other tools' formats. Pure: bytes in, bytes out.

pub mod citation;
pub mod sigstore_bundle;

pub use citation::Citation;
