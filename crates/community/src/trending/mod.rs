//! Trending: what members talk about now, in public.
//!
//! Hashtags of the last week by how many members used them, and posts of the last
//! three days by `ranking::trend`. Each node counts once a minute and remembers
//! what it found; what the reader may not see, or does not want to hear, is left
//! out when it is shown. Only public posts count.

mod http;
mod store;
#[cfg(test)]
mod tests;

pub use http::routes;

use schemars::JsonSchema;
use serde::Serialize;

/// A hashtag and how many members used it this week.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct TrendingHashtag {
    /// Folded, without its sign.
    pub hashtag: String,
    pub member_count: i64,
}
