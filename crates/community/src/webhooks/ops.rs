use super::{
    Delivery, DeliveryId, DeliveryStatus, Webhook, WebhookEvent, WebhookId, delivery, signing, store,
};
use accounts::{CurrentUser, Origin, SecurityEvent, log_security};
use base::{
    Result,
    error::{conflict, invalid, not_found},
};
use db::Tx;
use platform::{AppState, outbound};

/// Webhooks a member may have.
const MOST: i64 = 10;

/// What of a webhook its owner decides.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    pub url: Option<String>,
    pub events: Option<Vec<WebhookEvent>>,
    pub enabled: Option<bool>,
}

fn events(mut events: Vec<WebhookEvent>) -> Result<Vec<WebhookEvent>> {
    events.sort_by_key(|event| event.as_str());
    events.dedup();
    if events.is_empty() {
        return Err(invalid("/events", "required"));
    }
    Ok(events)
}

/// Makes a webhook; the second value is its secret, which the answer alone tells. It stands in the
/// security log, because it goes on telling after the session that made it.
pub async fn create_webhook(
    app: &AppState,
    actor: &CurrentUser,
    origin: Origin,
    url: String,
    wanted: Vec<WebhookEvent>,
) -> Result<(Webhook, String)> {
    let ours = &app.config.webhooks.allowed_networks;
    let host = outbound::check_url(ours, "/url", &url)?.host().map(str::to_owned);
    let webhook = Webhook {
        id: app.ids.next(),
        url,
        events: events(wanted)?,
        enabled: true,
        disabled_reason: None,
        failing_since: None,
        secret_rotated_at: None,
        created_at: app.clock.now(),
        owner: actor.id,
        generation: 1,
    };
    let (made, own, actor) = (webhook.clone(), app.clone(), *actor);
    app.db
        .write_again(move |tx| async move {
            if store::count(&tx, webhook.owner).await? >= MOST {
                return Err(conflict("too_many_webhooks").with("max", MOST));
            }
            store::insert(&tx, &webhook).await?;
            let kind = SecurityEvent::WebhookCreated;
            log_security(&tx, &own, &actor, kind, host.as_deref(), &origin).await
        })
        .await?;
    let secret = signing::secret(app, made.id, made.generation);
    Ok((made, secret))
}

pub async fn edit_webhook(app: &AppState, actor: &CurrentUser, id: WebhookId, wish: Wish) -> Result<Webhook> {
    if let Some(url) = &wish.url {
        outbound::check_url(&app.config.webhooks.allowed_networks, "/url", url)?;
    }
    let wanted = wish.events.map(events).transpose()?;
    let owner = actor.id;
    app.db
        .write_again(move |tx| async move {
            let mut webhook = store::find(&tx, owner, id)
                .await?
                .ok_or_else(|| not_found("webhook"))?;
            webhook.url = wish.url.unwrap_or(webhook.url);
            webhook.events = wanted.unwrap_or(webhook.events);
            if let Some(enabled) = wish.enabled {
                webhook.enabled = enabled;
                webhook.disabled_reason = None;
                webhook.failing_since = None;
            }
            store::update(&tx, &webhook).await?;
            Ok(webhook)
        })
        .await
}

pub async fn delete_webhook(app: &AppState, actor: &CurrentUser, id: WebhookId) -> Result<()> {
    let owner = actor.id;
    app.db
        .write_again(move |tx| async move {
            if store::delete(&tx, owner, id).await? {
                Ok(())
            } else {
                Err(not_found("webhook"))
            }
        })
        .await
}

/// Another secret; the one before signs along for a day.
pub async fn rotate_secret(app: &AppState, actor: &CurrentUser, id: WebhookId) -> Result<String> {
    let (owner, now) = (actor.id, app.clock.now());
    let generation = app
        .db
        .write_again(move |tx| async move { store::rotate(&tx, owner, id, now).await })
        .await?;
    let generation = generation.ok_or_else(|| not_found("webhook"))?;
    Ok(signing::secret(app, id, generation))
}

/// Sends a message that says nothing, to see whether it arrives.
pub async fn test_webhook(app: &AppState, tx: &Tx, actor: &CurrentUser, id: WebhookId) -> Result<Delivery> {
    let message: DeliveryId = app.ids.next();
    awake(tx, actor, id).await?;
    delivery::promise(app, tx, message, id, WebhookEvent::Test, message.0).await?;
    let found = store::find_delivery(tx, id, message).await?;
    found.ok_or_else(|| not_found("delivery"))
}

/// Sends a message of the log again, with the same id, as often as a new one.
pub async fn redeliver(
    app: &AppState,
    actor: &CurrentUser,
    webhook: WebhookId,
    id: DeliveryId,
) -> Result<Delivery> {
    let (own, actor, now) = (app.clone(), *actor, app.clock.now());
    app.db
        .write_again(move |tx| async move {
            awake(&tx, &actor, webhook).await?;
            let mut message = store::find_delivery(&tx, webhook, id)
                .await?
                .ok_or_else(|| not_found("delivery"))?;
            if message.status == DeliveryStatus::Pending {
                return Err(conflict("delivery_pending"));
            }
            message.status = DeliveryStatus::Pending;
            message.attempts = 0;
            message.next_attempt_at = Some(now);
            store::settle(&tx, &message).await?;
            delivery::enqueue(&own, &tx, id, None).await?;
            Ok(message)
        })
        .await
}

/// One's own webhook, when it is on: to one that is off nothing is sent.
async fn awake(tx: &Tx, actor: &CurrentUser, id: WebhookId) -> Result<()> {
    let webhook = store::find(tx, actor.id, id).await?;
    if webhook.ok_or_else(|| not_found("webhook"))?.enabled {
        Ok(())
    } else {
        Err(conflict("webhook_off"))
    }
}
