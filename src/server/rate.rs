//! Limits on how often one may ask: a bucket of tokens for each token or address, filled evenly; and on how much of one is under
//! way at a time.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::base::Hash;

/// Buckets that are kept; the fullest, which say nothing, go first.
const BUCKETS_MAX: usize = 65_536;

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Who {
    /// Whoever has this token.
    Token(Hash),
    /// All together.
    Anybody,
    /// Somebody at this address. Of IPv6 the first 64 bits: one household has them all.
    Address(IpAddr),
}

impl Who {
    pub(crate) fn at(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Who::Address(address),
            IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
                Some(v4) => Who::Address(IpAddr::V4(v4)),
                None => Who::Address(IpAddr::from(std::array::from_fn::<u8, 16, _>(|n| {
                    if n < 8 { v6.octets()[n] } else { 0 }
                }))),
            },
        }
    }
}

struct Bucket {
    left: f64,
    at: Instant,
}

/// So many requests a second, and so many at once.
pub(crate) struct Rate {
    per_second: f64,
    burst: f64,
    buckets: Mutex<HashMap<Who, Bucket>>,
}

impl Rate {
    /// `per_second` may be a part of one; `burst` is at least one.
    pub(crate) fn new(per_second: f64, burst: f64) -> Self {
        Rate { per_second, burst: burst.max(1.0), buckets: Mutex::default() }
    }

    /// Takes a request of `who` at `now`; else returns after how many seconds the next is taken.
    pub(crate) fn take(&self, who: Who, now: Instant) -> Result<(), u64> {
        let mut buckets = self.buckets.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if buckets.len() >= BUCKETS_MAX && !buckets.contains_key(&who) {
            let full = |bucket: &Bucket| self.filled(bucket, now) >= self.burst;
            buckets.retain(|_, bucket| !full(bucket));
            if buckets.len() >= BUCKETS_MAX {
                buckets.clear();
            }
        }
        let bucket = buckets.entry(who).or_insert(Bucket { left: self.burst, at: now });
        bucket.left = self.filled(bucket, now);
        bucket.at = now;
        if bucket.left < 1.0 {
            let seconds = (1.0 - bucket.left) / self.per_second;
            return Err(if seconds.is_finite() { seconds.ceil().min(3_600.0) as u64 } else { 3_600 });
        }
        bucket.left -= 1.0;
        Ok(())
    }

    fn filled(&self, bucket: &Bucket, now: Instant) -> f64 {
        let since = now.saturating_duration_since(bucket.at).as_secs_f64();
        (bucket.left + since * self.per_second).min(self.burst)
    }
}

/// So many requests of each at a time. What comes on top is refused, not kept waiting: what waits takes memory too.
pub(crate) struct AtOnce {
    most: usize,
    running: Arc<Mutex<HashMap<Who, usize>>>,
}

/// A request that is under way, until this is dropped.
#[derive(Debug)]
pub(crate) struct Running {
    who: Who,
    running: Arc<Mutex<HashMap<Who, usize>>>,
}

impl AtOnce {
    pub(crate) fn new(most: usize) -> Self {
        AtOnce { most, running: Arc::default() }
    }

    /// Lets a request of `who` begin, if not too many are under way.
    pub(crate) fn begin(&self, who: Who) -> Option<Running> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let count = running.entry(who.clone()).or_insert(0);
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Running { who, running: Arc::clone(&self.running) })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = running.get_mut(&self.who) {
            *count -= 1;
            if *count == 0 {
                running.remove(&self.who);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_bucket_empties_and_fills() {
        let (rate, now) = (Rate::new(2.0, 3.0), Instant::now());
        let who = |n: u8| Who::at(IpAddr::from([10, 0, 0, n]));
        let taken = |n, after: u64| rate.take(who(n), now + Duration::from_millis(after));
        assert_eq!((0..4).map(|_| taken(1, 0)).collect::<Vec<_>>(), [Ok(()), Ok(()), Ok(()), Err(1)]);
        assert_eq!(taken(2, 0), Ok(()));
        assert_eq!(taken(1, 400), Err(1));
        assert_eq!((taken(1, 500), taken(1, 500)), (Ok(()), Err(1)));
        // Half an hour later it is full, and no fuller.
        let later: Vec<_> = (0..4).map(|_| taken(1, 1_800_000)).collect();
        assert_eq!(later, [Ok(()), Ok(()), Ok(()), Err(1)]);
    }

    #[test]
    fn so_many_at_a_time_and_no_more() {
        let at_once = AtOnce::new(2);
        let who = |n: u8| Who::at(IpAddr::from([10, 0, 0, n]));
        let (first, second) = (at_once.begin(who(1)).unwrap(), at_once.begin(who(1)).unwrap());
        assert!(at_once.begin(who(1)).is_none());
        assert!(at_once.begin(who(2)).is_some(), "others are not held back");
        drop(first);
        let third = at_once.begin(who(1)).unwrap();
        assert!(at_once.begin(who(1)).is_none());
        drop((second, third));
        assert!(at_once.running.lock().unwrap().is_empty(), "nothing is kept of who is done");
    }

    #[test]
    fn a_slow_rate_says_how_long_to_wait() {
        let (rate, now) = (Rate::new(0.1, 1.0), Instant::now());
        let who = || Who::at("2001:db8::1".parse().unwrap());
        assert_eq!(rate.take(who(), now), Ok(()));
        // Another address of the same household.
        assert_eq!(rate.take(Who::at("2001:db8::2".parse().unwrap()), now), Err(10));
        assert_eq!(Who::at("::ffff:10.0.0.1".parse().unwrap()), Who::at("10.0.0.1".parse().unwrap()));
    }
}
