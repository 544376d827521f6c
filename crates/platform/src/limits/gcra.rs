//! The arithmetic of a bucket, pure. `take.lua` says the same in Redis' words.
//!
//! A bucket's backlog is the time until it is empty again, in microseconds. A
//! request adds `period / count`; one that would bring it beyond `period` does
//! not fit.

use super::{Decision, Limit};
use std::time::Duration;

/// What is done to a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// Counts a request if it fits into every bucket, else into none.
    Take,
    /// Asks whether one would fit.
    Look,
    /// Counts what has happened, whether it fits or not.
    Charge,
    /// Counts one request less.
    GiveBack,
}

impl Act {
    pub fn word(self) -> &'static str {
        match self {
            Act::Take => "take",
            Act::Look => "look",
            Act::Charge => "charge",
            Act::GiveBack => "give_back",
        }
    }
}

impl Limit {
    /// The backlog one request makes.
    pub(super) fn step_us(&self) -> u64 {
        self.period_us() / u64::from(self.count.max(1))
    }

    pub(super) fn period_us(&self) -> u64 {
        self.period.as_micros() as u64
    }

    pub(super) fn fits(&self, backlog_us: u64) -> bool {
        backlog_us + self.step_us() <= self.period_us()
    }

    pub(super) fn after(&self, act: Act, backlog_us: u64) -> u64 {
        match act {
            Act::Look => backlog_us,
            Act::Take | Act::Charge => (backlog_us + self.step_us()).min(self.period_us()),
            Act::GiveBack => backlog_us.saturating_sub(self.step_us()),
        }
    }

    /// What the caller hears about this bucket; `all_fit` speaks of all that were asked together.
    pub(super) fn decide(self, act: Act, backlog_us: u64, all_fit: bool) -> Decision {
        let counted = act != Act::Take || all_fit;
        let asked = matches!(act, Act::Take | Act::Look);
        let after = if counted {
            self.after(act, backlog_us)
        } else {
            backlog_us
        };
        let over = (backlog_us + self.step_us()).saturating_sub(self.period_us());
        Decision {
            limit: self,
            remaining: (self.period_us().saturating_sub(after) / self.step_us().max(1)) as u32,
            reset: Duration::from_micros(after),
            retry_after: (asked && over > 0).then(|| Duration::from_micros(over)),
        }
    }
}
