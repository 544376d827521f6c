use crate::{posts::PostId, profiles::Author, reactions::Reaction};
use base::{Timestamp, ids};
use db::stored;
use platform::http::Versioned;
use schemars::JsonSchema;
use serde::Serialize;

ids! {
    /// Names a comment.
    CommentId;
}
stored!(ids: CommentId);

/// A comment as its reader sees it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Comment {
    pub id: CommentId,
    pub post_id: PostId,
    /// The comment that it answers.
    pub parent_id: Option<CommentId>,
    pub author: Author,
    /// Plain text; empty when deleted.
    pub body: String,
    /// User names of members who are mentioned.
    pub mentions: Vec<String>,
    pub created_at: Timestamp,
    pub edited_at: Option<Timestamp>,
    /// A place in the thread whose words are gone.
    pub is_deleted: bool,
    /// Staff took it from sight; its author alone still sees it.
    pub is_withheld: bool,
    pub like_count: i64,
    pub reply_count: i64,
    pub liked_by_me: bool,
    pub reaction: Option<Reaction>,
    #[serde(skip)]
    pub version: i64,
}

impl Versioned for Comment {
    fn version(&self) -> i64 {
        self.version
    }
}
