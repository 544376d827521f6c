use super::CommentId;
use crate::{posts::PostId, profiles::Author};
use accounts::MemberId;
use base::Timestamp;
use platform::signals::Signal;
use serde::{Deserialize, Serialize};

/// Somebody commented.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CommentCreated {
    pub id: CommentId,
    pub post_id: PostId,
    pub post_author: MemberId,
    /// Whose comment is answered.
    pub parent_author: Option<MemberId>,
    pub author: Author,
    pub body: String,
    pub mentioned: Vec<MemberId>,
    pub created_at: Timestamp,
}

impl Signal for CommentCreated {
    const KIND: &'static str = "comment_created";
}
