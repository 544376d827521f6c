//! The workers that delete what is too old to matter: once an hour, one write each.

use crate::{AppState, http, mailer, signals, tasks};
use base::{Result, Timestamp};
use db::Db;
use std::time::Duration;
use supervisor::{Plan, Report, Spec};

/// The platform's clean-up: kept answers, signals, tasks and the outbox.
pub fn workers(app: &AppState) -> Vec<Plan> {
    vec![
        hourly(app, "idempotency.clean_up", "answers", |db, now| async move {
            http::prune(&db, now).await
        }),
        hourly(app, "signals.clean_up", "signals", |db, now| async move {
            signals::prune(&db, now).await
        }),
        hourly(app, "tasks.clean_up", "tasks", |db, now| async move {
            tasks::prune(&db, now).await
        }),
        hourly(app, "mail.clean_up", "mails", |db, now| async move {
            mailer::prune(&db, now).await
        }),
    ]
}

/// A worker that deletes by the clock and reports how much under the word `what`.
fn hourly<F, Fut>(app: &AppState, name: &'static str, what: &'static str, delete: F) -> Plan
where
    F: Fn(Db, Timestamp) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<u64>> + Send + 'static,
{
    let own = app.clone();
    Spec::new(name)
        .group("platform")
        .every(Duration::from_hours(1))
        .timeout(Duration::from_mins(1))
        .runs(move |_| {
            let deleted = delete(own.db.clone(), own.clock.now());
            async move {
                let count = deleted.await?;
                Ok(Report::new("deleted what was old").fact(what, count as i64))
            }
        })
}
