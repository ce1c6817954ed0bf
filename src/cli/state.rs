//! What an auditor keeps between two runs: a memory of each log, and evidence against those that contradict it.
//!
//! ```text
//! $XDG_STATE_HOME/dateline/          or ~/.local/state/dateline/, or what --state names
//!   logs/<digest of the log's key>.json
//!   evidence/<digest of these bytes>.json
//!   cache/<digest of the log's key>/…  tiles and bundles that were fetched and belong to it; may be removed at any time
//! ```

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use crate::base::Hash;
use crate::note::VerifierKey;
use crate::storage::{FileStore, Key, Object, Store, StoreError};
use crate::verify::{Evidence, Memory};

use super::exit::Exit;
use super::failure::{Failure, Outcome};

/// Bytes of a memory that are read: one of a log with 10^5 statements about keys is smaller.
const MEMORY_MAX_BYTES: u64 = 4 << 20;
/// How often, and how long apart, one tries while another run writes.
const TRIES: u32 = 40;
const PAUSE: Duration = Duration::from_millis(50);

/// The folder, which need not exist yet.
#[derive(Debug, Clone)]
pub(crate) struct AuditorState {
    folder: PathBuf,
}

impl AuditorState {
    /// The folder that is `asked` for, else the user's; `None` where neither is known.
    pub(crate) fn at(asked: Option<&Path>) -> Option<Self> {
        let absolute =
            |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let folder = match asked {
            Some(folder) => folder.to_owned(),
            // The XDG specification: a relative path is to be ignored.
            None => match (absolute("XDG_STATE_HOME"), absolute("HOME")) {
                (Some(state), _) => state.join("dateline"),
                (None, Some(home)) => home.join(".local/state/dateline"),
                (None, None) => return None,
            },
        };
        Some(AuditorState { folder })
    }

    fn name(log: &VerifierKey) -> Key {
        let digest = Hash::of(log.to_string().as_bytes());
        Key::new(format!("logs/{digest}.json")).expect("internal error: a digest is an object name")
    }

    /// Returns where what is remembered of `log` lies.
    pub(crate) fn path(&self, log: &VerifierKey) -> PathBuf {
        self.folder.join(Self::name(log).as_str())
    }

    /// Returns the folder for what is fetched of `log`.
    pub(crate) fn cache(&self, log: &VerifierKey) -> PathBuf {
        self.folder.join(format!("cache/{}", Hash::of(log.to_string().as_bytes())))
    }

    /// Returns what is remembered of `log`, if anything.
    pub(crate) fn recall(&self, log: &VerifierKey) -> Outcome<Option<Memory>> {
        let Some(bytes) = FileStore::reader(&self.folder).get(&Self::name(log), MEMORY_MAX_BYTES)? else {
            return Ok(None);
        };
        let path = self.path(log);
        let memory = Memory::parse(&bytes).map_err(|error| {
            let message = format!("{} cannot be used: it says what this log was", path.display());
            Failure::new(Exit::Unavailable, message).because(&error).hint(
                "find out who changed it; remove it to begin anew, or say --stateless to verify without it",
            )
        })?;
        Ok(Some(memory))
    }

    /// Fails if nothing could be kept there.
    pub(crate) fn must_be_usable(&self) -> Outcome<()> {
        self.writer().map(|_| ()).map_err(|error| {
            let message = format!("{} cannot hold what is remembered", self.folder.display());
            let failure = Failure::from(error).under(message);
            failure.hint("name another folder with --state, or say --stateless to verify without a memory")
        })
    }

    /// Keeps `memory` of `log`, unless another run has meanwhile kept one of a longer log.
    pub(crate) fn keep(&self, log: &VerifierKey, memory: &Memory) -> Result<(), StoreError> {
        let store = self.writer()?;
        let name = Self::name(log);
        let known = store.get(&name, MEMORY_MAX_BYTES)?.and_then(|bytes| Memory::parse(&bytes).ok());
        if known.is_some_and(|known| known.is_later_than(memory, log)) {
            return Ok(());
        }
        store.put(&[Object { key: name, bytes: memory.format() }])
    }

    /// Keeps evidence and returns where.
    pub(crate) fn keep_evidence(&self, evidence: &Evidence) -> Result<PathBuf, StoreError> {
        let bytes = evidence.format();
        let name = format!("evidence/{}.json", Hash::of(&bytes));
        let key = Key::new(name.clone()).expect("internal error: a digest is an object name");
        self.writer()?.put_immutable(&[Object { key, bytes }])?;
        Ok(self.folder.join(name))
    }

    /// Opens the folder for writing; waits a moment for another run that does.
    fn writer(&self) -> Result<FileStore, StoreError> {
        for _ in 1..TRIES {
            match FileStore::writer(&self.folder) {
                Err(StoreError::Locked { .. }) => thread::sleep(PAUSE),
                other => return other,
            }
        }
        FileStore::writer(&self.folder)
    }
}
