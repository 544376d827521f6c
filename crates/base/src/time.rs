//! Time: microseconds in UTC, from a clock that tests can move.

use jiff::Timestamp as Instant;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{
    borrow::Cow,
    fmt,
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

/// A moment, in microseconds since 1970 UTC: all that PostgreSQL keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    pub const fn from_micros(micros: i64) -> Timestamp {
        Timestamp(micros)
    }

    pub const fn as_micros(self) -> i64 {
        self.0
    }

    pub const fn as_seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    #[must_use]
    pub fn plus(self, span: Duration) -> Timestamp {
        Timestamp(self.0.saturating_add(span.as_micros() as i64))
    }

    #[must_use]
    pub fn minus(self, span: Duration) -> Timestamp {
        Timestamp(self.0.saturating_sub(span.as_micros() as i64))
    }

    /// How long after `earlier` this is; nothing when it is not after it.
    pub fn since(self, earlier: Timestamp) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0).max(0) as u64)
    }
}

impl Timestamp {
    /// The year, in UTC.
    pub fn year(self) -> i64 {
        Instant::from_microsecond(self.0).map_or(1970, |time| {
            i64::from(time.to_zoned(jiff::tz::TimeZone::UTC).year())
        })
    }

    /// As headers write it: `Tue, 01 Dec 2026 00:00:00 GMT`.
    pub fn as_http_date(self) -> String {
        Instant::from_microsecond(self.0).map_or_else(
            |_| self.to_string(),
            |time| time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string(),
        )
    }
}

/// A day of the calendar, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(jiff::civil::Date);

impl Day {
    /// For days that stand in code; one that does not exist does not compile in a `const`.
    pub const fn new(year: i16, month: i8, day: i8) -> Day {
        Day(jiff::civil::date(year, month, day))
    }

    /// Its first moment.
    pub fn start(self) -> Timestamp {
        const EPOCH: jiff::civil::Date = jiff::civil::date(1970, 1, 1);
        let days = (self.0 - EPOCH).get_days();
        Timestamp(i64::from(days) * 86_400_000_000)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Instant::from_microsecond(self.0) {
            Ok(time) => time.fmt(f),
            Err(_) => write!(f, "{}us", self.0),
        }
    }
}

impl FromStr for Timestamp {
    type Err = jiff::Error;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Timestamp(text.parse::<Instant>()?.as_microsecond()))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        text.parse()
            .map_err(|_| de::Error::custom("expected an RFC 3339 time"))
    }
}

impl JsonSchema for Timestamp {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Timestamp".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "format": "date-time"})
    }
}

impl crate::input::Field for Timestamp {}

/// Where the time comes from. Cheap to clone; clones share a manual time.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    Manual(Arc<AtomicI64>),
}

impl Clock {
    pub fn system() -> Clock {
        Clock(Source::System)
    }

    /// A clock that stands still until it is moved.
    pub fn manual(start: Timestamp) -> Clock {
        Clock(Source::Manual(Arc::new(AtomicI64::new(start.0))))
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that asks the system")]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System => Timestamp(Instant::now().as_microsecond()),
            Source::Manual(micros) => Timestamp(micros.load(Ordering::Acquire)),
        }
    }

    /// Moves a manual clock on.
    pub fn advance(&self, span: Duration) {
        self.advance_micros(span.as_micros() as i64);
    }

    pub fn advance_micros(&self, micros: i64) {
        match &self.0 {
            Source::System => panic!("the system's clock cannot be moved"),
            Source::Manual(now) => {
                now.fetch_add(micros, Ordering::AcqRel);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_and_read_as_rfc_3339() {
        let time = Timestamp::from_micros(1_790_000_000_123_456);
        let text = time.to_string();
        assert_eq!(text, "2026-09-21T14:13:20.123456Z");
        assert_eq!(text.parse::<Timestamp>().unwrap(), time);
        assert_eq!(
            "2026-09-21T16:13:20.123456+02:00".parse::<Timestamp>().unwrap(),
            time
        );
        assert_eq!(time.as_http_date(), "Mon, 21 Sep 2026 14:13:20 GMT");
        assert!("yesterday".parse::<Timestamp>().is_err());
    }

    #[test]
    fn a_day_begins_at_midnight_utc() {
        let day = |year, month, day| Day::new(year, month, day).start().to_string();
        assert_eq!(day(2026, 12, 1), "2026-12-01T00:00:00Z");
        assert_eq!(day(1969, 12, 31), "1969-12-31T00:00:00Z");
    }
}
