//! Every statement on `limited_member`.

use accounts::MemberId;
use base::{Result, Timestamp};
use db::{Executor, Tx, params};

/// Whom staff limited, and until when. They are few.
pub async fn limited(db: &impl Executor, now: Timestamp) -> Result<Vec<(MemberId, Timestamp)>> {
    let sql = "SELECT member_id, until FROM limited_member WHERE community_id = @community AND until > $1";
    db.all(sql, params![now], |row| Ok((row.get(0)?, row.get(1)?)))
        .await
}

/// Limits a member until then; `None`: not any more.
pub async fn limit(tx: &Tx, member: MemberId, until: Option<Timestamp>) -> Result<()> {
    let Some(until) = until else {
        let sql = "DELETE FROM limited_member WHERE community_id = @community AND member_id = $1";
        return tx.execute(sql, params![member]).await.map(drop);
    };
    tx.execute(
        "INSERT INTO limited_member (community_id, member_id, until) VALUES (@community, $1, $2)
         ON CONFLICT (community_id, member_id) DO UPDATE SET until = excluded.until",
        params![member, until],
    )
    .await
    .map(drop)
}

/// Limits that have ended by themselves go.
pub async fn prune(tx: &Tx, now: Timestamp) -> Result<u64> {
    let sql = "DELETE FROM limited_member /* every community */ WHERE until <= $1";
    tx.execute(sql, params![now]).await
}

/// Whether the other follows the member or is a friend.
pub async fn are_acquainted(db: &impl Executor, member: MemberId, other: MemberId) -> Result<bool> {
    let sql = "SELECT 1 WHERE EXISTS (SELECT 1 FROM follow f WHERE f.community_id = @community
                       AND f.follower_id = $2 AND f.followee_id = $1)
                   OR EXISTS (SELECT 1 FROM friend f WHERE f.community_id = @community
                       AND f.member_id = $1 AND f.friend_id = $2)";
    Ok(db.one(sql, params![member, other], |_| Ok(())).await?.is_some())
}
