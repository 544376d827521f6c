//! How long to wait after a failure, and when to stop trying. Pure: the time comes in, a verdict goes out.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use crate::jitter::Jitter;

/// The patience with one worker.
#[derive(Clone, Copy, Debug)]
pub struct Restart {
    /// The pause after the first failure in a row; each further one doubles it.
    pub first_pause: Duration,
    /// No pause is longer. A service that lived this long counts as well again.
    pub longest_pause: Duration,
    /// How many restarts after panics and overruns are allowed within `window`; the next one is quarantine.
    /// (OTP calls the two intensity and period.)
    pub budget: u32,
    pub window: Duration,
}

impl Default for Restart {
    fn default() -> Self {
        Self {
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_mins(5),
            budget: 5,
            window: Duration::from_mins(10),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Error,
    Panic,
    Overrun,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    RetryAfter(Duration),
    Quarantine,
}

/// The record of one worker, as far as it decides about the next try.
pub(crate) struct Restarts {
    policy: Restart,
    failures_in_a_row: u32,
    /// When the budget was spent, oldest first; only what lies within the window.
    spent: VecDeque<Instant>,
}

impl Restarts {
    pub fn new(policy: Restart) -> Self {
        Self {
            policy,
            failures_in_a_row: 0,
            spent: VecDeque::new(),
        }
    }

    pub fn after(&mut self, fault: Fault, now: Instant, jitter: &mut Jitter) -> Verdict {
        self.failures_in_a_row = self.failures_in_a_row.saturating_add(1);
        if fault != Fault::Error && !self.spend(now) {
            return Verdict::Quarantine;
        }
        let pause = self.pause();
        Verdict::RetryAfter(jitter.between(pause / 2, pause))
    }

    /// A run without failure ends the row. What was spent stays spent until it leaves the window.
    pub fn well(&mut self) {
        self.failures_in_a_row = 0;
    }

    /// A service has no run to succeed with; a long life says the same.
    pub fn lived(&mut self, life: Duration) {
        if life >= self.policy.longest_pause {
            self.well();
        }
    }

    /// A human released the worker: the past is forgotten.
    pub fn forgive(&mut self) {
        self.failures_in_a_row = 0;
        self.spent.clear();
    }

    fn spend(&mut self, now: Instant) -> bool {
        let window = self.policy.window;
        self.spent.retain(|&spent| now.duration_since(spent) < window);
        self.spent.push_back(now);
        self.spent.len() <= self.policy.budget as usize
    }

    fn pause(&self) -> Duration {
        let doublings = (self.failures_in_a_row - 1).min(31);
        let pause = self.policy.first_pause.saturating_mul(1 << doublings);
        pause.min(self.policy.longest_pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: Restart = Restart {
        first_pause: Duration::from_secs(1),
        longest_pause: Duration::from_secs(10),
        budget: 2,
        window: Duration::from_mins(1),
    };

    fn pause_s(verdict: Verdict) -> f64 {
        match verdict {
            Verdict::RetryAfter(pause) => pause.as_secs_f64(),
            Verdict::Quarantine => panic!("quarantined"),
        }
    }

    #[test]
    fn pauses_double_up_to_the_cap_and_begin_anew_after_a_success() {
        let (mut restarts, mut jitter, now) = (Restarts::new(POLICY), Jitter::new(7, "w"), Instant::now());
        for whole in [1.0, 2.0, 4.0, 8.0, 10.0, 10.0] {
            let pause = pause_s(restarts.after(Fault::Error, now, &mut jitter));
            assert!((whole / 2.0..whole).contains(&pause), "{pause} of {whole}");
        }
        restarts.well();
        assert!(pause_s(restarts.after(Fault::Error, now, &mut jitter)) < 1.0);
    }

    #[test]
    fn a_long_row_of_failures_overflows_nothing() {
        let (mut restarts, mut jitter, now) = (Restarts::new(POLICY), Jitter::new(7, "w"), Instant::now());
        let pauses = (0..100).map(|_| pause_s(restarts.after(Fault::Error, now, &mut jitter)));
        assert!(pauses.last().is_some_and(|pause| (5.0..10.0).contains(&pause)));
    }

    #[test]
    fn two_workers_that_fail_together_do_not_come_back_together() {
        let now = Instant::now();
        let first_pause = |name| {
            let mut jitter = Jitter::new(7, name);
            Restarts::new(POLICY).after(Fault::Error, now, &mut jitter)
        };
        assert_ne!(first_pause("a"), first_pause("b"));
        assert_eq!(first_pause("a"), first_pause("a"));
    }

    #[test]
    fn the_budget_counts_within_its_window_only() {
        let (mut restarts, mut jitter, start) = (Restarts::new(POLICY), Jitter::new(7, "w"), Instant::now());
        let mut panic_at = |second| {
            let now = start + Duration::from_secs(second);
            restarts.well();
            restarts.after(Fault::Panic, now, &mut jitter)
        };
        assert_ne!(panic_at(0), Verdict::Quarantine);
        assert_ne!(panic_at(50), Verdict::Quarantine);
        assert_ne!(
            panic_at(60),
            Verdict::Quarantine,
            "the first one has left the window"
        );
        assert_eq!(panic_at(70), Verdict::Quarantine);
    }

    #[test]
    fn overruns_spend_the_budget_and_errors_do_not() {
        let (mut restarts, mut jitter, now) = (Restarts::new(POLICY), Jitter::new(7, "w"), Instant::now());
        for _ in 0..20 {
            assert_ne!(
                restarts.after(Fault::Error, now, &mut jitter),
                Verdict::Quarantine
            );
        }
        assert_ne!(
            restarts.after(Fault::Overrun, now, &mut jitter),
            Verdict::Quarantine
        );
        assert_ne!(
            restarts.after(Fault::Overrun, now, &mut jitter),
            Verdict::Quarantine
        );
        assert_eq!(
            restarts.after(Fault::Overrun, now, &mut jitter),
            Verdict::Quarantine
        );
        restarts.forgive();
        assert!(pause_s(restarts.after(Fault::Panic, now, &mut jitter)) < 1.0);
    }

    #[test]
    fn a_service_is_well_again_after_a_long_life() {
        let (mut restarts, mut jitter, now) = (Restarts::new(POLICY), Jitter::new(7, "w"), Instant::now());
        for _ in 0..5 {
            restarts.lived(Duration::from_secs(9));
            restarts.after(Fault::Error, now, &mut jitter);
        }
        restarts.lived(Duration::from_secs(10));
        assert!(pause_s(restarts.after(Fault::Error, now, &mut jitter)) < 1.0);
    }
}
