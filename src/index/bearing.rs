//! Which entries of the log bear on a record: what a reader who asks about one record need read, instead of all.
//!
//! Names alone: whoever reads them reads each entry from the log, checked, and folds what it says. So an index cannot have
//! anything said that is not so. One that somebody wrote into can leave something out, a retraction or the end of a key: who
//! must not be told less than there is reads the whole log.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::Connection;

use crate::base::Hash;
use crate::likeness::{KeyKind, LOOKUP_MAX, weight};
use crate::record::{Kind, RelationKind};

use super::likeness::{ByKey, kept};
use super::place::SearchIndex;
use super::query::numbers;
use super::{IndexError, number, word_of};

/// Relations by which what became of a document is told.
const TELLING: [RelationKind; 6] = [
    RelationKind::Retracts,
    RelationKind::Corrects,
    RelationKind::Clarifies,
    RelationKind::Updates,
    RelationKind::Supersedes,
    RelationKind::Contradicts,
];

/// Entries that bear on records.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bearing {
    /// Statements about keys: who may have signed follows from them.
    pub keys: Vec<u64>,
    /// Registrations and statements.
    pub entries: BTreeSet<u64>,
}

/// By which relations one comes from a document to others of which all is to be known too.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ways {
    /// To what it rests on.
    pub on: bool,
    /// To what rests on it.
    pub under: bool,
    /// To what has the same content, or nearly the same.
    pub same: bool,
}

impl Ways {
    /// To what it rests on, and nowhere else.
    pub const ON: Self = Ways { on: true, under: false, same: false };
}

/// A statement as the tables have it.
struct Statement {
    index: u64,
    about: u64,
    kind: String,
    what: String,
    target: Option<u64>,
}

impl SearchIndex {
    /// Returns the statements about keys.
    ///
    /// # Errors
    /// [`IndexError::Database`].
    pub fn key_statements(&self) -> Result<Vec<u64>, IndexError> {
        self.ask(key_statements)
    }

    /// Returns the entries from which the state of each of `records` follows.
    ///
    /// # Errors
    /// [`IndexError::Database`].
    pub fn bearing_on_state(&self, records: &[u64]) -> Result<Bearing, IndexError> {
        self.ask(|db| {
            let mut entries = BTreeSet::new();
            for record in records {
                on_state(db, *record, &mut entries)?;
            }
            Ok(Bearing { keys: key_statements(db)?, entries })
        })
    }

    /// Returns the entries from which follows all that was said of `records`, and what became of all that they rest on, directly
    /// or through others. `None` where these are more than `limit`.
    ///
    /// # Errors
    /// [`IndexError::Database`].
    pub fn bearing_on(&self, records: &[u64], limit: usize) -> Result<Option<Bearing>, IndexError> {
        self.bearing_along(records, Ways::ON, limit)
    }

    /// Returns the entries from which follows all that was said of `records`, and of all documents to which `ways` lead from them,
    /// directly or through others. `None` where these are more than `limit`.
    ///
    /// # Errors
    /// [`IndexError::Database`].
    pub fn bearing_along(
        &self,
        records: &[u64],
        ways: Ways,
        limit: usize,
    ) -> Result<Option<Bearing>, IndexError> {
        self.ask(|db| {
            let Some(entries) = on_standing(db, records, ways, limit)? else { return Ok(None) };
            Ok(Some(Bearing { keys: key_statements(db)?, entries }))
        })
    }

    /// Returns the registrations of the document with these bytes, in the order of the log.
    ///
    /// # Errors
    /// [`IndexError::Database`].
    pub fn of_original(&self, original: &Hash) -> Result<Vec<u64>, IndexError> {
        let sql = "SELECT record FROM document WHERE original = ?1 ORDER BY record";
        self.ask(|db| numbers(db, sql, vec![original.0.to_vec().into()]))
    }

    /// Returns the registrations of documents with this wording, in the order of the log.
    ///
    /// # Errors
    /// [`IndexError::Database`].
    pub fn of_wording(&self, reflow: &Hash) -> Result<Vec<u64>, IndexError> {
        let sql = "SELECT record FROM document WHERE reflow = ?1 ORDER BY record";
        self.ask(|db| numbers(db, sql, vec![reflow.0.to_vec().into()]))
    }

    /// Returns the registrations whose own digests name one of these paragraphs or quotations, those with most weight first (see
    /// [`weight`]), of as much the earlier first. Of those whose text is not at hand: the others are found by it.
    ///
    /// # Errors
    /// [`IndexError::Database`].
    pub fn with_digests(&self, keys: &BTreeSet<u64>) -> Result<Vec<u64>, IndexError> {
        self.ask(|db| {
            let mut shared: BTreeMap<u64, u64> = BTreeMap::new();
            let mut by_key = ByKey::new(db)?;
            for key in keys {
                let records = by_key.records(kept(KeyKind::Registered, *key), LOOKUP_MAX)?;
                let weight = weight(KeyKind::Registered, records.len());
                records.into_iter().for_each(|record| *shared.entry(record).or_default() += weight);
            }
            let mut ranked: Vec<(u64, u64)> = shared.into_iter().collect();
            ranked.sort_by_key(|(record, weight)| (std::cmp::Reverse(*weight), *record));
            Ok(ranked.into_iter().map(|(record, _)| record).collect())
        })
    }

    /// Returns of how many registrations the text is not at hand.
    ///
    /// # Errors
    /// [`IndexError::Database`].
    pub fn without_text(&self) -> Result<u64, IndexError> {
        let sql = "SELECT count(*) FROM document WHERE body <> 1";
        self.ask(|db| Ok(numbers(db, sql, Vec::new())?.first().copied().unwrap_or_default()))
    }

    /// Returns how many registrations there are, those whose signer does not hold too.
    ///
    /// # Errors
    /// [`IndexError::Database`].
    pub fn registrations(&self) -> Result<u64, IndexError> {
        let sql = "SELECT (SELECT count(*) FROM document) + (SELECT count(*) FROM refused)";
        self.ask(|db| Ok(numbers(db, sql, Vec::new())?.first().copied().unwrap_or_default()))
    }

    /// Returns registrations in the order of the log, those whose signer does not hold too: `count` of them, after `first`.
    ///
    /// # Errors
    /// [`IndexError::Database`].
    pub fn page(&self, first: u64, count: u64) -> Result<Vec<u64>, IndexError> {
        let sql = "SELECT record FROM (SELECT record FROM document UNION ALL SELECT record FROM refused) \
                   ORDER BY record LIMIT ?1 OFFSET ?2";
        self.ask(|db| numbers(db, sql, vec![number(count).into(), number(first).into()]))
    }
}

pub(super) fn key_statements(db: &Connection) -> Result<Vec<u64>, rusqlite::Error> {
    numbers(db, "SELECT record FROM entry WHERE kind = 'key' ORDER BY record", Vec::new())
}

/// Adds the entries from which the state of a registration follows.
pub(super) fn on_state(
    db: &Connection,
    record: u64,
    entries: &mut BTreeSet<u64>,
) -> Result<(), rusqlite::Error> {
    entries.insert(record);
    for statement in statements(db, record)? {
        let tells = match kind_of(&statement.kind) {
            Some(Kind::Notice | Kind::Assessment) => true,
            Some(Kind::Relation) => {
                statement.target == Some(record) && TELLING.iter().any(|kind| word_of(kind) == statement.what)
            }
            _ => false,
        };
        if tells {
            entries.insert(statement.index);
            entries.extend(pointed_to(db, statement.index)?);
        }
    }
    Ok(())
}

/// Returns the entries from which follows all that was said of `records` and of what `ways` lead to.
fn on_standing(
    db: &Connection,
    records: &[u64],
    ways: Ways,
    limit: usize,
) -> Result<Option<BTreeSet<u64>>, rusqlite::Error> {
    let mut entries: BTreeSet<u64> = records.iter().copied().collect();
    // Documents of which all is read, and documents of which it is only asked whether they were taken back.
    let mut todo: Vec<(u64, bool)> = records.iter().map(|record| (*record, true)).collect();
    let mut seen: BTreeSet<(u64, bool)> = todo.iter().copied().collect();
    while let Some((record, whole)) = todo.pop() {
        if entries.len() > limit {
            return Ok(None);
        }
        let mut add = |record: u64, whole: bool| {
            if seen.insert((record, whole)) {
                todo.push((record, whole));
            }
        };
        for same in same_document(db, record)? {
            entries.insert(same);
            add(same, whole);
        }
        for statement in statements(db, record)? {
            let of_it = statement.target == Some(record);
            let relation = kind_of(&statement.kind) == Some(Kind::Relation);
            let takes_back = relation && of_it && statement.what == word_of(&RelationKind::Retracts);
            if !whole && !takes_back && kind_of(&statement.kind) != Some(Kind::Notice) {
                continue;
            }
            entries.insert(statement.index);
            entries.extend(pointed_to(db, statement.index)?);
            if !whole || !relation {
                continue;
            }
            let (rests, same) = (rests(&statement.what), is_of_same_content(&statement.what));
            match statement.target {
                Some(target) if statement.about == record && (ways.on && rests || ways.same && same) => {
                    add(target, true);
                }
                _ if of_it && (ways.under && rests || ways.same && same) => add(statement.about, true),
                _ if of_it && !rests => add(statement.about, false),
                _ => {}
            }
        }
        let erasures = "SELECT record FROM statement WHERE about = ?1 AND kind = 'erasure'";
        entries.extend(numbers(db, erasures, vec![number(record).into()])?);
    }
    Ok((entries.len() <= limit).then_some(entries))
}

fn rests(word: &str) -> bool {
    use RelationKind::{Cites, ExcerptOf, IsBasedOn, Quotes, RecordingOf, Syndicates, TranslationOf};
    let all = [Quotes, Cites, IsBasedOn, TranslationOf, Syndicates, ExcerptOf, RecordingOf];
    all.iter().any(|kind| kind.rests_on_target() && word_of(kind) == word)
}

fn is_of_same_content(word: &str) -> bool {
    [RelationKind::SameContentAs, RelationKind::NearDuplicateOf].iter().any(|kind| word_of(kind) == word)
}

fn kind_of(word: &str) -> Option<Kind> {
    Kind::ALL.into_iter().find(|kind| kind.to_string() == word)
}

/// The registrations of the same document.
fn same_document(db: &Connection, record: u64) -> Result<Vec<u64>, rusqlite::Error> {
    let sql =
        "SELECT o.record FROM document d JOIN document o ON o.original = d.original WHERE d.record = ?1";
    numbers(db, sql, vec![number(record).into()])
}

/// The registrations that a statement points to.
fn pointed_to(db: &Connection, statement: u64) -> Result<Vec<u64>, rusqlite::Error> {
    let sql = "SELECT record FROM reference WHERE statement = ?1";
    numbers(db, sql, vec![number(statement).into()])
}

/// The statements that point to a registration.
fn statements(db: &Connection, record: u64) -> Result<Vec<Statement>, rusqlite::Error> {
    let sql = "SELECT s.record, s.about, s.kind, s.what, s.target FROM reference r \
               JOIN statement s ON s.record = r.statement WHERE r.record = ?1";
    let mut get = db.prepare_cached(sql)?;
    let rows = get.query_map([number(record)], |row| {
        Ok(Statement {
            index: row.get::<_, i64>(0)?.cast_unsigned(),
            about: row.get::<_, i64>(1)?.cast_unsigned(),
            kind: row.get(2)?,
            what: row.get(3)?,
            target: row.get::<_, Option<i64>>(4)?.map(i64::cast_unsigned),
        })
    })?;
    rows.collect()
}
