//! Many signatures of few keys: the strict rule from tables, with the same answers.
//!
//! `verify_strict` recomputes R as s·B − k·A and compares its encoding. So does this, but each of the two products is a
//! sum of 32 points that were computed once, a table for B and one for each key, without a single doubling; and the
//! encodings of many points are made together, which costs one inversion instead of one each. What decides is the same:
//! s is canonical, the recomputed point has the encoding that stands in the signature, and it is not of small order. (A
//! signature whose R does not decode, or not canonically, equals no encoding of a point.) Nothing here is secret, so
//! nothing takes constant time.

use std::sync::LazyLock;

use curve25519_dalek::constants::{ED25519_BASEPOINT_COMPRESSED, EIGHT_TORSION};
use curve25519_dalek::scalar::Scalar;
use sha2::{Digest, Sha512};

use super::point::{Addend, Point};
use super::{PublicKey, Signature, SignatureError};

/// Digits of a scalar, which is below 2^253, to the base 256, from −128 to 127.
const DIGITS: usize = 32;
/// Multiples in a row: 1 to 128 times a power of 256. With wider rows fewer points were added, and more fetched from afar: two
/// tables fill the cache that a core has for itself.
const MULTIPLES: usize = 128;

/// A key made ready for many signatures. Takes 512 KiB, and about a millisecond to make: as long as some forty
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
        PreparedKey { key: *key, table: Table::new(key.as_bytes()) }
    }

    /// Returns the key.
    pub fn public(&self) -> &PublicKey {
        &self.key
    }
}

/// Checks signatures, each by the strict rule: the answers are those of [`PublicKey::verify`]. Costs about a third of that
/// for each, if there are some dozens.
pub fn verify_each(signed: &[Signed<'_>]) -> Vec<Result<(), SignatureError>> {
    let recomputed: Vec<Option<Point>> = signed.iter().map(recompute).collect();
    let points: Vec<Point> = recomputed.iter().map(|point| point.unwrap_or(Point::IDENTITY)).collect();
    let encodings = Point::encodings(&points);
    let answers = signed.iter().zip(&recomputed).zip(encodings).map(|((signed, point), encoding)| {
        let same = encoding == signed.signature.0[..32];
        match point {
            Some(_) if same && !SMALL.contains(&encoding) => Ok(()),
            _ => Err(SignatureError),
        }
    });
    answers.collect()
}

/// Returns s·B − k·A; `None` if s is not canonical.
fn recompute(signed: &Signed<'_>) -> Option<Point> {
    let (r, s) = signed.signature.0.split_at(32);
    let s = s.try_into().expect("internal error: half of a signature has 32 bytes");
    let s: Option<Scalar> = Scalar::from_canonical_bytes(s).into();
    let hash =
        Sha512::new().chain_update(r).chain_update(signed.key.key.as_bytes()).chain_update(signed.message);
    let k = Scalar::from_bytes_mod_order_wide(&hash.finalize().into());
    let mut sum = Point::IDENTITY;
    BASE.add(&mut sum, &s?, false);
    signed.key.table.add(&mut sum, &k, true);
    Some(sum)
}

/// The encodings of the points of small order: a point has one encoding, so comparing tells as much as multiplying by eight.
static SMALL: LazyLock<[[u8; 32]; 8]> = LazyLock::new(|| EIGHT_TORSION.map(|point| point.compress().0));

static BASE: LazyLock<Table> = LazyLock::new(|| Table::new(&ED25519_BASEPOINT_COMPRESSED.0));

/// Row i holds 1 to 128 times 256^i·P.
struct Table(Vec<Addend>);

impl Table {
    /// Makes the table of the point with that encoding.
    ///
    /// # Panics
    /// If there is none.
    fn new(encoding: &[u8; 32]) -> Self {
        let first = Point::decode(encoding).expect("internal error: a key is no point of the curve");
        let times_256 = |power: &Point| Some((0..8).fold(*power, |point, _| point.double()));
        let powers: Vec<Point> = std::iter::successors(Some(first), times_256).take(DIGITS).collect();
        let mut points = Vec::with_capacity(DIGITS * MULTIPLES);
        for power in Point::addends(&powers) {
            let mut multiple = Point::IDENTITY;
            points.extend((0..MULTIPLES).map(|_| {
                multiple.add(&power, false);
                multiple
            }));
        }
        Table(Point::addends(&points))
    }

    /// Adds the point times the scalar, or takes it away.
    fn add(&self, sum: &mut Point, scalar: &Scalar, negative: bool) {
        for (row, digit) in self.0.chunks_exact(MULTIPLES).zip(digits(scalar)) {
            match usize::from(digit.unsigned_abs()) {
                0 => {}
                times => sum.add(&row[times - 1], (digit < 0) != negative),
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
        // Of points with a part of small order, too: strict verification takes such keys.
        for small in EIGHT_TORSION {
            let point = key(3).public().0.to_edwards() + small;
            let table = Table::new(&point.compress().0);
            for bytes in [[0; 32], [1; 32], [0x7f; 32], [0x80; 32], [0xff; 32]] {
                let scalar = Scalar::from_bytes_mod_order(bytes);
                for negative in [false, true] {
                    let mut sum = Point::IDENTITY;
                    table.add(&mut sum, &scalar, negative);
                    let expected = if negative { -(point * scalar) } else { point * scalar };
                    assert_eq!(Point::encodings(&[sum]), [expected.compress().0]);
                }
            }
        }
    }

    #[test]
    fn points_are_those_of_the_library() {
        let mut points: Vec<_> = EIGHT_TORSION.to_vec();
        points.extend((0..20).map(|seed| key(seed).public().0.to_edwards()));
        for point in points {
            let encoding = point.compress().0;
            let ours = Point::decode(&encoding).unwrap();
            let addend = &Point::addends(&[ours])[0];
            let [mut twice, mut none] = [ours, ours];
            twice.add(addend, false);
            none.add(addend, true);
            let expected = [point, point + point, point + point, point - point];
            let expected = expected.map(|point| point.compress().0);
            assert_eq!(Point::encodings(&[ours, twice, ours.double(), none]), expected);
        }
        // y = 2 is no point of the curve.
        let mut two = [0; 32];
        two[0] = 2;
        let library = curve25519_dalek::edwards::CompressedEdwardsY(two).decompress();
        assert_eq!(Point::decode(&two).is_some(), library.is_some());
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
