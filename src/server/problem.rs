//! Errors of the API: one shape, `application/problem+json` (RFC 9457), with stable codes.
//!
//! ```json
//! {"type":"about:blank","title":"Not Found","status":404,"code":"notFound","detail":"there is no record 9 …"}
//! ```

use axum::body::Body;
use axum::http::{Response, StatusCode, header};
use axum::response::IntoResponse;
use serde_json::json;

use super::kept::KeptError;

/// An error that is told to a client.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    retry_after: Option<u64>,
}

impl Problem {
    fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Problem { status, code, detail: detail.into(), retry_after: None }
    }

    /// Returns what is wrong, for a page.
    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    /// What was asked for is not there.
    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "notFound", detail)
    }

    /// The request is not one that could be answered.
    pub(crate) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "badRequest", detail)
    }

    /// What was sent cannot stand in the log.
    pub(crate) fn rejected(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "rejected", detail)
    }

    /// Who asks is not known.
    pub(crate) fn unauthorised(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorised", detail)
    }

    /// Who asks may not.
    pub(crate) fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }

    /// The server does not have the key that is to sign.
    pub(crate) fn not_entrusted() -> Self {
        let detail = "your key is not entrusted to this server: have the statement prepared \
                      (POST /api/v1/records/prepare), sign it with `dateline sign`, and send what that prints";
        Self::new(StatusCode::FORBIDDEN, "notEntrusted", detail)
    }

    /// The request comes from another site, or not from a form that this server made for this session.
    pub(crate) fn cross_site() -> Self {
        let detail = "the request does not come from a page of this server: open the page again, and send it from there";
        Self::new(StatusCode::FORBIDDEN, "crossSite", detail)
    }

    /// What was sent is larger than is taken.
    pub(crate) fn too_large(limit: u64) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "tooLarge", format!("at most {limit} bytes are taken"))
    }

    /// Too much was asked at once.
    pub(crate) fn too_many(seconds: u64) -> Self {
        let mut problem = Self::new(StatusCode::TOO_MANY_REQUESTS, "tooMany", "too much was asked at once");
        problem.retry_after = Some(seconds.max(1));
        problem
    }

    /// The log cannot be read or written now.
    pub(crate) fn unavailable(detail: impl Into<String>) -> Self {
        let mut problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail);
        problem.retry_after = Some(1);
        problem
    }

    /// Gives an error that was made without a shape, by the framework, the one that all have; leaves others as they are.
    pub(crate) fn told(response: Response<Body>) -> Response<Body> {
        let status = response.status();
        let field = |name| {
            response.headers().get(name).and_then(|value: &axum::http::HeaderValue| value.to_str().ok())
        };
        let shaped = field(header::CONTENT_TYPE).is_some_and(|kind| {
            kind.starts_with("application/problem+json") || kind.starts_with("text/html")
        });
        if !(status.is_client_error() || status.is_server_error()) || shaped {
            return response;
        }
        let (code, detail) = match status {
            StatusCode::NOT_FOUND => ("notFound", "there is nothing at this address"),
            StatusCode::METHOD_NOT_ALLOWED => ("methodNotAllowed", "that cannot be done at this address"),
            StatusCode::PAYLOAD_TOO_LARGE => ("tooLarge", "what was sent is larger than is taken"),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => ("unsupportedMediaType", "that sort of body is not taken"),
            StatusCode::RANGE_NOT_SATISFIABLE => ("rangeNotSatisfiable", "the file has no such part"),
            StatusCode::REQUEST_TIMEOUT => ("tooSlow", "the request came too slowly"),
            status if status.is_server_error() => ("internal", "the request could not be answered"),
            _ => ("badRequest", "the request is not one that could be answered"),
        };
        let mut told = Problem::new(status, code, detail).into_response();
        for name in [header::ALLOW, header::CONTENT_RANGE, header::RETRY_AFTER] {
            if let Some(value) = response.headers().get(&name) {
                told.headers_mut().insert(name, value.clone());
            }
        }
        told
    }

    /// A fault of the program, or of what it holds.
    pub(crate) fn internal(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
    }
}

impl From<KeptError> for Problem {
    fn from(error: KeptError) -> Self {
        Problem::internal(error.to_string())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response<Body> {
        let body = json!({
            "type": "about:blank", "title": self.status.canonical_reason(), "status": self.status.as_u16(),
            "code": self.code, "detail": self.detail,
        });
        let mut response = Response::builder()
            .status(self.status)
            .header(header::CONTENT_TYPE, "application/problem+json")
            .header(header::CACHE_CONTROL, "no-store");
        if let Some(seconds) = self.retry_after {
            response = response.header(header::RETRY_AFTER, seconds);
        }
        if self.status == StatusCode::UNAUTHORIZED {
            response = response.header(header::WWW_AUTHENTICATE, "Bearer");
        }
        response.body(Body::from(body.to_string())).expect("internal error: the header fields are our own")
    }
}
