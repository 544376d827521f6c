//! Access tokens of members: what a script or an automation shows instead of a log-in.
//!
//! A token is shown once, when it is made, and kept as a hash. It has scopes: a
//! route says which one it wants ([`platform::http::Routes::for_tokens`]), and a
//! route that says nothing takes no token. It ends by itself within a year.
//!
//! Never true: a token that makes a token, changes an account or acts with a role
//! of staff; one that works on a socket; one that outlives its member's account
//! or "that was not me".

pub mod http;
mod ops;
mod store;

pub(crate) use ops::authenticate;
pub(crate) use store::delete_all;

use base::{Timestamp, choice, ids};
use db::stored;
use schemars::JsonSchema;
use serde::Serialize;

/// How a token begins: people and secret scanners know it by that.
pub const PREFIX: &str = "mt_";

ids! {
    /// Names an access token.
    AccessTokenId;
}
stored!(ids: AccessTokenId);

choice! {
    /// What a token may do: read or write one part of the API.
    #[schemars(rename = "TokenScope")]
    pub enum Scope {
        EventsRead = "events:read",
        EventsWrite = "events:write",
        FeedRead = "feed:read",
        FollowsRead = "follows:read",
        FollowsWrite = "follows:write",
        GroupsRead = "groups:read",
        GroupsWrite = "groups:write",
        MediaRead = "media:read",
        MediaWrite = "media:write",
        MembersRead = "members:read",
        MessagesRead = "messages:read",
        MessagesWrite = "messages:write",
        NotificationsRead = "notifications:read",
        NotificationsWrite = "notifications:write",
        PlacesRead = "places:read",
        PlacesWrite = "places:write",
        PostsRead = "posts:read",
        PostsWrite = "posts:write",
        SearchRead = "search:read",
        WebhooksRead = "webhooks:read",
        WebhooksWrite = "webhooks:write",
    }
}

/// A token as its member sees it, without its secret.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct AccessToken {
    pub id: AccessTokenId,
    /// The member's own name for it.
    pub name: String,
    pub scopes: Vec<Scope>,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    /// To the hour; null until it is used.
    pub last_used_at: Option<Timestamp>,
}
