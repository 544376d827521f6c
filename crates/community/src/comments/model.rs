use crate::{
    media::{MediaId, MediaView},
    posts::PostId,
    profiles::Author,
    reactions::Reaction,
};
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
    /// Pictures, video and sound.
    pub media: Vec<MediaView>,
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
    pub media_count: i64,
    #[serde(skip)]
    pub version: i64,
}

/// What a member wants to say under a post.
#[derive(Clone, Debug)]
pub struct Draft {
    pub parent: Option<CommentId>,
    pub body: String,
    pub media: Vec<MediaId>,
}

/// What to change of a comment; absent fields stay.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    pub body: Option<String>,
    pub media: Option<Vec<MediaId>>,
}

impl Versioned for Comment {
    fn version(&self) -> i64 {
        self.version
    }
}
