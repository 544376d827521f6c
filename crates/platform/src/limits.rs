//! How often somebody may do something: GCRA, the leaky bucket that keeps one
//! moment per key.
//!
//! A key's moment is when its bucket will be empty again. A request pushes it on
//! by `period / count`; one that would push it beyond `period` is refused. So a
//! limit of 5 in 5 minutes allows a burst of 5, then one each minute.

use base::{Clock, Error, Kind, Result, Timestamp};
use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

const SHARDS: usize = 16;
/// Keys a shard holds before those that are full again are dropped.
const CROWDED: usize = 4096;

/// A named limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    pub name: &'static str,
    pub count: u32,
    pub period: Duration,
}

/// What one request was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    pub limit: Limit,
    pub remaining: u32,
    /// Until the whole budget is there again.
    pub reset: Duration,
    /// When refused: until one request fits.
    pub retry_after: Option<Duration>,
}

impl Decision {
    pub fn into_result(self) -> Result<Decision> {
        match self.retry_after {
            None => Ok(self),
            Some(wait) => {
                let seconds = wait.as_micros().div_ceil(1_000_000).max(1) as u32;
                Err(Error::new(Kind::RateLimited, "rate_limited")
                    .with("seconds", seconds)
                    .retry_after(seconds))
            }
        }
    }
}

#[derive(Debug)]
pub struct Limits {
    clock: Clock,
    hasher: RandomState,
    shards: Vec<Mutex<HashMap<(&'static str, u64), Timestamp>>>,
    off: AtomicBool,
}

impl Limits {
    pub fn new(clock: Clock) -> Limits {
        Limits {
            clock,
            hasher: RandomState::new(),
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            off: AtomicBool::new(false),
        }
    }

    /// Lifts every limit: for benchmarks.
    pub fn lift(&self) {
        self.off.store(true, Ordering::Relaxed);
    }

    /// Counts one request of `key`, unless it is refused.
    pub fn take(&self, limit: Limit, key: impl std::hash::Hash) -> Decision {
        let now = self.clock.now();
        let step = limit.period / limit.count.max(1);
        if self.off.load(Ordering::Relaxed) {
            return Decision {
                limit,
                remaining: limit.count,
                reset: Duration::ZERO,
                retry_after: None,
            };
        }
        let key = self.hasher.hash_one(&key);
        let mut shard = self.shards[key as usize % SHARDS]
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if shard.len() > CROWDED {
            shard.retain(|_, empty_at| *empty_at > now);
        }
        let empty_at = shard.get(&(limit.name, key)).copied().unwrap_or(now).max(now);
        let next = empty_at.plus(step);
        let used = next.since(now);
        if used > limit.period {
            return Decision {
                limit,
                remaining: 0,
                reset: empty_at.since(now),
                retry_after: Some(used.checked_sub(limit.period).unwrap()),
            };
        }
        shard.insert((limit.name, key), next);
        Decision {
            limit,
            remaining: (limit.period.checked_sub(used).unwrap().as_nanos() / step.as_nanos().max(1)) as u32,
            reset: used,
            retry_after: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_allowed_then_the_steady_rate() {
        let clock = Clock::manual(Timestamp::from_micros(1_000_000_000));
        let limits = Limits::new(clock.clone());
        let limit = Limit {
            name: "login",
            count: 5,
            period: Duration::from_mins(5),
        };
        for left in (0..5).rev() {
            assert_eq!(limits.take(limit, "ana").remaining, left);
        }
        let refused = limits.take(limit, "ana");
        assert_eq!(refused.retry_after, Some(Duration::from_mins(1)));
        assert!(
            limits.take(limit, "bruno").retry_after.is_none(),
            "others have their own budget"
        );
        clock.advance(Duration::from_mins(1));
        assert!(limits.take(limit, "ana").retry_after.is_none());
        assert!(limits.take(limit, "ana").retry_after.is_some());
    }
}
