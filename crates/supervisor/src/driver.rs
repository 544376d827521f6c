//! The life of one worker: wait for a turn, run, judge how it ended, and again.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, debug, error, info_span, warn};

use crate::contain::{Ending, contain, contain_call, elapsed};
use crate::jitter::Jitter;
use crate::restart::{Fault, Restarts, Verdict};
use crate::spec::{Birth, Plan};
use crate::status::{Entry, Kind, State, UnixMicros, WorkerStatus};
use crate::worker::{BoxedWorker, Context, Failure, Report};

/// What the drivers of one supervisor share.
pub(crate) struct Shared {
    pub clock: Box<dyn Fn() -> UnixMicros + Send + Sync>,
    /// One permit for each run that may happen at the same time.
    pub turns: Arc<Semaphore>,
    pub on_quarantine: RwLock<Vec<Hook>>,
}

pub(crate) type Hook = Arc<dyn Fn(&WorkerStatus) + Send + Sync>;

pub(crate) struct Driver {
    ctx: Context,
    hard: CancellationToken,
    kind: Kind,
    every: Option<Duration>,
    rest: Duration,
    timeout: Option<Duration>,
    exempt: bool,
    first_wait: Duration,
    birth: Birth,
    /// None before the first run and after a death.
    worker: Option<Box<dyn BoxedWorker>>,
    restarts: Restarts,
    jitter: Jitter,
    shared: Arc<Shared>,
}

/// What has to happen before the next run.
enum Wait {
    Nothing,
    /// The time passes, or somebody asks.
    Idle(Option<Duration>),
    /// The time passes, whoever asks.
    Pause(Duration),
    Release,
}

impl Driver {
    pub fn new(
        plan: Plan,
        ctx: Context,
        hard: CancellationToken,
        spread: Duration,
        mut jitter: Jitter,
        shared: Arc<Shared>,
    ) -> Self {
        let Plan { spec, kind, birth } = plan;
        let is_service = kind == Kind::Service;
        let latest = match spec.every {
            _ if is_service || spec.gate.is_some() => Duration::ZERO,
            Some(every) => every.min(spread),
            None => spread,
        };
        Self {
            ctx,
            hard,
            kind,
            every: spec.every,
            rest: spec.rest,
            timeout: (!is_service).then_some(spec.timeout),
            exempt: is_service || spec.exempt,
            first_wait: jitter.between(Duration::ZERO, latest),
            birth,
            worker: None,
            restarts: Restarts::new(spec.restart),
            jitter,
            shared,
        }
    }

    pub async fn drive(mut self) {
        let soft = self.ctx.soft.clone();
        let mut next = Wait::Idle(Some(self.first_wait));
        while let Some(_turn) = soft.run_until_cancelled(self.turn(next)).await {
            let began = Instant::now();
            let ending = self.run().await;
            next = self.settle(ending, began.elapsed());
        }
        self.bury();
        self.entry().set_state(State::Stopped);
    }

    /// Wait until this worker should run and may run. The permit, if it needs one, is held during the run.
    async fn turn(&mut self, wait: Wait) -> Option<OwnedSemaphorePermit> {
        let rest = if self.worker.is_some() {
            self.rest
        } else {
            Duration::ZERO
        };
        let inbox = &self.ctx.entry.inbox;
        match wait {
            Wait::Nothing => {}
            Wait::Idle(longest) => tokio::select! {
                () = async { sleep(rest).await; inbox.asked().await } => {}
                () = elapsed(longest) => {}
            },
            Wait::Pause(pause) => sleep(pause).await,
            Wait::Release => {
                self.entry().released.notified().await;
                self.restarts.forgive();
            }
        }
        if self.exempt {
            return None;
        }
        // The semaphore is never closed; and it is fair, so that nobody who runs again at once starves others.
        Arc::clone(&self.shared.turns).acquire_owned().await.ok()
    }

    async fn run(&mut self) -> Ending<Result<Report, Failure>> {
        let Self {
            ctx,
            hard,
            timeout,
            birth,
            worker,
            shared,
            ..
        } = self;
        let entry = &ctx.entry;
        entry.inbox.answer();
        entry.began((shared.clock)(), worker.is_none());

        let span = info_span!(parent: None, "run", worker = %entry.name);
        let run = async { worker.get_or_insert_with(birth).run_boxed(ctx).await };
        contain(*timeout, hard, run.instrument(span)).await
    }

    /// Record how the run ended, log it if it failed, and say what to wait for.
    fn settle(&mut self, ending: Ending<Result<Report, Failure>>, took: Duration) -> Wait {
        self.entry().ended((self.shared.clock)(), took);
        let is_service = self.kind == Kind::Service;
        if is_service {
            self.restarts.lived(took);
        }
        let (fault, text) = match ending {
            Ending::Returned(Ok(report)) => return self.succeeded(report, took),
            Ending::Aborted => return Wait::Nothing,
            Ending::Returned(Err(failure)) => (Fault::Error, failure.text),
            Ending::Panicked(text) => (Fault::Panic, text),
            Ending::Overran => (Fault::Overrun, format!("cut after {took:.1?}")),
        };
        if fault != Fault::Error || is_service {
            self.bury();
        }
        self.failed(fault, text)
    }

    fn succeeded(&mut self, report: Report, took: Duration) -> Wait {
        debug!(worker = %self.ctx.name(), summary = %report.summary, ?took, "run finished");
        self.restarts.well();
        self.entry().up();
        let again = report.again;
        self.entry().succeeded(report);
        match again {
            Some(Duration::ZERO) => return Wait::Nothing,
            Some(pause) => return Wait::Pause(pause),
            None => {}
        }
        Wait::Idle(
            self.every
                .map(|every| self.jitter.between(every.mul_f64(0.9), every)),
        )
    }

    fn failed(&mut self, fault: Fault, text: String) -> Wait {
        let now = (self.shared.clock)();
        let name = Arc::clone(&self.entry().name);
        match self.restarts.after(fault, Instant::now(), &mut self.jitter) {
            Verdict::RetryAfter(pause) => {
                match fault {
                    Fault::Error => warn!(worker = %name, error = text, ?pause, "run failed"),
                    Fault::Overrun => warn!(worker = %name, error = text, ?pause, "run overran"),
                    Fault::Panic => error!(worker = %name, error = text, ?pause, "run panicked"),
                }
                let pause_us = UnixMicros::try_from(pause.as_micros()).unwrap_or(UnixMicros::MAX);
                let until = now.saturating_add(pause_us);
                self.entry().failed(fault, text, now, State::BackingOff { until });
                Wait::Pause(pause)
            }
            Verdict::Quarantine => {
                error!(worker = %name, error = text, ?fault, "quarantined, restart budget spent");
                self.entry().failed(fault, text, now, State::Quarantined);
                self.tell_of_quarantine();
                Wait::Release
            }
        }
    }

    fn tell_of_quarantine(&self) {
        let hooks = self
            .shared
            .on_quarantine
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let status = self.entry().status();
        for hook in hooks {
            if let Err(panic) = contain_call(|| hook(&status)) {
                error!(worker = %status.name, error = panic, "hook for quarantine panicked");
            }
        }
    }

    /// Drop the worker, which is foreign code as well.
    fn bury(&mut self) {
        let worker = self.worker.take();
        if let Err(panic) = contain_call(|| drop(worker)) {
            error!(worker = %self.ctx.name(), error = panic, "destructor panicked");
        }
    }

    fn entry(&self) -> &Entry {
        &self.ctx.entry
    }
}
