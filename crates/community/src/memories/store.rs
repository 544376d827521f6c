use super::model::Memory;
use accounts::MemberId;
use base::Result;
use db::{Executor, params};

/// Memories that are counted: the latest of somebody who wrote more.
const COUNTED: i64 = 10_000;

/// The member's own memories, the oldest first.
pub async fn memories(db: &impl Executor, member: MemberId) -> Result<Vec<Memory>> {
    let sql = "SELECT created_at, like_count, comment_count, share_count, emotions, hashtags, place FROM post
               WHERE community_id = @community AND author_id = $1 AND kind = 'memory' ORDER BY id DESC LIMIT $2";
    let mut found = db
        .all(sql, params![member, COUNTED], |row| {
            Ok(Memory {
                created_at: row.get(0)?,
                likes: row.get(1)?,
                comments: row.get(2)?,
                shares: row.get(3)?,
                emotions: row.get(4)?,
                hashtags: row.get(5)?,
                place: row.get(6)?,
            })
        })
        .await?;
    found.reverse();
    Ok(found)
}
