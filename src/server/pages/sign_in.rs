//! Where one signs in: with a key, or with a link that opens once.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;

use super::super::people::Person;
use super::super::sign_in::SignInPage;
use super::words::Words;
use super::{App, Frame, html_private, shown};

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignIn {
    f: Frame,
    whose: Option<String>,
    until: String,
    csrf: String,
    challenge: String,
    next: String,
    command: String,
    wrong: Option<String>,
}

fn frame(app: &App, w: &Words) -> Frame {
    let mut f = Frame::new(w.clone(), &app.origin, "account", w.t("signIn.title").to_owned());
    f.unlisted = true;
    f
}

/// Answers with the page on which one signs in with a key.
pub(in crate::server) fn sign_in(
    app: &App,
    w: &Words,
    status: StatusCode,
    asked: &SignInPage<'_>,
) -> Response {
    let page = SignIn {
        f: frame(app, w),
        whose: asked.session.map(|session| w.named(&session.person, 100)),
        until: asked.session.map(|session| w.time(&session.expires_at)).unwrap_or_default(),
        csrf: asked.session.map(|session| session.csrf.clone()).unwrap_or_default(),
        challenge: asked.challenge.clone(),
        next: asked.next.clone(),
        command: asked.command(),
        wrong: asked.wrong.as_ref().map(|why| shown(why, 300)),
    };
    html_private(status, w.lang, &page)
}

#[derive(Template)]
#[template(path = "invited.html")]
struct Invited {
    f: Frame,
    /// Who is invited, and by what; `None` for a link that opens nothing.
    invited: Option<(String, String)>,
}

/// Answers with the page that a link leads to.
pub(in crate::server) fn invited(app: &App, w: &Words, invited: Option<(&Person, &str)>) -> Response {
    let status = if invited.is_some() { StatusCode::OK } else { StatusCode::NOT_FOUND };
    let invited = invited.map(|(person, secret)| (w.named(person, 100), secret.to_owned()));
    html_private(status, w.lang, &Invited { f: frame(app, w), invited })
}
