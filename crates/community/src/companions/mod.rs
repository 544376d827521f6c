//! Companions: who was there, with their consent.
//!
//! The author of a post asks; nobody is named before they agreed, and whoever
//! agreed may leave at any time. Who is asked may read the post, so that they
//! know what they agree to; who denies stops seeing what is not theirs to read,
//! and is not asked again. A block takes both off each other's posts. A post's `companion_count` counts those who agreed
//! and changes with their rows.

mod belongings;
mod http;
pub(crate) mod ops;
pub(crate) mod store;
#[cfg(test)]
mod tests;

pub use belongings::belongings;
pub use http::routes;

use crate::{posts::PostId, profiles::Author};
use accounts::MemberId;
use base::{Timestamp, choice};
use db::stored;
use platform::signals::Signal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

choice! {
    /// What a companion answered.
    pub enum Consent {
        Asked = "asked",
        Approved = "approved",
        Denied = "denied",
    }
}
stored!(words: Consent);

/// A question to the reader: may this post name them?
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Companionship {
    pub post_id: PostId,
    pub author: Author,
    /// What the post says.
    pub body: String,
    pub status: Consent,
    pub created_at: Timestamp,
}

/// Somebody was asked after the post was published.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CompanionAsked {
    pub post_id: PostId,
    pub author: Author,
    pub member: MemberId,
}

impl Signal for CompanionAsked {
    const KIND: &'static str = "companion_asked";
}
