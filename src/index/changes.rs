//! What changed beside the log's entries since they were indexed: openings and originals come and go without a checkpoint.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::Path;

use rusqlite::{Connection, OptionalExtension, params};

use crate::base::Hash;
use crate::base::limits::DISCLOSURES_FILE_MAX_BYTES;
use crate::record::{DisclosureFile, layout};
use crate::storage::{Key, Store};

use super::schema::{is_settled, seen};
use super::{Source, Trouble, number};

/// A file or folder as it was seen: size, time, and whether a later change would show in them.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Sight {
    bytes: i64,
    modified: i64,
    settled: bool,
}

impl Sight {
    fn of(path: &Path) -> Self {
        let (bytes, modified) = seen(path).unwrap_or((0, 0));
        Sight { bytes: number(bytes), modified, settled: is_settled(modified) }
    }

    /// As the store marks it, which knows of any change.
    fn marked<'m>(marks: impl Iterator<Item = &'m str>) -> Self {
        let marks: Vec<&[u8]> = marks.flat_map(|mark| [mark.as_bytes(), b"\n"]).collect();
        let hash = Hash::of_parts(&marks);
        let modified = i64::from_be_bytes(std::array::from_fn(|place| hash.0[place]));
        Sight { bytes: 0, modified: if marks.is_empty() { 0 } else { modified }, settled: true }
    }
}

/// What changed beside the log's entries since they were indexed.
pub(super) struct Changes {
    /// Files of openings to be remembered, with the digest of what each has of the entries that are indexed then, and whether it has
    /// other openings of those that were indexed before.
    openings: BTreeMap<u64, (Sight, Hash, bool)>,
    /// Folders of originals to be remembered.
    folders: Vec<(String, Sight)>,
    /// Records whose original is gone, or is back.
    documents: BTreeSet<u64>,
}

impl Changes {
    /// Looks for changes; the first `size` entries were indexed.
    pub(super) fn since(db: &Connection, source: &Source<'_>, size: u64) -> Result<Self, Trouble> {
        let mut changes =
            Changes { openings: BTreeMap::new(), folders: Vec::new(), documents: BTreeSet::new() };
        let mut get =
            db.prepare("SELECT digest, bytes, modified, settled FROM openings WHERE number = ?1")?;
        let marks = source
            .store
            .marks(layout::DISCLOSURES)
            .map_err(|error| Trouble::Folder(std::io::Error::other(error)))?;
        let marks: Option<HashMap<Key, String>> = marks.map(|marks| marks.into_iter().collect());
        for file in 0..source.reader.size().div_ceil(layout::ENTRIES_PER_FILE) {
            let known: Option<([u8; 32], Sight)> = get
                .query_row([number(file)], |row| {
                    let sight = Sight { bytes: row.get(1)?, modified: row.get(2)?, settled: row.get(3)? };
                    Ok((row.get(0)?, sight))
                })
                .optional()?;
            let path = layout::disclosures_path(file);
            let sight = match &marks {
                Some(marks) => {
                    let name = Key::new(path.clone()).expect("internal error: a name of the layout");
                    Sight::marked(marks.get(&name).into_iter().map(String::as_str))
                }
                None => Sight::of(&source.records.join(&path)),
            };
            // What it has of entries that are new was not counted in when it was seen.
            let (was_full, now) = ((file + 1) * layout::ENTRIES_PER_FILE <= size, source.reader.size());
            let is_counted = was_full || size == now;
            if is_counted && known.is_some_and(|(_, known)| known == sight && sight.settled) {
                continue;
            }
            let bytes = get_file(source.store, &path, DISCLOSURES_FILE_MAX_BYTES as u64);
            let bytes = bytes.unwrap_or_default();
            let [of_indexed, of_all] = [size, now].map(|size| DisclosureFile::before_entry(size, &bytes));
            let digest = Hash::of(of_all);
            // Of a file that grew, nothing is read again but what is new.
            let was = if of_indexed.len() == of_all.len() { digest } else { Hash::of(of_indexed) };
            let is_other = known.is_none_or(|(known, _)| known != was.0);
            let began_before = file * layout::ENTRIES_PER_FILE < size;
            if known != Some((digest.0, sight)) {
                changes.openings.insert(file, (sight, digest, is_other && began_before));
            }
        }
        changes.look_for_originals(db, source)?;
        Ok(changes)
    }

    /// Finds records whose original is gone, or is back, in the folders whose lists changed.
    fn look_for_originals(&mut self, db: &Connection, source: &Source<'_>) -> Result<(), Trouble> {
        let mut get = db.prepare("SELECT modified, settled FROM folder WHERE name = ?1")?;
        let mut of = db.prepare(
            "SELECT record, original, body > 0 FROM document WHERE original >= ?1 AND (?2 IS NULL OR original < ?2)",
        )?;
        let marks = source
            .store
            .marks(layout::CONTENT)
            .map_err(|error| Trouble::Folder(std::io::Error::other(error)))?;
        for first in 0..=u8::MAX {
            let name = format!("{first:02x}");
            let path = source.records.join(layout::CONTENT).join(&name);
            let listed = marks.as_ref().map(|marks| {
                let below = format!("{}/{name}/", layout::CONTENT);
                let names = marks.iter().map(|(key, _)| key.as_str());
                names.filter(|key| key.starts_with(&below)).collect::<Vec<_>>()
            });
            let sight = match &listed {
                Some(names) => Sight::marked(names.iter().copied()),
                None => Sight { bytes: 0, ..Sight::of(&path) },
            };
            let known: Option<(i64, bool)> =
                get.query_row([&name], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
            // A folder that is not there and never was needs no mention.
            let as_before = known.map_or(sight.modified == 0, |known| known == (sight.modified, true));
            if as_before && sight.settled {
                continue;
            }
            let of_name = |name: &str| Hash::from_hex(name.rsplit('/').next()?).ok();
            let stored: BTreeSet<Hash> = match &listed {
                Some(names) => names.iter().filter_map(|name| of_name(name)).collect(),
                None => {
                    let files = fs::read_dir(&path).into_iter().flatten().filter_map(Result::ok);
                    files.filter_map(|file| of_name(file.file_name().to_str()?)).collect()
                }
            };
            let after = first.checked_add(1).map(|after| [after]);
            let mut rows = of.query(params![[first], after])?;
            while let Some(row) = rows.next()? {
                let (record, original, had): (i64, [u8; 32], bool) = (row.get(0)?, row.get(1)?, row.get(2)?);
                if stored.contains(&Hash(original)) != had {
                    self.documents.insert(u64::try_from(record).map_err(|_| Trouble::Stale)?);
                }
            }
            if known != Some((sight.modified, sight.settled)) {
                self.folders.push((name, sight));
            }
        }
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.openings.is_empty() && self.folders.is_empty() && self.documents.is_empty()
    }

    /// Returns whether anything that was indexed must be read again.
    pub(super) fn reads(&self) -> bool {
        !self.documents.is_empty() || self.openings.values().any(|(.., is_other)| *is_other)
    }

    /// Returns the entries that must be read, where the first `known` of `size` were indexed.
    pub(super) fn touched(&self, known: u64, size: u64) -> BTreeSet<u64> {
        let other = self.openings.iter().filter(|(_, (.., is_other))| *is_other).map(|(file, _)| file);
        let of_file = |file: &u64| {
            let first = file * layout::ENTRIES_PER_FILE;
            first..(first + layout::ENTRIES_PER_FILE).min(known)
        };
        other.flat_map(of_file).chain(self.documents.iter().copied()).chain(known..size).collect()
    }

    pub(super) fn write(&self, db: &Connection) -> Result<(), Trouble> {
        let mut set = db.prepare("INSERT OR REPLACE INTO openings VALUES(?1, ?2, ?3, ?4, ?5)")?;
        for (file, (sight, digest, _)) in &self.openings {
            set.execute(params![number(*file), digest.0, sight.bytes, sight.modified, sight.settled])?;
        }
        let mut set = db.prepare("INSERT OR REPLACE INTO folder VALUES(?1, ?2, ?3)")?;
        for (name, sight) in &self.folders {
            set.execute(params![name, sight.modified, sight.settled])?;
        }
        Ok(())
    }
}

fn get_file(store: &dyn Store, path: &str, limit: u64) -> Option<Vec<u8>> {
    let key = Key::new(path).expect("internal error: a name of the layout is not an object name");
    store.get(&key, limit).ok().flatten()
}
