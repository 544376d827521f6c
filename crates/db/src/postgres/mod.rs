//! PostgreSQL: reads share a few connections and travel in pipelines; a write
//! has a connection of its own, or shares a commit with others when it can.

mod client;
mod pipeline;
mod session;
mod together;
mod writers;

pub(crate) use session::Session;

use crate::{
    CommunityId, Param, Row, Settings,
    text::Texts,
    tx::{Link, Snapshot, Tx},
};
use base::{Error, Kind, Result, error::unavailable};
use client::{Client, Role};
use std::{
    future::Future,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::Mutex as AsyncMutex;
use writers::Writers;

/// A read that met a broken connection is tried again after so long.
const RETRIES: [Duration; 2] = [Duration::ZERO, Duration::from_millis(60)];

/// Who was refused at once asks again; who waited longer than this in vain does not.
const QUICK: Duration = Duration::from_millis(500);

/// A write that left nothing behind is tried again after about so long.
const REPEATS: [Duration; 3] = [
    Duration::from_millis(10),
    Duration::from_millis(50),
    Duration::from_millis(250),
];

pub(crate) struct Postgres {
    connector: Arc<client::Connector>,
    pub(crate) texts: Arc<Texts>,
    lanes: Vec<Lane>,
    writers: Arc<Writers>,
    repeats: AtomicUsize,
    patience: Duration,
}

/// A connection that many reads share: PostgreSQL answers them in order.
#[derive(Default)]
struct Lane {
    client: RwLock<Option<Arc<Client>>>,
    connecting: AsyncMutex<()>,
    in_flight: AtomicUsize,
}

impl Postgres {
    pub async fn open(url: &str, settings: &Settings) -> Result<Postgres> {
        let connector = Arc::new(client::Connector::new(url, settings)?);
        let postgres = Postgres {
            connector: connector.clone(),
            texts: Arc::new(Texts::new('$')),
            lanes: (0..settings.readers.max(1)).map(|_| Lane::default()).collect(),
            writers: Arc::new(Writers::new(
                connector,
                settings.writers,
                settings.connect_timeout,
            )),
            repeats: AtomicUsize::new(0),
            patience: settings.connect_timeout,
        };
        // A wrong address or password is told at the start, not at the first request.
        postgres.lane_client(&postgres.lanes[0]).await?;
        Ok(postgres)
    }

    pub async fn all<T>(
        &self,
        community: CommunityId,
        sql: &'static str,
        params: Vec<Param>,
        map: fn(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        let text = self.texts.get(sql);
        let params = text.bind(params, community);
        let began = Instant::now();
        for pause in RETRIES {
            let lane = self.quietest();
            let _turn = lane.enter();
            match self.lane_client(lane).await {
                Ok(client) => match client.all(sql, &text, &params, map).await {
                    // The connection is gone, not the statement refused: reading again is safe.
                    Err(error) if error.kind() == Kind::Unavailable && client.is_lost() => {}
                    outcome => return outcome,
                },
                Err(error) if pause > Duration::ZERO || began.elapsed() > QUICK => return Err(error),
                Err(_) => tokio::time::sleep(RETRIES[1]).await,
            }
        }
        let lane = self.quietest();
        let _turn = lane.enter();
        self.lane_client(lane).await?.all(sql, &text, &params, map).await
    }

    fn quietest(&self) -> &Lane {
        self.lanes
            .iter()
            .min_by_key(|lane| lane.in_flight.load(Ordering::Relaxed))
            .expect("there is a lane")
    }

    async fn lane_client(&self, lane: &Lane) -> Result<Arc<Client>> {
        if let Some(client) = lane.open_client() {
            return Ok(client);
        }
        let _one_at_a_time = tokio::time::timeout(self.patience, lane.connecting.lock())
            .await
            .map_err(|_| unavailable("no connection to the database in time"))?;
        if let Some(client) = lane.open_client() {
            return Ok(client);
        }
        let client = Arc::new(self.connector.connect(Role::Read).await?);
        *lane.client.write().unwrap_or_else(PoisonError::into_inner) = Some(client.clone());
        Ok(client)
    }

    pub async fn write<T, F, Fut>(&self, community: CommunityId, work: F) -> Result<T>
    where
        F: FnOnce(Tx) -> Fut,
        Fut: Future<Output = Result<T>>,
    {
        let outcome = self.write_once(community, work).await;
        outcome.map_err(|(error, _)| error)
    }

    /// Repeats a write that is certain to have left nothing behind.
    pub async fn write_again<T, F, Fut>(&self, community: CommunityId, work: F) -> Result<T>
    where
        F: FnOnce(Tx) -> Fut + Clone,
        Fut: Future<Output = Result<T>>,
    {
        for pause in REPEATS {
            match self.write_once(community, work.clone()).await {
                Ok(value) => return Ok(value),
                Err((error, false)) => return Err(error),
                Err((error, true)) => {
                    tracing::debug!(%error, "a write left nothing behind and is repeated");
                    tokio::time::sleep(self.about(pause)).await;
                }
            }
        }
        self.write(community, work).await
    }

    /// Between half and all of it, in turn: two that met in a deadlock must not meet again.
    fn about(&self, pause: Duration) -> Duration {
        let turn = self.repeats.fetch_add(1, Ordering::Relaxed) % 8;
        pause.mul_f64((8 + turn) as f64 / 16.0)
    }

    /// An error comes with whether the write may be repeated.
    async fn write_once<T, F, Fut>(
        &self,
        community: CommunityId,
        work: F,
    ) -> std::result::Result<T, (Error, bool)>
    where
        F: FnOnce(Tx) -> Fut,
        Fut: Future<Output = Result<T>>,
    {
        let session = self.session("BEGIN");
        let tx = Tx::new(Link::Postgres(session.clone()), community);
        let outcome = match work(tx.clone()).await {
            Ok(value) => session.commit(move || tx.committed()).await.map(|()| value),
            Err(error) => {
                session.rollback().await;
                Err(error)
            }
        };
        // The closure may have made another error of it, which is its answer.
        outcome.map_err(|error| {
            let repeat = error.kind() == Kind::Unavailable && session.may_be_repeated();
            (error, repeat)
        })
    }

    pub async fn read<T, F, Fut>(&self, community: CommunityId, work: F) -> Result<T>
    where
        F: FnOnce(Snapshot) -> Fut,
        Fut: Future<Output = Result<T>>,
    {
        let session = self.session("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
        let outcome = work(Snapshot::new(Link::Postgres(session.clone()), community)).await;
        session.rollback().await;
        outcome
    }

    fn session(&self, begin: &'static str) -> Arc<Session> {
        Arc::new(Session::new(self.writers.clone(), self.texts.clone(), begin))
    }

    pub async fn administer(&self, sql: &str) -> Result<()> {
        self.connector.connect(Role::Write).await?.batch(sql).await
    }

    pub fn close(&self) {
        self.writers.close();
        for lane in &self.lanes {
            lane.client.write().unwrap_or_else(PoisonError::into_inner).take();
        }
    }
}

struct Turn<'a>(&'a AtomicUsize);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Lane {
    fn enter(&self) -> Turn<'_> {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        Turn(&self.in_flight)
    }

    fn open_client(&self) -> Option<Arc<Client>> {
        let client = self.client.read().unwrap_or_else(PoisonError::into_inner).clone();
        client.filter(|client| !client.is_closed())
    }
}

/// What PostgreSQL's trouble means to the caller.
fn failure(error: tokio_postgres::Error, sql: &str) -> Error {
    use crate::violation::{Violation, ViolationKind};
    let Some(trouble) = error.as_db_error() else {
        // Connection lost, refused, cut: nothing that the statement could help.
        return unavailable(error);
    };
    let kind = match trouble.code().code() {
        "23505" => Some(ViolationKind::Unique),
        "23503" => Some(ViolationKind::ForeignKey),
        code if code.starts_with("23") => Some(ViolationKind::Other),
        _ => None,
    };
    if let (Some(kind), Some(constraint)) = (kind, trouble.constraint()) {
        let constraint = constraint.to_owned();
        let column = trouble.detail().and_then(Violation::column_in_detail);
        return Violation {
            constraint,
            kind,
            column,
        }
        .error();
    }
    let transient = ["08", "53", "57", "58"]
        .iter()
        .any(|class| trouble.code().code().starts_with(class));
    match trouble.code().code() {
        "40001" | "40P01" | "55P03" | "25006" => unavailable(error),
        _ if transient => unavailable(error),
        code => base::error::internal(format!("{code} {} in {sql}", trouble.message())),
    }
}
