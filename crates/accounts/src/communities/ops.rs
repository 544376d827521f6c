use super::{Community, CommunityRole, forget, store};
use crate::{
    CurrentUser, MemberId, Permission,
    audit::{self, Act, Action},
    staff,
};
use base::{
    Result,
    error::{conflict, forbidden, not_found},
};
use db::{CommunityId, Tx};
use platform::{
    AppState, communities,
    http::{Created, Once},
};

/// Makes a community, whose maker is its first admin.
pub async fn create_community(
    app: &AppState,
    actor: &CurrentUser,
    once: Once,
    new: Community,
) -> Result<Created<Community>> {
    let (own, actor, now) = (app.clone(), *actor, app.clock.now());
    once.create(app, actor.id.0, "create_community", move |tx| async move {
        let number = store::insert(&tx, &new, now).await?;
        store::put_member(&tx, number, actor.id, CommunityRole::Admin, now).await?;
        note(&tx, &own, &actor, Action::CommunityCreated, None, &new.slug).await?;
        let app = own.clone();
        tx.on_commit(move || communities::forget(&app));
        seen(&tx, &actor, number).await
    })
    .await
}

/// What to change; absent fields stay.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    pub name: Option<String>,
    pub description: Option<String>,
    pub domain: Option<Option<String>>,
    pub is_open: Option<bool>,
}

/// Its admins change what it is called and who may join; staff of the platform where it is found as well.
pub async fn edit_community(
    app: &AppState,
    actor: &CurrentUser,
    number: CommunityId,
    changes: Changes,
) -> Result<Community> {
    let (own, actor) = (app.clone(), *actor);
    app.db
        .write_again(move |tx| async move {
            store::lock(&tx, number).await?;
            let before = seen(&tx, &actor, number).await?;
            may_administer(&actor, &before)?;
            if changes.domain.is_some() && !actor.roles.may(Permission::PlatformSettings) {
                return Err(forbidden("forbidden"));
            }
            let changed = Community {
                name: changes.name.unwrap_or(before.name),
                description: changes.description.unwrap_or(before.description),
                domain: changes.domain.unwrap_or(before.domain),
                is_open: changes.is_open.unwrap_or(before.is_open),
                ..before
            };
            store::update(&tx, &changed).await?;
            note(&tx, &own, &actor, Action::CommunityChanged, None, &changed.slug).await?;
            let app = own.clone();
            tx.on_commit(move || communities::forget(&app));
            Ok(changed)
        })
        .await
}

/// Its own admins, and staff who may change the platform's settings.
fn may_administer(actor: &CurrentUser, community: &Community) -> Result<()> {
    let is_admin = community.my_role == Some(CommunityRole::Admin);
    if is_admin || actor.roles.may(Permission::PlatformSettings) {
        return Ok(());
    }
    Err(forbidden("not_community_admin"))
}

/// The community, when the reader may know of it.
pub async fn seen(db: &impl db::Executor, actor: &CurrentUser, number: CommunityId) -> Result<Community> {
    let found = store::find(db, actor.id, number).await?;
    found
        .filter(|community| community.is_open || community.i_belong || actor.roles.is_staff())
        .ok_or_else(|| not_found("community"))
}

pub async fn join_community(app: &AppState, actor: &CurrentUser, number: CommunityId) -> Result<Community> {
    let (own, actor, now) = (app.clone(), *actor, app.clock.now());
    app.db
        .write_again(move |tx| async move {
            let community = seen(&tx, &actor, number).await?;
            if community.i_belong {
                return Ok(community);
            }
            if !community.is_open {
                return Err(forbidden("community_closed"));
            }
            store::put_member(&tx, number, actor.id, CommunityRole::Member, now).await?;
            forget_later(&tx, &own, number, actor.id);
            seen(&tx, &actor, number).await
        })
        .await
}

pub async fn leave_community(app: &AppState, actor: &CurrentUser, number: CommunityId) -> Result<()> {
    let (own, me) = (app.clone(), actor.id);
    app.db
        .write_again(move |tx| async move {
            leavable(number)?;
            store::lock(&tx, number).await?;
            let role = store::role_in(&tx, number, me).await?;
            if role == Some(CommunityRole::Admin) && !store::has_other_admin(&tx, number, me).await? {
                return Err(conflict("last_community_admin"));
            }
            store::delete_member(&tx, number, me).await?;
            forget_later(&tx, &own, number, me);
            Ok(())
        })
        .await
}

/// Adds a member or gives them another role there.
pub async fn put_member(
    app: &AppState,
    actor: &CurrentUser,
    number: CommunityId,
    member: MemberId,
    role: CommunityRole,
) -> Result<()> {
    let (own, actor, now) = (app.clone(), *actor, app.clock.now());
    app.db
        .write_again(move |tx| async move {
            leavable(number)?;
            store::lock(&tx, number).await?;
            let community = seen(&tx, &actor, number).await?;
            may_administer(&actor, &community)?;
            staff::standing(&tx, member)
                .await?
                .ok_or_else(|| not_found("member"))?;
            let before = store::role_in(&tx, number, member).await?;
            let steps_down = before == Some(CommunityRole::Admin) && role != CommunityRole::Admin;
            if steps_down && !store::has_other_admin(&tx, number, member).await? {
                return Err(conflict("last_community_admin"));
            }
            store::put_member(&tx, number, member, role, now).await?;
            forget_later(&tx, &own, number, member);
            let says = format!("{}: {role}", community.slug);
            note(&tx, &own, &actor, Action::CommunityChanged, Some(member), &says).await
        })
        .await
}

pub async fn remove_member(
    app: &AppState,
    actor: &CurrentUser,
    number: CommunityId,
    member: MemberId,
) -> Result<()> {
    let (own, actor) = (app.clone(), *actor);
    app.db
        .write_again(move |tx| async move {
            leavable(number)?;
            store::lock(&tx, number).await?;
            let community = seen(&tx, &actor, number).await?;
            may_administer(&actor, &community)?;
            if !store::delete_member(&tx, number, member).await? {
                return Err(not_found("member"));
            }
            forget_later(&tx, &own, number, member);
            let says = format!("{}: removed", community.slug);
            note(&tx, &own, &actor, Action::CommunityChanged, Some(member), &says).await
        })
        .await
}

/// To the first community everybody belongs.
fn leavable(number: CommunityId) -> Result<()> {
    if number == CommunityId::DEFAULT {
        return Err(conflict("first_community"));
    }
    Ok(())
}

fn forget_later(tx: &Tx, app: &AppState, number: CommunityId, member: MemberId) {
    let app = app.clone();
    tx.on_commit(move || forget(&app, number, member));
}

async fn note(
    tx: &Tx,
    app: &AppState,
    actor: &CurrentUser,
    action: Action,
    subject: Option<MemberId>,
    says: &str,
) -> Result<()> {
    let act = Act {
        actor: Some(actor.id),
        action,
        subject,
        detail: says,
    };
    audit::record(tx, app, act).await
}
