//! The tables, and whether a file holds them.

use std::fs;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::article::RULESET;
use crate::base::Hash;
use crate::likeness::SKETCH;

use super::fold::FOLD;
use super::{Trouble, number};

/// Changes whenever the tables, or what is written into them, do.
const SCHEMA: i32 = 5;
/// Marks the file as ours: `dlsx`.
const APPLICATION: i32 = 0x646c_7378;

/// `words` has the folded words of each document, nothing to show: its rows are found again by their numbers. Its tokenizer
/// splits at spaces and nothing more, as all else was done in folding.
const TABLES: &str = "
CREATE TABLE meta(name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE entry(record INTEGER PRIMARY KEY, kind TEXT NOT NULL);
CREATE INDEX entry_key ON entry(record) WHERE kind = 'key';
CREATE TABLE refused(record INTEGER PRIMARY KEY);
CREATE TABLE document(record INTEGER PRIMARY KEY, original BLOB NOT NULL, text BLOB NOT NULL, reflow BLOB NOT NULL,
  kind TEXT NOT NULL, title TEXT, language TEXT, publisher TEXT, published TEXT, published_first INTEGER,
  published_last INTEGER, recorded_at INTEGER NOT NULL, signer BLOB NOT NULL, state TEXT NOT NULL, body INTEGER NOT NULL,
  openings BLOB NOT NULL, extractor TEXT NOT NULL, charset TEXT NOT NULL);
CREATE INDEX document_original ON document(original);
CREATE INDEX document_text ON document(text);
CREATE INDEX document_reflow ON document(reflow);
CREATE INDEX document_state ON document(state);
CREATE INDEX document_without_text ON document(record) WHERE body <> 1;
CREATE TABLE origin(record INTEGER NOT NULL, number INTEGER NOT NULL, printed TEXT NOT NULL, printed_folded TEXT NOT NULL,
  label_folded TEXT NOT NULL, organisation TEXT, wikidata TEXT, PRIMARY KEY(record, number)) WITHOUT ROWID;
CREATE TABLE byline(record INTEGER NOT NULL, number INTEGER NOT NULL, printed TEXT NOT NULL, printed_folded TEXT NOT NULL,
  PRIMARY KEY(record, number)) WITHOUT ROWID;
CREATE TABLE url(record INTEGER NOT NULL, number INTEGER NOT NULL, href TEXT NOT NULL, rel TEXT NOT NULL,
  PRIMARY KEY(record, number)) WITHOUT ROWID;
CREATE INDEX url_href ON url(href);
CREATE TABLE statement(record INTEGER PRIMARY KEY, about INTEGER NOT NULL, kind TEXT NOT NULL, what TEXT NOT NULL,
  claim TEXT, target INTEGER);
CREATE INDEX statement_erasure ON statement(about) WHERE kind = 'erasure';
CREATE TABLE reference(record INTEGER NOT NULL, statement INTEGER NOT NULL, PRIMARY KEY(record, statement)) WITHOUT ROWID;
CREATE INDEX reference_statement ON reference(statement);
CREATE TABLE openings(number INTEGER PRIMARY KEY, digest BLOB NOT NULL, bytes INTEGER NOT NULL, modified INTEGER NOT NULL,
  settled INTEGER NOT NULL);
CREATE TABLE folder(name TEXT PRIMARY KEY, modified INTEGER NOT NULL, settled INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE likeness(part INTEGER NOT NULL, key INTEGER NOT NULL, record INTEGER NOT NULL,
  PRIMARY KEY(part, key, record)) WITHOUT ROWID;
CREATE TABLE likeness_of(record INTEGER PRIMARY KEY, keys BLOB NOT NULL);
CREATE VIRTUAL TABLE words USING fts5(title, body, origins, bylines, content='', contentless_delete=1, tokenize='ascii');
";

/// Returns what else decides what is written: an index made otherwise is made anew.
pub(super) fn made() -> String {
    format!("schema {SCHEMA}, fold {FOLD}, {SKETCH}, {RULESET}")
}

/// Makes the tables in an empty database.
pub(super) fn create(db: &Connection) -> Result<(), Trouble> {
    db.execute_batch(TABLES)?;
    db.pragma_update(None, "user_version", SCHEMA)?;
    db.pragma_update(None, "application_id", APPLICATION)?;
    Ok(())
}

/// Opens a database that was kept, if it is ours, whole as far as can be seen, and has our tables and nothing else.
pub(super) fn open(path: &Path, read_only: bool) -> Result<Connection, Trouble> {
    if !fs::symlink_metadata(path).is_ok_and(|file| file.is_file()) || !is_as_left(path) {
        return Err(Trouble::Stale);
    }
    let mode = if read_only { OpenFlags::SQLITE_OPEN_READ_ONLY } else { OpenFlags::SQLITE_OPEN_READ_WRITE };
    let db = Connection::open_with_flags(path, mode | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    careful(&db)?;
    if !read_only {
        // Readers wait while what does not fit is written out, before the end. What is broken off is found by the file's time and made
        // anew: the way back need not be on the disk, nor each step; the end is (`leave`).
        db.execute_batch(
            "PRAGMA cache_size = -65536; PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF;",
        )?;
    }
    let number = |name: &str| db.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    if number("application_id")? != APPLICATION || number("user_version")? != SCHEMA {
        return Err(Trouble::Stale);
    }
    // A view, a trigger or a generated column would run what somebody else wrote.
    let theirs = tables_of(&db)?;
    if digest_of(&theirs).to_hex() == TABLES_SHA256 {
        return Ok(db);
    }
    // Another SQLite may write the tables of its full-text module down otherwise.
    let ours = Connection::open_in_memory()?;
    create(&ours)?;
    match theirs == tables_of(&ours)? {
        true => Ok(db),
        false => Err(Trouble::Stale),
    }
}

/// Makes a database at `path`, or in memory.
pub(super) fn new(path: Option<&Path>) -> Result<Connection, Trouble> {
    let db = match path {
        Some(path) => Connection::open(path)?,
        None => Connection::open_in_memory()?,
    };
    careful(&db)?;
    // Nothing is lost if it is lost: it takes its place only when it is whole. No journal at all is refused to whoever is
    // careful.
    db.execute_batch("PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; PRAGMA cache_size = -65536;")?;
    create(&db)?;
    Ok(db)
}

fn careful(db: &Connection) -> Result<(), Trouble> {
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    // What was erased is overwritten, not only forgotten.
    db.execute_batch("PRAGMA cell_size_check = ON; PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY;")?;
    db.set_prepared_statement_cache_capacity(64);
    Ok(())
}

/// Digest of what SQLite, as it is compiled in, says that [`TABLES`] are: to make them for a comparison takes longer than most
/// questions.
const TABLES_SHA256: &str = "7167edff5942121513ef5a40d15d10b679449b569816e315e8a10071ef45dd9d";

/// Type, name and definition of each table and index.
type Table = (String, String, Option<String>);

fn digest_of(tables: &[Table]) -> Hash {
    // Lengths first: no two lists are written alike.
    let parts = |(kind, name, sql): &Table| {
        let length = sql.as_ref().map_or(-1, |sql| number(sql.len() as u64));
        format!("{} {} {length} {kind}{name}{}", kind.len(), name.len(), sql.as_deref().unwrap_or_default())
    };
    Hash::of(tables.iter().map(parts).collect::<String>().as_bytes())
}

fn tables_of(db: &Connection) -> Result<Vec<Table>, Trouble> {
    let mut rows = db.prepare("SELECT type, name, sql FROM sqlite_master ORDER BY type, name")?;
    let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Where it is written down how the file was left: whoever changes it by another way changes its time too.
fn stamp(path: &Path) -> std::path::PathBuf {
    path.with_extension("stamp")
}

fn look(path: &Path) -> Option<String> {
    let (bytes, modified) = seen(path)?;
    Some(format!("{bytes} {modified}\n"))
}

/// Returns the size of a file, and when it was changed, in nanoseconds since 1970.
pub(super) fn seen(path: &Path) -> Option<(u64, i64)> {
    let file = fs::metadata(path).ok()?;
    let since = file.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some((file.len(), i64::try_from(since.as_nanos()).ok()?))
}

/// Returns whether a change that comes after one at `modified` would get another time: file systems count in steps, the
/// coarsest of two seconds.
pub(super) fn is_settled(modified: i64) -> bool {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map(|since| since.as_nanos());
    now.is_ok_and(|now| i128::try_from(now).is_ok_and(|now| now - i128::from(modified) > 2_500_000_000))
}

fn is_as_left(path: &Path) -> bool {
    look(path).is_some_and(|now| fs::read(stamp(path)).is_ok_and(|left| left == now.as_bytes()))
}

/// Brings the file to the disk, and writes down how it is left.
pub(super) fn leave(path: &Path) -> Result<(), Trouble> {
    fs::File::options().write(true).open(path)?.sync_all()?;
    let now = look(path).ok_or(Trouble::Stale)?;
    Ok(fs::write(stamp(path), now)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_that_of_the_tables() {
        let db = Connection::open_in_memory().unwrap();
        create(&db).unwrap();
        assert_eq!(digest_of(&tables_of(&db).unwrap()).to_hex(), TABLES_SHA256);
        db.execute_batch("CREATE VIEW more AS SELECT * FROM entry").unwrap();
        assert_ne!(digest_of(&tables_of(&db).unwrap()).to_hex(), TABLES_SHA256);
    }
}
