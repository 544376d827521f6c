//! What members in a room hear, and what other slices learn.

use super::{MessageId, ReactionCount};
use crate::{
    media::MediaView,
    profiles::Author,
    rooms::{RoomId, RoomKind},
};
use accounts::MemberId;
use base::Timestamp;
use platform::signals::Signal;
use realtime::Push;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Something was said in a direct or group room. Not in an open one, where nobody waits
/// to be told.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MessageSent {
    pub id: MessageId,
    pub room: RoomId,
    pub kind: RoomKind,
    pub sender: Author,
    pub created_at: Timestamp,
}

impl Signal for MessageSent {
    const KIND: &'static str = "message_sent";
}

/// `message:new`: something was said.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct MessageNew {
    pub id: MessageId,
    /// The room as sockets call it.
    pub room: String,
    pub body: String,
    pub media: Vec<MediaView>,
    pub sender: Author,
    pub created_at: Timestamp,
    pub client_id: Option<String>,
    pub reply_to_id: Option<MessageId>,
    pub forwarded: bool,
    pub edited_at: Option<Timestamp>,
}

impl Push for MessageNew {
    const NAME: &'static str = "message:new";
}

/// `message:edited`: a message says something else now.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct MessageEdited {
    pub id: MessageId,
    pub room: String,
    pub body: String,
    pub edited_at: Option<Timestamp>,
}

impl Push for MessageEdited {
    const NAME: &'static str = "message:edited";
}

/// `message:deleted`: the words of a message are gone.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct MessageDeleted {
    pub id: MessageId,
    pub room: String,
}

impl Push for MessageDeleted {
    const NAME: &'static str = "message:deleted";
}

/// `message:reacted`: how members feel about a message now.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct MessageReacted {
    pub id: MessageId,
    pub room: String,
    pub reactions: Vec<ReactionCount>,
}

impl Push for MessageReacted {
    const NAME: &'static str = "message:reacted";
}

/// `message:seen`: how far a member has read. To their own devices, and in rooms of few to
/// the others; who misses it reads the list of members.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct MessageSeen {
    pub room: String,
    pub member_id: MemberId,
    pub read_seq: i64,
}

impl Push for MessageSeen {
    const NAME: &'static str = "message:seen";
}
