//! What statements point to: is it there, and is it what they say?

use std::collections::HashMap;
use std::sync::Mutex;

use crate::base::Hash;
use crate::record::{Body, ClaimCounts, Entry};
use crate::tlog::{EntryBundle, Tile, leaf_hash};

use super::fetch::Files;
use super::report::{Code, Finding};

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

/// Bundles that are kept, as several statements often point to neighbours: at most 16 MiB each.
const BUNDLES_KEPT: usize = 4;

/// A bundle that was read again.
struct Read {
    bundle: EntryBundle,
    bytes: Vec<u8>,
    hashes: Vec<Hash>,
}

/// What lies at each index so far. Holds 48 bytes an entry.
pub(super) struct References<'a> {
    files: Files<'a>,
    /// Entries that were only compared: they are read again when something points to them.
    compared: u64,
    /// The bundles and tiles that were read for that, the latest first.
    read: Mutex<Vec<Read>>,
    after: Vec<Registered>,
}

impl<'a> References<'a> {
    pub(super) fn new(files: Files<'a>) -> Self {
        References { files, compared: 0, read: Mutex::default(), after: Vec::new() }
    }

    /// Passes over the first `count` entries.
    pub(super) fn skip(&mut self, count: u64) {
        self.compared = count;
    }

    /// Adds what lies at the next index.
    pub(super) fn push(&mut self, registered: Registered) {
        self.after.push(registered);
    }

    /// Returns the originals of the entries that were not only compared, each with the first that registered it.
    pub(super) fn originals(&self) -> HashMap<Hash, u64> {
        let mut firsts = HashMap::new();
        for (index, registered) in (self.compared..).zip(&self.after) {
            if let Registered::Document(original, _) = registered {
                firsts.entry(*original).or_insert(index);
            }
        }
        firsts
    }

    fn get(&self, index: u64) -> Registered {
        match index.checked_sub(self.compared) {
            Some(place) => {
                let place = usize::try_from(place).ok().and_then(|place| self.after.get(place));
                place.copied().unwrap_or(Registered::Unread)
            }
            None => self.read(index).unwrap_or(Registered::Unread),
        }
    }

    /// Reads an entry that was compared, whose hash must be that in its tile.
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
                Registered::Document(_, claims) => match &entry.body {
                    Body::Assessment(assessment) if field == "/about" && !claims.has(&assessment.claim) => {
                        let what = format!("record {other} makes no claim {:?}", assessment.claim);
                        about(Code::ReferenceInvalid, "/claim", what)
                    }
                    _ => continue,
                },
            };
            findings.push(finding);
        }
        findings
    }
}
