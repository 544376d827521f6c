//! Typed ids. All are `UUIDv7`: they sort by the time they were made.

use crate::{Clock, Entropy, Timestamp};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use uuid::Uuid;

/// Declares typed ids, each with a sentence that says what it names.
#[macro_export]
macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, $crate::serde::Serialize, $crate::serde::Deserialize)]
        #[serde(transparent, crate = "base::serde")]
        pub struct $name(pub $crate::uuid::Uuid);

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = $crate::uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Ok($name($crate::uuid::Uuid::parse_str(text)?))
            }
        }

        impl From<$crate::uuid::Uuid> for $name {
            fn from(id: $crate::uuid::Uuid) -> Self {
                $name(id)
            }
        }

        impl From<$name> for $crate::uuid::Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl $crate::schemars::JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> ::std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut $crate::schemars::SchemaGenerator) -> $crate::schemars::Schema {
                $crate::schemars::json_schema!({"type": "string", "format": "uuid"})
            }
        }

        impl $crate::input::Field for $name {}
    )*};
}

/// Makes ids from the clock and the dice, so that tests can repeat them.
#[derive(Clone, Debug)]
pub struct Ids {
    clock: Clock,
    entropy: Entropy,
    /// The 60 bits of time in the newest id.
    newest: Arc<AtomicU64>,
}

impl Ids {
    pub fn new(clock: Clock, entropy: Entropy) -> Ids {
        let newest = Arc::default();
        Ids {
            clock,
            entropy,
            newest,
        }
    }

    /// Sorts behind every id that was made here before, within a microsecond
    /// and behind a clock that was set back too.
    pub fn next<T: From<Uuid>>(&self) -> T {
        let now = ticks(self.clock.now());
        let behind = |newest: u64| now.max(newest + 1);
        let before = self.newest.update(Ordering::Relaxed, Ordering::Relaxed, behind);
        self.with(behind(before)).into()
    }

    /// An id of that moment, in no order with others of it.
    pub fn at(&self, time: Timestamp) -> Uuid {
        self.with(ticks(time))
    }

    fn with(&self, ticks: u64) -> Uuid {
        let mut bytes = [0; 16];
        self.entropy.fill(&mut bytes[8..]);
        bytes[..6].copy_from_slice(&(ticks >> 12).to_be_bytes()[2..]);
        bytes[6] = 0x70 | ((ticks >> 8) & 0x0f) as u8;
        bytes[7] = ticks as u8;
        bytes[8] = 0x80 | (bytes[8] & 0x3f);
        Uuid::from_bytes(bytes)
    }
}

/// RFC 9562 version 7 with method 3: the 12 bits behind the milliseconds hold
/// the fraction of a millisecond.
fn ticks(time: Timestamp) -> u64 {
    let micros = time.as_micros().max(0) as u64;
    ((micros / 1000) << 12) | ((micros % 1000) * 4096 / 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_the_time_they_were_made() {
        let clock = Clock::manual(Timestamp::from_micros(1_790_000_000_000_000));
        let ids = Ids::new(clock.clone(), Entropy::seeded(1));
        let mut last: Uuid = ids.next();
        assert_eq!(last.get_version_num(), 7);
        for _ in 0..2000 {
            clock.advance_micros(1);
            let next: Uuid = ids.next();
            assert!(next > last, "{next} after {last}");
            last = next;
        }
    }

    #[test]
    fn ids_of_one_moment_sort_as_they_were_made() {
        let clock = Clock::manual(Timestamp::from_micros(1_790_000_000_000_000));
        let ids = Ids::new(clock.clone(), Entropy::seeded(1));
        let made: Vec<Uuid> = (0..10_000).map(|_| ids.next()).collect();
        assert!(made.is_sorted_by(|earlier, later| earlier < later));
        clock.advance_micros(1_000_000);
        let (later, then): (Uuid, _) = (ids.next(), ids.at(clock.now()));
        assert_eq!(
            later.as_bytes()[..8],
            then.as_bytes()[..8],
            "the clock leads again"
        );
    }
}
