//! The statements about keys that stand in a log, for whoever follows it.

use std::sync::Arc;

use crate::base::Hash;
use crate::record::{Body, Entry, KeyAction, Role, State};

use super::Trust;
use super::reader::{LogReader, ReaderError};

/// Who may sign the next entry of a log, and by which statements: kept by whoever asks often.
#[derive(Debug, Clone)]
pub struct KeyStatements {
    /// After the entries that were read.
    pub(super) state: Arc<State>,
    /// All statements about keys, whether they stand or not.
    pub(super) indices: Vec<u64>,
    /// Those that stand, in log order.
    pub(super) standing: Vec<Arc<OfKey>>,
}

/// A statement about a key that stands.
#[derive(Debug)]
pub(super) struct OfKey {
    pub(super) index: u64,
    pub(super) key: Hash,
    pub(super) replaces: Option<Hash>,
    /// Whether it changes whom statements about keys take: which others stand then depends on it.
    pub(super) of_roots: bool,
    pub(super) bytes: Vec<u8>,
}

impl OfKey {
    pub(super) fn of(index: u64, entry: &Entry, bytes: Vec<u8>, trust: &Trust) -> Option<Self> {
        let Body::Key(statement) = &entry.body else { return None };
        let key = entry.statement.subject[0].digest.sha256;
        let is_root = |key_id: &Hash| trust.roots.iter().any(|root| root.key_id() == *key_id);
        let of_roots = statement.action == KeyAction::RequireApprovals
            || statement.roles.contains(&Role::Root)
            || is_root(&key)
            || statement.replaces.is_some_and(|replaced| is_root(&replaced));
        Some(OfKey { index, key, replaces: statement.replaces, of_roots, bytes })
    }
}

impl KeyStatements {
    /// Nothing read yet; the keys that `trust` names may begin.
    pub fn new(trust: &Trust) -> Self {
        let state = Arc::new(State::new(trust.roots.iter().copied()));
        KeyStatements { state, indices: Vec::new(), standing: Vec::new() }
    }

    /// Returns how many entries were read.
    pub fn size(&self) -> u64 {
        self.state.size()
    }

    /// Returns who may sign the next entry, as of [`KeyStatements::size`].
    pub fn state(&self) -> &Arc<State> {
        &self.state
    }

    /// Passes over the entries from `from` to before `to`, which are known to be no statements about keys; nothing where others
    /// than `from` were read.
    pub fn pass_over(&mut self, from: u64, to: u64) {
        if self.size() == from && from < to {
            Arc::make_mut(&mut self.state).skip_to(to);
        }
    }
}

impl LogReader<'_> {
    /// Brings up to date which statements about keys stand. What was known is taken to be of this log. Costs reading the entries
    /// that are new.
    ///
    /// # Errors
    /// [`ReaderError`]; what is known is then as before.
    pub fn learn_key_statements(&self, known: &mut KeyStatements) -> Result<(), ReaderError> {
        if known.size() >= self.size() {
            return Ok(());
        }
        let mut entries = self.entries()?;
        let mut state = State::clone(&known.state);
        let (mut indices, mut standing) = (Vec::new(), Vec::new());
        for index in known.size()..self.size() {
            state.skip_to(index);
            let Some((entry, bytes, stands)) = entries.key_statement(index, &mut state)? else { continue };
            indices.push(index);
            let of_key = stands.then(|| OfKey::of(index, &entry, bytes, self.trust)).flatten();
            standing.extend(of_key.map(Arc::new));
        }
        state.skip_to(self.size());
        known.state = Arc::new(state);
        known.indices.extend(indices);
        known.standing.extend(standing);
        Ok(())
    }
}
