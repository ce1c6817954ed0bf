//! Tokens of services: who may send what, until when. Kept in `keys/private/tokens.json`, hashed; the token itself is shown
//! once.
//!
//! ```json
//! {"format":"dateline-tokens/1","tokens":[{"id":"a1b2c3d4","sha256":"<64 hex>","scope":"submit","note":"cms",
//!  "createdAt":"…","expiresAt":"…","revokedAt":null}]}
//! ```

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::base::encoding::{from_base64url, to_base64url};
use crate::base::{Hash, Timestamp};

/// The value of `format`.
pub const TOKENS_FORMAT: &str = "dateline-tokens/1";
/// What a token begins with, so that a scanner of leaked secrets knows it.
pub const TOKEN_PREFIX: &str = "dateline_";
/// Bytes of the file that are read: some 10,000 tokens.
const FILE_MAX_BYTES: u64 = 4 << 20;

/// What a token allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Scope {
    /// To send documents, which the server signs with its own key.
    Submit,
    /// To send statements that were signed elsewhere, and nothing that the server would sign.
    Relay,
}

/// A token, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Token {
    /// Its name in lists.
    pub id: String,
    /// SHA-256 of the secret. 128 random bits need no salt.
    pub sha256: Hash,
    /// What it allows.
    pub scope: Scope,
    /// Whose it is, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When it was revoked.
    #[serde(default)]
    pub revoked_at: Option<Timestamp>,
}

#[derive(Serialize, Deserialize)]
struct Wire {
    format: String,
    tokens: Vec<Token>,
}

/// Why tokens cannot be read or kept.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TokensError {
    /// The file system refused.
    #[error("cannot {op} {}", .path.display())]
    Io {
        /// What was tried.
        op: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The file is not one of tokens.
    #[error("{} is not a file of tokens", .path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: serde_json::Error,
    },
    /// Of a release that this one does not know.
    #[error("{} is of the format {found:?}; this release reads {TOKENS_FORMAT:?}", .path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// The format found.
        found: String,
    },
}

/// The tokens of a workspace.
#[derive(Debug, Clone)]
pub struct Tokens {
    path: PathBuf,
    tokens: Vec<Token>,
}

impl Tokens {
    /// Reads the file at `path`; one that is not there has none.
    ///
    /// # Errors
    /// [`TokensError`].
    pub fn read(path: &Path) -> Result<Self, TokensError> {
        let io = |source| TokensError::Io { op: "read", path: path.to_owned(), source };
        let bytes = match fs::metadata(path) {
            Ok(found) if found.len() > FILE_MAX_BYTES => return Err(io(io::Error::other("it is too large"))),
            Ok(_) => fs::read(path).map_err(io)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Tokens { path: path.to_owned(), tokens: Vec::new() });
            }
            Err(error) => return Err(io(error)),
        };
        let wire: Wire = serde_json::from_slice(&bytes)
            .map_err(|source| TokensError::Malformed { path: path.to_owned(), source })?;
        if wire.format != TOKENS_FORMAT {
            return Err(TokensError::Format { path: path.to_owned(), found: wire.format });
        }
        Ok(Tokens { path: path.to_owned(), tokens: wire.tokens })
    }

    /// Returns all of them, revoked and expired ones too.
    pub fn all(&self) -> &[Token] {
        &self.tokens
    }

    /// Makes a token out of 16 random bytes, keeps it, and returns its secret, which is nowhere else.
    ///
    /// # Errors
    /// [`TokensError::Io`].
    pub fn add(
        &mut self,
        random: [u8; 16],
        scope: Scope,
        note: Option<String>,
        created_at: Timestamp,
        expires_at: Timestamp,
    ) -> Result<(Token, String), TokensError> {
        let secret = format!("{TOKEN_PREFIX}{}", to_base64url(&random));
        let sha256 = Hash::of(secret.as_bytes());
        let id = sha256.to_hex()[..8].to_owned();
        let token = Token { id, sha256, scope, note, created_at, expires_at, revoked_at: None };
        self.tokens.push(token.clone());
        self.write()?;
        Ok((token, secret))
    }

    /// Revokes a token; `false` if there is none of this name that is in force.
    ///
    /// # Errors
    /// [`TokensError::Io`].
    pub fn revoke(&mut self, id: &str, now: Timestamp) -> Result<bool, TokensError> {
        let found = self.tokens.iter_mut().find(|token| token.id == id && token.revoked_at.is_none());
        let Some(token) = found else { return Ok(false) };
        token.revoked_at = Some(now);
        self.write()?;
        Ok(true)
    }

    /// Returns the token that a secret opens, if it is in force.
    pub fn find(&self, secret: &str, now: Timestamp) -> Option<&Token> {
        // Compared by digest: how long that takes says nothing of the secret.
        let random = secret.strip_prefix(TOKEN_PREFIX)?;
        from_base64url(random).ok().filter(|bytes| bytes.len() == 16)?;
        let sha256 = Hash::of(secret.as_bytes());
        let in_force = |token: &&Token| token.revoked_at.is_none() && token.expires_at > now;
        self.tokens.iter().filter(in_force).find(|token| token.sha256 == sha256)
    }

    /// Replaces the file, readable by its owner alone.
    fn write(&self) -> Result<(), TokensError> {
        let wire = Wire { format: TOKENS_FORMAT.into(), tokens: self.tokens.clone() };
        let bytes = serde_json::to_vec_pretty(&wire).expect("internal error: tokens are plain data");
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let io = |source| TokensError::Io { op: "write", path: self.path.clone(), source };
        // Readable by its owner alone, by default.
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(io)?;
        file.write_all(&bytes).and_then(|()| file.as_file().sync_all()).map_err(io)?;
        file.persist(&self.path).map_err(|error| io(error.error))?;
        fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(io)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_token_is_known_by_its_secret_while_it_is_in_force() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens.json");
        let (now, end) = (at("2026-11-26T00:00:00Z"), at("2026-12-01T00:00:00Z"));
        let mut tokens = Tokens::read(&path).unwrap();
        let (token, secret) = tokens.add([7; 16], Scope::Submit, Some("cms".into()), now, end).unwrap();
        let read = Tokens::read(&path).unwrap();
        assert_eq!(read.find(&secret, now), Some(&token));
        assert!(
            !String::from_utf8(fs::read(&path).unwrap()).unwrap().contains(&secret[TOKEN_PREFIX.len()..])
        );
        assert_eq!(read.find(&secret, end), None, "expired");
        for wrong in
            ["", "dateline_", &secret[..secret.len() - 1], &format!("{secret}A"), &secret.to_uppercase()]
        {
            assert_eq!(read.find(wrong, now), None, "{wrong}");
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o077, 0);
        }
        assert!(tokens.revoke(&token.id, now).unwrap());
        assert!(!tokens.revoke(&token.id, now).unwrap());
        assert_eq!(Tokens::read(&path).unwrap().find(&secret, now), None, "revoked");
        fs::write(&path, "{\"format\":\"dateline-tokens/9\",\"tokens\":[]}").unwrap();
        assert!(matches!(Tokens::read(&path), Err(TokensError::Format { .. })));
        fs::write(&path, "[]").unwrap();
        assert!(matches!(Tokens::read(&path), Err(TokensError::Malformed { .. })));
    }
}
