//! The files that hold the openings of commitments, `records/disclosures/<N>`.
//!
//! One line an opening, the entry's index, one space, the RFC 9901 disclosure; sorted by index, and for one entry
//! in the order in which they were made:
//!
//! ```text
//! 7 WyJlM…Il0
//! 7 WyJxT…V0
//! 9 WyJ5S…Q
//! ```
//!
//! Nothing authenticates the file as a whole, and nothing needs to: each opening either matches a commitment in
//! its entry or is worthless. Erasing an opening is removing its line.

use std::collections::BTreeMap;

use memchr::{memchr, memmem};
use thiserror::Error;

use crate::base::encoding::{self, DecodeError};
use crate::base::limits::{
    DISCLOSURE_MAX_BYTES, DISCLOSURES_FILE_MAX_BYTES, OPENINGS_MAX, OPENINGS_MAX_CHARS,
};

use super::layout::ENTRIES_PER_FILE;

/// The openings of up to 256 entries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DisclosureFile {
    by_entry: BTreeMap<u64, Vec<String>>,
}

/// Why a file of openings cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DisclosureFileError {
    /// Too large, or not UTF-8 with a line break at its end.
    #[error("the file of {size} bytes is not lines of UTF-8 of at most {limit} bytes in all")]
    NotLines {
        /// Its size.
        size: usize,
        /// The largest allowed.
        limit: usize,
    },
    /// A line is not an index, a space and base64url.
    #[error("line {line} is not an entry's index, a space and a disclosure")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        #[source]
        source: Option<DecodeError>,
    },
    /// An index is smaller than the one before it, or outside the file's 256 entries.
    #[error("line {line}: entry {index} does not belong there in the file of entries {first} to {last}")]
    Misplaced {
        /// Counted from 1.
        line: usize,
        /// The index found.
        index: u64,
        /// First entry of the file.
        first: u64,
        /// Last entry of the file.
        last: u64,
    },
    /// More openings of one entry than any entry has.
    #[error(
        "line {line}: entry {index} has more than {OPENINGS_MAX} openings, or more than {OPENINGS_MAX_CHARS} characters \
         of them"
    )]
    TooMany {
        /// Counted from 1.
        line: usize,
        /// The entry's index.
        index: u64,
    },
}

impl DisclosureFile {
    /// Reads file `number`.
    ///
    /// # Errors
    /// [`DisclosureFileError`]. What parses formats back to the same bytes.
    pub fn parse(number: u64, bytes: &[u8]) -> Result<Self, DisclosureFileError> {
        let bytes = whole_lines(bytes)?;
        let text = std::str::from_utf8(bytes).map_err(|_| not_lines(bytes))?;
        let Some(text) = text.strip_suffix('\n') else { return Ok(Self::default()) };
        let first = number.saturating_mul(ENTRIES_PER_FILE);
        let last = first.saturating_add(ENTRIES_PER_FILE - 1);
        let mut file = Self::default();
        let mut before = first;
        let mut taken = Taken::default();
        for (line, content) in (1..).zip(text.split('\n')) {
            let error = |source| DisclosureFileError::Line { line, source };
            let (index, disclosure) = content.split_once(' ').ok_or_else(|| error(None))?;
            let index = encoding::from_decimal(index).map_err(|source| error(Some(source)))?;
            check(disclosure).map_err(error)?;
            if index < before || index > last {
                return Err(DisclosureFileError::Misplaced { line, index, first, last });
            }
            if index != before {
                taken = Taken::default();
            }
            if !taken.take(disclosure) {
                return Err(DisclosureFileError::TooMany { line, index });
            }
            before = index;
            file.push(index, disclosure.to_owned());
        }
        Ok(file)
    }

    /// Reads of a file the openings of the entry at `index` alone: what [`DisclosureFile::of_entry`] returns of the whole file,
    /// if that can be read. What lines of other entries hold is not looked at. Costs one search through the bytes.
    ///
    /// # Errors
    /// [`DisclosureFileError`], about lines of this entry.
    pub fn parse_entry(index: u64, bytes: &[u8]) -> Result<Vec<String>, DisclosureFileError> {
        let bytes = whole_lines(bytes)?;
        let before = format!("\n{index} ").into_bytes();
        let first = bytes.starts_with(&before[1..]).then_some(0);
        let others = memmem::find_iter(bytes, &before).map(|line_end| line_end + 1);
        let mut taken = Taken::default();
        let mut found = Vec::new();
        for start in first.into_iter().chain(others) {
            let line = || 1 + bytes[..start].iter().filter(|byte| **byte == b'\n').count();
            let rest = &bytes[start + before.len() - 1..];
            let disclosure = &rest[..memchr(b'\n', rest).unwrap_or(rest.len())];
            let error = |source| DisclosureFileError::Line { line: line(), source };
            let disclosure = std::str::from_utf8(disclosure).map_err(|_| error(None))?;
            check(disclosure).map_err(error)?;
            if !taken.take(disclosure) {
                return Err(DisclosureFileError::TooMany { line: line(), index });
            }
            found.push(disclosure.to_owned());
        }
        Ok(found)
    }

    /// Returns the bytes of a file without the lines at its end that are of entries from `size` on. Of one that is no such file, as
    /// much stays as cannot be told.
    pub fn before_entry(size: u64, bytes: &[u8]) -> &[u8] {
        let mut kept = bytes;
        while let Some(lines) = kept.strip_suffix(b"\n") {
            let start = lines.iter().rposition(|byte| *byte == b'\n').map_or(0, |before| before + 1);
            let index = lines[start..].split(|byte| *byte == b' ').next().unwrap_or_default();
            let index = std::str::from_utf8(index).ok().and_then(|index| encoding::from_decimal(index).ok());
            if index.is_none_or(|index| index < size) {
                break;
            }
            kept = &bytes[..start];
        }
        kept
    }

    /// Returns the bytes of the file.
    pub fn format(&self) -> Vec<u8> {
        let mut text = String::new();
        for (index, disclosures) in &self.by_entry {
            for disclosure in disclosures {
                text.push_str(&format!("{index} {disclosure}\n"));
            }
        }
        text.into_bytes()
    }

    /// Adds an opening, in its RFC 9901 spelling, of the entry at `index`.
    pub fn push(&mut self, index: u64, disclosure: String) {
        self.by_entry.entry(index).or_default().push(disclosure);
    }

    /// Removes those openings of the entry at `index` that `is_to_go` names.
    pub fn remove(&mut self, index: u64, is_to_go: impl Fn(&str) -> bool) {
        let Some(openings) = self.by_entry.get_mut(&index) else { return };
        openings.retain(|opening| !is_to_go(opening));
        if openings.is_empty() {
            self.by_entry.remove(&index);
        }
    }

    /// Removes the openings of all entries from `size` on.
    pub fn truncate(&mut self, size: u64) {
        self.by_entry.retain(|index, _| *index < size);
    }

    /// Returns the openings of the entry at `index`.
    pub fn of_entry(&self, index: u64) -> &[String] {
        self.by_entry.get(&index).map_or(&[], Vec::as_slice)
    }

    /// Returns the indices of the entries that have openings, ascending.
    pub fn entries(&self) -> impl Iterator<Item = u64> {
        self.by_entry.keys().copied()
    }
}

fn not_lines(bytes: &[u8]) -> DisclosureFileError {
    DisclosureFileError::NotLines { size: bytes.len(), limit: DISCLOSURES_FILE_MAX_BYTES }
}

/// Returns the bytes if they are not too many, and end with a line, if there are any.
fn whole_lines(bytes: &[u8]) -> Result<&[u8], DisclosureFileError> {
    let whole = bytes.len() <= DISCLOSURES_FILE_MAX_BYTES && bytes.last().is_none_or(|last| *last == b'\n');
    if whole { Ok(bytes) } else { Err(not_lines(bytes)) }
}

/// Checks the spelling of a disclosure. The error is what is wrong with its base64url, if that is.
fn check(disclosure: &str) -> Result<(), Option<DecodeError>> {
    match encoding::check_base64url(disclosure).map_err(Some)? {
        1..=DISCLOSURE_MAX_BYTES => Ok(()),
        _ => Err(None),
    }
}

/// What openings of one entry were taken so far.
#[derive(Default)]
struct Taken {
    count: usize,
    chars: usize,
}

impl Taken {
    /// Takes one more; returns whether it is not too much.
    fn take(&mut self, disclosure: &str) -> bool {
        (self.count, self.chars) = (self.count + 1, self.chars + disclosure.len());
        self.count <= OPENINGS_MAX && self.chars <= OPENINGS_MAX_CHARS
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_what_it_writes() {
        let mut file = DisclosureFile::default();
        file.push(257, "WyJi".into());
        file.push(256, "WyJh".into());
        file.push(257, "WyJj".into());
        let bytes = file.format();
        assert_eq!(bytes, b"256 WyJh\n257 WyJi\n257 WyJj\n");
        assert_eq!(DisclosureFile::parse(1, &bytes), Ok(file.clone()));
        assert_eq!(file.of_entry(257), ["WyJi", "WyJj"]);
        assert_eq!(DisclosureFile::parse(0, b""), Ok(DisclosureFile::default()));
    }

    #[test]
    fn refuses_what_it_would_not_write() {
        let line = |error| matches!(error, DisclosureFileError::Line { .. });
        for bad in ["7\n", "7  WyJh\n", "07 WyJh\n", "7 WyJ=\n", "7 \n", "\n", "7 WyJh\n\n"] {
            assert!(line(DisclosureFile::parse(0, bad.as_bytes()).unwrap_err()), "{bad:?}");
        }
        for bad in ["7 WyJh", "\u{feff}", "7 WyJh\r"] {
            let error = DisclosureFile::parse(0, bad.as_bytes()).unwrap_err();
            assert!(matches!(error, DisclosureFileError::NotLines { .. }), "{bad:?}");
        }
        for bad in ["8 WyJh\n7 WyJh\n", "256 WyJh\n"] {
            let error = DisclosureFile::parse(0, bad.as_bytes()).unwrap_err();
            assert!(matches!(error, DisclosureFileError::Misplaced { .. }), "{bad:?}");
        }
    }

    #[test]
    fn openings_of_one_entry_are_bounded() {
        let lines = |index: u64, count: usize, opening: &str| format!("{index} {opening}\n").repeat(count);
        let parsed =
            |text: &str| DisclosureFile::parse(0, text.as_bytes()).map(|file| file.entries().count());
        let all = lines(7, OPENINGS_MAX, "WyJh");
        assert_eq!(parsed(&format!("{all}{}", lines(8, OPENINGS_MAX, "WyJh"))), Ok(2));
        let error = Err(DisclosureFileError::TooMany { line: OPENINGS_MAX + 1, index: 7 });
        assert_eq!(parsed(&format!("{all}{}", lines(7, 1, "WyJh"))), error);
        let long = "A".repeat(OPENINGS_MAX_CHARS / 128);
        assert_eq!(parsed(&lines(7, 128, &long)), Ok(1));
        let error = Err(DisclosureFileError::TooMany { line: 129, index: 7 });
        assert_eq!(parsed(&lines(7, 129, &long)), error);
    }

    #[test]
    fn openings_of_later_entries_are_left_out() {
        let text = "7 WyJh\n7 WyJi\n17 WyJj\n170 WyJk\n";
        let before = |size, text: &'static str| {
            std::str::from_utf8(DisclosureFile::before_entry(size, text.as_bytes())).unwrap()
        };
        assert_eq!([7, 8, 17, 18, 171].map(|size| before(size, text).len()), [0, 14, 14, 22, 31]);
        // What is not in order, or no line, is all kept: whatever changes there is seen.
        for text in ["", "9 WyJh\n7 WyJi\n", "9 WyJh", "9 WyJh\nx WyJi\n", "9 WyJh\n\n"] {
            assert_eq!(before(8, text), text);
        }
        assert_eq!(before(8, "9 WyJh\n7 WyJi\n9 WyJj\n"), "9 WyJh\n7 WyJi\n");
    }

    #[test]
    fn one_entry_is_read_alone() {
        let of = |index, text: &str| DisclosureFile::parse_entry(index, text.as_bytes());
        let text = "7 WyJh\n7 WyJi\n17 WyJj\n170 WyJk\n";
        let has = |index| of(index, text).unwrap();
        assert_eq!(
            (has(7), has(17), has(170)),
            (vec!["WyJh".into(), "WyJi".into()], vec!["WyJj".into()], vec!["WyJk".into()])
        );
        assert_eq!((has(1), has(0), of(7, "")), (Vec::new(), Vec::new(), Ok(Vec::new())));
        let line = |text| match of(8, text) {
            Err(DisclosureFileError::Line { line, .. }) => line,
            other => panic!("{text:?}: {other:?}"),
        };
        assert_eq!((line("8 \n"), line("7 =\n8 WyJ=\n"), line("8 WyJh\n8 é\n")), (1, 2, 2));
        for bad in ["8 WyJh", "8 WyJh\r"] {
            assert!(matches!(of(8, bad), Err(DisclosureFileError::NotLines { .. })), "{bad:?}");
        }
        let many = "8 WyJh\n".repeat(OPENINGS_MAX + 1);
        let error = DisclosureFileError::TooMany { line: OPENINGS_MAX + 1, index: 8 };
        assert_eq!(of(8, &many), Err(error));
        assert_eq!(of(8, &many[7..]).unwrap().len(), OPENINGS_MAX);
    }

    proptest! {
        #[test]
        fn one_entry_alone_is_what_it_is_in_the_file(
            mut lines in prop::collection::vec((0u64..30, "[A-Za-z0-9_-]{1,8}"), 0..20)
        ) {
            lines.sort_by_key(|(index, _)| *index);
            let text: String = lines.iter().map(|(index, opening)| format!("{index} {opening}\n")).collect();
            if let Ok(file) = DisclosureFile::parse(0, text.as_bytes()) {
                for index in 0..30 {
                    let alone = DisclosureFile::parse_entry(index, text.as_bytes());
                    prop_assert_eq!(alone.as_deref(), Ok(file.of_entry(index)));
                }
            }
        }

        #[test]
        fn what_parses_formats_back(text in "([0-9]{1,3} [A-Za-z0-9_-]{1,8}\n){0,4}") {
            if let Ok(file) = DisclosureFile::parse(0, text.as_bytes()) {
                prop_assert_eq!(file.format(), text.into_bytes());
            }
        }
    }
}
