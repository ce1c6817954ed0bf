//! dateline is a register of where documents come from: each article is recorded with the origin that it *claims*,
//! its byline and its digests, in a signed, append-only Merkle log that anyone can verify offline.
//!
//! # Bird's eye
//!
//! ```text
//! bytes ─ article ─► Article ─ an editor confirms or overrides ─►
//! record ─► Statement ─ attest, the editor's key ─► Envelope = log entry ─ log ─► tiles, checkpoint
//!                                                                └► .tlog-proof ─ verify ─► verdict
//! ```
//!
//! Three sentences decide every doubt. *Claimed is not verified*: claim, confirmation and assessment are different
//! signed statements. *Nothing invented*: formats are published ones (C2SP tlog-tiles, DSSE, in-toto, SD-JWT, W3C
//! selectors), so that tools nobody here wrote can check a record. *Three answers, not two*: a check says verified,
//! invalid or could not check, and absence is never the first.
//!
//! # Where do I look for …
//!
//! | layer | module | what | may import |
//! |---|---|---|---|
//! | 0 | [`base`] | hashes, Ed25519, encodings, time, network addresses, limits | nothing of the crate |
//! | 1 | [`tlog`] | RFC 6962 tree, proofs, tiles, entry bundles | `base` |
//! | 1 | [`note`] | signed notes, keys, checkpoints, cosignatures, policy, the `.tlog-proof` file | `base`, `tlog` |
//! | 1 | [`attest`] | DSSE envelopes, in-toto statements, SD-JWT disclosures | `base` |
//! | 1 | [`article`] | bytes of a document → text and what it claims, with evidence | `base` |
//! | 1 | [`likeness`] | two texts: the same wording, other figures, similar, a passage; keys to find candidates by | `base`, `article` |
//! | 2 | [`record`] | article and decisions → statement → entry, and back; the fold from log order to state | 0, 1 |
//! | 3 | [`storage`] | bytes by key: files; for reading also archives and web servers; memory for tests | `base` |
//! | 3 | [`sandbox`] | readers of strangers' bytes in child processes | `base`, `article` |
//! | 3 | [`capture`] | pages over HTTP(S), within limits | `base` |
//! | 3 | [`keys`] | OpenSSH private keys, from files or ssh-agent | `base`, `note` |
//! | 4 | [`log`] | the writer | 0–3 |
//! | 4 | [`verify`] | the reader and auditor | 0–2, `storage` |
//! | 5 | [`index`] | the search index: derived, disposable, never the truth | 0–2, `storage`, `verify` |
//! | 5 | [`export`] | records in other tools' formats | 0–2 |
//! | 5 | `view` | how documents, records and what became of them are shown, to people and programs | 0–2, `verify` |
//! | 5 | `look` | what the log has of a document or a record, and how that is told | 0–2, `storage`, `verify`, `index`, `view` |
//! | 6 | `server` | the log over HTTP, pages for people, and records in | 0–5 |
//! | 6 | `cli` | the command line | all |
//!
//! The feature `program`, on by default, brings `view`, `look`, `server` and `cli`; `bucket`, which comes with it, logs in
//! object stores. Without both there is the library that makes, reads and checks logs, and needs 264 other crates instead of 365.
//!
//! # Invariants
//!
//! Most are absences. A test, `tests/tidy.rs`, holds the code to the first four.
//!
//! - Layers 0 to 2 do no I/O, read no clock and draw no randomness: time and randomness come in as arguments.
//! - [`verify`] and [`log`] never import each other: a bug that they shared would hide itself.
//! - Only `base::ed25519` calls the signature library, and accepts what its strict rule accepts, nothing else: also where
//!   it checks many signatures of one key from tables of its own.
//! - No source file passes 600 lines, and none holds unfinished work.
//! - Published files never change: a second write with other bytes is an error. Mutable are the checkpoint and the
//!   files of openings, which must be able to forget.
//! - What is read is not trusted: tiles are authenticated against the checkpoint before a hash of them is used, and
//!   `list`, `show` and `check` read through the same door.
//! - The search index is never the truth: it gives numbers of records, and what is printed of them is read from the log.
//! - Validity of a key is judged by log index, never by a clock.
//! - Nothing is written twice to become true: a commit is one staged bundle, then one replaced checkpoint, then the
//!   recovery path.
//!
//! # Life of a record
//!
//! `cli` reads the bytes. [`article::read`] decodes them, finds claims, and digests the layers of the text.
//! [`record::Draft`] makes an in-toto statement in which names, quotations and notes are commitments; a key signs its
//! DSSE encoding; the envelope's exact bytes are the entry. [`log::Log::append`] stages entry bundles, hash tiles,
//! openings, original and the newly signed checkpoint in one synced object, moves the committed checkpoint by
//! compare-and-swap, applies the staged bundle as recovery would, publishes, and removes the partial tiles that no
//! checkpoint needs any more. [`verify::audit()`] reads it all back and believes none of it.
//!
//! # Errors
//!
//! One enum a module, each variant naming its subject and both sides; an I/O error never travels without its file.
//! Checking has three outcomes and appending has four (committed, not appended, unpublished, unknown), and they are
//! types. `assert!` is for our own mistakes, `Result` for everything from outside. Only `cli` turns errors into
//! words for people, exit codes and hints, in one file.
//!
//! # House style
//!
//! Messages are lower case without a final full stop: the thing, the cause, then what to do. Names are the
//! specifications' nouns. Comments say why. A change is code, test and documentation together; no test is loosened
//! to pass.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod article;
pub mod attest;
pub mod base;
pub mod capture;
#[cfg(feature = "program")]
pub mod cli;
pub mod export;
pub mod index;
pub mod keys;
pub mod likeness;
pub mod log;
#[cfg(feature = "program")]
mod look;
pub mod note;
pub mod record;
pub mod sandbox;
#[cfg(feature = "program")]
pub mod server;
pub mod storage;
pub mod tlog;
pub mod verify;
#[cfg(feature = "program")]
mod view;
