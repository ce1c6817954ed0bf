//! Entry bundles: up to 256 entries, each behind its length in two big-endian bytes.
//!
//! ```text
//! tile/entries/000.p/2      00 03 'a' 'b' 'c'  00 00
//! ```

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::base::limits::ENTRY_MAX_BYTES;

use super::tile::{FULL, TileError, index_and_width, parse_index_and_width, width_of_size};

/// The largest bundle: 256 entries of 65,535 bytes.
pub const BUNDLE_MAX_BYTES: usize = FULL as usize * (ENTRY_MAX_BYTES + 2);

/// Coordinates of a bundle: entries `index`·256 up to `index`·256 + `width`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryBundle {
    index: u64,
    width: u16,
}

/// Why bytes are not a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BundleError {
    /// It ends inside entry `entry`.
    #[error("the bundle ends inside its entry {entry} of {width}")]
    Short {
        /// Counted from 0 within the bundle.
        entry: u16,
        /// How many there must be.
        width: u16,
    },
    /// Bytes follow the last entry.
    #[error("{extra} bytes follow the last of the bundle's {width} entries")]
    Long {
        /// How many.
        extra: usize,
        /// How many entries there must be.
        width: u16,
    },
    /// An entry is too large for its length to be written.
    #[error("an entry of {size} bytes does not fit; {ENTRY_MAX_BYTES} do")]
    TooLarge {
        /// Its size.
        size: usize,
    },
}

/// Returns the bundles of a log of `size` entries, in order.
pub fn bundles_of(size: u64) -> impl Iterator<Item = EntryBundle> {
    (0..size.div_ceil(u64::from(FULL))).filter_map(move |index| EntryBundle::of_size(index, size))
}

/// Adds `entry` to the end of a bundle's bytes.
///
/// # Errors
/// [`BundleError::TooLarge`].
pub fn push(bundle: &mut Vec<u8>, entry: &[u8]) -> Result<(), BundleError> {
    let length = u16::try_from(entry.len()).map_err(|_| BundleError::TooLarge { size: entry.len() })?;
    bundle.extend_from_slice(&length.to_be_bytes());
    bundle.extend_from_slice(entry);
    Ok(())
}

impl EntryBundle {
    /// Names a bundle; `None` unless `width` is 1 to 256.
    pub fn new(index: u64, width: u16) -> Option<Self> {
        (1..=FULL).contains(&width).then_some(EntryBundle { index, width })
    }

    /// Returns bundle `index` as it is in a log of `size` entries; `None` if it has none.
    pub fn of_size(index: u64, size: u64) -> Option<Self> {
        EntryBundle::new(index, width_of_size(0, index, size)?)
    }

    /// Returns its place, counted from 0.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// Returns the number of its entries, 1 to 256.
    pub fn width(&self) -> u16 {
        self.width
    }

    /// Returns the index of its first entry in the log.
    pub fn first_entry(&self) -> u64 {
        self.index.saturating_mul(u64::from(FULL))
    }

    /// Returns whether a log of `size` entries has this bundle in this width.
    pub fn belongs_to(&self, size: u64) -> bool {
        EntryBundle::of_size(self.index, size) == Some(*self)
    }

    /// Returns the same bundle with all its 256 entries.
    pub fn full(&self) -> Self {
        EntryBundle { width: FULL, ..*self }
    }

    /// Returns where it lies: `tile/entries/x001/067.p/8`.
    pub fn path(&self) -> String {
        format!("tile/entries/{}", index_and_width(self.index, self.width))
    }

    /// Takes `bytes` apart, without copying.
    ///
    /// # Errors
    /// [`BundleError`] unless they are exactly this many entries.
    pub fn entries<'a>(&self, bytes: &'a [u8]) -> Result<Vec<&'a [u8]>, BundleError> {
        let mut entries = Vec::with_capacity(self.width.into());
        let mut rest = bytes;
        for entry in 0..self.width {
            let short = BundleError::Short { entry, width: self.width };
            let (length, after) = rest.split_first_chunk::<2>().ok_or(short.clone())?;
            let (entry, after) = after.split_at_checked(u16::from_be_bytes(*length).into()).ok_or(short)?;
            entries.push(entry);
            rest = after;
        }
        if rest.is_empty() {
            Ok(entries)
        } else {
            Err(BundleError::Long { extra: rest.len(), width: self.width })
        }
    }
}

impl fmt::Display for EntryBundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path())
    }
}

impl FromStr for EntryBundle {
    type Err = TileError;

    fn from_str(path: &str) -> Result<Self, TileError> {
        let parsed = path.strip_prefix("tile/entries/").and_then(parse_index_and_width);
        let bundle = parsed.and_then(|(index, width)| EntryBundle::new(index, width));
        let exact = bundle.filter(|bundle| bundle.path() == path);
        exact.ok_or_else(|| TileError { what: "entry bundle", path: path.chars().take(80).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_of_every_allowed_size() {
        let sizes = [0, 1, 65_535];
        let mut bytes = Vec::new();
        for size in sizes {
            push(&mut bytes, &vec![7; size]).unwrap();
        }
        let bundle = EntryBundle::new(0, 3).unwrap();
        let entries = bundle.entries(&bytes).unwrap();
        assert_eq!(entries.iter().map(|entry| entry.len()).collect::<Vec<_>>(), sizes);
        let before = bytes.clone();
        assert_eq!(push(&mut bytes, &vec![7; 65_536]), Err(BundleError::TooLarge { size: 65_536 }));
        assert_eq!(bytes, before);
        let mut largest = Vec::new();
        for _ in 0..256 {
            push(&mut largest, &[7; 65_535]).unwrap();
        }
        assert_eq!(largest.len(), BUNDLE_MAX_BYTES);
    }

    #[test]
    fn nothing_missing_and_nothing_more() {
        let bytes = [0, 3, b'a', b'b', b'c', 0, 0];
        let two = EntryBundle::new(0, 2).unwrap();
        assert_eq!(two.entries(&bytes).unwrap(), [&b"abc"[..], b""]);
        for cut in 0..bytes.len() {
            assert!(matches!(two.entries(&bytes[..cut]), Err(BundleError::Short { .. })), "{cut}");
        }
        assert_eq!(
            EntryBundle::new(0, 1).unwrap().entries(&bytes),
            Err(BundleError::Long { extra: 2, width: 1 })
        );
    }

    #[test]
    fn bundles_of_a_log() {
        let paths = |size| bundles_of(size).map(|bundle| bundle.path()).collect::<Vec<_>>();
        assert_eq!(paths(0), [""; 0]);
        assert_eq!(paths(256), ["tile/entries/000"]);
        assert_eq!(paths(600), ["tile/entries/000", "tile/entries/001", "tile/entries/002.p/88"]);
        for bundle in bundles_of(600) {
            assert_eq!(bundle.path().parse(), Ok(bundle));
            assert_eq!(bundle.to_string(), bundle.path());
            assert!(bundle.belongs_to(600));
            assert_eq!(bundle.full(), EntryBundle::new(bundle.index(), 256).unwrap());
        }
        assert!("tile/entries/000.p/256".parse::<EntryBundle>().is_err());
        assert!(!EntryBundle::new(2, 88).unwrap().belongs_to(601));
    }
}
