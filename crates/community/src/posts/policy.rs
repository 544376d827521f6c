use super::{Post, PostKind, Visibility};
use accounts::{CurrentUser, Permission};
use base::{
    Result,
    error::{forbidden, invalid},
};

/// Only the author edits or deletes a post.
pub fn may_change(actor: &CurrentUser, post: &Post) -> Result<()> {
    if post.author.id == actor.id {
        return Ok(());
    }
    Err(forbidden("not_author").about("post"))
}

/// What staff took from sight stays as they saw it.
pub fn may_edit(post: &Post) -> Result<()> {
    if post.is_withheld {
        return Err(forbidden("withheld").about("post"));
    }
    Ok(())
}

/// Who leads a community may announce something to it.
pub fn may_publish(actor: &CurrentUser, kind: PostKind) -> Result<()> {
    match kind {
        PostKind::Memory => Ok(()),
        PostKind::Announcement if actor.roles.may(Permission::EventsCreate) => Ok(()),
        PostKind::Announcement => Err(forbidden("not_a_leader")),
    }
}

/// A post in a group is the group's to read, and no other post is.
pub fn fits(visibility: Visibility, in_group: bool) -> Result<()> {
    match (visibility, in_group) {
        (Visibility::Group, true)
        | (Visibility::Public | Visibility::Friends | Visibility::Private, false) => Ok(()),
        (Visibility::Group, false) => Err(invalid("/group_id", "required")),
        (_, true) => Err(invalid("/visibility", "group_only")),
    }
}

/// A post has words, media or another post.
pub fn says_something(post: &Post) -> Result<()> {
    if post.body.is_empty() && post.media_count == 0 && post.shared_id.is_none() {
        return Err(invalid("/media_ids", "required"));
    }
    Ok(())
}

/// Whether more members may read it than before.
pub fn widens(before: Visibility, after: Visibility) -> bool {
    let reach = |visibility| match visibility {
        Visibility::Private => 0,
        Visibility::Friends | Visibility::Group => 1,
        Visibility::Public => 2,
    };
    reach(after) > reach(before)
}

/// What the public may not read is not passed on.
pub fn may_share(post: &Post) -> Result<()> {
    match post.visibility {
        Visibility::Public => Ok(()),
        _ => Err(forbidden("not_public")),
    }
}
