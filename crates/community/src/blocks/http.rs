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
    Routes::new("blocks")
        .get("/blocks", "list_blocks", list_blocks, "Whom I have blocked")
        .put("/blocks/{member_id}", "block", block, "Block a member")
        .refuses(&[Kind::Conflict])
        .delete("/blocks/{member_id}", "unblock", unblock, "Take one's block back")
}

/// A block, as who made it sees it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Block {
    pub member: Author,
    pub created_at: Timestamp,
}

async fn list_blocks(
    app: AppState,
    actor: CurrentUser,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<Block>>> {
    let blocks = store::list_blocks(&app.db, actor.id, paging).await?;
    Ok(Json(Page::of(blocks, paging.limit, |block| {
        Cursor(block.member.id.0)
    })))
}

async fn block(app: AppState, actor: CurrentUser, Path(member): Path<MemberId>) -> Result<NoContent> {
    ops::block(&app, &actor, member).await?;
    Ok(NoContent)
}

async fn unblock(app: AppState, actor: CurrentUser, Path(member): Path<MemberId>) -> Result<NoContent> {
    ops::unblock(&app, &actor, member).await?;
    Ok(NoContent)
}
