//! What a store of a distant log needs to know and cannot: which files an audit reads, in which order, and which bytes
//! belong to the log.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::base::Hash;
use crate::base::limits::DISCLOSURES_FILE_MAX_BYTES;
use crate::note::Policy;
use crate::record::{Body, Entry, layout};
use crate::storage::{FileStore, Judge, Key, Store, Wanted};
use crate::tlog::bundle::BUNDLE_MAX_BYTES;
use crate::tlog::edge::hashes_of_tile;
use crate::tlog::tile::{FULL, partial_tiles_of};
use crate::tlog::tree::root_of;
use crate::tlog::{
    EntryBundle, HashReader, ReadError, Subtree, Tile, TileReader, TileSource, bundles_of, leaf_hash,
};

use super::fetch::Files;
use super::memory::{Memory, open_signed};
use super::report::Finding;

/// Returns whether an object of a log, once published, never changes.
pub fn never_changes(key: &Key) -> bool {
    key.as_str().starts_with("tile/") || key.as_str().starts_with(layout::CONTENT)
}

/// A signed checkpoint, as far as it says what there is to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    size: u64,
    root: Hash,
    /// Entries that an audit only compares, if what is remembered still holds.
    compared: u64,
    /// Those of which it reads the hash tiles alone.
    tiles_alone: u64,
}

impl Extent {
    /// Reads it from `note`; `None` unless a log of the policy signed it.
    pub fn of(note: &[u8], policy: &Policy, memory: Option<&Memory>) -> Option<Self> {
        let opened = open_signed(policy, note)?;
        let (size, root) = (opened.checkpoint().size(), opened.checkpoint().root_hash());
        let comparison = memory.and_then(Memory::compared);
        let compared = comparison.map_or(0, |comparison| comparison.prefix.size.min(size));
        let tiles_alone =
            if comparison.is_some_and(|comparison| comparison.tiles_alone) { compared } else { 0 };
        Some(Extent { size, root, compared, tiles_alone })
    }

    /// Returns the files that an audit reads, but for stored originals, in its order. Endless for a hostile size: it is to be
    /// read only as far as the audit goes.
    pub fn files(self) -> impl Iterator<Item = Wanted> + Send {
        let bundles = bundles_of(self.size).flat_map(move |bundle| {
            let whole = bundle.first_entry() >= self.tiles_alone;
            let entries = whole.then(|| wanted(bundle.path(), BUNDLE_MAX_BYTES));
            let lowest = Tile::new(0, bundle.index(), bundle.width()).map(wanted_tile);
            let openings = layout::disclosures_path(bundle.index());
            let openings = whole.then(|| wanted(openings, DISCLOSURES_FILE_MAX_BYTES));
            entries.into_iter().chain(lowest).chain(openings).chain(tiles_above(bundle))
        });
        let edge = partial_tiles_of(self.size).filter(|tile| tile.level() > 0).map(wanted_tile);
        bundles.chain(edge)
    }

    /// Returns the stored originals of the entries in a bundle, as far as an audit reads them, and the entries say that
    /// they were stored.
    pub fn originals(self, key: &Key, bytes: &[u8]) -> Vec<Wanted> {
        let Ok(bundle) = key.as_str().parse::<EntryBundle>() else { return Vec::new() };
        if bundle.first_entry() < self.compared {
            return Vec::new();
        }
        let entries = bundle.entries(bytes).unwrap_or_default();
        let originals = entries.into_iter().filter_map(|bytes| {
            let entry = Entry::parse(bytes).ok()?;
            let Body::Registration(registration) = &entry.body else { return None };
            let original = entry.original().filter(|_| registration.original_stored)?;
            let key = Key::new(layout::content_path(&original)).ok()?;
            Some(Wanted { key, limit: registration.bytes })
        });
        originals.collect()
    }
}

fn wanted(path: String, limit: usize) -> Wanted {
    let key = Key::new(path).expect("internal error: a name of the layout is not an object name");
    Wanted { key, limit: limit as u64 }
}

fn wanted_tile(tile: Tile) -> Wanted {
    wanted(tile.path(), usize::from(tile.width()) * Hash::BYTES)
}

/// The full tiles above the lowest level that a bundle completes.
fn tiles_above(bundle: EntryBundle) -> impl Iterator<Item = Wanted> {
    let mut completed = if bundle.width() == FULL { bundle.index() + 1 } else { 1 };
    (1..crate::tlog::tile::LEVELS).map_while(move |level| {
        if !completed.is_multiple_of(u64::from(FULL)) {
            return None;
        }
        completed /= u64::from(FULL);
        Tile::new(level, completed - 1, FULL).map(wanted_tile)
    })
}

/// Knows which full tiles and bundles of a log belong to it: those whose hashes lead to its signed root. Partial ones are
/// soon replaced, and not judged.
///
/// The tiles above them, through which they lead there, are authenticated from the root down as they are needed: read
/// from the folder of the cache where they fit, else from the log.
pub struct Belonging {
    extent: Extent,
    store: Arc<dyn Store>,
    cache: FileStore,
    reader: Mutex<Option<TileReader<Upper>>>,
    /// What is in the cache did not fit.
    distrusted: Arc<AtomicBool>,
}

/// Tiles from the cache, or from the log.
struct Upper {
    store: Arc<dyn Store>,
    cache: FileStore,
    distrusted: Arc<AtomicBool>,
}

impl TileSource for Upper {
    type Error = Box<Finding>;

    fn tile(&self, tile: Tile) -> Result<Vec<u8>, Box<Finding>> {
        if tile.width() == FULL
            && !self.distrusted.load(Ordering::Relaxed)
            && let Ok(kept) = TileSource::tile(&Files { store: &self.cache }, tile)
        {
            return Ok(kept);
        }
        TileSource::tile(&Files { store: &*self.store }, tile)
    }
}

impl Belonging {
    /// Judges by the checkpoint of `extent`. Upper tiles are read from the folder `cache`, else from `store`.
    pub fn new(extent: Extent, store: Arc<dyn Store>, cache: FileStore) -> Self {
        let distrusted = Arc::new(AtomicBool::new(false));
        Belonging { extent, store, cache, reader: Mutex::new(None), distrusted }
    }

    /// Returns the root of what is below tile `index` of `level`, authenticated.
    fn root_below(&self, level: u8, index: u64) -> Option<Hash> {
        let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        let mut read = || {
            if reader.is_none() {
                let source = Upper {
                    store: Arc::clone(&self.store),
                    cache: FileStore::reader(self.cache.root()),
                    distrusted: Arc::clone(&self.distrusted),
                };
                *reader = Some(TileReader::new(source, self.extent.size, &self.extent.root)?);
            }
            match reader.as_mut() {
                Some(reader) => reader.read(&[Subtree { level: (level + 1) * 8, index }]),
                None => Ok(Vec::new()),
            }
        };
        let found = match read() {
            Err(ReadError::Changed { .. }) if !self.distrusted.swap(true, Ordering::Relaxed) => read(),
            found => found,
        };
        found.ok()?.first().copied()
    }
}

impl fmt::Debug for Belonging {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Belonging").field("extent", &self.extent).finish_non_exhaustive()
    }
}

impl Judge for Belonging {
    fn judges(&self, key: &Key) -> bool {
        let size = self.extent.size;
        let tile = key.as_str().parse::<Tile>();
        let bundle = key.as_str().parse::<EntryBundle>();
        tile.is_ok_and(|tile| tile.width() == FULL && tile.belongs_to(size))
            || bundle.is_ok_and(|bundle| bundle.width() == FULL && bundle.belongs_to(size))
    }

    fn belongs(&self, key: &Key, bytes: &[u8]) -> bool {
        if !self.judges(key) {
            return false;
        }
        let (level, index, hashes) = if let Ok(tile) = key.as_str().parse::<Tile>() {
            let Ok(hashes) = hashes_of_tile(tile, bytes) else { return false };
            (tile.level(), tile.index(), hashes)
        } else if let Ok(bundle) = key.as_str().parse::<EntryBundle>() {
            let Ok(entries) = bundle.entries(bytes) else { return false };
            (0, bundle.index(), entries.into_iter().map(leaf_hash).collect())
        } else {
            return false;
        };
        self.root_below(level, index) == Some(root_of(&hashes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{MemoryStore, Object};
    use crate::tlog::Edge;
    use crate::tlog::edge::bytes_of_tile;

    fn names(size: u64) -> Vec<String> {
        let extent = Extent { size, root: Hash([0; 32]), compared: 0, tiles_alone: 0 };
        extent.files().map(|wanted| wanted.key.to_string()).collect()
    }

    #[test]
    fn the_files_of_a_log_in_the_order_of_an_audit() {
        assert_eq!(names(0), [""; 0]);
        assert_eq!(names(3), ["tile/entries/000.p/3", "tile/0/000.p/3", "disclosures/000"]);
        let expected = [
            "tile/entries/000",
            "tile/0/000",
            "disclosures/000",
            "tile/entries/001.p/1",
            "tile/0/001.p/1",
            "disclosures/001",
            "tile/1/000.p/1",
        ];
        assert_eq!(names(257), expected);
        let large = names(65_536 + 256 * 3 + 1);
        assert_eq!(large[255 * 3..256 * 3 + 1].last().unwrap(), "tile/1/000");
        assert_eq!(large[large.len() - 2..], ["tile/1/001.p/3", "tile/2/000.p/1"]);
        let unique: std::collections::BTreeSet<&String> = large.iter().collect();
        assert_eq!(unique.len(), large.len());
    }

    #[test]
    fn a_hostile_size_costs_only_what_is_read_of_it() {
        let extent = Extent { size: i64::MAX as u64, root: Hash([0; 32]), compared: 0, tiles_alone: 0 };
        assert_eq!(extent.files().take(1_000).count(), 1_000);
    }

    fn entry(number: u64) -> [u8; 8] {
        number.to_le_bytes()
    }

    /// The tiles of a log that has full ones on two levels, and its first and last full bundles.
    fn tiles() -> (MemoryStore, Extent) {
        let (store, mut edge) = (MemoryStore::default(), Edge::default());
        let put = |path: String, bytes: Vec<u8>| {
            store.put(&[Object { key: Key::new(path).unwrap(), bytes }]).unwrap();
        };
        let leaves = (0..65_536 + 256 + 3).map(|number| leaf_hash(&entry(number)));
        edge.grow(leaves, |tile, hashes| put(tile.path(), bytes_of_tile(hashes)));
        for number in [0, 256] {
            let bundle = EntryBundle::of_size(number, edge.size()).unwrap();
            let mut bytes = Vec::new();
            let entries = bundle.first_entry()..bundle.first_entry() + 256;
            entries.for_each(|number| crate::tlog::bundle::push(&mut bytes, &entry(number)).unwrap());
            put(bundle.path(), bytes);
        }
        let (size, root) = (edge.size(), edge.root());
        (store, Extent { size, root, compared: 0, tiles_alone: 0 })
    }

    #[test]
    fn what_leads_to_the_root_belongs_to_the_log_whatever_lies_in_the_cache() {
        let (store, extent) = tiles();
        let key = |name: &str| Key::new(name).unwrap();
        let get = |name: &str| store.get(&key(name), u64::MAX).unwrap().unwrap();
        let (above, edge) = ("tile/1/000", "tile/1/001.p/1");
        let good = |name: &'static str| (name, get(name));
        let bad = |name: &'static str| (name, get(name).into_iter().map(|byte| byte ^ 1).collect());
        let nothing: Vec<(&str, Vec<u8>)> = Vec::new();
        for (cached, missing, answers) in [
            (nothing.clone(), None, true),
            (nothing, Some(above), false),
            (vec![good(above)], Some(above), true),
            (vec![bad(above)], None, true),
            (vec![bad(above)], Some(above), false),
            (vec![bad(edge)], None, true),
            (vec![bad(above), bad(edge)], None, true),
        ] {
            let folder = tempfile::tempdir().unwrap();
            for (name, bytes) in &cached {
                let path = folder.path().join(name);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, bytes).unwrap();
            }
            let log = MemoryStore::default();
            for name in store.list("").unwrap().keys.iter().filter(|name| missing != Some(name.as_str())) {
                log.put(&[Object { key: name.clone(), bytes: get(name.as_str()) }]).unwrap();
            }
            let judge = Belonging::new(extent, Arc::new(log), FileStore::reader(folder.path()));
            for name in ["tile/0/003", "tile/entries/000"] {
                let mut bytes = get(name);
                assert_eq!(judge.belongs(&key(name), &bytes), answers, "{name} {missing:?}");
                *bytes.last_mut().unwrap() ^= 1;
                assert!(!judge.belongs(&key(name), &bytes), "{name}");
                assert!(!judge.belongs(&key(name), &bytes[1..]), "{name}");
            }
            assert!(!judge.belongs(&key("tile/0/004"), &get("tile/0/003")));
            assert!(judge.belongs(&key("tile/0/256"), &get("tile/0/256")) || missing.is_some());
            assert!(judge.belongs(&key("tile/entries/256"), &get("tile/entries/256")) || missing.is_some());
            assert!(!judge.belongs(&key(edge), &get(edge)), "what is soon replaced is not judged");
        }
    }

    #[test]
    fn what_is_whole_and_of_the_log_is_judged() {
        let extent = Extent { size: 65_795, root: Hash([0; 32]), compared: 0, tiles_alone: 0 };
        let folder = tempfile::tempdir().unwrap();
        let judge =
            Belonging::new(extent, Arc::new(MemoryStore::default()), FileStore::reader(folder.path()));
        for (name, judged) in [
            ("tile/0/000", true),
            ("tile/1/000", true),
            ("tile/entries/256", true),
            ("tile/0/257.p/3", false),
            ("tile/entries/257.p/3", false),
            ("tile/0/257", false),
            ("tile/entries/257", false),
            ("checkpoint", false),
            ("disclosures/000", false),
        ] {
            assert_eq!(judge.judges(&Key::new(name).unwrap()), judged, "{name}");
        }
    }

    #[test]
    fn what_may_change_is_known() {
        let never = |name: &str| never_changes(&Key::new(name).unwrap());
        assert!(never("tile/0/000") && never("tile/entries/000.p/3"));
        for name in ["checkpoint", "disclosures/000", "pending/a", "tiles"] {
            assert!(!never(name), "{name}");
        }
    }
}
