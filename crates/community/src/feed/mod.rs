//! The feed: the newest posts of those the reader follows, and their own.
//!
//! It is read, never stored: following or unfollowing somebody shows at once,
//! and a post costs nothing per follower. How a page stays cheap is told at
//! `posts::store::feed`. `?order=ranked` puts the same posts in another order and
//! says why (`ranked.rs`, `ranking::feed`).

mod cursor;
mod http;
mod ranked;
mod reach;
#[cfg(test)]
mod tests;

pub use http::routes;
