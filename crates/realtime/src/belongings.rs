//! What of this crate's tables belongs to a member: see [`platform::belongings`].

use crate::{Stream, streams};
use accounts::MemberId;
use platform::{
    belongings::{Leaves, Table, Told},
    leaves, told,
};

pub fn belongings() -> Vec<Table> {
    let pushes = "which rows were pushed, of things that are exported; never any text";
    vec![
        Table::new(
            "stream_entry",
            Told::Nothing(pushes),
            Leaves::InTime("after 14 days, or 10,000 more"),
        ),
        Table::new(
            "stream_head",
            Told::Nothing(pushes),
            // The member's own stream, entries and all.
            Leaves::By(|_, tx, member| {
                Box::pin(async move {
                    streams::remove(&tx, Stream::user(MemberId(member)))
                        .await
                        .map(|()| 0)
                })
            }),
        ),
        Table::new(
            "member_presence",
            told!("member_presence" of "member_id": visibility Text, last_seen_at Time),
            leaves!("member_presence" of "member_id"),
        ),
    ]
}
