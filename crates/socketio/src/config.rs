//! How a server behaves, and the host's say at the handshake.

use crate::{
    Server,
    kept::Kept,
    outbound::QueueLimits,
    raw::{RawConnection, RawMessage},
    server::{Hooks, Shared},
    wheel::Millis,
};
use axum::response::Response;
use http::request::Parts;
use std::{any::Any, sync::Arc, time::Duration};

/// The host lets a client open a connection.
#[derive(Debug, Default)]
pub struct Admitted(Kept);

impl Admitted {
    pub fn new() -> Admitted {
        Admitted::default()
    }

    /// Keeps a value with the connection; its sockets give it with [`Socket::get`](crate::Socket::get).
    #[must_use]
    pub fn with<T: Any + Send + Sync>(self, value: T) -> Admitted {
        self.0.insert(value);
        self
    }

    pub(crate) fn get<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        self.0.get()
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub path: String,
    pub ping_interval_ms: Millis,
    pub ping_timeout_ms: Millis,
    pub connect_timeout_ms: Millis,
    pub upgrade_timeout: Duration,
    pub close_timeout: Duration,
    pub max_payload: usize,
    pub queue: QueueLimits,
    pub handlers_at_once: usize,
}

/// Makes a [`Server`]. The defaults are those of the reference server, where it has them.
#[must_use]
pub struct Builder {
    config: Config,
    hooks: Hooks,
}

impl Builder {
    pub(crate) fn new() -> Builder {
        Builder {
            config: Config {
                path: "/socket.io".to_owned(),
                ping_interval_ms: 25_000,
                ping_timeout_ms: 20_000,
                connect_timeout_ms: 45_000,
                upgrade_timeout: Duration::from_secs(10),
                close_timeout: Duration::from_secs(2),
                max_payload: 1_000_000,
                queue: QueueLimits::default(),
                handlers_at_once: 16,
            },
            hooks: Hooks::default(),
        }
    }

    /// Where the server answers, with and without a slash behind it.
    pub fn path(mut self, path: &str) -> Builder {
        path.trim_end_matches('/').clone_into(&mut self.config.path);
        self
    }

    /// The time from a pong to the next ping, 25 s.
    pub fn ping_interval(mut self, interval: Duration) -> Builder {
        self.config.ping_interval_ms = millis(interval);
        self
    }

    /// How long a client may take to answer a ping, 20 s.
    pub fn ping_timeout(mut self, timeout: Duration) -> Builder {
        self.config.ping_timeout_ms = millis(timeout);
        self
    }

    /// How long a client may stay without opening a namespace, 45 s.
    pub fn connect_timeout(mut self, timeout: Duration) -> Builder {
        self.config.connect_timeout_ms = millis(timeout);
        self
    }

    /// How long a websocket may take to replace polling, 10 s.
    pub fn upgrade_timeout(mut self, timeout: Duration) -> Builder {
        self.config.upgrade_timeout = timeout;
        self
    }

    /// How long a websocket may take to send the rest and hear the client's goodbye, 2 s.
    pub fn close_timeout(mut self, timeout: Duration) -> Builder {
        self.config.close_timeout = timeout;
        self
    }

    /// Bytes that a websocket message, a frame of it and a polling request's body may have, 1,000,000.
    pub fn max_payload(mut self, bytes: usize) -> Builder {
        self.config.max_payload = bytes;
        self
    }

    /// What may wait for a slow client before it is cut off: 1,024 packets, 1 MiB.
    pub fn queue(mut self, limits: QueueLimits) -> Builder {
        self.config.queue = limits;
        self
    }

    /// Event handlers of one connection that may run at the same time, 16. With 1 they run one after the other.
    pub fn handlers_at_once(mut self, limit: usize) -> Builder {
        self.config.handlers_at_once = limit.max(1);
        self
    }

    /// Asked whenever a client would open a transport: at the handshake, and when a
    /// websocket would take over from polling. It sees the request's head and
    /// decides about its origin, its address or the number of its kind.
    pub fn admit<F>(mut self, ask: F) -> Builder
    where
        F: Fn(&Parts) -> Result<Admitted, Response> + Send + Sync + 'static,
    {
        self.hooks.admit = Some(Box::new(ask));
        self
    }

    /// Where names come from, instead of the system's randomness. It must be unpredictable.
    pub fn randomness<F>(mut self, fill: F) -> Builder
    where
        F: Fn(&mut [u8]) + Send + Sync + 'static,
    {
        self.hooks.random = Box::new(fill);
        self
    }

    pub fn build(self) -> Server {
        Server(Arc::new(Shared::new(self.config, self.hooks)))
    }

    /// A server of Engine.IO alone: messages go to the handler, and there are no
    /// namespaces. The handler is called by what reads: it must not block.
    pub fn build_raw<F>(mut self, handle: F) -> Server
    where
        F: Fn(&RawConnection, RawMessage<'_>) + Send + Sync + 'static,
    {
        self.hooks.raw = Some(Box::new(handle));
        self.build()
    }
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.config.fmt(f)
    }
}

fn millis(duration: Duration) -> Millis {
    (duration.as_millis() as Millis).max(1)
}
