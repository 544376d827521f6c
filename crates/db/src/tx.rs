//! A transaction, as the closures of [`Db::write`](crate::Db::write) and
//! [`Db::read`](crate::Db::read) hold it.

use crate::{CommunityId, Executor, Param, Row, postgres, sqlite};
use base::{Result, error::internal};
use std::sync::{Arc, Mutex, PoisonError};

type Callback = Box<dyn FnOnce() + Send>;

/// One write. Its clones are the same transaction; after its end they are refused.
#[derive(Clone)]
pub struct Tx {
    link: Link,
    community: CommunityId,
    callbacks: Arc<Mutex<Vec<Callback>>>,
}

/// Reads that see one state.
#[derive(Clone)]
pub struct Snapshot {
    link: Link,
    community: CommunityId,
}

#[derive(Clone)]
pub(crate) enum Link {
    /// The connection of the thread the transaction runs on.
    Sqlite(sqlite::Session),
    Postgres(Arc<postgres::Session>),
}

impl Tx {
    pub(crate) fn new(link: Link, community: CommunityId) -> Tx {
        Tx {
            link,
            community,
            callbacks: Arc::default(),
        }
    }

    pub fn community(&self) -> CommunityId {
        self.community
    }

    /// Changes rows and says how many.
    pub async fn execute(&self, sql: &'static str, params: Vec<Param>) -> Result<u64> {
        match &self.link {
            Link::Sqlite(session) => session.execute(self.community, sql, params),
            Link::Postgres(session) => session.execute(self.community, sql, params).await,
        }
    }

    /// Like `execute` for a statement whose outcome nobody looks at: on
    /// PostgreSQL it travels together with the commit. It still must succeed.
    pub async fn execute_last(&self, sql: &'static str, params: Vec<Param>) -> Result<()> {
        match &self.link {
            Link::Sqlite(session) => session.execute(self.community, sql, params).map(drop),
            Link::Postgres(session) => session.execute_last(self.community, sql, params),
        }
    }

    /// Runs a text of several statements without parameters: a migration.
    pub async fn batch(&self, sql: &'static str) -> Result<()> {
        match &self.link {
            Link::Sqlite(session) => session.batch(sql),
            Link::Postgres(session) => session.batch(sql).await,
        }
    }

    /// Runs once the change is on disk, and not at all when it is undone. Must be quick.
    pub fn on_commit(&self, callback: impl FnOnce() + Send + 'static) {
        self.callbacks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(Box::new(callback));
    }

    pub(crate) fn committed(&self) {
        let callbacks = std::mem::take(&mut *self.callbacks.lock().unwrap_or_else(PoisonError::into_inner));
        for callback in callbacks {
            callback();
        }
    }
}

impl Snapshot {
    pub(crate) fn new(link: Link, community: CommunityId) -> Snapshot {
        Snapshot { link, community }
    }
}

impl Link {
    async fn all<T: Send + 'static>(
        &self,
        community: CommunityId,
        sql: &'static str,
        params: Vec<Param>,
        map: fn(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        match self {
            Link::Sqlite(session) => session.all(community, sql, params, map),
            Link::Postgres(session) => session.all(community, sql, params, map).await,
        }
    }

    fn pick(&self, sqlite: &'static str, postgres: &'static str) -> &'static str {
        match self {
            Link::Sqlite(_) => sqlite,
            Link::Postgres(_) => postgres,
        }
    }
}

macro_rules! executor {
    ($($name:ty),*) => {$(
        impl Executor for $name {
            async fn all<T: Send + 'static>(
                &self,
                sql: &'static str,
                params: Vec<Param>,
                map: fn(&Row<'_>) -> Result<T>,
            ) -> Result<Vec<T>> {
                self.link.all(self.community, sql, params, map).await
            }

            fn pick(&self, sqlite: &'static str, postgres: &'static str) -> &'static str {
                self.link.pick(sqlite, postgres)
            }
        }
    )*};
}

executor!(Tx, Snapshot);

/// What a statement hears on a transaction that has ended.
pub(crate) fn ended() -> base::Error {
    internal("the transaction has ended")
}
