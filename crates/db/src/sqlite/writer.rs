//! The writer: takes what waits, gives each write a savepoint in one
//! transaction, commits once, then answers them all.
//!
//! A write that fails undoes its savepoint alone. An error that ends the
//! transaction itself (a full disk, say) fails the whole batch with 503. Nobody
//! is answered before the commit is on disk.

use super::{Session, connection, finish, panicked};
use crate::{
    CommunityId,
    tx::{Link, Tx},
};
use base::{Error, Result, error::unavailable};
use crossbeam_channel::{Receiver, RecvTimeoutError};
use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};
use tokio::sync::oneshot;

/// Writes that share one commit at most.
const BATCH: usize = 256;
/// The log is folded into the database when nothing happened for so long …
const IDLE: Duration = Duration::from_millis(250);
/// … or once it has so many pages: readers look through all of it for each page,
/// a table of about so many at a time.
const LOG_PAGES: u32 = 4000;

/// A write that waits for its turn.
pub(super) trait Write: Send {
    /// Runs inside the transaction; false when it must be undone.
    fn run(&mut self) -> bool;
    /// Answers: `Err` when the batch did not reach the disk.
    fn answer(self: Box<Self>, committed: Option<&Error>);
    fn is_wanted(&self) -> bool;
}

struct Job<F, T> {
    community: CommunityId,
    work: Option<F>,
    outcome: Option<(Tx, Result<T>)>,
    reply: oneshot::Sender<Result<T>>,
}

pub(super) fn job<T, F, Fut>(
    community: CommunityId,
    work: F,
) -> (Box<dyn Write>, oneshot::Receiver<Result<T>>)
where
    F: FnOnce(Tx) -> Fut + Send + 'static,
    Fut: Future<Output = Result<T>>,
    T: Send + 'static,
{
    let (reply, answer) = oneshot::channel();
    let job = Job {
        community,
        work: Some(work),
        outcome: None,
        reply,
    };
    (Box::new(job), answer)
}

impl<T, F, Fut> Write for Job<F, T>
where
    F: FnOnce(Tx) -> Fut + Send,
    Fut: Future<Output = Result<T>>,
    T: Send,
{
    fn run(&mut self) -> bool {
        let Some(work) = self.work.take() else {
            return false;
        };
        let session = Session::default();
        let tx = Tx::new(Link::Sqlite(session.clone()), self.community);
        let inner = tx.clone();
        let outcome = catch_unwind(AssertUnwindSafe(|| finish(work(inner))))
            .unwrap_or_else(|payload| Err(panicked(&*payload)));
        session.end();
        let good = outcome.is_ok();
        self.outcome = Some((tx, outcome));
        good
    }

    fn answer(self: Box<Self>, trouble: Option<&Error>) {
        let answer = match (self.outcome, trouble) {
            (Some((tx, Ok(value))), None) => {
                tx.committed();
                Ok(value)
            }
            (Some((_, Err(error))), _) => Err(error),
            (_, Some(trouble)) => Err(unavailable(trouble.to_string())),
            (None, None) => Err(unavailable("the write was not tried")),
        };
        let _ = self.reply.send(answer);
    }

    fn is_wanted(&self) -> bool {
        !self.reply.is_closed()
    }
}

pub(super) fn run(queue: &Receiver<Box<dyn Write>>) {
    let session = Session::default();
    let (mut folded, mut due) = (true, LOG_PAGES);
    loop {
        // With nothing to fold away there is nothing to wake up for.
        let patience = if folded { Duration::MAX } else { IDLE };
        let idle = match queue.recv_timeout(patience) {
            Ok(first) => {
                write_batch(&session, first, queue);
                folded = false;
                false
            }
            Err(RecvTimeoutError::Timeout) => true,
            Err(RecvTimeoutError::Disconnected) => break,
        };
        let pages = connection::log_pages();
        if pages < LOG_PAGES {
            due = LOG_PAGES;
        }
        if idle || pages >= due {
            checkpoint(&session, "PRAGMA wal_checkpoint(PASSIVE)");
            // Readers may keep the log from beginning anew: then it is not asked at each commit.
            (folded, due) = (true, pages + LOG_PAGES);
        }
    }
    checkpoint(&session, "PRAGMA wal_checkpoint(TRUNCATE)");
}

fn write_batch(session: &Session, first: Box<dyn Write>, queue: &Receiver<Box<dyn Write>>) {
    let mut done = vec![];
    let mut trouble = session.control("BEGIN IMMEDIATE").err();
    let mut next = Some(first);
    while let Some(mut write) = next.take() {
        if trouble.is_none() && write.is_wanted() {
            trouble = within_savepoint(session, &mut *write).err();
        }
        done.push(write);
        if done.len() < BATCH {
            next = queue.try_recv().ok();
        }
    }
    if trouble.is_none() {
        trouble = session.control("COMMIT").err();
    }
    if let Some(error) = &trouble {
        tracing::error!(%error, writes = done.len(), "a batch of writes did not reach the disk");
        if session.in_transaction() {
            let _ = session.control("ROLLBACK");
        }
    }
    for write in done {
        write.answer(trouble.as_ref());
    }
}

/// An error here means that the transaction itself is gone.
fn within_savepoint(session: &Session, write: &mut dyn Write) -> Result<()> {
    session.control("SAVEPOINT one_write")?;
    let good = write.run();
    if !session.in_transaction() {
        return Err(unavailable("the database ended the transaction"));
    }
    if !good {
        session.control("ROLLBACK TO one_write")?;
    }
    session.control("RELEASE one_write")
}

fn checkpoint(session: &Session, pragma: &'static str) {
    if let Err(error) = session.batch(pragma) {
        tracing::debug!(%error, "checkpoint put off");
    }
}
