//! The protocol as clients see it: whole servers, spoken to byte by byte.

#![expect(clippy::disallowed_methods, reason = "what a test spawns ends with it")]

mod handshake;
mod harness;
mod heartbeat;
mod limits;
mod parsers;
mod polling;
mod rooms;
mod shutdown;
mod slow;
mod sockets;
mod stock;
mod upgrade;
mod websocket;
