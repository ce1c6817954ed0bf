//! Who may have signed an entry at its index, found in log order; whether he did can then be checked on any core.

use std::collections::HashMap;
use std::sync::Arc;

use crate::attest::{Envelope, EnvelopeError};
use crate::base::ed25519::{PreparedKey, Signed, verify_each};
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
    // Whoever may register may say what this release cannot read: its signature at least is checked.
    let kind = entry.kind().unwrap_or(Kind::Registration);
    let key = state.authorise(&entry.envelope.key_id(), kind);
    let stands = match &entry.body {
        Body::Key(statement) if key.as_ref().is_ok_and(|key| entry.envelope.verify(key).is_ok()) => {
            state.apply(statement)
        }
        _ => {
            state.advance();
            Ok(())
        }
    };
    Authorised { key, stands }
}

impl Authorised {
    /// Returns the id of the signer's key if he may have signed and did, and the statement stands; else why not.
    pub(super) fn signer(&self, entry: &Entry) -> Result<Hash, String> {
        let key = self.key.as_ref().map_err(|error| error.to_string())?;
        entry.envelope.verify(key).map_err(|error| error.to_string())?;
        self.stands.as_ref().map_err(|error| error.to_string())?;
        Ok(key.key_id())
    }
}

/// The key under which an entry must be signed.
#[derive(Clone)]
pub(super) struct SignerKey {
    public: PublicKey,
    prepared: Option<Arc<PreparedKey>>,
}

/// Keys that sign much, made ready for it.
#[derive(Default)]
pub(super) struct SignerKeys {
    /// By id, how many entries each has signed so far, and the key once it was made ready.
    signed: HashMap<Hash, (u64, Option<Arc<PreparedKey>>)>,
    prepared: usize,
}

/// From this many entries on it pays to make a key ready.
const PREPARED_FROM: u64 = 64;
/// Keys that are made ready: 20 MiB of tables, of which the processor's cache holds fewer.
const PREPARED_MAX: usize = 32;

impl SignerKeys {
    /// Returns the key for one entry more.
    pub(super) fn get(&mut self, key_id: Hash, public: PublicKey) -> SignerKey {
        let (count, prepared) = self.signed.entry(key_id).or_default();
        *count += 1;
        if *count == PREPARED_FROM && self.prepared < PREPARED_MAX {
            self.prepared += 1;
            *prepared = Some(Arc::new(PreparedKey::new(&public)));
        }
        SignerKey { public, prepared: prepared.clone() }
    }
}

/// Checks the signatures of some envelopes, each under its key.
pub(super) fn verify_signatures(envelopes: &[(&Envelope, &SignerKey)]) -> Vec<Result<(), EnvelopeError>> {
    let messages: Vec<Vec<u8>> = envelopes.iter().map(|(envelope, _)| envelope.message()).collect();
    let signed: Vec<Signed<'_>> = envelopes
        .iter()
        .zip(&messages)
        .filter_map(|((envelope, key), message)| {
            let key = key.prepared.as_deref()?;
            Some(Signed { key, message, signature: envelope.signature() })
        })
        .collect();
    let mut answers = verify_each(&signed).into_iter();
    let answers = envelopes.iter().map(|(envelope, key)| match &key.prepared {
        None => envelope.verify(&key.public).map(|_| ()),
        Some(_) => {
            let answer = answers.next().expect("internal error: a signature without an answer");
            // The key was found by the id that the envelope names.
            answer.map_err(|_| EnvelopeError::Signature { key_id: envelope.key_id() })
        }
    });
    answers.collect()
}

/// Returns the code for a signer who may not have signed. Where an entry before is `unread`, it may have enrolled the key:
/// that nobody did is then not known.
pub(super) fn code_of_signer(error: &StateError, unread: bool) -> Code {
    match error {
        StateError::Ended { .. } => Code::SignerEnded,
        StateError::NotAllowed { .. } | StateError::NotARoot { .. } => Code::SignerNotAllowed,
        _ if unread => Code::SignerUnknown,
        _ => Code::SignerNotEnrolled,
    }
}

/// Returns the code for a statement about keys that cannot stand, with the same reserve.
pub(super) fn code_of_statement(error: &StateError, unread: bool) -> Code {
    match error {
        StateError::NotInForce { .. } if unread => Code::SignerUnknown,
        _ => Code::KeyStatementInvalid,
    }
}
