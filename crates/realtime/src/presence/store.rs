use super::Visibility;
use accounts::MemberId;
use base::{Result, Timestamp};
use db::{Db, Executor, Tx, params};
use std::collections::HashMap;

/// Who may see the member; those they follow, unless they said otherwise.
pub async fn visibility(db: &impl Executor, member: MemberId) -> Result<Visibility> {
    let sql = "SELECT visibility FROM member_presence WHERE member_id = $1";
    let set = db.one(sql, params![member], |row| row.get(0)).await?;
    Ok(set.unwrap_or(Visibility::Contacts))
}

/// When the member was last seen, as far as that is kept.
pub async fn last_seen(db: &impl Executor, member: MemberId) -> Result<Option<Timestamp>> {
    let sql = "SELECT last_seen_at FROM member_presence WHERE member_id = $1";
    let seen = db
        .one(sql, params![member], |row| row.get::<Option<Timestamp>>(0))
        .await?;
    Ok(seen.flatten())
}

/// Who of these does not want to be seen.
pub async fn unseen(db: &impl Executor, among: &[MemberId]) -> Result<Vec<MemberId>> {
    if among.is_empty() {
        return Ok(vec![]);
    }
    let ids: serde_json::Value = among.iter().map(ToString::to_string).collect();
    let sql = db.pick(
        "SELECT member_id FROM member_presence WHERE visibility = 'nobody'
         AND member_id IN (SELECT unhex(replace(value, '-', '')) FROM json_each($1))",
        "SELECT member_id FROM member_presence WHERE visibility = 'nobody'
         AND member_id IN (SELECT value::uuid FROM jsonb_array_elements_text($1))",
    );
    db.all(sql, params![ids], |row| row.get(0)).await
}

/// Who wants to be seen by nobody leaves no trace of when they were there.
pub async fn set_visibility(tx: &Tx, member: MemberId, visibility: Visibility) -> Result<()> {
    tx.execute_last(
        "INSERT INTO member_presence (member_id, visibility) VALUES ($1, $2)
         ON CONFLICT (member_id) DO UPDATE SET visibility = excluded.visibility,
             last_seen_at = CASE WHEN excluded.visibility = 'nobody' THEN NULL ELSE member_presence.last_seen_at END",
        params![member, visibility],
    )
    .await
}

#[expect(clippy::implicit_hasher, reason = "there is one caller")]
pub async fn write_last_seen(db: &Db, seen: HashMap<MemberId, Timestamp>) -> Result<()> {
    if seen.is_empty() {
        return Ok(());
    }
    db.write_again(move |tx| async move {
        // In the order of ids, so that two nodes do not wait for each other in a circle.
        let mut seen: Vec<_> = seen.into_iter().collect();
        seen.sort();
        for (member, at) in seen {
            tx.execute(
                "INSERT INTO member_presence (member_id, last_seen_at) SELECT id, $2 FROM member WHERE id = $1
                 ON CONFLICT (member_id) DO UPDATE SET last_seen_at = excluded.last_seen_at
                 WHERE member_presence.visibility <> 'nobody'
                     AND (member_presence.last_seen_at IS NULL OR member_presence.last_seen_at < excluded.last_seen_at)",
                params![member, at],
            )
            .await?;
        }
        Ok(())
    })
    .await
}
