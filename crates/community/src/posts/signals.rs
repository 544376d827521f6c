//! What a new post tells others, and the push to those who follow its author.

use super::{Post, PostId, PostKind, Visibility};
use crate::{follows, groups::GroupId, profiles::Author};
use accounts::MemberId;
use base::{Result, Timestamp};
use db::CommunityId;
use platform::{
    AppState,
    signals::{Announced, Consumer, Signal, follow},
};
use realtime::{Push, Realtime, Sockets};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use supervisor::Plan;
use uuid::Uuid;

/// Followers read in one go.
const FOLLOWERS: i64 = 1000;
/// A push older than this helps nobody: the feed has the post.
const FRESH: Duration = Duration::from_mins(1);

/// A post was published.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PostCreated {
    pub id: PostId,
    pub author: Author,
    pub body: String,
    pub created_at: Timestamp,
    #[serde(default)]
    pub visibility: Visibility,
    #[serde(default)]
    pub kind: PostKind,
    pub group_id: Option<GroupId>,
    pub place: Option<String>,
    /// Who is mentioned. They may not be allowed to read it.
    #[serde(default)]
    pub mentioned: Vec<MemberId>,
    /// Who is asked whether they may be named as having been there.
    #[serde(default)]
    pub companions: Vec<MemberId>,
    pub shared_id: Option<PostId>,
    /// Whose post is shared.
    pub shared_author: Option<MemberId>,
}

impl Signal for PostCreated {
    const KIND: &'static str = "post_created";
}

/// A post says or shows something else, or others may read it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PostEdited {
    pub id: PostId,
    pub author: Author,
    pub edited_at: Timestamp,
    /// Who is mentioned and was not before. They may not be allowed to read it.
    pub mentioned: Vec<MemberId>,
}

impl Signal for PostEdited {
    const KIND: &'static str = "post_edited";
}

/// `post:new`, to the author's followers who are online, or to those of them who
/// are friends. Ephemeral: after a reconnect the feed is the truth.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PostNew {
    pub post: PostPreview,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PostPreview {
    pub id: PostId,
    pub author: Author,
    pub body: String,
    pub created_at: Timestamp,
}

impl From<&Post> for PostCreated {
    fn from(post: &Post) -> PostCreated {
        PostCreated {
            id: post.id,
            author: post.author.clone(),
            body: post.body.clone(),
            created_at: post.created_at,
            visibility: post.visibility,
            kind: post.kind,
            group_id: post.group_id,
            place: post.place.as_ref().map(|place| place.name.to_string()),
            mentioned: vec![],
            companions: vec![],
            shared_id: post.shared_id,
            shared_author: post.shared.as_ref().map(|shared| shared.author.id),
        }
    }
}

impl Push for PostNew {
    const NAME: &'static str = "post:new";
}

/// What members hear of posts.
pub fn sockets() -> Sockets {
    Sockets::new("posts")
        .ephemeral::<PostNew>("Somebody whom the member follows has published")
        .whom("followers of the author")
}

struct PushPosts;

impl Consumer for PushPosts {
    fn name(&self) -> &'static str {
        "posts.push"
    }

    fn hears(&self) -> &'static [&'static str] {
        &[PostCreated::KIND]
    }

    async fn consume(&self, app: &AppState, signals: Vec<Announced>) -> Result<()> {
        // Sockets speak for the first community.
        if app.db.community() != CommunityId::DEFAULT {
            return Ok(());
        }
        for created in signals.iter().filter_map(Announced::read::<PostCreated>) {
            let for_followers = matches!(created.visibility, Visibility::Public | Visibility::Friends);
            if for_followers && app.clock.now().since(created.created_at) < FRESH {
                push(app, created).await?;
            }
        }
        Ok(())
    }
}

async fn push(app: &AppState, created: PostCreated) -> Result<()> {
    let realtime = Realtime::of(app);
    let push = PostNew {
        post: PostPreview {
            id: created.id,
            author: created.author.clone(),
            body: created.body,
            created_at: created.created_at,
        },
    };
    let friends_alone = created.visibility == Visibility::Friends;
    let mut after = MemberId(Uuid::nil());
    loop {
        if !realtime.anybody_online() {
            return Ok(());
        }
        let followers =
            follows::store::followers_after(&app.db, created.author.id, friends_alone, after, FOLLOWERS)
                .await?;
        realtime.push_to_members(followers.iter().copied(), &push);
        match followers.last() {
            Some(last) if followers.len() as i64 == FOLLOWERS => after = *last,
            _ => return Ok(()),
        }
    }
}

/// The worker that pushes new posts.
pub fn push_worker(app: &AppState) -> Plan {
    follow(app, PushPosts)
}
