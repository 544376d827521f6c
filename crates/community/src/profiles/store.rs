use super::Profile;
use accounts::MemberId;
use base::{Paging, Result, error::not_found};
use db::{Executor, Row, Tx, params};

pub(crate) fn profile(row: &Row<'_>) -> Result<Profile> {
    Ok(Profile {
        id: row.get(0)?,
        username: row.get(1)?,
        display_name: row.get(2)?,
        created_at: row.get(3)?,
        follower_count: row.get(4)?,
        following_count: row.get(5)?,
        followed_by_me: row.get(6)?,
    })
}

/// By id, or by user name in lower case.
pub async fn find(db: &impl Executor, reader: MemberId, name: &str) -> Result<Option<Profile>> {
    if let Ok(id) = name.parse::<MemberId>() {
        let sql =
            "SELECT m.id, m.username, m.display_name, m.created_at, m.follower_count, m.following_count,
                          f.follower_id IS NOT NULL
                   FROM member m LEFT JOIN follow f
                       ON f.community_id = @community AND f.follower_id = $1 AND f.followee_id = m.id
                   WHERE m.id = $2 AND m.status = 'active'
                       AND NOT EXISTS (SELECT 1 FROM block b WHERE b.community_id = @community
                                       AND b.member_id = $1 AND b.other_id = m.id)";
        db.one(sql, params![reader, id], profile).await
    } else {
        let sql =
            "SELECT m.id, m.username, m.display_name, m.created_at, m.follower_count, m.following_count,
                          f.follower_id IS NOT NULL
                   FROM member m LEFT JOIN follow f
                       ON f.community_id = @community AND f.follower_id = $1 AND f.followee_id = m.id
                   WHERE m.username = $2 AND m.status = 'active'
                       AND NOT EXISTS (SELECT 1 FROM block b WHERE b.community_id = @community
                                       AND b.member_id = $1 AND b.other_id = m.id)";
        db.one(sql, params![reader, name.to_lowercase()], profile).await
    }
}

/// Members whose names contain the text, the newest first.
pub async fn search(db: &impl Executor, reader: MemberId, text: &str, page: Paging) -> Result<Vec<Profile>> {
    let pattern = format!("%{}%", escape(&text.to_lowercase()));
    let sql = "SELECT m.id, m.username, m.display_name, m.created_at, m.follower_count, m.following_count,
                      f.follower_id IS NOT NULL
               FROM member m LEFT JOIN follow f
                   ON f.community_id = @community AND f.follower_id = $1 AND f.followee_id = m.id
               WHERE m.id < $2 AND m.status = 'active'
                   AND NOT EXISTS (SELECT 1 FROM block b WHERE b.community_id = @community
                                   AND b.member_id = $1 AND b.other_id = m.id)
                   AND (m.username LIKE $3 ESCAPE '!' OR lower(m.display_name) LIKE $3 ESCAPE '!')
               ORDER BY m.id DESC LIMIT $4";
    db.all(
        sql,
        params![reader, page.before(), pattern, page.fetch()],
        profile,
    )
    .await
}

/// Whether the reader may know that the member is there.
pub async fn is_visible(db: &impl Executor, reader: MemberId, id: MemberId) -> Result<bool> {
    let sql = "SELECT 1 FROM member m WHERE m.id = $2 AND m.status = 'active'
                   AND NOT EXISTS (SELECT 1 FROM block b WHERE b.community_id = @community
                                   AND b.member_id = $1 AND b.other_id = m.id)";
    Ok(db.one(sql, params![reader, id], |_| Ok(())).await?.is_some())
}

/// Locks two members, always in the order of their ids: whatever is decided about
/// the two of them is decided one after the other.
pub async fn lock_pair(tx: &Tx, one: MemberId, other: MemberId) -> Result<()> {
    let sql = tx.pick(
        "SELECT id FROM member WHERE id IN ($1, $2) AND status = 'active'",
        "SELECT id FROM member WHERE id IN ($1, $2) AND status = 'active' ORDER BY id FOR NO KEY UPDATE",
    );
    let found = tx.all(sql, params![one, other], |_| Ok(())).await?;
    if found.len() < 2 {
        return Err(not_found("member"));
    }
    Ok(())
}

/// The member's own city as they wrote it; empty when they did not.
pub async fn city(db: &impl Executor, member: MemberId) -> Result<String> {
    let sql = "SELECT city FROM profile WHERE community_id = @community AND member_id = $1";
    Ok(db
        .one(sql, params![member], |row| row.get(0))
        .await?
        .unwrap_or_default())
}

/// Text that LIKE takes literally.
fn escape(text: &str) -> String {
    text.chars().fold(String::new(), |mut out, c| {
        if matches!(c, '%' | '_' | '!') {
            out.push('!');
        }
        out.push(c);
        out
    })
}
