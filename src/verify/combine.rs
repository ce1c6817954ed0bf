//! What the parts of an audit say together: the same as an audit in one run.

use thiserror::Error;

use crate::record::{Body, Entry};
use crate::storage::{Store, StoreError};

use super::Trust;
use super::audit::{Accepted, Audit, AuditError, Audited, LOST_MAX};
use super::entry::{SignatureFault, check_signature, signer_finding};
use super::fetch::Files;
use super::memory::Memory;
use super::part::{Deciding, Part, PartJudge, PartLog, Segment, Signatures};
use super::references::References;
use super::report::Finding;
use super::signer::{Authorised, authorise_and_fold, code_of_signer, code_of_statement};
use super::strays::{is_log_file, originals_listed};
use super::unseen::{Unseen, root_of_bundle};

/// Why parts say nothing together.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CombineError {
    /// There is nothing to audit.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// A part is not one of this audit.
    #[error("{name} is of {found}, and not of {expected}")]
    Other {
        /// What people call the part.
        name: String,
        /// What it is of.
        found: String,
        /// What it should be of.
        expected: String,
    },
    /// No part is of some entries.
    #[error("no part is of entries {from} to {to}")]
    Gap {
        /// The first of them.
        from: u64,
        /// The last.
        to: u64,
    },
    /// Two parts are of some entries.
    #[error("{name} is of entries from {start} on, and other parts are of those before {end}")]
    Overlap {
        /// What people call the part.
        name: String,
        /// Its first entry.
        start: u64,
        /// The index after the last that is covered.
        end: u64,
    },
    /// Whoever made a part did not know a key that he should have.
    #[error("{name} was made without the key {key_id}, which an entry before its range enrols")]
    Key {
        /// What people call the part.
        name: String,
        /// The key's id.
        key_id: String,
    },
    /// The log gave other bytes to whoever made a part.
    #[error("{name} was made with other bytes of bundle {bundle} than lie there now")]
    Bundle {
        /// What people call the part.
        name: String,
        /// The bundle's number.
        bundle: u64,
    },
    /// A part holds what no audit leaves.
    #[error("{name} does not say what a part of its range says: {what}")]
    Part {
        /// What people call the part.
        name: String,
        /// What is amiss.
        what: &'static str,
    },
    /// There is nothing where entries should be.
    #[error("neither the entries from {from} on nor their hashes are there")]
    Lost {
        /// The first of them.
        from: u64,
    },
    /// The log changed meanwhile.
    #[error("the log grew while its parts were combined")]
    Overtaken,
}

/// Says what an audit in one run says, from the parts of it, which come in the order of the log, each with what people call
/// it. They are believed: whoever makes one must be trusted. What this reads of the log itself is its checkpoint, the names of its
/// files, the tiles in which parts meet, the statements that wait, and the openings that were to be erased.
///
/// Costs some microseconds for each signer of a part, 25 µs for each statement about keys or erasure, and the listing of the
/// log. One part is in memory at a time.
///
/// # Errors
/// Those of `parts`, and [`CombineError`]. What is wrong with the log is no error: it is in the report.
pub fn combine<E: From<CombineError>>(
    store: &dyn Store,
    trust: &Trust,
    memory: Option<&Memory>,
    parts: impl Iterator<Item = Result<(String, Part), E>>,
) -> Result<Audited, E> {
    let error = |error: StoreError| CombineError::Audit(error.into());
    let listing = store.list("").map_err(error)?;
    let files = Files { store };
    let before = files.checkpoint();
    if matches!(before, Ok(None)) && !listing.keys.iter().any(|key| is_log_file(key.as_str())) {
        return Err(CombineError::Audit(AuditError::NoLog).into());
    }
    let listed = originals_listed(&listing);
    let mut audit = Audit::new(files, trust, &listed);
    let Some(accepted) = audit.accept(before.clone(), memory) else { return Ok(audit.judged()) };
    let mut combining = Combining { files, audit, of: Of::new(trust, files, &accepted), lost: 0 };
    for part in parts {
        let (name, part) = part?;
        combining.add(&name, part)?;
    }
    let mut audit = combining.audit;
    let (at, size) = (audit.state.size(), audit.report.size);
    if at < size {
        return Err(CombineError::Gap { from: at, to: size - 1 }.into());
    }
    let originals: Vec<_> = audit.references.originals().keys().copied().collect();
    let unseen = Unseen::new(files, size, size, &accepted.opened.checkpoint().root_hash());
    audit.references = References::of_range(files, &listed, unseen);
    audit.references.registered_before(originals);
    let audited = audit.conclude(accepted, &listing, memory, None).map_err(|_| CombineError::Overtaken)?;
    if !audited.report.findings.is_empty() && files.checkpoint() != before {
        return Err(CombineError::Overtaken.into());
    }
    // What was checked in parts leaves no chain of what it saw: what was remembered of it before stays.
    let memory_after = audited.memory.map(|after| match memory {
        Some(memory) => after.with_prefix_of(memory),
        None => after,
    });
    Ok(Audited { memory: memory_after, ..audited })
}

/// What all parts must be of.
struct Of {
    log: PartLog,
    judge: PartJudge,
    lists: bool,
}

impl Of {
    fn new(trust: &Trust, files: Files<'_>, accepted: &Accepted) -> Self {
        let checkpoint = accepted.opened.checkpoint();
        let origin = checkpoint.origin().as_str().to_owned();
        let log = PartLog { origin, size: checkpoint.size(), root_hash: checkpoint.root_hash() };
        Of { log, judge: PartJudge::of(trust), lists: files.store.lists() }
    }

    fn must_fit(&self, name: &str, part: &Part) -> Result<(), CombineError> {
        let (log, other) = (&self.log, &part.log);
        let (judge, others) = (&self.judge, &part.judge);
        let of_log = |log: &PartLog| {
            format!("the log {:?} with {} entries and the root {}", log.origin, log.size, log.root_hash)
        };
        let release = |judge: &PartJudge| format!("release {} (checks {})", judge.version, judge.checks);
        let roots = |judge: &PartJudge| {
            let ids: Vec<String> = judge.roots.iter().map(|root| root.to_hex()[..16].to_owned()).collect();
            format!("an audit under the root keys {}", ids.join(", "))
        };
        let listing =
            |lists| if lists { "a log whose files were listed" } else { "a log whose files were not listed" };
        let (found, expected) = if other != log {
            (of_log(other), of_log(log))
        } else if (&others.version, others.checks) != (&judge.version, judge.checks) {
            (release(others), release(judge))
        } else if others.policy != judge.policy {
            let under =
                |judge: &PartJudge| format!("an audit under the policy with the digest {}", judge.policy);
            (under(others), under(judge))
        } else if others.roots != judge.roots {
            (roots(others), roots(judge))
        } else if part.lists != self.lists {
            (listing(part.lists).into(), listing(self.lists).into())
        } else {
            return Ok(());
        };
        Err(CombineError::Other { name: name.into(), found, expected })
    }
}

struct Combining<'a> {
    files: Files<'a>,
    audit: Audit<'a>,
    of: Of,
    /// How many bundles before the next one are lost.
    lost: u64,
}

impl Combining<'_> {
    fn add(&mut self, name: &str, part: Part) -> Result<(), CombineError> {
        self.of.must_fit(name, &part)?;
        let (start, end, at) = (part.start, part.end, self.audit.state.size());
        if start > at {
            return Err(CombineError::Gap { from: at, to: start - 1 });
        }
        if start < at {
            return Err(CombineError::Overlap { name: name.into(), start, end: at });
        }
        let amiss = |what| CombineError::Part { name: name.into(), what };
        if self.lost.saturating_add(part.lost_first) >= LOST_MAX {
            return Err(CombineError::Lost { from: start.saturating_sub(self.lost * 256) });
        }
        let bundles = (end - start).div_ceil(256);
        self.lost = if part.lost_last >= bundles { self.lost + bundles } else { part.lost_last };
        for (number, root) in &part.doubtful {
            if number * 256 >= start {
                return Err(amiss("it names a bundle that is not before its range"));
            }
            if root_of_bundle(self.files, *number, self.of.log.size) != *root {
                return Err(CombineError::Bundle { name: name.into(), bundle: *number });
            }
        }
        self.audit
            .trees
            .push_range(end, part.trees)
            .ok_or_else(|| amiss("its subtrees are not those of its range"))?;
        self.audit.report.counts.add(&part.counts);
        self.audit.found.append(part.found);
        let told = self.audit.missing.add_range(part.missing, part.missing_full);
        self.audit.found.extend(told);
        self.audit.references.registered_before(part.originals);
        for Segment { signers, then } in part.segments {
            for signatures in signers {
                self.signatures(name, part.unread, signatures)?;
            }
            if let Some(Deciding { index, entry }) = then {
                let entry = Entry::parse(&entry)
                    .ok()
                    .filter(|entry| matches!(entry.body, Body::Key(_) | Body::Erasure(_)));
                let entry = entry.ok_or_else(|| amiss("a statement in it cannot be read"))?;
                self.deciding(index, &entry, part.unread);
            }
        }
        self.audit.state.skip_to(end);
        self.audit.unread |= part.unread.is_some();
        self.audit.found.settle();
        Ok(())
    }

    /// Returns whether an entry before `index` could not be read. `unread` is the first in the part.
    fn is_after_unread(&self, index: u64, unread: Option<u64>) -> bool {
        self.audit.unread || unread.is_some_and(|unread| unread < index)
    }

    fn signatures(&mut self, name: &str, unread: Option<u64>, one: Signatures) -> Result<(), CombineError> {
        let audit = &mut self.audit;
        let Signatures { key_id, kind, count, first, known, bad, bad_more } = one;
        match audit.state.authorise(&key_id, kind) {
            Ok(_) if !known => {
                return Err(CombineError::Key { name: name.into(), key_id: key_id.to_hex() });
            }
            Ok(_) => {
                let all_bad = bad_more.saturating_add(bad.len() as u64);
                let good = &mut audit.report.counts.signatures;
                *good = good.saturating_add(count.saturating_sub(all_bad));
                let worst = bad.iter().map(|finding| finding.severity).max();
                audit.found.leave_out(bad_more, worst.filter(|_| bad_more > 0));
                audit.found.extend(bad);
            }
            Err(_) => {
                let told: Vec<Finding> = first
                    .iter()
                    .filter_map(|index| {
                        let error = self.audit.state.authorise_at(*index, &key_id, kind).err()?;
                        let code = code_of_signer(&error, self.is_after_unread(*index, unread));
                        Some(signer_finding(*index, &key_id, code, &error))
                    })
                    .collect();
                let more = count.saturating_sub(told.len() as u64);
                let worst = told.last().map(|finding| finding.severity);
                self.audit.found.leave_out(more, worst.filter(|_| more > 0));
                self.audit.found.extend(told);
            }
        }
        Ok(())
    }

    /// Folds a statement about keys, or an erasure, as an audit in one run does.
    fn deciding(&mut self, index: u64, entry: &Entry, unread: Option<u64>) {
        let unread = self.is_after_unread(index, unread);
        let audit = &mut self.audit;
        audit.state.skip_to(index);
        let Authorised { key, stands } = authorise_and_fold(&mut audit.state, entry);
        if let (Body::Erasure(erasure), Ok(_), None) = (&entry.body, &key, entry.fault())
            && erasure.entry < index
        {
            audit.missing.erase(erasure);
        }
        if let Err(error) = stands {
            let code = code_of_statement(&error, unread);
            audit.found.extend([Finding::new(code, format!("record {index}: {error}")).record(index)]);
        }
        let signature = match key {
            Ok(key) => entry.envelope.verify(&key).map(|_| ()).map_err(SignatureFault::Bad),
            Err(error) => Err(SignatureFault::Signer(code_of_signer(&error, unread), error)),
        };
        let (counts, findings) = check_signature(index, &entry.envelope, signature);
        audit.report.counts.add(&counts);
        audit.found.extend(findings);
    }
}
