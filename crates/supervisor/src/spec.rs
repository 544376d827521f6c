//! What is said about a worker before it lives: [`Spec`] the conditions, [`Plan`] the conditions with the code.

use std::sync::Arc;
use std::time::Duration;

use crate::restart::Restart;
use crate::status::Kind;
use crate::wake::Wake;
use crate::worker::{BoxedWorker, Context, Failure, Report, RunFn, ServiceFn, Worker};

/// When a worker runs and what it may cost. Ends in [`worker`](Self::worker), [`runs`](Self::runs) or
/// [`service`](Self::service), which give a [`Plan`] for `Supervisor::add`.
#[must_use = "a spec does nothing until its plan is added to a supervisor"]
pub struct Spec {
    pub(crate) name: Arc<str>,
    pub(crate) group: &'static str,
    pub(crate) every: Option<Duration>,
    pub(crate) wakes: Vec<Wake>,
    pub(crate) rest: Duration,
    pub(crate) timeout: Duration,
    pub(crate) restart: Restart,
    pub(crate) gate: Option<Duration>,
    pub(crate) exempt: bool,
}

impl Spec {
    /// In group `main`, with one run after the start and later ones by wake only, 60 seconds each.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self {
            name: name.into(),
            group: "main",
            every: None,
            wakes: Vec::new(),
            rest: Duration::ZERO,
            timeout: Duration::from_mins(1),
            restart: Restart::default(),
            gate: None,
            exempt: false,
        }
    }

    /// One of `Settings::groups`.
    pub fn group(mut self, group: &'static str) -> Self {
        self.group = group;
        self
    }

    /// Run again when this long has passed since the end of a run, less up to a tenth for jitter.
    pub fn every(mut self, period: Duration) -> Self {
        self.every = Some(period);
        self
    }

    /// Run also when this rings. May be said several times.
    pub fn wakes_on(mut self, wake: &Wake) -> Self {
        self.wakes.push(wake.clone());
        self
    }

    /// After a good run, hear no bell for this long: what rings meanwhile costs one run together.
    pub fn rests(mut self, pause: Duration) -> Self {
        self.rest = pause;
        self
    }

    /// How long one run may take; then it is cut. Services have no limit.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = limit;
        self
    }

    pub fn restart(mut self, restart: Restart) -> Self {
        self.restart = restart;
        self
    }

    /// The next group starts only when this worker is up (one run without failure, or `Context::ready` of a
    /// service), or when `limit` has passed. Such a worker runs at once, not at a moment of the spread.
    pub fn gates(mut self, limit: Duration) -> Self {
        self.gate = Some(limit);
        self
    }

    /// Run without queueing for the shared limit. For the few workers whose delay everybody feels.
    pub fn exempt(mut self) -> Self {
        self.exempt = true;
        self
    }

    /// A worker with state. The factory is called for the first life and for each one after a panic or an overrun.
    pub fn worker<W: Worker>(self, factory: impl Fn() -> W + Send + 'static) -> Plan {
        Plan {
            spec: self,
            kind: Kind::Periodic,
            birth: Box::new(move || Box::new(factory())),
        }
    }

    /// A worker without state: one call is one run.
    pub fn runs<F, Fut>(self, run: F) -> Plan
    where
        F: Fn(Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Report, Failure>> + Send + 'static,
    {
        let run = Arc::new(run);
        self.worker(move || RunFn(Arc::clone(&run)))
    }

    /// A future that lasts until `Context::cancelled`. It is exempt from limits of time and number; period and
    /// wakes mean nothing to it.
    pub fn service<F, Fut>(self, serve: F) -> Plan
    where
        F: Fn(Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        let serve = Arc::new(serve);
        let plan = self.worker(move || ServiceFn(Arc::clone(&serve)));
        Plan {
            kind: Kind::Service,
            ..plan
        }
    }
}

/// A worker that is ready to be added: what it is, when it runs, how it is built.
#[must_use = "a plan does nothing until it is added to a supervisor"]
pub struct Plan {
    pub(crate) spec: Spec,
    pub(crate) kind: Kind,
    pub(crate) birth: Birth,
}

pub(crate) type Birth = Box<dyn FnMut() -> Box<dyn BoxedWorker> + Send>;
