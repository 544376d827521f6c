//! Every statement about sessions, but the two that each call needs.

use super::{Reason, Revoked, SessionId};
use crate::{
    members::{MemberId, Status},
    origin::Origin,
    push,
    revocations::{self, Revocation},
    roles::Roles,
    rotation,
    security_log::{self, Entry, SecurityEvent},
};
use base::{Result, Timestamp};
use db::{Db, Executor, Row, Tx, params};
use platform::AppState;

/// A session as rotation needs it.
#[derive(Debug)]
pub(crate) struct Rotating {
    pub member: MemberId,
    pub sealed_key: Vec<u8>,
    pub device_hash: Option<Vec<u8>>,
    pub state: rotation::Known,
    pub created_at: Timestamp,
    pub authenticated_at: Timestamp,
    pub last_used_at: Timestamp,
    pub remembered: bool,
    pub ended: Option<Reason>,
    pub status: Status,
    pub roles: Roles,
}

/// Reads the session for its rotation, alone: on PostgreSQL its row is locked.
pub(crate) async fn lock(tx: &Tx, id: SessionId) -> Result<Option<Rotating>> {
    let sql = tx.pick(
        "SELECT s.member_id, s.sealed_key, s.device_hash, s.created_at, s.authenticated_at, s.last_used_at,
                s.remembered, s.revoke_reason, m.status, (SELECT string_agg(r.role, ' ') FROM member_role r WHERE r.member_id = s.member_id), s.generation, s.rotated_at, s.successor_seen_at,
                s.device_shown, s.reissued, s.repeat_day, s.repeat_count
         FROM session s JOIN member m ON m.id = s.member_id WHERE s.id = $1",
        "SELECT s.member_id, s.sealed_key, s.device_hash, s.created_at, s.authenticated_at, s.last_used_at,
                s.remembered, s.revoke_reason, m.status, (SELECT string_agg(r.role, ' ') FROM member_role r WHERE r.member_id = s.member_id), s.generation, s.rotated_at, s.successor_seen_at,
                s.device_shown, s.reissued, s.repeat_day, s.repeat_count
         FROM session s JOIN member m ON m.id = s.member_id WHERE s.id = $1 FOR UPDATE OF s",
    );
    tx.one(sql, params![id], |row| {
        let created_at = row.get(3)?;
        Ok(Rotating {
            member: row.get(0)?,
            sealed_key: row.get(1)?,
            device_hash: row.get(2)?,
            created_at,
            authenticated_at: row.get::<Option<Timestamp>>(4)?.unwrap_or(created_at),
            last_used_at: row.get(5)?,
            remembered: row.get(6)?,
            ended: row.get(7)?,
            status: row.get(8)?,
            roles: row.get(9)?,
            state: rotation_state(row, 10)?,
        })
    })
    .await
}

/// What rotation knows, from its columns in their order.
pub(crate) fn rotation_state(row: &Row<'_>, first: usize) -> Result<rotation::Known> {
    Ok(rotation::Known {
        generation: row.get(first)?,
        rotated_at: row.get(first + 1)?,
        successor_seen_at: row.get(first + 2)?,
        device_shown: row.get(first + 3)?,
        reissued: row.get(first + 4)?,
        repeat_day: row.get(first + 5)?,
        repeats: row.get(first + 6)?,
    })
}

/// Writes what a rotation or a repeat has changed.
pub(crate) async fn keep_rotation(tx: &Tx, id: SessionId, next: rotation::Known) -> Result<()> {
    tx.execute(
        "UPDATE session SET generation = $1, rotated_at = $2, successor_seen_at = $3, device_shown = $4,
                reissued = $5, repeat_day = $6, repeat_count = $7 WHERE id = $8",
        params![
            next.generation,
            next.rotated_at,
            next.successor_seen_at,
            next.device_shown,
            next.reissued,
            next.repeat_day,
            next.repeats,
            id
        ],
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
    let count = tx
        .execute(
            "UPDATE session SET revoked_at = $1, revoke_reason = $2
             WHERE id = $3 AND member_id = $4 AND revoked_at IS NULL",
            params![now, revoked.reason, revoked.session, revoked.member],
        )
        .await?;
    if count == 0 {
        return Ok(false);
    }
    push::end_with_session(tx, revoked.session).await?;
    let entry = Entry {
        member: revoked.member,
        session: revoked.session,
        kind: SecurityEvent::SessionEnded,
        detail: Some(revoked.reason.as_str()),
        origin,
    };
    security_log::note(tx, app, entry, now).await?;
    revocations::announce(tx, app, Revocation::new(app, revoked), now).await?;
    Ok(true)
}

/// Ends every session of a restored database, when it is not known which were
/// revoked after the backup. No server may run on it, since nobody is told.
pub async fn end_all_sessions(db: &Db, now: Timestamp) -> Result<u64> {
    db.write_again(move |tx| async move {
        tx.execute(
            "UPDATE session SET revoked_at = $1, revoke_reason = $2 WHERE revoked_at IS NULL",
            params![now, Reason::Restored],
        )
        .await
    })
    .await
}

/// What a restored database knows of its sessions, as `rotation::Known::restored` says.
/// It counts as activity too: what the members did since the backup is lost.
pub(crate) async fn begin_anew(tx: &Tx, now: Timestamp) -> Result<()> {
    let sql = "UPDATE session SET rotated_at = $1, reissued = generation WHERE revoked_at IS NULL";
    tx.execute(sql, params![now]).await.map(drop)
}

/// Ends a session that a backup brought back. Nobody is told.
pub(crate) async fn end_again(tx: &Tx, id: SessionId, reason: Reason, at: Timestamp) -> Result<u64> {
    let sql = "UPDATE session SET revoked_at = $1, revoke_reason = $2 WHERE id = $3 AND revoked_at IS NULL";
    tx.execute(sql, params![at, reason, id]).await
}
