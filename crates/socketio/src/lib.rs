#![doc = include_str!("../README.md")]

mod broadcast;
mod config;
mod connection;
mod counts;
mod decoder;
mod driver;
mod encoded;
mod engine;
mod event;
mod http;
mod id;
mod inbox;
mod kept;
mod namespace;
mod outbound;
mod packet;
mod raw;
mod reason;
mod rooms;
mod server;
mod socket;
mod websocket;
mod wheel;

pub use broadcast::Broadcast;
pub use config::{Admitted, Builder};
pub use counts::Counts;
pub use encoded::{EncodeError, Encoded};
pub use event::{Ack, Attachment, Event, Reply};
pub use id::Id;
pub use namespace::{Namespace, Refusal};
pub use outbound::QueueLimits;
pub use raw::{RawConnection, RawMessage};
pub use reason::Reason;
pub use server::{QueueDepth, Server};
pub use socket::{RequestError, Socket};

/// What reads packets, for those who want it without a server. Never panics on any input.
pub mod parser {
    pub use crate::{
        decoder::Decoder,
        engine::{EnginePacket, SEPARATOR, packets},
        packet::{Packet, PacketKind},
    };
}

use std::sync::{Mutex, MutexGuard, PoisonError};

/// What came in is no packet, or one out of turn; the text says why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed packet: {0}")]
pub struct Malformed(pub &'static str);

/// A lock is never held while other people's code runs, so nothing is half done behind a poisoned one.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
