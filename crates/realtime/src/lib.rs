#![doc = include_str!("../README.md")]

mod belongings;
mod catalog;
mod connections;
mod fan_out;
mod figures;
pub mod presence;
mod push;
mod rooms;
mod sessions;
mod sockets;
mod speaking;
pub mod streams;

pub use belongings::belongings;
pub use catalog::asyncapi;
pub use figures::{BOUNDS_US, Count, Figures, Latency};
pub use push::Push;
pub use rooms::{Hides, Missed, Outcome, RoomJoined, RoomKind, RoomLeft, RoomRefused, Visit};
pub use sessions::{AuthExpired, AuthExpiring, Renew, Renewed, SessionEnded, SessionRevoked};
pub use sockets::{Direction, Events, Rendered, SocketEvent, Sockets};
pub use speaking::Speaker;
pub use streams::{Stream, StreamKind};

use accounts::{Activity, CurrentUser, MemberId, SessionId, authenticate, limits, recheck};
use axum::{Router, response::IntoResponse};
use base::{Error, error::unauthenticated};
use connections::Connections;
use fan_out::{FanOut, News};
use platform::{
    App, AppState,
    http::{ClientIp, Problem, Routes, language_of},
    texts::Language,
};
use presence::Presence;
use rooms::{Client, Hub};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};
use sessions::Expiries;
use socketio::{Admitted, Encoded, Id, Reason, Refusal, Server, Socket};
use std::{
    collections::{HashMap, HashSet},
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};
use streams::{Committed, Entry, store};
use supervisor::{Plan, Report, Spec};
use tokio::sync::{Mutex, mpsc};

/// Bytes a packet from a client may have.
const MAX_PAYLOAD: usize = 100_000;
/// How long a client may take to say goodbye when the server ends.
const GOODBYE: Duration = Duration::from_secs(1);
/// How often a node looks whether streams have gone on without its hearing of it.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Streams looked at with one statement.
const LOOKED_AT: usize = 1_000;
/// Commits handed out before others have a turn.
const HANDED_AT_ONCE: usize = 256;

/// Connections, rooms and pushes, as the app's parts hold them.
pub struct Realtime {
    server: Server,
    connections: Connections,
    expiries: Expiries,
    hub: Hub,
    pub(crate) presence: Presence,
    events: OnceLock<Events>,
    pub(crate) figures: Figures,
    /// To the other nodes, where there are any.
    fan_out: Option<FanOut>,
    commits: mpsc::UnboundedSender<Committed>,
    /// Taken by the one who hands out.
    committed: Mutex<mpsc::UnboundedReceiver<Committed>>,
}

impl std::fmt::Debug for Realtime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Realtime")
            .field("connections", &self.connections)
            .field("rooms", &self.hub.count())
            .finish_non_exhaustive()
    }
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
                    Ok(ip) => Ok(Admitted::new().with(ip).with(language_of(parts))),
                    Err(error) => Err(Problem::from(error).into_response()),
                }
            })
            .build();
        let (commits, committed) = mpsc::unbounded_channel();
        let fan_out = match app.config.cluster.redis_url.0.as_str() {
            "" => None,
            url => Some(FanOut::new(url).expect("the settings were checked")),
        };
        app.with_part(Realtime {
            server,
            connections: Connections::default(),
            expiries: Expiries::default(),
            hub: Hub::default(),
            presence: Presence::default(),
            events: OnceLock::new(),
            figures: Figures::default(),
            fan_out,
            commits,
            committed: Mutex::new(committed),
        })
    }

    pub fn of(app: &App) -> &Realtime {
        app.part()
    }

    /// What the slices registered.
    pub fn events(&self) -> &Events {
        self.events.get_or_init(|| sockets().into_events())
    }

    /// False when a push would reach nobody.
    pub fn anybody_online(&self) -> bool {
        self.connections.count() > 0
    }

    /// Open connections.
    pub fn connection_count(&self) -> usize {
        self.connections.count()
    }

    /// Rooms that somebody here listens to, the members' own among them.
    pub fn room_count(&self) -> usize {
        self.hub.count()
    }

    pub fn is_online(&self, member: MemberId) -> bool {
        self.connections.is_online(member)
    }

    /// A client that is connected here.
    pub(crate) fn socket(&self, id: Id) -> Option<Socket> {
        self.server.of("/").socket(id)
    }

    /// The members who listen to a stream on this node, each once.
    pub fn listeners(&self, stream: Stream) -> Vec<MemberId> {
        self.hub.listeners(stream)
    }

    pub fn is_listening(&self, stream: Stream, member: MemberId) -> bool {
        self.hub.is_listening(stream, member)
    }

    pub fn figures(&self) -> &Figures {
        &self.figures
    }

    /// Sessions with a connection that was handed numbers out of turn, or held numbers back; how many of each.
    pub fn irregular_sessions(&self) -> Vec<(SessionId, u64, u64)> {
        let connected = self.connections.all().into_iter();
        let counts = connected.filter_map(|(actor, socket)| {
            let irregular = &socket.get::<Client>()?.irregular;
            Some((actor.session, irregular.gaps.get(), irregular.duplicates.get()))
        });
        counts
            .filter(|(_, gaps, duplicates)| gaps + duplicates > 0)
            .take(100)
            .collect()
    }

    /// The protocol layer, for its counts.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// Pushes to every connection of these members, on whatever node. Ephemeral: who is not
    /// there, or slow, misses it.
    pub fn push_to_members<P: Push>(&self, members: impl IntoIterator<Item = MemberId>, push: &P) {
        let Some(payload) = payload(push) else { return };
        let members: Vec<_> = members.into_iter().collect();
        self.push_here(&members, P::NAME, &payload);
        self.tell_nodes(|| News::Pushed {
            members,
            name: P::NAME.to_owned(),
            payload,
        });
    }

    fn push_here(&self, members: &[MemberId], name: &str, payload: &RawValue) {
        let Some(encoded) = encoded(name, payload) else {
            return;
        };
        for member in members {
            for socket in self.connections.of(*member) {
                socket.send_expendable(encoded.clone());
            }
        }
    }

    fn tell_nodes(&self, news: impl FnOnce() -> News) {
        if let Some(fan_out) = &self.fan_out {
            fan_out.send(news);
        }
    }

    /// Whether the other nodes can be told of something; nothing when there are none.
    pub fn nodes_linked(&self) -> Option<bool> {
        self.fan_out.as_ref().map(FanOut::is_linked)
    }

    /// Times that the link to the other nodes was lost.
    pub fn node_outages(&self) -> u64 {
        self.fan_out.as_ref().map_or(0, FanOut::outages)
    }

    /// Pushes to everybody who listens to a stream, but not to those who must not see who it comes
    /// from. Ephemeral: with a slow client, the latest of a `key` takes the place of the others.
    pub fn tell<P: Push>(&self, stream: Stream, key: impl Hash, from: Option<MemberId>, push: &P) {
        let Some(payload) = payload(push) else { return };
        let key = hashed(key);
        self.tell_here(stream, key, from, P::NAME, &payload);
        self.tell_nodes(|| News::Told {
            stream,
            key,
            from,
            name: P::NAME.to_owned(),
            payload,
        });
    }

    fn tell_here(&self, stream: Stream, key: u64, from: Option<MemberId>, name: &str, payload: &RawValue) {
        if let Some(encoded) = encoded(name, payload) {
            self.hub.tell(stream, &(name, key), from, &encoded);
        }
    }

    /// What this node has committed, to be handed out. Called by whoever commits, on any thread.
    fn committed(&self, stream: Stream, entries: Vec<(i64, Entry)>) {
        if let Some((last, _)) = entries.last() {
            let last = *last;
            self.tell_nodes(|| News::Head(stream, last));
        }
        if self.hub.find(stream).is_some() {
            let _ = self.commits.send(Committed {
                stream,
                entries,
                since: Instant::now(),
            });
        }
    }

    /// Whom these members must not see has changed: every node reads it again.
    pub async fn forget_hidden(&self, app: &AppState, members: &[MemberId]) {
        self.read_hidden(app, members).await;
        self.tell_nodes(|| News::Hidden(members.to_vec()));
    }

    async fn read_hidden(&self, app: &AppState, members: &[MemberId]) {
        if self.events().hides.is_none() {
            return;
        }
        for member in members {
            if !self.is_online(*member) {
                continue;
            }
            match hidden_from(app, *member).await {
                Ok(hidden) => {
                    let hidden = Arc::new(hidden);
                    for socket in self.connections.of(*member) {
                        if let Some(client) = socket.get::<Client>() {
                            client.hide(hidden.clone());
                        }
                    }
                }
                Err(error) => tracing::warn!(%error, "whom a member must not see could not be read"),
            }
        }
    }
}

fn hashed(key: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}

fn payload<P: Push>(push: &P) -> Option<Box<RawValue>> {
    serde_json::value::to_raw_value(push)
        .inspect_err(|error| tracing::error!(%error, push = P::NAME, "a push could not be encoded"))
        .ok()
}

fn encoded(name: &str, payload: &RawValue) -> Option<Encoded> {
    Encoded::event(name, payload)
        .inspect_err(|error| tracing::error!(%error, push = name, "a push could not be encoded"))
        .ok()
}

async fn hidden_from(app: &AppState, reader: MemberId) -> base::Result<HashSet<MemberId>> {
    match &Realtime::of(app).events().hides {
        Some(hides) => hides.hidden_from(app, reader).await,
        None => Ok(HashSet::new()),
    }
}

/// What this crate itself hears and says.
pub fn sockets() -> Sockets {
    rooms::sockets()
        .merge(sessions::sockets())
        .merge(presence::sockets())
}

/// The routes of this crate.
pub fn routes() -> Routes {
    presence::http::routes().merge(catalog::routes())
}

/// The Socket.IO endpoint, with what the slices have to say.
pub fn router(app: &AppState, sockets: Sockets) -> Router<AppState> {
    let realtime = Realtime::of(app);
    let events = realtime.events.get_or_init(|| sockets.into_events());
    let (door, greeting, farewell, slow, strange) =
        (app.clone(), app.clone(), app.clone(), app.clone(), app.clone());
    let namespace = realtime.server.of("/");
    namespace
        .middleware(move |socket, auth| may_connect(door.clone(), socket, auth))
        .on_connect(move |socket, auth| on_connect(greeting.clone(), socket, auth))
        .on_room(move |socket| rooms::catch_up(slow.clone(), socket))
        .on_any(move |socket, event| speaking::unknown(strange.clone(), socket, event))
        .on_disconnect(move |socket, reason| on_disconnect(farewell.clone(), socket, reason));
    for (name, handler) in &events.handlers {
        let (app, name, handler) = (app.clone(), *name, handler.clone());
        namespace.on(name, move |socket, event| {
            speaking::hear(app.clone(), name, handler.clone(), socket, event)
        });
    }
    realtime.server.router()
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Handshake {
    token: String,
    /// The last number heard of each stream.
    resume: HashMap<String, i64>,
}

/// What a refused client reads in `connect_error`.
fn refused(error: &Error) -> Refusal {
    Refusal::new(error.code())
}

async fn may_connect(app: AppState, socket: Socket, auth: Value) -> Result<(), Refusal> {
    let handshake: Handshake = serde_json::from_value(auth).unwrap_or_default();
    let actor = match authenticate(&app, &handshake.token, Activity::Background).await {
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
    if let Some(error) = rooms::too_many(handshake.resume.len(), app.config.realtime.rooms_per_socket) {
        return Err(refused(&error));
    }
    let hidden = hidden_from(&app, actor.id).await;
    let hidden = hidden.map_err(|error| refused(&error))?;
    let language = socket
        .get::<Language>()
        .map_or_else(|| Language::of(None), |language| *language);
    socket.insert(actor);
    socket.insert(Client::new(actor.id, language, hidden));
    Ok(())
}

async fn on_connect(app: AppState, socket: Socket, auth: Value) {
    let (Some(actor), Some(client)) = (socket.get::<CurrentUser>(), socket.get::<Client>()) else {
        return;
    };
    let realtime = Realtime::of(&app);
    realtime.connections.add(*actor, socket.clone());
    realtime.expiries.watch(actor.expires_at, socket.id());
    Presence::connect(&app, actor.id, socket.id()).await;
    // A session that ended between the handshake and this moment was cut too early to be found.
    if let Err(error) = recheck(&app, *actor, Activity::Background).await {
        tracing::debug!(%error, "a session ended while its socket connected");
        socket.disconnect_and_close();
        return;
    }
    let handshake: Handshake = serde_json::from_value(auth).unwrap_or_default();
    Box::pin(rooms::enter_at_once(
        &app,
        &actor,
        &socket,
        &client,
        handshake.resume,
    ))
    .await;
}

async fn on_disconnect(app: AppState, socket: Socket, reason: Reason) {
    let (Some(actor), Some(client)) = (socket.get::<CurrentUser>(), socket.get::<Client>()) else {
        return;
    };
    tracing::debug!(%reason, "a socket ended");
    let realtime = Realtime::of(&app);
    realtime.connections.remove(actor.id, &socket);
    realtime.expiries.forget(actor.expires_at, socket.id());
    Presence::disconnect(&app, actor.id, socket.id());
    for visit in realtime.hub.end(&client, socket.id()) {
        rooms::told_of_leaving(&app, visit).await;
    }
}

/// What keeps sockets as long as their sessions; one hands out what was committed, one looks for
/// streams that went on unheard, one cleans up, one says goodbye to all when the server ends.
pub fn workers(app: &AppState) -> Vec<Plan> {
    let (ending, pushing, looking, telling) = (app.clone(), app.clone(), app.clone(), app.clone());
    let mut workers = sessions::workers(app);
    workers.extend(presence::workers(app));
    workers.extend([
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
        Spec::new("realtime.pushes")
            .group("platform")
            .service(move |context| {
                let app = pushing.clone();
                async move {
                    let mut committed = Realtime::of(&app).committed.lock().await;
                    context.ready();
                    let mut waiting = Vec::with_capacity(HANDED_AT_ONCE);
                    loop {
                        tokio::select! {
                            () = context.cancelled() => return Ok(()),
                            _ = committed.recv_many(&mut waiting, HANDED_AT_ONCE) => {
                                for committed in waiting.drain(..) {
                                    rooms::deliver(&app, committed);
                                }
                            }
                        }
                        tokio::task::yield_now().await;
                    }
                }
            }),
        Spec::new("realtime.fan_out")
            .group("platform")
            .gates(Duration::from_secs(2))
            .service(move |context| {
                let app = telling.clone();
                async move {
                    if let Some(fan_out) = &Realtime::of(&app).fan_out {
                        fan_out::keep(&app, fan_out, &context).await;
                    } else {
                        context.ready();
                        context.cancelled().await;
                    }
                    Ok(())
                }
            }),
        Spec::new("realtime.heads")
            .group("platform")
            .every(LOOK_EVERY)
            .timeout(Duration::from_secs(30))
            .exempt()
            .runs(move |_| {
                let app = looking.clone();
                async move {
                    let rooms = look_at_heads(&app).await?;
                    Ok(Report::new("looked at the heads").fact("rooms", rooms as i64))
                }
            }),
        streams::clean_up::worker(app),
    ]);
    workers
}

/// Compares the heads of all streams that somebody here listens to with what was handed out: the
/// last resort, which finds whatever was lost on the way.
pub(crate) async fn look_at_heads(app: &AppState) -> base::Result<usize> {
    let rooms = Realtime::of(app).hub.all();
    for some in rooms.chunks(LOOKED_AT) {
        let streams: Vec<_> = some.iter().map(|room| room.stream).collect();
        let heads: HashMap<_, _> = store::heads(&app.db, &streams).await?.into_iter().collect();
        for room in some {
            rooms::tend(app, room, heads.get(&room.stream).copied().unwrap_or(0));
        }
    }
    Ok(rooms.len())
}
