//! Keys by which like documents are found.

use std::collections::BTreeSet;

use rusqlite::{CachedStatement, Connection, OptionalExtension, params};

use crate::base::Hash;
use crate::likeness::{
    KeyKind, LOOKUP_MAX, PARAGRAPH_KEYS_MAX, Sketch, Text, candidates, likely, paragraph_key,
};
use crate::record::Registration;

use super::place::SearchIndex;
use super::{IndexError, number};

/// The part of the table that takes what is new, and the one to which it moves. Keys are spread over all of a table: what is new would
/// be written to nearly each page of a large one.
const NEW: i64 = 0;
const OLD: i64 = 1;
/// Rows that are kept as new ones, about; twenty megabytes.
const NEW_ROWS: i64 = 1_000_000;
/// All keys, in so many ranges of which one moves at a time.
const RANGES: i64 = 256;
const RANGE: i64 = 1 << 56;

/// Looks up which records have a key.
pub(super) struct ByKey<'c>(CachedStatement<'c>);

impl<'c> ByKey<'c> {
    pub(super) fn new(db: &'c Connection) -> Result<Self, rusqlite::Error> {
        let sql = "SELECT record FROM likeness WHERE part = ?1 AND key = ?2 ORDER BY record LIMIT ?3";
        db.prepare_cached(sql).map(ByKey)
    }

    /// Returns the records with a key, as it is kept, the first `limit` at most.
    pub(super) fn records(&mut self, key: i64, limit: usize) -> Result<Vec<u64>, rusqlite::Error> {
        let mut found = Vec::new();
        for part in [OLD, NEW] {
            let read = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0).map(i64::cast_unsigned);
            for record in self.0.query_map([part, key, number(limit as u64)], read)? {
                found.push(record?);
            }
        }
        found.sort_unstable();
        found.truncate(limit);
        Ok(found)
    }
}

/// Moves what is no longer new, one range of keys after the other, so that each time little is written: what moves at once lies
/// together there too. `added` rows were added.
fn move_on(db: &Connection, added: i64, least: i64) -> Result<(), rusqlite::Error> {
    let mut get = db.prepare_cached("SELECT value FROM meta WHERE name = ?1")?;
    let mut kept = |name: &str| get.query_row([name], |row| row.get::<_, i64>(0)).optional();
    let (rows, range) = (kept("newKeys")?.unwrap_or(0) + added, kept("movesNext")?.unwrap_or(0));
    let (mut rows, mut range) = (rows, range.rem_euclid(RANGES));
    for _ in 0..RANGES {
        if rows <= least {
            break;
        }
        let first = (range - RANGES / 2) * RANGE;
        let last = first + (RANGE - 1);
        let copy = "INSERT OR IGNORE INTO likeness(part, key, record) \
                    SELECT ?1, key, record FROM likeness WHERE part = ?2 AND key BETWEEN ?3 AND ?4";
        db.prepare_cached(copy)?.execute([OLD, NEW, first, last])?;
        let gone = "DELETE FROM likeness WHERE part = ?1 AND key BETWEEN ?2 AND ?3";
        let gone = db.prepare_cached(gone)?.execute([NEW, first, last])?;
        rows -= number(gone as u64);
        range = (range + 1) % RANGES;
    }
    let mut set = db.prepare_cached("INSERT OR REPLACE INTO meta(name, value) VALUES(?1, ?2)")?;
    set.execute(params!["newKeys", rows])?;
    set.execute(params!["movesNext", range])?;
    Ok(())
}

/// A key as it is kept: of another number for each kind.
pub(super) fn kept(kind: KeyKind, key: u64) -> i64 {
    key.wrapping_add((kind as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15)).cast_signed()
}

/// Puts in which keys the texts of records have, in place of those that they had; returns whether any had some.
pub(super) fn put_keys(
    db: &Connection,
    records: &[(u64, Vec<(KeyKind, u64)>)],
) -> Result<bool, rusqlite::Error> {
    let mut old = db.prepare_cached("SELECT keys FROM likeness_of WHERE record = ?1")?;
    let mut remove =
        db.prepare_cached("DELETE FROM likeness WHERE part = ?1 AND key = ?2 AND record = ?3")?;
    let mut keep = db.prepare_cached("INSERT OR REPLACE INTO likeness_of(record, keys) VALUES(?1, ?2)")?;
    let (mut removed, mut added) = (false, 0);
    let mut pairs = Vec::new();
    for (record, keys) in records {
        let record = number(*record);
        let had: Option<Vec<u8>> = old.query_row([record], |row| row.get(0)).optional()?;
        for key in had.iter().flat_map(|had| had.as_chunks().0) {
            for part in [NEW, OLD] {
                let gone = remove.execute([part, i64::from_be_bytes(*key), record])?;
                added -= if part == NEW { number(gone as u64) } else { 0 };
                removed |= gone > 0;
            }
        }
        let keys: Vec<i64> = keys.iter().map(|(kind, key)| kept(*kind, *key)).collect();
        if had.is_some() || !keys.is_empty() {
            let bytes: Vec<u8> = keys.iter().flat_map(|key| key.to_be_bytes()).collect();
            keep.execute(params![record, bytes])?;
        }
        pairs.extend(keys.into_iter().map(|key| (key, record)));
    }
    // In the order in which they lie in the file: what is next to each other is written once.
    pairs.sort_unstable();
    let mut put =
        db.prepare_cached("INSERT OR IGNORE INTO likeness(part, key, record) VALUES(?1, ?2, ?3)")?;
    for (key, record) in pairs {
        added += number(put.execute([NEW, key, record])? as u64);
    }
    move_on(db, added, NEW_ROWS)?;
    Ok(removed)
}

/// Returns the keys of a record whose text is not at hand: the digests of its paragraphs and quotations that it has itself.
pub(super) fn digest_keys(registration: &Registration) -> Vec<(KeyKind, u64)> {
    let quotes = registration.quotes.iter().flatten().filter_map(|quote| quote.opened());
    let paragraphs = registration.paragraphs.iter().flatten().map(|one| &one.reflow_sha256);
    let digests = paragraphs.chain(quotes.map(|quote| &quote.reflow_sha256));
    let keys: BTreeSet<u64> = digests.map(paragraph_key).collect();
    keys.into_iter().take(PARAGRAPH_KEYS_MAX).map(|key| (KeyKind::Registered, key)).collect()
}

/// By what a registered text is read again out of its stored original, as the index has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredText {
    /// SHA-256 of the original.
    pub original: Hash,
    /// SHA-256 of the text.
    pub text: Hash,
    /// What extracted it.
    pub extractor: String,
    /// The charset of the original.
    pub charset: String,
}

impl SearchIndex {
    /// Returns by what the text of a record is read again; `None` where it was not at hand, or the record registers nothing.
    ///
    /// # Errors
    /// [`IndexError::Database`].
    pub fn stored(&self, record: u64) -> Result<Option<StoredText>, IndexError> {
        let sql = "SELECT original, text, extractor, charset FROM document WHERE record = ?1 AND body = 1";
        self.ask(|db| {
            let read = |row: &rusqlite::Row<'_>| {
                let (original, text) = (Hash(row.get(0)?), Hash(row.get(1)?));
                Ok(StoredText { original, text, extractor: row.get(2)?, charset: row.get(3)? })
            };
            db.prepare_cached(sql)?.query_row([number(record)], read).optional()
        })
    }

    /// Returns the records whose texts may be like `text`, the likeliest first, at most
    /// [`CANDIDATES_MAX`](crate::likeness::CANDIDATES_MAX). Costs two look-ups for each key of the text.
    ///
    /// # Errors
    /// [`IndexError::Database`].
    pub fn alike(&self, text: &Text<'_>) -> Result<Vec<u64>, IndexError> {
        self.sharing(|lookup| candidates(&Sketch::of(text).keys, lookup))
    }

    /// As [`SearchIndex::alike`], for a text whose keys are at hand, and without those that share little by the keys alone: see
    /// [`likely`].
    ///
    /// # Errors
    /// [`IndexError::Database`].
    pub fn likely(&self, sketch: &Sketch) -> Result<Vec<u64>, IndexError> {
        self.sharing(|lookup| likely(&sketch.keys, lookup))
    }

    fn sharing(
        &self,
        chosen: impl FnOnce(&mut dyn FnMut(KeyKind, u64) -> Vec<u64>) -> Vec<u64>,
    ) -> Result<Vec<u64>, IndexError> {
        self.ask(|db| {
            let mut by_key = ByKey::new(db)?;
            let mut trouble = None;
            let found = chosen(&mut |kind, key| {
                by_key.records(kept(kind, key), LOOKUP_MAX).unwrap_or_else(|error| {
                    trouble = Some(error);
                    Vec::new()
                })
            });
            trouble.map_or(Ok(found), Err)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::schema;

    /// Keys that are spread over all there are; each of two records.
    fn keys(record: u64) -> Vec<(KeyKind, u64)> {
        (0..40)
            .map(|number| (KeyKind::Registered, Hash::of(&[record as u8 / 2, number]).0))
            .map(|(kind, hash)| (kind, u64::from_be_bytes(*hash.first_chunk().unwrap())))
            .collect()
    }

    fn rows(db: &Connection, part: i64) -> i64 {
        db.query_row("SELECT count(*) FROM likeness WHERE part = ?1", [part], |row| row.get(0)).unwrap()
    }

    fn found(db: &Connection, record: u64) -> Vec<Vec<u64>> {
        let mut by_key = ByKey::new(db).unwrap();
        let kept = keys(record).into_iter().map(|(kind, key)| kept(kind, key));
        kept.map(|key| by_key.records(key, 9).unwrap()).collect()
    }

    #[test]
    fn keys_are_found_wherever_they_have_moved_to_and_go_from_there() {
        let db = schema::new(None).unwrap();
        let all: Vec<_> = (0..100).map(|record| (record, keys(record))).collect();
        put_keys(&db, &all).unwrap();
        assert_eq!((rows(&db, NEW), rows(&db, OLD)), (4_000, 0));
        for least in [3_999, 2_000, 1_000, 0, 0] {
            move_on(&db, 0, least).unwrap();
            let new = rows(&db, NEW);
            assert!(new <= least && new + 100 > least.min(3_999), "{new} are left of {least}");
            assert_eq!(new + rows(&db, OLD), 4_000);
            assert_eq!(found(&db, 17), vec![vec![16, 17]; 40]);
        }
        // What is put anew is in one part only; what is taken out is in none.
        put_keys(&db, &[(16, keys(16))]).unwrap();
        assert_eq!((rows(&db, NEW), rows(&db, OLD)), (40, 3_960));
        assert_eq!(found(&db, 17), vec![vec![16, 17]; 40]);
        put_keys(&db, &[(17, Vec::new()), (16, Vec::new())]).unwrap();
        assert_eq!((rows(&db, NEW), rows(&db, OLD)), (0, 3_920));
        assert_eq!(found(&db, 17), vec![Vec::<u64>::new(); 40]);
        let counted: i64 =
            db.query_row("SELECT value FROM meta WHERE name = 'newKeys'", [], |row| row.get(0)).unwrap();
        assert_eq!(counted, 0);
    }

    #[test]
    fn the_ranges_are_all_keys() {
        let db = schema::new(None).unwrap();
        let keys = [i64::MIN, i64::MIN + 1, -1, 0, 1, i64::MAX - 1, i64::MAX];
        for (record, key) in (0..).zip(keys) {
            db.execute("INSERT INTO likeness VALUES(?1, ?2, ?3)", [NEW, key, record]).unwrap();
        }
        move_on(&db, 7, 0).unwrap();
        assert_eq!((rows(&db, NEW), rows(&db, OLD)), (0, 7));
    }
}
