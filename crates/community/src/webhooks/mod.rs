//! Webhooks: what happens here, told to a program of the member's.
//!
//! Messages are signed after Standard Webhooks 1.0 (`signing.rs`). One is written
//! to the log when something happens and is sent by a durable task, again and
//! again over a day until the other side answers 2xx. The log names what
//! happened and holds no text: the message is made when it is sent, with the
//! rights its owner has then, so nothing leaves that they may not read any more.
//!
//! Never true: a webhook that tells what its owner may not see; a request into our
//! own network ([`platform::outbound`]); a secret in the database (it is derived
//! from its generation); a slow consumer that holds up mails or other members.

mod belongings;
mod delivery;
mod fan_out;
mod http;
mod model;
mod ops;
mod signing;
mod store;

#[cfg(test)]
mod tests;

pub use belongings::belongings;
pub use delivery::Deliver;
pub use fan_out::workers;
pub use http::routes;
pub use model::{Delivery, DeliveryId, DeliveryStatus, Webhook, WebhookEvent, WebhookId};
