//! One record: what it claims and on what ground, what was said of it since, and what it takes to check it oneself.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::Response;

use crate::article::Evidence;
use crate::index::{RecordState, stored_text};
use crate::look::is_stored;
use crate::record::layout::content_path;
use crate::record::registration::{OpenedRegistration, Registration};
use crate::record::{Kind, Standing};
use crate::view::json_word;

use super::graph::Graph;
use super::marked::{MarkedText, spans_of};
use super::row::{Names, Opened, Who, tone};
use super::timeline::{Event, because, events, why_closed};
use super::words::Words;
use super::{App, Fault, Frame, Read, html, reading, shown, statement};

const WORDS_MAX: usize = 300;
/// Quotations that are listed where the text is not at hand.
const QUOTES_MAX: usize = 50;

/// One claim of the document, as it was registered.
pub(super) struct Claim {
    pub(super) label: String,
    /// `None` for one that is closed.
    pub(super) words: Option<String>,
    /// Why it is closed.
    pub(super) closed: Option<String>,
    /// What sort of body or author, what it is said to have given.
    pub(super) kinds: Vec<String>,
    pub(super) cue: Option<String>,
    pub(super) because: Option<String>,
    /// Where its evidence stands in the text, if that is shown.
    pub(super) anchor: Option<String>,
    /// The way to all of an origin.
    pub(super) link: Option<String>,
    /// What was said of it, in force.
    pub(super) said: Vec<Said>,
    /// Whether anybody says whether it is so; that a document claims it is another thing.
    pub(super) assessed: bool,
}

/// What somebody says of a claim.
pub(super) struct Said {
    pub(super) tone: &'static str,
    pub(super) word: String,
    pub(super) by: u64,
}

/// One digest.
pub(super) struct Digest {
    pub(super) label: &'static str,
    pub(super) hint: &'static str,
    pub(super) value: Option<String>,
}

#[derive(Template)]
#[template(path = "record.html")]
struct RecordPage {
    f: Frame,
    index: u64,
    size: u64,
    title: Option<String>,
    kind: String,
    language: Option<String>,
    state: RecordState,
    recorded: String,
    who: Who,
    /// Why it is not to be relied on.
    faults: Vec<String>,
    claims: Vec<Claim>,
    events: Vec<Event>,
    events_left_out: usize,
    text: Option<MarkedText>,
    no_text: Option<&'static str>,
    quotes: Vec<String>,
    quotes_more: usize,
    graph: Option<Graph>,
    digests: Vec<Digest>,
    facts: Vec<(&'static str, String)>,
    addresses: Vec<(String, String)>,
    original: Option<String>,
    note: Option<String>,
    embed: String,
    csl: String,
    bibtex: String,
}

impl RecordPage {
    const BOX_WIDTH: f64 = Graph::BOX_WIDTH;
    const BOX_HEIGHT: f64 = Graph::BOX_HEIGHT;

    fn tone(&self) -> &'static str {
        tone(self.state)
    }

    fn state_word(&self) -> String {
        self.f.w.word("state", self.state.word())
    }
}

/// `GET /records/{record}`
pub(super) async fn page(
    State(app): State<App>,
    Path(record): Path<String>,
    headers: HeaderMap,
    w: Words,
) -> Response {
    let Some(index) = number(&record) else { return super::nothing(&app, w) };
    let base = base_of(&app, &headers);
    reading(app, w, move |read, w| {
        let opened = Opened::read(read, index)?;
        let Some(registration) = &opened.registration else { return statement::page(read, w, opened) };
        let lang = w.lang;
        Ok(html(lang, &made(read, w, &opened, registration, &base)?))
    })
    .await
}

/// Reads the number of a record: digits, in one spelling.
pub(super) fn number(text: &str) -> Option<u64> {
    text.parse::<u64>().ok().filter(|number| number.to_string() == text)
}

/// Returns how the reader reaches this server: as its operator says, else as his own request does.
pub(super) fn base_of(app: &App, headers: &HeaderMap) -> String {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let is_host = |host: &&str| {
        !host.is_empty()
            && host.len() < 260
            && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte))
    };
    let host = text(header::HOST.as_str()).filter(is_host).unwrap_or("localhost");
    match &app.site.origin {
        Some(origin) => origin.clone(),
        None => format!("{}://{host}", if app.site.secure { "https" } else { "http" }),
    }
}

fn made(
    read: &Read<'_>,
    w: Words,
    opened: &Opened,
    registered: &OpenedRegistration,
    base: &str,
) -> Result<RecordPage, Fault> {
    let (known, index) = (&read.known, opened.index);
    let registration = &registered.registration;
    let standing = known.standings.of(index);
    let mut names = Names::default();
    let seen = known.entry(index);
    let holds = seen.is_some_and(|seen| seen.holds);
    let mut faults = Vec::new();
    if !holds {
        faults.push(w.t("record.signerFails").to_owned());
    }
    faults.extend(opened.misfit.as_ref().map(|why| w.t1("record.openingsFail", shown(why, 200))));
    let original = opened.entry.original();
    // Where part of a record was erased its text could give it away again.
    let erased = !known.standings.erased(index).is_empty();
    let text =
        original.filter(|_| !erased).and_then(|original| stored_text(read.store, &original, registration));
    let no_text = match (&text, erased) {
        (Some(_), _) => None,
        (None, true) => Some(w.t("record.textErased")),
        (None, false) => Some(w.t("record.textMissing")),
    };
    let marked = text.as_ref().map(|text| MarkedText::of(text, &spans_of(registration)));
    let quotes = registration.quotes.as_deref().unwrap_or_default();
    let listed = quotes.iter().take(if marked.is_some() { 0 } else { QUOTES_MAX });
    let quotes_list =
        listed.filter_map(|quote| quote.opened()).map(|quote| shown(&quote.text, 1_000)).collect();
    let stored = original.filter(|original| is_stored(read.store, original));
    let (events, events_left_out) = events(read, &w, &mut names, opened)?;
    let graph = if holds { Graph::of(read, &w, index)? } else { None };
    let title = opened.title(WORDS_MAX);
    let cited = super::cite::cited(read, opened, base);
    let claims = claims(read, &w, opened, registration, standing, marked.is_some());
    let heading = title.clone().unwrap_or_else(|| w.t("record.untitled").to_owned());
    let origin = read.reader.checkpoint().origin().as_str().to_owned();
    let page = RecordPage {
        index,
        size: known.size,
        kind: w.word("documentKind", &json_word(&registration.kind)),
        language: registration.language.as_ref().map(|language| shown(&language.tag, 20)),
        state: RecordState::of(standing),
        recorded: w.time(&registration.recorded_at),
        who: names.of(read, &opened.entry.envelope.key_id())?,
        faults,
        claims,
        events,
        events_left_out,
        text: marked,
        no_text,
        quotes: quotes_list,
        quotes_more: quotes.len().saturating_sub(QUOTES_MAX),
        graph,
        digests: digests(&w, opened, registration),
        facts: facts(&w, registration, stored.is_some()),
        addresses: registration
            .urls
            .iter()
            .take(10)
            .map(|link| (shown(&link.rel, 20), shown(&link.href, WORDS_MAX)))
            .collect(),
        original: stored.map(|original| format!("/log/{}", content_path(&original))),
        note: registration.note.as_ref().map(|note| shown(note, 4_000)),
        embed: super::badge::embed(read, &w, index, base),
        csl: cited.csl_json(),
        bibtex: cited.bibtex(),
        f: Frame::new(w.clone(), &origin, "search", w.t2("record.title", index, heading)),
        title,
    };
    Ok(page)
}

/// Returns all claims but the quotations, each with what was said of it.
fn claims(
    read: &Read<'_>,
    w: &Words,
    opened: &Opened,
    registration: &Registration,
    standing: Option<&Standing>,
    in_text: bool,
) -> Vec<Claim> {
    let said = |pointer: &str| said_of(w, standing, pointer);
    let assessed =
        |pointer: &str| standing.is_some_and(|all| all.assessments.iter().any(|one| one.claim == pointer));
    let claim = |topic: &str, pointer: &str, words: &str, evidence: &Evidence| Claim {
        label: w.word("field", topic),
        words: Some(shown(words, WORDS_MAX)),
        closed: None,
        kinds: Vec::new(),
        cue: None,
        because: Some(because(w, evidence)),
        anchor: evidence.position().filter(|_| in_text).map(|_| format!("e{}", pointer.replace('/', "-"))),
        link: None,
        said: said(pointer),
        assessed: assessed(pointer),
    };
    let closed = |topic: &str, pointer: &str| Claim {
        label: w.word("field", topic),
        words: None,
        closed: Some(why_closed(read, w, opened, pointer)),
        kinds: Vec::new(),
        cue: None,
        because: None,
        anchor: None,
        link: None,
        said: said(pointer),
        assessed: assessed(pointer),
    };
    let kinds = |words: [(&str, String, &str); 2]| {
        let told = words.into_iter().filter(|(_, word, plain)| word != plain && word != "unknown");
        told.map(|(topic, word, _)| w.word(topic, &word)).collect::<Vec<_>>()
    };
    let mut all = Vec::new();
    for (number, origin) in registration.claimed_origins.iter().enumerate() {
        let pointer = format!("/claimedOrigins/{number}");
        all.push(match origin.opened() {
            None => closed("claimedOrigins", &pointer),
            Some(origin) => Claim {
                kinds: kinds([
                    ("originKind", json_word(&origin.org.kind), ""),
                    ("originRole", json_word(&origin.role), "origin"),
                ]),
                cue: origin.cue.as_ref().map(|cue| shown(cue, 80)),
                link: super::origin::link(origin, &read.app.authority),
                ..claim("claimedOrigins", &pointer, &origin.as_printed, &origin.evidence)
            },
        });
    }
    for (number, byline) in registration.bylines.iter().enumerate() {
        let pointer = format!("/bylines/{number}");
        all.push(match byline.opened() {
            None => closed("bylines", &pointer),
            Some(byline) => Claim {
                kinds: kinds([
                    ("bylineKind", json_word(&byline.kind), ""),
                    ("bylineRole", json_word(&byline.role), "author"),
                ]),
                cue: byline.cue.as_ref().map(|cue| shown(cue, 80)),
                ..claim("bylines", &pointer, &byline.as_printed, &byline.evidence)
            },
        });
    }
    for (number, title) in registration.title.iter().enumerate().take(3) {
        all.push(claim("title", &format!("/title/{number}"), &title.value, &title.evidence));
    }
    if let Some(publisher) = &registration.publisher {
        all.push(claim("publisher", "/publisher", &publisher.value, &publisher.evidence));
    }
    if let Some(published) = &registration.published_at {
        all.push(claim("publishedAt", "/publishedAt", &published.value, &published.evidence));
    }
    if let Some(dateline) = &registration.dateline {
        all.push(claim("dateline", "/dateline", &dateline.as_printed, &dateline.evidence));
    }
    all
}

fn said_of(w: &Words, standing: Option<&Standing>, pointer: &str) -> Vec<Said> {
    let Some(standing) = standing else { return Vec::new() };
    let assessed = standing.assessments.iter().filter(|one| one.claim == pointer).map(|one| {
        let word = json_word(&one.state);
        let tone = match word.as_str() {
            "verified" | "corroborated" => "good",
            "refuted" => "bad",
            "disputed" => "open",
            _ => "plain",
        };
        Said { tone, word: w.word("assessment", &word), by: one.by }
    });
    let confirmed = standing.confirmations.iter().filter(|one| one.claim == pointer).map(|one| {
        let word = json_word(&one.verdict);
        Said {
            tone: if word == "confirmed" { "plain" } else { "open" },
            word: w.word("read", &word),
            by: one.by,
        }
    });
    assessed.chain(confirmed).take(10).collect()
}

fn digests(w: &Words, opened: &Opened, registration: &Registration) -> Vec<Digest> {
    let sha256 = |hash: &crate::base::Hash| Some(hash.to_hex());
    vec![
        Digest {
            label: w.t("record.digestOriginal"),
            hint: w.t("record.digestOriginalHint"),
            value: opened.entry.original().as_ref().and_then(sha256),
        },
        Digest {
            label: w.t("record.digestText"),
            hint: w.t("record.digestTextHint"),
            value: sha256(&registration.text.sha256),
        },
        Digest {
            label: w.t("record.digestReflow"),
            hint: w.t("record.digestReflowHint"),
            value: sha256(&registration.fingerprints.reflow.sha256),
        },
        Digest {
            label: w.t("record.digestNumbers"),
            hint: w.t("record.digestNumbersHint"),
            value: registration.numbers.as_ref().and_then(|numbers| sha256(&numbers.sha256)),
        },
    ]
}

fn facts(w: &Words, registration: &Registration, stored: bool) -> Vec<(&'static str, String)> {
    let kept = match (stored, registration.original_stored) {
        (true, _) => "record.stored",
        (false, true) => "record.storedOnce",
        (false, false) => "record.notStored",
    };
    let mut facts = vec![
        (
            w.t("record.file"),
            format!("{}, {}", shown(&registration.media_type, 60), w.bytes(registration.bytes)),
        ),
        (w.t("record.original"), w.t(kept).to_owned()),
        (
            w.t("record.extractor"),
            format!("{}, {}", shown(&registration.text.extractor, 60), shown(&registration.text.charset, 30)),
        ),
        (w.t("record.rules"), shown(&registration.ruleset.name, 60)),
    ];
    if let Some(delivery) = &registration.delivery {
        let captured = delivery.captured_at.as_ref().map(|at| shown(at, 40));
        let url = delivery.url.as_ref().map(|url| shown(url, WORDS_MAX));
        let told: Vec<String> = [url, captured].into_iter().flatten().collect();
        if !told.is_empty() {
            facts.push((w.t("record.delivery"), told.join(" · ")));
        }
    }
    facts.push((w.t("record.document"), shown(&registration.document_id, 60)));
    facts
}

/// Returns the word for what a record is.
pub(super) fn kind_word(w: &Words, kind: Option<Kind>) -> String {
    kind.map_or_else(|| w.t("record.unknownKind").to_owned(), |kind| w.word("kind", &kind.to_string()))
}
