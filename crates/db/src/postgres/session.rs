//! Statements of one transaction on a connection of its own.
//!
//! Two journeys are saved: `BEGIN` leaves together with the first statement,
//! and statements whose outcome nobody looks at leave together with `COMMIT`.

use super::client::Client;
use crate::{CommunityId, Param, Row, text::Text, text::Texts, tx::ended};
use base::{Error, Kind, Result, error::internal};
use futures_util::future::join_all;
use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, AtomicU8, Ordering},
};

const UNBEGUN: u8 = 0;
const OPEN: u8 = 1;
const ENDED: u8 = 2;

pub(crate) struct Session {
    client: Arc<Client>,
    texts: Arc<Texts>,
    begin: &'static str,
    state: AtomicU8,
    /// A statement failed: PostgreSQL takes nothing more and would turn COMMIT into ROLLBACK.
    failed: AtomicBool,
    in_order: AtomicBool,
    /// The database gave the transaction up, or went away before it was asked to commit.
    undone: AtomicBool,
    last: Mutex<Vec<(&'static str, Arc<Text>, Vec<Param>)>>,
}

impl Session {
    pub fn new(client: Arc<Client>, texts: Arc<Texts>, begin: &'static str) -> Session {
        Session {
            client,
            texts,
            begin,
            state: AtomicU8::new(UNBEGUN),
            failed: AtomicBool::new(false),
            in_order: AtomicBool::new(false),
            undone: AtomicBool::new(false),
            last: Mutex::default(),
        }
    }

    /// Sends `BEGIN` ahead of the first statement without waiting for its answer.
    async fn within<T>(&self, sql: &'static str, statement: impl Future<Output = Result<T>>) -> Result<T> {
        let outcome = match self.state.load(Ordering::Acquire) {
            OPEN => statement.await,
            UNBEGUN => {
                self.state.store(OPEN, Ordering::Release);
                if self.client.is_prepared(sql) {
                    let (begun, outcome) = tokio::join!(self.client.batch(self.begin), statement);
                    begun.and(outcome)
                } else {
                    // Preparing takes a journey of its own, which must not fail inside.
                    match self.client.batch(self.begin).await {
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
            let lost = self.client.is_lost() || code(error).is_some_and(|code| code.starts_with("57P"));
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
        let text = self.texts.get(sql);
        let params = text.bind(params, community);
        self.within(sql, self.client.all(sql, &text, &params, map)).await
    }

    pub async fn execute(
        &self,
        community: CommunityId,
        sql: &'static str,
        params: Vec<Param>,
    ) -> Result<u64> {
        let text = self.texts.get(sql);
        let params = text.bind(params, community);
        self.within(sql, self.client.execute(sql, &text, &params)).await
    }

    pub async fn batch(&self, sql: &'static str) -> Result<()> {
        self.within(sql, self.client.batch(sql)).await
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
            .push((sql, text, params));
        Ok(())
    }

    pub async fn commit(&self) -> Result<()> {
        let last = std::mem::take(&mut *self.last.lock().unwrap_or_else(PoisonError::into_inner));
        let mut sent_ahead = vec![];
        for (sql, text, params) in &last {
            if self.state.load(Ordering::Acquire) == OPEN && self.client.is_prepared(sql) {
                sent_ahead.push(self.client.execute(sql, text, params));
            } else {
                self.within(sql, self.client.execute(sql, text, params)).await?;
            }
        }
        let begun = self.state.swap(ENDED, Ordering::AcqRel) == OPEN;
        if self.failed.load(Ordering::Acquire) {
            self.undo(begun).await;
            return Err(internal("a statement of the transaction failed unnoticed"));
        }
        if !begun {
            self.in_order.store(true, Ordering::Release);
            return Ok(());
        }
        let (outcomes, committed) = tokio::join!(join_all(sent_ahead), self.client.batch("COMMIT"));
        self.in_order.store(committed.is_ok(), Ordering::Release);
        // COMMIT has left: only the database's own word that it gave up is good enough now.
        let outcome = outcomes.into_iter().try_fold((), |(), outcome| outcome.map(drop));
        let outcome = outcome.and(committed);
        if outcome.as_ref().is_err_and(given_up) {
            self.undone.store(true, Ordering::Release);
        }
        outcome
    }

    pub async fn rollback(&self) {
        let begun = self.state.swap(ENDED, Ordering::AcqRel) == OPEN;
        self.undo(begun).await;
    }

    async fn undo(&self, begun: bool) {
        let undone = !begun || (!self.client.is_closed() && self.client.batch("ROLLBACK").await.is_ok());
        self.in_order.store(undone, Ordering::Release);
    }

    pub fn ended_in_order(&self) -> bool {
        self.in_order.load(Ordering::Acquire)
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
