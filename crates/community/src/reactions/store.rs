use super::{Reaction, Reactor, Subject};
use crate::profiles::{Author, author_columns};
use accounts::MemberId;
use base::{Paging, Result, Timestamp};
use db::{Executor, OrConflict, Tx, params};
use uuid::Uuid;

impl Subject {
    /// The text for a post or a comment, and the id that goes into it.
    fn pick(self, post: &'static str, comment: &'static str) -> (&'static str, Uuid) {
        match self {
            Subject::Post(id) => (post, id.0),
            Subject::Comment(id) => (comment, id.0),
        }
    }
}

/// True when the member had not reacted before.
pub async fn insert(
    tx: &Tx,
    subject: Subject,
    member: MemberId,
    kind: Reaction,
    now: Timestamp,
) -> Result<bool> {
    let (sql, id) = subject.pick(
        "INSERT INTO reaction (community_id, post_id, member_id, kind, created_at)
         VALUES (@community, $1, $2, $3, $4) ON CONFLICT DO NOTHING",
        "INSERT INTO comment_reaction (community_id, comment_id, member_id, kind, created_at)
         VALUES (@community, $1, $2, $3, $4) ON CONFLICT DO NOTHING",
    );
    let count = tx.execute(sql, params![id, member, kind, now]).await;
    Ok(count.or_missing("post")? > 0)
}

pub async fn change(tx: &Tx, subject: Subject, member: MemberId, kind: Reaction) -> Result<()> {
    let (sql, id) = subject.pick(
        "UPDATE reaction SET kind = $1 WHERE post_id = $2 AND member_id = $3 AND community_id = @community",
        "UPDATE comment_reaction SET kind = $1
         WHERE comment_id = $2 AND member_id = $3 AND community_id = @community",
    );
    tx.execute(sql, params![kind, id, member]).await.map(drop)
}

/// True when there was one.
pub async fn delete(tx: &Tx, subject: Subject, member: MemberId) -> Result<bool> {
    let (sql, id) = subject.pick(
        "DELETE FROM reaction WHERE post_id = $1 AND member_id = $2 AND community_id = @community",
        "DELETE FROM comment_reaction WHERE comment_id = $1 AND member_id = $2 AND community_id = @community",
    );
    Ok(tx.execute(sql, params![id, member]).await? > 0)
}

/// How many reacted in each way, without those the reader has nothing to do with.
pub async fn summary(db: &impl Executor, reader: MemberId, subject: Subject) -> Result<Vec<(Reaction, i64)>> {
    let (sql, id) = subject.pick(
        "SELECT r.kind, count(*) FROM reaction r WHERE r.community_id = @community AND r.post_id = $2
             AND NOT EXISTS (SELECT 1 FROM block b WHERE b.community_id = @community
                 AND b.member_id = $1 AND b.other_id = r.member_id)
         GROUP BY r.kind ORDER BY r.kind",
        "SELECT r.kind, count(*) FROM comment_reaction r WHERE r.community_id = @community AND r.comment_id = $2
             AND NOT EXISTS (SELECT 1 FROM block b WHERE b.community_id = @community
                 AND b.member_id = $1 AND b.other_id = r.member_id)
         GROUP BY r.kind ORDER BY r.kind",
    );
    db.all(sql, params![reader, id], |row| Ok((row.get(0)?, row.get(1)?)))
        .await
}

/// Who reacted in one way, by id, the newest member first.
pub async fn list(
    db: &impl Executor,
    reader: MemberId,
    subject: Subject,
    kind: Reaction,
    page: Paging,
) -> Result<Vec<Reactor>> {
    let (sql, id) = subject.pick(
        concat!(
            "SELECT ",
            author_columns!("m"),
            ", r.kind, r.created_at
         FROM reaction r JOIN member m ON m.id = r.member_id
         WHERE r.community_id = @community AND r.post_id = $2 AND r.kind = $3 AND r.member_id < $4
             AND NOT EXISTS (SELECT 1 FROM block b WHERE b.community_id = @community
                 AND b.member_id = $1 AND b.other_id = r.member_id)
         ORDER BY r.member_id DESC LIMIT $5"
        ),
        concat!(
            "SELECT ",
            author_columns!("m"),
            ", r.kind, r.created_at
         FROM comment_reaction r JOIN member m ON m.id = r.member_id
         WHERE r.community_id = @community AND r.comment_id = $2 AND r.kind = $3 AND r.member_id < $4
             AND NOT EXISTS (SELECT 1 FROM block b WHERE b.community_id = @community
                 AND b.member_id = $1 AND b.other_id = r.member_id)
         ORDER BY r.member_id DESC LIMIT $5"
        ),
    );
    let values = params![reader, id, kind, page.before(), page.fetch()];
    db.all(sql, values, |row| {
        Ok(Reactor {
            member: Author::at(row, 0)?,
            reaction: row.get(4)?,
            created_at: row.get(5)?,
        })
    })
    .await
}

/// Takes back some reactions of a member who leaves; says how many.
pub async fn forget(tx: &Tx, member: MemberId) -> Result<u64> {
    let some =
        "SELECT /* every community */ post_id FROM reaction WHERE member_id = $1 ORDER BY post_id LIMIT 100";
    let posts: Vec<Uuid> = tx.all(some, params![member], |row| row.get(0)).await?;
    for post in &posts {
        for sql in [
            "UPDATE post /* every community */ SET like_count = like_count - 1 WHERE id = $1 AND EXISTS
                 (SELECT 1 FROM reaction r WHERE r.post_id = $1 AND r.member_id = $2)",
            "DELETE FROM reaction /* every community */ WHERE post_id = $1 AND member_id = $2",
        ] {
            tx.execute(sql, params![post, member]).await?;
        }
    }
    Ok(posts.len() as u64)
}

/// The same for comments, all at once.
pub async fn forget_comments(tx: &Tx, member: MemberId) -> Result<()> {
    for sql in [
        "UPDATE comment /* every community */ SET like_count = like_count - 1 WHERE id IN
             (SELECT comment_id FROM comment_reaction WHERE member_id = $1)",
        "DELETE FROM comment_reaction /* every community */ WHERE member_id = $1",
    ] {
        tx.execute(sql, params![member]).await?;
    }
    Ok(())
}
