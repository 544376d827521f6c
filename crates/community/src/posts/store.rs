use super::{Post, PostId};
use crate::{profiles::Author, reactions::Reaction};
use accounts::MemberId;
use base::{Paging, Result, Timestamp};
use db::{Db, Executor, Row, Snapshot, Tx, params};
use uuid::Uuid;

pub(crate) fn post(row: &Row<'_>) -> Result<Post> {
    let reaction: Option<Reaction> = row.get(9)?;
    Ok(Post {
        id: row.get(0)?,
        body: row.get(1)?,
        created_at: row.get(2)?,
        edited_at: row.get(3)?,
        like_count: row.get(4)?,
        comment_count: row.get(5)?,
        author: Author {
            id: row.get(6)?,
            username: row.get(7)?,
            display_name: row.get(8)?,
        },
        liked_by_me: reaction.is_some(),
        reaction,
        version: row.get(10)?,
    })
}

pub async fn find(db: &impl Executor, reader: MemberId, id: PostId) -> Result<Option<Post>> {
    let sql = "SELECT p.id, p.body, p.created_at, p.edited_at, p.like_count, p.comment_count,
                      m.id, m.username, m.display_name, r.kind, p.version
               FROM post p JOIN member m ON m.id = p.author_id
               LEFT JOIN reaction r ON r.post_id = p.id AND r.member_id = $1
               WHERE p.id = $2 AND p.community_id = @community
                   AND NOT EXISTS (SELECT 1 FROM block b WHERE b.community_id = @community
                                   AND b.member_id = $1 AND b.other_id = p.author_id)";
    db.one(sql, params![reader, id], post).await
}

/// One author's posts, the newest first.
pub async fn list_by(
    db: &impl Executor,
    reader: MemberId,
    author: MemberId,
    page: Paging,
) -> Result<Vec<Post>> {
    let sql = "SELECT p.id, p.body, p.created_at, p.edited_at, p.like_count, p.comment_count,
                      m.id, m.username, m.display_name, r.kind, p.version
               FROM post p JOIN member m ON m.id = p.author_id
               LEFT JOIN reaction r ON r.post_id = p.id AND r.member_id = $1
               WHERE p.community_id = @community AND p.author_id = $2 AND p.id < $3
                   AND NOT EXISTS (SELECT 1 FROM block b WHERE b.community_id = @community
                                   AND b.member_id = $1 AND b.other_id = $2)
               ORDER BY p.id DESC LIMIT $4";
    db.all(sql, params![reader, author, page.before(), page.fetch()], post)
        .await
}

pub async fn insert(tx: &Tx, id: PostId, author: MemberId, body: &str, now: Timestamp) -> Result<()> {
    tx.execute_last(
        "INSERT INTO post (id, community_id, author_id, body, created_at) VALUES ($1, @community, $2, $3, $4)",
        params![id, author, body, now],
    )
    .await
}

pub async fn author(db: &impl Executor, id: MemberId) -> Result<Option<Author>> {
    let sql = "SELECT id, username, display_name FROM member WHERE id = $1";
    db.one(sql, params![id], |row| {
        Ok(Author {
            id: row.get(0)?,
            username: row.get(1)?,
            display_name: row.get(2)?,
        })
    })
    .await
}

/// False when the post has another version by now.
pub async fn update(tx: &Tx, id: PostId, version: i64, body: &str, now: Timestamp) -> Result<bool> {
    let count = tx
        .execute(
            "UPDATE post SET body = $1, edited_at = $2, version = version + 1
             WHERE id = $3 AND version = $4 AND community_id = @community",
            params![body, now, id, version],
        )
        .await?;
    Ok(count > 0)
}

pub async fn delete(tx: &Tx, id: PostId) -> Result<bool> {
    let count = tx
        .execute(
            "DELETE FROM post WHERE id = $1 AND community_id = @community",
            params![id],
        )
        .await?;
    Ok(count > 0)
}

/// Changes the count of reactions; nothing when the member knows of no such post.
pub async fn count_reaction(tx: &Tx, id: PostId, member: MemberId, by: i64) -> Result<Option<i64>> {
    let sql = "UPDATE post SET like_count = like_count + $1 WHERE id = $2 AND community_id = @community
                   AND NOT EXISTS (SELECT 1 FROM block b WHERE b.community_id = @community
                                   AND b.member_id = $3 AND b.other_id = post.author_id)
               RETURNING like_count";
    tx.one(sql, params![by, id, member], |row| row.get(0)).await
}

/// A page of the feed: the newest posts of those the reader follows and did not
/// mute, and their own. A block has ended the follow, so it needs no look here.
///
/// First the newest post of each author below the cursor (one step into an
/// index each); only the authors of the `limit` newest of these can stand on the
/// page, and nothing older than the oldest of these can. So a page costs one
/// index step for each author followed and a few more rows than it shows,
/// however long anybody's history is.
///
/// `reach` is where the reader's last page ended, if that is known: a full page
/// of posts that are no older is the right page, whatever `reach` is. It saves
/// PostgreSQL the way to the bound, a third of its work.
pub async fn feed(db: &Db, reader: MemberId, page: Paging, reach: Option<PostId>) -> Result<Vec<Post>> {
    if db.statements_are_calls() {
        return db
            .read(move |snapshot| async move { feed_by_steps(&snapshot, reader, page).await })
            .await;
    }
    let (before, limit) = (page.before(), page.fetch());
    if let Some(reach) = reach {
        let posts = db
            .all(FEED_REACHING, params![reader, before, limit, reach], post)
            .await?;
        if posts.len() as i64 == limit {
            return Ok(posts);
        }
    }
    db.all(FEED_POSTGRES, params![reader, before, limit, Uuid::nil()], post)
        .await
}

/// The same in small statements, where each costs a function call and no journey.
async fn feed_by_steps(db: &Snapshot, reader: MemberId, page: Paging) -> Result<Vec<Post>> {
    let (before, limit) = (page.before(), page.fetch());
    let heads = db
        .all(HEADS, params![reader, before], |row| {
            Ok((row.get::<Option<Uuid>>(0)?, row.get::<MemberId>(1)?))
        })
        .await?;
    let mut heads: Vec<(Uuid, MemberId)> = heads
        .into_iter()
        .filter_map(|(newest, author)| Some((newest?, author)))
        .collect();
    heads.sort_unstable_by(|a, b| b.cmp(a));
    heads.truncate(limit as usize);
    let mut ids: Vec<Uuid> = heads.iter().map(|(newest, _)| *newest).collect();
    for (newest, author) in heads {
        let full = ids.len() as i64 == limit;
        let bound = ids.last().filter(|_| full).copied().unwrap_or_default();
        // Whoever comes now has nothing newer than what is on the page.
        if newest <= bound {
            break;
        }
        let older = db.all(OLDER, params![author, newest, bound, limit - 1], |row| {
            row.get::<Uuid>(0)
        });
        ids.extend(older.await?);
        ids.sort_unstable_by(|a, b| b.cmp(a));
        ids.truncate(limit as usize);
    }
    let ids: Vec<String> = ids.iter().map(|id| id.simple().to_string()).collect();
    db.all(THESE, params![reader, serde_json::json!(ids)], post).await
}

/// The newest post of each author below the cursor, if there is one. The caller
/// drops the others: asking for `IS NOT NULL` here would look for each twice.
const HEADS: &str = "SELECT (SELECT p.id FROM post p
            WHERE p.community_id = @community AND p.author_id = f.followee_id AND p.id < $2
            ORDER BY p.id DESC LIMIT 1), f.followee_id
        FROM follow f WHERE f.community_id = @community AND f.follower_id = $1
            AND f.followee_id NOT IN (SELECT muted_id FROM mute WHERE community_id = @community AND member_id = $1)
    UNION ALL
    SELECT (SELECT p.id FROM post p
            WHERE p.community_id = @community AND p.author_id = $1 AND p.id < $2
            ORDER BY p.id DESC LIMIT 1), $1";

const OLDER: &str = "SELECT id FROM post
    WHERE community_id = @community AND author_id = $1 AND id < $2 AND id > $3
    ORDER BY id DESC LIMIT $4";

const THESE: &str = "SELECT p.id, p.body, p.created_at, p.edited_at, p.like_count, p.comment_count,
           m.id, m.username, m.display_name, r.kind, p.version
    FROM json_each($2) wanted CROSS JOIN post p ON p.id = unhex(wanted.value) AND p.community_id = @community
    CROSS JOIN member m ON m.id = p.author_id
    LEFT JOIN reaction r ON r.post_id = p.id AND r.member_id = $1";

const FEED_POSTGRES: &str = "WITH source(author_id) AS (
        SELECT followee_id FROM follow WHERE community_id = @community AND follower_id = $1
            AND followee_id NOT IN (SELECT muted_id FROM mute WHERE community_id = @community AND member_id = $1)
        UNION ALL SELECT $1
    ), top AS MATERIALIZED (
        SELECT source.author_id, head.id FROM source
        CROSS JOIN LATERAL (SELECT p.id FROM post p
            WHERE p.community_id = @community AND p.author_id = source.author_id AND p.id < $2
            ORDER BY p.id DESC LIMIT 1) head
        ORDER BY head.id DESC LIMIT $3
    ), bound AS MATERIALIZED (
        SELECT CASE WHEN count(*) >= $3 THEN (SELECT id FROM top ORDER BY id LIMIT 1) ELSE $4::uuid END AS id FROM top
    ), page AS MATERIALIZED (
        SELECT recent.id FROM top
        CROSS JOIN LATERAL (SELECT p.id FROM post p
            WHERE p.community_id = @community AND p.author_id = top.author_id
                AND p.id < $2 AND p.id >= (SELECT id FROM bound)
            ORDER BY p.id DESC LIMIT $3) recent
        ORDER BY recent.id DESC LIMIT $3
    )
    SELECT p.id, p.body, p.created_at, p.edited_at, p.like_count, p.comment_count,
           m.id, m.username, m.display_name, r.kind, p.version
    FROM page JOIN post p ON p.id = page.id
    JOIN member m ON m.id = p.author_id
    LEFT JOIN reaction r ON r.post_id = p.id AND r.member_id = $1
    ORDER BY p.id DESC";

const FEED_REACHING: &str = "WITH source(author_id) AS (
        SELECT followee_id FROM follow WHERE community_id = @community AND follower_id = $1
            AND followee_id NOT IN (SELECT muted_id FROM mute WHERE community_id = @community AND member_id = $1)
        UNION ALL SELECT $1
    ), page AS MATERIALIZED (
        SELECT recent.* FROM source
        CROSS JOIN LATERAL (SELECT p.* FROM post p
            WHERE p.community_id = @community AND p.author_id = source.author_id AND p.id < $2 AND p.id >= $4
            ORDER BY p.id DESC LIMIT $3) recent
        ORDER BY recent.id DESC LIMIT $3
    )
    SELECT p.id, p.body, p.created_at, p.edited_at, p.like_count, p.comment_count,
           m.id, m.username, m.display_name, r.kind, p.version
    FROM page p JOIN member m ON m.id = p.author_id
    LEFT JOIN reaction r ON r.post_id = p.id AND r.member_id = $1
    ORDER BY p.id DESC";
