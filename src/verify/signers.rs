//! Keys by their ids, found without folding the log: a key is whom its id says, whoever names it.

use std::collections::HashMap;

use rayon::prelude::*;

use crate::base::{Hash, PublicKey};
use crate::record::Entry;
use crate::tlog::EntryBundle;

use super::Trust;
use super::fetch::Files;
use super::part::key_named;
use super::range::KnownKeys;

/// Bundles that are read at a time to find a key: a few.
const AT_A_TIME: u64 = 16;

/// The keys that are known so far.
pub(super) struct Signers<'a> {
    files: Files<'a>,
    known: HashMap<Hash, PublicKey>,
    /// Bundles that were not looked at yet, from the first on.
    unread: std::ops::Range<u64>,
}

impl<'a> Signers<'a> {
    /// The root keys, and `keys`: if those are sought, in the entries before `start`.
    pub(super) fn new(files: Files<'a>, trust: &Trust, keys: KnownKeys, start: u64) -> Self {
        let (given, unread) = match keys {
            KnownKeys::Sought => (Vec::new(), 0..start / 256),
            KnownKeys::Given(given) => (given, 0..0),
        };
        let known = trust.roots.iter().copied().chain(given).map(|key| (key.key_id(), key)).collect();
        Signers { files, known, unread }
    }

    /// Takes note of the key that a statement names, if it is one about keys.
    pub(super) fn learn(&mut self, entry: &Entry) {
        if let Some(key) = key_named(entry) {
            self.known.insert(key.key_id(), key);
        }
    }

    /// Returns the key with this id. Reads on in the entries before if it is not known.
    pub(super) fn get(&mut self, key_id: &Hash) -> Option<PublicKey> {
        loop {
            if let Some(key) = self.known.get(key_id) {
                return Some(*key);
            }
            if self.unread.is_empty() {
                return None;
            }
            let some = self.unread.start..self.unread.end.min(self.unread.start + AT_A_TIME);
            self.unread.start = some.end;
            let files = self.files;
            let keys: Vec<Vec<PublicKey>> =
                some.into_par_iter().map(|number| keys_in(files, number)).collect();
            self.known.extend(keys.into_iter().flatten().map(|key| (key.key_id(), key)));
        }
    }
}

/// Returns the keys that statements in a bundle name; what cannot be read names none.
fn keys_in(files: Files<'_>, number: u64) -> Vec<PublicKey> {
    let Some(Ok((bundle, bytes))) = EntryBundle::new(number, 256).map(|bundle| files.bundle(bundle)) else {
        return Vec::new();
    };
    let entries = bundle.entries(&bytes).unwrap_or_default();
    entries.iter().filter_map(|entry| key_named(&Entry::parse(entry).ok()?)).collect()
}
