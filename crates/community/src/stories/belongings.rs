//! What of this slice's tables belongs to a member: see [`platform::belongings`].

use super::store;
use accounts::MemberId;
use platform::{
    belongings::{Leaves, Table},
    leaves, told,
};

pub fn belongings() -> Vec<Table> {
    vec![
        Table::new(
            "story_view",
            told!("story_view" of "member_id": story_id Id, created_at Time),
            // With the counts of the stories.
            Leaves::By(|_, tx, member| {
                Box::pin(async move { store::forget_views(&tx, MemberId(member)).await.map(|()| 0) })
            }),
        ),
        Table::new(
            "story",
            told!("story" of "author_id": id Id, media_id Id, caption Text, visibility Text, view_count Whole,
                created_at Time, expires_at Time, withheld_at Time),
            leaves!("story" of "author_id"),
        ),
    ]
}
