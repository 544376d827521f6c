#![doc = include_str!("../README.md")]

mod connections;
mod push;
mod sessions;

pub use push::Push;
pub use sessions::{AuthExpired, AuthExpiring, Renew, Renewed, SessionEnded, SessionRevoked, renew};

use accounts::{Activity, CurrentUser, MemberId, authenticate, limits, recheck};
use axum::{Router, response::IntoResponse};
use base::{Error, error::unauthenticated};
use connections::Connections;
use platform::{
    App, AppState,
    http::{ClientIp, Problem},
};
use serde::Deserialize;
use serde_json::{Value, json};
use sessions::Expiries;
use socketio::{Admitted, Encoded, Event, Id, Reason, Refusal, Server, Socket};
use std::time::Duration;
use supervisor::{Plan, Spec};

/// Bytes a packet from a client may have.
const MAX_PAYLOAD: usize = 100_000;
/// How long a client may take to say goodbye when the server ends.
const GOODBYE: Duration = Duration::from_secs(1);

/// Connections and pushes, as the app's parts hold it.
#[derive(Debug)]
pub struct Realtime {
    server: Server,
    connections: Connections,
    expiries: Expiries,
}

impl Realtime {
    #[expect(
        clippy::result_large_err,
        reason = "an answer is what the handshake's hook gives back"
    )]
    pub fn install(app: App) -> App {
        let (entropy, config) = (app.entropy.clone(), app.config.clone());
        let server = Server::builder()
            .max_payload(MAX_PAYLOAD)
            .close_timeout(GOODBYE)
            .randomness(move |bytes| entropy.fill(bytes))
            .admit(move |parts| {
                let admitted =
                    sessions::check_origin(&config, parts).and_then(|()| ClientIp::of_request(parts));
                match admitted {
                    Ok(ip) => Ok(Admitted::new().with(ip)),
                    Err(error) => Err(Problem::from(error).into_response()),
                }
            })
            .build();
        app.with_part(Realtime {
            server,
            connections: Connections::default(),
            expiries: Expiries::default(),
        })
    }

    pub fn of(app: &App) -> &Realtime {
        app.part()
    }

    /// False when a push would reach nobody.
    pub fn anybody_online(&self) -> bool {
        self.connections.count() > 0
    }

    /// Open connections.
    pub fn connection_count(&self) -> usize {
        self.connections.count()
    }

    pub fn is_online(&self, member: MemberId) -> bool {
        self.connections.is_online(member)
    }

    /// A client that is connected here.
    pub(crate) fn socket(&self, id: Id) -> Option<Socket> {
        self.server.of("/").socket(id)
    }

    /// Pushes to every connection of these members. Ephemeral: who is not there,
    /// or slow, misses it.
    pub fn push_to_members<P: Push>(&self, members: impl IntoIterator<Item = MemberId>, push: &P) {
        let encoded = match Encoded::event(P::NAME, push) {
            Ok(encoded) => encoded,
            Err(error) => {
                tracing::error!(%error, push = P::NAME, "a push could not be encoded");
                return;
            }
        };
        for member in members {
            for socket in self.connections.of(member) {
                socket.send_expendable(encoded.clone());
            }
        }
    }
}

/// The Socket.IO endpoint.
pub fn router(app: &AppState) -> Router<AppState> {
    let server = &Realtime::of(app).server;
    let (door, greeting, farewell) = (app.clone(), app.clone(), app.clone());
    let renewing = app.clone();
    server
        .of("/")
        .on("auth:renew", move |socket, event| {
            renew_token(renewing.clone(), socket, event)
        })
        .middleware(move |socket, auth| may_connect(door.clone(), socket, auth))
        .on_connect(move |socket, _| on_connect(greeting.clone(), socket))
        .on_disconnect(move |socket, reason| on_disconnect(farewell.clone(), socket, reason));
    server.router()
}

#[derive(Debug, Deserialize)]
struct Handshake {
    token: String,
}

/// What a refused client reads in `connect_error`.
fn refused(error: &Error) -> Refusal {
    Refusal::new(error.code())
}

async fn may_connect(app: AppState, socket: Socket, auth: Value) -> Result<(), Refusal> {
    let token = serde_json::from_value(auth).map_or_else(|_| String::new(), |auth: Handshake| auth.token);
    let actor = match authenticate(&app, &token, Activity::Background).await {
        Ok(actor) => actor,
        Err(error) => {
            let reason = match error.code() {
                // Whatever is wrong with the token, the client must get a new one.
                "session_revoked" | "session_expired" => unauthenticated("unauthenticated"),
                _ => error,
            };
            let ip = socket.get::<ClientIp>().expect("kept when it was let in");
            return Err(refused(&limits::socket_refused(&app, *ip, reason).await));
        }
    };
    let within = limits::socket(&app, actor.session).await;
    within.map_err(|error| refused(&error))?;
    socket.insert(actor);
    Ok(())
}

async fn on_connect(app: AppState, socket: Socket) {
    let Some(actor) = socket.get::<CurrentUser>() else {
        return;
    };
    let realtime = Realtime::of(&app);
    realtime.connections.add(*actor, socket.clone());
    realtime.expiries.watch(actor.expires_at, socket.id());
    // A session that ended between the handshake and this moment was cut too early to be found.
    if let Err(error) = recheck(&app, *actor, Activity::Background).await {
        tracing::debug!(%error, "a session ended while its socket connected");
        socket.disconnect_and_close();
    }
}

async fn renew_token(app: AppState, socket: Socket, event: Event) {
    let renewed = match event.data::<Renew>() {
        Ok(new) => renew(&app, &socket, &new.token).await,
        Err(error) => Err(Error::new(base::Kind::Malformed, "malformed_json").with("why", error)),
    };
    let Some(ack) = event.ack else { return };
    let sent = match renewed {
        Ok(renewed) => ack.send(&json!({"ok": true, "expires_at": renewed.expires_at})),
        Err(error) => ack.send(&json!({"ok": false, "code": error.code()})),
    };
    if let Err(error) = sent {
        tracing::error!(%error, "an answer could not be encoded");
    }
}

async fn on_disconnect(app: AppState, socket: Socket, reason: Reason) {
    if let Some(actor) = socket.get::<CurrentUser>() {
        tracing::debug!(%reason, "a socket ended");
        let realtime = Realtime::of(&app);
        realtime.connections.remove(actor.id, &socket);
        realtime.expiries.forget(actor.expires_at, socket.id());
    }
}

/// What keeps sockets as long as their sessions, and says goodbye to all when the server ends.
pub fn workers(app: &AppState) -> Vec<Plan> {
    let ending = app.clone();
    let mut workers = sessions::workers(app);
    // Together with the listener, so that no poll holds it up.
    workers.push(
        Spec::new("realtime.sockets")
            .group("web")
            .service(move |context| {
                let app = ending.clone();
                async move {
                    context.ready();
                    context.cancelled().await;
                    Realtime::of(&app).server.close(GOODBYE).await;
                    Ok(())
                }
            }),
    );
    workers
}
