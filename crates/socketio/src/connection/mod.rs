//! One Engine.IO connection: its phase, its transport, its heartbeat and the
//! Socket.IO sockets on it.
//!
//! Whoever receives (a websocket's task, a POST) calls in here; whoever sends
//! puts packets into the queue and wakes the transport. Locks are held for a
//! few instructions, never across a write or a call of the host's code. Order:
//! `state` before `outbound`.

mod receive;
mod turns;
mod upgrade;

use crate::{
    Encoded, Id, Reason, Socket,
    config::Admitted,
    counts::Counters,
    decoder::Decoder,
    inbox::{Inbox, Job},
    lock,
    outbound::{Class, Outbound},
    server::Shared,
    wheel::Millis,
};
use bytes::Bytes;
use futures_util::task::AtomicWaker;
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
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

    /// The next packets for a websocket.
    pub fn take_batch(self: &Arc<Self>, batch: &mut VecDeque<Bytes>) {
        let room = {
            let mut outbound = lock(&self.outbound);
            outbound.take_batch(batch);
            outbound.tells_of_room(self.server.config.queue)
        };
        if room {
            self.tell_of_room(&mut lock(&self.state));
        }
    }

    /// Queues a durable packet if there is room; else the handler for that hears when there is.
    pub fn offer(self: &Arc<Self>, encoded: Encoded) -> bool {
        let Some(pushed) = lock(&self.outbound).offer(encoded, self.server.config.queue) else {
            return false;
        };
        if pushed.wake {
            self.waker.wake();
        }
        if pushed.dropped > 0 {
            Counters::add(&self.server.counters.ephemeral_dropped, pushed.dropped as u64);
        }
        true
    }

    /// The handler for that hears when there is room in the queue: at once, perhaps.
    pub fn want_room(self: &Arc<Self>) {
        if !lock(&self.outbound).want_room(self.server.config.queue) {
            self.tell_of_room(&mut lock(&self.state));
        }
    }

    pub fn tell_of_room(self: &Arc<Self>, state: &mut State) {
        for socket in state.sockets.clone() {
            self.enqueue(state, Job::Room { socket });
        }
    }
}
