//! What of this slice's tables belongs to a member: see [`platform::belongings`].

use super::ops;
use accounts::MemberId;
use platform::{
    belongings::{Leaves, Table},
    leaves, told,
};

pub fn belongings() -> Vec<Table> {
    vec![
        Table::new(
            "message",
            told!("message" of "sender_id": id Id, room_id Id, seq Whole, body Text, reply_to_id Id, forwarded Flag, media_count Whole,
                client_id Text, created_at Time, edited_at Time, deleted_at Time, withheld Text;
                without "folded": "the body again, for search"),
            // The words go; the place stays, so that nobody's room has a hole.
            Leaves::By(|app, tx, member| {
                Box::pin(async move { ops::forget_member(&app, &tx, MemberId(member)).await })
            }),
        ),
        Table::new(
            "message_reaction",
            told!("message_reaction" of "member_id": message_id Id, kind Text, created_at Time),
            leaves!("message_reaction" of "member_id"),
        ),
    ]
}
