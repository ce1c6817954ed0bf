//! What the tests of the log share: keys, records made from nothing, and what must always hold of a log ([`witness`]).

// Each test program uses a part of this.
#![allow(dead_code)]

pub(crate) mod disk;
pub(crate) mod parts;
pub(crate) mod statements;
pub(crate) mod stores;
pub(crate) mod witness;

use std::sync::LazyLock;

use dateline::article::{self, ReadOptions};
use dateline::base::{Hash, PublicKey, SigningKey, Timestamp};
use dateline::log::{AppendError, Appended, Log, NewRecord, OpenError};
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

/// A number below `below`, the same in every run.
pub(crate) fn drawn(seed: &str, below: usize) -> usize {
    let hash = Hash::of(seed.as_bytes());
    (u64::from_be_bytes(std::array::from_fn(|place| hash.0[place])) % below as u64) as usize
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

/// Enrols an editor's key, or ends a key.
pub(crate) fn editor_key(by: &SigningKey, action: KeyAction, about: &PublicKey) -> SealedEntry {
    let roles = if action == KeyAction::Enrol { vec![Role::Editor] } else { Vec::new() };
    key_statement(by, action, about, roles, None)
}

/// The same, as it may lie anywhere.
pub(crate) fn key_entry(by: &SigningKey, action: KeyAction, about: &PublicKey) -> NewEntry {
    editor_key(by, action, about).into_entry()
}

pub(crate) fn key_statement(
    by: &SigningKey,
    action: KeyAction,
    about: &PublicKey,
    roles: Vec<Role>,
    replaces: Option<Hash>,
) -> SealedEntry {
    let mut random = salts("key".into());
    let mut circumstances = Circumstances {
        recorded_by: by.public().key_id(),
        recorded_at: Timestamp::from_unix_seconds(1_795_000_000).unwrap(),
        random: &mut random,
    };
    let draft = Draft::key(action, about, roles, replaces, Some("A. Diarra"), &mut circumstances).unwrap();
    draft.sign(by).unwrap()
}

/// Entry 0 of every log here.
pub(crate) fn enrolment() -> NewRecord {
    let entry = editor_key(&root_key(), KeyAction::Enrol, &editor().public());
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

/// Does everything in the same order each time, for as long as it is held.
pub(crate) fn one_thread() -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread().build().unwrap()
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
