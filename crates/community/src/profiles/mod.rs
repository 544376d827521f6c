//! Members as others see them.
//!
//! A profile never shows the e-mail address, and counts what follows count.
//! Accounts own the member's row; this slice reads it.

mod belongings;
mod http;
pub(crate) mod store;
#[cfg(test)]
mod tests;

pub use belongings::belongings;
pub use http::routes;

use accounts::MemberId;
use base::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The few words by which a member is shown beside what they wrote.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Author {
    pub id: MemberId,
    pub username: String,
    pub display_name: String,
}

/// A member as another member sees them.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "Member")]
pub struct Profile {
    pub id: MemberId,
    pub username: String,
    pub display_name: String,
    pub created_at: Timestamp,
    pub follower_count: i64,
    pub following_count: i64,
    /// Whether the caller follows them.
    pub followed_by_me: bool,
}
