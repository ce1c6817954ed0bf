//! What became of a document, in one word a statement: what who rests on it must know.

use serde::Serialize;

use crate::base::{Hash, Timestamp};
use crate::record::{AssessmentState, ClaimVerdict, NoticeKind, Observed, RelationKind, Target};

use super::{Direction, Hop, Lineage, Node};

/// What became of a document, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Fate {
    /// It was taken back.
    Retracted,
    /// It must not be used.
    Killed,
    /// It was taken from where it was published.
    TakenDown,
    /// A claim of it is not so.
    Refuted,
    /// Something in it was wrong.
    Corrected,
    /// There are reasons against a claim of it.
    Disputed,
    /// Another document says otherwise.
    Contradicted,
    /// It must not be published before a time.
    Embargoed,
    /// Another document took its place.
    Superseded,
    /// There is something new since.
    Updated,
    /// Something in it was unclear.
    Clarified,
    /// Another wording was found at its address.
    Changed,
    /// It was not found at its address any more.
    Gone,
    /// A person reads a claim of it otherwise than it was registered.
    ReadOtherwise,
    /// Something that this release does not know.
    Unknown,
}

impl Fate {
    /// Returns whether what rests on the document must be looked at again.
    pub fn is_grave(self) -> bool {
        matches!(self, Fate::Retracted | Fate::Killed | Fate::TakenDown | Fate::Refuted | Fate::Corrected)
    }

    /// Returns the word for a person.
    pub fn word(self) -> &'static str {
        match self {
            Fate::Retracted => "RETRACTED",
            Fate::Killed => "KILLED",
            Fate::TakenDown => "TAKEN DOWN",
            Fate::Refuted => "REFUTED",
            Fate::Corrected => "corrected",
            Fate::Disputed => "disputed",
            Fate::Contradicted => "contradicted",
            Fate::Embargoed => "under an embargo",
            Fate::Superseded => "superseded",
            Fate::Updated => "updated",
            Fate::Clarified => "clarified",
            Fate::Changed => "CHANGED at its address",
            Fate::Gone => "GONE from its address",
            Fate::ReadOtherwise => "read otherwise by a person",
            Fate::Unknown => "something not known here",
        }
    }
}

/// One statement that says what became of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// What.
    pub fate: Fate,
    /// The record of the document that it is about.
    pub record: u64,
    /// Index of the statement.
    pub by: u64,
    /// Id of the key that signed it.
    pub signer: Hash,
    /// The claim, where it is about one.
    pub claim: Option<String>,
    /// The registered document that says so, where one does.
    pub other: Option<u64>,
    /// Index of the statement that took that document back, where one did. What it says stands all the same: who takes a
    /// retraction back says so of the document that was retracted.
    pub other_taken_back: Option<u64>,
}

/// What a document rests on and that must be known of it.
#[derive(Debug)]
pub struct Resting<'l> {
    /// The document.
    pub node: Node,
    /// How many hops away it is.
    pub distance: usize,
    /// The way to it, its last hops if there are many.
    pub path: Vec<&'l Hop>,
    /// What became of it: all that is grave.
    pub marks: Vec<Mark>,
}

impl Lineage<'_> {
    /// Returns what became of a document, the worst first, then in log order. `now` is for embargoes. Costs what was said
    /// of it.
    pub fn marks(&self, node: Node, now: Timestamp) -> Vec<Mark> {
        let records = self.documents.get(node.0).into_iter().flat_map(|document| &document.records);
        let standings = records.filter_map(|record| Some((*record, self.standings.of(*record)?)));
        let mut marks = Vec::new();
        for (record, standing) in standings {
            let mark = |fate, by, signer| Mark {
                fate,
                record,
                by,
                signer,
                claim: None,
                other: None,
                other_taken_back: None,
            };
            for one in &standing.notices {
                let fate = match &one.notice {
                    NoticeKind::Retraction => Fate::Retracted,
                    NoticeKind::Kill => Fate::Killed,
                    NoticeKind::Takedown => Fate::TakenDown,
                    NoticeKind::Correction => Fate::Corrected,
                    NoticeKind::Clarification => Fate::Clarified,
                    NoticeKind::Update => Fate::Updated,
                    NoticeKind::Embargo if one.until.is_some_and(|until| until <= now) => continue,
                    NoticeKind::Embargo => Fate::Embargoed,
                    NoticeKind::Other(_) => Fate::Unknown,
                };
                marks.push(mark(fate, one.by, one.signer));
            }
            for one in &standing.related_from {
                let fate = match &one.relation {
                    RelationKind::Retracts => Fate::Retracted,
                    RelationKind::Corrects => Fate::Corrected,
                    RelationKind::Clarifies => Fate::Clarified,
                    RelationKind::Updates => Fate::Updated,
                    RelationKind::Supersedes => Fate::Superseded,
                    RelationKind::Contradicts => Fate::Contradicted,
                    RelationKind::Other(_) => Fate::Unknown,
                    _ => continue,
                };
                let other = match &one.other {
                    Target::Record(other) => Some(*other),
                    Target::Unresolved(_) => None,
                };
                let place = other.and_then(|other| self.by_original.get(&other.original));
                marks.push(Mark {
                    other: other.map(|other| other.record),
                    other_taken_back: place.and_then(|place| self.taken_back[*place]),
                    ..mark(fate, one.by, one.signer)
                });
            }
            for one in &standing.assessments {
                let fate = match one.state {
                    AssessmentState::Refuted => Fate::Refuted,
                    AssessmentState::Disputed => Fate::Disputed,
                    AssessmentState::Other(_) => Fate::Unknown,
                    _ => continue,
                };
                marks.push(Mark { claim: Some(one.claim.clone()), ..mark(fate, one.by, one.assessor) });
            }
            for one in &standing.confirmations {
                let fate = match one.verdict {
                    ClaimVerdict::Confirmed => continue,
                    ClaimVerdict::Corrected | ClaimVerdict::Rejected => Fate::ReadOtherwise,
                    ClaimVerdict::Other(_) => Fate::Unknown,
                };
                marks.push(Mark { claim: Some(one.claim.clone()), ..mark(fate, one.by, one.person) });
            }
            for one in &standing.observations {
                let fate = match one.observed {
                    Observed::Changed => Fate::Changed,
                    Observed::Gone => Fate::Gone,
                    Observed::Other(_) => Fate::Unknown,
                    _ => continue,
                };
                marks.push(mark(fate, one.by, one.signer));
            }
        }
        marks.sort_by_key(|mark| (mark.fate, mark.by));
        marks
    }

    /// Returns all documents of which something grave was said.
    pub fn stained(&self, now: Timestamp) -> Vec<Node> {
        let grave = |node: &Node| self.marks(*node, now).iter().any(|mark| mark.fate.is_grave());
        self.documents().filter(grave).collect()
    }

    /// Returns of what a document rests on, directly or through others, all of which something grave was said, nearest
    /// first: at most `limit`, with at most `hops` of the way, and how many there are. What the document itself says is
    /// passed over: a correction rests on what it corrects.
    pub fn rests_on_stained(
        &self,
        node: Node,
        now: Timestamp,
        limit: usize,
        hops: usize,
    ) -> (Vec<Resting<'_>>, usize) {
        let reach = self.reach([node], Direction::On);
        let (mut found, mut count) = (Vec::new(), 0);
        for other in reach.nodes().iter().copied().filter(|other| *other != node) {
            let mut marks = self.marks(other, now);
            let own = |mark: &Mark| mark.other.is_some_and(|other| self.node(other) == Some(node));
            marks.retain(|mark| mark.fate.is_grave() && !own(mark));
            if marks.is_empty() {
                continue;
            }
            count += 1;
            if found.len() < limit {
                let distance = reach.distance(other).unwrap_or_default();
                found.push(Resting { node: other, distance, path: self.path(&reach, other, hops), marks });
            }
        }
        (found, count)
    }
}
