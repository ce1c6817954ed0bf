//! A part of an audit, in a file: what the entries of a range say by themselves, and what whoever combines the parts needs
//! to know of them.
//!
//! ```json
//! {"format":"dateline-part/1","log":{"origin":"…","size":9000000,"rootHash":"<hex>"},
//!  "judge":{"version":"0.1.0","checks":1,"policy":"<sha256>","roots":["<key id>"]},"lists":true,
//!  "start":256000,"end":512000,"trees":{…},"counts":{…},"found":{…},"segments":[…],…}
//! ```
//!
//! What depends on the entries before the range is left open. Who may sign changes only with a statement about keys: between
//! two of them a segment says by whom how many entries were signed, and whether the signatures hold under the keys whose ids
//! they name. Statements about keys, and erasures, are in it whole, for whoever has folded all that comes before.
//!
//! A part is believed: whoever makes one can say of his range what he likes, and only that it leads to the log's root is
//! checked again. It is read strictly all the same: one spelling, nothing unknown, and every number within its range.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::base::encoding::{from_base64, to_base64};
use crate::base::{Hash, PublicKey};
use crate::record::{Body, Entry, Kind};

use super::Trust;
use super::found::{Found, written};
use super::memory::{CHECKS, policy_and_roots};
use super::missing::Missing;
use super::report::{Counts, FINDINGS_MAX, Finding};
use super::tree::RangeTrees;

/// The value of `format`.
pub const PART_FORMAT: &str = "dateline-part/1";

/// What an audit of a range of entries leaves to whoever combines it with the others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Part {
    /// Always [`PART_FORMAT`].
    pub(super) format: String,
    pub(super) log: PartLog,
    pub(super) judge: PartJudge,
    /// Whether the files of the log could be listed.
    pub(super) lists: bool,
    /// The first entry, and the index after the last.
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) trees: RangeTrees,
    pub(super) counts: Counts,
    pub(super) found: Found,
    /// Bundles that the range begins, and ends, with and of which nothing is there.
    pub(super) lost_first: u64,
    pub(super) lost_last: u64,
    /// The first entry that could not be read.
    pub(super) unread: Option<u64>,
    pub(super) segments: Vec<Segment>,
    pub(super) missing: Vec<Missing>,
    /// Whether more is missing than is kept.
    pub(super) missing_full: bool,
    /// The stored originals that entries register.
    pub(super) originals: Vec<Hash>,
    /// Bundles before the range that entries point to and that could not be shown to belong to the log, with the root over
    /// their entries.
    pub(super) doubtful: BTreeMap<u64, Option<Hash>>,
}

/// The log that a part is of, as its checkpoint says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct PartLog {
    pub(super) origin: String,
    pub(super) size: u64,
    pub(super) root_hash: Hash,
}

/// What judged, and whom it trusted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct PartJudge {
    pub(super) version: String,
    pub(super) checks: u32,
    /// SHA-256 of the policy.
    pub(super) policy: Hash,
    /// The ids of the root keys, ascending.
    pub(super) roots: Vec<Hash>,
}

impl PartJudge {
    /// This release, trusting `trust`.
    pub(super) fn of(trust: &Trust) -> Self {
        let (policy, roots) = policy_and_roots(trust);
        PartJudge { version: env!("CARGO_PKG_VERSION").into(), checks: CHECKS, policy, roots }
    }
}

/// Entries up to a statement that may change what counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Segment {
    pub(super) signers: Vec<Signatures>,
    /// The statement that it ends with, if the range does not end with it.
    pub(super) then: Option<Deciding>,
}

/// The entries of one kind under one key in a segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Signatures {
    pub(super) key_id: Hash,
    #[serde(with = "kinds")]
    pub(super) kind: Kind,
    /// How many, and the indices of the first of them.
    pub(super) count: u64,
    pub(super) first: Vec<u64>,
    /// Whether the key was known, and the signatures checked.
    pub(super) known: bool,
    /// Those that do not hold: the first of them, and how many more.
    #[serde(with = "written")]
    pub(super) bad: Vec<Finding>,
    pub(super) bad_more: u64,
}

/// A statement about keys, or an erasure, whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Deciding {
    pub(super) index: u64,
    /// The entry's bytes.
    #[serde(with = "base64")]
    pub(super) entry: Vec<u8>,
}

/// Why a file is not a part.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PartError {
    /// Not the JSON that was written.
    #[error("it is not a part of an audit")]
    Malformed(#[from] serde_json::Error),
    /// Written by a release that this one does not know.
    #[error("its format is {0:?}; this release reads {PART_FORMAT:?}")]
    Format(String),
    /// The same could be said in other words.
    #[error("it is not spelled as it is written")]
    Spelling,
    /// What it says cannot be.
    #[error("{0}")]
    Inconsistent(&'static str),
}

impl Part {
    /// Parses what [`Part::format`] wrote.
    ///
    /// # Errors
    /// [`PartError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, PartError> {
        #[derive(Deserialize)]
        struct Head {
            format: String,
        }
        let Head { format } = serde_json::from_slice(bytes)?;
        if format != PART_FORMAT {
            return Err(PartError::Format(format));
        }
        let part: Part = serde_json::from_slice(bytes)?;
        if part.format() != bytes {
            return Err(PartError::Spelling);
        }
        part.must_be_consistent()?;
        Ok(part)
    }

    /// Returns the bytes of the file.
    pub fn format(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec(self).expect("internal error: a part is plain data");
        bytes.push(b'\n');
        bytes
    }

    /// Returns the entries that it is of: the first, and the index after the last.
    pub fn range(&self) -> (u64, u64) {
        (self.start, self.end)
    }

    /// Returns the origin and the number of entries of the log that it is a part of.
    pub fn log(&self) -> (&str, u64) {
        (&self.log.origin, self.log.size)
    }

    /// Returns how many findings there are so far: more may come of what depends on the entries before.
    pub fn findings(&self) -> u64 {
        self.found.count()
    }

    /// Returns what was counted so far: neither signatures nor what was erased.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Returns the keys that statements in it name: whoever makes another part may need them.
    pub fn keys(&self) -> Vec<PublicKey> {
        let deciding = self.segments.iter().filter_map(|segment| segment.then.as_ref());
        deciding.filter_map(|one| key_named(&Entry::parse(&one.entry).ok()?)).collect()
    }

    fn must_be_consistent(&self) -> Result<(), PartError> {
        let bad = |what| Err(PartError::Inconsistent(what));
        let PartLog { size, .. } = self.log;
        if !is_range(self.start, self.end, size) {
            return bad("its range is not one of the log that it is of");
        }
        if !self.trees.are_of(self.start, self.end) {
            return bad("its subtrees are not those of its range");
        }
        let inside = |index: u64| (self.start..self.end).contains(&index);
        let mut at = self.start;
        for segment in &self.segments {
            for one in &segment.signers {
                let ascending = one.first.is_sorted_by(|a, b| a < b) && one.first.iter().all(|i| inside(*i));
                let few = one.first.len() <= FINDINGS_MAX && one.bad.len() <= FINDINGS_MAX;
                let first = one.first.len() as u64;
                let counted = first == one.count.min(FINDINGS_MAX as u64)
                    && (one.bad.len() as u64).checked_add(one.bad_more).is_some_and(|bad| bad <= one.count);
                if !ascending || !few || !counted {
                    return bad("its signatures are not those of entries in its range");
                }
            }
            if let Some(Deciding { index, .. }) = segment.then {
                if !inside(index) || index < at {
                    return bad("a statement in it is not in its range");
                }
                at = index + 1;
            }
        }
        let last = self.segments.len().saturating_sub(1);
        if self.segments.iter().take(last).any(|segment| segment.then.is_none()) {
            return bad("a segment in it ends with nothing");
        }
        if !self.missing.iter().all(|missing| inside(missing.index)) {
            return bad("something is missing in it of an entry that is not in its range");
        }
        if self.found.kept().len() > FINDINGS_MAX {
            return bad("it holds too many findings");
        }
        Ok(())
    }
}

/// Returns whether a part of a log of `size` entries can be of `start` up to `end`: it begins and ends where a bundle does. It
/// may be of none.
pub(super) fn is_range(start: u64, end: u64, size: u64) -> bool {
    let may_be = |at: u64| at.is_multiple_of(256) || at == size;
    start <= end && end <= size && may_be(start) && may_be(end)
}

/// Returns the key that a statement about keys names.
pub(super) fn key_named(entry: &Entry) -> Option<PublicKey> {
    let Body::Key(statement) = &entry.body else { return None };
    statement.key.public_key().ok()
}

/// A kind in a file: as its predicate type.
mod kinds {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::Kind;

    pub(super) fn serialize<S: Serializer>(kind: &Kind, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(kind.predicate_type())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Kind, D::Error> {
        let text = String::deserialize(from)?;
        Kind::of_predicate_type(&text).ok_or_else(|| serde::de::Error::custom("not a kind of statement"))
    }
}

/// Bytes in a file.
mod base64 {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::{from_base64, to_base64};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&to_base64(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        from_base64(&String::deserialize(from)?).map_err(serde::de::Error::custom)
    }
}
