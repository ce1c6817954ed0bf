//! The log, followed: what is new is indexed, and what has lost or regained an opening or an original is indexed again.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use rayon::prelude::*;
use rusqlite::{Connection, OptionalExtension, params};

use crate::article::{Format, ReadOptions, extract_as};
use crate::base::Hash;
use crate::base::limits::INDEXED_MAX_CHARS;
use crate::likeness::{self, Sketch};
use crate::record::{Body, Entry, Registration, Standings, Target, layout};
use crate::storage::{Key, Store};
use crate::verify::Record;

use super::changes::Changes;
use super::fold::folded;
use super::likeness::{digest_keys, put_keys};
use super::schema::made;
use super::state::RecordState;
use super::{Source, Trouble, bearing, day, number, word_of};

/// Documents whose texts are in memory at a time.
const AT_A_TIME: usize = 32;

/// What was done to bring the index up to date.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Done {
    /// Whether anything was written.
    pub(super) wrote: bool,
    /// Whether something was taken out: what it leaves in the file is to be overwritten.
    removed: bool,
}

/// What is known of a log by the name under which it was indexed.
struct Known {
    size: u64,
    root: Hash,
}

/// Brings the index up to the log. [`Trouble::Stale`] if it is of another log, or of one that is no beginning of this one.
pub(super) fn catch_up(db: &mut Connection, source: &Source<'_>) -> Result<Done, Trouble> {
    let reader = source.reader;
    // One look at the file for all questions.
    let looking = db.transaction()?;
    let known = known(&looking, &of_log(source))?;
    if known.size > reader.size() {
        return Err(Trouble::Stale);
    }
    let same = known.size == reader.size();
    if same && known.root != reader.checkpoint().root_hash() {
        return Err(Trouble::Stale);
    }
    let changes = Changes::since(&looking, source, known.size)?;
    drop(looking);
    if same && changes.is_empty() {
        return Ok(Done::default());
    }
    let tx = db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let mut done = Done { wrote: true, removed: false };
    let written = (|| {
        changes.write(&tx)?;
        if !same || changes.reads() {
            let mut ingest = Ingest { db: &tx, source, waiting: Vec::new(), done: &mut done };
            ingest.run(&known, &changes)?;
        }
        let mut set = tx.prepare_cached("INSERT OR REPLACE INTO meta(name, value) VALUES(?1, ?2)")?;
        set.execute(params!["size", number(reader.size())])?;
        set.execute(params!["root", reader.checkpoint().root_hash().0])?;
        drop(set);
        if done.removed {
            // The engine only strikes out what is removed, until it merges.
            tx.execute("INSERT INTO words(words) VALUES('optimize')", [])?;
        }
        Ok(())
    })();
    if let Err(trouble) = written {
        // What cannot be taken back is no index any more.
        tx.rollback()?;
        return Err(trouble);
    }
    tx.commit()?;
    Ok(done)
}

/// Returns how many entries of the log are indexed, if these are how it begins.
pub(super) fn how_far(db: &Connection, source: &Source<'_>) -> Result<u64, Trouble> {
    let known = known(db, &of_log(source))?;
    let reader = source.reader;
    let root = match known.size {
        size if size > reader.size() => return Err(Trouble::Stale),
        size if size == reader.size() => reader.checkpoint().root_hash(),
        size => reader.root_at(size)?,
    };
    if root == known.root { Ok(known.size) } else { Err(Trouble::Stale) }
}

/// Writes down in a new index which log it is of.
pub(super) fn begin(db: &Connection, source: &Source<'_>) -> Result<(), Trouble> {
    let mut set = db.prepare("INSERT INTO meta(name, value) VALUES(?1, ?2)")?;
    set.execute(params!["made", made()])?;
    set.execute(params!["log", of_log(source).0])?;
    set.execute(params!["size", 0])?;
    set.execute(params!["root", Hash::of(b"").0])?;
    Ok(())
}

/// Stands for the log and for whom the reader trusts: who may sign depends on it.
fn of_log(source: &Source<'_>) -> Hash {
    let mut roots: Vec<[u8; 32]> = source.trust.roots.iter().map(|key| key.key_id().0).collect();
    roots.sort_unstable();
    let key = source.reader.log().to_string();
    let origin = source.reader.checkpoint().origin().as_str();
    let mut parts: Vec<&[u8]> = vec![origin.as_bytes(), b"\n", key.as_bytes(), b"\n"];
    parts.extend(roots.iter().map(|root| &root[..]));
    Hash::of_parts(&parts)
}

fn known(db: &Connection, log: &Hash) -> Result<Known, Trouble> {
    let mut get = db.prepare("SELECT value FROM meta WHERE name = ?1")?;
    let said: Option<String> = get.query_row(["made"], |row| row.get(0)).optional()?;
    let of: Option<[u8; 32]> = get.query_row(["log"], |row| row.get(0)).optional()?;
    let size: Option<i64> = get.query_row(["size"], |row| row.get(0)).optional()?;
    let root: Option<[u8; 32]> = get.query_row(["root"], |row| row.get(0)).optional()?;
    match (said == Some(made()) && of == Some(log.0), size.and_then(|size| u64::try_from(size).ok()), root) {
        (true, Some(size), Some(root)) => Ok(Known { size, root: Hash(root) }),
        _ => Err(Trouble::Stale),
    }
}

/// Whether the text of a document could be indexed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Text {
    /// Its original is not at hand.
    Absent = 0,
    Indexed = 1,
    /// Its original is at hand and does not give it.
    Unusable = 2,
}

struct Ingest<'a, 'd> {
    db: &'a Connection,
    source: &'a Source<'a>,
    waiting: Vec<Record>,
    done: &'d mut Done,
}

impl Ingest<'_, '_> {
    fn run(&mut self, known: &Known, changes: &Changes) -> Result<(), Trouble> {
        let reader = self.source.reader;
        let anew = known.size == 0;
        if !anew && reader.root_at(known.size)? != known.root {
            return Err(Trouble::Stale);
        }
        let (db, size, progress) = (self.db, reader.size(), self.source.progress);
        let mut standings = Standings::default();
        // Registrations that were read again, or of which something new was said.
        let mut concerned: BTreeSet<u64> = BTreeSet::new();
        let mut trouble = None;
        let each = |record: Record| {
            progress(record.index + 1, size);
            if record.signer.is_ok() {
                match anew {
                    true => standings.fold(record.index, &record.entry),
                    false => {
                        concerned.insert(record.index);
                        concerned.extend(record.entry.references().iter().map(|(_, to)| to.record));
                    }
                }
            }
            match self.take(record, known.size) {
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => {
                    trouble = Some(error);
                    ControlFlow::Break(())
                }
            }
        };
        match anew {
            true => reader.scan(each)?,
            false => {
                let keys = bearing::key_statements(db)?;
                reader.read_named(&keys, &changes.touched(known.size, size), each)?;
            }
        }
        if let Some(trouble) = trouble {
            return Err(trouble);
        }
        self.flush()?;
        if !anew {
            let mut named = BTreeSet::new();
            concerned.iter().try_for_each(|record| bearing::on_state(db, *record, &mut named))?;
            let keys = bearing::key_statements(db)?;
            standings = reader.pick_named(&BTreeSet::new(), &keys, &named)?.standings;
        }
        let mut set = db.prepare("UPDATE document SET state = ?2 WHERE record = ?1 AND state IS NOT ?2")?;
        let told = standings.iter().filter(|(record, _)| anew || concerned.contains(record));
        for (record, standing) in told {
            set.execute(params![number(record), RecordState::of(Some(standing)).word()])?;
        }
        Ok(())
    }

    /// Takes an entry that is new, or was indexed before and may say something else now.
    fn take(&mut self, record: Record, known: u64) -> Result<(), Trouble> {
        let index = number(record.index);
        let Some(kind) = record.entry.kind().filter(|_| record.signer.is_ok()) else {
            if record.index >= known && record.registration.is_some() {
                self.db.prepare_cached("INSERT INTO refused(record) VALUES(?1)")?.execute([index])?;
            }
            return Ok(());
        };
        if record.index >= known {
            let mut set = self.db.prepare_cached("INSERT INTO entry(record, kind) VALUES(?1, ?2)")?;
            set.execute(params![index, kind.to_string()])?;
            statement(self.db, index, &record.entry)?;
        } else if record.registration.is_some() {
            let mut get = self
                .db
                .prepare_cached("SELECT openings, original, body > 0 FROM document WHERE record = ?1")?;
            let was: Option<([u8; 32], [u8; 32], bool)> =
                get.query_row([index], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).optional()?;
            let (openings, original, had_body) = was.ok_or(Trouble::Stale)?;
            let path = Key::new(layout::content_path(&Hash(original)));
            let path = path.expect("internal error: a name of the layout is not an object name");
            let is_there = self.source.store.get_range(&path, 0, 1).is_ok_and(|found| found.is_some());
            if openings == of_openings(&record.openings).0 && is_there == had_body {
                return Ok(());
            }
        }
        if record.registration.is_some() {
            self.waiting.push(record);
        }
        if self.waiting.len() >= AT_A_TIME { self.flush() } else { Ok(()) }
    }

    /// Reads the texts of what waits, on all cores, and writes it.
    fn flush(&mut self) -> Result<(), Trouble> {
        let waiting = std::mem::take(&mut self.waiting);
        let read: Vec<_> = waiting
            .into_par_iter()
            .filter_map(|record| {
                let original = record.entry.original()?;
                let registration = record.registration.as_ref()?;
                let (text, state) = text_of(self.source.store, &original, &registration.registration);
                let keys = match state {
                    Text::Indexed => Sketch::of(&likeness::Text::new(&text)).keys,
                    Text::Absent | Text::Unusable => digest_keys(&registration.registration),
                };
                Some((folded(&text), state, keys, original, record))
            })
            .collect();
        let mut likeness = Vec::with_capacity(read.len());
        for (body, state, keys, original, record) in read {
            self.write(&record, &original, &body, state)?;
            likeness.push((record.index, keys));
        }
        self.done.removed |= put_keys(self.db, &likeness)?;
        Ok(())
    }

    fn write(&mut self, record: &Record, original: &Hash, body: &str, text: Text) -> Result<(), Trouble> {
        let Some(opened) = &record.registration else { return Ok(()) };
        let (index, registration) = (number(record.index), &opened.registration);
        let db = self.db;
        for table in ["document", "origin", "byline", "url"] {
            let removed =
                db.prepare_cached(&format!("DELETE FROM {table} WHERE record = ?1"))?.execute([index])?;
            self.done.removed |= removed > 0;
        }
        db.prepare_cached("DELETE FROM words WHERE rowid = ?1")?.execute([index])?;
        let published = registration.published_at.as_ref().map(|claim| claim.value.as_str());
        let span = published.and_then(day::span);
        let title = registration.title.first().map(|title| title.value.as_str());
        db.prepare_cached(
            "INSERT INTO document VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)",
        )?
        .execute(params![
            index,
            original.0,
            registration.text.sha256.0,
            registration.fingerprints.reflow.sha256.0,
            word_of(&registration.kind),
            title,
            registration.language.as_ref().map(|language| language.tag.to_ascii_lowercase()),
            registration.publisher.as_ref().map(|claim| &claim.value),
            published,
            span.as_ref().map(|span| *span.start()),
            span.as_ref().map(|span| *span.end()),
            registration.recorded_at.unix_seconds(),
            registration.recorded_by.0,
            RecordState::Claimed.word(),
            text as i64,
            of_openings(&record.openings).0,
            registration.text.extractor,
            registration.text.charset,
        ])?;
        let mut origins = String::new();
        let mut set = db.prepare_cached("INSERT INTO origin VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)")?;
        for (place, origin) in registration.claimed_origins.iter().enumerate() {
            let Some(origin) = origin.opened() else { continue };
            let (printed, label) = (folded(&origin.as_printed), folded(&origin.org.label));
            origins.extend([&printed, &label].map(String::as_str));
            set.execute(params![
                index,
                number(place as u64),
                origin.as_printed,
                printed,
                label,
                origin.org.id,
                origin.org.wikidata
            ])?;
        }
        let mut bylines = String::new();
        let mut set = db.prepare_cached("INSERT INTO byline VALUES(?1, ?2, ?3, ?4)")?;
        for (place, byline) in registration.bylines.iter().enumerate() {
            let Some(byline) = byline.opened() else { continue };
            let printed = folded(&byline.as_printed);
            bylines.push_str(&printed);
            set.execute(params![index, number(place as u64), byline.as_printed, printed])?;
        }
        let mut set = db.prepare_cached("INSERT INTO url VALUES(?1, ?2, ?3, ?4)")?;
        for (place, url) in registration.urls.iter().enumerate() {
            set.execute(params![index, number(place as u64), url.href, url.rel])?;
        }
        let title = title.map(folded).unwrap_or_default();
        db.prepare_cached(
            "INSERT INTO words(rowid, title, body, origins, bylines) VALUES(?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![index, title, body, origins, bylines])?;
        Ok(())
    }
}

fn of_openings(openings: &[String]) -> Hash {
    Hash::of(openings.join("\n").as_bytes())
}

/// Writes what a statement about documents says, without its notes.
fn statement(db: &Connection, index: i64, entry: &Entry) -> Result<(), Trouble> {
    let (about, what, claim, target) = match &entry.body {
        Body::Relation(relation) => {
            let target = match &relation.target {
                Target::Record(target) => Some(number(target.record)),
                Target::Unresolved(_) => None,
            };
            (relation.about.record, word_of(&relation.relation), None, target)
        }
        Body::Assessment(said) => (said.about.record, word_of(&said.state), Some(said.claim.as_str()), None),
        Body::Notice(notice) => {
            let target = notice.replaced_by.map(|record| number(record.record));
            (notice.about.record, word_of(&notice.notice), None, target)
        }
        Body::Confirmation(said) => {
            (said.about.record, word_of(&said.verdict), Some(said.claim.as_str()), None)
        }
        Body::Observation(seen) => (seen.about.record, word_of(&seen.observed), None, None),
        Body::Erasure(erasure) => (erasure.entry, word_of(&erasure.reason), None, None),
        Body::Registration(_) | Body::Key(_) | Body::Sealed(_) | Body::Unknown => return Ok(()),
    };
    let kind = entry.kind().map(|kind| kind.to_string());
    db.prepare_cached("INSERT INTO statement VALUES(?1, ?2, ?3, ?4, ?5, ?6)")?.execute(params![
        index,
        number(about),
        kind,
        what,
        claim,
        target
    ])?;
    let mut set = db.prepare_cached("INSERT OR IGNORE INTO reference VALUES(?1, ?2)")?;
    for (_, to) in entry.references() {
        set.execute(params![number(to.record), index])?;
    }
    Ok(())
}

/// Reads the registered text out of the stored original: exactly as much of it as is indexed.
fn text_of(store: &dyn Store, original: &Hash, registration: &Registration) -> (String, Text) {
    match read_text(store, original, registration) {
        Some(Some(text)) => (text, Text::Indexed),
        Some(None) => (String::new(), Text::Unusable),
        None => (String::new(), Text::Absent),
    }
}

/// Reads the registered text of a document out of its stored original, as much of it as is searched: both must have the
/// digests that the log gives. `None` if there is no original; `Some(None)` if it does not give the text.
fn read_text(store: &dyn Store, original: &Hash, registration: &Registration) -> Option<Option<String>> {
    let path = layout::content_path(original);
    let limit = registration.bytes.min(crate::base::limits::DOCUMENT_MAX_BYTES);
    let key = Key::new(path).expect("internal error: a name of the layout is not an object name");
    let bytes = match store.get(&key, limit) {
        Ok(None) => return None,
        Ok(Some(bytes)) if Hash::of(&bytes) == *original => bytes,
        _ => return Some(None),
    };
    let options = ReadOptions { charset: Some(&registration.text.charset), ..ReadOptions::default() };
    let format = Format::of_extractor(&registration.text.extractor);
    let extract = format.and_then(|format| extract_as(format, &bytes, &options).ok());
    let text = extract.map(|extract| extract.text);
    let text = text.filter(|text| Hash::of(text.as_bytes()) == registration.text.sha256);
    Some(text.map(|mut text| {
        let end = text.char_indices().nth(INDEXED_MAX_CHARS).map_or(text.len(), |(at, _)| at);
        text.truncate(end);
        text
    }))
}

/// Returns the registered text of a document, as much of it as is searched, if its original is stored and gives it.
pub fn stored_text(store: &dyn Store, original: &Hash, registration: &Registration) -> Option<String> {
    read_text(store, original, registration).flatten()
}
