//! Signing what an editor decided: here, where his key is entrusted to the server; else where his key is.

use std::collections::HashMap;
use std::sync::PoisonError;

use askama::Template;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};

use crate::article::Article;
use crate::base::encoding::from_base64;
use crate::base::{PublicKey, Signature};
use crate::log::NewRecord;
use crate::record::entry::Circumstances;
use crate::record::{Decisions, Draft, Kind, Pending, SealedEntry};

use super::super::super::committer::Refusal;
use super::super::super::drafting;
use super::super::super::problem::Problem;
use super::super::super::reading::key_state;
use super::super::super::session::{SameOrigin, Session};
use super::super::words::Words;
use super::super::{App, Frame, html_private, shown};
use super::drafts::Waiting;
use super::must_be_allowed;
use super::review::{find, gone};

/// Makes the statement of what an editor decided, and keeps it with the draft.
pub(super) fn prepared(
    app: &App,
    session: &Session,
    draft: &Waiting,
    article: Article,
    decisions: Decisions,
) -> Result<(), String> {
    let Some(key_id) = session.key_id() else { return Err("you have no key".into()) };
    let mut random = app.random;
    let mut circumstances =
        Circumstances { recorded_by: key_id, recorded_at: (app.now)(), random: &mut random };
    let made = Draft::registration(&article, &decisions, &mut circumstances);
    let made = made.map_err(|error| shown(&error.to_string(), 300))?;
    *draft.prepared.lock().unwrap_or_else(PoisonError::into_inner) = Some((made, decisions));
    Ok(())
}

fn statement_of(draft: &Waiting) -> Option<(Draft, Decisions)> {
    draft.prepared.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Signs with the key that is entrusted to the server, and appends. Returns the record, or why there is none.
pub(super) async fn here(app: &App, session: &Session, w: &Words, draft: &Waiting) -> Result<u64, String> {
    let (signer, prepared) =
        (session.key_id().and_then(|key_id| app.entrusted(&key_id)), statement_of(draft));
    let (Some(signer), Some((statement, decisions))) = (signer, prepared) else {
        return Err(w.t("register.notEntrusted").to_owned());
    };
    let entry = drafting::sign(signer, statement).map_err(|problem| shown(problem.detail(), 300))?;
    append(app, w, draft, entry, &decisions).await
}

async fn append(
    app: &App,
    w: &Words,
    draft: &Waiting,
    entry: SealedEntry,
    decisions: &Decisions,
) -> Result<u64, String> {
    let content = (!decisions.no_store).then(|| draft.bytes.clone());
    let Some(answer) = app.committer.submit(NewRecord { entry, content }, None) else {
        return Err(w.t("register.busy").to_owned());
    };
    match answer.outcome.await {
        Ok(Ok(committed)) => Ok(committed.appended.index()),
        Ok(Err(Refusal::Rejected(why))) => Err(w.t1("register.rejected", shown(&why, 300))),
        Ok(Err(Refusal::Locked)) => Err(w.t("register.busy").to_owned()),
        Ok(Err(Refusal::Unavailable(why))) => Err(w.t1("register.unavailable", shown(&why, 300))),
        Err(_) => Err(w.t("register.busy").to_owned()),
    }
}

#[derive(Template)]
#[template(path = "sign.html")]
struct SignPage {
    f: Frame,
    id: String,
    csrf: String,
    name: String,
    key: String,
    complaint: Option<String>,
    signature: String,
}

/// `GET /register/{draft}/sign`
pub(super) async fn page(
    State(app): State<App>,
    Path(id): Path<String>,
    session: Option<Session>,
    w: Words,
) -> Response {
    let Some(session) = session else { return Redirect::to("/register").into_response() };
    match find(&app, &session, &id).filter(|draft| statement_of(draft).is_some()) {
        Some(draft) => shown_page(&app, &session, w, &id, &draft, None, String::new()),
        None => gone(&app, w),
    }
}

fn shown_page(
    app: &App,
    session: &Session,
    w: Words,
    id: &str,
    draft: &Waiting,
    complaint: Option<String>,
    signature: String,
) -> Response {
    let status = if complaint.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let lang = w.lang;
    let mut f = Frame::new(w.clone(), &app.origin, "register", w.t("register.signTitle").to_owned());
    f.unlisted = true;
    let page = SignPage {
        id: id.to_owned(),
        csrf: session.csrf.clone(),
        name: draft.name.clone(),
        key: session.key_id().map(|key_id| key_id.to_hex()).unwrap_or_default(),
        complaint,
        signature,
        f,
    };
    html_private(status, lang, &page)
}

/// Returns the key of whoever is signed in, if it may register documents.
async fn key_of(app: &App, session: &Session) -> Option<PublicKey> {
    let key_id = session.key_id()?;
    key_state(app).await.ok()?.authorise(&key_id, Kind::Registration).ok()
}

/// `GET /register/{draft}/statement`: what `dateline sign` takes.
pub(super) async fn statement(
    State(app): State<App>,
    Path(id): Path<String>,
    session: Session,
    w: Words,
) -> Response {
    let statement = find(&app, &session, &id).as_deref().and_then(statement_of);
    let (Some((statement, _)), Some(key)) = (statement, key_of(&app, &session).await) else {
        return gone(&app, w);
    };
    let headers = [
        (header::CONTENT_TYPE, "application/vnd.dateline.prepared+json"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"prepared.json\""),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, statement.prepare(&key).format()).into_response()
}

/// Puts on what was signed elsewhere: what `dateline sign` printed, or the bare signature in base64. `None` if it is no signature of
/// this key over this statement.
fn sealed(statement: Draft, key: &PublicKey, given: &str) -> Option<SealedEntry> {
    let prepared = statement.prepare(key);
    if given.trim_start().starts_with('{') {
        let (pending, entry) = Pending::read(given.trim().as_bytes()).ok()?;
        // The same statement, with its own openings: whatever else was pasted is not what was looked at.
        let same = entry.envelope.unverified_payload() == prepared.payload;
        return same.then(|| SealedEntry::checked(pending.bytes, prepared.openings, key).ok()).flatten();
    }
    let text: String = given.chars().filter(|c| !c.is_whitespace()).collect();
    let signature = from_base64(&text).ok().and_then(|bytes| <[u8; 64]>::try_from(bytes).ok())?;
    prepared.seal(Signature(signature)).ok()
}

/// `POST /register/{draft}/sign`: takes a signature that was made elsewhere, and appends.
pub(super) async fn sign(
    State(app): State<App>,
    _: SameOrigin,
    Path(id): Path<String>,
    session: Session,
    headers: HeaderMap,
    w: Words,
    body: Bytes,
) -> Result<Response, Problem> {
    let fields: HashMap<String, String> = url::form_urlencoded::parse(&body).into_owned().collect();
    session.must_mean_it(&headers, fields.get("csrf").map(String::as_str))?;
    must_be_allowed(&app, &session)?;
    let Some(draft) = find(&app, &session, &id) else { return Ok(gone(&app, w)) };
    let Some((statement, decisions)) = statement_of(&draft) else { return Ok(gone(&app, w)) };
    let given = fields.get("signature").cloned().unwrap_or_default();
    let key = key_of(&app, &session).await;
    let done = match key.and_then(|key| sealed(statement, &key, &given)) {
        Some(entry) => append(&app, &w, &draft, entry, &decisions).await,
        None => Err(w.t("register.badSignature").to_owned()),
    };
    Ok(match done {
        Ok(record) => {
            app.drafts.forget(&id, &session.id);
            Redirect::to(&format!("/records/{record}")).into_response()
        }
        Err(complaint) => shown_page(&app, &session, w, &id, &draft, Some(complaint), given),
    })
}
