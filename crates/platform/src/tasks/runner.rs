//! The runner: claims what is due, runs it, notes how it went.
//!
//! One run of the worker goes on as long as something is due, but begins nothing
//! after a minute, so that the supervisor sees it come and go. Outcomes that are
//! ready together are noted together, in one write that also claims the next
//! tasks; a handler's own write is a transaction of its own (the embedded one
//! commits those together as well). A claimed task whose lease would not outlast
//! its run is handed back instead of begun, and the attempt is not counted.

use super::{
    LastWrite, Outcome, Task, Tasks,
    store::{self, Finished, Verdict},
};
use crate::AppState;
use base::{Entropy, Result, error::internal};
use futures_util::{
    FutureExt,
    stream::{FuturesUnordered, StreamExt},
};
use std::{any::Any, collections::VecDeque, panic::AssertUnwindSafe, pin::pin, time::Duration};
use supervisor::{Context, Failure, Report, Worker};
use tokio::{sync::Semaphore, time::Instant};
use uuid::Uuid;

/// Tasks claimed and noted at once.
const BATCH: usize = 64;
/// Handlers that run at the same time.
const AT_ONCE: usize = 16;
/// How long a claim holds.
const LEASE: Duration = Duration::from_mins(2);
/// How long a handler may take; within the lease.
const LIMIT: Duration = Duration::from_secs(45);
/// A run claims nothing more after so long.
const BUDGET: Duration = Duration::from_mins(1);
/// The first pause after a failure, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_secs(2), Duration::from_hours(1));

/// Runs tasks under a holder's id of its own.
pub struct Runner {
    app: AppState,
    holder: Uuid,
    /// Half of the writing connections: members write too.
    last_writes: Semaphore,
}

/// What one run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ran {
    pub done: u64,
    pub failed: u64,
    pub dead: u64,
    pub handed_back: u64,
    /// Outcomes refused because the lease had gone to another runner.
    pub fenced: u64,
    /// Tasks taken back from runners whose lease ran out.
    pub reclaimed: u64,
    more: bool,
}

impl Runner {
    pub fn new(app: &AppState) -> Runner {
        Runner {
            app: app.clone(),
            holder: app.ids.next(),
            last_writes: Semaphore::new((app.config.database.writers / 2).max(1)),
        }
    }

    /// Does everything that is due, until `stop` says otherwise.
    pub async fn run_due(&self, stop: impl Fn() -> bool + Send + Sync) -> Result<Ran> {
        let (app, tasks) = (&self.app, Tasks::of(&self.app));
        let mut ran = Ran::default();
        if !store::anything_due(&app.db, app.clock.now()).await? {
            return Ok(ran);
        }
        ran.reclaimed = store::reclaim(&app.db, app.clock.now()).await?;
        let start = Instant::now();
        let (mut waiting, mut running) = (VecDeque::<Task>::new(), FuturesUnordered::new());
        let mut finished = vec![];
        ran.more = true;
        loop {
            let closing = stop() || start.elapsed() > BUDGET;
            let room = if ran.more && !closing && waiting.is_empty() && running.len() < AT_ONCE {
                BATCH
            } else {
                0
            };
            if room > 0 || !finished.is_empty() {
                ran.count(&finished);
                let (kinds, noted) = (tasks.kinds(), std::mem::take(&mut finished));
                let mut turn = pin!(store::turn(app, self.holder, noted, kinds, room, LEASE));
                // Handlers go on meanwhile: one that holds a connection and is
                // not polled would keep it from the turn that waits for one.
                let turn = loop {
                    tokio::select! {
                        turn = &mut turn => break turn?,
                        Some(next) = running.next() => finished.push(next),
                    }
                };
                ran.fenced += turn.fenced;
                ran.done -= turn.fenced.min(ran.done);
                if room > 0 {
                    ran.more = turn.claimed.len() == room;
                }
                waiting.extend(turn.claimed);
            }
            while finished.len() < BATCH {
                while running.len() < AT_ONCE
                    && let Some(task) = waiting.pop_front()
                {
                    if closing || app.clock.now().plus(LIMIT) > task.lease_until {
                        finished.push(Finished::new(task, Verdict::HandBack));
                    } else {
                        running.push(self.attempt(tasks, task));
                    }
                }
                match running.next().now_or_never() {
                    Some(Some(next)) => finished.push(next),
                    _ => break,
                }
            }
            if !finished.is_empty() {
                continue;
            }
            if running.is_empty() {
                if ran.more && !closing {
                    continue;
                }
                return Ok(ran);
            }
            tokio::select! {
                Some(next) = running.next() => finished.push(next),
                () = tasks.news.notified(), if running.len() < AT_ONCE => ran.more = true,
            }
        }
    }

    /// One handler, contained: what it throws becomes a failed attempt.
    async fn attempt(&self, tasks: &Tasks, task: Task) -> Finished {
        let app = &self.app.within(task.community);
        let Some(handler) = tasks.handlers.get(task.kind.as_str()) else {
            return Finished::new(task, Verdict::HandBack);
        };
        let run = tokio::time::timeout(
            LIMIT,
            AssertUnwindSafe(handler.run_boxed(app, &task)).catch_unwind(),
        )
        .await;
        let verdict = match run {
            Ok(Ok(Ok(Outcome::Done))) => Verdict::Done,
            Ok(Ok(Ok(Outcome::DoneIn(write)))) => match self.done_in(&task, write).await {
                Ok(true) => Verdict::Settled,
                Ok(false) => Verdict::Fenced,
                Err(error) => self.failed(&task, error.to_string()),
            },
            Ok(Ok(Ok(Outcome::GiveUp(reason)))) => Verdict::Dead(reason),
            Ok(Ok(Err(error))) => self.failed(&task, error.to_string()),
            Ok(Err(panic)) => self.failed(&task, format!("panicked: {}", words(&*panic))),
            Err(_) => self.failed(&task, format!("took longer than {} s", LIMIT.as_secs())),
        };
        match &verdict {
            Verdict::Retry { error, .. } => {
                tracing::warn!(task = %task.id, kind = task.kind, attempt = task.attempts, error, "a task failed and will be tried again");
            }
            Verdict::Dead(error) => {
                tracing::error!(task = %task.id, kind = task.kind, attempt = task.attempts, error, "a task is dead");
            }
            Verdict::Fenced => {
                tracing::warn!(task = %task.id, kind = task.kind, "a task came too late and was refused");
            }
            _ => {}
        }
        Finished::new(task, verdict)
    }

    async fn done_in(&self, task: &Task, write: LastWrite) -> Result<bool> {
        let _turn = self.last_writes.acquire().await.map_err(internal)?;
        store::done_in(&self.app, task, write).await
    }

    fn failed(&self, task: &Task, error: String) -> Verdict {
        if task.attempts >= task.max_attempts {
            return Verdict::Dead(error);
        }
        let pause = pause(task.attempts, &self.app.entropy);
        Verdict::Retry {
            at: self.app.clock.now().plus(pause),
            error,
        }
    }
}

/// Doubles with each attempt up to the longest; the second half is chance.
fn pause(attempts: u32, entropy: &Entropy) -> Duration {
    let (first, longest) = PAUSES;
    let doubled = first.saturating_mul(1 << attempts.saturating_sub(1).min(20));
    let half = doubled.min(longest) / 2;
    half + Duration::from_micros(entropy.below(half.as_micros() as u64 + 1))
}

fn words(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without words")
}

impl Ran {
    fn count(&mut self, finished: &[Finished]) {
        for one in finished {
            match one.verdict {
                Verdict::Done | Verdict::Settled => self.done += 1,
                Verdict::Retry { .. } => self.failed += 1,
                Verdict::Dead(_) => self.dead += 1,
                Verdict::HandBack => self.handed_back += 1,
                Verdict::Fenced => self.fenced += 1,
            }
        }
    }
}

impl Worker for Runner {
    async fn run(&mut self, ctx: &Context) -> Result<Report, Failure> {
        let ran = self.run_due(|| ctx.is_cancelled()).await?;
        if ran == Ran::default() {
            return Ok(Report::nothing());
        }
        let report = Report::new("ran tasks")
            .fact("done", ran.done as i64)
            .fact("failed", ran.failed as i64)
            .fact("dead", ran.dead as i64)
            .fact("reclaimed", ran.reclaimed as i64)
            .fact("fenced", ran.fenced as i64);
        Ok(if ran.more || ran.handed_back > 0 {
            report.again()
        } else {
            report
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_an_hour_and_are_never_shorter_than_half() {
        let entropy = Entropy::seeded(1);
        for (attempts, whole_s) in [(1, 2), (2, 4), (3, 8), (11, 2048), (12, 3600), (99, 3600)] {
            let (shortest, longest) = (Duration::from_secs(whole_s) / 2, Duration::from_secs(whole_s));
            let seen: Vec<_> = (0..100).map(|_| pause(attempts, &entropy)).collect();
            assert!(
                seen.iter().all(|pause| (shortest..=longest).contains(pause)),
                "{attempts}: {seen:?}"
            );
            assert!(seen.iter().any(|pause| *pause != seen[0]), "there is jitter");
        }
    }
}
