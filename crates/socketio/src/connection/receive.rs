//! What comes in, from Engine.IO packets to the inbox, and who is on the connection.

use super::{Connection, Heartbeat, Phase, State, Transport};
use crate::{
    Malformed, Reason, Socket,
    counts::Counters,
    decoder,
    engine::EnginePacket,
    event::{Ack, Event},
    inbox::Job,
    lock, namespace,
    outbound::Class,
    packet::{Packet, PacketKind},
    raw::{RawConnection, RawMessage},
};
use bytes::Bytes;
use std::{future::poll_fn, sync::Arc, task::Poll};

impl Connection {
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
        let packet = namespace::connect_packet(socket.namespace_name(), socket.id());
        let pushed = lock(&self.outbound).push(packet, Class::Durable, self.server.config.queue);
        if pushed.overflow {
            drop(state);
            self.close(Reason::SlowClient);
            return false;
        }
        self.waker.wake();
        state.sockets.reserve_exact(1);
        state.sockets.push(socket.clone());
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

    pub(super) fn enqueue(self: &Arc<Self>, state: &mut State, job: Job) {
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
}
