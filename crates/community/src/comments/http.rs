use super::{Comment, CommentId, ops, store};
use crate::posts::{PostId, store as posts};
use accounts::CurrentUser;
use base::{Cursor, Page, Paging, Text, error::not_found, input};
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
    Ok(Json(Page::of(found, paging.limit, |comment| {
        Cursor(comment.id.0)
    })))
}

input! {
    /// What to say, and which comment it answers.
    pub struct NewComment {
        pub body: Text<1, 2000>,
        pub parent_id: Option<CommentId>,
    }
}

async fn create_comment(
    app: AppState,
    actor: CurrentUser,
    Path(post): Path<PostId>,
    once: Once,
    Json(new): Json<NewComment>,
) -> Result<Created<Comment>> {
    Ok(ops::create_comment(&app, &actor, once, post, new.parent_id, new.body.into()).await?)
}

async fn show_comment(
    app: AppState,
    actor: CurrentUser,
    Path(id): Path<CommentId>,
) -> Result<Tagged<Comment>> {
    let comment = store::find(&app.db, actor.id, id).await?;
    Ok(Tagged(comment.ok_or_else(|| not_found("comment"))?))
}

input! {
    /// What it shall say.
    pub struct CommentChanges {
        pub body: Text<1, 2000>,
    }
}

async fn edit_comment(
    app: AppState,
    actor: CurrentUser,
    Path(id): Path<CommentId>,
    seen: IfMatch,
    Json(edit): Json<CommentChanges>,
) -> Result<Tagged<Comment>> {
    Ok(Tagged(
        ops::edit_comment(&app, &actor, id, seen, edit.body.into()).await?,
    ))
}

async fn delete_comment(app: AppState, actor: CurrentUser, Path(id): Path<CommentId>) -> Result<NoContent> {
    ops::delete_comment(&app, &actor, id).await?;
    Ok(NoContent)
}
