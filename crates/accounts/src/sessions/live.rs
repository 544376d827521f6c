//! Whether a session lives, asked on each call.
//!
//! A node remembers a session's state for half a second; a revocation made on
//! this node is known at once. When a session was last used is kept in memory
//! and written once a minute for all of them.

use super::{Reason, Revoked, SessionId, lifetimes::Age, store};
use crate::{
    Accounts,
    access::Verified,
    members::{MemberId, Status},
    roles::Roles,
    rotation,
};
use base::{Error, Kind, Result, Timestamp, error::unauthenticated};
use db::{Executor, Row, params};
use platform::{App, AppState};
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::broadcast;

/// How long a node believes what it last read.
const BELIEF: Duration = Duration::from_millis(500);
const SHARDS: usize = 16;
/// Sessions a shard remembers before those it no longer believes are dropped.
const CROWDED: usize = 4096;
/// Revocations that a slow listener may lag behind.
const HEARD: usize = 4096;

#[derive(Clone, Copy, Debug)]
struct Known {
    member: MemberId,
    roles: Roles,
    status: Status,
    rotation: rotation::Known,
    created_at: Timestamp,
    called_at: Timestamp,
    remembered: bool,
    ended: Option<Reason>,
    read_at: Timestamp,
}

/// Whether a call keeps the session from idling out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activity {
    Call,
    /// Sockets that reconnect by themselves.
    Background,
}

#[derive(Debug)]
pub struct Sessions {
    known: Vec<Mutex<HashMap<SessionId, Known>>>,
    called: Mutex<HashMap<SessionId, Timestamp>>,
    revoked: broadcast::Sender<Revoked>,
}

impl Default for Sessions {
    fn default() -> Sessions {
        Sessions {
            known: (0..SHARDS).map(|_| Mutex::default()).collect(),
            called: Mutex::default(),
            revoked: broadcast::channel(HEARD).0,
        }
    }
}

impl Sessions {
    fn shard(&self, id: SessionId) -> MutexGuard<'_, HashMap<SessionId, Known>> {
        self.known[id.0.as_bytes()[15] as usize % SHARDS]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn called(&self) -> MutexGuard<'_, HashMap<SessionId, Timestamp>> {
        self.called.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn forget(&self, id: SessionId) {
        self.shard(id).remove(&id);
    }

    /// The last call that this node saw and has not written yet, or what the database knows.
    pub(crate) fn called_at(&self, id: SessionId, stored: Timestamp) -> Timestamp {
        self.called().get(&id).copied().unwrap_or(stored).max(stored)
    }

    /// Makes a revocation count on this node.
    pub(crate) fn tell(&self, revoked: Revoked) {
        match revoked.session {
            Some(session) => self.forget(session),
            None => {
                for shard in &self.known {
                    shard
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .retain(|_, known| known.member != revoked.member);
                }
            }
        }
        let _ = self.revoked.send(revoked);
    }

    /// Hears of each session that ends, on whatever node.
    pub fn revocations(&self) -> broadcast::Receiver<Revoked> {
        self.revoked.subscribe()
    }
}

/// Refuses a token whose session has ended; tells what the caller may do.
pub async fn check(app: &App, token: Verified, activity: Activity) -> Result<Roles> {
    let (sessions, now) = (&Accounts::of(app).sessions, app.clock.now());
    let remembered = sessions
        .shard(token.session)
        .get(&token.session)
        .copied()
        .filter(|known| now.since(known.read_at) < BELIEF)
        // Another node has rotated since.
        .filter(|known| known.rotation.generation >= token.generation);
    let known = if let Some(known) = remembered {
        known
    } else {
        let known = read(app, token.session, now).await?;
        let mut shard = sessions.shard(token.session);
        if shard.len() > CROWDED {
            shard.retain(|_, known| now.since(known.read_at) < BELIEF);
        }
        shard.insert(token.session, known);
        known
    };
    if known.member != token.member {
        return Err(unauthenticated("session_revoked"));
    }
    if let Some(refusal) = known.status.refusal() {
        return Err(Error::new(Kind::Forbidden, refusal));
    }
    match known.ended {
        Some(Reason::Expired) => return Err(unauthenticated("session_expired")),
        Some(_) => return Err(unauthenticated("session_revoked")),
        None => {}
    }
    let age = Age {
        created_at: known.created_at,
        called_at: sessions.called_at(token.session, known.called_at),
        rotated_at: known.rotation.rotated_at,
        remembered: known.remembered,
        staff: known.roles.is_staff(),
    };
    if age.is_over(&app.config.accounts, now) {
        return Err(unauthenticated("session_expired"));
    }
    if !known.rotation.honours(token.generation, token.issued_s) {
        return Err(unauthenticated("unauthenticated"));
    }
    if activity == Activity::Call {
        sessions.called().insert(token.session, now);
    }
    // A call with the newest generation proves that its answer has arrived.
    if token.generation == known.rotation.generation && known.rotation.learns_from_call(now) {
        mark_seen(app, token.session, token.generation, now).await?;
        sessions.forget(token.session);
    }
    Ok(known.roles)
}

async fn read(app: &App, id: SessionId, now: Timestamp) -> Result<Known> {
    let sql = "SELECT s.member_id, (SELECT string_agg(r.role, ' ') FROM member_role r WHERE r.member_id = s.member_id), m.status, s.created_at, s.last_used_at, s.remembered, s.revoke_reason,
                      s.generation, s.rotated_at, s.successor_seen_at, s.device_shown, s.reissued, s.repeat_day,
                      s.repeat_count
               FROM session s JOIN member m ON m.id = s.member_id WHERE s.id = $1";
    let known = app.db.one(sql, params![id], known).await?;
    let mut known = known.ok_or_else(|| unauthenticated("session_revoked"))?;
    known.read_at = now;
    Ok(known)
}

fn known(row: &Row<'_>) -> Result<Known> {
    Ok(Known {
        member: row.get(0)?,
        roles: row.get(1)?,
        status: row.get(2)?,
        created_at: row.get(3)?,
        called_at: row.get(4)?,
        remembered: row.get(5)?,
        ended: row.get(6)?,
        rotation: store::rotation_state(row, 7)?,
        read_at: Timestamp::default(),
    })
}

async fn mark_seen(app: &App, id: SessionId, generation: i64, now: Timestamp) -> Result<()> {
    app.db
        .write_again(move |tx| async move {
            tx.execute(
                "UPDATE session SET successor_seen_at = $1
                 WHERE id = $2 AND generation = $3 AND (successor_seen_at IS NULL OR successor_seen_at < $1)",
                params![now, id, generation],
            )
            .await
        })
        .await
        .map(drop)
}

/// Writes when sessions were last used, all in one go.
pub(crate) async fn flush_activity(app: &AppState) -> Result<i64> {
    let sessions = &Accounts::of(app).sessions;
    let called = std::mem::take(&mut *sessions.called());
    let count = called.len() as i64;
    if count == 0 {
        return Ok(0);
    }
    let batch = called.clone();
    let written = app
        .db
        .write_again(move |tx| async move {
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
        let mut waiting = sessions.called();
        for (id, at) in called {
            waiting.entry(id).or_insert(at);
        }
        return Err(error);
    }
    Ok(count)
}
