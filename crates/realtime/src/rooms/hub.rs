//! The rooms of this node. A room exists while somebody is in it.
//!
//! Locks are taken in this order: a client's rooms, the hub's map, a room's state.

use super::{Client, Visit, room::Room};
use crate::streams::Stream;
use accounts::MemberId;
use base::{Error, Kind, Result};
use socketio::{Encoded, Id, Socket};
use std::{
    collections::{HashMap, HashSet},
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

#[derive(Default)]
pub(crate) struct Hub(Mutex<HashMap<Stream, Arc<Room>>>);

impl Hub {
    fn map(&self) -> MutexGuard<'_, HashMap<Stream, Arc<Room>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn find(&self, stream: Stream) -> Option<Arc<Room>> {
        self.map().get(&stream).cloned()
    }

    pub fn all(&self) -> Vec<Arc<Room>> {
        self.map().values().cloned().collect()
    }

    pub fn count(&self) -> usize {
        self.map().len()
    }

    /// Lets a socket in, or begins its visit anew. It hears nothing until it is settled.
    pub(super) fn enter(
        &self,
        socket: &Socket,
        client: &Arc<Client>,
        stream: Stream,
        most: usize,
    ) -> Result<(Arc<Room>, u64)> {
        let mut rooms = client.rooms();
        let Some(rooms) = &mut *rooms else {
            return Err(Error::new(Kind::Unavailable, "unavailable").cause("the connection is over"));
        };
        if let Some(room) = rooms.iter().find(|room| room.stream == stream) {
            let mut state = room.state();
            let ticket = state.begin_again(socket.id());
            let ticket = ticket.unwrap_or_else(|| state.add(socket.clone(), client.clone()));
            drop(state);
            return Ok((room.clone(), ticket));
        }
        if rooms.len() >= most {
            return Err(Error::new(Kind::Conflict, "too_many_rooms").with("max", most));
        }
        let mut map = self.map();
        let room = map.entry(stream).or_insert_with(|| Arc::new(Room::new(stream)));
        let ticket = room.state().add(socket.clone(), client.clone());
        rooms.push(room.clone());
        Ok((room.clone(), ticket))
    }

    /// False when the socket was not there.
    pub(super) fn leave(&self, client: &Client, socket: Id, stream: Stream) -> bool {
        let mut rooms = client.rooms();
        let Some(rooms) = &mut *rooms else { return false };
        let Some(place) = rooms.iter().position(|room| room.stream == stream) else {
            return false;
        };
        let room = rooms.swap_remove(place);
        self.remove(&room, socket);
        true
    }

    /// The connection is over. Gives the visits that end with it.
    pub fn end(&self, client: &Client, socket: Id) -> Vec<Visit> {
        let rooms = client.rooms().take().unwrap_or_default();
        rooms
            .into_iter()
            .map(|room| {
                self.remove(&room, socket);
                Visit {
                    member: client.member,
                    socket,
                    stream: room.stream,
                }
            })
            .collect()
    }

    fn remove(&self, room: &Arc<Room>, socket: Id) {
        let mut map = self.map();
        let mut state = room.state();
        state.remove(socket);
        if state.is_empty() {
            map.remove(&room.stream);
        }
    }

    /// An ephemeral push to all who listen and may see who it comes from.
    pub fn tell(&self, stream: Stream, key: &impl Hash, from: Option<MemberId>, push: &Encoded) {
        let Some(room) = self.find(stream) else { return };
        for listener in room.state().listeners() {
            if !listener.client.is_hidden(from) {
                listener.socket.send_ephemeral(key, push.clone());
            }
        }
    }

    /// An ephemeral push that may differ from listener to listener; nothing for some.
    pub fn tell_each(&self, stream: Stream, key: &str, push: impl Fn(&Client) -> Option<Encoded>) {
        let Some(room) = self.find(stream) else { return };
        for listener in room.state().listeners() {
            if let Some(push) = push(&listener.client) {
                listener.socket.send_ephemeral((stream, key), push);
            }
        }
    }

    /// The members who listen to a stream here, each once.
    pub fn listeners(&self, stream: Stream) -> Vec<MemberId> {
        let Some(room) = self.find(stream) else {
            return vec![];
        };
        let state = room.state();
        let members: HashSet<_> = state.listeners().map(|listener| listener.client.member).collect();
        members.into_iter().collect()
    }

    pub fn is_listening(&self, stream: Stream, member: MemberId) -> bool {
        self.find(stream)
            .is_some_and(|room| room.state().is_listening(member))
    }
}
