//! Events: gatherings that people attend, and who goes.
//!
//! An event begins at a moment and goes by the clocks of a time zone: so a reader
//! far away sees both. Listed from a moment on, soonest first. Each member has one answer to an
//! event; `going_count` counts those who said "going" and changes with them in
//! one transaction.

mod belongings;
mod http;
mod ops;
mod signals;
pub(crate) mod store;
#[cfg(test)]
mod tests;

pub use belongings::belongings;
pub use http::routes;
pub use signals::EventCreated;

use base::{TimeZone, Timestamp, choice, ids};
use db::stored;
use schemars::JsonSchema;
use serde::Serialize;

ids! {
    /// Names an event.
    EventId;
}
stored!(ids: EventId);

choice! {
    /// A member's answer to an event.
    #[schemars(rename = "RsvpStatus")]
    pub enum Rsvp {
        Going = "going",
        Interested = "interested",
        Maybe = "maybe",
        NotGoing = "not_going",
    }
}
stored!(words: Rsvp);

/// An event as its reader sees it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Event {
    pub id: EventId,
    pub title: String,
    pub city: String,
    pub starts_at: Timestamp,
    /// Whose clocks the event goes by, as the IANA names them.
    pub time_zone: TimeZone,
    pub going_count: i64,
    /// The reader's own answer.
    pub my_rsvp: Option<Rsvp>,
}
