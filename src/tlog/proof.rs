//! Inclusion and consistency proofs, RFC 6962 sections 2.1.1 and 2.1.2, verified as RFC 9162 sections 2.1.3.2 and
//! 2.1.4.2 spell it out.
//!
//! Where the specifications are silent about empty trees: a leaf is in no empty tree, so such an inclusion proof is
//! an error; the empty tree is a prefix of every tree, its one proof is empty, and its root must be the empty root.

use thiserror::Error;

use crate::base::Hash;

use super::reader::{HashReader, Subtree};
use super::tree::{empty_root, join, node_hash};

/// That a leaf is at an index of a tree: hashes from the leaf's sibling up to the root's child.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InclusionProof(pub Vec<Hash>);

/// That a smaller tree is the beginning of a larger one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsistencyProof(pub Vec<Hash>);

/// Why a proof does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ProofError {
    /// The leaf is beyond the tree.
    #[error("leaf {index} is not in a tree of {size} leaves")]
    Index {
        /// Index of the leaf.
        index: u64,
        /// Leaves of the tree.
        size: u64,
    },
    /// The tree that should be smaller is larger.
    #[error("a tree of {old} leaves is not the beginning of one of {new}")]
    Sizes {
        /// Leaves of the tree that should be the beginning.
        old: u64,
        /// Leaves of the other.
        new: u64,
    },
    /// Too many or too few hashes.
    #[error("the proof has {found} hashes instead of {expected}")]
    Length {
        /// How many it must have.
        expected: usize,
        /// How many it has.
        found: usize,
    },
    /// The hashes lead elsewhere.
    #[error("the proof leads to the root {found}, not {expected}, of {size} leaves")]
    Root {
        /// Leaves of the tree whose root it is.
        size: u64,
        /// The root asked for.
        expected: Hash,
        /// The root that the proof gives.
        found: Hash,
    },
}

/// Leaves `start` up to `end`, as RFC 6962 writes D[start:end].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Range {
    start: u64,
    end: u64,
}

impl Range {
    fn size(self) -> u64 {
        self.end - self.start
    }

    /// Splits at the largest power of two smaller than the size, which must be at least 2.
    fn split(self) -> (Range, Range) {
        let middle = self.start + (1 << (self.size() - 1).ilog2());
        (Range { end: middle, ..self }, Range { start: middle, ..self })
    }

    /// The complete subtrees that make up the range, largest first, at most 64.
    fn subtrees(self) -> Vec<Subtree> {
        let mut subtrees = Vec::new();
        let mut start = self.start;
        while start < self.end {
            let level = (self.end - start).ilog2() as u8;
            subtrees.push(Subtree { level, index: start >> level });
            start += 1 << level;
        }
        subtrees
    }
}

/// Reads the root of each of `ranges`, with one call to `reader`.
fn roots<R: HashReader>(ranges: &[Range], reader: &mut R) -> Result<Vec<Hash>, R::Error> {
    let subtrees: Vec<Vec<Subtree>> = ranges.iter().map(|range| range.subtrees()).collect();
    let mut hashes = reader.read(&subtrees.concat())?.into_iter();
    let mut root = |count: usize| {
        let joined: Vec<Hash> = hashes.by_ref().take(count).collect();
        join(joined.into_iter()).unwrap_or_else(empty_root)
    };
    Ok(subtrees.iter().map(|subtrees| root(subtrees.len())).collect())
}

/// Returns the root of the first `size` leaves of the reader's tree, which must have as many.
///
/// # Errors
/// The reader's.
pub fn root_of_prefix<R: HashReader>(size: u64, reader: &mut R) -> Result<Hash, R::Error> {
    let [root] = roots(&[Range { start: 0, end: size }], reader)?[..] else {
        unreachable!("internal error: one range has one root")
    };
    Ok(root)
}

impl InclusionProof {
    /// Proves leaf `index` of a tree of `size` leaves. Reads at most log₂ `size` times two hashes.
    ///
    /// # Errors
    /// The reader's.
    ///
    /// # Panics
    /// Unless `index` < `size`.
    pub fn prove<R: HashReader>(index: u64, size: u64, reader: &mut R) -> Result<Self, R::Error> {
        assert!(index < size, "internal error: leaf {index} is not in a tree of {size}");
        let mut siblings = Vec::new();
        let mut range = Range { start: 0, end: size };
        while range.size() > 1 {
            let (left, right) = range.split();
            let sibling;
            (range, sibling) = if index < right.start { (left, right) } else { (right, left) };
            siblings.push(sibling);
        }
        siblings.reverse();
        roots(&siblings, reader).map(InclusionProof)
    }

    /// Checks that a leaf with hash `leaf` is at `index` of the tree with `size` and `root`.
    ///
    /// # Errors
    /// [`ProofError`].
    pub fn verify(&self, leaf: &Hash, index: u64, size: u64, root: &Hash) -> Result<(), ProofError> {
        if index >= size {
            return Err(ProofError::Index { index, size });
        }
        let expected = inclusion_length(index, size);
        if self.0.len() != expected {
            return Err(ProofError::Length { expected, found: self.0.len() });
        }
        // RFC 9162 section 2.1.3.2, with fn and sn as there. Its inner loop skips levels that have no hash; since the
        // number of hashes is known to be right, and fn stays sn once it is, nothing depends on that.
        let (mut fn_, mut sn) = (index, size - 1);
        let mut r = *leaf;
        for p in &self.0 {
            r = if fn_ & 1 == 1 || fn_ == sn { node_hash(p, &r) } else { node_hash(&r, p) };
            (fn_, sn) = (fn_ >> 1, sn >> 1);
        }
        if r == *root { Ok(()) } else { Err(ProofError::Root { size, expected: *root, found: r }) }
    }
}

/// How many hashes the proof of a leaf has: one a level where it and the last leaf part, and one for each left
/// sibling above.
fn inclusion_length(index: u64, size: u64) -> usize {
    let apart = 64 - (index ^ (size - 1)).leading_zeros();
    let above = index.checked_shr(apart).unwrap_or(0).count_ones();
    (apart + above) as usize
}

impl ConsistencyProof {
    /// Proves that the first `old` leaves of a tree of `new` are a tree of their own. Reads at most log₂ `new` times
    /// two hashes.
    ///
    /// # Errors
    /// The reader's.
    ///
    /// # Panics
    /// Unless `old` ≤ `new`.
    pub fn prove<R: HashReader>(old: u64, new: u64, reader: &mut R) -> Result<Self, R::Error> {
        assert!(old <= new, "internal error: {old} leaves are not the beginning of {new}");
        if old == 0 {
            return Ok(ConsistencyProof(Vec::new()));
        }
        // SUBPROOF of RFC 6962 section 2.1.2, from the root down; `whole` is its b.
        let mut parts = Vec::new();
        let mut range = Range { start: 0, end: new };
        let mut whole = true;
        while range.end != old {
            let (left, right) = range.split();
            if old <= left.end {
                parts.push(right);
                range = left;
            } else {
                parts.push(left);
                range = right;
                whole = false;
            }
        }
        if !whole {
            parts.push(range);
        }
        parts.reverse();
        roots(&parts, reader).map(ConsistencyProof)
    }

    /// Checks that the tree with `old` leaves and `old_root` is the beginning of the tree with `new` and `new_root`.
    ///
    /// # Errors
    /// [`ProofError`].
    pub fn verify(&self, old: u64, old_root: &Hash, new: u64, new_root: &Hash) -> Result<(), ProofError> {
        let found = self.0.len();
        let same = |size, expected: &Hash, found: Hash| {
            if *expected == found {
                Ok(())
            } else {
                Err(ProofError::Root { size, expected: *expected, found })
            }
        };
        if old > new {
            return Err(ProofError::Sizes { old, new });
        }
        if old == 0 || old == new {
            if found != 0 {
                return Err(ProofError::Length { expected: 0, found });
            }
            if old == 0 {
                same(old, old_root, empty_root())?;
            }
            return if old == new { same(new, new_root, *old_root) } else { Ok(()) };
        }
        let expected = consistency_length(old, new);
        if found != expected {
            return Err(ProofError::Length { expected, found });
        }
        // RFC 9162 section 2.1.4.2, with fn, sn, fr, sr as there, and without its inner loop, as above.
        let (mut fn_, mut sn) = (old - 1, new - 1);
        while fn_ & 1 == 1 {
            (fn_, sn) = (fn_ >> 1, sn >> 1);
        }
        let (first, rest) =
            if old.is_power_of_two() { (*old_root, &self.0[..]) } else { (self.0[0], &self.0[1..]) };
        let (mut fr, mut sr) = (first, first);
        for c in rest {
            if fn_ & 1 == 1 || fn_ == sn {
                (fr, sr) = (node_hash(c, &fr), node_hash(c, &sr));
            } else {
                sr = node_hash(&sr, c);
            }
            (fn_, sn) = (fn_ >> 1, sn >> 1);
        }
        same(old, old_root, fr)?;
        same(new, new_root, sr)
    }
}

/// How many hashes the proof between two sizes, 0 < `old` < `new`, has.
fn consistency_length(old: u64, new: u64) -> usize {
    let shift = old.trailing_zeros();
    // From the old tree's last complete subtree, or from the right sibling of that, it is equally far.
    let from_complete_subtree = inclusion_length(old >> shift, ((new - 1) >> shift) + 1);
    from_complete_subtree + usize::from(!old.is_power_of_two())
}

#[cfg(test)]
mod tests {
    use super::super::reader::tests::log;
    use super::super::reader::{HashReader, TileReader};
    use super::super::tree::tests::{entries, mth};
    use super::super::tree::{leaf_hash, root_of};
    use super::*;
    use std::convert::Infallible;

    /// Straight from RFC 6962 section 2.1.1.
    fn path(m: usize, d: &[Vec<u8>]) -> Vec<Hash> {
        if d.len() == 1 {
            return Vec::new();
        }
        let k = d.len().next_power_of_two() / 2;
        if m < k {
            [path(m, &d[..k]), vec![mth(&d[k..])]].concat()
        } else {
            [path(m - k, &d[k..]), vec![mth(&d[..k])]].concat()
        }
    }

    /// Straight from RFC 6962 section 2.1.2.
    fn subproof(m: usize, d: &[Vec<u8>], b: bool) -> Vec<Hash> {
        let n = d.len();
        if m == n {
            return if b { Vec::new() } else { vec![mth(d)] };
        }
        let k = n.next_power_of_two() / 2;
        if m <= k {
            [subproof(m, &d[..k], b), vec![mth(&d[k..])]].concat()
        } else {
            [subproof(m - k, &d[k..], false), vec![mth(&d[..k])]].concat()
        }
    }

    struct Leaves(Vec<Hash>);

    impl HashReader for Leaves {
        type Error = Infallible;

        fn read(&mut self, subtrees: &[Subtree]) -> Result<Vec<Hash>, Infallible> {
            let range = |s: &Subtree| (s.index as usize) << s.level..((s.index as usize) + 1) << s.level;
            Ok(subtrees.iter().map(|subtree| root_of(&self.0[range(subtree)])).collect())
        }
    }

    /// Every way of being wrong in one place.
    fn wrong(hashes: &[Hash]) -> Vec<Vec<Hash>> {
        let mut all = vec![[hashes, &[Hash::of(b"more")]].concat(), [&[Hash::of(b"more")], hashes].concat()];
        for at in 0..hashes.len() {
            let mut changed = hashes.to_vec();
            changed[at].0[at % 32] ^= 1;
            all.push(changed);
            all.push([&hashes[..at], &hashes[at + 1..]].concat());
            all.push([&hashes[..=at], &hashes[at..]].concat());
            if at > 0 && hashes[at] != hashes[at - 1] {
                let mut swapped = hashes.to_vec();
                swapped.swap(at, at - 1);
                all.push(swapped);
            }
        }
        all
    }

    #[test]
    fn every_inclusion_proof_of_small_trees() {
        for n in 1..=40 {
            let d = entries(n);
            let mut reader = Leaves(d.iter().map(|entry| leaf_hash(entry)).collect());
            let (size, root) = (n as u64, mth(&d));
            for m in 0..n {
                let (leaf, index) = (leaf_hash(&d[m]), m as u64);
                let proof = InclusionProof::prove(index, size, &mut reader).unwrap();
                assert_eq!(proof.0, path(m, &d), "{m} of {n}");
                proof.verify(&leaf, index, size, &root).unwrap();
                assert!(proof.verify(&leaf, index + 1, size, &root).is_err());
                assert!(index == 0 || proof.verify(&leaf, index - 1, size, &root).is_err());
                assert!(proof.verify(&Hash::of(b"x"), index, size, &root).is_err());
                assert!(proof.verify(&leaf, index, size, &Hash::of(b"x")).is_err());
                for wrong in wrong(&proof.0) {
                    assert!(InclusionProof(wrong).verify(&leaf, index, size, &root).is_err(), "{m} of {n}");
                }
            }
        }
    }

    #[test]
    fn every_consistency_proof_of_small_trees() {
        for n in 0..=40 {
            let d = entries(n);
            let mut reader = Leaves(d.iter().map(|entry| leaf_hash(entry)).collect());
            for m in 0..=n {
                let (old, new) = (m as u64, n as u64);
                let (old_root, new_root) = (mth(&d[..m]), mth(&d));
                let proof = ConsistencyProof::prove(old, new, &mut reader).unwrap();
                assert_eq!(proof.0, if m == 0 { Vec::new() } else { subproof(m, &d, true) }, "{m} in {n}");
                proof.verify(old, &old_root, new, &new_root).unwrap();
                assert_eq!(root_of_prefix(old, &mut reader).unwrap(), old_root);
                let other = Hash::of(b"x");
                assert!(proof.verify(old, &other, new, &new_root).is_err(), "{m} in {n}");
                // Nothing ties the empty tree to a larger one: any root follows it.
                assert!(m == 0 && n > 0 || proof.verify(old, &old_root, new, &other).is_err(), "{m} in {n}");
                assert!(old == new || proof.verify(new, &new_root, old, &old_root).is_err());
                assert!(m == 0 || m == n || proof.verify(old, &new_root, new, &old_root).is_err());
                for wrong in wrong(&proof.0) {
                    let wrong = ConsistencyProof(wrong).verify(old, &old_root, new, &new_root);
                    assert!(wrong.is_err(), "{m} in {n}");
                }
            }
        }
    }

    #[test]
    fn proofs_from_tiles() {
        let (tiles, root, leaves) = log(65_800);
        let mut reader = TileReader::new(&tiles, 65_800, &root).unwrap();
        for index in [0, 255, 256, 65_535, 65_536, 65_799] {
            let proof = InclusionProof::prove(index, 65_800, &mut reader).unwrap();
            proof.verify(&leaves[index as usize], index, 65_800, &root).unwrap();
        }
        for old in [1, 255, 256, 257, 65_535, 65_536, 65_537, 65_800] {
            let proof = ConsistencyProof::prove(old, 65_800, &mut reader).unwrap();
            let old_root = root_of(&leaves[..old as usize]);
            proof.verify(old, &old_root, 65_800, &root).unwrap();
        }
    }

    #[test]
    fn absurd_sizes_end() {
        let hash = Hash::of(b"x");
        for size in [1 << 63, u64::MAX] {
            for hashes in [0, 1, 63, 64, 1000] {
                assert!(InclusionProof(vec![hash; hashes]).verify(&hash, size - 1, size, &hash).is_err());
                assert!(InclusionProof(vec![hash; hashes]).verify(&hash, 0, size, &hash).is_err());
                assert!(ConsistencyProof(vec![hash; hashes]).verify(1, &hash, size, &hash).is_err());
                assert!(ConsistencyProof(vec![hash; hashes]).verify(size - 1, &hash, size, &hash).is_err());
            }
        }
    }
}
