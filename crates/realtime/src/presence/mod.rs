//! Presence: who is there, and who is writing.
//!
//! A member is *online* while one of their devices is connected and looked at,
//! *away* while none is looked at, *offline* otherwise, and the same for each
//! room. Listeners of a room hear `presence:changed`, one push for each room and
//! second at most, however many come and go ([`board`]); `typing:changed` tells
//! who is writing, at most four times a second, and expires by itself
//! ([`typing`]). Both are ephemeral: who misses one sees so by its number and
//! asks with `presence:list`.
//!
//! Each node owns those who are connected to it and tells the others through
//! Redis ([`worker`]); without Redis there is one node. When a member was last
//! seen, and who may know, is kept in the database ([`store`]).
//!
//! Never true: a member told of who is hidden from them; a ghost of a node that
//! died; a push for each socket; a trace of who does not want to be seen.

mod board;
pub mod http;
pub mod store;
mod typing;
mod worker;

pub(crate) use worker::{Said, hear, linked, workers};

use crate::{Push, Realtime, Sockets, Speaker, Stream, StreamKind, Visit};
use accounts::MemberId;
use base::{Result, choice, error::not_found};
use board::Board;
use db::stored;
use platform::{App, AppState};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use socketio::Id;
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};
use typing::Typing;

/// Members in one answer to `presence:list`.
const LISTED: usize = 1000;

/// Whether somebody is there. The later one counts more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Offline,
    /// Connected, but nobody looks.
    Away,
    Online,
}

choice! {
    /// Who may see when a member is there and when they were last.
    pub enum Visibility {
        /// Every member.
        Everybody = "everybody",
        /// In rooms everybody who is there too; elsewhere those whom the member follows.
        Contacts = "contacts",
        /// Nobody, nowhere.
        Nobody = "nobody",
    }
}
stored!(words: Visibility);

/// A member and whether they are there.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct Present {
    pub member_id: MemberId,
    pub status: Status,
}

/// Members came, went or looked away. A `number` that is not one more than the
/// last one means that something was missed: ask with `presence:list`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PresenceChanged {
    pub room: Stream,
    pub number: u64,
    pub changes: Vec<Present>,
    /// There were too many changes to name: ask with `presence:list`.
    pub more: bool,
    /// How many are there.
    pub count: usize,
    /// Everybody who is there, in a small room.
    pub present: Option<Vec<Present>>,
}

impl Push for PresenceChanged {
    const NAME: &'static str = "presence:changed";
}

/// Who is writing in a room, without the hearer.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct TypingChanged {
    pub room: Stream,
    /// All of them.
    pub members: Vec<MemberId>,
    pub started: Vec<MemberId>,
    pub stopped: Vec<MemberId>,
}

impl Push for TypingChanged {
    const NAME: &'static str = "typing:changed";
}

/// What this node knows of who is there.
#[derive(Debug, Default)]
pub(crate) struct Presence {
    board: Mutex<Board>,
    typing: Mutex<Typing>,
    /// When those who left were last seen, until it is written.
    last_seen: Mutex<HashMap<MemberId, base::Timestamp>>,
}

impl Presence {
    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn typing(&self) -> MutexGuard<'_, Typing> {
        self.typing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn last_seen(&self) -> MutexGuard<'_, HashMap<MemberId, base::Timestamp>> {
        self.last_seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A member's socket is connected.
    pub async fn connect(app: &AppState, member: MemberId, socket: Id) {
        let visibility = store::visibility(&app.db, member).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "who may see a member could not be read: nobody does");
            Visibility::Nobody
        });
        let seen = visibility != Visibility::Nobody;
        Realtime::of(app)
            .presence
            .board()
            .connect(socket, member, seen, Instant::now());
    }

    pub fn disconnect(app: &App, member: MemberId, socket: Id) {
        let presence = &Realtime::of(app).presence;
        let mut board = presence.board();
        let seen = board.status(None, member) != Status::Offline;
        if board.disconnect(socket, Instant::now()) && seen {
            drop(board);
            presence.last_seen().insert(member, app.clock.now());
        }
    }

    /// Entries held for those who are there; none when nobody is.
    pub fn size(&self) -> usize {
        self.board().size() + self.typing().size()
    }
}

impl Realtime {
    /// Whether the member is there, on whatever device and node.
    pub fn status(&self, member: MemberId) -> Status {
        self.presence.board().status(None, member)
    }

    /// Whether the member is connected, also when they do not want to be seen: for
    /// what is decided about them, never for what others are told.
    pub fn is_there(&self, member: MemberId) -> bool {
        self.is_online(member) || self.status(member) != Status::Offline
    }

    /// When the member left this node, if that is not written yet.
    pub fn just_seen(&self, member: MemberId) -> Option<base::Timestamp> {
        self.presence.last_seen().get(&member).copied()
    }

    /// Entries that presence and typing hold; none when nobody is there.
    pub fn presence_size(&self) -> usize {
        self.presence.size()
    }

    /// The member has said what they were writing.
    pub fn typing_ends(&self, stream: Stream, member: MemberId) {
        self.presence.typing().end(stream, member);
    }
}

/// What this module hears and says.
pub(crate) fn sockets() -> Sockets {
    Sockets::new("presence")
        .on(
            "presence:set",
            set_presence,
            "Whether anybody looks at this device",
        )
        .whom("every member")
        .on("presence:list", list_presence, "Who is in a room")
        .whom("who has entered the room")
        .on("typing:start", start_typing, "The member is writing in a room")
        .whom("who has entered the room")
        .on("typing:stop", stop_typing, "The member has stopped")
        .whom("who has entered the room")
        .ephemeral::<PresenceChanged>("Members came to a room, left it, or looked away")
        .ephemeral::<TypingChanged>("Who is writing in a room")
        .on_enter(entered)
        .on_leave(left)
}

async fn entered(app: AppState, visit: Visit) {
    if visit.stream.kind != StreamKind::User {
        let presence = &Realtime::of(&app).presence;
        presence.board().enter(visit.socket, visit.stream, Instant::now());
    }
}

async fn left(app: AppState, visit: Visit) {
    let presence = &Realtime::of(&app).presence;
    presence.board().leave(visit.socket, visit.stream, Instant::now());
    presence.typing().leave(visit.stream, visit.member, visit.socket);
}

choice! {
    /// What a device may say of its member.
    pub enum Look {
        Online = "online",
        Away = "away",
    }
}

base::input! {
    /// Whether anybody looks at this device.
    pub struct SetPresence {
        pub status: Look,
    }
}

/// What the member's devices come to.
#[derive(Debug, Serialize, JsonSchema)]
struct PresenceSet {
    status: Status,
}

async fn set_presence(app: AppState, speaker: Speaker, new: SetPresence) -> Result<PresenceSet> {
    let mut board = Realtime::of(&app).presence.board();
    board.set_away(speaker.socket().id(), new.status == Look::Away, Instant::now());
    Ok(PresenceSet {
        status: board.status(None, speaker.id),
    })
}

base::input! {
    /// A room that the socket has entered, as `room:join` named its stream.
    pub struct InRoom {
        pub room: base::Line<1, 64>,
    }
}

impl InRoom {
    /// Who is not in the room learns nothing of it.
    fn stream(&self, speaker: &Speaker) -> Result<Stream> {
        let stream = self.room.parse().ok();
        let entered = stream.filter(|stream| speaker.is_in(*stream));
        entered.ok_or_else(|| not_found("room"))
    }
}

/// Who is in a room.
#[derive(Debug, Serialize, JsonSchema)]
struct PresenceList {
    room: Stream,
    /// That of the last `presence:changed`; later ones change this list.
    number: u64,
    /// How many are there; not all of a crowd are listed.
    count: usize,
    present: Vec<Present>,
}

async fn list_presence(app: AppState, speaker: Speaker, list: InRoom) -> Result<PresenceList> {
    let stream = list.stream(&speaker)?;
    let (number, all) = {
        let board = Realtime::of(&app).presence.board();
        (board.news_number(stream), board.statuses(stream))
    };
    let visible = all.into_iter().filter(|(member, _)| !speaker.hides(*member));
    let visible: Vec<_> = visible
        .map(|(member_id, status)| Present { member_id, status })
        .collect();
    Ok(PresenceList {
        room: stream,
        number,
        count: visible.len(),
        present: visible.into_iter().take(LISTED).collect(),
    })
}

/// How long the word holds: say it again every `again_ms` while the member writes on.
#[derive(Debug, Serialize, JsonSchema)]
struct TypingPeriod {
    again_ms: u64,
    expires_ms: u64,
}

async fn start_typing(app: AppState, speaker: Speaker, room: InRoom) -> Result<TypingPeriod> {
    let stream = room.stream(&speaker)?;
    let mut typing = Realtime::of(&app).presence.typing();
    typing.start(stream, speaker.id, speaker.socket().id(), Instant::now());
    // The end of the connection may have been before.
    if !speaker.socket().is_connected() {
        typing.leave(stream, speaker.id, speaker.socket().id());
    }
    Ok(TypingPeriod {
        again_ms: typing::AGAIN.as_millis() as u64,
        expires_ms: typing::EXPIRES.as_millis() as u64,
    })
}

/// Nothing to say.
#[derive(Debug, Serialize, JsonSchema)]
struct Stopped {}

async fn stop_typing(app: AppState, speaker: Speaker, room: InRoom) -> Result<Stopped> {
    let stream = room.stream(&speaker)?;
    let mut typing = Realtime::of(&app).presence.typing();
    typing.leave(stream, speaker.id, speaker.socket().id());
    Ok(Stopped {})
}

/// Makes the setting count for a member who is connected here.
pub(crate) async fn look_at_visibility(app: &AppState, member: MemberId) {
    match store::visibility(&app.db, member).await {
        Ok(visibility) => {
            let presence = &Realtime::of(app).presence;
            presence
                .board()
                .set_seen(member, visibility != Visibility::Nobody, Instant::now());
            if visibility == Visibility::Nobody {
                presence.last_seen().remove(&member);
            }
        }
        Err(error) => tracing::warn!(%error, "who may see a member could not be read"),
    }
}
