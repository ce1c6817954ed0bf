//! dateline.
#![cfg_attr(test, allow(clippy::unwrap_used))]
pub mod article;
pub mod attest;
pub mod base;
pub mod keys;
pub mod note;
pub mod storage;
pub mod tlog;
