//! What of this slice's tables belongs to a member: see [`platform::belongings`].

use super::store;
use accounts::MemberId;
use platform::{
    belongings::{Leaves, Table},
    told,
};

pub fn belongings() -> Vec<Table> {
    vec![
        Table::of_nobody(
            "event",
            "a gathering that everybody may see; the row names nobody",
        ),
        Table::new(
            "rsvp",
            told!("rsvp" of "member_id": event_id Id, status Text, created_at Time),
            // With the counts of the events.
            Leaves::By(|_, tx, member| Box::pin(async move { store::forget(&tx, MemberId(member)).await })),
        ),
    ]
}
