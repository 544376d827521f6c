//! Sessions: whether one lives, asked on each call, without a read per call.
//!
//! A node remembers a session's state for half a second; a revocation made on
//! this node is known at once. When a session was last used is kept in memory
//! and written once a minute for all of them.

use crate::{
    Accounts,
    access::Verified,
    members::{MemberId, Role, Status},
};
use base::{Error, Kind, Result, Timestamp, choice, error::unauthenticated, ids};
use db::{Db, Executor, Row, Tx, params, stored};
use platform::{App, AppState};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::broadcast;

ids! {
    /// Names a session: one log-in on one device.
    SessionId;
}
stored!(ids: SessionId);

choice! {
    /// Why a session ended.
    pub enum Reason {
        LogOut = "log_out",
        Reuse = "token_reuse",
        Suspended = "suspended",
        Restored = "restored",
    }
}
stored!(words: Reason);

/// How long a node believes what it last read.
const BELIEF: Duration = Duration::from_millis(500);
const SHARDS: usize = 16;
/// Ended sessions are kept this long for the member's security log.
const KEPT: Duration = Duration::from_hours(720);
/// Sessions deleted in one transaction.
const DELETED: i64 = 500;

/// A session ended: its sockets must be cut.
#[derive(Clone, Copy, Debug)]
pub struct Revoked {
    pub session: SessionId,
    pub member: MemberId,
    pub reason: Reason,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    member: MemberId,
    role: Role,
    status: Status,
    generation: i64,
    created_at: Timestamp,
    last_used_at: Timestamp,
    rotated_at: Option<Timestamp>,
    successor_seen_at: Option<Timestamp>,
    revoked: bool,
    read_at: Timestamp,
}

#[derive(Debug)]
pub struct Sessions {
    known: Vec<Mutex<HashMap<SessionId, Known>>>,
    used: Mutex<HashMap<SessionId, Timestamp>>,
    revoked: broadcast::Sender<Revoked>,
}

impl Default for Sessions {
    fn default() -> Sessions {
        Sessions {
            known: (0..SHARDS).map(|_| Mutex::default()).collect(),
            used: Mutex::default(),
            revoked: broadcast::channel(1024).0,
        }
    }
}

impl Sessions {
    fn shard(&self, id: SessionId) -> &Mutex<HashMap<SessionId, Known>> {
        &self.known[id.0.as_bytes()[15] as usize % SHARDS]
    }

    pub(crate) fn forget(&self, id: SessionId) {
        self.shard(id)
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&id);
    }

    pub(crate) fn tell_revoked(&self, revoked: Revoked) {
        self.forget(revoked.session);
        let _ = self.revoked.send(revoked);
    }

    /// Hears of each session that ends on this node.
    pub fn revocations(&self) -> broadcast::Receiver<Revoked> {
        self.revoked.subscribe()
    }
}

/// Refuses a token whose session has ended; tells the caller's role.
pub(crate) async fn check(app: &App, token: Verified) -> Result<Role> {
    let (sessions, now) = (&Accounts::of(app).sessions, app.clock.now());
    let remembered = sessions
        .shard(token.session)
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .get(&token.session)
        .copied()
        .filter(|known| now.since(known.read_at) < BELIEF);
    let known = if let Some(known) = remembered {
        known
    } else {
        let known = read(app, token.session, now).await?;
        let mut shard = sessions
            .shard(token.session)
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if shard.len() > 4096 {
            shard.retain(|_, known| now.since(known.read_at) < BELIEF);
        }
        shard.insert(token.session, known);
        known
    };
    if known.member != token.member || known.revoked {
        return Err(unauthenticated("session_revoked"));
    }
    if known.status != Status::Active {
        return Err(Error::new(Kind::Forbidden, "account_suspended"));
    }
    let last_used = sessions
        .used
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .insert(token.session, now)
        .unwrap_or(known.last_used_at);
    if is_over(app, known.created_at, last_used, now) {
        return Err(unauthenticated("session_expired"));
    }
    // The first call with a new generation proves that its answer has arrived.
    if known.successor_seen_at.is_none() && known.rotated_at.is_some() && token.generation == known.generation
    {
        mark_seen(app, token.session, token.generation, now).await?;
        sessions.forget(token.session);
    }
    Ok(known.role)
}

pub(crate) fn is_over(app: &App, created_at: Timestamp, last_used_at: Timestamp, now: Timestamp) -> bool {
    let day = Duration::from_hours(24);
    let settings = &app.config.accounts;
    now.since(last_used_at) > day * settings.idle_days as u32
        || now.since(created_at) > day * settings.absolute_days as u32
}

async fn read(app: &App, id: SessionId, now: Timestamp) -> Result<Known> {
    let sql =
        "SELECT s.member_id, m.role, m.status, s.generation, s.created_at, s.last_used_at, s.rotated_at,
                      s.successor_seen_at, s.revoked_at
               FROM session s JOIN member m ON m.id = s.member_id WHERE s.id = $1";
    let known = app.db.one(sql, params![id], known).await?;
    let mut known = known.ok_or_else(|| unauthenticated("session_revoked"))?;
    known.read_at = now;
    Ok(known)
}

fn known(row: &Row<'_>) -> Result<Known> {
    Ok(Known {
        member: row.get(0)?,
        role: row.get(1)?,
        status: row.get(2)?,
        generation: row.get(3)?,
        created_at: row.get(4)?,
        last_used_at: row.get(5)?,
        rotated_at: row.get(6)?,
        successor_seen_at: row.get(7)?,
        revoked: row.get::<Option<Timestamp>>(8)?.is_some(),
        read_at: Timestamp::default(),
    })
}

async fn mark_seen(app: &App, id: SessionId, generation: i64, now: Timestamp) -> Result<()> {
    app.db
        .write(move |tx| async move {
            tx.execute(
                "UPDATE session SET successor_seen_at = $1
                 WHERE id = $2 AND generation = $3 AND successor_seen_at IS NULL",
                params![now, id, generation],
            )
            .await
        })
        .await
        .map(drop)
}

/// A session as rotation needs it.
#[derive(Debug)]
pub(crate) struct Rotating {
    pub member: MemberId,
    pub sealed_key: Vec<u8>,
    pub device_hash: Option<Vec<u8>>,
    pub state: crate::rotation::Known,
    pub repeat_day: i64,
    pub created_at: Timestamp,
    pub last_used_at: Timestamp,
    pub revoked: bool,
    pub status: Status,
}

/// Reads the session for its rotation, alone: on PostgreSQL its row is locked.
pub(crate) async fn lock(tx: &Tx, id: SessionId) -> Result<Option<Rotating>> {
    let sql = tx.pick(
        "SELECT s.member_id, s.sealed_key, s.device_hash, s.generation, s.rotated_at, s.successor_seen_at,
                s.device_shown, s.repeat_day, s.repeat_count, s.created_at, s.last_used_at, s.revoked_at, m.status
         FROM session s JOIN member m ON m.id = s.member_id WHERE s.id = $1",
        "SELECT s.member_id, s.sealed_key, s.device_hash, s.generation, s.rotated_at, s.successor_seen_at,
                s.device_shown, s.repeat_day, s.repeat_count, s.created_at, s.last_used_at, s.revoked_at, m.status
         FROM session s JOIN member m ON m.id = s.member_id WHERE s.id = $1 FOR UPDATE OF s",
    );
    tx.one(sql, params![id], |row| {
        Ok(Rotating {
            member: row.get(0)?,
            sealed_key: row.get(1)?,
            device_hash: row.get(2)?,
            state: crate::rotation::Known {
                generation: row.get(3)?,
                rotated_at: row.get(4)?,
                successor_seen_at: row.get(5)?,
                device_shown: row.get(6)?,
                repeats_today: row.get(8)?,
            },
            repeat_day: row.get(7)?,
            created_at: row.get(9)?,
            last_used_at: row.get(10)?,
            revoked: row.get::<Option<Timestamp>>(11)?.is_some(),
            status: row.get(12)?,
        })
    })
    .await
}

/// Ends a session; false when it had ended already.
pub(crate) async fn revoke(tx: &Tx, id: SessionId, reason: Reason, now: Timestamp) -> Result<bool> {
    let count = tx
        .execute(
            "UPDATE session SET revoked_at = $1, revoke_reason = $2 WHERE id = $3 AND revoked_at IS NULL",
            params![now, reason, id],
        )
        .await?;
    Ok(count > 0)
}

/// Ends every session of a restored database: what was revoked after the backup
/// is not known there. No server may run on it, since nobody is told.
pub async fn end_all_sessions(db: &Db, now: Timestamp) -> Result<u64> {
    db.write(move |tx| async move {
        tx.execute(
            "UPDATE session SET revoked_at = $1, revoke_reason = $2 WHERE revoked_at IS NULL",
            params![now, Reason::Restored],
        )
        .await
    })
    .await
}

/// Writes when sessions were last used, all in one go.
pub(crate) async fn flush_activity(app: &AppState) -> Result<i64> {
    let sessions = &Accounts::of(app).sessions;
    let used = std::mem::take(&mut *sessions.used.lock().unwrap_or_else(PoisonError::into_inner));
    let count = used.len() as i64;
    if count == 0 {
        return Ok(0);
    }
    let batch = used.clone();
    let written = app
        .db
        .write(move |tx| async move {
            for (id, at) in batch {
                tx.execute(
                    "UPDATE session SET last_used_at = $1 WHERE id = $2 AND last_used_at < $1",
                    params![at, id],
                )
                .await?;
            }
            Ok(())
        })
        .await;
    if let Err(error) = written {
        // Not lost: the next minute tries again.
        let mut waiting = sessions.used.lock().unwrap_or_else(PoisonError::into_inner);
        for (id, at) in used {
            waiting.entry(id).or_insert(at);
        }
        return Err(error);
    }
    Ok(count)
}

/// Deletes a batch of sessions that ended long ago.
pub(crate) async fn delete_ended(app: &AppState) -> Result<u64> {
    let now = app.clock.now();
    let day = Duration::from_hours(24);
    let idle = now
        .minus(day * app.config.accounts.absolute_days as u32)
        .minus(KEPT);
    app.db
        .write(move |tx| async move {
            tx.execute(
                "DELETE FROM session WHERE id IN (
                     SELECT id FROM session WHERE revoked_at < $1 OR last_used_at < $2 LIMIT $3)",
                params![now.minus(KEPT), idle, DELETED],
            )
            .await
        })
        .await
}
