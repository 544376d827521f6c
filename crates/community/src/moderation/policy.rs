//! Who may decide what. Pure.

use super::model::{Action, Decision, DecisionStatus, Outcome};
use crate::reports::SubjectKind;
use accounts::{MemberId, Moderator, Permission};
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

/// As whom somebody moderates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seat {
    /// Of the platform's staff.
    Platform { may_suspend: bool },
    /// An admin or a moderator of the community in which it happened: a peer of those concerned.
    Community,
}

impl From<&Moderator> for Seat {
    fn from(actor: &Moderator) -> Seat {
        if actor.is_own {
            Seat::Community
        } else {
            let may_suspend = actor.roles.may(Permission::UsersSuspend);
            Seat::Platform { may_suspend }
        }
    }
}

/// A community's own staff look at what is said before others there. What was written to somebody
/// is read by the platform's staff alone.
pub fn handles(seat: Seat, kind: SubjectKind) -> bool {
    match seat {
        Seat::Platform { .. } => true,
        Seat::Community => kind != SubjectKind::Message,
    }
}

/// A community's own staff take from sight and warn; what touches an account takes the platform's,
/// a suspension those of them who may suspend.
pub fn may_take(seat: Seat, action: Action) -> Result<()> {
    let allowed = match (seat, action) {
        (_, Action::Nothing | Action::Withhold | Action::Warn) => true,
        (Seat::Platform { .. }, Action::Limit) => true,
        (Seat::Platform { may_suspend }, Action::Suspend) => may_suspend,
        (Seat::Community, Action::Limit | Action::Suspend) => false,
    };
    allowed.then_some(()).ok_or_else(|| forbidden("forbidden"))
}

/// What has no content cannot be taken from sight.
pub fn may_decide(seat: Seat, kind: SubjectKind, action: Action, withholds: bool) -> Result<()> {
    may_take(seat, action)?;
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

/// Somebody else answers an appeal, and who undoes something may do it. What the platform's staff
/// decided is theirs to undo.
pub fn may_review(
    seat: Seat,
    actor: MemberId,
    decision: &Decision,
    is_platforms: bool,
    outcome: Outcome,
) -> Result<()> {
    may_look(actor, decision.accused_id)?;
    if decision.decided_by == Some(actor) {
        return Err(forbidden("own_decision"));
    }
    if seat == Seat::Community && is_platforms {
        return Err(forbidden("forbidden"));
    }
    if decision.appealed_at.is_none() {
        return Err(conflict("not_appealed"));
    }
    if decision.outcome.is_some() {
        return Err(conflict("already_reviewed"));
    }
    match outcome {
        Outcome::Upheld => Ok(()),
        Outcome::Reversed => may_take(seat, decision.action),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_communitys_own_staff_touch_no_account_and_read_no_message() {
        let platform = Seat::Platform { may_suspend: false };
        for action in Action::ALL {
            let spares_accounts = matches!(action, Action::Nothing | Action::Withhold | Action::Warn);
            for kind in SubjectKind::ALL {
                let content = *kind != SubjectKind::Member || *action != Action::Withhold;
                assert_eq!(
                    may_decide(Seat::Community, *kind, *action, false).is_ok(),
                    spares_accounts && content,
                    "{action} {kind}"
                );
                assert_eq!(
                    may_decide(platform, *kind, *action, false).is_ok(),
                    *action != Action::Suspend && content,
                    "{action} {kind}"
                );
                assert_eq!(handles(Seat::Community, *kind), *kind != SubjectKind::Message);
                assert!(handles(platform, *kind));
            }
        }
        assert!(may_take(Seat::Platform { may_suspend: true }, Action::Suspend).is_ok());
    }
}
