#![doc = include_str!("../README.md")]

mod column;
pub mod migrate;
mod param;
mod postgres;
mod sqlite;
mod text;
mod tx;
mod violation;

pub use column::{Column, Row};
pub use param::{Param, ToParam};
pub use tx::{Snapshot, Tx};
pub use violation::{OrConflict, Violation};

use base::Result;
use std::{future::Future, path::PathBuf, sync::Arc, time::Duration};

/// The community a handle speaks for. A small number, not a UUID: it stands in
/// every row and index of every content table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CommunityId(pub i32);

impl CommunityId {
    pub const DEFAULT: CommunityId = CommunityId(1);
}

/// Where the data lives and how hard it may be asked.
#[derive(Clone, Debug)]
pub struct Settings {
    pub place: Place,
    /// SQLite: threads that read. PostgreSQL: connections that reads share.
    pub readers: usize,
    /// PostgreSQL: connections that write. SQLite has one writer.
    pub writers: usize,
    /// A statement that takes longer is cut off.
    pub statement_timeout: Duration,
    /// How long to wait for a connection.
    pub connect_timeout: Duration,
}

#[derive(Clone, Debug)]
pub enum Place {
    /// A file, made when it is not there.
    Sqlite(PathBuf),
    /// `postgres://…`
    Postgres(String),
}

/// A database. Cheap to clone.
#[derive(Clone)]
pub struct Db {
    engine: Arc<Engine>,
    community: CommunityId,
}

enum Engine {
    Sqlite(sqlite::Sqlite),
    Postgres(postgres::Postgres),
}

/// What a statement runs on: the pool, a snapshot or a write.
pub trait Executor: Sync {
    /// Every row, mapped where it is read.
    fn all<T: Send + 'static>(
        &self,
        sql: &'static str,
        params: Vec<Param>,
        map: fn(&Row<'_>) -> Result<T>,
    ) -> impl Future<Output = Result<Vec<T>>> + Send;

    /// The first row, if any.
    fn one<T: Send + 'static>(
        &self,
        sql: &'static str,
        params: Vec<Param>,
        map: fn(&Row<'_>) -> Result<T>,
    ) -> impl Future<Output = Result<Option<T>>> + Send {
        async move { Ok(self.all(sql, params, map).await?.into_iter().next()) }
    }

    /// The text for this database, where one text cannot serve both.
    fn pick(&self, sqlite: &'static str, postgres: &'static str) -> &'static str;
}

/// Parameters of a statement, in the order of `$1`, `$2` …
#[macro_export]
macro_rules! params {
    ($($value:expr),* $(,)?) => { vec![$($crate::ToParam::to_param(&$value)),*] };
}

impl Db {
    /// Opens the database, without touching its schema.
    pub async fn open(settings: &Settings) -> Result<Db> {
        let engine = match &settings.place {
            Place::Sqlite(path) => Engine::Sqlite(sqlite::Sqlite::open(path, settings)?),
            Place::Postgres(url) => Engine::Postgres(postgres::Postgres::open(url, settings).await?),
        };
        Ok(Db {
            engine: Arc::new(engine),
            community: CommunityId::DEFAULT,
        })
    }

    /// The same database, speaking for another community.
    #[must_use]
    pub fn within(&self, community: CommunityId) -> Db {
        Db {
            engine: self.engine.clone(),
            community,
        }
    }

    pub fn community(&self) -> CommunityId {
        self.community
    }

    /// `sqlite` or `postgres`, for people.
    pub fn engine_name(&self) -> &'static str {
        self.pick("sqlite", "postgres")
    }

    /// True where a statement costs a function call and no journey to a server:
    /// then several small statements in a `read` beat one clever one.
    pub fn statements_are_calls(&self) -> bool {
        matches!(&*self.engine, Engine::Sqlite(_))
    }

    /// Every statement that was used so far, for who looks at their plans.
    pub fn statements(&self) -> Vec<String> {
        match &*self.engine {
            Engine::Sqlite(sqlite) => sqlite.texts.used(),
            Engine::Postgres(postgres) => postgres.texts.used(),
        }
    }

    /// Runs one transaction and answers once it is on disk. An error undoes all of it.
    ///
    /// The closure may wait for the database alone. It runs to its end even
    /// when the caller goes away on SQLite; on PostgreSQL it is rolled back,
    /// unless it is being committed by then.
    pub async fn write<T, F, Fut>(&self, work: F) -> Result<T>
    where
        F: FnOnce(Tx) -> Fut + Send + 'static,
        Fut: Future<Output = Result<T>> + Send,
        T: Send + 'static,
    {
        match &*self.engine {
            Engine::Sqlite(sqlite) => sqlite.write(self.community, work).await,
            Engine::Postgres(postgres) => postgres.write(self.community, work).await,
        }
    }

    /// Like `write` for a closure that can run again: a few times, after short pauses, when
    /// PostgreSQL gave the transaction up (a deadlock) or the connection was lost before the
    /// commit had left. What may have been committed is never repeated. SQLite has one writer,
    /// which waits for its turn by itself.
    pub async fn write_again<T, F, Fut>(&self, work: F) -> Result<T>
    where
        F: FnOnce(Tx) -> Fut + Clone + Send + 'static,
        Fut: Future<Output = Result<T>> + Send,
        T: Send + 'static,
    {
        match &*self.engine {
            Engine::Sqlite(sqlite) => sqlite.write(self.community, work).await,
            Engine::Postgres(postgres) => postgres.write_again(self.community, work).await,
        }
    }

    /// Runs several reads that see the same state.
    pub async fn read<T, F, Fut>(&self, work: F) -> Result<T>
    where
        F: FnOnce(Snapshot) -> Fut + Send + 'static,
        Fut: Future<Output = Result<T>> + Send,
        T: Send + 'static,
    {
        match &*self.engine {
            Engine::Sqlite(sqlite) => sqlite.read(self.community, work).await,
            Engine::Postgres(postgres) => postgres.read(self.community, work).await,
        }
    }

    /// Runs a statement outside of any transaction, as `CREATE DATABASE` and `VACUUM` want it.
    pub async fn administer(&self, sql: &'static str) -> Result<()> {
        match &*self.engine {
            Engine::Sqlite(_) => self.write(move |tx| async move { tx.batch(sql).await }).await,
            Engine::Postgres(postgres) => postgres.administer(sql).await,
        }
    }

    /// Answers when the database does.
    pub async fn ping(&self) -> Result<()> {
        self.one("SELECT 1", vec![], |row| row.get::<i32>(0)).await?;
        Ok(())
    }

    /// Finishes what is under way and, on SQLite, empties the write-ahead log.
    pub async fn close(&self) {
        match &*self.engine {
            Engine::Sqlite(sqlite) => sqlite.close().await,
            Engine::Postgres(postgres) => postgres.close(),
        }
    }
}

impl Executor for Db {
    async fn all<T: Send + 'static>(
        &self,
        sql: &'static str,
        params: Vec<Param>,
        map: fn(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        match &*self.engine {
            Engine::Sqlite(sqlite) => sqlite.all(self.community, sql, params, map).await,
            Engine::Postgres(postgres) => postgres.all(self.community, sql, params, map).await,
        }
    }

    fn pick(&self, sqlite: &'static str, postgres: &'static str) -> &'static str {
        match &*self.engine {
            Engine::Sqlite(_) => sqlite,
            Engine::Postgres(_) => postgres,
        }
    }
}

impl std::fmt::Debug for Db {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Db({}, community {})", self.engine_name(), self.community.0)
    }
}
