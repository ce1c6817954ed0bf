//! The page on which a reader checks a record in his own browser, and what it takes: whom the log's operator trusts, for whoever
//! has it by no better way.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use crate::keys::public;

use super::App;
use super::words::Words;

const VERIFY_HTML: &str = include_str!("../assets/verify.html");

/// As on the other pages, but nothing is ever sent.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

fn text(kind: &'static str, body: impl Into<String>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, body.into()).into_response()
}

/// `GET /verify`. The page speaks the reader's language by itself; the server tells it which was chosen.
pub(super) async fn verify(w: Words) -> Response {
    let page = VERIFY_HTML.replacen(
        "<html lang=\"en\">",
        &format!("<html lang=\"{0}\" data-chosen=\"{0}\">", w.lang.tag()),
        1,
    );
    let mut response = text("text/html; charset=utf-8", page);
    response.headers_mut().insert(header::VARY, header::HeaderValue::from_static("accept-language, cookie"));
    response
}

/// `GET /policy`: the policy of the log, as its operator has it.
pub(super) async fn policy(State(app): State<App>) -> Response {
    let policy = app.trust.policy.format();
    text("text/plain; charset=utf-8", String::from_utf8_lossy(&policy).into_owned())
}

/// `GET /roots`: the root keys, a line each.
pub(super) async fn roots(State(app): State<App>) -> Response {
    let lines: String = app.trust.roots.iter().map(|key| format!("{}\n", public::format(key, ""))).collect();
    text("text/plain; charset=utf-8", lines)
}
