//! The kinds of statement, and who may make them.

use super::Role;

/// What a statement says. The only place where predicate types are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// A document: its digests, and what it claims of its origin.
    Registration,
    /// A signer is enrolled, rotated, revoked or retired.
    Key,
    /// What one document is to another.
    Relation,
    /// What was found out about one claim.
    Assessment,
    /// A correction, a retraction, an embargo …
    Notice,
    /// What a person says of one claim that a rule found.
    Confirmation,
    /// What was found at a document's address later.
    Observation,
    /// Whose openings were destroyed.
    Erasure,
    /// That somebody had a document, without which.
    Sealed,
}

impl Kind {
    /// All kinds that this release reads.
    pub const ALL: [Kind; 9] = [
        Kind::Registration,
        Kind::Key,
        Kind::Relation,
        Kind::Assessment,
        Kind::Notice,
        Kind::Confirmation,
        Kind::Observation,
        Kind::Erasure,
        Kind::Sealed,
    ];

    /// Returns the in-toto `predicateType`.
    pub fn predicate_type(self) -> &'static str {
        match self {
            Kind::Registration => "urn:dateline:registration:v1",
            Kind::Key => "urn:dateline:key:v1",
            Kind::Relation => "urn:dateline:relation:v1",
            Kind::Assessment => "urn:dateline:assessment:v1",
            Kind::Notice => "urn:dateline:notice:v1",
            Kind::Confirmation => "urn:dateline:confirmation:v1",
            Kind::Observation => "urn:dateline:observation:v1",
            Kind::Erasure => "urn:dateline:erasure:v1",
            Kind::Sealed => "urn:dateline:sealed:v1",
        }
    }

    /// Returns the kind of a `predicateType`; `None` for one that this release does not know.
    pub fn of_predicate_type(text: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.predicate_type() == text)
    }

    /// Returns whether a signer with `roles` may make such a statement. Statements about keys are made by root keys
    /// alone.
    pub fn may_be_made_by(self, roles: &[Role]) -> bool {
        let allowed = |role: &Role| match self {
            Kind::Registration | Kind::Observation | Kind::Sealed => {
                matches!(role, Role::Editor | Role::Ingest)
            }
            Kind::Relation => matches!(role, Role::Editor | Role::Ingest | Role::Assessor),
            Kind::Assessment => *role == Role::Assessor,
            Kind::Confirmation => matches!(role, Role::Editor | Role::Assessor),
            Kind::Notice => *role == Role::Editor,
            Kind::Erasure => *role == Role::DataOfficer,
            Kind::Key => *role == Role::Root,
        };
        roles.iter().any(allowed)
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Kind::Registration => "registration",
            Kind::Key => "key",
            Kind::Relation => "relation",
            Kind::Assessment => "assessment",
            Kind::Notice => "notice",
            Kind::Confirmation => "confirmation",
            Kind::Observation => "observation",
            Kind::Erasure => "erasure",
            Kind::Sealed => "sealed",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn predicate_types_are_told_apart() {
        for kind in Kind::ALL {
            assert_eq!(Kind::of_predicate_type(kind.predicate_type()), Some(kind));
        }
        assert_eq!(Kind::of_predicate_type("urn:dateline:registration:v2"), None);
    }
}
