//! A namespace: who may come in, what is heard there, who is there.

use crate::{
    Broadcast, EncodeError, Encoded, Event, Id, Reason, Socket,
    connection::Connection,
    counts::Counters,
    lock,
    outbound::Class,
    packet::{self, PacketKind},
    rooms::{Members, Rooms},
};
use futures_util::{FutureExt, future::BoxFuture};
use serde::Serialize;
use serde_json::Value;
use std::{
    collections::HashMap,
    fmt,
    future::poll_fn,
    sync::{Arc, Mutex, PoisonError, RwLock},
    task::Poll,
};

/// Why a client is not let into a namespace; it reads this in `connect_error`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Refusal {
    pub message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
}

impl Refusal {
    pub fn new(message: impl Into<String>) -> Refusal {
        Refusal {
            message: message.into(),
            data: None,
        }
    }
}

pub(crate) type EventHandler = Arc<dyn Fn(Socket, Event) -> BoxFuture<'static, ()> + Send + Sync>;
type Middleware = Arc<dyn Fn(Socket, Value) -> BoxFuture<'static, Result<(), Refusal>> + Send + Sync>;
type ConnectHandler = Arc<dyn Fn(Socket, Value) -> BoxFuture<'static, ()> + Send + Sync>;
pub(crate) type RoomHandler = Arc<dyn Fn(Socket) -> BoxFuture<'static, ()> + Send + Sync>;
pub(crate) type DisconnectHandler = Arc<dyn Fn(Socket, Reason) -> BoxFuture<'static, ()> + Send + Sync>;

#[derive(Default)]
struct Handlers {
    middleware: Vec<Middleware>,
    connect: Option<ConnectHandler>,
    disconnect: Option<DisconnectHandler>,
    room: Option<RoomHandler>,
    events: HashMap<Box<str>, EventHandler>,
    any: Option<EventHandler>,
}

/// A namespace of a server. Clones are the same namespace.
///
/// Handlers belong to the namespace, so that a socket costs no memory for them.
#[derive(Clone)]
pub struct Namespace(Arc<Inner>);

struct Inner {
    name: Box<str>,
    handlers: RwLock<Handlers>,
    sockets: Mutex<Members>,
    rooms: Rooms,
}

impl Namespace {
    pub(crate) fn new(name: &str) -> Namespace {
        Namespace(Arc::new(Inner {
            name: name.into(),
            handlers: RwLock::default(),
            sockets: Mutex::default(),
            rooms: Rooms::default(),
        }))
    }

    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Asked before a client is let in, one after the other in the order of their
    /// making. What it keeps with the socket is there for later handlers. Dropped
    /// when the client goes away meanwhile.
    pub fn middleware<F, R>(&self, ask: F) -> &Namespace
    where
        F: Fn(Socket, Value) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), Refusal>> + Send + 'static,
    {
        let ask: Middleware = Arc::new(move |socket, auth| ask(socket, auth).boxed());
        self.change(|handlers| handlers.middleware.push(ask));
        self
    }

    /// Run when a client has been let in, before any of its events.
    pub fn on_connect<F, R>(&self, handle: F) -> &Namespace
    where
        F: Fn(Socket, Value) -> R + Send + Sync + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        self.change(|handlers| {
            handlers.connect = Some(Arc::new(move |socket, auth| handle(socket, auth).boxed()));
        });
        self
    }

    /// Run once for each client that was let in. Its rooms are left already.
    pub fn on_disconnect<F, R>(&self, handle: F) -> &Namespace
    where
        F: Fn(Socket, Reason) -> R + Send + Sync + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        self.change(|handlers| {
            handlers.disconnect = Some(Arc::new(move |socket, reason| handle(socket, reason).boxed()));
        });
        self
    }

    /// Run when a socket's queue has room again, after [`Socket::offer`] found none or
    /// [`Socket::want_room`] asked.
    pub fn on_room<F, R>(&self, handle: F) -> &Namespace
    where
        F: Fn(Socket) -> R + Send + Sync + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        self.change(|handlers| {
            handlers.room = Some(Arc::new(move |socket| handle(socket).boxed()));
        });
        self
    }

    /// Run for each event of this name.
    pub fn on<F, R>(&self, event: &str, handle: F) -> &Namespace
    where
        F: Fn(Socket, Event) -> R + Send + Sync + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        self.change(|handlers| {
            let handle: EventHandler = Arc::new(move |socket, event| handle(socket, event).boxed());
            handlers.events.insert(event.into(), handle);
        });
        self
    }

    /// Run for events that no other handler names.
    pub fn on_any<F, R>(&self, handle: F) -> &Namespace
    where
        F: Fn(Socket, Event) -> R + Send + Sync + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        self.change(|handlers| {
            handlers.any = Some(Arc::new(move |socket, event| handle(socket, event).boxed()));
        });
        self
    }

    /// Encodes an event of this namespace once, to be sent many times.
    pub fn encode<T: Serialize + ?Sized>(&self, name: &str, payload: &T) -> Result<Encoded, EncodeError> {
        Encoded::event_in(self.name(), name, payload)
    }

    /// A broadcast to a room.
    pub fn to(&self, room: impl Into<String>) -> Broadcast<'_> {
        Broadcast::new(self).to(room)
    }

    /// A broadcast to everybody here.
    pub fn all(&self) -> Broadcast<'_> {
        Broadcast::new(self)
    }

    pub fn socket(&self, id: Id) -> Option<Socket> {
        lock(&self.0.sockets).get(id).cloned()
    }

    /// Everybody here, as it is now.
    pub fn sockets(&self) -> Arc<Vec<Socket>> {
        self.list()
    }

    /// Everybody in a room, as it is now.
    pub fn sockets_in(&self, room: &str) -> Arc<Vec<Socket>> {
        self.0.rooms.members(room).unwrap_or_default()
    }

    pub fn room_count(&self) -> usize {
        self.0.rooms.count()
    }

    pub(crate) fn rooms(&self) -> &Rooms {
        &self.0.rooms
    }

    pub(crate) fn list(&self) -> Arc<Vec<Socket>> {
        lock(&self.0.sockets).list()
    }

    pub(crate) fn add(&self, socket: &Socket) {
        lock(&self.0.sockets).insert(socket);
        Counters::add(&socket.connection().server.counters.open_sockets, 1);
    }

    pub(crate) fn remove(&self, socket: &Socket) {
        lock(&self.0.sockets).remove(socket.id());
        Counters::sub(&socket.connection().server.counters.open_sockets, 1);
    }

    pub(crate) fn handler(&self, event: &str) -> Option<EventHandler> {
        let handlers = self.0.handlers.read().unwrap_or_else(PoisonError::into_inner);
        handlers.events.get(event).or(handlers.any.as_ref()).cloned()
    }

    pub(crate) fn disconnect_handler(&self) -> Option<DisconnectHandler> {
        let handlers = self.0.handlers.read().unwrap_or_else(PoisonError::into_inner);
        handlers.disconnect.clone()
    }

    pub(crate) fn room_handler(&self) -> Option<RoomHandler> {
        let handlers = self.0.handlers.read().unwrap_or_else(PoisonError::into_inner);
        handlers.room.clone()
    }

    fn door(&self) -> (Vec<Middleware>, Option<ConnectHandler>) {
        let handlers = self.0.handlers.read().unwrap_or_else(PoisonError::into_inner);
        (handlers.middleware.clone(), handlers.connect.clone())
    }

    /// Lets go of what the handlers hold.
    pub(crate) fn forget_handlers(&self) {
        self.change(|handlers| *handlers = Handlers::default());
    }

    fn change(&self, change: impl FnOnce(&mut Handlers)) {
        change(&mut self.0.handlers.write().unwrap_or_else(PoisonError::into_inner));
    }
}

impl fmt::Debug for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Namespace").field(&self.name()).finish()
    }
}

/// A client stands at the door: it is asked, let in or refused.
pub(crate) async fn connect(connection: Arc<Connection>, name: Box<str>, auth: Value) {
    let Some(namespace) = connection.server.namespace(&name) else {
        refuse(&connection, &name, &Refusal::new("Invalid namespace"));
        return;
    };
    let socket = Socket::new(namespace, connection.clone());
    let (middleware, greet) = socket.namespace().door();
    for ask in middleware {
        let mut asked = ask(socket.clone(), auth.clone());
        // The end of the connection wakes this, and nobody waits for the answer then.
        let answer = poll_fn(|cx| {
            if connection.is_open() {
                asked.as_mut().poll(cx).map(Some)
            } else {
                Poll::Ready(None)
            }
        });
        match answer.await {
            Some(Ok(())) => {}
            Some(Err(refusal)) => return refuse(&connection, &name, &refusal),
            None => return,
        }
    }
    if !connection.enter(&socket) {
        return;
    }
    if let Some(greet) = greet {
        greet(socket, auth).await;
    }
}

/// A handler at the door panicked: the client learns no more than that.
pub(crate) fn connect_failed(connection: &Arc<Connection>, name: &str) {
    if connection.is_connecting(name) {
        refuse(connection, name, &Refusal::new("Internal error"));
    }
}

fn refuse(connection: &Arc<Connection>, name: &str, refusal: &Refusal) {
    connection.refuse(name);
    Counters::add(&connection.server.counters.refused_sockets, 1);
    let mut text = Encoded::encoder();
    packet::write_head(&mut text, PacketKind::ConnectError, None, name, None);
    text.extend(serde_json::to_vec(refusal).unwrap_or_default());
    connection.send(Encoded::finish(text, &[]), Class::Durable);
}

pub(crate) fn connect_packet(name: &str, id: Id) -> Encoded {
    let mut text = Encoded::encoder();
    packet::write_head(&mut text, PacketKind::Connect, None, name, None);
    text.extend_from_slice(format!(r#"{{"sid":"{id}"}}"#).as_bytes());
    Encoded::finish(text, &[])
}

pub(crate) fn disconnect_packet(name: &str) -> Encoded {
    let mut text = Encoded::encoder();
    packet::write_head(&mut text, PacketKind::Disconnect, None, name, None);
    Encoded::finish(text, &[])
}
