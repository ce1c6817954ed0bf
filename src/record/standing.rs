//! What became of each registration: notices, assessments, relations, folded in log order.
//!
//! Only statements whose signature was checked and whose signer may make them belong in a fold; statements that point to
//! nothing, or contradict themselves or the rules of their kind, are passed over, as they say nothing.

use std::collections::BTreeMap;

use crate::base::{Hash, Timestamp};

use super::assessment::Method;
use super::consistency::differences;
use super::{
    AssessmentState, Body, ClaimCounts, ClaimVerdict, Entry, ErasureReason, NoticeKind, Observed, RecordRef,
    Relation, RelationKind, Target,
};

/// One assessor's last word on one claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assessed {
    /// Index of the statement.
    pub by: u64,
    /// Id of the assessor's key.
    pub assessor: Hash,
    /// The claim, as a JSON Pointer.
    pub claim: String,
    /// What was found.
    pub state: AssessmentState,
    /// How.
    pub method: Option<Method>,
}

/// One person's last word on what a claim of the document is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirmed {
    /// Index of the statement.
    pub by: u64,
    /// Id of the person's key.
    pub person: Hash,
    /// The claim, as a JSON Pointer.
    pub claim: String,
    /// What was said of it.
    pub verdict: ClaimVerdict,
}

/// What was found at an address of the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedAt {
    /// Index of the statement.
    pub by: u64,
    /// Id of the key that signed it.
    pub signer: Hash,
    /// The address.
    pub url: String,
    /// What was found.
    pub observed: Observed,
    /// SHA-256 of what came from there.
    pub original: Option<Hash>,
    /// When, by the clock of whoever looked.
    pub at: Timestamp,
}

/// Openings of an entry that were destroyed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erased {
    /// Index of the statement.
    pub by: u64,
    /// The digests of the openings.
    pub commitments: Vec<String>,
    /// Whether the stored original was destroyed.
    pub original: bool,
    /// On what ground.
    pub reason: ErasureReason,
}

/// Something that was said of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Noticed {
    /// Index of the statement.
    pub by: u64,
    /// Id of the key that signed it.
    pub signer: Hash,
    /// What.
    pub notice: NoticeKind,
    /// For an embargo, when it ends.
    pub until: Option<Timestamp>,
    /// What takes its place.
    pub replaced_by: Option<RecordRef>,
}

/// An edge to or from another document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Related {
    /// Index of the statement.
    pub by: u64,
    /// Id of the key that signed it.
    pub signer: Hash,
    /// What the document that relates is to the target.
    pub relation: RelationKind,
    /// The other end.
    pub other: Target,
}

/// What became of one registration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// Notices about it, in log order.
    pub notices: Vec<Noticed>,
    /// The last word of each assessor on each claim, in log order.
    pub assessments: Vec<Assessed>,
    /// The last word of each person on each claim, in log order.
    pub confirmations: Vec<Confirmed>,
    /// What was found at each of its addresses last, in log order.
    pub observations: Vec<ObservedAt>,
    /// What it is to others, in log order.
    pub relations: Vec<Related>,
    /// What others are to it, in log order; `other` is the document that relates.
    pub related_from: Vec<Related>,
}

impl Standing {
    /// Returns the index of the statement that took it back last, and the word for how: a notice, or another document's
    /// `retracts`.
    pub fn taken_back(&self) -> Option<(u64, &'static str)> {
        let notice = self.notices.iter().filter(|one| one.notice.takes_back()).map(|one| {
            let word = match one.notice {
                NoticeKind::Kill => "killed",
                NoticeKind::Takedown => "taken down",
                _ => "retracted",
            };
            (one.by, word)
        });
        let retracts = self.related_from.iter().filter(|one| one.relation == RelationKind::Retracts);
        notice.chain(retracts.map(|one| (one.by, "retracted"))).max()
    }

    /// Returns the assessments in force in which `state` was found.
    pub fn assessed(&self, state: AssessmentState) -> impl Iterator<Item = &Assessed> {
        self.assessments.iter().filter(move |one| one.state == state)
    }
}

/// What became of the registrations of a log, by index. Holds 56 bytes for each registration, and what was said.
#[derive(Debug, Clone, Default)]
pub struct Standings {
    of: BTreeMap<u64, Standing>,
    /// What is registered, by index, in log order.
    registered: Vec<(u64, Hash, ClaimCounts)>,
    /// Openings that were destroyed, by the entry that commits to them.
    erased: BTreeMap<u64, Vec<Erased>>,
}

impl Standings {
    /// Returns what the registration at `index` is of, and what it claims.
    pub fn registered(&self, index: u64) -> Option<(Hash, ClaimCounts)> {
        let place = self.registered.binary_search_by_key(&index, |(index, ..)| *index).ok()?;
        let (_, original, claims) = self.registered[place];
        Some((original, claims))
    }

    /// Returns all registrations and what they are of, by index.
    pub fn registrations(&self) -> impl Iterator<Item = RecordRef> {
        self.registered.iter().map(|(record, original, _)| RecordRef { record: *record, original: *original })
    }

    /// Returns what became of the registration at `index`; `None` if nothing was said of it.
    pub fn of(&self, index: u64) -> Option<&Standing> {
        self.of.get(&index)
    }

    /// Returns all registrations of which something was said, by index.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &Standing)> {
        self.of.iter().map(|(index, standing)| (*index, standing))
    }

    /// Returns what was destroyed of the entry at `index`, registration or not.
    pub fn erased(&self, index: u64) -> &[Erased] {
        self.erased.get(&index).map_or(&[], Vec::as_slice)
    }

    /// Returns the erasure that destroyed the opening of `commitment` in the entry at `index`.
    pub fn erasure_of(&self, index: u64, commitment: &str) -> Option<&Erased> {
        self.erased(index).iter().find(|one| one.commitments.iter().any(|digest| digest == commitment))
    }

    /// Folds the entry at `index`, which its signer may have made and did. Entries are folded in log order.
    pub fn fold(&mut self, index: u64, entry: &Entry) {
        if let (Body::Registration(registration), Some(original)) = (&entry.body, entry.original()) {
            self.register(index, original, ClaimCounts::of(registration));
            return;
        }
        let fits = entry.references().iter().all(|(_, to)| {
            to.record < index
                && self.registered(to.record).is_some_and(|(original, _)| original == to.original)
        });
        if !fits || !differences(entry).is_empty() {
            return;
        }
        if entry.fault().is_some() {
            return;
        }
        // A claim that the registration does not make.
        if let (Some(claim), Some((_, about))) = (entry.claim(), entry.references().first())
            && !self.registered(about.record).is_some_and(|(_, claims)| claims.has(claim))
        {
            return;
        }
        let signer = entry.envelope.key_id();
        match &entry.body {
            Body::Relation(relation) => self.relate(index, signer, relation),
            Body::Assessment(assessment) => {
                let all = &mut self.of.entry(assessment.about.record).or_default().assessments;
                all.retain(|one| one.assessor != signer || one.claim != assessment.claim);
                all.push(Assessed {
                    by: index,
                    assessor: signer,
                    claim: assessment.claim.clone(),
                    state: assessment.state.clone(),
                    method: assessment.method.clone(),
                });
            }
            Body::Confirmation(confirmation) => {
                let all = &mut self.of.entry(confirmation.about.record).or_default().confirmations;
                all.retain(|one| one.person != signer || one.claim != confirmation.claim);
                all.push(Confirmed {
                    by: index,
                    person: signer,
                    claim: confirmation.claim.clone(),
                    verdict: confirmation.verdict.clone(),
                });
            }
            Body::Notice(notice) => {
                self.of.entry(notice.about.record).or_default().notices.push(Noticed {
                    by: index,
                    signer,
                    notice: notice.notice.clone(),
                    until: notice.until,
                    replaced_by: notice.replaced_by,
                });
            }
            Body::Observation(observation) => {
                let all = &mut self.of.entry(observation.about.record).or_default().observations;
                all.retain(|one| one.url != observation.url);
                all.push(ObservedAt {
                    by: index,
                    signer,
                    url: observation.url.clone(),
                    observed: observation.observed.clone(),
                    original: observation.original,
                    at: observation.recorded_at,
                });
            }
            Body::Erasure(erasure) if erasure.entry < index => {
                self.erased.entry(erasure.entry).or_default().push(Erased {
                    by: index,
                    commitments: erasure.commitments.clone(),
                    original: erasure.original.is_some(),
                    reason: erasure.reason.clone(),
                });
            }
            _ => {}
        }
    }

    pub(super) fn register(&mut self, index: u64, original: Hash, claims: ClaimCounts) {
        self.registered.push((index, original, claims));
    }

    pub(super) fn relate(&mut self, index: u64, signer: Hash, relation: &Relation) {
        let edge = |other: Target| Related { by: index, signer, relation: relation.relation.clone(), other };
        let from = self.of.entry(relation.about.record).or_default();
        from.relations.push(edge(relation.target.clone()));
        if let Target::Record(target) = relation.target {
            let about = Target::Record(relation.about);
            self.of.entry(target.record).or_default().related_from.push(edge(about));
        }
    }
}
