//! Removes what nobody needs: media whose time is over or whose owner is gone,
//! and bytes that no row names.

use super::store;
use base::Result;
use db::Tx;
use futures_util::{StreamExt, TryStreamExt, stream};
use platform::{App, AppState, blobs::SHELVES};
use std::{collections::HashSet, time::Duration};
use supervisor::{Failure, Plan, Report, Spec, Wake};

/// Media removed in one run; more follow at once.
const BATCH: i64 = 50;
/// Deletions under way at once.
const AT_ONCE: usize = 8;
/// Shelves looked through in an hour: all of them in a day.
const SHELVES_PER_RUN: i64 = 11;
/// Bytes without a row are left alone so long: their row may be on its way.
const GRACE: Duration = Duration::from_hours(24);

/// Rings when something was removed.
#[derive(Default)]
struct Removed(Wake);

/// The bytes of what this write removes are deleted soon after it.
pub fn wake_on_commit(app: &App, tx: &Tx) {
    let removed = app.memory_of_all::<Removed>();
    tx.on_commit(move || removed.0.wake());
}

pub fn workers(app: &AppState) -> Vec<Plan> {
    let (remove, sweep) = (app.clone(), app.clone());
    vec![
        Spec::new("media.clean_up")
            .group("platform")
            .every(Duration::from_mins(10))
            .wakes_on(&app.memory_of_all::<Removed>().0)
            .timeout(Duration::from_mins(2))
            .runs(move |_| {
                let app = remove.clone();
                async move {
                    let count = remove_expired(&app).await.map_err(failure)?;
                    let report = Report::new("removed what nobody needs").fact("media", count);
                    Ok(if count == BATCH { report.again() } else { report })
                }
            }),
        Spec::new("media.sweep")
            .group("platform")
            .every(Duration::from_hours(1))
            .timeout(Duration::from_mins(10))
            .runs(move |_| {
                let app = sweep.clone();
                async move {
                    let count = sweep_shelves(&app).await.map_err(failure)?;
                    Ok(Report::new("deleted bytes that no row names").fact("blobs", count))
                }
            }),
    ]
}

fn failure(error: base::Error) -> Failure {
    Failure::new(error.to_string())
}

/// First nobody sees it, then its bytes go, then its row: cut off in between, the next run goes on.
async fn remove_expired(app: &AppState) -> Result<i64> {
    let now = app.clock.now();
    let expired = app
        .db
        .write_again(move |tx| async move { store::claim_expired(&tx, now, BATCH).await })
        .await?;
    let blobs = store::blobs(&app.db, &expired).await?;
    stream::iter(blobs.into_iter().map(Ok))
        .try_for_each_concurrent(AT_ONCE, |blob| app.blobs.delete(blob))
        .await?;
    let count = expired.len() as i64;
    if count > 0 {
        app.db
            .write_again(move |tx| async move {
                for id in expired {
                    store::delete_removed(&tx, id).await?;
                }
                Ok(())
            })
            .await?;
    }
    Ok(count)
}

async fn sweep_shelves(app: &AppState) -> Result<i64> {
    let now = app.clock.now();
    let hour = now.as_seconds() / 3600;
    let mut count = 0;
    for n in 0..SHELVES_PER_RUN {
        let shelf = (hour * SHELVES_PER_RUN + n).rem_euclid(i64::from(SHELVES)) as u8;
        let mut old = app.blobs.shelf(shelf).await?;
        old.retain(|(_, written)| written.plus(GRACE) < now);
        for blobs in old.chunks(500) {
            let ids: Vec<_> = blobs.iter().map(|(blob, _)| *blob).collect();
            let known: HashSet<_> = store::known_blobs(&app.db, &ids).await?.into_iter().collect();
            let lost: Vec<_> = ids.into_iter().filter(|blob| !known.contains(blob)).collect();
            count += lost.len() as i64;
            let deleted: Vec<Result<()>> = stream::iter(lost)
                .map(|blob| app.blobs.delete(blob))
                .buffer_unordered(AT_ONCE)
                .collect()
                .await;
            deleted.into_iter().collect::<Result<()>>()?;
        }
    }
    Ok(count)
}
