//! Mutes: members whom somebody does not want to hear.
//!
//! One-sided and known to nobody else. The muted one's posts leave the feed and
//! are not pushed; whoever asks for them by name still finds them. What comes
//! unasked (a feed, a push, a notification) leaves out
//!
//! ```sql
//! AND p.author_id NOT IN (SELECT muted_id FROM mute WHERE community_id = @community AND member_id = $1)
//! ```
//!
//! where `$1` would receive it.

mod belongings;
mod http;
mod ops;
mod store;
#[cfg(test)]
mod tests;

pub use belongings::belongings;
pub use http::{Mute, routes};
pub use store::is_muted;
