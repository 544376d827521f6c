//! What of this slice's tables belongs to a member: see [`platform::belongings`].

use platform::{
    belongings::{Leaves, Table, Told},
    leaves, told,
};

pub fn belongings() -> Vec<Table> {
    vec![
        Table::new(
            "notice",
            Told::Nothing("what staff tell everybody"),
            Leaves::Rows("UPDATE notice /* every community */ SET created_by = NULL WHERE created_by = $1"),
        ),
        Table::new(
            "notice_dismissal",
            told!("notice_dismissal" of "member_id": notice_id Id, created_at Time),
            leaves!("notice_dismissal" of "member_id"),
        ),
    ]
}
