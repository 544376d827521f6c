use super::{TrendingHashtag, store};
use crate::posts::{Post, store as posts, with_media};
use accounts::CurrentUser;
use base::{Page, Paging};
use platform::{
    AppState,
    http::{Json, Query, Result, Routes},
};
use std::collections::HashMap;

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

async fn list_trending_hashtags(
    app: AppState,
    _: CurrentUser,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<TrendingHashtag>>> {
    let trends = store::trends(&app).await?;
    Ok(Json(Page::part(&trends.hashtags, paging)))
}

async fn list_trending_posts(
    app: AppState,
    actor: CurrentUser,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<Post>>> {
    let trends = store::trends(&app).await?;
    let page = Page::part(&trends.posts, paging);
    let ids: Vec<_> = page.items.iter().map(|(id, _)| *id).collect();
    let found = with_media(&app, posts::these(&app.db, actor.id, &ids).await?).await?;
    let mut by_id: HashMap<_, _> = found.into_iter().map(|post| (post.id, post)).collect();
    let items = page.items.into_iter().filter_map(|(id, why)| {
        let post = by_id.remove(&id)?;
        Some(Post {
            why: Some(why),
            ..post
        })
    });
    Ok(Json(Page {
        items: items.collect(),
        next_cursor: page.next_cursor,
    }))
}
