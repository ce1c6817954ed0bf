//! Who sends something that changes the log: a program with a token, or somebody who is signed in. Found out before the body is
//! read.

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::header;
use axum::http::request::Parts;

use crate::base::Hash;
use crate::keys::Signer;
use crate::record::Kind;

use super::App;
use super::problem::Problem;
use super::rate::Who;
use super::reading::blocking;
use super::session::{SameOrigin, Session};
use super::tokens::{Scope, Token};

/// Who sends something.
#[derive(Debug, Clone)]
pub(crate) enum Author {
    /// A program.
    Token(Token),
    /// A person.
    Person(Session),
}

impl FromRequestParts<App> for Author {
    type Rejection = Problem;

    /// A token is looked at first. Somebody who is signed in must mean it: the request comes from a page of this server, and
    /// carries the session's token in `X-CSRF-Token`.
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let none = || Problem::unauthorised("send a token (Authorization: Bearer dateline_…), or sign in");
        let Some(value) = parts.headers.get(header::AUTHORIZATION) else {
            let session = <Session as OptionalFromRequestParts<App>>::from_request_parts(parts, app).await?;
            let session = session.ok_or_else(none)?;
            SameOrigin::from_request_parts(parts, app).await?;
            session.must_mean_it(&parts.headers, None)?;
            app.may_write(Who::Token(Hash::of(session.id.as_bytes())))?;
            return Ok(Author::Person(session));
        };
        let secret = value.to_str().ok().and_then(|value| value.split_once(' '));
        let secret = secret.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let secret = secret.map(|(_, secret)| secret.trim().to_owned()).ok_or_else(none)?;
        let held = app.clone();
        let token = blocking(move || Ok(held.tokens.find(&secret, (held.now)())?)).await?;
        let token = token.ok_or_else(|| Problem::unauthorised("the token is unknown, expired or revoked"))?;
        app.may_write(Who::Token(token.sha256))?;
        Ok(Author::Token(token))
    }
}

impl Author {
    /// Returns the id of the key of whoever is signed in.
    pub(super) fn key_id(&self) -> Option<Hash> {
        match self {
            Author::Token(_) => None,
            Author::Person(session) => session.key_id(),
        }
    }

    /// Refuses who may not have a document signed here.
    pub(super) fn may_have_signed(&self, app: &App) -> Result<(), Problem> {
        match self {
            Author::Token(token) if token.scope != Scope::Submit => {
                Err(Problem::forbidden("this token is for statements that were signed elsewhere"))
            }
            Author::Person(session) if !session.may(Kind::Registration) => {
                Err(Problem::forbidden("who is signed in may not register documents"))
            }
            _ => self.signer(app).map(|_| ()),
        }
    }

    /// Returns what signs for him: for a program the server's own key, for a person his own, where it was entrusted to the server.
    pub(super) fn signer<'a>(&self, app: &'a App) -> Result<&'a Signer, Problem> {
        match self {
            Author::Token(_) => app.signer.as_ref().ok_or_else(|| {
                Problem::forbidden("this server signs nothing: send statements that were signed elsewhere")
            }),
            Author::Person(session) => {
                let entrusted = session.key_id().and_then(|key_id| app.entrusted(&key_id));
                entrusted.ok_or_else(Problem::not_entrusted)
            }
        }
    }
}
