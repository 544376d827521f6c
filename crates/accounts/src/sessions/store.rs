//! Every statement about sessions, but the two that each call needs.

use super::{Reason, Revoked, SessionId};
use crate::{
    Accounts,
    members::{MemberId, Role, Status},
    origin::Origin,
    revocations::{self, Revocation},
    rotation,
    security_log::{self, Entry, SecurityEvent},
};
use base::{Result, Timestamp};
use db::{Db, Executor, Tx, params};
use platform::AppState;

/// A session as rotation needs it.
#[derive(Debug)]
pub(crate) struct Rotating {
    pub member: MemberId,
    pub sealed_key: Vec<u8>,
    pub device_hash: Option<Vec<u8>>,
    pub state: rotation::Known,
    pub repeat_day: i64,
    pub created_at: Timestamp,
    pub authenticated_at: Timestamp,
    pub last_used_at: Timestamp,
    pub remembered: bool,
    pub ended: Option<Reason>,
    pub status: Status,
    pub role: Role,
}

/// Reads the session for its rotation, alone: on PostgreSQL its row is locked.
pub(crate) async fn lock(tx: &Tx, id: SessionId) -> Result<Option<Rotating>> {
    let sql = tx.pick(
        "SELECT s.member_id, s.sealed_key, s.device_hash, s.generation, s.rotated_at, s.successor_seen_at,
                s.device_shown, s.repeat_day, s.repeat_count, s.created_at, s.authenticated_at, s.last_used_at,
                s.remembered, s.revoke_reason, m.status, m.role
         FROM session s JOIN member m ON m.id = s.member_id WHERE s.id = $1",
        "SELECT s.member_id, s.sealed_key, s.device_hash, s.generation, s.rotated_at, s.successor_seen_at,
                s.device_shown, s.repeat_day, s.repeat_count, s.created_at, s.authenticated_at, s.last_used_at,
                s.remembered, s.revoke_reason, m.status, m.role
         FROM session s JOIN member m ON m.id = s.member_id WHERE s.id = $1 FOR UPDATE OF s",
    );
    tx.one(sql, params![id], |row| {
        let created_at = row.get(9)?;
        Ok(Rotating {
            member: row.get(0)?,
            sealed_key: row.get(1)?,
            device_hash: row.get(2)?,
            state: rotation::Known {
                generation: row.get(3)?,
                rotated_at: row.get(4)?,
                successor_seen_at: row.get(5)?,
                device_shown: row.get(6)?,
                repeats_today: row.get(8)?,
            },
            repeat_day: row.get(7)?,
            created_at,
            authenticated_at: row.get::<Option<Timestamp>>(10)?.unwrap_or(created_at),
            last_used_at: row.get(11)?,
            remembered: row.get(12)?,
            ended: row.get(13)?,
            status: row.get(14)?,
            role: row.get(15)?,
        })
    })
    .await
}

/// The next generation of the session's refresh token.
pub(crate) async fn advance(
    tx: &Tx,
    id: SessionId,
    generation: i64,
    device_shown: bool,
    now: Timestamp,
) -> Result<()> {
    tx.execute(
        "UPDATE session SET generation = $1, rotated_at = $2, successor_seen_at = NULL,
                device_shown = (device_shown OR $3) WHERE id = $4",
        params![generation, now, device_shown, id],
    )
    .await
    .map(drop)
}

pub(crate) async fn note_repeat(tx: &Tx, id: SessionId, day: i64, count: i64) -> Result<()> {
    tx.execute(
        "UPDATE session SET repeat_day = $1, repeat_count = $2 WHERE id = $3",
        params![day, count, id],
    )
    .await
    .map(drop)
}

/// The sealed key and owner of a session, living or ended.
pub(crate) async fn find_key(db: &impl Executor, id: SessionId) -> Result<Option<(MemberId, Vec<u8>)>> {
    let sql = "SELECT member_id, sealed_key FROM session WHERE id = $1";
    db.one(sql, params![id], |row| Ok((row.get(0)?, row.get(1)?)))
        .await
}

/// Ends a session; false when it had ended already, or is not this member's.
pub(crate) async fn end(
    tx: &Tx,
    app: &AppState,
    revoked: Revoked,
    origin: &Origin,
    now: Timestamp,
) -> Result<bool> {
    let Some(session) = revoked.session else {
        revocations::announce(tx, app, Revocation::new(app, revoked, None), now).await?;
        return Ok(true);
    };
    let count = tx
        .execute(
            "UPDATE session SET revoked_at = $1, revoke_reason = $2
             WHERE id = $3 AND member_id = $4 AND revoked_at IS NULL",
            params![now, revoked.reason, session, revoked.member],
        )
        .await?;
    if count == 0 {
        return Ok(false);
    }
    let entry = Entry {
        member: revoked.member,
        session: Some(session),
        kind: SecurityEvent::SessionEnded,
        detail: Some(revoked.reason.as_str()),
        origin,
    };
    security_log::note(tx, app, entry, now).await?;
    revocations::announce(tx, app, Revocation::new(app, revoked, None), now).await?;
    let own = app.clone();
    tx.on_commit(move || Accounts::of(&own).sessions.tell(revoked));
    Ok(true)
}

/// Ends every session of a restored database, when it is not known which were
/// revoked after the backup. No server may run on it, since nobody is told.
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

/// Does again to a restored database what the journal holds since its backup.
/// No server may run on it.
pub async fn replay(db: &Db, entries: Vec<Revocation>) -> Result<u64> {
    db.write(move |tx| async move {
        let mut count = 0;
        for entry in entries {
            count += again(&tx, entry).await?;
        }
        Ok(count)
    })
    .await
}

async fn again(tx: &Tx, entry: Revocation) -> Result<u64> {
    let mut count = 0;
    if let Some(session) = entry.session {
        count += tx
            .execute(
                "UPDATE session SET revoked_at = $1, revoke_reason = $2 WHERE id = $3 AND revoked_at IS NULL",
                params![entry.at, entry.reason, session],
            )
            .await?;
    }
    if let Some(hash) = entry.password_hash {
        let sql = "UPDATE member SET password_hash = $1, updated_at = $2 WHERE id = $3";
        count += tx.execute(sql, params![hash, entry.at, entry.member]).await?;
    }
    let status = match entry.reason {
        Reason::Suspended => Status::Suspended,
        Reason::Reinstated => Status::Active,
        _ => return Ok(count),
    };
    let sql = "UPDATE member SET status = $1, updated_at = $2 WHERE id = $3 AND status <> $1";
    Ok(count + tx.execute(sql, params![status, entry.at, entry.member]).await?)
}
