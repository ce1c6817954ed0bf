//! What became of each registration: notices, assessments, relations, folded in log order.
//!
//! Only statements whose signature was checked and whose signer may make them belong in a fold; statements that point to
//! nothing, or contradict themselves or the rules of their kind, are passed over, as they say nothing.

use std::collections::BTreeMap;

use crate::base::{Hash, Timestamp};

use super::assessment::Method;
use super::consistency::differences;
use super::{
    AssessmentState, Body, ClaimCounts, Entry, NoticeKind, RecordRef, Relation, RelationKind, Target,
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

/// Something that was said of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Noticed {
    /// Index of the statement.
    pub by: u64,
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
}

impl Standings {
    /// Returns what the registration at `index` is of, and what it claims.
    pub fn registered(&self, index: u64) -> Option<(Hash, ClaimCounts)> {
        let place = self.registered.binary_search_by_key(&index, |(index, ..)| *index).ok()?;
        let (_, original, claims) = self.registered[place];
        Some((original, claims))
    }

    /// Returns what became of the registration at `index`; `None` if nothing was said of it.
    pub fn of(&self, index: u64) -> Option<&Standing> {
        self.of.get(&index)
    }

    /// Returns all registrations of which something was said, by index.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &Standing)> {
        self.of.iter().map(|(index, standing)| (*index, standing))
    }

    /// Folds the entry at `index`, which its signer may have made and did. Entries are folded in log order.
    pub fn fold(&mut self, index: u64, entry: &Entry) {
        if let (Body::Registration(registration), Some(original)) = (&entry.body, entry.original()) {
            self.registered.push((index, original, ClaimCounts::of(registration)));
            return;
        }
        let fits = entry.references().iter().all(|(_, to)| {
            to.record < index
                && self.registered(to.record).is_some_and(|(original, _)| original == to.original)
        });
        if !fits || !differences(entry).is_empty() {
            return;
        }
        match &entry.body {
            Body::Relation(relation) if relation.fault().is_none() => self.relate(index, relation),
            Body::Assessment(assessment) if assessment.fault().is_none() => {
                let claims = self.registered(assessment.about.record).map(|(_, claims)| claims);
                if !claims.is_some_and(|claims| claims.has(&assessment.claim)) {
                    return;
                }
                let assessor = entry.envelope.key_id();
                let all = &mut self.of.entry(assessment.about.record).or_default().assessments;
                all.retain(|one| one.assessor != assessor || one.claim != assessment.claim);
                all.push(Assessed {
                    by: index,
                    assessor,
                    claim: assessment.claim.clone(),
                    state: assessment.state.clone(),
                    method: assessment.method.clone(),
                });
            }
            Body::Notice(notice) if notice.fault().is_none() => {
                self.of.entry(notice.about.record).or_default().notices.push(Noticed {
                    by: index,
                    notice: notice.notice.clone(),
                    until: notice.until,
                    replaced_by: notice.replaced_by,
                });
            }
            _ => {}
        }
    }

    fn relate(&mut self, index: u64, relation: &Relation) {
        let edge = |other: Target| Related { by: index, relation: relation.relation.clone(), other };
        let from = self.of.entry(relation.about.record).or_default();
        from.relations.push(edge(relation.target.clone()));
        if let Target::Record(target) = relation.target {
            let about = Target::Record(relation.about);
            self.of.entry(target.record).or_default().related_from.push(edge(about));
        }
    }
}
