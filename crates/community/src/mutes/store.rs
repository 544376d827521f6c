use super::Mute;
use crate::profiles::{Author, author_columns};
use accounts::MemberId;
use base::{Paging, Result, Timestamp};
use db::{Executor, Tx, params};

/// Whether the member does not want to hear of the other.
pub async fn is_muted(db: &impl Executor, member: MemberId, other: MemberId) -> Result<bool> {
    let sql = "SELECT 1 FROM mute WHERE community_id = @community AND member_id = $1 AND muted_id = $2";
    Ok(db.one(sql, params![member, other], |_| Ok(())).await?.is_some())
}

/// Whom the member muted, by id, the newest member first.
pub async fn list_mutes(db: &impl Executor, member: MemberId, page: Paging) -> Result<Vec<Mute>> {
    let sql = concat!(
        "SELECT ",
        author_columns!("m"),
        ", u.created_at
               FROM mute u JOIN member m ON m.id = u.muted_id
               WHERE u.community_id = @community AND u.member_id = $1 AND u.muted_id < $2
                   AND NOT EXISTS (SELECT 1 FROM block b WHERE b.community_id = @community
                                   AND b.member_id = $1 AND b.other_id = u.muted_id)
               ORDER BY u.muted_id DESC LIMIT $3"
    );
    db.all(sql, params![member, page.before(), page.fetch()], |row| {
        Ok(Mute {
            member: Author::at(row, 0)?,
            created_at: row.get(4)?,
        })
    })
    .await
}

/// Once or many times, it is one row.
pub async fn insert(tx: &Tx, member: MemberId, muted: MemberId, now: Timestamp) -> Result<()> {
    tx.execute(
        "INSERT INTO mute (community_id, member_id, muted_id, created_at)
         VALUES (@community, $1, $2, $3) ON CONFLICT DO NOTHING",
        params![member, muted, now],
    )
    .await
    .map(drop)
}

pub async fn delete(tx: &Tx, member: MemberId, muted: MemberId) -> Result<()> {
    tx.execute(
        "DELETE FROM mute WHERE community_id = @community AND member_id = $1 AND muted_id = $2",
        params![member, muted],
    )
    .await
    .map(drop)
}
