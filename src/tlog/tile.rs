//! Coordinates and paths of hash tiles, c2sp.org/tlog-tiles.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

use crate::base::encoding::from_decimal;

/// Hashes of a full tile, and entries of a full bundle.
pub const FULL: u16 = 256;

/// Levels that a tree of 2^63 leaves has tiles on: 0 to 7. The specification's paths allow up to 63.
pub const LEVELS: u8 = 8;

/// A hash tile: up to 256 neighbouring hashes of every eighth level of the tree.
///
/// Hash `i` of tile (`level`, `index`) is the root over leaves (`index`·256 + `i`)·256^`level` up to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tile {
    level: u8,
    index: u64,
    width: u16,
}

/// The text is not the path of a tile.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("not the path of a {what}: {path:?}")]
pub struct TileError {
    pub(super) what: &'static str,
    pub(super) path: String,
}

/// Returns `index` in the groups of three digits that paths are made of: 1234067 is `x001/x234/067`.
pub fn index_path(index: u64) -> String {
    let mut path = format!("{:03}", index % 1000);
    let mut rest = index / 1000;
    while rest > 0 {
        path = format!("x{:03}/{path}", rest % 1000);
        rest /= 1000;
    }
    path
}

/// Reads what [`index_path`] writes; `None` for anything else.
pub fn parse_index_path(path: &str) -> Option<u64> {
    let mut index = 0u64;
    for group in path.split('/') {
        let digits = group.strip_prefix('x').unwrap_or(group);
        let group: u64 = if digits.len() == 3 { digits.parse().ok()? } else { return None };
        index = index.checked_mul(1000)?.checked_add(group)?;
    }
    (index_path(index) == path).then_some(index)
}

/// Reads `<N>` or `<N>.p/<W>`, W 1 to 255.
pub(super) fn parse_index_and_width(path: &str) -> Option<(u64, u16)> {
    let Some((index, width)) = path.split_once(".p/") else {
        return Some((parse_index_path(path)?, FULL));
    };
    let width = from_decimal(width).ok().and_then(|width| u16::try_from(width).ok());
    Some((parse_index_path(index)?, width.filter(|width| (1..FULL).contains(width))?))
}

/// Writes what [`parse_index_and_width`] reads.
pub(super) fn index_and_width(index: u64, width: u16) -> String {
    let index = index_path(index);
    if width == FULL { index } else { format!("{index}.p/{width}") }
}

impl Tile {
    /// Names a tile; `None` unless `level` is 0 to 63 and `width` 1 to 256.
    pub fn new(level: u8, index: u64, width: u16) -> Option<Self> {
        (level < 64 && (1..=FULL).contains(&width)).then_some(Tile { level, index, width })
    }

    /// Returns tile `index` of `level` as it is in a tree of `size` leaves; `None` if it has none.
    pub fn of_size(level: u8, index: u64, size: u64) -> Option<Self> {
        Tile::new(level, index, width_of_size(level, index, size)?)
    }

    /// Returns the level, 0 to 63.
    pub fn level(&self) -> u8 {
        self.level
    }

    /// Returns the place of the tile on its level, counted from 0.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// Returns the number of its hashes, 1 to 256.
    pub fn width(&self) -> u16 {
        self.width
    }

    /// Returns whether a tree of `size` leaves has this tile in this width.
    pub fn belongs_to(&self, size: u64) -> bool {
        Tile::of_size(self.level, self.index, size) == Some(*self)
    }

    /// Returns the same tile with all its 256 hashes.
    pub fn full(&self) -> Self {
        Tile { width: FULL, ..*self }
    }

    /// Returns where it lies: `tile/0/x001/067.p/8`.
    pub fn path(&self) -> String {
        format!("tile/{}/{}", self.level, index_and_width(self.index, self.width))
    }
}

/// Returns the width of tile `index` of `level` in a tree of `size` leaves: zero, which no tile has, or `None` beyond it.
pub(super) fn width_of_size(level: u8, index: u64, size: u64) -> Option<u16> {
    let hashes = size.checked_shr(u32::from(level) * 8).unwrap_or(0);
    let width = hashes.saturating_sub(index.checked_mul(u64::from(FULL))?).min(u64::from(FULL));
    u16::try_from(width).ok()
}

/// Returns the partial tiles of a tree of `size` leaves, at most one a level.
pub fn partial_tiles_of(size: u64) -> impl Iterator<Item = Tile> {
    (0..LEVELS).filter_map(move |level| {
        let hashes = size.checked_shr(u32::from(level) * 8).unwrap_or(0);
        Tile::new(level, hashes / u64::from(FULL), (hashes % u64::from(FULL)) as u16)
    })
}

impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path())
    }
}

/// As the text of its path.
impl Serialize for Tile {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Tile {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

impl FromStr for Tile {
    type Err = TileError;

    fn from_str(path: &str) -> Result<Self, TileError> {
        let parsed =
            path.strip_prefix("tile/").and_then(|rest| rest.split_once('/')).and_then(|(level, rest)| {
                let level = u8::try_from(from_decimal(level).ok()?).ok()?;
                let (index, width) = parse_index_and_width(rest)?;
                Tile::new(level, index, width)
            });
        let exact = parsed.filter(|tile| tile.path() == path);
        exact.ok_or_else(|| TileError { what: "tile", path: path.chars().take(80).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn paths_of_the_specification() {
        for (index, path) in [(0, "000"), (999, "999"), (1000, "x001/000"), (1_234_067, "x001/x234/067")] {
            assert_eq!(index_path(index), path);
            assert_eq!(parse_index_path(path), Some(index));
        }
        assert_eq!(Tile::new(0, 273, 112).unwrap().path(), "tile/0/273.p/112");
        assert_eq!(index_path(u64::MAX), "x018/x446/x744/x073/x709/x551/615");
        assert_eq!(parse_index_path("x018/x446/x744/x073/x709/x551/616"), None);
    }

    #[test]
    fn other_spellings_are_refused() {
        for bad in [
            "tile/0/0",
            "tile/0/00",
            "tile/0/0000",
            "tile/00/000",
            "tile/64/000",
            "tile/-1/000",
            "tile/0/x000/001",
            "tile/0/001/000",
            "tile/0/x001",
            "tile/0/000.p/0",
            "tile/0/000.p/256",
            "tile/0/000.p/01",
            "tile/0/000.p",
            "tile/0/000.p/",
            "tile/0/000/",
            "/tile/0/000",
            "tile/0",
            "tile/8/0/000",
            "tile/0/+01",
            "tile/entries/000",
            "tile/0/000.p/1/2",
        ] {
            assert!(bad.parse::<Tile>().is_err(), "{bad}");
        }
    }

    #[test]
    fn widths_of_the_specification() {
        // 70,000 leaves: 273 full tiles and one of 112; one full tile and one of 17; one of 1.
        let widths: Vec<_> = partial_tiles_of(70_000).map(|tile| tile.path()).collect();
        assert_eq!(widths, ["tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1"]);
        assert_eq!(partial_tiles_of(256).map(|tile| tile.path()).collect::<Vec<_>>(), ["tile/1/000.p/1"]);
        assert_eq!(partial_tiles_of(0).count(), 0);
        assert_eq!(Tile::of_size(0, 273, 70_000), Tile::new(0, 273, 112));
        assert_eq!(Tile::of_size(0, 274, 70_000), None);
        assert_eq!(Tile::of_size(63, 0, u64::MAX), None);
        assert_eq!(Tile::of_size(0, u64::MAX, u64::MAX), None);
        assert!(partial_tiles_of(u64::MAX).all(|tile| tile.width() == 255));
    }

    proptest! {
        #[test]
        fn paths_read_back(level in 0u8..64, index: u64, width in 1u16..=256) {
            let tile = Tile::new(level, index, width).unwrap();
            prop_assert_eq!(tile.path().parse::<Tile>(), Ok(tile));
        }

        #[test]
        fn what_parses_is_spelt_so(path in "tile/[0-9]{1,2}/(x[0-9]{3}/){0,2}[0-9]{3}(\\.p/[0-9]{1,3})?") {
            if let Ok(tile) = path.parse::<Tile>() { prop_assert_eq!(tile.path(), path); }
        }
    }
}
