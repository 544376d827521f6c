//! Deletes stories whose day is over.

use super::store;
use platform::AppState;
use std::time::Duration;
use supervisor::{Plan, Report, Spec};

pub fn clean_up(app: &AppState) -> Plan {
    let own = app.clone();
    Spec::new("stories.clean_up")
        .group("platform")
        .every(Duration::from_mins(10))
        .timeout(Duration::from_mins(1))
        .runs(move |_| {
            let app = own.clone();
            async move {
                let now = app.clock.now();
                let deleted = app
                    .db
                    .write_again(move |tx| async move { store::prune(&tx, now).await })
                    .await?;
                Ok(Report::new("deleted stories whose day is over").fact("stories", deleted as i64))
            }
        })
}
