//! Reactions: one of each member to a post, exchanged by sending another.
//!
//! `like_count` on the post counts members who reacted, whichever way; it
//! changes in the same transaction and only when a row came or went.

mod http;
mod ops;
mod store;
#[cfg(test)]
mod tests;

pub use http::routes;

use base::choice;
use db::stored;

choice! {
    /// How a member feels about a post.
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
