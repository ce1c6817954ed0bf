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
