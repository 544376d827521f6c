#![doc = include_str!("../README.md")]

mod connections;
mod push;

pub use push::{Push, SessionEnded, SessionRevoked};

use accounts::{Accounts, Activity, CurrentUser, MemberId, Revoked, authenticate, limits, recheck};
use axum::{Router, response::IntoResponse};
use base::{Error, error::unauthenticated};
use connections::Connections;
use platform::{
    App, AppState,
    http::{ClientIp, Problem},
};
use serde::Deserialize;
use serde_json::Value;
use socketio::{Admitted, Encoded, Reason, Refusal, Server, Socket};
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
}

impl Realtime {
    #[expect(
        clippy::result_large_err,
        reason = "an answer is what the handshake's hook gives back"
    )]
    pub fn install(app: App) -> App {
        let entropy = app.entropy.clone();
        let server = Server::builder()
            .max_payload(MAX_PAYLOAD)
            .close_timeout(GOODBYE)
            .randomness(move |bytes| entropy.fill(bytes))
            .admit(|parts| match ClientIp::of_request(parts) {
                Ok(ip) => Ok(Admitted::new().with(ip)),
                Err(error) => Err(Problem::from(error).into_response()),
            })
            .build();
        app.with_part(Realtime {
            server,
            connections: Connections::default(),
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
    server
        .of("/")
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
    Realtime::of(&app).connections.add(*actor, socket.clone());
    // A session that ended between the handshake and this moment was cut too early to be found.
    if let Err(error) = recheck(&app, *actor, Activity::Background).await {
        tracing::debug!(%error, "a session ended while its socket connected");
        socket.disconnect_and_close();
    }
}

async fn on_disconnect(app: AppState, socket: Socket, reason: Reason) {
    if let Some(actor) = socket.get::<CurrentUser>() {
        tracing::debug!(%reason, "a socket ended");
        Realtime::of(&app).connections.remove(actor.id, &socket);
    }
}

/// One cuts the sockets of sessions that end; one says goodbye to all when the server does.
pub fn workers(app: &AppState) -> Vec<Plan> {
    let (own, ending) = (app.clone(), app.clone());
    vec![
        // Together with the listener, so that no poll holds it up.
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
        Spec::new("realtime.revocations")
            .group("platform")
            .service(move |context| {
                let app = own.clone();
                async move {
                    let mut revocations = Accounts::of(&app).sessions.revocations();
                    context.ready();
                    loop {
                        tokio::select! {
                            () = context.cancelled() => return Ok(()),
                            revoked = revocations.recv() => match revoked {
                                Ok(revoked) => cut(&app, revoked),
                                Err(tokio::sync::broadcast::error::RecvError::Lagged(_)) => look_at_all(&app).await,
                                Err(_) => return Ok(()),
                            }
                        }
                    }
                }
            }),
    ]
}

/// Some revocations went by unheard: every session that is connected is asked about.
async fn look_at_all(app: &App) {
    for (actor, socket) in Realtime::of(app).connections.all() {
        if recheck(app, actor, Activity::Background)
            .await
            .is_err_and(|error| error.kind() == base::Kind::Unauthenticated)
        {
            socket.disconnect_and_close();
        }
    }
}

fn cut(app: &App, revoked: Revoked) {
    // Changed rights are read with the next message; the connection may stay.
    let Some(session) = revoked.session else { return };
    let push = SessionRevoked {
        reason: revoked.reason.to_string(),
    };
    for socket in Realtime::of(app).connections.of_session(revoked.member, session) {
        if let Err(error) = socket.emit(SessionRevoked::NAME, &push) {
            tracing::error!(%error, "the reason of a revocation could not be encoded");
        }
        socket.disconnect_and_close();
    }
    let told = SessionEnded { session };
    for socket in Realtime::of(app).connections.of_others(revoked.member, session) {
        if let Err(error) = socket.emit(SessionEnded::NAME, &told) {
            tracing::error!(%error, "the end of another session could not be encoded");
        }
    }
}
