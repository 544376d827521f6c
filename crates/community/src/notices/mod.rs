//! Notices: what staff tell everybody, from a moment to another.
//!
//! A notice stands as a banner until it ends or its reader dismisses it. Staff may have
//! it told as a notification as well: then a worker tells every member, a hundred at a
//! time, from the moment it begins, and goes on where it stopped.
//!
//! Never true: a member who is told twice; a notice seen before it begins.

mod belongings;
mod http;
mod ops;
mod store;
mod telling;
#[cfg(test)]
mod tests;

pub use belongings::belongings;
pub use http::routes;
pub use telling::worker;

use base::{Timestamp, choice, ids};
use db::stored;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

ids! {
    /// Names a notice.
    NoticeId;
}
stored!(ids: NoticeId);

choice! {
    /// How loud it is.
    pub enum NoticeLevel {
        Info = "info",
        Warning = "warning",
        Critical = "critical",
    }
}
stored!(words: NoticeLevel);

/// What everybody is told.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Notice {
    pub id: NoticeId,
    pub level: NoticeLevel,
    pub title: String,
    /// Plain text.
    pub body: String,
    pub starts_at: Timestamp,
    pub ends_at: Timestamp,
    /// Members hear of it as a notification as well.
    pub notifies: bool,
}
