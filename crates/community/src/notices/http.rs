//! `/notices` for members, `/staff/notices` for staff.

use super::{Notice, NoticeId, NoticeLevel, ops, store};
use accounts::{CurrentUser, May, may::PlatformSettings};
use base::{Cursor, Line, Page, Paging, Text, Timestamp, error::invalid, input};
use platform::{
    AppState,
    http::{Created, Json, NoContent, Once, Path, Query, Result, Routes},
};

pub fn routes() -> Routes {
    Routes::new("notices")
        .get(
            "/notices",
            "list_notices",
            list_notices,
            "What everybody is told now and I have not dismissed",
        )
        .put(
            "/notices/{notice_id}/dismissal",
            "dismiss_notice",
            dismiss_notice,
            "Do not show me a notice any more",
        )
        .get(
            "/staff/notices",
            "list_notices_for_staff",
            list_notices_for_staff,
            "Notices that were, are and will be, the latest first",
        )
        .post(
            "/staff/notices",
            "publish_notice",
            publish_notice,
            "Tell everybody something",
        )
        .delete(
            "/staff/notices/{notice_id}",
            "withdraw_notice",
            withdraw_notice,
            "Take a notice back",
        )
}

async fn list_notices(app: AppState, actor: CurrentUser) -> Result<Json<Page<Notice>>> {
    let items = store::current(&app.db, actor.id, app.clock.now()).await?;
    Ok(Json(Page {
        items,
        next_cursor: None,
    }))
}

async fn dismiss_notice(app: AppState, actor: CurrentUser, Path(id): Path<NoticeId>) -> Result<NoContent> {
    ops::dismiss_notice(&app, &actor, id).await?;
    Ok(NoContent)
}

async fn list_notices_for_staff(
    app: AppState,
    _: May<PlatformSettings>,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<Notice>>> {
    let found = store::list(&app.db, paging).await?;
    Ok(Json(Page::of(found, paging.limit, |notice| Cursor(notice.id.0))))
}

input! {
    /// What to tell, and from when to when.
    pub struct NewNotice {
        pub level: NoticeLevel,
        pub title: Line<1, 120>,
        pub body: Text<1, 2000>,
        /// At once unless said.
        pub starts_at: Option<Timestamp>,
        pub ends_at: Timestamp,
        /// Tell members by a notification as well.
        #[serde(default)]
        pub notify: bool,
    }
}

async fn publish_notice(
    app: AppState,
    actor: May<PlatformSettings>,
    once: Once,
    Json(new): Json<NewNotice>,
) -> Result<Created<Notice>> {
    let now = app.clock.now();
    let starts_at = new.starts_at.unwrap_or(now);
    if new.ends_at <= starts_at || new.ends_at <= now {
        return Err(invalid("/ends_at", "in_the_past").into());
    }
    let notice = Notice {
        id: app.ids.next(),
        level: new.level,
        title: new.title.into(),
        body: new.body.into(),
        starts_at,
        ends_at: new.ends_at,
        notifies: new.notify,
    };
    Ok(ops::publish_notice(&app, &actor, once, notice).await?)
}

async fn withdraw_notice(
    app: AppState,
    actor: May<PlatformSettings>,
    Path(id): Path<NoticeId>,
) -> Result<NoContent> {
    ops::withdraw_notice(&app, &actor, id).await?;
    Ok(NoContent)
}
