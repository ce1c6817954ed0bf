//! Records for commands that show them: through authenticated hashes, with their signer checked.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use rayon::prelude::*;
use thiserror::Error;

use crate::base::Hash;
use crate::note::{Checkpoint, OpenError, OpenedCheckpoint, VerifierKey};
use crate::record::layout::ENTRIES_PER_FILE;
use crate::record::registration::OpenedRegistration;
use crate::record::{Body, DisclosureFile, Entry, EntryError, Standings, State};
use crate::storage::Store;
use crate::tlog::edge::bytes_of_tile;
use crate::tlog::proof::root_of_prefix;
use crate::tlog::{
    Edge, EntryBundle, InclusionProof, ReadError, Tile, TileReader, TileSource, bundles_of, leaf_hash,
};

use super::Trust;
use super::fetch::Files;
use super::held::Held;
use super::report::Finding;
use super::signer::authorise_and_fold;

/// Bundles that are in memory at a time.
pub(super) const AT_A_TIME: usize = 8;

/// A log, opened for reading.
pub struct LogReader<'a> {
    pub(super) files: Files<'a>,
    pub(super) trust: &'a Trust,
    pub(super) opened: OpenedCheckpoint,
    checkpoint: Vec<u8>,
}

/// One record, read and checked against the log.
#[derive(Debug, Clone)]
pub struct Record {
    /// Its index in the log.
    pub index: u64,
    /// The exact bytes of the entry.
    pub bytes: Vec<u8>,
    /// The entry.
    pub entry: Entry,
    /// The openings at hand, in their RFC 9901 spelling.
    pub openings: Vec<String>,
    /// For a registration, what it says with its openings put back; with none of them if one does not fit.
    pub registration: Option<OpenedRegistration>,
    /// Whether the openings fit, and if not, why.
    pub openings_fit: Result<(), String>,
    /// Whether the signer was enrolled at that index and the signature holds.
    pub signer: Result<Hash, String>,
}

/// Why the log cannot be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReaderError {
    /// There is no checkpoint.
    #[error("there is no log here")]
    NoLog,
    /// No such record.
    #[error("there is no record {index}: the log has {size} entries")]
    NoRecord {
        /// Index asked for.
        index: u64,
        /// Entries of the log.
        size: u64,
    },
    /// What lies there is no record.
    #[error("entry {index} is not a record")]
    NotARecord {
        /// Its index.
        index: u64,
        /// Why.
        #[source]
        source: EntryError,
    },
    /// It is a record, but registers no document.
    #[error("record {index} is a {kind} statement: it registers no document")]
    NotARegistration {
        /// Its index.
        index: u64,
        /// What it is.
        kind: String,
    },
    /// The checkpoint does not hold under the policy.
    #[error("the checkpoint does not hold under the policy")]
    Checkpoint(#[from] OpenError),
    /// A file is missing or cannot be read.
    #[error("{}", .0.message)]
    File(Box<Finding>),
    /// What was read does not lead to the root that the checkpoint signs.
    #[error("{what} does not lead to the root that the checkpoint signs: the log was changed")]
    Changed {
        /// What.
        what: String,
    },
}

impl From<Box<Finding>> for ReaderError {
    fn from(finding: Box<Finding>) -> Self {
        ReaderError::File(finding)
    }
}

impl From<ReadError<Box<Finding>>> for ReaderError {
    fn from(error: ReadError<Box<Finding>>) -> Self {
        match error {
            ReadError::Source { source, .. } => source.into(),
            other => ReaderError::Changed { what: other.to_string() },
        }
    }
}

impl TileSource for Files<'_> {
    type Error = Box<Finding>;

    fn tile(&self, tile: Tile) -> Result<Vec<u8>, Box<Finding>> {
        Files::tile(self, tile).map(|hashes| bytes_of_tile(&hashes))
    }
}

/// How often a reading begins again when the log grows under it.
const ATTEMPTS: usize = 3;

/// Opens the log in `store` and gives it to `read`; again if the log grew meanwhile, as a writer who publishes removes
/// partial tiles that were still to be read.
///
/// # Errors
/// Those of [`LogReader::open`] and of `read`.
pub fn read_log<T>(
    store: &dyn Store,
    trust: &Trust,
    read: impl FnMut(&LogReader<'_>) -> Result<T, ReaderError>,
) -> Result<T, ReaderError> {
    read_log_as(store, trust, read)
}

/// As [`read_log`], for a `read` with errors of its own.
///
/// # Errors
/// As [`read_log`].
pub fn read_log_as<T, E: From<ReaderError>>(
    store: &dyn Store,
    trust: &Trust,
    read: impl FnMut(&LogReader<'_>) -> Result<T, E>,
) -> Result<T, E> {
    attempt(store, trust, false, read)
}

/// As [`read_log_as`], for a `read` that takes long: what a writer would remove meanwhile is read before. Costs some tiles and a
/// bundle more.
///
/// # Errors
/// As [`read_log`].
pub fn read_log_at_length<T, E: From<ReaderError>>(
    store: &dyn Store,
    trust: &Trust,
    read: impl FnMut(&LogReader<'_>) -> Result<T, E>,
) -> Result<T, E> {
    attempt(store, trust, true, read)
}

fn attempt<T, E: From<ReaderError>>(
    store: &dyn Store,
    trust: &Trust,
    mut overtaken: bool,
    mut read: impl FnMut(&LogReader<'_>) -> Result<T, E>,
) -> Result<T, E> {
    let mut attempts = 1..=ATTEMPTS;
    loop {
        let last = attempts.next() == Some(ATTEMPTS);
        let held = overtaken.then(|| Held::new(store, &trust.policy));
        let reader = LogReader::open(held.as_ref().map_or(store, |held| held), trust)?;
        let result = read(&reader);
        let unchanged = || matches!(Files { store }.checkpoint(), Ok(Some(now)) if now == reader.checkpoint);
        if last || result.is_ok() || unchanged() {
            return result;
        }
        overtaken = true;
    }
}

impl<'a> LogReader<'a> {
    /// Opens the log in `store`.
    ///
    /// # Errors
    /// [`ReaderError::NoLog`], [`ReaderError::Checkpoint`], [`ReaderError::File`].
    pub fn open(store: &'a dyn Store, trust: &'a Trust) -> Result<Self, ReaderError> {
        let files = Files { store };
        let checkpoint = files.checkpoint()?.ok_or(ReaderError::NoLog)?;
        let opened = trust.policy.open_checkpoint(&checkpoint)?;
        Ok(LogReader { files, trust, opened, checkpoint })
    }

    /// Returns the checkpoint.
    pub fn checkpoint(&self) -> &Checkpoint {
        self.opened.checkpoint()
    }

    /// Returns the key of the log.
    pub fn log(&self) -> &VerifierKey {
        self.opened.log()
    }

    /// Returns the checkpoint's bytes, a signed note.
    pub fn checkpoint_bytes(&self) -> &[u8] {
        &self.checkpoint
    }

    /// Returns the number of entries.
    pub fn size(&self) -> u64 {
        self.checkpoint().size()
    }

    /// Reads all records in order and hands them to `each` until it breaks off. Every signature that `each` sees was
    /// checked; that all entries lead to the root is known only at the end, when the call returns `Ok`. Costs one pass
    /// over the log.
    ///
    /// # Errors
    /// [`ReaderError`]. What `each` was given before is then not to be relied on.
    pub fn scan(&self, each: impl FnMut(Record) -> ControlFlow<()>) -> Result<(), ReaderError> {
        self.walk(None, each).map(|_| ())
    }

    /// As [`LogReader::scan`]; returns what is known at its end. `prefix` is a number of first entries whose root is to be
    /// known too.
    pub(super) fn walk(
        &self,
        prefix: Option<u64>,
        each: impl FnMut(Record) -> ControlFlow<()>,
    ) -> Result<Walked, ReaderError> {
        self.walk_some(prefix, |_, _| true, each)
    }

    /// As [`LogReader::walk`]; opens, checks and hands on only the entries that `choose` asks for. It is asked in log order,
    /// and before any entry of the same or a later bundle is handed on.
    pub(super) fn walk_some(
        &self,
        prefix: Option<u64>,
        mut choose: impl FnMut(u64, &Entry) -> bool,
        mut each: impl FnMut(Record) -> ControlFlow<()>,
    ) -> Result<Walked, ReaderError> {
        let mut edge = Edge::default();
        let mut state = State::new(self.trust.roots.iter().copied());
        let mut on = true;
        let mut prefix_root = None;
        let mut bundles = bundles_of(self.size());
        loop {
            let some: Vec<EntryBundle> = bundles.by_ref().take(AT_A_TIME).collect();
            if some.is_empty() {
                break;
            }
            let read: Vec<_> = some.par_iter().map(|bundle| self.load(*bundle)).collect();
            let mut found = Vec::new();
            let mut opened = Vec::new();
            for (bundle, loaded) in some.iter().zip(read) {
                let before = found.len();
                for (bytes, leaf, entry) in loaded? {
                    let index = state.size();
                    if prefix == Some(index) {
                        prefix_root = Some(edge.root());
                    }
                    edge.push(leaf, |_, _| {});
                    match entry {
                        Some(entry) => {
                            let authorised = authorise_and_fold(&mut state, &entry);
                            if on && choose(index, &entry) {
                                found.push((index, bytes, entry, authorised));
                            }
                        }
                        None => state.advance(),
                    }
                }
                if found.len() > before {
                    opened.push(bundle.index());
                }
            }
            if on {
                let files: BTreeMap<u64, DisclosureFile> = opened
                    .into_par_iter()
                    .map(|number| Ok((number, self.files.openings(number)?)))
                    .collect::<Result<_, ReaderError>>()?;
                let records: Vec<Record> = found
                    .into_par_iter()
                    .map(|(index, bytes, entry, authorised)| {
                        let file = files.get(&(index / ENTRIES_PER_FILE));
                        let openings = file.map_or(&[][..], |file| file.of_entry(index)).to_vec();
                        let signer = authorised.signer(&entry);
                        let (registration, openings_fit) = open_registration(&entry, &openings);
                        Record { index, bytes, entry, openings, registration, openings_fit, signer }
                    })
                    .collect();
                on = records.into_iter().try_for_each(&mut each).is_continue();
            }
        }
        if prefix == Some(state.size()) {
            prefix_root = Some(edge.root());
        }
        match edge.root() == self.checkpoint().root_hash() {
            true => Ok(Walked { state, prefix_root }),
            false => Err(ReaderError::Changed { what: "the log".into() }),
        }
    }

    /// Reads all records in order, as [`LogReader::scan`] does, and returns who may sign the next entry.
    ///
    /// # Errors
    /// As [`LogReader::scan`].
    pub fn key_state(&self, mut each: impl FnMut(Record)) -> Result<State, ReaderError> {
        let walked = self.walk(None, |record| {
            each(record);
            ControlFlow::Continue(())
        })?;
        Ok(walked.state)
    }

    /// Reads all records in order, as [`LogReader::scan`] does, and returns what became of each registration: by
    /// statements whose signer was allowed to make them, and whose signature holds.
    ///
    /// # Errors
    /// As [`LogReader::scan`].
    pub fn standings(&self, mut each: impl FnMut(Record)) -> Result<Standings, ReaderError> {
        let mut standings = Standings::default();
        self.scan(|record| {
            if record.signer.is_ok() {
                standings.fold(record.index, &record.entry);
            }
            each(record);
            ControlFlow::Continue(())
        })?;
        Ok(standings)
    }

    /// Reads one record.
    ///
    /// # Errors
    /// [`ReaderError::NoRecord`], [`ReaderError::NotARecord`] and those of [`LogReader::scan`].
    pub fn record(&self, index: u64) -> Result<Record, ReaderError> {
        let mut found = None;
        self.scan(|record| {
            if record.index == index {
                found = Some(record);
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        })?;
        found.ok_or_else(|| self.no_record(index))
    }

    /// Returns why a whole scan came by no record at `index`: the log ends before, or has an entry there that is none.
    pub fn no_record(&self, index: u64) -> ReaderError {
        let size = self.size();
        let beyond = ReaderError::NoRecord { index, size };
        let bundle = usize::try_from(index / 256).ok().and_then(|number| bundles_of(size).nth(number));
        let Some(bundle) = bundle.filter(|_| index < size) else { return beyond };
        let read = self.files.bundle(bundle).map(|(found, bytes)| {
            let entries = found.entries(&bytes).ok()?;
            entries.get(usize::try_from(index % 256).ok()?).and_then(|entry| Entry::parse(entry).err())
        });
        match read {
            Ok(Some(source)) => ReaderError::NotARecord { index, source },
            // It was no record a moment ago.
            Ok(None) => ReaderError::Changed { what: bundle.path() },
            Err(finding) => finding.into(),
        }
    }

    /// Proves that the entry at `index` is in the log, from authenticated tiles.
    ///
    /// # Errors
    /// [`ReaderError`].
    pub fn prove(&self, index: u64) -> Result<InclusionProof, ReaderError> {
        let size = self.size();
        if index >= size {
            return Err(ReaderError::NoRecord { index, size });
        }
        self.with_tiles(|tiles| InclusionProof::prove(index, size, tiles))
    }

    /// Returns the root of the first `size` entries, which the log has. Costs a tile a level.
    ///
    /// # Errors
    /// [`ReaderError`].
    pub fn root_at(&self, size: u64) -> Result<Hash, ReaderError> {
        self.with_tiles(|tiles| root_of_prefix(size, tiles))
    }

    /// Reads hashes from authenticated tiles.
    pub(super) fn with_tiles<T>(
        &self,
        read: impl FnOnce(&mut TileReader<Files<'a>>) -> Result<T, ReadError<Box<Finding>>>,
    ) -> Result<T, ReaderError> {
        let root = self.checkpoint().root_hash();
        let read = TileReader::new(self.files, self.size(), &root).and_then(|mut tiles| read(&mut tiles));
        Ok(read?)
    }

    fn load(&self, bundle: EntryBundle) -> Result<Vec<Loaded>, ReaderError> {
        let (found, bytes) = self.files.bundle(bundle)?;
        let entries = found.entries(&bytes).map_err(|_| ReaderError::Changed { what: found.path() })?;
        let entries = entries.into_iter().take(bundle.width().into());
        let take_apart = |bytes: &[u8]| (bytes.to_vec(), leaf_hash(bytes), Entry::parse(bytes).ok());
        Ok(entries.map(take_apart).collect())
    }
}

/// What is known after a walk over a whole log that leads to its root.
pub(super) struct Walked {
    /// Who may sign the next entry.
    pub(super) state: State,
    /// The root of the first entries, as many as were asked for, if the log has as many.
    pub(super) prefix_root: Option<Hash>,
}

/// An entry of a bundle: its bytes, its leaf hash, and what it says if it has the form of an entry.
type Loaded = (Vec<u8>, Hash, Option<Entry>);

/// Puts the openings of a registration back. If they do not fit, says why, and leaves all commitments closed.
pub(super) fn open_registration(
    entry: &Entry,
    openings: &[String],
) -> (Option<OpenedRegistration>, Result<(), String>) {
    let Body::Registration(_) = entry.body else { return (None, Ok(())) };
    match entry.open_registration(openings) {
        Ok(opened) => (Some(opened), Ok(())),
        Err(why) => (entry.open_registration(&[]).ok(), Err(why.to_string())),
    }
}
