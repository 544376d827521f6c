//! Comments: what members say under a post, in threads.
//!
//! Who may read a post may read and write its comments; a comment of somebody
//! with whom the reader has nothing to do is left out, and with it what was
//! answered to it. Its author changes it; its author and the post's author delete
//! it. A comment that was answered leaves its place without its words, until the
//! last answer is gone as well. What staff took from sight its author alone sees, and
//! nobody its answers. `post.comment_count` counts comments with words that are not
//! withheld, `comment.reply_count` the rows that answer it.

mod belongings;
mod http;
mod model;
pub(crate) mod ops;
mod policy;
mod signals;
pub(crate) mod store;
#[cfg(test)]
mod tests;

pub use belongings::belongings;
pub use http::routes;
pub use model::{Comment, CommentId};
pub use signals::CommentCreated;
