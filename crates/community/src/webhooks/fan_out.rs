//! From what happened to the webhooks that want to hear of it.

use super::{WebhookEvent, delivery, store};
use crate::posts::PostCreated;
use accounts::NotMe;
use base::Result;
use platform::{
    AppState,
    signals::{Announced, Consumer, Signal, follow},
};
use std::time::Duration;
use supervisor::{Failure, Plan, Report, Spec};

/// Messages promised in one write.
const AT_ONCE: usize = 100;
/// How long the log is kept.
const KEPT: Duration = Duration::from_hours(30 * 24);

struct FanOut;

impl Consumer for FanOut {
    fn name(&self) -> &'static str {
        "webhooks.fan_out"
    }

    fn hears(&self) -> &'static [&'static str] {
        &[PostCreated::KIND, NotMe::KIND]
    }

    async fn consume(&self, app: &AppState, signals: Vec<Announced>) -> Result<()> {
        for signal in &signals {
            if let Some(created) = signal.read::<PostCreated>() {
                tell(app, &created).await?;
            }
            if let Some(NotMe { member }) = signal.read() {
                // Whoever was in may have made some, or turned those that were there elsewhere.
                app.db
                    .write_again(move |tx| async move { store::switch_off(&tx, member, "not_me").await })
                    .await?;
            }
        }
        Ok(())
    }
}

async fn tell(app: &AppState, created: &PostCreated) -> Result<()> {
    let (event, subject) = (WebhookEvent::PostCreated, created.id.0);
    let mut hearing = store::list_hearing(&app.db, created.author.id).await?;
    hearing.retain(|webhook| webhook.events.contains(&event));
    for some in hearing.chunks(AT_ONCE) {
        let (own, some) = (app.clone(), some.to_vec());
        app.db
            .write_again(move |tx| async move {
                for webhook in &some {
                    delivery::promise(&own, &tx, own.ids.next(), webhook.id, event, subject).await?;
                }
                Ok(())
            })
            .await?;
    }
    Ok(())
}

pub fn workers(app: &AppState) -> Vec<Plan> {
    let prune = app.clone();
    vec![
        follow(app, FanOut),
        Spec::new("webhooks.clean_up")
            .group("platform")
            .every(Duration::from_hours(1))
            .timeout(Duration::from_mins(1))
            .runs(move |_| {
                let app = prune.clone();
                async move {
                    let before = app.clock.now().minus(KEPT);
                    let deleted = app
                        .db
                        .write_again(move |tx| async move { store::prune(&tx, before).await })
                        .await
                        .map_err(|error| Failure::new(error.to_string()))?;
                    Ok(Report::new("deleted what was old").fact("deliveries", deleted as i64))
                }
            }),
    ]
}
