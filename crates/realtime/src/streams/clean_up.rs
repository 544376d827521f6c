//! The log keeps fourteen days, and ten thousand entries of a stream. Who was away longer hears
//! `resynced`. Heads stay: a number is never given out twice.

use super::store;
use base::Result;
use db::Db;
use platform::AppState;
use std::time::Duration;
use supervisor::{Plan, Report, Spec};

const KEPT: Duration = Duration::from_hours(14 * 24);
const KEPT_OF_A_STREAM: i64 = 10_000;
/// Deleted in one transaction, so that nobody waits long for it.
const BATCH: i64 = 2_000;

pub(crate) fn worker(app: &AppState) -> Plan {
    let own = app.clone();
    Spec::new("streams.clean_up")
        .group("platform")
        .every(Duration::from_hours(1))
        .timeout(Duration::from_mins(1))
        .runs(move |_| {
            let (db, before) = (own.db.clone(), own.clock.now().minus(KEPT));
            async move {
                let deleted = prune(&db, before).await?;
                let report = Report::new("deleted what was old").fact("entries", deleted as i64);
                Ok(if deleted >= BATCH as u64 {
                    report.again()
                } else {
                    report
                })
            }
        })
}

async fn prune(db: &Db, before: base::Timestamp) -> Result<u64> {
    db.write(move |tx| async move {
        let old = store::prune_old(&tx, before, BATCH).await?;
        Ok(old + store::prune_long(&tx, KEPT_OF_A_STREAM, BATCH).await?)
    })
    .await
}
