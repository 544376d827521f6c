use super::{Profile, store};
use accounts::CurrentUser;
use base::{Cursor, Line, Page, Paging, error::not_found, input, page::Limit};
use platform::{
    AppState,
    http::{Json, Path, Query, Result, Routes},
};

pub fn routes() -> Routes {
    Routes::new("members")
        .for_tokens("members:read", "members:read")
        .get("/members", "list_members", list_members, "Find members by name")
        .get(
            "/members/{member}",
            "show_member",
            show_member,
            "One member, by id or user name",
        )
}

input! {
    /// Whom to look for.
    pub struct Search {
        /// Part of a name.
        pub query: Option<Line<0, 80>>,
        #[serde(default)]
        pub limit: Limit,
        pub cursor: Option<Cursor>,
    }
}

async fn list_members(
    app: AppState,
    actor: CurrentUser,
    Query(search): Query<Search>,
) -> Result<Json<Page<Profile>>> {
    let paging = Paging {
        limit: search.limit,
        cursor: search.cursor,
    };
    let text = search.query.as_deref().unwrap_or_default();
    let found = store::search(&app.db, actor.id, text, paging).await?;
    Ok(Json(Page::of(found, paging.limit, |member| Cursor(member.id.0))))
}

async fn show_member(
    app: AppState,
    actor: CurrentUser,
    Path(member): Path<Line<1, 64>>,
) -> Result<Json<Profile>> {
    let member = store::find(&app.db, actor.id, &member).await?;
    Ok(Json(member.ok_or_else(|| not_found("member"))?))
}
