//! What of this slice's tables belongs to a member: see [`platform::belongings`].

use super::store;
use accounts::MemberId;
use platform::{
    belongings::{Leaves, Table},
    told,
};

pub fn belongings() -> Vec<Table> {
    vec![
        Table::new(
            "reaction",
            told!("reaction" of "member_id": post_id Id, kind Text, created_at Time),
            // With the counts of the posts.
            Leaves::By(|_, tx, member| Box::pin(async move { store::forget(&tx, MemberId(member)).await })),
        ),
        Table::new(
            "comment_reaction",
            told!("comment_reaction" of "member_id": comment_id Id, kind Text, created_at Time),
            // With the counts of the comments.
            Leaves::By(|_, tx, member| {
                Box::pin(async move { store::forget_comments(&tx, MemberId(member)).await.map(|()| 0) })
            }),
        ),
    ]
}
