use super::{
    Delivery, DeliveryId, Webhook, WebhookEvent, WebhookId,
    ops::{self, Wish},
    store,
};
use accounts::{CurrentUser, Origin};
use base::{Cursor, Kind, Line, Page, Paging, error::not_found, input, page::Limit};
use platform::{
    AppState,
    http::{Created, Empty, Json, NoContent, Once, Path, PathPair, Query, Result, Routes},
};
use schemars::JsonSchema;
use serde::Serialize;

pub fn routes() -> Routes {
    Routes::new("webhooks")
        .for_tokens("webhooks:read", "webhooks:write")
        .get(
            "/webhooks",
            "list_webhooks",
            list_webhooks,
            "One's webhooks, the newest first",
        )
        .post(
            "/webhooks",
            "create_webhook",
            create_webhook,
            "Have a program told what happens; the answer holds its secret",
        )
        .refuses(&[Kind::Conflict])
        .get(
            "/webhooks/{webhook_id}",
            "show_webhook",
            show_webhook,
            "One webhook",
        )
        .patch(
            "/webhooks/{webhook_id}",
            "edit_webhook",
            edit_webhook,
            "Change its address, what it hears, or switch it on or off",
        )
        .delete(
            "/webhooks/{webhook_id}",
            "delete_webhook",
            delete_webhook,
            "Delete a webhook and its log",
        )
        .post(
            "/webhooks/{webhook_id}/secret",
            "rotate_webhook_secret",
            rotate_webhook_secret,
            "Give it another secret; the one before signs along for a day",
        )
        .post(
            "/webhooks/{webhook_id}/test",
            "test_webhook",
            test_webhook,
            "Send a message that says nothing",
        )
        .refuses(&[Kind::Conflict])
        .get(
            "/webhooks/{webhook_id}/deliveries",
            "list_webhook_deliveries",
            list_webhook_deliveries,
            "The log of its messages of the last 30 days, the newest first",
        )
        .post(
            "/webhooks/{webhook_id}/deliveries/{delivery_id}",
            "redeliver_webhook",
            redeliver_webhook,
            "Send a message of the log again",
        )
        .refuses(&[Kind::Conflict])
}

input! {
    /// Which page.
    pub struct ListWebhooks {
        #[serde(default)]
        pub limit: Limit,
        pub cursor: Option<Cursor>,
    }
}

impl ListWebhooks {
    fn paging(&self) -> Paging {
        Paging {
            limit: self.limit,
            cursor: self.cursor,
        }
    }
}

async fn list_webhooks(
    app: AppState,
    actor: CurrentUser,
    Query(list): Query<ListWebhooks>,
) -> Result<Json<Page<Webhook>>> {
    let webhooks = store::list(&app.db, actor.id, list.paging()).await?;
    Ok(Json(Page::of(webhooks, list.limit, |webhook| {
        Cursor(webhook.id.0)
    })))
}

input! {
    /// Whom to tell what.
    pub struct NewWebhook {
        /// An https address of the public network.
        pub url: Line<1, 2000>,
        pub events: Vec<WebhookEvent>,
    }
}

/// A webhook and its secret, which is shown this once.
#[derive(Debug, Serialize, JsonSchema)]
struct NewWebhookSecret {
    webhook: Webhook,
    secret: String,
}

async fn create_webhook(
    app: AppState,
    actor: CurrentUser,
    origin: Origin,
    Json(new): Json<NewWebhook>,
) -> Result<Created<NewWebhookSecret>> {
    let (webhook, secret) = ops::create_webhook(&app, &actor, origin, new.url.into(), new.events).await?;
    Ok(Created::new(NewWebhookSecret { webhook, secret }))
}

async fn show_webhook(app: AppState, actor: CurrentUser, Path(id): Path<WebhookId>) -> Result<Json<Webhook>> {
    let webhook = store::find(&app.db, actor.id, id).await?;
    Ok(Json(webhook.ok_or_else(|| not_found("webhook"))?))
}

input! {
    /// What is to be different.
    pub struct WebhookEdit {
        pub url: Option<Line<1, 2000>>,
        pub events: Option<Vec<WebhookEvent>>,
        pub enabled: Option<bool>,
    }
}

async fn edit_webhook(
    app: AppState,
    actor: CurrentUser,
    Path(id): Path<WebhookId>,
    Json(edit): Json<WebhookEdit>,
) -> Result<Json<Webhook>> {
    let wish = Wish {
        url: edit.url.map(String::from),
        events: edit.events,
        enabled: edit.enabled,
    };
    Ok(Json(ops::edit_webhook(&app, &actor, id, wish).await?))
}

async fn delete_webhook(app: AppState, actor: CurrentUser, Path(id): Path<WebhookId>) -> Result<NoContent> {
    ops::delete_webhook(&app, &actor, id).await?;
    Ok(NoContent)
}

/// The secret from here on.
#[derive(Debug, Serialize, JsonSchema)]
struct WebhookSecret {
    secret: String,
}

async fn rotate_webhook_secret(
    app: AppState,
    actor: CurrentUser,
    Path(id): Path<WebhookId>,
    Json(_): Json<Empty>,
) -> Result<Json<WebhookSecret>> {
    let secret = ops::rotate_secret(&app, &actor, id).await?;
    Ok(Json(WebhookSecret { secret }))
}

async fn test_webhook(
    app: AppState,
    actor: CurrentUser,
    once: Once,
    Path(id): Path<WebhookId>,
    Json(_): Json<Empty>,
) -> Result<Created<Delivery>> {
    let own = app.clone();
    let message = once.create(&app, actor.id.0, "test_webhook", move |tx| async move {
        ops::test_webhook(&own, &tx, &actor, id).await
    });
    Ok(message.await?)
}

async fn list_webhook_deliveries(
    app: AppState,
    actor: CurrentUser,
    Path(id): Path<WebhookId>,
    Query(list): Query<ListWebhooks>,
) -> Result<Json<Page<Delivery>>> {
    store::find(&app.db, actor.id, id)
        .await?
        .ok_or_else(|| not_found("webhook"))?;
    let deliveries = store::list_deliveries(&app.db, id, list.paging()).await?;
    Ok(Json(Page::of(deliveries, list.limit, |delivery| {
        Cursor(delivery.id.0)
    })))
}

async fn redeliver_webhook(
    app: AppState,
    actor: CurrentUser,
    PathPair(webhook, id): PathPair<WebhookId, DeliveryId>,
    Json(_): Json<Empty>,
) -> Result<Json<Delivery>> {
    Ok(Json(ops::redeliver(&app, &actor, webhook, id).await?))
}
