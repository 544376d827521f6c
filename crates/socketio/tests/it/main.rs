//! The protocol as clients see it: whole servers, spoken to byte by byte.

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
