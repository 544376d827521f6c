use crate::{profiles::Author, rooms::RoomId};
use base::{Timestamp, choice, ids};
use db::stored;
use platform::http::Versioned;
use schemars::JsonSchema;
use serde::Serialize;

ids! {
    /// Names a group.
    GroupId;
}
stored!(ids: GroupId);

choice! {
    /// What a group is about.
    pub enum GroupKind {
        City = "city",
        Community = "community",
        Interest = "interest",
        Role = "role",
    }
}

choice! {
    /// Who sees a group: everybody; everybody its name and members its posts; members alone.
    pub enum GroupVisibility {
        Public = "public",
        Closed = "closed",
        Private = "private",
    }
}

choice! {
    /// What a member may do in a group. Later ones may all that earlier ones may.
    #[derive(PartialOrd, Ord)]
    pub enum GroupRole {
        Member = "member",
        Moderator = "moderator",
        Admin = "admin",
    }
}

choice! {
    /// How somebody stands to a group.
    #[schemars(rename = "GroupStatus")]
    pub enum Status {
        Active = "active",
        /// Has asked to join.
        Requested = "requested",
        Invited = "invited",
        Banned = "banned",
        Left = "left",
    }
}
stored!(words: GroupKind, GroupVisibility, GroupRole, Status);

/// A group as its reader sees it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Group {
    pub id: GroupId,
    /// Its address.
    pub slug: String,
    pub name: String,
    pub kind: GroupKind,
    /// The tango role that a group of kind `role` is for.
    pub tango_role: Option<String>,
    pub visibility: GroupVisibility,
    pub description: String,
    pub city: Option<String>,
    /// Two letters (ISO 3166).
    pub country: Option<String>,
    pub latitude: Option<f64>,
    pub longitude: Option<f64>,
    pub member_count: i64,
    /// The group's chat room, for its members.
    pub room_id: Option<RoomId>,
    pub created_at: Timestamp,
    /// Null until it is edited.
    pub edited_at: Option<Timestamp>,
    /// How the reader stands to it; null: not at all.
    pub my_status: Option<Status>,
    /// The reader's role, while they are a member.
    pub my_role: Option<GroupRole>,
    #[serde(skip)]
    pub version: i64,
}

impl Versioned for Group {
    fn version(&self) -> i64 {
        self.version
    }
}

impl Group {
    pub fn standing(&self, staff: bool) -> Standing {
        Standing {
            kind: self.kind,
            visibility: self.visibility,
            status: self.my_status,
            role: self.my_role,
            staff,
        }
    }
}

/// All that the policy asks about a reader and a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    pub kind: GroupKind,
    pub visibility: GroupVisibility,
    pub status: Option<Status>,
    /// Of an active member.
    pub role: Option<GroupRole>,
    /// Whether the reader's platform roles permit moderation.
    pub staff: bool,
}

/// Somebody in a group.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "GroupMember")]
pub struct Membership {
    pub member: Author,
    pub role: GroupRole,
    pub status: Status,
    /// Since when they stand so.
    pub since: Timestamp,
}

/// A city on the map of the world.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct CityGroup {
    pub id: GroupId,
    pub slug: String,
    pub name: String,
    pub country: Option<String>,
    /// Null until somebody has said where it lies.
    pub latitude: Option<f64>,
    pub longitude: Option<f64>,
    pub member_count: i64,
    /// Events to come.
    pub event_count: i64,
}
