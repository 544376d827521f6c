//! Who may decide what. Pure.

use super::model::{Action, Decision, DecisionStatus, Outcome};
use crate::reports::SubjectKind;
use accounts::{CurrentUser, MemberId, Permission};
use base::{
    Result, Timestamp,
    error::{conflict, forbidden, invalid},
};
use std::time::Duration;

/// Nobody looks at a case about themselves.
pub fn may_look(actor: MemberId, accused: MemberId) -> Result<()> {
    if actor == accused {
        return Err(forbidden("own_account"));
    }
    Ok(())
}

/// A suspension takes the right to suspend; what has no content cannot be taken from sight.
pub fn may_decide(actor: &CurrentUser, kind: SubjectKind, action: Action, withholds: bool) -> Result<()> {
    if action == Action::Suspend && !actor.roles.may(Permission::UsersSuspend) {
        return Err(forbidden("forbidden"));
    }
    if kind == SubjectKind::Member && (withholds || action == Action::Withhold) {
        return Err(invalid("/action", "no_content"));
    }
    if withholds && action == Action::Nothing {
        return Err(invalid("/withhold", "no_action"));
    }
    Ok(())
}

/// Until when the member may say something against it, if at all.
pub fn appeal_until(decision: &Decision, days: u32) -> Option<Timestamp> {
    let appealable = decision.action != Action::Nothing
        && decision.status != DecisionStatus::Reversed
        && decision.appealed_at.is_none();
    let span = Duration::from_hours(24 * u64::from(days));
    appealable.then(|| decision.created_at.plus(span))
}

pub fn may_appeal(decision: &Decision, days: u32, now: Timestamp) -> Result<()> {
    if decision.appealed_at.is_some() {
        return Err(conflict("already_appealed"));
    }
    match appeal_until(decision, days) {
        Some(until) if now <= until => Ok(()),
        _ => Err(conflict("too_late_to_appeal")),
    }
}

/// Somebody else answers an appeal, and who undoes a suspension may suspend.
pub fn may_review(actor: &CurrentUser, decision: &Decision, outcome: Outcome) -> Result<()> {
    may_look(actor.id, decision.accused_id)?;
    if decision.decided_by == Some(actor.id) {
        return Err(forbidden("own_decision"));
    }
    if decision.appealed_at.is_none() {
        return Err(conflict("not_appealed"));
    }
    if decision.outcome.is_some() {
        return Err(conflict("already_reviewed"));
    }
    let undoes_suspension = outcome == Outcome::Reversed && decision.action == Action::Suspend;
    if undoes_suspension && !actor.roles.may(Permission::UsersSuspend) {
        return Err(forbidden("forbidden"));
    }
    Ok(())
}
