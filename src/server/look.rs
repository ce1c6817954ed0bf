//! What the API tells of records: found, one by one, and what a document has to do with them. The same as the command line tells
//! with `--format json`, by the same code.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query as QueryOf, State};
use axum::http::HeaderMap;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::IntoParams;

use crate::article::{self, Article, ReadOptions};
use crate::base::Hash;
use crate::base::limits::{DOCUMENT_MAX_BYTES, QUERY_MAX_CHARS};
use crate::index::{IndexError, Order, Query, RecordState, SearchIndex, Source, Term, Ways, search, span};
use crate::look::{basis, document, is_stored, record as one_record, trace};
use crate::record::Lineage;
use crate::verify::{LogReader, read_log_at_length};

use super::App;
use super::openapi::{Found, Looked, Traced};
use super::problem::Problem;
use super::reading::{Number, reading, reading_in};

/// Records of a page.
const PAGE_MAX: usize = 100;
/// Records that can be passed over.
const OFFSET_MAX: usize = 10_000_000;
/// From how many entries on it is told that the search index does not have them yet, and how often.
const TOLD_FROM: u64 = 256;
const TOLD_EVERY: Duration = Duration::from_secs(5);

impl From<IndexError> for Problem {
    fn from(error: IndexError) -> Self {
        match error {
            IndexError::Log(error) => error.into(),
            other => Problem::unavailable(other.to_string()),
        }
    }
}

/// Gives `read` the log, and where to look in it.
async fn looking<T: Send + 'static>(
    app: &App,
    read: impl Fn(&Source<'_>, &App) -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    reading(app, move |reader, app| with_source(reader, app, |source| read(source, app))).await
}

fn with_source<T>(reader: &LogReader<'_>, app: &App, read: impl FnOnce(&Source<'_>) -> T) -> T {
    let store = app.records.reader();
    let (trust, records) = (&*app.trust, app.records.derived());
    read(&Source { reader, store: &store, trust, records, progress: &|_, _| {} })
}

/// Which records are asked for: those of which all that is said here holds.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(super) struct Asked {
    /// Words that occur in the text, the title, the origins or the bylines; "words that follow each other"; beginnings*
    #[param(max_length = 1000)]
    words: Option<String>,
    /// An origin that was claimed: words as printed, an id of the authority file, or a Wikidata item
    #[param(max_length = 1000)]
    origin: Option<String>,
    /// Words of a byline
    #[param(max_length = 1000)]
    byline: Option<String>,
    /// The language: fr takes fr-CA too
    #[param(max_length = 1000)]
    language: Option<String>,
    /// Published on or after this date: 2026, 2026-11, 2026-11-23, or a time
    from: Option<String>,
    /// Published on or before this date
    to: Option<String>,
    /// What became of it, the gravest counts
    state: Option<String>,
    /// So many at most
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<usize>,
    /// Pass over so many first
    #[param(minimum = 0, maximum = 10_000_000, default = 0)]
    offset: Option<usize>,
}

impl Asked {
    /// Returns the query, how many are wanted, and how many are passed over.
    fn query(self) -> Result<(Query, usize, usize), Problem> {
        let bad = |why: String| Problem::bad_request(why);
        let texts = [&self.words, &self.origin, &self.byline, &self.language];
        if texts.into_iter().flatten().any(|text| text.chars().count() > QUERY_MAX_CHARS) {
            return Err(bad(format!("more than {QUERY_MAX_CHARS} characters are searched for")));
        }
        let terms = match &self.words {
            None => Vec::new(),
            Some(words) => match Term::all_of(words) {
                terms if terms.is_empty() => {
                    return Err(bad("there is no letter and no digit in what is searched for".into()));
                }
                terms => terms,
            },
        };
        let day = |text: &Option<String>| match text {
            None => Ok(None),
            Some(text) => span(text)
                .map(Some)
                .ok_or_else(|| bad("from and to are dates like 2026-11-23, 2026-11 or 2026".into())),
        };
        let state = match &self.state {
            None => None,
            Some(word) => {
                let known = RecordState::ALL.into_iter().find(|state| state.word() == word);
                let words = RecordState::ALL.map(RecordState::word).join(", ");
                Some(known.ok_or_else(|| bad(format!("state is one of {words}")))?)
            }
        };
        let limit = self.limit.unwrap_or(20);
        let offset = self.offset.unwrap_or(0);
        if !(1..=PAGE_MAX).contains(&limit) || offset > OFFSET_MAX {
            return Err(bad(format!("limit is from 1 to {PAGE_MAX}, offset at most {OFFSET_MAX}")));
        }
        let query = Query {
            terms,
            from: day(&self.from)?.map(|span| *span.start()),
            to: day(&self.to)?.map(|span| *span.end()),
            origin: self.origin,
            byline: self.byline,
            language: self.language,
            state,
            order: Order::Rank,
        };
        Ok((query, limit, offset))
    }
}

/// Finds records, the best first; without words, all in the order of the log.
#[utoipa::path(get, path = "/api/v1/records", params(Asked), responses((status = 200, body = Found)))]
pub(super) async fn list(
    State(app): State<App>,
    asked: Result<QueryOf<Asked>, QueryRejection>,
) -> Result<Json<Value>, Problem> {
    let QueryOf(asked) = asked.map_err(|rejection| Problem::bad_request(rejection.body_text()))?;
    let (query, limit, offset) = asked.query()?;
    let found = looking(&app, move |source, _| {
        let page = |total: usize| offset.min(total)..offset.saturating_add(limit).min(total);
        let found = search(source, &query, false, page)?;
        let records = found.hits.iter().filter_map(|hit| {
            let mut members = one_record::listed(&hit.record)?;
            members.insert("state".into(), json!(hit.state.word()));
            members.insert("snippet".into(), json!(hit.snippet));
            Some(Value::Object(members))
        });
        Ok(json!({"total": found.total, "first": found.first, "records": records.collect::<Vec<_>>()}))
    });
    found.await.map(Json)
}

/// One record, with all that was said of it.
#[utoipa::path(get, path = "/api/v1/records/{record}", params(("record" = u64, Path, maximum = 9_223_372_036_854_775_807_u64)), responses((status = 200, body = Looked)))]
pub(super) async fn record(State(app): State<App>, Number(index): Number) -> Result<Json<Value>, Problem> {
    let told = looking(&app, move |source, app| {
        let (mut picked, basis) = basis::look_up(source, &BTreeSet::from([index]), false)?;
        let record = picked.records.remove(&index).ok_or_else(|| source.reader.no_record(index))?;
        let stored = record.entry.original().map(|original| is_stored(source.store, &original));
        let checkpoint = source.reader.checkpoint();
        Ok(one_record::json(&record, &picked.standings, checkpoint, stored, basis, (app.now)()))
    });
    told.await.map(Json)
}

/// What a record rests on, directly and through others.
#[utoipa::path(get, path = "/api/v1/records/{record}/lineage", params(("record" = u64, Path, maximum = 9_223_372_036_854_775_807_u64)), responses((status = 200, body = Traced)))]
pub(super) async fn lineage(State(app): State<App>, Number(index): Number) -> Result<Json<Value>, Problem> {
    let told = looking(&app, move |source, app| {
        let told = basis::relations(source, |_| Ok(vec![index]), Ways::ON, false)?;
        let lineage = Lineage::of(&told.standings);
        let root = match lineage.node(index) {
            Some(root) => root,
            None if index < source.reader.size() => {
                return Err(Problem::not_found(format!("entry {index} is no registration that holds")));
            }
            None => return Err(source.reader.no_record(index).into()),
        };
        let reading = (source.reader, told.keys.as_deref());
        let (_, told) = trace::trace(reading, &lineage, root, &app.authority, true, (app.now)())?;
        Ok(told)
    });
    told.await.map(Json)
}

/// What a document is called, and whether differences are asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(super) struct AskedOf {
    /// The document's file name
    file_name: Option<String>,
    /// Tell what differs from the registered text
    diff: Option<bool>,
}

/// Says whether a document is registered, or is like what is, and what became of that. Nothing is kept of it.
#[utoipa::path(post, path = "/api/v1/check", params(AskedOf), request_body(content = Vec<u8>, content_type = "application/octet-stream"), responses((status = 200, body = super::openapi::Checked)))]
pub(super) async fn check(
    State(app): State<App>,
    asked: Result<QueryOf<AskedOf>, QueryRejection>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Problem> {
    let QueryOf(asked) = asked.map_err(|rejection| Problem::bad_request(rejection.body_text()))?;
    if body.len() as u64 > DOCUMENT_MAX_BYTES {
        return Err(Problem::too_large(DOCUMENT_MAX_BYTES));
    }
    let told = looking(&app, move |source, app| {
        let (media_type, charset) = super::drafting::media_type_of(&headers);
        let options = ReadOptions {
            file_name: asked.file_name.as_deref(),
            media_type: media_type.as_deref(),
            charset: charset.as_deref(),
            ..ReadOptions::default()
        };
        // A document that cannot be read as text can still be known by its bytes.
        let article = article::read(&body, &options).ok().filter(|article| !article.text.is_empty());
        let (original, with_diff) = (Hash::of(&body), asked.diff.unwrap_or(false));
        let known = document::know(source, &original, article.as_ref(), false)?;
        let name = asked.file_name.as_deref().unwrap_or("-");
        Ok(document::json(name, &original, article.as_ref(), &known, with_diff, (app.now)()))
    });
    told.await.map(Json)
}

/// Returns what an editor should know of a document that is being registered. Few look at a time: while the index is written, each
/// waits for it.
pub(super) async fn warnings(app: &App, article: Arc<Article>) -> Result<Vec<Value>, Problem> {
    reading_in(&app.looks, app, move |reader, app| {
        let warnings = with_source(reader, app, |source| app.recent.warnings(source, &article))?;
        Ok(warnings.iter().map(|warning| json!(warning)).collect())
    })
    .await
}

/// Brings the search index up to date, and returns how many entries it knows then. Says how far it is where that takes long, as on a
/// new node.
pub(super) async fn follow(app: &App) -> Result<u64, Problem> {
    let held = app.clone();
    let followed = app.indexing.take(move || {
        let app = &held;
        let (store, last) = (app.records.reader(), Cell::new(None::<Instant>));
        let progress = |done: u64, size: u64| {
            app.metrics.indexed(done);
            let behind = size.saturating_sub(done) >= TOLD_FROM;
            if last.get().map_or(behind, |last| last.elapsed() >= TOLD_EVERY) {
                last.set(Some(Instant::now()));
                tracing::info!(done, size, "the search index catches up");
            }
        };
        read_log_at_length(&store, &app.trust, |reader| {
            let (trust, records) = (&*app.trust, app.records.derived());
            let source = Source { reader, store: &store, trust, records, progress: &progress };
            Ok(SearchIndex::open(&source).map(|_| reader.size())?)
        })
    });
    followed.await
}
