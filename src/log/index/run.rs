//! Sorted runs of originals: 40 bytes each, the SHA-256 of the original and the index of the entry that registered it first, in
//! eight big-endian bytes; no original twice.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::base::Hash;
use crate::storage::{Store, StoreError};

use super::super::key;
use super::BUNDLE;

/// Where the runs lie.
pub(super) const FOLDER: &str = ".local/originals";
/// The level of the longest runs.
pub(super) const TOP: u8 = 6;

const RECORD: usize = 40;
/// Records that are read at a time: a page of the disk.
const PAGE: u64 = 102;
/// A run is read as a whole once as much was read of it page by page.
const LOADED_AFTER: u64 = 2 * PAGE;

/// The entries of a run: 256·4^level of them, from a multiple of that on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) level: u8,
    pub(super) number: u64,
}

/// Returns the spans of the first `bundles` bundles, in order: the longest that are full, then shorter ones.
pub(super) fn spans_of(bundles: u64) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut at = 0;
    for level in (0..=TOP).rev() {
        let length = 1 << (2 * level);
        while bundles - at >= length {
            spans.push(Span { level, number: at / length });
            at += length;
        }
    }
    spans
}

/// Returns where the runs of a log of `size` entries lie.
pub(in super::super) fn paths_of(size: u64) -> Vec<String> {
    spans_of(size / BUNDLE).iter().map(Span::path).collect()
}

impl Span {
    /// Returns the number of entries.
    pub(super) fn entries(&self) -> u64 {
        BUNDLE << (2 * self.level)
    }

    pub(super) fn first_entry(&self) -> u64 {
        self.number * self.entries()
    }

    pub(super) fn has(&self, index: u64) -> bool {
        index / self.entries() == self.number
    }

    pub(super) fn contains(&self, other: &Span) -> bool {
        other.level <= self.level && self.has(other.first_entry())
    }

    pub(super) fn path(&self) -> String {
        format!("{FOLDER}/{}/{}", self.level, self.number)
    }
}

/// The originals of a span.
#[derive(Debug)]
pub(super) struct Run {
    span: Span,
    count: u64,
    lookups: AtomicU64,
    /// Whether somebody reads all of it: the others go on by pages.
    loading: AtomicBool,
    /// All of it, once that costs less than to read it by pages.
    loaded: OnceLock<Vec<u8>>,
}

impl Run {
    pub(super) fn new(span: Span, count: u64) -> Self {
        Run {
            span,
            count,
            lookups: AtomicU64::new(0),
            loading: AtomicBool::new(false),
            loaded: OnceLock::new(),
        }
    }

    pub(super) fn span(&self) -> Span {
        self.span
    }

    /// Returns the number of originals.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Returns whether it is there, in its length.
    pub(super) fn is_whole(&self, store: &dyn Store) -> Result<bool, StoreError> {
        let Some(last) = self.count.checked_mul(RECORD as u64).and_then(|bytes| bytes.checked_sub(1)) else {
            return Ok(self.count == 0);
        };
        let end = store.get_range(&key(&self.span.path()), last, 2)?;
        Ok(end.is_some_and(|bytes| bytes.len() == 1))
    }

    /// Makes the run of `span` from the shorter ones inside it and from what follows them; returns its bytes, too.
    pub(super) fn merge<'a>(
        store: &dyn Store,
        span: Span,
        inside: &[Run],
        later: impl Iterator<Item = &'a (Hash, u64)>,
    ) -> Result<(Self, Vec<u8>), StoreError> {
        let mut records: Vec<[u8; RECORD]> = Vec::new();
        for run in inside {
            let bytes = run.read(store, 0, run.count)?;
            records.extend_from_slice(bytes.as_chunks().0);
        }
        records.extend(later.map(|(original, index)| {
            let mut record = [0; RECORD];
            record[..32].copy_from_slice(&original.0);
            record[32..].copy_from_slice(&index.to_be_bytes());
            record
        }));
        records.sort_unstable();
        // The first registration is what is left.
        records.dedup_by(|next, kept| next[..32] == kept[..32]);
        Ok((Run::new(span, records.len() as u64), records.as_flattened().to_vec()))
    }

    /// Returns the index at which `original` was registered first, if it was in this span. Costs a page or two.
    pub(super) fn find(&self, store: &dyn Store, original: &Hash) -> Result<Option<u64>, StoreError> {
        if let Some(bytes) = self.loaded.get() {
            return Ok(find_in(bytes, original));
        }
        let is_asked_much = self.lookups.fetch_add(1, Ordering::Relaxed) > self.count / LOADED_AFTER;
        if is_asked_much && !self.loading.swap(true, Ordering::Relaxed) {
            let bytes = self.read(store, 0, self.count)?;
            return Ok(find_in(self.loaded.get_or_init(|| bytes), original));
        }
        let wanted = first_bytes(&original.0);
        // It can only be among the records `low..high`, which begin with `floor` to `ceiling`.
        let (mut low, mut high) = (0, self.count);
        let (mut floor, mut ceiling) = (0, u64::MAX);
        let mut halve = false;
        while low < high {
            // Digests are spread evenly, so their place can be guessed; should somebody have chosen them, halving
            // finds them all the same.
            let share = match halve {
                true => u128::from(high - low) / 2,
                false => {
                    let (part, whole) = (u128::from(wanted - floor), u128::from(ceiling - floor) + 1);
                    u128::from(high - low) * part / whole
                }
            };
            let guess = low + share as u64;
            let count = PAGE.min(high - low);
            let first = guess.saturating_sub(count / 2).clamp(low, high - count);
            let page = self.read(store, first, count)?;
            let records = page.as_chunks::<RECORD>().0;
            match (records.first(), records.last()) {
                (Some(least), _) if original.0[..] < least[..32] => {
                    (high, ceiling) = (first, first_bytes(least));
                }
                (_, Some(most)) if original.0[..] > most[..32] => {
                    (low, floor) = (first + count, first_bytes(most));
                }
                _ => return Ok(find_in(&page, original)),
            }
            halve = !halve;
        }
        Ok(None)
    }

    fn read(&self, store: &dyn Store, first: u64, count: u64) -> Result<Vec<u8>, StoreError> {
        let key = key(&self.span.path());
        let length = count * RECORD as u64;
        let bytes = store.get_range(&key, first * RECORD as u64, length)?.unwrap_or_default();
        if bytes.len() as u64 == length { Ok(bytes) } else { Err(StoreError::CutShort { key }) }
    }
}

fn first_bytes(record: &[u8]) -> u64 {
    u64::from_be_bytes(std::array::from_fn(|place| record[place]))
}

fn find_in(bytes: &[u8], original: &Hash) -> Option<u64> {
    let records = bytes.as_chunks::<RECORD>().0;
    let place = records.binary_search_by(|record| record[..32].cmp(&original.0)).ok()?;
    Some(first_bytes(&records[place][32..]))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::storage::{MemoryStore, Object};

    fn original(number: u64) -> Hash {
        Hash::of(&number.to_be_bytes())
    }

    fn made(store: &MemoryStore, level: u8, originals: &[(Hash, u64)]) -> Run {
        let (run, bytes) = Run::merge(store, Span { level, number: 0 }, &[], originals.iter()).unwrap();
        store.put(&[Object { key: key(&run.span().path()), bytes }]).unwrap();
        assert!(run.is_whole(store).unwrap());
        run
    }

    #[test]
    fn spans_cover_each_bundle_once() {
        for bundles in (0..70).chain([4_095, 4_096, 4_097, 39_062]) {
            let spans = spans_of(bundles);
            let mut next = 0;
            for span in &spans {
                assert_eq!(span.first_entry(), next);
                next += span.entries();
            }
            assert_eq!(next, bundles * BUNDLE);
            let shorter = |level: u8| spans.iter().filter(|span| span.level == level).count();
            assert!((0..TOP).all(|level| shorter(level) < 4), "{bundles}");
        }
        assert_eq!(spans_of(39_062).len(), 9 + 2 + 2 + 1 + 1 + 2);
        assert_eq!(paths_of(1_300), [".local/originals/1/0", ".local/originals/0/4"]);
    }

    #[test]
    fn every_original_is_found_and_nothing_else() {
        // More than are read at a time, spread evenly and not.
        let even: Vec<(Hash, u64)> = (0..20_000).map(|number| (original(number), number)).collect();
        let chosen = |number: u64| {
            let mut hash = Hash([0x55; 32]);
            hash.0[24..].copy_from_slice(&number.to_be_bytes());
            hash
        };
        let uneven: Vec<(Hash, u64)> = (0..20_000).map(|number| (chosen(2 * number), number)).collect();
        let store = MemoryStore::default();
        for originals in [even, uneven] {
            let by_pages = made(&store, 4, &originals);
            for (original, index) in originals.iter().step_by(97) {
                by_pages.lookups.store(0, Ordering::Relaxed);
                assert_eq!(by_pages.find(&store, original).unwrap(), Some(*index));
            }
            for number in (0..2_000).map(|number| number * 19 + 1) {
                by_pages.lookups.store(0, Ordering::Relaxed);
                assert_eq!(by_pages.find(&store, &original(1_000_000 + number)).unwrap(), None);
                assert_eq!(by_pages.find(&store, &chosen(number | 1)).unwrap(), None);
            }
            assert!(by_pages.loaded.get().is_none());
            let whole = made(&store, 4, &originals);
            for (original, index) in &originals {
                assert_eq!(whole.find(&store, original).unwrap(), Some(*index));
            }
            assert!(whole.loaded.get().is_some());
        }
    }

    #[test]
    fn what_was_registered_twice_is_found_where_it_was_first() {
        let store = MemoryStore::default();
        let first = made(&store, 0, &[(original(1), 1), (original(2), 2), (original(1), 3)]);
        assert_eq!(first.count(), 2);
        let later = [(original(2), 300), (original(3), 301)];
        let (run, bytes) = Run::merge(&store, Span { level: 1, number: 0 }, &[first], later.iter()).unwrap();
        let expected: BTreeMap<Hash, u64> = [(original(1), 1), (original(2), 2), (original(3), 301)].into();
        assert_eq!(run.count(), 3);
        for (original, index) in expected {
            assert_eq!(find_in(&bytes, &original), Some(index));
        }
    }

    #[test]
    fn a_run_that_is_not_whole_is_noticed() {
        let store = MemoryStore::default();
        let run = made(&store, 0, &[(original(1), 1), (original(2), 2)]);
        let path = key(&run.span().path());
        let bytes = store.get(&path, 99).unwrap().unwrap();
        for wrong in [&bytes[..79], &[], &[bytes.as_slice(), b"x"].concat()] {
            store.put(&[Object { key: path.clone(), bytes: wrong.to_vec() }]).unwrap();
            assert!(!run.is_whole(&store).unwrap());
        }
        store.delete(&[path]).unwrap();
        assert!(!run.is_whole(&store).unwrap());
        assert!(matches!(run.find(&store, &original(1)), Err(StoreError::CutShort { .. })));
        assert!(Run::new(run.span(), 0).is_whole(&store).unwrap());
        assert!(!Run::new(run.span(), u64::MAX).is_whole(&store).unwrap());
    }
}
