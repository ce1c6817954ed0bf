//! What must hold of a log at any moment, whatever happened to it: the invariants that the tests of faults, power cuts
//! and random histories check after every step.
//!
//! 1. each checkpoint is consistent with all earlier ones; 2. no two have one size and two roots; 3. an entry that was
//!    acknowledged stays at its index; 4. what a published checkpoint needs is there and gives its root; 5. tiles, bundles
//!    and originals never change: [`Witness`]. Its reader is naive, and shares no tree code with the crate.
//! 6. nothing that was deleted is read: [`Watched`](super::stores::Watched).
//! 7. what a log knows by heart is what its entries say: [`Witness::log_knows_its_entries`].
//! 8. a second writer is refused, and changes nothing: [`second_writer_is_refused`].
//! 9. an audit finds any changed bit and any missing file: [`damage_is_found`].
//!
//! A checkpoint that was signed and never committed counts for nothing: it lay in the staged bundle alone.

use std::collections::{BTreeMap, BTreeSet};

use dateline::base::Hash;
use dateline::log::{COMMITTED, Log, NewRecord};
use dateline::note::Checkpoint;
use dateline::record::{KeyState, layout};
use dateline::storage::{FileStore, Key, MemoryStore, Object, Store, StoreError};
use dateline::verify::Verdict;

use super::stores::Damaged;
use super::{audited, copy, drawn, get, key, open, policy};

/// RFC 6962, 2.1, word for word: the hash of a list of leaf hashes.
fn mth(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Hash::of(b""),
        [leaf] => *leaf,
        _ => {
            let k = leaves.len().next_power_of_two() / 2;
            let (left, right) = leaves.split_at(k);
            Hash::of_parts(&[&[1], &mth(left).0, &mth(right).0])
        }
    }
}

/// Returns the tiles and bundles of a log with these leaves, by tlog-tiles: name and, for tiles, hashes.
fn files_by_definition(leaves: &[Hash]) -> BTreeMap<String, Option<Vec<u8>>> {
    let mut files = BTreeMap::new();
    let name = |folder: &str, number: usize, width: usize| match width {
        256 => format!("tile/{folder}/{number:03}"),
        width => format!("tile/{folder}/{number:03}.p/{width}"),
    };
    for (number, chunk) in leaves.chunks(256).enumerate() {
        files.insert(name("entries", number, chunk.len()), None);
    }
    let mut row = leaves.to_vec();
    for level in 0.. {
        for (number, chunk) in row.chunks(256).enumerate() {
            let bytes = chunk.iter().flat_map(|hash| hash.0).collect();
            files.insert(name(&level.to_string(), number, chunk.len()), Some(bytes));
        }
        row = row.chunks_exact(256).map(mth).collect();
        if row.is_empty() {
            break;
        }
    }
    files
}

/// What was seen of a log so far, to hold against what is seen next.
#[derive(Clone, Default)]
pub(crate) struct Witness {
    /// The root of each size that was ever committed or published.
    roots: BTreeMap<u64, Hash>,
    /// The leaves that were seen last, and the sizes whose roots were held against them.
    held: (Vec<Hash>, BTreeSet<u64>),
    /// The entries that were ever acknowledged, by index.
    acknowledged: BTreeMap<u64, Vec<u8>>,
    /// The first of them to register each original.
    originals: BTreeMap<Hash, u64>,
    /// The digests of the tiles, bundles and originals that were ever there.
    immutable: BTreeMap<Key, Hash>,
}

impl Witness {
    pub(crate) fn acknowledge(&mut self, index: u64, record: &NewRecord) {
        let known = self.acknowledged.insert(index, record.entry.bytes.clone());
        assert!(known.is_none_or(|known| known == record.entry.bytes), "index {index} was given twice");
        if let Some(original) = record.entry.original {
            let first = *self.originals.entry(original).or_insert(index);
            assert_eq!(first, index, "an original was registered twice");
        }
    }

    /// How many entries were acknowledged.
    pub(crate) fn acknowledged(&self) -> usize {
        self.acknowledged.len()
    }

    fn checkpoint(&mut self, store: &dyn Store, name: &str) -> Option<Checkpoint> {
        let bytes = get(store, name)?;
        let opened = policy().open_checkpoint(&bytes).unwrap();
        let checkpoint = opened.checkpoint().clone();
        let known = self.roots.insert(checkpoint.size(), checkpoint.root_hash());
        let same = known.is_none_or(|known| known == checkpoint.root_hash());
        assert!(same, "two roots for size {}", checkpoint.size());
        Some(checkpoint)
    }

    /// Checks what a reader sees, at any moment. Returns the entries.
    pub(crate) fn readers_see_a_log(&mut self, store: &dyn Store) -> Vec<Vec<u8>> {
        self.nothing_has_changed(store);
        let committed = self.checkpoint(store, COMMITTED);
        let Some(published) = self.checkpoint(store, layout::CHECKPOINT) else { return Vec::new() };
        if let Some(committed) = committed {
            assert!(published.size() <= committed.size(), "published before it was committed");
        }
        let mut entries: Vec<Vec<u8>> = Vec::new();
        for bundle in dateline::tlog::bundles_of(published.size()) {
            let bytes = get(store, &bundle.path()).unwrap_or_else(|| panic!("{} is missing", bundle.path()));
            entries.extend(bundle.entries(&bytes).unwrap().into_iter().map(<[u8]>::to_vec));
        }
        let leaves: Vec<Hash> = entries.iter().map(|entry| Hash::of_parts(&[&[0], entry])).collect();
        for (name, expected) in files_by_definition(&leaves) {
            let found = get(store, &name);
            assert!(found.is_some() && (expected.is_none() || found == expected), "{name}");
        }
        self.all_roots_lead_here(leaves);
        entries
    }

    /// Checks that no tile, bundle or original has other bytes than it ever had.
    fn nothing_has_changed(&mut self, store: &dyn Store) {
        for folder in [layout::TILES, "content"] {
            for name in store.list(folder).unwrap().keys {
                let digest = Hash::of(&store.get(&name, u64::MAX).unwrap().unwrap());
                let known = *self.immutable.entry(name.clone()).or_insert(digest);
                assert_eq!(known, digest, "{name}, which never changes, has changed");
            }
        }
    }

    fn all_roots_lead_here(&mut self, leaves: Vec<Hash>) {
        if !leaves.starts_with(&self.held.0) {
            self.held.1.clear();
        }
        self.held.0 = leaves;
        for (size, root) in &self.roots {
            if let Some(prefix) = self.held.0.get(..*size as usize)
                && self.held.1.insert(*size)
            {
                assert_eq!(mth(prefix), *root, "the log does not continue the one of {size} entries");
            }
        }
    }

    /// Checks a log that no commit is under way in, and that nothing is left of those that were. Returns its size.
    pub(crate) fn log_is_whole(&mut self, store: &dyn Store) -> u64 {
        let entries = self.nothing_is_lost(store);
        let leaves: Vec<Hash> = entries.iter().map(|entry| Hash::of_parts(&[&[0], entry])).collect();
        let tiles: Vec<String> = store.list("tile").unwrap().keys.iter().map(Key::to_string).collect();
        let expected: Vec<String> = files_by_definition(&leaves).into_keys().collect();
        assert_eq!(tiles, expected, "tiles that no checkpoint needs are left, or some are missing");
        assert_eq!(get(store, dateline::log::STAGING), None, "the staged bundle was left");
        entries.len() as u64
    }

    /// Checks a log that no commit is under way in. Returns its entries.
    pub(crate) fn nothing_is_lost(&mut self, store: &dyn Store) -> Vec<Vec<u8>> {
        let entries = self.readers_see_a_log(store);
        let committed = self.checkpoint(store, COMMITTED).unwrap();
        assert_eq!(committed.size(), entries.len() as u64, "committed, and not published");
        for (index, bytes) in &self.acknowledged {
            let found = entries.get(*index as usize);
            assert!(found == Some(bytes), "entry {index}, which was acknowledged, is not there");
        }
        entries
    }

    /// Checks that a running log knows what one knows that is opened now, and what one knows that has nothing but the
    /// entries to go by.
    pub(crate) fn log_knows_its_entries(&self, store: &dyn Store, log: &Log<'_>) {
        let (reopened, rebuilt) = (MemoryStore::default(), MemoryStore::default());
        copy(store, &reopened, "");
        copy(store, &rebuilt, ".local/");
        let committed = Object { key: key(COMMITTED), bytes: get(store, COMMITTED).unwrap() };
        rebuilt.put(&[committed]).unwrap();
        let policy = policy();
        let (found, made) = (&reopened, &rebuilt);
        let reopened = open(found, &policy).unwrap();
        let rebuilt = open(made, &policy).unwrap();
        assert!(index_of(found) == index_of(made), "the index is not what is made anew");
        for (how, other) in [("reopened", &reopened), ("rebuilt", &rebuilt)] {
            assert_eq!(log.checkpoint(), other.checkpoint(), "{how}");
            assert_eq!(keys_of(log), keys_of(other), "{how}");
            assert!(log.state().proposals().eq(other.state().proposals()), "{how}");
            assert_eq!(log.state().approvals_needed(), other.state().approvals_needed(), "{how}");
            assert!(log.state().roots().eq(other.state().roots()), "{how}");
            assert_eq!(log.state().size(), other.state().size(), "{how}");
        }
        for (original, index) in &self.originals {
            for (how, log) in [("running", log), ("reopened", &reopened), ("rebuilt", &rebuilt)] {
                assert_eq!(log.find_original(original).unwrap(), Some(*index), "{how}: {original}");
            }
        }
    }
}

/// Checks that these are the roots of a log of `size` entries at these sizes. Hashes what came before for each of them.
pub(crate) fn prefixes_have_roots(store: &dyn Store, size: u64, roots: &BTreeMap<u64, String>) {
    let mut leaves: Vec<Hash> = Vec::new();
    for bundle in dateline::tlog::bundles_of(size) {
        let bytes = get(store, &bundle.path()).unwrap();
        leaves.extend(bundle.entries(&bytes).unwrap().iter().map(|entry| Hash::of_parts(&[&[0], entry])));
    }
    for (size, root) in roots {
        let prefix = leaves.get(..*size as usize).unwrap_or_else(|| panic!("a log of {size} was shown"));
        assert_eq!(mth(prefix).to_string(), *root, "the log does not continue the one of {size} entries");
    }
}

/// The objects of the index that is kept beside a log.
pub(crate) fn index_of(store: &dyn Store) -> BTreeMap<Key, Vec<u8>> {
    let mut objects = contents(store, "");
    objects.retain(|key, _| key.as_str() == ".local/index" || key.as_str().starts_with(".local/originals/"));
    objects
}

/// The keys that a log knows.
pub(crate) fn keys_of(log: &Log<'_>) -> BTreeMap<Hash, KeyState> {
    log.state().keys().map(|(id, state)| (*id, state.clone())).collect()
}

/// All that lies in a store, without what begins with `but`.
pub(crate) fn contents(store: &dyn Store, but: &str) -> BTreeMap<Key, Vec<u8>> {
    let keys = store.list("").unwrap().keys.into_iter();
    let keys = keys.filter(|key| but.is_empty() || !key.as_str().starts_with(but));
    keys.map(|key| (key.clone(), store.get(&key, u64::MAX).unwrap().unwrap())).collect()
}

/// Draws a bit that something vouches for: any but, in a file of openings, those of the indices.
fn authenticated_bit(key: &Key, bytes: &[u8], seed: &str) -> usize {
    let bit = drawn(&format!("{seed} bit"), bytes.len() * 8);
    if !key.as_str().starts_with(layout::DISCLOSURES) {
        return bit;
    }
    let is_opening = |at: usize| {
        let line = bytes[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        bytes[at] != b'\n' && bytes[line..at].contains(&b' ')
    };
    let at = (bit / 8..bytes.len()).chain(0..bit / 8).find(|at| is_opening(*at)).unwrap();
    at * 8 + bit % 8
}

/// Checks that nobody else can write to a store that is open for writing.
pub(crate) fn second_writer_is_refused(
    store: &dyn Store,
    second: impl FnOnce() -> Result<FileStore, StoreError>,
) {
    let (before, second) = (contents(store, ""), second().map(drop));
    assert!(matches!(second, Err(StoreError::Locked { .. })), "{second:?}");
    assert!(contents(store, "") == before, "a second writer was refused, and changed something");
}

/// Checks that an audit says of a log that it holds, and of the same with a file less, or with one bit changed, that it
/// does not: what is missing, or what was changed. `seed` draws the file. Returns the damaged log.
pub(crate) fn damage_is_found<'a>(store: &'a dyn Store, seed: &str) -> Damaged<'a> {
    let report = audited(store);
    assert_eq!(report.verdict, Verdict::Verified, "{:?}", report.findings);
    let is_stray =
        |key: &Key| report.findings.iter().any(|stray| stray.path.as_deref() == Some(key.as_str()));
    let mut keys = store.list("").unwrap().keys;
    // Whose openings were all erased leave a file that nothing can be taken from.
    keys.retain(|key| !is_stray(key) && !get(store, key.as_str()).is_some_and(|bytes| bytes.is_empty()));
    let kinds = [layout::CHECKPOINT, "tile/entries/", "tile/", "disclosures/", "content/"];
    let of_kind = |kind| keys.iter().filter(|key| key.as_str().starts_with(kind)).collect::<Vec<_>>();
    let kinds: Vec<Vec<&Key>> = kinds.into_iter().map(of_kind).filter(|keys| !keys.is_empty()).collect();
    let keys = &kinds[drawn(&format!("{seed} kind"), kinds.len())];
    let key = keys[drawn(&format!("{seed} file"), keys.len())].clone();
    let is_gone = drawn(&format!("{seed} gone"), 2) == 0;
    let bytes = (!is_gone).then(|| {
        let mut bytes = store.get(&key, u64::MAX).unwrap().unwrap();
        let bit = authenticated_bit(&key, &bytes, seed);
        bytes[bit / 8] ^= 1 << (bit % 8);
        bytes
    });
    let damaged = Damaged { store, key, bytes };
    let (report, name) = (audited(&damaged), damaged.key.as_str());
    let expected = if is_gone { Verdict::Unverifiable } else { Verdict::Invalid };
    assert_eq!(report.verdict, expected, "{name}, is gone: {is_gone}: {:?}", report.findings);
    let is_named = report.findings.iter().any(|finding| finding.path.as_deref() == Some(name));
    assert!(is_named, "{name} is not named: {:?}", report.findings);
    damaged
}
