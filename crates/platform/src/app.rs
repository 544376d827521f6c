//! What every handler holds.

use crate::{Config, Watch, blobs::Blobs, http::InFlight, limits::Limits, signals::Signals, texts::Texts};
use base::{Clock, Entropy, Ids};
use db::{CommunityId, Db};
use std::{
    any::{Any, TypeId, type_name},
    collections::HashMap,
    ops::Deref,
    sync::{Arc, PoisonError, RwLock, atomic::AtomicBool},
};
use supervisor::Supervisor;

/// How logs, errors and figures name this build.
pub const RELEASE: &str = concat!("mundo@", env!("CARGO_PKG_VERSION"));

/// The running server, as one community sees it: the database speaks for it, and what
/// slices remember is remembered of it. All else is [`Shared`] by all communities.
pub struct App {
    pub db: Db,
    memories: Arc<Memories>,
    shared: Arc<Shared>,
}

/// What there is once, whichever community asks. Built by the assembly.
pub struct Shared {
    pub config: Config,
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
    memories: RwLock<HashMap<CommunityId, Arc<Memories>>>,
}

/// What slices remember of one community, by its type.
#[derive(Default)]
struct Memories(RwLock<HashMap<TypeId, Part>>);

type Part = Arc<dyn Any + Send + Sync>;

/// Cheap to clone.
#[derive(Clone)]
pub struct AppState(Arc<App>);

impl App {
    pub fn new(config: Config, db: Db, clock: Clock, entropy: Entropy, supervisor: Supervisor) -> App {
        let shared = Shared {
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
            clock,
            entropy,
            supervisor,
        };
        App {
            memories: shared.memories_of(db.community()),
            db,
            shared: Arc::new(shared),
        }
    }

    /// Puts the state of a crate above here, to be found by its type.
    #[must_use]
    pub fn with_part<T: Send + Sync + 'static>(mut self, part: T) -> App {
        let shared = Arc::get_mut(&mut self.shared).expect("the assembly has not shared the app yet");
        shared.parts.insert(TypeId::of::<T>(), Arc::new(part));
        self
    }

    /// What a slice remembers of this community on this node, made at its first use. Nothing
    /// may rest on it: it is empty after a start and another node has its own.
    pub fn memory<T: Default + Send + Sync + 'static>(&self) -> Arc<T> {
        self.memories.find()
    }

    /// The same where it is remembered once for all communities.
    pub fn memory_of_all<T: Default + Send + Sync + 'static>(&self) -> Arc<T> {
        self.shared.memories_of(CommunityId::DEFAULT).find()
    }
}

impl Deref for App {
    type Target = Shared;
    fn deref(&self) -> &Shared {
        &self.shared
    }
}

impl Memories {
    fn find<T: Default + Send + Sync + 'static>(&self) -> Arc<T> {
        let known = self
            .0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&TypeId::of::<T>())
            .cloned();
        known
            .unwrap_or_else(|| {
                let mut memories = self.0.write().unwrap_or_else(PoisonError::into_inner);
                memories
                    .entry(TypeId::of::<T>())
                    .or_insert_with(|| Arc::new(T::default()))
                    .clone()
            })
            .downcast()
            .expect("a memory is found by its own type")
    }
}

impl Shared {
    fn memories_of(&self, community: CommunityId) -> Arc<Memories> {
        let known = self.memories.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(memories) = known.get(&community) {
            return memories.clone();
        }
        drop(known);
        let mut all = self.memories.write().unwrap_or_else(PoisonError::into_inner);
        all.entry(community).or_default().clone()
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

    /// The same server, as another community sees it.
    #[must_use]
    pub fn within(&self, community: CommunityId) -> AppState {
        if self.db.community() == community {
            return self.clone();
        }
        AppState::new(App {
            db: self.db.within(community),
            memories: self.shared.memories_of(community),
            shared: self.shared.clone(),
        })
    }
}

impl Deref for AppState {
    type Target = App;
    fn deref(&self) -> &App {
        &self.0
    }
}
