//! What is written in a group: its posts, and those on top of its page.

use super::{GroupId, policy, store};
use crate::posts::{self, Post};
use accounts::{CurrentUser, Permission};
use base::{Cursor, Page, Paging, Result, error::not_found};
use platform::AppState;

/// The group's posts, the newest first.
pub async fn read(app: &AppState, actor: &CurrentUser, id: GroupId, page: Paging) -> Result<Page<Post>> {
    readable(app, actor, id).await?;
    let posts = posts::store::list_in_group(&app.db, actor.id, id, page).await?;
    let posts = posts::with_media(app, posts).await?;
    Ok(Page::of(posts, page.limit, |post| Cursor(post.id.0)))
}

/// Its pinned posts, the last pinned first: all of them, since [`super::ops::pin`] allows few.
pub async fn pinned(app: &AppState, actor: &CurrentUser, id: GroupId) -> Result<Page<Post>> {
    readable(app, actor, id).await?;
    let mut items = vec![];
    for post in store::pins(&app.db, id).await? {
        items.extend(posts::store::find(&app.db, actor.id, post).await?);
    }
    Ok(Page {
        items: posts::with_media(app, items).await?,
        next_cursor: None,
    })
}

async fn readable(app: &AppState, actor: &CurrentUser, id: GroupId) -> Result<()> {
    let group = store::find(&app.db, actor.id, id).await?;
    let group = group.ok_or_else(|| not_found("group"))?;
    policy::readable(&group.standing(actor.roles.may(Permission::PostsModerate)))
}
