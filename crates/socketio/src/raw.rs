//! Engine.IO alone, for a protocol other than Socket.IO on top of it.

use crate::{Encoded, Id, Reason, connection::Connection, outbound::Class};
use bytes::Bytes;
use std::{fmt, sync::Arc};

/// Takes each message of each connection. Called by what reads: it must not block.
pub(crate) type RawHandler = Box<dyn Fn(&RawConnection, RawMessage<'_>) + Send + Sync>;

/// A message as it came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RawMessage<'a> {
    Text(&'a str),
    Binary(Bytes),
}

/// A connection without Socket.IO on it.
#[derive(Clone)]
pub struct RawConnection(pub(crate) Arc<Connection>);

impl RawConnection {
    pub fn id(&self) -> Id {
        self.0.id
    }

    pub fn send_text(&self, text: &str) {
        self.0.send(Encoded::engine(&format!("4{text}")), Class::Durable);
    }

    pub fn send_binary(&self, data: &[u8]) {
        self.0.send(Encoded::engine_binary(data), Class::Durable);
    }

    pub fn close(&self) {
        self.0.close(Reason::ForcedClose);
    }
}

impl fmt::Debug for RawConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RawConnection").field(&self.0.id).finish()
    }
}
