//! Keys for the tests of this module: whoever knows the seed, a small number, can sign.

use zeroize::Zeroizing;

use super::{KeyName, VerifierKey};
use crate::base::{Hash, PublicKey, SigningKey, encoding};

pub(super) fn signing_key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&Zeroizing::new([seed; 32]))
}

fn key(make: fn(KeyName, PublicKey) -> VerifierKey, name: &str, seed: u8) -> VerifierKey {
    make(KeyName::new(name).unwrap(), signing_key(seed).public())
}

/// The text of a vkey of type 0x01.
pub(super) fn log(name: &str, seed: u8) -> String {
    key(VerifierKey::ed25519, name, seed).to_string()
}

/// The text of a vkey of type 0x04.
pub(super) fn witness(name: &str, seed: u8) -> String {
    key(VerifierKey::ed25519_cosigner, name, seed).to_string()
}

/// The text of a vkey of a type without Ed25519; `fill` stands for a key.
pub(super) fn opaque(name: &str, type_byte: u8, fill: u8) -> String {
    let key = [vec![type_byte], vec![fill; 1312]].concat();
    let hash = Hash::of_parts(&[name.as_bytes(), b"\n", &key]).to_hex();
    format!("{name}+{}+{}", &hash[..8], encoding::to_base64(&key))
}

/// Six witnesses in two groups: the example of tlog-policy.md.
pub(super) fn example() -> String {
    let mut text = format!("log {}\n\n", log("example.com/log", 1));
    for (group, threshold) in [("X", "2"), ("Y", "any")] {
        for n in 1..=3 {
            let seed = seed(group, n);
            text += &format!("witness {group}{n} {}\n", witness(&format!("{group}{n}.example"), seed));
        }
        text += &format!("group {group}-witnesses {threshold} {group}1 {group}2 {group}3\n\n");
    }
    text + "group X-and-Y all X-witnesses Y-witnesses\nquorum X-and-Y\n"
}

/// The seed of the n-th witness of group X or Y of [`example`].
pub(super) fn seed(group: &str, n: u8) -> u8 {
    (group.as_bytes()[0] - b'W') * 10 + n
}
