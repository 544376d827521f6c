//! Messages: what members say in rooms.
//!
//! A message has its place in the room's stream, `seq`, and keeps it. It is
//! acknowledged once it is on disk; sent again with the same `client_id` it is the
//! same message. Its sender edits it; its sender or an admin deletes it, and then
//! its words are gone and its place stays. Reactions are one of each member.
//!
//! What is never true: a message that somebody hears who may not read the room, or
//! whose sender and they have nothing to do with each other; an unread count that
//! is kept (it is counted from `read_seq`, so it cannot drift); a statement on the
//! way of `message:send` that is run for each message alone.
//!
//! Many members speak at once: `queue` writes what waits in one transaction.

mod belongings;
mod http;
mod model;
pub(crate) mod ops;
mod policy;
mod queue;
mod signals;
mod socket;
pub(crate) mod store;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod wire_tests;

pub use belongings::belongings;
pub use http::routes;
pub use model::{Message, MessageId, ReactionCount};
pub use signals::{MessageDeleted, MessageEdited, MessageNew, MessageReacted, MessageSeen, MessageSent};
pub use socket::sockets;
pub use store::to_notify_after;
