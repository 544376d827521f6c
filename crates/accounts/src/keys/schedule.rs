//! Which key signs when, pure.
//!
//! Keys stand in the order in which they sign. Each signs until the next one
//! does, and verifies for as long afterwards as a token of its may live. All
//! nodes read the same rows, so they change keys at the same moment.

use base::Timestamp;
use std::time::Duration;

/// How long a key signs.
pub const LIFE: Duration = Duration::from_hours(720);
/// How long a key stands in the published set before it signs: longer than the
/// set may be cached, and than a node waits before it reads the rows again.
pub const NOTICE: Duration = Duration::from_mins(15);

/// The place of the key that signs now.
pub fn signing(starts: &[Timestamp], now: Timestamp) -> Option<usize> {
    starts.iter().rposition(|start| *start <= now)
}

/// When keys that are lacking have to start: always one that signs and one to come.
pub fn lacking(starts: &[Timestamp], now: Timestamp) -> Vec<Timestamp> {
    match starts.last() {
        None => vec![now, now.plus(LIFE)],
        Some(last) if *last <= now => vec![last.plus(LIFE).max(now.plus(NOTICE))],
        // Clocks that went back, or a key that was thrown away.
        Some(_) if signing(starts, now).is_none() => vec![now],
        Some(_) => vec![],
    }
}

/// When the key at that place stops verifying, given how long its tokens live.
pub fn ends(starts: &[Timestamp], place: usize, afterlife: Duration) -> Option<Timestamp> {
    starts.get(place + 1).map(|next| next.plus(afterlife))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hours: u64) -> Timestamp {
        Timestamp::from_micros(0).plus(Duration::from_hours(hours))
    }

    #[test]
    fn there_is_always_one_that_signs_and_one_to_come() {
        assert_eq!(lacking(&[], at(10)), [at(10), at(730)]);
        assert_eq!(lacking(&[at(10), at(730)], at(20)), []);
        assert_eq!(lacking(&[at(10), at(730)], at(730)), [at(1450)]);
        assert_eq!(lacking(&[at(10)], at(20)), [at(730)]);
        assert_eq!(
            lacking(&[at(10)], at(5000)),
            [at(5000).plus(NOTICE)],
            "even late, a key is announced before it signs"
        );
        assert_eq!(lacking(&[at(730)], at(10)), [at(10)]);
    }

    #[test]
    fn the_last_that_has_started_signs_and_the_one_before_lingers() {
        let starts = [at(10), at(730), at(1450)];
        assert_eq!(signing(&starts, at(9)), None);
        assert_eq!(signing(&starts, at(729)), Some(0));
        assert_eq!(signing(&starts, at(730)), Some(1));
        assert_eq!(signing(&starts, at(9000)), Some(2));
        let hour = Duration::from_hours(1);
        assert_eq!(ends(&starts, 0, hour), Some(at(731)));
        assert_eq!(ends(&starts, 2, hour), None);
    }
}
