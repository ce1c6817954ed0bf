//! Points of the curve for tables of multiples: sums of many points that are known long before.
//!
//! The library adds points that may be anything. A point out of a table can be written so that adding it costs seven
//! multiplications instead of nine, and takes 120 bytes instead of 160: (y + x, y − x, 2dxy) with Z = 1 (Hisil, Wong, Carter,
//! Dawson, "Twisted Edwards Curves Revisited", section 3.1; the formulas are complete, so that no point is an exception).
//! The arithmetic of the field is fiat-crypto's, which was proven; its two types keep every operand within its bounds.

use std::sync::LazyLock;

use fiat_crypto::curve25519_64::{
    fiat_25519_add, fiat_25519_carry, fiat_25519_carry_mul, fiat_25519_carry_square, fiat_25519_from_bytes,
    fiat_25519_loose_field_element as Loose, fiat_25519_opp, fiat_25519_relax, fiat_25519_sub,
    fiat_25519_tight_field_element as Field, fiat_25519_to_bytes,
};

const ZERO: Field = Field([0; 5]);
const ONE: Field = Field([1, 0, 0, 0, 0]);

/// d = −121665/121666, and a square root of −1, as RFC 8032 section 5.1 gives them; little endian.
const D: [u8; 32] = [
    0xa3, 0x78, 0x59, 0x13, 0xca, 0x4d, 0xeb, 0x75, 0xab, 0xd8, 0x41, 0x41, 0x4d, 0x0a, 0x70, 0x00, 0x98,
    0xe8, 0x79, 0x77, 0x79, 0x40, 0xc7, 0x8c, 0x73, 0xfe, 0x6f, 0x2b, 0xee, 0x6c, 0x03, 0x52,
];
const ROOT_OF_MINUS_ONE: [u8; 32] = [
    0xb0, 0xa0, 0x0e, 0x4a, 0x27, 0x1b, 0xee, 0xc4, 0x78, 0xe4, 0x2f, 0xad, 0x06, 0x18, 0x43, 0x2f, 0xa7,
    0xd7, 0xfb, 0x3d, 0x99, 0x00, 0x4d, 0x2b, 0x0b, 0xdf, 0xc1, 0x4f, 0x80, 0x24, 0x83, 0x2b,
];

/// 2d.
static D2: LazyLock<Loose> = LazyLock::new(|| add(&field(&D), &field(&D)));

/// A point that sums are made of: X/Z, Y/Z, and T = XY/Z.
#[derive(Clone, Copy)]
pub(super) struct Point {
    x: Field,
    y: Field,
    z: Field,
    t: Field,
}

/// A point to be added: y + x, y − x, 2dxy.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub(super) struct Addend {
    plus: Loose,
    minus: Loose,
    product: Loose,
}

impl Point {
    pub(super) const IDENTITY: Point = Point { x: ZERO, y: ONE, z: ONE, t: ZERO };

    /// Reads the encoding of a point (RFC 8032 section 5.1.3); `None` if it is none. That it is canonical is not looked at.
    pub(super) fn decode(bytes: &[u8; 32]) -> Option<Self> {
        let mut y = *bytes;
        y[31] &= 0x7f;
        let y = field(&y);
        let square = mul(&relax(&y), &relax(&y));
        let u = sub(&square, &ONE);
        let v = add(&mul(&relax(&square), &relax(&field(&D))), &ONE);
        // (u/v)^((p+3)/8) = u v^3 (u v^7)^((p-5)/8), and that times a root of -1.
        let v3 = mul(&relax(&mul(&v, &v)), &v);
        let v7 = mul(&relax(&mul(&relax(&v3), &relax(&v3))), &v);
        let power = power(&mul(&u, &relax(&v7)), 0xfd, 0x0f);
        let root = mul(&relax(&mul(&u, &relax(&v3))), &relax(&power));
        let other = mul(&relax(&root), &relax(&field(&ROOT_OF_MINUS_ONE)));
        let is_root =
            |x: &&Field| bytes_of(&mul(&v, &relax(&mul(&relax(x), &relax(x))))) == bytes_of(&carry(&u));
        let x = [&root, &other].into_iter().find(is_root)?;
        let odd = bytes_of(x)[0] & 1;
        let x = if odd == bytes[31] >> 7 { *x } else { negative(x) };
        Some(Point { x, y, z: ONE, t: mul(&relax(&x), &relax(&y)) })
    }

    /// Adds a point, or takes it away.
    #[inline]
    pub(super) fn add(&mut self, other: &Addend, negative: bool) {
        // What is added of -P: x changes its sign, and with it 2dxy.
        let (plus, minus) = if negative { (&other.minus, &other.plus) } else { (&other.plus, &other.minus) };
        let a = mul(&sub(&self.y, &self.x), minus);
        let b = mul(&add(&self.y, &self.x), plus);
        let c = mul(&relax(&self.t), &other.product);
        let d = carry(&add(&self.z, &self.z));
        let (e, h) = (sub(&b, &a), add(&b, &a));
        let (f, g) = if negative { (add(&d, &c), sub(&d, &c)) } else { (sub(&d, &c), add(&d, &c)) };
        *self = Point { x: mul(&e, &f), y: mul(&g, &h), z: mul(&f, &g), t: mul(&e, &h) };
    }

    /// Returns twice the point.
    pub(super) fn double(&self) -> Self {
        let (a, b, z) = (square(&relax(&self.x)), square(&relax(&self.y)), square(&relax(&self.z)));
        let sum = square(&add(&self.x, &self.y));
        let e = sub(&carry(&sub(&sum, &a)), &b);
        let g = sub(&b, &a);
        let f = sub(&carry(&g), &carry(&add(&z, &z)));
        let h = sub(&negative(&a), &b);
        Point { x: mul(&e, &f), y: mul(&g, &h), z: mul(&f, &g), t: mul(&e, &h) }
    }

    /// Returns the points as they are added.
    pub(super) fn addends(points: &[Point]) -> Vec<Addend> {
        let affine = points.iter().zip(inverses(points));
        let addend = affine.map(|(point, inverse)| {
            let [x, y] = [&point.x, &point.y].map(|number| mul(&relax(number), &relax(&inverse)));
            let product = relax(&mul(&relax(&mul(&relax(&x), &relax(&y))), &D2));
            Addend { plus: add(&y, &x), minus: sub(&y, &x), product }
        });
        addend.collect()
    }

    /// Returns the encodings of points (RFC 8032 section 5.1.2).
    pub(super) fn encodings(points: &[Point]) -> Vec<[u8; 32]> {
        let affine = points.iter().zip(inverses(points));
        let encoding = affine.map(|(point, inverse)| {
            let [x, y] = [&point.x, &point.y].map(|number| bytes_of(&mul(&relax(number), &relax(&inverse))));
            let mut bytes = y;
            bytes[31] |= (x[0] & 1) << 7;
            bytes
        });
        encoding.collect()
    }
}

/// Returns 1/Z of each point, which is never 0, for one inversion.
fn inverses(points: &[Point]) -> Vec<Field> {
    let mut product = ONE;
    let before: Vec<Field> = points
        .iter()
        .map(|point| {
            let before = product;
            product = mul(&relax(&product), &relax(&point.z));
            before
        })
        .collect();
    // 1/z = z^(p-2).
    let mut inverse = power(&product, 0xeb, 0x7f);
    let mut inverses: Vec<Field> = points
        .iter()
        .zip(before)
        .rev()
        .map(|(point, before)| {
            let of_point = mul(&relax(&inverse), &relax(&before));
            inverse = mul(&relax(&inverse), &relax(&point.z));
            of_point
        })
        .collect();
    inverses.reverse();
    inverses
}

/// Raises to the power whose little-endian bytes are `first`, thirty times 0xff, and `last`.
fn power(number: &Field, first: u8, last: u8) -> Field {
    let mut bytes = [0xff; 32];
    (bytes[0], bytes[31]) = (first, last);
    let mut power = ONE;
    for bit in (0..256).rev() {
        power = square(&relax(&power));
        if bytes[bit / 8] >> (bit % 8) & 1 == 1 {
            power = mul(&relax(&power), &relax(number));
        }
    }
    power
}

/// Reads a number below 2^255, little endian.
fn field(bytes: &[u8; 32]) -> Field {
    let mut out = ZERO;
    fiat_25519_from_bytes(&mut out, bytes);
    out
}

fn bytes_of(number: &Field) -> [u8; 32] {
    let mut out = [0; 32];
    fiat_25519_to_bytes(&mut out, number);
    out
}

#[inline(always)]
fn mul(a: &Loose, b: &Loose) -> Field {
    let mut out = ZERO;
    fiat_25519_carry_mul(&mut out, a, b);
    out
}

#[inline(always)]
fn square(a: &Loose) -> Field {
    let mut out = ZERO;
    fiat_25519_carry_square(&mut out, a);
    out
}

#[inline(always)]
fn add(a: &Field, b: &Field) -> Loose {
    let mut out = Loose([0; 5]);
    fiat_25519_add(&mut out, a, b);
    out
}

#[inline(always)]
fn sub(a: &Field, b: &Field) -> Loose {
    let mut out = Loose([0; 5]);
    fiat_25519_sub(&mut out, a, b);
    out
}

fn negative(a: &Field) -> Field {
    let mut out = Loose([0; 5]);
    fiat_25519_opp(&mut out, a);
    carry(&out)
}

#[inline(always)]
fn carry(a: &Loose) -> Field {
    let mut out = ZERO;
    fiat_25519_carry(&mut out, a);
    out
}

#[inline(always)]
fn relax(a: &Field) -> Loose {
    let mut out = Loose([0; 5]);
    fiat_25519_relax(&mut out, a);
    out
}
