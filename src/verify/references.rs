//! What statements point to: is it there, and is it what they say?

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Mutex;

use crate::base::Hash;
use crate::record::{Body, ClaimCounts, Entry};
use crate::tlog::tree::root_of;
use crate::tlog::{EntryBundle, Tile, leaf_hash};

use super::fetch::Files;
use super::report::{Code, Finding};
use super::unseen::Unseen;

/// What lies at an index.
#[derive(Debug, Clone, Copy)]
pub(super) enum Registered {
    /// An entry that could not be read.
    Unread,
    /// Something else than a registration.
    Other,
    /// A registration: the SHA-256 of its original, and what it claims.
    Document(Hash, ClaimCounts),
}

impl Registered {
    /// `claims` are those of a registration in the clear.
    pub(super) fn of(entry: &Entry, claims: ClaimCounts) -> Self {
        entry.original().map_or(Registered::Other, |original| Registered::Document(original, claims))
    }
}

/// Registrations that are kept in memory, the latest: some 60 MiB.
const KEPT: usize = 1 << 20;
/// Bundles that are kept, as several statements often point to neighbours: at most 16 MiB each.
const BUNDLES_KEPT: usize = 4;

/// A bundle that was read again.
struct Read {
    bundle: EntryBundle,
    bytes: Vec<u8>,
    hashes: Vec<Hash>,
}

/// What lies at each index so far, in bounded memory: registrations that were forgotten, as others came after them, are
/// read again when something points to them.
pub(super) struct References<'a> {
    files: Files<'a>,
    /// The stored originals.
    listed: &'a HashSet<Hash>,
    /// Registrations that are kept.
    kept: usize,
    size: u64,
    /// The entries before this were not passed: they are read when something points to them.
    start: u64,
    unseen: Option<Mutex<Unseen<'a>>>,
    /// Of the entries before this, only `odd` and what can be read again is known.
    forgotten: u64,
    /// The latest registrations, in the order of the log.
    latest: VecDeque<Document>,
    /// Entries that could not be read, and all of bundles that do not give their tile, by which they could be read again.
    odd: Vec<(u64, Registered)>,
    /// The stored originals that were registered, each with the first entry that did.
    originals: HashMap<Hash, u64>,
    /// The root of each full bundle that agrees with its tile, by which it is known again.
    roots: Vec<Option<Hash>>,
    /// The bundles and tiles that were read again, the latest first.
    read: Mutex<Vec<Read>>,
}

/// A registration: its index, the SHA-256 of its original, and what it claims.
type Document = (u64, Hash, ClaimCounts);

impl<'a> References<'a> {
    /// `listed` are the stored originals.
    pub(super) fn new(files: Files<'a>, listed: &'a HashSet<Hash>) -> Self {
        References {
            files,
            listed,
            kept: KEPT,
            size: 0,
            start: 0,
            unseen: None,
            forgotten: 0,
            latest: VecDeque::new(),
            odd: Vec::new(),
            originals: HashMap::new(),
            roots: Vec::new(),
            read: Mutex::default(),
        }
    }

    /// Begins where `unseen` ends.
    pub(super) fn of_range(files: Files<'a>, listed: &'a HashSet<Hash>, unseen: Unseen<'a>) -> Self {
        let start = unseen.end();
        let unseen = Some(Mutex::new(unseen));
        let of_all = References::new(files, listed);
        References { size: start, start, forgotten: start, unseen, ..of_all }
    }

    /// Returns what was read of the entries before the range.
    pub(super) fn into_unseen(self) -> Option<Unseen<'a>> {
        self.unseen?.into_inner().ok()
    }

    /// Takes note of stored originals that entries before registered.
    pub(super) fn registered_before(&mut self, originals: impl IntoIterator<Item = Hash>) {
        originals.into_iter().for_each(|original| _ = self.originals.entry(original).or_insert(0));
    }

    /// Passes over the first `count` entries, which were only compared.
    pub(super) fn skip(&mut self, count: u64) {
        (self.size, self.forgotten) = (count, count);
    }

    /// Takes note of the next bundle: its root, if it is full and agrees with its tile.
    pub(super) fn saw(&mut self, root: Option<Hash>) {
        self.roots.push(root);
    }

    /// Adds what lies at the next index. `whole` is whether the entries of its bundle give its tile.
    pub(super) fn push(&mut self, registered: Registered, whole: bool) {
        let index = self.size;
        self.size += 1;
        if let Registered::Document(original, _) = registered
            && self.listed.contains(&original)
        {
            self.originals.entry(original).or_insert(index);
        }
        match registered {
            Registered::Document(original, claims) if whole => {
                self.latest.push_back((index, original, claims));
            }
            Registered::Other if whole => {}
            registered => self.odd.push((index, registered)),
        }
        if self.latest.len() > self.kept
            && let Some((oldest, ..)) = self.latest.pop_front()
        {
            self.forgotten = oldest + 1;
        }
    }

    /// Returns the stored originals that entries registered which were not only compared, each with the first that did.
    pub(super) fn originals(&self) -> &HashMap<Hash, u64> {
        &self.originals
    }

    fn get(&self, index: u64) -> Registered {
        if index < self.start {
            let unseen = self.unseen.as_ref().and_then(|unseen| unseen.lock().ok());
            return unseen.map_or(Registered::Unread, |mut unseen| unseen.get(index));
        }
        if let Ok(place) = self.odd.binary_search_by_key(&index, |(odd, _)| *odd) {
            return self.odd[place].1;
        }
        if index < self.forgotten {
            return self.read(index).unwrap_or(Registered::Unread);
        }
        match self.latest.binary_search_by_key(&index, |(latest, ..)| *latest) {
            _ if index >= self.size => Registered::Unread,
            Ok(place) => Registered::Document(self.latest[place].1, self.latest[place].2),
            Err(_) => Registered::Other,
        }
    }

    /// Reads an entry again, whose hash must be that in its tile, and the tile the one that was there before.
    fn read(&self, index: u64) -> Option<Registered> {
        let bundle = EntryBundle::new(index / 256, 256)?;
        let place = usize::try_from(index % 256).ok()?;
        // Only whoever folds comes here, one after the other.
        let mut read = self.read.lock().ok()?;
        let known = match read.iter().position(|one| one.bundle.index() == bundle.index()) {
            Some(known) => read.remove(known),
            None => {
                let (found, bytes) = self.files.bundle(bundle).ok()?;
                let hashes = self.files.tile(Tile::new(0, bundle.index(), bundle.width())?).ok()?;
                let seen = bundle.index().checked_sub(self.start / 256)?;
                let root = *self.roots.get(usize::try_from(seen).ok()?)?;
                if hashes.len() != 256 || Some(root_of(&hashes)) != root {
                    return None;
                }
                read.truncate(BUNDLES_KEPT - 1);
                Read { bundle: found, bytes, hashes }
            }
        };
        let registered = known.bundle.entries(&known.bytes).ok().and_then(|entries| {
            let bytes = *entries.get(place)?;
            if *known.hashes.get(place)? != leaf_hash(bytes) {
                return None;
            }
            let entry = Entry::parse(bytes);
            Some(entry.map_or(Registered::Unread, |entry| Registered::of(&entry, entry.claims())))
        });
        read.insert(0, known);
        registered
    }

    /// Checks what the entry at `index` points to.
    pub(super) fn check(&self, index: u64, entry: &Entry) -> Vec<Finding> {
        let mut findings = Vec::new();
        let about = |code, field: &str, what: String| {
            Finding::new(code, format!("record {index}: {what}")).record(index).field(field)
        };
        for (field, to) in entry.references() {
            let other = to.record;
            let finding = match self.get(other) {
                _ if other >= index => {
                    let what = format!("points to record {other}, which is not before it");
                    about(Code::ReferenceInvalid, field, what)
                }
                Registered::Unread => {
                    let what = format!("points to record {other}, which could not be read");
                    about(Code::ReferenceUnknown, field, what)
                }
                Registered::Other => {
                    let what = format!("points to record {other}, which registers no document");
                    about(Code::ReferenceInvalid, field, what)
                }
                Registered::Document(original, _) if original != to.original => {
                    let what = format!("points to record {other} as of another document than it is of");
                    about(Code::ReferenceInvalid, field, what).expected(to.original).found(original)
                }
                Registered::Document(_, claims) => match entry.claim() {
                    Some(claim) if field == "/about" && !claims.has(claim) => {
                        let what = format!("record {other} makes no claim {claim:?}");
                        about(Code::ReferenceInvalid, "/claim", what)
                    }
                    _ => continue,
                },
            };
            findings.push(finding);
        }
        if let Body::Erasure(erasure) = &entry.body
            && erasure.entry >= index
        {
            let what = format!("is about entry {}, which is not before it", erasure.entry);
            findings.push(about(Code::ReferenceInvalid, "/entry", what));
        }
        findings
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::MemoryStore;

    /// What lies at an index, as far as a test tells it.
    fn told(references: &References<'_>, index: u64) -> Option<Option<Hash>> {
        match references.get(index) {
            Registered::Unread => None,
            Registered::Other => Some(None),
            Registered::Document(original, _) => Some(Some(original)),
        }
    }

    #[test]
    fn what_is_forgotten_and_cannot_be_read_again_is_unread() {
        let (store, original) = (MemoryStore::default(), |number: u64| Hash::of(&number.to_be_bytes()));
        let listed = HashSet::from([original(2), original(6)]);
        let mut references = References { kept: 3, ..References::new(Files { store: &store }, &listed) };
        let document = |number| Registered::Document(original(number), ClaimCounts::default());
        for (registered, whole) in [
            (document(0), true),
            (Registered::Other, true),
            (document(2), false),
            (Registered::Other, false),
            (Registered::Unread, true),
            (document(5), true),
            (document(6), true),
            (document(2), true),
            (Registered::Other, true),
        ] {
            references.push(registered, whole);
        }
        let known = |number| Some(Some(original(number)));
        // The first was forgotten; of a bundle that does not give its tile, nothing is.
        let expected =
            [None, Some(None), known(2), Some(None), None, known(5), known(6), known(2), Some(None)];
        let found: Vec<_> = (0..9).map(|index| told(&references, index)).collect();
        assert_eq!(found, expected);
        assert_eq!(told(&references, 9), None);
        assert_eq!(*references.originals(), HashMap::from([(original(2), 2), (original(6), 6)]));
        references.push(document(9), true);
        assert_eq!(
            (told(&references, 1), told(&references, 2), told(&references, 5)),
            (None, known(2), None)
        );
    }
}
