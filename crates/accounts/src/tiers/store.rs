//! Every statement on `member_tier`.

use super::{MemberTier, Tier};
use crate::MemberId;
use base::{Result, Timestamp};
use db::{Executor, Tx, params};

/// The member's tier at that time; who was granted none is free.
pub async fn find(db: &impl Executor, member: MemberId, now: Timestamp) -> Result<MemberTier> {
    let sql =
        "SELECT tier, ends_at FROM member_tier WHERE member_id = $1 AND (ends_at IS NULL OR ends_at > $2)";
    let found = db.one(sql, params![member, now], |row| {
        Ok(MemberTier {
            tier: row.get(0)?,
            ends_at: row.get(1)?,
        })
    });
    Ok(found.await?.unwrap_or(MemberTier::FREE))
}

pub async fn put(
    tx: &Tx,
    member: MemberId,
    tier: Tier,
    ends_at: Option<Timestamp>,
    by: MemberId,
    now: Timestamp,
) -> Result<()> {
    tx.execute(
        "INSERT INTO member_tier (member_id, tier, ends_at, granted_by, granted_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (member_id) DO UPDATE SET tier = excluded.tier, ends_at = excluded.ends_at,
             granted_by = excluded.granted_by, granted_at = excluded.granted_at",
        params![member, tier, ends_at, by, now],
    )
    .await
    .map(drop)
}

/// False when there was none.
pub async fn delete(tx: &Tx, member: MemberId) -> Result<bool> {
    let sql = "DELETE FROM member_tier WHERE member_id = $1";
    Ok(tx.execute(sql, params![member]).await? > 0)
}
