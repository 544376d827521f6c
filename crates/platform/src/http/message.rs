//! Messages that come over a socket, treated as the edge treats requests.

use super::{context::within_request, edge::log, extract::parse, problem::status};
use crate::{
    AppState,
    texts::Language,
    watch::{Answered, Fault, FaultKind},
};
use axum::http::request::Parts;
use base::{Error, Kind, Result, error::internal, input::Input};
use futures_util::FutureExt;
use serde_json::{Value, json};
use std::{
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};

/// How messages stand in figures, where requests have their method.
const METHOD: &str = "SOCKET";

/// Reads and checks what a message says.
pub fn read_message<T: Input>(json: &str) -> Result<T> {
    parse(json.as_bytes())
}

/// The language that the handshake of a connection asked for.
pub fn language_of(parts: &Parts) -> Language {
    let context = parts.extensions.get::<Arc<super::RequestContext>>();
    context.map_or_else(|| Language::of(None), |context| context.language)
}

/// Does what a message asks for, under an id of its own, within the time a request has. A panic is
/// contained; an error is logged once, and comes back as what the client hears:
/// `{ok: false, code, detail, request_id, errors}`.
pub async fn answer_message<T>(
    app: &AppState,
    name: &str,
    language: Language,
    work: impl Future<Output = Result<T>> + Send,
) -> Result<T, Value> {
    let (id, began) = (app.ids.next::<uuid::Uuid>().to_string(), Instant::now());
    let limit = Duration::from_millis(app.config.server.request_timeout_ms);
    let span = tracing::info_span!("message", id = %id, name);
    let work = tokio::time::timeout(limit, AssertUnwindSafe(work).catch_unwind());
    let work = tracing::Instrument::instrument(within_request(id.clone(), work), span);
    let (outcome, kind) = match work.await {
        Ok(Ok(outcome)) => (outcome, FaultKind::Error),
        Ok(Err(payload)) => (
            Err(internal(super::edge::panic_text(&*payload))),
            FaultKind::Panic,
        ),
        Err(_) => (
            Err(Error::new(Kind::Unavailable, "timeout")
                .retry_after(1)
                .cause("the message took too long")),
            FaultKind::Error,
        ),
    };
    let error = outcome.as_ref().err();
    if let Some(error) = error.filter(|error| error.is_fault()) {
        log(&id, name, kind, error);
        app.tell(|watch| {
            watch.fault(Fault {
                kind,
                error,
                place: name,
                request_id: Some(&id),
            });
        });
    }
    app.tell(|watch| {
        watch.answered(Answered {
            method: METHOD,
            route: name,
            status: error.map_or(200, |error| status(error.kind()).as_u16()),
            took: began.elapsed(),
            code: error.map(Error::code),
        });
    });
    outcome.map_err(|error| refusal(app, &error, language, &id))
}

fn refusal(app: &AppState, error: &Error, language: Language, request_id: &str) -> Value {
    let fields = error.fields().iter().map(|field| {
        json!({
            "pointer": field.pointer,
            "code": field.code,
            "detail": app.texts.field(language, field.code, &field.args),
        })
    });
    let mut refusal = json!({
        "ok": false,
        "code": error.code(),
        "detail": app.texts.detail(language, error.code(), error.noun(), error.args()),
        "request_id": request_id,
        "errors": fields.collect::<Vec<_>>(),
    });
    if let Some(seconds) = error.retry_after_s() {
        refusal["retry_after_s"] = seconds.into();
    }
    refusal
}
