//! The right edge of a tree: the partial tile of each level, which is all that growing it needs.
//!
//! The same small thing (at most eight times 255 hashes) serves a writer, who loads it from tiles, and an auditor,
//! who pushes every leaf of a log through it and compares the tiles that come out.

use thiserror::Error;

use crate::base::Hash;

use super::tile::{FULL, LEVELS, Tile, partial_tiles_of};
use super::tree::{empty_root, join, root_of};

/// The partial tiles of a tree, or of a range of its leaves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edge {
    /// The first leaf, counted from 0: zero but for a range.
    start: u64,
    size: u64,
    /// By level, lowest first: the hashes of the partial tile, fewer than 256.
    levels: Vec<Vec<Hash>>,
    /// Of a range, by level, lowest first: the hashes of the tile that begins before it, as far as they are in it.
    left: Vec<Vec<Hash>>,
}

/// Returns the levels of the largest subtrees of whole tiles that leaves `start` up to `end` are made of, from left to right: a
/// subtree of level `l` is of 256^`l` leaves. At most 255 for each of 15 steps.
pub fn subtrees_of(start: u64, end: u64) -> impl Iterator<Item = u8> {
    let mut at = start;
    std::iter::from_fn(move || {
        let fits = |level: &u8| {
            let leaves = 1u64 << (8 * u32::from(*level));
            at.is_multiple_of(leaves) && end.checked_sub(at).is_some_and(|rest| rest >= leaves)
        };
        let level = (0..LEVELS).rev().find(fits)?;
        at += 1 << (8 * u32::from(level));
        Some(level)
    })
}

/// Why tiles are not the edge of a tree.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EdgeError {
    /// A tile has another number of hashes.
    #[error("{tile} has {found} bytes instead of {expected}")]
    Length {
        /// Which.
        tile: Tile,
        /// Bytes it must have.
        expected: usize,
        /// Bytes it has.
        found: usize,
    },
    /// The tiles do not lead to the root.
    #[error("the partial tiles of {size} entries give the root {found}, not {expected}")]
    Root {
        /// Leaves of the tree.
        size: u64,
        /// The root asked for.
        expected: Hash,
        /// The root that the tiles give.
        found: Hash,
    },
}

/// Takes the bytes of a tile apart.
///
/// # Errors
/// [`EdgeError::Length`].
pub fn hashes_of_tile(tile: Tile, bytes: &[u8]) -> Result<Vec<Hash>, EdgeError> {
    let (hashes, rest) = bytes.as_chunks::<32>();
    let expected = usize::from(tile.width()) * 32;
    if !rest.is_empty() || bytes.len() != expected {
        return Err(EdgeError::Length { tile, expected, found: bytes.len() });
    }
    Ok(hashes.iter().map(|hash| Hash(*hash)).collect())
}

/// Returns the bytes of a tile.
pub fn bytes_of_tile(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}

impl Edge {
    /// Takes the edge of a tree of `size` leaves from its partial tiles, in the order of
    /// [`partial_tiles_of`], and checks that they lead to `root`.
    ///
    /// # Errors
    /// [`EdgeError`].
    ///
    /// # Panics
    /// If there are not as many tiles as the size has.
    pub fn from_tiles(size: u64, root: &Hash, tiles: &[Vec<u8>]) -> Result<Self, EdgeError> {
        let coordinates: Vec<Tile> = partial_tiles_of(size).collect();
        assert_eq!(coordinates.len(), tiles.len(), "internal error: the wrong number of partial tiles");
        let mut levels = vec![Vec::new(); usize::from(LEVELS)];
        for (tile, bytes) in coordinates.into_iter().zip(tiles) {
            levels[usize::from(tile.level())] = hashes_of_tile(tile, bytes)?;
        }
        let edge = Edge { start: 0, size, levels, left: Vec::new() };
        match edge.root() {
            found if found == *root => Ok(edge),
            found => Err(EdgeError::Root { size, expected: *root, found }),
        }
    }

    /// Begins a range of leaves: the one at index `start` is the next.
    pub fn of_range(start: u64) -> Self {
        Edge { start, size: start, ..Edge::default() }
    }

    /// Returns the number of leaves; of a range, the index after its last.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Returns the hashes of the subtrees that [`subtrees_of`] the range names, in that order: all that whoever has what
    /// lies before needs of it.
    pub fn subtrees(&self) -> Vec<Hash> {
        self.left.iter().chain(self.levels.iter().rev()).flatten().copied().collect()
    }

    /// Adds the 256^`level` leaves of a subtree whose root is `root`, and hands out the tiles above it that this completes.
    ///
    /// # Errors
    /// `None`, and nothing is added, if such a subtree cannot begin where the leaves end.
    pub fn push_subtree(
        &mut self,
        level: u8,
        root: Hash,
        completed: impl FnMut(Tile, &[Hash]),
    ) -> Option<()> {
        let leaves = (level < LEVELS).then(|| 1u64 << (8 * u32::from(level)))?;
        let place = self.size.is_multiple_of(leaves).then_some(self.size / leaves)?;
        self.size = self.size.checked_add(leaves)?;
        self.add(level, place, root, completed);
        Some(())
    }

    /// Returns the hashes of the partial tile of `level`; none if it has no partial tile.
    pub fn partial(&self, level: u8) -> &[Hash] {
        self.levels.get(usize::from(level)).map_or(&[], Vec::as_slice)
    }

    /// Returns the root of the tree; of a range, what means nothing. Costs at most 255 hashes a level.
    pub fn root(&self) -> Hash {
        self.root_from(0)
    }

    /// Returns the root that the tree had before the leaves of the partial tile of level 0.
    pub fn root_of_full_tiles(&self) -> Hash {
        self.root_from(1)
    }

    fn root_from(&self, level: usize) -> Hash {
        let mut subtrees = Vec::new();
        for hashes in self.levels.iter().skip(level).rev() {
            let mut rest = hashes.as_slice();
            while !rest.is_empty() {
                // The largest complete subtree that the rest begins with.
                let (subtree, after) = rest.split_at(1 << rest.len().ilog2());
                subtrees.push(root_of(subtree));
                rest = after;
            }
        }
        join(subtrees.into_iter()).unwrap_or_else(empty_root)
    }

    /// Adds leaves, and hands out every tile that the growth writes, in its new width: those it completes as they are
    /// completed, then the partial ones that changed. Costs two hashes a leaf, leaf hashes not counted.
    pub fn grow(&mut self, leaves: impl IntoIterator<Item = Hash>, mut written: impl FnMut(Tile, &[Hash])) {
        let before = self.size;
        for leaf in leaves {
            self.push(leaf, &mut written);
        }
        for tile in partial_tiles_of(self.size) {
            if !tile.belongs_to(before) {
                written(tile, self.partial(tile.level()));
            }
        }
    }

    /// Adds one leaf, and hands out only the tiles that it completes.
    pub fn push(&mut self, leaf: Hash, completed: impl FnMut(Tile, &[Hash])) {
        let place = self.size;
        self.size += 1;
        self.add(0, place, leaf, completed);
    }

    /// Adds the 256 leaves of a full tile whose root is `root`, and hands out the tiles above it that this completes. Costs
    /// nothing but those: whoever has the leaves can hash them anywhere.
    ///
    /// # Panics
    /// If the last tile is not full.
    pub fn push_full(&mut self, root: Hash, completed: impl FnMut(Tile, &[Hash])) {
        assert!(self.partial(0).is_empty(), "internal error: a full tile after {} leaves", self.size);
        let place = self.size / u64::from(FULL);
        self.size += u64::from(FULL);
        self.add(1, place, root, completed);
    }

    /// Returns whether a tile begins before the range does.
    fn begins_before(&self, level: u8, index: u64) -> bool {
        let leaves = u128::from(FULL) << (8 * u32::from(level));
        self.start > 0 && u128::from(index) * leaves < u128::from(self.start)
    }

    /// Adds a hash at `place` of `level`, and those above it that this completes.
    fn add(&mut self, level: u8, place: u64, mut hash: Hash, mut completed: impl FnMut(Tile, &[Hash])) {
        let mut index = place / u64::from(FULL);
        for level in level..LEVELS {
            if self.begins_before(level, index) {
                while self.left.len() <= usize::from(level) {
                    self.left.push(Vec::new());
                }
                self.left[usize::from(level)].push(hash);
                return;
            }
            while self.levels.len() <= usize::from(level) {
                self.levels.push(Vec::with_capacity(FULL.into()));
            }
            let hashes = &mut self.levels[usize::from(level)];
            hashes.push(hash);
            if hashes.len() < usize::from(FULL) {
                return;
            }
            let tile =
                Tile::new(level, index, FULL).expect("internal error: a level of the edge is one of a tile");
            completed(tile, hashes);
            hash = root_of(hashes);
            hashes.clear();
            index /= u64::from(FULL);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tree::tests::{entries, mth};
    use super::super::tree::{leaf_hash, node_hash};
    use super::*;
    use std::collections::BTreeMap;

    fn leaves(count: usize) -> Vec<Hash> {
        entries(count).iter().map(|entry| leaf_hash(entry)).collect()
    }

    /// All tiles of a tree, each by its definition.
    fn tiles_by_definition(leaves: &[Hash]) -> BTreeMap<String, Vec<Hash>> {
        let mut tiles = BTreeMap::new();
        let mut row = leaves.to_vec();
        for level in 0.. {
            for (index, hashes) in (0..).zip(row.chunks(256)) {
                let tile = Tile::new(level, index, hashes.len() as u16).unwrap();
                tiles.insert(tile.path(), hashes.to_vec());
            }
            row = row.chunks_exact(256).map(root_of).collect();
            if row.is_empty() {
                return tiles;
            }
        }
        unreachable!()
    }

    #[test]
    fn roots_are_those_of_the_definition() {
        let entries = entries(600);
        let mut edge = Edge::default();
        assert_eq!(edge.root(), empty_root());
        for (size, entry) in (1..).zip(&entries) {
            edge.push(leaf_hash(entry), |_, _| {});
            if size < 70 || size % 37 == 0 || (250..260).contains(&size) || size > 590 {
                assert_eq!(edge.root(), mth(&entries[..size]), "{size}");
                assert_eq!(edge.root_of_full_tiles(), mth(&entries[..size / 256 * 256]), "{size}");
            }
        }
    }

    #[test]
    fn growth_writes_exactly_the_tiles_that_are_new() {
        let all = leaves(70_000);
        for (old, new) in [
            (0, 1),
            (0, 0),
            (1, 2),
            (254, 255),
            (255, 256),
            (255, 257),
            (256, 257),
            (300, 300),
            (0, 70_000),
            (65_535, 65_536),
            (65_535, 65_537),
            (65_536, 70_000),
            (100, 66_000),
        ] {
            let mut edge = Edge::default();
            edge.grow(all[..old].iter().copied(), |_, _| {});
            let mut written = BTreeMap::new();
            edge.grow(all[old..new].iter().copied(), |tile, hashes| {
                assert!(written.insert(tile.path(), hashes.to_vec()).is_none(), "{tile} written twice");
            });
            let before = tiles_by_definition(&all[..old]);
            let mut expected = tiles_by_definition(&all[..new]);
            expected.retain(|path, _| !before.contains_key(path));
            assert!(written == expected, "{old} to {new}");
        }
    }

    #[test]
    fn an_edge_is_loaded_from_its_tiles_and_grows_on() {
        let all = leaves(66_000);
        for size in [0, 1, 255, 256, 257, 65_535, 65_536, 65_537] {
            let mut grown = Edge::default();
            grown.grow(all[..size].iter().copied(), |_, _| {});
            let tiles: Vec<Vec<u8>> = partial_tiles_of(size as u64)
                .map(|tile| bytes_of_tile(grown.partial(tile.level())))
                .collect();
            let mut loaded = Edge::from_tiles(size as u64, &grown.root(), &tiles).unwrap();
            grown.grow(all[size..].iter().copied(), |_, _| {});
            loaded.grow(all[size..].iter().copied(), |_, _| {});
            assert_eq!(loaded.root(), grown.root(), "{size}");
            assert_eq!(loaded.size(), 66_000);
        }
    }

    #[test]
    fn full_tiles_are_added_at_once() {
        let all = leaves(66_000);
        let (mut by_leaf, mut by_tile) = (Edge::default(), Edge::default());
        let (mut completed, mut expected) = (Vec::new(), Vec::new());
        for leaves in all.chunks(256) {
            for leaf in leaves {
                by_leaf.push(*leaf, |tile, hashes| expected.push((tile, hashes.to_vec())));
            }
            match leaves.len() {
                256 => {
                    by_tile.push_full(root_of(leaves), |tile, hashes| completed.push((tile, hashes.to_vec())))
                }
                _ => leaves.iter().for_each(|leaf| by_tile.push(*leaf, |_, _| {})),
            }
            assert_eq!(by_tile.root(), by_leaf.root());
        }
        assert_eq!(by_tile, by_leaf);
        expected.retain(|(tile, _)| tile.level() > 0);
        assert!(completed == expected && !expected.is_empty());
    }

    #[test]
    fn tiles_above_full_ones_are_named_by_their_places() {
        let mut edge = Edge::default();
        let mut completed = Vec::new();
        // Only their roots are needed: three tiles of level 1, and the 256 of the first one of level 2.
        for _ in 0..3 * 256 {
            edge.push_full(Hash::of(b"x"), |tile, _| completed.push(tile.path()));
        }
        assert_eq!(completed, ["tile/1/000", "tile/1/001", "tile/1/002"]);
        for _ in 3 * 256..256 * 256 {
            edge.push_full(Hash::of(b"x"), |tile, _| completed.push(tile.path()));
        }
        assert_eq!(completed[completed.len() - 2..], ["tile/1/255", "tile/2/000"]);
        assert_eq!(edge.size(), 1 << 24);
    }

    /// A range of `all`, and the tiles that it completed.
    fn range(all: &[Hash], start: usize, end: usize) -> (Edge, Vec<String>) {
        let (mut edge, mut completed) = (Edge::of_range(start as u64), Vec::new());
        all[start..end].iter().for_each(|leaf| edge.push(*leaf, |tile, _| completed.push(tile.path())));
        (edge, completed)
    }

    #[test]
    fn ranges_side_by_side_are_the_tree() {
        let all = leaves(140_000);
        for cuts in [
            vec![0, 140_000],
            vec![0, 256, 140_000],
            vec![0, 1, 255, 256, 257, 300, 65_535, 65_536, 65_537, 131_072, 139_999, 140_000],
            vec![0, 65_536, 131_072],
            vec![0, 60_000, 60_001, 70_000, 132_000],
            vec![0, 0, 512, 512, 1_024],
        ] {
            let end = *cuts.last().unwrap();
            let (whole, mut tiles) = range(&all, 0, end);
            let (mut joined, mut completed) = (Edge::default(), Vec::new());
            for cut in cuts.windows(2) {
                let (part, inside) = range(&all, cut[0], cut[1]);
                assert_eq!(part.size(), cut[1] as u64);
                let levels: Vec<u8> = subtrees_of(cut[0] as u64, cut[1] as u64).collect();
                let subtrees = part.subtrees();
                assert_eq!(levels.len(), subtrees.len(), "{cut:?}");
                for (level, subtree) in levels.into_iter().zip(subtrees) {
                    joined.push_subtree(level, subtree, |tile, _| completed.push(tile.path())).unwrap();
                }
                completed.extend(inside);
            }
            assert_eq!(joined, whole, "{cuts:?}");
            // Each tile was complete in one range, or is where they meet.
            tiles.sort();
            completed.sort();
            assert_eq!(completed, tiles, "{cuts:?}");
        }
    }

    #[test]
    fn subtrees_are_the_largest_and_begin_where_they_may() {
        let levels = |start, end| subtrees_of(start, end).collect::<Vec<u8>>();
        assert_eq!(levels(0, 0), [0; 0]);
        assert_eq!(levels(5, 3), [0; 0]);
        assert_eq!(levels(255, 258), [0, 0, 0]);
        assert_eq!(levels(65_280, 65_536 * 2 + 256 + 1), [1, 2, 1, 0]);
        assert_eq!(levels(u64::MAX - 1, u64::MAX), [0]);
        assert!(subtrees_of(1, u64::MAX).count() <= 255 * 15);
        let mut edge = Edge::default();
        let mut push = |level| edge.push_subtree(level, Hash([7; 32]), |_, _| {});
        assert_eq!((push(8), push(7), push(7), push(0), push(1)), (None, Some(()), Some(()), Some(()), None));
    }

    #[test]
    fn tiles_of_another_tree_are_refused() {
        let all = leaves(300);
        let mut edge = Edge::default();
        edge.grow(all, |_, _| {});
        let root = edge.root();
        let mut tiles = vec![bytes_of_tile(edge.partial(0)), bytes_of_tile(edge.partial(1))];
        assert!(Edge::from_tiles(300, &root, &tiles).is_ok());
        tiles[1][5] ^= 1;
        assert!(matches!(Edge::from_tiles(300, &root, &tiles), Err(EdgeError::Root { .. })));
        tiles[1].pop();
        assert!(matches!(Edge::from_tiles(300, &root, &tiles), Err(EdgeError::Length { .. })));
        tiles[1].extend([0; 33]);
        assert!(matches!(Edge::from_tiles(300, &root, &tiles), Err(EdgeError::Length { .. })));
    }

    #[test]
    fn the_largest_edge_has_a_root() {
        let hash = Hash::of(b"x");
        let levels = vec![vec![hash; 255]; 8];
        let edge = Edge { start: 0, size: u64::MAX, levels, left: Vec::new() };
        assert_ne!(edge.root(), node_hash(&hash, &hash));
    }
}
