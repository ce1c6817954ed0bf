//! What is asked for: of the index, which gives numbers of records, and again of what the log says under those numbers.

use rusqlite::Connection;
use rusqlite::types::Value;

use crate::record::Registration;

use super::day;
use super::fold::{Term, folded};
use super::place::SearchIndex;
use super::state::RecordState;
use super::{IndexError, number};

/// In which order records are given.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Order {
    /// In the order of the log.
    #[default]
    Log,
    /// By how well the words fit, then in the order of the log.
    Rank,
}

/// Which records are asked for: those of which all that is said here holds.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// All of these occur in the text, the title, the origins or the bylines, each in one of them.
    pub terms: Vec<Term>,
    /// An origin that was claimed has these words in its name, or this id.
    pub origin: Option<String>,
    /// A byline has these words.
    pub byline: Option<String>,
    /// The language: `fr` takes `fr-CA` too.
    pub language: Option<String>,
    /// Published at this second or later, as far as is said. UTC, since 1970.
    pub from: Option<i64>,
    /// Published at this second or before, as far as is said.
    pub to: Option<i64>,
    /// What became of it.
    pub state: Option<RecordState>,
    /// The order.
    pub order: Order,
}

impl Query {
    /// Returns whether a record is one that was asked for, `text` being its text, where that is at hand.
    pub fn fits(&self, registration: &Registration, state: RecordState, text: Option<&str>) -> bool {
        self.fits_filters(registration, state) && self.fits_terms(registration, text)
    }

    fn fits_filters(&self, registration: &Registration, state: RecordState) -> bool {
        let origins = || registration.claimed_origins.iter().filter_map(|origin| origin.opened());
        let origin = self.origin.as_deref().is_none_or(|name| {
            let term = Term::of(name, false);
            origins().any(|origin| {
                let named = |text: &str| term.as_ref().is_some_and(|term| term.is_in(&folded(text)));
                origin.org.id.as_deref() == Some(name)
                    || origin.org.wikidata.as_deref() == Some(name)
                    || named(&origin.as_printed)
                    || named(&origin.org.label)
            })
        });
        let byline = self.byline.as_deref().is_none_or(|name| {
            let term = Term::of(name, false);
            let mut bylines = registration.bylines.iter().filter_map(|byline| byline.opened());
            bylines.any(|byline| term.as_ref().is_some_and(|term| term.is_in(&folded(&byline.as_printed))))
        });
        let language = self.language.as_deref().is_none_or(|wanted| {
            let tag = registration.language.as_ref().map(|language| language.tag.to_ascii_lowercase());
            let wanted = wanted.to_ascii_lowercase();
            tag.is_some_and(|tag| tag == wanted || tag.starts_with(&format!("{wanted}-")))
        });
        let published = registration.published_at.as_ref().and_then(|claim| day::span(&claim.value));
        let from = self.from.is_none_or(|from| published.as_ref().is_some_and(|span| *span.end() >= from));
        let to = self.to.is_none_or(|to| published.as_ref().is_some_and(|span| *span.start() <= to));
        origin && byline && language && from && to && self.state.is_none_or(|wanted| wanted == state)
    }

    fn fits_terms(&self, registration: &Registration, text: Option<&str>) -> bool {
        if self.terms.is_empty() {
            return true;
        }
        let join = |names: Vec<String>| names.concat();
        let origins = registration.claimed_origins.iter().filter_map(|origin| origin.opened());
        let bylines = registration.bylines.iter().filter_map(|byline| byline.opened());
        let columns = [
            folded(text.unwrap_or_default()),
            registration.title.first().map(|title| folded(&title.value)).unwrap_or_default(),
            join(origins.map(|origin| folded(&origin.as_printed) + &folded(&origin.org.label)).collect()),
            join(bylines.map(|byline| folded(&byline.as_printed)).collect()),
        ];
        // What stands side by side in a column may be two names: for the search engine it is one text.
        let columns = columns.map(|column| column.replace("  ", " "));
        self.terms.iter().all(|term| columns.iter().any(|column| term.is_in(column)))
    }

    /// Returns the question in SQL, and what is bound to it.
    fn sql(&self) -> (String, Vec<Value>) {
        let mut bound: Vec<Value> = Vec::new();
        let mut bind = |value: Value| {
            bound.push(value);
            format!("?{}", bound.len())
        };
        let mut wanted: Vec<String> = Vec::new();
        let mut from = "document d";
        if !self.terms.is_empty() {
            let all: Vec<String> = self.terms.iter().map(Term::expression).collect();
            from = "words JOIN document d ON d.record = words.rowid";
            wanted.push(format!("words MATCH {}", bind(all.join(" AND ").into())));
        }
        if let Some(name) = &self.origin {
            let id = bind(name.clone().into());
            let named = Term::of(name, false).map_or(String::new(), |term| {
                let needle = bind(term.needle().into());
                format!(" OR instr(printed_folded, {needle}) > 0 OR instr(label_folded, {needle}) > 0")
            });
            wanted.push(format!(
                "EXISTS(SELECT 1 FROM origin o WHERE o.record = d.record AND (organisation = {id} OR wikidata = {id}{named}))"
            ));
        }
        if let Some(name) = &self.byline {
            match Term::of(name, false) {
                Some(term) => {
                    let needle = bind(term.needle().into());
                    wanted.push(format!(
                        "EXISTS(SELECT 1 FROM byline b WHERE b.record = d.record AND instr(printed_folded, {needle}) > 0)"
                    ));
                }
                None => wanted.push("FALSE".into()),
            }
        }
        if let Some(tag) = &self.language {
            let tag = bind(tag.to_ascii_lowercase().into());
            wanted
                .push(format!("(language = {tag} OR substr(language, 1, length({tag}) + 1) = {tag} || '-')"));
        }
        if let Some(from) = self.from {
            wanted.push(format!("published_last >= {}", bind(from.into())));
        }
        if let Some(to) = self.to {
            wanted.push(format!("published_first <= {}", bind(to.into())));
        }
        if let Some(state) = self.state {
            wanted.push(format!("state = {}", bind(state.word().to_owned().into())));
        }
        let wanted = if wanted.is_empty() { "TRUE".into() } else { wanted.join(" AND ") };
        // Words of the title and of names count for more than those of the text.
        let order = match self.order {
            Order::Rank if !self.terms.is_empty() => "bm25(words, 4.0, 1.0, 3.0, 3.0), ",
            _ => "",
        };
        (format!("SELECT d.record FROM {from} WHERE {wanted} ORDER BY {order}d.record"), bound)
    }
}

impl SearchIndex {
    /// Returns the numbers of all records that were asked for, in the order that was asked for.
    ///
    /// # Errors
    /// [`IndexError::Database`].
    pub fn find(&self, query: &Query) -> Result<Vec<u64>, IndexError> {
        let (sql, bound) = query.sql();
        self.ask(|db| numbers(db, &sql, bound))
    }

    /// Returns the registrations that statements about `records` point to besides: whoever reads what was said of `records`
    /// must read those too.
    ///
    /// # Errors
    /// [`IndexError::Database`].
    pub fn related(&self, records: &[u64]) -> Result<Vec<u64>, IndexError> {
        let sql = "SELECT DISTINCT o.record FROM reference r JOIN reference o ON o.statement = r.statement \
                   WHERE r.record = ?1";
        self.ask(|db| {
            let mut all = Vec::new();
            for record in records {
                all.extend(numbers(db, sql, vec![number(*record).into()])?);
            }
            Ok(all)
        })
    }
}

pub(super) fn numbers(db: &Connection, sql: &str, bound: Vec<Value>) -> Result<Vec<u64>, rusqlite::Error> {
    let mut get = db.prepare_cached(sql)?;
    let rows = get.query_map(rusqlite::params_from_iter(bound), |row| row.get::<_, i64>(0))?;
    rows.map(|record| Ok(record?.cast_unsigned())).collect()
}
