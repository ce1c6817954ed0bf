//! The log: how large it is, what came last, and its state for whoever keeps an eye on it.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use crate::base::Timestamp;
use crate::record::{Body, KeyStatement, Kind};
use crate::view::json_word;

use super::plot::{self, Plot};
use super::row::{Names, Row, Who};
use super::words::Words;
use super::{App, Fault, Frame, Read, html, reading, shown};

/// Records that the first page lists.
const LATEST: usize = 12;
/// Statements about keys that are listed, the newest.
const KEYS_MAX: usize = 200;

#[derive(Template)]
#[template(path = "log.html")]
struct Overview {
    f: Frame,
    size: u64,
    registered: u64,
    said: u64,
    signers: u64,
    root: String,
    plot: Option<Plot>,
    latest: Vec<Row>,
    kinds: Vec<(String, u64)>,
}

impl Overview {
    const WIDTH: f64 = plot::WIDTH;
    const HEIGHT: f64 = plot::HEIGHT;
}

/// `GET /`
pub(super) async fn overview(State(app): State<App>, w: Words) -> Response {
    reading(app, w, |read, w| {
        let known = &read.known;
        let mut latest = Vec::new();
        for index in known.newest().take(LATEST) {
            latest.extend(Row::read(read, &w, index)?);
        }
        let count = |kind: Kind| known.seen().filter(|(_, seen)| seen.kind == Some(kind)).count() as u64;
        let registered = count(Kind::Registration);
        let counts = Kind::ALL.into_iter().map(|kind| (kind, count(kind))).filter(|(_, count)| *count > 0);
        let kinds = counts.map(|(kind, count)| (w.word("kind", &kind.to_string()), count)).collect();
        let signers = known.state.keys().filter(|(_, key)| key.ended.is_none()).count() as u64;
        let times = known.seen().filter_map(|(_, seen)| seen.at).map(|at| at.unix_seconds());
        let page = Overview {
            size: known.size,
            registered,
            said: known.size.saturating_sub(registered).saturating_sub(count(Kind::Key)),
            signers,
            root: read.reader.checkpoint().root_hash().to_base64(),
            plot: Plot::of(&w, times, first(read), (read.app.now)().unix_seconds()),
            latest,
            kinds,
            f: Frame::new(
                w.clone(),
                read.reader.checkpoint().origin().as_str(),
                "log",
                w.t("nav.log").to_owned(),
            ),
        };
        Ok(html(w.lang, &page))
    })
    .await
}

/// Returns when the log began, as the key says that began it.
pub(super) fn first(read: &Read<'_>) -> i64 {
    read.known.entry(0).and_then(|seen| seen.at).map_or(0, |at| at.unix_seconds())
}

/// A statement about a key.
struct OfKey {
    index: u64,
    action: String,
    key: Option<Who>,
    roles: Vec<String>,
    approvals: Option<u32>,
    replaces: Option<String>,
    at: String,
    in_force: bool,
    holds: bool,
}

/// Earlier checkpoints that are listed, the newest.
const PAST_MAX: usize = 12;

/// A checkpoint that was published.
struct Earlier {
    at: String,
    size: String,
    root: String,
}

/// A witness of the policy, and when it cosigned.
struct Witness {
    name: String,
    url: Option<String>,
    at: Option<String>,
}

#[derive(Template)]
#[template(path = "log_state.html")]
struct LogState {
    f: Frame,
    size: u64,
    note: String,
    log_key: String,
    past: Vec<Earlier>,
    witnesses: Vec<Witness>,
    quorum: Option<String>,
    roots: Vec<String>,
    needed: u32,
    keys: Vec<OfKey>,
    more_keys: usize,
    read_at: String,
    followed_at: String,
    failing: Vec<u64>,
}

/// `GET /log-state`
pub(super) async fn state(State(app): State<App>, w: Words) -> Response {
    reading(app, w, |read, w| {
        let (known, policy) = (&read.known, &read.app.trust.policy);
        let note = read.reader.checkpoint_bytes();
        let opened = policy.open_checkpoint(note).map_err(|error| Fault::Log(error.to_string()))?;
        let time = |seconds: u64| i64::try_from(seconds).ok().and_then(Timestamp::from_unix_seconds);
        let witnesses = policy.witnesses().iter().map(|witness| Witness {
            name: shown(&witness.name.to_string(), 100),
            url: witness.url.as_ref().map(|url| shown(&url.to_string(), 200)),
            at: opened
                .cosignatures()
                .iter()
                .filter(|one| one.witness == witness.name)
                .filter_map(|one| time(one.time))
                .max()
                .map(|at| w.time(&at)),
        });
        let statements: Vec<u64> =
            known.seen().filter(|(_, seen)| seen.kind == Some(Kind::Key)).map(|(index, _)| index).collect();
        let more_keys = statements.len().saturating_sub(KEYS_MAX);
        let mut names = Names::default();
        let mut keys = Vec::new();
        for index in statements.into_iter().rev().take(KEYS_MAX) {
            keys.extend(of_key(read, &w, &mut names, index)?);
        }
        // A list that cannot be read is told in the server's own log.
        let past = read.app.history.before(policy, known.size, PAST_MAX).unwrap_or_else(|error| {
            tracing::warn!(%error, "earlier checkpoints cannot be read");
            Vec::new()
        });
        let past = past.into_iter().rev().map(|past| Earlier {
            at: w.time(&past.seen_at),
            size: w.number(past.size),
            root: past.root.to_base64(),
        });
        let failing = known.seen().filter(|(_, seen)| !seen.holds).map(|(index, _)| index).take(20).collect();
        let page = LogState {
            size: known.size,
            note: shown_lines(&String::from_utf8_lossy(note)),
            log_key: shown(&read.reader.log().to_string(), 400),
            past: past.collect(),
            witnesses: witnesses.collect(),
            quorum: policy.quorum().map(|member| shown(&policy.name(member).to_string(), 100)),
            roots: known.state.roots().map(|(key_id, _)| key_id.to_hex()).collect(),
            needed: known.state.approvals_needed(),
            keys,
            more_keys,
            read_at: w.time(&known.read_at),
            followed_at: w.time(&known.followed_at),
            failing,
            f: Frame::new(
                w.clone(),
                read.reader.checkpoint().origin().as_str(),
                "state",
                w.t("logState.title").to_owned(),
            ),
        };
        Ok(html(w.lang, &page))
    })
    .await
}

fn of_key(read: &Read<'_>, w: &Words, names: &mut Names, index: u64) -> Result<Option<OfKey>, Fault> {
    let (entry, openings) = read.reader.entry(index)?;
    let Body::Key(closed) = &entry.body else { return Ok(None) };
    let opened = entry.open::<KeyStatement>(&openings).map(|opened| opened.value);
    let statement = opened.as_ref().unwrap_or(closed);
    let key_id = entry.statement.subject[0].digest.sha256;
    let mut who = names.of(read, &key_id)?;
    who.name = who.name.or_else(|| statement.name.as_ref().map(|name| shown(name, 80)));
    Ok(Some(OfKey {
        index,
        action: w.word("action", &json_word(&statement.action)),
        key: Some(who),
        roles: statement.roles.iter().map(|role| w.word("role", &json_word(role))).collect(),
        approvals: statement.approvals,
        replaces: statement.replaces.map(|key| format!("{}…", &key.to_hex()[..16])),
        at: w.time(&statement.recorded_at),
        in_force: read.known.state.key(&key_id).is_some_and(|key| key.ended.is_none()),
        holds: read.known.entry(index).is_some_and(|seen| seen.holds),
    }))
}

/// Makes lines visible, and keeps them lines.
pub(super) fn shown_lines(text: &str) -> String {
    text.split('\n').map(crate::view::visible).collect::<Vec<_>>().join("\n")
}
