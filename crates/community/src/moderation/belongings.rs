//! What of this slice's tables belongs to a member: see [`platform::belongings`].

use platform::{
    belongings::{Table, Told},
    leaves_by, told,
};

pub fn belongings() -> Vec<Table> {
    vec![
        Table::new(
            "moderation_decision",
            told!("moderation_decision" of "accused_id": id Id, subject_kind Text, subject_id Id, action Text,
                reason Text, withholds Flag, note Text, ends_at Time, status Text, created_at Time, appeal Text,
                appealed_at Time, outcome Text, review_note Text, reviewed_at Time;
                without "case_id": "groups decisions for staff", "decided_by": "somebody else",
                "reviewed_by": "somebody else"),
            leaves_by!(
                "DELETE FROM moderation_decision /* every community */ WHERE accused_id = $1",
                "UPDATE moderation_decision /* every community */ SET decided_by = NULL WHERE decided_by = $1",
                "UPDATE moderation_decision /* every community */ SET reviewed_by = NULL WHERE reviewed_by = $1",
            ),
        ),
        Table::new(
            "moderation_case",
            Told::Nothing("what staff look at; what they decided stands in the decisions"),
            leaves_by!(
                "DELETE FROM moderation_case /* every community */ WHERE accused_id = $1",
                "UPDATE moderation_case /* every community */ SET claimed_by = NULL WHERE claimed_by = $1",
            ),
        ),
    ]
}
