//! The hashes of RFC 6962 section 2.1.

use crate::base::Hash;

/// Returns the hash of a leaf: SHA-256(0x00 ‖ entry).
pub fn leaf_hash(entry: &[u8]) -> Hash {
    Hash::of_parts(&[&[0], entry])
}

/// Returns the hash of an inner node: SHA-256(0x01 ‖ left ‖ right).
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut bytes = [1; 65];
    bytes[1..33].copy_from_slice(left.as_bytes());
    bytes[33..].copy_from_slice(right.as_bytes());
    Hash::of(&bytes)
}

/// Returns the root of the empty tree: SHA-256 of nothing.
pub fn empty_root() -> Hash {
    Hash::of(b"")
}

/// Returns the root over subtrees of equal size, whose roots are `hashes`; [`empty_root`] for none. Costs one hash
/// less than there are subtrees.
pub fn root_of(hashes: &[Hash]) -> Hash {
    match hashes {
        [] => empty_root(),
        [one] => *one,
        many => {
            let left = 1 << (usize::BITS - 1 - (many.len() - 1).leading_zeros());
            node_hash(&root_of(&many[..left]), &root_of(&many[left..]))
        }
    }
}

/// Joins the roots of neighbouring subtrees, each larger than the next, into the root over all of them.
pub(super) fn join(hashes: impl DoubleEndedIterator<Item = Hash>) -> Option<Hash> {
    hashes.rev().reduce(|right, left| node_hash(&left, &right))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Straight from RFC 6962 section 2.1, over entries.
    pub(in crate::tlog) fn mth(entries: &[Vec<u8>]) -> Hash {
        match entries.len() {
            0 => Hash::of(b""),
            1 => Hash::of(&[&[0u8][..], &entries[0]].concat()),
            n => {
                let mut k = 1;
                while k * 2 < n {
                    k *= 2;
                }
                let (left, right) = (mth(&entries[..k]), mth(&entries[k..]));
                Hash::of(&[&[1u8][..], left.as_bytes(), right.as_bytes()].concat())
            }
        }
    }

    /// `count` entries that all differ.
    pub(in crate::tlog) fn entries(count: usize) -> Vec<Vec<u8>> {
        (0..count).map(|number| format!("entry {number}").into_bytes()).collect()
    }

    #[test]
    fn roots_are_those_of_the_definition() {
        for count in (0..=70).chain([255, 256, 257, 1000]) {
            let entries = entries(count);
            let leaves: Vec<Hash> = entries.iter().map(|entry| leaf_hash(entry)).collect();
            assert_eq!(root_of(&leaves), mth(&entries), "{count}");
        }
    }

    #[test]
    fn known_answers() {
        // RFC 6962's empty leaf and empty tree.
        let leaf = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d";
        assert_eq!(leaf_hash(b"").to_hex(), leaf);
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(empty_root().to_hex(), empty);
    }
}
