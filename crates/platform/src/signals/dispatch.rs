//! Consumers and their positions.

use super::Announced;
use crate::AppState;
use base::{Result, Timestamp};
use db::{CommunityId, Db, Executor, Param, params};
use std::{sync::Arc, time::Duration};
use supervisor::{Context, Failure, Plan, Report, Spec, Wake, Worker};

/// Signals taken at once.
const BATCH: i64 = 200;
/// Signals are kept this long for a look back, once every consumer has them.
const KEPT: Duration = Duration::from_hours(72);
/// Between two looks of a consumer that nothing wakes.
const EVERY: Duration = Duration::from_secs(5);
/// A signal that waits for an older transaction is looked for again after this.
const SOON: Duration = Duration::from_millis(10);

/// Reacts to signals. What it does must bear repetition.
pub trait Consumer: Send + Sync + 'static {
    /// Stable: the position is kept under it.
    fn name(&self) -> &'static str;
    /// Announcements of these kinds wake it. It is given all others as well, somewhat later.
    fn hears(&self) -> &'static [&'static str];
    /// What is announced within this time after a run costs one run together.
    fn rests(&self) -> Duration {
        Duration::ZERO
    }
    /// Does what the signals ask for. An error keeps the position: all of them come again.
    fn consume(&self, app: &AppState, signals: Vec<Announced>) -> impl Future<Output = Result<()>> + Send;
}

/// The worker of a consumer, woken by the commits that announce what it hears.
pub fn follow(app: &AppState, consumer: impl Consumer) -> Plan {
    let (wake, app, consumer) = (Wake::new(), app.clone(), Arc::new(consumer));
    app.signals.wake_on_commit(consumer.hears(), &wake);
    Spec::new(consumer.name())
        .group("platform")
        .every(EVERY)
        .wakes_on(&wake)
        .rests(consumer.rests())
        .exempt()
        .worker(move || Dispatch::new(app.clone(), consumer.clone()))
}

/// What [`follow`] runs.
pub struct Dispatch<C> {
    app: AppState,
    consumer: Arc<C>,
}

impl<C: Consumer> Dispatch<C> {
    pub fn new(app: AppState, consumer: Arc<C>) -> Dispatch<C> {
        Dispatch { app, consumer }
    }
}

impl<C: Consumer> Worker for Dispatch<C> {
    async fn run(&mut self, _: &Context) -> Result<Report, Failure> {
        let (db, name) = (&self.app.db, self.consumer.name());
        let (signals, is_waiting) = unread(db, name, self.app.clock.now()).await.map_err(failure)?;
        let count = signals.len() as i64;
        let report = match signals.last().cloned() {
            None => Report::nothing(),
            Some(last) => {
                for (community, signals) in by_community(signals) {
                    let app = self.app.within(community);
                    self.consumer.consume(&app, signals).await.map_err(failure)?;
                }
                advance(db, name, &last, self.app.clock.now())
                    .await
                    .map_err(failure)?;
                Report::new("signals consumed").fact("signals", count)
            }
        };
        Ok(if is_waiting {
            report.again_after(SOON)
        } else if count == BATCH {
            report.again()
        } else {
            report
        })
    }
}

/// Signals of one community each, in their order: a consumer is given the app as that one sees it.
fn by_community(signals: Vec<Announced>) -> Vec<(CommunityId, Vec<Announced>)> {
    let mut groups: Vec<(CommunityId, Vec<Announced>)> = vec![];
    for signal in signals {
        match groups
            .iter_mut()
            .find(|(community, _)| *community == signal.community)
        {
            Some((_, group)) => group.push(signal),
            None => groups.push((signal.community, vec![signal])),
        }
    }
    groups
}

fn failure(error: base::Error) -> Failure {
    Failure::new(error.to_string())
}

/// The next signals of a consumer that are settled: no transaction which is still under way can put one
/// before them. And whether others wait until they are. A new consumer begins with the signals of its
/// first look.
async fn unread(db: &Db, consumer: &'static str, now: Timestamp) -> Result<(Vec<Announced>, bool)> {
    let position = "SELECT xid, signal_id FROM signal_consumer WHERE name = $1";
    let known = db
        .one(position, params![consumer], |row| {
            Ok((row.get::<i64>(0)?, row.get::<i64>(1)?))
        })
        .await?;
    let (xid, id) = if let Some(position) = known {
        position
    } else {
        db.write_again(move |tx| async move {
            tx.execute(
                "INSERT INTO signal_consumer (name, xid, signal_id, updated_at) VALUES ($1, 0, 0, $2) ON CONFLICT DO NOTHING",
                params![consumer, now],
            )
            .await
        })
        .await?;
        (0, 0)
    };
    let sql = db.pick(
        // One writer: the ids alone are the order. Of a pair it would look up the first half in the index,
        // which is the same everywhere here, and go through all signals.
        "SELECT /* every community */ id, kind, payload, created_at, xid, community_id, true FROM signal
         WHERE id > $2 AND +xid >= $1 ORDER BY id LIMIT $3",
        // A transaction of another database of the cluster announces nothing here. One that cannot be
        // told apart, because its role hides it, counts as ours.
        "SELECT /* every community */ id, kind, payload, created_at, xid::text::bigint, community_id,
             xid < (SELECT coalesce(min(x::text::bigint)::text::xid8, pg_snapshot_xmax(pg_current_snapshot()))
                    FROM pg_snapshot_xip(pg_current_snapshot()) x
                    WHERE NOT EXISTS (SELECT 1 FROM pg_stat_activity a WHERE a.backend_xid = x::xid
                        AND a.datid <> (SELECT oid FROM pg_database WHERE datname = current_database())))
         FROM signal WHERE (xid, id) > (($1::bigint)::text::xid8, $2) ORDER BY signal.xid, signal.id LIMIT $3",
    );
    let found: Vec<(Announced, bool)> = db
        .all(
            sql,
            vec![Param::Int(xid), Param::Int(id), Param::Int(BATCH)],
            |row| {
                let signal = Announced {
                    id: row.get(0)?,
                    kind: row.get(1)?,
                    payload: row.get(2)?,
                    at: row.get(3)?,
                    xid: row.get(4)?,
                    community: CommunityId(row.get(5)?),
                };
                Ok((signal, row.get(6)?))
            },
        )
        .await?;
    let count = found.len();
    let settled = found.into_iter().filter(|(_, is_settled)| *is_settled);
    let settled: Vec<Announced> = settled.map(|(signal, _)| signal).collect();
    let is_waiting = settled.len() < count;
    Ok((settled, is_waiting))
}

async fn advance(db: &Db, consumer: &'static str, last: &Announced, now: Timestamp) -> Result<()> {
    let (xid, id) = (last.xid, last.id);
    db.write_again(move |tx| async move {
        tx.execute(
            "UPDATE signal_consumer SET xid = $1, signal_id = $2, updated_at = $3 WHERE name = $4",
            params![xid, id, now, consumer],
        )
        .await
    })
    .await
    .map(drop)
}

/// Deletes old signals that every consumer has seen.
pub(crate) async fn prune(db: &Db, now: Timestamp) -> Result<u64> {
    let before = now.minus(KEPT);
    db.write_again(move |tx| async move {
        let sql = tx.pick(
            "DELETE FROM signal /* every community */ WHERE created_at < $1
             AND NOT EXISTS (SELECT 1 FROM signal_consumer c WHERE (c.xid, c.signal_id) < (signal.xid, signal.id))",
            "DELETE FROM signal /* every community */ WHERE created_at < $1
             AND NOT EXISTS (SELECT 1 FROM signal_consumer c WHERE (c.xid, c.signal_id) < (signal.xid::text::bigint, signal.id))",
        );
        tx.execute(sql, params![before]).await
    })
    .await
}
