//! From polling to a websocket, step by step.

use super::{Connection, Phase, Transport, Upgrade};
use crate::{counts::Counters, lock};

impl Connection {
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
}
