//! Friends: two members who both said so.
//!
//! One asks ("did we dance?"), the other accepts, declines or puts it off. Who asks
//! is never told of a refusal: to them the request waits. When both ask, they are
//! friends. Friends follow each other from then on; each may stop following and
//! stays a friend. A friendship is two rows, and both `friend_count`s change with
//! them; a block ends it with its requests. Whatever is decided about two members
//! locks both of them first, so counts and rows cannot drift apart. Who somebody's
//! friends are is for them and their friends to see.
//!
//! Neighbours: `follows` notes on its rows who is a friend, so that a feed needs one
//! look; `ranking` says how close two friends are and whom a member may know.

mod http;
mod model;
pub(crate) mod ops;
mod policy;
mod signals;
pub(crate) mod store;
mod suggestions;
#[cfg(test)]
mod tests;

pub use http::routes;
pub use model::{Direction, FriendRequest, FriendRequestId, Friendship, RequestStatus};
pub use signals::{FriendAccepted, FriendRequested};
pub use suggestions::Suggestion;
