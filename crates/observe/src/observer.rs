//! The ear of the server: figures, refusals and errors, taken without waiting.

use crate::{
    figures::{Figure, Figures},
    measures::{Measure, Measuring},
    scrub::scrub,
    sentry::Sentry,
    store::{self, Batch, Capture, hour},
    telemetry,
};
use base::{Clock, Error, Result, Timestamp, error::internal};
use db::Db;
use platform::{
    Config,
    watch::{Answered, Fault, FaultKind, Watch},
};
use std::{
    collections::{HashMap, VecDeque},
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicI64, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};
use supervisor::{Status, Wake};

/// Errors that wait for the next flush.
pub const QUEUE: usize = 1024;
const MOST_REFUSALS: usize = 4096;
/// Characters kept of a text.
const LONGEST: usize = 4000;
/// Causes kept of an error.
const DEEPEST: usize = 20;

/// Cheap to clone: the assembly gives one to the edge and keeps one as a part of the app.
#[derive(Clone)]
pub struct Observer(Arc<Inner>);

struct Inner {
    db: Db,
    clock: Clock,
    release: &'static str,
    spool: PathBuf,
    sentry: Option<Sentry>,
    began: Instant,
    figures: Figures,
    queue: Mutex<VecDeque<Capture>>,
    refusals: Mutex<HashMap<Box<str>, Refusals>>,
    /// What a flush has taken and not yet brought to safety. A flush that is cut loses nothing.
    pending: tokio::sync::Mutex<Batch>,
    workers_seen: Mutex<HashMap<String, [u64; 3]>>,
    crowded: Wake,
    forgotten_hour: AtomicI64,
    /// When something was lost or set aside for the last time, in microseconds.
    lost_at: AtomicI64,
    counts: Counts,
    measuring: RwLock<Vec<Measuring>>,
}

/// Of one route, by hour and code.
type Refusals = HashMap<(i64, Box<str>), u64>;

#[derive(Default)]
struct Counts {
    seen: AtomicU64,
    lost: AtomicU64,
    set_aside: AtomicU64,
    stored: AtomicU64,
    spooled: AtomicU64,
}

/// What the error store did since the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Totals {
    pub seen: u64,
    pub lost: u64,
    /// Errors and counts that the database refused, kept in a file for a human.
    pub set_aside: u64,
    pub stored: u64,
    pub spooled: u64,
    /// In the queue now.
    pub waiting: u64,
}

/// What one flush did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flushed {
    /// Errors that went into the database.
    pub stored: u64,
    /// Errors that went into the file, because the database is away.
    pub spooled: u64,
}

impl Observer {
    pub fn new(
        config: &Config,
        db: Db,
        clock: Clock,
        release: &'static str,
        sentry: Option<Sentry>,
    ) -> Observer {
        Observer(Arc::new(Inner {
            db,
            clock,
            release,
            spool: config.data.dir.join("errors.spool"),
            sentry,
            began: Instant::now(),
            figures: Figures::default(),
            queue: Mutex::default(),
            refusals: Mutex::default(),
            pending: tokio::sync::Mutex::default(),
            workers_seen: Mutex::default(),
            crowded: Wake::new(),
            forgotten_hour: AtomicI64::new(i64::MIN),
            lost_at: AtomicI64::new(i64::MIN),
            counts: Counts::default(),
            measuring: RwLock::default(),
        }))
    }

    /// Rings when the queue is half full.
    pub(crate) fn crowded(&self) -> &Wake {
        &self.0.crowded
    }

    pub fn figures(&self) -> Vec<Figure> {
        self.0.figures.all(self.0.clock.now())
    }

    /// Adds somebody's figures to `/metrics`.
    pub fn measured_by(&self, measuring: Measuring) {
        let mut all = self.0.measuring.write().unwrap_or_else(PoisonError::into_inner);
        all.push(measuring);
    }

    pub(crate) fn measures(&self) -> Vec<Measure> {
        let all = self.0.measuring.read().unwrap_or_else(PoisonError::into_inner);
        all.iter().flat_map(|measuring| measuring()).collect()
    }

    pub fn uptime(&self) -> Duration {
        self.0.began.elapsed()
    }

    pub fn totals(&self) -> Totals {
        let counts = &self.0.counts;
        Totals {
            seen: counts.seen.load(Relaxed),
            lost: counts.lost.load(Relaxed),
            set_aside: counts.set_aside.load(Relaxed),
            stored: counts.stored.load(Relaxed),
            spooled: counts.spooled.load(Relaxed),
            waiting: lock(&self.0.queue).len() as u64,
        }
    }

    /// An error of a page in somebody's browser.
    pub fn browser_error(
        &self,
        message: &str,
        stack: Option<&str>,
        url: Option<&str>,
        release: Option<&str>,
        request_id: &str,
    ) {
        // The address without what was asked: that can hold anything.
        let place = url
            .and_then(|url| url.split(['?', '#']).next())
            .unwrap_or_default();
        let chain = [Some(message), stack].into_iter().flatten().map(str::to_owned);
        self.take(Capture {
            kind: "browser",
            code: "browser_error".to_owned(),
            place: clean(place),
            message: message.to_owned(),
            chain: chain.collect(),
            request_id: Some(request_id.to_owned()),
            at: self.0.clock.now(),
            count: 1,
            release: release.unwrap_or(self.0.release).to_owned(),
        });
    }

    /// Takes down what workers failed at since the last look.
    pub fn look_at_workers(&self, status: &Status) {
        let mut seen = lock(&self.0.workers_seen);
        for worker in &status.workers {
            let now = [worker.errors, worker.panics, worker.overruns];
            let before = seen.insert(worker.name.clone(), now).unwrap_or_default();
            let codes = [
                ("error", "worker_error"),
                ("panic", "worker_panic"),
                ("error", "worker_overrun"),
            ];
            for ((kind, code), (now, before)) in codes.into_iter().zip(now.into_iter().zip(before)) {
                if now > before {
                    let text = worker.last_error.clone().unwrap_or_default();
                    self.take(Capture {
                        kind,
                        code: code.to_owned(),
                        place: worker.name.clone(),
                        message: text.clone(),
                        chain: vec![text],
                        request_id: None,
                        at: worker
                            .last_error_at
                            .map_or_else(|| self.0.clock.now(), Timestamp::from_micros),
                        count: now - before,
                        release: self.0.release.to_owned(),
                    });
                }
            }
        }
    }

    fn take(&self, mut capture: Capture) {
        capture.message = clean(&capture.message);
        capture.chain.truncate(DEEPEST);
        for text in &mut capture.chain {
            *text = clean(text);
        }
        self.0.counts.seen.fetch_add(capture.count, Relaxed);
        if let Some(sentry) = &self.0.sentry
            && capture.kind != "browser"
        {
            sentry.report(&capture);
        }
        let mut queue = lock(&self.0.queue);
        if queue.len() >= QUEUE {
            self.lose(capture.count);
            return;
        }
        queue.push_back(capture);
        let half = queue.len() == QUEUE / 2;
        drop(queue);
        if half {
            self.0.crowded.wake();
        }
    }

    fn refused(&self, route: &str, code: &str) {
        let key = (hour(self.0.clock.now()), Box::from(code));
        let mut refusals = lock(&self.0.refusals);
        if let Some(counts) = refusals.get_mut(route) {
            *counts.entry(key).or_default() += 1;
        } else if refusals.len() < MOST_REFUSALS {
            refusals.insert(route.into(), HashMap::from([(key, 1)]));
        }
    }

    /// Brings everything that waits into the database or, when that is away, into the spool.
    /// Also for the end of the server, after the last request. An error means that neither
    /// took it; it is kept and tried again.
    pub async fn flush(&self) -> Result<Flushed> {
        let inner = &*self.0;
        let mut pending = inner.pending.lock().await;
        let captures = std::mem::take(&mut *lock(&inner.queue));
        let refusals = std::mem::take(&mut *lock(&inner.refusals));
        for capture in captures {
            self.lose(pending.add(capture));
        }
        for (route, counts) in refusals {
            for ((hour, code), count) in counts {
                pending.refuse(hour, route.to_string(), code.into(), count);
            }
        }
        let path = inner.spool.clone();
        let (spooled, unreadable) = blocking(move || store::unspool(&path)).await?;
        if pending.is_empty() && spooled.is_empty() {
            return Ok(Flushed::default());
        }
        let was_spooled = !spooled.is_empty();
        let mut batch = pending.clone();
        let unfitting = batch.merge(spooled);
        let outcome = batch.store(&inner.db).await;
        if outcome.is_nothing() {
            // The database is away: the spool stays as it is and grows.
            if pending.is_empty() {
                return Ok(Flushed::default());
            }
            let (path, batch) = (inner.spool.clone(), pending.clone());
            blocking(move || store::spool(&path, batch)).await?;
            let spooled = std::mem::take(&mut *pending).errors();
            inner.counts.spooled.fetch_add(spooled, Relaxed);
            return Ok(Flushed { stored: 0, spooled });
        }
        let (stored, spooled) = (outcome.errors, outcome.left.errors());
        if let Some(error) = outcome.why {
            self.set_aside(outcome.refused, error).await;
        }
        if was_spooled || !outcome.left.is_empty() {
            let path = inner.spool.clone();
            blocking(move || store::respool(&path, outcome.left)).await?;
        }
        *pending = Batch::default();
        inner.counts.stored.fetch_add(stored, Relaxed);
        inner.counts.spooled.fetch_add(spooled, Relaxed);
        self.lose(unreadable + unfitting);
        Ok(Flushed { stored, spooled })
    }

    /// Once an hour.
    pub(crate) async fn forget_old(&self) -> Result<()> {
        let now = self.0.clock.now();
        if self.0.forgotten_hour.load(Relaxed) < hour(now) {
            store::forget_old(&self.0.db, now).await?;
            self.0.forgotten_hour.store(hour(now), Relaxed);
        }
        Ok(())
    }

    /// Whether something was lost or set aside within the last hour.
    pub fn lost_lately(&self) -> bool {
        let hour_ago = self.0.clock.now().minus(Duration::from_hours(1));
        self.0.lost_at.load(Relaxed) > hour_ago.as_micros()
    }

    fn lose(&self, count: u64) {
        if count > 0 {
            self.0.counts.lost.fetch_add(count, Relaxed);
            self.0.lost_at.store(self.0.clock.now().as_micros(), Relaxed);
        }
    }

    /// Keeps what the database refuses out of the way of everything else.
    async fn set_aside(&self, refused: Vec<Batch>, error: Error) {
        let count = refused.len() as u64;
        let path = self.0.spool.with_extension("set-aside");
        tracing::error!(%error, count, file = %path.display(), "the database refuses errors or counts; they are set aside");
        let mut all = Batch::default();
        for batch in refused {
            all.merge(batch);
        }
        if let Err(error) = blocking(move || store::spool(&path, all)).await {
            tracing::error!(%error, count, "what should be set aside is lost");
            return self.lose(count);
        }
        self.0.counts.set_aside.fetch_add(count, Relaxed);
        self.0.lost_at.store(self.0.clock.now().as_micros(), Relaxed);
    }
}

impl Watch for Observer {
    fn answered(&self, answered: Answered<'_>) {
        let Answered {
            method,
            route,
            status,
            took,
            code,
        } = answered;
        self.0
            .figures
            .answered(method, route, status, took, self.0.clock.now());
        if (400..500).contains(&status) {
            match code {
                Some(code) => self.refused(route, code),
                None => self.refused(route, &status.to_string()),
            }
        }
    }

    fn continues(&self, span: &tracing::Span, traceparent: &str) {
        telemetry::continue_trace(span, traceparent);
    }

    fn fault(&self, fault: Fault<'_>) {
        let chain = fault.error.chain();
        self.take(Capture {
            kind: match fault.kind {
                FaultKind::Error => "error",
                FaultKind::Panic => "panic",
            },
            code: fault.error.code().to_owned(),
            place: fault.place.to_owned(),
            message: chain.first().cloned().unwrap_or_else(|| fault.error.to_string()),
            chain,
            request_id: fault.request_id.map(str::to_owned),
            at: self.0.clock.now(),
            count: 1,
            release: self.0.release.to_owned(),
        });
    }
}

/// Cut to a bearable length, without secrets, and without the NUL that `PostgreSQL` does not take.
fn clean(text: &str) -> String {
    let end = text.char_indices().nth(LONGEST).map_or(text.len(), |(at, _)| at);
    scrub(&text[..end]).replace('\0', "")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T> {
    let outcome = tokio::task::spawn_blocking(work).await.map_err(internal)?;
    outcome.map_err(internal)
}
