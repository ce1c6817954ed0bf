//! The full audit: everything that `records/` holds, against a policy and root keys.

use std::collections::HashSet;

use rayon::prelude::*;
use thiserror::Error;

use crate::base::Hash;
use crate::note::{OpenedCheckpoint, VerifierKey};
use crate::record::{Body, EntryError, Kind, State, layout};
use crate::storage::{Listing, Store, StoreError};
use crate::tlog::{EntryBundle, bundles_of};

use super::Trust;
use super::batch::{Batch, Compared, Job, Parsed, Said, Work};
use super::checkpoint::{open_checkpoint, recall};
use super::evidence::Evidence;
use super::fetch::Files;
use super::found::Found;
use super::held::Held;
use super::memory::{self, Comparison, Memory, Prefix};
use super::missing::MissingSoFar;
use super::references::{References, Registered};
use super::report::{Code, Finding, Report, Verdict};
use super::signer::{Authorised, authorise_and_fold, code_of_signer, code_of_statement};
use super::signer_keys::SignerKeys;
use super::strays::{digest_of_originals, find_strays, is_log_file, originals_listed};
use super::tree::Trees;
use super::waiting::Waiting;

/// Bundles that are read, or checked, at a time, if there are not more processors: 16 MiB of entries each at most, usually
/// a fiftieth of that.
pub(super) const AT_A_TIME: usize = 8;
/// The same where they are only compared, so that one is in memory on each processor.
const COMPARED_AT_A_TIME: usize = 256;

/// Bundles one after the other of which neither entries nor hashes are there, after which no more are looked for: a hostile size
/// must not make the audit go on where there is nothing.
pub(super) const LOST_MAX: u64 = 8;

/// How often the audit begins again when the log grows under it.
const ATTEMPTS: usize = 3;

/// Why there is no report.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AuditError {
    /// There is nothing to audit.
    #[error("there is no log here")]
    NoLog,
    /// What lies there could not even be listed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What an audit says, and what is to be kept of it.
#[derive(Debug, Clone)]
pub struct Audited {
    /// What it says.
    pub report: Report,
    /// The key of the log whose checkpoint was judged, if the policy trusts it: what is to be kept, is of that log.
    pub log: Option<VerifierKey>,
    /// What to remember from now on; `None` if what is remembered, if anything, should stay.
    pub memory: Option<Memory>,
    /// Evidence against the log, where it contradicts what is remembered.
    pub evidence: Option<Evidence>,
}

/// Checks everything. `progress` is told how many entries are done, and of how many.
///
/// Costs some 27 µs an entry of a kilobyte, half of it for the signature, on all cores; reads every file once, and again what entries point to that lies more than a
/// million registrations back. Memory is bounded by the bundles at hand, the last million registrations, and the names of the files.
///
/// # Errors
/// [`AuditError`] only if there is nothing to report on: all else is in the report.
pub fn audit(
    store: &dyn Store,
    trust: &Trust,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<Report, AuditError> {
    audit_since(store, trust, None, progress).map(|audited| audited.report)
}

/// As [`audit()`], with what an earlier audit of the same log left behind: checks that the log extends what was seen
/// then, and of the entries that were checked in full only that their bytes and openings are the same, some 2 µs each; or
/// only that their hash tiles are ([`Memory::tiles_alone`]). Where they are not, everything is checked again.
///
/// # Errors
/// As [`audit()`].
pub fn audit_since(
    store: &dyn Store,
    trust: &Trust,
    memory: Option<&Memory>,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<Audited, AuditError> {
    let mut compare = true;
    let mut attempts = 1..=ATTEMPTS;
    let mut overtaken = false;
    loop {
        let listing = store.list("")?;
        let held = overtaken.then(|| Held::new(store, &trust.policy));
        let files = Files { store: held.as_ref().map_or(store, |held| held) };
        let before = files.checkpoint();
        if matches!(before, Ok(None)) && !listing.keys.iter().any(|key| is_log_file(key.as_str())) {
            return Err(AuditError::NoLog);
        }
        let listed = originals_listed(&listing);
        let audit = Audit::new(files, trust, &listed);
        let Ok(audited) = audit.run(before.clone(), &listing, progress, memory, compare) else {
            compare = false;
            continue;
        };
        attempts.next();
        // A writer that published meanwhile has removed partial tiles that were still to be read.
        let unchanged = || Files { store }.checkpoint() == before;
        if audited.report.findings.is_empty() || attempts.is_empty() || unchanged() {
            return Ok(audited);
        }
        overtaken = true;
    }
}

pub(super) struct Audit<'a> {
    files: Files<'a>,
    trust: &'a Trust,
    pub(super) report: Report,
    pub(super) found: Found,
    /// Whether an entry was passed that could not be read: it may have enrolled a key, or registered an original.
    pub(super) unread: bool,
    /// How many bundles before the next one are lost.
    lost: u64,
    /// The tree as entries and tiles make it, so far.
    pub(super) trees: Trees<'a>,
    /// Who may sign.
    pub(super) state: State,
    signers: SignerKeys,
    /// The stored originals.
    listed: &'a HashSet<Hash>,
    /// What lies at each index, for what points there.
    pub(super) references: References<'a>,
    /// What is missing, and what was erased, so far.
    pub(super) missing: MissingSoFar,
    /// What this audit can leave to the next, so far.
    learned: Prefix,
}

/// The checkpoint of a log, and what was remembered of it.
pub(super) struct Accepted {
    pub(super) note: Vec<u8>,
    pub(super) opened: OpenedCheckpoint,
    evidence: Option<Evidence>,
    /// Whether nothing is amiss with the checkpoint by itself.
    whole: bool,
    /// Whether the log begins with what was remembered, if anything was.
    extends: bool,
}

/// Something in the part that was to be compared only is not as it was remembered.
#[derive(Debug)]
pub(super) struct Differs;

impl<'a> Audit<'a> {
    pub(super) fn new(files: Files<'a>, trust: &'a Trust, listed: &'a HashSet<Hash>) -> Self {
        let nothing = memory::CHAIN_START;
        let judge = memory::judge(trust);
        let learned = Prefix { size: 0, judge, openings: nothing, originals: None, keys: Vec::new() };
        Audit {
            files,
            trust,
            report: Report::new(),
            found: Found::default(),
            unread: false,
            lost: 0,
            trees: Trees::new(files),
            state: State::new(trust.roots.iter().copied()),
            signers: SignerKeys::default(),
            listed,
            references: References::new(files, listed),
            missing: MissingSoFar::default(),
            learned,
        }
    }

    /// Fails only if it was to `compare`, and what is remembered differs.
    fn run(
        mut self,
        checkpoint: Result<Option<Vec<u8>>, Box<Finding>>,
        listing: &Listing,
        progress: &(dyn Fn(u64, u64) + Sync),
        memory: Option<&Memory>,
        compare: bool,
    ) -> Result<Audited, Differs> {
        let Some(accepted) = self.accept(checkpoint, memory) else { return Ok(self.judged()) };
        let size = self.report.size;
        let remembered_size = self.report.remembered.map_or(0, |remembered| remembered.size);
        let comparison = memory
            .filter(|_| compare && accepted.extends && self.report.remembered.is_some())
            .and_then(|memory| memory.prefix(&self.learned.judge, remembered_size.min(size)));
        if let Some(comparison) = comparison {
            self.compare(comparison, size, progress)?;
        }
        self.references.skip(self.state.size());
        self.check_entries(size, progress);
        self.conclude(accepted, listing, memory, comparison)
    }

    /// Opens the checkpoint, and holds it against the remembered one. `None` if there is nothing to check the entries against.
    pub(super) fn accept(
        &mut self,
        checkpoint: Result<Option<Vec<u8>>, Box<Finding>>,
        memory: Option<&Memory>,
    ) -> Option<Accepted> {
        let (files, policy) = (self.files, &self.trust.policy);
        let note = checkpoint.as_ref().ok().cloned().flatten().unwrap_or_default();
        let opened = open_checkpoint(&mut self.report, policy, checkpoint)?;
        let whole = self.report.verdict == Verdict::Verified;
        let evidence = recall(&mut self.report, files, policy, memory, &opened, &note);
        let extends = self.report.remembered.is_none_or(|remembered| remembered.extends == Some(true));
        Some(Accepted { note, opened, evidence, whole, extends })
    }

    /// Returns what is said of a log without a checkpoint to check its entries against.
    pub(super) fn judged(mut self) -> Audited {
        self.report.not_checked.push("the entries: there is no checkpoint to check them against".into());
        Audited { report: self.report, log: None, memory: None, evidence: None }
    }

    /// Says what can be said only where all entries were passed, the first of which may have been compared only. Fails only
    /// if some were, and what is remembered differs.
    pub(super) fn conclude(
        mut self,
        accepted: Accepted,
        listing: &Listing,
        memory: Option<&Memory>,
        comparison: Option<Comparison<'_>>,
    ) -> Result<Audited, Differs> {
        let files = self.files;
        let (size, root) = (self.report.size, accepted.opened.checkpoint().root_hash());
        let prefix = comparison.map(|comparison| comparison.prefix);
        let compared = prefix.map_or(0, |prefix| prefix.size);
        let missing = std::mem::take(&mut self.missing).account(files, self.listed);
        self.report.counts.erased = missing.erased;
        self.found.extend(missing.findings);
        if self.state.size() == size {
            let finished = self.trees.finish(&root);
            if prefix.is_some() && !finished.findings.is_empty() {
                return Err(Differs);
            }
            self.found.extend(finished.findings);
            self.found.leave_out(finished.left_out, finished.worst_left_out);
            self.report.counts.tiles += finished.tiles;
            if finished.entries_hold {
                let all = self.report.findings.iter_mut().chain(self.found.kept_mut());
                all.for_each(Finding::tile_can_be_made_again);
            }
        }
        let counts = &mut self.report.counts;
        let waiting =
            Waiting { files, listed: self.listed, references: &self.references, state: &self.state };
        let (found, waiting) = waiting.check(&listing.keys, counts);
        self.found.extend(found);
        self.found.into_report(&mut self.report);
        let originals = self.references.originals();
        let lists = files.store.lists();
        if prefix.is_some_and(|prefix| {
            let names = digest_of_originals(listing, originals, &waiting, prefix.size, true);
            lists && prefix.originals != Some(names)
        }) {
            return Err(Differs);
        }
        // Those of entries that were only compared are known by the digest of their names.
        let unread = self.unread || prefix.is_some();
        find_strays(&mut self.report, listing, size, unread, |hash| {
            originals.contains_key(hash) || waiting.contains(hash)
        });
        let tiles_alone = comparison.is_some_and(|comparison| comparison.tiles_alone);
        self.report.name_what_was_not_checked(compared, tiles_alone, lists);
        // What is remembered and cannot be read is not to be forgotten.
        let known = memory.is_none() || self.report.remembered.is_some();
        let Accepted { note, opened, evidence, whole, extends } = accepted;
        let memory = if whole && extends && known && self.report.verdict != Verdict::Invalid {
            self.learned.originals = if lists {
                Some(digest_of_originals(listing, originals, &waiting, self.learned.size, prefix.is_some()))
            } else {
                prefix.filter(|prefix| prefix.size == self.learned.size).and_then(|prefix| prefix.originals)
            };
            let whole = self.report.verdict == Verdict::Verified && self.learned.size > 0;
            Memory::new(&note, if whole { Some(self.learned) } else { prefix.cloned() })
        } else {
            None
        };
        Ok(Audited { report: self.report, log: Some(opened.log().clone()), memory, evidence })
    }

    /// Checks the entries from the present state on, up to `size`. While some are checked on all cores, the next are
    /// folded in log order, and those after them read.
    fn check_entries(&mut self, size: u64, progress: &(dyn Fn(u64, u64) + Sync)) {
        let (files, listed) = (self.files, self.listed);
        let at_a_time = AT_A_TIME.max(2 * rayon::current_num_threads());
        let first = usize::try_from(self.state.size() / 256).unwrap_or(usize::MAX);
        let mut bundles = bundles_of(size).skip(first);
        let mut read = || -> Vec<Batch> {
            let some: Vec<EntryBundle> = bundles.by_ref().take(at_a_time).collect();
            some.into_par_iter().map(|bundle| Batch::read(files, listed, bundle)).collect()
        };
        let mut ahead = read();
        let mut work = Work::default();
        while !ahead.is_empty() || work.end != 0 {
            let (checking, batches) = (std::mem::take(&mut work), std::mem::take(&mut ahead));
            let end = checking.end;
            let ((counts, found), ()) = rayon::join(
                || checking.check(),
                || {
                    for batch in batches {
                        if self.lost < LOST_MAX {
                            self.fold(batch, &mut work);
                        }
                    }
                    if self.lost < LOST_MAX {
                        ahead = read();
                    }
                },
            );
            self.report.counts.add(&counts);
            self.found.extend(found);
            progress(end, size);
        }
        if self.state.size() < size {
            let from = self.state.size();
            let rest = format!("the entries from {from} on: neither they nor their hashes are there");
            self.report.not_checked.push(rest);
        }
    }

    /// Goes through the entries that were checked in full before: their bytes must give the tiles, and their openings
    /// be the same; or the tiles alone must lead to the root.
    fn compare(
        &mut self,
        Comparison { prefix, tiles_alone }: Comparison<'_>,
        size: u64,
        progress: &(dyn Fn(u64, u64) + Sync),
    ) -> Result<(), Differs> {
        let files = self.files;
        let read = if tiles_alone { Compared::read_tile } else { Compared::read };
        let mut bundles = bundles_of(prefix.size);
        let mut openings = memory::CHAIN_START;
        loop {
            let some: Vec<EntryBundle> = bundles.by_ref().take(COMPARED_AT_A_TIME).collect();
            let Some(last) = some.last() else { break };
            let end = last.first_entry() + u64::from(last.width());
            let compared: Vec<Option<Compared>> =
                some.into_par_iter().map(|bundle| read(files, bundle, &prefix.keys)).collect();
            for compared in compared {
                let Compared { root, entries, keys, openings: digest } = compared.ok_or(Differs)?;
                if let Some(digest) = digest {
                    openings = memory::chained(&openings, &digest);
                }
                self.report.counts.entries += entries;
                self.report.counts.tiles += u64::from(entries > 0);
                self.trees.push_full(root);
                self.references.saw(Some(root));
                for (index, entry) in keys {
                    let folded = self.state.skip_to(index)
                        && authorise_and_fold(&mut self.state, &entry).signer(&entry).is_ok();
                    if !folded || !matches!(entry.body, Body::Key(_)) {
                        return Err(Differs);
                    }
                }
            }
            self.state.skip_to(end);
            progress(end, size);
        }
        if !tiles_alone && openings != prefix.openings {
            return Err(Differs);
        }
        self.learned = prefix.clone();
        if let Some(remembered) = &mut self.report.remembered {
            remembered.compared = prefix.size;
            remembered.tiles_alone = tiles_alone;
        }
        Ok(())
    }

    /// Goes through a bundle in log order: grows both trees, and finds for each entry the key that may have signed it.
    fn fold(&mut self, batch: Batch, work: &mut Work) {
        let end = batch.end();
        self.lost = if batch.is_lost() { self.lost + 1 } else { 0 };
        self.trees.push_batch(&batch);
        let Batch { bundle, entries, tile, openings, root } = batch;
        if let (256, Ok((digest, _))) = (bundle.width(), &openings) {
            self.learned.openings = memory::chained(&self.learned.openings, digest);
            self.learned.size = end;
        }
        self.report.counts.tiles += u64::from(entries.is_ok());
        let whole = root.is_some();
        self.references.saw(root);
        let findings = &mut work.findings;
        let mut told = |finding: Box<Finding>| findings.push(*finding);
        let entries = entries.map_err(&mut told).ok();
        tile.map_err(&mut told).ok();
        let beyond = openings.map_err(&mut told).map_or_else(|()| Vec::new(), |(_, beyond)| beyond);
        match entries {
            Some(entries) => {
                entries.into_iter().for_each(|parsed| self.fold_entry(bundle, whole, parsed, work))
            }
            None => {
                self.unread = true;
                for _ in 0..bundle.width() {
                    self.references.push(Registered::Unread, whole);
                    self.state.advance();
                }
            }
        }
        for index in beyond {
            let message = format!("openings of entry {index}, which is not in the log");
            let path = layout::disclosures_path(bundle.index());
            work.findings.push(Finding::new(Code::Stray, message).path(path));
        }
        work.end = end;
    }

    fn fold_entry(&mut self, bundle: EntryBundle, whole: bool, parsed: Parsed, work: &mut Work) {
        let index = self.state.size();
        self.report.counts.entries += 1;
        let said = match parsed.said {
            Ok(said) => said,
            Err(error) => {
                work.findings.push(malformed(index, &error));
                self.unread = true;
                self.references.push(Registered::Unread, whole);
                self.state.advance();
                return;
            }
        };
        work.counts.add(&parsed.counts);
        work.findings.extend(parsed.findings);
        if let Said::Other(entry) = &said {
            work.findings.extend(self.references.check(index, entry));
        }
        work.findings.extend(parsed.missing.map_or_else(Vec::new, |missing| self.missing.add(missing)));
        let key = match &said {
            Said::Registration(envelope, registered) => {
                self.references.push(*registered, whole);
                let key = self.state.authorise(&envelope.key_id(), Kind::Registration);
                self.state.advance();
                key
            }
            Said::Other(entry) => {
                self.references.push(Registered::Other, whole);
                if matches!(entry.body, Body::Key(_)) && bundle.width() == 256 {
                    self.learned.keys.push(index);
                }
                let Authorised { key, stands } = authorise_and_fold(&mut self.state, entry);
                if let (Body::Erasure(erasure), Ok(_), None) = (&entry.body, &key, entry.fault())
                    && erasure.entry < index
                {
                    self.missing.erase(erasure);
                }
                if let Err(error) = stands {
                    let code = code_of_statement(&error, self.unread);
                    work.findings.push(Finding::new(code, format!("record {index}: {error}")).record(index));
                }
                key
            }
        };
        let envelope = said.into_envelope();
        let key = match key {
            Ok(key) => Ok(self.signers.get(envelope.key_id(), key)),
            Err(error) => Err((code_of_signer(&error, self.unread), error)),
        };
        work.push(Job { index, envelope, key });
    }
}

/// Says of an entry that it is none, with everything behind that.
pub(super) fn malformed(index: u64, error: &EntryError) -> Finding {
    let mut message = format!("record {index}: {error}");
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        message.push_str(&format!(": {error}"));
        cause = error.source();
    }
    Finding::new(Code::EntryMalformed, message).record(index)
}
