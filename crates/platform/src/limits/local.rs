//! Buckets in this process.

use super::{Budget, gcra::Act};
use base::{Clock, Timestamp};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

const SHARDS: usize = 16;
/// Buckets a shard holds before the empty ones are dropped.
const CROWDED: usize = 4096;

/// When each bucket will be empty; one that is not here is.
#[derive(Debug)]
pub(super) struct Local {
    clock: Clock,
    shards: Vec<Mutex<Shard>>,
}

#[derive(Debug)]
struct Shard {
    empty_at: HashMap<u128, Timestamp>,
    crowded: usize,
}

impl Local {
    pub fn new(clock: Clock) -> Local {
        let shard = || {
            Mutex::new(Shard {
                empty_at: HashMap::new(),
                crowded: CROWDED,
            })
        };
        Local {
            clock,
            shards: (0..SHARDS).map(|_| shard()).collect(),
        }
    }

    /// Tells the bucket's backlog as it was. A request that does not fit is not taken.
    pub fn act(&self, act: Act, budget: &Budget) -> u64 {
        let now = self.clock.now();
        let mut shard = self.shards[budget.key as usize % SHARDS]
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let empty_at = shard.empty_at.get(&budget.key).copied().unwrap_or(now);
        let before = (empty_at.since(now).as_micros() as u64).min(budget.limit.period_us());
        let counts = match act {
            Act::Look => false,
            Act::Take => budget.limit.fits(before),
            Act::Charge | Act::GiveBack => true,
        };
        if counts {
            let after = Duration::from_micros(budget.limit.after(act, before));
            shard.empty_at.insert(budget.key, now.plus(after));
            shard.tidy(now);
        }
        before
    }

    /// Takes from all buckets or from none; tells their backlogs as they were.
    pub fn act_on_all(&self, act: Act, budgets: &[Budget]) -> Vec<u64> {
        let mut before = Vec::with_capacity(budgets.len());
        for (nth, budget) in budgets.iter().enumerate() {
            before.push(self.act(act, budget));
            if act == Act::Take && !budget.limit.fits(before[nth]) {
                for taken in &budgets[..nth] {
                    self.act(Act::GiveBack, taken);
                }
                let rest = budgets[nth + 1..]
                    .iter()
                    .map(|budget| self.act(Act::Look, budget));
                before.extend(rest);
                break;
            }
        }
        before
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        let count = |shard: &Mutex<Shard>| shard.lock().unwrap().empty_at.len();
        self.shards.iter().map(count).sum()
    }
}

impl Shard {
    /// Drops what is empty, and looks again once twice as many are there.
    fn tidy(&mut self, now: Timestamp) {
        if self.empty_at.len() > self.crowded {
            self.empty_at.retain(|_, empty_at| *empty_at > now);
            self.crowded = CROWDED.max(self.empty_at.len() * 2);
        }
    }
}
