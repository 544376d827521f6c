//! Buckets in Redis, one set for all nodes.
//!
//! One script does everything in one round trip, by Redis' own clock. A node
//! that hears no answer in time gives Redis up at once and decides by itself;
//! the keeper, a supervised service, connects again and again until it is back.
//! What is never true: that a request waits longer than the set time for Redis.

use super::{Budget, StoreHealth, StoreState, gcra::Act};
use crate::cluster;
use base::Result;
use redis::{Client, ErrorKind, RedisError, RedisResult, aio::MultiplexedConnection};
use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use supervisor::Context;
use tokio::{
    sync::Notify,
    time::{sleep, timeout},
};

const SCRIPT: &str = include_str!("take.lua");
/// Between two tries to connect; doubled from the one to the other.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// How long a try to connect may take, and how often an idle link is tried.
const CONNECT_WITHIN: Duration = Duration::from_secs(2);
const PING_EVERY: Duration = Duration::from_secs(5);

pub(super) struct Shared {
    client: Client,
    wait: Duration,
    now: Mutex<Now>,
    trouble: Notify,
}

#[derive(Default)]
struct Now {
    link: Option<Arc<Link>>,
    /// The outage was logged.
    told: bool,
    outages: u64,
    last_error: Option<String>,
}

/// A connection on which the script is known by its hash.
struct Link {
    connection: MultiplexedConnection,
    script: String,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shared")
    }
}

impl Shared {
    pub fn new(url: &str, wait: Duration) -> Result<Shared> {
        Ok(Shared {
            client: cluster::redis(url)?,
            wait,
            now: Mutex::default(),
            trouble: Notify::new(),
        })
    }

    /// The backlogs as they were, in microseconds; nothing while Redis is away.
    pub async fn act(&self, act: Act, budgets: &[Budget]) -> Option<Vec<u64>> {
        let link = self.now().link.clone()?;
        let mut command = redis::cmd("EVALSHA");
        command.arg(&link.script).arg(budgets.len());
        for budget in budgets {
            command.arg(format!("mundo:limit:{}:{:032x}", budget.limit.name, budget.key));
        }
        command.arg(act.word());
        for budget in budgets {
            command.arg(budget.limit.step_us()).arg(budget.limit.period_us());
        }
        let mut connection = link.connection.clone();
        let answer = timeout(self.wait, command.query_async::<Vec<u64>>(&mut connection)).await;
        match answer.unwrap_or_else(|_| Err(too_slow())) {
            Ok(before) if before.len() == budgets.len() => Some(before),
            Ok(_) => {
                self.lost(&link, &RedisError::from((ErrorKind::Parse, "a strange answer")));
                None
            }
            Err(error) => {
                self.lost(&link, &error);
                None
            }
        }
    }

    pub fn health(&self) -> StoreHealth {
        let now = self.now();
        StoreHealth {
            state: match now.link {
                Some(_) => StoreState::Shared,
                None => StoreState::Away,
            },
            outages: now.outages,
            last_error: now.last_error.clone(),
        }
    }

    /// Keeps the link until the shutdown.
    pub async fn keep(&self, context: &Context) {
        tokio::select! {
            () = context.cancelled() => {}
            () = self.reconnect_for_ever(context) => {}
        }
    }

    async fn reconnect_for_ever(&self, context: &Context) {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.connect().await {
                Ok(link) => {
                    self.found(link.clone());
                    context.ready();
                    let began = Instant::now();
                    self.watch(&link).await;
                    // One that comes and goes is not asked ten times a second.
                    if began.elapsed() > PING_EVERY {
                        pause = FIRST_PAUSE;
                    }
                }
                Err(error) => {
                    self.missing(&error);
                    // The server serves without it.
                    context.ready();
                }
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn connect(&self) -> RedisResult<Arc<Link>> {
        let connect = async {
            let mut connection = self.client.get_multiplexed_async_connection().await?;
            let script = redis::cmd("SCRIPT")
                .arg("LOAD")
                .arg(SCRIPT)
                .query_async(&mut connection)
                .await?;
            Ok(Arc::new(Link { connection, script }))
        };
        timeout(CONNECT_WITHIN, connect)
            .await
            .unwrap_or_else(|_| Err(too_slow()))
    }

    /// Returns once the link is lost.
    async fn watch(&self, link: &Arc<Link>) {
        let mut connection = link.connection.clone();
        while self.now().link.is_some() {
            if timeout(PING_EVERY, self.trouble.notified()).await.is_ok() {
                continue;
            }
            let ping = redis::cmd("PING");
            let answer = timeout(CONNECT_WITHIN, ping.query_async::<()>(&mut connection)).await;
            if let Err(error) = answer.unwrap_or_else(|_| Err(too_slow())) {
                self.lost(link, &error);
            }
        }
    }

    fn found(&self, link: Arc<Link>) {
        let mut now = self.now();
        now.link = Some(link);
        if std::mem::take(&mut now.told) {
            tracing::info!("Redis is back: all nodes share their limits again");
        }
    }

    /// Many requests may come here at once about the same link.
    fn lost(&self, link: &Arc<Link>, error: &RedisError) {
        let mut now = self.now();
        if now.link.as_ref().is_some_and(|own| Arc::ptr_eq(own, link)) {
            now.link = None;
            now.begin_outage(error);
            self.trouble.notify_one();
        }
    }

    fn missing(&self, error: &RedisError) {
        self.now().begin_outage(error);
    }

    fn now(&self) -> std::sync::MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Now {
    fn begin_outage(&mut self, error: &RedisError) {
        self.last_error = Some(error.to_string());
        if !std::mem::replace(&mut self.told, true) {
            self.outages += 1;
            tracing::warn!(%error, "Redis is away: this node limits by itself, more strictly");
        }
    }
}

fn too_slow() -> RedisError {
    RedisError::from((ErrorKind::Io, "no answer in time"))
}
