//! What of this slice's tables belongs to a member: see [`platform::belongings`].

use super::store;
use accounts::MemberId;
use platform::{
    belongings::{Leaves, Table},
    told,
};

pub fn belongings() -> Vec<Table> {
    vec![Table::new(
        "companion",
        told!("companion" of "member_id": post_id Id, status Text, created_at Time, answered_at Time),
        // With the counts of the posts.
        Leaves::By(|_, tx, member| {
            Box::pin(async move { store::forget(&tx, MemberId(member)).await.map(|()| 0) })
        }),
    )]
}
