//! How often somebody may do something: GCRA, the leaky bucket that keeps one
//! moment per key.
//!
//! A key's moment is when its bucket will be empty again. A request pushes it on
//! by `period / count`; one that would push it beyond `period` is refused. So a
//! limit of 5 in 5 minutes allows a burst of 5, then one each minute.
//!
//! The buckets are in this process (`local.rs`) or, when several nodes share a
//! Redis, there (`shared.rs`), with a stricter local budget while it is away.
//! What is never true: that the same request is counted in one limit and
//! refused by another that was asked together with it.

mod gcra;
mod local;
mod shared;
#[cfg(test)]
mod tests;

use crate::{AppState, Config};
use base::{Clock, Error, Kind, Result};
use gcra::Act;
use local::Local;
use shared::Shared;
use std::{
    hash::{BuildHasher, Hash, Hasher, RandomState},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};
use supervisor::{Plan, Spec};

/// A named limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    pub name: &'static str,
    pub count: u32,
    pub period: Duration,
}

/// A limit for somebody or something: one bucket. Made by [`Limits::budget`].
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    limit: Limit,
    key: u128,
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

/// Where the buckets are kept, and how that goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreHealth {
    pub state: StoreState,
    /// Since the start.
    pub outages: u64,
    pub last_error: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreState {
    /// In this process, as configured.
    Local,
    /// In Redis.
    Shared,
    /// In this process and stricter, because Redis does not answer.
    Away,
}

#[derive(Debug)]
pub struct Limits {
    local: Local,
    shared: Option<Shared>,
    /// Of a limit's count, what one node allows by itself while Redis is away.
    away_percent: u32,
    hasher: RandomState,
    off: AtomicBool,
}

impl Limits {
    pub fn new(clock: Clock, config: &Config) -> Result<Limits> {
        let wait = Duration::from_millis(config.limits.redis_timeout_ms);
        let shared = match config.cluster.redis_url.0.as_str() {
            "" => None,
            url => Some(Shared::new(url, wait)?),
        };
        Ok(Limits {
            local: Local::new(clock),
            shared,
            away_percent: config.limits.away_percent,
            hasher: RandomState::new(),
            off: AtomicBool::new(false),
        })
    }

    /// Lifts every limit: for benchmarks.
    pub fn lift(&self) {
        self.off.store(true, Ordering::Relaxed);
    }

    /// The bucket of that key. What stands in the key leaves this process as a hash alone.
    pub fn budget(&self, limit: Limit, key: impl Hash) -> Budget {
        let key = match self.shared {
            None => u128::from(self.hasher.hash_one((limit.name, key))),
            Some(_) => same_everywhere(limit.name, key),
        };
        Budget { limit, key }
    }

    /// Counts one request of `key`, unless it is refused.
    pub fn take(&self, limit: Limit, key: impl Hash) -> impl Future<Output = Decision> + Send + '_ {
        let budget = self.budget(limit, key);
        async move {
            match &self.shared {
                None if self.is_off() => unlimited(limit),
                None => {
                    let backlog = self.local.act(Act::Take, &budget);
                    limit.decide(Act::Take, backlog, limit.fits(backlog))
                }
                Some(_) => self.act(Act::Take, &[budget]).await.remove(0),
            }
        }
    }

    /// Counts one request in all of them, unless one refuses: then in none.
    pub async fn take_all(&self, budgets: &[Budget]) -> Vec<Decision> {
        self.act(Act::Take, budgets).await
    }

    /// Whether one more request would be refused; counts nothing.
    pub async fn look(&self, budgets: &[Budget]) -> Vec<Decision> {
        self.act(Act::Look, budgets).await
    }

    /// Counts what has happened already, and refuses nothing.
    pub async fn charge(&self, budgets: &[Budget]) -> Vec<Decision> {
        self.act(Act::Charge, budgets).await
    }

    /// Uncounts a request that turned out well.
    pub async fn give_back(&self, budgets: &[Budget]) -> Vec<Decision> {
        self.act(Act::GiveBack, budgets).await
    }

    pub fn health(&self) -> StoreHealth {
        match &self.shared {
            Some(shared) => shared.health(),
            None => StoreHealth {
                state: StoreState::Local,
                outages: 0,
                last_error: None,
            },
        }
    }

    async fn act(&self, act: Act, budgets: &[Budget]) -> Vec<Decision> {
        if self.is_off() || budgets.is_empty() {
            return budgets.iter().map(|budget| unlimited(budget.limit)).collect();
        }
        let Some(shared) = &self.shared else {
            return decisions(act, budgets, &self.local.act_on_all(act, budgets));
        };
        // Boxed: the way to Redis would make every caller's future large.
        if let Some(before) = Box::pin(shared.act(act, budgets)).await {
            return decisions(act, budgets, &before);
        }
        let stricter: Vec<_> = budgets.iter().map(|budget| self.stricter(*budget)).collect();
        decisions(act, &stricter, &self.local.act_on_all(act, &stricter))
    }

    fn stricter(&self, budget: Budget) -> Budget {
        let count = u64::from(budget.limit.count) * u64::from(self.away_percent) / 100;
        let limit = Limit {
            count: count.max(1) as u32,
            ..budget.limit
        };
        Budget { limit, ..budget }
    }

    fn is_off(&self) -> bool {
        self.off.load(Ordering::Relaxed)
    }
}

fn decisions(act: Act, budgets: &[Budget], before: &[u64]) -> Vec<Decision> {
    let both = || budgets.iter().zip(before);
    let all_fit = both().all(|(budget, backlog)| budget.limit.fits(*backlog));
    both()
        .map(|(budget, backlog)| budget.limit.decide(act, *backlog, all_fit))
        .collect()
}

fn unlimited(limit: Limit) -> Decision {
    Decision {
        limit,
        remaining: limit.count,
        reset: Duration::ZERO,
        retry_after: None,
    }
}

/// A hash on which all nodes agree.
fn same_everywhere(name: &str, key: impl Hash) -> u128 {
    struct Blake(blake3::Hasher);
    impl Hasher for Blake {
        fn write(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }
        fn finish(&self) -> u64 {
            let hash = self.0.finalize();
            u64::from_le_bytes(*hash.as_bytes().first_chunk().expect("a hash has 32 bytes"))
        }
    }
    let mut hasher = Blake(blake3::Hasher::new());
    (name, key).hash(&mut hasher);
    let hash = hasher.0.finalize();
    u128::from_le_bytes(*hash.as_bytes().first_chunk().expect("a hash has 32 bytes"))
}

/// The keeper of the link to Redis, when there is one.
pub fn workers(app: &AppState) -> Vec<Plan> {
    if app.limits.shared.is_none() {
        return vec![];
    }
    let app = app.clone();
    let keeper = Spec::new("limits.redis")
        .group("platform")
        .gates(Duration::from_secs(2))
        .service(move |context| {
            let app = app.clone();
            async move {
                if let Some(shared) = &app.limits.shared {
                    shared.keep(&context).await;
                }
                Ok(())
            }
        });
    vec![keeper]
}
