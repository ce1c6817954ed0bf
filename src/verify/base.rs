//! The audit of a change: does the log extend the one that lies where the change begins, in another revision of the same
//! folder?
//!
//! As with what an auditor remembers, what lies at the base was accepted, and the log must begin with it. Unlike there,
//! the log that was accepted is known to have lain at this very place: that it is gone, or another one, is bad.

use std::collections::BTreeSet;

use crate::base::Hash;
use crate::note::OpenError;
use crate::record::layout;
use crate::storage::{Store, StoreError};
use crate::tlog::bundles_of;

use super::Trust;
use super::audit::{AuditError, Audited, audit_since};
use super::fetch::Files;
use super::memory::{Memory, log_of};
use super::report::{Code, Finding, Report};

/// Where a change begins.
#[derive(Debug, Clone)]
pub struct Base {
    /// What people call it.
    name: String,
    /// The checkpoint there; `None` if no log lay there.
    checkpoint: Option<Memory>,
    /// The statements that wait there to be appended, by digest.
    waiting: BTreeSet<Hash>,
    /// What was found of the change before the audit.
    findings: Vec<Finding>,
}

impl Base {
    /// Takes the checkpoint that lies at the base, if one does; `name` is what people call the base.
    ///
    /// # Errors
    /// [`OpenError`] if no log of the policy signed it.
    pub fn new(name: &str, checkpoint: Option<&[u8]>, trust: &Trust) -> Result<Self, OpenError> {
        let checkpoint = checkpoint.map(|note| Memory::of_checkpoint(note, &trust.policy)).transpose()?;
        Ok(Base { name: name.to_owned(), checkpoint, waiting: BTreeSet::new(), findings: Vec::new() })
    }

    /// Says which statements wait there to be appended, by the digests of their entries.
    pub fn waiting(mut self, digests: impl Iterator<Item = Hash>) -> Self {
        self.waiting.extend(digests);
        self
    }

    /// Adds what was found of the change otherwise. It counts in the verdict.
    pub fn finding(mut self, finding: Finding) -> Self {
        self.findings.push(finding);
        self
    }

    /// Returns whether a log lay there.
    pub fn has_log(&self) -> bool {
        self.checkpoint.is_some()
    }

    /// Says what is bad of a log that was not held against the base's, as it is not that log.
    fn replaced(&self, store: &dyn Store, trust: &Trust, report: &Report) -> Option<Finding> {
        let (log, size) = self.checkpoint.as_ref()?.subject(&trust.policy)?;
        let found = (Files { store }).checkpoint().ok()??;
        let now = log_of(&found, &trust.policy).filter(|now| *now != log)?;
        let message = format!("{} has {size} entries of the log {log}; here lies the log {now}", self.name);
        let replaced = Finding::new(Code::LogReplaced, message).path(layout::CHECKPOINT);
        report.remembered.is_none().then(|| replaced.expected(log).found(now))
    }

    /// Says that nothing is left of the log.
    fn gone(&self, trust: &Trust) -> Option<Audited> {
        let (log, size) = self.checkpoint.as_ref()?.subject(&trust.policy)?;
        let message = format!("{} has {size} entries of the log {log}; here is no log any more", self.name);
        let mut report = Report::new();
        report.push(Finding::new(Code::RolledBack, message).expected(size).found(0));
        Some(Audited { report, log: None, memory: None, evidence: None })
    }

    /// Finds the statements that wait at the base, and here neither wait nor are in the log.
    fn dropped(&self, store: &dyn Store, trust: &Trust, size: u64) -> Result<Vec<Finding>, StoreError> {
        if self.waiting.is_empty() {
            return Ok(Vec::new());
        }
        let path = |digest: &Hash| format!("{}/{digest}.json", layout::PENDING);
        let here = store.list(layout::PENDING)?.keys;
        let here: BTreeSet<&str> = here.iter().map(|key| key.as_str()).collect();
        let mut dropped: BTreeSet<Hash> =
            self.waiting.iter().filter(|digest| !here.contains(path(digest).as_str())).copied().collect();
        let before = self.checkpoint.as_ref().and_then(|memory| memory.subject(&trust.policy));
        let before = before.map_or(0, |(_, size)| size);
        // What waited at the base was appended after it.
        for bundle in bundles_of(size).skip(usize::try_from(before / 256).unwrap_or(usize::MAX)) {
            if dropped.is_empty() {
                break;
            }
            // The audit found that already, and whether they are in it cannot be told.
            let Ok((found, bytes)) = (Files { store }).bundle(bundle) else { return Ok(Vec::new()) };
            let entries = found.entries(&bytes).unwrap_or_default();
            entries.iter().for_each(|entry| _ = dropped.remove(&Hash::of(entry)));
        }
        let finding = |digest: &Hash| {
            let path = path(digest);
            let message = format!("{path} waits at {}, and here neither waits nor is in the log", self.name);
            Finding::new(Code::PendingDropped, message).path(path)
        };
        Ok(dropped.iter().map(finding).collect())
    }

    /// Adds to a finding what it comes from where two branches meet, and what to do.
    fn advise(&self, finding: &mut Finding) {
        let name = &self.name;
        let advice = match finding.code {
            Code::RolledBack => format!("; if this branch is only behind {name}, merge {name} into it"),
            Code::Forked | Code::PrefixRewritten => format!(
                "; what {name} has was accepted first, so this is the fork: if two branches appended at once, take \
                 records/ as {name} has it, and register the rest again"
            ),
            _ => return,
        };
        finding.message.push_str(&advice);
    }
}

/// As [`super::audit()`], and checks that the log extends the one at `base`. All entries are checked in full.
///
/// # Errors
/// As [`super::audit()`]; that the base has a log and there is none any more is not an error, but invalid.
pub fn audit_onto(
    store: &dyn Store,
    trust: &Trust,
    base: &Base,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<Audited, AuditError> {
    let mut audited = match audit_since(store, trust, base.checkpoint.as_ref(), progress) {
        Err(AuditError::NoLog) => base.gone(trust).ok_or(AuditError::NoLog)?,
        other => other?,
    };
    let report = &mut audited.report;
    let replaced = base.replaced(store, trust, report);
    let dropped = base.dropped(store, trust, report.size)?;
    report.findings.iter_mut().for_each(|finding| base.advise(finding));
    let more = replaced.into_iter().chain(base.findings.iter().cloned()).chain(dropped);
    more.for_each(|finding| report.push(finding));
    // What is to be remembered is for an auditor who comes again, and he remembers by himself.
    audited.memory = None;
    Ok(audited)
}
