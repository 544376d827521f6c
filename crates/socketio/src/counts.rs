//! What a server counts, for whatever collects figures.

use crate::Reason;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A look at the counters. All but the `open_` ones only grow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub open_connections: u64,
    pub open_sockets: u64,
    pub opened_by_polling: u64,
    pub opened_by_websocket: u64,
    pub upgraded: u64,
    /// Handshakes answered with an error.
    pub refused_handshakes: u64,
    /// CONNECT packets answered with an error.
    pub refused_sockets: u64,
    pub closed: Vec<(Reason, u64)>,
    pub packets_received: u64,
    /// Packets put into a connection's queue.
    pub packets_queued: u64,
    /// Ephemeral packets that a later one with the same key replaced.
    pub ephemeral_replaced: u64,
    /// Ephemeral and volatile packets that a slow client missed.
    pub ephemeral_dropped: u64,
    pub handler_panics: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub open_connections: AtomicU64,
    pub open_sockets: AtomicU64,
    pub opened_by_polling: AtomicU64,
    pub opened_by_websocket: AtomicU64,
    pub upgraded: AtomicU64,
    pub refused_handshakes: AtomicU64,
    pub refused_sockets: AtomicU64,
    pub closed: [AtomicU64; Reason::ALL.len()],
    pub packets_received: AtomicU64,
    pub packets_queued: AtomicU64,
    pub ephemeral_replaced: AtomicU64,
    pub ephemeral_dropped: AtomicU64,
    pub handler_panics: AtomicU64,
}

impl Counters {
    pub fn add(counter: &AtomicU64, count: u64) {
        counter.fetch_add(count, Relaxed);
    }

    pub fn sub(counter: &AtomicU64, count: u64) {
        counter.fetch_sub(count, Relaxed);
    }

    pub fn closed(&self, reason: Reason) {
        Counters::add(&self.closed[reason as usize], 1);
    }

    pub fn read(&self) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Relaxed);
        Counts {
            open_connections: read(&self.open_connections),
            open_sockets: read(&self.open_sockets),
            opened_by_polling: read(&self.opened_by_polling),
            opened_by_websocket: read(&self.opened_by_websocket),
            upgraded: read(&self.upgraded),
            refused_handshakes: read(&self.refused_handshakes),
            refused_sockets: read(&self.refused_sockets),
            closed: Reason::ALL
                .into_iter()
                .map(|reason| (reason, read(&self.closed[reason as usize])))
                .collect(),
            packets_received: read(&self.packets_received),
            packets_queued: read(&self.packets_queued),
            ephemeral_replaced: read(&self.ephemeral_replaced),
            ephemeral_dropped: read(&self.ephemeral_dropped),
            handler_panics: read(&self.handler_panics),
        }
    }
}
