//! What of this slice's tables belongs to a member: see [`platform::belongings`].

use platform::{belongings::Table, leaves, told};

pub fn belongings() -> Vec<Table> {
    vec![Table::new(
        "block",
        // A block is two rows; the other side's would tell who has blocked the member.
        told!(by "SELECT /* every community */ other_id, created_at FROM block WHERE member_id = $1 AND by_member
                  ORDER BY 1 LIMIT $2 OFFSET $3", ["member_id"]: other_id Id, created_at Time;
            without "by_member": "true in every row that is told"),
        leaves!("block" of "member_id" or "other_id"),
    )]
}
