//! What a slice has to do with sockets: what its clients may say, what they hear, and the rooms
//! they hear it in. Declared once, read off the types; the catalogue of events is made of it.

use crate::{
    Push,
    rooms::{AnyHides, AnyRoomKind, Hides, RoomKind, Visit},
    speaking::{Speaker, read_and_answer},
    streams::{Stream, StreamKind},
};
use accounts::MemberId;
use base::{Result, Timestamp, input::Input};
use futures_util::{FutureExt, future::BoxFuture};
use platform::{AppState, http::Schemas};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use serde_json::{Map, Value, json, value::RawValue};
use socketio::Encoded;
use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    marker::PhantomData,
    sync::{Arc, OnceLock},
};
use uuid::Uuid;

/// Which way an event goes, and whether it can be missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// From clients, answered by an ack.
    Inbound,
    /// A push that belongs to a stream: `stream`, `seq` and `at` stand beside its payload.
    Durable,
    /// A push that who is away misses.
    Ephemeral,
}

/// One line of the table of events.
#[derive(Clone, Debug)]
pub struct SocketEvent {
    pub name: &'static str,
    pub slice: &'static str,
    pub direction: Direction,
    pub summary: &'static str,
    /// Who may say it, or who hears it.
    pub whom: &'static str,
    pub payload: Schema,
    /// What an ack carries beside `ok`.
    pub answer: Option<Schema>,
}

/// A durable push as its row gives it.
#[derive(Clone, Debug)]
pub struct Rendered<P> {
    /// Who says it: readers who must not see them hear `stream:skip` instead.
    pub from: Option<MemberId>,
    pub push: P,
}

pub(crate) type Handler =
    Arc<dyn Fn(AppState, Speaker, Box<str>) -> BoxFuture<'static, Result<Answer>> + Send + Sync>;
/// An answer's fields, as an object in JSON.
pub(crate) type Answer = String;
type Render = Arc<
    dyn Fn(
            AppState,
            Stream,
            Vec<Uuid>,
        ) -> BoxFuture<'static, Result<HashMap<Uuid, (Option<MemberId>, String)>>>
        + Send
        + Sync,
>;
type Told = Arc<dyn Fn(AppState, Visit) -> BoxFuture<'static, ()> + Send + Sync>;

/// The socket side of one slice, or of all of them.
#[derive(Default)]
pub struct Sockets {
    slice: &'static str,
    schemas: Schemas,
    events: Events,
}

/// What was registered, as the running server holds it.
#[derive(Default)]
pub struct Events {
    table: Vec<SocketEvent>,
    /// The named schemas that the table refers to.
    definitions: Map<String, Value>,
    pub(crate) handlers: HashMap<&'static str, Handler>,
    renders: HashMap<&'static str, Render>,
    changes_readers: HashSet<&'static str>,
    pub(crate) kinds: HashMap<StreamKind, Arc<dyn AnyRoomKind>>,
    pub(crate) hides: Option<Arc<dyn AnyHides>>,
    pub(crate) entered: Vec<Told>,
    pub(crate) left: Vec<Told>,
}

impl std::fmt::Debug for Sockets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Sockets").field(&self.events.table.len()).finish()
    }
}

impl Sockets {
    pub fn new(slice: &'static str) -> Sockets {
        Sockets {
            slice,
            ..Sockets::default()
        }
    }

    /// What members may say. `name` is `noun:verb`; the answer is a struct.
    #[must_use]
    pub fn on<I, A, F, Fut>(mut self, name: &'static str, handle: F, summary: &'static str) -> Sockets
    where
        I: Input,
        A: Serialize + JsonSchema + Send + 'static,
        F: Fn(AppState, Speaker, I) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<A>> + Send + 'static,
    {
        let (payload, answer) = (self.schemas.request::<I>(), self.schemas.answer::<A>());
        self.add(name, Direction::Inbound, summary, payload, Some(answer));
        let handle = Arc::new(handle);
        self.events.handlers.insert(
            name,
            Arc::new(move |app, speaker, said| read_and_answer(handle.clone(), app, speaker, said).boxed()),
        );
        self
    }

    /// A push that stands in streams. `render` gives the payloads of rows; a row that is gone is left out.
    #[must_use]
    pub fn durable<P, F, Fut>(mut self, render: F, summary: &'static str) -> Sockets
    where
        P: Push,
        F: Fn(AppState, Stream, Vec<Uuid>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<HashMap<Uuid, Rendered<P>>>> + Send + 'static,
    {
        let payload = self.schemas.answer::<Numbered<P>>();
        self.add(P::NAME, Direction::Durable, summary, payload, None);
        let render = Arc::new(render);
        self.events.renders.insert(
            P::NAME,
            Arc::new(move |app, stream, rows| {
                let rendered = render(app, stream, rows);
                async move { rendered.await?.into_iter().map(written).collect() }.boxed()
            }),
        );
        self
    }

    /// Says of the push before that it may change who reads the stream: every node asks again
    /// before anything later is pushed.
    #[must_use]
    pub fn asks_readers_again(mut self) -> Sockets {
        if let Some(event) = self.events.table.last() {
            self.events.changes_readers.insert(event.name);
        }
        self
    }

    /// Says of the event before who may say it, or who hears it, where that is not as usual.
    #[must_use]
    pub fn whom(mut self, whom: &'static str) -> Sockets {
        if let Some(event) = self.events.table.last_mut() {
            event.whom = whom;
        }
        self
    }

    /// A push that is never stored.
    #[must_use]
    pub fn ephemeral<P: Push>(mut self, summary: &'static str) -> Sockets {
        let payload = self.schemas.answer::<P>();
        self.add(P::NAME, Direction::Ephemeral, summary, payload, None);
        self
    }

    /// Rooms that can be joined.
    #[must_use]
    pub fn room<K: RoomKind>(mut self, kind: K) -> Sockets {
        self.events.kinds.insert(K::KIND, Arc::new(kind));
        self
    }

    /// Whom readers must not see. One slice knows.
    #[must_use]
    pub fn hides<H: Hides>(mut self, hides: H) -> Sockets {
        self.events.hides = Some(Arc::new(hides));
        self
    }

    /// Told after a socket has entered a room.
    #[must_use]
    pub fn on_enter<F, Fut>(mut self, tell: F) -> Sockets
    where
        F: Fn(AppState, Visit) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        self.events
            .entered
            .push(Arc::new(move |app, visit| tell(app, visit).boxed()));
        self
    }

    /// Told after a socket has left a room, for whatever reason.
    #[must_use]
    pub fn on_leave<F, Fut>(mut self, tell: F) -> Sockets
    where
        F: Fn(AppState, Visit) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        self.events
            .left
            .push(Arc::new(move |app, visit| tell(app, visit).boxed()));
        self
    }

    #[must_use]
    pub fn merge(mut self, other: Sockets) -> Sockets {
        self.schemas.merge(&other.schemas);
        let (own, other) = (&mut self.events, other.events);
        own.table.extend(other.table);
        own.handlers.extend(other.handlers);
        own.renders.extend(other.renders);
        own.changes_readers.extend(other.changes_readers);
        own.kinds.extend(other.kinds);
        own.hides = other.hides.or(own.hides.take());
        own.entered.extend(other.entered);
        own.left.extend(other.left);
        self
    }

    /// All that was registered, with the schemas that it names.
    pub fn into_events(self) -> Events {
        Events {
            definitions: self.schemas.definitions(),
            ..self.events
        }
    }

    fn add(
        &mut self,
        name: &'static str,
        direction: Direction,
        summary: &'static str,
        payload: Schema,
        answer: Option<Schema>,
    ) {
        self.events.table.push(SocketEvent {
            name,
            slice: self.slice,
            direction,
            summary,
            whom: match direction {
                Direction::Inbound => "every member; what they may do is decided by the slice's policy",
                Direction::Durable | Direction::Ephemeral => "who has entered the room and may read there",
            },
            payload,
            answer,
        });
    }
}

impl Events {
    /// Every event in both directions.
    pub fn table(&self) -> &[SocketEvent] {
        &self.table
    }

    /// The named schemas that the table refers to.
    pub fn definitions(&self) -> &Map<String, Value> {
        &self.definitions
    }

    pub(crate) fn may_change_readers(&self, name: &str) -> bool {
        self.changes_readers.contains(name)
    }
}

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Events").field(&self.table.len()).finish()
    }
}

/// A durable push as clients read it: its own fields and the three of its stream.
struct Numbered<P>(PhantomData<P>);

impl<P: JsonSchema> JsonSchema for Numbered<P> {
    fn schema_name() -> Cow<'static, str> {
        P::schema_name()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = P::json_schema(generator);
        let fields = [
            ("stream", generator.subschema_for::<Stream>()),
            ("seq", json_schema!({"type": "integer", "minimum": 1})),
            ("at", generator.subschema_for::<Timestamp>()),
        ];
        for (name, field) in fields {
            let object = schema.ensure_object();
            let required = object.entry("required").or_insert(json!([]));
            if let Some(required) = required.as_array_mut() {
                required.push(name.into());
            }
            let properties = object.entry("properties").or_insert(json!({}));
            if let Some(properties) = properties.as_object_mut() {
                properties.insert(name.to_owned(), field.to_value());
            }
        }
        schema
    }
}

fn written<P: Push>((row, rendered): (Uuid, Rendered<P>)) -> Result<(Uuid, (Option<MemberId>, String))> {
    let object = serde_json::to_string(&rendered.push).map_err(base::error::internal)?;
    Ok((row, (rendered.from, object)))
}

/// A durable push, encoded once for everybody.
#[derive(Debug)]
pub(crate) struct Ready {
    pub seq: i64,
    pub name: &'static str,
    pub at: Timestamp,
    pub from: Option<MemberId>,
    stream: Stream,
    /// With `stream`, `seq` and `at`.
    pub data: Box<RawValue>,
    pub encoded: Encoded,
    skip: OnceLock<Encoded>,
}

/// What stands at a number that the reader hears nothing of: the row is gone, or its author hidden.
pub(crate) const SKIP: &str = "stream:skip";

impl Ready {
    pub fn new(
        stream: Stream,
        seq: i64,
        at: Timestamp,
        name: &'static str,
        from: Option<MemberId>,
        object: &str,
    ) -> Result<Ready> {
        let data = numbered(stream, seq, at, object)?;
        let encoded = Encoded::event(name, &data).map_err(base::error::internal)?;
        Ok(Ready {
            seq,
            name,
            at,
            from,
            stream,
            data,
            encoded,
            skip: OnceLock::new(),
        })
    }

    pub fn skipped(stream: Stream, seq: i64, at: Timestamp) -> Result<Ready> {
        Ready::new(stream, seq, at, SKIP, None, "{}")
    }

    pub fn skipped_data(&self) -> Result<Box<RawValue>> {
        numbered(self.stream, self.seq, self.at, "{}")
    }

    /// For a reader who must not see who says it.
    pub fn skip(&self) -> Encoded {
        self.skip
            .get_or_init(|| {
                let skipped = Ready::skipped(self.stream, self.seq, self.at);
                skipped.map_or_else(|_| self.encoded.clone(), |ready| ready.encoded)
            })
            .clone()
    }
}

/// Adds the three fields to an object, without reading it.
fn numbered(stream: Stream, seq: i64, at: Timestamp, object: &str) -> Result<Box<RawValue>> {
    let fields = object
        .strip_suffix('}')
        .ok_or_else(|| base::error::internal("a push is an object"))?;
    let comma = if fields == "{" { "" } else { "," };
    let text = format!(r#"{fields}{comma}"stream":"{stream}","seq":{seq},"at":"{at}"}}"#);
    RawValue::from_string(text).map_err(base::error::internal)
}

/// Entries of a log as they are sent. What cannot be rendered any more is skipped.
pub(crate) async fn render(
    app: &AppState,
    events: &Events,
    stream: Stream,
    entries: &[crate::streams::store::Logged],
) -> Result<Vec<Ready>> {
    let mut rows: HashMap<&'static str, Vec<Uuid>> = HashMap::new();
    let known = |name: &str| events.renders.get_key_value(name);
    for entry in entries {
        if let Some((name, _)) = known(&entry.name) {
            rows.entry(name).or_default().push(entry.row);
        }
    }
    let mut payloads = HashMap::new();
    for (name, rows) in rows {
        payloads.insert(name, events.renders[name](app.clone(), stream, rows).await?);
    }
    entries
        .iter()
        .map(|entry| {
            let known = known(&entry.name).map(|(name, _)| *name);
            match known.and_then(|name| Some((name, payloads.get(name)?.get(&entry.row)?))) {
                Some((name, (from, object))) => Ready::new(stream, entry.seq, entry.at, name, *from, object),
                None => Ready::skipped(stream, entry.seq, entry.at),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_push_is_numbered_without_being_read() {
        let stream = Stream::new(StreamKind::Chat, Uuid::nil());
        let at = Timestamp::from_micros(0);
        let some = Ready::new(stream, 7, at, "message:new", None, r#"{"body":"}"}"#).unwrap();
        let rest =
            r#""stream":"chat:00000000-0000-0000-0000-000000000000","seq":7,"at":"1970-01-01T00:00:00Z"}"#;
        assert_eq!(some.data.get(), format!(r#"{{"body":"}}",{rest}"#));
        let none = Ready::skipped(stream, 7, at).unwrap();
        assert_eq!(none.data.get(), format!("{{{rest}"));
        assert_eq!(some.skip().text(), none.encoded.text());
    }
}
