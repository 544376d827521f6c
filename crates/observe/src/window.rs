//! The last five minutes of a route, in slices of half a minute: the youngest is
//! not over yet, and the oldest falls out as a whole.

use crate::{
    figures::Summary,
    histogram::{BUCKETS, bucket, quantiles},
};
use base::Timestamp;
use std::time::Duration;

const SLICE_US: i64 = 30_000_000;
/// Ten that are over, and the present one.
const SLICES: i64 = 11;

/// What is remembered of a route. A time that nobody asked in takes no room.
#[derive(Default)]
pub struct Window(Vec<Slice>);

struct Slice {
    number: i64,
    counts: Box<[u32; BUCKETS]>,
    errors: u64,
    slow: u64,
    max_us: u64,
}

/// One answered request.
#[derive(Clone, Copy)]
pub struct Sample {
    pub micros: u64,
    pub is_error: bool,
    pub is_slow: bool,
}

impl Window {
    pub fn add(&mut self, sample: Sample, now: Timestamp) {
        let number = slice(now);
        let place = match self.0.iter().position(|slice| slice.number == number) {
            Some(place) => place,
            None => self.begin(number),
        };
        let slice = &mut self.0[place];
        slice.counts[bucket(sample.micros)] += 1;
        slice.errors += u64::from(sample.is_error);
        slice.slow += u64::from(sample.is_slow);
        slice.max_us = slice.max_us.max(sample.micros);
    }

    /// Begins a slice in the room of one that is over.
    fn begin(&mut self, number: i64) -> usize {
        let new = Slice {
            number,
            counts: Box::new([0; BUCKETS]),
            errors: 0,
            slow: 0,
            max_us: 0,
        };
        let over = self.0.iter().position(|slice| !is_within(slice.number, number));
        if let Some(place) = over {
            self.0[place] = new;
            return place;
        }
        self.0.push(new);
        self.0.len() - 1
    }

    pub fn summary(&self, now: Timestamp) -> Summary {
        let (mut counts, mut summary) = ([0; BUCKETS], Summary::default());
        for slice in self.0.iter().filter(|old| is_within(old.number, slice(now))) {
            for (sum, count) in counts.iter_mut().zip(slice.counts.iter()) {
                *sum += u64::from(*count);
            }
            summary.errors += slice.errors;
            summary.slow += slice.slow;
            summary.max = summary.max.max(Duration::from_micros(slice.max_us));
        }
        summary.count = counts.iter().sum();
        summary.with_quantiles(quantiles(&counts, [0.50, 0.95, 0.99]))
    }
}

fn slice(at: Timestamp) -> i64 {
    at.as_micros().div_euclid(SLICE_US)
}

fn is_within(number: i64, now: i64) -> bool {
    (now - SLICES + 1..=now).contains(&number)
}
