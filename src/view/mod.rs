//! How documents and records are shown: the same names in JSON for what was found and for what is registered.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use crate::article::{
    Article, Byline, ClaimedOrigin, Dateline, Evidence, Language, OriginKind, OriginRole, Quotation,
    TextClaim,
};
use crate::base::Hash;
use crate::record::Decisions;
use crate::record::registration::{Committable, OpenedRegistration, OriginClaim};

pub(crate) mod history;
pub(crate) mod lineage;
mod terminal;

pub(crate) use terminal::{sanitize, sanitize_to, visible};

/// What stands for a value that nobody may see any more, or whose opening is not at hand.
pub(crate) const WITHHELD: &str = "WITHHELD";
/// What stands for a value whose opening should be at hand and is not.
pub(crate) const MISSING: &str = "NOT AT HAND";

/// A document or a record, as it is shown.
#[derive(Debug, Clone, Default)]
pub(crate) struct View {
    pub(crate) title: Option<TextClaim>,
    pub(crate) language: Option<Language>,
    pub(crate) publisher: Option<TextClaim>,
    pub(crate) published_at: Option<TextClaim>,
    pub(crate) dateline: Option<Dateline>,
    pub(crate) origins: Vec<Option<ClaimedOrigin>>,
    pub(crate) bylines: Vec<Option<Byline>>,
    /// `None`: not recorded.
    pub(crate) quotes: Option<Vec<Option<Quotation>>>,
    pub(crate) note: Option<String>,
    pub(crate) digests: Map<String, Value>,
    /// The extracted text, where it is at hand: for the line that a claim begins on.
    text: Option<String>,
    /// JSON Pointers to the commitments whose openings should be at hand and are not.
    missing: Vec<String>,
}

fn digest(hash: &Hash) -> Value {
    json!(format!("sha256:{hash}"))
}

impl View {
    pub(crate) fn of_article(article: &Article) -> Self {
        let digests = &article.digests;
        let digests = [
            ("original", &digests.original),
            ("text", &digests.text),
            ("reflow", &digests.reflow),
            ("numbers", &digests.numbers),
        ];
        View {
            title: article.title.clone(),
            language: article.language.clone(),
            publisher: article.publisher.clone(),
            published_at: article.published_at.clone(),
            dateline: article.dateline.clone(),
            origins: article.claimed_origins.iter().cloned().map(Some).collect(),
            bylines: article.bylines.iter().cloned().map(Some).collect(),
            quotes: Some(article.quotes.iter().cloned().map(Some).collect()),
            note: None,
            digests: digests.into_iter().map(|(name, hash)| (name.into(), digest(hash))).collect(),
            text: Some(article.text.clone()),
            missing: Vec::new(),
        }
    }

    pub(crate) fn of_record(original: &Hash, opened: &OpenedRegistration) -> Self {
        let registration = &opened.registration;
        let mut digests = Map::new();
        digests.insert("original".into(), digest(original));
        digests.insert("text".into(), digest(&registration.text.sha256));
        digests.insert("reflow".into(), digest(&registration.fingerprints.reflow.sha256));
        let numbers = registration.numbers.as_ref().map(|numbers| digest(&numbers.sha256));
        digests.insert("numbers".into(), numbers.unwrap_or(Value::Null));
        let title = registration.title.first();
        let origins = registration.claimed_origins.iter().map(|origin| origin.opened().map(claimed_origin));
        View {
            title: title
                .map(|title| TextClaim { value: title.value.clone(), evidence: title.evidence.clone() }),
            language: registration.language.clone(),
            publisher: registration.publisher.clone(),
            published_at: registration.published_at.clone(),
            dateline: registration.dateline.clone(),
            origins: origins.collect(),
            bylines: registration.bylines.iter().map(|byline| byline.opened().cloned()).collect(),
            quotes: registration.quotes.as_ref().map(|quotes| opened_all(quotes)),
            note: registration.note.clone(),
            digests,
            text: None,
            missing: Vec::new(),
        }
    }

    /// Shows what a person decided about what is recorded.
    pub(crate) fn with(mut self, decisions: &Decisions) -> Self {
        self.note = decisions.note.clone();
        if decisions.no_quotes {
            self.quotes = None;
        }
        self
    }

    /// Tells what is missing from what was withheld.
    pub(crate) fn with_missing(mut self, missing: &[String]) -> Self {
        self.missing = missing.to_vec();
        self
    }

    /// Returns what stands for element `number` of `list`, which is closed.
    fn closed(&self, list: &str, number: usize) -> String {
        let pointer = format!("/{list}/{number}");
        if self.missing.contains(&pointer) { MISSING.into() } else { WITHHELD.into() }
    }

    fn closed_json(&self, list: &str, number: usize) -> Value {
        match self.missing.contains(&format!("/{list}/{number}")) {
            true => json!({ "missing": true }),
            false => json!({ "withheld": true }),
        }
    }

    /// Returns the members that `add`, `extract`, `show` and `list` have in common.
    pub(crate) fn json(&self) -> Map<String, Value> {
        let value = |claim: &Option<TextClaim>| claim.as_ref().map(|claim| claim.value.clone());
        let evidence = |claim: &Option<TextClaim>| claim.as_ref().map(|claim| claim.evidence.clone());
        let origins = self.all("claimedOrigins", &self.origins, origin_json);
        let bylines = self.all("bylines", &self.bylines, byline_json);
        let quotes = self.quotes.as_ref().map(|quotes| self.all("quotes", quotes, |quote| json!(quote)));
        let object = json!({
            "title": value(&self.title), "titleEvidence": evidence(&self.title),
            "language": self.language.as_ref().map(|language| &language.tag),
            "languageEvidence": self.language.as_ref().map(|language| json!({"source": language.source})),
            "publisher": value(&self.publisher), "publisherEvidence": evidence(&self.publisher),
            "publishedAt": value(&self.published_at), "publishedAtEvidence": evidence(&self.published_at),
            "dateline": self.dateline,
            "claimedOrigins": origins,
            "bylines": bylines,
            "quotes": quotes,
            "note": self.note,
            "digests": self.digests,
        });
        match object {
            Value::Object(members) => members,
            _ => unreachable!("internal error: an object is an object"),
        }
    }

    fn all<T>(&self, list: &str, of: &[Option<T>], json: impl Fn(&T) -> Value) -> Vec<Value> {
        let one = |(number, one): (usize, &Option<T>)| {
            one.as_ref().map_or_else(|| self.closed_json(list, number), &json)
        };
        of.iter().enumerate().map(one).collect()
    }

    /// Returns the lines for a person, each indented by two spaces.
    pub(crate) fn text(&self) -> String {
        let mut out = String::new();
        let mut line = |name: &str, value: String| {
            let _ = writeln!(out, "  {name:<12}{value}");
        };
        let claim = |claim: &Option<TextClaim>| match claim {
            Some(claim) => format!("{}{}", sanitize_to(&claim.value, 200), self.because(&claim.evidence)),
            None => "none found".into(),
        };
        line("title", claim(&self.title));
        line(
            "language",
            match &self.language {
                Some(language) => format!("{} ({})", sanitize(&language.tag), json_word(&language.source)),
                None => "none found".into(),
            },
        );
        if self.publisher.is_some() {
            line("publisher", claim(&self.publisher));
        }
        if self.published_at.is_some() {
            line("published", claim(&self.published_at));
        }
        if let Some(dateline) = &self.dateline {
            line(
                "dateline",
                format!("{}{}", sanitize(&dateline.as_printed), self.because(&dateline.evidence)),
            );
        }
        if self.origins.is_empty() {
            line("origin", "none found".into());
        }
        for (number, origin) in self.origins.iter().enumerate() {
            let closed = || self.closed("claimedOrigins", number);
            line("origin", origin.as_ref().map_or_else(closed, |origin| self.origin_text(origin)));
        }
        if !self.origins.is_empty() {
            line("", "claimed, not verified".into());
        }
        if self.bylines.is_empty() {
            line("byline", "none found".into());
        }
        for (number, byline) in self.bylines.iter().enumerate() {
            let closed = || self.closed("bylines", number);
            line("byline", byline.as_ref().map_or_else(closed, |byline| self.byline_text(byline)));
        }
        line(
            "quotations",
            match &self.quotes {
                None => "not recorded".into(),
                Some(quotes) => quotes.len().to_string(),
            },
        );
        if let Some(note) = &self.note {
            line("note", sanitize(note));
        }
        out
    }

    fn origin_text(&self, origin: &ClaimedOrigin) -> String {
        let mut kinds = vec![json_word(&origin.kind)];
        if origin.role != OriginRole::Origin {
            kinds.push(json_word(&origin.role));
        }
        kinds.retain(|kind| kind != &json_word(&OriginKind::Unknown));
        let kinds = if kinds.is_empty() { String::new() } else { format!(" ({})", kinds.join(", ")) };
        format!("{}{kinds}{}", sanitize(&origin.as_printed), self.because(&origin.evidence))
    }

    fn byline_text(&self, byline: &Byline) -> String {
        let kind = json_word(&byline.kind);
        format!("{} ({kind}){}", sanitize(&byline.as_printed), self.because(&byline.evidence))
    }

    /// Says on what ground a claim is made.
    fn because(&self, evidence: &Evidence) -> String {
        let Evidence::Rule(rule) = evidence else { return "\n              stated by a person".into() };
        let strength = json_word(&rule.strength);
        let place = match (&self.text, evidence.position(), evidence.source()) {
            (Some(text), Some((start, _)), _) => {
                format!("line {}", 1 + text.chars().take(start).filter(|c| *c == '\n').count())
            }
            (None, Some((start, end)), _) => format!("characters {start} to {end}"),
            (_, None, Some(source)) => sanitize(source),
            (_, None, None) => "nowhere".into(),
        };
        let agrees = match evidence.agrees() {
            [] => String::new(),
            sources => format!("; so says {}", sanitize(&sources.join(", "))),
        };
        format!("\n              {strength}: rule {}, {place}{agrees}", sanitize(&rule.rule))
    }

    /// Returns one line for a list: title, or how the text begins, and what it claims.
    pub(crate) fn summary(&self) -> String {
        let title = self.title.as_ref().map_or("(no title)".into(), |title| sanitize_to(&title.value, 60));
        let origins: Vec<String> = self
            .origins
            .iter()
            .map(|origin| {
                origin.as_ref().map_or(WITHHELD.into(), |origin| sanitize_to(&origin.as_printed, 60))
            })
            .collect();
        let origins = if origins.is_empty() { "no origin claimed".into() } else { origins.join("; ") };
        let language = self.language.as_ref().map_or("--".into(), |language| sanitize(&language.tag));
        format!("{language:<3} {title} | {origins}")
    }
}

fn opened_all<T: Clone>(all: &[Committable<T>]) -> Vec<Option<T>> {
    all.iter().map(|one| one.opened().cloned()).collect()
}

fn claimed_origin(claim: &OriginClaim) -> ClaimedOrigin {
    ClaimedOrigin {
        as_printed: claim.as_printed.clone(),
        lang: claim.lang.clone(),
        kind: claim.org.kind,
        organisation: claim.org.reference(),
        role: claim.role,
        cue: claim.cue.clone(),
        evidence: claim.evidence.clone(),
    }
}

/// Returns what a statement says that registers nothing, a line for each member that stands in the clear.
pub(crate) fn statement_text(predicate: &Value) -> String {
    let members = predicate.as_object().into_iter().flatten().filter(|(name, _)| !name.starts_with("_sd"));
    let line = |(name, value): (&String, &Value)| {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        format!("  {:<12}{}\n", sanitize_to(name, 40), sanitize_to(&value, 300))
    };
    members.map(line).collect()
}

/// The word that JSON has for a value of an enumeration.
pub(crate) fn json_word<T: serde::Serialize>(value: &T) -> String {
    json!(value).as_str().unwrap_or_default().to_owned()
}

fn origin_json(origin: &ClaimedOrigin) -> Value {
    let mut object = json!(origin);
    object["strength"] = json!(origin.evidence.strength());
    object["rule"] = json!(origin.evidence.rule());
    object
}

fn byline_json(byline: &Byline) -> Value {
    let mut object = json!(byline);
    object["strength"] = json!(byline.evidence.strength());
    object["rule"] = json!(byline.evidence.rule());
    object
}
