//! From a document that was sent to the statement that registers it.

use axum::body::Bytes;
use axum::http::{HeaderMap, header};

use crate::article::{self, Article, ReadOptions};
use crate::base::limits::DOCUMENT_MAX_BYTES;
use crate::base::{Hash, PublicKey};
use crate::keys::Signer;
use crate::record::entry::Circumstances;
use crate::record::{Decisions, Draft, EntryError, SealedEntry};

use super::App;
use super::problem::Problem;

/// What a client says of a document.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code)]
pub(super) struct SaidParams {
    /// The document's file name
    #[param(rename = "fileName")]
    file_name: Option<String>,
    /// An origin that it claims, instead of what was found (can be repeated)
    origin: Option<Vec<String>>,
    /// A byline, instead of what was found (can be repeated)
    byline: Option<Vec<String>>,
    /// Its title
    title: Option<String>,
    /// Its language
    language: Option<String>,
    /// Who published it
    publisher: Option<String>,
    /// When it was published
    published: Option<String>,
    /// Its address
    url: Option<String>,
    /// A note, which is committed
    note: Option<String>,
    /// Record no quotations
    #[param(rename = "noQuotes")]
    no_quotes: Option<bool>,
    /// Store no original
    #[param(rename = "noStore")]
    no_store: Option<bool>,
    /// Id of the key that is to sign, to prepare a statement
    #[param(min_length = 64, max_length = 64)]
    signer: Option<String>,
}

/// Returns the media type of a body, if it says one that says something, and its charset.
pub(super) fn media_type_of(headers: &HeaderMap) -> (Option<String>, Option<String>) {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let (media_type, charset) = parted(value.unwrap_or_default());
    (Some(media_type).filter(|one| !one.is_empty() && one != "application/octet-stream"), charset)
}

/// Parts a media type from its charset.
fn parted(value: &str) -> (String, Option<String>) {
    let mut parts = value.split(';').map(str::trim);
    let media_type = parts.next().unwrap_or_default().to_ascii_lowercase();
    let charset = parts.find_map(|part| {
        let (name, value) = part.split_once('=')?;
        name.eq_ignore_ascii_case("charset").then(|| value.trim_matches('"').to_owned())
    });
    (media_type, charset)
}

/// A document that was sent, and what its sender says of it, in the query.
pub(super) struct Sent {
    pub(super) body: Bytes,
    /// Of the body, without parameters.
    pub(super) media_type: String,
    charset: Option<String>,
    file_name: Option<String>,
    decisions: Decisions,
    /// Who is to sign.
    pub(super) signer: Option<Hash>,
}

impl Sent {
    /// Takes a request apart.
    pub(super) fn of(headers: &HeaderMap, query: Option<&str>, body: Bytes) -> Result<Self, Problem> {
        let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let (media_type, charset) = parted(value.unwrap_or_default());
        let mut said = Sent {
            body,
            media_type,
            charset,
            file_name: None,
            decisions: Decisions::default(),
            signer: None,
        };
        let is_true = |value: &str| matches!(value, "" | "1" | "true");
        for (name, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            let (decisions, value) = (&mut said.decisions, value.into_owned());
            match name.as_ref() {
                "fileName" => said.file_name = Some(value),
                "origin" => decisions.origins.push(value),
                "byline" => decisions.bylines.push(value),
                "title" => decisions.title = Some(value),
                "language" => decisions.language = Some(value),
                "publisher" => decisions.publisher = Some(value),
                "published" => decisions.published_at = Some(value),
                "url" => decisions.url = Some(value),
                "note" => decisions.note = Some(value),
                "signer" => {
                    let key_id = Hash::from_hex(&value);
                    said.signer =
                        Some(key_id.map_err(|error| {
                            Problem::bad_request(format!("signer is no key's id: {error}"))
                        })?);
                }
                "noQuotes" => decisions.no_quotes = is_true(&value),
                "noStore" => decisions.no_store = is_true(&value),
                other => {
                    let known = "fileName, origin, byline, title, language, publisher, published, url, note, noQuotes, noStore, signer";
                    let other: String = other.chars().take(40).collect();
                    return Err(Problem::bad_request(format!(
                        "there is no parameter {other:?}; there are {known}"
                    )));
                }
            }
        }
        said.decisions.check().map_err(|error| Problem::bad_request(error.to_string()))?;
        Ok(said)
    }

    /// Reads the document.
    pub(super) fn article(&self, app: &App) -> Result<Article, Problem> {
        if self.body.len() as u64 > DOCUMENT_MAX_BYTES {
            return Err(Problem::too_large(DOCUMENT_MAX_BYTES));
        }
        let media_type = Some(self.media_type.as_str());
        let options = ReadOptions {
            file_name: self.file_name.as_deref(),
            media_type: media_type.filter(|one| !one.is_empty() && *one != "application/octet-stream"),
            charset: self.charset.as_deref(),
            url: self.decisions.url.as_deref(),
        };
        let unreadable = |error: article::ReadError| Problem::rejected(error.to_string());
        if article::open(&self.body, &options).map_err(unreadable)?.is_some() {
            return Err(Problem::rejected("it holds several documents: send each by itself"));
        }
        let (format, extract) = article::extract(&self.body, &options).map_err(unreadable)?;
        let mut article = article::claims_with(&self.body, format, extract, &app.authority);
        self.decisions.apply(&mut article);
        Ok(article)
    }

    /// Drafts the registration of the document, for `key` to sign.
    pub(super) fn draft(&self, app: &App, article: &Article, key: &PublicKey) -> Result<Draft, Problem> {
        registration(app, article, &self.decisions, key)
    }

    /// Returns the document as it is to be stored.
    pub(super) fn content(&self) -> Option<Vec<u8>> {
        (!self.decisions.no_store).then(|| self.body.to_vec())
    }
}

/// Drafts the registration of a document, with what was decided of it, for `key` to sign.
pub(super) fn registration(
    app: &App,
    article: &Article,
    decisions: &Decisions,
    key: &PublicKey,
) -> Result<Draft, Problem> {
    let mut random = app.random;
    let mut circumstances =
        Circumstances { recorded_by: key.key_id(), recorded_at: (app.now)(), random: &mut random };
    Draft::registration(article, decisions, &mut circumstances).map_err(rejected)
}

/// Has a key sign that is at hand, or with the agent.
pub(super) fn sign(signer: &Signer, draft: Draft) -> Result<SealedEntry, Problem> {
    match signer {
        Signer::Memory(key) => draft.sign(key).map_err(rejected),
        Signer::Agent { public, .. } => {
            let signature = signer.sign(&draft.to_be_signed());
            let signature = signature.map_err(|error| Problem::unavailable(error.to_string()))?;
            draft.seal(public, signature).map_err(rejected)
        }
    }
}

pub(super) fn rejected(error: EntryError) -> Problem {
    Problem::rejected(error.to_string())
}
