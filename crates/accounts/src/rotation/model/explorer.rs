//! What each action does to a world, what must hold then, and the walk over all of them.

use super::{world::*, *};
use std::collections::HashSet;

pub struct Explorer {
    pub rules: Rules,
    pub setting: Setting,
}

impl Explorer {
    fn device_of_owner(&self) -> Device {
        match self.setting.client {
            Client::Plain => Device::None,
            _ => Device::Same,
        }
    }

    fn actions(&self, world: &World) -> Vec<Action> {
        let mut actions = STEPS.map(Action::Wait).to_vec();
        let owner = &world.owner;
        let grace = self.setting.client != Client::Plain;
        if !owner.out {
            if owner.second.is_none_or(|(token, _)| token == owner.held) {
                actions.extend([Action::Refresh, Action::RefreshLost]);
                if grace && owner.second.is_none() {
                    actions.push(Action::RefreshTwice);
                }
            }
            if owner.second.is_some() {
                actions.extend([Action::SecondArrives, Action::SecondLost]);
            }
            if owner.access.is_some() {
                actions.push(Action::Call);
                if owner.second.is_none() {
                    actions.extend([Action::Renew, Action::RenewLost]);
                }
            }
            if grace && owner.on_disk != owner.held {
                actions.push(Action::Kill);
            }
        }
        if self.setting.restores && !world.restored {
            actions.push(match world.backup {
                None => Action::Backup,
                Some(_) => Action::Restore,
            });
        }
        match &world.thief {
            None if self.setting.loot != Loot::Nothing => actions.push(Action::Steal),
            Some(thief) => {
                actions.push(Action::ThiefRefresh);
                if thief.access.is_some() {
                    actions.push(Action::ThiefCall);
                }
            }
            None => {}
        }
        actions
    }

    /// The server's whole answer to one refresh.
    fn refresh(&self, world: &mut World, token: i64, device: Device) -> Result<Decision, Broken> {
        let known = world.known;
        let decision = (self.rules.decide)(&known, token, device, NOW, self.setting.strict);
        world.known = (self.rules.after)(known, decision, token, device, NOW);
        let grants = grants(decision);
        let allowed_strictly = [Decision::Rotate, Decision::DeviceRequired, Decision::Reuse];
        if self.setting.strict && !allowed_strictly.contains(&decision) {
            return Err("strict mode gives grace");
        }
        if grants && world.device_seen && device != Device::Same {
            return Err("a token without its device was worth something");
        }
        world.device_seen |= grants && device == Device::Same;
        match decision {
            Decision::Rotate | Decision::CatchUp => {
                world.handed_out_at = NOW;
                world.last_sign_at = None;
            }
            Decision::Repeat { remarkable, .. } => {
                let late = world.handed_out_at.plus(GRACE);
                if world.last_sign_at.is_some_and(|sign| sign > late) {
                    return Err("a spent token was answered although its successor lives");
                }
                if world.last_sign_at.is_some() {
                    let today = day(NOW);
                    world.repeats = (today, world.repeats.1 + 1);
                    if world.repeats.1 > REPEATS_A_DAY {
                        return Err("more repeats than three a day");
                    }
                }
                if NOW.since(world.handed_out_at) > UNREMARKABLE {
                    world.handed_out_at = NOW;
                    if !remarkable {
                        return Err("a late repeat is not in the log");
                    }
                }
            }
            Decision::Reuse => world.alive = false,
            _ => {}
        }
        Ok(decision)
    }

    /// Whether a call with that access token is served, and leaves its sign.
    fn call(&self, world: &mut World, access: Access) -> bool {
        let known = world.known;
        if !world.alive || !(self.rules.honours)(&known, access.generation, access.issued_at.as_seconds()) {
            return false;
        }
        if access.generation == known.generation && known.rotated_at.is_some() {
            if (self.rules.learns)(&known, NOW) {
                world.known.successor_seen_at = Some(NOW);
            }
            world.last_sign_at = Some(NOW);
        }
        true
    }

    fn owner_refreshes(&self, world: &mut World, token: i64, heard: bool) -> Result<(), Broken> {
        let decision = self.refresh(world, token, self.device_of_owner())?;
        if token == world.owner.held {
            world.owner.on_disk = token;
        }
        if let Some(thief) = &mut world.thief {
            thief.noticed |= is_notice(decision);
            if grants(decision) {
                // The thief got ahead and used it: this refresh is the one that must tell.
                if thief.called && !thief.noticed && !thief.like_a_tab && token < thief.token {
                    return Err("owner and thief both went on, and nobody noticed");
                }
                thief.owner_went_on = true;
                thief.like_a_tab |= is_like_a_tab(decision);
            }
        }
        if !heard {
            return Ok(());
        }
        let owner = &mut world.owner;
        if grants(decision) {
            let generation = world.known.generation;
            if generation != owner.held {
                owner.held = generation;
                owner.received_at = NOW;
            }
            owner.access = Some(Access {
                generation,
                issued_at: NOW,
            });
        }
        owner.out |= decision == Decision::Superseded;
        Ok(())
    }

    /// With the password, so no thief does it.
    fn owner_renews(&self, world: &mut World, heard: bool) {
        let Some(access) = world.owner.access else { return };
        if !self.call(world, access) {
            world.owner.access = None;
            return;
        }
        let before = world.known.generation;
        world.known = (self.rules.renewed)(world.known, access.generation, NOW, self.setting.strict);
        let generation = world.known.generation;
        let is_again = generation == before;
        if let Some(thief) = &mut world.thief {
            thief.owner_went_on = true;
            // As with a refresh: who asks within seconds of the owner is a second tab.
            thief.like_a_tab |= is_again && NOW.since(world.handed_out_at) <= UNREMARKABLE;
        }
        world.handed_out_at = NOW;
        if !is_again {
            world.last_sign_at = None;
            world.owner.on_disk = world.owner.held;
        }
        if !heard {
            return;
        }
        let owner = &mut world.owner;
        if generation != owner.held {
            owner.held = generation;
            owner.received_at = NOW;
        }
        owner.access = Some(Access {
            generation,
            issued_at: NOW,
        });
    }

    fn thief_refreshes(&self, world: &mut World) -> Result<(), Broken> {
        let Some(mut thief) = world.thief else {
            return Ok(());
        };
        let device = match self.setting.loot {
            Loot::TokenAndDevice => self.device_of_owner(),
            _ => Device::None,
        };
        let decision = self.refresh(world, thief.token, device)?;
        if grants(decision) {
            let generation = world.known.generation;
            thief = Thief {
                token: generation,
                access: Some(Access {
                    generation,
                    issued_at: NOW,
                }),
                called: false,
                owner_went_on: false,
                // A restore forgets what was spent, so a spent token may be worth one access
                // token again; its successor is under the rules like any other.
                noticed: is_notice(decision) || world.restored && decision == Decision::Rotate,
                like_a_tab: is_like_a_tab(decision),
            };
        }
        world.thief = Some(thief);
        Ok(())
    }

    fn thief_calls(&self, world: &mut World) -> Result<(), Broken> {
        let Some(thief) = world.thief else { return Ok(()) };
        let Some(access) = thief.access else { return Ok(()) };
        if self.call(world, access) {
            if thief.owner_went_on && !thief.noticed && !thief.like_a_tab {
                return Err("a thief beside the owner was served, and nobody noticed");
            }
            world.thief = Some(Thief {
                called: true,
                ..thief
            });
        }
        Ok(())
    }

    fn act(&self, mut world: World, action: Action) -> Result<World, Broken> {
        let held = world.owner.held;
        match action {
            Action::Wait(seconds) => world.wait(seconds),
            Action::Refresh => self.owner_refreshes(&mut world, held, true)?,
            Action::RefreshLost => self.owner_refreshes(&mut world, held, false)?,
            Action::RefreshTwice => {
                world.owner.second = Some((held, NOW));
                self.owner_refreshes(&mut world, held, true)?;
            }
            Action::SecondArrives | Action::SecondLost => {
                if let Some((token, _)) = world.owner.second.take() {
                    self.owner_refreshes(&mut world, token, action == Action::SecondArrives)?;
                }
            }
            Action::Call => {
                if let Some(access) = world.owner.access
                    && !self.call(&mut world, access)
                {
                    world.owner.access = None;
                }
            }
            Action::Renew | Action::RenewLost => self.owner_renews(&mut world, action == Action::Renew),
            Action::Kill => {
                let owner = &mut world.owner;
                owner.held = owner.on_disk;
                owner.access = None;
            }
            Action::Backup => world.backup = Some(world.known),
            Action::Restore => {
                if let Some(known) = world.backup.take() {
                    world.known = (self.rules.restored)(known, NOW);
                    world.restored = true;
                    world.handed_out_at = NOW;
                    world.last_sign_at = known.successor_seen_at;
                    world.device_seen = known.device_shown;
                    world.repeats = (known.repeat_day, known.repeats);
                    // What a thief had just stolen lives on for ten minutes at most, while
                    // whoever restores is watching.
                    if let Some(thief) = &mut world.thief {
                        thief.access = None;
                        thief.called = false;
                    }
                }
            }
            Action::Steal => {
                world.thief = Some(Thief {
                    token: held,
                    access: None,
                    called: false,
                    owner_went_on: false,
                    noticed: false,
                    like_a_tab: false,
                });
            }
            Action::ThiefRefresh => self.thief_refreshes(&mut world)?,
            Action::ThiefCall => self.thief_calls(&mut world)?,
        }
        world.renumber();
        Ok(world)
    }

    /// What must hold in every world.
    fn check(&self, world: &World) -> Result<(), Broken> {
        let answer =
            |token, device, now| (self.rules.decide)(&world.known, token, device, now, self.setting.strict);
        if !world.alive {
            let honest = self.setting.loot == Loot::Nothing && !self.setting.strict;
            return if honest {
                Err("an honest path ended the session")
            } else {
                Ok(())
            };
        }
        for device in [Device::None, Device::Same] {
            let unspent = (NEWEST - 5..=NEWEST)
                .filter(|token| answer(*token, device, NOW) == Decision::Rotate)
                .count();
            if unspent > 1 {
                return Err("two tokens are unspent at once");
            }
        }
        if self.setting.loot == Loot::Nothing && self.setting.client != Client::Plain && !self.setting.strict
        {
            let now = answer(world.owner.held, Device::Same, NOW);
            let tomorrow = NOW.plus(Duration::from_secs(DAY));
            let later = answer(world.owner.held, Device::Same, tomorrow);
            let waits = now == Decision::ReauthRequired && world.repeats.1 >= REPEATS_A_DAY;
            if !(grants(now) || waits && grants(later)) {
                return Err("an honest client with its device does not get back in");
            }
        }
        Ok(())
    }

    /// All worlds within reach; or the shortest way to a broken one.
    pub fn explore(&self) -> Result<usize, (Broken, Vec<Action>)> {
        let start = World::start(self.setting.client);
        let mut known = HashSet::from([start]);
        let mut reached: Vec<(World, usize, Option<Action>)> = vec![(start, 0, None)];
        let mut level = 0..1;
        for _ in 0..self.setting.depth {
            for index in level.clone() {
                let (world, ..) = reached[index];
                if !world.alive {
                    continue;
                }
                for action in self.actions(&world) {
                    let outcome = self.act(world, action);
                    match outcome.and_then(|next| self.check(&next).map(|()| next)) {
                        Ok(next) => {
                            if known.insert(next) {
                                reached.push((next, index, Some(action)));
                            }
                        }
                        Err(broken) => return Err((broken, path(&reached, index, action))),
                    }
                }
            }
            level = level.end..reached.len();
        }
        Ok(reached.len())
    }
}

fn path(reached: &[(World, usize, Option<Action>)], mut index: usize, last: Action) -> Vec<Action> {
    let mut path = vec![last];
    while let (_, before, Some(action)) = reached[index] {
        path.push(action);
        index = before;
    }
    path.reverse();
    path
}

fn grants(decision: Decision) -> bool {
    matches!(
        decision,
        Decision::Rotate | Decision::Repeat { .. } | Decision::CatchUp
    )
}

fn is_notice(decision: Decision) -> bool {
    matches!(
        decision,
        Decision::Reuse
            | Decision::DeviceRequired
            | Decision::ReauthRequired
            | Decision::CatchUp
            | Decision::Repeat { counted: true, .. }
    )
}

fn is_like_a_tab(decision: Decision) -> bool {
    matches!(
        decision,
        Decision::Repeat {
            remarkable: false,
            ..
        }
    )
}
