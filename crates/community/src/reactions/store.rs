use super::Reaction;
use crate::posts::PostId;
use accounts::MemberId;
use base::{Result, Timestamp};
use db::{OrConflict, Tx, params};

/// True when the member had not reacted before.
pub async fn insert(tx: &Tx, post: PostId, member: MemberId, kind: Reaction, now: Timestamp) -> Result<bool> {
    let count = tx
        .execute(
            "INSERT INTO reaction (community_id, post_id, member_id, kind, created_at)
             VALUES (@community, $1, $2, $3, $4) ON CONFLICT DO NOTHING",
            params![post, member, kind, now],
        )
        .await
        .or_missing("post")?;
    Ok(count > 0)
}

pub async fn change(tx: &Tx, post: PostId, member: MemberId, kind: Reaction) -> Result<()> {
    tx.execute(
        "UPDATE reaction SET kind = $1 WHERE post_id = $2 AND member_id = $3 AND community_id = @community",
        params![kind, post, member],
    )
    .await
    .map(drop)
}

/// True when there was one.
pub async fn delete(tx: &Tx, post: PostId, member: MemberId) -> Result<bool> {
    let count = tx
        .execute(
            "DELETE FROM reaction WHERE post_id = $1 AND member_id = $2 AND community_id = @community",
            params![post, member],
        )
        .await?;
    Ok(count > 0)
}
