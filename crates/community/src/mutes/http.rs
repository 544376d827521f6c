use super::{ops, store};
use crate::profiles::Author;
use accounts::{CurrentUser, MemberId};
use base::{Cursor, Kind, Page, Paging, Timestamp};
use platform::{
    AppState,
    http::{Json, NoContent, Path, Query, Result, Routes},
};
use schemars::JsonSchema;
use serde::Serialize;

pub fn routes() -> Routes {
    Routes::new("mutes")
        .get("/mutes", "list_mutes", list_mutes, "Whom I have muted")
        .put("/mutes/{member_id}", "mute", mute, "Mute a member")
        .refuses(&[Kind::Conflict])
        .delete("/mutes/{member_id}", "unmute", unmute, "Take one's mute back")
}

/// A mute, as who made it sees it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Mute {
    pub member: Author,
    pub created_at: Timestamp,
}

async fn list_mutes(
    app: AppState,
    actor: CurrentUser,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<Mute>>> {
    let mutes = store::list_mutes(&app.db, actor.id, paging).await?;
    Ok(Json(Page::of(mutes, paging.limit, |mute| {
        Cursor(mute.member.id.0)
    })))
}

async fn mute(app: AppState, actor: CurrentUser, Path(member): Path<MemberId>) -> Result<NoContent> {
    ops::mute(&app, &actor, member).await?;
    Ok(NoContent)
}

async fn unmute(app: AppState, actor: CurrentUser, Path(member): Path<MemberId>) -> Result<NoContent> {
    ops::unmute(&app, &actor, member).await?;
    Ok(NoContent)
}
