use super::Profile;
use accounts::MemberId;
use base::{Paging, Result};
use db::{Executor, Row, params};

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
                   WHERE m.id = $2 AND m.status = 'active'";
        db.one(sql, params![reader, id], profile).await
    } else {
        let sql =
            "SELECT m.id, m.username, m.display_name, m.created_at, m.follower_count, m.following_count,
                          f.follower_id IS NOT NULL
                   FROM member m LEFT JOIN follow f
                       ON f.community_id = @community AND f.follower_id = $1 AND f.followee_id = m.id
                   WHERE m.username = $2 AND m.status = 'active'";
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
                   AND (m.username LIKE $3 ESCAPE '!' OR lower(m.display_name) LIKE $3 ESCAPE '!')
               ORDER BY m.id DESC LIMIT $4";
    db.all(
        sql,
        params![reader, page.before(), pattern, page.fetch()],
        profile,
    )
    .await
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
