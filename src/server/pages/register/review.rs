//! A draft before an editor: what was found and where, what is like it, and what he says of it.

use std::collections::HashMap;

use askama::Template;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::json;

use crate::article::{Article, Byline, ClaimedOrigin, Evidence, Strength};
use crate::record::Decisions;
use crate::record::decisions::{stated_byline, stated_origin};
use crate::view::json_word;

use super::super::super::problem::Problem;
use super::super::super::session::{SameOrigin, Session};
use super::super::marked::{MarkedText, Span, span};
use super::super::timeline::because;
use super::super::words::Words;
use super::super::{App, Fault, Frame, html_private, shown};
use super::alike::Alike;
use super::drafts::Waiting;
use super::{is_entrusted, must_be_allowed, sign, wants_json};

/// One find, as an editor is asked about it.
struct Find {
    /// Name of the field in the form.
    name: String,
    label: String,
    words: String,
    cue: Option<String>,
    kinds: Vec<String>,
    because: String,
    anchor: Option<String>,
    /// Whether a person must say yes or no.
    asked: bool,
    /// What was answered: `keep`, `drop` or nothing.
    answer: String,
}

impl Find {
    fn is(&self, answer: &str) -> bool {
        self.answer == answer
    }
}

/// What an editor says, as he wrote it.
#[derive(Default, Clone)]
struct Said(HashMap<String, String>);

impl Said {
    fn of(body: &[u8]) -> Self {
        Said(url::form_urlencoded::parse(body).into_owned().collect())
    }

    fn get(&self, name: &str) -> &str {
        self.0.get(name).map(String::as_str).unwrap_or_default()
    }

    fn some(&self, name: &str) -> Option<String> {
        Some(self.get(name).trim().to_owned()).filter(|text| !text.is_empty())
    }

    fn lines(&self, name: &str) -> Vec<String> {
        self.get(name).lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
    }

    fn is_on(&self, name: &str) -> bool {
        !self.get(name).is_empty()
    }
}

#[derive(Template)]
#[template(path = "review.html")]
struct ReviewPage {
    f: Frame,
    id: String,
    csrf: String,
    name: String,
    entrusted: bool,
    complaint: Option<String>,
    already: Option<u64>,
    finds: Vec<Find>,
    questions: usize,
    title: String,
    language: String,
    publisher: String,
    published: String,
    said: Said,
    warnings: Vec<Warned>,
    notes: Vec<String>,
    alike: std::sync::Arc<Waiting>,
    text: MarkedText,
    empty: bool,
    digest: String,
    file: String,
}

/// A registered text that is like the draft, with what that comes to.
struct Warned {
    words: String,
    tone: &'static str,
    place: usize,
}

impl ReviewPage {
    fn one(&self, place: &usize) -> &Alike {
        &self.alike.alike[*place]
    }
}

/// Finds the draft of a request.
pub(super) fn find(app: &App, session: &Session, id: &str) -> Option<std::sync::Arc<Waiting>> {
    app.drafts.get(id, &session.id, (app.now)())
}

/// Answers where there is no such draft.
pub(super) fn gone(app: &App, w: Words) -> Response {
    Fault::NotFound(w.t("register.gone").to_owned()).page(app, w)
}

/// `GET /register/{draft}`
pub(super) async fn page(
    State(app): State<App>,
    Path(id): Path<String>,
    session: Option<Session>,
    w: Words,
) -> Response {
    let Some(session) = session else { return Redirect::to("/register").into_response() };
    let Some(draft) = find(&app, &session, &id) else { return gone(&app, w) };
    shown_page(&app, &session, w, &id, &draft, Said::default(), None)
}

fn shown_page(
    app: &App,
    session: &Session,
    w: Words,
    id: &str,
    draft: &std::sync::Arc<Waiting>,
    said: Said,
    complaint: Option<String>,
) -> Response {
    let article = &draft.article;
    let status = if complaint.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let value = |claim: &Option<crate::article::TextClaim>| {
        claim.as_ref().map(|claim| shown(&claim.value, 300)).unwrap_or_default()
    };
    let mut finds: Vec<Find> = article
        .claimed_origins
        .iter()
        .enumerate()
        .map(|(number, origin)| {
            let kinds = [json_word(&origin.kind), json_word(&origin.role)];
            let kinds = [w.word("originKind", &kinds[0]), w.word("originRole", &kinds[1])];
            let kinds = kinds.into_iter().filter(|kind| kind != "unknown" && kind != "origin");
            let own = Found {
                topic: "claimedOrigins",
                number,
                words: &origin.as_printed,
                cue: origin.cue.as_deref(),
            };
            own.find(&w, &said, kinds.collect(), &origin.evidence)
        })
        .collect();
    finds.extend(article.bylines.iter().enumerate().map(|(number, byline)| {
        let kind = w.word("bylineKind", &json_word(&byline.kind));
        let kinds = Some(kind).filter(|kind| kind != "unknown").into_iter().collect();
        let own = Found { topic: "bylines", number, words: &byline.as_printed, cue: byline.cue.as_deref() };
        own.find(&w, &said, kinds, &byline.evidence)
    }));
    let warnings = draft.alike.iter().enumerate().map(|(place, one)| {
        let (words, tone) = one.says(&w);
        Warned { words, tone, place }
    });
    let mut f =
        Frame::new(w.clone(), &app.origin, "register", w.t1("register.reviewTitle", shown(&draft.name, 80)));
    f.unlisted = true;
    let lang = w.lang;
    let page = ReviewPage {
        id: id.to_owned(),
        csrf: session.csrf.clone(),
        name: draft.name.clone(),
        entrusted: is_entrusted(app, session),
        complaint,
        already: draft.already,
        questions: finds.iter().filter(|find| find.asked).count(),
        finds,
        title: value(&article.title),
        language: article.language.as_ref().map(|language| shown(&language.tag, 20)).unwrap_or_default(),
        publisher: value(&article.publisher),
        published: value(&article.published_at),
        warnings: warnings.collect(),
        notes: article
            .warnings
            .iter()
            .filter(|one| one.is_notable())
            .map(|one| shown(&one.to_string(), 300))
            .collect(),
        text: MarkedText::of(&article.text, &spans(article)),
        empty: article.text.trim().is_empty(),
        digest: article.digests.original.to_hex(),
        file: format!("{}, {}", article.media_type, w.bytes(article.bytes)),
        alike: std::sync::Arc::clone(draft),
        said,
        f,
    };
    html_private(status, lang, &page)
}

/// What a rule found.
struct Found<'a> {
    topic: &'static str,
    number: usize,
    words: &'a str,
    cue: Option<&'a str>,
}

impl Found<'_> {
    fn find(&self, w: &Words, said: &Said, kinds: Vec<String>, evidence: &Evidence) -> Find {
        let name = format!("{}-{}", self.topic, self.number);
        Find {
            label: w.word("field", self.topic),
            words: shown(self.words, 300),
            cue: self.cue.map(|cue| shown(cue, 80)),
            kinds,
            because: because(w, evidence),
            anchor: evidence.position().map(|_| format!("e-{name}")),
            asked: evidence.strength() < Strength::Strong,
            answer: said.get(&name).to_owned(),
            name,
        }
    }
}

fn spans(article: &Article) -> Vec<Span> {
    let mut spans = Vec::new();
    spans.extend(article.title.as_ref().and_then(|one| span(&one.evidence, "title", "e-title-0")));
    spans.extend(article.dateline.as_ref().and_then(|one| span(&one.evidence, "dateline", "e-dateline")));
    spans.extend(article.publisher.as_ref().and_then(|one| span(&one.evidence, "publisher", "e-publisher")));
    spans.extend(
        article.published_at.as_ref().and_then(|one| span(&one.evidence, "published", "e-publishedAt")),
    );
    for (number, origin) in article.claimed_origins.iter().enumerate() {
        spans.extend(span(&origin.evidence, "origin", format!("e-claimedOrigins-{number}")));
    }
    for (number, byline) in article.bylines.iter().enumerate() {
        spans.extend(span(&byline.evidence, "byline", format!("e-bylines-{number}")));
    }
    let quotes = article.quotes.iter().enumerate();
    spans.extend(quotes.map(|(number, quote)| Span {
        start: quote.start,
        end: quote.end,
        class: "quote",
        id: format!("e-quotes-{number}"),
    }));
    spans
}

/// Puts what an editor said into the document; or says what is missing or wrong.
fn decided(w: &Words, draft: &Waiting, said: &Said) -> Result<(Article, Decisions), String> {
    let mut article = draft.article.clone();
    let answer = |topic: &str, number: usize, evidence: &Evidence| {
        let answer = said.get(&format!("{topic}-{number}"));
        match (answer, evidence.strength() < Strength::Strong) {
            ("drop", _) => Ok(false),
            ("keep", _) | (_, false) => Ok(true),
            (_, true) => Err(w.t("register.unanswered").to_owned()),
        }
    };
    let mut origins: Vec<ClaimedOrigin> = Vec::new();
    for (number, origin) in article.claimed_origins.iter().enumerate() {
        if answer("claimedOrigins", number, &origin.evidence)? {
            origins.push(origin.clone());
        }
    }
    let mut bylines: Vec<Byline> = Vec::new();
    for (number, byline) in article.bylines.iter().enumerate() {
        if answer("bylines", number, &byline.evidence)? {
            bylines.push(byline.clone());
        }
    }
    let changed =
        |name: &str, found: Option<&str>| said.some(name).filter(|text| Some(text.as_str()) != found);
    let value = |claim: &Option<crate::article::TextClaim>| claim.as_ref().map(|claim| claim.value.clone());
    let decisions = Decisions {
        origins: said.lines("more-origins"),
        bylines: said.lines("more-bylines"),
        title: changed("title", value(&article.title).as_deref()),
        language: changed("language", article.language.as_ref().map(|language| language.tag.as_str())),
        publisher: changed("publisher", value(&article.publisher).as_deref()),
        published_at: changed("published", value(&article.published_at).as_deref()),
        url: said.some("url"),
        note: said.some("note").map(|note| note.replace("\r\n", " ").replace('\n', " ")),
        no_quotes: said.is_on("no-quotes"),
        no_store: said.is_on("no-store"),
        ..Decisions::default()
    };
    decisions.check().map_err(|error| shown(&error.to_string(), 300))?;
    origins.extend(decisions.origins.iter().map(|name| stated_origin(name)));
    bylines.extend(decisions.bylines.iter().map(|name| stated_byline(name)));
    // What is said besides what was found stands beside it; the rest takes the place of it.
    let rest = Decisions { origins: Vec::new(), bylines: Vec::new(), ..decisions.clone() };
    rest.apply(&mut article);
    (article.claimed_origins, article.bylines) = (origins, bylines);
    Ok((article, rest))
}

/// `POST /register/{draft}`: signs and appends what an editor decided, or gives it to him to sign.
pub(super) async fn confirm(
    State(app): State<App>,
    _: SameOrigin,
    Path(id): Path<String>,
    session: Session,
    headers: HeaderMap,
    w: Words,
    body: Bytes,
) -> Result<Response, Problem> {
    let said = Said::of(&body);
    session.must_mean_it(&headers, said.0.get("csrf").map(String::as_str))?;
    must_be_allowed(&app, &session)?;
    let script = wants_json(&headers);
    let Some(draft) = find(&app, &session, &id) else {
        return match script {
            true => Err(Problem::not_found("there is no such draft")),
            false => Ok(gone(&app, w)),
        };
    };
    let made = match decided(&w, &draft, &said) {
        Ok((article, decisions)) => sign::prepared(&app, &session, &draft, article, decisions),
        Err(complaint) => Err(complaint),
    };
    let done = match made {
        Ok(()) if !is_entrusted(&app, &session) => {
            let to = format!("/register/{id}/sign");
            return Ok(match script {
                true => Json(json!({"sign": to})).into_response(),
                false => Redirect::to(&to).into_response(),
            });
        }
        Ok(()) => sign::here(&app, &session, &w, &draft).await,
        Err(complaint) => Err(complaint),
    };
    Ok(match (done, script) {
        (Ok(record), true) => {
            app.drafts.forget(&id, &session.id);
            Json(json!({"record": record})).into_response()
        }
        (Ok(record), false) => {
            app.drafts.forget(&id, &session.id);
            Redirect::to(&format!("/records/{record}")).into_response()
        }
        (Err(complaint), true) => {
            (StatusCode::UNPROCESSABLE_ENTITY, Json(json!({"why": complaint}))).into_response()
        }
        (Err(complaint), false) => shown_page(&app, &session, w, &id, &draft, said, Some(complaint)),
    })
}

/// `POST /register/{draft}/discard`
pub(super) async fn discard(
    State(app): State<App>,
    _: SameOrigin,
    Path(id): Path<String>,
    session: Session,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let said = Said::of(&body);
    session.must_mean_it(&headers, said.0.get("csrf").map(String::as_str))?;
    app.drafts.forget(&id, &session.id);
    Ok(Redirect::to("/register").into_response())
}
