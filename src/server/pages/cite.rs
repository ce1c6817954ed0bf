//! A record as a work that is cited.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};

use crate::export::Citation;
use crate::record::registration::DocumentKind;

use super::row::Opened;
use super::words::Words;
use super::{App, Fault, Read, reading, record};

/// Returns what is cited of a registration.
pub(super) fn cited(read: &Read<'_>, opened: &Opened, base: &str) -> Citation {
    let log = read.reader.checkpoint().origin().as_str().to_owned();
    let record_url = format!("{base}/records/{}", opened.index);
    let sha256 = opened.entry.original().map(|original| original.to_hex()).unwrap_or_default();
    let bare = Citation { record: opened.index, log, record_url, sha256, ..Citation::default() };
    let Some(registered) = &opened.registration else { return bare };
    let registration = &registered.registration;
    let bylines = registration.bylines.iter().filter_map(|byline| byline.opened());
    let origins = registration.claimed_origins.iter().filter_map(|origin| origin.opened());
    Citation {
        title: registration.title.first().map(|title| title.value.clone()),
        authors: bylines.map(|byline| byline.as_printed.clone()).collect(),
        publisher: registration.publisher.as_ref().map(|publisher| publisher.value.clone()),
        published_at: registration.published_at.as_ref().map(|date| date.value.clone()),
        language: registration.language.as_ref().map(|language| language.tag.clone()),
        url: registration.urls.first().map(|link| link.href.clone()),
        claimed_origins: origins.map(|origin| origin.as_printed.clone()).collect(),
        is_news: matches!(registration.kind, DocumentKind::Article | DocumentKind::Wire),
        ..bare
    }
}

async fn answer(
    app: App,
    index: String,
    headers: HeaderMap,
    w: Words,
    kind: &'static str,
    write: fn(&Citation) -> String,
) -> Response {
    let Some(index) = record::number(&index) else { return super::nothing(&app, w) };
    let base = record::base_of(&app, &headers);
    reading(app, w, move |read, _| {
        let opened = Opened::read(read, index)?;
        if opened.registration.is_none() {
            return Err(Fault::NotFound(format!("record {index} registers no document")));
        }
        let text = write(&cited(read, &opened, &base));
        let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-cache")];
        Ok((headers, text).into_response())
    })
    .await
}

/// `GET /records/{record}/cite.json`
pub(super) async fn csl(
    State(app): State<App>,
    Path(index): Path<String>,
    headers: HeaderMap,
    w: Words,
) -> Response {
    answer(app, index, headers, w, "application/vnd.citationstyles.csl+json", Citation::csl_json).await
}

/// `GET /records/{record}/cite.bib`
pub(super) async fn bibtex(
    State(app): State<App>,
    Path(index): Path<String>,
    headers: HeaderMap,
    w: Words,
) -> Response {
    answer(app, index, headers, w, "application/x-bibtex; charset=utf-8", Citation::bibtex).await
}
