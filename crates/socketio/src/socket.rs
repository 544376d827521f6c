//! A client in a namespace.

use crate::{
    EncodeError, Encoded, Id, Namespace, Reason, connection::Connection, event::Reply, kept::Kept, lock,
    outbound::Class,
};
use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;
use std::{
    any::Any,
    collections::HashMap,
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
    mem,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::sync::oneshot;

/// A client in a namespace. Clones are the same socket.
///
/// Sending never fails because of the receiver: what is sent to a socket that
/// has ended goes nowhere, and a client too slow for durable packets is cut off
/// with [`Reason::SlowClient`].
#[derive(Clone)]
pub struct Socket(Arc<Inner>);

struct Inner {
    id: Id,
    namespace: Namespace,
    connection: Arc<Connection>,
    kept: Kept,
    presence: Mutex<Presence>,
    requests: Mutex<Option<Box<Requests>>>,
}

/// Before its CONNECT is answered a socket is in no room and hears nothing; after its end neither.
enum Presence {
    AtTheDoor,
    In(Vec<Arc<str>>),
    Gone,
}

#[derive(Default)]
struct Requests {
    last: u64,
    waiting: HashMap<u64, oneshot::Sender<Reply>>,
}

/// Why a request has no answer.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    #[error("the client did not answer in time")]
    Timeout,
    #[error("the client is gone")]
    Disconnected,
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

impl Socket {
    pub(crate) fn new(namespace: Namespace, connection: Arc<Connection>) -> Socket {
        Socket(Arc::new(Inner {
            id: Id::random(&*connection.server.random),
            namespace,
            connection,
            kept: Kept::default(),
            presence: Mutex::new(Presence::AtTheDoor),
            requests: Mutex::new(None),
        }))
    }

    /// The socket's name, which the client knows and others may.
    pub fn id(&self) -> Id {
        self.0.id
    }

    pub fn namespace(&self) -> &Namespace {
        &self.0.namespace
    }

    pub(crate) fn namespace_name(&self) -> &str {
        self.0.namespace.name()
    }

    /// The name of the connection, which several sockets may share. A secret.
    pub fn connection_id(&self) -> Id {
        self.0.connection.id
    }

    pub fn is_connected(&self) -> bool {
        matches!(*lock(&self.0.presence), Presence::In(_))
    }

    /// Sends an event with one argument.
    pub fn emit<T: Serialize + ?Sized>(&self, name: &str, payload: &T) -> Result<(), EncodeError> {
        self.send(Encoded::event_in(self.namespace_name(), name, payload)?);
        Ok(())
    }

    /// Sends what was encoded for this namespace.
    pub fn send(&self, encoded: Encoded) {
        self.push(encoded, Class::Durable);
    }

    /// Sends what can be said again later: false when the client is too slow for it now. Then the
    /// handler of [`Namespace::on_room`] runs as soon as there is room, and the connection lives on.
    pub fn offer(&self, encoded: Encoded) -> bool {
        if !self.is_connected() {
            return true;
        }
        let taken = self.0.connection.offer(encoded);
        if taken {
            let counters = &self.0.connection.server.counters;
            crate::counts::Counters::add(&counters.packets_queued, 1);
        }
        taken
    }

    /// Runs the handler of [`Namespace::on_room`] once the queue has room: at once, perhaps.
    pub fn want_room(&self) {
        self.0.connection.want_room();
    }

    /// Sends what may be missed: when the client is slow, only the latest packet with this key waits.
    pub fn send_ephemeral(&self, key: impl Hash, encoded: Encoded) {
        self.push(encoded, Class::Ephemeral(Some(hashed(key))));
    }

    /// Sends what may be missed: it waits its turn, and is the first to go when the client is slow.
    pub fn send_expendable(&self, encoded: Encoded) {
        self.push(encoded, Class::Ephemeral(None));
    }

    /// Sends at once, or not at all when anything waits before it.
    pub fn send_volatile(&self, encoded: Encoded) {
        self.push(encoded, Class::Volatile);
    }

    pub(crate) fn push(&self, encoded: Encoded, class: Class) {
        if self.is_connected() {
            self.push_uncounted(encoded, class);
            let counters = &self.0.connection.server.counters;
            crate::counts::Counters::add(&counters.packets_queued, 1);
        }
    }

    /// For broadcasts, which count once for all.
    pub(crate) fn push_uncounted(&self, encoded: Encoded, class: Class) {
        self.0.connection.send(encoded, class);
    }

    pub(crate) fn connection(&self) -> &Arc<Connection> {
        &self.0.connection
    }

    /// Sends an event and waits for the client's answer.
    pub async fn request<T: Serialize + ?Sized>(
        &self,
        name: &str,
        payload: &T,
        within: Duration,
    ) -> Result<Reply, RequestError> {
        self.request_with(name, &[payload], &[], within).await
    }

    /// Sends an event with any number of arguments, given as a sequence, and attachments; waits for the answer.
    pub async fn request_with<T: Serialize + ?Sized>(
        &self,
        name: &str,
        arguments: &T,
        attachments: &[Bytes],
        within: Duration,
    ) -> Result<Reply, RequestError> {
        let (sender, receiver) = oneshot::channel();
        let id = {
            let mut requests = lock(&self.0.requests);
            let requests = requests.get_or_insert_default();
            requests.last += 1;
            requests.waiting.insert(requests.last, sender);
            requests.last
        };
        // Also when the caller does not wait to the end.
        let _forget = Forget { socket: self, id };
        let encoded = Encoded::call(self.namespace_name(), name, Some(id), arguments, attachments)?;
        if !self.is_connected() {
            return Err(RequestError::Disconnected);
        }
        self.push(encoded, Class::Durable);
        match tokio::time::timeout(within, receiver).await {
            Ok(Ok(reply)) => Ok(reply),
            Ok(Err(_)) => Err(RequestError::Disconnected),
            Err(_) => Err(RequestError::Timeout),
        }
    }

    pub(crate) fn answered(&self, id: u64, arguments: Vec<Box<RawValue>>, attachments: Vec<Bytes>) {
        let waiting = lock(&self.0.requests)
            .as_mut()
            .and_then(|requests| requests.waiting.remove(&id));
        if let Some(waiting) = waiting {
            let _ = waiting.send(Reply {
                arguments,
                attachments,
            });
        }
    }

    /// Enters a room. A socket that has ended enters none.
    pub fn join(&self, room: &str) {
        if let Presence::In(joined) = &mut *lock(&self.0.presence)
            && !joined.iter().any(|other| **other == *room)
        {
            joined.push(self.namespace().rooms().join(room, self));
        }
    }

    pub fn leave(&self, room: &str) {
        if let Presence::In(joined) = &mut *lock(&self.0.presence)
            && let Some(place) = joined.iter().position(|other| **other == *room)
        {
            joined.swap_remove(place);
            self.namespace().rooms().leave(room, self.id());
        }
    }

    /// The rooms that the socket is in.
    pub fn rooms(&self) -> Vec<Arc<str>> {
        match &*lock(&self.0.presence) {
            Presence::In(joined) => joined.clone(),
            _ => Vec::new(),
        }
    }

    /// A broadcast to a room, without this socket.
    pub fn to(&self, room: &str) -> crate::Broadcast<'_> {
        self.namespace().to(room).except(self.id())
    }

    /// Keeps a value with the socket, in place of another of its type.
    pub fn insert<T: Any + Send + Sync>(&self, value: T) {
        self.0.kept.insert(value);
    }

    /// A value that [`Socket::insert`] kept, or that the handshake's hook did.
    pub fn get<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        self.0.kept.get().or_else(|| self.0.connection.admitted.get())
    }

    /// Puts the client out of the namespace. Stock clients do not come back by themselves.
    pub fn disconnect(&self) {
        if self.is_connected() {
            let packet = crate::namespace::disconnect_packet(self.namespace_name());
            self.0.connection.send(packet, Class::Control);
            self.0.connection.leave(self, Reason::ServerDisconnect);
        }
    }

    /// Puts the client out of the namespace and closes its connection.
    pub fn disconnect_and_close(&self) {
        self.disconnect();
        self.0.connection.close(Reason::ForcedClose);
    }

    pub(crate) fn begin(&self) {
        *lock(&self.0.presence) = Presence::In(Vec::new());
        self.namespace().add(self);
    }

    /// The end: no rooms, no answers, no more sending.
    pub(crate) fn end(&self) {
        let mut presence = lock(&self.0.presence);
        if let Presence::In(joined) = mem::replace(&mut *presence, Presence::Gone) {
            for room in joined {
                self.namespace().rooms().leave(&room, self.id());
            }
            self.namespace().remove(self);
        }
        drop(presence);
        lock(&self.0.requests).take();
    }
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Socket({} in {})", self.id(), self.namespace_name())
    }
}

pub(crate) fn hashed(key: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}

struct Forget<'a> {
    socket: &'a Socket,
    id: u64,
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        if let Some(requests) = lock(&self.socket.0.requests).as_mut() {
            requests.waiting.remove(&self.id);
        }
    }
}
