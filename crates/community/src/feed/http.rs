use super::{
    cursor::{FeedCursor, FeedPage},
    ranked,
    reach::Reach,
};
use crate::posts::{store, with_media};
use accounts::CurrentUser;
use base::{Cursor, Page, Paging, choice, input, page::Limit};
use platform::{
    AppState,
    http::{Json, Query, Result, Routes},
};

pub fn routes() -> Routes {
    Routes::new("feed").for_tokens("feed:read", "feed:read").get(
        "/feed",
        "feed",
        feed,
        "Posts of those I follow, and my own: the newest first, or ranked with reasons",
    )
}

choice! {
    /// The order of the feed.
    #[derive(Default)]
    #[schemars(rename = "FeedOrder")]
    pub enum Order {
        #[default]
        Newest = "newest",
        Ranked = "ranked",
    }
}

input! {
    /// Which page, in which order.
    pub struct ReadFeed {
        #[serde(default)]
        pub order: Order,
        #[serde(default)]
        pub limit: Limit,
        pub cursor: Option<FeedCursor>,
    }
}

async fn feed(app: AppState, actor: CurrentUser, Query(read): Query<ReadFeed>) -> Result<Json<FeedPage>> {
    if read.order == Order::Ranked {
        return Ok(Json(ranked::page(&app, &actor, read.limit, read.cursor).await?));
    }
    let paging = Paging {
        limit: read.limit,
        cursor: read.cursor.map(|cursor| Cursor(cursor.before)),
    };
    let (places, newest) = (app.memory::<Reach>(), paging.cursor.is_none());
    let reach = places.of(actor.id).filter(|_| newest);
    let posts = store::feed(&app.db, actor.id, paging, reach).await?;
    if let Some(oldest) = posts
        .last()
        .filter(|_| newest && posts.len() as i64 == paging.fetch())
    {
        places.remember(actor.id, oldest.id);
    }
    let posts = with_media(&app, posts).await?;
    let Page { items, next_cursor } = Page::of(posts, paging.limit, |post| FeedCursor {
        before: post.id.0,
        shown: None,
    });
    Ok(Json(FeedPage { items, next_cursor }))
}
