//! What of this slice's tables belongs to a member: see [`platform::belongings`].

use platform::{belongings::Table, leaves, told};

pub fn belongings() -> Vec<Table> {
    vec![Table::new(
        "mute",
        told!("mute" of "member_id": muted_id Id, created_at Time),
        leaves!("mute" of "member_id" or "muted_id"),
    )]
}
