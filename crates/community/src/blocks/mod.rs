//! Blocks: two members who have nothing to do with each other.
//!
//! One of them blocked; from then on each looks to the other like an unknown
//! id, in every list, search, count of a list, push and room. Nobody is told.
//! A block ends friendship and follows and takes each off the other's posts, in its own transaction. There is never more
//! than one block between two: whoever is blocked cannot find whom to block.
//!
//! The table holds a row for each side, so a list leaves out the others with
//!
//! ```sql
//! AND NOT EXISTS (SELECT 1 FROM block b WHERE b.community_id = @community
//!                 AND b.member_id = $1 AND b.other_id = p.author_id)
//! ```
//!
//! where `$1` reads and `p.author_id` is whom the row is about. A rule asks
//! [`between`]; real time, which must not ask the database with each push, asks
//! [`apart_from`].

mod apart;
mod belongings;
mod http;
mod ops;
mod signals;
mod socket;
mod store;
#[cfg(test)]
mod tests;

pub use apart::{Others, apart_from};
pub use belongings::belongings;
pub use http::{Block, routes};
pub use signals::MemberBlocked;
pub use socket::sockets;
pub use store::between;
