//! `/members/{member}/roles`, `/suspension`, `/sessions`, `/auth/first-administrator`.

use super::{By, first, ops, store};
use crate::{
    Fresh, May, MemberId, Permission, Role, Roles,
    actor::may::{UsersEdit, UsersSuspend, UsersView},
    limits::Table,
};
use base::{Kind, Line, Text, Timestamp, error::not_found, input};
use platform::{
    AppState,
    http::{Context, Json, NoContent, Path, PathPair, Result, Routes},
};
use schemars::JsonSchema;
use serde::Serialize;

pub fn routes() -> Routes {
    Routes::new("staff")
        .get(
            "/members/{member}/roles",
            "list_roles",
            list_roles,
            "A member's roles and what they permit",
        )
        .put(
            "/members/{member}/roles/{role}",
            "grant_role",
            grant_role,
            "Give a role",
        )
        .refuses(&[Kind::Conflict])
        .delete(
            "/members/{member}/roles/{role}",
            "revoke_role",
            revoke_role,
            "Take a role",
        )
        .refuses(&[Kind::Conflict])
        .put(
            "/members/{member}/suspension",
            "suspend_member",
            suspend_member,
            "Put a member out",
        )
        .delete(
            "/members/{member}/suspension",
            "reinstate_member",
            reinstate_member,
            "Let a suspended member in again",
        )
        .delete(
            "/members/{member}/sessions",
            "end_member_sessions",
            end_member_sessions,
            "End every session of a member",
        )
        .post(
            "/auth/first-administrator",
            "become_first_administrator",
            become_first_administrator,
            "Become the first administrator, with the code shown when the server started",
        )
        .refuses(&[Kind::Conflict])
}

/// A role that was given.
#[derive(Debug, Serialize, JsonSchema)]
struct GivenRole {
    role: Role,
    /// Null: the command line, or the first administrator's code.
    granted_by: Option<MemberId>,
    granted_at: Timestamp,
}

/// What a member is and may do.
#[derive(Debug, Serialize, JsonSchema)]
struct MemberRoles {
    /// Those that were given; a member with none is free.
    roles: Vec<GivenRole>,
    /// The highest level, 1 to 8.
    level: u8,
    permissions: Vec<Permission>,
}

async fn list_roles(
    app: AppState,
    _: May<UsersView>,
    Path(member): Path<MemberId>,
) -> Result<Json<MemberRoles>> {
    let standing = store::standing(&app.db, member).await?;
    standing.ok_or_else(|| not_found("member"))?;
    let given = store::given(&app.db, member).await?;
    let roles: Roles = given.iter().map(|given| given.role).collect();
    Ok(Json(MemberRoles {
        roles: given
            .into_iter()
            .map(|given| GivenRole {
                role: given.role,
                granted_by: given.by,
                granted_at: given.at,
            })
            .collect(),
        level: roles.level(),
        permissions: roles.permissions().iter().collect(),
    }))
}

async fn grant_role(
    app: AppState,
    actor: May<UsersEdit>,
    _: Fresh,
    PathPair(member, role): PathPair<MemberId, Role>,
) -> Result<NoContent> {
    ops::grant(&app, By::Member(actor.id), member, role).await?;
    Ok(NoContent)
}

async fn revoke_role(
    app: AppState,
    actor: May<UsersEdit>,
    _: Fresh,
    PathPair(member, role): PathPair<MemberId, Role>,
) -> Result<NoContent> {
    ops::revoke(&app, By::Member(actor.id), member, role).await?;
    Ok(NoContent)
}

input! {
    /// Why; it stands in the audit log.
    pub struct Why {
        pub reason: Text<1, 500>,
    }
}

async fn suspend_member(
    app: AppState,
    actor: May<UsersSuspend>,
    Path(member): Path<MemberId>,
    Json(why): Json<Why>,
) -> Result<NoContent> {
    ops::suspend(&app, actor.id, member, why.reason.into()).await?;
    Ok(NoContent)
}

async fn reinstate_member(
    app: AppState,
    actor: May<UsersSuspend>,
    Path(member): Path<MemberId>,
    Json(why): Json<Why>,
) -> Result<NoContent> {
    ops::reinstate(&app, actor.id, member, why.reason.into()).await?;
    Ok(NoContent)
}

async fn end_member_sessions(
    app: AppState,
    actor: May<UsersSuspend>,
    Path(member): Path<MemberId>,
) -> Result<NoContent> {
    ops::end_sessions(&app, actor.id, member).await?;
    Ok(NoContent)
}

input! {
    /// What the server showed when it started.
    pub struct FirstAdministrator {
        pub code: Line<1, 40>,
    }
}

async fn become_first_administrator(
    app: AppState,
    context: Context,
    actor: Fresh,
    Json(given): Json<FirstAdministrator>,
) -> Result<NoContent> {
    let limit = Table::of(&app.config).first_administrator;
    context.0.limited(app.limits.take(limit, actor.id).await)?;
    first::redeem(&app, actor.id, &given.code).await?;
    Ok(NoContent)
}
