use super::{Post, PostId, ops, store};
use accounts::{CurrentUser, MemberId};
use base::{Cursor, Kind, Page, Paging, Text, error::not_found, input, page::Limit};
use platform::{
    AppState,
    http::{Created, IfMatch, Json, NoContent, Once, Path, Query, Result, Routes, Tagged},
};

pub fn routes() -> Routes {
    Routes::new("posts")
        .get(
            "/posts",
            "list_posts",
            list_posts,
            "A member's posts, the newest first",
        )
        .post("/posts", "create_post", create_post, "Publish a post")
        .get("/posts/{post_id}", "show_post", show_post, "One post")
        .patch("/posts/{post_id}", "edit_post", edit_post, "Edit one's own post")
        .refuses(&[Kind::Forbidden])
        .delete(
            "/posts/{post_id}",
            "delete_post",
            delete_post,
            "Delete one's own post",
        )
        .refuses(&[Kind::Forbidden])
}

input! {
    /// Whose posts, the caller's own unless said.
    pub struct ListPosts {
        pub author_id: Option<MemberId>,
        #[serde(default)]
        pub limit: Limit,
        pub cursor: Option<Cursor>,
    }
}

async fn list_posts(
    app: AppState,
    actor: CurrentUser,
    Query(list): Query<ListPosts>,
) -> Result<Json<Page<Post>>> {
    let paging = Paging {
        limit: list.limit,
        cursor: list.cursor,
    };
    let posts = store::list_by(&app.db, actor.id, list.author_id.unwrap_or(actor.id), paging).await?;
    Ok(Json(Page::of(posts, paging.limit, |post| Cursor(post.id.0))))
}

input! {
    /// What to publish, as plain text.
    pub struct PostBody {
        pub body: Text<1, 5000>,
    }
}

async fn create_post(
    app: AppState,
    actor: CurrentUser,
    once: Once,
    Json(new): Json<PostBody>,
) -> Result<Created<Post>> {
    Ok(ops::create_post(&app, &actor, once, new.body.into()).await?)
}

async fn show_post(app: AppState, actor: CurrentUser, Path(id): Path<PostId>) -> Result<Tagged<Post>> {
    let post = store::find(&app.db, actor.id, id).await?;
    Ok(Tagged(post.ok_or_else(|| not_found("post"))?))
}

async fn edit_post(
    app: AppState,
    actor: CurrentUser,
    Path(id): Path<PostId>,
    seen: IfMatch,
    Json(edit): Json<PostBody>,
) -> Result<Tagged<Post>> {
    Ok(Tagged(
        ops::edit_post(&app, &actor, id, seen, edit.body.into()).await?,
    ))
}

async fn delete_post(app: AppState, actor: CurrentUser, Path(id): Path<PostId>) -> Result<NoContent> {
    ops::delete_post(&app, &actor, id).await?;
    Ok(NoContent)
}
