//! What the tests of the log share: keys, records made from nothing, and a naive reader that shares no tree code
//! with the crate.

// Each test program uses a part of this.
#![allow(dead_code)]

pub(crate) mod disk;
pub(crate) mod statements;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use dateline::article::{self, ReadOptions};
use dateline::base::{Hash, PublicKey, SigningKey, Timestamp};
use dateline::log::{AppendError, Appended, COMMITTED, Log, NewRecord, OpenError};
use dateline::note::{Checkpoint, KeyName, Note, Origin, Policy, VerifierKey};
use dateline::record::entry::Circumstances;
use dateline::record::{Decisions, Draft, KeyAction, NewEntry, Role, SealedEntry, layout};
use dateline::storage::{Key, MemoryStore, Object, Store};
use dateline::tlog::edge::bytes_of_tile;
use dateline::tlog::{Edge, bundle, bundles_of, leaf_hash};
use dateline::verify::{Report, Trust, audit};
use rayon::prelude::*;

pub(crate) const ORIGIN: &str = "example.org/log";

pub(crate) fn signing(seed: u8) -> SigningKey {
    SigningKey::from_seed(&zeroize::Zeroizing::new([seed; 32]))
}

pub(crate) fn root_key() -> SigningKey {
    signing(1)
}

pub(crate) fn log_key() -> SigningKey {
    signing(2)
}

pub(crate) fn editor() -> SigningKey {
    signing(3)
}

pub(crate) fn vkey_of(origin: &str, key: &SigningKey) -> VerifierKey {
    VerifierKey::ed25519(KeyName::new(origin).unwrap(), key.public())
}

pub(crate) fn policy() -> Policy {
    Policy::of_log(vkey_of(ORIGIN, &log_key())).unwrap()
}

pub(crate) fn trust() -> Trust {
    Trust { policy: policy(), roots: vec![root_key().public()] }
}

pub(crate) fn roots() -> [PublicKey; 1] {
    [root_key().public()]
}

pub(crate) fn key(name: &str) -> Key {
    Key::new(name).unwrap()
}

/// Bytes that look random and are the same in every run.
pub(crate) fn salts(seed: String) -> impl FnMut() -> [u8; 16] {
    let mut count = 0u32;
    move || {
        count += 1;
        let hash = Hash::of(format!("{seed} {count}").as_bytes());
        std::array::from_fn(|place| hash.0[place])
    }
}

/// A statement about a key.
pub(crate) fn key_statement(by: &SigningKey, action: KeyAction, about: &PublicKey) -> SealedEntry {
    let mut random = salts("key".into());
    let mut circumstances = Circumstances {
        recorded_by: by.public().key_id(),
        recorded_at: Timestamp::from_unix_seconds(1_795_000_000).unwrap(),
        random: &mut random,
    };
    let roles = if action == KeyAction::Enrol { vec![Role::Editor] } else { Vec::new() };
    let draft = Draft::key(action, about, roles, None, Some("A. Diarra"), &mut circumstances).unwrap();
    draft.sign(by).unwrap()
}

/// The same, as it may lie anywhere.
pub(crate) fn key_entry(by: &SigningKey, action: KeyAction, about: &PublicKey) -> NewEntry {
    key_statement(by, action, about).into_entry()
}

/// Entry 0 of every log here.
pub(crate) fn enrolment() -> NewRecord {
    let entry = key_statement(&root_key(), KeyAction::Enrol, &editor().public());
    NewRecord { entry, content: None }
}

pub(crate) fn text(number: usize) -> String {
    format!("Dispatch {number}\n\nThe river stood at {number} centimetres on Monday.\n")
}

/// The registration of [`text`] `number`; `again` makes another entry of the same original.
pub(crate) fn registration(by: &SigningKey, number: usize, again: &str, store: bool) -> NewRecord {
    let text = text(number);
    let article = article::read(text.as_bytes(), &ReadOptions::default()).unwrap();
    let mut random = salts(format!("{number} {again}"));
    let mut circumstances = Circumstances {
        recorded_by: by.public().key_id(),
        recorded_at: Timestamp::from_unix_seconds(1_795_000_000 + number as i64).unwrap(),
        random: &mut random,
    };
    let decisions = Decisions { no_store: !store, ..Decisions::default() };
    let draft = Draft::registration(&article, &decisions, &mut circumstances).unwrap();
    let entry = draft.sign(by).unwrap();
    NewRecord { entry, content: store.then(|| text.into_bytes()) }
}

/// Record `index` is the entry at that index of a log that nothing happened to. Every hundredth is stored.
static RECORDS: LazyLock<Vec<NewRecord>> = LazyLock::new(|| {
    let registrations = (1..1_300usize).into_par_iter();
    let mut records = vec![enrolment()];
    records.par_extend(registrations.map(|n| registration(&editor(), n, "", n % 100 == 2)));
    records
});

pub(crate) fn records(range: std::ops::Range<u64>) -> Vec<NewRecord> {
    RECORDS[range.start as usize..range.end as usize].to_vec()
}

pub(crate) fn create<'a>(store: &'a dyn Store, policy: &'a Policy) -> Result<Log<'a>, OpenError> {
    Log::create(store, policy, Origin::new(ORIGIN).unwrap(), &roots())
}

pub(crate) fn open<'a>(store: &'a dyn Store, policy: &'a Policy) -> Result<Log<'a>, OpenError> {
    Log::open(store, policy, &roots())
}

pub(crate) fn append(log: &mut Log<'_>, records: Vec<NewRecord>) -> Result<Vec<Appended>, AppendError> {
    log.append(records, &mut |text| Ok(log_key().sign(text)))
}

/// Makes a log of the first `size` records.
pub(crate) fn build(store: &dyn Store, size: u64) {
    let policy = policy();
    let mut log = create(store, &policy).unwrap();
    append(&mut log, records(0..1)).unwrap();
    append(&mut log, records(1..size)).unwrap();
}

/// Copies all objects whose name does not begin with `but`.
pub(crate) fn copy(from: &dyn Store, to: &dyn Store, but: &str) {
    for key in from.list("").unwrap().keys {
        let name = key.as_str();
        if !but.is_empty() && name.starts_with(but) {
            continue;
        }
        let object = Object { bytes: from.get(&key, u64::MAX).unwrap().unwrap(), key: key.clone() };
        if name.starts_with("tile/") || name.starts_with("content/") {
            to.put_immutable(&[object]).unwrap();
        } else if !matches!(name, ".local/lock") {
            to.put(&[object]).unwrap();
        }
    }
}

pub(crate) fn audited(store: &dyn Store) -> Report {
    audit(store, &trust(), &|_, _| {}).unwrap()
}

/// RFC 6962, 2.1, word for word: the hash of a list of leaf hashes.
fn mth(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Hash::of(b""),
        [leaf] => *leaf,
        _ => {
            let k = leaves.len().next_power_of_two() / 2;
            let (left, right) = leaves.split_at(k);
            Hash::of_parts(&[&[1], &mth(left).0, &mth(right).0])
        }
    }
}

/// Returns the tiles and bundles of a log with these leaves, by tlog-tiles: name and, for tiles, hashes.
fn files_by_definition(leaves: &[Hash]) -> BTreeMap<String, Option<Vec<u8>>> {
    let mut files = BTreeMap::new();
    let name = |folder: &str, number: usize, width: usize| match width {
        256 => format!("tile/{folder}/{number:03}"),
        width => format!("tile/{folder}/{number:03}.p/{width}"),
    };
    for (number, chunk) in leaves.chunks(256).enumerate() {
        files.insert(name("entries", number, chunk.len()), None);
    }
    let mut row = leaves.to_vec();
    for level in 0.. {
        for (number, chunk) in row.chunks(256).enumerate() {
            let bytes = chunk.iter().flat_map(|hash| hash.0).collect();
            files.insert(name(&level.to_string(), number, chunk.len()), Some(bytes));
        }
        row = row.chunks_exact(256).map(mth).collect();
        if row.is_empty() {
            break;
        }
    }
    files
}

/// What was seen of a log so far, to hold against what is seen next.
#[derive(Clone, Default)]
pub(crate) struct Witness {
    /// The root of each size that was ever committed or published.
    roots: BTreeMap<u64, Hash>,
    /// The entries that were ever acknowledged, by index.
    acknowledged: BTreeMap<u64, Vec<u8>>,
}

impl Witness {
    pub(crate) fn acknowledge(&mut self, index: u64, record: &NewRecord) {
        let known = self.acknowledged.insert(index, record.entry.bytes.clone());
        assert!(known.is_none_or(|known| known == record.entry.bytes), "index {index} was given twice");
    }

    /// How many entries were acknowledged.
    pub(crate) fn acknowledged(&self) -> usize {
        self.acknowledged.len()
    }

    fn checkpoint(&mut self, store: &dyn Store, name: &str) -> Option<Checkpoint> {
        let bytes = store.get(&key(name), u64::MAX).unwrap()?;
        let opened = policy().open_checkpoint(&bytes).unwrap();
        let checkpoint = opened.checkpoint().clone();
        let known = self.roots.insert(checkpoint.size(), checkpoint.root_hash());
        let same = known.is_none_or(|known| known == checkpoint.root_hash());
        assert!(same, "two roots for size {}", checkpoint.size());
        Some(checkpoint)
    }

    /// Checks what a reader sees, at any moment. Returns the entries.
    pub(crate) fn readers_see_a_log(&mut self, store: &dyn Store) -> Vec<Vec<u8>> {
        let committed = self.checkpoint(store, COMMITTED);
        let Some(published) = self.checkpoint(store, layout::CHECKPOINT) else { return Vec::new() };
        if let Some(committed) = committed {
            assert!(published.size() <= committed.size(), "published before it was committed");
        }
        let mut entries: Vec<Vec<u8>> = Vec::new();
        for bundle in dateline::tlog::bundles_of(published.size()) {
            let bytes = store.get(&key(&bundle.path()), u64::MAX).unwrap();
            let bytes = bytes.unwrap_or_else(|| panic!("{} is missing", bundle.path()));
            entries.extend(bundle.entries(&bytes).unwrap().into_iter().map(<[u8]>::to_vec));
        }
        let leaves: Vec<Hash> = entries.iter().map(|entry| Hash::of_parts(&[&[0], entry])).collect();
        for (name, expected) in files_by_definition(&leaves) {
            let found = store.get(&key(&name), u64::MAX).unwrap();
            assert!(found.is_some() && (expected.is_none() || found == expected), "{name}");
        }
        for (size, root) in &self.roots {
            if let Some(prefix) = leaves.get(..*size as usize) {
                assert_eq!(mth(prefix), *root, "the log does not continue the one of {size} entries");
            }
        }
        entries
    }

    /// Checks a log that no commit is under way in, and that nothing is left of those that were. Returns its size.
    pub(crate) fn log_is_whole(&mut self, store: &dyn Store) -> u64 {
        let entries = self.nothing_is_lost(store);
        let leaves: Vec<Hash> = entries.iter().map(|entry| Hash::of_parts(&[&[0], entry])).collect();
        let tiles: Vec<String> = store.list("tile").unwrap().keys.iter().map(Key::to_string).collect();
        let expected: Vec<String> = files_by_definition(&leaves).into_keys().collect();
        assert_eq!(tiles, expected, "tiles that no checkpoint needs are left, or some are missing");
        let staging = key(dateline::log::STAGING);
        assert_eq!(store.get(&staging, u64::MAX).unwrap(), None, "the staged bundle was left");
        entries.len() as u64
    }

    /// Checks a log that no commit is under way in. Returns its entries.
    pub(crate) fn nothing_is_lost(&mut self, store: &dyn Store) -> Vec<Vec<u8>> {
        let entries = self.readers_see_a_log(store);
        let committed = self.checkpoint(store, COMMITTED).unwrap();
        assert_eq!(committed.size(), entries.len() as u64, "committed, and not published");
        for (index, bytes) in &self.acknowledged {
            let found = entries.get(*index as usize);
            assert!(found == Some(bytes), "entry {index}, which was acknowledged, is not there");
        }
        entries
    }
}

pub(crate) fn get(store: &dyn Store, name: &str) -> Option<Vec<u8>> {
    store.get(&key(name), u64::MAX).unwrap()
}

/// The bytes of a file of openings.
pub(crate) fn joined(lines: &[(u64, String)]) -> Vec<u8> {
    lines.iter().flat_map(|(index, opening)| format!("{index} {opening}\n").into_bytes()).collect()
}

/// A log with these entries, whatever they are, under a checkpoint signed by `key` of `origin`.
pub(crate) fn assembled(entries: &[NewEntry], origin: &str, key_of_log: &SigningKey) -> MemoryStore {
    let store = MemoryStore::default();
    let put = |name: &str, bytes: Vec<u8>| store.put(&[Object { key: key(name), bytes }]).unwrap();
    let mut edge = Edge::default();
    let leaves = entries.iter().map(|entry| leaf_hash(&entry.bytes));
    edge.grow(leaves, |tile, hashes| put(&tile.path(), bytes_of_tile(hashes)));
    for (bundle_of, some) in bundles_of(edge.size()).zip(entries.chunks(256)) {
        let mut bytes = Vec::new();
        some.iter().for_each(|entry| bundle::push(&mut bytes, &entry.bytes).unwrap());
        put(&bundle_of.path(), bytes);
    }
    for (file, some) in (0u64..).zip(entries.chunks(256)) {
        let lines = (file * 256..)
            .zip(some)
            .flat_map(|(index, entry)| entry.openings.iter().map(move |opening| (index, opening.clone())));
        put(&layout::disclosures_path(file), joined(&lines.collect::<Vec<_>>()));
    }
    let text = Checkpoint::new(Origin::new(origin).unwrap(), edge.size(), edge.root()).unwrap().format();
    let note = Note::signed(&text, &vkey_of(origin, key_of_log), &key_of_log.sign(text.as_bytes())).unwrap();
    put(layout::CHECKPOINT, note.format().into_bytes());
    store
}
