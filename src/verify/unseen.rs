//! Entries that a part of an audit does not pass, read where something in it points to them.

use std::collections::BTreeMap;

use crate::base::Hash;
use crate::record::Entry;
use crate::tlog::tree::root_of;
use crate::tlog::{EntryBundle, HashReader, Subtree, TileReader, leaf_hash};

use super::fetch::Files;
use super::references::Registered;

/// Bundles that are kept: at most 16 MiB each, usually a fiftieth of that.
const KEPT: usize = 4;

/// A bundle as it was found, if it could be read and taken apart.
type Bundle = Option<(EntryBundle, Vec<u8>)>;

/// The entries before a range, or all of a log.
pub(super) struct Unseen<'a> {
    files: Files<'a>,
    /// The index after the last of them.
    end: u64,
    /// Entries of the whole log.
    size: u64,
    /// What tells whether a bundle belongs to the log; `None` if the edge of its tiles does not lead to the root.
    tiles: Option<TileReader<Files<'a>>>,
    /// The latest first.
    read: Vec<(u64, Bundle)>,
    /// The root over the entries of each bundle that could not be shown to belong to the log; `None` of one that could not be
    /// read.
    doubtful: BTreeMap<u64, Option<Hash>>,
}

impl<'a> Unseen<'a> {
    /// The entries before `end` of a log of `size` entries and `root`. Reads the edge of its tiles.
    pub(super) fn new(files: Files<'a>, end: u64, size: u64, root: &Hash) -> Self {
        let tiles = TileReader::new(files, size, root).ok();
        Unseen { files, end, size, tiles, read: Vec::new(), doubtful: BTreeMap::new() }
    }

    /// Returns the index after the last of them.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// Returns what lies at an index, as the bundle says that lies there: whether that one belongs to the log is for whoever
    /// passes it, unless it can be shown here.
    pub(super) fn get(&mut self, index: u64) -> Registered {
        let number = index / 256;
        let bundle = match self.read.iter().position(|(known, _)| *known == number) {
            Some(known) => self.read.remove(known).1,
            None => self.read(number),
        };
        let place = usize::try_from(index % 256).unwrap_or(usize::MAX);
        let registered = bundle.as_ref().and_then(|(bundle, bytes)| {
            let entries = bundle.entries(bytes).ok()?;
            let entry = Entry::parse(entries.get(place)?).ok()?;
            Some(Registered::of(&entry, entry.claims()))
        });
        self.read.truncate(KEPT - 1);
        self.read.insert(0, (number, bundle));
        registered.unwrap_or(Registered::Unread)
    }

    fn read(&mut self, number: u64) -> Bundle {
        let bundle = read(self.files, number, self.size);
        let root = bundle.as_ref().and_then(|bundle| root_over(bundle, number, self.size));
        let subtree = Subtree { level: 8, index: number };
        let expected = self.tiles.as_mut().and_then(|tiles| tiles.read(&[subtree]).ok()?.first().copied());
        if root.is_none() || root != expected {
            self.doubtful.insert(number, root);
        }
        bundle
    }

    /// Returns the bundles that could not be shown to belong to the log, with the root over their entries.
    pub(super) fn into_doubtful(self) -> BTreeMap<u64, Option<Hash>> {
        self.doubtful
    }
}

fn read(files: Files<'_>, number: u64, size: u64) -> Bundle {
    let (found, bytes) = files.bundle(EntryBundle::of_size(number, size)?).ok()?;
    found.entries(&bytes).ok()?;
    Some((found, bytes))
}

fn root_over((bundle, bytes): &(EntryBundle, Vec<u8>), number: u64, size: u64) -> Option<Hash> {
    let width = EntryBundle::of_size(number, size)?.width();
    let mut entries = bundle.entries(bytes).ok()?;
    entries.truncate(width.into());
    Some(root_of(&entries.iter().map(|entry| leaf_hash(entry)).collect::<Vec<_>>()))
}

/// Returns the root over the entries of a bundle as it lies there; `None` if it cannot be read or taken apart.
pub(super) fn root_of_bundle(files: Files<'_>, number: u64, size: u64) -> Option<Hash> {
    root_over(&read(files, number, size)?, number, size)
}
