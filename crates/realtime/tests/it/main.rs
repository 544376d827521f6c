//! Streams and rooms, as members meet them: on halls that belong to these tests.

mod cycles;
mod hall;
mod limits;
mod nodes;
mod presence;
mod queue;
mod rooms;
mod slow;
