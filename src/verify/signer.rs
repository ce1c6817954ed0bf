//! Who may have signed an entry at its index, found in log order; whether he did can then be checked on any core.

use crate::base::{Hash, PublicKey};
use crate::record::{Body, Entry, Kind, State, StateError};

use super::report::Code;

/// What the log says of an entry's signer before its index.
pub(super) struct Authorised {
    /// The key under which it must be signed.
    pub(super) key: Result<PublicKey, StateError>,
    /// For a statement about keys, whether it can stand.
    pub(super) stands: Result<(), StateError>,
}

/// Finds the key of the entry that `state` has come to, and folds the entry. A statement about keys is folded only if
/// its signature, which is checked here and now, holds: the entries after it depend on it.
pub(super) fn authorise_and_fold(state: &mut State, entry: &Entry) -> Authorised {
    let key_id = entry.envelope.key_id();
    let key = state.authorise(&key_id, kind_of(entry));
    let stands = match &entry.body {
        Body::Key(statement) if key.as_ref().is_ok_and(|key| entry.envelope.verify(key).is_ok()) => {
            state.apply(statement, &key_id).map(|_| ())
        }
        _ => {
            state.advance();
            Ok(())
        }
    };
    Authorised { key, stands }
}

/// Whoever may register may say what this release cannot read: its signature at least is checked.
fn kind_of(entry: &Entry) -> Kind {
    entry.kind().unwrap_or(Kind::Registration)
}

impl Authorised {
    /// Finds the key of the entry at `index`, which is no statement about keys; `state` has come to it, or beyond.
    pub(super) fn at(state: &State, index: u64, entry: &Entry) -> Self {
        let key = state.authorise_at(index, &entry.envelope.key_id(), kind_of(entry));
        Authorised { key, stands: Ok(()) }
    }

    /// Returns the id of the signer's key if he may have signed and did, and the statement stands; else why not.
    pub(super) fn signer(&self, entry: &Entry) -> Result<Hash, String> {
        let key = self.key.as_ref().map_err(|error| error.to_string())?;
        entry.envelope.verify(key).map_err(|error| error.to_string())?;
        self.stands.as_ref().map_err(|error| error.to_string())?;
        Ok(key.key_id())
    }
}

/// Returns the code for a signer who may not have signed. Where an entry before is `unread`, it may have enrolled the key, made
/// it a root key, or asked for approvals that what was read did not have: nothing is then known of who may sign.
pub(super) fn code_of_signer(error: &StateError, unread: bool) -> Code {
    match error {
        _ if unread => Code::SignerUnknown,
        StateError::Ended { .. } => Code::SignerEnded,
        StateError::NotAllowed { .. } | StateError::NotARoot { .. } => Code::SignerNotAllowed,
        _ => Code::SignerNotEnrolled,
    }
}

/// Returns the code for a statement about keys that cannot stand, with the same reserve: but for what is wrong with it whatever
/// was said before.
pub(super) fn code_of_statement(error: &StateError, unread: bool) -> Code {
    match error {
        StateError::KeyType { .. }
        | StateError::Unusable(_)
        | StateError::Approvals
        | StateError::Replaces { .. }
        | StateError::RootAlone { .. } => Code::KeyStatementInvalid,
        _ if unread => Code::SignerUnknown,
        _ => Code::KeyStatementInvalid,
    }
}
