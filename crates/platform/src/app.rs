//! What every handler holds.

use crate::{Config, Watch, blobs::Blobs, http::InFlight, limits::Limits, signals::Signals, texts::Texts};
use base::{Clock, Entropy, Ids};
use db::Db;
use std::{
    any::{Any, TypeId, type_name},
    collections::HashMap,
    ops::Deref,
    sync::{Arc, PoisonError, RwLock, atomic::AtomicBool},
};
use supervisor::Supervisor;

/// How logs, errors and figures name this build.
pub const RELEASE: &str = concat!("mundo@", env!("CARGO_PKG_VERSION"));

/// The running server. Built once by the assembly; cheap to clone as [`AppState`].
pub struct App {
    pub config: Config,
    pub db: Db,
    pub clock: Clock,
    pub entropy: Entropy,
    pub ids: Ids,
    pub texts: &'static Texts,
    pub signals: Signals,
    pub limits: Limits,
    pub blobs: Blobs,
    pub supervisor: Supervisor,
    /// True from the moment a stop is asked for: load balancers should look elsewhere.
    pub draining: AtomicBool,
    pub(crate) in_flight: InFlight,
    watchers: RwLock<Vec<Arc<dyn Watch>>>,
    parts: HashMap<TypeId, Part>,
    memories: RwLock<HashMap<TypeId, Part>>,
}

type Part = Arc<dyn Any + Send + Sync>;

#[derive(Clone)]
pub struct AppState(Arc<App>);

impl App {
    pub fn new(config: Config, db: Db, clock: Clock, entropy: Entropy, supervisor: Supervisor) -> App {
        App {
            limits: Limits::new(clock.clone(), &config).expect("the settings were checked"),
            blobs: Blobs::new(&config),
            ids: Ids::new(clock.clone(), entropy.clone()),
            texts: Texts::built_in(),
            signals: Signals::default(),
            draining: AtomicBool::new(false),
            in_flight: InFlight::default(),
            watchers: RwLock::default(),
            parts: HashMap::new(),
            memories: RwLock::default(),
            config,
            db,
            clock,
            entropy,
            supervisor,
        }
    }

    /// Puts the state of a crate above here, to be found by its type.
    #[must_use]
    pub fn with_part<T: Send + Sync + 'static>(mut self, part: T) -> App {
        self.parts.insert(TypeId::of::<T>(), Arc::new(part));
        self
    }

    /// A part that commands beside the server go without.
    pub fn find_part<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.parts
            .get(&TypeId::of::<T>())
            .and_then(|part| part.downcast_ref())
    }

    pub fn part<T: Send + Sync + 'static>(&self) -> &T {
        self.find_part()
            .unwrap_or_else(|| panic!("the assembly left out {}", type_name::<T>()))
    }

    /// What a slice remembers on this node, made at its first use. Nothing may
    /// rest on it: it is empty after a start and another node has its own.
    pub fn memory<T: Default + Send + Sync + 'static>(&self) -> Arc<T> {
        let known = self
            .memories
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&TypeId::of::<T>())
            .cloned();
        known
            .unwrap_or_else(|| {
                let mut memories = self.memories.write().unwrap_or_else(PoisonError::into_inner);
                memories
                    .entry(TypeId::of::<T>())
                    .or_insert_with(|| Arc::new(T::default()))
                    .clone()
            })
            .downcast()
            .expect("a memory is found by its own type")
    }

    /// Adds somebody who keeps errors and figures.
    pub fn watched_by(&self, watch: Arc<dyn Watch>) {
        self.watchers
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .push(watch);
    }

    /// Tells each of those who watch.
    pub fn tell(&self, tell: impl Fn(&dyn Watch)) {
        for watch in self
            .watchers
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
        {
            tell(&**watch);
        }
    }
}

impl AppState {
    pub fn new(app: App) -> AppState {
        AppState(Arc::new(app))
    }
}

impl Deref for AppState {
    type Target = App;
    fn deref(&self) -> &App {
        &self.0
    }
}
