//! `/members/{member}/roles`, `/suspension`, `/sessions`, `/auth/first-administrator`.

use super::{By, first, ops, store};
use crate::{
    Fresh, May, MemberId, Permission, Role, Roles,
    actor::may::{UsersEdit, UsersSuspend, UsersView},
    limits::Table,
    members::Status,
};
use base::{Cursor, Kind, Line, Page, Paging, Text, Timestamp, Whole, error::not_found, input, page::Limit};
use platform::{
    AppState,
    http::{Context, Json, NoContent, Path, PathPair, Query, Result, Routes},
};
use schemars::JsonSchema;
use serde::Serialize;
use std::time::Duration;

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
        .get(
            "/staff/members",
            "list_members_for_staff",
            list_members_for_staff,
            "Members as staff see them, the newest first",
        )
        .get(
            "/staff/members/{member}",
            "show_member_for_staff",
            show_member_for_staff,
            "A member as staff see them",
        )
        .put(
            "/members/{member}/approval",
            "decide_registration",
            decide_registration,
            "Approve an account that waits for it, or do not",
        )
        .refuses(&[Kind::Conflict])
        .put(
            "/members/{member}/verification",
            "verify_member",
            verify_member,
            "Say that a member is who they say",
        )
        .delete(
            "/members/{member}/verification",
            "withdraw_verification",
            withdraw_verification,
            "Take that back",
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

input! {
    /// Why, and for how long.
    pub struct Suspension {
        /// It stands in the audit log.
        pub reason: Text<1, 500>,
        /// Until staff end it, unless said: a ban.
        pub days: Option<Whole<1, 3650>>,
    }
}

async fn suspend_member(
    app: AppState,
    actor: May<UsersSuspend>,
    Path(member): Path<MemberId>,
    Json(new): Json<Suspension>,
) -> Result<NoContent> {
    let until = new.days.map(|days| {
        app.clock
            .now()
            .plus(Duration::from_hours(24 * days.0.unsigned_abs()))
    });
    ops::suspend(&app, actor.id, member, new.reason.into(), until).await?;
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

/// A member, as staff see them.
#[derive(Debug, Serialize, JsonSchema)]
struct StaffMember {
    id: MemberId,
    /// Null for staff who may not put members out.
    email: Option<String>,
    username: String,
    display_name: String,
    status: Status,
    /// When a suspension ends by itself.
    suspended_until: Option<Timestamp>,
    roles: Vec<Role>,
    is_verified: bool,
    created_at: Timestamp,
    /// When one of their sessions was last used.
    last_used_at: Option<Timestamp>,
}

/// An address is for those alone who may act on the account.
fn seen(row: store::Row, sees_addresses: bool) -> StaffMember {
    StaffMember {
        id: row.id,
        email: sees_addresses.then_some(row.email),
        username: row.username,
        display_name: row.display_name,
        status: row.status,
        suspended_until: row.suspended_until,
        roles: row.roles.list(),
        is_verified: row.is_verified,
        created_at: row.created_at,
        last_used_at: row.last_used_at,
    }
}

input! {
    /// Which members; what is left out does not matter.
    pub struct ListStaffMembers {
        /// Part of a user name, a name shown or, for who sees them, an address.
        pub q: Option<Line<1, 100>>,
        pub status: Option<Status>,
        pub role: Option<Role>,
        pub is_verified: Option<bool>,
        #[serde(default)]
        pub limit: Limit,
        pub cursor: Option<Cursor>,
    }
}

async fn list_members_for_staff(
    app: AppState,
    actor: May<UsersView>,
    Query(list): Query<ListStaffMembers>,
) -> Result<Json<Page<StaffMember>>> {
    let sees_addresses = actor.roles.may(Permission::UsersSuspend);
    let wanted = store::Wanted {
        text: list.q.map(String::from),
        by_address: sees_addresses,
        status: list.status,
        role: list.role,
        is_verified: list.is_verified,
    };
    let paging = Paging {
        limit: list.limit,
        cursor: list.cursor,
    };
    let found = store::find_members(&app.db, &wanted, paging).await?;
    let page = Page::of(found, paging.limit, |row| Cursor(row.id.0));
    Ok(Json(page.map(|row| seen(row, sees_addresses))))
}

async fn show_member_for_staff(
    app: AppState,
    actor: May<UsersView>,
    Path(member): Path<MemberId>,
) -> Result<Json<StaffMember>> {
    let row = store::find_member(&app.db, member).await?;
    let row = row.ok_or_else(|| not_found("member"))?;
    Ok(Json(seen(row, actor.roles.may(Permission::UsersSuspend))))
}

input! {
    /// Whether an account is let in, and why.
    pub struct RegistrationDecision {
        pub approve: bool,
        /// It stands in the audit log.
        pub reason: Text<1, 500>,
    }
}

async fn decide_registration(
    app: AppState,
    actor: May<UsersSuspend>,
    Path(member): Path<MemberId>,
    Json(new): Json<RegistrationDecision>,
) -> Result<NoContent> {
    ops::decide_registration(&app, actor.id, member, new.approve, new.reason.into()).await?;
    Ok(NoContent)
}

async fn verify_member(
    app: AppState,
    actor: May<UsersEdit>,
    Path(member): Path<MemberId>,
    Json(why): Json<Why>,
) -> Result<NoContent> {
    ops::put_verification(&app, actor.id, member, true, why.reason.into()).await?;
    Ok(NoContent)
}

async fn withdraw_verification(
    app: AppState,
    actor: May<UsersEdit>,
    Path(member): Path<MemberId>,
    Json(why): Json<Why>,
) -> Result<NoContent> {
    ops::put_verification(&app, actor.id, member, false, why.reason.into()).await?;
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
