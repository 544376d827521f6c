use super::{Reason, Report, SubjectId, SubjectKind, ops, store};
use accounts::CurrentUser;
use base::{Cursor, Kind, Page, Paging, Text, input};
use platform::{
    AppState,
    http::{Created, Json, Once, Query, Result, Routes},
};

pub fn routes() -> Routes {
    Routes::new("reports")
        .get(
            "/reports",
            "list_reports",
            list_reports,
            "What I reported, the latest first",
        )
        .post(
            "/reports",
            "create_report",
            create_report,
            "Report what does harm",
        )
        .refuses(&[Kind::NotFound, Kind::Conflict, Kind::RateLimited])
}

async fn list_reports(
    app: AppState,
    actor: CurrentUser,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<Report>>> {
    let found = store::list(&app.db, actor.id, paging).await?;
    Ok(Json(Page::of(found, paging.limit, |report| Cursor(report.id.0))))
}

input! {
    /// What is wrong with what.
    pub struct NewReport {
        pub subject_kind: SubjectKind,
        pub subject_id: SubjectId,
        pub reason: Reason,
        #[serde(default)]
        pub note: Text<0, 1000>,
    }
}

async fn create_report(
    app: AppState,
    actor: CurrentUser,
    once: Once,
    Json(new): Json<NewReport>,
) -> Result<Created<Report>> {
    let complaint = ops::Complaint {
        subject_kind: new.subject_kind,
        subject_id: new.subject_id,
        reason: new.reason,
        note: new.note.into(),
    };
    Ok(ops::create_report(&app, &actor, once, complaint).await?)
}
