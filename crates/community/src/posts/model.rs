use crate::{profiles::Author, reactions::Reaction};
use base::{Timestamp, ids};
use db::stored;
use platform::http::Versioned;
use schemars::JsonSchema;
use serde::Serialize;

ids! {
    /// Names a post.
    PostId;
}
stored!(ids: PostId);

/// A post as its reader sees it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Post {
    pub id: PostId,
    pub author: Author,
    /// Plain text.
    pub body: String,
    pub created_at: Timestamp,
    /// Null until it is edited.
    pub edited_at: Option<Timestamp>,
    pub like_count: i64,
    pub comment_count: i64,
    pub liked_by_me: bool,
    /// The reader's own reaction.
    pub reaction: Option<Reaction>,
    #[serde(skip)]
    pub version: i64,
}

impl Versioned for Post {
    fn version(&self) -> i64 {
        self.version
    }
}
