//! Gives committed entries their place in the chain, on one node at a time.

use super::{
    WORKER,
    chain::{BEGINNING, link},
    head::{Head, hex},
    store,
};
use base::{Result, Timestamp, error::internal};
use db::Tx;
use platform::{
    AppState,
    leases::{self, Lease},
};
use std::time::Duration;
use supervisor::Report;

const HELD: Duration = Duration::from_mins(2);
const BATCH: i64 = 500;
/// Batches in one run, so that a run ends.
const BATCHES: usize = 40;

pub(crate) async fn chain_up(app: &AppState) -> Result<Report> {
    let now = app.clock.now();
    let Some(lease) = leases::acquire(&app.db, WORKER, app.ids.next(), now, HELD).await? else {
        return Ok(Report::new("another node chains the audit log"));
    };
    let outcome = under_lease(app, &lease, now).await;
    leases::release(&app.db, lease, now).await?;
    outcome
}

async fn under_lease(app: &AppState, lease: &Lease, now: Timestamp) -> Result<Report> {
    let folder = app.config.data.dir.clone();
    let database = store::birth(&app.db).await?;
    let recorded = blocking(move || Head::read(&folder)).await?;
    let recorded = recorded.filter(|head| head.database == database);
    if let Some(head) = &recorded {
        // To go on would hide what is gone.
        let there = store::hash_at(&app.db, head.seq).await?;
        if there.as_deref().map(hex).as_deref() != Some(&*head.hash) {
            return Err(internal(format!(
                "the audit log does not hold entry {} as it was recorded; ask `mundo audit verify`",
                head.seq
            )));
        }
    }
    let mut count = 0;
    for _ in 0..BATCHES {
        let lease = lease.clone();
        let chained = app
            .db
            .write_again(move |tx| async move { chain_batch(&tx, &lease).await })
            .await?;
        count += chained;
        if chained < BATCH {
            break;
        }
    }
    if let Some((seq, hash)) = store::newest(&app.db).await?
        && recorded.is_none_or(|head| head.seq < seq)
    {
        let head = Head {
            database,
            seq,
            hash: hex(&hash),
            recorded_at: now,
        };
        let folder = app.config.data.dir.clone();
        blocking(move || head.record(&folder)).await?;
    }
    Ok(if count == 0 {
        Report::nothing()
    } else {
        Report::new("chained the audit log").fact("entries", count)
    })
}

async fn chain_batch(tx: &Tx, lease: &Lease) -> Result<i64> {
    leases::fence(tx, lease).await?;
    let (mut seq, mut before) = match store::newest(tx).await? {
        Some((seq, hash)) => (
            seq,
            hash.try_into().map_err(|_| internal("a link is not 32 bytes"))?,
        ),
        None => (0, BEGINNING),
    };
    let entries = store::unchained(tx, BATCH).await?;
    let count = entries.len() as i64;
    for entry in entries {
        seq += 1;
        before = link(&before, seq, &entry);
        store::place(tx, entry.id, seq, before).await?;
    }
    Ok(count)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(internal)?
}
