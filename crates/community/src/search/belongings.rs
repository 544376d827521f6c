//! What of this slice's tables belongs to a member: see [`platform::belongings`].

use platform::{
    belongings::{Leaves, Table, Told},
    leaves,
};

/// The words of documents stand in tables of each database's own kind; they leave with the documents.
pub fn belongings() -> Vec<Table> {
    let words = Told::Nothing("words without the place where they stand");
    let forgotten = Leaves::InTime("a worker forgets words that no document holds any more");
    vec![
        Table::new(
            "search_document",
            Told::Nothing("what stands in posts, groups and profiles, made ready to be found"),
            // That of the member; those of posts and groups leave with these.
            leaves!("search_document" of "member_id"),
        ),
        Table::new("search_word", words, forgotten),
        Table::new("search_gram", words, forgotten),
        Table::of_nobody("search_progress", "how far the index has come"),
        Table::of_nobody("search_term", "what several members looked for on a day, counted"),
    ]
}
