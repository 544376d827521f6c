//! Stories: what is shown for a day.
//!
//! A story vanishes 24 hours after it was told: from then on no statement gives
//! it, and a worker deletes it with its views and its media. Who follows its author sees it in
//! their list; everybody who may see it may look at it. Each member counts once
//! as having seen it, its author not at all; only the author learns who did.

mod belongings;
mod http;
mod ops;
pub(crate) mod store;
#[cfg(test)]
mod tests;
mod worker;

pub use belongings::belongings;
pub use http::routes;
pub use worker::clean_up;

use crate::{
    media::{MediaId, MediaView},
    profiles::Author,
};
use base::{Timestamp, choice, ids};
use db::stored;
use schemars::JsonSchema;
use serde::Serialize;
use std::time::Duration;

/// How long a story is shown.
pub const SHOWN: Duration = Duration::from_hours(24);

ids! {
    /// Names a story.
    StoryId;
}
stored!(ids: StoryId);

choice! {
    /// Who may see a story.
    #[derive(Default)]
    #[schemars(rename = "StoryAudience")]
    pub enum Audience {
        #[default]
        Public = "public",
        Friends = "friends",
    }
}
stored!(words: Audience);

/// A story as who looks at it sees it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Story {
    pub id: StoryId,
    pub author: Author,
    pub caption: String,
    /// A picture, a video or a sound.
    pub media: Option<MediaView>,
    pub visibility: Audience,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub seen_by_me: bool,
    /// How many members have seen it; null unless it is one's own.
    pub view_count: Option<i64>,
    #[serde(skip)]
    pub media_id: Option<MediaId>,
}

/// Who saw one's story.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "StoryView")]
pub struct View {
    pub member: Author,
    pub seen_at: Timestamp,
}
