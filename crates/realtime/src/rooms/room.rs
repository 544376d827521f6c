//! One stream's listeners on this node.

use super::Client;
use crate::sockets::Ready;
use crate::streams::Stream;
use accounts::MemberId;
use socketio::{Encoded, Id, Socket};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

pub(crate) struct Room {
    pub stream: Stream,
    state: Mutex<State>,
}

/// Held for a moment at a time, never across a wait.
#[derive(Default)]
pub(super) struct State {
    /// The last number handed to those who are live. Nothing until the first listener knows where it stands.
    position: Option<i64>,
    /// The highest number heard of.
    pub head: i64,
    /// Entries are being read from the log; nobody else hands out any.
    pub filling: bool,
    /// Those who listen may have changed: they are asked before anything more is handed out.
    pub doubted: bool,
    listeners: HashMap<Id, Listener>,
    tickets: u64,
}

pub(super) struct Listener {
    pub socket: Socket,
    pub client: Arc<Client>,
    /// Tells this visit from others of the same socket.
    ticket: u64,
    /// The last number handed to it.
    sent: i64,
    stand: Stand,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stand {
    /// It is being told where it stands.
    Entering,
    Live,
    /// It reads the log.
    Behind,
}

/// What handing out came to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Handed {
    pub pushes: usize,
    pub fell_behind: usize,
    pub gaps: usize,
    pub duplicates: usize,
    /// The log must be read, or the listeners be asked about.
    pub unfinished: bool,
}

impl Room {
    pub fn new(stream: Stream) -> Room {
        Room {
            stream,
            state: Mutex::default(),
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    pub fn add(&mut self, socket: Socket, client: Arc<Client>) -> u64 {
        self.tickets += 1;
        let listener = Listener {
            socket,
            client,
            ticket: self.tickets,
            sent: 0,
            stand: Stand::Entering,
        };
        self.listeners.insert(listener.socket.id(), listener);
        self.tickets
    }

    pub fn remove(&mut self, socket: Id) -> bool {
        self.listeners.remove(&socket).is_some()
    }

    pub fn is_empty(&self) -> bool {
        self.listeners.is_empty()
    }

    pub fn listeners(&self) -> impl Iterator<Item = &Listener> {
        self.listeners.values()
    }

    pub fn position(&self) -> Option<i64> {
        self.position
    }

    pub fn is_listening(&self, member: MemberId) -> bool {
        self.listeners().any(|listener| listener.client.member == member)
    }

    /// The listener has been told everything up to `seq`, in a state of the stream whose last
    /// number was `head`. It hears of what has come since.
    pub fn settle(&mut self, socket: Id, ticket: u64, seq: i64, head: i64) {
        let position = *self.position.get_or_insert(head);
        self.head = self.head.max(head);
        let Some(listener) = self.listeners.get_mut(&socket) else {
            return;
        };
        if listener.ticket != ticket || listener.stand != Stand::Entering {
            return;
        }
        listener.sent = seq;
        listener.stand = if seq < position {
            listener.socket.want_room();
            Stand::Behind
        } else {
            Stand::Live
        };
    }

    /// True when something was heard of that nobody hands out, and the caller must see to it.
    pub fn begins_to_fill(&mut self) -> bool {
        let missing = self.position.is_some_and(|position| position < self.head);
        if self.filling || !(missing || self.doubted) {
            return false;
        }
        self.filling = true;
        true
    }

    /// Hands out entries in order: those that follow the position, up to one that puts the
    /// listeners in doubt.
    pub fn hand_out(&mut self, entries: &[Ready], doubts: impl Fn(&str) -> bool) -> Handed {
        let mut handed = Handed::default();
        let Some(last) = entries.last() else {
            return handed;
        };
        self.head = self.head.max(last.seq);
        let Some(before) = self.position else {
            return handed;
        };
        let mut position = before;
        let mut next = vec![];
        for entry in entries.iter().filter(|entry| entry.seq > before) {
            if self.doubted || entry.seq != position + 1 {
                break;
            }
            position = entry.seq;
            self.doubted = doubts(entry.name);
            next.push(entry);
        }
        for listener in self.listeners.values_mut() {
            if listener.stand != Stand::Live {
                continue;
            }
            for entry in &next {
                // It entered when the stream was further than this room.
                if entry.seq <= listener.sent {
                    handed.duplicates += 1;
                    listener.client.irregular.duplicates.add(1);
                    continue;
                }
                if entry.seq > listener.sent + 1 {
                    handed.gaps += 1;
                    listener.client.irregular.gaps.add(1);
                }
                if !listener.socket.offer(listener.hears(entry)) {
                    listener.stand = Stand::Behind;
                    handed.fell_behind += 1;
                    break;
                }
                listener.sent = entry.seq;
                handed.pushes += 1;
            }
        }
        self.position = Some(position);
        handed.unfinished = self.doubted || position < self.head;
        handed
    }

    /// The log does not go back far enough: everybody reads on by themselves from here.
    pub fn leave_a_gap(&mut self, position: i64) {
        for listener in self.listeners.values_mut() {
            if listener.stand == Stand::Live && listener.sent < position {
                listener.stand = Stand::Behind;
                listener.socket.want_room();
            }
        }
        self.position = Some(position);
    }

    /// How far a listener that is behind has come, and how far it may go. Nothing when it is not
    /// behind; one that has everything is live from here on.
    pub fn behind(&mut self, socket: Id) -> Option<(i64, i64)> {
        let position = self.position?;
        let listener = self.listeners.get_mut(&socket)?;
        if listener.stand != Stand::Behind {
            return None;
        }
        if listener.sent >= position {
            listener.stand = Stand::Live;
            return None;
        }
        Some((listener.sent, position))
    }

    /// Hands an entry to a listener that is behind; false when there is no room for it.
    pub fn hand_to(&mut self, socket: Id, entry: &Ready) -> bool {
        let Some(listener) = self.listeners.get_mut(&socket) else {
            return false;
        };
        if listener.stand != Stand::Behind || entry.seq != listener.sent + 1 {
            return false;
        }
        let taken = listener.socket.offer(listener.hears(entry));
        if taken {
            listener.sent = entry.seq;
        }
        taken
    }

    /// Begins a listener's visit anew, in place; gives the new ticket.
    pub fn begin_again(&mut self, socket: Id) -> Option<u64> {
        self.tickets += 1;
        let listener = self.listeners.get_mut(&socket)?;
        listener.ticket = self.tickets;
        listener.stand = Stand::Entering;
        Some(self.tickets)
    }

    /// Those who are behind look again, lest a failure of the database left them there.
    pub fn nudge(&self) {
        for listener in self.listeners() {
            if listener.stand == Stand::Behind {
                listener.socket.want_room();
            }
        }
    }
}

impl Listener {
    fn hears(&self, entry: &Ready) -> Encoded {
        if self.client.is_hidden(entry.from) {
            entry.skip()
        } else {
            entry.encoded.clone()
        }
    }
}
