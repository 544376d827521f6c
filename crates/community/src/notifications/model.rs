use super::priority::Priority;
use crate::{messages::MessageId, profiles::Author};
use accounts::MemberId;
use base::{TimeZone, Timestamp, choice, ids};
use db::stored;
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

ids! {
    /// Names a notification.
    NotificationId;
    /// Names what a notification is about.
    SubjectId;
}
stored!(ids: NotificationId);

choice! {
    /// What happened.
    #[derive(PartialOrd, Ord)]
    pub enum NotificationKind {
        Message = "message",
        /// Staff decided about the member or something of theirs.
        Moderation = "moderation",
        /// Staff tell everybody something.
        Notice = "notice",
        FriendRequest = "friend_request",
        FriendAccepted = "friend_accepted",
        Event = "event",
        GroupInvite = "group_invite",
        GroupRequest = "group_request",
        GroupAccepted = "group_accepted",
        Mention = "mention",
        Companion = "companion",
        Comment = "comment",
        /// Of a comment.
        Reply = "reply",
        Share = "share",
        Follow = "follow",
        Reaction = "reaction",
        CommentReaction = "comment_reaction",
    }
}

choice! {
    /// How a member is told.
    #[schemars(rename = "NotificationChannel")]
    pub enum Channel {
        /// The list in the app, live.
        InApp = "in_app",
        /// Web Push, to devices that are not looking.
        Push = "push",
        /// The digest by e-mail.
        Email = "email",
    }
}

choice! {
    /// What a notification is about.
    pub enum SubjectKind {
        Member = "member",
        Post = "post",
        Event = "event",
        Group = "group",
        Room = "room",
        Decision = "decision",
        Notice = "notice",
    }
}

choice! {
    /// How often the digest comes, when there is something to tell.
    pub enum Digest {
        Off = "off",
        Daily = "daily",
        Weekly = "weekly",
    }
}
stored!(words: NotificationKind, Channel, SubjectKind, Digest);

impl NotificationKind {
    /// Said by staff as such: no member stands beside it, and nobody can do without it.
    pub fn is_of_staff(self) -> bool {
        matches!(self, NotificationKind::Moderation | NotificationKind::Notice)
    }

    /// What a member hears of who has said nothing about it.
    pub fn wanted_by_default(self, channel: Channel) -> bool {
        match (self, channel) {
            // A conversation counts its own unread messages.
            (NotificationKind::Message, Channel::InApp) => false,
            (
                NotificationKind::Reaction | NotificationKind::CommentReaction | NotificationKind::Follow,
                Channel::Push,
            ) => false,
            _ => true,
        }
    }
}

/// Why somebody is told of something.
#[derive(Clone, Debug)]
pub struct Cause {
    pub member: MemberId,
    pub kind: NotificationKind,
    pub subject: (SubjectKind, Uuid),
    pub actor: MemberId,
    /// Names it for good: the same cause counts once.
    pub name: String,
    /// What was said, of a message.
    pub said: Option<MessageId>,
}

impl Cause {
    /// What belongs together.
    pub fn bundle(&self) -> String {
        format!("{}:{}", self.kind, self.subject.1)
    }
}

/// What a notification is about, as its reader sees it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "NotificationSubject")]
pub struct Subject {
    pub kind: SubjectKind,
    pub id: SubjectId,
    /// A group's or an event's name.
    pub name: Option<String>,
}

/// A notification as its reader sees it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Notification {
    pub id: NotificationId,
    pub kind: NotificationKind,
    /// The sentence, in the language of the request.
    pub text: String,
    /// How many did it.
    pub count: i64,
    /// The last two who did it.
    pub actors: Vec<Author>,
    pub subject: Subject,
    /// The page of the web app that shows it.
    pub path: String,
    pub created_at: Timestamp,
    /// When it last happened.
    pub updated_at: Timestamp,
    pub read_at: Option<Timestamp>,
    pub priority: Priority,
}

/// When a member wants quiet, and how often the digest comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    pub time_zone: TimeZone,
    /// Minutes after midnight.
    pub quiet: Option<(u32, u32)>,
    pub digest: Digest,
    pub digest_at: u32,
}

impl Default for Schedule {
    fn default() -> Schedule {
        Schedule {
            time_zone: TimeZone::named("UTC").expect("there is UTC"),
            quiet: None,
            digest: Digest::Daily,
            digest_at: 8 * 60,
        }
    }
}
