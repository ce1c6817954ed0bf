//! Layer 3: OpenSSH Ed25519 keys, from a file or through ssh-agent.
//!
//! Signers use the keys they have (`ssh-keygen -t ed25519`). A private key is read from a file, which only its owner
//! may read and which is encrypted with a passphrase unless somebody chose otherwise; or it stays with the agent, and
//! never comes near this process. Asking for a passphrase is the caller's: it is a closure, called only if the file is
//! encrypted.
//!
//! What is signed cannot be taken for anything else that SSH signs: an envelope's encoding begins with `DSSEv1 `, a
//! checkpoint with the log's origin.

pub mod agent;
mod error;
pub mod private;
pub mod public;
pub mod sshsig;

use std::path::Path;

use zeroize::Zeroizing;

use crate::base::{PublicKey, Signature, SigningKey};

pub use agent::Agent;
pub use error::KeyError;

/// Asks for the passphrase of the key file at a path.
pub type AskPassphrase<'a> = &'a mut dyn FnMut(&Path) -> Result<Zeroizing<String>, KeyError>;

/// A key that can sign.
#[derive(Debug)]
pub enum Signer {
    /// In this process.
    Memory(SigningKey),
    /// With the agent.
    Agent {
        /// The agent.
        agent: Agent,
        /// The key's public half.
        public: PublicKey,
    },
}

impl Signer {
    /// Returns the public key.
    pub fn public(&self) -> PublicKey {
        match self {
            Signer::Memory(key) => key.public(),
            Signer::Agent { public, .. } => *public,
        }
    }

    /// Signs `message` with pure Ed25519.
    ///
    /// # Errors
    /// [`KeyError`] from the agent; a key in memory always signs.
    pub fn sign(&self, message: &[u8]) -> Result<Signature, KeyError> {
        match self {
            Signer::Memory(key) => Ok(key.sign(message)),
            Signer::Agent { agent, public } => agent.sign(public, message),
        }
    }
}

/// Draws a new key's seed from the system's randomness.
///
/// # Errors
/// [`KeyError::Randomness`].
pub fn generate() -> Result<SigningKey, KeyError> {
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(seed.as_mut_slice()).map_err(KeyError::Randomness)?;
    Ok(SigningKey::from_seed(&seed))
}
