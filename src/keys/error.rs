//! Why a key cannot be used.

use std::path::PathBuf;

use thiserror::Error;

use crate::base::ed25519::PublicKeyError;

/// Why a key cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum KeyError {
    /// There is no such file.
    #[error("there is no key file {}", .path.display())]
    NotFound {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// Others than its owner may read or write it.
    #[error("{} is open to others than its owner (mode {mode:04o})", .path.display())]
    Permissions {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It is encrypted, and there is no passphrase.
    #[error("there is no passphrase for {}: {why}", .path.display())]
    NoPassphrase {
        /// The file.
        path: PathBuf,
        /// Why there is none.
        why: String,
    },
    /// The passphrase does not fit.
    #[error("the passphrase does not open {}", .path.display())]
    WrongPassphrase {
        /// The file.
        path: PathBuf,
    },
    /// It is a key of another algorithm.
    #[error("{} is a key for {algorithm}; only Ed25519 keys are used", .path.display())]
    Algorithm {
        /// The file.
        path: PathBuf,
        /// The algorithm's SSH name.
        algorithm: String,
    },
    /// It is not an OpenSSH key.
    #[error("{} is not an OpenSSH key", .path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: Option<ssh_key::Error>,
    },
    /// It is a public key that may not be trusted.
    #[error("{} cannot be trusted", .path.display())]
    Untrustworthy {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: PublicKeyError,
    },
    /// A file is there already; keys are never overwritten.
    #[error("{} is there already; keys are never overwritten", .path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("cannot {op} {}", .path.display())]
    Io {
        /// What was tried.
        op: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// There is no agent, or it does not speak its protocol.
    #[error("the ssh-agent at {} does not answer as it should: {what}", .path.display())]
    Agent {
        /// Its socket.
        path: PathBuf,
        /// What it did.
        what: &'static str,
        /// What the system said.
        #[source]
        source: Option<std::io::Error>,
    },
    /// The agent would not sign.
    #[error("the ssh-agent would not sign with key {public}")]
    AgentRefused {
        /// The public key, in hexadecimal.
        public: String,
    },
    /// The agent's signature does not hold.
    #[error("the ssh-agent's signature does not hold under key {public}")]
    AgentLied {
        /// The public key, in hexadecimal.
        public: String,
    },
    /// The system gave no randomness.
    #[error("the system gives no randomness")]
    Randomness(#[source] getrandom::Error),
}
