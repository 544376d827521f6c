use accounts::MemberId;
use base::{Timestamp, choice, ids};
use db::stored;
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

ids! {
    /// Names a webhook.
    WebhookId;
    /// Names a message to a webhook; the other side knows repetitions by it.
    DeliveryId;
}
stored!(ids: WebhookId, DeliveryId);

choice! {
    /// What a webhook can tell.
    pub enum WebhookEvent {
        /// The member, or somebody they follow, has published a post.
        PostCreated = "post.created",
        /// Asked for by the member, to see whether it works. Every webhook hears it.
        Test = "webhook.test",
    }
}
stored!(words: WebhookEvent);

choice! {
    /// How far a message is.
    pub enum DeliveryStatus {
        /// On its way, or waiting for the next attempt.
        Pending = "pending",
        /// The other side said 2xx.
        Delivered = "delivered",
        /// Given up; it can be sent again by hand.
        Failed = "failed",
        /// Not sent: its owner may not see what it tells any more.
        Withheld = "withheld",
    }
}
stored!(words: DeliveryStatus);

/// A webhook as its owner sees it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Webhook {
    pub id: WebhookId,
    pub url: String,
    pub events: Vec<WebhookEvent>,
    pub enabled: bool,
    /// Why the server has switched it off, if it has: `gone` (it answered 410), `failing` (nothing got
    /// through for days) or `not_me` (its owner said that somebody else was in their account).
    pub disabled_reason: Option<String>,
    /// Since when no message got through.
    pub failing_since: Option<Timestamp>,
    /// Since when the secret is the one it is.
    pub secret_rotated_at: Option<Timestamp>,
    pub created_at: Timestamp,
    #[serde(skip)]
    pub owner: MemberId,
    #[serde(skip)]
    pub generation: i64,
}

/// A message in the log.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Delivery {
    /// What `webhook-id` says.
    pub id: DeliveryId,
    pub event: WebhookEvent,
    pub status: DeliveryStatus,
    pub attempts: i64,
    /// The HTTP status of the last answer.
    pub last_status: Option<i64>,
    /// Why there was none, or what it said.
    pub last_error: Option<String>,
    pub last_attempt_at: Option<Timestamp>,
    pub next_attempt_at: Option<Timestamp>,
    pub created_at: Timestamp,
    #[serde(skip)]
    pub subject: Uuid,
}
