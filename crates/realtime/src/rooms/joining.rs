//! Entering a room and leaving it.
//!
//! A socket is first let into the room, where it hears nothing yet; then the
//! stream's position is read, and what the client missed; then it is told; and
//! then it hears of everything that came after. So nothing falls between what it
//! is told and what it hears.

use super::{Client, Visit, own::Own, room::Room};
use crate::{
    Push, Realtime, Sockets, Speaker,
    sockets::{Ready, SKIP, render},
    streams::{Stream, StreamKind, store},
};
use accounts::{CurrentUser, MemberId};
use base::{Error, Result, Text, choice, error::not_found, input};
use platform::{AppState, http::answer_message};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, value::RawValue};
use socketio::Socket;
use std::{collections::HashMap, sync::Arc};
use uuid::Uuid;

/// Missed entries that stand in the answer itself; more follow as ordinary pushes.
const TOLD_AT_ONCE: i64 = 100;

input! {
    /// Which room, and what the client has of it.
    pub struct RoomJoin {
        /// `chat:<short name or id>`, `group:<id>` …
        pub room: Text<1, 100>,
        /// The last `seq` that the client has heard.
        pub since: Option<Seq>,
        /// Whether a client that names no `since` wants to see how things stand.
        #[serde(default)]
        pub snapshot: bool,
    }
}

/// A number in a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend("minimum" = 0))]
pub struct Seq(pub i64);

impl base::input::Field for Seq {
    fn check(&mut self, check: &mut base::input::Check<'_>) {
        if self.0 < 0 {
            check.fail("out_of_range", &[("min", &0), ("max", &i64::MAX)]);
        }
    }
}

input! {
    /// Which room.
    pub struct RoomLeave {
        pub room: Text<1, 100>,
    }
}

choice! {
    /// How a client stands that enters a room.
    pub enum Outcome {
        /// It has everything, or asked for nothing.
        Live = "live",
        /// It missed something, and hears all of it, in order.
        Recovered = "recovered",
        /// What it missed is not kept any more: it gets a snapshot.
        Resynced = "resynced",
        /// What it has is not of this stream: it starts over.
        Expired = "expired",
    }
}

/// Where a client stands in a room.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RoomJoined {
    /// As the client called it.
    pub room: String,
    pub stream: Stream,
    pub outcome: Outcome,
    /// What it has with this answer. The next push has the number after it.
    pub seq: i64,
    /// What it missed, in order. If that is much, the rest follows as pushes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missed: Option<Vec<Missed>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<Value>,
}

impl Push for RoomJoined {
    const NAME: &'static str = "room:joined";
}

/// A push that the client was not there for.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Missed {
    pub event: &'static str,
    #[schemars(with = "Value")]
    pub data: Box<RawValue>,
}

/// A room that the client asked for when it connected, and may not enter.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RoomRefused {
    pub room: String,
    pub code: String,
    pub detail: String,
}

impl Push for RoomRefused {
    const NAME: &'static str = "room:refused";
}

/// The member may not read here any more.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RoomLeft {
    pub stream: Stream,
}

impl Push for RoomLeft {
    const NAME: &'static str = "room:left";
}

/// An entry that is not for this reader, or of something that is gone; its number counts.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Skipped {}

impl Push for Skipped {
    const NAME: &'static str = SKIP;
}

/// What members say and hear of rooms themselves.
pub(crate) fn sockets() -> Sockets {
    Sockets::new("rooms")
        .on("room:join", join_room, "Enter a room, and hear what was missed")
        .whom("who may read there")
        .on("room:leave", leave_room, "Leave a room")
        .ephemeral::<RoomJoined>("A room that was entered with the connection")
        .whom("the socket itself")
        .ephemeral::<RoomRefused>("A room that could not be entered with the connection")
        .whom("the socket itself")
        .ephemeral::<RoomLeft>("The member may not read there any more")
        .whom("the socket itself")
        .durable(no_rows, "A number without anything to hear")
        .room(Own)
}

async fn no_rows(_: AppState, _: Stream, _: Vec<Uuid>) -> Result<HashMap<Uuid, crate::Rendered<Skipped>>> {
    Ok(HashMap::new())
}

async fn join_room(app: AppState, speaker: Speaker, join: RoomJoin) -> Result<RoomJoined> {
    let wish = Wish {
        room: join.room.into(),
        since: join.since.map(|since| since.0),
        snapshot: join.snapshot,
    };
    let (joined, settle) = enter(&app, &speaker, &speaker.socket, &speaker.client, wish).await?;
    speaker.afterwards(async move { settle.settle(&app).await });
    Ok(joined)
}

/// Done.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RoomIsLeft {}

async fn leave_room(app: AppState, speaker: Speaker, leave: RoomLeave) -> Result<RoomIsLeft> {
    let room: String = leave.room.into();
    let realtime = Realtime::of(&app);
    // Leaving needs no right; the name may be one that only members of the room can read.
    let stream = match room.parse::<Stream>() {
        Ok(stream) => Some(stream),
        Err(_) => open(&app, &speaker, &room).await?,
    };
    let stream = stream
        .filter(|stream| stream.kind != StreamKind::User)
        .ok_or_else(|| not_found("room"))?;
    let _turn = speaker.client.turn.lock().await;
    if realtime.hub.leave(&speaker.client, speaker.socket.id(), stream) {
        told_of_leaving(
            &app,
            Visit {
                member: speaker.id,
                socket: speaker.socket.id(),
                stream,
            },
        )
        .await;
    }
    Ok(RoomIsLeft {})
}

/// What a client asks for that enters a room.
struct Wish {
    room: String,
    since: Option<i64>,
    snapshot: bool,
}

/// Who has been told where it stands, and is let go.
pub(crate) struct Settle {
    room: Arc<Room>,
    visit: Visit,
    ticket: u64,
    seq: i64,
    head: i64,
}

impl Settle {
    async fn settle(self, app: &AppState) {
        self.room
            .state()
            .settle(self.visit.socket, self.ticket, self.seq, self.head);
        // Something may have been committed while nobody here knew the position.
        super::heard(app, &self.room, self.head);
        for tell in &Realtime::of(app).events().entered {
            tell(app.clone(), self.visit).await;
        }
    }
}

async fn open(app: &AppState, actor: &CurrentUser, room: &str) -> Result<Option<Stream>> {
    let Some((kind, name)) = room.split_once(':') else {
        return Ok(None);
    };
    let kinds = &Realtime::of(app).events().kinds;
    match StreamKind::parse(kind).and_then(|kind| kinds.get(&kind)) {
        Some(kind) => kind.open(app, actor, name).await,
        None => Ok(None),
    }
}

async fn enter(
    app: &AppState,
    actor: &CurrentUser,
    socket: &Socket,
    client: &Arc<Client>,
    wish: Wish,
) -> Result<(RoomJoined, Settle)> {
    let stream = open(app, actor, &wish.room)
        .await?
        .ok_or_else(|| not_found("room"))?;
    let _turn = client.turn.lock().await;
    let realtime = Realtime::of(app);
    let most = app.config.realtime.rooms_per_socket;
    let was_there = client.room(stream).is_some();
    let (room, ticket) = realtime.hub.enter(socket, client, stream, most)?;
    let stands = stand(app, client, stream, wish.since, wish.snapshot).await;
    let (outcome, seq, head, missed, snapshot) = match stands {
        Ok(stands) => stands,
        Err(error) => {
            if !was_there {
                realtime.hub.leave(client, socket.id(), stream);
            }
            return Err(error);
        }
    };
    realtime.count(outcome);
    let joined = RoomJoined {
        room: wish.room,
        stream,
        outcome,
        seq,
        missed,
        snapshot,
    };
    let visit = Visit {
        member: client.member,
        socket: socket.id(),
        stream,
    };
    let settle = Settle {
        room,
        visit,
        ticket,
        seq,
        head,
    };
    Ok((joined, settle))
}

type Stands = (Outcome, i64, i64, Option<Vec<Missed>>, Option<Value>);

/// Where a client stands that has everything up to `since`: what it is told, the number it has
/// then, and the stream's last one.
async fn stand(
    app: &AppState,
    client: &Client,
    stream: Stream,
    since: Option<i64>,
    snapshot: bool,
) -> Result<Stands> {
    let Some(since) = since else {
        if snapshot {
            let (head, snapshot) = look(app, client.member, stream).await?;
            return Ok((Outcome::Live, head, head, None, snapshot));
        }
        let head = store::last(&app.db, stream).await?;
        return Ok((Outcome::Live, head, head, None, None));
    };
    let head = store::last(&app.db, stream).await?;
    if since == head {
        return Ok((Outcome::Live, head, head, None, None));
    }
    if since > head {
        let (head, snapshot) = look(app, client.member, stream).await?;
        return Ok((Outcome::Expired, head, head, None, snapshot));
    }
    let entries = store::after(&app.db, stream, since, TOLD_AT_ONCE).await?;
    let whole = entries
        .iter()
        .zip(since + 1..)
        .all(|(entry, seq)| entry.seq == seq);
    let Some(last) = entries.last().filter(|_| whole) else {
        let (head, snapshot) = look(app, client.member, stream).await?;
        return Ok((Outcome::Resynced, head, head, None, snapshot));
    };
    let ready = render(app, Realtime::of(app).events(), stream, &entries).await?;
    let missed = ready.into_iter().map(|entry| missed(client, entry)).collect();
    // What was committed since may stand in the answer already.
    let head = head.max(last.seq);
    Ok((Outcome::Recovered, last.seq, head, Some(missed), None))
}

fn missed(client: &Client, entry: Ready) -> Missed {
    if client.is_hidden(entry.from)
        && let Ok(skipped) = entry.skipped_data()
    {
        return Missed {
            event: SKIP,
            data: skipped,
        };
    }
    Missed {
        event: entry.name,
        data: entry.data,
    }
}

/// The stream's position and what stands there, of one moment.
async fn look(app: &AppState, reader: MemberId, stream: Stream) -> Result<(i64, Option<Value>)> {
    let kind = Realtime::of(app).events().kinds.get(&stream.kind).cloned();
    let own = app.clone();
    app.db
        .read(move |db| async move {
            let head = store::last(&db, stream).await?;
            let snapshot = match kind {
                Some(kind) => kind.snapshot(&own, &db, reader, stream).await?,
                None => None,
            };
            Ok((head, snapshot))
        })
        .await
}

/// Enters the member's own stream and those that the handshake named, before anything else is heard.
pub(crate) async fn enter_at_once(
    app: &AppState,
    actor: &CurrentUser,
    socket: &Socket,
    client: &Arc<Client>,
    mut resume: HashMap<String, i64>,
) {
    let own = Stream::user(actor.id).to_string();
    let since = resume.remove(&own);
    let named = resume.into_iter().map(|(room, since)| (room, Some(since)));
    for (room, since) in std::iter::once((own, since)).chain(named) {
        let wish = Wish {
            room: room.clone(),
            since,
            snapshot: false,
        };
        let entered = answer_message(
            app,
            "room:join",
            client.language,
            enter(app, actor, socket, client, wish),
        );
        match Box::pin(entered).await {
            Ok((joined, settle)) => {
                emit(socket, &joined);
                settle.settle(app).await;
            }
            Err(refusal) => {
                let text = |key: &str| refusal[key].as_str().unwrap_or_default().to_owned();
                let refused = RoomRefused {
                    room,
                    code: text("code"),
                    detail: text("detail"),
                };
                emit(socket, &refused);
            }
        }
    }
}

/// A listener has fallen further behind than the log reaches: it is told how things stand now.
pub(super) async fn begin_anew(app: &AppState, room: &Arc<Room>, socket: &Socket) -> Result<()> {
    let Some(client) = socket.get::<Client>() else {
        return Ok(());
    };
    let Some(ticket) = room.state().begin_again(socket.id()) else {
        return Ok(());
    };
    let (head, snapshot) = look(app, client.member, room.stream).await?;
    Realtime::of(app).count(Outcome::Resynced);
    emit(
        socket,
        &RoomJoined {
            room: room.stream.to_string(),
            stream: room.stream,
            outcome: Outcome::Resynced,
            seq: head,
            missed: None,
            snapshot,
        },
    );
    room.state().settle(socket.id(), ticket, head, head);
    super::heard(app, room, head);
    Ok(())
}

/// A member who may not read any more hears so, and then nothing.
pub(super) async fn put_out(app: &AppState, room: &Arc<Room>, member: MemberId) {
    let there: Vec<_> = room
        .state()
        .listeners()
        .filter(|listener| listener.client.member == member)
        .map(|listener| (listener.socket.clone(), listener.client.clone()))
        .collect();
    for (socket, client) in there {
        if Realtime::of(app).hub.leave(&client, socket.id(), room.stream) {
            emit(&socket, &RoomLeft { stream: room.stream });
            let visit = Visit {
                member,
                socket: socket.id(),
                stream: room.stream,
            };
            told_of_leaving(app, visit).await;
        }
    }
}

pub(crate) async fn told_of_leaving(app: &AppState, visit: Visit) {
    for tell in &Realtime::of(app).events().left {
        tell(app.clone(), visit).await;
    }
}

fn emit<P: Push>(socket: &Socket, push: &P) {
    if let Err(error) = socket.emit(P::NAME, push) {
        tracing::error!(%error, push = P::NAME, "a push could not be encoded");
    }
}

impl Realtime {
    fn count(&self, outcome: Outcome) {
        let figures = &self.figures;
        match outcome {
            Outcome::Live => &figures.live,
            Outcome::Recovered => &figures.recovered,
            Outcome::Resynced => &figures.resynced,
            Outcome::Expired => &figures.expired,
        }
        .add(1);
    }
}

/// What cannot be entered with the handshake.
pub(crate) fn too_many(rooms: usize, most: usize) -> Option<Error> {
    (rooms > most).then(|| Error::new(base::Kind::Conflict, "too_many_rooms").with("max", most))
}
