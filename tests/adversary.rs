//! What is defended: every attack on a log, on what is remembered of it, on a proof and on a policy that this suite knows,
//! with the code that it gets, the record or file that is named, and what is still said of the rest.
//!
//! Each module is a table. An *outsider* changes files and holds no key; an *operator* holds the log's key and signs what
//! he likes; a *signer* was enrolled. An attack that changes nothing that anyone relies on is in the tables too, and is
//! said to be harmless.

#![allow(clippy::unwrap_used)]

mod support;

#[path = "adversary/attack.rs"]
mod attack;
#[path = "adversary/entries.rs"]
mod entries;
#[path = "adversary/files.rs"]
mod files;
#[path = "adversary/pending.rs"]
mod pending;
