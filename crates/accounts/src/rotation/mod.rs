//! What a presented refresh token means: the state machine, pure.
//!
//! A session has one unspent token, of generation `row.generation`. A client
//! that never heard the answer shows the token before it (`distance` 1); with
//! the secret of its device, and as long as the successor shows no late sign of
//! life, it hears the same successor again. Anything older is theft or a copy,
//! and ends the session. Strict mode knows no grace.
//!
//! Who takes part: an owner, whose client keeps its newest token, though one
//! that is killed within [`GRACE`] of receiving it may come back with the one
//! before; and perhaps a thief. What they can bring about together is explored
//! in `model.rs`, to a stated depth. Four rules stand here because of it:
//!
//! * A late repeat starts the clock of the grace anew: only then has its client
//!   received the token, and it may be killed again before it is on its disk.
//! * A late repeat voids the access tokens given out before it, and the next
//!   rotation those given out with it. Otherwise a thief who always asks before
//!   the owner, and calls only after, would never be noticed.
//! * A proof of who is there is answered like a refresh, and like a late repeat when
//!   its caller may not hold the newest token ([`Known::renewed`]).
//! * The first sign of life later than the grace is kept beside the first of
//!   all, which costs at most two writes for each rotation.
//!
//! What remains, and is the price of the grace: a thief who holds the device's
//! secret too is heard three times a day, until the owner's next refresh; and
//! one who asks within [`UNREMARKABLE`] of the owner looks like a second tab.

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;

use base::Timestamp;
use std::time::Duration;

/// A successor that was used this long after it was handed out has reached its client.
pub const GRACE: Duration = Duration::from_mins(1);
/// Repeats beyond this are noted in the security log.
pub const UNREMARKABLE: Duration = Duration::from_secs(10);
/// Repeats a day once the successor was seen.
pub const REPEATS_A_DAY: i64 = 3;

/// What the server knows of the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Known {
    pub generation: i64,
    /// When the newest generation was handed out: by its rotation, or by its last late repeat.
    pub rotated_at: Option<Timestamp>,
    /// A sign of life of the newest generation: the first, or one later than the grace.
    pub successor_seen_at: Option<Timestamp>,
    /// Whether its client has ever shown its device's secret.
    pub device_shown: bool,
    /// The last generation that was handed out a second time, late.
    pub reissued: Option<i64>,
    /// The day (since 1970, UTC) of the last counted repeat, and how many it had.
    pub repeat_day: i64,
    pub repeats: i64,
}

/// Which secret the caller showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
pub fn decide(known: &Known, generation: i64, device: Device, now: Timestamp, strict: bool) -> Decision {
    match known.generation - generation {
        0 if device == Device::None && known.device_shown => Decision::DeviceRequired,
        // Told at once, not only when an answer is lost and it matters.
        0 if device == Device::Other => Decision::DeviceRequired,
        0 => Decision::Rotate,
        _ if strict => Decision::Reuse,
        1 => superseded(known, device, now),
        d if d < 0 => unknown_yet(known, device),
        _ => Decision::Reuse,
    }
}

fn superseded(known: &Known, device: Device, now: Timestamp) -> Decision {
    let rotated_at = known.rotated_at.unwrap_or(now);
    match (device, known.successor_seen_at) {
        (Device::None, None) => Decision::Superseded,
        (Device::Same, Some(seen)) if seen > rotated_at.plus(GRACE) => Decision::Reuse,
        (Device::Same, Some(_)) if known.repeats_on(day(now)) >= REPEATS_A_DAY => Decision::ReauthRequired,
        (Device::Same, seen) => Decision::Repeat {
            remarkable: now.since(rotated_at) > UNREMARKABLE,
            counted: seen.is_some(),
        },
        _ => Decision::Reuse,
    }
}

/// A genuine token that the database has not made yet: it went back in time.
fn unknown_yet(known: &Known, device: Device) -> Decision {
    match device {
        Device::Same => Decision::CatchUp,
        // A plain client has done nothing wrong, and proves nothing.
        Device::None if !known.device_shown => Decision::ReauthRequired,
        _ => Decision::Reuse,
    }
}

fn day(now: Timestamp) -> i64 {
    now.as_seconds().div_euclid(86_400)
}

impl Known {
    fn repeats_on(&self, day: i64) -> i64 {
        if self.repeat_day == day { self.repeats } else { 0 }
    }

    /// What is known once the decision is carried out; refusals change nothing here.
    #[must_use]
    pub fn after(self, decision: Decision, generation: i64, device: Device, now: Timestamp) -> Known {
        let mut next = self;
        match decision {
            Decision::Rotate | Decision::CatchUp => {
                next.generation = generation + 1;
                next.rotated_at = Some(now);
                next.successor_seen_at = None;
            }
            Decision::Repeat { remarkable, counted } => {
                if counted {
                    next.repeats = self.repeats_on(day(now)) + 1;
                    next.repeat_day = day(now);
                }
                if remarkable {
                    next.rotated_at = Some(now);
                    next.reissued = Some(self.generation);
                }
            }
            _ => return self,
        }
        next.device_shown |= device == Device::Same;
        next
    }

    /// What is known once a member proved who they are, who called with an access token of
    /// that generation: new tokens. Whoever called with an older one may not hold the newest
    /// refresh token. To give out one after it would leave them two behind if this answer is
    /// lost as well, so they get the newest, as with a late repeat; and whoever does hold it
    /// has no access token any more.
    #[must_use]
    pub fn renewed(self, generation: i64, now: Timestamp, strict: bool) -> Known {
        let rotate = |known: Known| known.after(Decision::Rotate, self.generation, Device::None, now);
        let repeat = Decision::Repeat {
            remarkable: true,
            counted: false,
        };
        match generation >= self.generation {
            true => rotate(self),
            false if strict => rotate(Known {
                reissued: Some(self.generation),
                ..self
            }),
            false => self.after(repeat, self.generation, Device::None, now),
        }
    }

    /// The state a backup held, as it counts from now on: the clock of the grace
    /// starts anew, and access tokens from the time that was lost are void.
    #[must_use]
    pub fn restored(self, now: Timestamp) -> Known {
        Known {
            rotated_at: Some(now),
            reissued: Some(self.generation),
            ..self
        }
    }

    /// Whether a call with an access token of the newest generation says something new.
    pub fn learns_from_call(&self, now: Timestamp) -> bool {
        let Some(rotated_at) = self.rotated_at else {
            return false;
        };
        let late = rotated_at.plus(GRACE);
        self.successor_seen_at
            .is_none_or(|seen| seen <= late && now > late)
    }

    /// Whether an access token of that generation, issued at that second, still
    /// counts. One newer than all that is known is from before a restore.
    pub fn honours(&self, generation: i64, issued_s: i64) -> bool {
        if generation >= self.generation {
            let since = self.rotated_at.map_or(i64::MIN, Timestamp::as_seconds);
            return generation == self.generation && issued_s >= since;
        }
        self.reissued.is_none_or(|reissued| generation > reissued)
    }
}
