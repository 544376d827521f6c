//! What of this slice's tables belongs to a member: see [`platform::belongings`].

use super::{ops, store};
use accounts::MemberId;
use platform::{
    belongings::{Leaves, Table},
    told,
};

pub fn belongings() -> Vec<Table> {
    vec![
        Table::new(
            "place_rating",
            told!("place_rating" of "member_id": place_id Id, stars Whole, body Text, created_at Time, edited_at Time),
            // With the counts of the places.
            Leaves::By(|_, tx, member| {
                Box::pin(async move { store::forget_ratings(&tx, MemberId(member)).await })
            }),
        ),
        Table::new(
            "place",
            told!("place" of "created_by": id Id, name Text, kind Text, description Text, address Text, city Text,
                country Text, latitude Real, longitude Real, website Text, created_at Time, edited_at Time,
                withheld_at Time;
                without "slug": "the name and the city again", "rating_sum": "what others think of it",
                "rating_count": "what others think of it", "score": "what others think of it",
                "version": "how often it was changed"),
            // After the member's own ratings: one that others have rated stays, without their words.
            Leaves::By(|app, tx, member| {
                Box::pin(async move { ops::forget_member(&app, &tx, MemberId(member)).await })
            }),
        ),
    ]
}
