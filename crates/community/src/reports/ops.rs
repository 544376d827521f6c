use super::{Reason, Report, ReportId, ReportStatus, Reported, SubjectId, SubjectKind, store};
use crate::{
    comments::{CommentId, store as comments},
    messages::{self, MessageId},
    places::{PlaceId, store as places},
    posts::{PostId, store as posts},
    profiles,
    stories::{StoryId, store as stories},
};
use accounts::{CurrentUser, MemberId};
use base::{
    Result, Timestamp,
    error::{conflict, not_found},
};
use db::Executor;
use platform::{
    AppState,
    http::{Created, Once},
    limits::Limit,
};
use std::time::Duration;

/// What a member has to say about something.
#[derive(Clone, Debug)]
pub struct Complaint {
    pub subject_kind: SubjectKind,
    pub subject_id: SubjectId,
    pub reason: Reason,
    pub note: String,
}

pub async fn create_report(
    app: &AppState,
    actor: &CurrentUser,
    once: Once,
    complaint: Complaint,
) -> Result<Created<Report>> {
    let limit = Limit {
        name: "reports",
        count: app.config.limits.reports_per_hour,
        period: Duration::from_hours(1),
    };
    app.limits.take(limit, actor.id).await.into_result()?;
    let (own, reporter, now) = (app.clone(), actor.id, app.clock.now());
    let id = ReportId(app.ids.at(now));
    once.create(app, reporter.0, "create_report", move |tx| async move {
        let accused = accused(&tx, reporter, now, complaint.subject_kind, complaint.subject_id).await?;
        if accused == reporter {
            return Err(conflict("cannot_report_yourself"));
        }
        let report = Report {
            id,
            subject_kind: complaint.subject_kind,
            subject_id: complaint.subject_id,
            reason: complaint.reason,
            note: complaint.note,
            status: ReportStatus::Pending,
            created_at: now,
        };
        store::insert(&tx, reporter, accused, &report).await?;
        let signal = Reported {
            id,
            subject_kind: report.subject_kind,
            subject_id: report.subject_id,
            accused,
            reason: report.reason,
        };
        own.signals.announce(&tx, &signal, now).await?;
        Ok(report)
    })
    .await
}

/// Who wrote or is what is reported, if the reporter may see it.
async fn accused(
    db: &impl Executor,
    reporter: MemberId,
    now: Timestamp,
    kind: SubjectKind,
    id: SubjectId,
) -> Result<MemberId> {
    match kind {
        SubjectKind::Post => {
            let author = posts::author_of(db, reporter, PostId(id.0)).await?;
            author.ok_or_else(|| not_found("post"))
        }
        SubjectKind::Comment => {
            let comment = comments::find(db, reporter, CommentId(id.0)).await?;
            let comment = comment.filter(|comment| !comment.is_deleted);
            Ok(comment.ok_or_else(|| not_found("comment"))?.author.id)
        }
        SubjectKind::Story => {
            let story = stories::find(db, reporter, now, StoryId(id.0)).await?;
            Ok(story.ok_or_else(|| not_found("story"))?.author.id)
        }
        SubjectKind::Message => {
            let message = messages::ops::show_message(db, reporter, MessageId(id.0)).await?;
            Ok(message.sender.id)
        }
        SubjectKind::Place => {
            let place = places::find(db, reporter, PlaceId(id.0)).await?;
            let place = place.filter(|place| place.is_mine || !place.is_withheld);
            let place = place.ok_or_else(|| not_found("place"))?;
            let author = places::author_of(db, place.id).await?;
            author.ok_or_else(|| conflict("author_gone"))
        }
        SubjectKind::Member => {
            if profiles::store::is_visible(db, reporter, MemberId(id.0)).await? {
                Ok(MemberId(id.0))
            } else {
                Err(not_found("member"))
            }
        }
    }
}
