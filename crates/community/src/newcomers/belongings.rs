//! What of this slice's tables belongs to a member: see [`platform::belongings`].

use platform::{belongings::Table, leaves, told};

pub fn belongings() -> Vec<Table> {
    vec![Table::new(
        "limited_member",
        told!("limited_member" of "member_id": until Time),
        leaves!("limited_member" of "member_id"),
    )]
}
