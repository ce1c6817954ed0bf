//! The page on which a reader checks a record in his own browser, and what it takes: whom the log's operator trusts, for whoever
//! has it by no better way.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::keys::public;

use super::App;

const VERIFY_HTML: &str = include_str!("assets/verify.html");
const VERIFY_JS: &str = include_str!("assets/verify.js");
const STYLE: &str = include_str!("assets/style.css");

/// No script, style or connection but this server's own, and nobody frames the page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

fn text(kind: &'static str, body: impl Into<String>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (StatusCode::OK, headers, body.into()).into_response()
}

/// `GET /verify`
pub(super) async fn verify() -> Response {
    text("text/html; charset=utf-8", VERIFY_HTML)
}

/// `GET /verify.js`
pub(super) async fn script() -> Response {
    text("text/javascript; charset=utf-8", VERIFY_JS)
}

/// `GET /style.css`
pub(super) async fn style() -> Response {
    text("text/css; charset=utf-8", STYLE)
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
