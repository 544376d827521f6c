//! What of this slice's tables belongs to a member: see [`platform::belongings`].

use super::ops;
use accounts::MemberId;
use platform::{
    belongings::{Leaves, Table, Told},
    told,
};

pub fn belongings() -> Vec<Table> {
    vec![
        Table::new(
            "room",
            Told::Nothing("a room is of all who are in it; which ones stands in room_member"),
            Leaves::Stays("what the others said there is theirs; a room that is left empty goes"),
        ),
        Table::new(
            "room_member",
            told!("room_member" of "member_id": room_id Id, role Text, status Text, read_seq Whole, muted Flag,
                silenced Flag, created_at Time),
            Leaves::By(|app, tx, member| {
                Box::pin(async move { ops::forget_member(&app, &tx, MemberId(member)).await })
            }),
        ),
    ]
}
