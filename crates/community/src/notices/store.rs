//! Every statement on `notice` and `notice_dismissal`.

use super::{Notice, NoticeId};
use accounts::MemberId;
use base::{Paging, Result, Timestamp};
use db::{Executor, Row, Tx, params};
use uuid::Uuid;

macro_rules! notices {
    ($rest:literal) => {
        concat!(
            "SELECT n.id, n.level, n.title, n.body, n.starts_at, n.ends_at, n.notifies FROM notice n
             WHERE n.community_id = @community ",
            $rest
        )
    };
}

fn notice(row: &Row<'_>) -> Result<Notice> {
    Ok(Notice {
        id: row.get(0)?,
        level: row.get(1)?,
        title: row.get(2)?,
        body: row.get(3)?,
        starts_at: row.get(4)?,
        ends_at: row.get(5)?,
        notifies: row.get(6)?,
    })
}

/// What the member should see now, the latest first.
pub async fn current(db: &impl Executor, member: MemberId, now: Timestamp) -> Result<Vec<Notice>> {
    let sql = notices!(
        "AND n.ends_at > $2 AND n.starts_at <= $2
         AND NOT EXISTS (SELECT 1 FROM notice_dismissal d WHERE d.notice_id = n.id AND d.member_id = $1)
         ORDER BY n.starts_at DESC, n.id DESC LIMIT 20"
    );
    db.all(sql, params![member, now], notice).await
}

/// Everything that staff told or are about to, the latest made first.
pub async fn list(db: &impl Executor, page: Paging) -> Result<Vec<Notice>> {
    let sql = notices!("AND n.id < $1 ORDER BY n.id DESC LIMIT $2");
    db.all(sql, params![page.before(), page.fetch()], notice).await
}

pub async fn find(db: &impl Executor, id: NoticeId) -> Result<Option<Notice>> {
    db.one(notices!("AND n.id = $1"), params![id], notice).await
}

pub async fn insert(tx: &Tx, notice: &Notice, by: MemberId, now: Timestamp) -> Result<()> {
    tx.execute(
        "INSERT INTO notice (id, community_id, level, title, body, starts_at, ends_at, notifies, is_told, created_by, created_at)
         VALUES ($1, @community, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        params![
            notice.id,
            notice.level,
            notice.title,
            notice.body,
            notice.starts_at,
            notice.ends_at,
            notice.notifies,
            !notice.notifies,
            by,
            now
        ],
    )
    .await
    .map(drop)
}

/// False when it is not there.
pub async fn delete(tx: &Tx, id: NoticeId) -> Result<bool> {
    let sql = "DELETE FROM notice WHERE id = $1 AND community_id = @community";
    Ok(tx.execute(sql, params![id]).await? > 0)
}

pub async fn dismiss(tx: &Tx, id: NoticeId, member: MemberId, now: Timestamp) -> Result<()> {
    tx.execute(
        "INSERT INTO notice_dismissal (community_id, notice_id, member_id, created_at)
         VALUES (@community, $1, $2, $3) ON CONFLICT DO NOTHING",
        params![id, member, now],
    )
    .await
    .map(drop)
}

/// A notice of which not everybody has heard, with whom was told last.
pub async fn untold(db: &impl Executor, now: Timestamp) -> Result<Option<(NoticeId, Option<Uuid>)>> {
    let sql = "SELECT id, told_until FROM notice
               WHERE community_id = @community AND NOT is_told AND starts_at <= $1 AND ends_at > $1
               ORDER BY starts_at, id LIMIT 1";
    db.one(sql, params![now], |row| Ok((row.get(0)?, row.get(1)?)))
        .await
}

/// The next members of the community to tell, by their ids. To the first one everybody belongs.
pub async fn members_after(db: &impl Executor, after: Uuid, limit: i64) -> Result<Vec<MemberId>> {
    let sql = "SELECT m.id FROM member m WHERE m.id > $1 AND m.status = 'active'
                   AND (@community = 1 OR EXISTS (SELECT 1 FROM membership s
                       WHERE s.community_number = @community AND s.member_id = m.id))
               ORDER BY m.id LIMIT $2";
    db.all(sql, params![after, limit], |row| row.get(0)).await
}

pub async fn advance(tx: &Tx, id: NoticeId, until: Option<MemberId>, is_told: bool) -> Result<()> {
    let sql = "UPDATE notice SET told_until = coalesce($1, told_until), is_told = $2
               WHERE id = $3 AND community_id = @community";
    tx.execute(sql, params![until, is_told, id]).await.map(drop)
}
