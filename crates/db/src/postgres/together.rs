//! Writes that share a commit.
//!
//! A write whose statements are all known when its closure ends needs no
//! connection of its own: it waits for the next departure, which takes all that
//! wait in one transaction and one journey. If PostgreSQL refuses any statement,
//! nothing of the departure is kept and each write travels again alone, so an
//! error reaches the write it belongs to. When the connection is lost on the way
//! nobody knows what was kept, and nothing is sent again.

use super::{
    pipeline::{Deferred, Landing, send},
    writers::Writers,
};
use base::{Result, error::internal, error::unavailable};
use std::sync::{Arc, PoisonError};
use tokio::sync::oneshot;

/// Departures under way at once: while one waits for the disk the next is filled.
const UNDER_WAY: usize = 2;
/// Writes that travel together at most.
const SEATS: usize = 128;

#[derive(Default)]
pub(super) struct Departures {
    waiting: Vec<Waiting>,
    under_way: usize,
}

struct Waiting {
    statements: Vec<Deferred>,
    committed: Box<dyn FnOnce() + Send>,
    reply: oneshot::Sender<Result<()>>,
}

impl Waiting {
    fn answer(self, outcome: Result<()>) {
        if outcome.is_ok() {
            (self.committed)();
        }
        let _ = self.reply.send(outcome);
    }
}

impl Writers {
    /// Commits with others; `committed` runs once the change is on disk, even
    /// when the caller has gone away by then.
    pub(super) async fn together(
        self: &Arc<Self>,
        statements: Vec<Deferred>,
        committed: impl FnOnce() + Send + 'static,
    ) -> Result<()> {
        let (reply, answer) = oneshot::channel();
        let first = {
            let mut departures = self.departures.lock().unwrap_or_else(PoisonError::into_inner);
            departures.waiting.push(Waiting {
                statements,
                committed: Box::new(committed),
                reply,
            });
            let first = departures.under_way < UNDER_WAY;
            departures.under_way += usize::from(first);
            first
        };
        if first {
            self.clone().depart();
        }
        answer
            .await
            .map_err(|_| internal("a departure ended in mid-statement"))?
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "a departure belongs to all its writes: none of their requests may take it along when it is cut"
    )]
    fn depart(self: Arc<Self>) {
        tokio::spawn(async move {
            while let Some(seats) = self.board() {
                self.travel(seats).await;
            }
        });
    }

    /// Those who wait, without those whose caller has gone; none ends the departures.
    fn board(&self) -> Option<Vec<Waiting>> {
        let mut departures = self.departures.lock().unwrap_or_else(PoisonError::into_inner);
        departures.waiting.retain(|write| !write.reply.is_closed());
        if departures.waiting.is_empty() {
            departures.under_way -= 1;
            return None;
        }
        let count = departures.waiting.len().min(SEATS);
        Some(departures.waiting.drain(..count).collect())
    }

    async fn travel(&self, seats: Vec<Waiting>) {
        let statements: Vec<_> = seats.iter().flat_map(|write| &write.statements).collect();
        match self.land(&statements).await {
            Landing::Committed => seats.into_iter().for_each(|write| write.answer(Ok(()))),
            Landing::Undone(_) if seats.len() > 1 => {
                for write in seats {
                    let statements: Vec<_> = write.statements.iter().collect();
                    let outcome = match self.land(&statements).await {
                        Landing::Committed => Ok(()),
                        Landing::Undone(error) | Landing::Unknown(error) => Err(error),
                    };
                    write.answer(outcome);
                }
            }
            Landing::Undone(error) => {
                if let Some(write) = seats.into_iter().next() {
                    write.answer(Err(error));
                }
            }
            Landing::Unknown(error) => {
                for write in seats {
                    write.answer(Err(unavailable(error.to_string())));
                }
            }
        }
    }

    async fn land(&self, statements: &[&Deferred]) -> Landing {
        let own = match self.take().await {
            Ok(own) => own,
            Err(error) => return Landing::Unknown(error),
        };
        let landing = send(&own.client, true, statements).await;
        self.give_back(&own, !matches!(landing, Landing::Unknown(_)));
        landing
    }
}
