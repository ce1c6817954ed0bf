//! Keys that sign many envelopes, and the check of many signatures.

use std::collections::HashMap;
use std::sync::Arc;

use crate::base::ed25519::{PreparedKey, Signed, verify_each};
use crate::base::{Hash, PublicKey};

use crate::attest::{Envelope, EnvelopeError};

/// The key under which an envelope must be signed.
#[derive(Debug, Clone)]
pub(super) struct SignerKey {
    public: PublicKey,
    prepared: Option<Arc<PreparedKey>>,
}

/// Keys that sign much, made ready for it.
#[derive(Debug, Default)]
pub(super) struct SignerKeys {
    /// By id, how many envelopes each has signed so far, and the key once it was made ready.
    signed: HashMap<Hash, (u64, Option<Arc<PreparedKey>>)>,
    prepared: usize,
}

/// From this many envelopes on it pays to make a key ready.
const PREPARED_FROM: u64 = 64;
/// Keys that are made ready: 20 MiB of tables, of which the processor's cache holds fewer.
const PREPARED_MAX: usize = 32;

impl SignerKeys {
    /// Returns the key for one envelope more.
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

/// Checks the signatures of some envelopes, each under its key, by the strict rule. Some dozens at a time share what they can.
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
