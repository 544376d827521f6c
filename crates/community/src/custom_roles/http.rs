//! `/custom-roles` for members, `/staff/custom-roles` for staff.

use super::{CustomRole, CustomRoleId, CustomRoleProposal, Status, ops, store};
use crate::profiles::store as profiles;
use accounts::{CurrentUser, May, MemberId, may::UsersEdit};
use base::{Cursor, Kind, Line, Page, Paging, Text, error::not_found, input, page::Limit};
use platform::{
    AppState,
    http::{Created, Json, NoContent, Once, Path, Query, Result, Routes},
};
use uuid::Uuid;

pub fn routes() -> Routes {
    Routes::new("custom_roles")
        .get(
            "/custom-roles",
            "list_custom_roles",
            list_custom_roles,
            "Roles that members proposed and staff approved, or those a member holds",
        )
        .post(
            "/custom-roles",
            "propose_custom_role",
            propose_custom_role,
            "Propose a role",
        )
        .get(
            "/custom-roles/proposals",
            "list_my_proposals",
            list_my_proposals,
            "What I proposed and what became of it, the latest first",
        )
        .delete(
            "/custom-roles/{custom_role_id}",
            "withdraw_proposal",
            withdraw_proposal,
            "Take back a proposal that waits",
        )
        .put(
            "/custom-roles/{custom_role_id}/holding",
            "hold_custom_role",
            hold_custom_role,
            "Hold an approved role",
        )
        .delete(
            "/custom-roles/{custom_role_id}/holding",
            "let_go_of_custom_role",
            let_go_of_custom_role,
            "Hold it no longer",
        )
        .get(
            "/staff/custom-roles",
            "list_proposals",
            list_proposals,
            "What members proposed, the oldest first",
        )
        .put(
            "/staff/custom-roles/{custom_role_id}/decision",
            "decide_proposal",
            decide_proposal,
            "Approve a proposal, or reject it",
        )
        .refuses(&[Kind::Conflict])
}

input! {
    /// Whose roles.
    pub struct ListCustomRoles {
        /// Those that this member holds; all unless said.
        pub member_id: Option<MemberId>,
        #[serde(default)]
        pub limit: Limit,
        pub cursor: Option<Cursor>,
    }
}

async fn list_custom_roles(
    app: AppState,
    actor: CurrentUser,
    Query(list): Query<ListCustomRoles>,
) -> Result<Json<Page<CustomRole>>> {
    let paging = Paging {
        limit: list.limit,
        cursor: list.cursor,
    };
    let Some(member) = list.member_id else {
        let found = store::list(&app.db, actor.id, paging).await?;
        return Ok(Json(Page::of(found, paging.limit, |role| Cursor(role.id.0))));
    };
    if !profiles::is_visible(&app.db, actor.id, member).await? {
        return Err(not_found("member").into());
    }
    Ok(Json(Page {
        items: store::held_by(&app.db, actor.id, member).await?,
        next_cursor: None,
    }))
}

input! {
    /// A role in the dance.
    pub struct NewCustomRole {
        pub name: Line<2, 40>,
        /// What who holds it does.
        pub description: Text<1, 500>,
    }
}

async fn propose_custom_role(
    app: AppState,
    actor: CurrentUser,
    once: Once,
    Json(new): Json<NewCustomRole>,
) -> Result<Created<CustomRole>> {
    let (name, description) = (new.name.into(), new.description.into());
    Ok(ops::propose_role(&app, &actor, once, name, description).await?)
}

async fn list_my_proposals(
    app: AppState,
    actor: CurrentUser,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<CustomRole>>> {
    let found = store::proposed_by(&app.db, actor.id, paging).await?;
    Ok(Json(Page::of(found, paging.limit, |role| Cursor(role.id.0))))
}

async fn withdraw_proposal(
    app: AppState,
    actor: CurrentUser,
    Path(id): Path<CustomRoleId>,
) -> Result<NoContent> {
    ops::withdraw_proposal(&app, &actor, id).await?;
    Ok(NoContent)
}

async fn hold_custom_role(
    app: AppState,
    actor: CurrentUser,
    Path(id): Path<CustomRoleId>,
) -> Result<NoContent> {
    ops::put_holding(&app, &actor, id, true).await?;
    Ok(NoContent)
}

async fn let_go_of_custom_role(
    app: AppState,
    actor: CurrentUser,
    Path(id): Path<CustomRoleId>,
) -> Result<NoContent> {
    ops::put_holding(&app, &actor, id, false).await?;
    Ok(NoContent)
}

input! {
    /// Which proposals.
    pub struct ListProposals {
        /// `pending` unless said.
        pub status: Option<Status>,
        #[serde(default)]
        pub limit: Limit,
        pub cursor: Option<Cursor>,
    }
}

async fn list_proposals(
    app: AppState,
    actor: May<UsersEdit>,
    Query(list): Query<ListProposals>,
) -> Result<Json<Page<CustomRoleProposal>>> {
    let status = list.status.unwrap_or(Status::Pending);
    let after = list.cursor.map_or(Uuid::nil(), |cursor| cursor.0);
    let fetch = list.limit.count() as i64 + 1;
    let found = store::proposals(&app.db, actor.id, status, after, fetch).await?;
    Ok(Json(Page::of(found, list.limit, |proposal| {
        Cursor(proposal.role.id.0)
    })))
}

input! {
    /// What becomes of a proposal.
    pub struct ProposalDecision {
        pub approve: bool,
        /// To who proposed it.
        #[serde(default)]
        pub note: Text<0, 500>,
    }
}

async fn decide_proposal(
    app: AppState,
    actor: May<UsersEdit>,
    Path(id): Path<CustomRoleId>,
    Json(new): Json<ProposalDecision>,
) -> Result<Json<CustomRole>> {
    let role = ops::decide_proposal(&app, &actor, id, new.approve, new.note.into()).await?;
    Ok(Json(role))
}
