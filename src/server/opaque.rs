//! `POST /add`, where the server was started with `--add`: any bytes in, the index of their entry out, as tools do that try what a log
//! can bear.
//!
//! Bytes do not become an entry as they are: each entry of this log is a signed statement. What is appended is a `sealed` statement by
//! the server's key: it commits to the digests of the bytes and says no word of them. Whoever sent them has the opening from
//! the answer, and it is nowhere else.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderName, header};
use axum::response::{IntoResponse, Response};

use crate::article::{self, ReadOptions};
use crate::base::Hash;
use crate::log::NewRecord;
use crate::record::entry::Circumstances;
use crate::record::{Draft, SealedDocument};

use super::App;
use super::api::committed;
use super::author::Author;
use super::drafting;
use super::problem::Problem;

/// Has the opening, in its RFC 9901 spelling.
const OPENING: HeaderName = HeaderName::from_static("dateline-opening");

/// Seals the bytes that were sent, and answers with the index, in decimal digits, once that is published.
pub(super) async fn add(State(app): State<App>, author: Author, body: Bytes) -> Result<Response, Problem> {
    author.may_have_signed(&app)?;
    let held = app.clone();
    let (entry, opening) = app
        .turns
        .take(move || {
            let app = &held;
            let signer = author.signer(app)?;
            // What is no text has none: it can be known by its bytes alone.
            let text = article::extract(&body, &ReadOptions::default()).map(|(_, extract)| extract.text);
            let text = text.unwrap_or_default();
            let document = SealedDocument {
                original: Hash::of(&body),
                text: Hash::of(text.as_bytes()),
                reflow: Hash::of(article::reflow::reflow(&text).as_str().as_bytes()),
            };
            let mut random = app.random;
            let recorded_by = signer.public().key_id();
            let mut circumstances =
                Circumstances { recorded_by, recorded_at: (app.now)(), random: &mut random };
            let (draft, opening) =
                Draft::sealed_document(&document, &mut circumstances).map_err(drafting::rejected)?;
            Ok((drafting::sign(signer, draft)?, opening))
        })
        .await?;
    let index = committed(&app, NewRecord { entry, content: None }, None).await?.appended.index();
    let headers = [
        (header::CONTENT_TYPE, "text/plain".to_owned()),
        (header::CACHE_CONTROL, "no-store".to_owned()),
        (OPENING, opening.into_string()),
    ];
    Ok((headers, index.to_string()).into_response())
}
