//! Search: people, posts, groups, events and places in one box.
//!
//! Every thing that can be found has a row in `search_document` and its words in a
//! full-text index (FTS5, or a `tsvector` under GIN). Words are folded and cut here,
//! so both databases find the same. A word that finds little is asked again with
//! the known words closest to it. What is found is judged by ALGO-4
//! ([`relevance`]), and each hit says why it stands there.
//!
//! The index follows by signals, a moment after the commit that changed something,
//! and by ids for what comes without a signal, within seconds ([`index`]).
//!
//! Never true: a hit that its reader may not see, not even one hidden after it was
//! found: visibility, blocks and groups are conditions of the statement itself. A
//! search term kept that a single member typed ([`trends`]).

mod belongings;
mod http;
mod index;
pub mod relevance;
mod store;
mod trends;
mod words;

#[cfg(test)]
mod tests;

pub use belongings::belongings;
pub use http::routes;
pub use index::index_all;

use base::{choice, ids};
use db::stored;
use platform::AppState;
use supervisor::Plan;

choice! {
    /// What can be found.
    #[schemars(rename = "SearchKind")]
    pub enum Found {
        Member = "member",
        Post = "post",
        Event = "event",
        Group = "group",
        Place = "place",
    }
}
stored!(words: Found);

ids! {
    /// Names what was found: a member, a post, an event, a group or a place.
    FoundId;
}

pub fn workers(app: &AppState) -> Vec<Plan> {
    vec![
        index::signals_worker(app),
        index::catch_up_worker(app),
        trends::worker(app),
    ]
}
