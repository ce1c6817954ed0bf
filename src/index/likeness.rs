//! Keys by which like documents are found.

use std::collections::BTreeSet;

use rusqlite::{Connection, params};

use crate::likeness::{KeyKind, LOOKUP_MAX, PARAGRAPH_KEYS_MAX, Sketch, Text, candidates, paragraph_key};
use crate::record::Registration;

use super::place::SearchIndex;
use super::{IndexError, number};

/// Puts in which keys the text of a record has, in place of those that it had; returns whether it had any.
pub(super) fn put_keys(
    db: &Connection,
    record: u64,
    keys: &[(KeyKind, u64)],
) -> Result<bool, rusqlite::Error> {
    let removed = db.prepare_cached("DELETE FROM likeness WHERE record = ?1")?.execute([number(record)])? > 0;
    let mut set = db.prepare_cached("INSERT INTO likeness(kind, key, record) VALUES(?1, ?2, ?3)")?;
    for (kind, key) in keys {
        set.execute(params![*kind as u8, key.cast_signed(), number(record)])?;
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

impl SearchIndex {
    /// Returns the records whose texts may be like `text`, the likeliest first, at most
    /// [`CANDIDATES_MAX`](crate::likeness::CANDIDATES_MAX). Costs a look-up for each key of the text.
    ///
    /// # Errors
    /// [`IndexError::Database`].
    pub fn alike(&self, text: &Text<'_>) -> Result<Vec<u64>, IndexError> {
        self.ask(|db| {
            let mut get = db.prepare_cached(
                "SELECT record FROM likeness WHERE kind = ?1 AND key = ?2 ORDER BY record LIMIT ?3",
            )?;
            let mut trouble = None;
            let found = candidates(&Sketch::of(text).keys, |kind, key| {
                let limit = number(LOOKUP_MAX as u64);
                let rows = get.query_map(params![kind as u8, key.cast_signed(), limit], |row| {
                    row.get::<_, i64>(0).map(i64::cast_unsigned)
                });
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
