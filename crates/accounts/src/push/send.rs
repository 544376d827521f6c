//! The task that takes a note to a browser's push service.

use super::{Note, Promise, WORTH, endpoint::Services, sealing, sealing::Recipient, store};
use crate::Accounts;
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use base::{Result, error::internal, error::unavailable};
use platform::{
    App, AppState, Config,
    network::Networks,
    outbound::Outbound,
    tasks::{Handler, Outcome, Task},
};
use std::time::Duration;
use url::Url;

pub(super) const KIND: &str = "push.send";

/// The handler of `push.send`.
pub struct Sender {
    services: Services,
    /// For services that the settings name by host.
    public: Outbound,
    /// For those whose origin the settings trust.
    trusted: Outbound,
    contact: String,
}

impl Sender {
    pub fn new(config: &Config) -> Sender {
        Sender {
            services: Services::parse(&config.push.services),
            public: Outbound::public(Networks::default()),
            trusted: Outbound::trusted(),
            contact: contact(config),
        }
    }
}

/// Where a service finds the people behind this server.
fn contact(config: &Config) -> String {
    if config.is_https() {
        return config.public_url();
    }
    let from = &config.mail.from;
    let address = from.split(['<', '>']).nth(1).unwrap_or(from);
    format!("mailto:{address}")
}

/// A later note with the same topic takes the place of one that still waits at the
/// service: 32 characters of base64url (RFC 8030, 5.4), which tell nothing.
fn topic(subscription: &store::Subscription, note: &Note) -> String {
    let hash = blake3::keyed_hash(&session_key(subscription), note.tag.as_bytes());
    hash.to_hex()[..32].to_owned()
}

fn session_key(subscription: &store::Subscription) -> [u8; 32] {
    *blake3::hash(&subscription.auth).as_bytes()
}

impl Handler for Sender {
    fn kind(&self) -> &'static str {
        KIND
    }

    async fn run(&self, app: &AppState, task: &Task) -> Result<Outcome> {
        let promise: Promise = task.read()?;
        let age = app.clock.now().since(task.created_at);
        if age >= WORTH {
            return Ok(Outcome::GiveUp("nobody needs it any more".to_owned()));
        }
        // Unsubscribed, logged out or suspended meanwhile.
        let Some(to) = store::find(&app.db, promise.subscription).await? else {
            return Ok(Outcome::Done);
        };
        // The settings may have changed since.
        let Ok(url) = self.services.check(&to.endpoint) else {
            return Ok(gone(&to));
        };
        let Some(request) = self
            .request(app, &to, &url, &promise.note, WORTH.saturating_sub(age))
            .await?
        else {
            return Ok(gone(&to));
        };
        let (headers, body) = request;
        let outbound = if self.services.trusts(&url) {
            &self.trusted
        } else {
            &self.public
        };
        let uri = Uri::try_from(url.as_str()).map_err(internal)?;
        let said = outbound.post(&uri, headers, body.into()).await;
        let status = said.map_err(|unsent| unavailable(unsent.to_string()))?.status;
        match status {
            200..=299 => Ok(Outcome::Done),
            // The browser has unsubscribed, or forgotten its key or ours.
            403 | 404 | 410 => Ok(gone(&to)),
            408 | 425 | 429 | 500..=599 => Err(unavailable(format!("the push service answered {status}"))),
            _ => Ok(Outcome::GiveUp(format!("the push service answered {status}"))),
        }
    }
}

impl Sender {
    /// Nothing when the subscription's keys are of no use.
    async fn request(
        &self,
        app: &App,
        to: &store::Subscription,
        url: &Url,
        note: &Note,
        ttl: Duration,
    ) -> Result<Option<(HeaderMap, Vec<u8>)>> {
        let key = store::find_key(&app.db, &Accounts::of(app).master, &to.key_id).await?;
        let (Some(key), Some(recipient)) = (key, Recipient::parse(&to.p256dh, &to.auth)) else {
            return Ok(None);
        };
        let text = serde_json::to_vec(&short(note)).map_err(internal)?;
        let body = sealing::seal(&app.entropy, &recipient, &text)?;
        let origin = url.origin().ascii_serialization();
        let signed = key.authorization(&origin, &self.contact, app.clock.now());
        let mut headers = HeaderMap::new();
        for (name, value) in [
            (header::AUTHORIZATION.as_str(), signed),
            (header::CONTENT_ENCODING.as_str(), "aes128gcm".to_owned()),
            (
                header::CONTENT_TYPE.as_str(),
                "application/octet-stream".to_owned(),
            ),
            ("ttl", ttl.as_secs().to_string()),
            ("urgency", "high".to_owned()),
            ("topic", topic(to, note)),
        ] {
            let value = HeaderValue::try_from(value).map_err(internal)?;
            headers.insert(header::HeaderName::try_from(name).map_err(internal)?, value);
        }
        Ok(Some((headers, body)))
    }
}

/// What fits into one record, whatever JSON makes of the characters.
fn short(note: &Note) -> Note {
    const LONG: usize = 400;
    let cut = |text: &str| match text.char_indices().nth(LONG) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    };
    Note {
        title: cut(&note.title).chars().take(100).collect(),
        body: cut(&note.body),
        url: note.url.clone(),
        tag: note.tag.clone(),
    }
}

fn gone(to: &store::Subscription) -> Outcome {
    let id = to.id;
    Outcome::done_in(move |tx| async move { store::delete_gone(&tx, id).await })
}
