//! Waiting for what happens in the background, without guessing how long it takes.

use crate::TestApp;
use serde_json::Value;
use std::time::{Duration, Instant};
use supervisor::State;

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// The first answer; asks until there is one.
pub async fn eventually<T>(mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(began.elapsed() < PATIENCE, "it did not happen");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

impl TestApp {
    /// Lets a worker run once more, and on until nothing is left to do; gives the facts of the last run.
    pub async fn run_worker(&self, name: &str) -> Value {
        let status = || {
            let status = self.app.supervisor.status_of(name);
            status.unwrap_or_else(|| panic!("there is no worker {name}"))
        };
        // A run that is under way began before now.
        eventually(async || (status().state != State::Running).then_some(())).await;
        let before = status().runs;
        self.app.supervisor.wake(name);
        eventually(async || {
            let now = status();
            (now.runs > before && now.state == State::Idle && !now.has_more).then_some(())
        })
        .await;
        let report = status().last_report.expect("a run ends with a report");
        serde_json::to_value(report).expect("a report is JSON")["facts"].clone()
    }

    /// Every mail sent so far, the last first.
    pub async fn mails(&self) -> Vec<platform::mailer::SentMail> {
        eventually(async || {
            self.app.supervisor.wake("tasks.run");
            let counts = platform::tasks::counts(&self.app.db).await;
            let counts = counts.expect("the tasks are counted");
            (counts.ready == 0 && counts.running == 0).then_some(())
        })
        .await;
        let mails = platform::mailer::outbox(&self.app.db, 1000).await;
        mails.expect("the outbox is read")
    }
}
