//! Objects read before they are asked for, so that a distant store is waited for once and not once an object.
//!
//! Whoever knows what will be read gives a [`Plan`]; threads of this store's own fetch along it and hold
//! what they fetched until it is asked for. An object that nobody fetched yet is fetched by whoever asks: the plan is a
//! guess that costs nothing but time where it is wrong, and never changes an answer. It is begun once the object was
//! read that readers always read first, and again each time they read that: what was fetched before it may be older than it is.
//!
//! What is read in its wake (a bundle's stored originals) is fetched in the order of the plan too, however the answers
//! come in.
//!
//! Memory is bounded: at most [`HELD_MAX_FILES`] objects and about [`HELD_MAX_BYTES`] are held, and objects of more
//! than [`AHEAD_MAX_BYTES`] are left to whoever asks for them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::panic::{self, AssertUnwindSafe};
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
/// Places of the plan that readers may jump about in: what lies farther back will not be asked for any more.
const JUMP: u64 = 128;
/// Objects that were asked for and not held, one after the other, before the plan is given up as wrong.
const MISSES_MAX: usize = 2_048;

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
/// Begins the plan.
pub type Begin = Box<dyn Fn() -> Plan + Send + Sync>;
/// Says what will be asked for once an object with these bytes was read.
pub type Follow = Box<dyn Fn(&Key, &[u8]) -> Vec<Wanted> + Send + Sync>;

/// A store that reads ahead of its readers.
pub struct ReadAhead {
    shared: Arc<Shared>,
}

struct Shared {
    inner: Arc<dyn Store>,
    /// What readers always read first, and not by the plan.
    first: Key,
    begin: Begin,
    follow: Follow,
    state: Mutex<State>,
    turned: Condvar,
}

struct State {
    plan: Plan,
    /// How often a plan was begun: what belongs to an earlier one is of no use.
    round: u64,
    /// How much of the plan was begun.
    begun: u64,
    /// What follows from objects that were fetched: before the rest of the plan.
    next: BTreeMap<Place, Wanted>,
    held: HashMap<Key, Held>,
    /// What is held and fetched, by place.
    places: BTreeMap<Place, Key>,
    /// How far readers are.
    reached: u64,
    /// How many objects readers did not find here, since they last found one.
    misses: usize,
    /// How much follows from what readers fetched themselves.
    followed: usize,
    bytes: usize,
    /// Asked for before the plan came to them.
    overtaken: HashSet<Key>,
    closed: bool,
}

type Fetched = Result<Option<Vec<u8>>, StoreError>;

/// What follows from what a reader fetched himself stands after what follows from the plan there.
const FOLLOWED: usize = usize::MAX / 2;

/// Where an object stands: in the plan, and among what follows from that.
type Place = (u64, usize);

struct Held {
    place: Place,
    /// `None` while it is being fetched.
    fetched: Option<Fetched>,
}

impl ReadAhead {
    /// Reads ahead from `inner` in as many threads, along the plan of `begin`; from its beginning whenever `first` was
    /// read.
    pub fn new(inner: Arc<dyn Store>, threads: usize, first: Key, begin: Begin, follow: Follow) -> Self {
        let state = State {
            plan: Box::new(std::iter::empty()),
            round: 0,
            begun: 0,
            next: BTreeMap::new(),
            held: HashMap::new(),
            places: BTreeMap::new(),
            reached: 0,
            misses: 0,
            followed: 0,
            bytes: 0,
            overtaken: HashSet::new(),
            closed: false,
        };
        let shared = Arc::new(Shared {
            inner,
            first,
            begin,
            follow,
            state: Mutex::new(state),
            turned: Condvar::new(),
        });
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
    fn begin(&mut self) -> Option<(Place, Wanted)> {
        loop {
            let (place, wanted) = match self.next.pop_first() {
                Some(next) => next,
                None => {
                    self.begun += 1;
                    ((self.begun, 0), self.plan.next()?)
                }
            };
            if self.overtaken.remove(&wanted.key) || self.held.contains_key(&wanted.key) {
                continue;
            }
            self.held.insert(wanted.key.clone(), Held { place, fetched: None });
            return Some((place, wanted));
        }
    }

    /// Notes what follows from an object that a reader fetched himself: it is asked for soon.
    fn follow(&mut self, following: Vec<Wanted>) {
        for wanted in following {
            self.followed += 1;
            self.next.insert((self.reached, FOLLOWED + self.followed), wanted);
        }
    }

    /// Holds what was fetched.
    fn end(&mut self, place: Place, key: Key, fetched: Fetched) {
        self.bytes += size(&fetched);
        self.places.insert(place, key.clone());
        if let Some(held) = self.held.get_mut(&key) {
            held.fetched = Some(fetched);
        }
    }

    /// Gives out what was fetched.
    fn take(&mut self, key: &Key) -> Option<Fetched> {
        self.held.get(key)?.fetched.as_ref()?;
        let held = self.held.remove(key)?;
        self.places.remove(&held.place);
        (self.reached, self.misses) = (self.reached.max(held.place.0), 0);
        let fetched = held.fetched?;
        self.bytes -= size(&fetched);
        Some(fetched)
    }

    /// Notes that a reader did not find `key` here. Gives up what nobody will ask for any more.
    fn miss(&mut self, key: &Key) {
        self.misses += 1;
        if self.misses > MISSES_MAX {
            self.set_plan(Box::new(std::iter::empty()));
        }
        while let Some((place, key)) = self.places.first_key_value()
            && place.0 + JUMP < self.reached
        {
            let key = key.clone();
            self.take(&key);
        }
        if self.overtaken.len() < OVERTAKEN_MAX {
            self.overtaken.insert(key.clone());
        }
    }

    /// Follows another plan from now on.
    fn set_plan(&mut self, plan: Plan) {
        self.plan = plan;
        self.round += 1;
        (self.begun, self.reached, self.misses, self.bytes) = (0, 0, 0, 0);
        self.next.clear();
        self.overtaken.clear();
        self.places.clear();
        self.held.clear();
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
            let Some((place, wanted)) = state.begin() else {
                // Something may still follow from what others fetch, or all begin again.
                state = self.wait(state);
                continue;
            };
            let round = state.round;
            drop(state);
            let fetch = || {
                let fetched = self.inner.get(&wanted.key, wanted.limit.min(AHEAD_MAX_BYTES));
                let following = match &fetched {
                    Ok(Some(bytes)) => (self.follow)(&wanted.key, bytes),
                    _ => Vec::new(),
                };
                (fetched, following)
            };
            // Nobody may wait for a thread that is gone: a reader meets the same fault when he asks himself.
            let done = panic::catch_unwind(AssertUnwindSafe(fetch));
            state = self.lock();
            match done {
                _ if state.round != round => {}
                Ok((fetched, following)) => {
                    let following = following.into_iter().zip(1..);
                    state.next.extend(following.map(|(wanted, number)| ((place.0, number), wanted)));
                    state.end(place, wanted.key, fetched);
                }
                Err(_) => {
                    state.held.remove(&wanted.key);
                }
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
                    state.miss(key);
                    self.turned.notify_all();
                    return None;
                }
                Some(Held { fetched: None, .. }) => state = self.wait(state),
                Some(_) => {
                    let fetched = state.take(key);
                    self.turned.notify_all();
                    return fetched;
                }
            }
        }
    }
}

impl Store for ReadAhead {
    fn get(&self, key: &Key, limit: u64) -> Fetched {
        if *key == self.shared.first {
            let fetched = self.shared.inner.get(key, limit);
            let plan = (self.shared.begin)();
            self.shared.lock().set_plan(plan);
            self.shared.turned.notify_all();
            return fetched;
        }
        match self.shared.await_held(key) {
            Some(Ok(Some(bytes))) if bytes.len() as u64 > limit => {
                Err(StoreError::TooLarge { key: key.clone(), size: bytes.len() as u64, limit })
            }
            // Larger than is fetched ahead, which need not be larger than it may be.
            None | Some(Err(StoreError::TooLarge { .. })) => {
                let fetched = self.shared.inner.get(key, limit);
                if let Ok(Some(bytes)) = &fetched {
                    let following = (self.shared.follow)(key, bytes);
                    if !following.is_empty() {
                        self.shared.lock().follow(following);
                        self.shared.turned.notify_all();
                    }
                }
                fetched
            }
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
            self.gets.fetch_add(usize::from(key.as_str() != "first"), Ordering::SeqCst);
            // What is answered is what was there when it was asked.
            let found = self.objects.get(key, limit);
            thread::sleep(Duration::from_millis(2));
            self.now.fetch_sub(1, Ordering::SeqCst);
            found
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

    fn reader(
        store: &Arc<Slow>,
        threads: usize,
        names: impl Iterator<Item = usize> + Clone + Send + Sync + 'static,
        follow: Follow,
    ) -> ReadAhead {
        let begin: Begin = Box::new(move || {
            let wanted = |n: usize| Wanted { key: key(format!("o/{n}")), limit: u64::MAX };
            Box::new(names.clone().map(wanted))
        });
        let ahead = ReadAhead::new(store.clone(), threads, key("first"), begin, follow);
        assert_eq!(
            store.gets.load(Ordering::SeqCst),
            0,
            "nothing is fetched before the first object was read"
        );
        ahead.get(&key("first"), 9).unwrap();
        ahead
    }

    fn nothing() -> Follow {
        Box::new(|_, _| Vec::new())
    }

    #[test]
    fn each_object_is_fetched_once_and_many_at_a_time() {
        let store = slow(200, 3);
        let ahead = reader(&store, 8, 0..200, nothing());
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
        let ahead = reader(&store, 4, (0..100).chain(500..600), nothing());
        for n in (0..100).rev().chain(0..100) {
            assert_eq!(ahead.get(&key(format!("o/{n}")), 9).unwrap(), Some(vec![n as u8; 3]), "{n}");
        }
    }

    #[test]
    fn memory_is_bounded_and_the_plan_goes_on() {
        let bytes = 3 * 1024 * 1024;
        let store = slow(60, bytes);
        let ahead = reader(&store, 4, 0..60, nothing());
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
    fn a_plan_that_is_wrong_is_given_up() {
        let store = slow(0, 0);
        let ahead = reader(&store, 4, 0..usize::MAX, nothing());
        for n in 0..=MISSES_MAX {
            assert_eq!(ahead.get(&key(format!("p/{n}")), 9).unwrap(), None);
        }
        thread::sleep(Duration::from_millis(50));
        let state = ahead.shared.lock();
        assert!(state.places.is_empty() && state.held.len() == state.places.len());
    }

    #[test]
    fn readers_who_begin_again_are_read_ahead_of_again() {
        let store = slow(300, 3);
        let ahead = reader(&store, 8, 0..300, nothing());
        for round in 1..=3 {
            assert_eq!(ahead.get(&key("first"), 9).unwrap(), None);
            // What the round before had begun to fetch by now is none of this one's, however far it came.
            store.most.store(0, Ordering::SeqCst);
            store.gets.store(0, Ordering::SeqCst);
            for n in 0..300 {
                assert_eq!(ahead.get(&key(format!("o/{n}")), 9).unwrap(), Some(vec![n as u8; 3]));
            }
            assert!(store.most.load(Ordering::SeqCst) > 2, "{round}");
            // Each once, but for what a thread had taken up and not begun to fetch when the round began.
            let gets = store.gets.load(Ordering::SeqCst);
            assert!(gets <= 300 + 8, "{round}: {gets}");
        }
    }

    #[test]
    fn nothing_is_older_than_the_first_object() {
        let store = slow(20, 1);
        let ahead = reader(&store, 4, 0..20, nothing());
        for round in 0..100 {
            let objects = (0..20).map(|n| Object { key: key(format!("o/{n}")), bytes: vec![round] });
            store.objects.put(&objects.collect::<Vec<_>>()).unwrap();
            ahead.get(&key("first"), 9).unwrap();
            // Some of what was begun before is fetched by now, some is not.
            for n in (0..20).step_by(1 + usize::from(round % 7)) {
                assert_eq!(ahead.get(&key(format!("o/{n}")), 9).unwrap(), Some(vec![round]), "{n}");
            }
        }
    }

    #[test]
    fn limits_are_the_askers() {
        let store = slow(1, AHEAD_MAX_BYTES as usize + 1);
        let ahead = reader(&store, 1, 0..1, nothing());
        assert!(ahead.get(&key("o/0"), u64::MAX).unwrap().is_some(), "larger than is fetched ahead");
        let ahead = reader(&slow(1, 10), 1, 0..1, nothing());
        assert!(matches!(ahead.get(&key("o/0"), 9), Err(StoreError::TooLarge { size: 10, limit: 9, .. })));
    }

    #[test]
    fn a_fault_in_a_thread_keeps_nobody_waiting() {
        let store = slow(3, 3);
        let follow: Follow = Box::new(|key, _| {
            let ahead = thread::current().name() == Some("read-ahead");
            assert!(!ahead || key.as_str() != "o/1", "a fault was asked for");
            Vec::new()
        });
        let ahead = reader(&store, 1, 0..3, follow);
        for n in [2, 1, 0] {
            assert!(ahead.get(&key(format!("o/{n}")), 9).unwrap().is_some(), "{n}");
        }
    }

    #[test]
    fn what_follows_is_fetched_in_the_order_of_the_plan() {
        // Twenty objects, each followed by four hundred: more than are held, with more threads than there are objects.
        let store = slow(20 * 401, 1);
        let follow: Follow = Box::new(|key, _| {
            let n: usize = key.as_str()[2..].parse().unwrap();
            let following = if n < 20 { 20 + n * 400..20 + (n + 1) * 400 } else { 0..0 };
            following.map(|n| Wanted { key: super::tests::key(format!("o/{n}")), limit: 9 }).collect()
        });
        let ahead = reader(&store, 64, 0..20, follow);
        for n in 0..20 {
            assert!(ahead.get(&key(format!("o/{n}")), 9).unwrap().is_some());
            for following in 20 + n * 400..20 + (n + 1) * 400 {
                assert!(ahead.get(&key(format!("o/{following}")), 9).unwrap().is_some());
            }
        }
        // Hardly anything was fetched twice, or by the reader himself.
        let gets = store.gets.load(Ordering::SeqCst);
        assert!(gets <= 20 * 401 + 200, "{gets}");
    }

    #[test]
    fn what_follows_from_what_a_reader_fetched_himself_is_fetched_too() {
        let store = slow(20, 3);
        let follow: Follow = Box::new(|key, _| match key.as_str() {
            "o/0" => {
                (10..20).map(|n| Wanted { key: super::tests::key(format!("o/{n}")), limit: 9 }).collect()
            }
            _ => Vec::new(),
        });
        let ahead = reader(&store, 4, 0..0, follow);
        assert!(ahead.get(&key("o/0"), 9).unwrap().is_some());
        thread::sleep(Duration::from_millis(200));
        assert_eq!(store.gets.load(Ordering::SeqCst), 11);
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
        let ahead = reader(&store, 4, 0..1, follow);
        thread::sleep(Duration::from_millis(200));
        assert_eq!(store.gets.load(Ordering::SeqCst), 11);
        assert!(ahead.get(&key("o/15"), 9).unwrap().is_some());
        assert_eq!(store.gets.load(Ordering::SeqCst), 11);
    }
}
