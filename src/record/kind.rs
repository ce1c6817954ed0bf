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
}

impl Kind {
    /// All kinds that this release reads.
    pub const ALL: [Kind; 5] =
        [Kind::Registration, Kind::Key, Kind::Relation, Kind::Assessment, Kind::Notice];

    /// Returns the in-toto `predicateType`.
    pub fn predicate_type(self) -> &'static str {
        match self {
            Kind::Registration => "urn:dateline:registration:v1",
            Kind::Key => "urn:dateline:key:v1",
            Kind::Relation => "urn:dateline:relation:v1",
            Kind::Assessment => "urn:dateline:assessment:v1",
            Kind::Notice => "urn:dateline:notice:v1",
        }
    }

    /// Returns the kind of a `predicateType`; `None` for one that this release does not know.
    pub fn of_predicate_type(text: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.predicate_type() == text)
    }

    /// Returns whether a signer with `roles` may make such a statement. Statements about keys are made by root keys
    /// alone, which lie outside the log.
    pub fn may_be_made_by(self, roles: &[Role]) -> bool {
        let allowed = |role: &Role| match self {
            Kind::Registration => matches!(role, Role::Editor | Role::Ingest),
            Kind::Relation => matches!(role, Role::Editor | Role::Ingest | Role::Assessor),
            Kind::Assessment => *role == Role::Assessor,
            Kind::Notice => *role == Role::Editor,
            Kind::Key => false,
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
