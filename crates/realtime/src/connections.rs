//! Who is connected, with which sockets.

use accounts::{CurrentUser, MemberId, SessionId};
use socketio::Socket;
use std::{
    collections::HashMap,
    sync::{
        PoisonError, RwLock,
        atomic::{AtomicUsize, Ordering},
    },
};

struct Connection {
    actor: CurrentUser,
    socket: Socket,
}

/// A member may be connected many times over, from several sessions.
#[derive(Default)]
pub struct Connections {
    members: RwLock<HashMap<MemberId, Vec<Connection>>>,
    count: AtomicUsize,
}

impl std::fmt::Debug for Connections {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Connections({})", self.count())
    }
}

impl Connections {
    pub fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    pub fn add(&self, actor: CurrentUser, socket: Socket) {
        let connection = Connection { actor, socket };
        let mut members = self.members.write().unwrap_or_else(PoisonError::into_inner);
        members.entry(actor.id).or_default().push(connection);
        self.count.fetch_add(1, Ordering::Relaxed);
    }

    pub fn remove(&self, member: MemberId, socket: &Socket) {
        let mut members = self.members.write().unwrap_or_else(PoisonError::into_inner);
        let Some(connections) = members.get_mut(&member) else {
            return;
        };
        let before = connections.len();
        connections.retain(|connection| connection.socket.id() != socket.id());
        self.count
            .fetch_sub(before - connections.len(), Ordering::Relaxed);
        if connections.is_empty() {
            members.remove(&member);
        }
    }

    /// Those who are connected here.
    pub fn members(&self) -> Vec<MemberId> {
        let members = self.members.read().unwrap_or_else(PoisonError::into_inner);
        members.keys().copied().collect()
    }

    pub fn is_online(&self, member: MemberId) -> bool {
        self.members
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .contains_key(&member)
    }

    pub fn of(&self, member: MemberId) -> Vec<Socket> {
        self.select(member, |_| true)
    }

    pub fn of_session(&self, member: MemberId, session: SessionId) -> Vec<Socket> {
        self.select(member, |connection| connection.actor.session == session)
    }

    /// Where else the member is connected.
    pub fn of_others(&self, member: MemberId, session: SessionId) -> Vec<Socket> {
        self.select(member, |connection| connection.actor.session != session)
    }

    pub fn all(&self) -> Vec<(CurrentUser, Socket)> {
        let members = self.members.read().unwrap_or_else(PoisonError::into_inner);
        members
            .values()
            .flatten()
            .map(|connection| (connection.actor, connection.socket.clone()))
            .collect()
    }

    fn select(&self, member: MemberId, wanted: impl Fn(&Connection) -> bool) -> Vec<Socket> {
        let members = self.members.read().unwrap_or_else(PoisonError::into_inner);
        members
            .get(&member)
            .into_iter()
            .flatten()
            .filter(|connection| wanted(connection))
            .map(|connection| connection.socket.clone())
            .collect()
    }
}
