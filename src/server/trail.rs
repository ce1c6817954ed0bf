//! The audit trail: what changes something and is not in the log. `keys/private/server/audit.jsonl`, one JSON object a line,
//! only ever added to, and synced before what it tells of is done or answered.
//!
//! ```json
//! {"at":"2026-11-26T09:30:00Z","event":"signedIn","session":"a1b2c3d4","person":{"signer":"<key id>"},"from":"127.0.0.1"}
//! ```
//!
//! It is no evidence: whoever may write the file may change it.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::base::Timestamp;

use super::kept::KeptError;
use super::lines::Lines;

/// Bytes of a line that are read.
const LINE_MAX_BYTES: u64 = 64 * 1024;

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// When, by this machine's clock.
    pub at: Timestamp,
    /// What, in one word.
    pub event: String,
    /// To what, by whom, from where.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// The audit trail of a workspace.
#[derive(Debug, Clone)]
pub struct Trail(Lines);

impl Trail {
    /// The one that is kept in `folder`, which need not be there.
    pub fn at(folder: &Path) -> Self {
        Trail(Lines::at(folder, "audit.jsonl", LINE_MAX_BYTES))
    }

    /// Adds a line, and brings it to the disk. `more` is an object.
    ///
    /// # Errors
    /// [`KeptError::Io`].
    pub fn tell(&self, at: Timestamp, event: &str, more: Value) -> Result<(), KeptError> {
        let more = match more {
            Value::Object(more) => more,
            _ => Map::new(),
        };
        self.0.add(&Event { at, event: event.to_owned(), more })
    }

    /// Returns what happened, the oldest first. What is not a line of a trail is given as the event `unreadable`.
    ///
    /// # Errors
    /// [`KeptError::Io`].
    pub fn read(&self) -> Result<impl Iterator<Item = Event>, KeptError> {
        let epoch = Timestamp::from_unix_seconds(0).expect("internal error: 1970 is a year");
        let unreadable = move || Event { at: epoch, event: "unreadable".into(), more: Map::new() };
        Ok(self.0.read()?.map(move |line| serde_json::from_slice(&line).unwrap_or_else(|_| unreadable())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::fs::File;
    use std::io::Write;

    #[test]
    fn lines_are_only_added_also_behind_one_that_was_broken_off() {
        let folder = tempfile::tempdir().unwrap();
        let trail = Trail::at(&folder.path().join("server"));
        assert_eq!(trail.read().unwrap().count(), 0);
        let at: Timestamp = "2026-11-26T00:00:00Z".parse().unwrap();
        trail.tell(at, "signedIn", json!({"session": "a\nb"})).unwrap();
        let path = trail.0.path();
        let mut file = File::options().append(true).open(&path).unwrap();
        file.write_all(b"{\"at\":\"2026-").unwrap();
        trail.tell(at, "signedOut", json!({})).unwrap();
        let events: Vec<Event> = trail.read().unwrap().collect();
        let words: Vec<&str> = events.iter().map(|event| event.event.as_str()).collect();
        assert_eq!(words, ["signedIn", "unreadable", "signedOut"]);
        assert_eq!(events[0].more["session"], "a\nb");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o077, 0);
        }
    }
}
