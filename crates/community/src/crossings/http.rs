//! `/crossings`, `/community-posts`, `/community-view`.

use super::{Crossing, CrossingId, CrossingStatus, Seen, View, ops, store};
use crate::posts::PostId;
use accounts::CurrentUser;
use base::{Cursor, Kind, Line, Page, Paging, error::forbidden, input, page::Limit};
use platform::{
    AppState,
    http::{Created, Json, NoContent, Once, Path, Query, Result, Routes},
};
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

pub fn routes() -> Routes {
    Routes::new("communities")
        .get(
            "/community-posts",
            "list_community_posts",
            list_community_posts,
            "Public posts of this community, shared ones, or those of all my communities, the newest first",
        )
        .get(
            "/community-view",
            "show_community_view",
            show_community_view,
            "Which of these I want to see first",
        )
        .put(
            "/community-view",
            "put_community_view",
            put_community_view,
            "Choose which of these I want to see first",
        )
        .get(
            "/crossings",
            "list_crossings",
            list_crossings,
            "What asks this community, for its staff, the oldest first",
        )
        .refuses(&[Kind::Forbidden])
        .get(
            "/crossings/mine",
            "list_my_crossings",
            list_my_crossings,
            "What I asked other communities to show, the latest first",
        )
        .post(
            "/crossings",
            "ask_to_share",
            ask_to_share,
            "Ask another community to show a post",
        )
        .refuses(&[Kind::NotFound])
        .put(
            "/crossings/{crossing_id}/decision",
            "decide_crossing",
            decide_crossing,
            "Let a post in, or do not",
        )
        .refuses(&[Kind::Conflict])
        .delete(
            "/crossings/{crossing_id}",
            "withdraw_crossing",
            withdraw_crossing,
            "Take back what I asked for, shown or not",
        )
}

input! {
    /// Which posts.
    pub struct ListCommunityPosts {
        /// As chosen with `/community-view` unless said.
        pub view: Option<View>,
        #[serde(default)]
        pub limit: Limit,
        pub cursor: Option<Cursor>,
    }
}

async fn list_community_posts(
    app: AppState,
    actor: CurrentUser,
    Query(list): Query<ListCommunityPosts>,
) -> Result<Json<Page<Seen>>> {
    let view = match list.view {
        Some(view) => view,
        None => store::view_of(&app.db, actor.id).await?.unwrap_or(View::Own),
    };
    let page = Paging {
        limit: list.limit,
        cursor: list.cursor,
    };
    let posts = ops::posts_of_view(&app, &actor, view, page).await?;
    Ok(Json(Page::of(posts, page.limit, |post| Cursor(post.id.0))))
}

input! {
    /// Which posts a member wants to see first.
    pub struct ChosenView {
        pub view: View,
    }
}

/// Which posts the caller sees first.
#[derive(Debug, Serialize, JsonSchema)]
struct MyView {
    view: View,
}

async fn show_community_view(app: AppState, actor: CurrentUser) -> Result<Json<MyView>> {
    let view = store::view_of(&app.db, actor.id).await?.unwrap_or(View::Own);
    Ok(Json(MyView { view }))
}

async fn put_community_view(
    app: AppState,
    actor: CurrentUser,
    Json(chosen): Json<ChosenView>,
) -> Result<NoContent> {
    ops::put_view(&app, &actor, chosen.view).await?;
    Ok(NoContent)
}

input! {
    /// Which crossings.
    pub struct ListCrossings {
        /// `pending` unless said.
        pub status: Option<CrossingStatus>,
        #[serde(default)]
        pub limit: Limit,
        pub cursor: Option<Cursor>,
    }
}

async fn list_crossings(
    app: AppState,
    actor: CurrentUser,
    Query(list): Query<ListCrossings>,
) -> Result<Json<Page<Crossing>>> {
    let here = app.db.community();
    if !ops::decides(&app.db, &actor, here).await? {
        return Err(forbidden("not_community_admin").into());
    }
    let status = list.status.unwrap_or(CrossingStatus::Pending);
    let after = list.cursor.map_or(Uuid::nil(), |cursor| cursor.0);
    let fetch = list.limit.count() as i64 + 1;
    let found = store::asking(&app.db, here, status, after, fetch).await?;
    Ok(Json(Page::of(found, list.limit, |crossing| {
        Cursor(crossing.id.0)
    })))
}

async fn list_my_crossings(
    app: AppState,
    actor: CurrentUser,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<Crossing>>> {
    let found = store::asked_by(&app.db, actor.id, paging).await?;
    Ok(Json(Page::of(found, paging.limit, |crossing| {
        Cursor(crossing.id.0)
    })))
}

input! {
    /// Which post, and where it should be shown.
    pub struct NewCrossing {
        pub post_id: PostId,
        /// The other community's slug.
        pub community: Line<2, 40>,
    }
}

async fn ask_to_share(
    app: AppState,
    actor: CurrentUser,
    once: Once,
    Json(new): Json<NewCrossing>,
) -> Result<Created<Crossing>> {
    Ok(ops::ask_to_share(&app, &actor, once, &new.community, new.post_id).await?)
}

input! {
    /// Whether a post is let in.
    pub struct CrossingDecision {
        pub approve: bool,
    }
}

async fn decide_crossing(
    app: AppState,
    actor: CurrentUser,
    Path(id): Path<CrossingId>,
    Json(new): Json<CrossingDecision>,
) -> Result<Json<Crossing>> {
    Ok(Json(ops::decide_crossing(&app, &actor, id, new.approve).await?))
}

async fn withdraw_crossing(
    app: AppState,
    actor: CurrentUser,
    Path(id): Path<CrossingId>,
) -> Result<NoContent> {
    ops::withdraw_crossing(&app, &actor, id).await?;
    Ok(NoContent)
}
