//! `/moderation` for staff, in a community also its own; `/decisions` and `/appeals` for members.

use super::{
    Action, CaseId, DecisionId,
    model::{Case, CaseStatus, Content, Decision, Outcome, Reported, Told},
    ops::{self, Verdict},
    store, telling,
};
use crate::reports::Reason;
use accounts::{CurrentUser, MemberId, Moderator, limits};
use base::{
    Cursor, Error, Kind, Line, Page, Paging, Text, Timestamp, Whole, input,
    page::{Limit, TimeCursor},
};
use platform::{
    AppState,
    http::{Caller, ClientIp, Context, Created, Json, NoContent, Once, Path, Query, Result, Routes},
};
use schemars::JsonSchema;
use serde::Serialize;

pub fn routes() -> Routes {
    Routes::new("moderation")
        .get(
            "/moderation/cases",
            "list_cases",
            list_cases,
            "The queue of cases, what is due first stands first",
        )
        .get(
            "/moderation/cases/{case_id}",
            "show_case",
            show_case,
            "A case with what is looked at, who reported it and what was decided before",
        )
        .put(
            "/moderation/cases/{case_id}/claim",
            "claim_case",
            claim_case,
            "Take a case, so that nobody else works on it",
        )
        .refuses(&[Kind::Conflict])
        .delete(
            "/moderation/cases/{case_id}/claim",
            "release_case",
            release_case,
            "Give a case back to the queue",
        )
        .refuses(&[Kind::Conflict])
        .post(
            "/moderation/cases/{case_id}/decisions",
            "decide_case",
            decide_case,
            "Decide a case and do what was decided",
        )
        .get(
            "/moderation/decisions",
            "list_decisions",
            list_decisions,
            "What staff decided, about one member or all, the latest first",
        )
        .get(
            "/moderation/appeals",
            "list_appeals",
            list_appeals,
            "Appeals that nobody has answered, the oldest first",
        )
        .put(
            "/moderation/decisions/{decision_id}/review",
            "review_decision",
            review_decision,
            "Answer an appeal against somebody else's decision",
        )
        .refuses(&[Kind::Conflict])
        .get(
            "/decisions",
            "list_decisions_about_me",
            list_decisions_about_me,
            "What staff decided about me, the latest first",
        )
        .get(
            "/decisions/{decision_id}",
            "show_decision",
            show_decision,
            "One decision about me",
        )
        .post(
            "/decisions/{decision_id}/appeal",
            "appeal_decision",
            appeal_decision,
            "Appeal against a decision about me, once",
        )
        .refuses(&[Kind::Conflict])
        .post(
            "/appeals",
            "appeal_by_link",
            appeal_by_link,
            "Appeal with the link of a mail, for who cannot log in",
        )
        .by(Caller::Public)
        .refuses(&[Kind::Conflict, Kind::RateLimited])
}

input! {
    /// Which cases.
    pub struct ListCases {
        /// `open` unless said.
        pub status: Option<CaseStatus>,
        #[serde(default)]
        pub limit: Limit,
        pub cursor: Option<TimeCursor>,
    }
}

const FIRST: TimeCursor = TimeCursor(Timestamp::from_micros(0), base::uuid::Uuid::nil());

async fn list_cases(
    app: AppState,
    actor: Moderator,
    Query(list): Query<ListCases>,
) -> Result<Json<Page<Case, TimeCursor>>> {
    let status = list.status.unwrap_or(CaseStatus::Open);
    let (after, fetch) = (list.cursor.unwrap_or(FIRST), list.limit.count() as i64 + 1);
    let cases = store::queue(&app.db, actor.is_own, status, after, fetch).await?;
    Ok(Json(Page::of(cases, list.limit, |case| {
        TimeCursor(case.due_at, case.id.0)
    })))
}

/// A case with everything that a moderator needs to decide it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ModerationCaseFile")]
struct CaseFile {
    #[serde(flatten)]
    case: Case,
    /// Null when it is gone, and for members.
    content: Option<Content>,
    reports: Vec<Reported>,
    decisions: Vec<Decision>,
    /// What was decided about the same member in other cases, the latest first.
    history: Vec<Decision>,
}

async fn show_case(app: AppState, actor: Moderator, Path(id): Path<CaseId>) -> Result<Json<CaseFile>> {
    let (case, content) = ops::read_case(&app, &actor, id).await?;
    let (kind, subject) = (case.subject_kind, case.subject_id);
    let mut history = store::about(&app.db, &actor, case.accused.id, Paging::first()).await?;
    history.retain(|decision| decision.case_id != id);
    let mut reports = store::reported(&app.db, kind, subject).await?;
    if actor.is_own {
        // Peers do not learn who spoke up.
        for report in &mut reports {
            report.reporter = None;
        }
    }
    Ok(Json(CaseFile {
        content,
        reports,
        decisions: store::of_case(&app.db, id).await?,
        history,
        case,
    }))
}

async fn claim_case(app: AppState, actor: Moderator, Path(id): Path<CaseId>) -> Result<Json<Case>> {
    Ok(Json(ops::claim_case(&app, &actor, id).await?))
}

async fn release_case(app: AppState, actor: Moderator, Path(id): Path<CaseId>) -> Result<NoContent> {
    ops::release_case(&app, &actor, id).await?;
    Ok(NoContent)
}

input! {
    /// What a moderator makes of a case.
    pub struct NewDecision {
        pub action: Action,
        /// Beside a warning, limits or a suspension: take the content from sight as well.
        #[serde(default)]
        pub withhold: bool,
        /// Which rule it breaks.
        pub reason: Reason,
        /// To the member, in your words.
        pub note: Text<1, 1000>,
        /// For limits (7 unless said) and suspensions (until staff end it unless said).
        pub days: Option<Whole<1, 3650>>,
    }
}

async fn decide_case(
    app: AppState,
    actor: Moderator,
    Path(id): Path<CaseId>,
    once: Once,
    Json(new): Json<NewDecision>,
) -> Result<Created<Decision>> {
    let verdict = Verdict {
        action: new.action,
        withhold: new.withhold,
        reason: new.reason,
        note: new.note.into(),
        days: new.days.map(|days| days.0.unsigned_abs()),
    };
    Ok(ops::decide_case(&app, &actor, once, id, verdict).await?)
}

input! {
    /// Whose decisions.
    pub struct ListDecisions {
        /// Everybody's unless said.
        pub member_id: Option<MemberId>,
        #[serde(default)]
        pub limit: Limit,
        pub cursor: Option<Cursor>,
    }
}

async fn list_decisions(
    app: AppState,
    actor: Moderator,
    Query(list): Query<ListDecisions>,
) -> Result<Json<Page<Decision>>> {
    let page = Paging {
        limit: list.limit,
        cursor: list.cursor,
    };
    let decisions = match list.member_id {
        Some(member) => store::about(&app.db, &actor, member, page).await?,
        None => store::list(&app.db, &actor, page).await?,
    };
    Ok(Json(Page::of(decisions, page.limit, |decision| {
        Cursor(decision.id.0)
    })))
}

input! {
    /// Which page of a list in the order of time.
    pub struct ListAppeals {
        #[serde(default)]
        pub limit: Limit,
        pub cursor: Option<TimeCursor>,
    }
}

async fn list_appeals(
    app: AppState,
    actor: Moderator,
    Query(list): Query<ListAppeals>,
) -> Result<Json<Page<Decision, TimeCursor>>> {
    let (after, fetch) = (list.cursor.unwrap_or(FIRST), list.limit.count() as i64 + 1);
    let appeals = store::appeals(&app.db, &actor, after, fetch).await?;
    Ok(Json(Page::of(appeals, list.limit, |decision| {
        TimeCursor(decision.appealed_at.unwrap_or(decision.created_at), decision.id.0)
    })))
}

input! {
    /// The answer to an appeal.
    pub struct NewReview {
        pub outcome: Outcome,
        /// To the member, in your words.
        pub note: Text<1, 1000>,
    }
}

async fn review_decision(
    app: AppState,
    actor: Moderator,
    Path(id): Path<DecisionId>,
    Json(new): Json<NewReview>,
) -> Result<Json<Decision>> {
    let decision = ops::review_decision(&app, &actor, id, new.outcome, new.note.into()).await?;
    Ok(Json(decision))
}

async fn list_decisions_about_me(
    app: AppState,
    actor: CurrentUser,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<Told>>> {
    let decisions = store::told_to(&app.db, actor.id, paging).await?;
    let page = Page::of(decisions, paging.limit, |decision| Cursor(decision.id.0));
    Ok(Json(page.map(|decision| ops::told(&app, decision))))
}

async fn show_decision(app: AppState, actor: CurrentUser, Path(id): Path<DecisionId>) -> Result<Json<Told>> {
    Ok(Json(ops::show_decision(&app, actor.id, id).await?))
}

input! {
    /// What speaks against the decision.
    pub struct NewAppeal {
        pub text: Text<1, 2000>,
    }
}

async fn appeal_decision(
    app: AppState,
    actor: CurrentUser,
    Path(id): Path<DecisionId>,
    Json(new): Json<NewAppeal>,
) -> Result<Json<Told>> {
    let told = ops::appeal_decision(&app, id, Some(actor.id), new.text.into()).await?;
    Ok(Json(told))
}

input! {
    /// What stood behind `#` in the mail's link, and what speaks against the decision.
    pub struct AppealByLink {
        pub token: Line<1, 200>,
        pub text: Text<1, 2000>,
    }
}

async fn appeal_by_link(
    app: AppState,
    Context(context): Context,
    ip: ClientIp,
    Json(new): Json<AppealByLink>,
) -> Result<Json<Told>> {
    limits::group(&app, &context, ip).await?;
    let named = telling::named_by(&app, app.db.community(), &new.token);
    let id = named.ok_or_else(|| Error::new(Kind::Invalid, "link_expired"))?;
    Ok(Json(ops::appeal_decision(&app, id, None, new.text.into()).await?))
}
