//! What the benchmarks of the log share: signers and signed statements from nothing.

// Each benchmark uses a part of this.
#![allow(dead_code)]

use dateline::base::{Hash, SigningKey, Timestamp};
use dateline::record::entry::Circumstances;
use dateline::record::{Draft, EntryError, SealedEntry};

pub(crate) fn signing(seed: u8) -> SigningKey {
    SigningKey::from_seed(&zeroize::Zeroizing::new([seed; 32]))
}

/// Bytes that look random and are the same in every run.
pub(crate) fn salts(number: usize) -> impl FnMut() -> [u8; 16] {
    let mut count = 0usize;
    move || {
        count += 1;
        let hash = Hash::of_parts(&[&number.to_be_bytes(), &count.to_be_bytes()]);
        std::array::from_fn(|place| hash.0[place])
    }
}

/// Signs a statement as `by`, with salts that are the same in every run.
pub(crate) fn said(
    by: &SigningKey,
    number: usize,
    draft: impl FnOnce(&mut Circumstances<'_>) -> Result<Draft, EntryError>,
) -> SealedEntry {
    let mut random = salts(number);
    let recorded_at = Timestamp::from_unix_seconds(1_795_000_000 + number as i64).unwrap();
    let mut circumstances =
        Circumstances { recorded_by: by.public().key_id(), recorded_at, random: &mut random };
    draft(&mut circumstances).unwrap().sign(by).unwrap()
}

/// Words of a language made from nothing.
const VOCABULARY: u64 = 20_000;

/// SplitMix64.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let x = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// A word: few are common and most are rare, as in a language.
    pub(crate) fn word(&mut self) -> String {
        let rank = (VOCABULARY as f64).powf(self.below(1 << 20) as f64 / f64::from(1 << 20)) as u64;
        const SYLLABLES: [&str; 16] = [
            "ba", "re", "mi", "to", "lu", "cha", "ne", "so", "pra", "di", "ven", "ka", "mor", "ti", "ga",
            "el",
        ];
        let mut word = String::new();
        let mut left = rank;
        loop {
            word.push_str(SYLLABLES[(left % 16) as usize]);
            left /= 16;
            if left == 0 {
                return word;
            }
        }
    }
}
