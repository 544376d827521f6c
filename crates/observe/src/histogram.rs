//! Times on a logarithmic scale: below [`STEPS`] microseconds each has its
//! bucket, above, each doubling has that many. A quantile is at most an eighth
//! too long.

use std::time::Duration;

const STEPS: usize = 8;
/// Up to 2^32 microseconds, an hour and more.
pub const BUCKETS: usize = STEPS + (32 - 3) * STEPS;

/// The bucket of a time.
pub fn bucket(micros: u64) -> usize {
    if micros < STEPS as u64 {
        return micros as usize;
    }
    let doublings = micros.ilog2() as usize;
    let step = (micros >> (doublings - 3)) as usize & (STEPS - 1);
    (STEPS + (doublings - 3) * STEPS + step).min(BUCKETS - 1)
}

fn upper_end(bucket: usize) -> u64 {
    if bucket < STEPS {
        return bucket as u64;
    }
    let (doublings, step) = ((bucket - STEPS) / STEPS, (bucket - STEPS) % STEPS);
    (((STEPS + step + 1) as u64) << doublings) - 1
}

/// The upper end of the bucket that each share of the requests ends in.
pub fn quantiles<const N: usize>(counts: &[u64; BUCKETS], shares: [f64; N]) -> [Duration; N] {
    let total: u64 = counts.iter().sum();
    shares.map(|share| {
        let rank = ((total as f64 * share).ceil() as u64).max(1);
        let mut seen = 0;
        let at = counts.iter().position(|count| {
            seen += count;
            seen >= rank
        });
        at.map_or(Duration::ZERO, |at| Duration::from_micros(upper_end(at)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_an_eighth_wide_at_most_and_without_gaps() {
        let mut before = 0;
        for micros in (0..100_000).chain([1 << 20, u64::from(u32::MAX)]) {
            let end = upper_end(bucket(micros));
            assert!(
                end >= micros && end <= micros + micros / 8,
                "{micros} is in the bucket up to {end}"
            );
            assert!(bucket(micros) == before || micros > 100_000 || bucket(micros) == before + 1);
            before = bucket(micros);
        }
    }
}
