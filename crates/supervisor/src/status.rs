//! What can be seen from outside. Each worker writes its own small record; reading copies it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::{Notify, SetOnce};

use crate::restart::Fault;
use crate::wake::Inbox;
use crate::worker::Report;

/// Wall time in microseconds since 1970 UTC, as `Settings::clock` gives it.
pub type UnixMicros = i64;

/// Everything a supervisor looks after, workers in the order in which they were added.
#[derive(Clone, Debug, Serialize)]
pub struct Status {
    pub workers: Vec<WorkerStatus>,
    pub jobs: Vec<JobStatus>,
}

#[derive(Clone, Debug, Serialize)]
pub struct WorkerStatus {
    pub name: String,
    pub group: &'static str,
    pub kind: Kind,
    #[serde(flatten)]
    pub state: State,
    /// Runs that began. The life of a service is one run.
    pub runs: u64,
    pub panics: u64,
    pub errors: u64,
    pub overruns: u64,
    /// Lives after the first.
    pub restarts: u64,
    pub failures_in_a_row: u32,
    pub last_started: Option<UnixMicros>,
    pub last_finished: Option<UnixMicros>,
    pub last_duration_ms: Option<u64>,
    pub last_report: Option<Report>,
    /// The last run left something to do: the next one comes by itself.
    pub has_more: bool,
    /// The latest failure; it stays when later runs go well.
    pub last_error: Option<String>,
    pub last_error_at: Option<UnixMicros>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Periodic,
    Service,
}

/// What a worker is doing. As JSON: `"state": "idle"`; `backing_off` has `until` beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum State {
    /// Its first run, or the first after a release, is still to come.
    Starting,
    Idle,
    Running,
    BackingOff {
        until: UnixMicros,
    },
    /// Out of budget; only `Supervisor::release` brings it back.
    Quarantined,
    Stopping,
    Stopped,
}

/// Detached jobs of one name.
#[derive(Clone, Debug, Serialize)]
pub struct JobStatus {
    pub name: &'static str,
    pub running: u64,
    pub finished: u64,
    pub panics: u64,
    pub overruns: u64,
    pub last_error: Option<String>,
}

/// One worker as others reach it: its record, and the means to poke it.
pub(crate) struct Entry {
    pub name: Arc<str>,
    pub group: &'static str,
    pub inbox: Arc<Inbox>,
    /// Rung once by each `release` of a quarantine.
    pub released: Notify,
    up: SetOnce<()>,
    status: Mutex<WorkerStatus>,
}

impl Entry {
    pub fn new(name: Arc<str>, group: &'static str, kind: Kind) -> Self {
        let status = WorkerStatus {
            name: name.to_string(),
            group,
            kind,
            state: State::Starting,
            runs: 0,
            panics: 0,
            errors: 0,
            overruns: 0,
            restarts: 0,
            failures_in_a_row: 0,
            last_started: None,
            last_finished: None,
            last_duration_ms: None,
            last_report: None,
            has_more: false,
            last_error: None,
            last_error_at: None,
        };
        Self {
            name,
            group,
            inbox: Arc::default(),
            released: Notify::new(),
            up: SetOnce::new(),
            status: Mutex::new(status),
        }
    }

    pub fn status(&self) -> WorkerStatus {
        self.with(|status| status.clone())
    }

    pub fn state(&self) -> State {
        self.with(|status| status.state)
    }

    pub fn set_state(&self, state: State) {
        self.with(|status| status.state = state);
    }

    pub fn up(&self) {
        // Being up twice is being up.
        let _ = self.up.set(());
    }

    pub async fn until_up(&self) {
        self.up.wait().await;
    }

    pub fn began(&self, now: UnixMicros, new_life: bool) {
        self.with(|status| {
            status.state = State::Running;
            status.restarts += u64::from(new_life && status.runs > 0);
            status.runs += 1;
            status.last_started = Some(now);
        });
    }

    pub fn ended(&self, now: UnixMicros, took: Duration) {
        self.with(|status| {
            status.last_finished = Some(now);
            status.last_duration_ms = Some(took.as_millis() as u64);
        });
    }

    pub fn succeeded(&self, report: Report) {
        self.with(|status| {
            status.state = State::Idle;
            status.failures_in_a_row = 0;
            status.has_more = report.again.is_some();
            status.last_report = Some(report);
        });
    }

    pub fn failed(&self, fault: Fault, text: String, now: UnixMicros, next: State) {
        self.with(|status| {
            match fault {
                Fault::Error => status.errors += 1,
                Fault::Panic => status.panics += 1,
                Fault::Overrun => status.overruns += 1,
            }
            status.state = next;
            status.failures_in_a_row = status.failures_in_a_row.saturating_add(1);
            status.last_error = Some(text);
            status.last_error_at = Some(now);
        });
    }

    /// Whether there was a quarantine to end.
    pub fn release(&self) -> bool {
        let was_quarantined = self.with(|status| {
            let was_quarantined = status.state == State::Quarantined;
            if was_quarantined {
                status.state = State::Starting;
                status.failures_in_a_row = 0;
            }
            was_quarantined
        });
        if was_quarantined {
            self.released.notify_one();
        }
        was_quarantined
    }

    pub fn stopping(&self) {
        self.with(|status| {
            if status.state != State::Stopped {
                status.state = State::Stopping;
            }
        });
    }

    fn with<T>(&self, touch: impl FnOnce(&mut WorkerStatus) -> T) -> T {
        touch(&mut self.status.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
