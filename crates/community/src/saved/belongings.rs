//! What of this slice's tables belongs to a member: see [`platform::belongings`].

use platform::{belongings::Table, leaves, told};

pub fn belongings() -> Vec<Table> {
    vec![Table::new(
        "saved_post",
        told!("saved_post" of "member_id": post_id Id, created_at Time),
        leaves!("saved_post" of "member_id"),
    )]
}
