#![doc = include_str!("../README.md")]

mod connections;
mod push;

pub use push::{Push, SessionRevoked};

use accounts::{Accounts, Activity, CurrentUser, MemberId, Revoked, authenticate, limits, recheck};
use axum::Router;
use base::{Error, error::unauthenticated};
use connections::Connections;
use platform::{App, AppState, http::ClientIp};
use serde::Deserialize;
use socketioxide::{
    SocketIo,
    extract::{Extension, SocketRef, State, TryData},
    handler::ConnectHandler,
};
use std::{fmt, sync::Arc};
use supervisor::{Plan, Spec};

/// Bytes a packet from a client may have.
const MAX_PAYLOAD: usize = 100_000;

/// Connections and pushes, as the app's parts hold it.
#[derive(Debug, Default)]
pub struct Realtime {
    connections: Arc<Connections>,
}

impl Realtime {
    pub fn install(app: App) -> App {
        app.with_part(Realtime::default())
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

    /// Pushes to every connection of these members. Ephemeral: who is not there misses it.
    pub fn push_to_members<P: Push>(&self, members: impl IntoIterator<Item = MemberId>, push: &P) {
        for member in members {
            for socket in self.connections.of(member) {
                // A client whose queue is full is slow; the feed tells it later.
                if let Err(error) = socket.emit(P::NAME, push) {
                    tracing::debug!(%error, push = P::NAME, "a push was dropped");
                }
            }
        }
    }
}

/// The Socket.IO endpoint.
pub fn router(app: &AppState) -> Router<AppState> {
    let (service, io) = SocketIo::builder()
        .max_payload(MAX_PAYLOAD as u64)
        .ws_max_message_size(MAX_PAYLOAD)
        .ws_max_frame_size(MAX_PAYLOAD)
        .with_state(app.clone())
        .build_svc();
    io.ns("/", on_connect.with(may_connect));
    Router::new()
        .route_service("/socket.io/", service.clone())
        .route_service("/socket.io", service)
}

#[derive(Debug, Deserialize)]
struct Handshake {
    token: String,
}

/// What a refused client reads in `connect_error`.
#[derive(Debug)]
struct Refused(Error);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.code())
    }
}

async fn may_connect(
    socket: SocketRef,
    TryData(handshake): TryData<Handshake>,
    State(app): State<AppState>,
) -> Result<(), Refused> {
    let token = handshake.map(|handshake| handshake.token).unwrap_or_default();
    let actor = match authenticate(&app, &token, Activity::Background).await {
        Ok(actor) => actor,
        Err(error) => {
            let reason = match error.code() {
                // Whatever is wrong with the token, the client must get a new one.
                "session_revoked" | "session_expired" => unauthenticated("unauthenticated"),
                _ => error,
            };
            let ip = ClientIp::of_request(socket.req_parts()).map_err(Refused)?;
            return Err(Refused(limits::socket_refused(&app, ip, reason).await));
        }
    };
    limits::socket(&app, actor.session).await.map_err(Refused)?;
    socket.extensions.insert(actor);
    Ok(())
}

async fn on_connect(
    socket: SocketRef,
    Extension(actor): Extension<CurrentUser>,
    State(app): State<AppState>,
) {
    let connections = Realtime::of(&app).connections.clone();
    connections.add(actor, socket.clone());
    socket.on_disconnect(async move |socket: SocketRef| connections.remove(actor.id, &socket));
    // A session that ended between the handshake and this moment was cut too early to be found.
    if let Err(error) = recheck(&app, actor, Activity::Background).await {
        tracing::debug!(%error, "a session ended while its socket connected");
        let _ = socket.disconnect();
    }
}

/// Cuts the sockets of sessions that end.
pub fn workers(app: &AppState) -> Vec<Plan> {
    let own = app.clone();
    vec![
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
            let _ = socket.disconnect();
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
        let _ = socket.emit(SessionRevoked::NAME, &push);
        let _ = socket.disconnect();
    }
}
