//! How long a session may live: pure.
//!
//! A member's calls and refreshes keep a session from idling out. Staff must
//! act themselves: what an open page does in the background does not count.

use base::Timestamp;
use platform::config;
use std::time::Duration;

/// What is known about a session's age.
#[derive(Clone, Copy, Debug)]
pub struct Age {
    pub created_at: Timestamp,
    /// The last call with an access token.
    pub called_at: Timestamp,
    pub rotated_at: Option<Timestamp>,
    /// Log-in asked for a long session.
    pub remembered: bool,
    pub staff: bool,
}

impl Age {
    fn idle_limit(&self, settings: &config::Accounts) -> Duration {
        let own = if self.remembered {
            Duration::from_hours(24 * settings.idle_days)
        } else {
            Duration::from_hours(settings.brief_idle_hours)
        };
        if self.staff {
            own.min(Duration::from_mins(settings.staff_idle_minutes))
        } else {
            own
        }
    }

    fn absolute_limit(&self, settings: &config::Accounts) -> Duration {
        let own = if self.remembered {
            Duration::from_hours(24 * settings.absolute_days)
        } else {
            Duration::from_hours(settings.brief_absolute_hours)
        };
        if self.staff {
            own.min(Duration::from_hours(settings.staff_absolute_hours))
        } else {
            own
        }
    }

    fn active_at(&self) -> Timestamp {
        match self.rotated_at {
            Some(rotated_at) if !self.staff => rotated_at.max(self.called_at),
            _ => self.called_at,
        }
    }

    /// When it ends if nothing happens.
    pub fn ends_at(&self, settings: &config::Accounts) -> Timestamp {
        let idle = self.active_at().plus(self.idle_limit(settings));
        idle.min(self.created_at.plus(self.absolute_limit(settings)))
    }

    pub fn is_over(&self, settings: &config::Accounts, now: Timestamp) -> bool {
        now > self.ends_at(settings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use platform::{Config, config::Sources};

    const START: Timestamp = Timestamp::from_micros(1_000_000_000_000);

    fn settings() -> config::Accounts {
        Config::load(&Sources::default()).unwrap().0.accounts
    }

    fn after(span: Duration) -> Timestamp {
        START.plus(span)
    }

    fn age() -> Age {
        Age {
            created_at: START,
            called_at: START,
            rotated_at: None,
            remembered: true,
            staff: false,
        }
    }

    #[test]
    fn a_remembered_session_idles_out_after_a_week_and_ends_after_a_month() {
        let (settings, days) = (settings(), |n: u64| Duration::from_hours(24 * n));
        assert!(!age().is_over(&settings, after(days(7))));
        assert!(age().is_over(&settings, after(days(7) + Duration::from_secs(1))));
        let busy = Age {
            called_at: after(days(30)),
            ..age()
        };
        assert!(busy.is_over(&settings, after(days(30) + Duration::from_secs(1))));
    }

    #[test]
    fn an_unremembered_session_lasts_two_hours_idle_and_a_day_in_all() {
        let (settings, hours) = (settings(), Duration::from_hours);
        let brief = Age {
            remembered: false,
            ..age()
        };
        assert!(brief.is_over(&settings, after(hours(2) + Duration::from_secs(1))));
        let busy = Age {
            rotated_at: Some(after(hours(24))),
            ..brief
        };
        assert!(!busy.is_over(&settings, after(hours(24))));
        assert!(busy.is_over(&settings, after(hours(24) + Duration::from_secs(1))));
    }

    #[test]
    fn a_staff_session_is_kept_by_calls_and_not_by_refreshes() {
        let settings = settings();
        let minutes = Duration::from_mins;
        let staff = Age {
            staff: true,
            rotated_at: Some(after(minutes(29))),
            ..age()
        };
        assert!(staff.is_over(&settings, after(minutes(31))));
        let acting = Age {
            called_at: after(minutes(29)),
            ..staff
        };
        assert!(!acting.is_over(&settings, after(minutes(31))));
        let long = Age {
            called_at: after(minutes(720)),
            ..staff
        };
        assert!(long.is_over(&settings, after(minutes(721))));
    }
}
