use super::{
    Comment, CommentId,
    model::{Changes, Draft},
    ops, store,
};
use crate::{
    media::MediaId,
    posts::{PostId, store as posts},
};
use accounts::CurrentUser;
use base::{Cursor, Page, Paging, Text, error::not_found, input, list::Few};
use platform::{
    AppState,
    http::{Created, IfMatch, Json, NoContent, Once, Path, Query, Result, Routes, Tagged},
};
use uuid::Uuid;

pub fn routes() -> Routes {
    Routes::new("comments")
        .get(
            "/posts/{post_id}/comments",
            "list_comments",
            list_comments,
            "Comments to a post, the oldest first",
        )
        .post(
            "/posts/{post_id}/comments",
            "create_comment",
            create_comment,
            "Comment on a post or answer a comment",
        )
        .get(
            "/comments/{comment_id}/replies",
            "list_replies",
            list_replies,
            "Answers to a comment, the oldest first",
        )
        .get(
            "/comments/{comment_id}",
            "show_comment",
            show_comment,
            "One comment",
        )
        .patch(
            "/comments/{comment_id}",
            "edit_comment",
            edit_comment,
            "Edit one's own comment",
        )
        .delete(
            "/comments/{comment_id}",
            "delete_comment",
            delete_comment,
            "Delete one's own comment, or one to one's own post",
        )
}

fn after(paging: Paging) -> Uuid {
    paging.cursor.map_or(Uuid::nil(), |cursor| cursor.0)
}

async fn list_comments(
    app: AppState,
    actor: CurrentUser,
    Path(post): Path<PostId>,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<Comment>>> {
    let author = posts::author_of(&app.db, actor.id, post).await?;
    author.ok_or_else(|| not_found("post"))?;
    let found = store::list_comments(&app.db, actor.id, post, after(paging), paging.limit).await?;
    let found = ops::with_media(&app, found).await?;
    Ok(Json(Page::of(found, paging.limit, |comment| {
        Cursor(comment.id.0)
    })))
}

async fn list_replies(
    app: AppState,
    actor: CurrentUser,
    Path(parent): Path<CommentId>,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<Comment>>> {
    let found = store::find(&app.db, actor.id, parent).await?;
    found.ok_or_else(|| not_found("comment"))?;
    let found = store::list_replies(&app.db, actor.id, parent, after(paging), paging.limit).await?;
    let found = ops::with_media(&app, found).await?;
    Ok(Json(Page::of(found, paging.limit, |comment| {
        Cursor(comment.id.0)
    })))
}

input! {
    /// What to say, and which comment it answers.
    pub struct NewComment {
        pub body: Option<Text<1, 2000>>,
        pub parent_id: Option<CommentId>,
        /// Media of the author's own that are ready; a body may be left out then.
        #[serde(default)]
        pub media_ids: Few<MediaId, 10>,
    }
}

async fn create_comment(
    app: AppState,
    actor: CurrentUser,
    Path(post): Path<PostId>,
    once: Once,
    Json(new): Json<NewComment>,
) -> Result<Created<Comment>> {
    let draft = Draft {
        parent: new.parent_id,
        body: new.body.map(String::from).unwrap_or_default(),
        media: new.media_ids.0,
    };
    Ok(ops::create_comment(&app, &actor, once, post, draft).await?)
}

async fn show_comment(
    app: AppState,
    actor: CurrentUser,
    Path(id): Path<CommentId>,
) -> Result<Tagged<Comment>> {
    shown(&app, store::find(&app.db, actor.id, id).await?).await
}

async fn shown(app: &AppState, comment: Option<Comment>) -> Result<Tagged<Comment>> {
    let shown = ops::with_media(app, comment.into_iter().collect()).await?.pop();
    Ok(Tagged(shown.ok_or_else(|| not_found("comment"))?))
}

input! {
    /// What it shall say; what is left out stays.
    pub struct CommentChanges {
        pub body: Option<Text<0, 2000>>,
        /// Exactly these from now on, in this order.
        pub media_ids: Option<Few<MediaId, 10>>,
    }
}

async fn edit_comment(
    app: AppState,
    actor: CurrentUser,
    Path(id): Path<CommentId>,
    seen: IfMatch,
    Json(edit): Json<CommentChanges>,
) -> Result<Tagged<Comment>> {
    let changes = Changes {
        body: edit.body.map(String::from),
        media: edit.media_ids.map(|ids| ids.0),
    };
    let edited = ops::edit_comment(&app, &actor, id, seen, changes).await?;
    shown(&app, Some(edited)).await
}

async fn delete_comment(app: AppState, actor: CurrentUser, Path(id): Path<CommentId>) -> Result<NoContent> {
    ops::delete_comment(&app, &actor, id).await?;
    Ok(NoContent)
}
