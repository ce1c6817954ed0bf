//! Keys by which like documents are found.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension, params};

use crate::base::Hash;
use crate::likeness::{KeyKind, LOOKUP_MAX, PARAGRAPH_KEYS_MAX, Sketch, Text, candidates, paragraph_key};
use crate::record::Registration;

use super::place::SearchIndex;
use super::{IndexError, number};

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
    let mut remove = db.prepare_cached("DELETE FROM likeness WHERE key = ?1 AND record = ?2")?;
    let mut keep = db.prepare_cached("INSERT OR REPLACE INTO likeness_of(record, keys) VALUES(?1, ?2)")?;
    let mut removed = false;
    let mut pairs = Vec::new();
    for (record, keys) in records {
        let record = number(*record);
        let had: Option<Vec<u8>> = old.query_row([record], |row| row.get(0)).optional()?;
        for key in had.iter().flat_map(|had| had.as_chunks().0) {
            removed |= remove.execute([i64::from_be_bytes(*key), record])? > 0;
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
    let mut put = db.prepare_cached("INSERT OR IGNORE INTO likeness(key, record) VALUES(?1, ?2)")?;
    for (key, record) in pairs {
        put.execute([key, record])?;
    }
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
    /// [`CANDIDATES_MAX`](crate::likeness::CANDIDATES_MAX). Costs a look-up for each key of the text.
    ///
    /// # Errors
    /// [`IndexError::Database`].
    pub fn alike(&self, text: &Text<'_>) -> Result<Vec<u64>, IndexError> {
        self.sharing(&Sketch::of(text))
    }

    /// As [`SearchIndex::alike`], for a text whose keys are at hand.
    ///
    /// # Errors
    /// [`IndexError::Database`].
    pub fn sharing(&self, sketch: &Sketch) -> Result<Vec<u64>, IndexError> {
        self.ask(|db| {
            let mut get =
                db.prepare_cached("SELECT record FROM likeness WHERE key = ?1 ORDER BY record LIMIT ?2")?;
            let mut trouble = None;
            let found = candidates(&sketch.keys, |kind, key| {
                let limit = number(LOOKUP_MAX as u64);
                let rows = get
                    .query_map([kept(kind, key), limit], |row| row.get::<_, i64>(0).map(i64::cast_unsigned));
                let records = rows.and_then(Iterator::collect);
                records.unwrap_or_else(|error| {
                    trouble = Some(error);
                    Vec::new()
                })
            });
            trouble.map_or(Ok(found), Err)
        })
    }
}
