//! The full audit: everything that `records/` holds, against a policy and root keys.

use std::collections::HashSet;

use rayon::prelude::*;
use thiserror::Error;

use crate::base::{Hash, PublicKey};
use crate::note::{OpenError, OpenedCheckpoint};
use crate::record::{DisclosureFile, Entry, EntryError, State, StateError, layout};
use crate::storage::{Listing, Store, StoreError};
use crate::tlog::{EntryBundle, Tile, bundles_of, leaf_hash};

use super::Trust;
use super::entry::check_entry;
use super::fetch::Files;
use super::report::{Code, Counts, Finding, Report};
use super::signer::{Authorised, authorise_and_fold, code_of_signer, code_of_statement};
use super::tree::Trees;

/// Bundles that are in memory at a time: 16 MiB of entries each at most, usually a hundredth of that.
const AT_A_TIME: usize = 8;

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

/// Checks everything. `progress` is told how many entries are done, and of how many.
///
/// Costs a signature check an entry, some 40 µs, on all cores; reads every file once. Memory is bounded by
/// the batch, and by 32 bytes for each registration.
///
/// # Errors
/// [`AuditError`] only if there is nothing to report on: all else is in the report.
pub fn audit(
    store: &dyn Store,
    trust: &Trust,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<Report, AuditError> {
    let files = Files { store };
    let mut report = Report::new();
    for _ in 0..ATTEMPTS {
        let listing = store.list("")?;
        let before = files.checkpoint();
        if matches!(before, Ok(None)) && !listing.keys.iter().any(|key| is_log_file(key.as_str())) {
            return Err(AuditError::NoLog);
        }
        report = Audit { files, trust, report: Report::new(), unread: false }.run(
            before.clone(),
            &listing,
            progress,
        );
        // A writer that published meanwhile has removed partial tiles that were still to be read.
        if report.findings.is_empty() || files.checkpoint() == before {
            break;
        }
    }
    Ok(report)
}

fn is_log_file(path: &str) -> bool {
    let local = path.strip_prefix(layout::LOCAL).is_some_and(|rest| rest.starts_with('/'));
    !local
}

struct Audit<'a> {
    files: Files<'a>,
    trust: &'a Trust,
    report: Report,
    /// Whether an entry was passed that could not be read: it may have enrolled a key, or registered an original.
    unread: bool,
}

/// A bundle with all that belongs to it, read and taken apart.
struct Batch {
    bundle: EntryBundle,
    entries: Result<Vec<Parsed>, Finding>,
    tile: Result<Vec<Hash>, Finding>,
    openings: Result<DisclosureFile, Finding>,
}

struct Parsed {
    leaf: Hash,
    entry: Result<Entry, EntryError>,
}

/// An entry whose signer is known, to be checked on any core.
struct Job<'b> {
    index: u64,
    entry: &'b Entry,
    key: Result<PublicKey, (Code, StateError)>,
    openings: Option<&'b [String]>,
}

impl Audit<'_> {
    fn run(
        mut self,
        checkpoint: Result<Option<Vec<u8>>, Finding>,
        listing: &Listing,
        progress: &(dyn Fn(u64, u64) + Sync),
    ) -> Report {
        let Some(opened) = self.open(checkpoint) else {
            self.report.not_checked.push("the entries: there is no checkpoint to check them against".into());
            return self.report;
        };
        let (size, root) = (opened.checkpoint().size(), opened.checkpoint().root_hash());
        let mut trees = Trees::new(self.files);
        let mut state = State::new(self.trust.roots.iter().copied());
        let mut originals = HashSet::new();
        let mut findings = Vec::new();
        let mut bundles = bundles_of(size);
        loop {
            let some: Vec<EntryBundle> = bundles.by_ref().take(AT_A_TIME).collect();
            if some.is_empty() {
                break;
            }
            let batches: Vec<Batch> = some.into_par_iter().map(|bundle| self.load(bundle)).collect();
            for batch in &batches {
                let jobs = self.fold(batch, &mut trees, &mut state, &mut originals, &mut findings);
                let files = self.files;
                let checked: Vec<(Counts, Vec<Finding>)> = jobs
                    .into_par_iter()
                    .map(|job| check_entry(files, job.index, job.entry, job.key, job.openings))
                    .collect();
                for (counts, found) in checked {
                    self.report.counts.add(&counts);
                    findings.extend(found);
                }
                progress(state.size(), size);
            }
            if findings.len() > super::FINDINGS_MAX {
                self.take(&mut findings);
            }
            // A hostile size must not make the audit go on where there is nothing.
            let lost = |batch: &Batch| batch.entries.is_err() && batch.tile.is_err();
            if batches.iter().all(lost) {
                let rest =
                    format!("the entries from {} on: neither they nor their hashes are there", state.size());
                self.report.not_checked.push(rest);
                break;
            }
        }
        if state.size() == size {
            let (found, tiles) = trees.finish(&root);
            findings.extend(found);
            self.report.counts.tiles += tiles;
        }
        self.take(&mut findings);
        self.strays(listing, size, &originals);
        let not_stored = self.report.counts.originals_not_stored;
        if not_stored > 0 {
            let plural = if not_stored == 1 { "" } else { "s" };
            self.report.not_checked.push(format!(
                "the text of {not_stored} document{plural}: registered without storing the original"
            ));
        }
        self.report
    }

    /// Moves findings into the report, in log order.
    fn take(&mut self, findings: &mut Vec<Finding>) {
        findings.sort_by_key(|finding| finding.record.unwrap_or(u64::MAX));
        for finding in findings.drain(..) {
            self.report.push(finding);
        }
    }

    /// Opens the checkpoint, as far as it can be trusted.
    fn open(&mut self, checkpoint: Result<Option<Vec<u8>>, Finding>) -> Option<OpenedCheckpoint> {
        let path = layout::CHECKPOINT;
        let bytes = match checkpoint {
            Ok(Some(bytes)) => bytes,
            Ok(None) => {
                let finding = Finding::new(Code::FileMissing, "the checkpoint is missing").path(path);
                self.report.push(finding);
                return None;
            }
            Err(finding) => {
                self.report.push(finding);
                return None;
            }
        };
        let opened = match self.trust.policy.open_checkpoint(&bytes) {
            Ok(opened) => Ok(opened),
            Err(error) => {
                let told = error.to_string();
                match error {
                    OpenError::QuorumNotReached(missing) => {
                        self.report.push(Finding::new(Code::QuorumNotReached, told).path(path));
                        Ok(missing.into_opened())
                    }
                    error => Err(error),
                }
            }
        };
        match opened {
            Ok(opened) => {
                self.report.origin = Some(opened.checkpoint().origin().as_str().to_owned());
                self.report.size = opened.checkpoint().size();
                self.report.root_hash = Some(opened.checkpoint().root_hash());
                self.report.counts.cosignatures = opened.cosignatures().len() as u64;
                Some(opened)
            }
            Err(error) => {
                let code = match error {
                    OpenError::Note(_) | OpenError::Checkpoint(_) => Code::CheckpointMalformed,
                    OpenError::LogUnverifiable { .. } => Code::CheckpointUnverifiable,
                    _ => Code::CheckpointUntrusted,
                };
                let cause = std::error::Error::source(&error).map(|source| format!(": {source}"));
                let message = format!("{error}{}", cause.unwrap_or_default());
                self.report.push(Finding::new(code, message).path(path));
                None
            }
        }
    }

    fn load(&self, bundle: EntryBundle) -> Batch {
        let entries = self.files.bundle(bundle).and_then(|(found, bytes)| {
            let entries = found.entries(&bytes);
            let mut entries = entries
                .map_err(|error| Finding::new(Code::BundleMalformed, error.to_string()).path(found.path()))?;
            entries.truncate(bundle.width().into());
            let parse = |bytes: &&[u8]| Parsed { leaf: leaf_hash(bytes), entry: Entry::parse(bytes) };
            Ok(entries.iter().map(parse).collect())
        });
        let tile = Tile::new(0, bundle.index(), bundle.width());
        let tile = tile.expect("internal error: a bundle is as wide as a tile");
        Batch { bundle, entries, tile: self.files.tile(tile), openings: self.files.openings(bundle.index()) }
    }

    /// Goes through a bundle in log order: grows both trees, and finds for each entry the key that may have signed it.
    fn fold<'b>(
        &mut self,
        batch: &'b Batch,
        trees: &mut Trees<'_>,
        state: &mut State,
        originals: &mut HashSet<Hash>,
        findings: &mut Vec<Finding>,
    ) -> Vec<Job<'b>> {
        let counts = &mut self.report.counts;
        findings.extend(batch.entries.as_ref().err().cloned());
        findings.extend(batch.tile.as_ref().err().cloned());
        findings.extend(batch.openings.as_ref().err().cloned());
        counts.tiles += u64::from(batch.entries.is_ok());
        let mut jobs = Vec::new();
        for place in 0..usize::from(batch.bundle.width()) {
            let index = state.size();
            let parsed = batch.entries.as_ref().ok().map(|entries| &entries[place]);
            trees.push(parsed.map(|parsed| parsed.leaf), batch.tile.as_ref().ok().map(|tile| tile[place]));
            let Some(parsed) = parsed else {
                self.unread = true;
                state.advance();
                continue;
            };
            counts.entries += 1;
            let entry = match &parsed.entry {
                Ok(entry) => entry,
                Err(error) => {
                    findings.push(malformed(index, error));
                    self.unread = true;
                    state.advance();
                    continue;
                }
            };
            originals.extend(entry.original());
            let openings = batch.openings.as_ref().ok().map(|file| file.of_entry(index));
            let Authorised { key, stands } = authorise_and_fold(state, entry);
            if let Err(error) = stands {
                let code = code_of_statement(&error, self.unread);
                findings.push(Finding::new(code, format!("record {index}: {error}")).record(index));
            }
            let key = key.map_err(|error| (code_of_signer(&error, self.unread), error));
            jobs.push(Job { index, entry, key, openings });
        }
        if let Ok(file) = &batch.openings {
            let end = batch.bundle.first_entry() + u64::from(batch.bundle.width());
            for index in file.entries().filter(|index| *index >= end) {
                let message = format!("openings of entry {index}, which is not in the log");
                let path = layout::disclosures_path(batch.bundle.index());
                findings.push(Finding::new(Code::Stray, message).path(path));
            }
        }
        jobs
    }

    /// Reports files that belong to nothing.
    fn strays(&mut self, listing: &Listing, size: u64, originals: &HashSet<Hash>) {
        let unread = self.unread;
        let belongs = |path: &str| {
            let tile = path.parse::<Tile>().is_ok_and(|tile| tile.belongs_to(size));
            let bundle = path.parse::<EntryBundle>().is_ok_and(|bundle| bundle.belongs_to(size));
            let openings = path.strip_prefix("disclosures/").and_then(crate::tlog::tile::parse_index_path);
            let original = path.rsplit('/').next().and_then(|name| Hash::from_hex(name).ok());
            tile || bundle
                || openings.is_some_and(|number| number < size.div_ceil(layout::ENTRIES_PER_FILE))
                || original.is_some_and(|hash| {
                    path == layout::content_path(&hash) && (unread || originals.contains(&hash))
                })
                || path == layout::CHECKPOINT
                || path.strip_prefix(layout::PENDING).is_some_and(|rest| rest.starts_with('/'))
        };
        let keys = listing.keys.iter().map(|key| key.as_str());
        let strays = keys.filter(|path| is_log_file(path) && !belongs(path));
        let foreign = listing.foreign.iter().map(String::as_str).filter(|path| is_log_file(path));
        for path in strays.chain(foreign) {
            self.report
                .push(Finding::new(Code::Stray, format!("{path} belongs to nothing in the log")).path(path));
        }
    }
}

fn malformed(index: u64, error: &EntryError) -> Finding {
    let mut message = format!("record {index}: {error}");
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        message.push_str(&format!(": {error}"));
        cause = error.source();
    }
    Finding::new(Code::EntryMalformed, message).record(index)
}
