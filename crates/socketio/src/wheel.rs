//! One timing wheel for all connections: pings, their time limits, and the wait
//! for a first packet. No connection has a timer of its own.
//!
//! A connection stands in the wheel once. When its turn comes it says when it
//! wants to be asked again; a pong therefore moves nothing.

use crate::Id;
use std::{mem, time::Duration};

const SLOTS: u64 = 512;

/// Milliseconds since the server was made.
pub(crate) type Millis = u64;

#[derive(Debug)]
pub(crate) struct Wheel {
    slots: Vec<Vec<Entry>>,
    grain_ms: u64,
    /// The turn that comes next.
    turn: u64,
    len: usize,
}

#[derive(Debug)]
struct Entry {
    id: Id,
    turn: u64,
}

impl Wheel {
    pub fn new(grain: Duration) -> Wheel {
        Wheel {
            slots: (0..SLOTS).map(|_| Vec::new()).collect(),
            grain_ms: (grain.as_millis() as u64).max(1),
            turn: 0,
            len: 0,
        }
    }

    pub fn grain_ms(&self) -> u64 {
        self.grain_ms
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// When the next turn is due.
    pub fn next_turn(&self) -> Millis {
        self.turn * self.grain_ms
    }

    /// After a time without entries there is nothing to catch up with.
    pub fn skip_to(&mut self, now: Millis) {
        if self.is_empty() {
            self.turn = self.turn.max(now / self.grain_ms);
        }
    }

    /// To be asked at `due`, or up to a grain later.
    pub fn insert(&mut self, id: Id, due: Millis) {
        let turn = due.div_ceil(self.grain_ms).max(self.turn);
        self.slots[(turn % SLOTS) as usize].push(Entry { id, turn });
        self.len += 1;
    }

    /// Those whose turn has come by `now`.
    pub fn due(&mut self, now: Millis) -> Vec<Id> {
        let mut due = Vec::new();
        let last = now / self.grain_ms;
        // Whatever the time that passed, each slot is looked at once.
        let turns = (last + 1).saturating_sub(self.turn).min(SLOTS);
        for turn in last + 1 - turns..=last {
            let slot = &mut self.slots[(turn % SLOTS) as usize];
            if slot.is_empty() {
                continue;
            }
            for entry in mem::take(slot) {
                if entry.turn <= last {
                    due.push(entry.id);
                } else {
                    slot.push(entry);
                }
            }
        }
        self.turn = self.turn.max(last + 1);
        self.len -= due.len();
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u8) -> Id {
        Id::random(&move |bytes| bytes.fill(n))
    }

    fn wheel() -> Wheel {
        Wheel::new(Duration::from_millis(10))
    }

    #[test]
    fn nobody_is_asked_early_nor_more_than_a_grain_late() {
        let mut wheel = wheel();
        wheel.insert(id(1), 41);
        wheel.insert(id(2), 50);
        assert_eq!(wheel.due(49), []);
        assert_eq!(wheel.due(50), [id(1), id(2)]);
        assert!(wheel.is_empty());
    }

    #[test]
    fn a_wait_of_several_rounds_is_kept() {
        let mut wheel = wheel();
        let round = SLOTS * 10;
        wheel.insert(id(1), 30 + 2 * round);
        assert_eq!(wheel.due(30), []);
        assert_eq!(wheel.due(30 + round), []);
        assert_eq!(wheel.due(30 + 2 * round), [id(1)]);
    }

    #[test]
    fn a_long_sleep_is_caught_up_with_at_once() {
        let mut wheel = wheel();
        for n in 0..100 {
            wheel.insert(id(n), u64::from(n) * 700);
        }
        assert_eq!(wheel.due(1_000_000).len(), 100);
        assert_eq!(wheel.due(1_000_010), []);
    }

    #[test]
    fn what_is_due_already_comes_with_the_next_turn() {
        let mut wheel = wheel();
        wheel.due(100);
        wheel.insert(id(1), 5);
        assert_eq!(wheel.due(wheel.next_turn()), [id(1)]);
    }
}
