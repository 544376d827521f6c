use crate::{profiles::Author, ranking::closeness::Closeness};
use accounts::MemberId;
use base::{Timestamp, choice, ids};
use db::stored;
use schemars::JsonSchema;
use serde::Serialize;

ids! {
    /// Names a friend request.
    FriendRequestId;
}
stored!(ids: FriendRequestId);

choice! {
    /// How far a request has come.
    #[schemars(rename = "FriendRequestStatus")]
    pub enum RequestStatus {
        Pending = "pending",
        Snoozed = "snoozed",
        Accepted = "accepted",
        Rejected = "rejected",
    }
}
stored!(words: RequestStatus);

choice! {
    /// Requests that came or that went out.
    #[schemars(rename = "FriendRequestDirection")]
    pub enum Direction {
        Received = "received",
        Sent = "sent",
    }
}

/// What somebody says who asks.
#[derive(Clone, Debug)]
pub struct Plea {
    pub to: MemberId,
    pub did_we_dance: bool,
    pub dance_place: String,
    pub dance_story: String,
    pub note: String,
    pub private_note: String,
}

/// A friend request as its reader sees it: who sent it hears of no refusal.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct FriendRequest {
    pub id: FriendRequestId,
    pub direction: Direction,
    /// The other one.
    pub member: Author,
    pub status: RequestStatus,
    pub did_we_dance: bool,
    pub dance_place: String,
    pub dance_story: String,
    pub note: String,
    /// What the sender noted for themselves; null to the receiver.
    pub private_note: Option<String>,
    /// Until when it is put off; null to the sender.
    pub snoozed_until: Option<Timestamp>,
    pub created_at: Timestamp,
}

/// What two friends share.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Friendship {
    pub member: Author,
    pub since: Timestamp,
    /// Both say that they danced.
    pub danced: bool,
    pub mutual_friend_count: i64,
    pub closeness: Closeness,
}

/// A friend in a list.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Friend {
    pub member: Author,
    pub since: Timestamp,
}
