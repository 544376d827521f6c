//! What of this slice's tables belongs to a member: see [`platform::belongings`].

use platform::{
    belongings::{Leaves, Table, Told},
    leaves, told,
};

pub fn belongings() -> Vec<Table> {
    vec![
        Table::new(
            "webhook",
            told!("webhook" of "owner_id": id Id, url Text, events Text, enabled Flag, disabled_reason Text,
                secret_rotated_at Time, failing_since Time, created_at Time;
                without "secret_generation": "what its secret is derived from"),
            leaves!("webhook" of "owner_id"),
        ),
        Table::new(
            "webhook_delivery",
            Told::Nothing("which messages were sent, of things that are exported; kept for 30 days"),
            Leaves::With("webhook"),
        ),
    ]
}
