//! What of this slice's tables belongs to a member: see [`platform::belongings`].

use platform::{belongings::Table, leaves, told};

pub fn belongings() -> Vec<Table> {
    vec![Table::new(
        "report",
        told!("report" of "reporter_id": id Id, subject_kind Text, subject_id Id, reason Text, note Text, status Text,
            created_at Time; without "accused_id": "somebody else"),
        // Those about the member are about what is gone.
        leaves!("report" of "reporter_id" or "accused_id"),
    )]
}
