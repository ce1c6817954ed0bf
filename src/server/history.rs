//! Checkpoints that were published while the server ran: one each ten minutes in which the log grew, in
//! `keys/private/server/checkpoints.jsonl`.
//!
//! ```json
//! {"seenAt":"2026-11-26T09:30:00Z","note":"example.org/log\n2029\n…\n\n— example.org/log …\n"}
//! ```
//!
//! A log keeps only its last checkpoint. With earlier ones anybody can see that it goes on from them: each is signed, and its root
//! is that of the first entries. As evidence it is worth what whoever keeps the file is: who does not trust him keeps his own.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::base::limits::NOTE_MAX_BYTES;
use crate::base::{Hash, Timestamp};
use crate::note::Policy;

use super::kept::KeptError;
use super::lines::Lines;

/// Seconds between two that are kept.
const EVERY: i64 = 600;
/// Bytes of a line that are read. A note's line feeds and marks take two characters each at most.
const LINE_MAX_BYTES: u64 = (2 * NOTE_MAX_BYTES + 200) as u64;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    seen_at: Timestamp,
    note: String,
}

/// A checkpoint that was published.
#[derive(Debug, Clone)]
pub(crate) struct Past {
    pub(crate) seen_at: Timestamp,
    pub(crate) size: u64,
    pub(crate) root: Hash,
    /// The signed note.
    pub(crate) note: String,
}

/// The checkpoints of a workspace.
pub(crate) struct History {
    lines: Lines,
    /// The one that was kept last, and when.
    last: Mutex<Option<(Vec<u8>, Timestamp)>>,
}

impl History {
    /// Those that are kept in `folder`, which need not be there.
    pub(crate) fn at(folder: &Path) -> Self {
        History { lines: Lines::at(folder, "checkpoints.jsonl", LINE_MAX_BYTES), last: Mutex::new(None) }
    }

    /// Keeps a checkpoint, unless it is the last that was kept, or that was not long ago. The first since the server started is kept.
    ///
    /// # Errors
    /// [`KeptError::Io`].
    pub(crate) fn saw(&self, note: &[u8], now: Timestamp) -> Result<(), KeptError> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = |(known, at): &(Vec<u8>, Timestamp)| {
            known != note && now.unix_seconds().saturating_sub(at.unix_seconds()) >= EVERY
        };
        if !last.as_ref().is_none_or(is_due) {
            return Ok(());
        }
        let Ok(text) = std::str::from_utf8(note) else { return Ok(()) };
        let is_there = last.is_none() && self.lines()?.last().is_some_and(|line| line.note == text);
        if !is_there {
            self.lines.add(&Line { seen_at: now, note: text.to_owned() })?;
        }
        *last = Some((note.to_vec(), now));
        Ok(())
    }

    /// Returns the newest `count` of fewer than `before` entries that `policy` has a signature for, the latest last. Costs a reading of
    /// the file, some 15 MB after a year without a quiet minute, and checking the signatures of those that are returned.
    ///
    /// # Errors
    /// [`KeptError::Io`].
    pub(crate) fn before(&self, policy: &Policy, before: u64, count: usize) -> Result<Vec<Past>, KeptError> {
        // Some that do not hold may be among them.
        let most = count.saturating_mul(2).saturating_add(8);
        let mut newest = VecDeque::new();
        for line in self.lines()? {
            // The size, as it is said to be: signatures are checked of few.
            let size = line.note.lines().nth(1).and_then(|size| size.parse::<u64>().ok());
            if size.is_some_and(|size| size < before) {
                newest.push_back(line);
            }
            if newest.len() > most {
                newest.pop_front();
            }
        }
        let held = newest.into_iter().rev().filter_map(|Line { seen_at, note }| {
            // Witnesses may have come later: the log's own signature is enough.
            let opened = policy.open_signed(note.as_bytes()).ok()?;
            let checkpoint = opened.checkpoint();
            Some(Past { seen_at, size: checkpoint.size(), root: checkpoint.root_hash(), note })
        });
        let mut held: Vec<Past> = held.take(count).collect();
        held.reverse();
        Ok(held)
    }

    /// The lines, the oldest first; what is none is passed over.
    fn lines(&self) -> Result<impl Iterator<Item = Line>, KeptError> {
        Ok(self.lines.read()?.filter_map(|line| serde_json::from_slice(&line).ok()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::io::Write;

    use crate::base::SigningKey;
    use crate::note::{Checkpoint, KeyName, Note, Origin, VerifierKey};

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn one_in_ten_minutes_is_kept_and_only_what_the_log_signed_is_told() {
        let name = "example.org/log";
        let signer = SigningKey::from_seed(&zeroize::Zeroizing::new([7; 32]));
        let vkey = VerifierKey::ed25519(KeyName::new(name).unwrap(), signer.public());
        let policy = Policy::of_log(vkey.clone()).unwrap();
        let note = |size: u64| {
            let text =
                Checkpoint::new(Origin::new(name).unwrap(), size, Hash([size as u8; 32])).unwrap().format();
            Note::signed(&text, &vkey, &signer.sign(text.as_bytes())).unwrap().format().into_bytes()
        };
        let folder = tempfile::tempdir().unwrap();
        let history = History::at(folder.path());
        let sizes = |history: &History, before, count| {
            let found = history.before(&policy, before, count).unwrap();
            found.iter().map(|past| past.size).collect::<Vec<_>>()
        };
        assert_eq!(sizes(&history, u64::MAX, 9), [0; 0]);
        for (size, time) in [
            (1, "2026-11-26T00:00:00Z"),
            (2, "2026-11-26T00:09:59Z"),
            (3, "2026-11-26T00:10:00Z"),
            (3, "2026-11-26T09:00:00Z"),
            (4, "2026-11-26T09:00:01Z"),
        ] {
            history.saw(&note(size), at(time)).unwrap();
        }
        assert_eq!(sizes(&history, u64::MAX, 9), [1, 3, 4]);
        assert_eq!(sizes(&history, 4, 9), [1, 3]);
        assert_eq!(sizes(&history, u64::MAX, 2), [3, 4]);
        // Started again, it does not keep the last once more; and another's is passed over, as is what is broken off.
        let again = History::at(folder.path());
        again.saw(&note(4), at("2026-11-26T10:00:00Z")).unwrap();
        let mut file = File::options().append(true).open(folder.path().join("checkpoints.jsonl")).unwrap();
        let forged = String::from_utf8(note(9)).unwrap().replace("\n9\n", "\n8\n");
        let line =
            serde_json::to_string(&Line { seen_at: at("2026-11-26T10:00:00Z"), note: forged }).unwrap();
        file.write_all(format!("{line}\n{{\"seenAt\":\"2026-").as_bytes()).unwrap();
        again.saw(&note(5), at("2026-11-26T11:00:00Z")).unwrap();
        assert_eq!(sizes(&again, u64::MAX, 9), [1, 3, 4, 5]);
    }
}
