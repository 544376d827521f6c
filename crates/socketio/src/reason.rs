//! Why a connection or a socket ended.

use std::fmt;

/// The names are those of the reference server, where it has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The client left the namespace.
    ClientDisconnect,
    /// This side put the socket out of the namespace.
    ServerDisconnect,
    /// This side closed the whole connection.
    ForcedClose,
    /// The client closed the connection, or it is gone.
    TransportClose,
    /// The connection broke, or its rules were broken.
    TransportError,
    /// The client sent what is no packet, or one out of turn.
    ParseError,
    /// The client did not answer a ping in time.
    PingTimeout,
    /// The client opened no namespace in time.
    ConnectTimeout,
    /// The client did not read what was sent to it.
    SlowClient,
    /// The server ends.
    Shutdown,
}

impl Reason {
    pub const ALL: [Reason; 10] = [
        Reason::ClientDisconnect,
        Reason::ServerDisconnect,
        Reason::ForcedClose,
        Reason::TransportClose,
        Reason::TransportError,
        Reason::ParseError,
        Reason::PingTimeout,
        Reason::ConnectTimeout,
        Reason::SlowClient,
        Reason::Shutdown,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Reason::ClientDisconnect => "client namespace disconnect",
            Reason::ServerDisconnect => "server namespace disconnect",
            Reason::ForcedClose => "forced close",
            Reason::TransportClose => "transport close",
            Reason::TransportError => "transport error",
            Reason::ParseError => "parse error",
            Reason::PingTimeout => "ping timeout",
            Reason::ConnectTimeout => "connect timeout",
            Reason::SlowClient => "slow client",
            Reason::Shutdown => "server shutting down",
        }
    }

    /// The code of the websocket's close frame (RFC 6455, 7.4.1, and IANA's list).
    pub(crate) fn close_code(self) -> u16 {
        match self {
            Reason::Shutdown => 1001,
            Reason::ParseError | Reason::TransportError => 1002,
            Reason::SlowClient => 1013,
            _ => 1000,
        }
    }

    /// Whether what waits is sent before the end.
    pub(crate) fn sends_the_rest(self) -> bool {
        matches!(
            self,
            Reason::ServerDisconnect | Reason::ForcedClose | Reason::Shutdown
        )
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
