//! The right edge of the log on disk: its partial tiles, and its partial entry bundle.

use rayon::prelude::*;

use crate::base::Hash;
use crate::base::limits::ENTRY_MAX_BYTES;
use crate::note::Checkpoint;
use crate::storage::{Key, Object, Store};
use crate::tlog::bundle::{self, BUNDLE_MAX_BYTES, EntryBundle, bundles_of};
use crate::tlog::edge::bytes_of_tile;
use crate::tlog::proof::root_of_prefix;
use crate::tlog::tile::{FULL, Tile, partial_tiles_of};
use crate::tlog::{self, ReadError, TileReader, TileSource, leaf_hash};

use super::{NewRecord, OpenError, key, must_get};

/// All that the next append needs of what is there.
#[derive(Debug, Clone, Default)]
pub(super) struct Edge {
    tree: tlog::Edge,
    /// The bytes of the partial entry bundle; empty if there is none.
    bundle: Vec<u8>,
}

/// The partial tiles and the partial bundle of a log of `size` entries, as paths.
pub(super) fn partial_paths_of(size: u64) -> Vec<String> {
    let tiles = partial_tiles_of(size).map(|tile| tile.path());
    tiles.chain(partial_bundle_of(size).map(|bundle| bundle.path())).collect()
}

fn partial_bundle_of(size: u64) -> Option<EntryBundle> {
    EntryBundle::of_size(size / u64::from(FULL), size)
}

impl Edge {
    /// Loads the edge and checks that it leads to the checkpoint's root and that tile and bundle agree.
    pub(super) fn load(store: &dyn Store, checkpoint: &Checkpoint) -> Result<Self, OpenError> {
        let size = checkpoint.size();
        // All at once: over a network each takes its time.
        let wanted: Vec<Tile> = partial_tiles_of(size).collect();
        let read = |tile: &Tile| must_get(store, tile.path(), usize::from(tile.width()) * Hash::BYTES);
        let (tiles, bundle) = rayon::join(
            || wanted.par_iter().map(read).collect::<Result<Vec<_>, OpenError>>(),
            || partial_bundle_of(size).map(|bundle| must_get(store, bundle.path(), BUNDLE_MAX_BYTES)),
        );
        let tiles = tiles?;
        let tree = tlog::Edge::from_tiles(size, &checkpoint.root_hash(), &tiles)?;
        let Some(partial) = partial_bundle_of(size) else { return Ok(Edge { tree, bundle: Vec::new() }) };
        let path = partial.path();
        let bundle = bundle.transpose()?.unwrap_or_default();
        let entries = match partial.entries(&bundle) {
            Ok(entries) => entries,
            Err(source) => return Err(OpenError::Bundle { path, source }),
        };
        if !entries.iter().map(|entry| leaf_hash(entry)).eq(tree.partial(0).iter().copied()) {
            return Err(OpenError::Edge { path });
        }
        Ok(Edge { tree, bundle })
    }

    /// Returns the number of the entries before the partial bundle.
    pub(super) fn entries_in_full_bundles(&self) -> u64 {
        self.tree.size() / u64::from(FULL) * u64::from(FULL)
    }

    /// Returns the root of the entries before the partial bundle.
    pub(super) fn root_of_full_bundles(&self) -> Hash {
        self.tree.root_of_full_tiles()
    }

    /// Reads each entry of the partial bundle.
    pub(super) fn map_entries<T: Send>(
        &self,
        read: impl Fn(u64, &[u8]) -> Result<T, OpenError> + Sync,
    ) -> Result<Vec<T>, OpenError> {
        let Some(partial) = partial_bundle_of(self.tree.size()) else { return Ok(Vec::new()) };
        let entries = partial.entries(&self.bundle);
        let entries = entries.map_err(|source| OpenError::Bundle { path: partial.path(), source })?;
        let first = partial.first_entry();
        let read = |(place, entry): (usize, &&[u8])| read(first + place as u64, entry);
        entries.par_iter().enumerate().map(read).collect()
    }

    /// Grows by `records`, whose leaf hashes are `leaves`; returns the new root, and the tiles and bundles to be written. The bytes
    /// of the partial bundle, which is the last of them, go with it: whoever has written it gives them back, as it may be large.
    pub(super) fn grow(&mut self, leaves: &[Hash], records: &[NewRecord]) -> (Hash, Vec<Object>) {
        let mut objects = Vec::new();
        let old = self.tree.size();
        let mut write = |path: String, bytes: Vec<u8>| objects.push(Object { key: key(&path), bytes });
        self.tree
            .grow(leaves.iter().copied(), |tile: Tile, hashes| write(tile.path(), bytes_of_tile(hashes)));

        let mut entries = records.iter().map(|record| record.entry.bytes.as_slice());
        let mut bytes = std::mem::take(&mut self.bundle);
        for bundle in bundles_of(self.tree.size()).skip((old / u64::from(FULL)) as usize) {
            let wanted = bundle.first_entry() + u64::from(bundle.width()) - old.max(bundle.first_entry());
            for entry in entries.by_ref().take(wanted as usize) {
                assert!(entry.len() <= ENTRY_MAX_BYTES, "internal error: an entry too large was sealed");
                bundle::push(&mut bytes, entry).expect("internal error: an entry that fits does not fit");
            }
            write(bundle.path(), std::mem::take(&mut bytes));
        }
        (self.tree.root(), objects)
    }

    /// Returns the name of the partial bundle, if there is one.
    pub(super) fn partial_bundle(&self) -> Option<Key> {
        partial_bundle_of(self.tree.size()).map(|bundle| key(&bundle.path()))
    }

    /// Takes the bytes of the partial bundle back.
    pub(super) fn give_back(&mut self, bundle: Vec<u8>) {
        self.bundle = bundle;
    }
}

/// Tiles as they lie in the store.
struct Tiles<'a>(&'a dyn Store);

impl TileSource for Tiles<'_> {
    type Error = OpenError;

    fn tile(&self, tile: Tile) -> Result<Vec<u8>, OpenError> {
        must_get(self.0, tile.path(), usize::from(tile.width()) * Hash::BYTES)
    }
}

/// Returns the root of the first `size` entries of the log at `checkpoint`, from authenticated tiles.
pub(super) fn root_at(store: &dyn Store, checkpoint: &Checkpoint, size: u64) -> Result<Hash, OpenError> {
    let read = || -> Result<Hash, ReadError<OpenError>> {
        let mut reader = TileReader::new(Tiles(store), checkpoint.size(), &checkpoint.root_hash())?;
        root_of_prefix(size, &mut reader)
    };
    read().map_err(|error| match error {
        ReadError::Source { source, .. } => source,
        ReadError::Edge(source) => OpenError::Tiles(source),
        ReadError::Changed { tile, .. } => OpenError::Edge { path: tile.path() },
        ReadError::NoSubtree { .. } => unreachable!("internal error: a prefix is part of its tree"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::note::Origin;
    use crate::record::{Kind, NewEntry, SealedEntry};
    use crate::storage::MemoryStore;

    fn record(number: usize) -> NewRecord {
        let bytes = format!("entry {number}").into_bytes();
        let entry = NewEntry { kind: Kind::Registration, bytes, openings: Vec::new(), original: None };
        NewRecord { entry: SealedEntry::unchecked(entry), content: None }
    }

    fn grown(edge: &Edge, records: &[NewRecord]) -> (Edge, Hash, Vec<Object>) {
        let leaves: Vec<Hash> = records.iter().map(|record| leaf_hash(&record.entry.bytes)).collect();
        let mut edge = edge.clone();
        let (root, objects) = edge.grow(&leaves, records);
        if let Some(partial) = edge.partial_bundle() {
            let object = objects.last().filter(|object| object.key == partial);
            edge.give_back(object.expect("the partial bundle is the last object").bytes.clone());
        }
        (edge, root, objects)
    }

    fn checkpoint(size: u64, root: Hash) -> Checkpoint {
        Checkpoint::new(Origin::new("example.org/log").unwrap(), size, root).unwrap()
    }

    #[test]
    fn growing_in_two_steps_gives_what_one_step_gives() {
        let records: Vec<NewRecord> = (0..600).map(record).collect();
        for (middle, end) in [(1, 2), (255, 256), (255, 257), (256, 257), (256, 512), (300, 600), (1, 600)] {
            let store = MemoryStore::default();
            let (edge, _, objects) = grown(&Edge::default(), &records[..middle]);
            store.put_immutable(&objects).unwrap();
            let (_, root, objects) = grown(&edge, &records[middle..end]);
            store.put_immutable(&objects).unwrap();

            let (_, expected_root, expected) = grown(&Edge::default(), &records[..end]);
            assert_eq!(root, expected_root, "{middle} to {end}");
            for object in expected {
                let found = store.get(&object.key, u64::MAX).unwrap();
                assert_eq!(found.as_ref(), Some(&object.bytes), "{middle} to {end}: {}", object.key);
            }
            let loaded = Edge::load(&store, &checkpoint(end as u64, root)).unwrap();
            assert_eq!(loaded.tree.root(), root);
            let prefix = root_at(&store, &checkpoint(end as u64, root), middle as u64).unwrap();
            assert_eq!(prefix, edge.tree.root());
        }
    }

    #[test]
    fn a_damaged_edge_is_not_loaded() {
        let records: Vec<NewRecord> = (0..300).map(record).collect();
        let (_, root, objects) = grown(&Edge::default(), &records);
        let load = |name: &str, change: &dyn Fn(&mut Vec<u8>)| {
            let store = MemoryStore::default();
            for object in &objects {
                let mut object = object.clone();
                if object.key.as_str() == name {
                    change(&mut object.bytes);
                }
                store.put(&[object]).unwrap();
            }
            Edge::load(&store, &checkpoint(300, root)).map(|_| ())
        };
        let flip = |bytes: &mut Vec<u8>| bytes[5] ^= 1;
        assert!(load("", &flip).is_ok());
        for name in ["tile/0/001.p/44", "tile/1/000.p/1"] {
            assert!(matches!(load(name, &flip), Err(OpenError::Tiles(_))), "{name}");
        }
        let bundle = "tile/entries/001.p/44";
        assert!(matches!(load(bundle, &flip), Err(OpenError::Edge { path }) if path == bundle));
        let cut = |bytes: &mut Vec<u8>| bytes.truncate(bytes.len() - 1);
        assert!(matches!(load(bundle, &cut), Err(OpenError::Bundle { path, .. }) if path == bundle));
        assert!(load("tile/0/001.p/44", &cut).is_err());
        let missing = Edge::load(&MemoryStore::default(), &checkpoint(300, root)).map(|_| ());
        assert!(matches!(missing, Err(OpenError::Missing { path }) if path == "tile/0/001.p/44"));
    }
}
