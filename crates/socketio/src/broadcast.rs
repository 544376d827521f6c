//! One packet to many sockets.

use crate::{EncodeError, Encoded, Id, Namespace, Socket, counts::Counters, outbound::Class, socket::hashed};
use serde::Serialize;
use std::{collections::HashSet, hash::Hash, sync::Arc};

/// Whom a packet goes to. Made by [`Namespace::to`], [`Namespace::all`] and [`Socket::to`].
///
/// The packet is encoded once. A socket that is in several of the rooms gets it once.
#[derive(Debug)]
#[must_use = "a broadcast does nothing until it is sent"]
pub struct Broadcast<'a> {
    namespace: &'a Namespace,
    /// None: everybody in the namespace.
    rooms: Vec<String>,
    except: Vec<Id>,
    class: Class,
}

impl<'a> Broadcast<'a> {
    pub(crate) fn new(namespace: &'a Namespace) -> Broadcast<'a> {
        Broadcast {
            namespace,
            rooms: Vec::new(),
            except: Vec::new(),
            class: Class::Durable,
        }
    }

    /// Also to this room.
    pub fn to(mut self, room: impl Into<String>) -> Broadcast<'a> {
        self.rooms.push(room.into());
        self
    }

    /// But not to this socket.
    pub fn except(mut self, socket: Id) -> Broadcast<'a> {
        self.except.push(socket);
        self
    }

    /// May be missed: of packets with the same key a slow client gets the latest.
    pub fn ephemeral(mut self, key: impl Hash) -> Broadcast<'a> {
        self.class = Class::Ephemeral(Some(hashed(key)));
        self
    }

    /// May be missed: it waits its turn, and is the first to go when a client is slow.
    pub fn expendable(mut self) -> Broadcast<'a> {
        self.class = Class::Ephemeral(None);
        self
    }

    /// Only to clients that nothing waits for.
    pub fn volatile(mut self) -> Broadcast<'a> {
        self.class = Class::Volatile;
        self
    }

    /// Sends an event with one argument. Gives the number of sockets it went to.
    pub fn emit<T: Serialize + ?Sized>(self, name: &str, payload: &T) -> Result<usize, EncodeError> {
        let encoded = Encoded::event_in(self.namespace.name(), name, payload)?;
        Ok(self.send(&encoded))
    }

    /// Sends what was encoded for this namespace. Gives the number of sockets it went to.
    pub fn send(self, encoded: &Encoded) -> usize {
        let mut sent = 0;
        let mut server = None;
        for list in self.lists() {
            for socket in list.iter().filter(|socket| !self.except.contains(&socket.id())) {
                socket.push_uncounted(encoded.clone(), self.class);
                sent += 1;
            }
            server = server.or_else(|| list.first().map(|socket| socket.connection().server.clone()));
        }
        if let Some(server) = server {
            Counters::add(&server.counters.packets_queued, sent as u64);
        }
        sent
    }

    /// The sockets it would go to.
    pub fn sockets(&self) -> Vec<Socket> {
        let lists = self.lists();
        let sockets = lists.iter().flat_map(|list| list.iter());
        sockets
            .filter(|socket| !self.except.contains(&socket.id()))
            .cloned()
            .collect()
    }

    /// The lists of the rooms, without repetition.
    fn lists(&self) -> Vec<Arc<Vec<Socket>>> {
        if self.rooms.is_empty() {
            return vec![self.namespace.list()];
        }
        let rooms = self.namespace.rooms();
        let lists: Vec<_> = self.rooms.iter().filter_map(|room| rooms.members(room)).collect();
        if lists.len() < 2 {
            return lists;
        }
        let mut seen = HashSet::new();
        let sockets = lists.iter().flat_map(|list| list.iter());
        let merged = sockets
            .filter(|socket| seen.insert(socket.id()))
            .cloned()
            .collect();
        vec![Arc::new(merged)]
    }
}
