//! SQLite: one thread owns the writing connection, a few read.

mod connection;
mod writer;

pub(crate) use connection::Session;

use crate::{
    CommunityId, Param, Row, Settings,
    text::Texts,
    tx::{Link, Snapshot, Tx},
};
use base::{Error, Result, error::internal, error::unavailable};
use crossbeam_channel::{Receiver, Sender, TrySendError};
use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Waker},
    thread::JoinHandle,
};
use tokio::sync::oneshot;

/// Work that waits beyond this is turned away: the caller hears 503 at once.
const QUEUE: usize = 8192;

pub(crate) struct Sqlite {
    pub(crate) texts: Arc<Texts>,
    reads: Mutex<Option<Sender<Read>>>,
    writes: Mutex<Option<Sender<Box<dyn writer::Write>>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

type Read = Box<dyn FnOnce() + Send>;

impl Sqlite {
    pub fn open(path: &Path, settings: &Settings) -> Result<Sqlite> {
        let texts = Arc::new(Texts::new('?'));
        let (reads, read_queue) = crossbeam_channel::bounded::<Read>(QUEUE);
        let (writes, write_queue) = crossbeam_channel::bounded(QUEUE);
        let mut threads = vec![];
        // The writer opens first: it makes the file and turns the write-ahead log on.
        let writing = connection::open_for_writing(path, settings)?;
        threads.push(start("sqlite-writer", writing, &texts, settings, move || {
            writer::run(&write_queue);
        })?);
        for n in 0..settings.readers.max(1) {
            let reading = connection::open_for_reading(path, settings)?;
            let queue: Receiver<Read> = read_queue.clone();
            threads.push(start(
                &format!("sqlite-reader-{n}"),
                reading,
                &texts,
                settings,
                move || {
                    for read in queue {
                        // A panic of a mapping function must not cost the thread.
                        let _ = catch_unwind(AssertUnwindSafe(read));
                    }
                },
            )?);
        }
        Ok(Sqlite {
            texts,
            reads: Mutex::new(Some(reads)),
            writes: Mutex::new(Some(writes)),
            threads: Mutex::new(threads),
        })
    }

    pub async fn all<T: Send + 'static>(
        &self,
        community: CommunityId,
        sql: &'static str,
        params: Vec<Param>,
        map: fn(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        self.on_reader(move || Session::default().all(community, sql, params, map))
            .await
    }

    pub async fn read<T, F, Fut>(&self, community: CommunityId, work: F) -> Result<T>
    where
        F: FnOnce(Snapshot) -> Fut + Send + 'static,
        Fut: Future<Output = Result<T>>,
        T: Send + 'static,
    {
        self.on_reader(move || {
            let session = Session::default();
            session.control("BEGIN")?;
            let snapshot = Snapshot::new(Link::Sqlite(session.clone()), community);
            let outcome = finish(work(snapshot));
            session.control("COMMIT")?;
            session.end();
            outcome
        })
        .await
    }

    async fn on_reader<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (answer, reply) = oneshot::channel();
        let job: Read = Box::new(move || {
            if !answer.is_closed() {
                let _ = answer.send(work());
            }
        });
        send(&self.reads, job)?;
        reply
            .await
            .map_err(|_| internal("a reader ended in mid-statement"))?
    }

    pub async fn write<T, F, Fut>(&self, community: CommunityId, work: F) -> Result<T>
    where
        F: FnOnce(Tx) -> Fut + Send + 'static,
        Fut: Future<Output = Result<T>>,
        T: Send + 'static,
    {
        let (job, reply) = writer::job(community, work);
        send(&self.writes, job)?;
        reply
            .await
            .map_err(|_| internal("the writer ended in mid-statement"))?
    }

    /// Lets the threads finish what is queued, then waits for them.
    pub async fn close(&self) {
        self.reads.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.writes.lock().unwrap_or_else(PoisonError::into_inner).take();
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        let _ = tokio::task::spawn_blocking(move || {
            for thread in threads {
                let _ = thread.join();
            }
        })
        .await;
    }
}

fn start(
    name: &str,
    connection: rusqlite::Connection,
    texts: &Arc<Texts>,
    settings: &Settings,
    work: impl FnOnce() + Send + 'static,
) -> Result<JoinHandle<()>> {
    let (texts, timeout) = (texts.clone(), settings.statement_timeout);
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || connection::with_connection(connection, texts, timeout, work))
        .map_err(internal)
}

fn send<T>(queue: &Mutex<Option<Sender<T>>>, work: T) -> Result<()> {
    let queue = queue.lock().unwrap_or_else(PoisonError::into_inner).clone();
    match queue.map(|queue| queue.try_send(work)) {
        Some(Ok(())) => Ok(()),
        Some(Err(TrySendError::Full(_))) => Err(unavailable("too much work waits for the database")),
        _ => Err(unavailable("the database is closed")),
    }
}

/// Runs a closure of a transaction. Statements answer at once on this thread,
/// so a future that is still waiting waits for something else, and is refused.
fn finish<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    match pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => Err(internal(
            "a transaction waited for something other than the database",
        )),
    }
}

fn panicked(payload: &(dyn std::any::Any + Send)) -> Error {
    let text = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "panic".to_owned());
    internal(format!("panic in a write: {text}"))
}
