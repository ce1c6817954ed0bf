//! The API, version 1: records in, with a proof as the answer; the checkpoint and proofs out.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::article::{self, ReadOptions};
use crate::base::Hash;
use crate::base::encoding::from_base64;
use crate::base::limits::DOCUMENT_MAX_BYTES;
use crate::keys::Signer;
use crate::log::{Appended, NewRecord};
use crate::record::entry::Circumstances;
use crate::record::{Decisions, Draft, Entry, Kind, Pending, SealedEntry};
use crate::storage::FileStore;
use crate::tlog::leaf_hash;
use crate::verify::read_log_as;

use super::App;
use super::committer::{Committed, Refusal};
use super::problem::Problem;
use super::rate::Who;
use super::reading::{blocking, proof_of, reading, state_of};
use super::tokens::Scope;

/// The media type of a statement that was signed elsewhere: the form of a file in `records/pending/`, with the document
/// beside it where it is to be stored.
const SIGNED: &str = "application/vnd.dateline.pending+json";

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
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let scope = authorised(&app, &headers).await?;
    let media_type =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (media_type, charset) = parted(media_type);
    let worker = app.clone();
    let record = if media_type == SIGNED {
        blocking(move || signed_elsewhere(&worker, &body)).await?
    } else {
        if scope != Scope::Submit {
            return Err(Problem::forbidden("this token is for statements that were signed elsewhere"));
        }
        if body.len() as u64 > DOCUMENT_MAX_BYTES {
            return Err(Problem::too_large(DOCUMENT_MAX_BYTES));
        }
        let said = Said::of(query.as_deref().unwrap_or_default())?;
        blocking(move || drafted(&worker, &body, &media_type, charset.as_deref(), &said).map(Submitted::New))
            .await?
    };
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
    let proof = proof_of(&app, index).await?;
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

/// Finds the token of a request, and holds it to its rate.
async fn authorised(app: &App, headers: &HeaderMap) -> Result<Scope, Problem> {
    let none = || Problem::unauthorised("send a token: Authorization: Bearer dateline_…");
    let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).ok_or_else(none)?;
    let secret = value.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let secret = secret.map(|(_, secret)| secret.trim().to_owned()).ok_or_else(none)?;
    let held = app.clone();
    let token = blocking(move || Ok(held.tokens.find(&secret, (held.now)())?)).await?;
    let token = token.ok_or_else(|| Problem::unauthorised("the token is unknown, expired or revoked"))?;
    app.may_write(Who::Token(token.sha256))?;
    Ok(token.scope)
}

/// Parts a media type from its charset.
fn parted(value: &str) -> (String, Option<String>) {
    let mut parts = value.split(';').map(str::trim);
    let media_type = parts.next().unwrap_or_default().to_ascii_lowercase();
    let charset = parts.find_map(|part| {
        let (name, value) = part.split_once('=')?;
        name.eq_ignore_ascii_case("charset").then(|| value.trim_matches('"').to_owned())
    });
    (media_type, charset)
}

/// What a client says of a document, in the query.
struct Said {
    file_name: Option<String>,
    decisions: Decisions,
}

impl Said {
    fn of(query: &str) -> Result<Self, Problem> {
        let mut said = Said { file_name: None, decisions: Decisions::default() };
        let is_true = |value: &str| matches!(value, "" | "1" | "true");
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let (decisions, value) = (&mut said.decisions, value.into_owned());
            match name.as_ref() {
                "fileName" => said.file_name = Some(value),
                "origin" => decisions.origins.push(value),
                "byline" => decisions.bylines.push(value),
                "title" => decisions.title = Some(value),
                "language" => decisions.language = Some(value),
                "publisher" => decisions.publisher = Some(value),
                "published" => decisions.published_at = Some(value),
                "url" => decisions.url = Some(value),
                "note" => decisions.note = Some(value),
                "noQuotes" => decisions.no_quotes = is_true(&value),
                "noStore" => decisions.no_store = is_true(&value),
                other => {
                    let known = "fileName, origin, byline, title, language, publisher, published, url, note, noQuotes, noStore";
                    let other: String = other.chars().take(40).collect();
                    return Err(Problem::bad_request(format!(
                        "there is no parameter {other:?}; there are {known}"
                    )));
                }
            }
        }
        said.decisions.check().map_err(|error| Problem::bad_request(error.to_string()))?;
        Ok(said)
    }
}

/// What was sent, ready for the writer; or where it is already, and how many entries the log has.
enum Submitted {
    New(NewRecord),
    There(u64, u64),
}

/// Reads a document, and signs its registration.
fn drafted(
    app: &App,
    bytes: &[u8],
    media_type: &str,
    charset: Option<&str>,
    said: &Said,
) -> Result<NewRecord, Problem> {
    let signer = app.signer.as_ref().ok_or_else(|| {
        Problem::forbidden("this server signs nothing: send statements that were signed elsewhere")
    })?;
    let media_type = Some(media_type).filter(|one| !one.is_empty() && *one != "application/octet-stream");
    let options = ReadOptions {
        file_name: said.file_name.as_deref(),
        media_type,
        charset,
        url: said.decisions.url.as_deref(),
    };
    let unreadable = |error: article::ReadError| Problem::rejected(error.to_string());
    if article::open(bytes, &options).map_err(unreadable)?.is_some() {
        return Err(Problem::rejected("it holds several documents: send each by itself"));
    }
    let (format, extract) = article::extract(bytes, &options).map_err(unreadable)?;
    let mut article = article::claims_with(bytes, format, extract, &app.authority);
    said.decisions.apply(&mut article);
    let mut random = app.random;
    let public = signer.public();
    let mut circumstances =
        Circumstances { recorded_by: public.key_id(), recorded_at: (app.now)(), random: &mut random };
    let rejected = |error: crate::record::EntryError| Problem::rejected(error.to_string());
    let draft = Draft::registration(&article, &said.decisions, &mut circumstances).map_err(rejected)?;
    let entry = match signer {
        Signer::Memory(key) => draft.sign(key).map_err(rejected)?,
        Signer::Agent { .. } => {
            let signature = signer.sign(&draft.to_be_signed());
            let signature = signature.map_err(|error| Problem::unavailable(error.to_string()))?;
            draft.seal(&public, signature).map_err(rejected)?
        }
    };
    let content = (!said.decisions.no_store).then(|| bytes.to_vec());
    Ok(NewRecord { entry, content })
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
