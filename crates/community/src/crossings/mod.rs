//! Crossings: posts of one community that members of another may read as well.
//!
//! Who wrote a public post, or looks after its community, asks another community to
//! which they belong; its staff approve, and from then on its members read the post
//! where shared ones stand, as it is by now and without being able to do more. A member
//! chooses a *view*: the posts of the community they are in, those that came from
//! others, or those of all communities to which they belong.
//!
//! Every statement that reads beyond one community is in this slice's `store`, and
//! begins from what the reader belongs to.
//!
//! Never true: a post seen elsewhere that is not public, was taken from sight or was
//! withdrawn; a crossing approved by the community it comes from.

mod belongings;
mod http;
mod ops;
mod store;
#[cfg(test)]
mod tests;

pub use belongings::belongings;
pub use http::routes;

use crate::{posts::PostId, profiles::Author};
use base::{Timestamp, choice, ids};
use db::{CommunityId, stored};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

ids! {
    /// Names a crossing.
    CrossingId;
}
stored!(ids: CrossingId);

choice! {
    /// How far it has come.
    pub enum CrossingStatus {
        Pending = "pending",
        Approved = "approved",
        Rejected = "rejected",
    }
}

choice! {
    /// Whose posts.
    #[schemars(rename = "CommunityView")]
    pub enum View {
        /// Those of the community one is in.
        Own = "own",
        /// Those that came to it from others.
        Shared = "shared",
        /// Those of all communities to which one belongs.
        All = "all",
    }
}
stored!(words: CrossingStatus, View);

/// A post with the community it was written in.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "CommunityPost")]
pub struct Seen {
    pub id: PostId,
    pub author: Author,
    pub body: String,
    pub html: Option<String>,
    pub created_at: Timestamp,
    pub community: Origin,
}

/// The community that something comes from.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "CommunityOrigin")]
pub struct Origin {
    pub slug: String,
    pub name: String,
}

/// A post that asks to be read in a community, or asked.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Crossing {
    pub id: CrossingId,
    pub post_id: PostId,
    /// Where it was written.
    pub source: Origin,
    /// Where it asks to be read.
    pub target: Origin,
    pub status: CrossingStatus,
    pub created_at: Timestamp,
    pub decided_at: Option<Timestamp>,
    #[serde(skip, default = "nowhere")]
    pub(crate) numbers: (CommunityId, CommunityId),
}

fn nowhere() -> (CommunityId, CommunityId) {
    (CommunityId::DEFAULT, CommunityId::DEFAULT)
}
