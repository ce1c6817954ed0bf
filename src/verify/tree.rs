//! The tree as the entries make it, beside the tree as the tiles say it is.
//!
//! Both are rebuilt at once. When the root is known, so is which of the two is right, and every place where they
//! part is either a changed entry or a changed tile.

use serde::{Deserialize, Serialize};

use crate::base::Hash;
use crate::tlog::tile::partial_tiles_of;
use crate::tlog::{Edge, Tile, subtrees_of};

use super::batch::Batch;
use super::fetch::Files;
use super::found::Written;
use super::report::{Code, FINDINGS_MAX, Finding, Severity};

/// What both trees say together.
pub(super) struct Finished {
    pub(super) findings: Vec<Finding>,
    /// Entries and tiles that were changed, too, and are not among them, or tiles that could not be read; and the most that one
    /// of these weighs.
    pub(super) left_out: u64,
    pub(super) worst_left_out: Option<Severity>,
    /// How many tiles were compared.
    pub(super) tiles: u64,
    /// Whether all entries are there, and lead to the root.
    pub(super) entries_hold: bool,
}

/// As many as are told, in the order of the log, and how many more there are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Told<T> {
    told: Vec<T>,
    more: u64,
}

impl<T> Default for Told<T> {
    fn default() -> Self {
        Told { told: Vec::new(), more: 0 }
    }
}

impl<T> Told<T> {
    fn push(&mut self, one: T) {
        if self.told.len() < FINDINGS_MAX {
            self.told.push(one);
        } else {
            self.more = self.more.saturating_add(1);
        }
    }

    /// Adds those of the part that follows, and puts those where the two meet in their place.
    fn append<K: Ord>(&mut self, mut other: Told<T>, place: impl Fn(&T) -> K) {
        self.told.append(&mut other.told);
        self.told.sort_by_key(place);
        let more = self.told.split_off(self.told.len().min(FINDINGS_MAX)).len();
        self.more = self.more.saturating_add(other.more).saturating_add(more as u64);
    }
}

/// A place where a hash should be another one: the index or the tile, what should be there, and what is.
type Parted<P> = (P, Hash, Hash);

/// Where the two trees part, so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Partings {
    /// Entries whose hash is not the one in their tile: index, the entry's hash, the tile's.
    entries: Told<Parted<u64>>,
    /// The first of them in each tile.
    lowest: Told<Parted<u64>>,
    #[serde(skip)]
    last_lowest: Option<u64>,
    /// Tiles above the lowest level that are not what the entries give, and those that are not what the tiles below
    /// them give: the first hash that should be there, and what is.
    off_entries: Told<Parted<Tile>>,
    off_tiles: Told<Parted<Tile>>,
    /// Tiles above the lowest level that could not be read.
    unreadable: Told<(Tile, Unreadable)>,
    /// What the worst of those weighs that are not told.
    worst_unreadable: Option<Severity>,
    /// A leaf of which neither entry nor hash could be had.
    unknown: bool,
    /// A leaf whose entry could not be had.
    unread: bool,
    /// Tiles compared.
    tiles: u64,
}

/// What is told of a tile that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
struct Unreadable(Finding);

impl From<Written> for Unreadable {
    fn from(written: Written) -> Self {
        Unreadable(written.into())
    }
}

impl From<Unreadable> for Written {
    fn from(Unreadable(finding): Unreadable) -> Self {
        Written::from(&finding)
    }
}

/// What the trees over a range of leaves are to whoever has those before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RangeTrees {
    /// The roots of the subtrees that the entries give, as [`subtrees_of`] the range names them.
    subtrees: Vec<Hash>,
    /// Those that the tiles give, if they are others.
    by_tiles: Option<Vec<Hash>>,
    partings: Partings,
}

impl RangeTrees {
    /// Returns whether these are as many subtrees as the leaves `start` up to `end` have.
    pub(super) fn are_of(&self, start: u64, end: u64) -> bool {
        let count = subtrees_of(start, end).count();
        self.subtrees.len() == count && self.by_tiles.as_ref().is_none_or(|by_tiles| by_tiles.len() == count)
    }
}

/// Both trees, leaf by leaf.
pub(super) struct Trees<'a> {
    files: Files<'a>,
    from_entries: Edge,
    from_tiles: Edge,
    partings: Partings,
}

/// When a tile is complete: what is complete at the same leaf is told from the lowest level up.
fn place(tile: Tile) -> (u128, u8) {
    let level = tile.level();
    ((u128::from(tile.index()) + 1) << (8 * (u32::from(level.min(7)) + 1)), level)
}

impl<'a> Trees<'a> {
    pub(super) fn new(files: Files<'a>) -> Self {
        Trees::of_range(files, 0)
    }

    /// The trees over the leaves from `start` on.
    pub(super) fn of_range(files: Files<'a>, start: u64) -> Self {
        let (from_entries, from_tiles) = (Edge::of_range(start), Edge::of_range(start));
        Trees { files, from_entries, from_tiles, partings: Partings::default() }
    }

    /// Adds the leaves of a bundle, to each tree what is at hand.
    pub(super) fn push_batch(&mut self, batch: &Batch) {
        if let Some(root) = batch.root {
            return self.push_full(root);
        }
        for place in 0..usize::from(batch.bundle.width()) {
            let entry = batch.entries.as_ref().ok().map(|entries| entries[place].leaf);
            self.push(entry, batch.tile.as_ref().ok().map(|tile| tile[place]));
        }
    }

    /// Adds the leaf hash of the next entry, and the hash in its tile, as far as they could be had.
    pub(super) fn push(&mut self, entry: Option<Hash>, tile: Option<Hash>) {
        if let (Some(entry), Some(tile)) = (entry, tile)
            && entry != tile
        {
            let index = self.from_entries.size();
            if self.partings.last_lowest.is_none_or(|last| last != index / 256) {
                self.partings.last_lowest = Some(index / 256);
                self.partings.lowest.push((index, entry, tile));
            }
            self.partings.entries.push((index, entry, tile));
        }
        self.partings.unread |= entry.is_none();
        let known = entry.or(tile);
        self.partings.unknown |= known.is_none();
        let known = known.unwrap_or(Hash([0; 32]));
        let mut completed = Vec::new();
        self.from_entries
            .push(entry.unwrap_or(known), |tile, hashes| completed.push((tile, hashes.to_vec())));
        let mut by_tiles = Vec::new();
        self.from_tiles.push(tile.unwrap_or(known), |_, hashes| by_tiles.push(hashes.to_vec()));
        self.compare_all(completed, by_tiles);
    }

    /// Adds the leaves of a full tile, which are what the entries give; `root` is theirs.
    pub(super) fn push_full(&mut self, root: Hash) {
        self.partings.tiles += 1;
        let mut completed = Vec::new();
        self.from_entries.push_full(root, |tile, hashes| completed.push((tile, hashes.to_vec())));
        let mut by_tiles = Vec::new();
        self.from_tiles.push_full(root, |_, hashes| by_tiles.push(hashes.to_vec()));
        self.compare_all(completed, by_tiles);
    }

    /// Returns what the trees over a range are to whoever has those before it.
    pub(super) fn into_range(self) -> RangeTrees {
        let (subtrees, by_tiles) = (self.from_entries.subtrees(), self.from_tiles.subtrees());
        let by_tiles = (by_tiles != subtrees).then_some(by_tiles);
        let partings = Partings { last_lowest: None, ..self.partings };
        RangeTrees { subtrees, by_tiles, partings }
    }

    /// Adds the trees over the leaves up to `end`, and compares the tiles that become complete where they meet what was there.
    /// `None` if they do not have that many.
    pub(super) fn push_range(&mut self, end: u64, range: RangeTrees) -> Option<()> {
        let start = self.from_entries.size();
        if !range.are_of(start, end) {
            return None;
        }
        let RangeTrees { subtrees, by_tiles, partings } = range;
        let by_tiles = by_tiles.unwrap_or_else(|| subtrees.clone());
        let (mut subtrees, mut by_tiles) = (subtrees.into_iter(), by_tiles.into_iter());
        for level in subtrees_of(start, end) {
            let mut completed = Vec::new();
            let keep = |tile: Tile, hashes: &[Hash]| completed.push((tile, hashes.to_vec()));
            self.from_entries.push_subtree(level, subtrees.next()?, keep)?;
            let mut also = Vec::new();
            let keep = |_: Tile, hashes: &[Hash]| also.push(hashes.to_vec());
            self.from_tiles.push_subtree(level, by_tiles.next()?, keep)?;
            self.compare_all(completed, also);
        }
        self.partings.append(partings);
        Some(())
    }

    fn compare_all(&mut self, completed: Vec<(Tile, Vec<Hash>)>, by_tiles: Vec<Vec<Hash>>) {
        for ((tile, entries), tiles) in completed.into_iter().zip(by_tiles) {
            self.compare(tile, &entries, &tiles);
        }
    }

    /// Compares a tile above the lowest level with what lies in the store. The lowest is compared leaf by leaf.
    fn compare(&mut self, tile: Tile, by_entries: &[Hash], by_tiles: &[Hash]) {
        let partings = &mut self.partings;
        partings.tiles += 1;
        if tile.level() == 0 {
            return;
        }
        match self.files.tile(tile) {
            Err(finding) => {
                if partings.unreadable.told.len() >= FINDINGS_MAX {
                    partings.worst_unreadable = partings.worst_unreadable.max(Some(finding.severity));
                }
                partings.unreadable.push((tile, Unreadable(*finding)));
            }
            Ok(found) => {
                let parts = |given: &[Hash]| {
                    let (given, found) = given.iter().zip(&found).find(|(given, found)| given != found)?;
                    Some((tile, *given, *found))
                };
                parts(by_entries).into_iter().for_each(|parted| partings.off_entries.push(parted));
                parts(by_tiles).into_iter().for_each(|parted| partings.off_tiles.push(parted));
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
        let Partings { entries, lowest, off_entries, off_tiles, unreadable, worst_unreadable, .. } =
            self.partings;
        let mut findings: Vec<Finding> =
            unreadable.told.into_iter().map(|(_, Unreadable(finding))| finding).collect();
        let (mut left_out, mut worst_left_out) = (unreadable.more, worst_unreadable);
        let mut more = |count: u64, code: Code| {
            left_out = left_out.saturating_add(count);
            worst_left_out = worst_left_out.max((count > 0).then(|| code.severity()));
        };
        if entries_root == *root {
            more(lowest.more.saturating_add(off_entries.more), Code::TileChanged);
            let lowest = lowest.told.iter().filter_map(|(index, entry, tile)| {
                Some((Tile::of_size(0, index / 256, size)?, *entry, *tile))
            });
            let why = "the entries give; the entries lead to the root";
            findings.extend(lowest.chain(off_entries.told).map(|tile| changed_tile(tile, why)));
        } else if tiles_root == *root {
            more(entries.more, Code::EntryChanged);
            more(off_tiles.more, Code::TileChanged);
            let why = "the tiles lead to the root";
            findings.extend(entries.told.iter().map(|parted| changed_entry(parted, why)));
            let why = "the tiles below it give";
            findings.extend(off_tiles.told.into_iter().map(|tile| changed_tile(tile, why)));
        } else {
            more(entries.more, Code::EntryChanged);
            let neither = "neither the entries nor the tiles lead to the root";
            findings.extend(entries.told.iter().map(|parted| changed_entry(parted, neither)));
            if !self.partings.unknown {
                let message = format!(
                    "the {size} entries give the root {entries_root}, their tiles {tiles_root}, the checkpoint signs {root}"
                );
                let finding = Finding::new(Code::RootMismatch, message);
                findings.push(finding.expected(root).found(entries_root));
            }
        }
        Finished {
            findings,
            left_out,
            worst_left_out,
            tiles: self.partings.tiles,
            entries_hold: entries_root == *root && !self.partings.unread,
        }
    }
}

impl Partings {
    /// Adds those of the leaves that follow.
    fn append(&mut self, next: Partings) {
        self.entries.append(next.entries, |(index, ..)| *index);
        self.lowest.append(next.lowest, |(index, ..)| *index);
        self.off_entries.append(next.off_entries, |(tile, ..)| place(*tile));
        self.off_tiles.append(next.off_tiles, |(tile, ..)| place(*tile));
        let told = self.unreadable.told.iter().chain(&next.unreadable.told);
        let mut told: Vec<_> =
            told.map(|(tile, Unreadable(finding))| (place(*tile), finding.severity)).collect();
        told.sort_by_key(|(place, _)| *place);
        let worst = told.iter().skip(FINDINGS_MAX).map(|(_, severity)| *severity).max();
        self.worst_unreadable = self.worst_unreadable.max(next.worst_unreadable).max(worst);
        self.unreadable.append(next.unreadable, |(tile, _)| place(*tile));
        self.unknown |= next.unknown;
        self.unread |= next.unread;
        self.tiles = self.tiles.saturating_add(next.tiles);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{Key, MemoryStore, Object, Store};
    use crate::tlog::edge::bytes_of_tile;
    use proptest::prelude::*;

    /// Leaves of a log, and its tiles above the lowest.
    fn log(size: u64) -> (Vec<Hash>, MemoryStore, Hash) {
        let leaves: Vec<Hash> = (0..size).map(|number| Hash::of(&number.to_be_bytes())).collect();
        let (store, mut edge) = (MemoryStore::default(), Edge::default());
        edge.grow(leaves.iter().copied(), |tile, hashes| {
            if tile.level() > 0 {
                let (key, bytes) = (Key::new(tile.path()).unwrap(), bytes_of_tile(hashes));
                store.put(&[Object { key, bytes }]).unwrap();
            }
        });
        (leaves, store, edge.root())
    }

    /// Adds the leaves of a range: by tiles of which entries and hashes agree, and leaf by leaf.
    fn pass(
        trees: &mut Trees<'_>,
        (start, end): (u64, u64),
        by_entries: &[Option<Hash>],
        by_tiles: &[Option<Hash>],
    ) {
        let (start, end) = (start as usize, end as usize);
        let tiles = by_entries[start..end].chunks(256).zip(by_tiles[start..end].chunks(256));
        for (entries, tile) in tiles {
            let known: Option<Vec<Hash>> = entries.iter().copied().collect();
            match known.filter(|known| known.len() == 256 && entries == tile) {
                Some(known) => trees.push_full(crate::tlog::tree::root_of(&known)),
                None => entries.iter().zip(tile).for_each(|(entry, tile)| trees.push(*entry, *tile)),
            }
        }
    }

    fn told(finished: Finished) -> (Vec<Finding>, u64, Option<Severity>, u64, bool) {
        let Finished { findings, left_out, worst_left_out, tiles, entries_hold } = finished;
        (findings, left_out, worst_left_out, tiles, entries_hold)
    }

    fn same(
        size: u64,
        damaged: &[(u64, u8)],
        tiles: &[(u64, bool)],
        cuts: &[u64],
        other_root: bool,
    ) -> Result<(), TestCaseError> {
        let (leaves, store, mut root) = log(size);
        if other_root {
            root = Hash([9; 32]);
        }
        let mut by_entries: Vec<Option<Hash>> = leaves.into_iter().map(Some).collect();
        let mut by_tiles = by_entries.clone();
        for (at, how) in damaged {
            let at = (at % size) as usize;
            match how % 6 {
                0 => by_entries[at] = Some(Hash([1; 32])),
                1 | 2 => by_tiles[at] = Some(Hash([2; 32])),
                3 => by_entries[at] = None,
                4 => by_tiles[at] = None,
                _ => (by_entries[at], by_tiles[at]) = (None, None),
            }
        }
        let names = store.list("").unwrap().keys;
        for (which, removed) in tiles {
            let key = names[(*which % names.len() as u64) as usize].clone();
            match (removed, store.get(&key, u64::MAX).unwrap()) {
                (false, Some(mut bytes)) => {
                    bytes[5] ^= 1;
                    store.put(&[Object { key, bytes }]).unwrap();
                }
                _ => store.delete(&[key]).unwrap(),
            }
        }
        let files = Files { store: &store };
        let mut whole = Trees::new(files);
        pass(&mut whole, (0, size), &by_entries, &by_tiles);
        let mut at: Vec<u64> =
            cuts.iter().map(|cut| cut % size.div_ceil(256) * 256).chain([0, size]).collect();
        at.sort_unstable();
        at.dedup();
        let mut joined = Trees::new(files);
        for cut in at.windows(2) {
            let mut range = Trees::of_range(files, cut[0]);
            pass(&mut range, (cut[0], cut[1]), &by_entries, &by_tiles);
            let range = range.into_range();
            let read: RangeTrees = serde_json::from_slice(&serde_json::to_vec(&range).unwrap()).unwrap();
            prop_assert_eq!(&read, &range);
            joined.push_range(cut[1], read).unwrap();
        }
        prop_assert_eq!(told(joined.finish(&root)), told(whole.finish(&root)));
        Ok(())
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 20, ..ProptestConfig::default() })]

        #[test]
        fn ranges_say_together_what_all_leaves_say(
            size in 65_000u64..140_000,
            damaged in prop::collection::vec((any::<u64>(), any::<u8>()), 0..5),
            tiles in prop::collection::vec((any::<u64>(), any::<bool>()), 0..4),
            cuts in prop::collection::vec(any::<u64>(), 0..6),
            other_root in any::<bool>(),
        ) {
            same(size, &damaged, &tiles, &cuts, other_root)?;
        }
    }

    #[test]
    fn more_changed_entries_than_are_told_are_counted() {
        let damaged: Vec<(u64, u8)> = (0..3_000).map(|number| (number * 43, 0)).collect();
        for cuts in [&[][..], &[1, 100], &[10, 20, 30, 300]] {
            same(130_000, &damaged, &[], cuts, false).unwrap();
        }
        // In each of more tiles than are told the first is told.
        let damaged: Vec<(u64, u8)> = (0..1_100).map(|number| (number * 256 + number % 7, 1)).collect();
        same(300_000, &damaged, &[(0, true), (3, false)], &[5, 700, 1_050], false).unwrap();
    }

    #[test]
    fn a_range_with_other_subtrees_than_it_has_is_refused() {
        let (leaves, store, _) = log(1_000);
        let leaves: Vec<Option<Hash>> = leaves.into_iter().map(Some).collect();
        let files = Files { store: &store };
        let mut range = Trees::of_range(files, 256);
        pass(&mut range, (256, 1_000), &leaves, &leaves);
        let range = range.into_range();
        let mut before = Trees::new(files);
        pass(&mut before, (0, 256), &leaves, &leaves);
        let before = before.into_range();
        let push = |end, range: &RangeTrees| {
            let mut trees = Trees::new(files);
            trees.push_range(256, before.clone()).unwrap();
            trees.push_range(end, range.clone())
        };
        assert_eq!(push(1_000, &range), Some(()));
        assert_eq!((push(999, &range), push(1_001, &range), push(768, &range)), (None, None, None));
        let fewer = RangeTrees { by_tiles: Some(vec![Hash([0; 32])]), ..range };
        assert_eq!(push(1_000, &fewer), None);
    }
}
