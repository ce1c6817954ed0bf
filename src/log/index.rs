//! Which documents, and which statements about keys, are in the log already.
//!
//! Derived from the log and kept beside it, so that to open a log costs the same whatever its size. It covers full
//! bundles; the entries after them are read when the log is opened.
//!
//! - `.local/index`, JSON: how many entries are covered, and the root of these, by which an index is known to be of this
//!   log; the statements about keys among them, whole, as who may sign follows from them; how many originals each run has;
//! - `.local/originals/<level>/<number>`: a [run](Run) of the originals of 256·4^level entries, for levels up to 6. Four
//!   runs of a level become one of the next, so that a log of ten million entries has about twenty.
//!
//! A commit that completes a bundle writes what changes here in the same step. What is missing, or belongs to another log, is made
//! again from the entries when the log is opened. It is trusted as the rest of `.local` is: nobody else writes there.

mod run;

use std::collections::HashMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::base::Hash;
use crate::base::encoding::{from_base64, to_base64};
use crate::note::Checkpoint;
use crate::record::{Body, Entry, Kind, State};
use crate::storage::{Object, Store, StoreError};
use crate::tlog::bundle::BUNDLE_MAX_BYTES;
use crate::tlog::{EntryBundle, bundles_of};

use super::edge::{Edge, root_at};
use super::{NewRecord, OpenError, key, must_get};

pub(super) use run::paths_of;
use run::{Run, Span, TOP, spans_of};

/// Where the index says what it covers.
const INDEX: &str = ".local/index";
/// What the index says of its form.
const FORMAT: &str = "dateline-index/1";
/// Entries of a full bundle.
const BUNDLE: u64 = crate::tlog::tile::FULL as u64;
/// Bundles that are read and taken apart at a time: bounds the memory at 16 MiB each.
const AT_A_TIME: usize = 16;

/// The originals and the statements about keys of a log.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// Oldest first.
    runs: Vec<Run>,
    /// Entries that the runs cover.
    covered: u64,
    /// The originals of the entries that the runs do not cover, in their order.
    tail: Vec<(Hash, u64)>,
    /// The statements about keys, of all entries.
    keys: Vec<(u64, Vec<u8>)>,
    /// First registration of each original of the entries from `recent_from` on.
    recent: HashMap<Hash, u64>,
    recent_from: u64,
}

/// The wire form of `.local/index`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Wire {
    format: String,
    size: u64,
    root_hash: Hash,
    /// How many originals each run has, oldest first.
    originals: Vec<u64>,
    keys: Vec<WireKey>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireKey {
    index: u64,
    /// The entry, in base64.
    entry: String,
}

impl Index {
    /// Loads the index of the log at `checkpoint`, whose right edge is `edge`, folds the statements about keys into
    /// `state`, and makes again what is missing of it.
    pub(super) fn load(
        store: &dyn Store,
        checkpoint: &Checkpoint,
        edge: &Edge,
        state: &mut State,
        progress: &dyn Fn(u64, u64),
    ) -> Result<Self, OpenError> {
        let full = edge.entries_in_full_bundles();
        // Where several write, each keeps its own.
        let own = store.own().unwrap_or(store);
        let mut index = match Self::read(store, checkpoint, edge)? {
            Some(index) => index,
            None => {
                let unusable = own.list(run::FOLDER)?.keys;
                if !unusable.is_empty() {
                    own.delete(&unusable)?;
                }
                Self::default()
            }
        };
        let longest = Span { level: TOP, number: 0 }.entries();
        while index.covered < full {
            // Made in parts, so that a long making that is interrupted goes on where it was.
            let end = full.min((index.covered / longest + 1) * longest);
            index.scan(store, end, &|done| progress(done, full))?;
            let stale = index.run_paths();
            let changed = index.cover(own, end, root_at(store, checkpoint, end)?)?;
            own.put(&changed)?;
            let kept = index.run_paths();
            let stale: Vec<_> =
                stale.iter().filter(|path| !kept.contains(path)).map(|path| key(path)).collect();
            own.delete(&stale)?;
        }
        index.recent_from = full;
        index.fold(edge, checkpoint.size(), state)?;
        Ok(index)
    }

    /// Reads the index; `None` if there is none that can be used for this log.
    fn read(store: &dyn Store, checkpoint: &Checkpoint, edge: &Edge) -> Result<Option<Self>, OpenError> {
        let own = store.own().unwrap_or(store);
        let bytes = own.get(&key(INDEX), u64::MAX)?.unwrap_or_default();
        let Ok(Wire { format, size, root_hash, originals, keys }) = serde_json::from_slice(&bytes) else {
            return Ok(None);
        };
        let spans = spans_of(size / BUNDLE);
        let fits = format == FORMAT
            && size > 0
            && size % BUNDLE == 0
            && size <= checkpoint.size()
            && spans.len() == originals.len();
        let of_this_log = || -> Result<bool, OpenError> {
            // Nearly always it is where the edge is, and nothing need be read.
            let root = match size == edge.entries_in_full_bundles() {
                true => edge.root_of_full_bundles(),
                false => root_at(store, checkpoint, size)?,
            };
            Ok(root == root_hash)
        };
        let keys: Option<Vec<(u64, Vec<u8>)>> = keys
            .into_iter()
            .map(|WireKey { index, entry }| Some((index, from_base64(&entry).ok()?)))
            .collect();
        let Some(keys) = keys.filter(|_| fits) else { return Ok(None) };
        if !of_this_log()? {
            return Ok(None);
        }
        let runs: Vec<Run> =
            spans.into_iter().zip(originals).map(|(span, count)| Run::new(span, count)).collect();
        for run in &runs {
            if !run.is_whole(own)? {
                return Ok(None);
            }
        }
        Ok(Some(Index { runs, covered: size, keys, ..Self::default() }))
    }

    /// Reads the entries up to `end`, the end of a bundle, that are not covered.
    fn scan(&mut self, store: &dyn Store, end: u64, progress: &dyn Fn(u64)) -> Result<(), OpenError> {
        let bundles: Vec<_> = bundles_of(end).skip((self.covered / BUNDLE) as usize).collect();
        for some in bundles.chunks(AT_A_TIME) {
            let read: Vec<Result<Vec<Kept>, OpenError>> =
                some.par_iter().map(|bundle| take_apart(store, *bundle)).collect();
            for (bundle, kept) in some.iter().zip(read) {
                for (index, kept) in (bundle.first_entry()..).zip(kept?) {
                    self.keep(index, kept);
                }
                progress(bundle.first_entry() + BUNDLE);
            }
        }
        Ok(())
    }

    fn keep(&mut self, index: u64, kept: Kept) {
        match kept {
            Kept::Original(original) => self.tail.push((original, index)),
            Kept::Key(bytes) => self.keys.push((index, bytes)),
            Kept::Nothing => {}
        }
    }

    /// Folds the statements about keys into `state`, and reads the entries after the last full bundle.
    fn fold(&mut self, edge: &Edge, size: u64, state: &mut State) -> Result<(), OpenError> {
        for (index, kept) in (self.covered..).zip(edge.map_entries(kept_of)?) {
            if let Kept::Original(original) = kept {
                self.recent.entry(original).or_insert(index);
            }
            self.keep(index, kept);
        }
        for (index, bytes) in &self.keys {
            let entry = Entry::parse(bytes).map_err(|source| OpenError::Entry { index: *index, source })?;
            state.skip_to(*index);
            fold(state, &entry);
        }
        state.skip_to(size);
        Ok(())
    }

    /// Returns the index at which a document with this original was registered first. Costs reading a page or two of each run.
    pub(super) fn find(&self, store: &dyn Store, original: &Hash) -> Result<Option<u64>, StoreError> {
        for run in self.runs.iter().take_while(|run| run.span().first_entry() < self.recent_from) {
            if let Some(index) = run.find(store, original)? {
                return Ok(Some(index));
            }
        }
        Ok(self.find_recent(original))
    }

    /// As [`Index::find`], among what was appended since the log was opened, and little more.
    pub(super) fn find_recent(&self, original: &Hash) -> Option<u64> {
        self.recent.get(original).copied()
    }

    /// Forgets what the runs have, and what was loaded of them: they are asked for it from now on, as when the log is opened.
    pub(super) fn forget_recent(&mut self) {
        self.runs.iter_mut().for_each(|run| *run = Run::new(run.span(), run.count()));
        self.recent_from = self.covered;
        self.recent.retain(|_, index| *index >= self.recent_from);
    }

    /// Takes note of a record that will be the entry at `index`.
    pub(super) fn push(&mut self, index: u64, record: &NewRecord) {
        if let Some(original) = record.entry.original {
            self.tail.push((original, index));
            self.recent.entry(original).or_insert(index);
        }
        if record.entry.kind == Kind::Key {
            self.keys.push((index, record.entry.bytes.clone()));
        }
    }

    /// Covers the entries up to `end`, the end of a bundle, whose root is `root`; returns what changes on the disk.
    pub(super) fn cover(
        &mut self,
        store: &dyn Store,
        end: u64,
        root: Hash,
    ) -> Result<Vec<Object>, StoreError> {
        if end <= self.covered {
            return Ok(Vec::new());
        }
        let mut objects = Vec::new();
        let mut before = std::mem::take(&mut self.runs).into_iter().peekable();
        for span in spans_of(end / BUNDLE) {
            let mut inside = Vec::new();
            while let Some(run) = before.next_if(|run| span.contains(&run.span())) {
                inside.push(run);
            }
            if let [run] = inside.as_slice()
                && run.span() == span
            {
                self.runs.append(&mut inside);
                continue;
            }
            let later = self.tail.iter().filter(|(_, index)| span.has(*index));
            let (run, bytes) = Run::merge(store, span, &inside, later)?;
            objects.push(Object { key: key(&span.path()), bytes });
            self.runs.push(run);
        }
        self.tail.retain(|(_, index)| *index >= end);
        self.covered = end;
        let keys = self.keys.iter().filter(|(index, _)| *index < end);
        let wire = Wire {
            format: FORMAT.into(),
            size: end,
            root_hash: root,
            originals: self.runs.iter().map(Run::count).collect(),
            keys: keys.map(|(index, bytes)| WireKey { index: *index, entry: to_base64(bytes) }).collect(),
        };
        let bytes = serde_json::to_vec(&wire).expect("internal error: an index does not make JSON");
        objects.push(Object { key: key(INDEX), bytes });
        Ok(objects)
    }

    fn run_paths(&self) -> Vec<String> {
        self.runs.iter().map(|run| run.span().path()).collect()
    }
}

/// What is kept of one entry.
enum Kept {
    Original(Hash),
    Key(Vec<u8>),
    Nothing,
}

fn kept_of(index: u64, bytes: &[u8]) -> Result<Kept, OpenError> {
    let entry = Entry::parse(bytes).map_err(|source| OpenError::Entry { index, source })?;
    Ok(match (entry.original(), &entry.body) {
        (Some(original), _) => Kept::Original(original),
        (None, Body::Key(_)) => Kept::Key(bytes.to_vec()),
        _ => Kept::Nothing,
    })
}

fn take_apart(store: &dyn Store, bundle: EntryBundle) -> Result<Vec<Kept>, OpenError> {
    let path = bundle.path();
    let bytes = must_get(store, path.clone(), BUNDLE_MAX_BYTES)?;
    let entries = bundle.entries(&bytes).map_err(|source| OpenError::Bundle { path, source })?;
    (bundle.first_entry()..).zip(entries).map(|(index, bytes)| kept_of(index, bytes)).collect()
}

/// Folds a statement about a key. One that no root key signed, or that cannot stand, is the auditor's to report; it
/// changes no key, or this writer would sign what no reader accepts.
fn fold(state: &mut State, entry: &Entry) {
    let root = state.authorise(&entry.envelope.key_id(), Kind::Key);
    match &entry.body {
        Body::Key(statement) if root.is_ok_and(|root| entry.envelope.verify(&root).is_ok()) => {
            let _ = state.apply(statement, &entry.envelope.key_id());
        }
        _ => state.advance(),
    }
}
