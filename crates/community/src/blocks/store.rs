use super::Block;
use crate::profiles::{Author, author_columns};
use accounts::MemberId;
use base::{Paging, Result, Timestamp};
use db::{Executor, Tx, params};

/// Whether the two have nothing to do with each other, whoever of them blocked.
pub async fn between(db: &impl Executor, one: MemberId, other: MemberId) -> Result<bool> {
    Ok(standing(db, one, other).await?.is_some())
}

/// Nothing, or whether it was the member who blocked the other.
pub async fn standing(db: &impl Executor, member: MemberId, other: MemberId) -> Result<Option<bool>> {
    let sql = "SELECT by_member FROM block
               WHERE community_id = @community AND member_id = $1 AND other_id = $2";
    db.one(sql, params![member, other], |row| row.get(0)).await
}

/// Everybody the member has nothing to do with.
pub async fn others(db: &impl Executor, member: MemberId) -> Result<Vec<MemberId>> {
    let sql = "SELECT other_id FROM block WHERE community_id = @community AND member_id = $1";
    db.all(sql, params![member], |row| row.get(0)).await
}

/// Whom the member blocked, by id, the newest member first.
pub async fn list_blocks(db: &impl Executor, member: MemberId, page: Paging) -> Result<Vec<Block>> {
    let sql = concat!(
        "SELECT ",
        author_columns!("m"),
        ", b.created_at
               FROM block b JOIN member m ON m.id = b.other_id
               WHERE b.community_id = @community AND b.member_id = $1 AND b.by_member AND b.other_id < $2
               ORDER BY b.other_id DESC LIMIT $3"
    );
    db.all(sql, params![member, page.before(), page.fetch()], |row| {
        Ok(Block {
            member: Author::at(row, 0)?,
            created_at: row.get(4)?,
        })
    })
    .await
}

/// Writes both sides.
pub async fn insert(tx: &Tx, member: MemberId, other: MemberId, now: Timestamp) -> Result<()> {
    tx.execute(
        "INSERT INTO block (community_id, member_id, other_id, by_member, created_at)
         VALUES (@community, $1, $2, TRUE, $3), (@community, $2, $1, FALSE, $3)",
        params![member, other, now],
    )
    .await
    .map(drop)
}

/// Removes both sides.
pub async fn delete(tx: &Tx, member: MemberId, other: MemberId) -> Result<()> {
    tx.execute(
        "DELETE FROM block WHERE community_id = @community
             AND ((member_id = $1 AND other_id = $2) OR (member_id = $2 AND other_id = $1))",
        params![member, other],
    )
    .await
    .map(drop)
}
