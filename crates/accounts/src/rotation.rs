//! What a presented refresh token means: the state machine, pure.
//!
//! A session has one unspent token, of generation `row.generation`. A client
//! that never heard the answer shows the token before it (`distance` 1); with
//! the secret of its device, and as long as the successor shows no sign of
//! life, it hears the same successor again. Anything older is theft or a copy,
//! and ends the session. Strict mode knows no grace.

use base::Timestamp;
use std::time::Duration;

/// A successor that was used this long after the rotation has reached its client.
pub const GRACE: Duration = Duration::from_mins(1);
/// Repeats beyond this are noted in the security log.
pub const UNREMARKABLE: Duration = Duration::from_secs(10);
/// Repeats a day once the successor was seen.
pub const REPEATS_A_DAY: i64 = 3;

/// What the server knows of the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    pub generation: i64,
    pub rotated_at: Option<Timestamp>,
    /// First sign of life of the newest generation.
    pub successor_seen_at: Option<Timestamp>,
    /// Whether its client has ever shown its device's secret.
    pub device_shown: bool,
    pub repeats_today: i64,
}

/// Which secret the caller showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    None,
    Same,
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// A new generation.
    Rotate,
    /// The successor again.
    Repeat { remarkable: bool, counted: bool },
    /// 401, nothing revoked: the caller holds the device's token without the device.
    DeviceRequired,
    /// 401, nothing revoked: too many repeats; the password will tell.
    ReauthRequired,
    /// 401, nothing revoked: a plain client's lost answer.
    Superseded,
    /// A restored backup knows less than the client: go on from the client's generation.
    CatchUp,
    /// Revoke, cut, tell, audit.
    Reuse,
}

/// Decides about a genuine token of a living session.
pub fn decide(known: Known, generation: i64, device: Device, now: Timestamp, strict: bool) -> Decision {
    let distance = known.generation - generation;
    match distance {
        0 if known.device_shown && device == Device::None => Decision::DeviceRequired,
        0 if device == Device::Other => Decision::Reuse,
        0 => Decision::Rotate,
        _ if strict => Decision::Reuse,
        1 => superseded(known, device, now),
        d if d < 0 && device == Device::Same => Decision::CatchUp,
        _ => Decision::Reuse,
    }
}

fn superseded(known: Known, device: Device, now: Timestamp) -> Decision {
    let rotated_at = known.rotated_at.unwrap_or(now);
    match (device, known.successor_seen_at) {
        (Device::None, None) if !known.device_shown => Decision::Superseded,
        (Device::Same, Some(seen)) if seen > rotated_at.plus(GRACE) => Decision::Reuse,
        (Device::Same, Some(_)) if known.repeats_today >= REPEATS_A_DAY => Decision::ReauthRequired,
        (Device::Same, seen) => Decision::Repeat {
            remarkable: now.since(rotated_at) > UNREMARKABLE,
            counted: seen.is_some(),
        },
        _ => Decision::Reuse,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_micros(1_000_000_000_000);

    fn known() -> Known {
        Known {
            generation: 5,
            rotated_at: Some(START),
            successor_seen_at: None,
            device_shown: true,
            repeats_today: 0,
        }
    }

    fn after(seconds: u64) -> Timestamp {
        START.plus(Duration::from_secs(seconds))
    }

    #[test]
    fn the_newest_token_rotates() {
        assert_eq!(
            decide(known(), 5, Device::Same, after(1), false),
            Decision::Rotate
        );
        let plain = Known {
            device_shown: false,
            ..known()
        };
        assert_eq!(decide(plain, 5, Device::None, after(1), false), Decision::Rotate);
    }

    #[test]
    fn a_token_without_its_device_rotates_nothing() {
        assert_eq!(
            decide(known(), 5, Device::None, after(1), false),
            Decision::DeviceRequired
        );
        assert_eq!(
            decide(known(), 5, Device::Other, after(1), false),
            Decision::Reuse
        );
    }

    #[test]
    fn a_lost_answer_is_given_again_even_much_later() {
        let again = |seconds| decide(known(), 4, Device::Same, after(seconds), false);
        assert_eq!(
            again(1),
            Decision::Repeat {
                remarkable: false,
                counted: false
            }
        );
        assert_eq!(
            again(3600),
            Decision::Repeat {
                remarkable: true,
                counted: false
            }
        );
    }

    #[test]
    fn a_successor_that_lives_on_makes_the_old_token_theft() {
        let seen = |seconds| Known {
            successor_seen_at: Some(after(seconds)),
            ..known()
        };
        assert_eq!(
            decide(seen(61), 4, Device::Same, after(62), false),
            Decision::Reuse
        );
        let repeat = Decision::Repeat {
            remarkable: true,
            counted: true,
        };
        assert_eq!(decide(seen(5), 4, Device::Same, after(20), false), repeat);
        let tired = Known {
            repeats_today: REPEATS_A_DAY,
            ..seen(5)
        };
        assert_eq!(
            decide(tired, 4, Device::Same, after(20), false),
            Decision::ReauthRequired
        );
    }

    #[test]
    fn a_plain_client_is_told_and_not_thrown_out() {
        let plain = Known {
            device_shown: false,
            ..known()
        };
        assert_eq!(
            decide(plain, 4, Device::None, after(1), false),
            Decision::Superseded
        );
        let seen = Known {
            successor_seen_at: Some(after(2)),
            ..plain
        };
        assert_eq!(decide(seen, 4, Device::None, after(3), false), Decision::Reuse);
    }

    #[test]
    fn older_tokens_are_reuse_whoever_shows_them() {
        for device in [Device::None, Device::Same, Device::Other] {
            assert_eq!(decide(known(), 3, device, after(1), false), Decision::Reuse);
        }
        assert_eq!(
            decide(known(), 6, Device::Same, after(1), false),
            Decision::CatchUp
        );
        assert_eq!(decide(known(), 6, Device::None, after(1), false), Decision::Reuse);
    }

    #[test]
    fn strict_mode_knows_no_grace() {
        assert_eq!(decide(known(), 4, Device::Same, after(1), true), Decision::Reuse);
        assert_eq!(decide(known(), 5, Device::Same, after(1), true), Decision::Rotate);
    }
}
