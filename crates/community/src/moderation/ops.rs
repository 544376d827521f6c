//! What moderators and members do: one transaction each, with its entry in the audit log.

use super::{
    Action, CaseId, DecisionId,
    model::{Case, CaseStatus, Content, Decision, DecisionStatus, Outcome, Told},
    policy::{self, Seat},
    store, telling,
};
use crate::{
    comments::{self, CommentId},
    messages::{self, MessageId},
    newcomers,
    places::{PlaceId, store as places},
    posts::{PostId, store as posts},
    reports::{self, Reason, ReportStatus, SubjectKind},
    stories::{StoryId, store as stories},
};
use accounts::{
    CurrentUser, MemberId, Moderator, Permission,
    audit::{self, Act},
    staff,
};
use base::{
    Result, Timestamp,
    error::{conflict, not_found},
};
use db::Tx;
use platform::{
    AppState,
    http::{Created, Once},
};
use std::time::Duration;

/// Takes a case for a while; taking one's own again begins the while anew.
pub async fn claim_case(app: &AppState, actor: &Moderator, id: CaseId) -> Result<Case> {
    let (actor, now) = (*actor, app.clock.now());
    let until = now.plus(Duration::from_mins(u64::from(
        app.config.moderation.claim_minutes,
    )));
    app.db
        .write_again(move |tx| async move {
            let case = open_for(&tx, id, &actor, now).await?;
            store::claim(&tx, id, Some(actor.id), Some(until)).await?;
            Ok(Case {
                claimed_by: Some(actor.id),
                claimed_until: Some(until),
                ..case
            })
        })
        .await
}

/// Gives a case back to the queue.
pub async fn release_case(app: &AppState, actor: &Moderator, id: CaseId) -> Result<()> {
    let (actor, now) = (*actor, app.clock.now());
    app.db
        .write_again(move |tx| async move {
            open_for(&tx, id, &actor, now).await?;
            store::claim(&tx, id, None, None).await
        })
        .await
}

/// The case, open and not in somebody else's hands, its row locked.
async fn open_for(tx: &Tx, id: CaseId, actor: &Moderator, now: Timestamp) -> Result<Case> {
    let case = store::lock(tx, id, actor.is_own)
        .await?
        .ok_or_else(|| not_found("case"))?;
    policy::may_look(actor.id, case.accused.id)?;
    if case.status != CaseStatus::Open {
        return Err(conflict("case_decided"));
    }
    let is_claimed = case.claimed_until.is_some_and(|until| until > now);
    if is_claimed && case.claimed_by.is_some_and(|by| by != actor.id) {
        return Err(conflict("case_claimed"));
    }
    Ok(case)
}

/// What a moderator makes of a case.
#[derive(Clone, Debug)]
pub struct Verdict {
    pub action: Action,
    pub withhold: bool,
    pub reason: Reason,
    pub note: String,
    pub days: Option<u64>,
}

/// Decides a case and does what was decided.
pub async fn decide_case(
    app: &AppState,
    actor: &Moderator,
    once: Once,
    id: CaseId,
    verdict: Verdict,
) -> Result<Created<Decision>> {
    let (own, actor, now) = (app.clone(), *actor, app.clock.now());
    let decision_id: DecisionId = app.ids.next();
    once.create(app, actor.id.0, "decide_case", move |tx| async move {
        let case = open_for(&tx, id, &actor, now).await?;
        let seat = Seat::from(&actor);
        policy::may_decide(seat, case.subject_kind, verdict.action, verdict.withhold)?;
        let lasts = matches!(verdict.action, Action::Limit | Action::Suspend);
        let days = verdict
            .days
            .filter(|_| lasts)
            .or((verdict.action == Action::Limit).then_some(7));
        let decision = Decision {
            id: decision_id,
            case_id: id,
            subject_kind: case.subject_kind,
            subject_id: case.subject_id,
            accused_id: case.accused.id,
            decided_by: Some(actor.id),
            action: verdict.action,
            withholds: verdict.withhold || verdict.action == Action::Withhold,
            reason: verdict.reason,
            note: verdict.note,
            ends_at: days.map(|days| now.plus(Duration::from_hours(24 * days))),
            status: DecisionStatus::InForce,
            created_at: now,
            appeal: None,
            appealed_at: None,
            outcome: None,
            reviewed_by: None,
            review_note: None,
            reviewed_at: None,
        };
        store::insert_decision(&tx, &decision).await?;
        enforce(&tx, &own, &actor, &decision, now).await?;
        store::close(&tx, id, now).await?;
        let answer = match decision.action {
            Action::Nothing => ReportStatus::Dismissed,
            _ => ReportStatus::Resolved,
        };
        reports::store::answer(&tx, case.subject_kind, case.subject_id, answer).await?;
        if decision.action != Action::Nothing {
            telling::tell(&tx, &own, &decision, None).await?;
        }
        Ok(decision)
    })
    .await
}

async fn enforce(
    tx: &Tx,
    app: &AppState,
    actor: &CurrentUser,
    decision: &Decision,
    now: Timestamp,
) -> Result<()> {
    let member = decision.accused_id;
    if decision.withholds {
        let id = decision.subject_id.0;
        let was_there = match decision.subject_kind {
            SubjectKind::Post => posts::withhold(tx, PostId(id)).await?,
            SubjectKind::Comment => comments::ops::withhold(tx, CommentId(id), now).await?,
            SubjectKind::Story => stories::withhold(tx, StoryId(id), Some(now)).await?,
            SubjectKind::Message => messages::ops::withhold(tx, app, MessageId(id), now).await?,
            SubjectKind::Place => places::withhold(tx, PlaceId(id), Some(now)).await?,
            SubjectKind::Member => false,
        };
        if !was_there {
            return Err(conflict("content_gone"));
        }
        note(tx, app, actor, decision, audit::Action::ContentWithheld).await?;
    }
    match decision.action {
        Action::Withhold => Ok(()),
        Action::Nothing => note(tx, app, actor, decision, audit::Action::CaseDismissed).await,
        Action::Warn => note(tx, app, actor, decision, audit::Action::MemberWarned).await,
        Action::Limit => {
            newcomers::store::limit(tx, member, decision.ends_at).await?;
            forget_limits(tx, app);
            note(tx, app, actor, decision, audit::Action::MemberLimited).await
        }
        // Writes its own entry.
        Action::Suspend => {
            let why = words(decision);
            staff::suspend_within(tx, app, actor.id, member, &why, decision.ends_at).await
        }
    }
}

/// Undoes all that a decision did, but for what other decisions hold as well.
async fn undo(tx: &Tx, app: &AppState, actor: &CurrentUser, decision: &Decision) -> Result<()> {
    if decision.withholds && !store::is_withheld_by_another(tx, decision).await? {
        let id = decision.subject_id.0;
        match decision.subject_kind {
            SubjectKind::Post => posts::restore(tx, PostId(id)).await?,
            SubjectKind::Comment => comments::ops::restore(tx, CommentId(id)).await?,
            SubjectKind::Story => stories::withhold(tx, StoryId(id), None).await.map(drop)?,
            SubjectKind::Message => messages::ops::restore(tx, app, MessageId(id), app.clock.now()).await?,
            SubjectKind::Place => places::withhold(tx, PlaceId(id), None).await.map(drop)?,
            SubjectKind::Member => {}
        }
        note(tx, app, actor, decision, audit::Action::ContentRestored).await?;
    }
    if decision.status != DecisionStatus::InForce {
        return Ok(());
    }
    let member = decision.accused_id;
    match decision.action {
        Action::Nothing | Action::Withhold | Action::Warn => Ok(()),
        Action::Limit => {
            let others = store::held_by_others(tx, decision, Action::Limit).await?;
            newcomers::store::limit(tx, member, others.flatten()).await?;
            forget_limits(tx, app);
            Ok(())
        }
        Action::Suspend => match store::held_by_others(tx, decision, Action::Suspend).await? {
            None => staff::reinstate_within(tx, app, actor.id, member, "a decision was reversed").await,
            Some(until) => {
                let why = "another decision holds";
                staff::suspend_within(tx, app, actor.id, member, why, until).await
            }
        },
    }
}

fn forget_limits(tx: &Tx, app: &AppState) {
    let app = app.clone();
    tx.on_commit(move || newcomers::forget(&app));
}

fn words(decision: &Decision) -> String {
    let Decision {
        subject_kind,
        subject_id,
        reason,
        note,
        ..
    } = decision;
    format!("{subject_kind} {subject_id}, {reason}: {note}")
}

async fn note(
    tx: &Tx,
    app: &AppState,
    actor: &CurrentUser,
    decision: &Decision,
    action: audit::Action,
) -> Result<()> {
    let act = Act {
        actor: Some(actor.id),
        action,
        subject: Some(decision.accused_id),
        detail: &words(decision),
    };
    audit::record(tx, app, act).await
}

/// Says something against a decision, once. The member it is about does, logged in or by the link in
/// their mail; to everybody else there is no such decision.
pub async fn appeal_decision(
    app: &AppState,
    id: DecisionId,
    member: Option<MemberId>,
    says: String,
) -> Result<Told> {
    let (now, days) = (app.clock.now(), app.config.moderation.appeal_days);
    app.db
        .write_again(move |tx| async move {
            let found = store::lock_decision(&tx, id).await?;
            let decision = found
                .filter(|decision| decision.action != Action::Nothing)
                .filter(|decision| member.is_none_or(|member| decision.accused_id == member))
                .ok_or_else(|| not_found("decision"))?;
            policy::may_appeal(&decision, days, now)?;
            if !store::appeal(&tx, id, &says, now).await? {
                return Err(conflict("already_appealed"));
            }
            let decision = Decision {
                appeal: Some(says),
                appealed_at: Some(now),
                ..decision
            };
            Ok(decision.told(None))
        })
        .await
}

/// Answers an appeal: the decision stays, or all of it is undone.
pub async fn review_decision(
    app: &AppState,
    actor: &Moderator,
    id: DecisionId,
    outcome: Outcome,
    says: String,
) -> Result<Decision> {
    let (own, actor, now) = (app.clone(), *actor, app.clock.now());
    app.db
        .write_again(move |tx| async move {
            let seat = Seat::from(&actor);
            let found = store::lock_decision(&tx, id).await?;
            let decision = found
                .filter(|decision| policy::handles(seat, decision.subject_kind))
                .ok_or_else(|| not_found("decision"))?;
            let is_platforms = match decision.decided_by {
                Some(by) => staff::may(&tx, by, Permission::PostsModerate).await?,
                None => true,
            };
            policy::may_review(seat, actor.id, &decision, is_platforms, outcome)?;
            let (status, entry) = match outcome {
                Outcome::Upheld => (decision.status, audit::Action::AppealRefused),
                Outcome::Reversed => (DecisionStatus::Reversed, audit::Action::DecisionReversed),
            };
            store::review(&tx, id, actor.id, outcome, &says, status, now).await?;
            if outcome == Outcome::Reversed {
                undo(&tx, &own, &actor, &decision).await?;
            }
            let decision = Decision {
                status,
                outcome: Some(outcome),
                reviewed_by: Some(actor.id),
                review_note: Some(says),
                reviewed_at: Some(now),
                ..decision
            };
            note(&tx, &own, &actor, &decision, entry).await?;
            telling::tell(&tx, &own, &decision, Some(outcome)).await?;
            Ok(decision)
        })
        .await
}

/// A decision of which the member was told.
pub async fn show_decision(app: &AppState, member: MemberId, id: DecisionId) -> Result<Told> {
    let found = store::find_decision(&app.db, id).await?;
    let decision = found
        .filter(|decision| decision.accused_id == member && decision.action != Action::Nothing)
        .ok_or_else(|| not_found("decision"))?;
    Ok(told(app, decision))
}

/// As the member sees it, with the time that is left to appeal.
pub fn told(app: &AppState, decision: Decision) -> Told {
    let until = policy::appeal_until(&decision, app.config.moderation.appeal_days);
    decision.told(until.filter(|until| *until >= app.clock.now()))
}

/// A case with what is looked at: cases about others alone. Of a private message staff read the one that
/// is in question, and the audit log says who did.
pub async fn read_case(app: &AppState, actor: &Moderator, id: CaseId) -> Result<(Case, Option<Content>)> {
    let case = store::find(&app.db, id, actor.is_own)
        .await?
        .ok_or_else(|| not_found("case"))?;
    policy::may_look(actor.id, case.accused.id)?;
    let subject = store::subject(&app.db, case.subject_kind, case.subject_id).await?;
    let content = subject.and_then(|subject| subject.content);
    if case.subject_kind == SubjectKind::Message && content.is_some() {
        let (own, reader, accused) = (app.clone(), actor.id, case.accused.id);
        let detail = format!("message {}, case {id}", case.subject_id);
        app.db
            .write_again(move |tx| async move {
                let act = Act {
                    actor: Some(reader),
                    action: audit::Action::MessageRead,
                    subject: Some(accused),
                    detail: &detail,
                };
                audit::record(&tx, &own, act).await
            })
            .await?;
    }
    Ok((case, content))
}
