//! Durable tasks: work that is promised in a write and done after it.
//!
//! [`enqueue`] puts a row into the transaction of the change that asks for the
//! work, so the promise exists exactly when the change does. A [`Runner`] on any
//! node claims what is due, runs its [`Handler`] outside of any transaction and
//! notes the outcome. A claim is a lease: when the process dies, the lease runs
//! out and another runner takes the task, with a higher token. Whatever the first
//! one still has to say is refused, because every note names the token it was
//! claimed with.
//!
//! **How often is a thing done?** A handler *runs* at least once: a crash between
//! its work and its note repeats it. An effect in our database *happens* exactly
//! once, when the handler returns it as [`Outcome::done_in`]: the write and the
//! note are one transaction, fenced by the token. Effects elsewhere (a mail, a
//! push) carry the task's id, by which the other side may know a repetition.
//!
//! Failures wait longer each time (doubling from 2 s up to an hour, half of it
//! jitter) and end as *dead*, kept for 30 days for a human and [`redrive`]. An
//! attempt counts from its claim: a task that kills its process must not do so
//! for ever. Done tasks lose their payload at once, because mails hold secrets,
//! and their row after 7 days; so long does an idempotency key hold.
//!
//! Never true: a handler running inside a transaction; a note accepted from a
//! runner whose lease went to another; a task claimed by a node that has no
//! handler for its kind, which would fail it while versions are being changed.
//!
//! `store.rs` has every statement, `runner.rs` the order in which they happen.

mod runner;
mod store;

pub use runner::{Ran, Runner};
pub use store::{Counts, DeadTask, counts, dead, prune, redrive, redrive_one};

use crate::{App, AppState};
use base::{Result, Timestamp, error::internal};
use db::{CommunityId, Tx, params};
use futures_util::future::BoxFuture;
use serde::{Serialize, de::DeserializeOwned};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use supervisor::{Plan, Spec, Wake};
use tokio::sync::Notify;
use uuid::Uuid;

base::ids! {
    /// A durable task.
    TaskId;
}
db::stored!(ids: TaskId);

/// Attempts a task has by default: the pauses between them add up to half a day.
const MAX_ATTEMPTS: u32 = 20;

/// What is claimed first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// Somebody waits for it: a mail with a code.
    High,
    #[default]
    Normal,
    /// May wait for a quiet hour: digests, rebuilding.
    Low,
}

impl Priority {
    const ALL: [Priority; 3] = [Priority::High, Priority::Normal, Priority::Low];
}

/// A task as it is asked for.
#[derive(Clone, Debug)]
pub struct NewTask {
    kind: &'static str,
    payload: serde_json::Value,
    key: Option<String>,
    priority: Priority,
    run_at: Option<Timestamp>,
    max_attempts: u32,
}

impl NewTask {
    /// Due at once, with normal priority and 20 attempts.
    pub fn new(kind: &'static str, payload: &impl Serialize) -> Result<NewTask> {
        Ok(NewTask {
            kind,
            payload: serde_json::to_value(payload).map_err(internal)?,
            key: None,
            priority: Priority::Normal,
            run_at: None,
            max_attempts: MAX_ATTEMPTS,
        })
    }

    /// Only the first task of its kind and community with this key counts.
    #[must_use]
    pub fn once(mut self, key: impl Into<String>) -> NewTask {
        self.key = Some(key.into());
        self
    }

    #[must_use]
    pub fn priority(mut self, priority: Priority) -> NewTask {
        self.priority = priority;
        self
    }

    /// Not before then.
    #[must_use]
    pub fn at(mut self, run_at: Timestamp) -> NewTask {
        self.run_at = Some(run_at);
        self
    }

    #[must_use]
    pub fn max_attempts(mut self, attempts: u32) -> NewTask {
        self.max_attempts = attempts.max(1);
        self
    }
}

/// A task as its handler sees it.
#[derive(Clone, Debug)]
pub struct Task {
    pub id: TaskId,
    pub community: CommunityId,
    pub kind: String,
    pub payload: serde_json::Value,
    pub priority: u32,
    pub run_at: Timestamp,
    /// This one included.
    pub attempts: u32,
    pub max_attempts: u32,
    pub lease_token: i64,
    pub lease_until: Timestamp,
    pub created_at: Timestamp,
}

impl Task {
    pub fn read<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_value(self.payload.clone()).map_err(internal)
    }
}

type LastWrite = Arc<dyn Fn(Tx) -> BoxFuture<'static, Result<()>> + Send + Sync>;

/// How a run ended, when not with an error.
pub enum Outcome {
    Done,
    /// Made by [`Outcome::done_in`].
    DoneIn(LastWrite),
    /// Trying again cannot help: dead at once, with this reason.
    GiveUp(String),
}

impl Outcome {
    /// Done, with a write in the transaction that says so: it happens exactly
    /// once. When it fails, so has the attempt. As in every write, only the
    /// database may be waited for.
    pub fn done_in<F, Fut>(write: F) -> Outcome
    where
        F: FnOnce(Tx) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<()>> + Send + 'static,
    {
        Outcome::DoneIn(Arc::new(move |tx| Box::pin(write.clone()(tx))))
    }
}

/// Does the tasks of one kind.
pub trait Handler: Send + Sync + 'static {
    /// Stable: rows hold it.
    fn kind(&self) -> &'static str;
    /// May run more than once, never for longer than 45 s. An error is tried again later.
    fn run(&self, app: &AppState, task: &Task) -> impl Future<Output = Result<Outcome>> + Send;
}

/// [`Handler`] in a box: what the registry holds.
trait BoxedHandler: Send + Sync {
    fn run_boxed<'a>(&'a self, app: &'a AppState, task: &'a Task) -> BoxFuture<'a, Result<Outcome>>;
}

impl<H: Handler> BoxedHandler for H {
    fn run_boxed<'a>(&'a self, app: &'a AppState, task: &'a Task) -> BoxFuture<'a, Result<Outcome>> {
        Box::pin(self.run(app, task))
    }
}

/// The handlers of this node. The assembly builds it and gives it to `App::with_part`.
#[derive(Default)]
pub struct Tasks {
    handlers: BTreeMap<&'static str, Box<dyn BoxedHandler>>,
    wake: Wake,
    /// Tells a runner in the middle of its run.
    news: Arc<Notify>,
}

impl Tasks {
    #[must_use]
    pub fn with(mut self, handler: impl Handler) -> Tasks {
        let kind = handler.kind();
        let before = self.handlers.insert(kind, Box::new(handler));
        assert!(before.is_none(), "two handlers for {kind}");
        self
    }

    pub fn of(app: &App) -> &Tasks {
        app.part()
    }

    fn kinds(&self) -> serde_json::Value {
        self.handlers.keys().copied().collect()
    }
}

/// Puts the task into the write. `None`: one with the same key is there already.
pub async fn enqueue(app: &App, tx: &Tx, task: NewTask) -> Result<Option<TaskId>> {
    const INSERT: &str = "INSERT INTO task (id, community_id, kind, payload, idempotency_key, priority, run_at, max_attempts, created_at)
         VALUES ($1, @community, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING";
    let (id, now) = (TaskId(app.ids.next::<Uuid>()), app.clock.now());
    let run_at = task.run_at.unwrap_or(now);
    let priority = task.priority as i32;
    let params = params![
        id,
        task.kind,
        task.payload,
        task.key,
        priority,
        run_at,
        task.max_attempts,
        now
    ];
    if task.key.is_none() {
        tx.execute_last(INSERT, params).await?;
    } else if tx.execute(INSERT, params).await? == 0 {
        return Ok(None);
    }
    if run_at <= now {
        let (wake, news) = (Tasks::of(app).wake.clone(), Tasks::of(app).news.clone());
        tx.on_commit(move || {
            wake.wake();
            news.notify_one();
        });
    }
    Ok(Some(id))
}

/// The background work of this module: `tasks.run`.
pub fn workers(app: &AppState) -> Vec<Plan> {
    let run = app.clone();
    vec![
        Spec::new("tasks.run")
            .group("platform")
            .every(Duration::from_secs(1))
            .wakes_on(&Tasks::of(app).wake)
            .timeout(Duration::from_mins(3))
            .worker(move || Runner::new(&run)),
    ]
}
