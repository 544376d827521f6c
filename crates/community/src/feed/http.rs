use super::reach::Reach;
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
    let (places, newest) = (app.memory::<Reach>(), paging.cursor.is_none());
    let reach = places.of(actor.id).filter(|_| newest);
    let posts = store::feed(&app.db, actor.id, paging, reach).await?;
    if let Some(oldest) = posts
        .last()
        .filter(|_| newest && posts.len() as i64 == paging.fetch())
    {
        places.remember(actor.id, oldest.id);
    }
    Ok(Json(Page::of(posts, paging.limit, |post| Cursor(post.id.0))))
}
