//! Hashes of a tree from tiles that are not trusted.

use std::collections::BTreeMap;

use thiserror::Error;

use crate::base::Hash;

use super::edge::{Edge, EdgeError, hashes_of_tile};
use super::tile::{FULL, Tile, partial_tiles_of};
use super::tree::root_of;

/// A complete subtree: leaves `index`·2^`level` up to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Subtree {
    /// Height of its root above the leaves, 0 to 63.
    pub level: u8,
    /// Its place among those of its height.
    pub index: u64,
}

/// Gives the roots of complete subtrees.
pub trait HashReader {
    /// Why it cannot.
    type Error;

    /// Returns the root of each of `subtrees`, in order.
    ///
    /// # Errors
    /// The reader's own.
    fn read(&mut self, subtrees: &[Subtree]) -> Result<Vec<Hash>, Self::Error>;
}

/// Gives the bytes of tiles, whoever made them.
pub trait TileSource {
    /// Why it cannot; a tile that is missing included.
    type Error;

    /// Returns the bytes of `tile`. A source that has only a wider tile in the same place may give its beginning.
    ///
    /// # Errors
    /// The source's own.
    fn tile(&self, tile: Tile) -> Result<Vec<u8>, Self::Error>;
}

/// Why a hash cannot be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReadError<E> {
    /// The source did not give a tile.
    #[error("{tile} cannot be read")]
    Source {
        /// Which.
        tile: Tile,
        /// Why.
        #[source]
        source: E,
    },
    /// The tiles at the edge do not lead to the root.
    #[error(transparent)]
    Edge(#[from] EdgeError),
    /// A tile is not the one that its parent tile, already authenticated, has the root of.
    #[error("{tile} has the root {found}, not {expected} as the tile above it says")]
    Changed {
        /// Which.
        tile: Tile,
        /// Its root, by the tile above.
        expected: Hash,
        /// Its root, by its hashes.
        found: Hash,
    },
    /// The tree has no such subtree.
    #[error("a tree of {size} leaves has no complete subtree {index} at level {level}")]
    NoSubtree {
        /// Leaves of the tree.
        size: u64,
        /// Level asked for.
        level: u8,
        /// Index asked for.
        index: u64,
    },
}

/// Reads hashes of the tree of a size and root, from tiles that it authenticates before it uses them.
///
/// It reads the partial tiles once, at most eight, and for each hash at most the full tiles between it and them: seven.
/// Full tiles stay in memory, up to [`TileReader::CACHED_MAX`].
pub struct TileReader<S> {
    source: S,
    edge: Edge,
    cached: BTreeMap<(u8, u64), Vec<Hash>>,
}

impl<S: TileSource> TileReader<S> {
    /// Full tiles that are kept: 8 kB each.
    pub const CACHED_MAX: usize = 256;

    /// Reads the partial tiles of the tree and checks that they lead to `root`.
    ///
    /// # Errors
    /// [`ReadError::Source`], [`ReadError::Edge`].
    pub fn new(source: S, size: u64, root: &Hash) -> Result<Self, ReadError<S::Error>> {
        let mut tiles = Vec::new();
        for tile in partial_tiles_of(size) {
            tiles.push(source.tile(tile).map_err(|source| ReadError::Source { tile, source })?);
        }
        let edge = Edge::from_tiles(size, root, &tiles)?;
        Ok(TileReader { source, edge, cached: BTreeMap::new() })
    }

    /// Returns the number of leaves.
    pub fn size(&self) -> u64 {
        self.edge.size()
    }

    /// Returns the hash of the leaf at `index`.
    ///
    /// # Errors
    /// [`ReadError`]; [`ReadError::NoSubtree`] for an index beyond the tree.
    pub fn leaf(&mut self, index: u64) -> Result<Hash, ReadError<S::Error>> {
        self.hash(Subtree { level: 0, index })
    }

    fn hash(&mut self, subtree: Subtree) -> Result<Hash, ReadError<S::Error>> {
        let Subtree { level, index } = subtree;
        let size = self.size();
        if index >= size.checked_shr(level.into()).unwrap_or(0) {
            return Err(ReadError::NoSubtree { size, level, index });
        }
        // The subtree is a run of hashes inside one tile.
        let first = index << (level % 8);
        let run = 1usize << (level % 8);
        let offset = (first % u64::from(FULL)) as usize;
        let hashes = self.tile(level / 8, first / u64::from(FULL))?;
        Ok(root_of(&hashes[offset..offset + run]))
    }

    /// Returns the hashes of tile `index` of `level`, authenticated.
    fn tile(&mut self, level: u8, index: u64) -> Result<&[Hash], ReadError<S::Error>> {
        let tile = Tile::of_size(level, index, self.size());
        let tile = tile.expect("internal error: the subtree was found in the tree");
        if tile.width() < FULL {
            return Ok(self.edge.partial(level));
        }
        if !self.cached.contains_key(&(level, index)) {
            let place = (index % u64::from(FULL)) as usize;
            let expected = self.tile(level + 1, index / u64::from(FULL))?[place];
            let bytes = self.source.tile(tile).map_err(|source| ReadError::Source { tile, source })?;
            let hashes = hashes_of_tile(tile, &bytes)?;
            let found = root_of(&hashes);
            if found != expected {
                return Err(ReadError::Changed { tile, expected, found });
            }
            if self.cached.len() >= Self::CACHED_MAX {
                self.cached.clear();
            }
            self.cached.insert((level, index), hashes);
        }
        Ok(&self.cached[&(level, index)])
    }
}

impl<S: TileSource> HashReader for TileReader<S> {
    type Error = ReadError<S::Error>;

    fn read(&mut self, subtrees: &[Subtree]) -> Result<Vec<Hash>, Self::Error> {
        subtrees.iter().map(|subtree| self.hash(*subtree)).collect()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::edge::bytes_of_tile;
    use super::super::tree::leaf_hash;
    use super::super::tree::tests::entries;
    use super::*;
    use std::cell::RefCell;

    /// Tiles in a map, and which of them were asked for.
    pub(in crate::tlog) struct Tiles {
        pub(in crate::tlog) by_path: BTreeMap<String, Vec<u8>>,
        pub(in crate::tlog) asked: RefCell<Vec<String>>,
    }

    impl TileSource for &Tiles {
        type Error = String;

        fn tile(&self, tile: Tile) -> Result<Vec<u8>, String> {
            self.asked.borrow_mut().push(tile.path());
            self.by_path.get(&tile.path()).cloned().ok_or_else(|| "missing".into())
        }
    }

    pub(in crate::tlog) fn log(size: usize) -> (Tiles, Hash, Vec<Hash>) {
        let leaves: Vec<Hash> = entries(size).iter().map(|entry| leaf_hash(entry)).collect();
        let (mut edge, mut by_path) = (Edge::default(), BTreeMap::new());
        edge.grow(leaves.iter().copied(), |tile, hashes| {
            by_path.insert(tile.path(), bytes_of_tile(hashes));
        });
        (Tiles { by_path, asked: RefCell::default() }, edge.root(), leaves)
    }

    #[test]
    fn hashes_are_those_of_the_tree() {
        for size in [1, 255, 256, 257, 600, 65_536, 65_800] {
            let (tiles, root, leaves) = log(size);
            let mut reader = TileReader::new(&tiles, size as u64, &root).unwrap();
            for level in 0..17 {
                for (index, chunk) in (0..).zip(leaves.chunks_exact(1 << level)).step_by(97) {
                    let hash = reader.hash(Subtree { level, index }).unwrap();
                    assert_eq!(hash, root_of(chunk), "{size} {level} {index}");
                }
                let beyond = Subtree { level, index: size as u64 >> level };
                assert!(matches!(reader.hash(beyond), Err(ReadError::NoSubtree { .. })));
            }
            for (level, index) in [(0, u64::MAX), (63, 0), (64, 0), (u8::MAX, 0)] {
                let beyond = reader.hash(Subtree { level, index });
                assert!(matches!(beyond, Err(ReadError::NoSubtree { .. })), "{size} {level}");
            }
        }
    }

    #[test]
    fn only_the_tiles_that_are_needed_are_read() {
        let (tiles, root, _) = log(65_800);
        let mut reader = TileReader::new(&tiles, 65_800, &root).unwrap();
        assert_eq!(tiles.asked.take(), ["tile/0/257.p/8", "tile/1/001.p/1", "tile/2/000.p/1"]);
        reader.leaf(1000).unwrap();
        assert_eq!(tiles.asked.take(), ["tile/1/000", "tile/0/003"]);
        reader.leaf(1001).unwrap();
        reader.leaf(65_799).unwrap();
        assert_eq!(tiles.asked.take(), [""; 0]);
        reader.leaf(0).unwrap();
        reader.leaf(1000).unwrap();
        assert_eq!(tiles.asked.take(), ["tile/0/000"], "those before are kept");
        for tile in 0..257 {
            reader.leaf(tile * 256).unwrap();
        }
        assert!(reader.cached.len() <= TileReader::<&Tiles>::CACHED_MAX);
    }

    #[test]
    fn changed_tiles_are_named_and_missing_ones_are_not_called_changed() {
        let (mut tiles, root, _) = log(65_800);
        for name in ["tile/0/003", "tile/1/000"] {
            let bytes = tiles.by_path.get_mut(name).unwrap();
            bytes[100] ^= 1;
            let mut reader = TileReader::new(&tiles, 65_800, &root).unwrap();
            let error = reader.leaf(1000).unwrap_err();
            assert!(matches!(&error, ReadError::Changed { tile, .. } if tile.path() == name), "{error}");
            tiles.by_path.get_mut(name).unwrap()[100] ^= 1;
        }
        tiles.by_path.get_mut("tile/2/000.p/1").unwrap()[0] ^= 1;
        assert!(matches!(
            TileReader::new(&tiles, 65_800, &root),
            Err(ReadError::Edge(EdgeError::Root { .. }))
        ));
        tiles.by_path.remove("tile/2/000.p/1");
        assert!(matches!(TileReader::new(&tiles, 65_800, &root), Err(ReadError::Source { .. })));
    }

    #[test]
    fn absurd_sizes_are_only_missing_tiles() {
        let nothing = Tiles { by_path: BTreeMap::new(), asked: RefCell::default() };
        for size in [1 << 63, u64::MAX, i64::MAX as u64] {
            let error = TileReader::new(&nothing, size, &Hash::of(b"")).err().unwrap();
            assert!(matches!(error, ReadError::Source { .. }));
        }
    }
}
