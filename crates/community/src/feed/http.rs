use crate::posts::{Post, store};
use accounts::CurrentUser;
use base::{Cursor, Page, Paging};
use platform::{
    AppState,
    http::{Json, Query, Result, Routes},
};

pub fn routes() -> Routes {
    Routes::new("feed").get(
        "/feed",
        "feed",
        feed,
        "The newest posts of those I follow, and my own",
    )
}

async fn feed(app: AppState, actor: CurrentUser, Query(paging): Query<Paging>) -> Result<Json<Page<Post>>> {
    let posts = store::feed(&app.db, actor.id, paging).await?;
    Ok(Json(Page::of(posts, paging.limit, |post| Cursor(post.id.0))))
}
