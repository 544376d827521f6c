//! Quiet hours, by the clocks of the member's own zone. Pure.

use super::model::Schedule;
use base::Timestamp;

/// Until when the member wants quiet, if they want it now.
pub fn until(schedule: &Schedule, now: Timestamp) -> Option<Timestamp> {
    let (from, to) = schedule.quiet.filter(|(from, to)| from != to)?;
    let minute = schedule.time_zone.minute_of_day(now);
    let quiet = if from < to {
        (from..to).contains(&minute)
    } else {
        // Over midnight.
        minute >= from || minute < to
    };
    quiet.then(|| schedule.time_zone.next(now, to))
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::TimeZone;
    use proptest::prelude::*;

    fn schedule(zone: &str, from: u32, to: u32) -> Schedule {
        Schedule {
            time_zone: TimeZone::named(zone).unwrap(),
            quiet: Some((from, to)),
            ..Schedule::default()
        }
    }

    fn at(time: &str) -> Timestamp {
        time.parse().unwrap()
    }

    #[test]
    fn the_night_of_buenos_aires_is_not_that_of_berlin() {
        let (ours, theirs) = (
            schedule("America/Argentina/Buenos_Aires", 23 * 60, 8 * 60),
            schedule("Europe/Berlin", 23 * 60, 8 * 60),
        );
        // 00:30 in Buenos Aires, 04:30 in Berlin.
        let night = at("2026-11-24T03:30:00Z");
        assert_eq!(until(&ours, night), Some(at("2026-11-24T11:00:00Z")));
        assert_eq!(until(&theirs, night), Some(at("2026-11-24T07:00:00Z")));
        // 09:00 in Berlin, 05:00 in Buenos Aires.
        let morning = at("2026-11-24T08:00:00Z");
        assert_eq!(until(&theirs, morning), None);
        assert!(until(&ours, morning).is_some());
    }

    #[test]
    fn the_night_in_which_the_clocks_change_ends_in_the_morning_all_the_same() {
        let berlin = schedule("Europe/Berlin", 22 * 60, 2 * 60 + 30);
        // 02:30 is not there on that night: the first moment after the gap.
        assert_eq!(
            until(&berlin, at("2026-03-28T22:00:00Z")),
            Some(at("2026-03-29T01:30:00Z"))
        );
        // It is there twice: the first time.
        assert_eq!(
            until(&berlin, at("2026-10-24T22:00:00Z")),
            Some(at("2026-10-25T00:30:00Z"))
        );
    }

    proptest! {
        #[test]
        fn quiet_ends_within_a_day_and_is_over_then(from in 0..1440_u32, to in 0..1440_u32, minutes in 0..2_000_000_i64) {
            let schedule = schedule("Europe/Berlin", from, to);
            let now = Timestamp::from_micros(1_700_000_000_000_000 + minutes * 60_000_000);
            if let Some(end) = until(&schedule, now) {
                prop_assert!(end > now);
                prop_assert!(end.since(now) <= std::time::Duration::from_hours(25));
            }
        }
    }
}
