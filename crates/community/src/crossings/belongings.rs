//! What of this slice's tables belongs to a member: see [`platform::belongings`].

use platform::{belongings::Table, leaves, leaves_by, told};

pub fn belongings() -> Vec<Table> {
    vec![
        Table::new(
            "crossing",
            told!("crossing" of "asked_by": id Id, post_id Id, source_number Whole, status Text, created_at Time,
                decided_at Time; without "decided_by": "somebody else"),
            leaves_by!(
                "DELETE FROM crossing /* every community */ WHERE asked_by = $1",
                "UPDATE crossing /* every community */ SET decided_by = NULL WHERE decided_by = $1",
            ),
        ),
        Table::new(
            "view_preference",
            told!("view_preference" of "member_id": view Text),
            leaves!("view_preference" of "member_id"),
        ),
    ]
}
