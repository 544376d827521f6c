//! Time zones by their name in the IANA's database, of which the program holds a copy.

use crate::{
    Timestamp,
    input::{Check, Field},
};
use jiff::{ToSpan, tz::TimeZoneDatabase};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, fmt, sync::OnceLock};

/// A zone that exists, for instance `America/Argentina/Buenos_Aires`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TimeZone(String);

impl TimeZone {
    /// The zone of that name, in the database's own spelling.
    pub fn named(name: &str) -> Option<TimeZone> {
        let zone = zone(name)?;
        (!zone.is_unknown()).then(|| zone.iana_name().map(|name| TimeZone(name.to_owned())))?
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Minutes after midnight that the zone's clocks show.
    pub fn minute_of_day(&self, at: Timestamp) -> u32 {
        let time = self.shown(at).time();
        u32::from(time.hour().unsigned_abs()) * 60 + u32::from(time.minute().unsigned_abs())
    }

    /// The first moment after another at which the zone's clocks show that many minutes after
    /// midnight; where they leap over them, the moment of the leap and as much later.
    pub fn next(&self, after: Timestamp, minute: u32) -> Timestamp {
        let (hour, minute) = ((minute / 60 % 24) as i8, (minute % 60) as i8);
        let shown = self.shown(after);
        let mut day = shown.date();
        for _ in 0..3 {
            let next = day.at(hour, minute, 0, 0).to_zoned(shown.time_zone().clone());
            match next.map(|next| Timestamp::from_micros(next.timestamp().as_microsecond())) {
                Ok(next) if next > after => return next,
                _ => day = day.saturating_add(1.day()),
            }
        }
        // The end of the calendar.
        after
    }

    fn shown(&self, at: Timestamp) -> jiff::Zoned {
        let zone = zone(&self.0).unwrap_or(jiff::tz::TimeZone::UTC);
        let instant = jiff::Timestamp::from_microsecond(at.as_micros()).unwrap_or_default();
        instant.to_zoned(zone)
    }
}

fn zone(name: &str) -> Option<jiff::tz::TimeZone> {
    // The same on every machine, whatever its own files say.
    static ZONES: OnceLock<TimeZoneDatabase> = OnceLock::new();
    ZONES.get_or_init(TimeZoneDatabase::bundled).get(name).ok()
}

impl fmt::Display for TimeZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Field for TimeZone {
    fn check(&mut self, check: &mut Check<'_>) {
        match TimeZone::named(self.0.trim()) {
            Some(zone) => *self = zone,
            None => check.fail("unknown_time_zone", &[]),
        }
    }
}

impl JsonSchema for TimeZone {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "TimeZone".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A name of the IANA's time zone database.",
            "pattern": "^[A-Za-z0-9_+/-]+$",
            "examples": ["America/Argentina/Buenos_Aires", "Europe/Berlin"],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_has_one_spelling_and_must_exist() {
        let spelled = |name: &str| TimeZone::named(name).map(|zone| zone.0);
        let known = "America/Argentina/Buenos_Aires";
        assert_eq!(spelled(known).as_deref(), Some(known));
        assert_eq!(spelled("europe/BERLIN").as_deref(), Some("Europe/Berlin"));
        assert_eq!(spelled("UTC").as_deref(), Some("UTC"));
        for nothing in ["", "Europe/Atlantis", "Etc/Unknown", "+02:00", "../etc/passwd"] {
            assert_eq!(spelled(nothing), None, "{nothing}");
        }
    }
}
