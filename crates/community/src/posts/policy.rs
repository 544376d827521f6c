use super::Post;
use accounts::CurrentUser;
use base::{Result, error::forbidden};

/// Only the author edits or deletes a post.
pub fn may_change(actor: &CurrentUser, post: &Post) -> Result<()> {
    if post.author.id == actor.id {
        return Ok(());
    }
    Err(forbidden("not_author").about("post"))
}
