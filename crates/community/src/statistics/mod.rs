//! Statistics: how many there are, and how that grows, for staff.
//!
//! A worker counts what was made on a day by its ids, which hold their time, so that a
//! day costs its own rows and no more; and, once an hour, how much there is in all. What
//! staff read are the counts. A day is one of UTC. Who was active on it is counted while
//! it lasts, since a session remembers its last use alone.
//!
//! Never true: a count made while somebody waits for it.

mod belongings;
mod http;
mod store;
#[cfg(test)]
mod tests;

pub use belongings::belongings;
pub use http::routes;

use base::{Result, Timestamp};
use platform::{AppState, communities};
use std::time::Duration;
use supervisor::{Failure, Plan, Report, Spec};

/// The row of totals.
const TOTAL: i64 = 0;
const DAY: Duration = Duration::from_hours(24);
/// How far back days are counted that nobody has counted yet.
const LOOK_BACK: i64 = 90;

/// Microseconds of a day.
const MICROS: i64 = 86_400_000_000;

fn day_of(at: Timestamp) -> i64 {
    at.as_micros().div_euclid(MICROS)
}

fn start_of(day: i64) -> Timestamp {
    Timestamp::from_micros(day * MICROS)
}

/// `2026-11-23`.
fn date(day: i64) -> String {
    start_of(day).to_string()[..10].to_owned()
}

/// Counts today every ten minutes, and each day once more after it is over.
pub fn worker(app: &AppState) -> Plan {
    let own = app.clone();
    Spec::new("statistics.count")
        .group("platform")
        .every(Duration::from_mins(10))
        .timeout(Duration::from_mins(2))
        .runs(move |_| {
            let app = own.clone();
            async move {
                let mut days = 0;
                for app in communities::each(&app).await? {
                    days += count(app).await?;
                }
                Ok::<_, Failure>(Report::new("counted the days").fact("days", days))
            }
        })
}

async fn count(app: AppState) -> Result<i64> {
    let now = app.clock.now();
    let today = day_of(now);
    let last = store::last_day(&app.db).await?;
    let first = last.map_or(today - LOOK_BACK, |last| last.max(today - LOOK_BACK));
    for day in first..=today {
        let figures = store::made_on(&app.db, &app.ids, start_of(day), start_of(day).plus(DAY)).await?;
        keep(&app, day, figures, now).await?;
    }
    let active = store::active_since(&app.db, start_of(today)).await?;
    keep(&app, today, vec![("active".to_owned(), active)], now).await?;
    let counted_at = store::totals(&app.db).await?.1;
    if counted_at.is_none_or(|at| now.since(at) >= Duration::from_hours(1)) {
        let figures = store::all(&app.db).await?;
        keep(&app, TOTAL, figures, now).await?;
    }
    Ok(today - first + 1)
}

async fn keep(app: &AppState, day: i64, figures: Vec<(String, i64)>, now: Timestamp) -> Result<()> {
    app.db
        .write_again(move |tx| async move {
            for (name, count) in figures {
                store::put(&tx, day, &name, count, now).await?;
            }
            Ok(())
        })
        .await
}
