//! What of this slice's tables belongs to a member: see [`platform::belongings`].

use super::store;
use accounts::MemberId;
use platform::{
    belongings::{Leaves, Table},
    told,
};

pub fn belongings() -> Vec<Table> {
    vec![Table::new(
        "comment",
        told!("comment" of "author_id": id Id, post_id Id, parent_id Id, body Text, mentions Text, version Whole,
            like_count Whole, reply_count Whole, media_count Whole, created_at Time, edited_at Time, deleted_at Time, withheld_at Time),
        // One that is answered loses its words and keeps its place until the answers are gone.
        Leaves::By(|app, tx, member| {
            let now = app.clock.now();
            Box::pin(async move { store::forget(&tx, MemberId(member), now).await })
        }),
    )]
}
