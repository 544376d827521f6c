//! What of this slice's tables belongs to a member: see [`platform::belongings`].

use super::store;
use accounts::MemberId;
use platform::{
    belongings::{Leaves, Table, Told},
    leaves, told,
};

pub fn belongings() -> Vec<Table> {
    vec![
        Table::new(
            "notification_cause",
            Told::Nothing("who set off a notification; what they did stands where they did it"),
            // In others' notifications as well.
            Leaves::By(|_, tx, member| {
                Box::pin(async move { store::forget(&tx, MemberId(member)).await.map(|()| 0) })
            }),
        ),
        Table::new(
            "notification",
            told!("notification" of "member_id": id Id, kind Text, subject_kind Text, subject_id Id, created_at Time,
                updated_at Time, read_at Time, listed Flag;
                without "bundle": "the kind and the subject again", "relation": "a figure for the order of the list",
                "engagement": "a figure for the order of the list"),
            leaves!("notification" of "member_id"),
        ),
        Table::new(
            "notification_preference",
            told!("notification_preference" of "member_id": kind Text, channel Text, wanted Flag),
            leaves!("notification_preference" of "member_id"),
        ),
        Table::new(
            "notification_schedule",
            told!("notification_schedule" of "member_id": time_zone Text, quiet_from Whole, quiet_to Whole,
                digest Text, digest_at Whole),
            leaves!("notification_schedule" of "member_id"),
        ),
        Table::new(
            "notification_digest",
            told!("notification_digest" of "member_id": told_until Time, due_at Time),
            leaves!("notification_digest" of "member_id"),
        ),
    ]
}
