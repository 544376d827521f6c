//! `/statistics`, for staff.

use super::{day_of, store};
use accounts::{May, may::PlatformAnalytics};
use base::{Page, Timestamp, Whole, input};
use platform::{
    AppState,
    http::{Json, Query, Result, Routes},
};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

pub fn routes() -> Routes {
    Routes::new("statistics")
        .get(
            "/statistics",
            "show_statistics",
            show_statistics,
            "How many members, posts and other things there are",
        )
        .get(
            "/statistics/days",
            "list_days",
            list_days,
            "How many came to be on each day, and who was active, the last day first",
        )
}

/// How much there is, counted within the last hour or so.
#[derive(Debug, Serialize, JsonSchema)]
struct Statistics {
    /// By name: members, posts, comments, messages, stories, events, groups.
    totals: BTreeMap<String, i64>,
    /// Null until it was counted for the first time.
    counted_at: Option<Timestamp>,
    /// Today so far, with `active`: members who called since midnight (UTC).
    today: BTreeMap<String, i64>,
}

async fn show_statistics(app: AppState, _: May<PlatformAnalytics>) -> Result<Json<Statistics>> {
    let today = day_of(app.clock.now());
    let (totals, counted_at) = store::totals(&app.db).await?;
    let mut days = store::days(&app.db, today - 1, today).await?;
    Ok(Json(Statistics {
        totals,
        counted_at,
        today: days.pop().map(|(_, figures)| figures).unwrap_or_default(),
    }))
}

/// What happened on a day.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "DayOfStatistics")]
struct DayFigures {
    /// As `2026-11-23`, in UTC.
    day: String,
    figures: BTreeMap<String, i64>,
}

input! {
    /// Which days.
    pub struct ListDays {
        /// How many, up to today; 30 unless said.
        pub days: Option<Whole<1, 366>>,
    }
}

async fn list_days(
    app: AppState,
    _: May<PlatformAnalytics>,
    Query(list): Query<ListDays>,
) -> Result<Json<Page<DayFigures>>> {
    let today = day_of(app.clock.now());
    let from = today - list.days.map_or(30, |days| days.0);
    let days = store::days(&app.db, from, today).await?;
    Ok(Json(Page {
        items: days
            .into_iter()
            .map(|(day, figures)| DayFigures { day, figures })
            .collect(),
        next_cursor: None,
    }))
}
