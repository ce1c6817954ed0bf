//! One entry: its signature, its consistency, its openings, its original.

use std::collections::HashSet;

use crate::article::reflow::reflow;
use crate::article::{Evidence, Selector};
use crate::attest::disclosure::DisclosureError;
use crate::attest::{Envelope, EnvelopeError};
use crate::base::Hash;
use crate::record::consistency::{Difference, differences};
use crate::record::entry::OpenError;
use crate::record::registration::Registration;
use crate::record::{
    AssessmentState, Body, ClaimVerdict, Entry, Kind, NoticeKind, Observed, RelationKind, StateError, layout,
};

use super::fetch::Files;
use super::missing::{Commitment, Missing};
use super::original;
use super::report::{Code, Counts, Finding};

/// What is found out about one entry.
struct Check {
    index: u64,
    counts: Counts,
    findings: Vec<Finding>,
    missing: Missing,
}

/// What an entry says by itself, checked.
pub(super) struct Content {
    pub(super) counts: Counts,
    pub(super) findings: Vec<Finding>,
    pub(super) missing: Missing,
}

impl Check {
    fn of(index: u64) -> Self {
        let (counts, findings) = (Counts::default(), Vec::new());
        let missing = Missing { index, openings: Vec::new(), original: None };
        Check { index, counts, findings, missing }
    }

    fn find(&mut self, code: Code, field: &str, what: impl std::fmt::Display) {
        let finding = Finding::new(code, what.to_string());
        self.push(if field.is_empty() { finding } else { finding.field(field) });
    }

    /// Adds a finding about the record at hand.
    fn push(&mut self, mut finding: Finding) {
        finding.message = format!("record {}: {}", self.index, finding.message);
        self.findings.push(finding.record(self.index));
    }
}

/// Why a signature does not count.
pub(super) enum SignatureFault {
    /// Nobody may sign so.
    Signer(Code, StateError),
    /// It does not hold.
    Bad(EnvelopeError),
}

/// Checks whether the signature of the entry at `index` counts.
pub(super) fn check_signature(
    index: u64,
    envelope: &Envelope,
    signature: Result<(), SignatureFault>,
) -> (Counts, Vec<Finding>) {
    let mut check = Check::of(index);
    check.signature(envelope, signature);
    (check.counts, check.findings)
}

/// Says that the holder of a key may not have signed the entry at `index`.
pub(super) fn signer_finding(index: u64, key_id: &Hash, code: Code, error: &StateError) -> Finding {
    let finding = Finding::new(code, format!("record {index}: {error}")).record(index);
    finding.field("signatures/0/keyid").found(key_id)
}

/// Checks all that an entry, whose form is known to be good, says by itself. What is missing is told apart: an erasure may
/// account for it. `withheld` is what putting its openings back
/// gave, `None` if their file could not be read, which is reported elsewhere; `openings` is their number. `listed` are the
/// stored originals.
pub(super) fn check_content(
    files: Files<'_>,
    listed: &HashSet<Hash>,
    index: u64,
    entry: &Entry,
    withheld: Option<Result<Vec<String>, OpenError>>,
    openings: u64,
) -> Content {
    let mut check = Check::of(index);
    if let Some(withheld) = withheld {
        check.openings(entry, withheld, openings);
    }
    for Difference { field, what, expected, found } in differences(entry) {
        let finding = Finding::new(Code::StatementInconsistent, what).field(field);
        check.push(finding.expected(expected).found(found));
    }
    match &entry.body {
        Body::Registration(registration) => {
            check.counts.registrations = 1;
            check.registration(files, listed, entry.statement.subject[0].digest.sha256, registration);
        }
        Body::Key(_) => check.counts.key_statements = 1,
        Body::Unknown => {
            let what = format!("statements of type {:?} are not known here", entry.statement.predicate_type);
            check.find(Code::KindUnknown, "predicateType", what);
        }
        statement => {
            check.counts.statements = 1;
            if let Some((field, why)) = entry.fault() {
                check.find(Code::StatementInconsistent, field, why);
            }
            if let Some((field, value)) = unknown_value(statement) {
                check.find(Code::ValueUnknown, field, format_args!("{value:?} is not known here"));
            }
        }
    }
    Content { counts: check.counts, findings: check.findings, missing: check.missing }
}

/// Returns what a statement says in a word that this release does not know.
fn unknown_value(statement: &Body) -> Option<(&'static str, &str)> {
    match statement {
        Body::Relation(one) => match &one.relation {
            RelationKind::Other(value) => Some(("/relation", value)),
            _ => None,
        },
        Body::Assessment(one) => match &one.state {
            AssessmentState::Other(value) => Some(("/state", value)),
            _ => None,
        },
        Body::Notice(one) => match &one.notice {
            NoticeKind::Other(value) => Some(("/notice", value)),
            _ => None,
        },
        Body::Confirmation(one) => match &one.verdict {
            ClaimVerdict::Other(value) => Some(("/verdict", value)),
            _ => None,
        },
        Body::Observation(one) => match &one.observed {
            Observed::Other(value) => Some(("/observed", value)),
            _ => None,
        },
        _ => None,
    }
}

impl Check {
    fn signature(&mut self, envelope: &Envelope, signature: Result<(), SignatureFault>) {
        match signature {
            Ok(()) => self.counts.signatures = 1,
            Err(SignatureFault::Signer(code, error)) => {
                self.findings.push(signer_finding(self.index, &envelope.key_id(), code, &error));
            }
            Err(SignatureFault::Bad(error)) => {
                let finding = Finding::new(Code::SignatureInvalid, error.to_string());
                let expected = format!("a signature by key {}", envelope.key_id());
                self.push(finding.field("signatures/0/sig").expected(expected));
            }
        }
    }

    /// Looks at what putting the openings back gave.
    fn openings(&mut self, entry: &Entry, withheld: Result<Vec<String>, OpenError>, openings: u64) {
        match withheld.map_err(OpeningFault::from) {
            Ok(withheld) => {
                self.counts.openings = openings;
                // What is sealed is closed until somebody reveals it.
                if withheld.is_empty() || matches!(entry.body, Body::Sealed(_)) {
                    return;
                }
                let predicate = entry.predicate();
                self.missing.openings = withheld
                    .into_iter()
                    .map(|at| Commitment { digest: Commitment::digest_at(&predicate, &at), at })
                    .collect();
            }
            Err(OpeningFault { code, message }) => self.find(code, "", message),
        }
    }

    /// Checks a registration: what it says in the clear even where its openings are lost.
    fn registration(
        &mut self,
        files: Files<'_>,
        listed: &HashSet<Hash>,
        digest: Hash,
        registration: &Registration,
    ) {
        for (claim, evidence) in evidence_of(registration) {
            if let Err(what) = selectors_agree(evidence, &registration.text.sha256) {
                self.find(Code::EvidenceMismatch, &claim.to_string(), what);
            }
        }
        for (claim, printed, evidence) in names_of(registration) {
            if quoted(evidence)
                .is_some_and(|exact| exact != printed && reflow(exact).as_str() != reflow(printed).as_str())
            {
                let field =
                    format!("{claim}/{}", if claim.member == "title" { "value" } else { "asPrinted" });
                self.find(Code::EvidenceMismatch, &field, "the words are not what the evidence quotes");
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
        // Where nothing is listed under its name, nothing needs to be looked for.
        let found = match registration.original_stored || listed.contains(&digest) {
            true => files.original(&digest, registration.bytes),
            false => Ok(None),
        };
        match found {
            Err(finding) => self.findings.push(finding.record(self.index)),
            Ok(Some(bytes)) => self.original(&digest, registration, &bytes),
            Ok(None) if registration.original_stored => self.missing.original = Some(digest),
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

impl From<OpenError> for OpeningFault {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Disclosure(error) => error.into(),
            other => OpeningFault { code: Code::OpeningMismatch, message: other.to_string() },
        }
    }
}

fn quotes_of(registration: &Registration) -> impl Iterator<Item = (usize, &crate::article::Quotation)> {
    let quotes = registration.quotes.iter().flatten().enumerate();
    quotes.filter_map(|(number, quote)| Some((number, quote.opened()?)))
}

/// Where a claim stands in the predicate. Written out, as a JSON Pointer, only where it is to be told.
#[derive(Clone, Copy)]
pub(super) struct Claim {
    member: &'static str,
    place: Option<usize>,
}

impl std::fmt::Display for Claim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "/{}", self.member)?;
        self.place.map_or(Ok(()), |place| write!(f, "/{place}"))
    }
}

fn at(member: &'static str, place: impl Into<Option<usize>>) -> Claim {
    Claim { member, place: place.into() }
}

/// All evidence of a registration, each with the claim that it is for.
fn evidence_of(registration: &Registration) -> impl Iterator<Item = (Claim, &Evidence)> {
    let dateline = registration.dateline.iter().map(|claim| (at("dateline", None), &claim.evidence));
    let publisher = registration.publisher.iter().map(|claim| (at("publisher", None), &claim.evidence));
    let published = registration.published_at.iter().map(|claim| (at("publishedAt", None), &claim.evidence));
    let names = names_of(registration).map(|(claim, _, evidence)| (claim, evidence));
    dateline.chain(publisher).chain(published).chain(names)
}

/// The titles and names that a registration claims, each with the claim and its evidence.
fn names_of(registration: &Registration) -> impl Iterator<Item = (Claim, &str, &Evidence)> {
    let titles = (0..).zip(&registration.title);
    let titles = titles.map(|(n, title)| (at("title", n), title.value.as_str(), &title.evidence));
    let origins = (0..).zip(&registration.claimed_origins).filter_map(|(n, origin)| {
        let origin = origin.opened()?;
        Some((at("claimedOrigins", n), origin.as_printed.as_str(), &origin.evidence))
    });
    let bylines = (0..).zip(&registration.bylines).filter_map(|(n, byline)| {
        let byline = byline.opened()?;
        Some((at("bylines", n), byline.as_printed.as_str(), &byline.evidence))
    });
    titles.chain(origins).chain(bylines)
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
    if of.strip_prefix("sha256:").and_then(|digits| Hash::from_hex(digits).ok()) != Some(*text) {
        return Err(format!("the evidence is about {of}, not about the registered text"));
    }
    let length = exact.chars().count();
    if unit != "codepoint" || start.checked_add(length) != Some(*end) || length == 0 {
        return Err(format!("the evidence quotes {length} characters at {start} to {end}"));
    }
    Ok(())
}

/// Kinds whose statements this module checks; a new kind must come here too.
const _: [Kind; 9] = Kind::ALL;
