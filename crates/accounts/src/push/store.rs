use super::{SubscriptionId, sealing, vapid::Key, vapid::purpose};
use crate::{MemberId, SessionId, master_keys::MasterKeys};
use base::{Entropy, Result, Timestamp};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use db::{Db, Executor, Row, Tx, params};

/// Names a key; nine characters' worth of chance.
const ID_BYTES: usize = 9;

/// A browser that wants to be told.
#[derive(Clone, Debug)]
pub struct Subscription {
    pub id: SubscriptionId,
    pub member: MemberId,
    pub session: SessionId,
    pub key_id: String,
    pub endpoint: String,
    pub p256dh: Vec<u8>,
    pub auth: Vec<u8>,
    pub created_at: Timestamp,
}

/// A browser is told for one member and session: the last that asked on it. A
/// session has one browser.
pub async fn insert(tx: &Tx, new: &Subscription) -> Result<()> {
    tx.execute(
        "DELETE FROM push_subscription WHERE session_id = $1 OR endpoint = $2",
        params![new.session, new.endpoint],
    )
    .await?;
    tx.execute_last(
        "INSERT INTO push_subscription (id, member_id, session_id, key_id, endpoint, p256dh, auth, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        params![
            new.id,
            new.member,
            new.session,
            new.key_id,
            new.endpoint,
            new.p256dh,
            new.auth,
            new.created_at
        ],
    )
    .await
}

/// False when it is not there, or not this member's.
pub async fn delete(tx: &Tx, member: MemberId, id: SubscriptionId) -> Result<bool> {
    let count = tx
        .execute(
            "DELETE FROM push_subscription WHERE id = $1 AND member_id = $2",
            params![id, member],
        )
        .await?;
    Ok(count > 0)
}

/// The service says that the browser is gone.
pub async fn delete_gone(tx: &Tx, id: SubscriptionId) -> Result<()> {
    tx.execute_last("DELETE FROM push_subscription WHERE id = $1", params![id])
        .await
}

/// The session has ended: its browser is told nothing more.
pub(crate) async fn end_with_session(tx: &Tx, session: Option<SessionId>) -> Result<()> {
    tx.execute(
        "DELETE FROM push_subscription WHERE session_id = $1",
        params![session],
    )
    .await
    .map(drop)
}

/// One whose session lives.
pub async fn find(db: &impl Executor, id: SubscriptionId) -> Result<Option<Subscription>> {
    let sql = "SELECT p.id, p.member_id, p.session_id, p.key_id, p.endpoint, p.p256dh, p.auth, p.created_at
               FROM push_subscription p
               JOIN session s ON s.id = p.session_id
               JOIN member m ON m.id = p.member_id
               WHERE p.id = $1 AND s.revoked_at IS NULL AND m.status = 'active'";
    db.one(sql, params![id], subscription).await
}

/// A member's own, one for each session that has one.
pub async fn list(db: &impl Executor, member: MemberId) -> Result<Vec<Subscription>> {
    let sql = "SELECT id, member_id, session_id, key_id, endpoint, p256dh, auth, created_at
               FROM push_subscription WHERE member_id = $1 ORDER BY id DESC";
    db.all(sql, params![member], subscription).await
}

/// All subscriptions of these members.
pub async fn of_members(db: &impl Executor, members: &[MemberId]) -> Result<Vec<SubscriptionId>> {
    let ids: serde_json::Value = members.iter().map(ToString::to_string).collect();
    let sql = db.pick(
        "SELECT id FROM push_subscription WHERE member_id IN (SELECT unhex(replace(value, '-', '')) FROM json_each($1))",
        "SELECT id FROM push_subscription WHERE member_id IN (SELECT value::uuid FROM jsonb_array_elements_text($1))",
    );
    db.all(sql, params![ids], |row| row.get(0)).await
}

fn subscription(row: &Row<'_>) -> Result<Subscription> {
    Ok(Subscription {
        id: row.get(0)?,
        member: row.get(1)?,
        session: row.get(2)?,
        key_id: row.get(3)?,
        endpoint: row.get(4)?,
        p256dh: row.get(5)?,
        auth: row.get(6)?,
        created_at: row.get(7)?,
    })
}

/// The key for new subscriptions; the first one is made when it is asked for.
pub async fn newest_key(db: &Db, entropy: &Entropy, master: &MasterKeys, now: Timestamp) -> Result<Key> {
    let sql = "SELECT id, sealed FROM push_key ORDER BY created_at DESC, id DESC";
    loop {
        if let Some((id, sealed)) = db.one(sql, params![], sealed_key).await? {
            let secret = master.open(&purpose(&id), &sealed)?;
            return Key::new(id, &secret);
        }
        // Two nodes may do so at the same time: a second one does no harm.
        rotate_key(db, entropy, master, now).await?;
    }
}

pub async fn find_key(db: &Db, master: &MasterKeys, id: &str) -> Result<Option<Key>> {
    let sql = "SELECT id, sealed FROM push_key WHERE id = $1";
    let Some((id, sealed)) = db.one(sql, params![id], sealed_key).await? else {
        return Ok(None);
    };
    let secret = master.open(&purpose(&id), &sealed)?;
    Key::new(id, &secret).map(Some)
}

fn sealed_key(row: &Row<'_>) -> Result<(String, Vec<u8>)> {
    Ok((row.get(0)?, row.get(1)?))
}

/// Adds a key for new subscriptions and names it. Older subscriptions keep
/// theirs until their browsers subscribe again.
pub async fn rotate_key(db: &Db, entropy: &Entropy, master: &MasterKeys, now: Timestamp) -> Result<String> {
    let id = BASE64.encode(entropy.bytes::<ID_BYTES>());
    let secret = sealing::new_key(entropy).to_bytes();
    let sealed = master.seal(entropy, &purpose(&id), &secret)?;
    let named = id.clone();
    db.write(move |tx| async move {
        tx.execute_last(
            "INSERT INTO push_key (id, sealed, created_at) VALUES ($1, $2, $3)",
            params![named, sealed, now],
        )
        .await
    })
    .await?;
    Ok(id)
}

/// Ids of the keys and when they were made, the one in use first.
pub async fn list_keys(db: &Db) -> Result<Vec<(String, Timestamp)>> {
    let sql = "SELECT id, created_at FROM push_key ORDER BY created_at DESC, id DESC";
    db.all(sql, params![], |row| Ok((row.get(0)?, row.get(1)?))).await
}
