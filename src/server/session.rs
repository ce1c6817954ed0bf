//! Who is signed in, as handlers take it: `Session`, `Option<Session>`, and [`SameOrigin`] for what changes something.
//!
//! The session's secret is in a cookie that no script reads and no other site sends (`HttpOnly`, `SameSite=Strict`). Over HTTPS it
//! is named `__Host-dateline` and `Secure`, so that no other host can set it and no plain connection carries it. Over plain HTTP
//! it is named `dateline`, and only somebody at the machine itself (`localhost`) can sign in: not every browser takes a `Secure`
//! cookie from there, and there is no wire to listen on. Behind a proxy that speaks HTTPS, `--public-url` says so.
//!
//! What changes something must be meant: besides, the request must come from a page of this server, as the browser says
//! (`Sec-Fetch-Site`, else `Origin`), and carry the session's token in the form field `csrf` or the header `X-CSRF-Token`. The
//! token is made of the secret by a hash; who has the one does not have the other.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts, OptionalFromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};

use crate::base::encoding::to_base64url;
use crate::base::{Hash, Timestamp};
use crate::record::{Kind, Role};

use super::App;
use super::people::Person;
use super::problem::Problem;
use super::reading::{blocking, key_state};

const SECURE_COOKIE: &str = "__Host-dateline";
const PLAIN_COOKIE: &str = "dateline";
/// The header that a script sends a session's token in.
const CSRF_HEADER: &str = "x-csrf-token";

/// How people reach the server.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    /// Over HTTPS: here, or at a proxy in front.
    pub(crate) secure: bool,
    /// Scheme, host and port that browsers see, where they are known.
    pub(crate) origin: Option<String>,
}

/// Returns the host that a request is for, with its port; none where it names two.
fn host(parts: &Parts) -> Option<&str> {
    let named = || {
        let mut all = parts.headers.get_all(header::HOST).iter();
        all.next().filter(|_| all.next().is_none()).and_then(|value| value.to_str().ok())
    };
    parts.uri.authority().map(axum::http::uri::Authority::as_str).or_else(named)
}

fn is_loopback_name(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

impl Site {
    /// Returns the name of the cookie.
    fn cookie_name(&self) -> &'static str {
        if self.secure { SECURE_COOKIE } else { PLAIN_COOKIE }
    }

    /// Returns the header field that gives a browser the secret, until `seconds` from now; with none, takes it away.
    pub(super) fn cookie(&self, secret: Option<&str>, seconds: i64) -> HeaderValue {
        let secure = if self.secure { "; Secure" } else { "" };
        let (value, seconds) = secret.map_or(("", 0), |secret| (secret, seconds.max(0)));
        let name = self.cookie_name();
        let text = format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
        HeaderValue::from_str(&text).expect("internal error: a cookie of our own letters is no header value")
    }

    /// Whether a secret may go over this connection.
    fn is_private(&self, parts: &Parts) -> bool {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
        self.secure || peer.is_some_and(|ip| ip.is_loopback()) && host(parts).is_some_and(is_loopback_name)
    }

    fn is_own(&self, parts: &Parts) -> bool {
        let field = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
        if let Some(site) = field("sec-fetch-site") {
            return site == "same-origin";
        }
        let Some(origin) = field("origin") else { return false };
        match &self.origin {
            Some(own) => origin == own,
            None => {
                let authority = origin.split_once("://").map(|(_, authority)| authority);
                authority.is_some() && authority == host(parts)
            }
        }
    }
}

/// A request that comes from a page of this server, over a connection that a secret may go over.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SameOrigin;

impl FromRequestParts<App> for SameOrigin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        if !app.site.is_private(parts) {
            let why = "signing in takes HTTPS: serve with --tls-cert, or behind a proxy with --public-url https://…; \
                       over plain HTTP only at the machine itself, as localhost";
            return Err(Problem::forbidden(why));
        }
        match app.site.is_own(parts) {
            true => Ok(SameOrigin),
            false => Err(Problem::cross_site()),
        }
    }
}

/// Somebody who is signed in.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    /// Its name in lists and in the audit trail.
    pub(crate) id: String,
    /// Who it is.
    pub(crate) person: Person,
    /// What he may do, as the log says now; nothing, for a reader.
    pub(crate) roles: Vec<Role>,
    /// What a form of his must carry in its field `csrf`.
    pub(crate) csrf: String,
    /// When it ends.
    pub(crate) expires_at: Timestamp,
}

/// Whose session a request is of, once that was looked up: what makes its page, and what answers it, both ask.
#[derive(Debug, Clone)]
struct Found(Option<Session>);

fn csrf_of(secret: &str) -> String {
    to_base64url(&Hash::of_parts(&[b"dateline csrf ", secret.as_bytes()]).as_bytes()[..16])
}

impl Session {
    /// Returns the id of his key; a reader has none.
    pub(crate) fn key_id(&self) -> Option<Hash> {
        match self.person {
            Person::Signer(key_id) => Some(key_id),
            Person::Reader(_) => None,
        }
    }

    /// Whether he may make statements of `kind`.
    pub(crate) fn may(&self, kind: Kind) -> bool {
        kind.may_be_made_by(&self.roles)
    }

    /// Refuses a request that does not carry the session's token: in the form field whose value is given, else in the header.
    pub(crate) fn must_mean_it(&self, headers: &HeaderMap, field: Option<&str>) -> Result<(), Problem> {
        let sent = field.or_else(|| headers.get(CSRF_HEADER)?.to_str().ok()).unwrap_or_default();
        // Compared by digest: how long that takes says nothing of the token.
        match Hash::of(sent.as_bytes()) == Hash::of(self.csrf.as_bytes()) {
            true => Ok(()),
            false => Err(Problem::cross_site()),
        }
    }

    /// Finds whose session a request is of. A session ends with its key.
    async fn of(parts: &mut Parts, app: &App) -> Result<Option<Self>, Problem> {
        if let Some(Found(session)) = parts.extensions.get() {
            return Ok(session.clone());
        }
        let session = Session::look_up(parts, app).await?;
        parts.extensions.insert(Found(session.clone()));
        Ok(session)
    }

    async fn look_up(parts: &Parts, app: &App) -> Result<Option<Self>, Problem> {
        if !app.site.is_private(parts) {
            return Ok(None);
        }
        let name = app.site.cookie_name();
        let cookies = parts.headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs =
            cookies.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let Some((_, secret)) = pairs.find(|(found, _)| *found == name) else { return Ok(None) };
        let (secret, csrf) = (secret.to_owned(), csrf_of(secret));
        let held = app.clone();
        let found = blocking(move || Ok(held.people.session(&secret, (held.now)())?)).await?;
        let Some(found) = found else { return Ok(None) };
        let roles = match &found.person {
            Person::Reader(_) => Vec::new(),
            Person::Signer(key_id) => {
                let state = key_state(app).await?;
                match state.key(key_id).filter(|key| key.ended.is_none()) {
                    Some(key) => key.roles.clone(),
                    None => return Ok(None),
                }
            }
        };
        Ok(Some(Session { id: found.id, person: found.person, roles, csrf, expires_at: found.expires_at }))
    }
}

impl FromRequestParts<App> for Session {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        Session::of(parts, app).await?.ok_or_else(|| Problem::unauthorised("sign in first, at /sign-in"))
    }
}

impl OptionalFromRequestParts<App> for Session {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Option<Self>, Problem> {
        Session::of(parts, app).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request;

    fn request(peer: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = Request::builder().uri("/sign-in");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut parts = request.body(()).unwrap().into_parts().0;
        parts.extensions.insert(ConnectInfo(SocketAddr::new(peer.parse().unwrap(), 9)));
        parts
    }

    #[test]
    fn a_secret_goes_over_https_or_stays_on_the_machine() {
        let plain = Site { secure: false, origin: None };
        for (peer, host, private) in [
            ("127.0.0.1", "localhost:8080", true),
            ("127.0.0.1", "127.0.0.1:8080", true),
            ("::1", "[::1]:8080", true),
            ("::1", "[::1]", true),
            // A proxy on the same machine that passes on what came from elsewhere.
            ("127.0.0.1", "news.example.org", false),
            ("127.0.0.1", "localhost.example.org", false),
            ("192.0.2.7", "localhost:8080", false),
        ] {
            assert_eq!(plain.is_private(&request(peer, &[("host", host)])), private, "{peer} {host}");
            let secure = Site { secure: true, origin: None };
            assert!(secure.is_private(&request(peer, &[("host", host)])));
        }
        assert!(!plain.is_private(&request("127.0.0.1", &[])));
        assert!(!plain.is_private(&request("127.0.0.1", &[("host", "localhost"), ("host", "a.example")])));
        let cookie = Site { secure: true, origin: None }.cookie(Some("abc"), 60);
        let expected = "__Host-dateline=abc; Path=/; Max-Age=60; HttpOnly; SameSite=Strict; Secure";
        assert_eq!(cookie, expected);
        let gone = "dateline=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict";
        assert_eq!(plain.cookie(None, 60), gone);
    }

    #[test]
    fn a_request_of_another_site_is_told() {
        let known = Some("https://news.example.org".to_owned());
        for (origin, headers, own) in [
            (None, &[("host", "a:1"), ("origin", "http://a:1")][..], true),
            (None, &[("host", "a:1"), ("origin", "http://a:2")], false),
            (None, &[("host", "a:1"), ("origin", "null")], false),
            (None, &[("host", "a:1")], false),
            (None, &[("host", "a:1"), ("sec-fetch-site", "same-origin")], true),
            (None, &[("host", "a:1"), ("sec-fetch-site", "same-site"), ("origin", "http://a:1")], false),
            (None, &[("host", "a:1"), ("sec-fetch-site", "cross-site")], false),
            (known.clone(), &[("host", "a:1"), ("origin", "https://news.example.org")], true),
            (known, &[("host", "a:1"), ("origin", "http://a:1")], false),
        ] {
            let site = Site { secure: true, origin };
            assert_eq!(site.is_own(&request("127.0.0.1", headers)), own, "{headers:?}");
        }
    }

    #[test]
    fn a_session_is_meant_with_its_own_token_alone() {
        let (secret, other) = ("A".repeat(22), "B".repeat(22));
        let session = Session {
            id: "1".into(),
            person: Person::Reader("r".into()),
            roles: Vec::new(),
            csrf: csrf_of(&secret),
            expires_at: Timestamp::from_unix_seconds(0).unwrap(),
        };
        let mut headers = HeaderMap::new();
        assert!(session.must_mean_it(&headers, None).is_err());
        assert!(session.must_mean_it(&headers, Some(&csrf_of(&secret))).is_ok());
        for wrong in ["", &secret, &csrf_of(&other), &csrf_of(&secret)[1..]] {
            assert!(session.must_mean_it(&headers, Some(wrong)).is_err(), "{wrong}");
        }
        headers.insert(CSRF_HEADER, csrf_of(&secret).parse().unwrap());
        assert!(session.must_mean_it(&headers, None).is_ok());
    }
}
