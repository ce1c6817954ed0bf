//! Layer 4: the writer.
//!
//! A commit goes through five steps, each durable before the next:
//!
//! 1. **stage**: one object, `.local/staging`, with all that will be written ([`staging`]);
//! 2. **commit**: `.local/checkpoint` moves by compare-and-swap from the old checkpoint to the new. From here on the
//!    records are in the log, whatever happens;
//! 3. **apply**: tiles, entry bundles, originals, openings, from the staged bundle, by the code that recovery runs;
//! 4. **publish**: `checkpoint` is replaced. From here on readers see the records;
//! 5. **clean**: partial tiles that no checkpoint needs any more go, and the staged bundle.
//!
//! A crash before 2 leaves the old log, after 2 the new one: [`Log::open`] finishes what it finds. After any error
//! the [`Log`] refuses to go on, since what it has in memory may no longer be true.
//!
//! Trusted here: the store's lock and compare-and-swap, and that nobody else writes to `.local`. A writer that
//! finds the published checkpoint behind the committed one stops: it would sign a fork.

mod commit;
mod edge;
mod error;
mod originals;
pub mod staging;

use std::collections::HashMap;

use rayon::prelude::*;

use crate::attest::{SignerKeys, verify_signatures};
use crate::base::{Hash, PublicKey, Signature};
use crate::keys::KeyError;
use crate::note::{Checkpoint, Origin, Policy};
use crate::record::{Body, Entry, EntryError, NewEntry, State, layout};
use crate::storage::{Key, Store, StoreError};
use crate::tlog::empty_root;

pub use error::{AppendError, OpenError};

use edge::Edge;

/// Where the checkpoint that was committed last lies; the published one follows it.
pub const COMMITTED: &str = ".local/checkpoint";
/// Where the staged bundle lies.
pub const STAGING: &str = ".local/staging";

/// Signatures that are checked together, so that they share what they can.
const CHECKED_TOGETHER: usize = 64;

/// A log, opened for writing.
pub struct Log<'a> {
    store: &'a dyn Store,
    policy: &'a Policy,
    head: Head,
    edge: Edge,
    originals: HashMap<Hash, u64>,
    state: State,
    /// The keys whose signatures were checked.
    signers: SignerKeys,
    usable: bool,
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
    pub entry: NewEntry,
    /// The original, if it is to be stored.
    pub content: Option<Vec<u8>>,
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
        let (edge, originals, signers) = (Edge::default(), HashMap::new(), SignerKeys::default());
        Ok(Log { store, policy, head, edge, originals, state, signers, usable: true })
    }

    /// Opens a log, after finishing a commit that was interrupted. Costs one pass over all entries, to know which
    /// originals and keys are in it.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(store: &'a dyn Store, policy: &'a Policy, roots: &[PublicKey]) -> Result<Self, OpenError> {
        let head = commit::recover(store, policy)?;
        let edge = Edge::load(store, &head.checkpoint)?;
        let mut state = State::new(roots.iter().copied());
        let originals = originals::scan(store, head.checkpoint.size(), &mut state)?;
        let signers = SignerKeys::default();
        Ok(Log { store, policy, head, edge, originals, state, signers, usable: true })
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

    /// Returns the index at which a document with this original was registered first.
    pub fn find_original(&self, original: &Hash) -> Option<u64> {
        self.originals.get(original).copied()
    }

    /// Appends `records` in one commit, in order. A registration whose original is in the log already, or earlier in
    /// `records`, is not appended again. `sign` signs the new checkpoint, once. Costs O(new + log size) hashes, and
    /// writes the tiles and bundles that the growth touches.
    ///
    /// # Errors
    /// [`AppendError`]; its variants say whether the records are in the log.
    pub fn append(
        &mut self,
        records: Vec<NewRecord>,
        sign: SignCheckpoint<'_>,
    ) -> Result<Vec<Appended>, AppendError> {
        if !std::mem::replace(&mut self.usable, false) {
            return Err(AppendError::Unusable);
        }
        let entries: Vec<Entry> = records.par_iter().map(check).collect::<Result<_, AppendError>>()?;
        let mut outcomes = Vec::with_capacity(records.len());
        let (mut fresh, mut signed) = (Vec::new(), Vec::new());
        let (mut state, mut originals) = (self.state.clone(), HashMap::new());
        for (record, entry) in records.into_iter().zip(entries) {
            let original = entry.original();
            let known = original.and_then(|original| {
                self.originals.get(&original).or_else(|| originals.get(&original)).copied()
            });
            if let Some(index) = known {
                outcomes.push(Appended::AlreadyRegistered(index));
                continue;
            }
            let index = self.size() + fresh.len() as u64;
            let key = state.authorise(&entry.envelope.key_id(), record.entry.kind)?;
            match &entry.body {
                Body::Key(statement) => state.apply(statement)?,
                _ => state.advance(),
            }
            originals.extend(original.map(|original| (original, index)));
            outcomes.push(Appended::Registered(index));
            fresh.push(record);
            let key = self.signers.get(key.key_id(), key);
            signed.push((entry.envelope, key));
        }
        signed.par_chunks(CHECKED_TOGETHER).try_for_each(|some| {
            let some: Vec<_> = some.iter().map(|(envelope, key)| (envelope, key)).collect();
            verify_signatures(&some).into_iter().try_for_each(|answer| answer.map_err(EntryError::from))
        })?;
        if !fresh.is_empty() {
            let commit = commit::prepare(self.store, self.policy, &self.head, &self.edge, fresh, sign)?;
            (self.head, self.edge) = commit.carry_out(self.store, &self.head)?;
            self.originals.extend(originals);
            self.state = state;
        }
        self.usable = true;
        Ok(outcomes)
    }
}

/// Takes a new record apart, and refuses one whose parts contradict each other.
fn check(record: &NewRecord) -> Result<Entry, AppendError> {
    let NewEntry { kind, bytes, original, .. } = &record.entry;
    let entry = Entry::parse(bytes)?;
    if entry.kind() != Some(*kind) || entry.original() != *original {
        return Err(EntryError::Subject { kind: *kind }.into());
    }
    if let (Some(expected), Some(content)) = (*original, &record.content) {
        let found = Hash::of(content);
        if found != expected {
            return Err(AppendError::Content { expected, found });
        }
    }
    Ok(entry)
}

/// Reads an object that must be there.
fn must_get(store: &dyn Store, path: String, limit: usize) -> Result<Vec<u8>, OpenError> {
    let found: Result<_, StoreError> = store.get(&key(&path), limit as u64);
    found?.ok_or(OpenError::Missing { path })
}
