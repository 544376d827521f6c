use super::{CustomRole, CustomRoleId, Status, store};
use accounts::{
    CurrentUser,
    audit::{self, Act, Action},
};
use base::{
    Result,
    error::{conflict, not_found},
};
use platform::{
    AppState,
    http::{Created, Once},
};

/// Proposals of one member that may wait at the same time.
const WAITING: i64 = 5;

pub async fn propose_role(
    app: &AppState,
    actor: &CurrentUser,
    once: Once,
    name: String,
    description: String,
) -> Result<Created<CustomRole>> {
    let (me, now) = (actor.id, app.clock.now());
    let role = CustomRole {
        id: app.ids.next(),
        slug: base::slug(&name),
        name,
        description,
        status: Status::Pending,
        holder_count: 0,
        held_by_me: false,
        created_at: now,
        decided_at: None,
        note: String::new(),
    };
    once.create(app, me.0, "propose_role", move |tx| async move {
        if store::count_pending(&tx, me).await? >= WAITING {
            return Err(conflict("too_many_proposals"));
        }
        store::insert(&tx, &role, me).await?;
        Ok(role)
    })
    .await
}

pub async fn withdraw_proposal(app: &AppState, actor: &CurrentUser, id: CustomRoleId) -> Result<()> {
    let me = actor.id;
    app.db
        .write_again(move |tx| async move {
            if store::delete_pending(&tx, id, me).await? {
                Ok(())
            } else {
                Err(not_found("custom_role"))
            }
        })
        .await
}

/// Approves a proposal, whose author then holds the role, or rejects it.
pub async fn decide_proposal(
    app: &AppState,
    actor: &CurrentUser,
    id: CustomRoleId,
    approves: bool,
    note: String,
) -> Result<CustomRole> {
    let (own, me, now) = (app.clone(), actor.id, app.clock.now());
    app.db
        .write_again(move |tx| async move {
            let found = store::find(&tx, me, id).await?;
            let role = found.ok_or_else(|| not_found("custom_role"))?;
            let (status, action) = if approves {
                (Status::Approved, Action::CustomRoleApproved)
            } else {
                (Status::Rejected, Action::CustomRoleRejected)
            };
            if !store::decide(&tx, id, status, me, &note, now).await? {
                return Err(conflict("already_decided"));
            }
            let by = store::proposer(&tx, id).await?;
            if let (true, Some(by)) = (approves, by) {
                store::hold(&tx, id, by, now).await?;
            }
            let act = Act {
                actor: Some(me),
                action,
                subject: by,
                detail: &format!("{}: {note}", role.name),
            };
            audit::record(&tx, &own, act).await?;
            let decided = store::find(&tx, me, id).await?;
            decided.ok_or_else(|| not_found("custom_role"))
        })
        .await
}

/// Holds an approved role, or not any more.
pub async fn put_holding(app: &AppState, actor: &CurrentUser, id: CustomRoleId, holds: bool) -> Result<()> {
    let (me, now) = (actor.id, app.clock.now());
    app.db
        .write_again(move |tx| async move {
            let is_there = if holds {
                store::hold(&tx, id, me, now).await?
            } else {
                store::let_go(&tx, id, me).await?
            };
            is_there.then_some(()).ok_or_else(|| not_found("custom_role"))
        })
        .await
}
