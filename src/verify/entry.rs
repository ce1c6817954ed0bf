//! One entry: its signature, its consistency, its openings, its original.

use crate::article::reflow::reflow;
use crate::article::{Evidence, Selector};
use crate::attest::Disclosure;
use crate::attest::disclosure::{self, DisclosureError};
use crate::base::{Hash, PublicKey};
use crate::record::registration::{OpenedRegistration, Registration};
use crate::record::{
    AssessmentState, Body, Entry, Kind, NoticeKind, RecordRef, RelationKind, StateError, layout,
};

use super::fetch::Files;
use super::original;
use super::report::{Code, Counts, Finding};

/// What is found out about one entry.
struct Check {
    index: u64,
    counts: Counts,
    findings: Vec<Finding>,
}

impl Check {
    fn find(&mut self, code: Code, field: &str, what: impl std::fmt::Display) {
        let finding = Finding::new(code, what.to_string());
        self.push(if field.is_empty() { finding } else { finding.field(field) });
    }

    /// Adds a finding about the record at hand.
    fn push(&mut self, mut finding: Finding) {
        finding.message = format!("record {}: {}", self.index, finding.message);
        self.findings.push(finding.record(self.index));
    }

    /// Finds that two values that should be one are not.
    fn differ(&mut self, field: &str, what: &str, expected: impl ToString, found: impl ToString) {
        let finding = Finding::new(Code::StatementInconsistent, what).field(field);
        self.push(finding.expected(expected).found(found));
    }
}

/// Checks an entry whose form is known to be good. `openings` is `None` if their file could not be read, which is
/// reported elsewhere.
pub(super) fn check_entry(
    files: Files<'_>,
    index: u64,
    entry: &Entry,
    key: Result<PublicKey, (Code, StateError)>,
    openings: Option<&[String]>,
) -> (Counts, Vec<Finding>) {
    let mut check = Check { index, counts: Counts::default(), findings: Vec::new() };
    check.signature(entry, key);
    let subject = entry.statement.subject[0].digest.sha256;
    match &entry.body {
        Body::Registration(registration) => {
            check.counts.registrations = 1;
            check.recorded_by(entry, registration.recorded_by);
            let text = entry.statement.subject[1].digest.sha256;
            if registration.text.sha256 != text {
                let what = "not the digest of the subject `text`";
                check.differ("/text/sha256", what, text, registration.text.sha256);
            }
            let opened = openings.and_then(|openings| check.open(entry, openings, Registration::open));
            check.registration(files, subject, registration, opened);
        }
        Body::Key(statement) => {
            check.counts.key_statements = 1;
            check.recorded_by(entry, statement.recorded_by);
            let key = statement.key.public_key().ok().map(|key| key.key_id());
            if key != Some(subject) {
                let expected = key.map_or_else(|| "the id of a key".to_owned(), |key| key.to_string());
                check.differ("/key", "the subject's digest is not the key's id", expected, subject);
            }
            if let Some(openings) = openings {
                check.open(entry, openings, disclosure::apply);
            }
        }
        Body::Relation(relation) => {
            check.statement(entry, openings, relation.recorded_by, relation.about, relation.fault());
            if let RelationKind::Other(value) = &relation.relation {
                check.unknown_value("/relation", value);
            }
        }
        Body::Assessment(assessment) => {
            check.statement(entry, openings, assessment.recorded_by, assessment.about, assessment.fault());
            if let AssessmentState::Other(value) = &assessment.state {
                check.unknown_value("/state", value);
            }
        }
        Body::Notice(notice) => {
            check.statement(entry, openings, notice.recorded_by, notice.about, notice.fault());
            if let NoticeKind::Other(value) = &notice.notice {
                check.unknown_value("/notice", value);
            }
        }
        Body::Unknown => {
            let what = format!("statements of type {:?} are not known here", entry.statement.predicate_type);
            check.find(Code::KindUnknown, "predicateType", what);
        }
    }
    (check.counts, check.findings)
}

/// What opening gives, for either kind of statement: what stayed closed.
trait Withheld {
    fn withheld(&self) -> &[String];
}

impl Withheld for OpenedRegistration {
    fn withheld(&self) -> &[String] {
        &self.withheld
    }
}

impl Withheld for disclosure::Opened {
    fn withheld(&self) -> &[String] {
        &self.withheld
    }
}

impl Check {
    fn signature(&mut self, entry: &Entry, key: Result<PublicKey, (Code, StateError)>) {
        let key = match key {
            Ok(key) => key,
            Err((code, error)) => {
                let finding = Finding::new(code, error.to_string()).field("signatures/0/keyid");
                return self.push(finding.found(entry.envelope.key_id()));
            }
        };
        match entry.envelope.verify(&key) {
            Ok(_) => self.counts.signatures = 1,
            Err(error) => {
                let finding = Finding::new(Code::SignatureInvalid, error.to_string());
                let expected = format!("a signature by key {}", key.key_id());
                self.push(finding.field("signatures/0/sig").expected(expected));
            }
        }
    }

    /// Checks a statement about a registration, but for what it points to.
    fn statement(
        &mut self,
        entry: &Entry,
        openings: Option<&[String]>,
        recorded_by: Hash,
        about: RecordRef,
        fault: Option<(&'static str, String)>,
    ) {
        self.counts.statements = 1;
        self.recorded_by(entry, recorded_by);
        let subject = entry.statement.subject[0].digest.sha256;
        if about.original != subject {
            self.differ("/about/original", "not the digest of the subject", subject, about.original);
        }
        if let Some((field, why)) = fault {
            self.find(Code::StatementInconsistent, field, why);
        }
        if let Some(openings) = openings {
            self.open(entry, openings, disclosure::apply);
        }
    }

    fn unknown_value(&mut self, field: &str, value: &str) {
        self.find(Code::ValueUnknown, field, format_args!("{value:?} is not known here"));
    }

    fn recorded_by(&mut self, entry: &Entry, recorded_by: Hash) {
        if recorded_by != entry.envelope.key_id() {
            let signed = entry.envelope.key_id();
            self.differ("/recordedBy", "not the key that signed", signed, recorded_by);
        }
    }

    /// Parses the openings and puts them back.
    fn open<T: Withheld, E: Into<OpeningFault>>(
        &mut self,
        entry: &Entry,
        openings: &[String],
        put_back: impl Fn(&serde_json::Value, &[Disclosure]) -> Result<T, E>,
    ) -> Option<T> {
        let parsed: Result<Vec<Disclosure>, _> =
            openings.iter().map(|text| Disclosure::parse(text)).collect();
        let parsed = match parsed {
            Ok(parsed) => parsed,
            Err(error) => {
                self.find(Code::OpeningMismatch, "", error);
                return None;
            }
        };
        match put_back(&entry.statement.predicate, &parsed).map_err(Into::into) {
            Ok(opened) => {
                self.counts.openings = parsed.len() as u64;
                for pointer in opened.withheld() {
                    let what = format!("the opening of the commitment at {pointer} is missing");
                    self.find(Code::OpeningMissing, pointer, what);
                }
                Some(opened)
            }
            Err(OpeningFault { code, message }) => {
                self.find(code, "", message);
                None
            }
        }
    }

    fn registration(
        &mut self,
        files: Files<'_>,
        digest: Hash,
        registration: &Registration,
        opened: Option<OpenedRegistration>,
    ) {
        // What is in the clear is checked even where the openings are lost.
        let registration = opened.as_ref().map_or(registration, |opened| &opened.registration);
        for (field, evidence) in evidence_of(registration) {
            if let Err(what) = selectors_agree(evidence, &registration.text.sha256) {
                self.find(Code::EvidenceMismatch, &field, what);
            }
        }
        for (field, printed, evidence) in names_of(registration) {
            if quoted(evidence).is_some_and(|exact| reflow(exact).as_str() != printed) {
                self.find(Code::EvidenceMismatch, &field, "the name is not what the evidence quotes");
            }
        }
        for (number, quote) in quotes_of(registration) {
            if Hash::of(quote.text.as_bytes()) != quote.reflow_sha256 {
                let field = format!("/quotes/{number}/reflowSha256");
                let (said, is) = (quote.reflow_sha256, Hash::of(quote.text.as_bytes()));
                let finding = Finding::new(Code::DigestMismatch, "not the digest of the quotation");
                self.push(finding.field(field).expected(said).found(is));
            }
        }
        match files.original(&digest, registration.bytes, registration.original_stored) {
            Err(finding) => self.findings.push(finding.record(self.index)),
            Ok(Some(bytes)) => self.original(&digest, registration, &bytes),
            Ok(None) if registration.original_stored => {
                let finding = Finding::new(Code::OriginalMissing, "the original was stored, and is missing");
                self.push(finding.field("/originalStored").path(layout::content_path(&digest)));
            }
            Ok(None) => self.counts.originals_not_stored = 1,
        }
    }

    fn original(&mut self, digest: &Hash, registration: &Registration, bytes: &[u8]) {
        let found = Hash::of(bytes);
        if found != *digest || bytes.len() as u64 != registration.bytes {
            let what = "the stored original is not what was registered";
            let finding = Finding::new(Code::OriginalChanged, what).path(layout::content_path(digest));
            return self.push(finding.expected(digest).found(found));
        }
        self.counts.originals = 1;
        let mut claims = 0;
        let found = original::check(registration, bytes, evidence_of(registration), &mut claims);
        self.counts.claims = claims;
        for finding in found {
            self.push(finding.path(layout::content_path(digest)));
        }
    }
}

/// Why openings do not fit, as a finding.
struct OpeningFault {
    code: Code,
    message: String,
}

impl From<DisclosureError> for OpeningFault {
    fn from(error: DisclosureError) -> Self {
        let code = match error {
            DisclosureError::Algorithm { .. } => Code::OpeningMissing,
            DisclosureError::Commitments { .. } | DisclosureError::Repeated { .. } => {
                Code::StatementInconsistent
            }
            _ => Code::OpeningMismatch,
        };
        OpeningFault { code, message: error.to_string() }
    }
}

impl From<crate::record::registration::OpenError> for OpeningFault {
    fn from(error: crate::record::registration::OpenError) -> Self {
        match error {
            crate::record::registration::OpenError::Disclosure(error) => error.into(),
            other => OpeningFault { code: Code::OpeningMismatch, message: other.to_string() },
        }
    }
}

fn quotes_of(registration: &Registration) -> impl Iterator<Item = (usize, &crate::article::Quotation)> {
    let quotes = registration.quotes.iter().flatten().enumerate();
    quotes.filter_map(|(number, quote)| Some((number, quote.opened()?)))
}

/// All evidence of a registration, each with a JSON Pointer to the claim.
fn evidence_of(registration: &Registration) -> Vec<(String, &Evidence)> {
    let mut all: Vec<(String, &Evidence)> = Vec::new();
    all.extend((0..).zip(&registration.title).map(|(n, title)| (format!("/title/{n}"), &title.evidence)));
    all.extend(registration.dateline.iter().map(|claim| ("/dateline".into(), &claim.evidence)));
    all.extend(registration.publisher.iter().map(|claim| ("/publisher".into(), &claim.evidence)));
    all.extend(registration.published_at.iter().map(|claim| ("/publishedAt".into(), &claim.evidence)));
    let origins = (0..).zip(&registration.claimed_origins);
    all.extend(
        origins.filter_map(|(n, origin)| Some((format!("/claimedOrigins/{n}"), &origin.opened()?.evidence))),
    );
    let bylines = (0..).zip(&registration.bylines);
    all.extend(bylines.filter_map(|(n, byline)| Some((format!("/bylines/{n}"), &byline.opened()?.evidence))));
    all
}

/// The names that a registration claims, each with a JSON Pointer to it and its evidence.
fn names_of(registration: &Registration) -> Vec<(String, &str, &Evidence)> {
    let mut all = Vec::new();
    for (number, origin) in registration.claimed_origins.iter().enumerate() {
        let field = format!("/claimedOrigins/{number}/asPrinted");
        all.extend(origin.opened().map(|origin| (field, origin.as_printed.as_str(), &origin.evidence)));
    }
    for (number, byline) in registration.bylines.iter().enumerate() {
        let field = format!("/bylines/{number}/asPrinted");
        all.extend(byline.opened().map(|byline| (field, byline.as_printed.as_str(), &byline.evidence)));
    }
    all
}

/// The words that evidence quotes.
fn quoted(evidence: &Evidence) -> Option<&str> {
    let Evidence::Rule(rule) = evidence else { return None };
    rule.selector.iter().find_map(|selector| match selector {
        Selector::TextQuoteSelector { exact, .. } | Selector::DeclaredSelector { exact, .. } => {
            Some(exact.as_str())
        }
        Selector::TextPositionSelector { .. } => None,
    })
}

/// Checks that the two selectors of a claim can both be true, and are about the registered text.
fn selectors_agree(evidence: &Evidence, text: &Hash) -> Result<(), String> {
    let Evidence::Rule(rule) = evidence else { return Ok(()) };
    if let [Selector::DeclaredSelector { exact, .. }] = rule.selector.as_slice() {
        let quotes = !exact.is_empty();
        return quotes.then_some(()).ok_or_else(|| "the evidence quotes nothing".into());
    }
    let [Selector::TextPositionSelector { start, end, unit, of }, Selector::TextQuoteSelector { exact, .. }] =
        rule.selector.as_slice()
    else {
        return Err("the evidence is not a position and a quotation".into());
    };
    if *of != format!("sha256:{text}") {
        return Err(format!("the evidence is about {of}, not about the registered text"));
    }
    let length = exact.chars().count();
    if unit != "codepoint" || start.checked_add(length) != Some(*end) || length == 0 {
        return Err(format!("the evidence quotes {length} characters at {start} to {end}"));
    }
    Ok(())
}

/// Kinds whose statements this module checks; a new kind must come here too.
const _: [Kind; 5] = Kind::ALL;
