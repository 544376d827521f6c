//! Statements of one transaction, on a connection of its own from the first
//! statement that is waited for.
//!
//! Journeys are saved: `BEGIN` leaves together with that statement, and
//! statements whose outcome nobody looks at leave together with `COMMIT`. A
//! transaction of these alone needs no connection and commits with others.

use super::{
    client::Client,
    pipeline::{Deferred, Landing, send},
    writers::{Own, Writers},
};
use crate::{CommunityId, Param, Row, text::Texts, tx::ended};
use base::{Error, Kind, Result, error::internal};
use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, AtomicU8, Ordering},
};
use tokio::sync::OnceCell;

const UNBEGUN: u8 = 0;
const OPEN: u8 = 1;
const ENDED: u8 = 2;

pub(crate) struct Session {
    writers: Arc<Writers>,
    texts: Arc<Texts>,
    begin: &'static str,
    own: OnceCell<Own>,
    state: AtomicU8,
    /// A statement failed: PostgreSQL takes nothing more and would turn COMMIT into ROLLBACK.
    failed: AtomicBool,
    /// The database gave the transaction up, or went away before it was asked to commit.
    undone: AtomicBool,
    last: Mutex<Vec<Deferred>>,
}

impl Session {
    pub fn new(writers: Arc<Writers>, texts: Arc<Texts>, begin: &'static str) -> Session {
        Session {
            writers,
            texts,
            begin,
            own: OnceCell::new(),
            state: AtomicU8::new(UNBEGUN),
            failed: AtomicBool::new(false),
            undone: AtomicBool::new(false),
            last: Mutex::default(),
        }
    }

    async fn client(&self) -> Result<&Client> {
        if self.state.load(Ordering::Acquire) == ENDED {
            return Err(ended());
        }
        let own = self.own.get_or_try_init(|| self.writers.take()).await?;
        Ok(&own.client)
    }

    /// Sends `BEGIN` ahead of the first statement without waiting for its answer.
    async fn within<T>(
        &self,
        client: &Client,
        sql: &'static str,
        statement: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let outcome = match self.state.load(Ordering::Acquire) {
            OPEN => statement.await,
            UNBEGUN => {
                self.state.store(OPEN, Ordering::Release);
                if client.is_prepared(sql) {
                    let (begun, outcome) = tokio::join!(client.batch(self.begin), statement);
                    begun.and(outcome)
                } else {
                    // Preparing takes a journey of its own, which must not fail inside.
                    match client.batch(self.begin).await {
                        Ok(()) => statement.await,
                        Err(error) => Err(error),
                    }
                }
            }
            _ => return Err(ended()),
        };
        if let Err(error) = &outcome {
            self.failed.store(true, Ordering::Release);
            // Nothing was committed: the connection was lost before we asked for it.
            let lost = client.is_lost() || code(error).is_some_and(|code| code.starts_with("57P"));
            if given_up(error) || (error.kind() == Kind::Unavailable && lost) {
                self.undone.store(true, Ordering::Release);
            }
        }
        outcome
    }

    /// Whether the transaction is certain to have left nothing, for no fault of its statements.
    pub fn may_be_repeated(&self) -> bool {
        self.undone.load(Ordering::Acquire)
    }

    pub async fn all<T>(
        &self,
        community: CommunityId,
        sql: &'static str,
        params: Vec<Param>,
        map: fn(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        let (client, text) = (self.client().await?, self.texts.get(sql));
        let params = text.bind(params, community);
        self.within(client, sql, client.all(sql, &text, &params, map))
            .await
    }

    pub async fn execute(
        &self,
        community: CommunityId,
        sql: &'static str,
        params: Vec<Param>,
    ) -> Result<u64> {
        let (client, text) = (self.client().await?, self.texts.get(sql));
        let params = text.bind(params, community);
        self.within(client, sql, client.execute(sql, &text, &params))
            .await
    }

    pub async fn batch(&self, sql: &'static str) -> Result<()> {
        let client = self.client().await?;
        self.within(client, sql, client.batch(sql)).await
    }

    pub fn execute_last(&self, community: CommunityId, sql: &'static str, params: Vec<Param>) -> Result<()> {
        if self.state.load(Ordering::Acquire) == ENDED {
            return Err(ended());
        }
        let text = self.texts.get(sql);
        let params = text.bind(params, community);
        self.last
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(Deferred { sql, text, params });
        Ok(())
    }

    /// Makes the change last; `committed` runs once it is on disk.
    pub async fn commit(&self, committed: impl FnOnce() + Send + 'static) -> Result<()> {
        let last = std::mem::take(&mut *self.last.lock().unwrap_or_else(PoisonError::into_inner));
        let begun = self.state.swap(ENDED, Ordering::AcqRel) == OPEN;
        let own = match self.own.get() {
            Some(own) if begun => own,
            _ if last.is_empty() => {
                committed();
                return Ok(());
            }
            _ => {
                let outcome = self.writers.together(last, committed).await;
                return outcome.inspect_err(|error| self.note(error));
            }
        };
        if self.failed.load(Ordering::Acquire) {
            self.undo(own).await;
            return Err(internal("a statement of the transaction failed unnoticed"));
        }
        let landing = send(&own.client, false, &last.iter().collect::<Vec<_>>()).await;
        self.writers
            .give_back(own, !matches!(landing, Landing::Unknown(_)));
        match landing {
            Landing::Committed => {
                committed();
                Ok(())
            }
            // COMMIT has left: only the database's own word that it gave up is good enough now.
            Landing::Undone(error) | Landing::Unknown(error) => {
                self.note(&error);
                Err(error)
            }
        }
    }

    fn note(&self, error: &Error) {
        if given_up(error) {
            self.undone.store(true, Ordering::Release);
        }
    }

    pub async fn rollback(&self) {
        let begun = self.state.swap(ENDED, Ordering::AcqRel) == OPEN;
        match self.own.get() {
            Some(own) if begun => self.undo(own).await,
            Some(own) => self.writers.give_back(own, true),
            None => {}
        }
    }

    async fn undo(&self, own: &Own) {
        let undone = !own.client.is_closed() && own.client.batch("ROLLBACK").await.is_ok();
        self.writers.give_back(own, undone);
    }
}

/// A serialisation failure or a deadlock: PostgreSQL has rolled back by itself.
fn given_up(error: &Error) -> bool {
    code(error).is_some_and(|code| ["40001", "40P01"].contains(&code))
}

fn code(error: &Error) -> Option<&str> {
    let error = error.cause_as::<tokio_postgres::Error>()?;
    error.code().map(tokio_postgres::error::SqlState::code)
}
