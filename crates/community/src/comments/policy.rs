use super::Comment;
use accounts::{CurrentUser, MemberId};
use base::{
    Result,
    error::{forbidden, invalid},
};

/// Only the author edits a comment.
pub fn may_edit(actor: &CurrentUser, comment: &Comment) -> Result<()> {
    if comment.author.id == actor.id {
        return Ok(());
    }
    Err(forbidden("not_author").about("comment"))
}

/// The author of the comment deletes it, and whose post it stands under.
pub fn may_delete(actor: &CurrentUser, comment: &Comment, post_author: MemberId) -> Result<()> {
    if post_author == actor.id {
        return Ok(());
    }
    may_edit(actor, comment)
}

/// What staff took from sight stays as they saw it.
pub fn is_in_sight(comment: &Comment) -> Result<()> {
    if comment.is_withheld {
        return Err(forbidden("withheld").about("comment"));
    }
    Ok(())
}

/// A comment has words or media.
pub fn says_something(body: &str, media_count: usize) -> Result<()> {
    if body.is_empty() && media_count == 0 {
        return Err(invalid("/body", "required"));
    }
    Ok(())
}
