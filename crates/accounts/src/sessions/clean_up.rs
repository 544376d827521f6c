//! The clean-up job: sessions that ran out are ended with their reason, those
//! that ended long ago are deleted, and addresses do not outstay their purpose.
//!
//! Batches keep its transactions short; a lease keeps it on one node at a time.

use super::{Reason, Revoked, store};
use crate::{MemberId, SessionId, origin::Origin};
use base::{Result, Timestamp};
use db::{Executor, Tx, params};
use platform::{
    AppState,
    leases::{self, Lease},
};
use std::time::Duration;
use supervisor::Report;

const LEASE: &str = "accounts.clean_up";
const HELD: Duration = Duration::from_mins(2);
const BATCH: i64 = 500;
/// Batches in one run, so that a run ends.
const BATCHES: usize = 40;
/// Ended sessions are kept this long, to recognise their tokens.
const ENDED_KEPT: Duration = Duration::from_hours(24 * 30);
const NETWORKS_KEPT: Duration = Duration::from_hours(24 * 30);
const LOG_KEPT: Duration = Duration::from_hours(24 * 365);
const DEVICES_KEPT: Duration = Duration::from_hours(24 * 400);
/// Longer than a node may be away and still complete its journal.
const REVOCATIONS_KEPT: Duration = Duration::from_hours(24 * 35);

pub(crate) async fn clean_up(app: &AppState) -> Result<Report> {
    let now = app.clock.now();
    let holder = app.ids.next();
    let Some(lease) = leases::acquire(&app.db, LEASE, holder, now, HELD).await? else {
        return Ok(Report::new("another node is cleaning up"));
    };
    let mut expired = 0;
    for _ in 0..BATCHES {
        let count = end_expired(app, &lease, now).await?;
        expired += count;
        if count < BATCH {
            break;
        }
    }
    let mut report = Report::new("ended what had run out, deleted what was old").fact("expired", expired);
    for (name, sql, before) in OLD {
        let count = sweep(app, &lease, sql, now.minus(*before)).await?;
        report = report.fact(name, count);
    }
    leases::release(&app.db, lease, now).await?;
    Ok(report)
}

/// What grows old: a name for the report, a statement, an age.
const OLD: &[(&str, &str, Duration)] = &[
    (
        "sessions",
        "DELETE FROM session WHERE id IN (SELECT id FROM session WHERE revoked_at < $1 LIMIT $2)",
        ENDED_KEPT,
    ),
    (
        "networks",
        "UPDATE session SET network = NULL WHERE id IN (
             SELECT id FROM session WHERE network IS NOT NULL AND created_at < $1 LIMIT $2)",
        NETWORKS_KEPT,
    ),
    (
        "log_networks",
        "UPDATE security_log SET network = NULL WHERE id IN (
             SELECT id FROM security_log WHERE network IS NOT NULL AND created_at < $1 LIMIT $2)",
        NETWORKS_KEPT,
    ),
    (
        "log_entries",
        "DELETE FROM security_log WHERE id IN (SELECT id FROM security_log WHERE created_at < $1 LIMIT $2)",
        LOG_KEPT,
    ),
    (
        "devices",
        "DELETE FROM device WHERE (member_id, secret_hash) IN (
             SELECT member_id, secret_hash FROM device WHERE last_seen_at < $1 LIMIT $2)",
        DEVICES_KEPT,
    ),
    (
        "revocations",
        "DELETE FROM revocation WHERE id IN (SELECT id FROM revocation WHERE created_at < $1 LIMIT $2)",
        REVOCATIONS_KEPT,
    ),
];

async fn sweep(app: &AppState, lease: &Lease, sql: &'static str, before: Timestamp) -> Result<i64> {
    let mut total = 0;
    for _ in 0..BATCHES {
        let lease = lease.clone();
        let count = app
            .db
            .write_again(move |tx| async move {
                leases::fence(&tx, &lease).await?;
                tx.execute(sql, params![before, BATCH]).await
            })
            .await? as i64;
        total += count;
        if count < BATCH {
            break;
        }
    }
    Ok(total)
}

/// Ends a batch of sessions that members let run out.
async fn end_expired(app: &AppState, lease: &Lease, now: Timestamp) -> Result<i64> {
    let (own, lease) = (app.clone(), lease.clone());
    app.db
        .write_again(move |tx| async move {
            leases::fence(&tx, &lease).await?;
            let over = find_expired(&own, &tx, now).await?;
            for (session, member) in &over {
                let revoked = Revoked {
                    session: Some(*session),
                    member: *member,
                    reason: Reason::Expired,
                };
                store::end(&tx, &own, revoked, &Origin::default(), now).await?;
            }
            Ok(over.len() as i64)
        })
        .await
}

/// By the limits of members; those of staff are looked at when they call.
async fn find_expired(app: &AppState, tx: &Tx, now: Timestamp) -> Result<Vec<(SessionId, MemberId)>> {
    let settings = &app.config.accounts;
    let (days, hours) = (
        |n: u64| now.minus(Duration::from_hours(24 * n)),
        |n: u64| now.minus(Duration::from_hours(n)),
    );
    // What is in memory is at most a minute newer than the rows.
    let unwritten = Duration::from_mins(2);
    tx.all(
        "SELECT id, member_id FROM session WHERE revoked_at IS NULL AND (
             created_at < $1
             OR (last_used_at < $2 AND (rotated_at IS NULL OR rotated_at < $2))
             OR (NOT remembered AND (
                 created_at < $3 OR (last_used_at < $4 AND (rotated_at IS NULL OR rotated_at < $4)))))
         LIMIT $5",
        params![
            days(settings.absolute_days),
            days(settings.idle_days).minus(unwritten),
            hours(settings.brief_absolute_hours),
            hours(settings.brief_idle_hours).minus(unwritten),
            BATCH
        ],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
    .await
}
