//! What of this slice's tables belongs to a member: see [`platform::belongings`].

use super::store;
use accounts::MemberId;
use platform::{
    belongings::{Leaves, Table},
    told,
};

pub fn belongings() -> Vec<Table> {
    vec![Table::new(
        "follow",
        told!("follow" of "follower_id": followee_id Id, created_at Time, is_friend Flag),
        // With the counts of the others.
        Leaves::By(|_, tx, member| Box::pin(async move { store::forget(&tx, MemberId(member)).await })),
    )]
}
