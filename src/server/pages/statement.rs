//! A record that registers no document: what it says, member by member.

use askama::Template;
use axum::response::Response;
use serde_json::Value;

use crate::record::Body;

use super::record::kind_word;
use super::row::{Names, Opened, Who};
use super::timeline::Other;
use super::words::Words;
use super::{Fault, Frame, Read, html, shown};

/// Members that are shown.
const MEMBERS_MAX: usize = 60;

#[derive(Template)]
#[template(path = "statement.html")]
struct StatementPage {
    f: Frame,
    index: u64,
    size: u64,
    kind: String,
    who: Who,
    holds: bool,
    at: Option<String>,
    members: Vec<(String, String)>,
    withheld: Vec<String>,
    sealed: bool,
    about: Vec<Other>,
}

/// Answers with the page of a statement.
pub(super) fn page(read: &Read<'_>, w: Words, opened: Opened) -> Result<Response, Fault> {
    let Opened { index, entry, openings, .. } = opened;
    let (value, withheld) = match entry.open::<Value>(&openings) {
        Ok(opened) => (opened.value, opened.withheld),
        Err(_) => (entry.predicate(), Vec::new()),
    };
    let members = value.as_object().into_iter().flatten().filter(|(name, _)| !name.starts_with("_sd"));
    let members = members.take(MEMBERS_MAX).map(|(name, value)| {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        (shown(name, 40), shown(&value, 2_000))
    });
    let mut about = Vec::new();
    for (_, to) in entry.references().into_iter().take(10) {
        // What points to nothing says so itself.
        about.extend(Other::read(read, to.record).ok());
    }
    let seen = read.known.entry(index);
    let kind = kind_word(&w, entry.kind());
    let lang = w.lang;
    let page = StatementPage {
        index,
        size: read.known.size,
        who: Names::default().of(read, &entry.envelope.key_id())?,
        holds: seen.is_some_and(|seen| seen.holds),
        at: seen.and_then(|seen| seen.at).map(|at| w.time(&at)),
        members: members.collect(),
        withheld: withheld.iter().take(MEMBERS_MAX).map(|pointer| shown(pointer, 80)).collect(),
        sealed: matches!(entry.body, Body::Sealed(_)),
        about,
        f: Frame::new(
            w.clone(),
            read.reader.checkpoint().origin().as_str(),
            "search",
            w.t2("record.title", index, &kind),
        ),
        kind,
    };
    Ok(html(lang, &page))
}
