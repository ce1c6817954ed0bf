//! The API, version 1: records in, with a proof as the answer; the checkpoint and proofs out.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query as QueryOf, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::oneshot;
use utoipa::IntoParams;

use crate::article::Article;
use crate::base::Hash;
use crate::base::encoding::from_base64;
use crate::log::{Appended, NewRecord};
use crate::record::{Entry, Kind, Pending, SealedEntry};
use crate::tlog::leaf_hash;
use crate::verify::read_log_as;

use super::App;
use super::author::Author;
use super::committer::{Awaited, Committed, Refusal};
use super::drafting::{self, Sent};
use super::problem::Problem;
use super::reading::{
    Number, blocking, key_state, proof_of, proof_of_appended, provable, reading, statements,
};
use super::{look, openapi};

/// The media type of a statement that was signed elsewhere: the form of a file in `records/pending/`, with the document
/// beside it where it is to be stored.
const SIGNED: &str = "application/vnd.dateline.pending+json";
/// The media type of a statement that is to be signed elsewhere.
const PREPARED: &str = "application/vnd.dateline.prepared+json";

/// The checkpoint, and whose it is.
#[utoipa::path(get, path = "/api/v1/log", responses((status = 200, body = openapi::Log)))]
pub(super) async fn log(State(app): State<App>) -> Result<Json<Value>, Problem> {
    let told = reading(&app, |reader, _| {
        let checkpoint = reader.checkpoint();
        Ok(json!({
            "logOrigin": checkpoint.origin().as_str(), "logKey": reader.log().to_string(),
            "checkpoint": {"size": checkpoint.size(), "rootHash": checkpoint.root_hash()},
            "note": String::from_utf8_lossy(reader.checkpoint_bytes()),
        }))
    });
    told.await.map(Json)
}

/// Which checkpoints are asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(super) struct AskedCheckpoints {
    /// Those of fewer entries
    #[param(maximum = 9_223_372_036_854_775_807_u64)]
    before: Option<u64>,
    /// So many at most, the latest
    #[param(minimum = 1, maximum = 1_000, default = 100)]
    limit: Option<usize>,
}

/// Checkpoints that were published, the latest last: the one that is in force, and earlier ones, of which one each ten minutes is kept.
#[utoipa::path(get, path = "/api/v1/checkpoints", params(AskedCheckpoints), responses((status = 200, body = openapi::Checkpoints)))]
pub(super) async fn checkpoints(
    State(app): State<App>,
    asked: Result<QueryOf<AskedCheckpoints>, QueryRejection>,
) -> Result<Json<Value>, Problem> {
    let QueryOf(asked) = asked.map_err(|rejection| Problem::bad_request(rejection.body_text()))?;
    let limit = asked.limit.unwrap_or(100);
    if !(1..=1_000).contains(&limit) {
        return Err(Problem::bad_request("limit is from 1 to 1000"));
    }
    let before = asked.before.unwrap_or(u64::MAX);
    let told = reading(&app, move |reader, app| {
        let size = reader.size();
        let in_force = (size < before).then(|| {
            let note = String::from_utf8_lossy(reader.checkpoint_bytes()).into_owned();
            json!({"size": size, "rootHash": reader.checkpoint().root_hash(), "note": note})
        });
        let earlier = limit - usize::from(in_force.is_some());
        let past = app.history.before(&app.trust.policy, size.min(before), earlier)?;
        let past = past.into_iter().map(|past| {
            json!({"size": past.size, "rootHash": past.root, "note": past.note, "seenAt": past.seen_at})
        });
        let all: Vec<Value> = past.chain(in_force).collect();
        Ok(json!({"checkpoints": all, "kept": "everyTenMinutes"}))
    });
    told.await.map(Json)
}

/// A `.tlog-proof` file, by which anybody can check a record offline.
#[utoipa::path(get, path = "/api/v1/records/{record}/proof", params(("record" = u64, Path, maximum = 9_223_372_036_854_775_807_u64)), responses((status = 200, body = String, content_type = "text/plain")))]
pub(super) async fn proof(State(app): State<App>, Number(record): Number) -> Result<Response, Problem> {
    let file = proof_of(&app, record).await?;
    let name = format!("attachment; filename=\"record-{record}.tlog-proof\"");
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, name),
        (header::CACHE_CONTROL, "no-cache".to_owned()),
    ];
    Ok((headers, file).into_response())
}

/// Registers a document, as the server reads and signs it; or a statement that was signed elsewhere. Answered when it is durable and in
/// a published checkpoint: 201, or 200 where it was there before.
#[utoipa::path(post, path = "/api/v1/records", params(drafting::SaidParams), request_body(content = Vec<u8>, content_type = "application/octet-stream"), responses((status = 201, body = openapi::Registered), (status = 200, body = openapi::Registered)))]
pub(super) async fn submit(
    State(app): State<App>,
    author: Author,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let sent = Sent::of(&headers, query.as_deref(), body)?;
    let worker = app.clone();
    if sent.media_type == SIGNED {
        let record = blocking(move || signed_elsewhere(&worker, &sent.body)).await?;
        return answered(&app, record, None).await;
    }
    author.may_have_signed(&app)?;
    let (record, article) = app
        .turns
        .take(move || {
            let signer = author.signer(&worker)?;
            let article = sent.article(&worker)?;
            let draft = sent.draft(&worker, &article, &signer.public())?;
            let entry = drafting::sign(signer, draft)?;
            Ok((Submitted::New(NewRecord { entry, content: sent.content() }), article))
        })
        .await?;
    answered(&app, record, Some(article)).await
}

/// Makes a document's statement ready for a key that is elsewhere: that of whoever is signed in, or the one that `signer` names by its
/// id.
#[utoipa::path(post, path = "/api/v1/records/prepare", params(drafting::SaidParams), request_body(content = Vec<u8>, content_type = "application/octet-stream"), responses((status = 200, body = openapi::PreparedStatement, content_type = "application/vnd.dateline.prepared+json")))]
pub(super) async fn prepare(
    State(app): State<App>,
    author: Author,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let sent = Sent::of(&headers, query.as_deref(), body)?;
    let key_id = match (author.key_id(), sent.signer) {
        (Some(own), None) => own,
        (Some(own), Some(named)) if own == named => own,
        (None, Some(named)) => named,
        (Some(_), Some(_)) => return Err(Problem::forbidden("another's statement is not made ready")),
        (None, None) => return Err(Problem::bad_request("name the key that is to sign: ?signer=<key id>")),
    };
    let state = key_state(&app).await?;
    let key = state.authorise(&key_id, Kind::Registration);
    let key = key.map_err(|error| Problem::forbidden(error.to_string()))?;
    let worker = app.clone();
    let prepared = app.turns.take(move || {
        let article = sent.article(&worker)?;
        Ok(sent.draft(&worker, &article, &key)?.prepare(&key))
    });
    let headers = [(header::CONTENT_TYPE, PREPARED), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, prepared.await?.format()).into_response())
}

/// Records that may wait for the writer while what is registered is still held against others; when more do, it has no time for that.
const WAITING_MAX: usize = 32;

/// How long an answer that has its proof waits for what the log has that is like it: the index may be written just then.
const WARNINGS_WAIT: Duration = Duration::from_millis(250);

/// Appends a record, and answers with its proof; meanwhile holds its text against what is registered.
pub(super) async fn answered(
    app: &App,
    record: Submitted,
    article: Option<Article>,
) -> Result<Response, Problem> {
    let has_time = app.committer.waiting() <= WAITING_MAX;
    let article = article.map(Arc::new);
    let (appended, checkpoint_size, provable, warnings) = match record {
        Submitted::There(index, size) => (Appended::AlreadyRegistered(index), size, None, None),
        Submitted::New(record) => {
            let (entry, looked_for) = (record.entry.clone(), article.clone().filter(|_| has_time));
            let Awaited { begun, outcome } = submitted(app, record, article)?;
            // What need not wait for the disk is done while the writer does.
            let meanwhile = async {
                let _ = begun.await;
                let warnings = looked_for.map(|article| {
                    let app = app.clone();
                    tokio::spawn(async move { look::warnings(&app, article).await })
                });
                Ok((provable(app, entry).await, warnings))
            };
            // Who is refused does not wait.
            let (Committed { appended, checkpoint }, (provable, warnings)) =
                tokio::try_join!(published(outcome), meanwhile)?;
            (appended, checkpoint.size(), Some(provable), warnings)
        }
    };
    let index = appended.index();
    let (status, outcome, proof) = match (appended, provable) {
        (Appended::Registered(_), Some(provable)) => {
            (StatusCode::CREATED, "registered", proof_of_appended(app, index, provable?).await?)
        }
        _ => (StatusCode::OK, "alreadyRegistered", proof_of(app, index).await?),
    };
    // That others cannot be read takes nothing back, and nobody waits long for it: null says that it was not looked. What was there
    // before is said to be.
    let warnings = match warnings {
        Some(mut warnings) => {
            let looked = tokio::time::timeout(WARNINGS_WAIT, &mut warnings).await;
            // Nobody looks for nobody.
            warnings.abort();
            looked.ok().and_then(Result::ok).and_then(Result::ok)
        }
        None => None,
    };
    let warnings = if status == StatusCode::CREATED { warnings } else { warnings.map(|_| Vec::new()) };
    let told = json!({
        "record": index, "outcome": outcome, "logSize": checkpoint_size, "proof": proof, "warnings": warnings,
    });
    let location = format!("/api/v1/records/{index}/proof");
    Ok((status, [(header::LOCATION, location)], Json(told)).into_response())
}

/// Appends a record, and waits until it is published.
pub(super) async fn committed(
    app: &App,
    record: NewRecord,
    article: Option<Arc<Article>>,
) -> Result<Committed, Problem> {
    published(submitted(app, record, article)?.outcome).await
}

fn submitted(app: &App, record: NewRecord, article: Option<Arc<Article>>) -> Result<Awaited, Problem> {
    app.committer.submit(record, article).ok_or_else(|| Problem::too_many(1))
}

async fn published(outcome: oneshot::Receiver<Result<Committed, Refusal>>) -> Result<Committed, Problem> {
    let gone = |_| Problem::unavailable("the writer ended before it was answered: send it again");
    outcome.await.map_err(gone)?.map_err(refused)
}

fn refused(refusal: Refusal) -> Problem {
    match refusal {
        Refusal::Rejected(why) => Problem::rejected(why),
        Refusal::Locked => Problem::unavailable("another process writes to the log: send it again"),
        Refusal::Unavailable(why) => Problem::unavailable(why),
    }
}

/// What was sent, ready for the writer; or where it is already, and how many entries the log has.
pub(super) enum Submitted {
    New(NewRecord),
    There(u64, u64),
}

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    document: Option<String>,
}

/// Checks a statement that was signed elsewhere against the log as it is published.
fn signed_elsewhere(app: &App, body: &[u8]) -> Result<Submitted, Problem> {
    let unreadable = |why: String| Problem::bad_request(format!("it is not a signed statement: {why}"));
    let (pending, entry) = Pending::read(body).map_err(|error| unreadable(error.to_string()))?;
    let Document { document } =
        serde_json::from_slice(body).map_err(|error| unreadable(error.to_string()))?;
    let content = match document.as_deref().map(from_base64) {
        None => None,
        Some(Ok(bytes)) if entry.original() == Some(Hash::of(&bytes)) => Some(bytes),
        Some(Ok(_)) => {
            return Err(Problem::rejected("the document is not the one that the statement registers"));
        }
        Some(Err(error)) => return Err(unreadable(error.to_string())),
    };
    if entry.kind() == Some(Kind::Key) {
        return Err(Problem::forbidden(
            "statements about keys are made where the root keys are: dateline key",
        ));
    }
    let store = app.records.reader();
    let leaf = leaf_hash(&pending.bytes);
    let checked: Result<_, Problem> = read_log_as(&store, &app.trust, |reader| {
        // A registration that is there is found by its document; of anything else, the same bytes are looked for.
        let there = match entry.original() {
            Some(_) => None,
            None => reader.find_leaves(&[leaf].into())?.remove(&leaf),
        };
        Ok((there, reader.size(), reader.why_not(&entry)?, Arc::clone(statements(reader, app)?.state())))
    });
    let (there, size, why_not, state) = checked?;
    if let Some(index) = there {
        return Ok(Submitted::There(index, size));
    }
    if let Some(why) = why_not {
        return Err(Problem::rejected(why));
    }
    let kind =
        entry.kind().ok_or_else(|| Problem::rejected("a statement of a kind that is not known here"))?;
    let key = state.authorise(&entry.envelope.key_id(), kind);
    let key = key.map_err(|error| Problem::forbidden(error.to_string()))?;
    let opened = Entry::parse_opened(&pending.bytes, &pending.openings).ok().map(|opened| opened.withheld);
    if !matches!(opened, Some(Ok(_))) {
        return Err(Problem::rejected("the openings are not those of the statement"));
    }
    let sealed = SealedEntry::checked(pending.bytes, pending.openings, &key);
    let entry = sealed.map_err(|error| Problem::rejected(error.to_string()))?;
    Ok(Submitted::New(NewRecord { entry, content }))
}
