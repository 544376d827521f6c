use super::{TrendingHashtag, store};
use crate::posts::{Post, store as posts};
use accounts::CurrentUser;
use base::{Cursor, Page, Paging};
use platform::{
    AppState,
    http::{Json, Query, Result, Routes},
};
use std::collections::HashMap;
use uuid::Uuid;

pub fn routes() -> Routes {
    Routes::new("trending")
        .get(
            "/trending/hashtags",
            "list_trending_hashtags",
            list_trending_hashtags,
            "Hashtags of the week",
        )
        .get(
            "/trending/posts",
            "list_trending_posts",
            list_trending_posts,
            "Posts that are talked about now",
        )
}

/// Part of a list of a hundred at most: the cursor is the place in it.
fn part<T: Clone>(all: &[T], paging: Paging) -> (Vec<T>, Option<Cursor>) {
    let from = paging
        .cursor
        .map_or(0, |cursor| cursor.0.as_u128().min(all.len() as u128) as usize);
    let to = (from + paging.limit.count()).min(all.len());
    let next = (to < all.len()).then(|| Cursor(Uuid::from_u128(to as u128)));
    (all[from..to].to_vec(), next)
}

async fn list_trending_hashtags(
    app: AppState,
    _: CurrentUser,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<TrendingHashtag>>> {
    let trends = store::trends(&app).await?;
    let (items, next_cursor) = part(&trends.hashtags, paging);
    Ok(Json(Page { items, next_cursor }))
}

async fn list_trending_posts(
    app: AppState,
    actor: CurrentUser,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<Post>>> {
    let trends = store::trends(&app).await?;
    let (ids, next_cursor) = part(&trends.posts, paging);
    let found = posts::these(&app.db, actor.id, &ids).await?;
    let mut by_id: HashMap<_, _> = found.into_iter().map(|post| (post.id, post)).collect();
    let items = ids.iter().filter_map(|id| by_id.remove(id)).collect();
    Ok(Json(Page { items, next_cursor }))
}
