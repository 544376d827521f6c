use super::{Delivery, DeliveryId, Webhook, WebhookEvent, WebhookId};
use accounts::MemberId;
use base::{Paging, Result, Timestamp};
use db::{Executor, Row, Tx, params};
use uuid::Uuid;

macro_rules! webhooks {
    ($rest:literal) => {
        concat!(
            "SELECT w.id, w.url, w.events, w.enabled, w.disabled_reason, w.failing_since, w.secret_rotated_at,
                    w.created_at, w.owner_id, w.secret_generation FROM webhook w ",
            $rest
        )
    };
}

fn events(text: &str) -> Vec<WebhookEvent> {
    text.split(' ').filter_map(WebhookEvent::parse).collect()
}

fn joined(events: &[WebhookEvent]) -> String {
    let words: Vec<&str> = events.iter().map(|event| event.as_str()).collect();
    words.join(" ")
}

fn webhook(row: &Row<'_>) -> Result<Webhook> {
    Ok(Webhook {
        id: row.get(0)?,
        url: row.get(1)?,
        events: events(&row.get::<String>(2)?),
        enabled: row.get(3)?,
        disabled_reason: row.get(4)?,
        failing_since: row.get(5)?,
        secret_rotated_at: row.get(6)?,
        created_at: row.get(7)?,
        owner: row.get(8)?,
        generation: row.get(9)?,
    })
}

pub async fn find(db: &impl Executor, owner: MemberId, id: WebhookId) -> Result<Option<Webhook>> {
    let sql = webhooks!("WHERE w.community_id = @community AND w.owner_id = $1 AND w.id = $2");
    db.one(sql, params![owner, id], webhook).await
}

pub async fn list(db: &impl Executor, owner: MemberId, page: Paging) -> Result<Vec<Webhook>> {
    let sql = webhooks!(
        "WHERE w.community_id = @community AND w.owner_id = $1 AND w.id < $2 ORDER BY w.id DESC LIMIT $3"
    );
    db.all(sql, params![owner, page.before(), page.fetch()], webhook)
        .await
}

pub async fn count(db: &impl Executor, owner: MemberId) -> Result<i64> {
    let sql = "SELECT count(*) FROM webhook WHERE community_id = @community AND owner_id = $1";
    Ok(db.one(sql, params![owner], |row| row.get(0)).await?.unwrap_or(0))
}

/// Those of an author and of the author's followers that want to hear of something. Programs are
/// few: each is asked whether its owner follows, not each follower whether they have one.
pub async fn list_hearing(db: &impl Executor, author: MemberId) -> Result<Vec<Webhook>> {
    let sql = webhooks!(
        "JOIN member m ON m.id = w.owner_id AND m.status = 'active'
         WHERE w.community_id = @community AND w.enabled AND (w.owner_id = $1 OR EXISTS (
             SELECT 1 FROM follow f WHERE f.community_id = @community AND f.follower_id = w.owner_id
                 AND f.followee_id = $1))"
    );
    db.all(sql, params![author], webhook).await
}

pub async fn insert(tx: &Tx, new: &Webhook) -> Result<()> {
    tx.execute(
        "INSERT INTO webhook (id, community_id, owner_id, url, events, enabled, created_at)
         VALUES ($1, @community, $2, $3, $4, $5, $6)",
        params![
            new.id,
            new.owner,
            new.url,
            joined(&new.events),
            true,
            new.created_at
        ],
    )
    .await
    .map(drop)
}

/// What its owner decides; switching it on forgets why it was off.
pub async fn update(tx: &Tx, changed: &Webhook) -> Result<()> {
    tx.execute(
        "UPDATE webhook SET url = $1, events = $2, enabled = $3, disabled_reason = $4, failing_since = $5
         WHERE community_id = @community AND id = $6",
        params![
            changed.url,
            joined(&changed.events),
            changed.enabled,
            changed.disabled_reason,
            changed.failing_since,
            changed.id
        ],
    )
    .await
    .map(drop)
}

/// Another secret from here on; gives its generation.
pub async fn rotate(tx: &Tx, owner: MemberId, id: WebhookId, now: Timestamp) -> Result<Option<i64>> {
    let sql = "UPDATE webhook SET secret_generation = secret_generation + 1, secret_rotated_at = $1
               WHERE community_id = @community AND owner_id = $2 AND id = $3 RETURNING secret_generation";
    tx.one(sql, params![now, owner, id], |row| row.get(0)).await
}

pub async fn delete(tx: &Tx, owner: MemberId, id: WebhookId) -> Result<bool> {
    let sql = "DELETE FROM webhook WHERE community_id = @community AND owner_id = $1 AND id = $2";
    Ok(tx.execute(sql, params![owner, id]).await? > 0)
}

macro_rules! deliveries {
    ($rest:literal) => {
        concat!(
            "SELECT d.id, d.event, d.status, d.attempts, d.last_status, d.last_error, d.last_attempt_at,
                    d.next_attempt_at, d.created_at, d.subject_id FROM webhook_delivery d ",
            $rest
        )
    };
}

fn delivery(row: &Row<'_>) -> Result<Delivery> {
    Ok(Delivery {
        id: row.get(0)?,
        event: row.get(1)?,
        status: row.get(2)?,
        attempts: row.get(3)?,
        last_status: row.get(4)?,
        last_error: row.get(5)?,
        last_attempt_at: row.get(6)?,
        next_attempt_at: row.get(7)?,
        created_at: row.get(8)?,
        subject: row.get(9)?,
    })
}

/// The log of a webhook, the newest first.
pub async fn list_deliveries(db: &impl Executor, id: WebhookId, page: Paging) -> Result<Vec<Delivery>> {
    let sql = deliveries!(
        "WHERE d.community_id = @community AND d.webhook_id = $1 AND d.id < $2 ORDER BY d.id DESC LIMIT $3"
    );
    db.all(sql, params![id, page.before(), page.fetch()], delivery)
        .await
}

pub async fn find_delivery(
    db: &impl Executor,
    webhook: WebhookId,
    id: DeliveryId,
) -> Result<Option<Delivery>> {
    let sql = deliveries!("WHERE d.community_id = @community AND d.webhook_id = $1 AND d.id = $2");
    db.one(sql, params![webhook, id], delivery).await
}

/// A message that is to be sent, and where to. Nothing while its owner is suspended.
pub async fn find_pending(db: &impl Executor, id: DeliveryId) -> Result<Option<(Delivery, Webhook)>> {
    let sql = deliveries!("WHERE d.community_id = @community AND d.id = $1 AND d.status = 'pending'");
    let Some(found) = db.one(sql, params![id], delivery).await? else {
        return Ok(None);
    };
    let sql = webhooks!(
        "JOIN webhook_delivery d ON d.webhook_id = w.id JOIN member m ON m.id = w.owner_id
         WHERE w.community_id = @community AND d.id = $1 AND m.status = 'active'"
    );
    let webhook = db.one(sql, params![id], webhook).await?;
    Ok(webhook.map(|webhook| (found, webhook)))
}

/// Messages of the webhook that wait, up to so many.
pub async fn count_waiting(db: &impl Executor, webhook: WebhookId, most: i64) -> Result<i64> {
    let sql = "SELECT count(*) FROM (SELECT 1 FROM webhook_delivery WHERE community_id = @community
               AND webhook_id = $1 AND status = 'pending' LIMIT $2) waiting";
    let found = db.one(sql, params![webhook, most], |row| row.get(0)).await?;
    Ok(found.unwrap_or(0))
}

/// False when the webhook has heard of it already.
pub async fn insert_delivery(
    tx: &Tx,
    id: DeliveryId,
    webhook: WebhookId,
    event: WebhookEvent,
    subject: Uuid,
    now: Timestamp,
) -> Result<bool> {
    let count = tx
        .execute(
            "INSERT INTO webhook_delivery (id, community_id, webhook_id, event, subject_id, status, next_attempt_at, created_at)
             VALUES ($1, @community, $2, $3, $4, 'pending', $5, $5) ON CONFLICT DO NOTHING",
            params![id, webhook, event, subject, now],
        )
        .await?;
    Ok(count > 0)
}

/// Notes how an attempt ended.
pub async fn settle(tx: &Tx, now: &Delivery) -> Result<()> {
    tx.execute(
        "UPDATE webhook_delivery SET status = $1, attempts = $2, last_status = $3, last_error = $4,
             last_attempt_at = $5, next_attempt_at = $6
         WHERE community_id = @community AND id = $7",
        params![
            now.status,
            now.attempts,
            now.last_status,
            now.last_error,
            now.last_attempt_at,
            now.next_attempt_at,
            now.id
        ],
    )
    .await
    .map(drop)
}

/// It answers again.
pub async fn put_well(tx: &Tx, id: WebhookId) -> Result<()> {
    tx.execute(
        "UPDATE webhook SET failing_since = NULL WHERE community_id = @community AND id = $1",
        params![id],
    )
    .await
    .map(drop)
}

/// It fails since then at least; with a reason, it is switched off.
pub async fn put_failing(tx: &Tx, id: WebhookId, now: Timestamp, off: Option<&'static str>) -> Result<()> {
    tx.execute(
        "UPDATE webhook SET failing_since = $1 WHERE community_id = @community AND id = $2 AND failing_since IS NULL",
        params![now, id],
    )
    .await?;
    if let Some(reason) = off {
        tx.execute(
            "UPDATE webhook SET enabled = $1, disabled_reason = $2 WHERE community_id = @community AND id = $3",
            params![false, reason, id],
        )
        .await?;
    }
    Ok(())
}

/// Switches off all of a member's.
pub async fn switch_off(tx: &Tx, owner: MemberId, reason: &'static str) -> Result<()> {
    tx.execute(
        "UPDATE webhook /* every community */ SET enabled = $1, disabled_reason = $2 WHERE owner_id = $3",
        params![false, reason, owner],
    )
    .await
    .map(drop)
}

/// Deletes what is older; says how many.
pub async fn prune(tx: &Tx, before: Timestamp) -> Result<u64> {
    tx.execute(
        "DELETE /* every community */ FROM webhook_delivery WHERE created_at < $1",
        params![before],
    )
    .await
}
