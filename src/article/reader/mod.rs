//! One module a format: bytes → [`Extract`](super::extract::Extract).
//!
//! Who may lie here: everybody. Each reader is bounded by [`crate::base::limits`] in time and memory and answers what is
//! damaged with a [`ReadError`](super::ReadError).

pub(super) mod docx;
pub(super) mod epub;
pub(super) mod feed_entry;
pub(super) mod html;
pub(super) mod mail;
pub(super) mod markdown;
pub(super) mod newsml;
pub(super) mod ninjs;
pub(super) mod odt;
mod office;
pub(super) mod package;
pub(super) mod pdf;
pub(super) mod rtf;
pub(super) mod xml;
