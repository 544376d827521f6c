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
    notices::{self, Notice},
    origin::Origin,
    revocations::{self, Revocation},
    security_log::{self, Entry, SecurityEvent},
    sessions::{self, Reason, Revoked},
};
use base::{
    Result, Timestamp,
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

/// Puts a member out: nothing they hold is worth anything until then, or until they are reinstated.
pub async fn suspend(
    app: &AppState,
    actor: MemberId,
    member: MemberId,
    reason: String,
    until: Option<Timestamp>,
) -> Result<()> {
    let own = app.clone();
    app.db
        .write_again(move |tx| async move { suspend_within(&tx, &own, actor, member, &reason, until).await })
        .await
}

/// The same as a part of a greater act. Who is out already is out until then.
pub async fn suspend_within(
    tx: &Tx,
    app: &AppState,
    actor: MemberId,
    member: MemberId,
    reason: &str,
    until: Option<Timestamp>,
) -> Result<()> {
    may_suspend(tx, actor, member).await?;
    let now = app.clock.now();
    let is_new = store::put_status(tx, member, Status::Suspended, now).await?;
    if !store::put_end(tx, member, until).await? && !is_new {
        return Ok(());
    }
    if is_new {
        sessions::end_all(tx, app, member, Reason::Suspended, None).await?;
        sessions::cut(tx, app, member, Reason::Suspended).await?;
        note(tx, app, member, SecurityEvent::Suspended, None).await?;
    }
    let detail = match until {
        Some(until) => format!("until {until}: {reason}"),
        None => reason.to_owned(),
    };
    let act = Act {
        actor: Some(actor),
        action: Action::MemberSuspended,
        subject: Some(member),
        detail: &detail,
    };
    audit::record(tx, app, act).await
}

/// Lets a suspended member in again.
pub async fn reinstate(app: &AppState, actor: MemberId, member: MemberId, reason: String) -> Result<()> {
    let own = app.clone();
    app.db
        .write_again(move |tx| async move { reinstate_within(&tx, &own, actor, member, &reason).await })
        .await
}

/// The same as a part of a greater act.
pub async fn reinstate_within(
    tx: &Tx,
    app: &AppState,
    actor: MemberId,
    member: MemberId,
    reason: &str,
) -> Result<()> {
    may_suspend(tx, actor, member).await?;
    let_in(tx, app, Some(actor), member, reason).await
}

async fn let_in(
    tx: &Tx,
    app: &AppState,
    actor: Option<MemberId>,
    member: MemberId,
    reason: &str,
) -> Result<()> {
    store::put_end(tx, member, None).await?;
    if !store::move_status(tx, member, Status::Suspended, Status::Active, app.clock.now()).await? {
        return Ok(());
    }
    sessions::cut(tx, app, member, Reason::Reinstated).await?;
    note(tx, app, member, SecurityEvent::Reinstated, None).await?;
    let act = Act {
        actor,
        action: Action::MemberReinstated,
        subject: Some(member),
        detail: reason,
    };
    audit::record(tx, app, act).await
}

/// Approves an account that waits for it, or does not; a rejected one can be approved later.
pub async fn decide_registration(
    app: &AppState,
    actor: MemberId,
    member: MemberId,
    approves: bool,
    reason: String,
) -> Result<()> {
    let (own, now) = (app.clone(), app.clock.now());
    app.db
        .write_again(move |tx| async move {
            may_suspend(&tx, actor, member).await?;
            let (after, action, notice) = if approves {
                (Status::Active, Action::MemberApproved, Notice::Approved)
            } else {
                (Status::Rejected, Action::MemberRejected, Notice::Rejected)
            };
            let mut moved = store::move_status(&tx, member, Status::Pending, after, now).await?;
            if approves && !moved {
                moved = store::move_status(&tx, member, Status::Rejected, after, now).await?;
            }
            if !moved {
                return Err(conflict("not_pending"));
            }
            notices::tell_of_registration(&tx, &own, notice, member).await?;
            let act = Act {
                actor: Some(actor),
                action,
                subject: Some(member),
                detail: &reason,
            };
            audit::record(&tx, &own, act).await
        })
        .await
}

/// Says that staff have made sure who a member is, or takes that back; false when it was so already.
pub async fn put_verification(
    app: &AppState,
    actor: MemberId,
    member: MemberId,
    is_verified: bool,
    reason: String,
) -> Result<bool> {
    let (own, now) = (app.clone(), app.clock.now());
    app.db
        .write_again(move |tx| async move {
            store::standing(&tx, member)
                .await?
                .ok_or_else(|| not_found("member"))?;
            if actor == member {
                return Err(forbidden("own_account"));
            }
            if !store::put_verified(&tx, member, is_verified.then_some(now)).await? {
                return Ok(false);
            }
            let action = if is_verified {
                Action::MemberVerified
            } else {
                Action::VerificationWithdrawn
            };
            let act = Act {
                actor: Some(actor),
                action,
                subject: Some(member),
                detail: &reason,
            };
            audit::record(&tx, &own, act).await?;
            Ok(true)
        })
        .await
}

/// Lets those in again whose suspension has ended by itself; says how many.
pub(crate) async fn end_suspensions(app: &AppState) -> Result<i64> {
    let (own, now) = (app.clone(), app.clock.now());
    app.db
        .write_again(move |tx| async move {
            let due = store::suspended_until(&tx, now).await?;
            if due.is_empty() {
                return Ok(0);
            }
            store::alone(&tx).await?;
            for member in &due {
                let_in(&tx, &own, None, *member, "the time was over").await?;
            }
            Ok(due.len() as i64)
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
