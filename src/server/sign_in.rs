//! Signing in and out: with a signature over a challenge, or with a link that opens once.
//!
//! ```text
//! dateline-sign-in.<base64url of: 16 random bytes · when it ends · 16 bytes that only this server can make of these>
//! ```
//!
//! The signature is one of `ssh-keygen -Y sign` in the namespace `dateline@<log origin>`: what was signed for one log signs nobody
//! in at another. Nothing is kept of a challenge until it is used, so that asking for many fills nothing; a challenge is used once.
//! A person who signs a challenge that another site passes on to him signs that site in: the command names the log, the browser
//! names the site, and the two are his to compare.

use std::borrow::Cow;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::base::encoding::{from_base64url, to_base64url};
use crate::base::{Hash, Timestamp};
use crate::keys::sshsig;
use crate::record::Kind;

use super::App;
use super::pages::{self, words::Words};
use super::people::{By, Person};
use super::problem::Problem;
use super::rate::Who;
use super::reading::{blocking, key_state};
use super::session::{SameOrigin, Session};

/// What a challenge begins with.
const CHALLENGE: &str = "dateline-sign-in.";
/// Seconds that a challenge may take to be answered.
const CHALLENGE_SECONDS: i64 = 10 * 60;
/// Seconds that a session lasts: a working day.
const SESSION_SECONDS: i64 = 12 * 60 * 60;
/// Bytes of a form of these.
pub(super) const FORM_MAX_BYTES: usize = 16 * 1024;

/// Makes challenges and knows them again.
pub(super) struct Challenges {
    /// 32 random bytes, of this run of the server alone.
    key: [u8; 32],
    /// Those that were used and have not ended.
    used: Mutex<HashMap<[u8; 16], i64>>,
}

impl Challenges {
    pub(super) fn new(random: fn() -> [u8; 16]) -> Self {
        let mut key = [0; 32];
        key[..16].copy_from_slice(&random());
        key[16..].copy_from_slice(&random());
        Challenges { key, used: Mutex::default() }
    }

    /// Key and message are of one length each: nobody can lengthen a message that he has a digest of.
    fn mark(&self, nonce: &[u8; 16], ends: i64) -> [u8; 32] {
        *Hash::of_parts(&[&self.key, nonce, &ends.to_be_bytes()]).as_bytes()
    }

    fn make(&self, nonce: [u8; 16], now: Timestamp) -> String {
        let ends = now.unix_seconds() + CHALLENGE_SECONDS;
        let mark = self.mark(&nonce, ends);
        format!("{CHALLENGE}{}", to_base64url(&[&nonce[..], &ends.to_be_bytes(), &mark[..16]].concat()))
    }

    /// Returns the nonce of a challenge that was made here and has not ended, and when it ends.
    fn known(&self, text: &str, now: Timestamp) -> Option<([u8; 16], i64)> {
        let bytes = from_base64url(text.strip_prefix(CHALLENGE)?).ok().filter(|bytes| bytes.len() == 40)?;
        let (nonce, rest) = bytes.split_first_chunk::<16>()?;
        let (ends, mark) = rest.split_first_chunk::<8>()?;
        let ends = i64::from_be_bytes(*ends);
        let ours = Hash::of(mark) == Hash::of(&self.mark(nonce, ends)[..16]);
        (ours && ends > now.unix_seconds()).then_some((*nonce, ends))
    }

    /// Uses a challenge; `false` if it was used before.
    fn use_up(&self, (nonce, ends): ([u8; 16], i64), now: Timestamp) -> bool {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.retain(|_, ends| *ends > now.unix_seconds());
        used.insert(nonce, ends).is_none()
    }
}

/// Returns the namespace of signatures that sign somebody in.
pub(super) fn namespace(app: &App) -> String {
    format!("dateline@{}", app.origin)
}

/// What the page for signing in shows.
pub(super) struct SignInPage<'a> {
    /// Who is signed in already.
    pub(super) session: Option<&'a Session>,
    /// What is to be signed.
    pub(super) challenge: String,
    /// The namespace of the signature.
    pub(super) namespace: String,
    /// Where to go then: a path here.
    pub(super) next: String,
    /// Why the last attempt failed.
    pub(super) wrong: Option<String>,
}

impl<'a> SignInPage<'a> {
    fn new(app: &App, session: Option<&'a Session>, next: Option<&str>, wrong: Option<String>) -> Self {
        SignInPage {
            session,
            challenge: app.challenges.make((app.random)(), (app.now)()),
            namespace: namespace(app),
            next: local(next).to_owned(),
            wrong,
        }
    }

    /// Returns the command that makes the signature, for a shell.
    pub(super) fn command(&self) -> String {
        let namespace = self.namespace.replace('\'', r"'\''");
        format!("printf %s '{}' | ssh-keygen -Y sign -f ~/.ssh/id_ed25519 -n '{namespace}'", self.challenge)
    }
}

/// Takes a path of this server to go to; any other address leads to the start.
fn local(next: Option<&str>) -> &str {
    let is_path = |path: &&str| {
        path.starts_with('/')
            && !path.starts_with("//")
            && path.bytes().all(|b| b > b' ' && b != b'\\' && b < 127)
    };
    next.filter(is_path).unwrap_or("/")
}

/// Reads the fields of a form.
pub(super) fn form(body: &[u8]) -> HashMap<Cow<'_, str>, Cow<'_, str>> {
    url::form_urlencoded::parse(body).collect()
}

/// `GET /sign-in`
pub(super) async fn show(
    State(app): State<App>,
    session: Option<Session>,
    w: Words,
    RawQuery(query): RawQuery,
) -> Response {
    let query = query.unwrap_or_default();
    let next = form(query.as_bytes()).remove("next");
    pages::sign_in::sign_in(
        &app,
        &w,
        StatusCode::OK,
        &SignInPage::new(&app, session.as_ref(), next.as_deref(), None),
    )
}

/// `POST /sign-in`: a challenge and its signature.
pub(super) async fn sign_in(
    State(app): State<App>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    _: SameOrigin,
    w: Words,
    body: Bytes,
) -> Result<Response, Problem> {
    attempt(&app, from)?;
    let fields = form(&body);
    let field = |name: &str| fields.get(name).map(AsRef::as_ref).unwrap_or_default();
    let next = local(fields.get("next").map(AsRef::as_ref)).to_owned();
    match signer(&app, field("challenge"), field("signature")).await? {
        Ok(key_id) => begin(&app, Person::Signer(key_id), By::Signature, from, &next).await,
        Err(why) => {
            failed(&app, from, &why).await;
            let shown = SignInPage::new(&app, None, Some(&next), Some(why));
            Ok(pages::sign_in::sign_in(&app, &w, StatusCode::FORBIDDEN, &shown))
        }
    }
}

/// Finds whose key signed a challenge; or says why nobody is signed in by it.
async fn signer(app: &App, challenge: &str, signature: &str) -> Result<Result<Hash, String>, Problem> {
    let now = (app.now)();
    let Some(known) = app.challenges.known(challenge, now) else {
        return Ok(Err("the challenge has ended: sign the one below".into()));
    };
    let with_a_line = format!("{challenge}\n");
    let messages = [challenge.as_bytes(), with_a_line.as_bytes()];
    let key = match sshsig::verify(signature, &namespace(app), &messages) {
        Ok(key) => key,
        Err(error) => return Ok(Err(format!("the signature is not taken: {error}"))),
    };
    let key_id = key.key_id();
    if key_state(app).await?.key(&key_id).is_none_or(|key| key.ended.is_some()) {
        return Ok(Err(format!("key {key_id} is not enrolled in this log, or was ended")));
    }
    match app.challenges.use_up(known, now) {
        true => Ok(Ok(key_id)),
        false => Ok(Err("the challenge was used before: sign the one below".into())),
    }
}

/// `GET /invite/{secret}`: asks whether to sign in. It uses nothing up, as programs that look at links before people do ask for
/// it too.
pub(super) async fn invited(
    State(app): State<App>,
    Path(secret): Path<String>,
    w: Words,
) -> Result<Response, Problem> {
    let (held, asked) = (app.clone(), secret.clone());
    let person = blocking(move || Ok(held.people.invited(&asked, (held.now)())?)).await?;
    Ok(pages::sign_in::invited(&app, &w, person.as_ref().map(|person| (person, secret.as_str()))))
}

/// `POST /invite/{secret}`
pub(super) async fn accept(
    State(app): State<App>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    _: SameOrigin,
    Path(secret): Path<String>,
    w: Words,
) -> Result<Response, Problem> {
    attempt(&app, from)?;
    let held = app.clone();
    match blocking(move || Ok(held.people.accept(&secret, (held.now)())?)).await? {
        Some(invitation) => begin(&app, invitation.person, By::Invitation, from, "/").await,
        None => {
            failed(&app, from, "the invitation is unknown, used or ended").await;
            Ok(pages::sign_in::invited(&app, &w, None))
        }
    }
}

/// `POST /sign-out`
pub(super) async fn sign_out(
    State(app): State<App>,
    _: SameOrigin,
    session: Option<Session>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    if let Some(session) = session {
        session.must_mean_it(&headers, form(&body).get("csrf").map(AsRef::as_ref))?;
        let held = app.clone();
        blocking(move || Ok(held.people.end((held.now)(), "signedOut", |one| one.id == session.id)?)).await?;
    }
    Ok(gone_to("/", &app.site.cookie(None, 0)))
}

/// `GET /api/v1/session`: who is signed in, and what a script of a page must send with what changes something.
pub(super) async fn session(State(app): State<App>, session: Session) -> Response {
    let entrusted = session.key_id().is_some_and(|key_id| app.entrusted(&key_id).is_some());
    let told = json!({
        "id": session.id, "person": session.person, "keyId": session.key_id(), "roles": session.roles,
        "mayRegister": session.may(Kind::Registration), "keyEntrusted": entrusted, "csrf": session.csrf, "expiresAt": session.expires_at,
    });
    ([(header::CACHE_CONTROL, "no-store")], Json(told)).into_response()
}

fn gone_to(path: &str, cookie: &HeaderValue) -> Response {
    let headers = [(header::LOCATION, path), (header::CACHE_CONTROL, "no-store")];
    let mut response = (StatusCode::SEE_OTHER, headers).into_response();
    response.headers_mut().insert(header::SET_COOKIE, cookie.clone());
    response
}

/// Holds attempts to their rate.
fn attempt(app: &App, from: SocketAddr) -> Result<(), Problem> {
    app.attempts.take(Who::at(from.ip()), Instant::now()).map_err(Problem::too_many)
}

async fn begin(app: &App, person: Person, by: By, from: SocketAddr, next: &str) -> Result<Response, Problem> {
    let held = app.clone();
    let begun = blocking(move || {
        let now = (held.now)();
        let ends = now.unix_seconds() + SESSION_SECONDS;
        let ends =
            Timestamp::from_unix_seconds(ends).ok_or_else(|| Problem::internal("the clock is wrong"))?;
        Ok(held.people.begin((held.random)(), person, (by, &from.ip().to_string()), now, ends)?)
    });
    match begun.await? {
        Some((_, secret)) => Ok(gone_to(next, &app.site.cookie(Some(&secret), SESSION_SECONDS))),
        None => Err(Problem::too_many(60)),
    }
}

/// Tells the audit trail of an attempt that failed; of so many a second at most, as anybody can make them.
async fn failed(app: &App, from: SocketAddr, why: &str) {
    tracing::warn!(from = %from.ip(), why, "nobody was signed in");
    app.metrics.failed("signIn");
    if app.attempts.take(Who::Anybody, Instant::now()).is_err() {
        return;
    }
    let (held, why) = (app.clone(), why.to_owned());
    let told = blocking(move || {
        let more = json!({"from": from.ip().to_string(), "why": why});
        Ok(held.trail.tell((held.now)(), "signInFailed", more)?)
    });
    if let Err(problem) = told.await {
        tracing::error!(?problem, "the audit trail cannot be written");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_seconds(1_790_000_000 + seconds).unwrap()
    }

    #[test]
    fn a_challenge_is_known_to_who_made_it_and_used_once() {
        let ours = Challenges::new(|| [3; 16]);
        let theirs = Challenges::new(|| [4; 16]);
        let text = ours.make([1; 16], at(0));
        let known = ours.known(&text, at(599)).unwrap();
        assert_eq!(ours.known(&text, at(600)), None, "ended");
        assert_eq!(theirs.known(&text, at(1)), None);
        for at_byte in CHALLENGE.len()..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[at_byte] = if changed[at_byte] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(ours.known(&changed, at(1)), None, "{at_byte}");
        }
        assert!(ours.use_up(known, at(1)));
        assert!(!ours.use_up(known, at(2)));
        assert!(ours.use_up(ours.known(&ours.make([2; 16], at(0)), at(1)).unwrap(), at(2)));
    }

    #[test]
    fn one_is_led_nowhere_else() {
        for (next, path) in [
            (Some("/record/7?x=1"), "/record/7?x=1"),
            (Some("//evil.example"), "/"),
            (Some("/\\evil.example"), "/"),
            (Some("https://evil.example"), "/"),
            (Some("/a\r\nSet-Cookie: x=y"), "/"),
            (Some("/\u{202e}"), "/"),
            (Some(""), "/"),
            (None, "/"),
        ] {
            assert_eq!(local(next), path, "{next:?}");
        }
    }
}
