//! Our tree, proofs and tiles beside those of the crate `tlog_tiles`, Cloudflare's port of Go's `sumdb/tlog`.

#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use dateline::base::Hash;
use dateline::tlog::edge::bytes_of_tile;
use dateline::tlog::proof::root_of_prefix;
use dateline::tlog::{
    ConsistencyProof, Edge, InclusionProof, Tile, TileReader, TileSource, empty_root, leaf_hash, node_hash,
};
use tlog_tiles::{HashReader, TileReader as _};

/// Their store of hashes: one list, in the order of their index.
struct Stored(Vec<tlog_tiles::Hash>);

impl HashReader for Stored {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog_tiles::Hash>, tlog_tiles::Error> {
        Ok(indexes.iter().map(|&index| self.0[index as usize]).collect())
    }
}

fn entry(n: u64) -> Vec<u8> {
    format!("entry {n}").into_bytes()
}

fn stored(size: u64) -> Stored {
    let mut stored = Stored(Vec::new());
    for n in 0..size {
        let more = tlog_tiles::stored_hashes(n, &entry(n), &stored).unwrap();
        stored.0.extend(more);
    }
    stored
}

/// Our tiles, served to our reader and to theirs.
#[derive(Debug)]
struct Files(BTreeMap<Tile, Vec<u8>>);

impl Files {
    fn new(size: u64) -> (Self, Edge) {
        let (mut edge, mut tiles) = (Edge::default(), BTreeMap::new());
        edge.grow((0..size).map(|n| leaf_hash(&entry(n))), |tile, hashes| {
            tiles.insert(tile, bytes_of_tile(hashes));
        });
        (Files(tiles), edge)
    }
}

impl TileSource for &Files {
    type Error = Infallible;

    fn tile(&self, tile: Tile) -> Result<Vec<u8>, Infallible> {
        Ok(self.0[&tile].clone())
    }
}

impl tlog_tiles::TileReader for Files {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[tlog_tiles::Tile]) -> Result<Vec<Vec<u8>>, tlog_tiles::Error> {
        Ok(tiles.iter().map(|tile| self.0[&ours(tile)].clone()).collect())
    }

    fn save_tiles(&self, _: &[tlog_tiles::Tile], _: &[Vec<u8>]) {}
}

/// Their path has the height of the tiles before the level.
fn ours(tile: &tlog_tiles::Tile) -> Tile {
    tile.path().replacen("tile/8/", "tile/", 1).parse().unwrap()
}

fn theirs(hash: Hash) -> tlog_tiles::Hash {
    tlog_tiles::Hash(hash.0)
}

fn from_theirs(hashes: Vec<tlog_tiles::Hash>) -> Vec<Hash> {
    hashes.into_iter().map(|hash| Hash(hash.0)).collect()
}

#[test]
fn same_hashes() {
    let (a, b) = (leaf_hash(b"a"), leaf_hash(b""));
    assert_eq!(tlog_tiles::record_hash(b"a"), theirs(a));
    assert_eq!(tlog_tiles::node_hash(theirs(a), theirs(b)), theirs(node_hash(&a, &b)));
    assert_eq!(tlog_tiles::EMPTY_HASH, theirs(empty_root()));
}

#[test]
fn same_roots_and_proofs_and_each_verifies_the_others() {
    const LARGEST: u64 = 800;
    let stored = stored(LARGEST);
    let (files, edge) = Files::new(LARGEST);
    let mut reader = TileReader::new(&files, LARGEST, &edge.root()).unwrap();
    let sizes = [1, 2, 3, 7, 8, 100, 255, 256, 257, 511, 512, 513, 799, 800];
    for size in sizes {
        let root = tlog_tiles::tree_hash(size, &stored).unwrap();
        let our_root = root_of_prefix(size, &mut reader).unwrap();
        assert_eq!(root, theirs(our_root), "size {size}");
        for m in (0..size).step_by(13).chain([0, 1, 254, 255, 256, 511, 512, size - 1]).filter(|&m| m < size)
        {
            let leaf = leaf_hash(&entry(m));
            let their_proof = tlog_tiles::prove_record(size, m, &stored).unwrap();
            let proof = InclusionProof::prove(m, size, &mut reader).unwrap();
            assert_eq!(proof.0, from_theirs(their_proof.clone()), "leaf {m} in {size}");
            assert_eq!(proof.verify(&leaf, m, size, &our_root), Ok(()));
            assert!(tlog_tiles::check_record(&their_proof, size, root, m, theirs(leaf)).is_ok());

            let old = m + 1;
            let old_root = tlog_tiles::tree_hash(old, &stored).unwrap();
            let their_proof = tlog_tiles::prove_tree(size, old, &stored).unwrap();
            let proof = ConsistencyProof::prove(old, size, &mut reader).unwrap();
            assert_eq!(proof.0, from_theirs(their_proof.clone()), "{old} to {size}");
            assert_eq!(proof.verify(old, &Hash(old_root.0), size, &our_root), Ok(()));
            assert!(tlog_tiles::check_tree(&their_proof, size, root, old, old_root).is_ok());
        }
    }
}

#[test]
fn same_verdicts_on_bad_proofs() {
    let stored = stored(40);
    for size in 1..=20u64 {
        let root = tlog_tiles::tree_hash(size, &stored).unwrap();
        for m in 0..size {
            let proof = tlog_tiles::prove_record(size, m, &stored).unwrap();
            let consistency = tlog_tiles::prove_tree(size, m + 1, &stored).unwrap();
            for other_size in 1..=40u64 {
                for other in 0..other_size {
                    let leaf = leaf_hash(&entry(m));
                    let theirs_says = tlog_tiles::check_record(&proof, other_size, root, other, theirs(leaf));
                    let ours = InclusionProof(from_theirs(proof.clone()));
                    let ours_says = ours.verify(&leaf, other, other_size, &Hash(root.0));
                    assert_eq!(
                        ours_says.is_ok(),
                        theirs_says.is_ok(),
                        "{m} in {size} as {other} in {other_size}"
                    );

                    let old_root = tlog_tiles::tree_hash(m + 1, &stored).unwrap();
                    let theirs_says =
                        tlog_tiles::check_tree(&consistency, other_size, root, other + 1, old_root);
                    let ours = ConsistencyProof(from_theirs(consistency.clone()));
                    let ours_says = ours.verify(other + 1, &Hash(old_root.0), other_size, &Hash(root.0));
                    assert_eq!(
                        ours_says.is_ok(),
                        theirs_says.is_ok(),
                        "{m} + 1 to {size} as {other} + 1 to {other_size}"
                    );
                }
            }
        }
    }
}

#[test]
fn same_tiles_to_write() {
    let sizes = [0, 1, 2, 255, 256, 257, 65_535, 65_536, 65_537, 70_000];
    for old in sizes {
        for new in sizes.into_iter().filter(|new| *new > old) {
            let theirs: BTreeSet<_> = tlog_tiles::Tile::new_tiles(8, old, new).iter().map(ours).collect();
            let mut edge = Files::new(old).1;
            let mut written = BTreeSet::new();
            edge.grow((old..new).map(|n| leaf_hash(&entry(n))), |tile, _| {
                written.insert(tile);
            });
            assert_eq!(written, theirs, "{old} to {new}");
        }
    }
}

#[test]
fn same_paths() {
    for (level, index, width) in [(0, 0, 256), (0, 1_234_067, 1), (5, 999_999_999, 255), (63, u64::MAX, 17)] {
        let theirs = tlog_tiles::Tile::new(8, level, index, width, false);
        assert_eq!(ours(&theirs), Tile::new(level, index, width as u16).unwrap());
        assert_eq!(
            theirs.path(),
            Tile::new(level, index, width as u16).unwrap().path().replacen("/", "/8/", 1)
        );
    }
}

#[test]
fn their_reader_takes_our_tiles() {
    let stored = stored(66_000);
    let (files, edge) = Files::new(66_000);
    assert_eq!(files.height(), 8);
    let reader = tlog_tiles::TileHashReader::new(66_000, theirs(edge.root()), &files);
    let mut our_reader = TileReader::new(&files, 66_000, &edge.root()).unwrap();
    for m in [0, 255, 256, 32_768, 65_535, 65_536, 65_999] {
        let proof = tlog_tiles::prove_record(66_000, m, &reader).unwrap();
        assert_eq!(proof, tlog_tiles::prove_record(66_000, m, &stored).unwrap());
        assert_eq!(InclusionProof::prove(m, 66_000, &mut our_reader).unwrap().0, from_theirs(proof));
    }
}
