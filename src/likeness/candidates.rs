//! From keys to records that may be alike.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::sketch::{KeyKind, Sketch};

/// Records that share a key and are counted for it. A phrase that more have says little.
pub const LOOKUP_MAX: usize = 1_000;

/// Candidates at most: the texts of all may be read.
pub const CANDIDATES_MAX: usize = 64;

/// What a paragraph or a piece counts for in bands: bands meet by chance.
const EXACT: u64 = 4;

/// Returns what it counts for to have a key that `having` records have, of whom [`LOOKUP_MAX`] at most are known. A band: 80 if
/// one has it, less by 8 each time that twice as many do, 8 if nearly [`LOOKUP_MAX`] do, and 1 if not all of them are known; a
/// paragraph or a piece: four times that. So the notice below every text of an agency does not hide whose quotation one of
/// them is.
pub fn weight(kind: KeyKind, having: usize) -> u64 {
    let rarity = match LOOKUP_MAX / having.max(1) {
        0 | 1 if having >= LOOKUP_MAX => 1,
        times => 8 * (1 + u64::from(times.ilog2())),
    };
    if kind == KeyKind::Band { rarity } else { EXACT * rarity }
}

/// Returns the records that share keys, those with most weight first, of as much the earlier first; at most
/// [`CANDIDATES_MAX`]. Those that share a band and nothing else come last, the earlier first: of many strangers some do, and the
/// first lie together, so that it costs little to look at them.
///
/// `lookup` returns the records that have a key, in ascending order; the first [`LOOKUP_MAX`] count, so it need not return
/// more. Each key counts by its [`weight`]. Costs one call a key.
pub fn candidates(keys: &[(KeyKind, u64)], lookup: impl FnMut(KeyKind, u64) -> Vec<u64>) -> Vec<u64> {
    ranked(keys, lookup).into_iter().map(|(_, record)| record).collect()
}

/// As [`candidates`], without those that share a band and nothing else: for who must not spend much. Of two texts a third of
/// whose words are common, and as many shingles as that makes (a share of .18), two of the 64 bands are; of one band follows less. So
/// nothing is lost that is the same or has a passage; of texts with a fifth of the words changed here and there one in 250, of those
/// with half of them changed most.
pub fn likely(keys: &[(KeyKind, u64)], lookup: impl FnMut(KeyKind, u64) -> Vec<u64>) -> Vec<u64> {
    let ranked = ranked(keys, lookup).into_iter();
    ranked.take_while(|(by_chance, _)| !by_chance).map(|(_, record)| record).collect()
}

/// Returns the candidates, and whether each may be one by chance.
fn ranked(keys: &[(KeyKind, u64)], mut lookup: impl FnMut(KeyKind, u64) -> Vec<u64>) -> Vec<(bool, u64)> {
    #[derive(Default)]
    struct Shared {
        keys: u64,
        weight: u64,
        exact: bool,
    }
    let mut shared: HashMap<u64, Shared> = HashMap::new();
    for (kind, key) in keys {
        let mut found = lookup(*kind, *key);
        found.truncate(LOOKUP_MAX);
        for record in &found {
            let shared = shared.entry(*record).or_default();
            shared.keys += 1;
            shared.weight += weight(*kind, found.len());
            shared.exact |= *kind != KeyKind::Band;
        }
    }
    let rank = |(record, shared): (u64, Shared)| {
        let by_chance = shared.keys == 1 && !shared.exact;
        (by_chance, Reverse(if by_chance { 0 } else { shared.weight }), record)
    };
    let mut ranked: Vec<(bool, Reverse<u64>, u64)> = shared.into_iter().map(rank).collect();
    ranked.sort_unstable();
    ranked.truncate(CANDIDATES_MAX);
    ranked.into_iter().map(|(by_chance, _, record)| (by_chance, record)).collect()
}

/// Keys in memory.
#[derive(Debug, Clone, Default)]
pub struct MemoryIndex {
    records: HashMap<(KeyKind, u64), Vec<u64>>,
}

impl MemoryIndex {
    /// Adds the keys of a record. What a key has beyond [`LOOKUP_MAX`] is not kept.
    pub fn insert(&mut self, record: u64, sketch: &Sketch) {
        for key in &sketch.keys {
            let records = self.records.entry(*key).or_default();
            // Mostly they come in ascending order.
            if records.len() < LOOKUP_MAX
                && let Err(place) = records.binary_search(&record)
            {
                records.insert(place, record);
            }
        }
    }

    /// Forgets a record. Costs a pass over all keys.
    pub fn forget(&mut self, record: u64) {
        self.records.retain(|_, records| {
            if let Ok(place) = records.binary_search(&record) {
                records.remove(place);
            }
            !records.is_empty()
        });
    }

    /// Forgets the records before `record`. Costs a pass over all keys.
    pub fn forget_before(&mut self, record: u64) {
        self.records.retain(|_, records| {
            records.drain(..records.partition_point(|known| *known < record));
            !records.is_empty()
        });
    }

    /// Returns the records that have a key.
    pub fn lookup(&self, kind: KeyKind, key: u64) -> &[u64] {
        self.records.get(&(kind, key)).map_or(&[], Vec::as_slice)
    }

    /// Returns the candidates for a text, as [`candidates`] does.
    pub fn candidates(&self, sketch: &Sketch) -> Vec<u64> {
        candidates(&sketch.keys, |kind, key| self.lookup(kind, key).to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_shares_more_comes_first_and_the_number_is_bounded() {
        let table = |kind: KeyKind, key: u64| match (kind, key) {
            (KeyKind::Band, 1) => vec![7, 9],
            (KeyKind::Band, 2) => vec![3, 9],
            (KeyKind::Piece, 1) => vec![5],
            (KeyKind::Band, 3) => (100..5_000).collect(),
            _ => Vec::new(),
        };
        let keys = [(KeyKind::Band, 1), (KeyKind::Band, 2), (KeyKind::Piece, 1), (KeyKind::Paragraph, 1)];
        assert_eq!(candidates(&keys, table), [5, 9, 3, 7]);
        assert_eq!(likely(&keys, table), [5, 9]);
        assert_eq!(likely(&keys[2..], table), [5]);
        assert_eq!(candidates(&[(KeyKind::Band, 3)], table).len(), CANDIDATES_MAX);
        assert_eq!(candidates(&[], table), [0; 0]);
    }

    #[test]
    fn what_all_have_hides_nothing() {
        // Three notices stand below each text; one text, of many, has the same quotation.
        let table = |_: KeyKind, key: u64| match key {
            1..=3 => (0..LOOKUP_MAX as u64).collect(),
            _ => vec![15_000],
        };
        let keys = [1, 2, 3, 4].map(|key| (KeyKind::Piece, key));
        assert_eq!(candidates(&keys, table)[..2], [15_000, 0]);
    }

    #[test]
    fn what_many_copied_is_found_among_strangers() {
        // A paragraph that 500 copied; and strangers who share a band with the text, each another one.
        let table = |kind: KeyKind, key: u64| match kind {
            KeyKind::Band => (0..4).map(|number| 10_000 + 4 * key + number).collect(),
            _ => (0..500).collect(),
        };
        let bands = (0..64).map(|key| (KeyKind::Band, key));
        let keys: Vec<_> = bands.chain([(KeyKind::Paragraph, 1), (KeyKind::Piece, 1)]).collect();
        assert!(candidates(&keys, table).iter().all(|record| *record < 500));
        let only_strangers = candidates(&keys[..64], table);
        assert_eq!((only_strangers.len(), only_strangers[0]), (CANDIDATES_MAX, 10_000));
        assert_eq!(likely(&keys[..64], table), [0; 0]);
        assert_eq!(likely(&keys, table).len(), CANDIDATES_MAX);
    }

    #[test]
    fn the_fewer_have_it_the_more_it_counts() {
        let band = |having: usize| weight(KeyKind::Band, having);
        let all = [1, 2, 3, 250, 251, 500, 501, LOOKUP_MAX - 1, LOOKUP_MAX, LOOKUP_MAX + 1].map(band);
        assert_eq!(all, [80, 72, 72, 24, 16, 16, 8, 8, 1, 1]);
        assert_eq!(weight(KeyKind::Piece, 1), 320);
    }

    #[test]
    fn what_is_forgotten_is_no_candidate() {
        let sketch = |keys: &[u64]| Sketch {
            minhash: [0; super::super::MINHASHES],
            keys: keys.iter().map(|key| (KeyKind::Paragraph, *key)).collect(),
        };
        let mut index = MemoryIndex::default();
        [(8, [3, 4]), (3, [1, 2]), (5, [2, 3])]
            .iter()
            .for_each(|(record, keys)| index.insert(*record, &sketch(keys)));
        index.forget_before(5);
        assert_eq!(index.candidates(&sketch(&[1, 2, 3, 4])), [5, 8]);
        assert_eq!(index.records.len(), 3, "keys of no record are gone too");
        index.forget(8);
        assert_eq!(index.candidates(&sketch(&[1, 2, 3, 4])), [5]);
    }

    #[test]
    fn the_memory_keeps_no_more_than_count() {
        let sketch = Sketch { minhash: [0; super::super::MINHASHES], keys: vec![(KeyKind::Piece, 1)] };
        let mut index = MemoryIndex::default();
        (0..LOOKUP_MAX as u64 + 10).for_each(|record| index.insert(record, &sketch));
        assert_eq!(index.lookup(KeyKind::Piece, 1).len(), LOOKUP_MAX);
        assert_eq!(index.candidates(&sketch)[..2], [0, 1]);
    }
}
