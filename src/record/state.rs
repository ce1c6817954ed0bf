//! What holds at an index: who may sign. Computed by folding statements in log order.

use std::collections::BTreeMap;

use thiserror::Error;

use crate::base::{Hash, PublicKey};

use super::key_statement::KEY_TYPE;
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

/// The keys of a log as of [`State::size`] entries.
#[derive(Debug, Clone)]
pub struct State {
    roots: BTreeMap<Hash, PublicKey>,
    keys: BTreeMap<Hash, KeyState>,
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
    /// Only root keys, which lie in `keys/roots`, make statements about keys.
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
        let roots = roots.into_iter().map(|key| (key.key_id(), key)).collect();
        State { roots, keys: BTreeMap::new(), size: 0 }
    }

    /// Returns the number of entries that were folded.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Returns the keys that were ever enrolled, by id.
    pub fn keys(&self) -> impl Iterator<Item = (&Hash, &KeyState)> {
        self.keys.iter()
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
        let (key_id, index) = (*key_id, self.size);
        if kind == Kind::Key {
            return self.roots.get(&key_id).copied().ok_or(StateError::NotARoot { key_id });
        }
        let state = self.keys.get(&key_id).ok_or(StateError::NotEnrolled { key_id, index })?;
        if let Some((ended_at, _)) = state.ended {
            return Err(StateError::Ended { key_id, ended_at, index });
        }
        if !kind.may_be_made_by(&state.roles) {
            return Err(StateError::NotAllowed { key_id, kind });
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

    /// Folds a `key` statement whose root signature was checked. The entry counts even if the statement cannot stand.
    ///
    /// # Errors
    /// [`StateError`] if it cannot stand; the keys are then as before.
    pub fn apply(&mut self, statement: &KeyStatement) -> Result<(), StateError> {
        let index = self.size;
        self.size += 1;
        if statement.key.key_type != KEY_TYPE {
            return Err(StateError::KeyType { found: statement.key.key_type.clone() });
        }
        let public = statement.key.public_key()?;
        let key_id = public.key_id();
        let action = statement.action;
        match (action, statement.replaces) {
            (KeyAction::Rotate, Some(replaced)) if replaced != key_id => {
                self.may_enrol(key_id)?;
                self.end(replaced, index, action)?;
                self.enrol(key_id, public, statement, index);
            }
            (KeyAction::Enrol, None) => {
                self.may_enrol(key_id)?;
                self.enrol(key_id, public, statement, index);
            }
            (KeyAction::Revoke | KeyAction::Retire, None) => self.end(key_id, index, action)?,
            _ => return Err(StateError::Replaces { key_id, action }),
        }
        Ok(())
    }

    fn may_enrol(&self, key_id: Hash) -> Result<(), StateError> {
        match self.keys.get(&key_id) {
            Some(known) => Err(StateError::EnrolledBefore { key_id, enrolled_at: known.enrolled_at }),
            None => Ok(()),
        }
    }

    fn enrol(&mut self, key_id: Hash, public: PublicKey, statement: &KeyStatement, enrolled_at: u64) {
        let roles = statement.roles.clone();
        self.keys.insert(key_id, KeyState { public, roles, enrolled_at, ended: None });
    }

    fn end(&mut self, key_id: Hash, index: u64, action: KeyAction) -> Result<(), StateError> {
        let in_force = self.keys.get_mut(&key_id).filter(|state| state.ended.is_none());
        in_force.ok_or(StateError::NotInForce { key_id })?.ended = Some((index, action));
        Ok(())
    }
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
        state.apply(&statement(KeyAction::Enrol, 1, None)).unwrap();
        assert_eq!(state.authorise(&editor, Kind::Registration), Ok(key(1)));
        state.advance();
        state.apply(&statement(KeyAction::Revoke, 1, None)).unwrap();
        assert_eq!(
            state.authorise(&editor, Kind::Registration),
            Err(StateError::Ended { key_id: editor, ended_at: 2, index: 3 })
        );
    }

    #[test]
    fn roots_speak_of_keys_and_of_nothing_else() {
        let mut state = State::new([key(0)]);
        state.apply(&statement(KeyAction::Enrol, 1, None)).unwrap();
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
        state.apply(&reader).unwrap();
        let refused = state.authorise(&key(1).key_id(), Kind::Registration);
        assert!(matches!(refused, Err(StateError::NotAllowed { kind: Kind::Registration, .. })));
    }

    #[test]
    fn statements_that_cannot_stand_change_nothing_but_the_size() {
        let mut state = State::new([key(0)]);
        state.apply(&statement(KeyAction::Enrol, 1, None)).unwrap();
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
            assert!(state.apply(statement).is_err(), "{statement:?}");
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
            assert_eq!(state.apply(&other), Err(StateError::KeyType { found: key_type.into() }));
        }
        assert_eq!(state.keys().count(), 0);
    }

    #[test]
    fn rotation_ends_the_old_and_enrols_the_new() {
        let mut state = State::new([key(0)]);
        state.apply(&statement(KeyAction::Enrol, 1, None)).unwrap();
        state.apply(&statement(KeyAction::Rotate, 2, Some(1))).unwrap();
        assert!(state.authorise(&key(1).key_id(), Kind::Registration).is_err());
        assert_eq!(state.authorise(&key(2).key_id(), Kind::Registration), Ok(key(2)));
        assert!(state.apply(&statement(KeyAction::Revoke, 1, None)).is_err());
    }
}
