//! Leases, durable tasks and mail, on both databases. Time stands still unless a test moves it.

mod clean_up;
mod kill;
mod leases;
mod limits;
mod mailer;
mod routes;
mod signals;
mod tasks;

use base::{Clock, Entropy, Timestamp};
use db::{Db, Executor, Place, Settings, params};
use platform::{
    App, AppState, Config,
    config::Sources,
    tasks::{Handler, NewTask, Outcome, Ran, Runner, Task, TaskId, Tasks},
};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use supervisor::Supervisor;

pub const START: Timestamp = Timestamp::from_micros(1_790_000_000_000_000);

pub struct Fixture {
    pub db: Db,
    pub clock: Clock,
    place: Place,
    _folder: tempfile::TempDir,
}

/// Runs the story on a new database of each kind.
pub async fn each_db(story: impl AsyncFn(Fixture)) {
    story(sqlite().await).await;
    story(postgres().await).await;
}

pub async fn sqlite() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    open(Place::Sqlite(folder.path().join("mundo.db")), folder).await
}

pub async fn postgres() -> Fixture {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let n = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!("platform_it_{}_{n}", std::process::id());
    let admin = open_at(&Place::Postgres(pgtemp::shared("postgres").unwrap())).await;
    admin
        .administer(format!("CREATE DATABASE {name}").leak())
        .await
        .unwrap();
    open(
        Place::Postgres(pgtemp::shared(&name).unwrap()),
        tempfile::tempdir().unwrap(),
    )
    .await
}

async fn open(place: Place, folder: tempfile::TempDir) -> Fixture {
    let (db, clock) = (open_at(&place).await, Clock::manual(START));
    db::migrate::migrate(&db, &clock).await.unwrap();
    db.administer("CREATE TABLE effect (label TEXT NOT NULL)")
        .await
        .unwrap();
    Fixture {
        db,
        clock,
        place,
        _folder: folder,
    }
}

async fn open_at(place: &Place) -> Db {
    let settings = Settings {
        place: place.clone(),
        readers: 2,
        writers: 8,
        statement_timeout: Duration::from_secs(10),
        connect_timeout: Duration::from_secs(10),
    };
    Db::open(&settings).await.unwrap()
}

impl Fixture {
    pub fn app(&self, tasks: Tasks) -> AppState {
        self.app_on(self.db.clone(), tasks, &[])
    }

    /// Another node of the same server.
    pub async fn other_node(&self, tasks: Tasks) -> AppState {
        let db = match &self.place {
            Place::Sqlite(_) => self.db.clone(),
            place @ Place::Postgres(_) => open_at(place).await,
        };
        self.app_on(db, tasks, &[])
    }

    pub fn app_on(&self, db: Db, tasks: Tasks, settings: &[(&'static str, &str)]) -> AppState {
        let supervisor = Supervisor::new(supervisor::Settings::with_clock(|| 0));
        let app = App::new(
            config(settings),
            db,
            self.clock.clone(),
            Entropy::system(),
            supervisor,
        );
        AppState::new(app.with_part(tasks))
    }

    pub async fn effects(&self, label: &'static str) -> i64 {
        let sql = "SELECT count(*) FROM effect WHERE label = $1";
        self.db
            .one(sql, params![label], |row| row.get(0))
            .await
            .unwrap()
            .unwrap()
    }
}

pub fn config(settings: &[(&'static str, &str)]) -> Config {
    let flags: BTreeMap<_, _> = settings
        .iter()
        .map(|(key, value)| (*key, (*value).to_owned()))
        .collect();
    let sources = Sources {
        flags,
        ..Sources::default()
    };
    Config::load(&sources).unwrap().0
}

pub async fn enqueue(app: &AppState, task: NewTask) -> Option<TaskId> {
    let inner = app.clone();
    app.db
        .write(move |tx| async move { platform::tasks::enqueue(&inner, &tx, task).await })
        .await
        .unwrap()
}

/// One run of a runner that nothing interrupts.
pub async fn run(app: &AppState) -> Ran {
    Runner::new(app).run_due(|| false).await.unwrap()
}

/// An effect in the database, together with the note that the task is done.
pub fn effect(label: String) -> Outcome {
    Outcome::done_in(move |tx| async move {
        tx.execute("INSERT INTO effect (label) VALUES ($1)", params![label])
            .await
            .map(drop)
    })
}

/// A handler from a closure.
pub struct Does<F>(pub &'static str, pub F);

impl<F, Fut> Handler for Does<F>
where
    F: Fn(Task) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = base::Result<Outcome>> + Send,
{
    fn kind(&self) -> &'static str {
        self.0
    }
    async fn run(&self, _: &AppState, task: &Task) -> base::Result<Outcome> {
        (self.1)(task.clone()).await
    }
}

pub fn counter() -> Arc<AtomicU32> {
    Arc::default()
}
