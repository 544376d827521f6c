use super::store;
use crate::posts::{self, Post, PostId, store as stored};
use accounts::CurrentUser;
use base::{
    Page, Timestamp,
    error::not_found,
    input,
    page::{Limit, TimeCursor},
};
use platform::{
    AppState,
    http::{Json, NoContent, Path, Query, Result, Routes},
};
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

pub fn routes() -> Routes {
    Routes::new("saved")
        .get(
            "/saved",
            "list_saved",
            list_saved,
            "Posts that I saved, the latest first",
        )
        .put("/saved/{post_id}", "save_post", save_post, "Save a post")
        .delete(
            "/saved/{post_id}",
            "unsave_post",
            unsave_post,
            "Save a post no more",
        )
}

input! {
    /// Which page.
    pub struct ListSaved {
        #[serde(default)]
        pub limit: Limit,
        pub cursor: Option<TimeCursor>,
    }
}

/// A saved post.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "SavedPost")]
struct Saved {
    saved_at: Timestamp,
    post: Post,
}

async fn list_saved(
    app: AppState,
    actor: CurrentUser,
    Query(list): Query<ListSaved>,
) -> Result<Json<Page<Saved, TimeCursor>>> {
    let latest = TimeCursor(
        app.clock.now().plus(std::time::Duration::from_secs(1)),
        Uuid::max(),
    );
    let before = list.cursor.unwrap_or(latest);
    let found = store::list(&app.db, actor.id, list.limit, before).await?;
    let (found, times): (Vec<Post>, Vec<Timestamp>) = found.into_iter().unzip();
    let items = posts::with_media(&app, found)
        .await?
        .into_iter()
        .zip(times)
        .map(|(post, saved_at)| Saved { saved_at, post })
        .collect();
    Ok(Json(Page::of(items, list.limit, |saved: &Saved| {
        TimeCursor(saved.saved_at, saved.post.id.0)
    })))
}

async fn save_post(app: AppState, actor: CurrentUser, Path(id): Path<PostId>) -> Result<NoContent> {
    let (member, now) = (actor.id, app.clock.now());
    app.db
        .write_again(move |tx| async move {
            let author = stored::author_of(&tx, member, id).await?;
            author.ok_or_else(|| not_found("post"))?;
            store::insert(&tx, member, id, now).await
        })
        .await?;
    Ok(NoContent)
}

async fn unsave_post(app: AppState, actor: CurrentUser, Path(id): Path<PostId>) -> Result<NoContent> {
    let member = actor.id;
    app.db
        .write_again(move |tx| async move { store::delete(&tx, member, id).await })
        .await?;
    Ok(NoContent)
}
