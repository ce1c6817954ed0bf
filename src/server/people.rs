//! People who sign in: invitations, which open once, and sessions, which last some hours. Kept in `keys/private/server/`, hashed:
//! the secrets are with the people alone.
//!
//! Who signs in is the holder of an enrolled key, or a reader who was invited by name and may change nothing. What a holder may do
//! is not kept here: it stands in the log, and is looked up at each request.

use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::base::encoding::{from_base64url, to_base64url};
use crate::base::{Hash, Timestamp};

use super::kept::{KeptError, Place, Watched};
use super::trail::Trail;

/// The value of `format` of invitations.
pub const INVITATIONS_FORMAT: &str = "dateline-invitations/1";
/// The value of `format` of sessions.
pub const SESSIONS_FORMAT: &str = "dateline-sessions/1";
/// Sessions of one person at a time; the oldest ends when one more begins.
const SESSIONS_EACH: usize = 16;
/// Invitations and sessions that are kept: as many as the file holds with room to spare.
const KEPT_MAX: usize = 8_192;

/// Who signs in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Person {
    /// The holder of the key with this id.
    Signer(Hash),
    /// Somebody who may read, by a name that an operator gave.
    Reader(String),
}

/// An invitation, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Invitation {
    /// Its name in the audit trail.
    pub id: String,
    /// SHA-256 of the secret. 128 random bits need no salt.
    pub sha256: Hash,
    /// Who is invited.
    pub person: Person,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends, if it is not used before.
    pub expires_at: Timestamp,
}

/// A session, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeptSession {
    /// Its name in lists.
    pub id: String,
    /// SHA-256 of the secret.
    pub sha256: Hash,
    /// Whose it is.
    pub person: Person,
    /// When it began.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// How somebody showed who he is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum By {
    /// With a signature of his key.
    Signature,
    /// With a link that was given to him.
    Invitation,
}

/// The people of a workspace.
pub struct People {
    invitations: Place,
    sessions: Place,
    watched: Watched<KeptSession>,
    trail: Trail,
}

/// Makes a secret out of 16 random bytes: its text, its digest, and the name of what it opens.
fn secret_of(random: [u8; 16]) -> (String, Hash, String) {
    let secret = to_base64url(&random);
    let sha256 = Hash::of(secret.as_bytes());
    (secret, sha256, sha256.to_hex()[..8].to_owned())
}

/// Returns the digest of what may be a secret. Compared by digest: how long that takes says nothing of the secret.
fn digest_of(secret: &str) -> Option<Hash> {
    let is_one = secret.len() == 22 && from_base64url(secret).is_ok();
    is_one.then(|| Hash::of(secret.as_bytes()))
}

impl People {
    /// Those that are kept in `folder`, which need not be there.
    pub fn at(folder: &Path) -> Self {
        let invitations = Place { path: folder.join("invitations.json"), format: INVITATIONS_FORMAT };
        let sessions = Place { path: folder.join("sessions.json"), format: SESSIONS_FORMAT };
        let watched = Watched::at(sessions.clone());
        People { invitations, sessions, watched, trail: Trail::at(folder) }
    }

    /// Makes an invitation out of 16 random bytes, and returns its secret, which is nowhere else. `None` if there are too many.
    ///
    /// # Errors
    /// [`KeptError`].
    pub fn invite(
        &self,
        random: [u8; 16],
        person: Person,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<Option<(Invitation, String)>, KeptError> {
        let (secret, sha256, id) = secret_of(random);
        let invitation = Invitation { id, sha256, person, created_at: now, expires_at };
        let told = json!({"invitation": invitation.id, "person": invitation.person, "expiresAt": expires_at});
        self.trail.tell(now, "invited", told)?;
        let added = self.invitations.change(|list: &mut Vec<Invitation>| {
            list.retain(|one| one.expires_at > now);
            let room = list.len() < KEPT_MAX;
            list.extend(room.then(|| invitation.clone()));
            room
        })?;
        Ok(added.then_some((invitation, secret)))
    }

    /// Returns who is invited by a secret, without using it.
    ///
    /// # Errors
    /// [`KeptError`].
    pub fn invited(&self, secret: &str, now: Timestamp) -> Result<Option<Person>, KeptError> {
        let Some(sha256) = digest_of(secret) else { return Ok(None) };
        let list: Vec<Invitation> = self.invitations.read()?;
        let mut in_force = list.into_iter().filter(|one| one.expires_at > now);
        Ok(in_force.find(|one| one.sha256 == sha256).map(|one| one.person))
    }

    /// Uses an invitation up; of several who try at once, one has it.
    ///
    /// # Errors
    /// [`KeptError`].
    pub fn accept(&self, secret: &str, now: Timestamp) -> Result<Option<Invitation>, KeptError> {
        let Some(sha256) = digest_of(secret) else { return Ok(None) };
        self.invitations.change(|list: &mut Vec<Invitation>| {
            list.retain(|one| one.expires_at > now);
            let at = list.iter().position(|one| one.sha256 == sha256)?;
            Some(list.remove(at))
        })
    }

    /// Begins a session with 16 random bytes, and returns its secret, which is nowhere else. `from` says from where, for the
    /// audit trail. `None` if there are too many.
    ///
    /// # Errors
    /// [`KeptError`].
    pub fn begin(
        &self,
        random: [u8; 16],
        person: Person,
        (by, from): (By, &str),
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<Option<(KeptSession, String)>, KeptError> {
        let (secret, sha256, id) = secret_of(random);
        let session = KeptSession { id, sha256, person, created_at: now, expires_at };
        let told = json!({
            "session": session.id, "person": session.person, "by": by, "from": from, "expiresAt": expires_at,
        });
        self.trail.tell(now, "signedIn", told)?;
        let begun = self.sessions.change(|list: &mut Vec<KeptSession>| {
            list.retain(|one| one.expires_at > now);
            while list.iter().filter(|one| one.person == session.person).count() >= SESSIONS_EACH {
                // They stand in the order in which they began.
                let oldest = list.iter().position(|one| one.person == session.person);
                oldest.map(|at| list.remove(at));
            }
            let room = list.len() < KEPT_MAX;
            list.extend(room.then(|| session.clone()));
            room
        })?;
        Ok(begun.then_some((session, secret)))
    }

    /// Returns the session that a secret opens, if it has not ended.
    ///
    /// # Errors
    /// [`KeptError`].
    pub fn session(&self, secret: &str, now: Timestamp) -> Result<Option<KeptSession>, KeptError> {
        let Some(sha256) = digest_of(secret) else { return Ok(None) };
        let list = self.watched.now()?;
        Ok(list.iter().find(|one| one.sha256 == sha256 && one.expires_at > now).cloned())
    }

    /// Returns the sessions that have not ended.
    ///
    /// # Errors
    /// [`KeptError`].
    pub fn sessions(&self, now: Timestamp) -> Result<Vec<KeptSession>, KeptError> {
        let list: Arc<Vec<KeptSession>> = self.watched.now()?;
        Ok(list.iter().filter(|one| one.expires_at > now).cloned().collect())
    }

    /// Ends the sessions that `which` names; returns how many. `why` is the word of the audit trail.
    ///
    /// # Errors
    /// [`KeptError`].
    pub fn end(
        &self,
        now: Timestamp,
        why: &str,
        which: impl Fn(&KeptSession) -> bool,
    ) -> Result<usize, KeptError> {
        let ended = self.sessions.change(|list: &mut Vec<KeptSession>| {
            let ended: Vec<KeptSession> = list.extract_if(.., |one| which(one)).collect();
            list.retain(|one| one.expires_at > now);
            ended
        })?;
        for session in &ended {
            self.trail.tell(now, why, json!({"session": session.id, "person": session.person}))?;
        }
        Ok(ended.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_seconds(1_790_000_000 + seconds).unwrap()
    }

    #[test]
    fn an_invitation_opens_once_and_in_time() {
        let folder = tempfile::tempdir().unwrap();
        let people = People::at(folder.path());
        let reader = Person::Reader("A. Diarra".into());
        let (invitation, secret) = people.invite([1; 16], reader.clone(), at(0), at(60)).unwrap().unwrap();
        assert_eq!(people.invited(&secret, at(1)).unwrap(), Some(reader));
        assert_eq!(people.invited(&secret, at(60)).unwrap(), None);
        for wrong in ["", "x", &secret[1..], &secret.to_lowercase(), &invitation.sha256.to_hex()] {
            assert_eq!(people.accept(wrong, at(1)).unwrap(), None, "{wrong}");
        }
        assert_eq!(people.accept(&secret, at(1)).unwrap(), Some(invitation));
        assert_eq!(people.accept(&secret, at(1)).unwrap(), None);
        let (_, late) =
            people.invite([2; 16], Person::Signer(Hash::of(b"k")), at(0), at(60)).unwrap().unwrap();
        assert_eq!(people.accept(&late, at(60)).unwrap(), None);
        for file in ["invitations.json", "audit.jsonl"] {
            let kept = std::fs::read_to_string(folder.path().join(file)).unwrap();
            assert!(!kept.contains(&secret) && !kept.contains(&late), "{file}");
        }
    }

    #[test]
    fn a_session_lasts_until_it_is_ended_or_too_old() {
        let folder = tempfile::tempdir().unwrap();
        let people = People::at(folder.path());
        let signer = Person::Signer(Hash::of(b"k"));
        let begin = |random: u8, person: &Person, now| {
            let by = (By::Signature, "127.0.0.1");
            people.begin([random; 16], person.clone(), by, at(now), at(now + 100)).unwrap().unwrap()
        };
        let (session, secret) = begin(1, &signer, 0);
        assert_eq!(people.session(&secret, at(99)).unwrap(), Some(session.clone()));
        assert_eq!(people.session(&secret, at(100)).unwrap(), None);
        assert_eq!(people.session(&secret.to_lowercase(), at(1)).unwrap(), None);
        assert!(!std::fs::read_to_string(folder.path().join("sessions.json")).unwrap().contains(&secret));
        let (_, other) = begin(2, &Person::Reader("r".into()), 1);
        assert_eq!(people.end(at(2), "signedOut", |one| one.id == session.id).unwrap(), 1);
        assert_eq!(people.session(&secret, at(2)).unwrap(), None);
        assert!(people.session(&other, at(2)).unwrap().is_some());
        // One person has some sessions, and the latest of them.
        let many: Vec<String> = (10..10 + SESSIONS_EACH as u8 + 3).map(|n| begin(n, &signer, 3).1).collect();
        let open = many.iter().filter(|secret| people.session(secret, at(4)).unwrap().is_some()).count();
        assert_eq!((open, people.session(&many[0], at(4)).unwrap()), (SESSIONS_EACH, None));
        let events: Vec<String> = Trail::at(folder.path()).read().unwrap().map(|one| one.event).collect();
        assert_eq!(events.iter().filter(|event| *event == "signedOut").count(), 1);
        assert_eq!(events.iter().filter(|event| *event == "signedIn").count(), 2 + many.len());
    }
}
