//! The pages: for readers, and for editors who are signed in. Everything works without JavaScript, but for the page on
//! which a reader checks a record in his own browser.
//!
//! Who may lie here: whoever wrote what is shown. All of it is escaped by the templates, isolated in its direction, and
//! what would hide or reorder it is made visible ([`shown`]). Nothing is loaded from anybody else, and no style or script
//! stands in a page.

mod assets;
mod badge;
mod cite;
mod graph;
mod log;
mod marked;
mod origin;
mod plot;
mod record;
pub(super) mod register;
mod row;
mod search;
pub(super) mod sign_in;
mod statement;
mod timeline;
mod verify;
pub(super) mod words;

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use serde::Deserialize;

use crate::index::Source;
use crate::storage::Opened;
use crate::verify::{LogReader, ReaderError, read_log_as};
use crate::view::visible;

use super::App;
use super::known::Known;
use words::{COOKIE_NAME, Lang, Words};

/// No script, style, picture or connection but this server's own, and nobody frames a page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
/// A year.
const REMEMBERED_SECONDS: u32 = 365 * 24 * 60 * 60;

/// The pages and what they are made of.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/", get(log::overview))
        .route("/log-state", get(log::state))
        .route("/records/{record}", get(record::page))
        .route("/records/{record}/cite.json", get(cite::csl))
        .route("/records/{record}/cite.bib", get(cite::bibtex))
        .route("/badge/{file}", get(badge::badge))
        .route("/search", get(search::page))
        .route("/origins", get(origin::page))
        .route("/language/{tag}", get(language))
        .route("/verify", get(verify::verify))
        .route("/policy", get(verify::policy))
        .route("/roots", get(verify::roots))
        .route("/verify.js", get(assets::verify_js))
        .route("/site.js", get(assets::site_js))
        .route("/style.css", get(assets::style))
        .route("/register.js", get(assets::register_js))
        .route("/favicon.svg", get(assets::icon))
        .route("/favicon.ico", get(assets::icon))
        .merge(register::routes())
}

/// Returns what strangers wrote as it is shown: made visible, and cut to `width` characters.
fn shown(text: &str, width: usize) -> String {
    let whole = visible(text);
    if whole.chars().count() <= width {
        return whole;
    }
    let mut cut: String = whole.chars().take(width.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

/// What all pages have around what they say.
struct Frame {
    w: Words,
    /// Whose log it is.
    origin: String,
    /// The part of the site, as the navigation names it.
    part: &'static str,
    /// What stands in the window's title.
    title: String,
    /// Whether search engines are to leave the page alone.
    unlisted: bool,
}

impl Frame {
    fn new(w: Words, origin: &str, part: &'static str, title: String) -> Self {
        Frame { w, origin: shown(origin, 100), part, title, unlisted: false }
    }

    /// Returns the way to this page in another language.
    fn switch(&self, lang: &Lang) -> String {
        let back: String = url::form_urlencoded::byte_serialize(self.w.here.as_bytes()).collect();
        format!("/language/{}?back={back}", lang.tag())
    }

    fn is(&self, part: &str) -> bool {
        self.part == part
    }

    fn speaks(&self, lang: &Lang) -> bool {
        self.w.lang == *lang
    }

    fn langs(&self) -> [Lang; 2] {
        Lang::ALL
    }
}

/// Answers with a page.
fn html(lang: Lang, page: &impl Template) -> Response {
    html_with(StatusCode::OK, lang, page)
}

fn html_with(status: StatusCode, lang: Lang, page: &impl Template) -> Response {
    match page.render() {
        Ok(body) => {
            let headers = [
                (header::CONTENT_TYPE, "text/html; charset=utf-8"),
                (header::CONTENT_SECURITY_POLICY, POLICY),
                (header::CACHE_CONTROL, "private, no-cache"),
                (header::CONTENT_LANGUAGE, lang.tag()),
                (header::VARY, "accept-language, cookie"),
            ];
            (status, headers, body).into_response()
        }
        Err(error) => super::problem::Problem::internal(error.to_string()).into_response(),
    }
}

/// Answers with a page that is for one person alone, and that no browser keeps.
fn html_private(status: StatusCode, lang: Lang, page: &impl Template) -> Response {
    let mut response = html_with(status, lang, page);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// What goes wrong on the way to a page.
enum Fault {
    /// There is nothing of the kind.
    NotFound(String),
    /// What was asked cannot be answered.
    Asked(String),
    /// The log cannot be read, or is not what it was.
    Log(String),
}

impl From<ReaderError> for Fault {
    fn from(error: ReaderError) -> Self {
        match error {
            ReaderError::NoRecord { .. } | ReaderError::NotARegistration { .. } => {
                Fault::NotFound(error.to_string())
            }
            _ => Fault::Log(error.to_string()),
        }
    }
}

#[derive(Template)]
#[template(path = "fault.html")]
struct FaultPage {
    f: Frame,
    heading: &'static str,
    advice: &'static str,
    detail: String,
}

impl Fault {
    /// Answers with a page that says what is wrong.
    fn page(self, app: &App, w: Words) -> Response {
        let (status, heading, advice, detail) = match self {
            Fault::NotFound(detail) => {
                (StatusCode::NOT_FOUND, w.t("fault.notFound"), w.t("fault.notFoundAdvice"), detail)
            }
            Fault::Asked(detail) => {
                (StatusCode::BAD_REQUEST, w.t("fault.asked"), w.t("fault.askedAdvice"), detail)
            }
            Fault::Log(detail) => {
                tracing::error!(detail, "a page could not be made");
                (StatusCode::SERVICE_UNAVAILABLE, w.t("fault.log"), w.t("fault.logAdvice"), detail)
            }
        };
        let lang = w.lang;
        let mut f = Frame::new(w, &app.origin, "", heading.to_owned());
        f.unlisted = true;
        html_with(status, lang, &FaultPage { f, heading, advice, detail: shown(&detail, 500) })
    }
}

/// What a page is made from.
struct Read<'a> {
    app: &'a App,
    reader: &'a LogReader<'a>,
    store: &'a Opened,
    known: Arc<Known>,
}

impl Read<'_> {
    /// Returns where the search index is asked.
    fn source(&self) -> Source<'_> {
        Source {
            reader: self.reader,
            store: self.store,
            trust: &self.app.trust,
            records: self.app.records.derived(),
            progress: &|_, _| {},
        }
    }
}

/// Makes a page out of the log, on a thread that may wait.
async fn reading(
    app: App,
    w: Words,
    make: impl Fn(&Read<'_>, Words) -> Result<Response, Fault> + Send + 'static,
) -> Response {
    let (again, worker) = (w.clone(), app.clone());
    let done = tokio::task::spawn_blocking(move || {
        let store = worker.records.reader();
        read_log_as(&store, &worker.trust, |reader| {
            let known = worker.known.of(reader, (worker.now)())?;
            make(&Read { app: &worker, reader, store: &store, known }, w.clone())
        })
    });
    let done = done.await.unwrap_or_else(|_| Err(Fault::Log("reading was broken off".into())));
    done.unwrap_or_else(|fault| fault.page(&app, again))
}

/// Answers a browser where there is no page.
pub(super) fn nowhere(app: &App, headers: &HeaderMap, here: &str) -> Response {
    nothing(app, Words::of(headers, here))
}

/// Answers where there is no page.
fn nothing(app: &App, w: Words) -> Response {
    let detail = shown(&w.here, 200);
    Fault::NotFound(detail).page(app, w)
}

#[derive(Deserialize)]
struct Back {
    #[serde(default)]
    back: String,
}

/// `GET /language/{tag}`: remembers the language, and leads back.
async fn language(Path(tag): Path<String>, Query(Back { back }): Query<Back>) -> Response {
    let lang = Lang::of(&tag).unwrap_or(Lang::En);
    // Only to a page of this server.
    let is_here = back.starts_with('/')
        && !back.starts_with("//")
        && back.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let mut response = Redirect::to(if is_here { &back } else { "/" }).into_response();
    let cookie = format!("{COOKIE_NAME}={}; Path=/; Max-Age={REMEMBERED_SECONDS}; SameSite=Lax", lang.tag());
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}
