use crate::posts::{
    Post, PostId,
    store::{self, post, post_columns, visible},
};
use accounts::MemberId;
use base::{Result, Timestamp, page::Limit, page::TimeCursor};
use db::{Executor, OrConflict, Row, Tx, params};

pub async fn insert(tx: &Tx, member: MemberId, post: PostId, now: Timestamp) -> Result<()> {
    tx.execute(
        "INSERT INTO saved_post (community_id, member_id, post_id, created_at) VALUES (@community, $1, $2, $3)
         ON CONFLICT DO NOTHING",
        params![member, post, now],
    )
    .await
    .or_missing("post")
    .map(drop)
}

pub async fn delete(tx: &Tx, member: MemberId, post: PostId) -> Result<()> {
    tx.execute(
        "DELETE FROM saved_post WHERE community_id = @community AND member_id = $1 AND post_id = $2",
        params![member, post],
    )
    .await
    .map(drop)
}

/// What the member saved, the latest first, each with the time of saving.
pub async fn list(
    db: &impl Executor,
    member: MemberId,
    limit: Limit,
    before: TimeCursor,
) -> Result<Vec<(Post, Timestamp)>> {
    const SQL: &str = concat!(
        "SELECT ",
        post_columns!(),
        ", s.created_at FROM saved_post s JOIN post p ON p.id = s.post_id JOIN member m ON m.id = p.author_id
         LEFT JOIN reaction r ON r.post_id = p.id AND r.member_id = $1
         WHERE s.community_id = @community AND s.member_id = $1 AND (s.created_at, s.post_id) < ($2, $3) AND ",
        visible!(),
        " ORDER BY s.created_at DESC, s.post_id DESC LIMIT $4"
    );
    fn saved(row: &Row<'_>) -> Result<(Post, Timestamp)> {
        Ok((post(row)?, row.get(28)?))
    }
    let TimeCursor(at, id) = before;
    let found = db
        .all(SQL, params![member, at, id, limit.count() as i64 + 1], saved)
        .await?;
    let (mut posts, times): (Vec<Post>, Vec<Timestamp>) = found.into_iter().unzip();
    store::complete(db, member, &mut posts).await?;
    Ok(posts.into_iter().zip(times).collect())
}
