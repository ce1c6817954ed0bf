//! Tokens of services: who may send what, until when. Kept in `keys/private/server/tokens.json`, hashed; the token itself is
//! shown once.
//!
//! ```json
//! {"format":"dateline-tokens/1","list":[{"id":"a1b2c3d4","sha256":"<64 hex>","scope":"submit","note":"cms",
//!  "createdAt":"…","expiresAt":"…","revokedAt":null}]}
//! ```

use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::base::encoding::{from_base64url, to_base64url};
use crate::base::{Hash, Timestamp};

use super::kept::{KeptError, Place, Watched};
use super::trail::Trail;

/// The value of `format`.
pub const TOKENS_FORMAT: &str = "dateline-tokens/1";
/// What a token begins with, so that a scanner of leaked secrets knows it.
pub const TOKEN_PREFIX: &str = "dateline_";

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

/// The tokens of a workspace.
pub struct Tokens {
    place: Place,
    watched: Watched<Token>,
    trail: Trail,
}

impl Tokens {
    /// Those that are kept in `folder`, which need not be there.
    pub fn at(folder: &Path) -> Self {
        let place = Place { path: folder.join("tokens.json"), format: TOKENS_FORMAT };
        Tokens { watched: Watched::at(place.clone()), place, trail: Trail::at(folder) }
    }

    /// Returns all of them, revoked and expired ones too.
    ///
    /// # Errors
    /// [`KeptError`].
    pub fn all(&self) -> Result<Arc<Vec<Token>>, KeptError> {
        self.watched.now()
    }

    /// Makes a token out of 16 random bytes, keeps it, and returns its secret, which is nowhere else.
    ///
    /// # Errors
    /// [`KeptError`].
    pub fn add(
        &self,
        random: [u8; 16],
        scope: Scope,
        note: Option<String>,
        created_at: Timestamp,
        expires_at: Timestamp,
    ) -> Result<(Token, String), KeptError> {
        let secret = format!("{TOKEN_PREFIX}{}", to_base64url(&random));
        let sha256 = Hash::of(secret.as_bytes());
        let id = sha256.to_hex()[..8].to_owned();
        let token = Token { id, sha256, scope, note, created_at, expires_at, revoked_at: None };
        let told =
            json!({"token": token.id, "scope": token.scope, "note": token.note, "expiresAt": expires_at});
        self.trail.tell(created_at, "tokenMade", told)?;
        self.place.change(|tokens: &mut Vec<Token>| tokens.push(token.clone()))?;
        Ok((token, secret))
    }

    /// Revokes a token; `false` if there is none of this name that is in force.
    ///
    /// # Errors
    /// [`KeptError`].
    pub fn revoke(&self, id: &str, now: Timestamp) -> Result<bool, KeptError> {
        let revoked = self.place.change(|tokens: &mut Vec<Token>| {
            let mut in_force = tokens.iter_mut().filter(|token| token.revoked_at.is_none());
            in_force.find(|token| token.id == id).map(|token| token.revoked_at = Some(now)).is_some()
        })?;
        if revoked {
            self.trail.tell(now, "tokenRevoked", json!({ "token": id }))?;
        }
        Ok(revoked)
    }

    /// Returns the token that a secret opens, if it is in force.
    ///
    /// # Errors
    /// [`KeptError`].
    pub fn find(&self, secret: &str, now: Timestamp) -> Result<Option<Token>, KeptError> {
        let Some(random) = secret.strip_prefix(TOKEN_PREFIX) else { return Ok(None) };
        if !from_base64url(random).is_ok_and(|bytes| bytes.len() == 16) {
            return Ok(None);
        }
        // Compared by digest: how long that takes says nothing of the secret.
        let sha256 = Hash::of(secret.as_bytes());
        let in_force = |token: &&Token| token.revoked_at.is_none() && token.expires_at > now;
        Ok(self.all()?.iter().filter(in_force).find(|token| token.sha256 == sha256).cloned())
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
        let (now, end) = (at("2026-11-26T00:00:00Z"), at("2026-12-01T00:00:00Z"));
        let tokens = Tokens::at(folder.path());
        let (token, secret) = tokens.add([7; 16], Scope::Submit, Some("cms".into()), now, end).unwrap();
        let read = Tokens::at(folder.path());
        assert_eq!(read.find(&secret, now).unwrap(), Some(token.clone()));
        for file in ["tokens.json", "audit.jsonl"] {
            let kept = std::fs::read_to_string(folder.path().join(file)).unwrap();
            assert!(!kept.contains(&secret[TOKEN_PREFIX.len()..]), "{file}");
        }
        assert_eq!(read.find(&secret, end).unwrap(), None, "expired");
        for wrong in
            ["", "dateline_", &secret[..secret.len() - 1], &format!("{secret}A"), &secret.to_uppercase()]
        {
            assert_eq!(read.find(wrong, now).unwrap(), None, "{wrong}");
        }
        assert!(tokens.revoke(&token.id, now).unwrap());
        assert!(!tokens.revoke(&token.id, now).unwrap());
        assert_eq!(read.find(&secret, now).unwrap(), None, "revoked");
        let told: Vec<String> = Trail::at(folder.path()).read().unwrap().map(|line| line.event).collect();
        assert_eq!(told, ["tokenMade", "tokenRevoked"]);
    }
}
