//! Tells every member of a notice, a hundred in one write.

use super::store;
use crate::notifications;
use base::Result;
use platform::{AppState, communities};
use std::time::Duration;
use supervisor::{Failure, Plan, Report, Spec};
use uuid::Uuid;

/// Woken when a notice is published.
pub const WORKER: &str = "notices.tell";
const AT_ONCE: i64 = 100;

pub fn worker(app: &AppState) -> Plan {
    let own = app.clone();
    Spec::new(WORKER)
        .group("platform")
        .every(Duration::from_mins(1))
        .timeout(Duration::from_mins(1))
        .runs(move |_| {
            let app = own.clone();
            async move {
                let mut told = 0;
                for app in communities::each(&app).await? {
                    told += tell(&app).await?;
                }
                let report = Report::new("told members of a notice").fact("members", told);
                Ok::<_, Failure>(if told > 0 { report.again() } else { report })
            }
        })
}

async fn tell(app: &AppState) -> Result<i64> {
    let now = app.clock.now();
    let Some((notice, until)) = store::untold(&app.db, now).await? else {
        return Ok(0);
    };
    let members = store::members_after(&app.db, until.unwrap_or(Uuid::nil()), AT_ONCE).await?;
    let (own, told) = (app.clone(), members.clone());
    app.db
        .write_again(move |tx| async move {
            for member in &told {
                notifications::tell_of_notice(&own, &tx, *member, notice).await?;
            }
            let is_told = (told.len() as i64) < AT_ONCE;
            store::advance(&tx, notice, told.last().copied(), is_told).await
        })
        .await?;
    Ok(members.len() as i64)
}
