//! The full audit: everything that `records/` holds, against a policy and root keys.

use std::collections::HashMap;

use rayon::prelude::*;
use thiserror::Error;

use crate::base::{Hash, PublicKey};
use crate::note::{OpenError, OpenedCheckpoint};
use crate::record::{Body, DisclosureFile, Entry, EntryError, State, StateError, layout};
use crate::storage::{Listing, Store, StoreError};
use crate::tlog::proof::root_of_prefix;
use crate::tlog::{ConsistencyProof, EntryBundle, ReadError, Tile, TileReader, bundles_of, leaf_hash};

use super::Trust;
use super::entry::check_entry;
use super::evidence::{Contradiction, Evidence};
use super::fetch::Files;
use super::memory::{self, Memory, Prefix};
use super::references::{References, Registered};
use super::report::{Code, Counts, Finding, Remembered, Report, Verdict};
use super::signer::{Authorised, authorise_and_fold, code_of_signer, code_of_statement};
use super::tree::Trees;
use super::waiting::check_pending;

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

/// What an audit says, and what is to be kept of it.
#[derive(Debug, Clone)]
pub struct Audited {
    /// What it says.
    pub report: Report,
    /// What to remember from now on; `None` if what is remembered, if anything, should stay.
    pub memory: Option<Memory>,
    /// Evidence against the log, where it contradicts what is remembered.
    pub evidence: Option<Evidence>,
}

/// Checks everything. `progress` is told how many entries are done, and of how many.
///
/// Costs a signature check an entry, some 40 µs, on all cores; reads every file once. Memory is bounded by
/// the batch, and by 40 bytes for each registration.
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
/// then, and of the entries that were checked in full only that their bytes and openings are the same, some 2 µs each.
/// Where they are not, everything is checked again.
///
/// # Errors
/// As [`audit()`].
pub fn audit_since(
    store: &dyn Store,
    trust: &Trust,
    memory: Option<&Memory>,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<Audited, AuditError> {
    let files = Files { store };
    let mut compare = true;
    let mut attempts = 1..=ATTEMPTS;
    loop {
        let listing = store.list("")?;
        let before = files.checkpoint();
        if matches!(before, Ok(None)) && !listing.keys.iter().any(|key| is_log_file(key.as_str())) {
            return Err(AuditError::NoLog);
        }
        let audit = Audit::new(files, trust);
        let Ok(audited) = audit.run(before.clone(), &listing, progress, memory, compare) else {
            compare = false;
            continue;
        };
        attempts.next();
        // A writer that published meanwhile has removed partial tiles that were still to be read.
        if audited.report.findings.is_empty() || attempts.is_empty() || files.checkpoint() == before {
            return Ok(audited);
        }
    }
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
    /// What lies at each index, for what points there.
    references: References<'a>,
    /// What this audit can leave to the next, so far.
    learned: Prefix,
}

/// Something in the part that was to be compared only is not as it was remembered.
struct Differs;

/// A bundle with all that belongs to it, read and taken apart.
struct Batch {
    bundle: EntryBundle,
    entries: Result<Vec<Parsed>, Box<Finding>>,
    tile: Result<Vec<Hash>, Box<Finding>>,
    openings: Result<(DisclosureFile, Hash), Box<Finding>>,
}

/// A bundle whose entries give its tile, as far as what follows needs it.
struct Compared {
    leaves: Vec<Hash>,
    keys: Vec<(u64, Entry)>,
    /// Digest of the file of openings.
    openings: Hash,
}

impl Compared {
    /// Reads it; `None` if anything is amiss. `keys` are the statements about keys in it and its neighbours.
    fn read(files: Files<'_>, bundle: EntryBundle, keys: &[u64]) -> Option<Self> {
        let (found, bytes) = files.bundle(bundle).ok()?;
        let entries = found.entries(&bytes).ok()?;
        let leaves: Vec<Hash> = entries.iter().map(|bytes| leaf_hash(bytes)).collect();
        let tile = Tile::new(0, bundle.index(), bundle.width())?;
        if files.tile(tile).ok()? != leaves {
            return None;
        }
        let parse = |index: &u64| {
            let place = index.checked_sub(bundle.first_entry())?;
            let bytes = entries.get(usize::try_from(place).ok()?)?;
            Some((*index, Entry::parse(bytes).ok()?))
        };
        let keys = keys.iter().filter_map(parse).collect();
        let openings = Hash::of(&files.openings_bytes(bundle.index()).ok()?);
        Some(Compared { leaves, keys, openings })
    }
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

impl<'a> Audit<'a> {
    fn new(files: Files<'a>, trust: &'a Trust) -> Self {
        let nothing = memory::CHAIN_START;
        let judge = memory::judge(trust);
        let learned = Prefix { size: 0, judge, openings: nothing, originals: None, keys: Vec::new() };
        let references = References::new(files);
        Audit { files, trust, report: Report::new(), unread: false, references, learned }
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
        let note = checkpoint.as_ref().ok().cloned().flatten().unwrap_or_default();
        let Some(opened) = self.open(checkpoint) else {
            self.report.not_checked.push("the entries: there is no checkpoint to check them against".into());
            return Ok(Audited { report: self.report, memory: None, evidence: None });
        };
        let accepted = self.report.verdict == Verdict::Verified;
        let (size, root) = (opened.checkpoint().size(), opened.checkpoint().root_hash());
        let mut trees = Trees::new(self.files);
        let mut state = State::new(self.trust.roots.iter().copied());
        let mut findings = Vec::new();
        let evidence = self.recall(memory, &opened, &note);
        let extends = self.report.remembered.is_none_or(|remembered| remembered.extends == Some(true));
        let remembered_size = self.report.remembered.map_or(0, |remembered| remembered.size);
        let prefix = memory
            .filter(|_| compare && extends && self.report.remembered.is_some())
            .and_then(|memory| memory.prefix(&self.learned.judge, remembered_size.min(size)));
        if let Some(prefix) = prefix {
            self.compare(prefix, size, &mut trees, &mut state, progress)?;
        }
        let compared = state.size();
        self.references.skip(compared);
        let mut bundles = bundles_of(size).skip(usize::try_from(compared / 256).unwrap_or(usize::MAX));
        loop {
            let some: Vec<EntryBundle> = bundles.by_ref().take(AT_A_TIME).collect();
            if some.is_empty() {
                break;
            }
            let batches: Vec<Batch> = some.into_par_iter().map(|bundle| self.load(bundle)).collect();
            for batch in &batches {
                let jobs = self.fold(batch, &mut trees, &mut state, &mut findings);
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
            let finished = trees.finish(&root);
            if prefix.is_some() && !finished.findings.is_empty() {
                return Err(Differs);
            }
            findings.extend(finished.findings);
            self.report.counts.tiles += finished.tiles;
            if finished.entries_hold {
                let all = self.report.findings.iter_mut().chain(&mut findings);
                all.for_each(Finding::tile_can_be_made_again);
            }
        }
        let (found, waiting) = check_pending(self.files, &listing.keys, &state, &mut self.report.counts);
        findings.extend(found);
        self.take(&mut findings);
        let originals = self.references.originals();
        let listed = self.files.store.lists();
        if prefix.is_some_and(|prefix| {
            let names = digest_of_originals(listing, &originals, prefix.size, true);
            listed && prefix.originals != Some(names)
        }) {
            return Err(Differs);
        }
        self.strays(listing, size, prefix.is_some(), |hash| {
            originals.contains_key(hash) || waiting.contains(hash)
        });
        self.name_what_was_not_checked(compared);
        let memory = if accepted && extends && self.report.verdict != Verdict::Invalid {
            self.learned.originals = if listed {
                Some(digest_of_originals(listing, &originals, self.learned.size, prefix.is_some()))
            } else {
                prefix.filter(|prefix| prefix.size == self.learned.size).and_then(|prefix| prefix.originals)
            };
            let whole = self.report.verdict == Verdict::Verified && self.learned.size > 0;
            Memory::new(&note, if whole { Some(self.learned) } else { prefix.cloned() })
        } else {
            None
        };
        Ok(Audited { report: self.report, memory, evidence })
    }

    fn name_what_was_not_checked(&mut self, compared: u64) {
        let report = &mut self.report;
        if compared > 0 {
            report.not_checked.push(format!(
                "the signatures and stored originals of entries 0 to {} once more: all was checked before, and neither \
                 the entries nor their openings have changed since",
                compared - 1
            ));
        }
        if !self.files.store.lists() {
            let strays = "whether files lie there that belong to nothing, and whether statements wait to be appended: a web server is not listed";
            report.not_checked.push(strays.into());
            if compared > 0 {
                let gone = format!(
                    "whether the stored originals of entries 0 to {} are still there: they were not asked for again",
                    compared - 1
                );
                report.not_checked.push(gone);
            }
        }
        let not_stored = report.counts.originals_not_stored;
        if not_stored > 0 {
            let plural = if not_stored == 1 { "" } else { "s" };
            report.not_checked.push(format!(
                "the text of {not_stored} document{plural}: registered without storing the original"
            ));
        }
        if report.counts.cosignatures == 0 {
            let witness = "whether others were shown the same log: no witness cosigned the checkpoint";
            report.not_checked.push(witness.into());
        }
        if report.remembered.is_none() {
            let memory = "whether the log only grew: no earlier checkpoint of it is remembered here";
            report.not_checked.push(memory.into());
        }
    }

    /// Holds the checkpoint against the remembered one. What differs is a finding, and evidence where it can be shown.
    fn recall(
        &mut self,
        memory: Option<&Memory>,
        opened: &OpenedCheckpoint,
        note: &[u8],
    ) -> Option<Evidence> {
        let memory = memory?;
        let old = memory.open(&self.trust.policy, opened.log())?;
        let (before, now) = (old.checkpoint(), opened.checkpoint());
        let shown =
            if before.size() < now.size() { self.prefix_of(before.size(), opened).ok() } else { None };
        let contradiction = Evidence::contradiction(&old, opened, shown.as_ref().map(|(root, _)| root));
        let extends = match contradiction {
            Some(_) => Some(false),
            None if before.size() < now.size() && shown.is_none() => None,
            None => Some(true),
        };
        let (size, root_hash) = (before.size(), before.root_hash());
        self.report.remembered = Some(Remembered { size, root_hash, extends, compared: 0 });
        if extends.is_none() {
            self.report.push(
                Finding::new(
                    Code::ExtensionUnknown,
                    format!("whether the log extends the {size} entries accepted before cannot be told: its tiles do not lead to the root"),
                )
                .path(layout::CHECKPOINT),
            );
        }
        let contradiction = contradiction?;
        let message = match contradiction {
            Contradiction::RolledBack => format!(
                "the log has {} entries; {size} were accepted before: entries were taken back, or this is an old copy",
                now.size()
            ),
            Contradiction::Forked => format!(
                "the log has {size} entries with the root {}; as many with the root {root_hash} were accepted before: \
                 its key signed two histories",
                now.root_hash()
            ),
            Contradiction::PrefixRewritten => format!(
                "the first {size} entries have the root {}; {root_hash} was accepted before: history was rewritten",
                shown.as_ref().map_or_else(String::new, |(root, _)| root.to_string())
            ),
        };
        let finding = Finding::new(contradiction.code(), message).path(layout::CHECKPOINT);
        let finding = match (contradiction, &shown) {
            (Contradiction::RolledBack, _) => finding.expected(size).found(now.size()),
            (_, Some((root, _))) => finding.expected(root_hash).found(root),
            _ => finding.expected(root_hash).found(now.root_hash()),
        };
        self.report.push(finding);
        let note = std::str::from_utf8(note).ok()?;
        Some(Evidence::new(contradiction, memory.checkpoint(), note, shown))
    }

    /// Returns the root of the first `size` entries, as the checkpoint implies it, and the proof of that.
    fn prefix_of(
        &self,
        size: u64,
        opened: &OpenedCheckpoint,
    ) -> Result<(Hash, ConsistencyProof), ReadError<Box<Finding>>> {
        let now = opened.checkpoint();
        let mut tiles = TileReader::new(self.files, now.size(), &now.root_hash())?;
        Ok((root_of_prefix(size, &mut tiles)?, ConsistencyProof::prove(size, now.size(), &mut tiles)?))
    }

    /// Goes through the entries that were checked in full before: their bytes must give the tiles, and their openings
    /// be the same.
    fn compare(
        &mut self,
        prefix: &Prefix,
        size: u64,
        trees: &mut Trees<'_>,
        state: &mut State,
        progress: &(dyn Fn(u64, u64) + Sync),
    ) -> Result<(), Differs> {
        let files = self.files;
        let mut keys = prefix.keys.as_slice();
        let mut bundles = bundles_of(prefix.size);
        let mut openings = memory::CHAIN_START;
        loop {
            let some: Vec<EntryBundle> = bundles.by_ref().take(AT_A_TIME).collect();
            let Some(last) = some.last() else { break };
            let end = last.first_entry() + u64::from(last.width());
            let (of_these, rest) = keys.split_at(keys.partition_point(|index| *index < end));
            keys = rest;
            let compared: Vec<Option<Compared>> =
                some.into_par_iter().map(|bundle| Compared::read(files, bundle, of_these)).collect();
            for compared in compared {
                let Compared { leaves, keys, openings: digest } = compared.ok_or(Differs)?;
                openings = memory::chained(&openings, &digest);
                self.report.counts.entries += leaves.len() as u64;
                self.report.counts.tiles += 1;
                leaves.into_iter().for_each(|leaf| trees.push(Some(leaf), Some(leaf)));
                for (index, entry) in keys {
                    let folded =
                        state.skip_to(index) && authorise_and_fold(state, &entry).signer(&entry).is_ok();
                    if !folded || !matches!(entry.body, Body::Key(_)) {
                        return Err(Differs);
                    }
                }
            }
            state.skip_to(end);
            progress(end, size);
        }
        if openings != prefix.openings {
            return Err(Differs);
        }
        self.learned = prefix.clone();
        if let Some(remembered) = &mut self.report.remembered {
            remembered.compared = prefix.size;
        }
        Ok(())
    }

    /// Moves findings into the report, in log order.
    fn take(&mut self, findings: &mut Vec<Finding>) {
        findings.sort_by_key(|finding| finding.record.unwrap_or(u64::MAX));
        for mut finding in findings.drain(..) {
            finding.locate(self.report.size);
            self.report.push(finding);
        }
    }

    /// Opens the checkpoint, as far as it can be trusted.
    fn open(&mut self, checkpoint: Result<Option<Vec<u8>>, Box<Finding>>) -> Option<OpenedCheckpoint> {
        let path = layout::CHECKPOINT;
        let bytes = match checkpoint {
            Ok(Some(bytes)) => bytes,
            Ok(None) => {
                let finding = Finding::new(Code::FileMissing, "the checkpoint is missing").path(path);
                self.report.push(finding);
                return None;
            }
            Err(finding) => {
                self.report.push(*finding);
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
        findings: &mut Vec<Finding>,
    ) -> Vec<Job<'b>> {
        if let (256, Ok((_, digest))) = (batch.bundle.width(), &batch.openings) {
            self.learned.openings = memory::chained(&self.learned.openings, digest);
            self.learned.size = batch.bundle.first_entry() + 256;
        }
        let counts = &mut self.report.counts;
        findings.extend(batch.entries.as_ref().err().map(|finding| (**finding).clone()));
        findings.extend(batch.tile.as_ref().err().map(|finding| (**finding).clone()));
        findings.extend(batch.openings.as_ref().err().map(|finding| (**finding).clone()));
        counts.tiles += u64::from(batch.entries.is_ok());
        let mut jobs = Vec::new();
        for place in 0..usize::from(batch.bundle.width()) {
            let index = state.size();
            let parsed = batch.entries.as_ref().ok().map(|entries| &entries[place]);
            trees.push(parsed.map(|parsed| parsed.leaf), batch.tile.as_ref().ok().map(|tile| tile[place]));
            let Some(parsed) = parsed else {
                self.unread = true;
                self.references.push(Registered::Unread);
                state.advance();
                continue;
            };
            counts.entries += 1;
            let entry = match &parsed.entry {
                Ok(entry) => entry,
                Err(error) => {
                    findings.push(malformed(index, error));
                    self.unread = true;
                    self.references.push(Registered::Unread);
                    state.advance();
                    continue;
                }
            };
            findings.extend(self.references.check(index, entry));
            self.references.push(Registered::of(entry));
            if matches!(entry.body, Body::Key(_)) && batch.bundle.width() == 256 {
                self.learned.keys.push(index);
            }
            let openings = batch.openings.as_ref().ok().map(|(file, _)| file.of_entry(index));
            let Authorised { key, stands } = authorise_and_fold(state, entry);
            if let Err(error) = stands {
                let code = code_of_statement(&error, self.unread);
                findings.push(Finding::new(code, format!("record {index}: {error}")).record(index));
            }
            let key = key.map_err(|error| (code_of_signer(&error, self.unread), error));
            jobs.push(Job { index, entry, key, openings });
        }
        if let Ok((file, _)) = &batch.openings {
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
    fn strays(&mut self, listing: &Listing, size: u64, compared: bool, original: impl Fn(&Hash) -> bool) {
        // Those of entries that were only compared are known by the digest of their names.
        let unread = self.unread || compared;
        let belongs = |path: &str| {
            let tile = path.parse::<Tile>().is_ok_and(|tile| tile.belongs_to(size));
            let bundle = path.parse::<EntryBundle>().is_ok_and(|bundle| bundle.belongs_to(size));
            let openings = path.strip_prefix("disclosures/").and_then(crate::tlog::tile::parse_index_path);
            let content = path.rsplit('/').next().and_then(|name| Hash::from_hex(name).ok());
            tile || bundle
                || openings.is_some_and(|number| number < size.div_ceil(layout::ENTRIES_PER_FILE))
                || content
                    .is_some_and(|hash| path == layout::content_path(&hash) && (unread || original(&hash)))
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

/// Returns the digest of the names of the stored originals of the first `size` entries: those that the later
/// entries are not the first to register. Names that no entry checked here registers count only where a prefix was
/// compared, whose originals they may be; else they are strays.
fn digest_of_originals(listing: &Listing, originals: &HashMap<Hash, u64>, size: u64, compared: bool) -> Hash {
    let names = listing.keys.iter().map(|key| key.as_str()).filter(|name| {
        let digest = name.rsplit('/').next().and_then(|name| Hash::from_hex(name).ok());
        let first = digest.and_then(|digest| originals.get(&digest));
        name.starts_with(layout::CONTENT) && first.map_or(compared, |first| *first < size)
    });
    let mut chain = memory::CHAIN_START;
    names.for_each(|name| chain = memory::chained(&chain, &Hash::of(name.as_bytes())));
    chain
}
