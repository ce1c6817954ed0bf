//! A disk that keeps, at a crash, of what was not synced only what it likes.
//!
//! Strict where POSIX is: bytes last once they were synced, a name once its folder was. What is pending at a crash is kept or
//! dropped change by change, in any combination that [`Crash`] names; a file keeps all of its bytes, none, or some. A
//! rename is one change. Seeded, so that a run can be seen again.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dateline::base::Hash;
use dateline::storage::disk::{Disk, Kind, Lock};

/// What is left of what was not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Crash {
    /// Nothing.
    Nothing,
    /// All: the process ends, the machine does not.
    Everything,
    /// Names, and files without their bytes: what a file system does that orders its journal alone.
    Names,
    /// The change of names that came last, without those before it, and no bytes.
    Last,
    /// Each change, and some of the bytes of each file, by the throw of a coin.
    Some(u64),
}

/// What is made to go wrong.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Plan {
    /// The call, counted from 0, at which the machine stops: it is begun, and neither it nor any later one returns.
    pub(crate) stop_at: Option<u64>,
    /// The call that fails, once, with nothing done; what it was to sync is dropped from memory, as Linux does.
    pub(crate) fail_at: Option<u64>,
    /// The sync, counted from 0, that does nothing and says that it did.
    pub(crate) lie_at: Option<u64>,
}

/// Where a name stands: in which folder, and how it reads.
type Place = (usize, String);

#[derive(Debug, Clone)]
enum Node {
    /// The bytes, and those that are on the disk for sure.
    File { bytes: Vec<u8>, synced: Vec<u8> },
    /// What is in it, and what is in it for sure.
    Folder { names: BTreeMap<String, usize>, synced: BTreeMap<String, usize> },
}

/// A change of names that is not on the disk for sure.
#[derive(Debug, Clone)]
struct Change {
    gone: Option<Place>,
    come: Option<(Place, usize)>,
}

#[derive(Debug, Clone, Default)]
struct State {
    nodes: Vec<Node>,
    pending: Vec<Change>,
    locked: bool,
    plan: Plan,
    calls: u64,
    syncs: u64,
    stopped: bool,
}

/// Clones share the disk; [`SimulatedDisk::copy`] makes another.
#[derive(Debug, Clone)]
pub(crate) struct SimulatedDisk(Arc<Mutex<State>>);

impl SimulatedDisk {
    pub(crate) fn new() -> Self {
        let root = Node::Folder { names: BTreeMap::new(), synced: BTreeMap::new() };
        SimulatedDisk(Arc::new(Mutex::new(State { nodes: vec![root], ..State::default() })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same disk, under another plan, with its calls counted from 0.
    pub(crate) fn copy(&self, plan: Plan) -> Self {
        let state = State { plan, calls: 0, syncs: 0, stopped: false, locked: false, ..self.state().clone() };
        SimulatedDisk(Arc::new(Mutex::new(state)))
    }

    /// Puts the disk under another plan from now on, with its calls counted from 0.
    pub(crate) fn set_plan(&self, plan: Plan) {
        let mut state = self.state();
        (state.plan, state.calls, state.syncs) = (plan, 0, 0);
    }

    /// How many calls there were that change something, and how many of them sync.
    pub(crate) fn counted(&self) -> (u64, u64) {
        let state = self.state();
        (state.calls, state.syncs)
    }

    /// Whether the plan's stop was reached.
    pub(crate) fn has_stopped(&self) -> bool {
        self.state().stopped
    }

    /// What a machine finds that was started again.
    pub(crate) fn after(&self, crash: Crash) -> Self {
        let mut state = self.state().clone();
        let mut coin = Coin::of(crash);
        let pending = std::mem::take(&mut state.pending);
        let last = pending.len().saturating_sub(1);
        for (number, change) in pending.into_iter().enumerate() {
            if coin.keeps_name(number == last) {
                state.make_sure(&change);
            }
        }
        for node in &mut state.nodes {
            match node {
                Node::File { bytes, synced } => {
                    if bytes != synced {
                        *bytes = coin.bytes(bytes, synced);
                    }
                    synced.clone_from(bytes);
                }
                Node::Folder { names, synced } => names.clone_from(synced),
            }
        }
        let state =
            State { plan: Plan::default(), calls: 0, syncs: 0, stopped: false, locked: false, ..state };
        SimulatedDisk(Arc::new(Mutex::new(state)))
    }
}

struct Coin {
    crash: Crash,
    thrown: u64,
}

impl Coin {
    fn of(crash: Crash) -> Self {
        Coin { crash, thrown: 0 }
    }

    fn throw(&mut self, seed: u64) -> u64 {
        self.thrown += 1;
        let hash = Hash::of(format!("{seed} {}", self.thrown).as_bytes());
        u64::from_be_bytes(std::array::from_fn(|place| hash.0[place]))
    }

    fn keeps_name(&mut self, is_last: bool) -> bool {
        match self.crash {
            Crash::Nothing => false,
            Crash::Last => is_last,
            Crash::Everything | Crash::Names => true,
            Crash::Some(seed) => self.throw(seed).is_multiple_of(2),
        }
    }

    fn bytes(&mut self, new: &[u8], old: &[u8]) -> Vec<u8> {
        match self.crash {
            Crash::Nothing | Crash::Names | Crash::Last => old.to_vec(),
            Crash::Everything => new.to_vec(),
            Crash::Some(seed) => match self.throw(seed) % 4 {
                0 => old.to_vec(),
                1 => new.to_vec(),
                // A part that was written, and zeros where the rest was to be.
                2 => {
                    let kept = (self.throw(seed) % (new.len() as u64 + 1)) as usize;
                    new[..kept].iter().copied().chain(std::iter::repeat(0)).take(new.len()).collect()
                }
                _ => new[..(self.throw(seed) % (new.len() as u64 + 1)) as usize].to_vec(),
            },
        }
    }
}

impl State {
    fn folder(&mut self, node: usize) -> (&mut BTreeMap<String, usize>, &mut BTreeMap<String, usize>) {
        match &mut self.nodes[node] {
            Node::Folder { names, synced } => (names, synced),
            Node::File { .. } => panic!("a file is used as a folder"),
        }
    }

    fn find(&self, path: &Path) -> io::Result<usize> {
        let mut at = 0;
        for part in path.strip_prefix("/").unwrap() {
            let Node::Folder { names, .. } = &self.nodes[at] else {
                return Err(ErrorKind::NotADirectory.into());
            };
            at = *names.get(part.to_str().unwrap()).ok_or(ErrorKind::NotFound)?;
        }
        Ok(at)
    }

    fn place(&self, path: &Path) -> io::Result<Place> {
        let folder = self.find(path.parent().unwrap())?;
        Ok((folder, path.file_name().unwrap().to_str().unwrap().to_owned()))
    }

    /// Applies a change to what programs see.
    fn show(&mut self, change: Change) {
        if let Some((folder, name)) = &change.gone {
            self.folder(*folder).0.remove(name);
        }
        if let Some(((folder, name), node)) = &change.come {
            self.folder(*folder).0.insert(name.clone(), *node);
        }
        self.pending.push(change);
    }

    /// Applies a change to what is on the disk for sure.
    fn make_sure(&mut self, change: &Change) {
        if let Some((folder, name)) = &change.gone {
            self.folder(*folder).1.remove(name);
        }
        if let Some(((folder, name), node)) = &change.come {
            self.folder(*folder).1.insert(name.clone(), *node);
        }
    }

    /// Makes the changes sure that `of` chooses; with a rename whatever made the file under its old name.
    fn sync_names(&mut self, of: impl Fn(usize) -> bool) {
        let pending = std::mem::take(&mut self.pending);
        let touches = |change: &Change| {
            change.gone.as_ref().is_some_and(|(folder, _)| of(*folder))
                || change.come.as_ref().is_some_and(|((folder, _), _)| of(*folder))
        };
        let moved: Vec<Place> = pending
            .iter()
            .filter(|change| touches(change))
            .filter_map(|change| change.gone.clone())
            .collect();
        for change in pending {
            if touches(&change) {
                self.make_sure(&change);
            } else if !change.come.as_ref().is_some_and(|(place, _)| moved.contains(place)) {
                self.pending.push(change);
            }
        }
    }

    fn sync_bytes(&mut self, node: usize) {
        if let Node::File { bytes, synced } = &mut self.nodes[node] {
            synced.clone_from(bytes);
        }
    }

    /// Counts a call that changes something. It is done only if this returns `Ok(true)`; with `Ok(false)` it is not, and nobody
    /// is told.
    fn call(&mut self, syncs: bool) -> io::Result<bool> {
        let (call, sync) = (self.calls, self.syncs);
        self.calls += 1;
        self.syncs += u64::from(syncs);
        self.stopped |= self.plan.stop_at == Some(call);
        if self.stopped {
            return Err(io::Error::other("the machine has stopped"));
        }
        if self.plan.fail_at == Some(call) {
            return Err(io::Error::other("a fault was asked for"));
        }
        Ok(!(syncs && self.plan.lie_at == Some(sync)))
    }
}

impl Disk for SimulatedDisk {
    fn kind(&self, path: &Path) -> io::Result<Kind> {
        let state = self.state();
        match state.nodes[state.find(path)?] {
            Node::File { .. } => Ok(Kind::File),
            Node::Folder { .. } => Ok(Kind::Folder),
        }
    }

    fn size(&self, path: &Path) -> io::Result<u64> {
        Ok(self.read(path, 0, u64::MAX)?.len() as u64)
    }

    fn read(&self, path: &Path, from: u64, limit: u64) -> io::Result<Vec<u8>> {
        let state = self.state();
        match &state.nodes[state.find(path)?] {
            Node::File { bytes, .. } => {
                let from = bytes.len().min(usize::try_from(from).unwrap_or(usize::MAX));
                let end = bytes.len().min(from.saturating_add(usize::try_from(limit).unwrap_or(usize::MAX)));
                Ok(bytes[from..end].to_vec())
            }
            Node::Folder { .. } => Err(ErrorKind::IsADirectory.into()),
        }
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<(String, Kind)>> {
        let names: Vec<String> = {
            let mut state = self.state();
            let node = state.find(folder)?;
            state.folder(node).0.keys().cloned().collect()
        };
        names.into_iter().map(|name| Ok((name.clone(), self.kind(&folder.join(name))?))).collect()
    }

    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        let mut state = self.state();
        let place = state.place(folder)?;
        if state.find(folder).is_ok() {
            return Err(ErrorKind::AlreadyExists.into());
        }
        state.call(false)?;
        state.nodes.push(Node::Folder { names: BTreeMap::new(), synced: BTreeMap::new() });
        let node = state.nodes.len() - 1;
        state.show(Change { gone: None, come: Some((place, node)) });
        Ok(())
    }

    fn create(&self, path: &Path, bytes: &[u8], synced: bool) -> io::Result<()> {
        let mut state = self.state();
        let place = state.place(path)?;
        if state.find(path).is_ok() {
            return Err(ErrorKind::AlreadyExists.into());
        }
        // What a stop or a fault leaves of it is a file that was not synced.
        let called = state.call(synced);
        let bytes = if state.plan.fail_at == Some(state.calls - 1) { Vec::new() } else { bytes.to_vec() };
        state.nodes.push(Node::File { bytes, synced: Vec::new() });
        let node = state.nodes.len() - 1;
        state.show(Change { gone: None, come: Some((place, node)) });
        if called? && synced {
            state.sync_bytes(node);
        }
        Ok(())
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state();
        let (node, to) = (state.find(from)?, state.place(to)?);
        if state.folder(to.0).0.contains_key(&to.1) {
            return Err(ErrorKind::AlreadyExists.into());
        }
        let called = state.call(false);
        if called.is_ok() || state.stopped {
            state.show(Change { gone: None, come: Some((to, node)) });
        }
        called.map(drop)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state();
        let (node, there) = (state.find(from)?, state.find(to).ok());
        let (from, to) = (state.place(from)?, state.place(to)?);
        let called = state.call(false);
        // Of two names of one file neither goes, as POSIX has it.
        if there == Some(node) {
            return called.map(drop);
        }
        if called.is_ok() || state.stopped {
            state.show(Change { gone: Some(from), come: Some((to, node)) });
        }
        called.map(drop)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        let mut state = self.state();
        let node = state.find(folder)?;
        if state.call(true)? {
            state.sync_names(|folder| folder == node);
        }
        Ok(())
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        let node = state.find(path)?;
        if matches!(state.nodes[node], Node::Folder { .. }) {
            return Err(ErrorKind::IsADirectory.into());
        }
        let place = state.place(path)?;
        state.call(false)?;
        state.show(Change { gone: Some(place), come: None });
        Ok(())
    }

    fn remove_folder(&self, folder: &Path) -> io::Result<()> {
        let mut state = self.state();
        let node = state.find(folder)?;
        let place = state.place(folder)?;
        if !state.folder(node).0.is_empty() {
            return Err(ErrorKind::DirectoryNotEmpty.into());
        }
        state.call(false)?;
        state.show(Change { gone: Some(place), come: None });
        Ok(())
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Lock>>> {
        if self.kind(path).is_err() {
            self.create(path, b"", false)?;
        }
        let mut state = self.state();
        if std::mem::replace(&mut state.locked, true) {
            return Ok(None);
        }
        Ok(Some(Box::new(SimulatedLock(self.clone()))))
    }
}

#[derive(Debug)]
struct SimulatedLock(SimulatedDisk);

impl Lock for SimulatedLock {
    fn can_sync_everything(&self) -> bool {
        true
    }

    fn sync_everything(&self) -> io::Result<()> {
        let mut state = self.0.state();
        match state.call(true) {
            Ok(true) => {
                state.sync_names(|_| true);
                (0..state.nodes.len()).for_each(|node| state.sync_bytes(node));
                Ok(())
            }
            Ok(false) => Ok(()),
            Err(error) => {
                if !state.stopped {
                    // The pages are dropped, and the next sync knows nothing of it.
                    for node in &mut state.nodes {
                        if let Node::File { bytes, synced } = node {
                            bytes.clone_from(synced);
                        }
                    }
                }
                Err(error)
            }
        }
    }
}

impl Drop for SimulatedLock {
    fn drop(&mut self) {
        self.0.state().locked = false;
    }
}

/// Where the log lies on every such disk.
pub(crate) fn folder() -> PathBuf {
    PathBuf::from("/records")
}
