//! The catalogue: every event in both directions, read off what the slices
//! registered. The same table refuses what members say ([`base::input`]), lists
//! who may say it, and makes `AsyncAPI` and the web app's types, so none of them
//! can say anything else than the code.

use crate::{Direction, Events, Realtime, SocketEvent};
use platform::{
    AppState,
    http::{Caller, Json, Result, Routes},
};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};

pub(crate) fn routes() -> Routes {
    Routes::new("realtime")
        .get(
            "/realtime/catalog",
            "show_catalog",
            show_catalog,
            "Every event of the sockets, in both directions",
        )
        .by(Caller::Public)
}

/// What goes over a socket.
#[derive(Debug, Serialize, JsonSchema)]
struct Catalog {
    events: Vec<CatalogEvent>,
    /// The schemas that events refer to as `#/components/schemas/<name>`.
    schemas: Map<String, Value>,
}

/// One event.
#[derive(Debug, Serialize, JsonSchema)]
struct CatalogEvent {
    name: &'static str,
    /// The part of the product it belongs to.
    slice: &'static str,
    direction: Direction,
    summary: &'static str,
    /// Who may say it, or who hears it.
    whom: &'static str,
    /// The JSON schema of its one argument.
    payload: Value,
    /// The JSON schema of what an ack carries beside `ok`; null for pushes.
    answer: Option<Value>,
}

async fn show_catalog(app: AppState) -> Result<Json<Catalog>> {
    let events = Realtime::of(&app).events();
    Ok(Json(Catalog {
        events: in_order(events).into_iter().map(CatalogEvent::of).collect(),
        schemas: schemas(events),
    }))
}

impl CatalogEvent {
    fn of(event: &SocketEvent) -> CatalogEvent {
        CatalogEvent {
            name: event.name,
            slice: event.slice,
            direction: event.direction,
            summary: event.summary,
            whom: event.whom,
            payload: event.payload.clone().to_value(),
            answer: event.answer.clone().map(schemars::Schema::to_value),
        }
    }
}

/// By direction and name.
fn in_order(events: &Events) -> Vec<&SocketEvent> {
    let mut all: Vec<_> = events.table().iter().collect();
    all.sort_by_key(|event| (event.direction != Direction::Inbound, event.name));
    all
}

fn schemas(events: &Events) -> Map<String, Value> {
    let mut named = events.definitions().clone();
    named.insert("Refusal".to_owned(), refusal());
    named.sort_keys();
    named
}

/// What an ack says when it is not `ok`.
fn refusal() -> Value {
    json!({
        "type": "object",
        "description": "Decide by `code`; `detail` is for people.",
        "required": ["ok", "code", "detail", "request_id", "errors"],
        "properties": {
            "ok": {"const": false},
            "code": {"type": "string"},
            "detail": {"type": "string"},
            "request_id": {"type": "string"},
            "errors": {"type": "array", "items": {
                "type": "object",
                "required": ["pointer", "code", "detail"],
                "properties": {"pointer": {"type": "string"}, "code": {"type": "string"}, "detail": {"type": "string"}},
            }},
        },
    })
}

/// The `AsyncAPI` 3.0 document that `/api/asyncapi.json` answers.
pub fn asyncapi(events: &Events) -> Value {
    let (mut messages, mut operations, mut of_channel) = (Map::new(), Map::new(), Map::new());
    let mut add = |key: &str, message: Value| {
        messages.insert(key.to_owned(), message);
        let reference = json!({"$ref": format!("#/components/messages/{key}")});
        of_channel.insert(key.to_owned(), reference);
    };
    for event in in_order(events) {
        let key = event.name.replace(':', "_");
        add(
            &key,
            json!({
                "name": event.name,
                "summary": event.summary,
                "payload": event.payload,
                "x-whom": event.whom,
                "x-direction": event.direction,
                "tags": [{"name": event.slice}],
            }),
        );
        let mut operation = json!({
            "action": if event.direction == Direction::Inbound { "receive" } else { "send" },
            "channel": {"$ref": "#/channels/main"},
            "summary": event.summary,
            "tags": [{"name": event.slice}],
            "messages": [{"$ref": format!("#/channels/main/messages/{key}")}],
        });
        if let Some(answer) = &event.answer {
            let ack = format!("{key}_ack");
            let accepted = json!({"allOf": [
                {"type": "object", "required": ["ok"], "properties": {"ok": {"const": true}}},
                answer,
            ]});
            add(
                &ack,
                json!({
                    "name": format!("{} (ack)", event.name),
                    "payload": {"oneOf": [accepted, {"$ref": "#/components/schemas/Refusal"}]},
                    "tags": [{"name": event.slice}],
                }),
            );
            operation["reply"] = json!({
                "channel": {"$ref": "#/channels/main"},
                "messages": [{"$ref": format!("#/channels/main/messages/{ack}")}],
            });
        }
        operations.insert(key, operation);
    }
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Mundo Tango, real time",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Socket.IO 5 at /socket.io, default namespace. The handshake's auth carries `token`, an access \
                            token, and perhaps `resume`: the last `seq` heard of each stream. What members say is \
                            answered by an ack. Pushes of streams carry `stream`, `seq` and `at`; all others may be missed.",
        },
        "defaultContentType": "application/json",
        "servers": {
            "here": {"host": "localhost:5000", "pathname": "/socket.io", "protocol": "socket.io", "security": [{"type": "http", "scheme": "bearer"}]},
        },
        "channels": {"main": {"address": "/", "summary": "The default namespace.", "messages": of_channel}},
        "operations": operations,
        "components": {"messages": messages, "schemas": schemas(events)},
    })
}
