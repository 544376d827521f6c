use accounts::MemberId;
use base::{Result, Timestamp};
use db::{Executor, params};
use realtime::presence::Visibility;

/// What is kept of a member's presence.
pub struct Known {
    pub id: MemberId,
    pub visibility: Visibility,
    pub last_seen_at: Option<Timestamp>,
    pub follows_reader: bool,
}

/// Active members among these who have nothing against the reader.
pub async fn find(db: &impl Executor, reader: MemberId, members: &[MemberId]) -> Result<Vec<Known>> {
    let ids: serde_json::Value = members.iter().map(ToString::to_string).collect();
    let sql = db.pick(
        "SELECT m.id, coalesce(p.visibility, 'contacts'), p.last_seen_at, f.follower_id IS NOT NULL
         FROM json_each($2) wanted
         CROSS JOIN member m ON m.id = unhex(replace(wanted.value, '-', '')) AND m.status = 'active'
         LEFT JOIN member_presence p ON p.member_id = m.id
         LEFT JOIN follow f ON f.community_id = @community AND f.follower_id = m.id AND f.followee_id = $1
         WHERE NOT EXISTS (SELECT 1 FROM block b WHERE b.community_id = @community AND b.member_id = $1 AND b.other_id = m.id)",
        "SELECT m.id, coalesce(p.visibility, 'contacts'), p.last_seen_at, f.follower_id IS NOT NULL
         FROM jsonb_array_elements_text($2) wanted
         JOIN member m ON m.id = wanted.value::uuid AND m.status = 'active'
         LEFT JOIN member_presence p ON p.member_id = m.id
         LEFT JOIN follow f ON f.community_id = @community AND f.follower_id = m.id AND f.followee_id = $1
         WHERE NOT EXISTS (SELECT 1 FROM block b WHERE b.community_id = @community AND b.member_id = $1 AND b.other_id = m.id)",
    );
    db.all(sql, params![reader, ids], |row| {
        Ok(Known {
            id: row.get(0)?,
            visibility: row.get(1)?,
            last_seen_at: row.get(2)?,
            follows_reader: row.get(3)?,
        })
    })
    .await
}
