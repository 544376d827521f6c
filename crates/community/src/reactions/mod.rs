//! Reactions: one of each member to a post or a comment, exchanged by sending another.
//!
//! `like_count` on the post or comment counts members who reacted, whichever way;
//! it changes in the same transaction and only when a row came or went. Nobody
//! reacts to what they may not read.

mod belongings;
mod http;
mod ops;
pub(crate) mod store;
#[cfg(test)]
mod tests;

pub use belongings::belongings;
pub use http::routes;

use crate::{comments::CommentId, posts::PostId, profiles::Author};
use accounts::MemberId;
use base::{Timestamp, choice};
use db::stored;
use platform::signals::Signal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

choice! {
    /// How a member feels about a post or a comment.
    #[schemars(rename = "ReactionType")]
    pub enum Reaction {
        Like = "like",
        Dislike = "dislike",
        Love = "love",
        Laugh = "laugh",
        Angry = "angry",
        Sad = "sad",
    }
}
stored!(words: Reaction);

/// What one reacts to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    Post(PostId),
    Comment(CommentId),
}

/// Somebody who reacted.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Reactor {
    pub member: Author,
    pub reaction: Reaction,
    pub created_at: Timestamp,
}

/// Somebody reacted to somebody else's post or comment for the first time.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Reacted {
    pub actor: Author,
    /// Whose post or comment it is.
    pub author: MemberId,
    pub post_id: PostId,
    pub comment_id: Option<CommentId>,
    pub reaction: Reaction,
}

impl Signal for Reacted {
    const KIND: &'static str = "reacted";
}
