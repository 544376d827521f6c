use super::{Audience, Settings, model::Between};
use accounts::MemberId;
use base::{Result, Timestamp, error::internal};
use db::{Executor, Tx, params};
use serde_json::json;

/// The member's settings; version 0 before they said anything.
pub async fn find(db: &impl Executor, member: MemberId) -> Result<Settings> {
    let sql = "SELECT document, version FROM member_settings WHERE member_id = $1";
    let found = db.one(sql, params![member], |row| {
        let document: serde_json::Value = row.get(0)?;
        let settings: Settings = serde_json::from_value(document).map_err(internal)?;
        Ok(Settings {
            version: row.get(1)?,
            ..settings
        })
    });
    Ok(found.await?.unwrap_or_default())
}

/// Writes over the version that was seen; false when there is another one by now.
pub async fn put(tx: &Tx, member: MemberId, settings: &Settings, now: Timestamp) -> Result<bool> {
    let count = tx
        .execute(
            "INSERT INTO member_settings (member_id, document, updated_at) VALUES ($1, $2, $3)
             ON CONFLICT (member_id) DO UPDATE SET document = excluded.document,
                 updated_at = excluded.updated_at, version = member_settings.version + 1
             WHERE member_settings.version = $4",
            params![member, json!(settings), now, settings.version],
        )
        .await?;
    Ok(count > 0)
}

/// Whether somebody is among those from whom a member wants to hear.
pub async fn is_heard(
    db: &impl Executor,
    by: MemberId,
    audience: Audience,
    somebody: MemberId,
) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM friend f WHERE f.community_id = @community
                   AND f.member_id = $1 AND f.friend_id = $2),
               EXISTS (SELECT 1 FROM friend f JOIN friend g ON g.community_id = f.community_id
                   AND g.member_id = f.friend_id AND g.friend_id = $2
                   WHERE f.community_id = @community AND f.member_id = $1)";
    if matches!(audience, Audience::Everybody | Audience::Nobody) {
        return Ok(audience == Audience::Everybody);
    }
    let between = db.one(sql, params![by, somebody], |row| {
        Ok(Between {
            are_friends: row.get(0)?,
            share_a_friend: row.get(1)?,
        })
    });
    Ok(between.await?.is_some_and(|between| audience.includes(between)))
}
