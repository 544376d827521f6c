//! Who is where, as far as this node knows: pure, so that every turn can be tested.
//!
//! A member has a seat for each socket. From the seats here and from what other
//! nodes say follows one status for each member and place, whatever the number
//! of devices. Rooms with listeners here remember what these were told; a look
//! at what changed since ([`Board::tick`]) gives one piece of news for each room.
//! Somebody who leaves is given a moment to come back, so that a storm of
//! reconnects is no news at all.
//!
//! Other nodes say their changes by number. A number that is missing, or a node
//! that nobody has met, makes this one ask for all ([`Gap`]). A node that is not
//! heard for a lease is gone, and so is everybody on it: a killed process leaves
//! no ghosts.

use super::Status;
use crate::streams::Stream;
use accounts::MemberId;
use serde::{Deserialize, Serialize};
use socketio::Id;
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    time::{Duration, Instant},
};
use uuid::Uuid;

/// A room, or, when there is none, the server at all.
pub type Place = Option<Stream>;

/// How long somebody who has left may take to come back unnoticed.
pub const GRACE: Duration = Duration::from_secs(3);
/// How long a node that says nothing is believed to be there.
pub const LEASE: Duration = Duration::from_secs(6);
/// Rooms of at most so many hear who is there with each change.
const SMALL: usize = 50;
/// Changes told at once; of more only the number is told.
const MOST: usize = 100;

/// One member in one place.
pub type Standing = (Place, MemberId, Status);

/// What a node says of those who are on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    /// Nothing new since that number.
    Beat { number: u64 },
    /// What changed with that number.
    Changes { number: u64, changes: Vec<Standing> },
    /// Everybody, as of that number.
    All { number: u64, there: Vec<Standing> },
}

/// Something that a node said was missed: it must say all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap;

/// What listeners of a room are to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    pub stream: Stream,
    /// One more than with the last news of this room.
    pub number: u64,
    pub changes: Vec<(MemberId, Status)>,
    /// There were more changes than are told.
    pub more: bool,
    /// Everybody who is there, in a small room.
    pub present: Option<Vec<(MemberId, Status)>>,
    pub count: usize,
}

#[derive(Debug)]
struct Seat {
    member: MemberId,
    away: bool,
    rooms: Vec<Stream>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Seats {
    taken: u32,
    away: u32,
}

#[derive(Debug)]
struct Node {
    number: u64,
    heard_at: Instant,
    there: HashMap<Place, HashMap<MemberId, Status>>,
}

/// A room that somebody here listens to.
#[derive(Debug, Default)]
struct Audience {
    sockets: usize,
    number: u64,
    told: BTreeMap<MemberId, Status>,
    /// Whose status may have changed, and since when.
    unsure: HashMap<MemberId, Instant>,
}

#[derive(Debug, Default)]
pub struct Board {
    seats: HashMap<Id, Seat>,
    here: HashMap<Place, HashMap<MemberId, Seats>>,
    /// Members who do not want to be seen.
    unseen: HashSet<MemberId>,
    elsewhere: HashMap<Uuid, Node>,
    audiences: HashMap<Stream, Audience>,
    /// What other nodes have not been told.
    unsaid: HashSet<(Place, MemberId)>,
    number: u64,
}

impl Board {
    pub fn connect(&mut self, socket: Id, member: MemberId, seen: bool, now: Instant) {
        if !seen {
            self.unseen.insert(member);
        }
        let seat = Seat {
            member,
            away: false,
            rooms: vec![],
        };
        self.seats.insert(socket, seat);
        self.change(None, member, now, |seats| seats.taken += 1);
    }

    /// True when it was the member's last socket here.
    pub fn disconnect(&mut self, socket: Id, now: Instant) -> bool {
        let Some(seat) = self.seats.remove(&socket) else {
            return false;
        };
        for room in &seat.rooms {
            self.give_up(Some(*room), &seat, now);
            self.lose_listener(*room);
        }
        self.give_up(None, &seat, now);
        let last = !self.is_here(seat.member);
        if last {
            self.unseen.remove(&seat.member);
        }
        last
    }

    /// A socket that has gone meanwhile enters nothing.
    pub fn enter(&mut self, socket: Id, room: Stream, now: Instant) {
        let Some(seat) = self
            .seats
            .get_mut(&socket)
            .filter(|seat| !seat.rooms.contains(&room))
        else {
            return;
        };
        seat.rooms.push(room);
        let (member, away) = (seat.member, u32::from(seat.away));
        let audience = self.audiences.entry(room).or_default();
        audience.sockets += 1;
        if audience.sockets == 1 {
            // The first listener hears of those who are there already.
            let there: Vec<_> = self.statuses(room).into_keys().collect();
            for member in there {
                self.doubt(room, member, now);
            }
        }
        self.change(Some(room), member, now, |seats| {
            seats.taken += 1;
            seats.away += away;
        });
    }

    pub fn leave(&mut self, socket: Id, room: Stream, now: Instant) {
        let Some(mut seat) = self.seats.remove(&socket) else {
            return;
        };
        if let Some(place) = seat.rooms.iter().position(|other| *other == room) {
            seat.rooms.swap_remove(place);
            self.give_up(Some(room), &seat, now);
            self.lose_listener(room);
        }
        self.seats.insert(socket, seat);
    }

    /// The person at this socket looks elsewhere, or looks again.
    pub fn set_away(&mut self, socket: Id, away: bool, now: Instant) {
        let Some(seat) = self.seats.get_mut(&socket).filter(|seat| seat.away != away) else {
            return;
        };
        seat.away = away;
        let (member, rooms) = (seat.member, seat.rooms.clone());
        for place in rooms.into_iter().map(Some).chain([None]) {
            self.change(place, member, now, |seats| {
                seats.away = if away { seats.away + 1 } else { seats.away - 1 };
            });
        }
    }

    /// Whether others may see this member at all.
    pub fn set_seen(&mut self, member: MemberId, seen: bool, now: Instant) {
        if !self.is_here(member) || self.unseen.contains(&member) != seen {
            return;
        }
        if seen {
            self.unseen.remove(&member);
        } else {
            self.unseen.insert(member);
        }
        let places: Vec<_> = self
            .here
            .iter()
            .filter(|(_, members)| members.contains_key(&member))
            .map(|(place, _)| *place)
            .collect();
        for place in places {
            self.note(place, member, now);
        }
    }

    pub fn is_here(&self, member: MemberId) -> bool {
        self.here
            .get(&None)
            .is_some_and(|members| members.contains_key(&member))
    }

    /// Members with a socket here.
    pub fn members_here(&self) -> Vec<MemberId> {
        self.here
            .get(&None)
            .map(|members| members.keys().copied().collect())
            .unwrap_or_default()
    }

    /// Entries of all kinds; nothing when nobody is there.
    pub fn size(&self) -> usize {
        self.seats.len() + self.here.len() + self.audiences.len() + self.unseen.len()
    }

    /// The best that the member's devices give, on whatever node.
    pub fn status(&self, place: Place, member: MemberId) -> Status {
        let elsewhere = self
            .elsewhere
            .values()
            .filter_map(|node| node.there.get(&place)?.get(&member).copied());
        elsewhere
            .chain([self.status_here(place, member)])
            .max()
            .unwrap_or(Status::Offline)
    }

    /// Everybody who is in the room.
    pub fn statuses(&self, room: Stream) -> BTreeMap<MemberId, Status> {
        let place = Some(room);
        let mut all = BTreeMap::new();
        for member in self.here.get(&place).into_iter().flat_map(HashMap::keys) {
            let status = self.status_here(place, *member);
            if status != Status::Offline {
                all.insert(*member, status);
            }
        }
        for (member, status) in self
            .elsewhere
            .values()
            .filter_map(|node| node.there.get(&place))
            .flatten()
        {
            let best = all.entry(*member).or_insert(*status);
            *best = (*best).max(*status);
        }
        all
    }

    /// What the listeners of each room are to be told by now.
    pub fn tick(&mut self, now: Instant) -> Vec<News> {
        let unsure: Vec<Stream> = self
            .audiences
            .iter()
            .filter(|(_, audience)| !audience.unsure.is_empty())
            .map(|(room, _)| *room)
            .collect();
        unsure
            .into_iter()
            .filter_map(|room| self.news_of(room, now))
            .collect()
    }

    fn news_of(&mut self, room: Stream, now: Instant) -> Option<News> {
        let asked: Vec<_> = self
            .audiences
            .get(&room)?
            .unsure
            .iter()
            .map(|(member, since)| (*member, *since))
            .collect();
        let asked: Vec<_> = asked
            .into_iter()
            .map(|(member, since)| (member, since, self.status(Some(room), member)))
            .collect();
        let audience = self.audiences.get_mut(&room)?;
        let mut changes = vec![];
        for (member, since, status) in asked {
            let told = audience.told.get(&member).copied().unwrap_or(Status::Offline);
            let is_leaving = status == Status::Offline && told != Status::Offline;
            if is_leaving && now.duration_since(since) < GRACE {
                continue;
            }
            audience.unsure.remove(&member);
            if status == told {
                continue;
            }
            if status == Status::Offline {
                audience.told.remove(&member);
            } else {
                audience.told.insert(member, status);
            }
            changes.push((member, status));
        }
        if changes.is_empty() {
            return None;
        }
        audience.number += 1;
        let more = changes.len() > MOST;
        if more {
            changes.clear();
        }
        changes.sort();
        let count = audience.told.len();
        let present = (count <= SMALL).then(|| {
            audience
                .told
                .iter()
                .map(|(member, status)| (*member, *status))
                .collect()
        });
        Some(News {
            stream: room,
            number: audience.number,
            changes,
            more,
            present,
            count,
        })
    }

    /// The number of the room's last news.
    pub fn news_number(&self, room: Stream) -> u64 {
        self.audiences.get(&room).map_or(0, |audience| audience.number)
    }

    /// What changed here since the last time, for the other nodes.
    pub fn changes(&mut self) -> Option<Word> {
        if self.unsaid.is_empty() {
            return None;
        }
        self.number += 1;
        let unsaid = std::mem::take(&mut self.unsaid);
        let changes = unsaid
            .into_iter()
            .map(|(place, member)| (place, member, self.status_here(place, member)))
            .collect();
        Some(Word::Changes {
            number: self.number,
            changes,
        })
    }

    pub fn beat(&self) -> Word {
        Word::Beat { number: self.number }
    }

    /// Everybody here, for a node that has missed something.
    pub fn all(&mut self) -> Word {
        // What changed since the last number goes along.
        self.unsaid.clear();
        self.number += 1;
        let here = self
            .here
            .iter()
            .flat_map(|(place, members)| members.keys().map(|member| (*place, *member)));
        let there = here
            .map(|(place, member)| (place, member, self.status_here(place, member)))
            .filter(|(.., status)| *status != Status::Offline)
            .collect();
        Word::All {
            number: self.number,
            there,
        }
    }

    /// Another node says something.
    pub fn hear(&mut self, from: Uuid, word: Word, now: Instant) -> Result<(), Gap> {
        match word {
            Word::All { number, there } => {
                let before = self.elsewhere.remove(&from);
                let mut node = Node {
                    number,
                    heard_at: now,
                    there: HashMap::new(),
                };
                for (place, member, status) in there {
                    node.there.entry(place).or_default().insert(member, status);
                }
                let moved: Vec<_> = before.iter().chain([&node]).flat_map(Node::entries).collect();
                self.elsewhere.insert(from, node);
                self.doubt_all(moved, now);
                Ok(())
            }
            Word::Changes { number, changes } => {
                let node = self
                    .elsewhere
                    .get_mut(&from)
                    .filter(|node| node.number + 1 == number)
                    .ok_or(Gap)?;
                (node.number, node.heard_at) = (number, now);
                for (place, member, status) in &changes {
                    node.put(*place, *member, *status);
                }
                self.doubt_all(
                    changes
                        .into_iter()
                        .map(|(place, member, _)| (place, member))
                        .collect(),
                    now,
                );
                Ok(())
            }
            Word::Beat { number } => {
                let node = self.elsewhere.get_mut(&from).ok_or(Gap)?;
                node.heard_at = now;
                if node.number == number { Ok(()) } else { Err(Gap) }
            }
        }
    }

    /// A node has said goodbye.
    pub fn forget(&mut self, node: Uuid, now: Instant) {
        if let Some(node) = self.elsewhere.remove(&node) {
            self.doubt_all(node.entries(), now);
        }
    }

    /// Nodes that were not heard for a lease are gone; how many those were.
    pub fn expire(&mut self, now: Instant) -> usize {
        let silent: Vec<_> = self
            .elsewhere
            .iter()
            .filter(|(_, node)| now.duration_since(node.heard_at) > LEASE)
            .map(|(id, _)| *id)
            .collect();
        for node in &silent {
            self.forget(*node, now);
        }
        silent.len()
    }

    /// Nobody could be heard for a while: each node gets a new lease.
    pub fn renew_leases(&mut self, now: Instant) {
        for node in self.elsewhere.values_mut() {
            node.heard_at = now;
        }
    }

    fn status_here(&self, place: Place, member: MemberId) -> Status {
        if self.unseen.contains(&member) {
            return Status::Offline;
        }
        match self.here.get(&place).and_then(|members| members.get(&member)) {
            None => Status::Offline,
            Some(seats) if seats.away == seats.taken => Status::Away,
            Some(_) => Status::Online,
        }
    }

    fn give_up(&mut self, place: Place, seat: &Seat, now: Instant) {
        self.change(place, seat.member, now, |seats| {
            seats.taken -= 1;
            seats.away -= u32::from(seat.away);
        });
    }

    fn lose_listener(&mut self, room: Stream) {
        if let Some(audience) = self.audiences.get_mut(&room) {
            audience.sockets -= 1;
            if audience.sockets == 0 {
                self.audiences.remove(&room);
            }
        }
    }

    fn change(&mut self, place: Place, member: MemberId, now: Instant, change: impl FnOnce(&mut Seats)) {
        let before = self.status_here(place, member);
        let members = self.here.entry(place).or_default();
        let seats = members.entry(member).or_default();
        change(seats);
        if seats.taken == 0 {
            members.remove(&member);
            if members.is_empty() {
                self.here.remove(&place);
            }
        }
        if self.status_here(place, member) != before {
            self.note(place, member, now);
        }
    }

    fn note(&mut self, place: Place, member: MemberId, now: Instant) {
        self.unsaid.insert((place, member));
        if let Some(room) = place {
            self.doubt(room, member, now);
        }
    }

    fn doubt_all(&mut self, moved: Vec<(Place, MemberId)>, now: Instant) {
        for (place, member) in moved {
            if let Some(room) = place {
                self.doubt(room, member, now);
            }
        }
    }

    /// The listeners of a room may have to be told of a member.
    fn doubt(&mut self, room: Stream, member: MemberId, now: Instant) {
        if let Some(audience) = self.audiences.get_mut(&room) {
            audience.unsure.entry(member).or_insert(now);
        }
    }
}

impl Node {
    fn entries(&self) -> Vec<(Place, MemberId)> {
        self.there
            .iter()
            .flat_map(|(place, members)| members.keys().map(|member| (*place, *member)))
            .collect()
    }

    fn put(&mut self, place: Place, member: MemberId, status: Status) {
        if status != Status::Offline {
            self.there.entry(place).or_default().insert(member, status);
            return;
        }
        if let Some(members) = self.there.get_mut(&place) {
            members.remove(&member);
            if members.is_empty() {
                self.there.remove(&place);
            }
        }
    }
}

#[cfg(test)]
#[path = "board_tests.rs"]
mod tests;
