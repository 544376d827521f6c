//! Deletes stories whose day is over.

use super::{ops, store};
use platform::AppState;
use std::time::Duration;
use supervisor::{Plan, Report, Spec};

/// Stories deleted in one run.
const BATCH: i64 = 200;

pub fn clean_up(app: &AppState) -> Plan {
    let own = app.clone();
    Spec::new("stories.clean_up")
        .group("platform")
        .every(Duration::from_mins(10))
        .timeout(Duration::from_mins(1))
        .runs(move |_| {
            let app = own.clone();
            async move {
                let over = store::over(&app.db, app.clock.now(), BATCH).await?;
                for (community, story) in &over {
                    ops::forget(&app, *community, *story).await?;
                }
                let count = over.len() as i64;
                let report = Report::new("deleted stories whose day is over").fact("stories", count);
                Ok(if count == BATCH { report.again() } else { report })
            }
        })
}
