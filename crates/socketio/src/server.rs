//! The server: its connections, its namespaces, its clock and its end.

use crate::{
    Counts, Id, Namespace, Reason,
    config::{Admitted, Builder, Config},
    connection::Connection,
    counts::Counters,
    http as requests, lock,
    raw::RawHandler,
    wheel::{Millis, Wheel},
};
use ::http::request::Parts;
use axum::{Router, extract::Request, response::Response, routing::any};
use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// The wheel turns so many times within the shorter of the heartbeat's two times.
const TURNS: u64 = 64;
const MAX_GRAIN_MS: u64 = 250;

/// A Socket.IO server. Clones are the same server.
#[derive(Clone)]
pub struct Server(pub(crate) Arc<Shared>);

pub(crate) struct Hooks {
    pub admit: Option<Box<dyn Fn(&Parts) -> Result<Admitted, Response> + Send + Sync>>,
    pub random: Box<dyn Fn(&mut [u8]) + Send + Sync>,
    pub raw: Option<RawHandler>,
}

impl Default for Hooks {
    fn default() -> Hooks {
        Hooks {
            admit: None,
            random: Box::new(|bytes| getrandom::fill(bytes).expect("the system has randomness")),
            raw: None,
        }
    }
}

pub(crate) struct Shared {
    pub config: Config,
    pub admit: Option<Box<dyn Fn(&Parts) -> Result<Admitted, Response> + Send + Sync>>,
    pub random: Box<dyn Fn(&mut [u8]) + Send + Sync>,
    pub raw: Option<RawHandler>,
    pub counters: Counters,
    /// Everything that runs for the server: websockets, handlers, the wheel.
    pub tasks: TaskTracker,
    pub grain_ms: u64,
    connections: Mutex<HashMap<Id, Arc<Connection>>>,
    namespaces: RwLock<HashMap<Box<str>, Namespace>>,
    wheel: Mutex<(Wheel, Turning)>,
    epoch: Instant,
    ending: CancellationToken,
}

/// Whether a task turns the wheel.
type Turning = bool;

impl Shared {
    pub fn new(config: Config, hooks: Hooks) -> Shared {
        let grain_ms = config.ping_interval_ms.min(config.ping_timeout_ms) / TURNS;
        let wheel = Wheel::new(Duration::from_millis(grain_ms.clamp(1, MAX_GRAIN_MS)));
        Shared {
            config,
            admit: hooks.admit,
            random: hooks.random,
            raw: hooks.raw,
            counters: Counters::default(),
            tasks: TaskTracker::new(),
            grain_ms: wheel.grain_ms(),
            connections: Mutex::default(),
            // The main namespace is always there.
            namespaces: RwLock::new(HashMap::from([("/".into(), Namespace::new("/"))])),
            wheel: Mutex::new((wheel, false)),
            epoch: Instant::now(),
            ending: CancellationToken::new(),
        }
    }

    pub fn now(&self) -> Millis {
        self.epoch.elapsed().as_millis() as Millis
    }

    pub fn is_ending(&self) -> bool {
        self.ending.is_cancelled()
    }

    pub fn find(&self, id: &str) -> Option<Arc<Connection>> {
        lock(&self.connections).get(&Id::parse(id)?).cloned()
    }

    pub fn namespace(&self, name: &str) -> Option<Namespace> {
        let namespaces = self.namespaces.read().unwrap_or_else(PoisonError::into_inner);
        namespaces.get(name).cloned()
    }

    /// False when the server ends.
    pub fn add(self: &Arc<Self>, connection: &Arc<Connection>, first_turn: Millis) -> bool {
        {
            let mut connections = lock(&self.connections);
            if self.is_ending() {
                return false;
            }
            connections.insert(connection.id, connection.clone());
        }
        Counters::add(&self.counters.open_connections, 1);
        let mut wheel = lock(&self.wheel);
        let (wheel, turning) = &mut *wheel;
        wheel.skip_to(self.now());
        wheel.insert(connection.id, first_turn);
        if !std::mem::replace(turning, true) {
            self.tasks.spawn(turn(self.clone()));
        }
        true
    }

    pub fn remove(&self, id: Id) {
        if lock(&self.connections).remove(&id).is_some() {
            Counters::sub(&self.counters.open_connections, 1);
        }
    }

    fn all(&self) -> Vec<Arc<Connection>> {
        lock(&self.connections).values().cloned().collect()
    }
}

/// Turns the wheel while connections stand in it.
async fn turn(server: Arc<Shared>) {
    loop {
        let next = {
            let mut wheel = lock(&server.wheel);
            if wheel.0.is_empty() {
                wheel.1 = false;
                return;
            }
            wheel.0.next_turn()
        };
        tokio::select! {
            () = server.ending.cancelled() => return,
            () = sleep_until(server.epoch + Duration::from_millis(next)) => {}
        }
        let now = server.now();
        let due = lock(&server.wheel).0.due(now);
        for id in due {
            let connection = lock(&server.connections).get(&id).cloned();
            if let Some(next) = connection.and_then(|connection| connection.on_time(now)) {
                lock(&server.wheel).0.insert(id, next);
            }
        }
    }
}

impl Server {
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// The namespace of this name, which begins with `/`. It exists from the first call.
    pub fn of(&self, name: &str) -> Namespace {
        let mut namespaces = self.0.namespaces.write().unwrap_or_else(PoisonError::into_inner);
        namespaces
            .entry(name.into())
            .or_insert_with(|| Namespace::new(name))
            .clone()
    }

    /// The routes of the endpoint. Cross-origin headers are a layer around them.
    pub fn router<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        let server = self.0.clone();
        let answer = any(async move |request: Request| requests::answer(server, request).await);
        let path = &self.0.config.path;
        Router::new()
            .route(&format!("{path}/"), answer.clone())
            .route(path, answer)
    }

    pub fn counts(&self) -> Counts {
        self.0.counters.read()
    }

    /// The longest queue and all queues together, in packets and bytes. Looks at every connection.
    pub fn queue_depth(&self) -> QueueDepth {
        let mut depth = QueueDepth::default();
        for connection in self.0.all() {
            let (packets, bytes) = lock(&connection.outbound).depth();
            depth.packets += packets;
            depth.bytes += bytes;
            depth.longest_packets = depth.longest_packets.max(packets);
            depth.longest_bytes = depth.longest_bytes.max(bytes);
        }
        depth
    }

    /// Ends the server: no new connections, goodbye to all that are open, and a
    /// bounded wait for what runs. Gives how many tasks still ran then. Clients
    /// learn that the transport closed, so that stock ones come back.
    pub async fn close(&self, within: Duration) -> usize {
        self.0.ending.cancel();
        for connection in self.0.all() {
            connection.close(Reason::Shutdown);
        }
        self.0.tasks.close();
        let _ = timeout(within, self.0.tasks.wait()).await;
        let namespaces = self.0.namespaces.read().unwrap_or_else(PoisonError::into_inner);
        for namespace in namespaces.values() {
            namespace.forget_handlers();
        }
        self.0.tasks.len()
    }
}

/// What waits to be sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueDepth {
    pub packets: usize,
    pub bytes: usize,
    pub longest_packets: usize,
    pub longest_bytes: usize,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Server").field(&self.0.config.path).finish()
    }
}
