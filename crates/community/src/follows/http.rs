use super::{ops, store};
use crate::profiles::Profile;
use accounts::{CurrentUser, MemberId};
use base::{Cursor, Kind, Page, Paging, input, page::Limit};
use platform::{
    AppState,
    http::{Json, NoContent, Path, Query, Result, Routes},
};

pub fn routes() -> Routes {
    Routes::new("follows")
        .for_tokens("follows:read", "follows:write")
        .get(
            "/follows/followers",
            "list_followers",
            list_followers,
            "Who follows a member",
        )
        .get(
            "/follows/following",
            "list_following",
            list_following,
            "Whom a member follows",
        )
        .put("/follows/{member_id}", "follow", follow, "Follow a member")
        .refuses(&[Kind::Conflict])
        .delete(
            "/follows/{member_id}",
            "unfollow",
            unfollow,
            "Stop following a member",
        )
}

input! {
    /// Whose list, the caller's own unless said.
    pub struct ListOf {
        pub member_id: Option<MemberId>,
        #[serde(default)]
        pub limit: Limit,
        pub cursor: Option<Cursor>,
    }
}

impl ListOf {
    fn paging(&self) -> Paging {
        Paging {
            limit: self.limit,
            cursor: self.cursor,
        }
    }
}

fn page(found: Vec<Profile>, limit: Limit) -> Json<Page<Profile>> {
    Json(Page::of(found, limit, |member| Cursor(member.id.0)))
}

async fn list_followers(
    app: AppState,
    actor: CurrentUser,
    Query(list): Query<ListOf>,
) -> Result<Json<Page<Profile>>> {
    let of = list.member_id.unwrap_or(actor.id);
    Ok(page(
        store::list_followers(&app.db, actor.id, of, list.paging()).await?,
        list.limit,
    ))
}

async fn list_following(
    app: AppState,
    actor: CurrentUser,
    Query(list): Query<ListOf>,
) -> Result<Json<Page<Profile>>> {
    let of = list.member_id.unwrap_or(actor.id);
    Ok(page(
        store::list_following(&app.db, actor.id, of, list.paging()).await?,
        list.limit,
    ))
}

async fn follow(app: AppState, actor: CurrentUser, Path(member): Path<MemberId>) -> Result<NoContent> {
    ops::follow(&app, &actor, member).await?;
    Ok(NoContent)
}

async fn unfollow(app: AppState, actor: CurrentUser, Path(member): Path<MemberId>) -> Result<NoContent> {
    ops::unfollow(&app, &actor, member).await?;
    Ok(NoContent)
}
