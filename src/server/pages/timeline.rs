//! What was said of a record, statement by statement.

use serde::de::DeserializeOwned;

use crate::article::Evidence;
use crate::attest::disclosure::commitment_at;
use crate::record::registration::Registration;
use crate::record::relation::Unresolved;
use crate::record::{
    Assessment, Body, ClaimVerdict, Confirmation, Entry, Notice, NoticeKind, Observation, Observed, Relation,
    RelationKind, Standing, Target,
};
use crate::view::json_word;

use super::row::{Names, Opened, Who};
use super::words::Words;
use super::{Fault, Read, shown};

/// Statements that are shown, the newest.
const EVENTS_MAX: usize = 200;
const WORDS_MAX: usize = 300;

/// One statement about a record.
pub(super) struct Event {
    pub(super) by: u64,
    pub(super) at: Option<String>,
    pub(super) who: Who,
    /// `bad`, `open`, `good` or `plain`.
    pub(super) tone: &'static str,
    /// What it says, in a few words.
    pub(super) what: String,
    /// The claim that it is about, in the document's words.
    pub(super) claim: Option<String>,
    /// More, each under a name.
    pub(super) more: Vec<(String, String)>,
    /// Another record that it points to.
    pub(super) other: Option<Other>,
    /// Whether the same person said something else later.
    pub(super) replaced: bool,
}

/// A record that a statement points to.
pub(super) struct Other {
    pub(super) index: u64,
    pub(super) title: Option<String>,
}

impl Other {
    pub(super) fn read(read: &Read<'_>, index: u64) -> Result<Self, Fault> {
        Ok(Other { index, title: Opened::read(read, index)?.title(120) })
    }
}

/// Reads what was said of a registration, in log order; and how many statements are left out, the oldest.
pub(super) fn events(
    read: &Read<'_>,
    w: &Words,
    names: &mut Names,
    of: &Opened,
) -> Result<(Vec<Event>, usize), Fault> {
    let about = read.known.about(of.index);
    let left_out = about.len().saturating_sub(EVENTS_MAX);
    let standing = read.known.standings.of(of.index);
    let mut events = Vec::new();
    for by in &about[left_out..] {
        let (entry, openings) = read.reader.entry(*by)?;
        let Some(seen) = read.known.entry(*by) else { continue };
        let mut event = Event {
            by: *by,
            at: seen.at.map(|at| w.time(&at)),
            who: names.of(read, &seen.signer)?,
            tone: "plain",
            what: String::new(),
            claim: None,
            more: Vec::new(),
            other: None,
            replaced: false,
        };
        if tell(read, w, of, standing, &entry, &openings, &mut event)? {
            events.push(event);
        }
    }
    Ok((events, left_out))
}

/// Fills in what an entry says of a record; `false` where it says nothing of it.
fn tell(
    read: &Read<'_>,
    w: &Words,
    of: &Opened,
    standing: Option<&Standing>,
    entry: &Entry,
    openings: &[String],
    event: &mut Event,
) -> Result<bool, Fault> {
    let by = event.by;
    let is_about = entry.references().first().is_some_and(|(_, about)| about.record == of.index);
    // What contradicts itself, or points to something else than it says, says nothing.
    let stands = match &entry.body {
        Body::Assessment(_) | Body::Confirmation(_) => is_about && entry.fault().is_none(),
        Body::Notice(_) => is_about && standing.is_some_and(|all| all.notices.iter().any(|one| one.by == by)),
        Body::Observation(_) => is_about && entry.fault().is_none(),
        Body::Relation(_) => {
            standing.is_some_and(|all| all.relations.iter().chain(&all.related_from).any(|one| one.by == by))
        }
        Body::Erasure(_) => read.known.standings.erased(of.index).iter().any(|one| one.by == by),
        _ => false,
    };
    if !stands {
        return Ok(false);
    }
    match &entry.body {
        Body::Assessment(closed) => {
            let said: Assessment = opened(entry, openings, closed);
            let state = json_word(&said.state);
            event.tone = match state.as_str() {
                "verified" | "corroborated" => "good",
                "refuted" => "bad",
                "disputed" => "open",
                _ => "plain",
            };
            event.what = w.word("assessment", &state);
            event.claim = Some(claim_label(w, of, &said.claim));
            event.replaced = !standing.is_some_and(|all| all.assessments.iter().any(|one| one.by == by));
            let method = said.method.as_ref().map(|method| w.word("method", &json_word(method)));
            event.add(w.t("timeline.method"), method);
            event.add(
                w.t("timeline.confidence"),
                said.confidence.as_ref().map(|one| w.word("confidence", &json_word(one))),
            );
            for support in said.evidence.iter().take(10) {
                let parts = [
                    support.record.map(|record| w.t1("record.number", record.record)),
                    support.url.as_ref().map(|url| shown(url, WORDS_MAX)),
                    support.sha256.map(|hash| format!("sha256:{hash}")),
                ];
                event.add(
                    w.t("timeline.evidence"),
                    Some(parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")),
                );
            }
            event.add(w.t("timeline.note"), said.note.map(|note| shown(&note, WORDS_MAX)));
        }
        Body::Confirmation(closed) => {
            let said: Confirmation = opened(entry, openings, closed);
            event.tone = match said.verdict {
                ClaimVerdict::Confirmed => "plain",
                _ => "open",
            };
            event.what = w.word("verdict", &json_word(&said.verdict));
            event.claim = Some(claim_label(w, of, &said.claim));
            event.replaced = !standing.is_some_and(|all| all.confirmations.iter().any(|one| one.by == by));
            event.add(w.t("timeline.readAs"), said.value.map(|value| shown(&value, WORDS_MAX)));
            event.add(w.t("timeline.note"), said.note.map(|note| shown(&note, WORDS_MAX)));
        }
        Body::Notice(closed) => {
            let said: Notice = opened(entry, openings, closed);
            event.tone = if said.notice.takes_back() { "bad" } else { "open" };
            event.what = w.word("notice", &json_word(&said.notice));
            let until = said.until.filter(|_| said.notice == NoticeKind::Embargo);
            event.add(w.t("timeline.until"), until.map(|until| w.time(&until)));
            event.add(w.t("timeline.address"), said.url.map(|url| shown(&url, WORDS_MAX)));
            event.add(w.t("timeline.note"), said.note.map(|note| shown(&note, WORDS_MAX)));
            event.other = said.replaced_by.map(|other| Other::read(read, other.record)).transpose()?;
        }
        Body::Observation(said) => {
            event.observed(w, said);
            event.replaced = !standing.is_some_and(|all| all.observations.iter().any(|one| one.by == by));
        }
        Body::Relation(closed) => {
            let said: Relation = opened(entry, openings, closed);
            let (topic, other) = match &said.target {
                _ if said.about.record == of.index => ("relation", &said.target),
                _ => ("relationFrom", &Target::Record(said.about)),
            };
            event.what = w.word(topic, &json_word(&said.relation));
            event.tone = match (topic, &said.relation) {
                ("relationFrom", RelationKind::Retracts) => "bad",
                (
                    "relationFrom",
                    RelationKind::Corrects | RelationKind::Contradicts | RelationKind::Supersedes,
                ) => "open",
                _ => "plain",
            };
            match other {
                Target::Record(other) => event.other = Some(Other::read(read, other.record)?),
                Target::Unresolved(unresolved) => {
                    event.add(w.t("timeline.unregistered"), Some(unresolved_words(unresolved)));
                }
            }
            event.add(w.t("timeline.words"), said.quote.map(|quote| shown(&quote, WORDS_MAX)));
        }
        Body::Erasure(said) => {
            event.tone = "open";
            event.what = w.t("timeline.erased").to_owned();
            event.add(w.t("timeline.reason"), Some(w.word("reason", &json_word(&said.reason))));
            let predicate = of.entry.predicate();
            let withheld = of.registration.iter().flat_map(|opened| &opened.withheld);
            let gone = withheld.filter(|pointer| {
                let commitment = commitment_at(&predicate, pointer);
                commitment.is_some_and(|one| said.commitments.iter().any(|erased| erased == one))
            });
            let mut gone: Vec<String> = gone.take(20).map(|pointer| field_label(w, pointer)).collect();
            if said.original.is_some() {
                gone.push(w.t("timeline.theOriginal").to_owned());
            }
            event.add(w.t("timeline.what"), Some(gone.join(", ")).filter(|gone| !gone.is_empty()));
        }
        _ => return Ok(false),
    }
    Ok(true)
}

impl Event {
    fn add(&mut self, name: &str, value: Option<String>) {
        self.more.extend(value.map(|value| (name.to_owned(), value)));
    }

    fn observed(&mut self, w: &Words, said: &Observation) {
        self.tone = match said.observed {
            Observed::Unchanged | Observed::Reflowed => "plain",
            _ => "open",
        };
        self.what = w.word("observed", &json_word(&said.observed));
        self.add(w.t("timeline.address"), Some(shown(&said.url, WORDS_MAX)));
        self.add(w.t("timeline.movedTo"), said.location.as_ref().map(|url| shown(url, WORDS_MAX)));
    }
}

/// Returns a statement with its openings put back; as it stands where they do not fit.
fn opened<T: DeserializeOwned + Clone>(entry: &Entry, openings: &[String], closed: &T) -> T {
    entry.open::<T>(openings).map_or_else(|_| closed.clone(), |opened| opened.value)
}

/// Returns what is known of a document that nobody has registered.
pub(super) fn unresolved_words(unresolved: &Unresolved) -> String {
    let Unresolved { text, url, org } = unresolved;
    let parts = [text, url, org].into_iter().flatten();
    parts.map(|part| shown(part, 100)).collect::<Vec<_>>().join(", ")
}

/// Returns what a JSON Pointer into a registration names: a field, and its number where there are several.
pub(super) fn field_label(w: &Words, pointer: &str) -> String {
    let mut parts = pointer.trim_start_matches('/').split('/');
    let field = w.word("field", parts.next().unwrap_or_default());
    match parts.next().and_then(|number| number.parse::<u64>().ok()) {
        Some(number) => format!("{field}\u{a0}{}", number.saturating_add(1)),
        None => field,
    }
}

/// Returns what a claim says, as far as it is disclosed, after the name of its field.
pub(super) fn claim_label(w: &Words, of: &Opened, pointer: &str) -> String {
    let registration = of.registration.as_ref().map(|opened| &opened.registration);
    let words = registration.and_then(|registration| claim_words(registration, pointer));
    let field = field_label(w, pointer);
    words.map_or(field.clone(), |words| w.t2("timeline.claim", field, shown(&words, 120)))
}

fn claim_words(registration: &Registration, pointer: &str) -> Option<String> {
    let mut parts = pointer.strip_prefix('/')?.split('/');
    let (field, number) = (parts.next()?, parts.next().and_then(|number| number.parse::<usize>().ok()));
    Some(match (field, number) {
        ("title", Some(number)) => registration.title.get(number)?.value.clone(),
        ("claimedOrigins", Some(number)) => {
            registration.claimed_origins.get(number)?.opened()?.as_printed.clone()
        }
        ("bylines", Some(number)) => registration.bylines.get(number)?.opened()?.as_printed.clone(),
        ("quotes", Some(number)) => registration.quotes.as_ref()?.get(number)?.opened()?.text.clone(),
        ("publisher", None) => registration.publisher.as_ref()?.value.clone(),
        ("publishedAt", None) => registration.published_at.as_ref()?.value.clone(),
        ("dateline", None) => registration.dateline.as_ref()?.as_printed.clone(),
        ("language", None) => registration.language.as_ref()?.tag.clone(),
        _ => return None,
    })
}

/// Returns why the commitment at a pointer is closed.
pub(super) fn why_closed(read: &Read<'_>, w: &Words, of: &Opened, pointer: &str) -> String {
    let predicate = of.entry.predicate();
    let erased = commitment_at(&predicate, pointer)
        .and_then(|commitment| read.known.standings.erasure_of(of.index, commitment));
    match erased {
        Some(erased) => w.t2("record.erased", erased.by, w.word("reason", &json_word(&erased.reason))),
        None => w.t("record.withheld").to_owned(),
    }
}

/// Says on what ground a claim is made.
pub(super) fn because(w: &Words, evidence: &Evidence) -> String {
    let Evidence::Rule(rule) = evidence else { return w.t("record.stated").to_owned() };
    let strength = w.word("strength", &json_word(&rule.strength));
    let mut out = w.t2("record.because", strength, shown(&rule.rule, 80));
    if evidence.position().is_none()
        && let Some(source) = evidence.source()
    {
        out = format!("{out} · {}", w.t1("record.declaredIn", shown(source, 40)));
    }
    if !evidence.agrees().is_empty() {
        out = format!("{out} · {}", w.t1("record.agrees", shown(&evidence.agrees().join(", "), 60)));
    }
    out
}
