//! `/push`: where a member's browsers want to be told.

use super::{SubscriptionId, endpoint::Services, sealing::Recipient, store, store::Subscription};
use crate::{Accounts, CurrentUser, SessionId};
use base::{Kind, Line, Page, Timestamp, error::invalid, error::not_found, input};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use platform::{
    AppState,
    http::{Created, Json, NoContent, Once, Path, Result, Routes},
};
use schemars::JsonSchema;
use serde::Serialize;

pub fn routes() -> Routes {
    Routes::new("push")
        .get(
            "/push/key",
            "show_push_key",
            show_push_key,
            "The key that a browser subscribes for",
        )
        .get(
            "/push/subscriptions",
            "list_push_subscriptions",
            list_push_subscriptions,
            "Which of the caller's browsers are told when the caller is offline",
        )
        .post(
            "/push/subscriptions",
            "create_push_subscription",
            create_push_subscription,
            "Be told in this browser, as long as this session lives",
        )
        .refuses(&[Kind::Invalid])
        .delete(
            "/push/subscriptions/{subscription_id}",
            "delete_push_subscription",
            delete_push_subscription,
            "Be told there no more",
        )
}

/// The key of this server (RFC 8292).
#[derive(Debug, Serialize, JsonSchema)]
struct PushKey {
    /// `applicationServerKey`: a point of P-256 in base64url.
    public_key: String,
}

/// A browser that is told.
#[derive(Debug, Serialize, JsonSchema)]
struct PushSubscription {
    id: SubscriptionId,
    session: SessionId,
    /// Whether this request came through that session.
    current: bool,
    created_at: Timestamp,
}

impl PushSubscription {
    fn of(subscription: &Subscription, caller: &CurrentUser) -> PushSubscription {
        PushSubscription {
            id: subscription.id,
            session: subscription.session,
            current: subscription.session == caller.session,
            created_at: subscription.created_at,
        }
    }
}

input! {
    /// What the browser's `PushSubscription` says.
    pub struct Subscribe {
        /// The address that the browser's push service gave it. Only known services are taken.
        pub endpoint: Line<1, 2000>,
        /// Its public key in base64url.
        pub p256dh: Line<1, 200>,
        /// Its secret in base64url.
        pub auth: Line<1, 100>,
    }
}

async fn show_push_key(app: AppState, _: CurrentUser) -> Result<Json<PushKey>> {
    let master = &Accounts::of(&app).master;
    let key = store::newest_key(&app.db, &app.entropy, master, app.clock.now()).await?;
    Ok(Json(PushKey {
        public_key: key.public(),
    }))
}

async fn list_push_subscriptions(app: AppState, actor: CurrentUser) -> Result<Json<Page<PushSubscription>>> {
    let found = store::list(&app.db, actor.id).await?;
    Ok(Json(Page {
        items: found
            .iter()
            .map(|own| PushSubscription::of(own, &actor))
            .collect(),
        next_cursor: None,
    }))
}

async fn create_push_subscription(
    app: AppState,
    actor: CurrentUser,
    once: Once,
    Json(new): Json<Subscribe>,
) -> Result<Created<PushSubscription>> {
    let endpoint = Services::parse(&app.config.push.services).check(&new.endpoint)?;
    let bytes = |text: &str| BASE64.decode(text.trim_end_matches('=')).unwrap_or_default();
    let (p256dh, auth) = (bytes(&new.p256dh), bytes(&new.auth));
    if Recipient::parse(&p256dh, &auth).is_none() {
        return Err(invalid("/p256dh", "unknown_push_key").into());
    }
    let (master, now) = (&Accounts::of(&app).master, app.clock.now());
    let key = store::newest_key(&app.db, &app.entropy, master, now).await?;
    let subscription = Subscription {
        id: app.ids.next(),
        member: actor.id,
        session: actor.session,
        key_id: key.id,
        endpoint: endpoint.into(),
        p256dh,
        auth,
        created_at: now,
    };
    let created = once.create(
        &app,
        actor.id.0,
        "create_push_subscription",
        move |tx| async move {
            store::insert(&tx, &subscription).await?;
            Ok(PushSubscription::of(&subscription, &actor))
        },
    );
    Ok(created.await?)
}

async fn delete_push_subscription(
    app: AppState,
    actor: CurrentUser,
    Path(id): Path<SubscriptionId>,
) -> Result<NoContent> {
    let deleted = app
        .db
        .write_again(move |tx| async move { store::delete(&tx, actor.id, id).await })
        .await?;
    if !deleted {
        return Err(not_found("subscription").into());
    }
    Ok(NoContent)
}
