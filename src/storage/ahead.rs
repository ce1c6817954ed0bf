//! Objects read before they are asked for, so that a distant store is waited for once and not once an object.
//!
//! Whoever knows what will be read gives a [plan](ReadAhead::plan); threads of this store's own fetch along it and hold
//! what they fetched until it is asked for. An object that nobody fetched yet is fetched by whoever asks: the plan is a
//! guess that costs nothing but time where it is wrong, and never changes an answer.
//!
//! Memory is bounded: at most [`HELD_MAX_FILES`] objects and about [`HELD_MAX_BYTES`] are held, and objects of more
//! than [`AHEAD_MAX_BYTES`] are left to whoever asks for them.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::{Key, Listing, Store, StoreError};

/// Objects that are held at most: what eight bundles of entries and their stored originals need, twice.
pub const HELD_MAX_FILES: usize = 4_352;
/// Bytes that are held before no more is fetched.
pub const HELD_MAX_BYTES: usize = 64 * 1024 * 1024;
/// Bytes of the largest object that is fetched ahead.
pub const AHEAD_MAX_BYTES: u64 = 4 * 1024 * 1024;
/// Names that were asked for before the plan came to them, as far as they are remembered.
const OVERTAKEN_MAX: usize = 65_536;

/// An object that will be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Its name.
    pub key: Key,
    /// The largest that will be read.
    pub limit: u64,
}

/// What will be asked for, in order.
pub type Plan = Box<dyn Iterator<Item = Wanted> + Send>;
/// Says what will be asked for once an object with these bytes was read.
pub type Follow = Box<dyn Fn(&Key, &[u8]) -> Vec<Wanted> + Send + Sync>;

/// A store that reads ahead of its readers.
pub struct ReadAhead {
    shared: Arc<Shared>,
}

struct Shared {
    inner: Arc<dyn Store>,
    state: Mutex<State>,
    turned: Condvar,
}

struct State {
    plan: Plan,
    follow: Arc<Follow>,
    /// What follows from objects that were fetched: before the rest of the plan.
    next: VecDeque<Wanted>,
    held: HashMap<Key, Slot>,
    /// Names of what is held, oldest first; also of some that were taken since.
    order: VecDeque<Key>,
    bytes: usize,
    /// Asked for before the plan came to them.
    overtaken: HashSet<Key>,
    closed: bool,
}

type Fetched = Result<Option<Vec<u8>>, StoreError>;

enum Slot {
    Fetching,
    Fetched(Fetched),
}

impl ReadAhead {
    /// Reads `plan` ahead from `inner` in as many threads.
    pub fn new(inner: Arc<dyn Store>, threads: usize, plan: Plan, follow: Follow) -> Self {
        let state = State {
            plan,
            follow: Arc::new(follow),
            next: VecDeque::new(),
            held: HashMap::new(),
            order: VecDeque::new(),
            bytes: 0,
            overtaken: HashSet::new(),
            closed: false,
        };
        let shared = Arc::new(Shared { inner, state: Mutex::new(state), turned: Condvar::new() });
        for _ in 0..threads {
            let shared = Arc::clone(&shared);
            // Without it everything is as well, and slower.
            let _ = thread::Builder::new().name("read-ahead".into()).spawn(move || shared.work());
        }
        ReadAhead { shared }
    }
}

impl Drop for ReadAhead {
    fn drop(&mut self) {
        // Threads that wait for a server end when it answers; nobody waits for them.
        self.shared.lock().closed = true;
        self.shared.turned.notify_all();
    }
}

impl fmt::Debug for ReadAhead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadAhead").finish_non_exhaustive()
    }
}

impl State {
    fn has_room(&self) -> bool {
        self.held.len() < HELD_MAX_FILES && self.bytes < HELD_MAX_BYTES
    }

    /// Takes what is to be fetched next, and marks it so.
    fn begin(&mut self) -> Option<Wanted> {
        loop {
            let wanted = self.next.pop_front().or_else(|| self.plan.next())?;
            if self.overtaken.remove(&wanted.key) || self.held.contains_key(&wanted.key) {
                continue;
            }
            self.held.insert(wanted.key.clone(), Slot::Fetching);
            self.order.push_back(wanted.key.clone());
            return Some(wanted);
        }
    }

    fn take(&mut self, key: &Key) -> Option<Fetched> {
        match self.held.remove(key)? {
            Slot::Fetched(fetched) => {
                self.bytes -= size(&fetched);
                Some(fetched)
            }
            Slot::Fetching => {
                self.held.insert(key.clone(), Slot::Fetching);
                None
            }
        }
    }

    /// Gives up what nobody asked for, so that the plan can go on where its order was not the readers'.
    fn make_room(&mut self) {
        while !self.has_room() {
            let Some(oldest) = self.order.pop_front() else { return };
            if matches!(self.held.get(&oldest), Some(Slot::Fetching)) {
                self.order.push_front(oldest);
                return;
            }
            self.take(&oldest);
        }
    }
}

fn size(fetched: &Fetched) -> usize {
    fetched.as_ref().ok().and_then(Option::as_ref).map_or(0, Vec::len)
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.turned.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        let mut state = self.lock();
        loop {
            while !state.closed && !state.has_room() {
                state = self.wait(state);
            }
            if state.closed {
                return;
            }
            let Some(wanted) = state.begin() else {
                // Something may still follow from what others fetch.
                if !state.held.values().any(|slot| matches!(slot, Slot::Fetching)) {
                    return;
                }
                state = self.wait(state);
                continue;
            };
            let follow = Arc::clone(&state.follow);
            drop(state);
            let fetched = self.inner.get(&wanted.key, wanted.limit.min(AHEAD_MAX_BYTES));
            let following = match &fetched {
                Ok(Some(bytes)) => follow(&wanted.key, bytes),
                _ => Vec::new(),
            };
            state = self.lock();
            state.bytes += size(&fetched);
            following.into_iter().rev().for_each(|wanted| state.next.push_front(wanted));
            state.held.insert(wanted.key, Slot::Fetched(fetched));
            while state.order.len() > 2 * HELD_MAX_FILES {
                let State { order, held, .. } = &mut *state;
                order.retain(|key| held.contains_key(key));
            }
            self.turned.notify_all();
        }
    }

    /// Waits for an object if it is being fetched; `None` if it is not.
    fn await_held(&self, key: &Key) -> Option<Fetched> {
        let mut state = self.lock();
        loop {
            match state.held.get(key) {
                None => {
                    state.make_room();
                    if state.overtaken.len() < OVERTAKEN_MAX {
                        state.overtaken.insert(key.clone());
                    }
                    self.turned.notify_all();
                    return None;
                }
                Some(Slot::Fetched(_)) => {
                    let fetched = state.take(key);
                    self.turned.notify_all();
                    return fetched;
                }
                Some(Slot::Fetching) => state = self.wait(state),
            }
        }
    }
}

impl Store for ReadAhead {
    fn get(&self, key: &Key, limit: u64) -> Fetched {
        match self.shared.await_held(key) {
            Some(Ok(Some(bytes))) if bytes.len() as u64 > limit => {
                Err(StoreError::TooLarge { key: key.clone(), size: bytes.len() as u64, limit })
            }
            // Larger than is fetched ahead, which need not be larger than it may be.
            None | Some(Err(StoreError::TooLarge { .. })) => self.shared.inner.get(key, limit),
            Some(fetched) => fetched,
        }
    }

    fn list(&self, folder: &str) -> Result<Listing, StoreError> {
        self.shared.inner.list(folder)
    }

    fn lists(&self) -> bool {
        self.shared.inner.lists()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::super::{MemoryStore, Object};
    use super::*;

    fn key(name: impl Into<String>) -> Key {
        Key::new(name).unwrap()
    }

    /// A store that takes a while, and counts.
    #[derive(Default)]
    struct Slow {
        objects: MemoryStore,
        now: AtomicUsize,
        most: AtomicUsize,
        gets: AtomicUsize,
    }

    impl Store for Slow {
        fn get(&self, key: &Key, limit: u64) -> Fetched {
            let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
            self.most.fetch_max(now, Ordering::SeqCst);
            self.gets.fetch_add(1, Ordering::SeqCst);
            thread::sleep(Duration::from_millis(2));
            self.now.fetch_sub(1, Ordering::SeqCst);
            self.objects.get(key, limit)
        }

        fn list(&self, folder: &str) -> Result<Listing, StoreError> {
            self.objects.list(folder)
        }
    }

    fn slow(count: usize, bytes: usize) -> Arc<Slow> {
        let slow = Arc::new(Slow::default());
        let objects = (0..count).map(|n| Object { key: key(format!("o/{n}")), bytes: vec![n as u8; bytes] });
        slow.objects.put(&objects.collect::<Vec<_>>()).unwrap();
        slow
    }

    fn plan(names: impl Iterator<Item = usize> + Send + 'static) -> Plan {
        Box::new(names.map(|n| Wanted { key: key(format!("o/{n}")), limit: u64::MAX }))
    }

    fn nothing() -> Follow {
        Box::new(|_, _| Vec::new())
    }

    #[test]
    fn each_object_is_fetched_once_and_many_at_a_time() {
        let store = slow(200, 3);
        let ahead = ReadAhead::new(store.clone(), 8, plan(0..200), nothing());
        for n in 0..200 {
            assert_eq!(ahead.get(&key(format!("o/{n}")), 9).unwrap(), Some(vec![n as u8; 3]));
        }
        assert_eq!(ahead.get(&key("never"), 9).unwrap(), None);
        assert!(store.most.load(Ordering::SeqCst) > 1);
        assert_eq!(store.gets.load(Ordering::SeqCst), 201);
    }

    #[test]
    fn any_other_order_gives_the_same() {
        let store = slow(100, 3);
        let ahead = ReadAhead::new(store.clone(), 4, plan((0..100).chain(500..600)), nothing());
        for n in (0..100).rev().chain(0..100) {
            assert_eq!(ahead.get(&key(format!("o/{n}")), 9).unwrap(), Some(vec![n as u8; 3]), "{n}");
        }
    }

    #[test]
    fn memory_is_bounded_and_the_plan_goes_on() {
        let bytes = 3 * 1024 * 1024;
        let store = slow(60, bytes);
        let ahead = ReadAhead::new(store.clone(), 4, plan(0..60), nothing());
        thread::sleep(Duration::from_millis(300));
        // Nobody asked yet: what is held is within the bound, but for what was under way.
        let most = HELD_MAX_BYTES / bytes + 5;
        assert!(store.gets.load(Ordering::SeqCst) <= most, "{}", store.gets.load(Ordering::SeqCst));
        // Nobody ever asks for the first half.
        for n in 30..60 {
            assert_eq!(ahead.get(&key(format!("o/{n}")), u64::MAX).unwrap().unwrap().len(), bytes, "{n}");
        }
        assert!(ahead.shared.lock().bytes <= HELD_MAX_BYTES + 4 * bytes);
    }

    #[test]
    fn limits_are_the_askers() {
        let store = slow(1, AHEAD_MAX_BYTES as usize + 1);
        let ahead = ReadAhead::new(store.clone(), 1, plan(0..1), nothing());
        assert!(ahead.get(&key("o/0"), u64::MAX).unwrap().is_some(), "larger than is fetched ahead");
        let ahead = ReadAhead::new(slow(1, 10), 1, plan(0..1), nothing());
        assert!(matches!(ahead.get(&key("o/0"), 9), Err(StoreError::TooLarge { size: 10, limit: 9, .. })));
    }

    #[test]
    fn what_follows_is_fetched_too() {
        let store = slow(20, 3);
        let follow: Follow = Box::new(|key, _| match key.as_str() {
            "o/0" => {
                (10..20).map(|n| Wanted { key: super::tests::key(format!("o/{n}")), limit: 9 }).collect()
            }
            _ => Vec::new(),
        });
        let ahead = ReadAhead::new(store.clone(), 4, plan(0..1), follow);
        thread::sleep(Duration::from_millis(200));
        assert_eq!(store.gets.load(Ordering::SeqCst), 11);
        assert!(ahead.get(&key("o/15"), 9).unwrap().is_some());
        assert_eq!(store.gets.load(Ordering::SeqCst), 11);
    }
}
