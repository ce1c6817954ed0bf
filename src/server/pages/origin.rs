//! All that is registered as coming from one origin: the names it is given, the records, and when they were made.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Query as Asks, State};
use axum::response::Response;
use serde::Deserialize;

use crate::article::Authority;
use crate::index::{Order, Query};
use crate::record::lineage::OriginKey;
use crate::record::registration::OriginClaim;

use super::plot::{self, Plot};
use super::row::{Opened, Row};
use super::words::Words;
use super::{App, Fault, Frame, html, reading, shown};

/// Records that are looked through, the newest.
const RECORDS_MAX: usize = 2_000;
/// Records that are listed, the newest.
const LISTED_MAX: usize = 50;
/// Names that are listed, the most frequent.
const NAMES_MAX: usize = 50;

/// Which origin, as it stands in the address.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Form {
    /// A body of the authority file.
    id: String,
    /// A name, for one that is not in it.
    name: String,
}

/// Returns the way to all of an origin; `None` for what is no origin of a text.
pub(super) fn link(claim: &OriginClaim, authority: &Authority) -> Option<String> {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    match OriginKey::of(claim, authority)? {
        OriginKey::Organisation(id) => query.append_pair("id", &id),
        OriginKey::Name(_) => query.append_pair("name", &claim.as_printed),
    };
    Some(format!("/origins?{}", query.finish()))
}

#[derive(Template)]
#[template(path = "origin.html")]
struct OriginPage {
    f: Frame,
    label: String,
    id: Option<String>,
    wikidata: Option<String>,
    domain: Option<String>,
    names: Vec<(String, u64)>,
    plot: Option<Plot>,
    rows: Vec<Row>,
    total: u64,
    /// Records that may be of this origin and were not looked at.
    unread: u64,
}

impl OriginPage {
    const WIDTH: f64 = plot::WIDTH;
    const HEIGHT: f64 = plot::HEIGHT;

    fn is_cut(&self) -> bool {
        self.unread > 0 || self.rows.len() as u64 != self.total
    }
}

/// `GET /origins?id=…` or `?name=…`
pub(super) async fn page(State(app): State<App>, Asks(form): Asks<Form>, w: Words) -> Response {
    reading(app, w, move |read, w| {
        let asked = if form.id.is_empty() { &form.name } else { &form.id };
        if asked.is_empty() || asked.chars().count() > 300 {
            return Err(Fault::Asked(w.t("origin.which").to_owned()));
        }
        let authority = &read.app.authority;
        let wanted = match form.id.is_empty() {
            false => OriginKey::Organisation(form.id.clone()),
            true => match authority.find(&form.name) {
                Some(known) => OriginKey::Organisation(known.id.clone()),
                None => OriginKey::Name(crate::article::fold_name(&form.name)),
            },
        };
        let names_asked: Vec<String> = match &wanted {
            OriginKey::Organisation(id) => vec![id.clone()],
            OriginKey::Name(_) => vec![form.name.clone()],
        };
        let mut hits: BTreeMap<u64, Vec<OriginClaim>> = BTreeMap::new();
        let mut unread = 0;
        for name in names_asked {
            let query = Query { origin: Some(name), order: Order::Log, ..Query::default() };
            let found = super::search::find(read, &query, |total| total.saturating_sub(RECORDS_MAX)..total)?;
            unread += found.first as u64;
            for hit in &found.hits {
                let Some(opened) = &hit.record.registration else { continue };
                let claims = opened.registration.claimed_origins.iter().filter_map(|one| one.opened());
                let claims = claims.filter(|claim| OriginKey::of(claim, authority).as_ref() == Some(&wanted));
                let claims: Vec<OriginClaim> = claims.cloned().collect();
                if !claims.is_empty() {
                    hits.insert(hit.record.index, claims);
                }
            }
        }
        let first = hits.values().flatten().next().ok_or_else(|| Fault::NotFound(shown(asked, 100)))?;
        let mut names: BTreeMap<&str, u64> = BTreeMap::new();
        for claim in hits.values().flatten() {
            *names.entry(&claim.as_printed).or_default() += 1;
        }
        let mut names: Vec<(String, u64)> =
            names.into_iter().map(|(name, count)| (shown(name, 200), count)).collect();
        names.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        names.truncate(NAMES_MAX);
        let times = hits.keys().filter_map(|index| read.known.entry(*index)?.at).map(|at| at.unix_seconds());
        let now = (read.app.now)().unix_seconds();
        let plot = Plot::of(&w, times, super::log::first(read), now);
        let mut rows = Vec::new();
        for index in hits.keys().rev().take(LISTED_MAX) {
            rows.extend(Row::of(read, &w, &Opened::read(read, *index)?));
        }
        let known = match &wanted {
            OriginKey::Organisation(id) => authority.organisations().find(|known| known.id == *id),
            OriginKey::Name(_) => None,
        };
        let label = known.map_or(first.org.label.as_str(), |known| known.label(Some(w.lang.tag())));
        let label = shown(label, 200);
        let page = OriginPage {
            id: known.map(|known| known.id.clone()),
            wikidata: first.org.wikidata.as_ref().map(|id| shown(id, 40)),
            domain: first.org.domain.as_ref().map(|domain| shown(domain, 100)),
            names,
            plot,
            rows,
            total: hits.len() as u64,
            unread,
            f: Frame::new(w.clone(), read.reader.checkpoint().origin().as_str(), "search", label.clone()),
            label,
        };
        Ok(html(w.lang, &page))
    })
    .await
}
