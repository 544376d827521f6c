use super::{Companionship, Consent};
use crate::{
    posts::{PostId, store::visible},
    profiles::{Author, author_columns},
};
use accounts::MemberId;
use base::{Paging, Result, Timestamp};
use db::{Executor, Tx, params};
use serde_json::json;

/// Of these members, those whom the author may ask: not themselves, nobody gone or blocked.
pub async fn may_be_named(
    db: &impl Executor,
    author: MemberId,
    members: &[MemberId],
) -> Result<Vec<MemberId>> {
    if members.is_empty() {
        return Ok(vec![]);
    }
    let ids: Vec<String> = members.iter().map(|id| id.0.simple().to_string()).collect();
    let sql = db.pick(
        "SELECT m.id FROM json_each($2) wanted CROSS JOIN member m ON m.id = unhex(wanted.value)
         WHERE m.id <> $1 AND m.status = 'active' AND NOT EXISTS (SELECT 1 FROM block b
             WHERE b.community_id = @community AND b.member_id = $1 AND b.other_id = m.id)
         GROUP BY m.id",
        "SELECT m.id FROM member m
         WHERE m.id = ANY (ARRAY(SELECT jsonb_array_elements_text($2::jsonb)::uuid))
             AND m.id <> $1 AND m.status = 'active' AND NOT EXISTS (SELECT 1 FROM block b
             WHERE b.community_id = @community AND b.member_id = $1 AND b.other_id = m.id)",
    );
    db.all(sql, params![author, json!(ids)], |row| row.get(0)).await
}

/// Asks members; who was asked before is not asked again.
pub async fn ask(tx: &Tx, post: PostId, members: &[MemberId], now: Timestamp) -> Result<()> {
    for member in members {
        tx.execute_last(
            "INSERT INTO companion (community_id, post_id, member_id, status, created_at)
             VALUES (@community, $1, $2, 'asked', $3) ON CONFLICT DO NOTHING",
            params![post, member, now],
        )
        .await?;
    }
    Ok(())
}

/// What the member answered, unless they have nothing to do with the author.
pub async fn find(db: &impl Executor, post: PostId, member: MemberId) -> Result<Option<Consent>> {
    let sql = "SELECT c.status FROM companion c JOIN post p ON p.id = c.post_id
               WHERE c.community_id = @community AND c.post_id = $1 AND c.member_id = $2
                   AND NOT EXISTS (SELECT 1 FROM block b WHERE b.community_id = @community
                       AND b.member_id = $2 AND b.other_id = p.author_id)";
    db.one(sql, params![post, member], |row| row.get(0)).await
}

pub async fn answer(tx: &Tx, post: PostId, member: MemberId, status: Consent, now: Timestamp) -> Result<()> {
    tx.execute(
        "UPDATE companion SET status = $1, answered_at = $2
         WHERE community_id = @community AND post_id = $3 AND member_id = $4",
        params![status, now, post, member],
    )
    .await
    .map(drop)
}

pub async fn delete(tx: &Tx, post: PostId, member: MemberId) -> Result<()> {
    tx.execute(
        "DELETE FROM companion WHERE community_id = @community AND post_id = $1 AND member_id = $2",
        params![post, member],
    )
    .await
    .map(drop)
}

/// Takes the member off the author's posts. Who said no stays unasked.
pub async fn part(tx: &Tx, author: MemberId, member: MemberId) -> Result<()> {
    // The posts' rows first, as whoever answers does: no count changes in between.
    let posts = tx.pick(
        "SELECT p.id FROM companion c JOIN post p ON p.id = c.post_id
         WHERE c.community_id = @community AND c.member_id = $2 AND p.author_id = $1",
        "SELECT p.id FROM companion c JOIN post p ON p.id = c.post_id
         WHERE c.community_id = @community AND c.member_id = $2 AND p.author_id = $1
         ORDER BY p.id FOR NO KEY UPDATE OF p",
    );
    let posts = tx.all(posts, params![author, member], |_| Ok(())).await?;
    if posts.is_empty() {
        return Ok(());
    }
    for sql in [
        "UPDATE post SET companion_count = companion_count - 1
         WHERE community_id = @community AND author_id = $1 AND id IN (SELECT post_id FROM companion
             WHERE community_id = @community AND member_id = $2 AND status = 'approved')",
        "DELETE FROM companion WHERE community_id = @community AND member_id = $2 AND status <> 'denied'
             AND post_id IN (SELECT id FROM post WHERE community_id = @community AND author_id = $1)",
    ] {
        tx.execute(sql, params![author, member]).await?;
    }
    Ok(())
}

/// Posts that ask the member, or asked, the newest first; none that they may not read.
pub async fn list(
    db: &impl Executor,
    member: MemberId,
    status: Consent,
    page: Paging,
) -> Result<Vec<Companionship>> {
    const SQL: &str = concat!(
        "SELECT p.id, ",
        author_columns!("m"),
        ", p.body, c.status, c.created_at
         FROM companion c JOIN post p ON p.id = c.post_id JOIN member m ON m.id = p.author_id
         WHERE c.community_id = @community AND c.member_id = $1 AND c.status = $2 AND c.post_id < $3 AND ",
        visible!(),
        " ORDER BY c.post_id DESC LIMIT $4"
    );
    db.all(SQL, params![member, status, page.before(), page.fetch()], |row| {
        Ok(Companionship {
            post_id: row.get(0)?,
            author: Author::at(row, 1)?,
            body: row.get(5)?,
            status: row.get(6)?,
            created_at: row.get(7)?,
        })
    })
    .await
}

/// A member leaves: they stand on nobody's post any more.
pub async fn forget(tx: &Tx, member: MemberId) -> Result<()> {
    for sql in [
        "UPDATE post /* every community */ SET companion_count = companion_count - 1 WHERE id IN
             (SELECT post_id FROM companion WHERE member_id = $1 AND status = 'approved')",
        "DELETE FROM companion /* every community */ WHERE member_id = $1",
    ] {
        tx.execute(sql, params![member]).await?;
    }
    Ok(())
}
