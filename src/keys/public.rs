//! OpenSSH public keys, one line: `ssh-ed25519 AAAA… comment`.

use std::path::Path;

use crate::base::PublicKey;
use crate::base::limits::KEY_FILE_MAX_BYTES;

use super::KeyError;
use super::private::read_bounded;

/// Reads a public key file and returns the key and its comment.
///
/// # Errors
/// [`KeyError`]; a key of small order is refused.
pub fn read(path: &Path) -> Result<(PublicKey, String), KeyError> {
    parse(path, &read_bounded(path, KEY_FILE_MAX_BYTES)?)
}

/// Parses the bytes of a public key file; `path` is what errors call it.
///
/// # Errors
/// As [`read`].
pub fn parse(path: &Path, bytes: &[u8]) -> Result<(PublicKey, String), KeyError> {
    let malformed = |source| KeyError::Malformed { path: path.to_owned(), source };
    let text = std::str::from_utf8(bytes).map_err(|_| malformed(None))?;
    let key = ssh_key::PublicKey::from_openssh(text.trim_end()).map_err(|source| malformed(Some(source)))?;
    Ok((ed25519(path, &key)?, key.comment().to_owned()))
}

/// Takes the Ed25519 key out.
pub(super) fn ed25519(path: &Path, key: &ssh_key::PublicKey) -> Result<PublicKey, KeyError> {
    let Some(bytes) = key.key_data().ed25519() else {
        let algorithm = key.algorithm().to_string();
        return Err(KeyError::Algorithm { path: path.to_owned(), algorithm });
    };
    PublicKey::from_bytes(&bytes.0)
        .map_err(|source| KeyError::Untrustworthy { path: path.to_owned(), source })
}

/// Returns the one line of a public key file, without a line break.
pub fn format(key: &PublicKey, comment: &str) -> String {
    let data = ssh_key::public::Ed25519PublicKey(*key.as_bytes());
    let key = ssh_key::PublicKey::new(data.into(), comment);
    key.to_openssh().expect("internal error: an Ed25519 key has an OpenSSH form")
}
