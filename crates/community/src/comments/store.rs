use super::{Comment, CommentId, model::Draft};
use crate::{
    posts::{PostId, store::visible},
    profiles::{Author, author_columns},
    reactions::Reaction,
};
use accounts::MemberId;
use base::{Result, Timestamp, page::Limit};
use db::{Executor, Row, Tx, params};
use uuid::Uuid;

/// What `comment()` reads of the comment `c` for the reader `$1`.
macro_rules! comment_columns {
    () => {
        concat!(
            "c.id, c.post_id, c.parent_id, ",
            author_columns!("m"),
            ",
         c.body, c.mentions, c.created_at, c.edited_at, c.deleted_at IS NOT NULL,
         c.like_count, c.reply_count, r.kind, c.version, c.withheld_at IS NOT NULL, c.media_count"
        )
    };
}

macro_rules! comment_joins {
    () => {
        "JOIN member m ON m.id = c.author_id
         LEFT JOIN comment_reaction r ON r.comment_id = c.id AND r.member_id = $1"
    };
}

/// Whether the reader, who may read the post, may read its comment `c`: they have something to do with
/// who wrote it, and staff did not take it from sight.
macro_rules! readable {
    () => {
        "(c.author_id = $1 OR (c.withheld_at IS NULL AND NOT EXISTS (SELECT 1 FROM block b
             WHERE b.community_id = @community AND b.member_id = $1 AND b.other_id = c.author_id)))"
    };
}

fn comment(row: &Row<'_>) -> Result<Comment> {
    let reaction: Option<Reaction> = row.get(14)?;
    Ok(Comment {
        id: row.get(0)?,
        post_id: row.get(1)?,
        parent_id: row.get(2)?,
        author: Author::at(row, 3)?,
        body: row.get(7)?,
        mentions: row
            .get::<String>(8)?
            .split_whitespace()
            .map(str::to_owned)
            .collect(),
        created_at: row.get(9)?,
        edited_at: row.get(10)?,
        is_deleted: row.get(11)?,
        like_count: row.get(12)?,
        reply_count: row.get(13)?,
        liked_by_me: reaction.is_some(),
        reaction,
        version: row.get(15)?,
        is_withheld: row.get(16)?,
        media_count: row.get(17)?,
        media: vec![],
    })
}

pub async fn find(db: &impl Executor, reader: MemberId, id: CommentId) -> Result<Option<Comment>> {
    const SQL: &str = concat!(
        "SELECT ",
        comment_columns!(),
        " FROM comment c JOIN post p ON p.id = c.post_id ",
        comment_joins!(),
        " WHERE c.id = $2 AND c.community_id = @community AND ",
        readable!(),
        " AND ",
        visible!()
    );
    db.one(SQL, params![reader, id], comment).await
}

/// Comments to a post, the oldest first, beyond an id. The caller has made sure that the post may be read.
pub async fn list_comments(
    db: &impl Executor,
    reader: MemberId,
    post: PostId,
    after: Uuid,
    limit: Limit,
) -> Result<Vec<Comment>> {
    const SQL: &str = concat!(
        "SELECT ",
        comment_columns!(),
        " FROM comment c ",
        comment_joins!(),
        " WHERE c.community_id = @community AND c.post_id = $2 AND c.parent_id IS NULL AND c.id > $3 AND ",
        readable!(),
        " ORDER BY c.id LIMIT $4"
    );
    db.all(SQL, params![reader, post, after, fetch(limit)], comment)
        .await
}

/// Answers to a comment, the oldest first, beyond an id.
pub async fn list_replies(
    db: &impl Executor,
    reader: MemberId,
    parent: CommentId,
    after: Uuid,
    limit: Limit,
) -> Result<Vec<Comment>> {
    const SQL: &str = concat!(
        "SELECT ",
        comment_columns!(),
        " FROM comment c ",
        comment_joins!(),
        " WHERE c.community_id = @community AND c.parent_id = $2 AND c.id > $3 AND ",
        readable!(),
        " ORDER BY c.id LIMIT $4"
    );
    db.all(SQL, params![reader, parent, after, fetch(limit)], comment)
        .await
}

fn fetch(limit: Limit) -> i64 {
    limit.count() as i64 + 1
}

pub async fn insert(
    tx: &Tx,
    id: CommentId,
    post: PostId,
    author: MemberId,
    draft: &Draft,
    mentions: &str,
    now: Timestamp,
) -> Result<()> {
    let media_count = draft.media.len() as i64;
    tx.execute(
        "INSERT INTO comment (id, community_id, post_id, parent_id, author_id, body, mentions, media_count, created_at)
         VALUES ($1, @community, $2, $3, $4, $5, $6, $7, $8)",
        params![id, post, draft.parent, author, draft.body, mentions, media_count, now],
    )
    .await?;
    if let Some(parent) = draft.parent {
        count_reply(tx, parent, 1).await?;
    }
    Ok(())
}

/// Moves the count of answers; says how many are left and whether the comment's words are gone.
async fn count_reply(tx: &Tx, id: CommentId, by: i64) -> Result<Option<(i64, bool)>> {
    let sql = "UPDATE comment SET reply_count = reply_count + $1 WHERE id = $2 AND community_id = @community
               RETURNING reply_count, deleted_at IS NOT NULL";
    tx.one(sql, params![by, id], |row| Ok((row.get(0)?, row.get(1)?)))
        .await
}

/// False when it has another version by now.
pub async fn update(tx: &Tx, comment: &Comment, mentions: &str, now: Timestamp) -> Result<bool> {
    let count = tx
        .execute(
            "UPDATE comment SET body = $1, mentions = $2, media_count = $3, edited_at = $4, version = version + 1
             WHERE id = $5 AND version = $6 AND community_id = @community",
            params![
                comment.body,
                mentions,
                comment.media_count,
                now,
                comment.id,
                comment.version
            ],
        )
        .await?;
    Ok(count > 0)
}

/// Deletes the comment, or its words alone while it is answered, and the emptied places above it.
pub async fn delete(tx: &Tx, comment: &Comment, now: Timestamp) -> Result<()> {
    take_out(tx, comment.id, comment.parent_id, now).await
}

async fn take_out(tx: &Tx, id: CommentId, parent: Option<CommentId>, now: Timestamp) -> Result<()> {
    // Read again: the post's row is locked, so nobody answers in between.
    let sql = "SELECT reply_count FROM comment WHERE id = $1 AND community_id = @community";
    let replies: Option<i64> = tx.one(sql, params![id], |row| row.get(0)).await?;
    if replies.unwrap_or(0) > 0 {
        return tx
            .execute(
                "UPDATE comment SET body = '', mentions = '', media_count = 0, deleted_at = $1, version = version + 1
                 WHERE id = $2 AND community_id = @community",
                params![now, id],
            )
            .await
            .map(drop);
    }
    let (mut gone, mut above) = (id, parent);
    loop {
        tx.execute(
            "DELETE FROM comment WHERE id = $1 AND community_id = @community",
            params![gone],
        )
        .await?;
        let Some(parent) = above else { return Ok(()) };
        match count_reply(tx, parent, -1).await? {
            Some((0, true)) => {}
            _ => return Ok(()),
        }
        let sql = "SELECT parent_id FROM comment WHERE id = $1 AND community_id = @community";
        above = tx.one(sql, params![parent], |row| row.get(0)).await?.flatten();
        gone = parent;
    }
}

/// Takes the comment from everybody's sight but its author's. The post's row is locked by the caller;
/// false when it stood so already or its words are gone.
pub async fn withhold(tx: &Tx, id: CommentId, now: Timestamp) -> Result<bool> {
    let sql = "UPDATE comment SET withheld_at = $1, version = version + 1
               WHERE id = $2 AND withheld_at IS NULL AND deleted_at IS NULL AND community_id = @community";
    Ok(tx.execute(sql, params![now, id]).await? > 0)
}

/// Puts a withheld comment back; false when it was not withheld or its words are gone.
pub async fn restore(tx: &Tx, id: CommentId) -> Result<bool> {
    let sql = "UPDATE comment SET withheld_at = NULL, version = version + 1
               WHERE id = $1 AND withheld_at IS NOT NULL AND deleted_at IS NULL AND community_id = @community";
    Ok(tx.execute(sql, params![id]).await? > 0)
}

/// Where the comment stands.
pub async fn post_of(db: &impl Executor, id: CommentId) -> Result<Option<PostId>> {
    let sql = "SELECT post_id FROM comment WHERE id = $1 AND community_id = @community";
    db.one(sql, params![id], |row| row.get(0)).await
}

/// Changes the count of reactions; tells whose comment it is and where it stands. Nothing when the
/// member may not read it or its words are gone.
pub async fn count_reaction(
    tx: &Tx,
    member: MemberId,
    id: CommentId,
    by: i64,
) -> Result<Option<(i64, MemberId, PostId)>> {
    const SQL: &str = concat!(
        "UPDATE comment AS c SET like_count = like_count + $2
         WHERE c.id = $3 AND c.community_id = @community AND c.deleted_at IS NULL AND ",
        readable!(),
        " AND EXISTS (SELECT 1 FROM post p WHERE p.id = c.post_id AND p.community_id = @community AND ",
        visible!(),
        ") RETURNING like_count, author_id, post_id"
    );
    tx.one(SQL, params![member, by, id], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?))
    })
    .await
}

/// Takes the words of some comments of a member who leaves, and the places that nobody answered; says how many.
pub async fn forget(tx: &Tx, member: MemberId, now: Timestamp) -> Result<u64> {
    let sql = "SELECT id, post_id FROM comment WHERE community_id = @community AND author_id = $1
                   AND deleted_at IS NULL ORDER BY post_id, id DESC LIMIT 100";
    let some: Vec<(CommentId, PostId)> = tx
        .all(sql, params![member], |row| Ok((row.get(0)?, row.get(1)?)))
        .await?;
    for (id, post) in &some {
        // The post's row first: whoever changes its comments waits here, in one order.
        let sql =
            "UPDATE post SET comment_count = comment_count - 1 WHERE id = $1 AND community_id = @community";
        tx.execute(sql, params![post]).await?;
        let sql = "SELECT parent_id FROM comment WHERE id = $1 AND community_id = @community";
        let parent: Option<Option<CommentId>> = tx.one(sql, params![id], |row| row.get(0)).await?;
        if let Some(parent) = parent {
            take_out(tx, *id, parent, now).await?;
        }
    }
    Ok(some.len() as u64)
}
