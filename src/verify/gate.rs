//! The gate: does what articles rest on still hold?
//!
//! An article's sources are pinned in a [`Lock`]. The gate reads the whole log, proves that it continues the one that
//! the lock was written against, and asks of each source: is it the entry that was locked, was it taken back, refuted or
//! put under an embargo since, and has anybody shown what the desk's rule asks for?

use std::collections::{BTreeSet, HashSet};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::base::{Hash, Timestamp};
use crate::note::OpenedCheckpoint;
use crate::record::standing::{Assessed, Noticed, Related};
use crate::record::{AssessmentState, NoticeKind, RelationKind, Standing, layout};

use super::evidence::{Contradiction, Evidence};
use super::lock::{Lock, LockError, LockPath, LockedArticle, LockedSource, Said, SourceRef};
use super::reader::{LogReader, ReaderError};
use super::report::{Code, FINDINGS_MAX, Finding, Severity, Verdict};
use super::survey::{End, Survey, named, shown, words};

/// How far ahead of this clock the newest time may lie, in seconds: clocks differ, and zones are mistaken.
const AHEAD_MAX_SECONDS: i64 = 86_400;

/// What must be known of where a source says it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Require {
    /// It says where.
    Claimed,
    /// Something independent agrees.
    Corroborated,
    /// It was shown.
    Verified,
}

impl Require {
    fn word(self) -> &'static str {
        match self {
            Require::Claimed => "claimed",
            Require::Corroborated => "corroborated",
            Require::Verified => "verified",
        }
    }
}

/// The desk's rule.
#[derive(Debug, Clone)]
pub struct GateRule {
    /// What must be known of each claimed origin of a source.
    pub require: Option<Require>,
    /// Seconds that the checkpoint may be old.
    pub max_age: Option<u64>,
    /// Now.
    pub now: Timestamp,
    /// Let sources pass that are registered by nobody.
    pub allow_unresolved: bool,
}

/// An article at hand.
#[derive(Debug, Clone)]
pub struct GateArticle {
    /// Where the lock file has it.
    pub path: LockPath,
    /// Its name for whoever reads the findings.
    pub name: String,
    /// SHA-256 of its bytes, or why they cannot be read.
    pub sha256: Result<Hash, String>,
}

/// What became of one article.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GatedArticle {
    /// Its name.
    pub path: String,
    /// The answer for it.
    pub verdict: Verdict,
    /// Sources that are pinned for it.
    pub sources: usize,
}

/// What a gate says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GateReport {
    /// The answer.
    pub verdict: Verdict,
    /// The log's origin.
    pub origin: String,
    /// Entries that the checkpoint signs for.
    pub size: u64,
    /// The root hash that the checkpoint signs.
    pub root_hash: Hash,
    /// The newest time that a witness gives, else that a signer does.
    pub newest: Option<Timestamp>,
    /// The articles.
    pub articles: Vec<GatedArticle>,
    /// What does not hold, could not be checked, or is worth knowing.
    pub findings: Vec<Finding>,
    /// Findings that were not kept.
    pub findings_left_out: u64,
    /// What was not looked at.
    pub not_checked: Vec<String>,
}

/// Why there is no report.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum GateError {
    /// The log cannot be read.
    #[error(transparent)]
    Reader(#[from] ReaderError),
    /// The lock file cannot be used.
    #[error(transparent)]
    Lock(#[from] LockError),
}

impl LogReader<'_> {
    /// Checks what `articles` rest on by `lock`, whose file is named `lock_name`.
    ///
    /// # Errors
    /// [`GateError`].
    pub fn gate(
        &self,
        lock: &Lock,
        lock_name: &str,
        articles: &[GateArticle],
        rule: &GateRule,
    ) -> Result<GateReport, GateError> {
        let old = lock.open(&self.trust.policy, self.opened.log())?;
        let locked = articles.iter().filter_map(|article| lock.article(&article.path));
        let sources = || locked.clone().flat_map(|article| &article.sources);
        let indices: BTreeSet<u64> = sources()
            .filter_map(|source| match source.source {
                SourceRef::Record { record, .. } => Some(record),
                _ => None,
            })
            .collect();
        let of_sources = sources().filter_map(|source| match source.source {
            SourceRef::Record { original, .. } | SourceRef::Pending { original, .. } => Some(original),
            SourceRef::Unresolved(_) => None,
        });
        let originals = articles.iter().filter_map(|article| article.sha256.clone().ok()).chain(of_sources);
        let survey = self.survey(&indices, originals, old.checkpoint().size())?;
        let report = GateReport {
            verdict: Verdict::Verified,
            origin: self.checkpoint().origin().as_str().to_owned(),
            size: self.size(),
            root_hash: self.checkpoint().root_hash(),
            newest: None,
            articles: Vec::new(),
            findings: Vec::new(),
            findings_left_out: 0,
            not_checked: Vec::new(),
        };
        let mut gate = Gate { survey, lock_name, rule, report, worst: Severity::Note };
        gate.continues(&old, &self.opened);
        gate.age(&self.opened);
        for article in articles {
            gate.worst = Severity::Note;
            let pinned = lock.article(&article.path);
            gate.article(article, pinned);
            let (path, sources) = (article.name.clone(), pinned.map_or(0, |pinned| pinned.sources.len()));
            let verdict = Verdict::of(gate.worst);
            gate.report.articles.push(GatedArticle { path, verdict, sources });
        }
        gate.name_what_was_not_checked(&self.opened);
        Ok(gate.report)
    }
}

struct Gate<'a> {
    survey: Survey,
    lock_name: &'a str,
    rule: &'a GateRule,
    report: GateReport,
    /// The gravest finding about the article at hand.
    worst: Severity,
}

/// A source of an article, for findings about it.
#[derive(Clone, Copy)]
struct Place<'a> {
    article: &'a str,
    line: u32,
}

impl Gate<'_> {
    fn push(&mut self, finding: Finding) {
        self.worst = self.worst.max(finding.severity);
        self.report.verdict = self.report.verdict.max(Verdict::of(finding.severity));
        if self.report.findings.len() < FINDINGS_MAX {
            self.report.findings.push(finding);
        } else {
            self.report.findings_left_out += 1;
        }
    }

    /// A finding about what the lock file says at a place.
    fn at(&self, place: Place<'_>, code: Code, what: impl std::fmt::Display) -> Finding {
        let finding = Finding::new(code, format!("{}: {what}", place.article));
        finding.path(self.lock_name).line(place.line)
    }

    /// Does the log continue the one that the lock was written against?
    fn continues(&mut self, old: &OpenedCheckpoint, new: &OpenedCheckpoint) {
        let root = self.survey.prefix_root;
        let Some(contradiction) = Evidence::contradiction(old, new, root.as_ref()) else { return };
        let (before, now) = (old.checkpoint(), new.checkpoint());
        let message = match contradiction {
            Contradiction::RolledBack => format!(
                "the log has {} entries; the lock file was written against {}: this is an old copy, or entries were taken back",
                now.size(),
                before.size()
            ),
            _ => format!(
                "the log does not continue the one of {} entries that the lock file was written against: history was rewritten",
                before.size()
            ),
        };
        let finding = Finding::new(contradiction.code(), message).path(self.lock_name);
        self.push(match (contradiction, root) {
            (Contradiction::RolledBack, _) => finding.expected(before.size()).found(now.size()),
            (_, root) => finding.expected(before.root_hash()).found(root.unwrap_or_else(|| now.root_hash())),
        });
    }

    /// Is the checkpoint new enough?
    fn age(&mut self, opened: &OpenedCheckpoint) {
        // A time beyond all calendars is none, and hides no other witness's.
        let times = opened.cosignatures().iter().map(|one| i64::try_from(one.time).ok());
        let witnessed = times.filter_map(|time| Timestamp::from_unix_seconds(time?)).max();
        self.report.newest = witnessed.or(self.survey.newest);
        let Some(max_age) = self.rule.max_age else {
            self.report.not_checked.push("how old the checkpoint is: no --max-age was asked for".into());
            return;
        };
        let Some(newest) = self.report.newest else {
            let what = "no witness cosigned the checkpoint, and no entry has a time";
            return self.push(Finding::new(Code::CheckpointAgeUnknown, what));
        };
        if witnessed.is_none() {
            let why =
                if opened.cosignatures().is_empty() { "cosigned it" } else { "gave a time that can be" };
            self.report.not_checked.push(format!(
                "how old the checkpoint is by anyone but its signers: no witness {why}, so the newest time that a signer \
                 gave, {newest}, was taken"
            ));
        }
        let age = self.rule.now.unix_seconds() - newest.unix_seconds();
        if age < -AHEAD_MAX_SECONDS {
            let what =
                format!("the newest time, {newest}, lies ahead of this machine's clock, {}", self.rule.now);
            self.push(Finding::new(Code::CheckpointAgeUnknown, what).found(newest));
        } else if u64::try_from(age).is_ok_and(|age| age > max_age) {
            let what = format!("the checkpoint is from {newest}, older than allowed");
            let oldest =
                self.rule.now.unix_seconds().saturating_sub(i64::try_from(max_age).unwrap_or(i64::MAX));
            let finding = Finding::new(Code::CheckpointTooOld, what).found(newest);
            let oldest = Timestamp::from_unix_seconds(oldest);
            self.push(match oldest {
                Some(oldest) => finding.expected(format!("{oldest} or later")),
                None => finding,
            });
        }
    }

    fn article(&mut self, article: &GateArticle, pinned: Option<&LockedArticle>) {
        let name = article.name.as_str();
        let Some(pinned) = pinned else {
            let what = format!("{name} is not in the lock file");
            return self.push(Finding::new(Code::LockOutdated, what).path(name));
        };
        let place = Place { article: name, line: pinned.line };
        match &article.sha256 {
            Err(why) => self.push(self.at(place, Code::ArticleMissing, why)),
            Ok(sha256) => {
                if *sha256 != pinned.sha256 {
                    let finding = self.at(place, Code::LockOutdated, "it was changed since it was locked");
                    self.push(finding.expected(pinned.sha256).found(sha256));
                }
                self.relations(place, sha256, pinned);
            }
        }
        if pinned.sources.is_empty() {
            match self.rule.require {
                Some(_) => self.push(self.at(place, Code::SourceNone, "no source is locked for it")),
                None => {
                    self.report.not_checked.push(format!("what {name} rests on: no source is locked for it"));
                }
            }
        }
        for source in &pinned.sources {
            self.source(Place { article: name, line: source.line }, source);
        }
    }

    /// Does the lock have what statements say of the article, and nothing else?
    fn relations(&mut self, place: Place<'_>, sha256: &Hash, pinned: &LockedArticle) {
        if let Some(record) = pinned.record
            && self.survey.standings.registered(record).is_none_or(|(original, _)| original != pinned.sha256)
        {
            let what = format!("it is locked as record {record}, which does not register it");
            self.push(self.at(place, Code::LockOutdated, what));
        }
        let rests = self.survey.rests_on(sha256);
        for by in rests.unknown {
            let what = format!("record {by} says that it is related in a way that is not known here");
            self.push(self.at(place, Code::ValueUnknown, what).record(by));
        }
        let locked: HashSet<(&Said, End<'_>)> = pinned
            .sources
            .iter()
            .filter_map(|source| Some((source.said.as_ref()?, End::of_source(&source.source)?)))
            .collect();
        for (target, said) in &rests.on {
            if !locked.contains(&(said, End::of(target))) {
                let what =
                    format!("record {} says that it rests on {}; that is not locked", said.by, shown(target));
                self.push(self.at(place, Code::LockOutdated, what).record(said.by));
            }
        }
        let on: HashSet<(&Said, End<'_>)> =
            rests.on.iter().map(|(target, said)| (said, End::of(target))).collect();
        for source in &pinned.sources {
            let Some(said) = &source.said else { continue };
            let says = End::of_source(&source.source).is_some_and(|end| on.contains(&(said, end)));
            if !says && *sha256 == pinned.sha256 {
                let what =
                    format!("record {} does not say that it rests on {}", said.by, named(&source.source));
                let place = Place { line: source.line, ..place };
                self.push(self.at(place, Code::LockOutdated, what).record(said.by));
            }
        }
        let waits: Vec<Finding> = self
            .survey
            .waits_to_rest(sha256)
            .map(|(waiting, target)| {
                let what = format!(
                    "a statement that waits in {} says that it rests on {}",
                    waiting.path,
                    shown(target)
                );
                self.at(place, Code::SourcePending, what)
            })
            .collect();
        waits.into_iter().for_each(|finding| self.push(finding));
    }

    fn source(&mut self, place: Place<'_>, source: &LockedSource) {
        match &source.source {
            SourceRef::Record { record, original, leaf } => self.record(place, *record, original, leaf),
            SourceRef::Pending { entry, original } => {
                let (code, what) = if let Some(registered) = self.survey.record_of(original) {
                    let what =
                        format!("a source that waited is registered as record {} by now", registered.record);
                    (Code::LockOutdated, what)
                } else if let Some(waiting) = self.survey.waiting.iter().find(|one| one.digest == *entry) {
                    (
                        Code::SourcePending,
                        format!("a source is not registered yet: it waits in {}", waiting.path),
                    )
                } else {
                    let what =
                        "a source that waited to be registered is neither in the log nor waiting any more";
                    (Code::SourceUnresolved, what.into())
                };
                self.push(self.at(place, code, what).found(entry));
            }
            SourceRef::Unresolved(unresolved) => {
                let what = format!("it rests on {}, which nobody has registered", words(unresolved));
                let finding = self.at(place, Code::SourceUnresolved, what);
                self.push(match self.rule.allow_unresolved {
                    true => finding.weighing(Severity::Note),
                    false => finding,
                });
            }
        }
    }

    fn record(&mut self, place: Place<'_>, record: u64, original: &Hash, leaf: &Hash) {
        let about = |gate: &Self, code, what: String| gate.at(place, code, what).record(record);
        let Some(pinned) = self.survey.pinned.get(&record) else {
            let what = format!("there is no record {record}: the log has {} entries", self.report.size);
            return self.push(about(self, Code::SourceChanged, what).expected(leaf));
        };
        if pinned.leaf != *leaf {
            let what = format!("record {record} is another entry than the one that was locked");
            let finding = about(self, Code::SourceChanged, what).expected(leaf).found(pinned.leaf);
            return self.push(finding);
        }
        if let Err(why) = &pinned.signer {
            let finding = about(self, Code::SourceInvalid, format!("record {record} does not hold: {why}"));
            return self.push(finding);
        }
        let Some((registered, claims)) = self.survey.standings.registered(record) else {
            let what = format!("record {record} registers no document");
            return self.push(about(self, Code::SourceChanged, what).expected(original));
        };
        if registered != *original {
            let what = format!("record {record} is of another document than the one that was locked");
            return self.push(about(self, Code::SourceChanged, what).expected(original).found(registered));
        }
        // A document may be registered more than once: what is said of any of its records is said of it.
        let of = self.survey.records.get(original).cloned().unwrap_or_default();
        let all: Vec<(String, Standing)> = of
            .into_iter()
            .filter_map(|of| {
                let name = match of == record {
                    true => format!("record {record}"),
                    false => format!("record {of}, which registers the document of record {record} too,"),
                };
                Some((name, self.survey.standings.of(of)?.clone()))
            })
            .collect();
        for (name, standing) in &all {
            if let Some((by, how)) = standing.taken_back() {
                let what = format!("{name} was {how}, by record {by}");
                self.push(about(self, Code::SourceRetracted, what).found(format!("record {by}")));
            }
            for Assessed { claim, by, .. } in standing.assessed(AssessmentState::Refuted) {
                let what = format!("{claim} of {name} was refuted, by record {by}");
                let finding = about(self, Code::SourceRefuted, what).field(claim);
                self.push(finding.found(format!("record {by}")));
            }
        }
        self.embargo(place, record, &all);
        for by in self.survey.unknown.get(original).cloned().into_iter().flatten() {
            let what = format!(
                "record {by} is about the document of record {record}, in a way that is not known here"
            );
            self.push(about(self, Code::KindUnknown, what).found(format!("record {by}")));
        }
        for (name, standing) in &all {
            self.worth_knowing(place, record, name, standing);
        }
        self.waits(place, record, original);
        if let Some(require) = self.rule.require {
            // What another record claims at the same place may be something else: only this one's claims are shown.
            let standing = self.survey.standings.of(record).cloned().unwrap_or_default();
            self.rule(place, record, claims.claimed_origins(), &standing, require);
        }
    }

    /// The last word on an embargo holds.
    fn embargo(&mut self, place: Place<'_>, record: u64, all: &[(String, Standing)]) {
        let notices =
            all.iter().flat_map(|(name, standing)| standing.notices.iter().map(move |one| (name, one)));
        let embargoes = notices.filter(|(_, one)| one.notice == NoticeKind::Embargo);
        let last = embargoes.max_by_key(|(_, one)| one.by);
        let Some((name, Noticed { by, until: Some(until), .. })) = last else { return };
        if *until > self.rule.now {
            let what = format!("{name} is under an embargo until {until}, by record {by}");
            let finding = self.at(place, Code::SourceEmbargoed, what).record(record);
            self.push(finding.expected(format!("{} or earlier", self.rule.now)).found(until));
        }
    }

    /// What statements that wait say of the document: nobody's word yet, and maybe soon somebody's.
    fn waits(&mut self, place: Place<'_>, record: u64, original: &Hash) {
        let waits = self.survey.waits_to_say(original, self.rule.now);
        let waits: Vec<Finding> = waits
            .map(|(waiting, words, grave)| {
                let what = format!(
                    "a statement that waits in {} says that the document of record {record} {words}",
                    waiting.path
                );
                let finding = self.at(place, Code::SourcePending, what).record(record);
                if grave { finding } else { finding.weighing(Severity::Note) }
            })
            .collect();
        waits.into_iter().for_each(|finding| self.push(finding));
    }

    /// What a person may have to look at, and what this release does not understand.
    fn worth_knowing(&mut self, place: Place<'_>, record: u64, name: &str, standing: &Standing) {
        let mut found: Vec<(Code, String, u64)> = Vec::new();
        for Noticed { by, notice, replaced_by, .. } in &standing.notices {
            let word = match notice {
                NoticeKind::Correction => "corrected",
                NoticeKind::Clarification => "clarified",
                NoticeKind::Update => "updated",
                NoticeKind::Other(_) => {
                    let what = format!("record {by} says of {name} what is not known here");
                    found.push((Code::ValueUnknown, what, *by));
                    continue;
                }
                _ => continue,
            };
            let replaced = replaced_by.map(|by| format!("; record {} takes its place", by.record));
            let what = format!("{name} was {word}, by record {by}{}", replaced.unwrap_or_default());
            found.push((Code::SourceCorrected, what, *by));
        }
        for Related { by, relation, other, .. } in &standing.related_from {
            let (code, word) = match relation {
                RelationKind::Corrects => (Code::SourceCorrected, "corrected"),
                RelationKind::Clarifies => (Code::SourceCorrected, "clarified"),
                RelationKind::Updates => (Code::SourceCorrected, "updated"),
                RelationKind::Supersedes => (Code::SourceCorrected, "superseded"),
                RelationKind::Contradicts => (Code::SourceDisputed, "contradicted"),
                RelationKind::Other(_) => (Code::ValueUnknown, "related to in a way that is not known here"),
                _ => continue,
            };
            let what = format!("{name} is {word} by {}, says record {by}", shown(other));
            found.push((code, what, *by));
        }
        for Assessed { by, claim, state, .. } in &standing.assessments {
            let (code, word) = match state {
                AssessmentState::Disputed => (Code::SourceDisputed, "is disputed"),
                AssessmentState::Other(_) => {
                    (Code::ValueUnknown, "was assessed in a way that is not known here")
                }
                _ => continue,
            };
            found.push((code, format!("{claim} of {name} {word}, by record {by}"), *by));
        }
        for (code, what, by) in found {
            let finding = self.at(place, code, what).record(record);
            self.push(finding.found(format!("record {by}")));
        }
    }

    /// Does each claimed origin meet the rule? One that was refuted is a finding of its own.
    fn rule(&mut self, place: Place<'_>, record: u64, claimed: u16, standing: &Standing, require: Require) {
        let refuted = standing.assessed(AssessmentState::Refuted).map(|one| one.claim.as_str());
        let refuted: BTreeSet<&str> = refuted.collect();
        if claimed == 0 {
            let what = format!("record {record} claims no origin");
            let finding = self.at(place, Code::SourceBelowRule, what).record(record);
            self.push(finding.expected(require.word()).found("nothing claimed"));
        }
        for number in 0..claimed {
            let claim = format!("/claimedOrigins/{number}");
            if refuted.contains(claim.as_str()) {
                continue;
            }
            let of_claim = || standing.assessments.iter().filter(|one| one.claim == claim);
            let disputed = of_claim().find(|one| one.state == AssessmentState::Disputed);
            let found = of_claim().map(|one| match one.state {
                AssessmentState::Verified => Require::Verified,
                AssessmentState::Corroborated => Require::Corroborated,
                _ => Require::Claimed,
            });
            let found = found.max().unwrap_or(Require::Claimed);
            let word = match disputed {
                Some(_) if require > Require::Claimed => "disputed",
                _ if found < require => found.word(),
                _ => continue,
            };
            let by = disputed.map(|one| format!(", by record {}", one.by)).unwrap_or_default();
            let what =
                format!("{claim} of record {record} is {word}{by}; the rule asks for {}", require.word());
            let finding = self.at(place, Code::SourceBelowRule, what).record(record).field(claim);
            self.push(finding.expected(require.word()).found(word));
        }
    }

    fn name_what_was_not_checked(&mut self, opened: &OpenedCheckpoint) {
        let out = &mut self.report.not_checked;
        if self.rule.require.is_none() {
            out.push("what is known of where sources come from: no --require was asked for".into());
        }
        if !self.survey.listed {
            out.push("whether statements wait to be appended: they could not be listed".into());
        }
        if self.survey.waiting_unread > 0 {
            let (plural, say) = if self.survey.waiting_unread == 1 { ("", "says") } else { ("s", "say") };
            out.push(format!(
                "what {} file{plural} below {}/ {say}, which could not be appended: `dateline verify` names them",
                self.survey.waiting_unread,
                layout::PENDING
            ));
        }
        if self.survey.unread > 0 {
            let plural = if self.survey.unread == 1 { "y" } else { "ies" };
            out.push(format!(
                "what {} entr{plural} say that this release does not know as records: `dateline verify` names them",
                self.survey.unread
            ));
        }
        if opened.cosignatures().is_empty() {
            out.push("whether others were shown the same log: no witness cosigned the checkpoint".into());
        }
        out.push(
            "stored originals, openings, and all that no article rests on: `dateline verify` does".into(),
        );
    }
}
