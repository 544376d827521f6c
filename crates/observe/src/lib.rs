#![doc = include_str!("../README.md")]

pub mod figures;
mod fingerprint;
mod groups;
mod histogram;
pub mod http;
mod measures;
mod observer;
mod operator;
mod probes;

mod scrub;
mod sentry;
mod sockets;
mod store;
pub mod telemetry;
mod window;

pub use http::routes;
pub use measures::{Measure, Measuring};
pub use observer::{Flushed, Observer, QUEUE, Totals};
pub use operator::{MaybeOperator, Operator};
pub use probes::probes;
pub use sentry::Sentry;
pub use telemetry::Telemetry;

use platform::{AppState, belongings::Table};
use std::time::Duration;
use supervisor::{Context, Failure, Plan, Report, Spec, Worker};

/// What of this crate's tables belongs to a member: nothing.
pub fn belongings() -> Vec<Table> {
    let scrubbed = "errors, without the names, numbers and addresses that stood in them";
    vec![
        Table::of_nobody("error_group", scrubbed),
        Table::of_nobody("error_sample", scrubbed),
        Table::of_nobody("refusal_count", "counts"),
    ]
}

/// The worker that brings errors into the database.
pub fn workers(app: &AppState) -> Vec<Plan> {
    let app = app.clone();
    vec![
        Spec::new("observe.errors")
            .group("platform")
            .every(Duration::from_secs(2))
            .wakes_on(app.part::<Observer>().crowded())
            .timeout(Duration::from_secs(30))
            .worker(move || Errors { app: app.clone() }),
    ]
}

struct Errors {
    app: AppState,
}

impl Worker for Errors {
    async fn run(&mut self, _: &Context) -> Result<Report, Failure> {
        let observer = self.app.part::<Observer>();
        observer.look_at_workers(&self.app.supervisor.status());
        let Flushed { stored, spooled } = observer.flush().await?;
        if spooled > 0 {
            return Ok(Report::new("the database is away; errors went into the spool")
                .fact("spooled", spooled as i64));
        }
        observer.forget_old().await?;
        Ok(if stored == 0 {
            Report::nothing()
        } else {
            Report::new("stored errors").fact("stored", stored as i64)
        })
    }
}
