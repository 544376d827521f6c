//! Errors on their way to Sentry, when a DSN is configured; otherwise nothing is sent anywhere.
//!
//! The client is our own value: no global hub, no panic hook, no breadcrumbs.
//! What is sent is what the error store keeps, so secrets are already out.

use crate::store::Capture;
use ::sentry::{
    Client, ClientOptions, Level,
    protocol::{Event, Exception},
    types::Dsn,
};
use base::{Result, error::internal};
use std::{borrow::Cow, sync::Arc, time::Duration};

/// How long the end of the server waits for what is still to be sent.
const FLUSH: Duration = Duration::from_secs(3);

/// Clones are the same connection.
#[derive(Clone)]
pub struct Sentry(Arc<Client>);

impl Sentry {
    /// `None` when the DSN is empty.
    pub fn new(dsn: &str, release: &'static str) -> Result<Option<Sentry>> {
        if dsn.is_empty() {
            return Ok(None);
        }
        let dsn: Dsn = dsn
            .parse()
            .map_err(|error| internal(format!("sentry.dsn: {error}")))?;
        let mut options = ClientOptions::new()
            .release(release)
            .default_integrations(false)
            .transport(::sentry::transports::DefaultTransportFactory);
        options.dsn = Some(dsn);
        Ok(Some(Sentry(Arc::new(Client::with_options(options)))))
    }

    /// Hands the error to the sending thread; what that cannot take is dropped.
    pub(crate) fn report(&self, capture: &Capture) {
        // Sentry shows the innermost cause first, which stands last here.
        let mut exceptions: Vec<Exception> = capture
            .chain
            .iter()
            .rev()
            .map(|text| Exception {
                ty: capture.code.clone(),
                value: Some(text.clone()),
                ..Exception::default()
            })
            .collect();
        if exceptions.is_empty() {
            exceptions.push(Exception {
                ty: capture.code.clone(),
                value: Some(capture.message.clone()),
                ..Exception::default()
            });
        }
        let mut event = Event {
            level: if capture.kind == "panic" {
                Level::Fatal
            } else {
                Level::Error
            },
            transaction: Some(capture.place.clone()),
            release: Some(Cow::Owned(capture.release.clone())),
            exception: exceptions.into(),
            ..Event::default()
        };
        event.tags.insert("kind".to_owned(), capture.kind.to_owned());
        event.tags.insert("code".to_owned(), capture.code.clone());
        if let Some(id) = &capture.request_id {
            event.tags.insert("request_id".to_owned(), id.clone());
        }
        self.0.capture_event(event, None);
    }

    /// Waits until everything is sent, three seconds at most. False when something is left.
    pub fn flush(&self) -> bool {
        self.0.flush(Some(FLUSH))
    }
}
