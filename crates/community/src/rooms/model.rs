use crate::{messages::MessageId, profiles::Author};
use accounts::MemberId;
use base::{Timestamp, choice, ids, input::Check, input::Field};
use db::stored;
use realtime::streams::{Stream, StreamKind};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, convert::Infallible, str::FromStr};

ids! {
    /// Names a room.
    RoomId;
}

impl RoomId {
    /// The log of what happens in the room.
    pub fn stream(self) -> Stream {
        Stream::new(StreamKind::Chat, self)
    }
}

choice! {
    /// Who a room is for.
    pub enum RoomKind {
        /// Two members.
        Direct = "direct",
        /// Whoever is invited.
        Group = "group",
        /// Everybody.
        Open = "open",
    }
}

choice! {
    /// What a member may do in a room. Ordered: who looks after more comes first.
    #[derive(PartialOrd, Ord)]
    #[schemars(rename = "RoomRole")]
    pub enum Role {
        Owner = "owner",
        Admin = "admin",
        Member = "member",
    }
}

choice! {
    /// Where a member stands with a room.
    #[schemars(rename = "RoomStatus")]
    pub enum Status {
        Joined = "joined",
        Invited = "invited",
        /// Put out; only an invitation brings them back.
        Removed = "removed",
    }
}

stored!(ids: RoomId);
stored!(words: RoomKind, Role, Status);

/// A room by its short name or its id, as it stands in a path or behind `chat:`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RoomName {
    Id(RoomId),
    Slug(String),
}

impl RoomName {
    /// What sockets call the room.
    pub fn on_the_wire(id: RoomId, slug: Option<&str>) -> String {
        match slug {
            Some(slug) => format!("chat:{slug}"),
            None => format!("chat:{id}"),
        }
    }
}

impl FromStr for RoomName {
    type Err = Infallible;

    /// A slug that no room has names nothing, and needs no other refusal.
    fn from_str(text: &str) -> Result<RoomName, Infallible> {
        Ok(match text.parse() {
            Ok(id) => RoomName::Id(id),
            Err(_) => RoomName::Slug(text.to_owned()),
        })
    }
}

impl Field for RoomName {
    fn check(&mut self, check: &mut Check<'_>) {
        if let RoomName::Slug(slug) = self
            && !is_slug(slug)
        {
            check.fail("unknown_room", &[]);
        }
    }
}

fn is_slug(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=64).contains(&text.len()) && text.bytes().all(plain)
}

impl JsonSchema for RoomName {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "RoomName".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": "^[a-z0-9-]{1,64}$"})
    }
}

/// The same as sockets say it: `chat:<slug or id>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChatName(pub RoomName);

impl<'de> Deserialize<'de> for ChatName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<ChatName, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        let name = text
            .strip_prefix("chat:")
            .ok_or_else(|| serde::de::Error::custom("expected chat: and a room"))?;
        let Ok(name) = name.parse();
        Ok(ChatName(name))
    }
}

impl Field for ChatName {
    fn check(&mut self, check: &mut Check<'_>) {
        self.0.check(check);
    }
}

impl JsonSchema for ChatName {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "ChatName".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": "^chat:[a-z0-9-]{1,64}$"})
    }
}

/// A room as its reader sees it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Room {
    pub id: RoomId,
    /// What sockets call it: `chat:<slug or id>`.
    pub name: String,
    pub kind: RoomKind,
    pub slug: Option<String>,
    /// Empty for a direct room, which is called by the other's name.
    pub title: String,
    /// With whom, in a direct room.
    pub other: Option<Author>,
    pub member_count: i64,
    /// Where the reader stands; null in an open room they did not enter.
    pub membership: Option<Membership>,
    pub last_message: Option<LastMessage>,
    /// Messages of others that the reader has not read; counted up to 100.
    pub unread_count: i64,
    pub created_at: Timestamp,
}

/// The reader's own place in a room.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Membership {
    pub role: Role,
    pub status: Status,
    /// The reader wants no notifications of this room.
    pub muted: bool,
    /// An admin lets the reader say nothing.
    pub silenced: bool,
    /// How far the reader has read: the `seq` of a message.
    pub read_seq: i64,
}

/// What was said last, for a list of rooms.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct LastMessage {
    pub id: MessageId,
    pub seq: i64,
    pub sender: Author,
    pub body: String,
    pub created_at: Timestamp,
}

/// Somebody in a room, as another member sees them.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RoomMember {
    pub member: Author,
    pub role: Role,
    pub status: Status,
    pub silenced: bool,
    /// How far they have read; told in rooms of few.
    pub read_seq: Option<i64>,
    pub joined_at: Timestamp,
}

/// What decides about a member in a room: the facts that `policy` asks for.
#[derive(Clone, Debug)]
pub struct Standing {
    pub room: RoomId,
    pub kind: RoomKind,
    pub slug: Option<String>,
    /// The group whose room it is.
    pub of_group: bool,
    pub member_count: i64,
    pub role: Role,
    /// Nothing for who never was in it.
    pub status: Option<Status>,
    pub silenced: bool,
    /// In a direct room: a block lies between the two.
    pub apart: bool,
}

impl Standing {
    pub fn name(&self) -> String {
        RoomName::on_the_wire(self.room, self.slug.as_deref())
    }
}

/// Two members in the order in which a direct room names them.
pub fn pair(one: MemberId, other: MemberId) -> (MemberId, MemberId) {
    (one.min(other), one.max(other))
}
