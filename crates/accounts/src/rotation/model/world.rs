//! All there is: what the server knows, what each party holds, what truly happened.

use super::*;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Access {
    pub generation: i64,
    pub issued_at: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Owner {
    pub held: i64,
    pub on_disk: i64,
    pub received_at: Timestamp,
    pub second: Option<(i64, Timestamp)>,
    pub access: Option<Access>,
    /// Told to log in again; the session itself may go on.
    pub out: bool,
}

/// What a thief holds, and whether the owner could have noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::struct_excessive_bools, reason = "four independent facts")]
pub struct Thief {
    pub token: i64,
    pub access: Option<Access>,
    pub called: bool,
    pub owner_went_on: bool,
    pub noticed: bool,
    /// Within seconds of the owner: a second tab, by all one can see.
    pub like_a_tab: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct World {
    pub known: Known,
    pub alive: bool,
    pub backup: Option<Known>,
    pub restored: bool,
    pub owner: Owner,
    pub thief: Option<Thief>,
    /// What truly happened, kept apart from what the rules keep.
    pub handed_out_at: Timestamp,
    pub last_sign_at: Option<Timestamp>,
    pub device_seen: bool,
    pub repeats: (i64, i64),
}

impl World {
    pub fn start(client: Client) -> World {
        World {
            known: Known {
                generation: NEWEST,
                rotated_at: None,
                successor_seen_at: None,
                device_shown: client == Client::Browser,
                reissued: None,
                repeat_day: 0,
                repeats: 0,
            },
            alive: true,
            backup: None,
            restored: false,
            owner: Owner {
                held: NEWEST,
                on_disk: NEWEST,
                received_at: NOW,
                second: None,
                access: Some(Access {
                    generation: NEWEST,
                    issued_at: NOW,
                }),
                out: false,
            },
            thief: None,
            handed_out_at: NOW,
            last_sign_at: None,
            device_seen: client == Client::Browser,
            repeats: (0, 0),
        }
    }

    /// Moves all that was into the past.
    pub fn wait(&mut self, seconds: u64) {
        let span = Duration::from_secs(seconds);
        let horizon = NOW.minus(Duration::from_secs(3 * DAY));
        let older = |at: &mut Timestamp| *at = at.minus(span).max(horizon);
        let days = (seconds / DAY) as i64;
        for known in [Some(&mut self.known), self.backup.as_mut()]
            .into_iter()
            .flatten()
        {
            known.rotated_at.iter_mut().for_each(older);
            known.successor_seen_at.iter_mut().for_each(older);
            known.repeat_day = (known.repeat_day - days).max(0);
            if known.repeat_day != day(NOW) {
                (known.repeat_day, known.repeats) = (0, 0);
            }
        }
        older(&mut self.handed_out_at);
        self.last_sign_at.iter_mut().for_each(older);
        self.repeats.0 -= days;
        if self.repeats.0 != day(NOW) {
            self.repeats = (0, 0);
        }
        let owner = &mut self.owner;
        older(&mut owner.received_at);
        if NOW.since(owner.received_at) >= DISK {
            owner.on_disk = owner.held;
            owner.received_at = horizon;
        }
        if let Some((_, sent_at)) = &mut owner.second {
            older(sent_at);
        }
        owner.second = owner
            .second
            .filter(|(_, sent_at)| NOW.since(*sent_at) <= IN_FLIGHT);
        let own = [
            Some(&mut owner.access),
            self.thief.as_mut().map(|t| &mut t.access),
        ];
        for access in own.into_iter().flatten() {
            if let Some(access) = access {
                older(&mut access.issued_at);
            }
            *access = access.filter(|access| NOW.since(access.issued_at) < ACCESS);
        }
    }

    /// Worlds that differ in the count of generations alone become one.
    pub fn renumber(&mut self) {
        let by = NEWEST - self.known.generation;
        let far = NEWEST - 5;
        let moved = |generation: &mut i64| *generation = (*generation + by).max(far);
        self.known.generation += by;
        self.known.reissued.iter_mut().for_each(moved);
        if let Some(backup) = &mut self.backup {
            moved(&mut backup.generation);
            backup.reissued.iter_mut().for_each(moved);
        }
        let owner = &mut self.owner;
        moved(&mut owner.held);
        moved(&mut owner.on_disk);
        owner.second.iter_mut().for_each(|(token, _)| moved(token));
        owner
            .access
            .iter_mut()
            .for_each(|access| moved(&mut access.generation));
        if let Some(thief) = &mut self.thief {
            moved(&mut thief.token);
            thief
                .access
                .iter_mut()
                .for_each(|access| moved(&mut access.generation));
        }
    }
}
