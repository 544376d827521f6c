//! The connections that write: so many at most, each one transaction's own while it lasts.

use super::{
    client::{Client, Connector, Role},
    together::Departures,
};
use base::{Result, error::unavailable};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub(crate) struct Writers {
    connector: Arc<Connector>,
    idle: Mutex<Vec<Arc<Client>>>,
    turns: Arc<Semaphore>,
    patience: Duration,
    pub(super) departures: Mutex<Departures>,
}

/// A connection of one's own, with the turn that allows it.
pub struct Own {
    pub client: Arc<Client>,
    turn: Mutex<Option<OwnedSemaphorePermit>>,
}

impl Writers {
    pub fn new(connector: Arc<Connector>, count: usize, patience: Duration) -> Writers {
        Writers {
            connector,
            idle: Mutex::default(),
            turns: Arc::new(Semaphore::new(count.max(1))),
            patience,
            departures: Mutex::default(),
        }
    }

    pub async fn take(&self) -> Result<Own> {
        let turn = tokio::time::timeout(self.patience, self.turns.clone().acquire_owned())
            .await
            .map_err(|_| unavailable("every connection to the database is in use"))?
            .map_err(|_| unavailable("the database is closed"))?;
        Ok(Own {
            client: self.idle_or_new().await?,
            turn: Mutex::new(Some(turn)),
        })
    }

    /// An idle connection may have ended since its last use; then another is tried.
    async fn idle_or_new(&self) -> Result<Arc<Client>> {
        loop {
            let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            match idle {
                Some(client) if !client.is_closed() => return Ok(client),
                Some(_) => {}
                None => return Ok(Arc::new(self.connector.connect(Role::Write).await?)),
            }
        }
    }

    /// Only a connection whose transaction ended in order is used again.
    pub fn give_back(&self, own: &Own, in_order: bool) {
        let turn = own.turn.lock().unwrap_or_else(PoisonError::into_inner).take();
        if turn.is_some() && in_order && !own.client.is_closed() {
            self.idle
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(own.client.clone());
        }
    }

    pub fn close(&self) {
        self.turns.close();
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
