//! Signals: what the software announces to itself.
//!
//! A signal is a row written in the transaction of the change it tells of, so
//! it is there exactly when the change is. Consumers read after the commit, in
//! order, each from its own position, at least once: what a consumer does must
//! bear repetition. A consumer's position moves only after its work.
//!
//! On PostgreSQL a transaction with a later id can commit first. A row therefore
//! holds its transaction's number, consumers read in the order (xid, id), and
//! only below the oldest transaction that is still under way in this database.
//! A consumer that read by id alone would step over the late one. What is there
//! and must wait for an older transaction is looked for again very soon.

mod dispatch;

pub(crate) use dispatch::prune;
pub use dispatch::{Consumer, Dispatch, follow};

use base::{Result, Timestamp};
use db::{CommunityId, Tx, params};
use serde::{Serialize, de::DeserializeOwned};
use std::sync::{Mutex, PoisonError};
use supervisor::Wake;

/// Something that happened, by its stable name.
pub trait Signal: Serialize + DeserializeOwned + Send + 'static {
    const KIND: &'static str;
}

/// A signal as consumers receive it.
#[derive(Clone, Debug)]
pub struct Announced {
    pub id: i64,
    pub kind: String,
    pub payload: serde_json::Value,
    pub at: Timestamp,
    /// Where it happened.
    pub community: CommunityId,
    xid: i64,
}

impl Announced {
    /// The signal, when it is of that kind.
    pub fn read<S: Signal>(&self) -> Option<S> {
        (self.kind == S::KIND).then(|| serde_json::from_value(self.payload.clone()).ok())?
    }
}

/// Wakes the consumers of this node as soon as a write that announced something has committed.
#[derive(Default)]
pub struct Signals {
    /// Each with the kinds that ring it.
    wakes: Mutex<Vec<(&'static [&'static str], Wake)>>,
}

impl Signals {
    /// Rings with every commit that announced something of these kinds.
    pub fn wake_on_commit(&self, kinds: &'static [&'static str], wake: &Wake) {
        self.wakes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push((kinds, wake.clone()));
    }

    /// Writes the signal with the change it tells of.
    pub async fn announce<S: Signal>(&self, tx: &Tx, signal: &S, now: Timestamp) -> Result<()> {
        let payload = serde_json::to_value(signal).map_err(base::error::internal)?;
        tx.execute_last(
            "INSERT INTO signal (community_id, kind, payload, created_at) VALUES (@community, $1, $2, $3)",
            params![S::KIND, payload, now],
        )
        .await?;
        let wakes = self.wakes.lock().unwrap_or_else(PoisonError::into_inner);
        for (_, wake) in wakes.iter().filter(|(kinds, _)| kinds.contains(&S::KIND)) {
            let wake = wake.clone();
            tx.on_commit(move || wake.wake());
        }
        Ok(())
    }
}
