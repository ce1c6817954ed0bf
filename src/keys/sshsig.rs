//! Signatures as `ssh-keygen -Y sign` makes them (SSHSIG), for whoever shows that he holds a key.
//!
//! ```text
//! -----BEGIN SSH SIGNATURE-----
//! base64 of: "SSHSIG" · version 1 · public key · namespace · reserved · hash algorithm · signature
//! -----END SSH SIGNATURE-----
//! ```
//!
//! What is signed is `"SSHSIG" · namespace · reserved · hash algorithm · hash of the message`: such a signature cannot be taken
//! for one of an envelope, which begins with `DSSEv1 `, nor for a checkpoint's, and one of another namespace is refused.

use thiserror::Error;

use ssh_key::{Algorithm, LineEnding, SshSig};

use crate::base::ed25519::PublicKeyError;
use crate::base::{PublicKey, Signature};

/// Characters of a signature that are read; one by an Ed25519 key has some 300, and more for a long namespace.
pub const SSHSIG_MAX_CHARS: usize = 4_096;

/// Why a text is not the signature that was asked for.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SshsigError {
    /// It is not in the form of one.
    #[error("it is not a signature of ssh-keygen -Y sign")]
    Malformed(#[source] Option<ssh_key::Error>),
    /// It was made for something else.
    #[error("it was made for the namespace {found:?}, not for {expected:?}")]
    Namespace {
        /// The namespace asked for.
        expected: String,
        /// The namespace found.
        found: String,
    },
    /// By a key of another algorithm.
    #[error("it is by a key for {0}; only Ed25519 keys are used")]
    Algorithm(String),
    /// By a key that cannot be trusted.
    #[error("it is by a key that cannot be trusted")]
    Untrustworthy(#[from] PublicKeyError),
    /// It does not hold for what was to be signed.
    #[error("it does not hold for what was to be signed")]
    Signature,
}

/// Checks a signature over one of `messages`, by the strict rule, and returns the key that made it: whose that is, is for the
/// caller to find out. Costs one check a message.
///
/// # Errors
/// [`SshsigError`].
pub fn verify(text: &str, namespace: &str, messages: &[&[u8]]) -> Result<PublicKey, SshsigError> {
    if text.len() > SSHSIG_MAX_CHARS {
        return Err(SshsigError::Malformed(None));
    }
    // A form field of a browser ends its lines with CR LF.
    let text = format!("{}\n", text.trim().replace("\r\n", "\n"));
    let sig = SshSig::from_pem(&text).map_err(|error| SshsigError::Malformed(Some(error)))?;
    // It has one spelling, but for where its lines break: the reader is lenient about lengths.
    let in_one_line = |text: &str| text.chars().filter(|c| *c != '\n').collect::<String>();
    let again = sig.to_pem(LineEnding::LF).map_err(|error| SshsigError::Malformed(Some(error)))?;
    if sig.version() != SshSig::VERSION || in_one_line(&again) != in_one_line(&text) {
        return Err(SshsigError::Malformed(None));
    }
    let named = |name: &str| name.chars().take(80).collect::<String>();
    if sig.namespace() != namespace {
        let (expected, found) = (namespace.to_owned(), named(sig.namespace()));
        return Err(SshsigError::Namespace { expected, found });
    }
    let other = |algorithm: Algorithm| SshsigError::Algorithm(named(algorithm.as_ref()));
    let key = sig.public_key().ed25519().ok_or_else(|| other(sig.public_key().algorithm()))?;
    if sig.algorithm() != Algorithm::Ed25519 {
        return Err(other(sig.algorithm()));
    }
    let key = PublicKey::from_bytes(&key.0)?;
    let bytes = sig.signature_bytes().try_into().map_err(|_| SshsigError::Malformed(None))?;
    let signature = Signature(bytes);
    let holds = |message: &&[u8]| {
        let signed = SshSig::signed_data(namespace, sig.hash_alg(), message);
        signed.is_ok_and(|signed| key.verify(&signed, &signature).is_ok())
    };
    if messages.iter().any(holds) { Ok(key) } else { Err(SshsigError::Signature) }
}

#[cfg(test)]
mod tests {
    use super::super::private;
    use super::*;
    use crate::base::SigningKey;
    use ssh_key::HashAlg;
    use std::io::Write;
    use std::process::{Command, Stdio};
    use zeroize::Zeroizing;

    fn key() -> SigningKey {
        SigningKey::from_seed(&Zeroizing::new([9; 32]))
    }

    fn made(namespace: &str, message: &[u8], hash: HashAlg) -> String {
        let signed = SshSig::signed_data(namespace, hash, message).unwrap();
        let signature = ssh_key::Signature::new(Algorithm::Ed25519, key().sign(&signed).0.to_vec()).unwrap();
        let public = ssh_key::public::Ed25519PublicKey(*key().public().as_bytes());
        SshSig::new(public.into(), namespace, hash, signature).unwrap().to_pem(LineEnding::LF).unwrap()
    }

    #[test]
    fn only_what_was_asked_for_holds() {
        for hash in [HashAlg::Sha256, HashAlg::Sha512] {
            let text = made("dateline@ex.org/log", b"a challenge", hash);
            for spelt in [text.clone(), text.replace('\n', "\r\n"), format!("\n {text}\n\n")] {
                let held = verify(&spelt, "dateline@ex.org/log", &[b"another", b"a challenge"]);
                assert_eq!(held.unwrap(), key().public());
            }
            let other = verify(&text, "dateline@ex.org/log", &[b"a challenge\n", b""]);
            assert!(matches!(other, Err(SshsigError::Signature)), "{other:?}");
            let elsewhere = verify(&text, "file", &[b"a challenge"]);
            assert!(matches!(elsewhere, Err(SshsigError::Namespace { .. })), "{elsewhere:?}");
        }
        for text in ["", "x", &"-".repeat(SSHSIG_MAX_CHARS + 1), "-----BEGIN SSH SIGNATURE-----\n"] {
            assert!(matches!(verify(text, "n", &[b""]), Err(SshsigError::Malformed(_))), "{text:?}");
        }
        // No character of it can be another.
        let text = made("n", b"m", HashAlg::Sha512);
        for (at, found) in text.char_indices().filter(|(_, found)| found.is_ascii_alphanumeric()) {
            let mut changed = text.clone().into_bytes();
            changed[at] = if found == 'A' { b'B' } else { b'A' };
            assert!(verify(std::str::from_utf8(&changed).unwrap(), "n", &[b"m"]).is_err(), "{at}");
        }
    }

    /// Anybody can sign anything under a key of small order.
    #[test]
    fn a_weak_key_signs_nothing() {
        let weak = ssh_key::public::Ed25519PublicKey(std::array::from_fn(|at| u8::from(at == 0)));
        let bytes: Vec<u8> = std::iter::once(1).chain(std::iter::repeat_n(0, 63)).collect();
        let signature = ssh_key::Signature::new(Algorithm::Ed25519, bytes).unwrap();
        let sig = SshSig::new(weak.into(), "n", HashAlg::Sha512, signature).unwrap();
        let refused = verify(&sig.to_pem(LineEnding::LF).unwrap(), "n", &[b"m"]);
        assert!(matches!(refused, Err(SshsigError::Untrustworthy(_))), "{refused:?}");
    }

    /// OpenSSH's own tool, where it is installed.
    #[test]
    fn agrees_with_ssh_keygen() {
        let folder = tempfile::tempdir().unwrap();
        private::write(&folder.path().join("key"), &key(), "", None).unwrap();
        let sign = |file: &str| {
            let mut command = Command::new("ssh-keygen");
            command.args(["-Y", "sign", "-q", "-n", "dateline@ex.org/log", "-f", file]);
            command.current_dir(folder.path()).stdin(Stdio::piped()).stdout(Stdio::piped());
            let mut child = command.spawn().ok()?;
            child.stdin.take().unwrap().write_all(b"a challenge\n").unwrap();
            Some(String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap())
        };
        let Some(text) = sign("key") else { return };
        assert_eq!(verify(&text, "dateline@ex.org/log", &[b"a challenge\n"]).unwrap(), key().public());
        let mut other = Command::new("ssh-keygen");
        other.args(["-q", "-t", "ecdsa", "-N", "", "-f", "other"]).current_dir(folder.path());
        assert!(other.status().unwrap().success());
        let refused = verify(&sign("other").unwrap(), "dateline@ex.org/log", &[b"a challenge\n"]);
        assert!(refused.is_err(), "{refused:?}");
    }
}
