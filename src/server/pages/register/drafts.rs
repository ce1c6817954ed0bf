//! Documents that were read and wait for an editor's word. They are in memory, of one session each, for an hour; the editor has
//! the document still.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::article::Article;
use crate::base::Timestamp;
use crate::record::{Decisions, Draft};

use super::alike::Alike;

/// Drafts of one session; the oldest goes when one more comes.
const EACH_MAX: usize = 200;
/// Bytes of the documents of one session, and of all.
const EACH_MAX_BYTES: usize = 64 * 1024 * 1024;
const ALL_MAX_BYTES: usize = 512 * 1024 * 1024;
/// How long a draft waits.
const SECONDS: i64 = 60 * 60;

/// A document that was read.
pub(super) struct Waiting {
    /// What it is called, for a person.
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
    pub(super) article: Article,
    /// Registered texts that it is like.
    pub(super) alike: Vec<Alike>,
    /// The record of the same bytes.
    pub(super) already: Option<u64>,
    /// The statement that is to be signed elsewhere.
    pub(super) prepared: Mutex<Option<(Draft, Decisions)>>,
}

struct Held {
    session: String,
    at: Timestamp,
    number: u64,
    draft: Arc<Waiting>,
}

/// All drafts, by their names.
#[derive(Default)]
pub(crate) struct Drafts(Mutex<(u64, HashMap<String, Held>)>);

impl Drafts {
    /// Keeps a draft of a session under a name that nobody can guess; `false` if there is no room.
    pub(super) fn keep(&self, id: String, session: &str, draft: Waiting, now: Timestamp) -> bool {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (next, all) = &mut *kept;
        all.retain(|_, held| held.at.unix_seconds().saturating_add(SECONDS) > now.unix_seconds());
        let size = draft.bytes.len();
        if size > EACH_MAX_BYTES {
            return false;
        }
        // A session makes room for itself by what it left longest.
        loop {
            let own = || all.iter().filter(|(_, held)| held.session == session);
            let bytes: usize = own().map(|(_, held)| held.draft.bytes.len()).sum();
            if own().count() < EACH_MAX && bytes + size <= EACH_MAX_BYTES {
                break;
            }
            let Some(oldest) = own().min_by_key(|(_, held)| held.number).map(|(id, _)| id.clone()) else {
                break;
            };
            all.remove(&oldest);
        }
        if all.values().map(|held| held.draft.bytes.len()).sum::<usize>() + size > ALL_MAX_BYTES {
            return false;
        }
        *next += 1;
        all.insert(id, Held { session: session.to_owned(), at: now, number: *next, draft: Arc::new(draft) });
        true
    }

    /// Returns a draft, if it is of this session and has not ended.
    pub(super) fn get(&self, id: &str, session: &str, now: Timestamp) -> Option<Arc<Waiting>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let held = kept.1.get(id).filter(|held| held.session == session)?;
        let waits = held.at.unix_seconds().saturating_add(SECONDS) > now.unix_seconds();
        waits.then(|| Arc::clone(&held.draft))
    }

    /// Forgets a draft.
    pub(super) fn forget(&self, id: &str, session: &str) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.1.retain(|name, held| name != id || held.session != session);
    }

    /// Returns what waits for this session, in the order it came.
    pub(super) fn of(&self, session: &str, now: Timestamp) -> Vec<(String, Arc<Waiting>)> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.1.retain(|_, held| held.at.unix_seconds().saturating_add(SECONDS) > now.unix_seconds());
        let own = kept.1.iter().filter(|(_, held)| held.session == session);
        let mut own: Vec<_> =
            own.map(|(id, held)| (held.number, id.clone(), Arc::clone(&held.draft))).collect();
        own.sort_unstable_by_key(|(number, ..)| *number);
        own.into_iter().map(|(_, id, draft)| (id, draft)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::article::{ReadOptions, read};

    fn waiting(size: usize) -> Waiting {
        let bytes = vec![b'a'; size];
        let article = read(&bytes[..size.min(10)], &ReadOptions::default()).unwrap();
        Waiting {
            name: "a".into(),
            bytes,
            article,
            alike: Vec::new(),
            already: None,
            prepared: Mutex::default(),
        }
    }

    #[test]
    fn a_draft_is_of_one_session_and_ends() {
        let drafts = Drafts::default();
        let at = |seconds| Timestamp::from_unix_seconds(seconds).unwrap();
        assert!(drafts.keep("1".into(), "mine", waiting(5), at(0)));
        assert!(drafts.get("1", "mine", at(SECONDS - 1)).is_some());
        assert!(drafts.get("1", "yours", at(0)).is_none());
        assert!(drafts.get("1", "mine", at(SECONDS)).is_none());
        drafts.forget("1", "yours");
        assert_eq!(drafts.of("mine", at(0)).len(), 1);
        drafts.forget("1", "mine");
        assert_eq!(drafts.of("mine", at(0)).len(), 0);
    }

    #[test]
    fn a_session_makes_room_for_itself_and_takes_none_from_others() {
        let drafts = Drafts::default();
        let now = Timestamp::from_unix_seconds(0).unwrap();
        assert!(!drafts.keep("x".into(), "mine", waiting(EACH_MAX_BYTES + 1), now));
        let half = EACH_MAX_BYTES / 2;
        for number in 0..3 {
            assert!(drafts.keep(number.to_string(), "mine", waiting(half), now));
        }
        let names = |session: &str| drafts.of(session, now).into_iter().map(|(id, _)| id).collect::<Vec<_>>();
        assert_eq!(names("mine"), ["1", "2"]);
        for number in 0..EACH_MAX + 1 {
            assert!(drafts.keep(format!("s{number}"), "small", waiting(1), now));
        }
        assert_eq!((names("small").len(), names("small")[0].as_str()), (EACH_MAX, "s1"));
        let others = ALL_MAX_BYTES / EACH_MAX_BYTES;
        let kept =
            (0..others).filter(|n| drafts.keep("y".into(), &format!("o{n}"), waiting(EACH_MAX_BYTES), now));
        // Under one name the last stays: another's name cannot be taken, as nobody can guess it.
        assert!(kept.count() >= 1);
        assert_eq!(names("mine"), ["1", "2"]);
    }
}
