//! One word for what became of a record.

use crate::record::{AssessmentState, NoticeKind, RelationKind, Standing};

/// What became of a registration, the gravest first. It leaves out what only time decides, such as an embargo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum RecordState {
    /// It was killed.
    Killed,
    /// It was taken down.
    TakenDown,
    /// It was retracted, by a notice or by another document.
    Retracted,
    /// Somebody who assesses found a claim of it untrue.
    Refuted,
    /// Somebody who assesses has reasons against a claim of it.
    Disputed,
    /// It was corrected.
    Corrected,
    /// Another document takes its place.
    Superseded,
    /// It was updated, or clarified.
    Updated,
    /// A claim of it was shown to be so.
    Verified,
    /// Something independent agrees with a claim of it.
    Corroborated,
    /// Nothing of this was said of it.
    Claimed,
}

impl RecordState {
    /// All states, the gravest first.
    pub const ALL: [RecordState; 11] = [
        RecordState::Killed,
        RecordState::TakenDown,
        RecordState::Retracted,
        RecordState::Refuted,
        RecordState::Disputed,
        RecordState::Corrected,
        RecordState::Superseded,
        RecordState::Updated,
        RecordState::Verified,
        RecordState::Corroborated,
        RecordState::Claimed,
    ];

    /// Returns the word, as it stands in JSON.
    pub fn word(self) -> &'static str {
        match self {
            RecordState::Killed => "killed",
            RecordState::TakenDown => "takenDown",
            RecordState::Retracted => "retracted",
            RecordState::Refuted => "refuted",
            RecordState::Disputed => "disputed",
            RecordState::Corrected => "corrected",
            RecordState::Superseded => "superseded",
            RecordState::Updated => "updated",
            RecordState::Verified => "verified",
            RecordState::Corroborated => "corroborated",
            RecordState::Claimed => "claimed",
        }
    }

    /// Returns the gravest that holds; `None` stands for a record of which nothing was said.
    pub fn of(standing: Option<&Standing>) -> Self {
        let Some(standing) = standing else { return RecordState::Claimed };
        RecordState::ALL.into_iter().find(|state| state.holds(standing)).unwrap_or(RecordState::Claimed)
    }

    fn holds(self, standing: &Standing) -> bool {
        let notice = |kind: NoticeKind| standing.notices.iter().any(|one| one.notice == kind);
        let related = |kind: RelationKind| standing.related_from.iter().any(|one| one.relation == kind);
        let assessed = |state: AssessmentState| standing.assessed(state).next().is_some();
        match self {
            RecordState::Killed => notice(NoticeKind::Kill),
            RecordState::TakenDown => notice(NoticeKind::Takedown),
            RecordState::Retracted => notice(NoticeKind::Retraction) || related(RelationKind::Retracts),
            RecordState::Refuted => assessed(AssessmentState::Refuted),
            RecordState::Disputed => {
                assessed(AssessmentState::Disputed) || related(RelationKind::Contradicts)
            }
            RecordState::Corrected => notice(NoticeKind::Correction) || related(RelationKind::Corrects),
            RecordState::Superseded => related(RelationKind::Supersedes),
            RecordState::Updated => {
                notice(NoticeKind::Update)
                    || notice(NoticeKind::Clarification)
                    || related(RelationKind::Updates)
                    || related(RelationKind::Clarifies)
            }
            RecordState::Verified => assessed(AssessmentState::Verified),
            RecordState::Corroborated => assessed(AssessmentState::Corroborated),
            RecordState::Claimed => true,
        }
    }
}
