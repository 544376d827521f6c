//! What happened so far on this node, counted.

use crate::rooms::Handed;
use serde::Serialize;
use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    pub(crate) fn add(&self, by: usize) {
        self.0.fetch_add(by as u64, Ordering::Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Serialize for Count {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.get())
    }
}

/// Upper bounds of [`Latency`], in microseconds.
pub const BOUNDS_US: [u64; 12] = [
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000,
];

/// How long things took, in steps.
#[derive(Debug, Default)]
pub struct Latency {
    /// Within each bound and not within the one before; beyond the last bound in the last place.
    steps: [Count; BOUNDS_US.len() + 1],
    sum_us: Count,
}

impl Latency {
    pub(crate) fn took(&self, time: Duration) {
        let micros = time.as_micros() as u64;
        let step = BOUNDS_US.iter().position(|bound| micros <= *bound);
        self.steps[step.unwrap_or(BOUNDS_US.len())].add(1);
        self.sum_us.add(micros as usize);
    }

    /// How many took at most so long, for each bound; and all of them.
    pub fn within(&self) -> ([u64; BOUNDS_US.len()], u64) {
        let mut sum = 0;
        let within = std::array::from_fn(|step| {
            sum += self.steps[step].get();
            sum
        });
        (within, sum + self.steps[BOUNDS_US.len()].get())
    }

    pub fn sum_us(&self) -> u64 {
        self.sum_us.get()
    }

    /// The bound within which that share of all lies, in microseconds; of what lies beyond the last, that one.
    pub fn quantile_us(&self, share: f64) -> u64 {
        let (within, all) = self.within();
        let wanted = (all as f64 * share).ceil() as u64;
        let step = within.iter().position(|count| *count >= wanted);
        if all == 0 {
            0
        } else {
            BOUNDS_US[step.unwrap_or(BOUNDS_US.len() - 1)]
        }
    }
}

impl Figures {
    pub(crate) fn handed(&self, handed: &Handed) {
        self.delivered.add(handed.pushes);
        self.fell_behind.add(handed.fell_behind);
        self.gaps.add(handed.gaps);
        self.duplicates.add(handed.duplicates);
    }
}

/// Counts since the start.
#[derive(Debug, Default, Serialize)]
pub struct Figures {
    /// What clients said.
    pub messages: Count,
    /// Durable pushes handed to sockets.
    pub delivered: Count,
    /// Of these, after the client had been too slow.
    pub caught_up: Count,
    /// Times that a client became too slow for a stream.
    pub fell_behind: Count,
    /// Entries that a node read from the log, because it had not written them.
    pub filled: Count,
    /// Rooms entered, by what the client was told.
    pub live: Count,
    pub recovered: Count,
    pub resynced: Count,
    pub expired: Count,
    /// Numbers that a listener was handed out of turn. Never, or something is broken.
    pub gaps: Count,
    /// Numbers that a listener had already, and was not handed again.
    pub duplicates: Count,
    /// From the commit to the last listener's queue.
    #[serde(skip)]
    pub broadcast: Latency,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_the_bound_of_its_step() {
        let latency = Latency::default();
        assert_eq!(latency.quantile_us(0.99), 0);
        for micros in [50, 90, 800, 30_000] {
            latency.took(Duration::from_micros(micros));
        }
        assert_eq!(
            [0.5, 0.75, 0.99].map(|share| latency.quantile_us(share)),
            [100, 1_000, 50_000]
        );
        latency.took(Duration::from_secs(9));
        let (within, all) = latency.within();
        assert_eq!((within[11], all, latency.quantile_us(1.0)), (4, 5, 1_000_000));
    }
}
