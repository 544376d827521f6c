use super::{Deletion, FORMER};
use crate::{MemberId, members::Status, passwords::UNUSABLE};
use base::{Result, Timestamp};
use db::{Executor, Tx, params};

pub async fn find(db: &impl Executor, member: MemberId) -> Result<Option<Deletion>> {
    let sql = "SELECT requested_at, erase_at, begun_at FROM account_deletion WHERE member_id = $1";
    db.one(sql, params![member], |row| {
        Ok(Deletion {
            requested_at: row.get(0)?,
            erase_at: row.get(1)?,
            begun_at: row.get(2)?,
        })
    })
    .await
}

pub async fn insert(tx: &Tx, member: MemberId, new: Deletion) -> Result<()> {
    tx.execute(
        "INSERT INTO account_deletion (member_id, requested_at, erase_at) VALUES ($1, $2, $3)
         ON CONFLICT DO NOTHING",
        params![member, new.requested_at, new.erase_at],
    )
    .await
    .map(drop)
}

/// A backup brought back somebody who had left: they leave again, and nobody takes it back.
pub(crate) async fn erase_again(tx: &Tx, member: MemberId, at: Timestamp) -> Result<u64> {
    tx.execute(
        "INSERT INTO account_deletion (member_id, requested_at, erase_at, begun_at)
         SELECT id, $2, $2, $2 FROM member WHERE id = $1 AND status <> $3
         ON CONFLICT (member_id) DO UPDATE SET erase_at = excluded.erase_at, begun_at = excluded.begun_at",
        params![member, at, Status::Former],
    )
    .await
}

/// False when it has begun, or was not asked for.
pub async fn take_back(tx: &Tx, member: MemberId) -> Result<bool> {
    let sql = "DELETE FROM account_deletion WHERE member_id = $1 AND begun_at IS NULL";
    Ok(tx.execute(sql, params![member]).await? > 0)
}

/// True when nobody has begun before, and the time has come.
pub async fn begin(tx: &Tx, member: MemberId, now: Timestamp) -> Result<bool> {
    let sql = "UPDATE account_deletion SET begun_at = $2
               WHERE member_id = $1 AND begun_at IS NULL AND erase_at <= $2";
    Ok(tx.execute(sql, params![member, now]).await? > 0)
}

/// Whose time has come, with what names this request.
pub async fn due(db: &impl Executor, now: Timestamp, limit: i64) -> Result<Vec<(MemberId, Timestamp)>> {
    let sql =
        "SELECT member_id, erase_at FROM account_deletion WHERE erase_at <= $1 ORDER BY erase_at LIMIT $2";
    db.all(sql, params![now, limit], |row| Ok((row.get(0)?, row.get(1)?)))
        .await
}

/// What is left: an id that others' rows may name. No user name can look like this one.
pub async fn finish(tx: &Tx, member: MemberId, now: Timestamp) -> Result<()> {
    let name = format!("former-{}", member.0.simple());
    tx.execute(
        "UPDATE member SET email = $2, username = $3, display_name = $4, password_hash = $5, language = 'en',
             status = $6, follower_count = 0, following_count = 0, friend_count = 0, verified_at = NULL,
             created_at = $7, updated_at = $7
         WHERE id = $1",
        params![
            member,
            format!("{name}@invalid"),
            name,
            FORMER,
            UNUSABLE,
            Status::Former,
            now
        ],
    )
    .await?;
    let sql = "UPDATE revocation SET password_hash = NULL, roles = NULL WHERE member_id = $1";
    tx.execute(sql, params![member]).await?;
    tx.execute(
        "DELETE FROM account_deletion WHERE member_id = $1",
        params![member],
    )
    .await
    .map(drop)
}
