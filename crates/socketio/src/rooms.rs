//! Who is in which room of a namespace.
//!
//! A room is a list that broadcasts share: they take the list as it stands and
//! let go of the lock before anything is sent. A room exists while somebody is
//! in it.

use crate::{Id, Socket, lock};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

/// A list of sockets that can be handed out whole.
#[derive(Default)]
pub(crate) struct Members {
    list: Arc<Vec<Socket>>,
    places: HashMap<Id, usize>,
}

impl Members {
    /// False when the socket is a member already.
    pub fn insert(&mut self, socket: &Socket) -> bool {
        if self.places.contains_key(&socket.id()) {
            return false;
        }
        self.places.insert(socket.id(), self.list.len());
        Arc::make_mut(&mut self.list).push(socket.clone());
        true
    }

    pub fn remove(&mut self, id: Id) -> bool {
        let Some(place) = self.places.remove(&id) else {
            return false;
        };
        let list = Arc::make_mut(&mut self.list);
        list.swap_remove(place);
        if let Some(moved) = list.get(place) {
            self.places.insert(moved.id(), place);
        }
        // A hall that has emptied does not keep its seats.
        if list.len() * 4 < list.capacity() && list.capacity() > 64 {
            list.shrink_to(list.len() * 2);
            self.places.shrink_to(list.len() * 2);
        }
        true
    }

    pub fn get(&self, id: Id) -> Option<&Socket> {
        self.list.get(*self.places.get(&id)?)
    }

    pub fn list(&self) -> Arc<Vec<Socket>> {
        self.list.clone()
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

#[derive(Default)]
pub(crate) struct Rooms(Mutex<HashMap<Arc<str>, Members>>);

impl Rooms {
    /// The room's name, as all its members share it.
    pub fn join(&self, room: &str, socket: &Socket) -> Arc<str> {
        let mut rooms = lock(&self.0);
        let name = match rooms.get_key_value(room) {
            Some((name, _)) => name.clone(),
            None => Arc::from(room),
        };
        rooms.entry(name.clone()).or_default().insert(socket);
        name
    }

    pub fn leave(&self, room: &str, id: Id) {
        let mut rooms = lock(&self.0);
        if let Some(members) = rooms.get_mut(room) {
            members.remove(id);
            if members.is_empty() {
                rooms.remove(room);
            }
        }
    }

    pub fn members(&self, room: &str) -> Option<Arc<Vec<Socket>>> {
        lock(&self.0).get(room).map(Members::list)
    }

    pub fn count(&self) -> usize {
        lock(&self.0).len()
    }
}
