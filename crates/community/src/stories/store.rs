use super::{Story, StoryId, View};
use crate::profiles::{Author, author_columns};
use accounts::MemberId;
use base::{Paging, Result, Timestamp, error::not_found};
use db::{CommunityId, Executor, Row, Tx, params};

/// What `story()` reads of the story `t` for the reader `$1`.
macro_rules! story_columns {
    () => {
        concat!(
            "t.id, ",
            author_columns!("m"),
            ",
         t.caption, t.visibility, t.created_at, t.expires_at,
         v.member_id IS NOT NULL, CASE WHEN t.author_id = $1 THEN t.view_count END, t.media_id"
        )
    };
}

macro_rules! story_joins {
    () => {
        "JOIN member m ON m.id = t.author_id
         LEFT JOIN story_view v ON v.story_id = t.id AND v.member_id = $1"
    };
}

/// Whether the reader may see the story `t` at the time `$2`; what staff took from sight, its author alone.
macro_rules! shown {
    () => {
        "t.expires_at > $2 AND (t.author_id = $1 OR (
            (t.visibility = 'public' OR EXISTS (SELECT 1 FROM friend f WHERE f.community_id = @community
                AND f.member_id = $1 AND f.friend_id = t.author_id))
            AND t.withheld_at IS NULL
            AND NOT EXISTS (SELECT 1 FROM block b WHERE b.community_id = @community
                AND b.member_id = $1 AND b.other_id = t.author_id)))"
    };
}

fn story(row: &Row<'_>) -> Result<Story> {
    Ok(Story {
        id: row.get(0)?,
        author: Author::at(row, 1)?,
        caption: row.get(5)?,
        visibility: row.get(6)?,
        created_at: row.get(7)?,
        expires_at: row.get(8)?,
        seen_by_me: row.get(9)?,
        view_count: row.get(10)?,
        media_id: row.get(11)?,
        media: None,
    })
}

/// Stories of those the member follows and did not mute, and their own, the newest first.
pub async fn list_followed(
    db: &impl Executor,
    reader: MemberId,
    now: Timestamp,
    page: Paging,
) -> Result<Vec<Story>> {
    const SQL: &str = concat!(
        "SELECT ",
        story_columns!(),
        " FROM (SELECT f.followee_id AS author_id FROM follow f WHERE f.community_id = @community AND f.follower_id = $1
              AND f.followee_id NOT IN (SELECT muted_id FROM mute WHERE community_id = @community AND member_id = $1)
          UNION ALL SELECT $1) source
         JOIN story t ON t.community_id = @community AND t.author_id = source.author_id AND t.id < $3 ",
        story_joins!(),
        " WHERE ",
        shown!(),
        " ORDER BY t.id DESC LIMIT $4"
    );
    db.all(SQL, params![reader, now, page.before(), page.fetch()], story)
        .await
}

/// One author's stories that the reader may see, the newest first.
pub async fn list_by(
    db: &impl Executor,
    reader: MemberId,
    author: MemberId,
    now: Timestamp,
    page: Paging,
) -> Result<Vec<Story>> {
    const SQL: &str = concat!(
        "SELECT ",
        story_columns!(),
        " FROM story t ",
        story_joins!(),
        " WHERE t.community_id = @community AND t.author_id = $5 AND t.id < $3 AND ",
        shown!(),
        " ORDER BY t.id DESC LIMIT $4"
    );
    db.all(
        SQL,
        params![reader, now, page.before(), page.fetch(), author],
        story,
    )
    .await
}

pub async fn find(
    db: &impl Executor,
    reader: MemberId,
    now: Timestamp,
    id: StoryId,
) -> Result<Option<Story>> {
    const SQL: &str = concat!(
        "SELECT ",
        story_columns!(),
        " FROM story t ",
        story_joins!(),
        " WHERE t.id = $3 AND t.community_id = @community AND ",
        shown!()
    );
    db.one(SQL, params![reader, now, id], story).await
}

/// Takes the story from everybody's sight but its author's, or puts it back; false when it is not there.
pub async fn withhold(tx: &Tx, id: StoryId, at: Option<Timestamp>) -> Result<bool> {
    let sql = "UPDATE story SET withheld_at = $1 WHERE id = $2 AND community_id = @community";
    Ok(tx.execute(sql, params![at, id]).await? > 0)
}

pub async fn insert(tx: &Tx, story: &Story) -> Result<()> {
    tx.execute_last(
        "INSERT INTO story (id, community_id, author_id, caption, visibility, created_at, expires_at, media_id)
         VALUES ($1, @community, $2, $3, $4, $5, $6, $7)",
        params![
            story.id,
            story.author.id,
            story.caption,
            story.visibility,
            story.created_at,
            story.expires_at,
            story.media_id
        ],
    )
    .await
}

pub async fn delete(tx: &Tx, id: StoryId) -> Result<()> {
    tx.execute(
        "DELETE FROM story WHERE id = $1 AND community_id = @community",
        params![id],
    )
    .await
    .map(drop)
}

/// Counts a member who sees the story for the first time.
pub async fn see(tx: &Tx, id: StoryId, member: MemberId, now: Timestamp) -> Result<()> {
    // The story's row first: whoever sees it at the same moment waits here.
    let counted = "UPDATE story SET view_count = view_count + $1 WHERE id = $2 AND community_id = @community";
    if tx.execute(counted, params![1, id]).await? == 0 {
        return Err(not_found("story"));
    }
    let seen = tx
        .execute(
            "INSERT INTO story_view (community_id, story_id, member_id, created_at) VALUES (@community, $1, $2, $3)
             ON CONFLICT DO NOTHING",
            params![id, member, now],
        )
        .await?;
    if seen == 0 {
        tx.execute(counted, params![-1, id]).await?;
    }
    Ok(())
}

/// Who saw it, by id, the newest member first.
pub async fn list_views(
    db: &impl Executor,
    reader: MemberId,
    id: StoryId,
    page: Paging,
) -> Result<Vec<View>> {
    let sql = concat!(
        "SELECT ",
        author_columns!("m"),
        ", v.created_at
               FROM story_view v JOIN member m ON m.id = v.member_id
               WHERE v.community_id = @community AND v.story_id = $2 AND v.member_id < $3
                   AND NOT EXISTS (SELECT 1 FROM block b WHERE b.community_id = @community
                       AND b.member_id = $1 AND b.other_id = v.member_id)
               ORDER BY v.member_id DESC LIMIT $4"
    );
    db.all(sql, params![reader, id, page.before(), page.fetch()], |row| {
        Ok(View {
            member: Author::at(row, 0)?,
            seen_at: row.get(4)?,
        })
    })
    .await
}

/// What nobody may see any more, of every community.
pub async fn over(db: &impl Executor, now: Timestamp, limit: i64) -> Result<Vec<(CommunityId, StoryId)>> {
    let sql = "SELECT /* every community */ community_id, id FROM story WHERE expires_at <= $1
               ORDER BY expires_at LIMIT $2";
    db.all(sql, params![now, limit], |row| {
        Ok((CommunityId(row.get(0)?), row.get(1)?))
    })
    .await
}

/// A member leaves: they have seen nothing.
pub async fn forget_views(tx: &Tx, member: MemberId) -> Result<()> {
    for sql in [
        "UPDATE story /* every community */ SET view_count = view_count - 1 WHERE id IN
             (SELECT story_id FROM story_view WHERE member_id = $1)",
        "DELETE FROM story_view /* every community */ WHERE member_id = $1",
    ] {
        tx.execute(sql, params![member]).await?;
    }
    Ok(())
}
