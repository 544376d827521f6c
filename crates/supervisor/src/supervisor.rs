//! Start, stop and everything one can ask in between.

use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use crate::driver::{Driver, Shared};
use crate::jitter::Jitter;
use crate::jobs::Jobs;
use crate::spec::Plan;
use crate::status::{Entry, State, Status, UnixMicros, WorkerStatus};
use crate::worker::Context;

/// How long cut work has to be dropped. Only work that blocks its thread needs longer.
const LAST_BREATH: Duration = Duration::from_secs(1);

pub struct Settings {
    /// Started in this order, stopped in reverse.
    pub groups: Vec<&'static str>,
    /// How many workers may run at the same time. Services and exempt workers do not count.
    pub at_once: usize,
    /// The first runs happen at random moments of this time.
    pub spread: Duration,
    /// How long a detached job may take; then it is cut.
    pub job_timeout: Duration,
    /// Of all jitter. Nodes that start together should differ.
    pub seed: u64,
    /// Wall time, for the status only.
    pub clock: Box<dyn Fn() -> UnixMicros + Send + Sync>,
}

impl Settings {
    /// One group `main`, 8 runs at once, first runs within 30 seconds, jobs of up to a minute.
    pub fn with_clock(clock: impl Fn() -> UnixMicros + Send + Sync + 'static) -> Self {
        Self {
            groups: vec!["main"],
            at_once: 8,
            spread: Duration::from_secs(30),
            job_timeout: Duration::from_mins(1),
            seed: 0,
            clock: Box::new(clock),
        }
    }
}

/// The handle of all that runs; clones are the same supervisor. Dropping handles stops nothing, [`stop`](Self::stop)
/// does.
#[derive(Clone)]
pub struct Supervisor {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<Shared>,
    groups: Vec<Group>,
    entries: RwLock<Vec<Arc<Entry>>>,
    jobs: Jobs,
    stopping: CancellationToken,
    spread: Duration,
    seed: u64,
}

struct Group {
    name: &'static str,
    soft: CancellationToken,
    hard: CancellationToken,
    tasks: TaskTracker,
    ahead: Mutex<Ahead>,
}

/// What a group still has to start.
enum Ahead {
    Waiting {
        drivers: Vec<Driver>,
        gates: Vec<(Arc<Entry>, Duration)>,
    },
    Started,
}

/// What the shutdown could not bring to an end gently.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stopped {
    /// Workers and jobs that were dropped in the middle.
    pub aborted: Vec<String>,
    /// Those of them that did not even let themselves be dropped: they block their thread.
    pub stuck: Vec<String>,
}

impl Stopped {
    pub fn is_clean(&self) -> bool {
        self.aborted.is_empty()
    }
}

impl Supervisor {
    pub fn new(settings: Settings) -> Self {
        let shared = Shared {
            clock: settings.clock,
            turns: Arc::new(Semaphore::new(settings.at_once.max(1))),
            on_quarantine: RwLock::default(),
        };
        let inner = Inner {
            shared: Arc::new(shared),
            groups: settings.groups.into_iter().map(Group::new).collect(),
            entries: RwLock::default(),
            jobs: Jobs::new(settings.job_timeout),
            stopping: CancellationToken::new(),
            spread: settings.spread,
            seed: settings.seed,
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Take a worker under supervision. It starts with its group, or now if that has started already.
    ///
    /// # Panics
    /// If the name is taken or the group is not one of `Settings::groups`.
    pub fn add(&self, plan: Plan) {
        let Inner {
            shared,
            groups,
            entries,
            spread,
            seed,
            ..
        } = &*self.inner;
        let (name, group) = (Arc::clone(&plan.spec.name), plan.spec.group);
        let group = groups.iter().find(|known| known.name == group);
        let group = group.unwrap_or_else(|| panic!("{name}: no group {:?}", plan.spec.group));

        let entry = Arc::new(Entry::new(Arc::clone(&name), group.name, plan.kind));
        {
            let mut entries = entries.write().unwrap_or_else(PoisonError::into_inner);
            assert!(
                entries.iter().all(|other| other.name != name),
                "two workers are called {name}"
            );
            entries.push(Arc::clone(&entry));
        }
        for wake in &plan.spec.wakes {
            wake.listen(Arc::clone(&entry.inbox));
        }
        let gate = plan.spec.gate.map(|limit| (Arc::clone(&entry), limit));
        let ctx = Context {
            entry,
            soft: group.soft.clone(),
        };
        let jitter = Jitter::new(*seed, &name);
        let driver = Driver::new(plan, ctx, group.hard.clone(), *spread, jitter, Arc::clone(shared));
        group.take(driver, gate);
    }

    /// Call `hook` with the status of each worker that is quarantined, on the worker's task: be quick.
    pub fn on_quarantine(&self, hook: impl Fn(&WorkerStatus) + Send + Sync + 'static) {
        let hooks = &self.inner.shared.on_quarantine;
        hooks
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .push(Arc::new(hook));
    }

    /// Start the groups, one after the other; returns when the last one was started, or a stop came in between.
    pub async fn start(&self) {
        for group in &self.inner.groups {
            for (entry, limit) in group.launch() {
                let up = self
                    .inner
                    .stopping
                    .run_until_cancelled(timeout(limit, entry.until_up()));
                match up.await {
                    Some(Ok(())) => {}
                    Some(Err(_)) => warn!(worker = %entry.name, ?limit, "not up in time, going on without"),
                    None => return,
                }
            }
            info!(group = group.name, "started");
            if self.inner.stopping.is_cancelled() {
                return;
            }
        }
    }

    /// Ask the groups to end, last one first, and cut what has not ended when `grace` is over. Each group may use
    /// an equal share of the grace that is left; the detached jobs are the last group.
    pub async fn stop(&self, grace: Duration) -> Stopped {
        let Inner {
            groups,
            jobs,
            stopping,
            ..
        } = &*self.inner;
        let deadline = Instant::now() + grace;
        let share = |parts_left: usize| (deadline - Instant::now()) / parts_left.max(1) as u32;
        stopping.cancel();

        let mut stopped = Stopped::default();
        for (groups_below, group) in groups.iter().enumerate().rev() {
            group.soft.cancel();
            // A group that never started lives its shutdown all the same, so that all its workers end as stopped.
            group.launch();
            self.members(group).iter().for_each(|entry| entry.stopping());
            let share = share(groups_below + 2);
            let alive = || {
                let members = self.members(group).into_iter();
                let alive = members.filter(|entry| entry.state() != State::Stopped);
                alive.map(|entry| entry.name.to_string()).collect()
            };
            stopped.end(&group.tasks, &group.hard, share, alive).await;
            info!(group = group.name, "stopped");
        }
        stopped
            .end(&jobs.tasks, &jobs.hard, share(1), || jobs.running())
            .await;
        stopped
    }

    /// Bring a worker back from quarantine: reborn, its failures forgotten, run at once. False if it was in none.
    pub fn release(&self, name: &str) -> bool {
        self.find(name).is_some_and(|entry| entry.release())
    }

    /// Ask one worker for a run, as its wakes do. False if there is none of this name.
    pub fn wake(&self, name: &str) -> bool {
        self.find(name).map(|entry| entry.inbox.ask()).is_some()
    }

    /// A snapshot of all. Each worker is copied by itself, under a lock that its task holds for moments only.
    pub fn status(&self) -> Status {
        Status {
            workers: self.entries(|entry| Some(entry.status())),
            jobs: self.inner.jobs.status(),
        }
    }

    /// A snapshot of one.
    pub fn status_of(&self, name: &str) -> Option<WorkerStatus> {
        self.find(name).map(|entry| entry.status())
    }

    /// Run a short job that nobody waits for. It is cut after `Settings::job_timeout`, its panic is contained and
    /// counted under `name`, and the shutdown waits for it.
    pub fn detached(&self, name: &'static str, job: impl Future<Output = ()> + Send + 'static) {
        self.inner.jobs.start(name, job);
    }

    fn find(&self, name: &str) -> Option<Arc<Entry>> {
        self.entries(|entry| (*entry.name == *name).then(|| Arc::clone(entry)))
            .pop()
    }

    fn members(&self, group: &Group) -> Vec<Arc<Entry>> {
        self.entries(|entry| (entry.group == group.name).then(|| Arc::clone(entry)))
    }

    fn entries<T>(&self, pick: impl FnMut(&Arc<Entry>) -> Option<T>) -> Vec<T> {
        let entries = self.inner.entries.read().unwrap_or_else(PoisonError::into_inner);
        entries.iter().filter_map(pick).collect()
    }
}

impl Stopped {
    /// Wait for tasks that were asked to end; after their share of the grace, cut them and note whom it hit.
    async fn end(
        &mut self,
        tasks: &TaskTracker,
        hard: &CancellationToken,
        share: Duration,
        alive: impl Fn() -> Vec<String>,
    ) {
        tasks.close();
        if timeout(share, tasks.wait()).await.is_ok() {
            return;
        }
        let aborted = alive();
        warn!(?aborted, "grace is over, cutting what is left");
        self.aborted.extend(aborted);
        hard.cancel();
        if timeout(LAST_BREATH, tasks.wait()).await.is_err() {
            self.stuck.extend(alive());
        }
    }
}

impl Group {
    fn new(name: &'static str) -> Self {
        Self {
            name,
            soft: CancellationToken::new(),
            hard: CancellationToken::new(),
            tasks: TaskTracker::new(),
            ahead: Mutex::new(Ahead::Waiting {
                drivers: Vec::new(),
                gates: Vec::new(),
            }),
        }
    }

    fn take(&self, driver: Driver, gate: Option<(Arc<Entry>, Duration)>) {
        match &mut *self.ahead.lock().unwrap_or_else(PoisonError::into_inner) {
            Ahead::Waiting { drivers, gates } => {
                drivers.push(driver);
                gates.extend(gate);
            }
            Ahead::Started => {
                self.tasks.spawn(driver.drive());
            }
        }
    }

    /// Start what waits, once; gives back whom the next group has to wait for.
    fn launch(&self) -> Vec<(Arc<Entry>, Duration)> {
        let mut ahead = self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        match std::mem::replace(&mut *ahead, Ahead::Started) {
            Ahead::Waiting { drivers, gates } => {
                for driver in drivers {
                    self.tasks.spawn(driver.drive());
                }
                gates
            }
            Ahead::Started => Vec::new(),
        }
    }
}
