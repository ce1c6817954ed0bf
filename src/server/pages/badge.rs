//! A badge for an article's own page: it leads here, and says only what is established.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use crate::index::RecordState;

use super::row::{Opened, tone};
use super::words::{Lang, Words};
use super::{App, Fault, Read, reading, record};

/// Width of a letter of the badge, on average, and what stands around words.
const LETTER: f64 = 6.6;
const AROUND: f64 = 14.0;

#[derive(Deserialize)]
pub(super) struct Asked {
    lang: Option<String>,
}

#[derive(Template)]
#[template(path = "badge.svg", escape = "html")]
struct Badge {
    label: String,
    left: String,
    right: String,
    left_width: String,
    right_width: String,
    width: String,
    left_text: String,
    right_text: String,
    left_length: String,
    right_length: String,
    ground: &'static str,
}

/// `GET /badge/{record}.svg`
pub(super) async fn badge(
    State(app): State<App>,
    Path(file): Path<String>,
    Query(Asked { lang }): Query<Asked>,
    mut w: Words,
) -> Response {
    let index = file.strip_suffix(".svg").and_then(record::number);
    let Some(index) = index else { return super::nothing(&app, w) };
    // It stands on pages of others: what language they speak is said in its address.
    w.lang = lang.as_deref().and_then(Lang::of).unwrap_or(Lang::En);
    reading(app, w, move |read, w| {
        let opened = Opened::read(read, index)?;
        let holds = read.known.entry(index).is_some_and(|seen| seen.holds);
        if opened.registration.is_none() || !holds {
            return Err(Fault::NotFound(format!("record {index} registers no document")));
        }
        let state = RecordState::of(read.known.standings.of(index));
        let left = w.t1("badge.registered", index);
        let right = match state {
            RecordState::Claimed => w.t("badge.claimed").to_owned(),
            state => w.word("state", state.word()),
        };
        let wide = |text: &str| text.chars().count() as f64 * LETTER;
        let (left_width, right_width) = (wide(&left) + AROUND, wide(&right) + AROUND);
        let badge = Badge {
            label: alt(&w, read, index),
            left_length: format!("{:.0}", wide(&left)),
            right_length: format!("{:.0}", wide(&right)),
            left_text: format!("{:.1}", left_width / 2.0),
            right_text: format!("{:.1}", left_width + right_width / 2.0),
            width: format!("{:.1}", left_width + right_width),
            left_width: format!("{left_width:.1}"),
            right_width: format!("{right_width:.1}"),
            ground: match tone(state) {
                "bad" => "#a11717",
                "open" => "#7a4a00",
                _ => "#44505c",
            },
            left,
            right,
        };
        let body = badge.render().map_err(|error| Fault::Log(error.to_string()))?;
        let headers = [
            (header::CONTENT_TYPE.as_str(), "image/svg+xml"),
            (header::CONTENT_SECURITY_POLICY.as_str(), "default-src 'none'"),
            (header::CACHE_CONTROL.as_str(), "max-age=300"),
            ("cross-origin-resource-policy", "cross-origin"),
        ];
        Ok((headers, body).into_response())
    })
    .await
}

/// What the badge says in words.
fn alt(w: &Words, read: &Read<'_>, index: u64) -> String {
    w.t2("badge.alt", index, super::shown(read.reader.checkpoint().origin().as_str(), 100))
}

/// Returns the HTML that puts the badge of a record on a page.
pub(super) fn embed(read: &Read<'_>, w: &Words, index: u64, base: &str) -> String {
    let escape = |text: &str| {
        text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
    };
    let (lang, alt) = (w.lang.tag(), escape(&alt(w, read, index)));
    format!(
        "<a href=\"{base}/records/{index}\"><img src=\"{base}/badge/{index}.svg?lang={lang}\" height=\"22\" alt=\"{alt}\"></a>"
    )
}
