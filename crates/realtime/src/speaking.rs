//! What members say: read, checked, asked about and answered, as a request over HTTP is.

use crate::{
    Realtime,
    rooms::Client,
    sockets::{Answer, Handler},
    streams::Stream,
};
use accounts::{Activity, CurrentUser, MemberId, recheck};
use base::{Error, Kind, Result, error::internal, input::Input};
use futures_util::future::BoxFuture;
use platform::{
    AppState,
    http::{answer_message, read_message},
};
use serde::Serialize;
use serde_json::{Value, json, value::RawValue};
use socketio::{Event, Socket};
use std::{
    ops::Deref,
    sync::{Arc, Mutex, PoisonError},
};

type Afterwards = Arc<Mutex<Vec<BoxFuture<'static, ()>>>>;

/// Who speaks over a socket: asked about again with each message, as each request is.
#[derive(Clone)]
pub struct Speaker {
    actor: CurrentUser,
    pub(crate) socket: Socket,
    pub(crate) client: Arc<Client>,
    afterwards: Afterwards,
}

impl Deref for Speaker {
    type Target = CurrentUser;
    fn deref(&self) -> &CurrentUser {
        &self.actor
    }
}

impl std::fmt::Debug for Speaker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Speaker").field(&self.actor.id).finish()
    }
}

impl Speaker {
    /// The connection, among the member's others.
    pub fn socket(&self) -> &Socket {
        &self.socket
    }

    /// Whether this connection has entered the room.
    pub fn is_in(&self, stream: Stream) -> bool {
        self.client.is_in(stream)
    }

    /// Whether the caller must not see that member.
    pub fn hides(&self, member: MemberId) -> bool {
        self.client.is_hidden(Some(member))
    }

    /// Done once the answer is on its way.
    pub fn afterwards(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.afterwards
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(Box::pin(work));
    }
}

pub(crate) async fn read_and_answer<I, A, F, Fut>(
    handle: Arc<F>,
    app: AppState,
    speaker: Speaker,
    said: Box<str>,
) -> Result<Answer>
where
    I: Input,
    A: Serialize,
    F: Fn(AppState, Speaker, I) -> Fut,
    Fut: Future<Output = Result<A>>,
{
    let input: I = read_message(&said)?;
    let answer = handle(app, speaker, input).await?;
    serde_json::to_string(&answer).map_err(internal)
}

/// An event of a name that the table knows.
pub(crate) async fn hear(app: AppState, name: &'static str, handler: Handler, socket: Socket, event: Event) {
    let Some(client) = socket.get::<Client>() else {
        return;
    };
    let said: Box<str> = event
        .arguments
        .into_iter()
        .next()
        .map_or_else(|| "{}".into(), Box::<RawValue>::into);
    let (afterwards, language) = (Afterwards::default(), client.language);
    let work = {
        let (app, socket, client, afterwards) = (app.clone(), socket.clone(), client, afterwards.clone());
        async move {
            client.counts_an_event(&app)?;
            let actor = socket
                .get::<CurrentUser>()
                .ok_or_else(|| internal("a socket without a member"))?;
            let actor = recheck(&app, *actor, Activity::Call).await?;
            let speaker = Speaker {
                actor,
                socket,
                client,
                afterwards,
            };
            handler(app, speaker, said).await
        }
    };
    let outcome = Box::pin(answer_message(&app, name, language, work)).await;
    if let Some(ack) = event.ack {
        let sent = match &outcome {
            Ok(fields) => match accepted(fields) {
                Ok(answer) => ack.send(&answer),
                Err(error) => {
                    tracing::error!(%error, name, "an answer is no object");
                    ack.send(&json!({"ok": true}))
                }
            },
            Err(refusal) => ack.send(refusal),
        };
        if let Err(error) = sent {
            tracing::error!(%error, name, "an answer could not be encoded");
        }
    }
    if outcome.is_ok() {
        let works = std::mem::take(&mut *afterwards.lock().unwrap_or_else(PoisonError::into_inner));
        for work in works {
            work.await;
        }
    }
    Realtime::of(&app).figures.messages.add(1);
}

/// `ok` before the answer's own fields.
fn accepted(fields: &str) -> serde_json::Result<Box<RawValue>> {
    let rest = fields.strip_prefix('{').unwrap_or("}");
    let comma = if rest == "}" { "" } else { "," };
    RawValue::from_string(format!(r#"{{"ok":true{comma}{rest}"#))
}

/// An event that nobody here knows.
pub(crate) async fn unknown(app: AppState, socket: Socket, event: Event) {
    let Some(client) = socket.get::<Client>() else {
        return;
    };
    let work = async {
        client.counts_an_event(&app)?;
        Err::<Value, _>(Error::new(Kind::NotFound, "no_such_event"))
    };
    let refused = answer_message(&app, "unknown", client.language, work).await;
    if let (Some(ack), Err(refusal)) = (event.ack, refused) {
        let _ = ack.send(&refusal);
    }
}

#[cfg(test)]
mod tests {
    use super::accepted;

    #[test]
    fn an_answer_begins_with_ok() {
        assert_eq!(accepted("{}").unwrap().get(), r#"{"ok":true}"#);
        assert_eq!(accepted(r#"{"id":1}"#).unwrap().get(), r#"{"ok":true,"id":1}"#);
    }
}
