//! Posts: what members publish, and who may read it.
//!
//! Every statement that gives a post to a reader asks [`visible!`], the one place
//! where visibility and blocks are decided. What is hidden looks like an id that
//! nobody knows. Only its author changes or deletes a post; what it said before
//! stays readable as an edit, until it is opened to more members than could read
//! that. A post's id carries its time, so an author's
//! history is the order of ids. The counts on the row are those of the rows
//! behind them, changed in the same transaction. Its media go with it.
//!
//! Neighbours: `companions` (who was there), `comments`, `reactions`, `saved`,
//! `trending` and the feed read posts; they do not write them.

mod belongings;
mod http;
mod model;
mod ops;
pub(crate) mod policy;
mod showing;
mod signals;
pub(crate) mod store;
#[cfg(test)]
mod tests;
pub(crate) mod words;

pub use belongings::belongings;
pub use http::routes;
pub use model::{Edit, Emotion, Place, Post, PostId, PostKind, SharedPost, Visibility};
pub use showing::with_media;
pub use signals::{PostCreated, PostEdited, PostNew, push_worker, sockets};
