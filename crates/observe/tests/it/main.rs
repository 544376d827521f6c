//! The promises of the observer, on both databases.

mod errors;
mod pages;
mod sent;

use base::{Clock, Entropy, Timestamp};
use db::{Db, Place, Settings};
use observe::Observer;
use platform::{
    App, AppState, Config,
    config::Sources,
    watch::{Fault, FaultKind, Watch},
};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use supervisor::Supervisor;

pub struct Fixture {
    pub db: Db,
    pub clock: Clock,
    pub folder: tempfile::TempDir,
}

impl Fixture {
    pub fn observer(&self) -> Observer {
        Observer::new(
            &config(self.folder.path()),
            self.db.clone(),
            self.clock.clone(),
            "mundo@test",
            None,
        )
    }

    pub fn spool(&self) -> PathBuf {
        self.folder.path().join("errors.spool")
    }

    /// The server without its listener.
    pub fn app(&self) -> AppState {
        self.app_with(self.observer())
    }

    pub fn app_with(&self, observer: Observer) -> AppState {
        let supervisor = Supervisor::new(supervisor::Settings {
            groups: vec!["platform"],
            spread: Duration::ZERO,
            ..supervisor::Settings::with_clock(|| 0)
        });
        let config = config(self.folder.path());
        let app = App::new(
            config,
            self.db.clone(),
            self.clock.clone(),
            Entropy::seeded(1),
            supervisor,
        )
        .with_part(observer.clone());
        app.watched_by(Arc::new(observer));
        AppState::new(app)
    }
}

pub fn config(folder: &Path) -> Config {
    let environment = BTreeMap::from([("MUNDO_DATA".to_owned(), folder.display().to_string())]);
    let sources = Sources {
        environment,
        ..Sources::default()
    };
    Config::load(&sources).unwrap().0
}

pub fn fault(observer: &Observer, text: &str) {
    observer.fault(Fault {
        kind: FaultKind::Error,
        error: &base::error::internal(text),
        place: "/api/v1/posts",
        request_id: Some("request-1"),
    });
}

/// Runs the story on a new database of each kind.
pub async fn each_db(story: impl AsyncFn(Fixture)) {
    story(sqlite().await).await;
    story(postgres().await).await;
}

pub async fn sqlite() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::Sqlite(folder.path().join("mundo.db"));
    open(place, folder).await
}

async fn postgres() -> Fixture {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let n = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!("observe_it_{}_{n}", std::process::id());
    let admin = open_at(Place::Postgres(pgtemp::shared("postgres").unwrap())).await;
    admin
        .administer(format!("CREATE DATABASE {name}").leak())
        .await
        .unwrap();
    let place = Place::Postgres(pgtemp::shared(&name).unwrap());
    open(place, tempfile::tempdir().unwrap()).await
}

pub async fn open(place: Place, folder: tempfile::TempDir) -> Fixture {
    let db = open_at(place).await;
    let clock = Clock::manual(Timestamp::from_micros(1_790_000_000_000_000));
    db::migrate::migrate(&db, &clock).await.unwrap();
    Fixture { db, clock, folder }
}

async fn open_at(place: Place) -> Db {
    Db::open(&Settings {
        place,
        readers: 2,
        writers: 2,
        statement_timeout: Duration::from_secs(10),
        connect_timeout: Duration::from_secs(2),
    })
    .await
    .unwrap()
}
