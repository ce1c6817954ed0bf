//! The API's own description, OpenAPI 3.1, made from the handlers and served at `/api/v1/openapi.json`.
//!
//! What is told of a record is told by the code that the command line has; the types here say what is always there of it, and that
//! more may be.

use axum::Json;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::get;
use serde::Serialize;
use utoipa::{OpenApi, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::App;
use super::{api, look};

/// Records that were found.
#[derive(Serialize, ToSchema)]
pub(super) struct Found {
    /// Records found in all
    total: u64,
    /// The place of the first of these among them
    first: u64,
    /// As `dateline list --format json` prints each
    records: Vec<Listed>,
}

/// A registration, as it is listed
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Listed {
    record: u64,
    state: String,
    signer: String,
    signer_holds: bool,
    openings_fit: bool,
    recorded_at: String,
}

/// One record, as `dateline show --format json` prints it
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Looked {
    record: u64,
    kind: String,
    signer: String,
    signer_holds: bool,
    openings_fit: bool,
    predicate: serde_json::Value,
    checkpoint: Size,
}

/// How long a log is, and its root.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Size {
    size: u64,
    root_hash: String,
}

/// What a record rests on, as `dateline trace --format json` prints it
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Traced {
    hops: Vec<serde_json::Value>,
    documents: Vec<serde_json::Value>,
    not_established: Vec<String>,
}

/// What is known of a document, as `dateline check --format json` prints it
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Checked {
    /// sameBytes, sameWording, sameWordingNumbersDiffer, similar, passage or unknown
    answer: String,
    records: Vec<serde_json::Value>,
    digests: serde_json::Value,
    warnings: Vec<serde_json::Value>,
}

/// The published checkpoint
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Log {
    log_origin: String,
    log_key: String,
    checkpoint: Size,
    /// The signed note
    note: String,
}

/// Checkpoints that are kept
#[derive(Serialize, ToSchema)]
pub(super) struct Checkpoints {
    /// The latest last
    checkpoints: Vec<Published>,
    /// Which earlier ones are kept: everyTenMinutes
    kept: String,
}

/// A checkpoint
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Published {
    size: u64,
    root_hash: String,
    /// The signed note
    note: String,
    /// When this server saw it; absent for the one that is in force
    seen_at: Option<String>,
}

/// A record that is durable and in a published checkpoint
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Registered {
    record: u64,
    /// registered or alreadyRegistered
    outcome: String,
    log_size: u64,
    /// A .tlog-proof file
    proof: String,
    /// What an editor should know: registered texts that are like it; null if there was no time to look
    warnings: Option<Vec<serde_json::Value>>,
}

/// A statement that is to be signed elsewhere
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct PreparedStatement {
    format: String,
    key: String,
    payload: String,
    to_be_signed: String,
    openings: Vec<String>,
}

/// An error (RFC 9457)
#[derive(Serialize, ToSchema)]
pub(super) struct Fault {
    r#type: String,
    title: String,
    status: u16,
    /// One word, which stays the same
    code: String,
    detail: String,
}

/// Registers documents and tells of records.
#[derive(OpenApi)]
#[openapi(info(title = "dateline"), components(schemas(Fault)))]
struct Description;

/// Returns the routes of the API, with its description among them.
pub(super) fn routes(limit: usize) -> Router<App> {
    let (router, mut description) = OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(api::log))
        .routes(routes!(api::checkpoints))
        .routes(routes!(look::list, api::submit))
        .routes(routes!(api::prepare))
        .routes(routes!(look::record))
        .routes(routes!(look::lineage))
        .routes(routes!(api::proof))
        .routes(routes!(look::check))
        .split_for_parts();
    describe_errors(&mut description);
    router
        .route("/api/v1/openapi.json", get(move || async move { Json(description) }))
        // The document, base64, with what else a request holds.
        .layer(DefaultBodyLimit::max(limit))
}

/// Says of every operation that anything else is answered in the one shape that errors have.
fn describe_errors(description: &mut utoipa::openapi::OpenApi) {
    use utoipa::openapi::{ContentBuilder, Ref, RefOr, ResponseBuilder};
    for item in description.paths.paths.values_mut() {
        for operation in [&mut item.get, &mut item.post].into_iter().flatten() {
            let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Fault"))).build();
            let fault = ResponseBuilder::new()
                .description("It could not be done; `code` says why")
                .content("application/problem+json", content)
                .build();
            operation.responses.responses.insert("default".into(), RefOr::T(fault));
        }
    }
}
