//! Registering documents: drop, paste or name them, look at what was found, answer what is not sure, sign.
//!
//! ```text
//! POST /register ─► read, compared ─► a draft, of this session ─► GET /register/{draft}: look ─► POST: sign, append ─► the record
//!                                                                  └ a key that is not here: POST /register/{draft}/sign
//! ```
//!
//! The server signs for the one whose key is entrusted to it, and for nobody else: others take the statement, sign it where their key
//! is, and bring the signature.

mod alike;
pub(in crate::server) mod drafts;
mod intake;
mod review;
mod sign;

use askama::Template;
use axum::Json;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Multipart, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};

use crate::article::Strength;
use crate::base::Hash;
use crate::base::limits::DOCUMENT_MAX_BYTES;
use crate::record::Kind;

use super::super::problem::Problem;
use super::super::rate::Who;
use super::super::session::{SameOrigin, Session};
use super::words::Words;
use super::{App, Frame, html_private, shown};
use drafts::Waiting;

/// Bytes of a form without documents.
const FORM_MAX_BYTES: usize = 256 * 1024;

/// The pages for registering.
pub(super) fn routes() -> Router<App> {
    let limit = usize::try_from(DOCUMENT_MAX_BYTES).unwrap_or(usize::MAX);
    let documents = Router::new()
        .route("/register", get(form).post(upload))
        // One document of the largest size, or several, with what else a form holds.
        .layer(DefaultBodyLimit::max(2 * limit));
    let forms = Router::new()
        .route("/register/{draft}", get(review::page).post(review::confirm))
        .route("/register/{draft}/discard", post(review::discard))
        .route("/register/{draft}/sign", get(sign::page).post(sign::sign))
        .route("/register/{draft}/statement", get(sign::statement))
        .layer(DefaultBodyLimit::max(FORM_MAX_BYTES));
    documents.merge(forms)
}

/// A draft, as it is listed.
struct Listed {
    id: String,
    name: String,
    title: Option<String>,
    origins: Vec<String>,
    questions: usize,
    warnings: usize,
    grave: bool,
    already: Option<u64>,
}

impl Listed {
    fn of(id: &str, draft: &Waiting) -> Self {
        let article = &draft.article;
        Listed {
            id: id.to_owned(),
            name: shown(&draft.name, 120),
            title: article.title.as_ref().map(|title| shown(&title.value, 200)),
            origins: article.claimed_origins.iter().take(4).map(|one| shown(&one.as_printed, 80)).collect(),
            questions: questions(draft),
            warnings: draft.alike.len(),
            grave: draft.alike.iter().any(|one| one.how == alike::How::Numbers),
            already: draft.already,
        }
    }

    fn json(&self) -> Value {
        json!({
            "draft": self.id, "review": format!("/register/{}", self.id), "name": self.name, "title": self.title,
            "origins": self.origins, "questions": self.questions, "warnings": self.warnings, "grave": self.grave,
            "record": self.already,
        })
    }
}

/// Returns how many finds a person must be asked about.
fn questions(draft: &Waiting) -> usize {
    let weak = |strength: Strength| strength < Strength::Strong;
    let article = &draft.article;
    let origins = article.claimed_origins.iter().filter(|one| weak(one.evidence.strength())).count();
    origins + article.bylines.iter().filter(|one| weak(one.evidence.strength())).count()
}

#[derive(Template)]
#[template(path = "register.html")]
struct RegisterPage {
    f: Frame,
    /// Whether whoever looks may register.
    may: bool,
    signed_in: bool,
    csrf: String,
    whose: String,
    /// Whether the server signs for him.
    entrusted: bool,
    complaints: Vec<String>,
    text: String,
    url: String,
    waiting: Vec<Listed>,
    limit: String,
}

/// `GET /register`
async fn form(State(app): State<App>, session: Option<Session>, w: Words) -> Response {
    page(&app, session.as_ref(), w, StatusCode::OK, Vec::new(), &intake::Sent::default())
}

fn page(
    app: &App,
    session: Option<&Session>,
    w: Words,
    status: StatusCode,
    complaints: Vec<String>,
    sent: &intake::Sent,
) -> Response {
    let lang = w.lang;
    let may = session.is_some_and(|session| session.may(Kind::Registration));
    let waiting = session.map(|session| app.drafts.of(&session.id, (app.now)())).unwrap_or_default();
    let mut f = Frame::new(w.clone(), &app.origin, "register", w.t("nav.register").to_owned());
    f.unlisted = true;
    let page = RegisterPage {
        may,
        signed_in: session.is_some(),
        csrf: session.map(|session| session.csrf.clone()).unwrap_or_default(),
        whose: session.map(|session| w.named(&session.person, 80)).unwrap_or_default(),
        entrusted: session.is_some_and(|session| is_entrusted(app, session)),
        complaints,
        text: sent.text.clone(),
        url: sent.url.clone(),
        waiting: waiting.iter().map(|(id, draft)| Listed::of(id, draft)).collect(),
        limit: w.bytes(DOCUMENT_MAX_BYTES),
        f,
    };
    html_private(status, lang, &page)
}

/// Whether the server has the key of whoever is signed in.
fn is_entrusted(app: &App, session: &Session) -> bool {
    session.key_id().is_some_and(|key_id| app.entrusted(&key_id).is_some())
}

/// Whether a script asks, or a person.
fn wants_json(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.starts_with("application/json"))
}

/// Refuses who may not register, and who asks too often.
fn must_be_allowed(app: &App, session: &Session) -> Result<(), Problem> {
    if !session.may(Kind::Registration) {
        return Err(Problem::forbidden("your key may not register documents"));
    }
    app.may_write(Who::Token(Hash::of(session.id.as_bytes())))
}

/// `POST /register`: documents, a text or an address. Each document becomes a draft.
async fn upload(
    State(app): State<App>,
    _: SameOrigin,
    session: Session,
    headers: HeaderMap,
    w: Words,
    multipart: Multipart,
) -> Result<Response, Problem> {
    must_be_allowed(&app, &session)?;
    let (sent, failure) = intake::receive(multipart, &w).await;
    session.must_mean_it(&headers, sent.csrf.as_deref())?;
    let script = wants_json(&headers);
    if let Some((status, why)) = failure {
        return Ok(match script {
            true => {
                (status, Json(json!({"drafts": [], "failed": [{"name": "", "why": why}]}))).into_response()
            }
            false => page(&app, Some(&session), w, status, vec![why], &sent),
        });
    }
    let (worker, mine, words, given) = (app.clone(), session.clone(), w.clone(), sent.clone());
    let taken = tokio::task::spawn_blocking(move || intake::take(&worker, &mine, &words, given)).await;
    let taken = taken.map_err(|_| Problem::internal("the work was broken off"))?;
    let status = match taken.failed.is_empty() {
        true => StatusCode::OK,
        false => StatusCode::UNPROCESSABLE_ENTITY,
    };
    if script {
        let drafts: Vec<Value> =
            taken.drafts.iter().map(|(id, draft)| Listed::of(id, draft).json()).collect();
        let failed: Vec<Value> =
            taken.failed.iter().map(|(name, why)| json!({"name": name, "why": why})).collect();
        return Ok((status, Json(json!({"drafts": drafts, "failed": failed}))).into_response());
    }
    if let ([(id, _)], true) = (taken.drafts.as_slice(), taken.failed.is_empty()) {
        return Ok(Redirect::to(&format!("/register/{id}")).into_response());
    }
    let complaints = taken.failed.iter().map(|(name, why)| match name.is_empty() {
        true => why.clone(),
        false => w.t2("register.failed", name, why),
    });
    let complaints: Vec<String> = complaints.collect();
    Ok(page(&app, Some(&session), w, status, complaints, &sent))
}
