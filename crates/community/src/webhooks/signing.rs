//! Signatures after Standard Webhooks 1.0 (<https://www.standardwebhooks.com>): an HMAC-SHA256 over
//! `id.timestamp.body`. For a day after a rotation each message bears two, so that a consumer may
//! change its secret when it suits.

use super::{DeliveryId, Webhook, WebhookId};
use axum::http::{HeaderMap, HeaderValue, header};
use base::{Result, Timestamp, error::internal};
use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use platform::App;
use sha2::Sha256;
use std::time::Duration;

/// How long the secret before still signs.
const OVERLAP: Duration = Duration::from_hours(24);

fn key(app: &App, id: WebhookId, generation: i64) -> [u8; 32] {
    accounts::derived_key(app, &format!("webhook {id} {generation}"))
}

/// The secret as consumers are given it.
pub fn secret(app: &App, id: WebhookId, generation: i64) -> String {
    format!("whsec_{}", BASE64_STANDARD.encode(key(app, id, generation)))
}

/// The headers of one attempt.
pub fn headers(
    app: &App,
    webhook: &Webhook,
    id: DeliveryId,
    now: Timestamp,
    body: &[u8],
) -> Result<HeaderMap> {
    let seconds = now.as_seconds();
    let mut generations = vec![webhook.generation];
    let is_new = |at: Timestamp| now.since(at) < OVERLAP;
    if webhook.generation > 1 && webhook.secret_rotated_at.is_some_and(is_new) {
        generations.push(webhook.generation - 1);
    }
    let mut signatures = vec![];
    for generation in generations {
        let mut mac = Hmac::<Sha256>::new_from_slice(&key(app, webhook.id, generation)).map_err(internal)?;
        mac.update(format!("{id}.{seconds}.").as_bytes());
        mac.update(body);
        signatures.push(format!(
            "v1,{}",
            BASE64_STANDARD.encode(mac.finalize().into_bytes())
        ));
    }
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in [
        ("webhook-id", id.to_string()),
        ("webhook-timestamp", seconds.to_string()),
        ("webhook-signature", signatures.join(" ")),
    ] {
        headers.insert(name, HeaderValue::try_from(value).map_err(internal)?);
    }
    Ok(headers)
}
