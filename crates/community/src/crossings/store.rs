//! Every statement that reads beyond one community, and all on `crossing`.

use super::{Crossing, CrossingId, CrossingStatus, Origin, Seen, View};
use crate::{
    posts::PostId,
    profiles::{Author, author_columns},
};
use accounts::MemberId;
use base::{Paging, Result, Timestamp};
use db::{CommunityId, Executor, OrConflict, Row, Tx, params};
use serde_json::json;

macro_rules! seen_columns {
    () => {
        concat!(
            "p.id, ",
            author_columns!("m"),
            ",
         p.body, p.html, p.created_at, k.slug, k.name"
        )
    };
}

/// What anybody of its community may read of the post `p`, by members with whom the reader `$1` has something
/// to do.
macro_rules! presentable {
    () => {
        "p.visibility = 'public' AND p.withheld IS NULL AND m.status = 'active'
             AND NOT EXISTS (SELECT 1 FROM block b WHERE b.member_id = $1 AND b.other_id = p.author_id)"
    };
}

fn seen(row: &Row<'_>) -> Result<Seen> {
    Ok(Seen {
        id: row.get(0)?,
        author: Author::at(row, 1)?,
        body: row.get(5)?,
        html: row.get(6)?,
        created_at: row.get(7)?,
        community: Origin {
            slug: row.get(8)?,
            name: row.get(9)?,
        },
    })
}

/// The newest public posts of these communities, which are the reader's.
pub async fn of_communities(
    db: &impl Executor,
    reader: MemberId,
    theirs: &[CommunityId],
    page: Paging,
) -> Result<Vec<Seen>> {
    // One walk along the index for each community.
    let sql = db.pick(
        concat!(
            "SELECT /* every community */ ",
            seen_columns!(),
            " FROM json_each($2) wanted
             CROSS JOIN post p ON p.community_id = wanted.value AND p.id < $3
             CROSS JOIN member m ON m.id = p.author_id
             CROSS JOIN community k ON k.id = p.community_id
             WHERE ",
            presentable!(),
            " ORDER BY p.id DESC LIMIT $4"
        ),
        concat!(
            "SELECT /* every community */ ",
            seen_columns!(),
            " FROM jsonb_array_elements_text($2::jsonb) wanted
             CROSS JOIN LATERAL (SELECT * FROM post x WHERE x.community_id = wanted.value::integer
                 AND x.visibility = 'public' AND x.id < $3 ORDER BY x.id DESC LIMIT $4 + 100) p
             JOIN member m ON m.id = p.author_id
             JOIN community k ON k.id = p.community_id
             WHERE ",
            presentable!(),
            " ORDER BY p.id DESC LIMIT $4"
        ),
    );
    let numbers: Vec<i32> = theirs.iter().map(|community| community.0).collect();
    db.all(
        sql,
        params![reader, json!(numbers), page.before(), page.fetch()],
        seen,
    )
    .await
}

/// Posts that came to this community from others, the newest first.
pub async fn shared(db: &impl Executor, reader: MemberId, page: Paging) -> Result<Vec<Seen>> {
    let sql = concat!(
        "SELECT ",
        seen_columns!(),
        " FROM crossing x JOIN post p ON p.id = x.post_id AND p.community_id = x.source_number
         JOIN member m ON m.id = p.author_id JOIN community k ON k.id = p.community_id
         WHERE x.community_id = @community AND x.status = 'approved' AND p.id < $2 AND ",
        presentable!(),
        " ORDER BY p.id DESC LIMIT $3"
    );
    db.all(sql, params![reader, page.before(), page.fetch()], seen)
        .await
}

macro_rules! crossings {
    ($rest:literal) => {
        concat!(
            "SELECT /* every community */ x.id, x.post_id, s.slug, s.name, t.slug, t.name, x.status, x.created_at, x.decided_at,
                    x.source_number, x.community_id
             FROM crossing x JOIN community s ON s.id = x.source_number JOIN community t ON t.id = x.community_id ",
            $rest
        )
    };
}

fn crossing(row: &Row<'_>) -> Result<Crossing> {
    Ok(Crossing {
        id: row.get(0)?,
        post_id: row.get(1)?,
        source: Origin {
            slug: row.get(2)?,
            name: row.get(3)?,
        },
        target: Origin {
            slug: row.get(4)?,
            name: row.get(5)?,
        },
        status: row.get(6)?,
        created_at: row.get(7)?,
        decided_at: row.get(8)?,
        numbers: (CommunityId(row.get(9)?), CommunityId(row.get(10)?)),
    })
}

pub async fn insert(
    tx: &Tx,
    id: CrossingId,
    target: CommunityId,
    post: PostId,
    source: CommunityId,
    by: MemberId,
    now: Timestamp,
) -> Result<()> {
    tx.execute(
        "INSERT INTO crossing (id, community_id, post_id, source_number, asked_by, status, created_at)
         /* every community */ VALUES ($1, $2, $3, $4, $5, 'pending', $6)",
        params![id, target.0, post, source.0, by, now],
    )
    .await
    .map(drop)
    .or_conflict("crossing_community_id_post_id_key", "already_shared")
}

pub async fn find(db: &impl Executor, id: CrossingId) -> Result<Option<Crossing>> {
    db.one(crossings!("WHERE x.id = $1"), params![id], crossing).await
}

/// What asks a community, or asked, the oldest first.
pub async fn asking(
    db: &impl Executor,
    target: CommunityId,
    status: CrossingStatus,
    after: base::uuid::Uuid,
    limit: i64,
) -> Result<Vec<Crossing>> {
    let sql = crossings!("WHERE x.community_id = $1 AND x.status = $2 AND x.id > $3 ORDER BY x.id LIMIT $4");
    db.all(sql, params![target.0, status, after, limit], crossing)
        .await
}

/// What the member asked for, the latest first.
pub async fn asked_by(db: &impl Executor, member: MemberId, page: Paging) -> Result<Vec<Crossing>> {
    let sql = crossings!("WHERE x.asked_by = $1 AND x.id < $2 ORDER BY x.id DESC LIMIT $3");
    db.all(sql, params![member, page.before(), page.fetch()], crossing)
        .await
}

/// False when it was decided already.
pub async fn decide(
    tx: &Tx,
    id: CrossingId,
    status: CrossingStatus,
    by: MemberId,
    now: Timestamp,
) -> Result<bool> {
    let sql = "UPDATE crossing /* every community */ SET status = $1, decided_by = $2, decided_at = $3
               WHERE id = $4 AND status = 'pending'";
    Ok(tx.execute(sql, params![status, by, now, id]).await? > 0)
}

/// Takes back what the member asked for, approved or not; false when there is no such thing of theirs.
pub async fn delete(tx: &Tx, id: CrossingId, member: MemberId) -> Result<bool> {
    let sql = "DELETE FROM crossing /* every community */ WHERE id = $1 AND asked_by = $2";
    Ok(tx.execute(sql, params![id, member]).await? > 0)
}

pub async fn view_of(db: &impl Executor, member: MemberId) -> Result<Option<View>> {
    let sql = "SELECT view FROM view_preference WHERE member_id = $1";
    db.one(sql, params![member], |row| row.get(0)).await
}

pub async fn put_view(tx: &Tx, member: MemberId, view: View) -> Result<()> {
    tx.execute(
        "INSERT INTO view_preference (member_id, view) VALUES ($1, $2)
         ON CONFLICT (member_id) DO UPDATE SET view = excluded.view",
        params![member, view],
    )
    .await
    .map(drop)
}
