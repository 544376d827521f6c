//! One Engine.IO connection: its phase, its transport, its heartbeat and the
//! Socket.IO sockets on it.
//!
//! Whoever receives (a websocket's task, a POST) calls in here; whoever sends
//! puts packets into the queue and wakes the transport. Locks are held for a
//! few instructions, never across a write or a call of the host's code. Order:
//! `state` before `outbound`.

use crate::{
    Encoded, Id, Malformed, Reason, Socket,
    config::Admitted,
    counts::Counters,
    decoder::{self, Decoder},
    engine::EnginePacket,
    event::{Ack, Event},
    inbox::{Inbox, Job},
    lock, namespace,
    outbound::{Class, Outbound},
    packet::{Packet, PacketKind},
    raw::{RawConnection, RawMessage},
    server::Shared,
    wheel::Millis,
};
use bytes::Bytes;
use futures_util::task::AtomicWaker;
use std::{
    collections::VecDeque,
    future::poll_fn,
    sync::{Arc, Mutex},
    task::Poll,
};

/// How long the last packets wait for a polling client's next request.
const DRAIN_MS: Millis = 30_000;
/// A client that says goodbye may have a poll under way beside it.
const GOODBYE_MS: Millis = 1_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Open,
    /// Over, but the last packets wait for the client's next poll.
    Draining(Millis),
    Closed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    Polling,
    Websocket,
}

/// How far a websocket has come that will take over from polling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Upgrade {
    None,
    Begun,
    Probed,
}

#[derive(Clone, Copy, Debug)]
enum Heartbeat {
    PingDue(Millis),
    PongDue(Millis),
}

pub(crate) struct State {
    pub phase: Phase,
    pub reason: Reason,
    pub transport: Transport,
    /// A GET waits for an answer.
    pub polling: bool,
    /// A POST's body is being read.
    pub posting: bool,
    /// What a waiting poll hears when the connection is over.
    pub last_packet: u8,
    /// The client has closed, and no poll has heard the last packet.
    goodbye: bool,
    upgrade: Upgrade,
    heartbeat: Heartbeat,
    connect_due: Option<Millis>,
    decoder: Decoder,
    sockets: Vec<Socket>,
    /// Namespaces that the client has asked for, unanswered so far.
    connecting: Vec<Box<str>>,
    pub inbox: Inbox,
}

pub(crate) struct Connection {
    pub id: Id,
    pub server: Arc<Shared>,
    pub admitted: Admitted,
    pub state: Mutex<State>,
    pub outbound: Mutex<Outbound>,
    /// Wakes the websocket's task, or the poll that waits.
    pub waker: AtomicWaker,
    /// Wakes what runs the handlers.
    pub inbox_waker: AtomicWaker,
    /// Wakes a POST that waits for room in the inbox.
    pub post_waker: AtomicWaker,
}

impl Connection {
    /// A new connection, known to the server and in its wheel. Nothing when the server ends.
    pub fn open(server: &Arc<Shared>, transport: Transport, admitted: Admitted) -> Option<Arc<Connection>> {
        let now = server.now();
        let connect_due = server
            .raw
            .is_none()
            .then_some(now + server.config.connect_timeout_ms);
        let ping_due = now + server.config.ping_interval_ms;
        let connection = Arc::new(Connection {
            id: Id::random(&*server.random),
            server: server.clone(),
            admitted,
            state: Mutex::new(State {
                phase: Phase::Open,
                reason: Reason::TransportClose,
                transport,
                polling: false,
                posting: false,
                last_packet: b'1',
                goodbye: false,
                upgrade: Upgrade::None,
                heartbeat: Heartbeat::PingDue(ping_due),
                connect_due,
                decoder: Decoder::default(),
                sockets: Vec::new(),
                connecting: Vec::new(),
                inbox: Inbox::default(),
            }),
            outbound: Mutex::new(Outbound::new()),
            waker: AtomicWaker::new(),
            inbox_waker: AtomicWaker::new(),
            post_waker: AtomicWaker::new(),
        });
        let first_turn = connect_due.map_or(ping_due, |due| due.min(ping_due));
        server.add(&connection, first_turn).then_some(connection)
    }

    /// The packet that tells the client about its connection.
    pub fn open_packet(&self) -> String {
        let upgrades = match lock(&self.state).transport {
            Transport::Polling => r#"["websocket"]"#,
            Transport::Websocket => "[]",
        };
        let config = &self.server.config;
        format!(
            r#"0{{"sid":"{}","upgrades":{upgrades},"pingInterval":{},"pingTimeout":{},"maxPayload":{}}}"#,
            self.id, config.ping_interval_ms, config.ping_timeout_ms, config.max_payload
        )
    }

    pub fn is_open(&self) -> bool {
        lock(&self.state).phase == Phase::Open
    }

    /// Queues a packet. A client too slow for it is cut off; the sender never hears of it.
    pub fn send(self: &Arc<Self>, encoded: Encoded, class: Class) {
        let pushed = lock(&self.outbound).push(encoded, class, self.server.config.queue);
        let counters = &self.server.counters;
        if pushed.wake {
            self.waker.wake();
        }
        if pushed.dropped > 0 {
            Counters::add(&counters.ephemeral_dropped, pushed.dropped as u64);
        }
        if pushed.replaced {
            Counters::add(&counters.ephemeral_replaced, 1);
        }
        if pushed.overflow {
            self.close(Reason::SlowClient);
        }
    }

    /// Takes an Engine.IO packet. False when the connection is over.
    pub fn receive(self: &Arc<Self>, packet: EnginePacket<'_>) -> bool {
        if !self.is_open() {
            return false;
        }
        Counters::add(&self.server.counters.packets_received, 1);
        match packet {
            EnginePacket::Message(text) => self.receive_text(text),
            EnginePacket::Binary(data) => self.receive_binary(data),
            EnginePacket::Pong(_) => {
                let now = self.server.now();
                lock(&self.state).heartbeat = Heartbeat::PingDue(now + self.server.config.ping_interval_ms);
            }
            EnginePacket::Close => {
                let mut state = lock(&self.state);
                state.last_packet = b'6';
                state.goodbye = state.transport == Transport::Polling && !state.polling;
                drop(state);
                self.close(Reason::TransportClose);
            }
            // In version 4 it is the server that pings.
            EnginePacket::Ping(_) => self.close(Reason::TransportError),
            EnginePacket::Open | EnginePacket::Upgrade | EnginePacket::Noop => {}
        }
        self.is_open()
    }

    fn receive_text(self: &Arc<Self>, text: &str) {
        if let Some(raw) = &self.server.raw {
            raw(&RawConnection(self.clone()), RawMessage::Text(text));
            return;
        }
        let decoded = lock(&self.state).decoder.text(text);
        self.received(decoded);
    }

    fn receive_binary(self: &Arc<Self>, data: Bytes) {
        if let Some(raw) = &self.server.raw {
            raw(&RawConnection(self.clone()), RawMessage::Binary(data));
            return;
        }
        let decoded = lock(&self.state).decoder.binary(data);
        self.received(decoded);
    }

    fn received(self: &Arc<Self>, decoded: Result<Option<Packet>, Malformed>) {
        let taken = match decoded {
            Ok(Some(packet)) => self.take(packet),
            Ok(None) => Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = taken {
            tracing::debug!(connection = %self.id, %error, "a client broke the protocol");
            self.close(Reason::ParseError);
        }
    }

    fn take(self: &Arc<Self>, packet: Packet) -> Result<(), Malformed> {
        let socket = self.socket(&packet.namespace);
        match (packet.kind, socket) {
            (PacketKind::Connect, None) => {
                let auth = packet.data.map_or("{}".to_owned(), |data| data.get().to_owned());
                let auth = serde_json::from_str(&auth).map_err(|_| Malformed("not JSON"))?;
                let mut state = lock(&self.state);
                if state.connecting.contains(&packet.namespace) {
                    return Err(Malformed("a second CONNECT"));
                }
                state.connecting.push(packet.namespace.clone());
                let namespace = packet.namespace;
                self.enqueue(&mut state, Job::Connect { namespace, auth });
            }
            (PacketKind::Event, Some(socket)) => {
                let (name, arguments) = decoder::event(&packet)?;
                let ack = packet.id.map(|id| Ack::new(socket.clone(), id));
                let event = Event {
                    name,
                    arguments,
                    attachments: packet.attachments,
                    ack,
                };
                self.enqueue(&mut lock(&self.state), Job::Event { socket, event });
            }
            (PacketKind::Ack, Some(socket)) => {
                let arguments = decoder::arguments(&packet)?;
                if let Some(id) = packet.id {
                    socket.answered(id, arguments, packet.attachments);
                }
            }
            (PacketKind::Disconnect, Some(socket)) => self.leave(&socket, Reason::ClientDisconnect),
            _ => return Err(Malformed("a packet out of turn")),
        }
        Ok(())
    }

    /// The connected socket of a namespace.
    pub fn socket(&self, namespace: &str) -> Option<Socket> {
        let state = lock(&self.state);
        state
            .sockets
            .iter()
            .find(|socket| socket.namespace_name() == namespace)
            .cloned()
    }

    /// A socket's namespace has let it in. False when the connection ended meanwhile.
    pub fn enter(self: &Arc<Self>, socket: &Socket) -> bool {
        let mut state = lock(&self.state);
        state.connecting.retain(|name| **name != *socket.namespace_name());
        if state.phase != Phase::Open {
            return false;
        }
        state.connect_due = None;
        state.sockets.reserve_exact(1);
        state.sockets.push(socket.clone());
        let packet = namespace::connect_packet(socket.namespace_name(), socket.id());
        self.send(packet, Class::Control);
        // Only now, so that no broadcast comes before the answer.
        socket.begin();
        true
    }

    pub fn is_connecting(&self, namespace: &str) -> bool {
        lock(&self.state)
            .connecting
            .iter()
            .any(|name| **name == *namespace)
    }

    /// A namespace has refused.
    pub fn refuse(&self, namespace: &str) {
        lock(&self.state).connecting.retain(|name| **name != *namespace);
    }

    /// Takes a socket off the connection and tells its namespace.
    pub fn leave(self: &Arc<Self>, socket: &Socket, reason: Reason) {
        let mut state = lock(&self.state);
        let before = state.sockets.len();
        state.sockets.retain(|other| other.id() != socket.id());
        if state.sockets.len() < before {
            let socket = socket.clone();
            socket.end();
            self.enqueue(&mut state, Job::Disconnect { socket, reason });
        }
    }

    fn enqueue(self: &Arc<Self>, state: &mut State, job: Job) {
        if state.inbox.push(job) {
            self.server.tasks.spawn(crate::inbox::run(self.clone()));
        } else {
            self.inbox_waker.wake();
        }
    }

    /// Waits until more may be read from the client.
    pub async fn inbox_has_room(&self) {
        poll_fn(|cx| {
            self.post_waker.register(cx.waker());
            let state = lock(&self.state);
            if state.inbox.is_full() && state.phase == Phase::Open {
                Poll::Pending
            } else {
                Poll::Ready(())
            }
        })
        .await;
    }

    /// Ends the connection; the first reason counts.
    pub fn close(self: &Arc<Self>, reason: Reason) {
        {
            let mut state = lock(&self.state);
            if state.phase != Phase::Open {
                return;
            }
            let polled = state.transport == Transport::Polling;
            let now = self.server.now();
            state.phase = match reason {
                Reason::ForcedClose if polled => Phase::Draining(now + DRAIN_MS),
                _ if state.goodbye => Phase::Draining(now + GOODBYE_MS),
                _ => Phase::Closed,
            };
            state.reason = reason;
            lock(&self.outbound).close(reason.sends_the_rest());
            state.inbox.close();
            for socket in std::mem::take(&mut state.sockets) {
                socket.end();
                self.enqueue(&mut state, Job::Disconnect { socket, reason });
            }
            if state.phase == Phase::Closed {
                self.server.remove(self.id);
            }
        }
        self.server.counters.closed(reason);
        self.waker.wake();
        self.inbox_waker.wake();
        self.post_waker.wake();
    }

    /// Why and whether the connection is over.
    pub fn ended(&self) -> Option<Reason> {
        let state = lock(&self.state);
        (state.phase != Phase::Open).then_some(state.reason)
    }

    /// Asked by the wheel, or `early` by a request. Gives when it wants to be asked again.
    pub fn on_time(self: &Arc<Self>, now: Millis) -> Option<Millis> {
        let config = &self.server.config;
        let mut state = lock(&self.state);
        match state.phase {
            Phase::Closed => return None,
            Phase::Draining(due) if now < due => return Some(due),
            Phase::Draining(_) => {
                state.phase = Phase::Closed;
                self.server.remove(self.id);
                return None;
            }
            Phase::Open => {}
        }
        let mut next = match state.heartbeat {
            Heartbeat::PingDue(due) if now < due => due,
            Heartbeat::PingDue(due) => {
                // The wheel's own lateness is not taken from the client; a suspended machine's is not held against it.
                let since = if now - due <= 2 * self.server.grain_ms {
                    due
                } else {
                    now
                };
                state.heartbeat = Heartbeat::PongDue(since + config.ping_timeout_ms);
                drop(state);
                self.send(Encoded::engine("2"), Class::Control);
                state = lock(&self.state);
                since + config.ping_timeout_ms.min(config.ping_interval_ms)
            }
            Heartbeat::PongDue(due) if now < due => due,
            Heartbeat::PongDue(_) => {
                drop(state);
                self.close(Reason::PingTimeout);
                return None;
            }
        };
        if let Some(due) = state.connect_due {
            if now >= due {
                drop(state);
                self.close(Reason::ConnectTimeout);
                return None;
            }
            next = next.min(due);
        }
        Some(next)
    }

    /// A websocket would take over. False when one does already.
    pub fn begin_upgrade(&self) -> bool {
        let mut state = lock(&self.state);
        let free = state.transport == Transport::Polling && state.upgrade == Upgrade::None;
        if free {
            state.upgrade = Upgrade::Begun;
        }
        free
    }

    /// The probe has come: a waiting poll must end.
    pub fn probed(&self) {
        lock(&self.state).upgrade = Upgrade::Probed;
        self.waker.wake();
    }

    pub fn is_probed(&self) -> bool {
        lock(&self.state).upgrade == Upgrade::Probed
    }

    pub fn give_up_upgrade(&self) {
        let mut state = lock(&self.state);
        if state.transport == Transport::Polling {
            state.upgrade = Upgrade::None;
        }
    }

    /// From here on everything goes over the websocket. False when it is too late.
    pub fn upgraded(&self) -> bool {
        let mut state = lock(&self.state);
        match state.phase {
            Phase::Closed => return false,
            // What waits for a poll goes this way now.
            Phase::Draining(_) => {
                state.phase = Phase::Closed;
                self.server.remove(self.id);
            }
            Phase::Open => {}
        }
        state.transport = Transport::Websocket;
        lock(&self.outbound).attached = true;
        drop(state);
        Counters::add(&self.server.counters.upgraded, 1);
        // A poll that still waits learns that it is too late.
        self.waker.wake();
        true
    }

    /// The next packets for a websocket.
    pub fn take_batch(&self, batch: &mut VecDeque<Bytes>) {
        lock(&self.outbound).take_batch(batch);
    }
}
