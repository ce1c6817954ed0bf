//! Many signatures of few keys: the strict rule from tables, with the same answers.
//!
//! `verify_strict` recomputes R as s·B − k·A and compares its encoding. So does this, but each of the two products is a
//! sum of 32 points that were computed once, a table for B and one for each key, without a single doubling; and the
//! encodings of many points are made together, which costs one inversion instead of one each. What decides is the same:
//! s is canonical, the recomputed point has the encoding that stands in the signature, and it is not of small order. (A
//! signature whose R does not decode, or not canonically, equals no encoding of a point.) Nothing here is secret, so
//! nothing takes constant time.

use std::sync::LazyLock;

use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION};
use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::Identity;
use sha2::{Digest, Sha512};

use super::{PublicKey, Signature, SignatureError};

/// Digits of a scalar, which is below 2^253, to the base 256, from −128 to 127.
const DIGITS: usize = 32;
/// Multiples in a row: 1 to 128 times a power of 256.
const MULTIPLES: usize = 128;

/// A key made ready for many signatures. Takes 640 KiB, and about a millisecond to make: as long as some forty
/// signatures take without it.
pub struct PreparedKey {
    key: PublicKey,
    table: Table,
}

/// A signature to be checked.
#[derive(Clone, Copy)]
pub struct Signed<'a> {
    /// By which key.
    pub key: &'a PreparedKey,
    /// Over what.
    pub message: &'a [u8],
    /// The signature.
    pub signature: &'a Signature,
}

impl std::fmt::Debug for PreparedKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PreparedKey").field("key", &self.key).finish_non_exhaustive()
    }
}

impl PreparedKey {
    /// Makes the table of a key.
    pub fn new(key: &PublicKey) -> Self {
        PreparedKey { key: *key, table: Table::new(key.0.to_edwards()) }
    }

    /// Returns the key.
    pub fn public(&self) -> &PublicKey {
        &self.key
    }
}

/// Checks signatures, each by the strict rule: the answers are those of [`PublicKey::verify`]. Costs about half of that
/// for each, if there are some dozens.
pub fn verify_each(signed: &[Signed<'_>]) -> Vec<Result<(), SignatureError>> {
    let recomputed: Vec<Option<EdwardsPoint>> = signed.iter().map(recompute).collect();
    let points: Vec<EdwardsPoint> =
        recomputed.iter().map(|point| point.unwrap_or_else(EdwardsPoint::identity)).collect();
    let encodings = EdwardsPoint::compress_batch_alloc(&points);
    let answers = signed.iter().zip(&recomputed).zip(encodings).map(|((signed, point), encoding)| {
        let same = encoding.as_bytes() == &signed.signature.0[..32];
        if same && point.is_some() && !SMALL_ORDER.contains(&encoding) { Ok(()) } else { Err(SignatureError) }
    });
    answers.collect()
}

/// Returns s·B − k·A; `None` if s is not canonical.
fn recompute(signed: &Signed<'_>) -> Option<EdwardsPoint> {
    let (r, s) = signed.signature.0.split_at(32);
    let s = s.try_into().expect("internal error: half of a signature has 32 bytes");
    let s: Option<Scalar> = Scalar::from_canonical_bytes(s).into();
    let mut hash = Sha512::new();
    hash.update(r);
    hash.update(signed.key.key.as_bytes());
    hash.update(signed.message);
    let k = Scalar::from_bytes_mod_order_wide(&hash.finalize().into());
    let mut sum = EdwardsPoint::identity();
    BASE.add(&mut sum, &digits(&s?));
    signed.key.table.add(&mut sum, &digits(&k).map(|digit| -digit));
    Some(sum)
}

/// The encodings of the points of small order: a computed point has no other than its canonical one.
static SMALL_ORDER: LazyLock<[CompressedEdwardsY; 8]> =
    LazyLock::new(|| EIGHT_TORSION.map(|point| point.compress()));

static BASE: LazyLock<Table> = LazyLock::new(|| Table::new(ED25519_BASEPOINT_POINT));

/// Row i holds 1 to 128 times 256^i·P.
struct Table(Vec<[EdwardsPoint; MULTIPLES]>);

impl Table {
    fn new(point: EdwardsPoint) -> Self {
        let mut power = point;
        let row = |_| {
            let mut multiple = power;
            let row = std::array::from_fn(|place| {
                if place > 0 {
                    multiple += power;
                }
                multiple
            });
            // 256 times is twice the last.
            power = multiple + multiple;
            row
        };
        Table((0..DIGITS).map(row).collect())
    }

    /// Adds the point times the number of these digits.
    fn add(&self, sum: &mut EdwardsPoint, digits: &[i16; DIGITS]) {
        for (row, digit) in self.0.iter().zip(digits) {
            match usize::from(digit.unsigned_abs()) {
                0 => {}
                times if *digit > 0 => *sum += &row[times - 1],
                times => *sum -= &row[times - 1],
            }
        }
    }
}

/// Returns the digits of a scalar to the base 256, lowest first, from −128 to 127: so that half of the multiples do.
fn digits(scalar: &Scalar) -> [i16; DIGITS] {
    let mut carry = 0;
    let digits = scalar.as_bytes().map(|byte| {
        let digit = i16::from(byte) + carry;
        carry = i16::from(digit > 127);
        digit - 256 * carry
    });
    // A scalar is below 2^253, so that its highest byte is at most 31.
    assert_eq!(carry, 0, "internal error: a scalar is not reduced");
    digits
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::SigningKey;
    use proptest::prelude::*;
    use zeroize::Zeroizing;

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_seed(&Zeroizing::new([seed; 32]))
    }

    fn one(key: &PreparedKey, message: &[u8], signature: &Signature) -> Result<(), SignatureError> {
        verify_each(&[Signed { key, message, signature }])[0]
    }

    /// The order of the base point, little endian.
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];

    #[test]
    fn digits_give_the_scalar_again() {
        let mut scalars: Vec<Scalar> = (0u64..600).map(Scalar::from).collect();
        scalars.extend((0u64..600).map(|number| -Scalar::from(number)));
        scalars.extend((0..255).map(|byte| Scalar::from_bytes_mod_order([byte; 32])));
        for scalar in scalars {
            let digits = digits(&scalar);
            assert!(digits.iter().all(|digit| (-128..=127).contains(digit)));
            let again = digits.iter().rev().fold(Scalar::ZERO, |sum, digit| {
                let size = Scalar::from(u64::from(digit.unsigned_abs()));
                sum * Scalar::from(256u64) + if *digit < 0 { -size } else { size }
            });
            assert_eq!(again, scalar);
        }
    }

    #[test]
    fn tables_give_multiples() {
        // Of a point with a part of small order, too: strict verification takes such keys.
        let point = key(3).public().0.to_edwards() + EIGHT_TORSION[1];
        let table = Table::new(point);
        for bytes in [[0; 32], [1; 32], [0x7f; 32], [0x80; 32], [0xff; 32]] {
            let scalar = Scalar::from_bytes_mod_order(bytes);
            let mut sum = EdwardsPoint::identity();
            table.add(&mut sum, &digits(&scalar));
            assert_eq!(sum, point * scalar);
        }
    }

    #[test]
    fn refuses_what_the_strict_rule_refuses() {
        let (signer, message) = (key(1), b"a dispatch");
        let prepared = PreparedKey::new(&signer.public());
        let good = signer.sign(message);
        assert_eq!(one(&prepared, message, &good), Ok(()));
        assert_eq!(one(&prepared, b"another", &good), Err(SignatureError));
        assert_eq!(one(&PreparedKey::new(&key(2).public()), message, &good), Err(SignatureError));
        // s + the order: the same point, another encoding.
        let mut above = good;
        let mut carry = 0;
        for (byte, order) in above.0[32..].iter_mut().zip(ORDER) {
            let sum = u16::from(*byte) + u16::from(order) + carry;
            (*byte, carry) = (sum as u8, sum >> 8);
        }
        assert_eq!(one(&prepared, message, &above), Err(SignatureError));
        // R of small order, with the s that makes the equation hold: s = k·a.
        for small in EIGHT_TORSION {
            let r = small.compress().to_bytes();
            let wide = Sha512::digest([&r[..], signer.public().as_bytes(), message].concat());
            let k = Scalar::from_bytes_mod_order_wide(&wide.into());
            let secret = Sha512::digest(signer.seed().as_slice());
            let mut secret: [u8; 32] = secret[..32].try_into().unwrap();
            (secret[0], secret[31]) = (secret[0] & 248, secret[31] & 63 | 64);
            let s = k * Scalar::from_bytes_mod_order(secret);
            let forged = Signature([r, s.to_bytes()].concat().try_into().unwrap());
            assert_eq!(signer.public().verify(message, &forged), Err(SignatureError));
            assert_eq!(one(&prepared, message, &forged), Err(SignatureError));
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_library(
            seed in 0u8..4,
            other in 0u8..4,
            message in proptest::collection::vec(any::<u8>(), 0..200),
            flips in proptest::collection::vec((0usize..64, 0u8..8), 0..2),
            count in 1usize..5,
        ) {
            let (signer, checked) = (key(seed), key(other).public());
            let prepared = PreparedKey::new(&checked);
            let mut signature = signer.sign(&message);
            for (byte, bit) in &flips {
                signature.0[*byte] ^= 1 << bit;
            }
            let signed = Signed { key: &prepared, message: &message, signature: &signature };
            let ours = verify_each(&vec![signed; count]);
            prop_assert_eq!(ours, vec![checked.verify(&message, &signature); count]);
        }
    }
}
