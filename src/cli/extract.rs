//! `dateline extract`, and reading documents for `add`.

use rayon::prelude::*;
use serde_json::{Value, json};

use std::borrow::Cow;
use std::sync::Mutex;

use crate::article::authority::AuthorityError;
use crate::article::container::{Delivery, Http, Relation};
use crate::article::{self, Article, Authority, ReadOptions};
use crate::base::Hash;
use crate::capture::{self, Fetcher};
use crate::record::Decisions;
use crate::view::View;
use crate::view::sanitize;

use super::args::{ExtractArgs, FetchArgs, Stated};
use super::exit::Exit;
use super::explain;
use super::failure::{Failure, Outcome};
use super::input::{self, Input, Inputs};
use super::output::{Output, say};
use super::workspace::Workspace;

/// Documents that are read at a time: bounds the memory.
const AT_A_TIME: usize = 64;
/// Bytes of a workspace's `origins.toml`.
const ORIGINS_MAX_BYTES: usize = 4 * 1024 * 1024;

/// A document that was read, with its bytes.
pub(crate) struct Document {
    pub(crate) article: Article,
    pub(crate) bytes: Vec<u8>,
    /// Registered texts that it is like; `None` where nobody looked.
    pub(crate) alike: Option<Vec<crate::look::alike::Warning>>,
}

/// Bytes with how they came, and the media type and charset that they came with.
type Fetched = (Vec<u8>, Delivery, Option<String>, Option<String>);

/// What an input leads to: documents by name, each read or not.
pub(crate) type Read = Vec<(String, Outcome<Document>)>;

/// Reads documents: what a person says of them, which bodies are known, how pages are fetched.
pub(crate) struct Reading {
    pub(crate) decisions: Decisions,
    authority: Cow<'static, Authority>,
    fetcher: Mutex<Fetcher>,
}

/// Returns the bodies that are known here: those that are built in, and the workspace's own, of `origins.toml`.
pub(crate) fn authority(workspace: &Workspace) -> Outcome<Cow<'static, Authority>> {
    let own = workspace.root().join("origins.toml");
    if own.is_file() {
        let bytes = input::read_bounded(&own, ORIGINS_MAX_BYTES)?;
        let merged = Authority::builtin().merged(&String::from_utf8_lossy(&bytes));
        let wrong = |error: AuthorityError| {
            Failure::new(Exit::Unavailable, format!("cannot use {}", own.display())).because(&error)
        };
        Ok(Cow::Owned(merged.map_err(wrong)?))
    } else {
        Ok(Cow::Borrowed(Authority::builtin()))
    }
}

impl Reading {
    /// Takes the workspace's own `origins.toml`, where there is one.
    pub(crate) fn new(workspace: &Workspace, decisions: Decisions, fetch: &FetchArgs) -> Outcome<Self> {
        let authority = authority(workspace)?;
        let mut options = capture::Options {
            allow_private: fetch.allow_private,
            ignore_robots: fetch.ignore_robots,
            seconds: fetch.timeout,
            ..capture::Options::default()
        };
        if let Some(name) = &fetch.user_agent {
            options.user_agent = name.clone();
        }
        Ok(Reading { decisions, authority, fetcher: Mutex::new(Fetcher::new(options)) })
    }

    /// Reads an input: one document, or those in a feed, an archive, a mail.
    pub(crate) fn read(&self, input: &Input) -> Read {
        let name = input.name();
        let got = match input {
            Input::Url(url) => self.fetch(url),
            _ => input.read().map(|bytes| (bytes, Delivery::default(), None, None)),
        };
        match got {
            Ok((bytes, delivery, media_type, charset)) => {
                let file_name = input.file_name();
                let options = ReadOptions {
                    file_name: file_name.as_deref(),
                    media_type: media_type.as_deref(),
                    charset: charset.as_deref(),
                    url: delivery.url.as_deref(),
                };
                self.documents(&name, bytes, delivery.clone(), &options)
            }
            Err(failure) => vec![(name, Err(failure))],
        }
    }

    /// Returns what fetches pages; one page is fetched at a time.
    pub(crate) fn fetcher(&self) -> std::sync::MutexGuard<'_, Fetcher> {
        self.fetcher.lock().expect("internal error: fetching does not panic")
    }

    /// Fetches a page with what its server said of it.
    fn fetch(&self, url: &str) -> Outcome<Fetched> {
        let page = self.fetcher().fetch(url)?;
        Ok(captured(page))
    }

    /// Reads what bytes hold.
    pub(crate) fn documents(
        &self,
        name: &str,
        bytes: Vec<u8>,
        delivery: Delivery,
        options: &ReadOptions<'_>,
    ) -> Read {
        let failed = |name: &str, error: article::ReadError| {
            (name.to_owned(), Err(Failure::from(error).under(format!("cannot read {name}"))))
        };
        let contents = match article::open(&bytes, options) {
            Ok(None) => return vec![self.document(name.to_owned(), bytes, delivery, options)],
            Ok(Some(contents)) => contents,
            Err(error) => return vec![failed(name, error)],
        };
        for (what, why) in &contents.left_out {
            say(&format!("left out of {}: {}: {}", sanitize(name), sanitize(what), sanitize(why)));
        }
        let whole = Hash::of(&bytes);
        let mut read = Vec::new();
        for (number, part) in contents.parts.into_iter().enumerate() {
            let part_name = format!("{name}#{} {}", number + 1, part.name);
            let delivery = Delivery {
                url: part.url.or_else(|| delivery.url.clone()),
                captured_at: part.captured_at.or_else(|| delivery.captured_at.clone()),
                relation: Some(part.relation),
                part_of: (part.relation != Relation::Message).then(|| part.of.unwrap_or(whole)),
                http: None,
            };
            let options = ReadOptions {
                file_name: Some(&part.name),
                media_type: part.media_type.as_deref(),
                charset: part.charset.as_deref(),
                url: delivery.url.as_deref(),
            };
            read.push(self.document(part_name, part.bytes, delivery.clone(), &options));
        }
        read
    }

    /// Reads one document, which holds no others.
    pub(crate) fn document(
        &self,
        name: String,
        bytes: Vec<u8>,
        delivery: Delivery,
        options: &ReadOptions<'_>,
    ) -> (String, Outcome<Document>) {
        match article::extract(&bytes, options) {
            Ok((format, extract)) => {
                let mut article = article::claims_with(&bytes, format, extract, &self.authority);
                article.delivery = Some(delivery).filter(|delivery| *delivery != Delivery::default());
                self.decisions.apply(&mut article);
                (name, Ok(Document { article, bytes, alike: None }))
            }
            Err(error) => {
                let failure = Failure::from(error).under(format!("cannot read {name}"));
                (name, Err(failure))
            }
        }
    }
}

/// A fetched page as a document's bytes, its delivery, media type and charset.
pub(crate) fn captured(page: capture::Capture) -> Fetched {
    let delivery = Delivery {
        url: Some(page.url),
        captured_at: Some(super::now().to_string()),
        relation: None,
        part_of: None,
        http: Some(Http {
            requested: page.requested,
            status: page.status,
            redirects: page.redirects,
            headers_sha256: page.headers_sha256,
        }),
    };
    (page.body, delivery, page.media_type, page.charset)
}

/// Returns what a person said on the command line.
pub(crate) fn decisions(stated: &Stated, no_store: bool) -> Outcome<Decisions> {
    let stated = stated.clone();
    let decisions = Decisions {
        origins: stated.origin,
        bylines: stated.byline,
        title: stated.title,
        language: stated.language,
        publisher: stated.publisher,
        published_at: stated.published,
        url: stated.url,
        note: stated.note,
        no_quotes: stated.no_quotes,
        no_store,
        seal: Vec::new(),
    };
    decisions.check()?;
    Ok(decisions)
}

/// Finds the documents, and says what in folders was passed over.
pub(crate) fn find(paths: &[std::path::PathBuf]) -> Outcome<Inputs> {
    let inputs = input::find(paths);
    for (path, why) in &inputs.passed_over {
        say(&format!("passed over {}: {why}", sanitize(&path.display().to_string())));
    }
    if inputs.documents.is_empty() && inputs.failures.is_empty() {
        let failure = Failure::new(Exit::Unavailable, "there is no document there");
        return Err(failure
            .hint("hidden files and symbolic links in folders are passed over; name them to take them"));
    }
    Ok(inputs)
}

/// The exit code after some inputs failed: theirs if they agree, else that something could not be done.
pub(crate) fn exit_of(failures: &[Exit]) -> Exit {
    match failures {
        [] => Exit::Success,
        [first, rest @ ..] if rest.iter().all(|exit| exit == first) => *first,
        _ => Exit::Unavailable,
    }
}

/// Tells of an input that failed, as one line of JSON among the others.
pub(crate) fn report_failure(name: &str, failure: &Failure, output: Output) -> Outcome<()> {
    if output.is_json() {
        let object = json!({"path": name, "record": null, "outcome": "failed", "error": failure.json()});
        return output.print(String::new, || object);
    }
    output.fail(failure);
    Ok(())
}

pub(crate) fn run(workspace: &Workspace, args: &ExtractArgs, output: Output) -> Outcome<Exit> {
    let reading = Reading::new(workspace, decisions(&args.stated, true)?, &args.fetch)?;
    let inputs = find(&args.paths)?;
    let mut failures = Vec::new();
    for (path, failure) in &inputs.failures {
        report_failure(&path.display().to_string(), failure, output)?;
        failures.push(failure.exit);
    }
    for some in inputs.documents.chunks(AT_A_TIME) {
        let read: Vec<Read> = some.par_iter().map(|input| reading.read(input)).collect();
        for (name, document) in read.into_iter().flatten() {
            match document {
                Ok(document) => {
                    print(&name, &document.article, &reading.decisions, output)?;
                    if args.explain {
                        explain::print(&document, output)?;
                    }
                }
                Err(failure) => {
                    report_failure(&name, &failure, output)?;
                    failures.push(failure.exit);
                }
            }
        }
    }
    Ok(exit_of(&failures))
}

fn print(name: &str, article: &Article, decisions: &Decisions, output: Output) -> Outcome<()> {
    let view = View::of_article(article).with(decisions);
    output.print(
        || {
            let mut text = format!("{}\n{}", sanitize(name), view.text());
            for quote in &article.quotes {
                text.push_str(&format!("    {}\n", sanitize(&quote.text)));
            }
            for warning in article.warnings.iter().filter(|warning| warning.is_notable()) {
                text.push_str(&format!("  note        {}\n", sanitize(&warning.to_string())));
            }
            text
        },
        || {
            let mut members = view.json();
            members.insert("path".into(), json!(name));
            members.insert("text".into(), json!(article.text));
            members.insert("mediaType".into(), json!(article.media_type));
            members.insert("charset".into(), json!(article.charset.name));
            members.insert("extractor".into(), json!(article.extractor));
            members.insert("canonicalUrl".into(), json!(article.canonical));
            members.insert("delivery".into(), json!(article.delivery));
            members.insert("warnings".into(), json!(article.warnings));
            Value::Object(members)
        },
    )
}
