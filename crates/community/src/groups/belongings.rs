//! What of this slice's tables belongs to a member: see [`platform::belongings`].

use super::{ops, store};
use accounts::MemberId;
use platform::{
    belongings::{Leaves, Table, Told},
    told,
};

pub fn belongings() -> Vec<Table> {
    vec![
        Table::new(
            "group_member",
            told!("group_member" of "member_id": group_id Id, role Text, status Text, created_at Time;
                without "invited_by": "somebody else"),
            // The next in line looks after a group that the member looked after.
            Leaves::By(|app, tx, member| {
                Box::pin(async move {
                    ops::forget_member(&app, &tx, MemberId(member)).await?;
                    store::forget(&tx, MemberId(member)).await.map(|()| 0)
                })
            }),
        ),
        Table::new(
            "community_group",
            told!("community_group" of "created_by": id Id, slug Text, name Text, kind Text, tango_role Text,
                visibility Text, description Text, city Text, country Text, latitude Real, longitude Real,
                member_count Whole, version Whole, created_at Time, edited_at Time),
            Leaves::Stays("a group is of all who are in it; who made it is forgotten, one left empty goes"),
        ),
        Table::new(
            "group_pin",
            Told::Nothing("what stands on top of a group is the group's"),
            Leaves::Stays("it is the group's; who pinned it is forgotten"),
        ),
        Table::new(
            "automation_audit",
            told!("automation_audit" of "member_id": id Id, topic Text, source Text, input Text, result Text,
                group_id Id, created_at Time),
            Leaves::Rows(
                "UPDATE automation_audit /* every community */ SET member_id = NULL WHERE member_id = $1",
            ),
        ),
    ]
}
