//! Keys by which like documents are found.

use rusqlite::{Connection, params};

use crate::likeness::{LOOKUP_MAX, Sketch, Text, candidates};

use super::place::SearchIndex;
use super::{IndexError, number};

/// Puts in which keys the text of a record has, in place of those that it had; returns whether it had any.
pub(super) fn put_keys(
    db: &Connection,
    record: u64,
    sketch: Option<&Sketch>,
) -> Result<bool, rusqlite::Error> {
    let removed = db.prepare_cached("DELETE FROM likeness WHERE record = ?1")?.execute([number(record)])? > 0;
    let mut set = db.prepare_cached("INSERT INTO likeness(kind, key, record) VALUES(?1, ?2, ?3)")?;
    for (kind, key) in sketch.iter().flat_map(|sketch| &sketch.keys) {
        set.execute(params![*kind as u8, key.cast_signed(), number(record)])?;
    }
    Ok(removed)
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
