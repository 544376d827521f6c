//! What of this slice's tables belongs to a member: see [`platform::belongings`].

use platform::{belongings::Table, leaves_by, told};

pub fn belongings() -> Vec<Table> {
    vec![
        Table::new(
            "custom_role_holder",
            told!("custom_role_holder" of "member_id": role_id Id, created_at Time),
            leaves_by!(
                "UPDATE custom_role /* every community */ SET holder_count = holder_count - 1 WHERE id IN
                     (SELECT role_id FROM custom_role_holder WHERE member_id = $1)",
                "DELETE FROM custom_role_holder /* every community */ WHERE member_id = $1",
            ),
        ),
        Table::new(
            "custom_role",
            told!("custom_role" of "proposed_by": id Id, slug Text, name Text, description Text, status Text,
                created_at Time, decided_at Time, note Text;
                without "decided_by": "somebody else", "holder_count": "how many others hold it"),
            // A role that others hold is theirs; who proposed it is forgotten.
            leaves_by!(
                "DELETE FROM custom_role /* every community */ WHERE proposed_by = $1 AND holder_count = 0",
                "UPDATE custom_role /* every community */ SET proposed_by = NULL WHERE proposed_by = $1",
                "UPDATE custom_role /* every community */ SET decided_by = NULL WHERE decided_by = $1",
            ),
        ),
    ]
}
