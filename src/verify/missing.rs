//! What is missing of entries, and whether an erasure accounts for it: which can be known only at the end of a log.

use std::collections::{BTreeSet, HashSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::attest::Disclosure;
use crate::attest::disclosure::commitment_at;
use crate::base::Hash;
use crate::base::encoding::from_base64url;
use crate::record::{Erasure, layout};

use super::fetch::Files;
use super::report::{Code, Finding};

/// Openings and originals that are missing and kept until the end, and commitments that erasures name: some 100 MiB each.
const KEPT: usize = 1 << 22;
/// Openings that are missing of one entry, each told by itself.
const OPENINGS_TOLD: usize = 16;

/// A commitment whose opening is missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Commitment {
    /// Where it stands in the predicate, as a JSON Pointer.
    pub(super) at: String,
    /// The first bytes of its digest; `None` of one inside another opening.
    #[serde(with = "digits")]
    pub(super) digest: Option<Short>,
}

/// The first bytes of a digest in a file.
mod digits {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::Short;
    use crate::base::encoding::{from_hex_fixed, to_hex};

    pub(super) fn serialize<S: Serializer>(digest: &Option<Short>, to: S) -> Result<S::Ok, S::Error> {
        digest.map(|digest| to_hex(&digest)).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Short>, D::Error> {
        let text = Option::<String>::deserialize(from)?;
        text.map(|text| from_hex_fixed(&text)).transpose().map_err(serde::de::Error::custom)
    }
}

/// Enough of a digest to know it again: who can find two alike can only have his own opening taken for one erased.
type Short = [u8; 16];

impl Commitment {
    /// Returns the digest that stands at a pointer.
    pub(super) fn digest_at(predicate: &Value, at: &str) -> Option<Short> {
        short(commitment_at(predicate, at)?)
    }
}

fn short(digest: &str) -> Option<Short> {
    from_base64url(digest).ok().filter(|bytes| bytes.len() == Hash::BYTES)?.first_chunk().copied()
}

/// What is missing of one entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Missing {
    pub(super) index: u64,
    pub(super) openings: Vec<Commitment>,
    /// SHA-256 of the original that was stored and is not there.
    pub(super) original: Option<Hash>,
}

impl Missing {
    pub(super) fn is_empty(&self) -> bool {
        self.openings.is_empty() && self.original.is_none()
    }

    /// Says all of it, as of what no erasure accounts for.
    pub(super) fn findings(&self) -> Vec<Finding> {
        let (index, mut findings) = (self.index, Vec::new());
        let missing = |what: String| {
            Finding::new(Code::OpeningMissing, format!("record {index}: {what}")).record(index)
        };
        for Commitment { at, .. } in self.openings.iter().take(OPENINGS_TOLD) {
            let what = format!("the opening of the commitment at {at} is missing");
            findings.push(missing(what).field(at));
        }
        if let Some(more) = self.openings.len().checked_sub(OPENINGS_TOLD).filter(|more| *more > 0) {
            findings.push(missing(format!("{more} openings more are missing")));
        }
        if let Some(original) = &self.original {
            let what = format!("record {index}: the original was stored, and is missing");
            let finding = Finding::new(Code::OriginalMissing, what).record(index).field("/originalStored");
            findings.push(finding.path(layout::content_path(original)));
        }
        findings
    }
}

/// What is missing of the entries so far, and what erasures name.
#[derive(Debug, Default)]
pub(super) struct MissingSoFar {
    entries: Vec<Missing>,
    count: usize,
    /// Whether there was too much: of what comes after that, no erasure is looked for.
    full: bool,
    erased: BTreeSet<(u64, Short)>,
    originals: BTreeSet<Hash>,
}

/// What became of what is missing.
#[derive(Debug, Default)]
pub(super) struct Accounted {
    /// Openings and originals that were destroyed on purpose.
    pub(super) erased: u64,
    pub(super) findings: Vec<Finding>,
}

impl MissingSoFar {
    /// Takes note of what is missing of an entry. Where too much is, no erasure is looked for, and what is returned is to
    /// be told.
    pub(super) fn add(&mut self, missing: Missing) -> Vec<Finding> {
        if missing.is_empty() {
            return Vec::new();
        }
        let count = self.count + missing.openings.len() + 1;
        self.full |= count > KEPT;
        if self.full {
            return missing.findings();
        }
        self.count = count;
        self.entries.push(missing);
        Vec::new()
    }

    /// Takes note of what is missing of the entries of a range, as [`MissingSoFar::into_range`] gave it.
    pub(super) fn add_range(&mut self, entries: Vec<Missing>, full: bool) -> Vec<Finding> {
        let told = entries.into_iter().flat_map(|missing| self.add(missing)).collect();
        self.full |= full;
        told
    }

    /// Returns what is missing of each entry, and whether there was too much to keep all.
    pub(super) fn into_range(self) -> (Vec<Missing>, bool) {
        (self.entries, self.full)
    }

    /// Takes note of an erasure, whose signer may have made it.
    pub(super) fn erase(&mut self, erasure: &Erasure) {
        let room = KEPT.saturating_sub(self.erased.len() + self.originals.len());
        let digests = erasure.commitments.iter().filter_map(|digest| Some((erasure.entry, short(digest)?)));
        self.erased.extend(digests.take(room));
        self.originals.extend(erasure.original.filter(|_| room > 0));
    }

    /// Tells what is missing on purpose from what is lost, and what was erased and is still there. Reads the openings of
    /// entries that erasures name once more. `listed` are the stored originals.
    pub(super) fn account(self, files: Files<'_>, listed: &HashSet<Hash>) -> Accounted {
        let mut accounted = Accounted { erased: 0, findings: self.still_there(files, listed) };
        for mut missing in self.entries {
            let index = missing.index;
            let before = missing.openings.len() + usize::from(missing.original.is_some());
            let is_erased =
                |one: &Commitment| one.digest.is_some_and(|digest| self.erased.contains(&(index, digest)));
            missing.openings.retain(|one| !is_erased(one));
            missing.original = missing.original.filter(|original| !self.originals.contains(original));
            let after = missing.openings.len() + usize::from(missing.original.is_some());
            accounted.erased += (before - after) as u64;
            accounted.findings.extend(missing.findings());
        }
        accounted
    }

    fn still_there(&self, files: Files<'_>, listed: &HashSet<Hash>) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut read = None;
        for (entry, digest) in &self.erased {
            let number = entry / layout::ENTRIES_PER_FILE;
            if read.as_ref().is_none_or(|(known, _)| *known != number) {
                // A file that cannot be read was told of before.
                read = Some((number, files.openings(number).unwrap_or_default()));
            }
            let openings = read.as_ref().map_or(&[][..], |(_, file)| file.of_entry(*entry));
            let is_it = |text: &String| {
                Disclosure::parse(text).is_ok_and(|one| short(&one.digest()) == Some(*digest))
            };
            if openings.iter().any(is_it) {
                let what = format!("record {entry}: an opening that was erased is still there");
                let path = layout::disclosures_path(number);
                findings.push(Finding::new(Code::ErasureIncomplete, what).record(*entry).path(path));
            }
        }
        for original in self.originals.iter().filter(|original| listed.contains(original)) {
            let path = layout::content_path(original);
            let what = format!("{path}: an original that was erased is still there");
            findings.push(Finding::new(Code::ErasureIncomplete, what).path(path));
        }
        findings
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::encoding::to_base64url;
    use crate::record::ErasureReason;
    use crate::storage::{Key, MemoryStore, Object, Store};

    fn digest(byte: u8) -> String {
        to_base64url(&[byte; 32])
    }

    fn missing(index: u64, bytes: &[u8], original: Option<Hash>) -> Missing {
        let openings = bytes.iter().map(|byte| Commitment {
            at: format!("/bylines/{byte}"),
            digest: Some([*byte; 16]).filter(|_| *byte > 0),
        });
        Missing { index, openings: openings.collect(), original }
    }

    fn erasure(entry: u64, bytes: &[u8], original: Option<Hash>) -> Erasure {
        Erasure {
            entry,
            commitments: bytes.iter().map(|byte| digest(*byte)).collect(),
            original,
            reason: ErasureReason::Pii,
            recorded_by: Hash::of(b""),
            recorded_at: "2026-11-23T09:30:00Z".parse().unwrap(),
        }
    }

    #[test]
    fn an_erasure_accounts_for_what_it_names_and_nothing_else() {
        let (store, one, other) = (MemoryStore::default(), Hash::of(b"one"), Hash::of(b"other"));
        let mut so_far = MissingSoFar::default();
        for told in [missing(4, &[1, 2], Some(one)), missing(5, &[1, 0], Some(other)), missing(6, &[], None)]
        {
            assert!(so_far.add(told).is_empty());
        }
        so_far.erase(&erasure(4, &[1, 2], Some(one)));
        so_far.erase(&erasure(6, &[1], None));
        let accounted = so_far.account(Files { store: &store }, &HashSet::new());
        assert_eq!(accounted.erased, 3);
        let told: Vec<(Code, Option<u64>, Option<&str>)> =
            accounted.findings.iter().map(|one| (one.code, one.record, one.field.as_deref())).collect();
        let expected = [
            (Code::OpeningMissing, Some(5), Some("/bylines/1")),
            (Code::OpeningMissing, Some(5), Some("/bylines/0")),
            (Code::OriginalMissing, Some(5), Some("/originalStored")),
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn what_was_erased_and_is_there_is_told() {
        let opening = Disclosure::member([7; 16], "note", &serde_json::json!("off the record")).unwrap();
        let (store, original) = (MemoryStore::default(), Hash::of(b"one"));
        let bytes = format!("4 {}\n", opening.as_str()).into_bytes();
        store.put(&[Object { key: Key::new("disclosures/000").unwrap(), bytes }]).unwrap();
        let mut so_far = MissingSoFar::default();
        let erasure = Erasure { commitments: vec![opening.digest()], ..erasure(4, &[], Some(original)) };
        so_far.erase(&erasure);
        let accounted = so_far.account(Files { store: &store }, &HashSet::from([original]));
        let told: Vec<(Code, Option<u64>)> =
            accounted.findings.iter().map(|one| (one.code, one.record)).collect();
        assert_eq!(told, [(Code::ErasureIncomplete, Some(4)), (Code::ErasureIncomplete, None)]);
    }

    #[test]
    fn sixteen_of_an_entry_are_told_one_by_one() {
        let many: Vec<u8> = (1..=20).collect();
        let findings = missing(4, &many, None).findings();
        assert_eq!(findings.len(), 17);
        assert!(findings[16].message.contains("4 openings more"), "{}", findings[16].message);
    }
}
