//! What holds at an index: who may sign. Computed by folding statements in log order.
//!
//! Root keys make statements about keys: those that are trusted from outside the log, and those that were enrolled in it
//! with [`Role::Root`]. At first one of them is enough. After a `requireApprovals` statement, a statement takes effect at
//! the index where as many root keys have made it as that asks for, each in an entry of its own; until then it is
//! *proposed*. What was proposed by a key that was ended since counts no more.

use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;

use crate::base::{Hash, PublicKey};

use super::key_statement::{APPROVALS_MAX, KEY_TYPE};
use super::{KeyAction, KeyStatement, Kind, Role};

/// What is known of one enrolled key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyState {
    /// The key.
    pub public: PublicKey,
    /// What its holder may do.
    pub roles: Vec<Role>,
    /// Index of the statement that enrolled it: it may sign the entries after that one.
    pub enrolled_at: u64,
    /// Index and action of the statement that ended it, if one did.
    pub ended: Option<(u64, KeyAction)>,
}

/// What a statement about keys does, whoever makes it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Proposal {
    /// What happens.
    pub action: KeyAction,
    /// To which key; for `requireApprovals`, to none.
    pub key_id: Option<Hash>,
    /// What its holder may do.
    pub roles: Vec<Role>,
    /// The key that is replaced.
    pub replaces: Option<Hash>,
    /// How many root keys must make a statement.
    pub approvals: Option<u32>,
}

/// What became of a statement about keys that can stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// It holds from the next index on.
    InEffect,
    /// It needs more root keys.
    Proposed {
        /// Root keys that have made it.
        have: u32,
        /// Root keys that must.
        need: u32,
    },
}

/// A root key that is trusted from outside the log.
#[derive(Debug, Clone)]
struct Anchor {
    public: PublicKey,
    ended: Option<(u64, KeyAction)>,
}

/// The keys of a log as of [`State::size`] entries.
#[derive(Debug, Clone)]
pub struct State {
    anchors: BTreeMap<Hash, Anchor>,
    keys: BTreeMap<Hash, KeyState>,
    /// Root keys that must make a statement about keys.
    needed: u32,
    /// What is proposed, each with the root keys that did.
    proposals: BTreeMap<Proposal, BTreeSet<Hash>>,
    /// Root keys in force.
    roots_in_force: u32,
    size: u64,
}

/// Why a key may not sign an entry, or a key statement may not stand.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum StateError {
    /// No statement before enrolled it.
    #[error("key {key_id} was not enrolled when entry {index} was made")]
    NotEnrolled {
        /// The key's id.
        key_id: Hash,
        /// The entry's index.
        index: u64,
    },
    /// A statement before ended it.
    #[error("key {key_id} was ended by entry {ended_at}, before entry {index} was made")]
    Ended {
        /// The key's id.
        key_id: Hash,
        /// Index of the statement that ended it.
        ended_at: u64,
        /// The entry's index.
        index: u64,
    },
    /// Its roles do not allow such a statement.
    #[error("key {key_id} may not make a {kind} statement")]
    NotAllowed {
        /// The key's id.
        key_id: Hash,
        /// What it tried to say.
        kind: Kind,
    },
    /// Only root keys make statements about keys.
    #[error("key {key_id} is not a root key: it may not make a statement about keys")]
    NotARoot {
        /// The key's id.
        key_id: Hash,
    },
    /// A key is enrolled once.
    #[error("key {key_id} was enrolled before, by entry {enrolled_at}")]
    EnrolledBefore {
        /// The key's id.
        key_id: Hash,
        /// Index of the first enrolment.
        enrolled_at: u64,
    },
    /// What is to be ended is not there, or was ended before.
    #[error("key {key_id} is not in force: there is nothing to end")]
    NotInForce {
        /// The key's id.
        key_id: Hash,
    },
    /// A root key makes statements about keys, and no others.
    #[error("key {key_id} cannot have other roles beside that of a root key")]
    RootAlone {
        /// The key's id.
        key_id: Hash,
    },
    /// There must be root keys enough for the statements that follow.
    #[error("{left} root keys would be left where {needed} must approve")]
    TooFewRoots {
        /// Root keys that would be in force.
        left: u32,
        /// Root keys that must make a statement.
        needed: u32,
    },
    /// The number of approvals is missing, stands where none may, or is out of range.
    #[error("a statement that asks for approvals says how many, from 1 to {APPROVALS_MAX}; no other does")]
    Approvals,
    /// A root key approves once.
    #[error("key {key_id} has made this statement before: it is for another root key to approve")]
    ApprovedBefore {
        /// The root key's id.
        key_id: Hash,
    },
    /// `rotate` must say which key it replaces; nothing else may.
    #[error("a {action:?} statement about key {key_id} names the wrong replaced key")]
    Replaces {
        /// The key's id.
        key_id: Hash,
        /// What the statement does.
        action: KeyAction,
    },
    /// Only Ed25519 keys are enrolled: what the statement says of the key's type would be a second meaning.
    #[error("the statement is about a key of type {found:?}; keys are of type {KEY_TYPE:?}")]
    KeyType {
        /// The type found.
        found: String,
    },
    /// The key in the statement cannot be trusted.
    #[error("the statement is about a key that cannot be used")]
    Unusable(#[from] crate::base::ed25519::PublicKeyError),
}

impl State {
    /// The state of an empty log under `roots`.
    pub fn new(roots: impl IntoIterator<Item = PublicKey>) -> Self {
        let anchor = |public: PublicKey| (public.key_id(), Anchor { public, ended: None });
        let anchors: BTreeMap<Hash, Anchor> = roots.into_iter().map(anchor).collect();
        let roots_in_force = u32::try_from(anchors.len()).unwrap_or(u32::MAX);
        let (keys, proposals) = (BTreeMap::new(), BTreeMap::new());
        State { anchors, keys, needed: 1, proposals, roots_in_force, size: 0 }
    }

    /// Returns the number of entries that were folded.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Returns the keys that were ever enrolled, by id.
    pub fn keys(&self) -> impl Iterator<Item = (&Hash, &KeyState)> {
        self.keys.iter()
    }

    /// Returns the root keys that may sign the next entry, by id: those trusted from outside the log first.
    pub fn roots(&self) -> impl Iterator<Item = (&Hash, PublicKey)> {
        let anchors = self.anchors.iter().filter(|(_, anchor)| anchor.ended.is_none());
        let enrolled = self.keys.iter().filter(|(_, key)| key.ended.is_none() && is_root(&key.roles));
        anchors
            .map(|(key_id, anchor)| (key_id, anchor.public))
            .chain(enrolled.map(|(key_id, key)| (key_id, key.public)))
    }

    /// Returns when and how a root key that is trusted from outside the log was ended in it.
    pub fn ended_anchor(&self, key_id: &Hash) -> Option<(u64, KeyAction)> {
        self.anchors.get(key_id)?.ended
    }

    /// Returns how many root keys must make a statement about keys.
    pub fn approvals_needed(&self) -> u32 {
        self.needed
    }

    /// Returns what is proposed, each with the ids of the root keys that did.
    pub fn proposals(&self) -> impl Iterator<Item = (&Proposal, &BTreeSet<Hash>)> {
        self.proposals.iter()
    }

    /// Returns what is known of a key.
    pub fn key(&self, key_id: &Hash) -> Option<&KeyState> {
        self.keys.get(key_id)
    }

    /// Returns the key under which the next entry must be signed, if the holder of `key_id` may make a statement of
    /// `kind` at that index.
    ///
    /// # Errors
    /// [`StateError`], by what is missing.
    pub fn authorise(&self, key_id: &Hash, kind: Kind) -> Result<PublicKey, StateError> {
        self.authorise_at(self.size, key_id, kind)
    }

    /// As [`State::authorise`], for the entry at `index`: an earlier one, as a key is enrolled once and ended once; or a later one, with no
    /// statement about keys from the next entry up to it. What an earlier statement about keys needed, as to approvals, is not known.
    ///
    /// # Errors
    /// As [`State::authorise`].
    pub fn authorise_at(&self, index: u64, key_id: &Hash, kind: Kind) -> Result<PublicKey, StateError> {
        let key_id = *key_id;
        if let Some(anchor) = self.anchors.get(&key_id).filter(|_| kind == Kind::Key) {
            return match anchor.ended {
                Some((ended_at, _)) if ended_at < index => Err(StateError::Ended { key_id, ended_at, index }),
                _ => Ok(anchor.public),
            };
        }
        let Some(state) = self.keys.get(&key_id).filter(|key| key.enrolled_at < index) else {
            return Err(match kind {
                Kind::Key => StateError::NotARoot { key_id },
                _ => StateError::NotEnrolled { key_id, index },
            });
        };
        if let Some((ended_at, _)) = state.ended.filter(|(ended_at, _)| *ended_at < index) {
            return Err(StateError::Ended { key_id, ended_at, index });
        }
        if !kind.may_be_made_by(&state.roles) {
            return Err(match kind {
                Kind::Key => StateError::NotARoot { key_id },
                _ => StateError::NotAllowed { key_id, kind },
            });
        }
        Ok(state.public)
    }

    /// Folds an entry that says nothing about keys.
    pub fn advance(&mut self) {
        self.size += 1;
    }

    /// Passes over entries up to `index`, of which nothing is known; returns whether it is not behind already.
    pub fn skip_to(&mut self, index: u64) -> bool {
        let ahead = self.size <= index;
        self.size = self.size.max(index);
        ahead
    }

    /// Folds a `key` statement that the root key `signer` made, whose signature was checked. The entry counts even if the
    /// statement cannot stand.
    ///
    /// # Errors
    /// [`StateError`] if it cannot stand; the keys are then as before.
    pub fn apply(&mut self, statement: &KeyStatement, signer: &Hash) -> Result<Applied, StateError> {
        let index = self.size;
        self.size += 1;
        if statement.key.key_type != KEY_TYPE {
            return Err(StateError::KeyType { found: statement.key.key_type.clone() });
        }
        let public = statement.key.public_key()?;
        let key_id = public.key_id();
        let proposal = Proposal::of(statement, key_id);
        // Whether it could stand by itself is found out before it is known whether it has to wait.
        self.may_stand(&proposal, key_id, index)?;
        let mut by = self.proposals.get(&proposal).cloned().unwrap_or_default();
        by.retain(|root| self.is_root_in_force(root));
        if !by.insert(*signer) {
            return Err(StateError::ApprovedBefore { key_id: *signer });
        }
        let (have, need) = (u32::try_from(by.len()).unwrap_or(u32::MAX), self.needed);
        if have < need {
            self.proposals.insert(proposal, by);
            return Ok(Applied::Proposed { have, need });
        }
        self.proposals.remove(&proposal);
        self.carry_out(proposal, public, index);
        Ok(Applied::InEffect)
    }

    /// Finds out whether a statement can stand as the keys are.
    fn may_stand(&self, proposal: &Proposal, key_id: Hash, index: u64) -> Result<(), StateError> {
        let action = proposal.action;
        let needed = match (action, proposal.approvals) {
            (KeyAction::RequireApprovals, Some(needed)) if (1..=APPROVALS_MAX).contains(&needed) => needed,
            (KeyAction::RequireApprovals, _) | (_, Some(_)) => return Err(StateError::Approvals),
            (_, None) => self.needed,
        };
        let (enrolled, ended) = match (action, proposal.replaces) {
            (KeyAction::Rotate, Some(replaced)) if replaced != key_id => (true, Some(replaced)),
            (KeyAction::Enrol, None) => (true, None),
            (KeyAction::Revoke | KeyAction::Retire, None) => (false, Some(key_id)),
            (KeyAction::RequireApprovals, None) => (false, None),
            _ => return Err(StateError::Replaces { key_id, action }),
        };
        let mut left = self.roots_in_force;
        if enrolled {
            if is_root(&proposal.roles) && proposal.roles.len() > 1 {
                return Err(StateError::RootAlone { key_id });
            }
            if let Some(known) = self.keys.get(&key_id) {
                return Err(StateError::EnrolledBefore { key_id, enrolled_at: known.enrolled_at });
            }
            // It could never sign, and would be counted.
            if let Some((ended_at, _)) = self.ended_anchor(&key_id) {
                return Err(StateError::Ended { key_id, ended_at, index });
            }
            left += u32::from(self.adds_a_root(&key_id, &proposal.roles));
        }
        if let Some(key_id) = ended {
            let root = self.is_root_in_force(&key_id);
            let in_force = root || self.keys.get(&key_id).is_some_and(|key| key.ended.is_none());
            if !in_force {
                return Err(StateError::NotInForce { key_id });
            }
            left -= u32::from(root);
        }
        match left < needed {
            true => Err(StateError::TooFewRoots { left, needed }),
            false => Ok(()),
        }
    }

    fn carry_out(&mut self, proposal: Proposal, public: PublicKey, index: u64) {
        let Proposal { action, roles, replaces, approvals, .. } = proposal;
        let ended = match action {
            KeyAction::Rotate => replaces,
            KeyAction::Revoke | KeyAction::Retire => Some(public.key_id()),
            KeyAction::Enrol | KeyAction::RequireApprovals => None,
        };
        if let Some(key_id) = ended {
            self.roots_in_force -= u32::from(self.is_root_in_force(&key_id));
            // A key may be trusted from outside and enrolled as well: both end.
            let anchor = self.anchors.get_mut(&key_id).map(|anchor| &mut anchor.ended);
            let enrolled = self.keys.get_mut(&key_id).map(|key| &mut key.ended);
            for ended in [anchor, enrolled].into_iter().flatten() {
                ended.get_or_insert((index, action));
            }
        }
        if matches!(action, KeyAction::Enrol | KeyAction::Rotate) {
            self.roots_in_force += u32::from(self.adds_a_root(&public.key_id(), &roles));
            self.keys.insert(public.key_id(), KeyState { public, roles, enrolled_at: index, ended: None });
        }
        self.needed = approvals.unwrap_or(self.needed);
    }

    fn adds_a_root(&self, key_id: &Hash, roles: &[Role]) -> bool {
        is_root(roles) && !self.is_root_in_force(key_id)
    }

    fn is_root_in_force(&self, key_id: &Hash) -> bool {
        let anchor = self.anchors.get(key_id).is_some_and(|anchor| anchor.ended.is_none());
        anchor || self.keys.get(key_id).is_some_and(|key| key.ended.is_none() && is_root(&key.roles))
    }
}

impl Proposal {
    fn of(statement: &KeyStatement, key_id: Hash) -> Self {
        let KeyStatement { action, roles, replaces, approvals, .. } = statement;
        // Each root key asks for approvals in its own name: that is no difference.
        let key_id = (*action != KeyAction::RequireApprovals).then_some(key_id);
        Proposal { action: *action, key_id, roles: roles.clone(), replaces: *replaces, approvals: *approvals }
    }
}

fn is_root(roles: &[Role]) -> bool {
    roles.contains(&Role::Root)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::SigningKey;
    use crate::record::key_statement::KeyDescriptor;
    use zeroize::Zeroizing;

    fn key(number: u8) -> PublicKey {
        SigningKey::from_seed(&Zeroizing::new([number; 32])).public()
    }

    fn statement(action: KeyAction, number: u8, replaces: Option<u8>) -> KeyStatement {
        KeyStatement {
            action,
            key: KeyDescriptor::of(&key(number)),
            roles: vec![Role::Editor],
            replaces: replaces.map(|number| key(number).key_id()),
            approvals: None,
            name: None,
            recorded_by: key(0).key_id(),
            recorded_at: "2026-11-23T09:30:00Z".parse().unwrap(),
        }
    }

    #[test]
    fn validity_is_by_index() {
        let mut state = State::new([key(0)]);
        let editor = key(1).key_id();
        assert_eq!(
            state.authorise(&editor, Kind::Registration),
            Err(StateError::NotEnrolled { key_id: editor, index: 0 })
        );
        state.apply(&statement(KeyAction::Enrol, 1, None), &key(0).key_id()).unwrap();
        assert_eq!(state.authorise(&editor, Kind::Registration), Ok(key(1)));
        state.advance();
        state.apply(&statement(KeyAction::Revoke, 1, None), &key(0).key_id()).unwrap();
        assert_eq!(
            state.authorise(&editor, Kind::Registration),
            Err(StateError::Ended { key_id: editor, ended_at: 2, index: 3 })
        );
        // What came before is told later as it was told then.
        let before = |index| state.authorise_at(index, &editor, Kind::Registration);
        assert_eq!(before(0), Err(StateError::NotEnrolled { key_id: editor, index: 0 }));
        assert_eq!((before(1), before(2)), (Ok(key(1)), Ok(key(1))));
        assert_eq!(before(3), Err(StateError::Ended { key_id: editor, ended_at: 2, index: 3 }));
    }

    #[test]
    fn roots_speak_of_keys_and_of_nothing_else() {
        let mut state = State::new([key(0)]);
        state.apply(&statement(KeyAction::Enrol, 1, None), &key(0).key_id()).unwrap();
        assert_eq!(state.authorise(&key(0).key_id(), Kind::Key), Ok(key(0)));
        let root = key(0).key_id();
        let refused = state.authorise(&root, Kind::Registration);
        assert_eq!(refused, Err(StateError::NotEnrolled { key_id: root, index: 1 }));
        let editor = key(1).key_id();
        assert_eq!(state.authorise(&editor, Kind::Key), Err(StateError::NotARoot { key_id: editor }));
    }

    #[test]
    fn a_role_that_allows_nothing() {
        let mut state = State::new([key(0)]);
        let mut reader = statement(KeyAction::Enrol, 1, None);
        reader.roles = vec![Role::Other("reader".into())];
        state.apply(&reader, &key(0).key_id()).unwrap();
        let refused = state.authorise(&key(1).key_id(), Kind::Registration);
        assert!(matches!(refused, Err(StateError::NotAllowed { kind: Kind::Registration, .. })));
    }

    #[test]
    fn statements_that_cannot_stand_change_nothing_but_the_size() {
        let mut state = State::new([key(0)]);
        state.apply(&statement(KeyAction::Enrol, 1, None), &key(0).key_id()).unwrap();
        let before: Vec<_> = state.keys().map(|(id, key)| (*id, key.clone())).collect();
        let cannot = [
            statement(KeyAction::Enrol, 1, None),
            statement(KeyAction::Enrol, 2, Some(1)),
            statement(KeyAction::Rotate, 2, None),
            statement(KeyAction::Rotate, 2, Some(2)),
            statement(KeyAction::Rotate, 2, Some(3)),
            statement(KeyAction::Rotate, 1, Some(1)),
            statement(KeyAction::Revoke, 2, None),
            statement(KeyAction::Retire, 1, Some(2)),
        ];
        for (number, statement) in cannot.iter().enumerate() {
            assert!(state.apply(statement, &key(0).key_id()).is_err(), "{statement:?}");
            assert_eq!(state.size(), number as u64 + 2);
        }
        let after: Vec<_> = state.keys().map(|(id, key)| (*id, key.clone())).collect();
        assert_eq!(before, after);
    }

    #[test]
    fn a_key_of_another_type_is_not_enrolled() {
        let mut state = State::new([key(0)]);
        for key_type in ["ecdsa", "Ed25519", ""] {
            let mut other = statement(KeyAction::Enrol, 1, None);
            other.key.key_type = key_type.into();
            assert_eq!(
                state.apply(&other, &key(0).key_id()),
                Err(StateError::KeyType { found: key_type.into() })
            );
        }
        assert_eq!(state.keys().count(), 0);
    }

    fn root(number: u8) -> KeyStatement {
        KeyStatement { roles: vec![Role::Root], ..statement(KeyAction::Enrol, number, None) }
    }

    fn approvals(by: u8, count: u32) -> KeyStatement {
        KeyStatement {
            roles: Vec::new(),
            approvals: Some(count),
            ..statement(KeyAction::RequireApprovals, by, None)
        }
    }

    #[test]
    fn statements_about_keys_take_as_many_root_keys_as_are_asked_for() {
        let mut state = State::new([key(0), key(10)]);
        let by = |number: u8| key(number).key_id();
        let too_many = Err(StateError::TooFewRoots { left: 2, needed: 3 });
        assert_eq!(state.apply(&approvals(0, 3), &by(0)), too_many);
        assert_eq!(state.apply(&approvals(0, 0), &by(0)), Err(StateError::Approvals));
        assert_eq!(state.apply(&approvals(0, 2), &by(0)), Ok(Applied::InEffect));
        let enrol = statement(KeyAction::Enrol, 1, None);
        assert_eq!(state.apply(&enrol, &by(0)), Ok(Applied::Proposed { have: 1, need: 2 }));
        assert_eq!(state.apply(&enrol, &by(0)), Err(StateError::ApprovedBefore { key_id: by(0) }));
        assert!(state.authorise(&by(1), Kind::Registration).is_err());
        // Another statement is not the same one.
        let other = KeyStatement { roles: vec![Role::Assessor], ..enrol.clone() };
        assert_eq!(state.apply(&other, &by(10)), Ok(Applied::Proposed { have: 1, need: 2 }));
        assert_eq!(state.apply(&enrol, &by(10)), Ok(Applied::InEffect));
        assert_eq!(state.authorise(&by(1), Kind::Registration), Ok(key(1)));
        assert_eq!(state.key(&by(1)).unwrap().enrolled_at, 6);
        // What was proposed and cannot stand any more never does.
        assert!(matches!(state.apply(&other, &by(0)), Err(StateError::EnrolledBefore { .. })));
        // Fewer are asked for by as many as are asked for now, each in his own name.
        assert_eq!(state.apply(&approvals(0, 1), &by(0)), Ok(Applied::Proposed { have: 1, need: 2 }));
        assert_eq!(state.apply(&approvals(10, 1), &by(10)), Ok(Applied::InEffect));
        assert_eq!(state.apply(&statement(KeyAction::Revoke, 1, None), &by(0)), Ok(Applied::InEffect));
    }

    #[test]
    fn what_an_ended_root_key_proposed_counts_no_more() {
        let mut state = State::new([key(0)]);
        let by = |number: u8| key(number).key_id();
        for number in [10, 11, 12] {
            state.apply(&root(number), &by(0)).unwrap();
        }
        state.apply(&approvals(0, 2), &by(0)).unwrap();
        let enrol = statement(KeyAction::Enrol, 1, None);
        state.apply(&enrol, &by(12)).unwrap();
        let end = statement(KeyAction::Revoke, 12, None);
        state.apply(&end, &by(0)).unwrap();
        assert_eq!(state.apply(&end, &by(10)), Ok(Applied::InEffect));
        assert_eq!(state.apply(&enrol, &by(0)), Ok(Applied::Proposed { have: 1, need: 2 }));
        assert_eq!(state.apply(&enrol, &by(11)), Ok(Applied::InEffect));
    }

    #[test]
    fn root_keys_of_the_log_speak_of_keys_alone_and_some_are_always_left() {
        let mut state = State::new([key(0)]);
        let by = |number: u8| key(number).key_id();
        let last = Err(StateError::TooFewRoots { left: 0, needed: 1 });
        assert_eq!(state.apply(&statement(KeyAction::Revoke, 0, None), &by(0)), last);
        let mut both = root(10);
        both.roles.push(Role::Editor);
        assert_eq!(state.apply(&both, &by(0)), Err(StateError::RootAlone { key_id: by(10) }));
        state.apply(&root(10), &by(0)).unwrap();
        assert_eq!(state.authorise(&by(10), Kind::Key), Ok(key(10)));
        assert!(matches!(state.authorise(&by(10), Kind::Registration), Err(StateError::NotAllowed { .. })));
        // The one that is trusted from outside can be ended too, and then speaks no more.
        state.apply(&statement(KeyAction::Revoke, 0, None), &by(10)).unwrap();
        assert!(matches!(state.authorise(&by(0), Kind::Key), Err(StateError::Ended { .. })));
        assert_eq!(state.roots().map(|(key_id, _)| *key_id).collect::<Vec<_>>(), [by(10)]);
        assert_eq!(state.apply(&statement(KeyAction::Retire, 10, None), &by(10)), last);
        // Nor again: it would be counted where it cannot sign, and the last that can could be ended.
        assert!(matches!(state.apply(&root(0), &by(10)), Err(StateError::Ended { .. })));
        assert_eq!(state.apply(&statement(KeyAction::Rotate, 0, Some(10)), &by(10)).ok(), None);
        // One that is in force and is enrolled as well is no second one.
        let mut state = State::new([key(0)]);
        state.apply(&root(0), &by(0)).unwrap();
        assert_eq!(state.apply(&statement(KeyAction::Revoke, 0, None), &by(0)), last);
    }

    #[test]
    fn rotation_ends_the_old_and_enrols_the_new() {
        let mut state = State::new([key(0)]);
        state.apply(&statement(KeyAction::Enrol, 1, None), &key(0).key_id()).unwrap();
        state.apply(&statement(KeyAction::Rotate, 2, Some(1)), &key(0).key_id()).unwrap();
        assert!(state.authorise(&key(1).key_id(), Kind::Registration).is_err());
        assert_eq!(state.authorise(&key(2).key_id(), Kind::Registration), Ok(key(2)));
        assert!(state.apply(&statement(KeyAction::Revoke, 1, None), &key(0).key_id()).is_err());
    }
}
