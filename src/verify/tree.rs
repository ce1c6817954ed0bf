//! The tree as the entries make it, beside the tree as the tiles say it is.
//!
//! Both are rebuilt at once. When the root is known, so is which of the two is right, and every place where they
//! part is either a changed entry or a changed tile.

use crate::base::Hash;
use crate::tlog::tile::partial_tiles_of;
use crate::tlog::{Edge, Tile};

use super::fetch::Files;
use super::report::{Code, FINDINGS_MAX, Finding};

/// What both trees say together.
pub(super) struct Finished {
    pub(super) findings: Vec<Finding>,
    /// Entries that were changed, too, and are not among them.
    pub(super) left_out: u64,
    /// How many tiles were compared.
    pub(super) tiles: u64,
    /// Whether all entries are there, and lead to the root.
    pub(super) entries_hold: bool,
}

/// Both trees, leaf by leaf.
pub(super) struct Trees<'a> {
    files: Files<'a>,
    from_entries: Edge,
    from_tiles: Edge,
    /// Entries whose hash is not the one in their tile: index, the entry's hash, the tile's. As many as are told, and how
    /// many more there are.
    parted: Vec<(u64, Hash, Hash)>,
    parted_more: u64,
    /// The first of them in each tile.
    off_lowest: Vec<(u64, Hash, Hash)>,
    /// Tiles above the lowest level that are not what the entries give, and those that are not what the tiles below
    /// them give: the first hash that should be there, and what is.
    off_entries: Vec<(Tile, Hash, Hash)>,
    off_tiles: Vec<(Tile, Hash, Hash)>,
    findings: Vec<Finding>,
    /// A leaf of which neither entry nor hash could be had.
    unknown: bool,
    /// A leaf whose entry could not be had.
    unread: bool,
    tiles: u64,
}

impl<'a> Trees<'a> {
    pub(super) fn new(files: Files<'a>) -> Self {
        let (from_entries, from_tiles) = (Edge::default(), Edge::default());
        let (parted, off_entries, off_tiles, findings) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Trees {
            files,
            from_entries,
            from_tiles,
            parted,
            parted_more: 0,
            off_lowest: Vec::new(),
            off_entries,
            off_tiles,
            findings,
            unknown: false,
            unread: false,
            tiles: 0,
        }
    }

    /// Adds the leaf hash of the next entry, and the hash in its tile, as far as they could be had.
    pub(super) fn push(&mut self, entry: Option<Hash>, tile: Option<Hash>) {
        if let (Some(entry), Some(tile)) = (entry, tile)
            && entry != tile
        {
            let index = self.from_entries.size();
            if self.off_lowest.last().is_none_or(|(last, ..)| last / 256 != index / 256) {
                self.off_lowest.push((index, entry, tile));
            }
            if self.parted.len() < FINDINGS_MAX {
                self.parted.push((index, entry, tile));
            } else {
                self.parted_more += 1;
            }
        }
        self.unread |= entry.is_none();
        let known = entry.or(tile);
        self.unknown |= known.is_none();
        let known = known.unwrap_or(Hash([0; 32]));
        let mut completed = Vec::new();
        self.from_entries
            .push(entry.unwrap_or(known), |tile, hashes| completed.push((tile, hashes.to_vec())));
        let mut by_tiles = Vec::new();
        self.from_tiles.push(tile.unwrap_or(known), |_, hashes| by_tiles.push(hashes.to_vec()));
        for ((tile, entries), tiles) in completed.into_iter().zip(by_tiles) {
            self.compare(tile, &entries, &tiles);
        }
    }

    /// Adds the leaves of a full tile, which are what the entries give; `root` is theirs.
    pub(super) fn push_full(&mut self, root: Hash) {
        self.tiles += 1;
        let mut completed = Vec::new();
        self.from_entries.push_full(root, |tile, hashes| completed.push((tile, hashes.to_vec())));
        let mut by_tiles = Vec::new();
        self.from_tiles.push_full(root, |_, hashes| by_tiles.push(hashes.to_vec()));
        for ((tile, entries), tiles) in completed.into_iter().zip(by_tiles) {
            self.compare(tile, &entries, &tiles);
        }
    }

    /// Compares a tile above the lowest level with what lies in the store. The lowest is compared leaf by leaf.
    fn compare(&mut self, tile: Tile, by_entries: &[Hash], by_tiles: &[Hash]) {
        self.tiles += 1;
        if tile.level() == 0 {
            return;
        }
        match self.files.tile(tile) {
            Err(finding) => self.findings.push(*finding),
            Ok(found) => {
                let parts = |given: &[Hash]| {
                    let (given, found) = given.iter().zip(&found).find(|(given, found)| given != found)?;
                    Some((tile, *given, *found))
                };
                self.off_entries.extend(parts(by_entries));
                self.off_tiles.extend(parts(by_tiles));
            }
        }
    }

    /// Compares the partial tiles and the root.
    pub(super) fn finish(mut self, root: &Hash) -> Finished {
        let size = self.from_entries.size();
        for tile in partial_tiles_of(size) {
            let by_entries = self.from_entries.partial(tile.level()).to_vec();
            let by_tiles = self.from_tiles.partial(tile.level()).to_vec();
            self.compare(tile, &by_entries, &by_tiles);
        }
        let (entries_root, tiles_root) = (self.from_entries.root(), self.from_tiles.root());
        let mut left_out = self.parted_more;
        if entries_root == *root {
            left_out = 0;
            let lowest = self.off_lowest.iter().filter_map(|(index, entry, tile)| {
                Some((Tile::of_size(0, index / 256, size)?, *entry, *tile))
            });
            let why = "the entries give; the entries lead to the root";
            self.findings.extend(lowest.chain(self.off_entries).map(|tile| changed_tile(tile, why)));
        } else if tiles_root == *root {
            let why = "the tiles lead to the root";
            self.findings.extend(self.parted.iter().map(|parted| changed_entry(parted, why)));
            let why = "the tiles below it give";
            self.findings.extend(self.off_tiles.into_iter().map(|tile| changed_tile(tile, why)));
        } else {
            let neither = "neither the entries nor the tiles lead to the root";
            self.findings.extend(self.parted.iter().map(|parted| changed_entry(parted, neither)));
            if !self.unknown {
                let message = format!(
                    "the {size} entries give the root {entries_root}, their tiles {tiles_root}, the checkpoint signs {root}"
                );
                let finding = Finding::new(Code::RootMismatch, message);
                self.findings.push(finding.expected(root).found(entries_root));
            }
        }
        Finished {
            findings: self.findings,
            left_out,
            tiles: self.tiles,
            entries_hold: entries_root == *root && !self.unread,
        }
    }
}

fn changed_tile((tile, expected, found): (Tile, Hash, Hash), why: &str) -> Finding {
    let message = format!("{tile} is not what {why}");
    Finding::new(Code::TileChanged, message).path(tile.path()).expected(expected).found(found)
}

fn changed_entry((index, entry, tile): &(u64, Hash, Hash), why: &str) -> Finding {
    let message =
        format!("record {index} is not the one that was logged: its hash is not that in its tile, and {why}");
    Finding::new(Code::EntryChanged, message).record(*index).expected(tile).found(entry)
}
