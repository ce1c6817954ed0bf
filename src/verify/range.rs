//! The audit of a range of entries: all that they say by themselves, and what is left to whoever combines the parts.

use std::collections::{BTreeMap, HashMap, HashSet};

use rayon::prelude::*;
use thiserror::Error;

use crate::base::{Hash, PublicKey};
use crate::record::{Body, Kind, layout};
use crate::storage::{Store, StoreError};
use crate::tlog::EntryBundle;

use super::Trust;
use super::audit::{AT_A_TIME, LOST_MAX, malformed};
use super::batch::{Batch, Job, Parsed, Said, Work};
use super::checkpoint::open_checkpoint;
use super::fetch::Files;
use super::found::Found;
use super::missing::MissingSoFar;
use super::part::{Deciding, PART_FORMAT, Part, PartJudge, PartLog, Segment, Signatures, is_range};
use super::references::{References, Registered};
use super::report::{Code, Counts, FINDINGS_MAX, Finding, Report};
use super::signer_keys::SignerKeys;
use super::signers::Signers;
use super::strays::originals_listed;
use super::tree::Trees;
use super::unseen::Unseen;

/// Which keys whoever audits a range knows, beside the root keys and those that entries of the range name.
#[derive(Debug, Clone)]
pub enum KnownKeys {
    /// Those that entries before the range name: these are read from the first on, as far as keys are missing.
    Sought,
    /// These, wherever they come from: a key is known by its id, so that none can be taken for another.
    Given(Vec<PublicKey>),
}

/// The entries that a part is to be of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Range {
    /// From the first up to the second, or up to the log's end if that comes first; both multiples of 256, but for the log's
    /// end.
    Entries(u64, u64),
    /// Of as many shares of whole bundles, as equal as can be, the one at an index: whoever has a number need not know how
    /// large the log is. Empty if there are fewer bundles than shares.
    Share {
        /// Counted from 0.
        index: u64,
        /// How many there are.
        of: u64,
    },
}

impl Range {
    /// Returns the entries in a log of `size`; `None` if a part can be of no such range.
    fn of_size(self, size: u64) -> Option<(u64, u64)> {
        match self {
            Range::Entries(start, end) => {
                let range = (start, end.min(size));
                (start < range.1 && is_range(range.0, range.1, size)).then_some(range)
            }
            Range::Share { index, of } => {
                let bundles = u128::from(size.div_ceil(256));
                let at = |index: u64| {
                    let at = bundles * u128::from(index) / u128::from(of.max(1)) * 256;
                    u64::try_from(at).map_or(size, |at| at.min(size))
                };
                (index < of).then(|| (at(index), at(index + 1)))
            }
        }
    }
}

/// Why there is no part.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RangeError {
    /// There is nothing to audit.
    #[error("there is no log here")]
    NoLog,
    /// What lies there could not even be listed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no checkpoint that the policy trusts.
    #[error("{}", .0.message)]
    Checkpoint(Box<Finding>),
    /// No part can be of that range.
    #[error("{} is no range of a log of {size} entries that a part can be of", words(range))]
    Range {
        /// What was asked for.
        range: Range,
        /// Entries of the log.
        size: u64,
    },
    /// There is nothing where entries should be.
    #[error("neither the entries from {from} on nor their hashes are there")]
    Lost {
        /// The first of them.
        from: u64,
    },
}

fn words(range: &Range) -> String {
    match *range {
        Range::Entries(start, u64::MAX) => format!("{start}.."),
        Range::Entries(start, end) => format!("{start}..{end}"),
        Range::Share { index, of } => format!("share {index} of {of}"),
    }
}

/// Checks the entries of a range, as far as they can be checked by themselves. `progress` is told how many are done, and of how
/// many.
///
/// Costs what an audit of as many entries costs, and reads what entries point to that lies before the range. Memory is bounded
/// as in an audit, and by what the part holds.
///
/// # Errors
/// [`RangeError`]. What is wrong with entries is no error: it is in the part.
pub fn audit_range(
    store: &dyn Store,
    trust: &Trust,
    range: Range,
    keys: KnownKeys,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<Part, RangeError> {
    let files = Files { store };
    let mut report = Report::new();
    let checkpoint = files.checkpoint();
    if matches!(checkpoint, Ok(None)) && store.list("")?.keys.is_empty() {
        return Err(RangeError::NoLog);
    }
    let Some(opened) = open_checkpoint(&mut report, &trust.policy, checkpoint) else {
        let finding = report.findings.pop().expect("internal error: a checkpoint without a finding");
        return Err(RangeError::Checkpoint(Box::new(finding)));
    };
    let checkpoint = opened.checkpoint();
    let (size, root_hash) = (checkpoint.size(), checkpoint.root_hash());
    let log = PartLog { origin: checkpoint.origin().as_str().to_owned(), size, root_hash };
    let range = range.of_size(size).ok_or(RangeError::Range { range, size })?;
    let listed = originals_listed(&store.list(layout::CONTENT)?);
    let audit = RangeAudit::new(files, trust, &listed, keys, range, &log);
    audit.run(log, trust, progress)
}

/// Signatures of one kind under one key, so far.
struct Signer {
    count: u64,
    first: Vec<u64>,
    known: bool,
    bad: Vec<Finding>,
    bad_more: u64,
}

/// An audit of a range, so far.
struct RangeAudit<'a> {
    files: Files<'a>,
    range: (u64, u64),
    /// Entries of the whole log.
    size: u64,
    /// The next entry.
    at: u64,
    trees: Trees<'a>,
    listed: &'a HashSet<Hash>,
    references: References<'a>,
    missing: MissingSoFar,
    keys: Signers<'a>,
    prepared: SignerKeys,
    counts: Counts,
    found: Found,
    unread: Option<u64>,
    lost_first: u64,
    lost: u64,
    /// The segments before the present one, and that one's signers.
    segments: Vec<Segment>,
    signers: BTreeMap<(Kind, Hash), Signer>,
}

/// Signatures to be checked, each with what it is counted under: the number of its segment, and the signer.
#[derive(Default)]
struct ToCheck {
    work: Work,
    places: HashMap<u64, (usize, (Kind, Hash))>,
}

impl<'a> RangeAudit<'a> {
    fn new(
        files: Files<'a>,
        trust: &Trust,
        listed: &'a HashSet<Hash>,
        keys: KnownKeys,
        range: (u64, u64),
        log: &PartLog,
    ) -> Self {
        let (start, size) = (range.0, log.size);
        let unseen = Unseen::new(files, start, size, &log.root_hash);
        RangeAudit {
            files,
            range,
            size,
            at: start,
            trees: Trees::of_range(files, start),
            listed,
            references: References::of_range(files, listed, unseen),
            missing: MissingSoFar::default(),
            keys: Signers::new(files, trust, keys, start),
            prepared: SignerKeys::default(),
            counts: Counts::default(),
            found: Found::default(),
            unread: None,
            lost_first: 0,
            lost: 0,
            segments: Vec::new(),
            signers: BTreeMap::new(),
        }
    }

    fn run(
        mut self,
        log: PartLog,
        trust: &Trust,
        progress: &(dyn Fn(u64, u64) + Sync),
    ) -> Result<Part, RangeError> {
        let (files, listed, size, (start, end)) = (self.files, self.listed, self.size, self.range);
        let at_a_time = AT_A_TIME.max(2 * rayon::current_num_threads());
        let mut bundles = (start / 256..end.div_ceil(256)).filter_map(|n| EntryBundle::of_size(n, size));
        loop {
            let some: Vec<EntryBundle> = bundles.by_ref().take(at_a_time).collect();
            if some.is_empty() {
                break;
            }
            let batches: Vec<Batch> =
                some.into_par_iter().map(|bundle| Batch::read(files, listed, bundle)).collect();
            let mut to_check = ToCheck::default();
            for batch in batches {
                self.fold(batch, &mut to_check);
                if self.lost >= LOST_MAX {
                    let from = self.at.div_ceil(256).saturating_sub(self.lost) * 256;
                    return Err(RangeError::Lost { from });
                }
            }
            self.check(to_check);
            progress(self.at - start, end - start);
        }
        self.close(None);
        let mut found = self.found;
        found.settle();
        let mut originals: Vec<Hash> = self.references.originals().keys().copied().collect();
        originals.sort();
        let doubtful = self.references.into_unseen().map(Unseen::into_doubtful).unwrap_or_default();
        let (missing, missing_full) = self.missing.into_range();
        Ok(Part {
            format: PART_FORMAT.into(),
            log,
            judge: PartJudge::of(trust),
            lists: files.store.lists(),
            start,
            end,
            trees: self.trees.into_range(),
            counts: self.counts,
            found,
            lost_first: self.lost_first,
            lost_last: self.lost,
            unread: self.unread,
            segments: self.segments,
            missing,
            missing_full,
            originals,
            doubtful,
        })
    }

    /// Checks signatures, and counts those that do not hold.
    fn check(&mut self, to_check: ToCheck) {
        let (_, mut findings) = to_check.work.check();
        findings.sort_by_key(|finding| finding.record);
        for finding in findings {
            let place = finding.record.and_then(|index| to_check.places.get(&index));
            let (segment, signer) = place.expect("internal error: a signature that nobody asked for");
            let (bad, more) = match self.segments.get_mut(*segment) {
                Some(segment) => {
                    let of = |one: &&mut Signatures| (one.kind, one.key_id) == *signer;
                    let one = segment.signers.iter_mut().find(of);
                    let one = one.expect("internal error: a signer who was not counted");
                    (&mut one.bad, &mut one.bad_more)
                }
                None => {
                    let one = self.signers.get_mut(signer);
                    let one = one.expect("internal error: a signer who was not counted");
                    (&mut one.bad, &mut one.bad_more)
                }
            };
            if bad.len() < FINDINGS_MAX { bad.push(finding) } else { *more += 1 }
        }
    }

    /// Ends the segment.
    fn close(&mut self, then: Option<Deciding>) {
        let signers = std::mem::take(&mut self.signers).into_iter().map(|((kind, key_id), signer)| {
            let Signer { count, first, known, bad, bad_more } = signer;
            Signatures { key_id, kind, count, first, known, bad, bad_more }
        });
        let signers: Vec<Signatures> = signers.collect();
        if then.is_some() || !signers.is_empty() {
            self.segments.push(Segment { signers, then });
        }
    }

    fn fold(&mut self, batch: Batch, to_check: &mut ToCheck) {
        let (first, end) = (batch.bundle.first_entry(), batch.end());
        self.lost = if batch.is_lost() { self.lost + 1 } else { 0 };
        if self.lost * 256 >= end - self.range.0 {
            self.lost_first = self.lost;
        }
        self.trees.push_batch(&batch);
        let Batch { bundle, entries, tile, openings, root } = batch;
        self.counts.tiles += u64::from(entries.is_ok());
        let whole = root.is_some();
        self.references.saw(root);
        let found = &mut self.found;
        let mut told = |finding: Box<Finding>| found.extend([*finding]);
        let entries = entries.map_err(&mut told).ok();
        tile.map_err(&mut told).ok();
        let beyond = openings.map_err(&mut told).map_or_else(|()| Vec::new(), |(_, beyond)| beyond);
        match entries {
            Some(entries) => {
                for parsed in entries {
                    self.fold_entry(whole, parsed, to_check);
                    self.at += 1;
                }
            }
            None => {
                self.unread = self.unread.or(Some(first));
                (0..bundle.width()).for_each(|_| self.references.push(Registered::Unread, whole));
            }
        }
        self.at = end;
        for index in beyond {
            let message = format!("openings of entry {index}, which is not in the log");
            let path = layout::disclosures_path(bundle.index());
            self.found.extend([Finding::new(Code::Stray, message).path(path)]);
        }
    }

    fn fold_entry(&mut self, whole: bool, parsed: Parsed, to_check: &mut ToCheck) {
        let index = self.at;
        self.counts.entries += 1;
        let said = match parsed.said {
            Ok(said) => said,
            Err(error) => {
                self.found.extend([malformed(index, &error)]);
                self.unread = self.unread.or(Some(index));
                self.references.push(Registered::Unread, whole);
                return;
            }
        };
        self.counts.add(&parsed.counts);
        self.found.extend(parsed.findings);
        if let Said::Other(entry) = &said {
            self.found.extend(self.references.check(index, entry));
        }
        self.found.extend(parsed.missing.map_or_else(Vec::new, |missing| self.missing.add(missing)));
        let kind = match &said {
            Said::Registration(_, registered) => {
                self.references.push(*registered, whole);
                Kind::Registration
            }
            Said::Other(entry) => {
                self.references.push(Registered::Other, whole);
                if matches!(entry.body, Body::Key(_) | Body::Erasure(_)) {
                    self.keys.learn(entry);
                    return self.close(Some(Deciding { index, entry: entry.envelope.encode() }));
                }
                entry.kind().unwrap_or(Kind::Registration)
            }
        };
        let envelope = said.into_envelope();
        let key_id = envelope.key_id();
        let key = self.keys.get(&key_id);
        let signer = self.signers.entry((kind, key_id)).or_insert_with(|| Signer {
            count: 0,
            first: Vec::new(),
            known: key.is_some(),
            bad: Vec::new(),
            bad_more: 0,
        });
        signer.count += 1;
        if signer.first.len() < FINDINGS_MAX {
            signer.first.push(index);
        }
        if let Some(key) = key {
            to_check.places.insert(index, (self.segments.len(), (kind, key_id)));
            to_check.work.push(Job { index, envelope, key: Ok(self.prepared.get(key_id, key)) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn shares_are_all_of_a_log_and_as_equal_as_can_be(size in 0u64..100_000, of in 1u64..500) {
            let shares: Vec<(u64, u64)> =
                (0..of).map(|index| Range::Share { index, of }.of_size(size).unwrap()).collect();
            prop_assert_eq!((shares[0].0, shares[shares.len() - 1].1), (0, size));
            prop_assert!(shares.windows(2).all(|pair| pair[0].1 == pair[1].0));
            let bundles = |share: &(u64, u64)| share.1.div_ceil(256) - share.0.div_ceil(256);
            let (least, most) = (shares.iter().map(bundles).min(), shares.iter().map(bundles).max());
            prop_assert!(most.unwrap() - least.unwrap() <= 1);
            for (start, end) in shares {
                prop_assert!(is_range(start, end, size));
                prop_assert!(start == end || Range::Entries(start, end).of_size(size) == Some((start, end)));
            }
        }
    }

    #[test]
    fn there_is_no_share_beyond_the_last() {
        assert_eq!(Range::Share { index: 3, of: 3 }.of_size(900), None);
        assert_eq!(Range::Share { index: 0, of: 0 }.of_size(900), None);
        let (index, of) = (u64::MAX - 1, u64::MAX);
        let last = Range::Share { index, of }.of_size(u64::MAX).unwrap();
        assert_eq!(last.1, u64::MAX);
    }
}
