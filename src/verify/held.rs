//! A log whose edge is read at once, for a reader who was overtaken.
//!
//! A writer who publishes removes the partial tiles of the log before, and they are what a reader comes to last. Where
//! somebody always writes, one who began again in the same way would be overtaken again and again; so he reads them
//! first, together with the checkpoint that they belong to, and holds them. All else that the checkpoint implies stays.

use std::collections::HashMap;

use crate::base::Hash;
use crate::base::limits::NOTE_MAX_BYTES;
use crate::note::Policy;
use crate::record::layout;
use crate::storage::{Key, Listing, Store, StoreError};
use crate::tlog::EntryBundle;
use crate::tlog::bundle::BUNDLE_MAX_BYTES;
use crate::tlog::tile::partial_tiles_of;

use super::memory::open_signed;

/// A store in front of another, which answers for the checkpoint and the edge as they were.
pub(super) struct Held<'a> {
    store: &'a dyn Store,
    edge: HashMap<Key, Vec<u8>>,
}

impl<'a> Held<'a> {
    /// Reads the checkpoint, the partial tiles and the partial bundle: at most one file a level. What cannot be read is
    /// not held, and is the reader's to find.
    pub(super) fn new(store: &'a dyn Store, policy: &Policy) -> Self {
        let mut held = Held { store, edge: HashMap::new() };
        let note = held.hold(layout::CHECKPOINT.to_owned(), NOTE_MAX_BYTES).cloned();
        let opened = note.and_then(|note| open_signed(policy, &note));
        let size = opened.map_or(0, |opened| opened.checkpoint().size());
        for tile in partial_tiles_of(size) {
            held.hold(tile.path(), usize::from(tile.width()) * Hash::BYTES);
        }
        if let Some(bundle) = EntryBundle::of_size(size / layout::ENTRIES_PER_FILE, size) {
            held.hold(bundle.path(), BUNDLE_MAX_BYTES);
        }
        held
    }

    fn hold(&mut self, path: String, limit: usize) -> Option<&Vec<u8>> {
        let key = Key::new(path).expect("internal error: a name of the layout is not an object name");
        let bytes = self.store.get(&key, limit as u64).ok().flatten()?;
        Some(self.edge.entry(key).or_insert(bytes))
    }
}

impl Store for Held<'_> {
    fn get(&self, key: &Key, limit: u64) -> Result<Option<Vec<u8>>, StoreError> {
        match self.edge.get(key).filter(|bytes| bytes.len() as u64 <= limit) {
            Some(bytes) => Ok(Some(bytes.clone())),
            None => self.store.get(key, limit),
        }
    }

    fn list(&self, folder: &str) -> Result<Listing, StoreError> {
        self.store.list(folder)
    }

    fn lists(&self) -> bool {
        self.store.lists()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::SigningKey;
    use crate::note::{Checkpoint, KeyName, Note, Origin, VerifierKey};
    use crate::storage::{MemoryStore, Object};

    #[test]
    fn what_is_removed_meanwhile_is_still_there() {
        let name = "example.org/log";
        let signer = SigningKey::from_seed(&zeroize::Zeroizing::new([7; 32]));
        let vkey = VerifierKey::ed25519(KeyName::new(name).unwrap(), signer.public());
        let checkpoint = Checkpoint::new(Origin::new(name).unwrap(), 600, Hash([1; 32])).unwrap().format();
        let note = Note::signed(&checkpoint, &vkey, &signer.sign(checkpoint.as_bytes())).unwrap();
        let store = MemoryStore::default();
        let put = |name: &str, bytes: &[u8]| {
            store.put(&[Object { key: Key::new(name).unwrap(), bytes: bytes.to_vec() }]).unwrap();
        };
        put("checkpoint", note.format().as_bytes());
        let edge =
            ["tile/0/002.p/88", "tile/1/000.p/2", "tile/entries/002.p/88"].map(|n| Key::new(n).unwrap());
        edge.iter().for_each(|key| put(key.as_str(), b"edge"));
        put("tile/0/001", b"full");
        let held = Held::new(&store, &Policy::of_log(vkey).unwrap());
        put("checkpoint", b"newer");
        let full = Key::new("tile/0/001").unwrap();
        store.delete(&edge).unwrap();
        store.delete(std::slice::from_ref(&full)).unwrap();
        for key in &edge {
            assert_eq!(held.get(key, 99).unwrap().as_deref(), Some(&b"edge"[..]), "{key}");
        }
        assert_eq!(held.get(&full, 99).unwrap(), None);
        let seen = held.get(&Key::new("checkpoint").unwrap(), 9_999).unwrap();
        assert_eq!(seen.as_deref(), Some(note.format().as_bytes()));
    }
}
