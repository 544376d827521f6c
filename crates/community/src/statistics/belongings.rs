//! What of this slice's tables belongs to a member: see [`platform::belongings`].

use platform::belongings::Table;

pub fn belongings() -> Vec<Table> {
    vec![Table::of_nobody("daily_figure", "counts of a day")]
}
