//! Which documents, and which keys, are in the log already.

use std::collections::HashMap;

use rayon::prelude::*;

use crate::base::Hash;
use crate::record::{Body, Entry, Kind, State};
use crate::storage::Store;
use crate::tlog::bundle::BUNDLE_MAX_BYTES;
use crate::tlog::{EntryBundle, bundles_of};

use super::{OpenError, must_get};

/// Bundles that are read and taken apart at a time: bounds the memory at 16 MiB each.
const AT_A_TIME: usize = 16;

/// What is kept of one entry.
enum Kept {
    Original(Hash),
    Key(Box<Entry>),
    Nothing,
}

/// Reads all `size` entries, folds the statements about keys into `state`, and returns the index of the first
/// registration of each original.
pub(super) fn scan(store: &dyn Store, size: u64, state: &mut State) -> Result<HashMap<Hash, u64>, OpenError> {
    let mut originals = HashMap::new();
    let bundles: Vec<_> = bundles_of(size).collect();
    for some in bundles.chunks(AT_A_TIME) {
        let read: Vec<Result<Vec<Kept>, OpenError>> =
            some.par_iter().map(|bundle| take_apart(store, *bundle)).collect();
        for kept in read {
            for kept in kept? {
                let index = state.size();
                match kept {
                    Kept::Original(original) => {
                        originals.entry(original).or_insert(index);
                        state.advance();
                    }
                    Kept::Key(entry) => fold(state, &entry),
                    Kept::Nothing => state.advance(),
                }
            }
        }
    }
    Ok(originals)
}

/// Folds a statement about a key. One that no root key signed, or that cannot stand, is the auditor's to report; it
/// changes no key, or this writer would sign what no reader accepts.
fn fold(state: &mut State, entry: &Entry) {
    let root = state.authorise(&entry.envelope.key_id(), Kind::Key);
    match &entry.body {
        Body::Key(statement) if root.is_ok_and(|root| entry.envelope.verify(&root).is_ok()) => {
            let _ = state.apply(statement);
        }
        _ => state.advance(),
    }
}

fn take_apart(store: &dyn Store, bundle: EntryBundle) -> Result<Vec<Kept>, OpenError> {
    let path = bundle.path();
    let bytes = must_get(store, path.clone(), BUNDLE_MAX_BYTES)?;
    let entries = bundle.entries(&bytes).map_err(|source| OpenError::Bundle { path, source })?;
    let mut kept = Vec::with_capacity(entries.len());
    for (index, bytes) in (bundle.first_entry()..).zip(entries) {
        let entry = Entry::parse(bytes).map_err(|source| OpenError::Entry { index, source })?;
        kept.push(match (entry.original(), &entry.body) {
            (Some(original), _) => Kept::Original(original),
            (None, Body::Key(_)) => Kept::Key(Box::new(entry)),
            _ => Kept::Nothing,
        });
    }
    Ok(kept)
}
