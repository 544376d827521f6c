//! Moderation: what staff look at, what they decide about it, and how a member answers.
//!
//! A *case* gathers what was said against one thing: a post, a comment, a story, a
//! message, a place, a member. It is
//! opened by the first report, or by a machine that finds a text suspicious (ALGO-5,
//! `ranking::moderation`); a machine opens cases and does nothing else. Of messages it weighs
//! those to strangers alone. A moderator
//! takes a case for a while, so that two do not work on it, and decides: nothing, out
//! of sight, a warning, limits, a suspension. The decision, all it does, its entry in
//! the audit log and what the member is told are one transaction. The member may
//! appeal once; somebody else looks at it, and a reversal undoes all of it.
//!
//! In a community other than the first its own admins and moderators do the same with what is
//! said there: they take from sight and warn, touch no account and read no private message.
//!
//! Never true: something deleted or hidden by a machine; a decision without a reason;
//! a moderator named to whom they decided about; an appeal decided by who decided
//! first; a second open case about the same thing.
//!
//! Neighbours: `reports` are what members said; `posts` and `comments` know what
//! *withheld* means to a reader; `newcomers` limits; `accounts::staff` suspends.

mod belongings;
mod facts;
mod http;
mod model;
mod ops;
mod policy;
mod signals;
mod store;
mod telling;
#[cfg(test)]
mod tests;
mod watching;

pub use belongings::belongings;
pub use http::routes;
pub use model::{Action, CaseId, DecisionId};
pub use signals::Decided;
pub use watching::workers;
