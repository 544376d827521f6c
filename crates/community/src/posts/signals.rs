//! What a new post tells others, and the push to those who follow its author.

use super::{Post, PostId};
use crate::{follows, profiles::Author};
use accounts::MemberId;
use base::{Result, Timestamp};
use platform::{
    AppState,
    signals::{Announced, Consumer, Dispatch, Signal},
};
use realtime::{Push, Realtime, Sockets};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{sync::Arc, time::Duration};
use supervisor::{Plan, Spec, Wake};
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
}

impl Signal for PostCreated {
    const KIND: &'static str = "post_created";
}

impl From<&Post> for PostCreated {
    fn from(post: &Post) -> PostCreated {
        PostCreated {
            id: post.id,
            author: post.author.clone(),
            body: post.body.clone(),
            created_at: post.created_at,
        }
    }
}

/// `post:new`, to the author's followers who are online. Ephemeral: after a
/// reconnect the feed is the truth.
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

    async fn consume(&self, app: &AppState, signals: Vec<Announced>) -> Result<()> {
        for created in signals.iter().filter_map(Announced::read::<PostCreated>) {
            if app.clock.now().since(created.created_at) < FRESH {
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
    let mut after = MemberId(Uuid::nil());
    loop {
        if !realtime.anybody_online() {
            return Ok(());
        }
        let followers = follows::store::followers_after(&app.db, created.author.id, after, FOLLOWERS).await?;
        realtime.push_to_members(followers.iter().copied(), &push);
        match followers.last() {
            Some(last) if followers.len() as i64 == FOLLOWERS => after = *last,
            _ => return Ok(()),
        }
    }
}

/// The worker that pushes new posts, woken by each commit that announced something.
pub fn push_worker(app: &AppState) -> Plan {
    let (wake, own) = (Wake::new(), app.clone());
    app.signals.wake_on_commit(&wake);
    Spec::new("posts.push")
        .group("platform")
        .every(Duration::from_secs(2))
        .wakes_on(&wake)
        .timeout(Duration::from_secs(30))
        .exempt()
        .worker(move || Dispatch::new(own.clone(), Arc::new(PushPosts)))
}
