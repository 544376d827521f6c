//! Statements that leave together with their commit, in one journey.

use super::client::Client;
use crate::{Param, text::Text};
use base::{Error, Kind, Result};
use futures_util::{
    FutureExt,
    future::{BoxFuture, MaybeDone, maybe_done},
};
use std::{future::poll_fn, pin::Pin, sync::Arc, task::Poll};

/// A statement whose outcome nobody looks at.
pub(super) struct Deferred {
    pub sql: &'static str,
    pub text: Arc<Text>,
    pub params: Vec<Param>,
}

/// How a transaction ended.
pub(super) enum Landing {
    Committed,
    /// Nothing of it is there.
    Undone(Error),
    /// The connection was lost on the way: it may be there or not.
    Unknown(Error),
}

/// Sends `BEGIN` unless it is behind us, the statements and `COMMIT`, and waits for all.
pub(super) async fn send(client: &Client, begin: bool, statements: &[&Deferred]) -> Landing {
    // Preparing takes a journey of its own, which must not fail between the others.
    for statement in statements {
        if let Err(error) = client.prepare(statement.sql, &statement.text).await {
            return if begin || client.batch("ROLLBACK").await.is_ok() {
                Landing::Undone(error)
            } else {
                Landing::Unknown(error)
            };
        }
    }
    let begun = begin.then(|| client.batch("BEGIN").map(|begun| begun.map(|()| 0)).boxed());
    let executed = statements
        .iter()
        .map(|s| client.execute(s.sql, &s.text, &s.params).boxed());
    let mut sent: Vec<MaybeDone<BoxFuture<'_, Result<u64>>>> =
        begun.into_iter().chain(executed).map(maybe_done).collect();
    // The first poll is what sends; all in order, and the end behind them.
    poll_fn(|context| {
        for statement in &mut sent {
            let _ = Pin::new(statement).poll(context);
        }
        Poll::Ready(())
    })
    .await;
    // What could not be written down was not sent: the others must not be kept without it.
    let whole = !sent
        .iter()
        .any(|statement| matches!(statement, MaybeDone::Done(Err(_))));
    let ended = client.batch(if whole { "COMMIT" } else { "ROLLBACK" }).await;
    let mut trouble = None;
    for statement in &mut sent {
        let mut statement = Pin::new(statement);
        statement.as_mut().await;
        if let Some(Err(error)) = statement.take_output() {
            trouble.get_or_insert(error);
        }
    }
    match (trouble, ended) {
        (None, Ok(())) => Landing::Committed,
        // After a failed statement PostgreSQL turns COMMIT into ROLLBACK.
        (Some(error), Ok(())) => Landing::Undone(error),
        (None, Err(error)) if error.kind() != Kind::Unavailable => Landing::Undone(error),
        (trouble, Err(error)) => Landing::Unknown(trouble.unwrap_or(error)),
    }
}
