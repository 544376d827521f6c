//! What staff do: one transaction each, with its entry and its note.

use super::{
    By,
    policy::{self, Standing},
    store,
};
use crate::{
    MemberId, Role,
    audit::{self, Act, Action},
    members::Status,
    origin::Origin,
    revocations::{self, Revocation},
    security_log::{self, Entry, SecurityEvent},
    sessions::{self, Reason, Revoked},
};
use base::{
    Result,
    error::{conflict, forbidden, not_found},
};
use db::Tx;
use platform::AppState;

/// Gives a role; false when it was held already.
pub async fn grant(app: &AppState, by: By, member: MemberId, role: Role) -> Result<bool> {
    policy::can_be_given(role)?;
    let own = app.clone();
    app.db
        .write_again(move |tx| async move {
            let (actor, _) = standings(&tx, by, member).await?;
            if let Some(actor) = actor {
                policy::may_change_role(actor, member, role)?;
            }
            if !store::give(&tx, member, role, by.member(), own.clock.now()).await? {
                return Ok(false);
            }
            if matches!(role, Role::SuperAdmin | Role::God) {
                store::delete_code(&tx).await?;
            }
            note_roles(&tx, &own, by.member(), member, Action::RoleGranted, role).await?;
            Ok(true)
        })
        .await
}

/// Takes a role; false when it was not held.
pub async fn revoke(app: &AppState, by: By, member: MemberId, role: Role) -> Result<bool> {
    policy::can_be_given(role)?;
    let own = app.clone();
    app.db
        .write_again(move |tx| async move {
            let (actor, _) = standings(&tx, by, member).await?;
            if let Some(actor) = actor {
                policy::may_change_role(actor, member, role)?;
            }
            if !store::take(&tx, member, role).await? {
                return Ok(false);
            }
            if role == Role::God && !store::has_other_god(&tx, member).await? {
                return Err(conflict("last_god"));
            }
            note_roles(&tx, &own, by.member(), member, Action::RoleRevoked, role).await?;
            Ok(true)
        })
        .await
}

/// Puts a member out: nothing they hold is worth anything until they are reinstated.
pub async fn suspend(app: &AppState, actor: MemberId, member: MemberId, reason: String) -> Result<()> {
    let own = app.clone();
    app.db
        .write_again(move |tx| async move {
            may_suspend(&tx, actor, member).await?;
            if !store::put_status(&tx, member, Status::Suspended, own.clock.now()).await? {
                return Ok(());
            }
            sessions::end_all(&tx, &own, member, Reason::Suspended, None).await?;
            sessions::cut(&tx, &own, member, Reason::Suspended).await?;
            note(&tx, &own, member, SecurityEvent::Suspended, None).await?;
            let act = Act {
                actor: Some(actor),
                action: Action::MemberSuspended,
                subject: Some(member),
                detail: &reason,
            };
            audit::record(&tx, &own, act).await
        })
        .await
}

/// Lets a suspended member in again.
pub async fn reinstate(app: &AppState, actor: MemberId, member: MemberId, reason: String) -> Result<()> {
    let own = app.clone();
    app.db
        .write_again(move |tx| async move {
            may_suspend(&tx, actor, member).await?;
            if !store::put_status(&tx, member, Status::Active, own.clock.now()).await? {
                return Ok(());
            }
            sessions::cut(&tx, &own, member, Reason::Reinstated).await?;
            note(&tx, &own, member, SecurityEvent::Reinstated, None).await?;
            let act = Act {
                actor: Some(actor),
                action: Action::MemberReinstated,
                subject: Some(member),
                detail: &reason,
            };
            audit::record(&tx, &own, act).await
        })
        .await
}

/// Ends every session of a member.
pub async fn end_sessions(app: &AppState, actor: MemberId, member: MemberId) -> Result<()> {
    let own = app.clone();
    app.db
        .write_again(move |tx| async move {
            may_suspend(&tx, actor, member).await?;
            let count = sessions::end_all(&tx, &own, member, Reason::EndedByStaff, None).await?;
            let act = Act {
                actor: Some(actor),
                action: Action::SessionsEnded,
                subject: Some(member),
                detail: &count.to_string(),
            };
            audit::record(&tx, &own, act).await
        })
        .await
}

/// Who acts, when it is a member, and on whom; from here on no other act of staff runs.
async fn standings(tx: &Tx, by: By, subject: MemberId) -> Result<(Option<Standing>, Standing)> {
    store::alone(tx).await?;
    let actor = match by {
        By::CommandLine => None,
        By::Member(id) => match store::standing(tx, id).await? {
            Some((actor, Status::Active)) => Some(actor),
            _ => return Err(forbidden("forbidden")),
        },
    };
    let subject = store::standing(tx, subject).await?;
    let (subject, _) = subject.ok_or_else(|| not_found("member"))?;
    Ok((actor, subject))
}

async fn may_suspend(tx: &Tx, actor: MemberId, member: MemberId) -> Result<()> {
    let (actor, subject) = standings(tx, By::Member(actor), member).await?;
    let actor = actor.ok_or_else(|| forbidden("forbidden"))?;
    policy::may_suspend(actor, subject)
}

/// A change of roles: the entry, the note, and every node reads the roles again.
pub(super) async fn note_roles(
    tx: &Tx,
    app: &AppState,
    actor: Option<MemberId>,
    member: MemberId,
    action: Action,
    role: Role,
) -> Result<()> {
    let sign = if action == Action::RoleRevoked { "-" } else { "+" };
    note(
        tx,
        app,
        member,
        SecurityEvent::RolesChanged,
        Some(&format!("{sign}{role}")),
    )
    .await?;
    let roles = store::standing(tx, member)
        .await?
        .map(|(standing, _)| standing.roles);
    let changed = Revoked {
        session: None,
        member,
        reason: Reason::RolesChanged,
    };
    let changed = Revocation {
        roles,
        ..Revocation::new(app, changed)
    };
    revocations::announce(tx, app, changed, app.clock.now()).await?;
    let act = Act {
        actor,
        action,
        subject: Some(member),
        detail: role.as_str(),
    };
    audit::record(tx, app, act).await
}

async fn note(
    tx: &Tx,
    app: &AppState,
    member: MemberId,
    kind: SecurityEvent,
    detail: Option<&str>,
) -> Result<()> {
    let entry = Entry {
        member,
        session: None,
        kind,
        detail,
        origin: &Origin::default(),
    };
    security_log::note(tx, app, entry, app.clock.now()).await
}
