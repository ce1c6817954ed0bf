//! Style and scripts, as they are built in.

use axum::http::header;
use axum::response::{IntoResponse, Response};

const VERIFY_JS: &str = include_str!("../assets/verify.js");
const SITE_JS: &str = include_str!("../assets/site.js");
const REGISTER_JS: &str = include_str!("../assets/register.js");
const STYLE: &str = include_str!("../assets/style.css");
const ICON: &str = include_str!("../assets/favicon.svg");

fn asset(kind: &'static str, body: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, super::POLICY),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, body).into_response()
}

/// `GET /verify.js`
pub(super) async fn verify_js() -> Response {
    asset("text/javascript; charset=utf-8", VERIFY_JS)
}

/// `GET /site.js`
pub(super) async fn site_js() -> Response {
    asset("text/javascript; charset=utf-8", SITE_JS)
}

/// `GET /register.js`
pub(super) async fn register_js() -> Response {
    asset("text/javascript; charset=utf-8", REGISTER_JS)
}

/// `GET /style.css`
pub(super) async fn style() -> Response {
    asset("text/css; charset=utf-8", STYLE)
}

/// `GET /favicon.svg`
pub(super) async fn icon() -> Response {
    asset("image/svg+xml", ICON)
}
