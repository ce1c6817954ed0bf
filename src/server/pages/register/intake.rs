//! What is sent to be registered, and how it becomes drafts.

use std::sync::{Arc, Mutex};

use axum::extract::Multipart;
use axum::http::StatusCode;

use crate::article::container::{Delivery, Http, Relation};
use crate::article::{self, ReadError, ReadOptions};
use crate::base::Hash;
use crate::base::encoding::to_base64url;
use crate::base::limits::DOCUMENT_MAX_BYTES;
use crate::capture::{Capture, Fetcher, Options};
use crate::verify::read_log_as;

use super::super::super::session::Session;
use super::super::words::Words;
use super::super::{App, Fault, Read, shown};
use super::alike::alike;
use super::drafts::Waiting;

/// Documents of one request, and those taken out of one file.
const FILES_MAX: usize = 50;
const PARTS_MAX: usize = 100;
/// Seconds that fetching a page may take: the request has a minute.
const FETCH_SECONDS: u64 = 30;

/// A document that was sent.
#[derive(Clone, Default)]
pub(super) struct File {
    name: Option<String>,
    bytes: Vec<u8>,
    media_type: Option<String>,
    charset: Option<String>,
    delivery: Delivery,
}

/// All that was sent.
#[derive(Clone, Default)]
pub(super) struct Sent {
    pub(super) csrf: Option<String>,
    pub(super) text: String,
    pub(super) url: String,
    files: Vec<File>,
}

/// What came of it.
#[derive(Default)]
pub(super) struct Taken {
    pub(super) drafts: Vec<(String, Arc<Waiting>)>,
    /// Names, and why not.
    pub(super) failed: Vec<(String, String)>,
}

/// Receives a form; returns why it ended before its end, if it did.
pub(super) async fn receive(mut multipart: Multipart, w: &Words) -> (Sent, Option<(StatusCode, String)>) {
    let mut sent = Sent::default();
    loop {
        let failed = |error: axum::extract::multipart::MultipartError| match error.status() {
            StatusCode::PAYLOAD_TOO_LARGE => {
                (StatusCode::PAYLOAD_TOO_LARGE, w.t1("register.tooLarge", w.bytes(DOCUMENT_MAX_BYTES)))
            }
            status => (status, w.t("register.brokenOff").to_owned()),
        };
        let field = match multipart.next_field().await {
            Ok(Some(field)) => field,
            Ok(None) => return (sent, None),
            Err(error) => return (sent, Some(failed(error))),
        };
        let name = field.name().unwrap_or_default().to_owned();
        if name == "file" {
            let file_name = field.file_name().map(str::to_owned).filter(|name| !name.is_empty());
            let media_type =
                field.content_type().map(|kind| kind.split(';').next().unwrap_or_default().to_owned());
            let media_type = media_type.filter(|kind| kind != "application/octet-stream");
            match field.bytes().await {
                Ok(bytes) if bytes.is_empty() && file_name.is_none() => {}
                Ok(bytes) if sent.files.len() < FILES_MAX => {
                    let bytes = bytes.to_vec();
                    sent.files.push(File { name: file_name, bytes, media_type, ..File::default() });
                }
                Ok(_) => return (sent, Some((StatusCode::BAD_REQUEST, w.t1("register.tooMany", FILES_MAX)))),
                Err(error) => return (sent, Some(failed(error))),
            }
            continue;
        }
        let text = match field.text().await {
            Ok(text) => text,
            Err(error) => return (sent, Some(failed(error))),
        };
        match name.as_str() {
            "csrf" => sent.csrf = Some(text),
            "text" => sent.text = text,
            "url" => sent.url = text.trim().to_owned(),
            _ => {}
        }
    }
}

/// Reads what was sent, compares it with what is registered, and keeps a draft of each document. May take its time.
pub(super) fn take(app: &App, session: &Session, w: &Words, sent: Sent) -> Taken {
    let mut taken = Taken::default();
    let mut files = sent.files;
    if !sent.text.trim().is_empty() {
        files.push(File {
            bytes: sent.text.replace("\r\n", "\n").into_bytes(),
            media_type: Some("text/plain".into()),
            charset: Some("utf-8".into()),
            ..File::default()
        });
    }
    if !sent.url.is_empty() {
        // Only from the public network: a server's own is none of a visitor's business.
        let mut fetcher = Fetcher::new(Options { seconds: FETCH_SECONDS, ..Options::default() });
        match fetcher.fetch(&sent.url) {
            Ok(page) => files.push(captured(app, page)),
            Err(error) => taken.failed.push((shown(&sent.url, 120), shown(&error.to_string(), 300))),
        }
    }
    if files.is_empty() && taken.failed.is_empty() {
        taken.failed.push((String::new(), w.t("register.nothing").to_owned()));
    }
    for file in files {
        one(app, session, w, file, &mut taken);
    }
    taken
}

fn captured(app: &App, page: Capture) -> File {
    File {
        name: None,
        bytes: page.body,
        media_type: page.media_type,
        charset: page.charset,
        delivery: Delivery {
            url: Some(page.url),
            captured_at: Some((app.now)().to_string()),
            relation: None,
            part_of: None,
            http: Some(Http {
                requested: page.requested,
                status: page.status,
                redirects: page.redirects,
                headers_sha256: page.headers_sha256,
            }),
        },
    }
}

/// Reads one file: a document, or those in a feed, an archive, a mail.
fn one(app: &App, session: &Session, w: &Words, file: File, taken: &mut Taken) {
    let called = file.name.clone().or_else(|| file.delivery.url.clone());
    let called = shown(&called.unwrap_or_else(|| w.t("register.pasted").to_owned()), 120);
    if file.bytes.len() as u64 > DOCUMENT_MAX_BYTES {
        taken.failed.push((called, w.t1("register.tooLarge", w.bytes(DOCUMENT_MAX_BYTES))));
        return;
    }
    match article::open(&file.bytes, &options(&file)) {
        Ok(None) => draft(app, session, w, called, file, taken),
        Err(error) => taken.failed.push((called, shown(&error.to_string(), 300))),
        Ok(Some(contents)) => {
            for (what, why) in contents.left_out.iter().take(PARTS_MAX) {
                taken.failed.push((shown(what, 120), shown(why, 200)));
            }
            let whole = Hash::of(&file.bytes);
            if contents.parts.len() > PARTS_MAX {
                taken
                    .failed
                    .push((called.clone(), w.t1("register.partsLeft", contents.parts.len() - PARTS_MAX)));
            }
            for part in contents.parts.into_iter().take(PARTS_MAX) {
                let delivery = Delivery {
                    url: part.url.or_else(|| file.delivery.url.clone()),
                    captured_at: part.captured_at.or_else(|| file.delivery.captured_at.clone()),
                    relation: Some(part.relation),
                    part_of: (part.relation != Relation::Message).then(|| part.of.unwrap_or(whole)),
                    http: None,
                };
                let name = format!("{called} · {}", shown(&part.name, 80));
                let part = File {
                    name: Some(part.name),
                    bytes: part.bytes,
                    media_type: part.media_type,
                    charset: part.charset,
                    delivery,
                };
                draft(app, session, w, name, part, taken);
            }
        }
    }
}

fn options(file: &File) -> ReadOptions<'_> {
    ReadOptions {
        file_name: file.name.as_deref(),
        media_type: file.media_type.as_deref(),
        charset: file.charset.as_deref(),
        url: file.delivery.url.as_deref(),
    }
}

/// Says why a document cannot be read. What a format is called, and what a reader of it met with, stays as it is.
fn why_not(w: &Words, error: &ReadError) -> String {
    match error {
        ReadError::Empty { .. } => w.t("unread.empty").to_owned(),
        ReadError::TooLarge { size, limit } => w.t2("unread.tooLarge", w.bytes(*size), w.bytes(*limit)),
        ReadError::Binary { looks_like } => w.t1("unread.binary", looks_like),
        ReadError::Unsupported { format } => w.t1("unread.unsupported", format),
        ReadError::Damaged { format, reason } => w.t2("unread.damaged", format, reason),
        ReadError::Encrypted { format } => w.t1("unread.encrypted", format),
        ReadError::LimitPassed { format, what, limit } => {
            w.t2("unread.limitPassed", format, format!("{what} > {}", w.number(*limit)))
        }
        ReadError::TimedOut { format, seconds } => w.t2("unread.timedOut", format, w.number(*seconds)),
        ReadError::Crashed { format, how } => w.t2("unread.crashed", format, how),
        ReadError::NoReader { format, .. } => w.t1("unread.noReader", format),
        ReadError::Several { format } => w.t1("unread.several", format),
    }
}

fn draft(app: &App, session: &Session, w: &Words, called: String, file: File, taken: &mut Taken) {
    let (format, extract) = match article::extract(&file.bytes, &options(&file)) {
        Ok(read) => read,
        Err(error) => return taken.failed.push((called, shown(&why_not(w, &error), 300))),
    };
    let mut article = article::claims_with(&file.bytes, format, extract, &app.authority);
    article.delivery = Some(file.delivery).filter(|delivery| *delivery != Delivery::default());
    let store = app.records.reader();
    let compared = read_log_as(&store, &app.trust, |reader| {
        let known = app.known.of(reader, (app.now)())?;
        let read = Read { app, reader, store: &store, known };
        let original = article.digests.original;
        let already = read.known.standings.registrations().find(|one| one.original == original);
        Ok::<_, Fault>((alike(&read, &article)?, already.map(|one| one.record)))
    });
    // Who could register something twice, or miss a warning, is told so instead.
    let (alike, already) = match compared {
        Ok(compared) => compared,
        Err(_) => return taken.failed.push((called, w.t("register.notCompared").to_owned())),
    };
    let id = to_base64url(&(app.random)());
    let waiting = Waiting {
        name: called.clone(),
        bytes: file.bytes,
        article,
        alike,
        already,
        prepared: Mutex::default(),
    };
    let now = (app.now)();
    if !app.drafts.keep(id.clone(), &session.id, waiting, now) {
        return taken.failed.push((called, w.t("register.noRoom").to_owned()));
    }
    if let Some(waiting) = app.drafts.get(&id, &session.id, now) {
        taken.drafts.push((id, waiting));
    }
}
