//! `/guard`.

use super::{
    desk::{Desk, ask},
    model::{GuardLine, GuardQuarantined, GuardRestore, GuardView},
};
use ::guard::{Demand, Record, What};
use accounts::{May, may::PlatformSettings};
use base::{
    Page,
    page::{Cursor, Paging},
};
use platform::{
    AppState,
    http::{Json, Query, Result, Routes},
};
use uuid::Uuid;

/// The routes under `/api/v1`.
pub fn routes() -> Routes {
    Routes::new("guard")
        .get(
            "/guard",
            "show_guard",
            show_guard,
            "How protected files are, compared for this answer",
        )
        .get(
            "/guard/restores",
            "list_restores",
            list_restores,
            "Losses that were undone, the latest first",
        )
        .get(
            "/guard/quarantine",
            "list_quarantine",
            list_quarantine,
            "Foreign things that were taken out of the way, the latest first",
        )
        .get(
            "/guard/ledger",
            "list_ledger",
            list_ledger,
            "All that the guard wrote down, the latest first",
        )
}

async fn show_guard(app: AppState, _: May<PlatformSettings>) -> Result<Json<GuardView>> {
    let confined = app.memory_of_all::<Desk>().level();
    let view = ask(&app, |guard| {
        let report = guard.pass(&Demand::all(false))?;
        Ok(GuardView::of(guard.overview()?, guard.levels(confined)?, report))
    });
    Ok(Json(view.await?.unwrap_or_else(GuardView::off)))
}

async fn list_restores(
    app: AppState,
    _: May<PlatformSettings>,
    Query(page): Query<Paging>,
) -> Result<Json<Page<GuardRestore>>> {
    let restored = lines(&app, page, |what| matches!(what, What::Restored { .. })).await?;
    let restores = restored.into_iter().filter_map(GuardRestore::of).collect();
    Ok(Json(Page::of(restores, page.limit, |restore| {
        place(restore.line)
    })))
}

async fn list_quarantine(
    app: AppState,
    _: May<PlatformSettings>,
    Query(page): Query<Paging>,
) -> Result<Json<Page<GuardQuarantined>>> {
    let (below, count) = (below(page), page.fetch() as usize);
    let found = ask(&app, move |guard| guard.quarantine_before(below, count)).await?;
    let found = found.unwrap_or_default().into_iter().map(GuardQuarantined::from);
    let found: Vec<_> = found.collect();
    Ok(Json(Page::of(found, page.limit, |found| place(found.line))))
}

async fn list_ledger(
    app: AppState,
    _: May<PlatformSettings>,
    Query(page): Query<Paging>,
) -> Result<Json<Page<GuardLine>>> {
    let found = lines(&app, page, |_| true).await?;
    let found = found.into_iter().map(GuardLine::from).collect();
    Ok(Json(Page::of(found, page.limit, |line: &GuardLine| {
        place(line.line)
    })))
}

/// The lines of a page, and one more.
async fn lines(
    app: &AppState,
    page: Paging,
    wanted: impl Fn(&What) -> bool + Send + 'static,
) -> base::Result<Vec<Record>> {
    let (below, count) = (below(page), page.fetch() as usize);
    let found = ask(app, move |guard| guard.history(below, count, wanted)).await?;
    Ok(found.unwrap_or_default())
}

/// The number of the line that the page lies below.
fn below(page: Paging) -> u64 {
    u64::try_from(page.before().as_u128()).unwrap_or(u64::MAX)
}

/// A line's number in the shape of every other cursor.
fn place(line: u64) -> Cursor {
    Cursor(Uuid::from_u128(line.into()))
}
