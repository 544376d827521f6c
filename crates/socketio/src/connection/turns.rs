//! What time does to a connection: pings, their limits, and the wait for a first packet.

use super::{Connection, Heartbeat, Phase};
use crate::{Encoded, Reason, lock, outbound::Class, wheel::Millis};
use std::sync::Arc;

impl Connection {
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
}
