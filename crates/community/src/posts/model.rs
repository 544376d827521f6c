use crate::{
    groups::GroupId,
    media::{MediaId, MediaView},
    profiles::Author,
    ranking::Why,
    reactions::Reaction,
};
use accounts::MemberId;
use base::{
    Latitude, Line, Longitude, Timestamp, choice, ids,
    input::{Check, Field},
};
use db::stored;
use platform::http::Versioned;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

ids! {
    /// Names a post.
    PostId;
}
stored!(ids: PostId);

choice! {
    /// Who may read a post.
    #[derive(Default)]
    #[schemars(rename = "PostVisibility")]
    pub enum Visibility {
        #[default]
        Public = "public",
        Friends = "friends",
        /// The readers of the group that it was posted in.
        Group = "group",
        Private = "private",
    }
}

choice! {
    /// What a post is.
    #[derive(Default)]
    pub enum PostKind {
        #[default]
        Memory = "memory",
        /// From somebody who leads a community.
        Announcement = "announcement",
    }
}

choice! {
    /// How a memory felt.
    pub enum Emotion {
        Joyful = "joyful",
        Nostalgic = "nostalgic",
        Romantic = "romantic",
        Passionate = "passionate",
        Grateful = "grateful",
        Inspired = "inspired",
        Melancholic = "melancholic",
        Connected = "connected",
        Proud = "proud",
        Peaceful = "peaceful",
    }
}
stored!(words: Visibility, PostKind);

/// Where it was.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct Place {
    pub name: Line<1, 120>,
    pub latitude: Option<Latitude>,
    pub longitude: Option<Longitude>,
}

impl Field for Place {
    fn check(&mut self, check: &mut Check<'_>) {
        check.field("name", &mut self.name);
        check.field("latitude", &mut self.latitude);
        check.field("longitude", &mut self.longitude);
    }
}

/// A post as its reader sees it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Post {
    pub id: PostId,
    pub author: Author,
    /// Plain text, of rich text as well.
    pub body: String,
    /// Sanitised rich text; null when the post is plain.
    pub html: Option<String>,
    /// Pictures, video and sound.
    pub media: Vec<MediaView>,
    pub created_at: Timestamp,
    /// Null until it is edited.
    pub edited_at: Option<Timestamp>,
    pub visibility: Visibility,
    pub kind: PostKind,
    pub group_id: Option<GroupId>,
    pub place: Option<Place>,
    pub emotions: Vec<Emotion>,
    /// Folded, without their sign.
    pub hashtags: Vec<String>,
    /// User names of members who are mentioned.
    pub mentions: Vec<String>,
    /// Members who were there and agreed to be named.
    pub companions: Vec<Author>,
    pub companion_count: i64,
    pub like_count: i64,
    pub comment_count: i64,
    pub share_count: i64,
    pub liked_by_me: bool,
    /// The reader's own reaction.
    pub reaction: Option<Reaction>,
    pub saved_by_me: bool,
    /// Staff took it from sight; its author alone still sees it.
    pub is_withheld: bool,
    /// The post that this one shares.
    pub shared_id: Option<PostId>,
    /// Null when the reader may not see it any more.
    pub shared: Option<SharedPost>,
    /// Why it stands where it stands, in a ranked feed and in trends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<Why>,
    #[serde(skip)]
    pub version: i64,
    #[serde(skip)]
    pub media_count: i64,
}

/// A post inside another one.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct SharedPost {
    pub id: PostId,
    pub author: Author,
    pub body: String,
    pub html: Option<String>,
    pub media: Vec<MediaView>,
    pub created_at: Timestamp,
    #[serde(skip)]
    pub media_count: i64,
}

/// What a post said before.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "PostEdit")]
pub struct Edit {
    pub version: i64,
    pub body: String,
    pub html: Option<String>,
    /// When it began to say this.
    pub created_at: Timestamp,
}

impl Versioned for Post {
    fn version(&self) -> i64 {
        self.version
    }
}

/// A post to be written.
#[derive(Clone, Debug)]
pub struct Draft {
    pub words: super::words::Words,
    pub visibility: Visibility,
    pub kind: PostKind,
    pub group_id: Option<GroupId>,
    pub place: Option<Place>,
    pub emotions: Vec<Emotion>,
    pub companions: Vec<MemberId>,
    pub shared_id: Option<PostId>,
    pub media: Vec<MediaId>,
}

/// Words that stand in one column with spaces between.
pub(crate) fn joined<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    words.into_iter().collect::<Vec<_>>().join(" ")
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Mentioned {
    pub id: MemberId,
    pub username: String,
}
