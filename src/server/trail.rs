//! The audit trail: what changes something and is not in the log. `keys/private/server/audit.jsonl`, one JSON object a line,
//! only ever added to, and synced before what it tells of is done or answered.
//!
//! ```json
//! {"at":"2026-11-26T09:30:00Z","event":"signedIn","session":"a1b2c3d4","person":{"signer":"<key id>"},"from":"127.0.0.1"}
//! ```
//!
//! It is no evidence: whoever may write the file may change it.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::base::Timestamp;

use super::kept::{KeptError, io_error, lock};

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
pub struct Trail {
    folder: PathBuf,
}

impl Trail {
    /// The one that is kept in `folder`, which need not be there.
    pub fn at(folder: &Path) -> Self {
        Trail { folder: folder.to_owned() }
    }

    fn path(&self) -> PathBuf {
        self.folder.join("audit.jsonl")
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
        let event = Event { at, event: event.to_owned(), more };
        let mut line = serde_json::to_vec(&event).expect("internal error: an event is plain data");
        line.push(b'\n');
        let _lock = lock(&self.folder)?;
        let path = self.path();
        let is_new = !path.exists();
        let mut options = File::options();
        options.create(true).read(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&path).map_err(io_error("open", &path))?;
        if !ends_with_a_line(&mut file).map_err(io_error("read", &path))? {
            // What a crash broke off stays a line of its own.
            line.insert(0, b'\n');
        }
        file.write_all(&line).and_then(|()| file.sync_data()).map_err(io_error("write", &path))?;
        if is_new {
            let synced = File::open(&self.folder).and_then(|folder| folder.sync_all());
            synced.map_err(io_error("sync", &self.folder))?;
        }
        Ok(())
    }

    /// Returns what happened, the oldest first. What is not a line of a trail is given as the event `unreadable`.
    ///
    /// # Errors
    /// [`KeptError::Io`].
    pub fn read(&self) -> Result<impl Iterator<Item = Event>, KeptError> {
        let path = self.path();
        let file = match File::open(&path) {
            Ok(file) => Some(file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(io_error("open", &path)(error)),
        };
        let mut reader = file.map(BufReader::new);
        Ok(std::iter::from_fn(move || next(reader.as_mut()?)))
    }
}

fn next(reader: &mut BufReader<File>) -> Option<Event> {
    let mut line = Vec::new();
    // What cannot be read any further ends it.
    if reader.by_ref().take(LINE_MAX_BYTES).read_until(b'\n', &mut line).ok()? == 0 {
        return None;
    }
    let epoch = Timestamp::from_unix_seconds(0).expect("internal error: 1970 is a year");
    let unreadable = || Event { at: epoch, event: "unreadable".into(), more: Map::new() };
    Some(serde_json::from_slice(&line).unwrap_or_else(|_| unreadable()))
}

fn ends_with_a_line(file: &mut File) -> io::Result<bool> {
    let size = file.seek(SeekFrom::End(0))?;
    if size == 0 {
        return Ok(true);
    }
    file.seek(SeekFrom::Start(size - 1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn lines_are_only_added_also_behind_one_that_was_broken_off() {
        let folder = tempfile::tempdir().unwrap();
        let trail = Trail::at(&folder.path().join("server"));
        assert_eq!(trail.read().unwrap().count(), 0);
        let at: Timestamp = "2026-11-26T00:00:00Z".parse().unwrap();
        trail.tell(at, "signedIn", json!({"session": "a\nb"})).unwrap();
        let path = trail.path();
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
