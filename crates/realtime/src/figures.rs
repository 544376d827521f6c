//! What happened so far on this node, counted.

use serde::Serialize;
use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    pub(crate) fn add(&self, by: usize) {
        self.0.fetch_add(by as u64, Ordering::Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Serialize for Count {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.get())
    }
}

/// Counts since the start.
#[derive(Debug, Default, Serialize)]
pub struct Figures {
    /// What clients said.
    pub messages: Count,
    /// Durable pushes handed to sockets.
    pub delivered: Count,
    /// Of these, after the client had been too slow.
    pub caught_up: Count,
    /// Times that a client became too slow for a stream.
    pub fell_behind: Count,
    /// Entries that a node read from the log, because it had not written them.
    pub filled: Count,
    /// Rooms entered, by what the client was told.
    pub live: Count,
    pub recovered: Count,
    pub resynced: Count,
    pub expired: Count,
}
