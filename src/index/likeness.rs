//! Keys by which like documents are found. What they mean is for whoever writes and looks them up; they go with the index.

use std::collections::BTreeSet;

use rusqlite::params;

use super::place::SearchIndex;
use super::{IndexError, number};

impl SearchIndex {
    /// Puts in that the document of `record` has each of `keys`, of this `kind`, in place of those of this kind that it had.
    ///
    /// # Errors
    /// [`IndexError::Database`].
    pub fn put_likeness(&mut self, kind: u32, record: u64, keys: &[u64]) -> Result<(), IndexError> {
        self.change(|db| {
            db.prepare_cached("DELETE FROM likeness WHERE kind = ?1 AND record = ?2")?
                .execute(params![kind, number(record)])?;
            let mut set = db.prepare_cached("INSERT INTO likeness(kind, key, record) VALUES(?1, ?2, ?3)")?;
            for key in keys {
                set.execute(params![kind, key.cast_signed(), number(record)])?;
            }
            Ok(())
        })
    }

    /// Returns the records that have `key` of this `kind`, at most `limit`, the first ones.
    ///
    /// # Errors
    /// [`IndexError::Database`].
    pub fn with_likeness(&self, kind: u32, key: u64, limit: usize) -> Result<BTreeSet<u64>, IndexError> {
        self.ask(|db| {
            let mut get = db.prepare_cached(
                "SELECT DISTINCT record FROM likeness WHERE kind = ?1 AND key = ?2 ORDER BY record LIMIT ?3",
            )?;
            let rows = get.query_map(params![kind, key.cast_signed(), number(limit as u64)], |row| {
                row.get::<_, i64>(0)
            })?;
            rows.map(|record| Ok(record?.cast_unsigned())).collect()
        })
    }
}
