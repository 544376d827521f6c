//! Posts: what members publish.
//!
//! Every member may read every post; only its author changes or deletes it. A
//! post's id carries its time, so an author's history is the order of ids. The
//! counts on the row are those of the rows behind them, changed in the same
//! transaction. Reactions and the feed read posts; they do not write them.

mod http;
mod model;
mod ops;
mod policy;
mod signals;
pub(crate) mod store;
#[cfg(test)]
mod tests;

pub use http::routes;
pub use model::{Post, PostId};
pub use signals::{PostCreated, PostNew, push_worker, sockets};
