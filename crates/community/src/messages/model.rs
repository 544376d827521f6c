use crate::{
    media::{MediaId, MediaView},
    profiles::Author,
    reactions::Reaction,
    rooms::RoomId,
};
use accounts::MemberId;
use base::{Timestamp, ids};
use db::stored;
use schemars::JsonSchema;
use serde::Serialize;

ids! {
    /// Names a message.
    MessageId;
}
stored!(ids: MessageId);

/// A message as its reader sees it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Message {
    pub id: MessageId,
    /// The room as sockets call it.
    pub room: String,
    /// Its place in the room: later messages have higher numbers.
    pub seq: i64,
    pub sender: Author,
    /// Plain text; empty once it is deleted.
    pub body: String,
    /// Pictures, video and sound.
    pub media: Vec<MediaView>,
    /// What the sender's client called it.
    pub client_id: Option<String>,
    /// The message that this one answers, in the same room.
    pub reply_to_id: Option<MessageId>,
    /// It was said elsewhere before.
    pub forwarded: bool,
    pub created_at: Timestamp,
    /// Null until it is edited.
    pub edited_at: Option<Timestamp>,
    pub deleted: bool,
    pub reactions: Vec<ReactionCount>,
    /// The reader's own reaction.
    pub reaction: Option<Reaction>,
    #[serde(skip)]
    pub media_count: i64,
}

/// How many members feel that way about a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ReactionCount {
    #[serde(rename = "type")]
    pub kind: Reaction,
    pub count: i64,
}

/// What a member wants to say.
#[derive(Clone, Debug)]
pub struct Saying {
    pub body: String,
    pub client_id: Option<String>,
    pub reply_to: Option<MessageId>,
    pub forwarded: bool,
    pub media: Vec<MediaId>,
    /// The message whose media are said again with its words, and how many they are.
    pub media_of: Option<(MessageId, i64)>,
}

impl Saying {
    pub fn media_count(&self) -> i64 {
        self.media_of.map_or(self.media.len() as i64, |(_, count)| count)
    }
}

/// A message that was said.
#[derive(Clone, Copy, Debug)]
pub struct Said {
    pub id: MessageId,
    pub seq: i64,
    pub created_at: Timestamp,
}

/// The facts that decide who may change a message.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    pub room: RoomId,
    pub sender: MemberId,
    pub deleted: bool,
}
