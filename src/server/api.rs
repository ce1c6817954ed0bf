//! The API, version 1: records in, with a proof as the answer; the checkpoint and proofs out.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::base::Hash;
use crate::base::encoding::from_base64;
use crate::log::{Appended, NewRecord};
use crate::record::{Entry, Kind, Pending, SealedEntry};
use crate::storage::FileStore;
use crate::tlog::leaf_hash;
use crate::verify::read_log_as;

use super::App;
use super::author::Author;
use super::committer::{Committed, Refusal};
use super::drafting::{self, Sent};
use super::problem::Problem;
use super::reading::{blocking, key_state, proof_of, reading, state_of};

/// The media type of a statement that was signed elsewhere: the form of a file in `records/pending/`, with the document
/// beside it where it is to be stored.
const SIGNED: &str = "application/vnd.dateline.pending+json";
/// The media type of a statement that is to be signed elsewhere.
const PREPARED: &str = "application/vnd.dateline.prepared+json";

/// `GET /api/v1/log`: the checkpoint, and whose it is.
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

/// `GET /api/v1/records/{record}/proof`: a `.tlog-proof` file.
pub(super) async fn proof(State(app): State<App>, Path(record): Path<u64>) -> Result<Response, Problem> {
    let file = proof_of(&app, record).await?;
    let name = format!("attachment; filename=\"record-{record}.tlog-proof\"");
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, name),
        (header::CACHE_CONTROL, "no-cache".to_owned()),
    ];
    Ok((headers, file).into_response())
}

/// `POST /api/v1/records`: a document, which is registered as the server reads and signs it; or a statement that was signed
/// elsewhere. Answered when it is durable and in a published checkpoint: 201, or 200 where it was there before.
pub(super) async fn submit(
    State(app): State<App>,
    author: Author,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let sent = Sent::of(&headers, query.as_deref(), body)?;
    let worker = app.clone();
    let record = if sent.media_type == SIGNED {
        blocking(move || signed_elsewhere(&worker, &sent.body)).await?
    } else {
        author.may_have_signed(&app)?;
        blocking(move || {
            let signer = author.signer(&worker)?;
            let article = sent.article(&worker)?;
            let draft = sent.draft(&worker, &article, &signer.public())?;
            let entry = drafting::sign(signer, draft)?;
            Ok(Submitted::New(NewRecord { entry, content: sent.content() }))
        })
        .await?
    };
    answered(&app, record).await
}

/// `POST /api/v1/records/prepare`: a document, whose statement is made ready for a key that is elsewhere: that of whoever is
/// signed in, or the one that `signer` names by its id.
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
    let prepared = blocking(move || {
        let article = sent.article(&worker)?;
        Ok(sent.draft(&worker, &article, &key)?.prepare(&key))
    });
    let headers = [(header::CONTENT_TYPE, PREPARED), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, prepared.await?.format()).into_response())
}

/// Appends a record, and answers with its proof.
pub(super) async fn answered(app: &App, record: Submitted) -> Result<Response, Problem> {
    let (appended, checkpoint_size) = match record {
        Submitted::There(index, size) => (Appended::AlreadyRegistered(index), size),
        Submitted::New(record) => {
            let answer = app.committer.submit(record).ok_or_else(|| Problem::too_many(1))?;
            let gone = |_| Problem::unavailable("the writer ended before it was answered: send it again");
            let Committed { appended, checkpoint } = answer.await.map_err(gone)?.map_err(refused)?;
            (appended, checkpoint.size())
        }
    };
    let index = appended.index();
    let proof = proof_of(app, index).await?;
    let (status, outcome) = match appended {
        Appended::Registered(_) => (StatusCode::CREATED, "registered"),
        Appended::AlreadyRegistered(_) => (StatusCode::OK, "alreadyRegistered"),
    };
    let told = json!({"record": index, "outcome": outcome, "logSize": checkpoint_size, "proof": proof});
    let location = format!("/api/v1/records/{index}/proof");
    Ok((status, [(header::LOCATION, location)], Json(told)).into_response())
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
    let store = FileStore::reader(&app.records);
    let leaf = leaf_hash(&pending.bytes);
    let checked: Result<_, Problem> = read_log_as(&store, &app.trust, |reader| {
        // A registration that is there is found by its document; of anything else, the same bytes are looked for.
        let there = match entry.original() {
            Some(_) => None,
            None => reader.find_leaves(&[leaf].into())?.remove(&leaf),
        };
        Ok((there, reader.size(), reader.why_not(&entry)?, state_of(reader, app)?))
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
