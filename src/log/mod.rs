//! Layer 4: the writer.
//!
//! A commit goes through five steps, each durable before the next:
//!
//! 1. **stage**: all that will be written, either in `.local/staging` or aside, with `.local/staging` to say what goes where
//!    ([`staging`]);
//! 2. **commit**: `.local/checkpoint` moves by compare-and-swap from the old checkpoint to the new. From here on the
//!    records are in the log, whatever happens;
//! 3. **apply**: tiles, entry bundles, originals, openings, from what was staged, by the code that recovery runs;
//! 4. **publish**: `checkpoint` is replaced. From here on readers see the records;
//! 5. **clean**: partial tiles that no checkpoint needs any more go, and the staged bundle. Nobody who waits for his records
//!    waits for this: [`Log::append_uncleaned`] leaves it to the next append, or to whoever opens the log next.
//!
//! A crash before 2 leaves the old log, after 2 the new one: [`Log::open`] finishes what it finds. After any error
//! the [`Log`] refuses to go on, since what it has in memory may no longer be true.
//!
//! Where a store has no lock, and any number of writers, the same steps are taken so that each may be taken by several:
//! `shared.rs` says how. [`Log::append`] then tries again, on what the others made of the log, until its records are in.
//!
//! Trusted here: the store's lock and compare-and-swap, and that nobody else writes to `.local`. A writer that
//! finds the published checkpoint behind the committed one stops: it would sign a fork.

mod among;
mod commit;
mod edge;
mod error;
mod index;
mod shared;
pub mod staging;

use std::time::Duration;

use crate::base::{Hash, PublicKey, Signature, parallel};
use crate::keys::KeyError;
use crate::note::{Checkpoint, Origin, Policy};
use crate::record::{Body, Entry, Kind, SealedEntry, State, layout};
use crate::storage::{Key, Object, Store, StoreError};
use crate::tlog::empty_root;

pub use error::{AppendError, OpenError};
pub use staging::ASIDE;

use edge::Edge;
use index::Index;

/// Where the checkpoint that was committed last lies; the published one follows it.
pub const COMMITTED: &str = ".local/checkpoint";
/// Where the staged bundle lies.
pub const STAGING: &str = ".local/staging";

/// A log, opened for writing.
pub struct Log<'a> {
    store: &'a dyn Store,
    policy: &'a Policy,
    head: Head,
    edge: Edge,
    index: Index,
    state: State,
    usable: bool,
    roots: Vec<PublicKey>,
    /// The openings that the next append continues, if no other writer does.
    last_openings: commit::LastOpenings,
    /// What the last commit left to be cleaned.
    left: Option<commit::Leftovers>,
    /// How long the last commit took, where other writers were seen at work: what is left to them.
    contended: Option<Duration>,
}

/// What was read of a log that was let go.
#[derive(Debug)]
pub struct Resting {
    head: Head,
    edge: Edge,
    index: Index,
    state: State,
    roots: Vec<PublicKey>,
    last_openings: commit::LastOpenings,
}

/// The last committed checkpoint; `bytes` is `None` before the first.
#[derive(Debug, Clone)]
struct Head {
    checkpoint: Checkpoint,
    bytes: Option<Vec<u8>>,
}

/// A record to be appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRecord {
    /// The signed entry and its openings.
    pub entry: SealedEntry,
    /// The original, if it is to be stored.
    pub content: Option<Vec<u8>>,
}

/// A change of the openings of entries that are in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OpeningChange {
    /// An opening is put beside the log that was kept back until now, in its RFC 9901 spelling.
    Reveal {
        /// The entry that commits to it.
        entry: u64,
        /// The opening.
        opening: String,
    },
    /// Openings are removed.
    Erase {
        /// The entry that commits to them.
        entry: u64,
        /// Their digests.
        commitments: Vec<String>,
    },
}

impl OpeningChange {
    fn entry(&self) -> u64 {
        match self {
            OpeningChange::Reveal { entry, .. } | OpeningChange::Erase { entry, .. } => *entry,
        }
    }
}

/// What became of one record of an append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// It is the entry at this index now.
    Registered(u64),
    /// Its original was registered before, as the entry at this index.
    AlreadyRegistered(u64),
}

impl Appended {
    /// Returns the index of the entry, new or not.
    pub fn index(&self) -> u64 {
        match self {
            Appended::Registered(index) | Appended::AlreadyRegistered(index) => *index,
        }
    }
}

/// Signs a checkpoint with the log's key.
pub type SignCheckpoint<'s> = &'s mut dyn FnMut(&[u8]) -> Result<Signature, KeyError>;

/// The name of an object that this module makes up itself.
fn key(name: &str) -> Key {
    Key::new(name).expect("internal error: a name of the layout is not an object name")
}

impl<'a> Log<'a> {
    /// Begins a log under `policy`, which must trust exactly one log, its origin. Nothing is written yet: the first
    /// append does that.
    ///
    /// # Errors
    /// [`OpenError::Exists`] if there is a checkpoint already; [`OpenError::Store`].
    pub fn create(
        store: &'a dyn Store,
        policy: &'a Policy,
        origin: Origin,
        roots: &[PublicKey],
    ) -> Result<Self, OpenError> {
        for name in [layout::CHECKPOINT, COMMITTED] {
            if store.get(&key(name), crate::base::limits::NOTE_MAX_BYTES as u64)?.is_some() {
                return Err(OpenError::Exists);
            }
        }
        let checkpoint = Checkpoint::new(origin, 0, empty_root());
        let checkpoint = checkpoint.expect("internal error: the empty tree has the empty root");
        let head = Head { checkpoint, bytes: None };
        let state = State::new(roots.iter().copied());
        let (edge, index) = (Edge::default(), Index::default());
        Ok(Log::at(store, policy, head, edge, index, state, roots))
    }

    fn at(
        store: &'a dyn Store,
        policy: &'a Policy,
        head: Head,
        edge: Edge,
        index: Index,
        state: State,
        roots: &[PublicKey],
    ) -> Self {
        let (roots, last_openings, left, contended) = (roots.to_vec(), None, None, None);
        let usable = true;
        Log { store, policy, head, edge, index, state, usable, roots, last_openings, left, contended }
    }

    /// Opens a log, after finishing a commit that was interrupted. Costs some dozen small files, and a signature for each statement
    /// about a key; one pass over all entries where `.local` is not there, as in a copy, to know which originals and keys
    /// are in it.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(store: &'a dyn Store, policy: &'a Policy, roots: &[PublicKey]) -> Result<Self, OpenError> {
        Log::open_telling(store, policy, roots, &|_, _| {})
    }

    /// As [`Log::open`]. Where entries have to be read, `progress` is told how many are done, and of how many.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open_telling(
        store: &'a dyn Store,
        policy: &'a Policy,
        roots: &[PublicKey],
        progress: &dyn Fn(u64, u64),
    ) -> Result<Self, OpenError> {
        let open = || {
            let head = match store.own() {
                Some(_) => shared::recover(store, policy)?,
                None => commit::recover(store, policy)?,
            };
            let edge = Edge::load(store, &head.checkpoint)?;
            let mut state = State::new(roots.iter().copied());
            let index = Index::load(store, &head.checkpoint, &edge, &mut state, progress)?;
            Ok(Log::at(store, policy, head, edge, index, state, roots))
        };
        match store.own() {
            Some(_) => shared::until_it_stands(store, open),
            None => open(),
        }
    }

    /// Lets the log go, and keeps what was read of it for [`Log::resume`]; `None` where that may no longer be true, and where others
    /// write without a lock. It takes the last bundle, the last file of openings and the statements about keys.
    pub fn rest(mut self) -> Option<Resting> {
        let is_known = self.usable && self.left.is_none() && self.store.own().is_none();
        is_known.then(|| {
            self.index.forget_recent();
            let Log { head, edge, index, state, roots, last_openings, .. } = self;
            Resting { head, edge, index, state, roots, last_openings }
        })
    }

    /// Opens a log as it was let go; `None` if the policy does not take its checkpoint, if anybody wrote to it meanwhile, or left a
    /// commit to be finished: then [`Log::open`] does it. Costs two checkpoints and the last file of openings.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn resume(
        store: &'a dyn Store,
        policy: &'a Policy,
        resting: Resting,
    ) -> Result<Option<Self>, StoreError> {
        let Resting { head, edge, index, state, roots, last_openings } = resting;
        if store.own().is_some() || !commit::is_where_it_was(store, policy, &head)? {
            return Ok(None);
        }
        // Openings are revealed and erased without a checkpoint.
        let last_openings = commit::unchanged(store, last_openings)?;
        let log = Log::at(store, policy, head, edge, index, state, &roots);
        Ok(Some(Log { last_openings, ..log }))
    }

    /// Where the index of originals lies.
    fn own(&self) -> &'a dyn Store {
        self.store.own().unwrap_or(self.store)
    }

    /// Returns the number of entries.
    pub fn size(&self) -> u64 {
        self.head.checkpoint.size()
    }

    /// Returns the checkpoint that was committed last.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.head.checkpoint
    }

    /// Returns who may sign the next entry.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Returns the index at which a document with this original was registered first. Costs reading some dozen pages. After an
    /// append that failed the answer means nothing, as nothing does.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn find_original(&self, original: &Hash) -> Result<Option<u64>, StoreError> {
        self.index.find(self.own(), original)
    }

    /// Appends `records` in one commit, in order. A registration whose original is in the log already, or earlier in
    /// `records`, is not appended again. `sign` signs the new checkpoint, once. Costs O(new + log size) hashes, and
    /// writes the tiles and bundles that the growth touches.
    ///
    /// On a store that others write to at the same time, who is overtaken tries again on what they made of the log,
    /// with a checkpoint to be signed each time; a record that was found to be in the log by then, byte for byte, is not
    /// appended again.
    ///
    /// # Errors
    /// [`AppendError`]; its variants say whether the records are in the log.
    pub fn append(
        &mut self,
        records: Vec<NewRecord>,
        sign: SignCheckpoint<'_>,
    ) -> Result<Vec<Appended>, AppendError> {
        let appended = self.append_uncleaned(records, sign)?;
        self.clean()?;
        Ok(appended)
    }

    /// As [`Log::append`], but for cleaning, as nobody who waits for a record need wait for that: [`Log::clean`] does it, or the
    /// next append, or whoever opens the log next.
    ///
    /// # Errors
    /// [`AppendError`]; its variants say whether the records are in the log.
    pub fn append_uncleaned(
        &mut self,
        records: Vec<NewRecord>,
        sign: SignCheckpoint<'_>,
    ) -> Result<Vec<Appended>, AppendError> {
        self.clean_before().map_err(AppendError::NotAppended)?;
        if !self.usable {
            return Err(AppendError::Unusable);
        }
        if let Err(error) = parallel::try_each(&records, |_, record| check_content(record)) {
            self.usable = false;
            return Err(error);
        }
        match self.store.own() {
            Some(own) => self.append_among_others(own, records, sign),
            None => self.append_here(records, sign, commit::Commit::carry_out),
        }
    }

    /// Removes what the last commit left behind.
    ///
    /// # Errors
    /// [`AppendError::Unpublished`], though it is published: the log must be opened again.
    pub fn clean(&mut self) -> Result<(), AppendError> {
        let first_index = self.left.as_ref().map_or(0, commit::Leftovers::first_index);
        self.clean_before().map_err(|source| AppendError::Unpublished { first_index, source })
    }

    /// The same, before anything else is done.
    fn clean_before(&mut self) -> Result<(), StoreError> {
        let Some(left) = self.left.take() else { return Ok(()) };
        left.clean(self.store).inspect_err(|_| self.usable = false)
    }

    /// Appends in one commit, which `carry_out` carries out.
    fn append_here(
        &mut self,
        records: Vec<NewRecord>,
        sign: SignCheckpoint<'_>,
        carry_out: impl FnOnce(commit::Commit, &dyn Store, &Head) -> Result<commit::Carried, AppendError>,
    ) -> Result<Vec<Appended>, AppendError> {
        self.usable = false;
        let known = parallel::map(&records, |record| match &record.entry.original {
            Some(original) => self.find_original(original),
            None => Ok(None),
        });
        let known: Result<Vec<Option<u64>>, StoreError> = known.into_iter().collect();
        let mut outcomes = Vec::with_capacity(records.len());
        let mut fresh = Vec::with_capacity(records.len());
        let mut state = self.state.clone();
        for (record, known) in records.into_iter().zip(known.map_err(AppendError::NotAppended)?) {
            let earlier = || self.index.find_recent(&record.entry.original?);
            if let Some(index) = known.or_else(earlier) {
                outcomes.push(Appended::AlreadyRegistered(index));
                continue;
            }
            let index = self.size() + fresh.len() as u64;
            state.authorise(&record.entry.key_id(), record.entry.kind)?;
            match record.entry.kind {
                Kind::Key => match Entry::parse(&record.entry.bytes)?.body {
                    Body::Key(statement) => {
                        state.apply(&statement, &record.entry.key_id())?;
                    }
                    _ => unreachable!("internal error: a statement about a key was sealed as another"),
                },
                _ => state.advance(),
            }
            self.index.push(index, &record);
            outcomes.push(Appended::Registered(index));
            fresh.push(record);
        }
        if !fresh.is_empty() {
            let kept = (&mut self.edge, &mut self.index, &mut self.last_openings);
            let commit = commit::prepare(self.store, self.policy, &self.head, kept, fresh, sign)?;
            let done = carry_out(commit, self.store, &self.head)?;
            (self.head, self.left) = (done.head, done.left);
            self.edge.give_back(done.bundle);
            self.last_openings = done.last_openings.or(self.last_openings.take());
            self.state = state;
        }
        self.usable = true;
        Ok(outcomes)
    }

    /// Reveals or erases openings of entries that are in the log, once what is said of that is published: a reader finds
    /// either what he found before, or what the statement tells him. Each file is replaced as a whole, so that doing it
    /// again finishes what was cut off. Costs a file of openings for each 256 entries concerned.
    ///
    /// # Errors
    /// [`AppendError::NotAppended`] if they may be as before; [`AppendError::Openings`].
    pub fn change_openings(&mut self, changes: &[OpeningChange]) -> Result<(), AppendError> {
        if self.store.own().is_some() {
            shared::change_openings(self.store, self.size(), changes).map_err(AppendError::NotAppended)?;
            let cleaned = shared::clean(self.store, self.size(), None);
            return cleaned.map(drop).map_err(AppendError::NotAppended);
        }
        self.clean_before().map_err(AppendError::NotAppended)?;
        self.last_openings = None;
        let mut objects = commit::changed_openings(self.store, self.size(), changes)?;
        if objects.is_empty() {
            return Ok(());
        }
        // What the last commit staged was removed, but that need not be on the disk yet: after a power cut it would be
        // applied again, with the openings as they were. What cannot be read is not.
        objects.push(Object { key: key(STAGING), bytes: Vec::new() });
        self.store.put(&objects).map_err(AppendError::NotAppended)?;
        self.store.delete(&[key(STAGING)]).map_err(AppendError::NotAppended)
    }
}

/// Refuses a record with the bytes of another document.
fn check_content(record: &NewRecord) -> Result<(), AppendError> {
    if let (Some(expected), Some(content)) = (record.entry.original, &record.content) {
        let found = Hash::of(content);
        if found != expected {
            return Err(AppendError::Content { expected, found });
        }
    }
    Ok(())
}

/// Reads an object that must be there.
fn must_get(store: &dyn Store, path: String, limit: usize) -> Result<Vec<u8>, OpenError> {
    let found: Result<_, StoreError> = store.get(&key(&path), limit as u64);
    found?.ok_or(OpenError::Missing { path })
}
