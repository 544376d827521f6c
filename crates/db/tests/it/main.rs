//! The promises of the database layer, on both databases.

mod faults;
mod schema;
mod writes;

use base::{Clock, Timestamp};
use db::{Db, Place, Settings};
use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

pub struct Fixture {
    pub db: Db,
    _folder: tempfile::TempDir,
}

/// Runs the story on a new SQLite and on a new PostgreSQL database.
pub async fn each_db(story: impl AsyncFn(Fixture)) {
    story(sqlite().await).await;
    story(postgres().await).await;
}

pub async fn sqlite() -> Fixture {
    migrated(empty_sqlite().await).await
}

pub async fn postgres() -> Fixture {
    migrated(empty_postgres().await).await
}

pub async fn empty_sqlite() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::Sqlite(folder.path().join("mundo.db"));
    open(place, folder).await
}

pub async fn empty_postgres() -> Fixture {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let n = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!("db_it_{}_{n}", std::process::id());
    let admin = open_at(Place::Postgres(pgtemp::shared("postgres").unwrap())).await;
    let create: &'static str = format!("CREATE DATABASE {name}").leak();
    admin.all_outside(create).await;
    let place = Place::Postgres(pgtemp::shared(&name).unwrap());
    open(place, tempfile::tempdir().unwrap()).await
}

async fn open(place: Place, folder: tempfile::TempDir) -> Fixture {
    let db = open_at(place).await;
    Fixture { db, _folder: folder }
}

async fn migrated(fixture: Fixture) -> Fixture {
    let clock = Clock::manual(Timestamp::from_micros(0));
    db::migrate::migrate(&fixture.db, &clock).await.unwrap();
    fixture
}

pub async fn open_at(place: Place) -> Db {
    open_within(place, Duration::from_secs(10)).await
}

/// A database whose statements and connections may take so long.
pub async fn open_within(place: Place, limit: Duration) -> Db {
    Db::open(&Settings {
        place,
        readers: 2,
        writers: 8,
        statement_timeout: limit,
        connect_timeout: limit,
    })
    .await
    .unwrap()
}

trait Outside {
    async fn all_outside(&self, sql: &'static str);
}

impl Outside for Db {
    /// `CREATE DATABASE` cannot run inside a transaction.
    async fn all_outside(&self, sql: &'static str) {
        self.administer(sql).await.unwrap();
    }
}
