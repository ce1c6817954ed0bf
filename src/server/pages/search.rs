//! Search: by words, and by what records claim.

use askama::Template;
use axum::extract::{Query as Asks, State};
use axum::response::Response;
use serde::Deserialize;

use crate::base::limits::QUERY_MAX_CHARS;
use crate::index::{Found, IndexError, Order, Query, RecordState, Term, search, span};

use super::row::{Opened, Row};
use super::words::Words;
use super::{App, Fault, Frame, Read, html, reading, shown};

/// Records on a page.
const PAGE: usize = 20;
/// Pages that can be asked for.
const PAGES_MAX: usize = 50_000;

/// What is asked for, as it stands in the address.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Form {
    q: String,
    origin: String,
    byline: String,
    language: String,
    from: String,
    to: String,
    state: String,
    page: usize,
}

impl From<IndexError> for Fault {
    fn from(error: IndexError) -> Self {
        match error {
            IndexError::Log(error) => error.into(),
            other => Fault::Log(other.to_string()),
        }
    }
}

#[derive(Template)]
#[template(path = "search.html")]
struct SearchPage {
    f: Frame,
    form: Form,
    filtered: bool,
    states: Vec<(String, String, bool)>,
    complaint: Option<String>,
    rows: Vec<Row>,
    total: u64,
    first: u64,
    last: u64,
    earlier: Option<String>,
    later: Option<String>,
}

/// `GET /search`
pub(super) async fn page(State(app): State<App>, Asks(form): Asks<Form>, w: Words) -> Response {
    reading(app, w, move |read, w| {
        let mut form = form.clone();
        form.page = form.page.clamp(1, PAGES_MAX);
        let (found, complaint) = match asked(&w, &form) {
            Ok(query) => {
                let first = (form.page - 1) * PAGE;
                (
                    Some(find(read, &query, |total| {
                        first.min(total)..first.saturating_add(PAGE).min(total)
                    })?),
                    None,
                )
            }
            Err(complaint) => (None, Some(complaint)),
        };
        Ok(html(w.lang, &made(read, w.clone(), form, found, complaint)?))
    })
    .await
}

/// Searches the log that is read.
pub(super) fn find(
    read: &Read<'_>,
    query: &Query,
    page: impl Fn(usize) -> std::ops::Range<usize>,
) -> Result<Found, Fault> {
    Ok(search(&read.source(), query, false, page)?)
}

/// Returns what a form asks for, or what is wrong with it.
fn asked(w: &Words, form: &Form) -> Result<Query, String> {
    let all = [&form.q, &form.origin, &form.byline, &form.language, &form.from, &form.to];
    if all.iter().any(|text| text.chars().count() > QUERY_MAX_CHARS) {
        return Err(w.t1("search.tooLong", w.number(QUERY_MAX_CHARS as u64)));
    }
    let some = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let terms = Term::all_of(&form.q);
    if terms.is_empty() && some(&form.q).is_some() {
        return Err(w.t("search.noWord").to_owned());
    }
    let day = |text: &str| match some(text) {
        None => Ok(None),
        Some(text) => span(&text).map(Some).ok_or_else(|| w.t1("search.noDay", shown(&text, 40))),
    };
    let (from, to) = (day(&form.from)?, day(&form.to)?);
    Ok(Query {
        order: if terms.is_empty() { Order::Log } else { Order::Rank },
        terms,
        origin: some(&form.origin),
        byline: some(&form.byline),
        language: some(&form.language),
        from: from.map(|span| *span.start()),
        to: to.map(|span| *span.end()),
        state: RecordState::ALL.into_iter().find(|state| state.word() == form.state),
    })
}

fn made(
    read: &Read<'_>,
    w: Words,
    form: Form,
    found: Option<Found>,
    complaint: Option<String>,
) -> Result<SearchPage, Fault> {
    let states = RecordState::ALL
        .into_iter()
        .map(|state| (state.word().to_owned(), w.word("state", state.word()), state.word() == form.state));
    let (mut rows, mut total, mut first) = (Vec::new(), 0, 0);
    for hit in found.iter().flat_map(|found| &found.hits) {
        let row = Row::of(read, &w, &Opened::read(read, hit.record.index)?);
        rows.extend(row.map(|row| row.with(hit.snippet.as_ref())));
    }
    if let Some(found) = &found {
        (total, first) = (found.total, found.first);
    }
    let shown_to = first + rows.len();
    Ok(SearchPage {
        filtered: form.is_filtered(),
        states: states.collect(),
        complaint,
        total: total as u64,
        first: first as u64 + 1,
        last: shown_to as u64,
        earlier: (form.page > 1).then(|| form.at(form.page - 1)),
        later: (shown_to < total).then(|| form.at(form.page + 1)),
        rows,
        f: Frame::new(
            w.clone(),
            read.reader.checkpoint().origin().as_str(),
            "search",
            w.t("nav.search").to_owned(),
        ),
        form,
    })
}

impl Form {
    /// Returns whether more is asked for than words.
    fn is_filtered(&self) -> bool {
        [&self.origin, &self.byline, &self.language, &self.from, &self.to, &self.state]
            .iter()
            .any(|text| !text.trim().is_empty())
    }

    /// Returns the address of another page of what is found.
    fn at(&self, page: usize) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in [
            ("q", &self.q),
            ("origin", &self.origin),
            ("byline", &self.byline),
            ("language", &self.language),
            ("from", &self.from),
            ("to", &self.to),
            ("state", &self.state),
        ] {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        query.append_pair("page", &page.to_string());
        format!("/search?{}", query.finish())
    }
}
