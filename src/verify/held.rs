//! A log whose edge is read at once, for a reader who was overtaken.
//!
//! A writer who publishes removes the partial tiles of the log before, and they are what a reader comes to last. Where
//! somebody always writes, one who began again in the same way would be overtaken again and again; so he reads them
//! first, together with the checkpoint that they belong to, and holds them. All else that the checkpoint implies stays.

use std::collections::HashMap;

use crate::base::Hash;
use crate::note::Policy;
use crate::record::layout;
use crate::storage::{Key, Listing, Store, StoreError};
use crate::tlog::EntryBundle;
use crate::tlog::bundle::BUNDLE_MAX_BYTES;
use crate::tlog::tile::partial_tiles_of;

use super::fetch::{Files, key};
use super::memory::open_signed;

/// How often the edge is read until it is the checkpoint's: the files of one take less than a commit does, but whoever reads
/// them may be kept from it.
const TRIES: usize = 32;

/// A store in front of another, which answers for the checkpoint and the edge as they were.
pub(super) struct Held<'a> {
    store: &'a dyn Store,
    edge: HashMap<Key, Vec<u8>>,
}

impl<'a> Held<'a> {
    /// Reads the checkpoint, the partial tiles and the partial bundle: at most one file a level; and again while the checkpoint is
    /// another one by then, as what is missing may then have been removed. What cannot be read is not held, and is the
    /// reader's to find.
    pub(super) fn new(store: &'a dyn Store, policy: &Policy) -> Self {
        let mut tries = 1..=TRIES;
        loop {
            let held = Held::of_now(store, policy);
            let now = Files { store }.checkpoint().ok().flatten();
            if tries.next() == Some(TRIES) || held.edge.get(&key(layout::CHECKPOINT)) == now.as_ref() {
                return held;
            }
        }
    }

    fn of_now(store: &'a dyn Store, policy: &Policy) -> Self {
        let mut held = Held { store, edge: HashMap::new() };
        let note = Files { store }.checkpoint().ok().flatten();
        let opened = note.as_ref().and_then(|note| open_signed(policy, note));
        held.edge.extend(note.map(|note| (key(layout::CHECKPOINT), note)));
        let size = opened.map_or(0, |opened| opened.checkpoint().size());
        for tile in partial_tiles_of(size) {
            held.hold(&tile.path(), usize::from(tile.width()) * Hash::BYTES);
        }
        if let Some(bundle) = EntryBundle::of_size(size / layout::ENTRIES_PER_FILE, size) {
            held.hold(&bundle.path(), BUNDLE_MAX_BYTES);
        }
        held
    }

    fn hold(&mut self, path: &str, limit: usize) {
        let key = key(path);
        if let Ok(Some(bytes)) = self.store.get(&key, limit as u64) {
            self.edge.insert(key, bytes);
        }
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

    /// A log at `size`, or what there is to see of one.
    struct Edged {
        store: MemoryStore,
        signer: SigningKey,
        vkey: VerifierKey,
    }

    impl Edged {
        fn new() -> Self {
            let signer = SigningKey::from_seed(&zeroize::Zeroizing::new([7; 32]));
            let vkey = VerifierKey::ed25519(KeyName::new("example.org/log").unwrap(), signer.public());
            Edged { store: MemoryStore::default(), signer, vkey }
        }

        fn put(&self, name: &str, bytes: &[u8]) {
            self.store.put(&[Object { key: key(name), bytes: bytes.to_vec() }]).unwrap();
        }

        fn edge(size: u64) -> [Key; 3] {
            let width = size % 256;
            [format!("tile/0/002.p/{width}"), format!("tile/entries/002.p/{width}"), "tile/1/000.p/2".into()]
                .map(|path| key(&path))
        }

        /// Publishes a log of `size` entries.
        fn publish(&self, size: u64) -> Vec<u8> {
            Self::edge(size).iter().for_each(|key| self.put(key.as_str(), &size.to_be_bytes()));
            let origin = Origin::new("example.org/log").unwrap();
            let checkpoint = Checkpoint::new(origin, size, Hash([1; 32])).unwrap().format();
            let signature = self.signer.sign(checkpoint.as_bytes());
            let note = Note::signed(&checkpoint, &self.vkey, &signature).unwrap().format().into_bytes();
            self.put(layout::CHECKPOINT, &note);
            note
        }
    }

    /// Moves on, some times, whenever somebody reads its bundle.
    struct MovesOn {
        log: Edged,
        at: std::sync::Mutex<u64>,
        until: u64,
    }

    impl Store for MovesOn {
        fn get(&self, key: &Key, limit: u64) -> Result<Option<Vec<u8>>, StoreError> {
            let mut at = self.at.lock().unwrap();
            if *at < self.until && key.as_str().starts_with("tile/entries") {
                self.log.publish(*at + 1);
                self.log.store.delete(&Edged::edge(*at)[..2]).unwrap();
                *at += 1;
            }
            self.log.store.get(key, limit)
        }

        fn list(&self, folder: &str) -> Result<Listing, StoreError> {
            self.log.store.list(folder)
        }
    }

    #[test]
    fn an_edge_that_is_not_the_checkpoints_is_read_again() {
        for moves in [0, 1, 5, TRIES as u64 - 1] {
            let log = Edged::new();
            log.publish(600);
            let policy = Policy::of_log(log.vkey.clone()).unwrap();
            let store = MovesOn { log, at: 600.into(), until: 600 + moves };
            let held = Held::new(&store, &policy);
            let size = 600 + moves;
            assert_eq!(held.edge.get(&key(layout::CHECKPOINT)), Some(&store.log.publish(size)), "{moves}");
            for key in &Edged::edge(size) {
                assert_eq!(held.edge.get(key), Some(&size.to_be_bytes().to_vec()), "{key} {moves}");
            }
        }
        // A log that always moves on is not waited for.
        let log = Edged::new();
        log.publish(600);
        let policy = Policy::of_log(log.vkey.clone()).unwrap();
        Held::new(&MovesOn { log, at: 600.into(), until: u64::MAX }, &policy);
    }

    #[test]
    fn what_is_removed_meanwhile_is_still_there() {
        let log = Edged::new();
        let note = log.publish(600);
        log.put("tile/0/001", b"full");
        let held = Held::new(&log.store, &Policy::of_log(log.vkey.clone()).unwrap());
        log.put(layout::CHECKPOINT, b"newer");
        let full = key("tile/0/001");
        log.store.delete(&Edged::edge(600)).unwrap();
        log.store.delete(std::slice::from_ref(&full)).unwrap();
        for key in &Edged::edge(600) {
            assert_eq!(held.get(key, 99).unwrap(), Some(600_u64.to_be_bytes().to_vec()), "{key}");
        }
        assert_eq!(held.get(&full, 99).unwrap(), None);
        assert_eq!(held.get(&key(layout::CHECKPOINT), 9_999).unwrap(), Some(note));
    }
}
