//! Protected files, as staff see them from afar.
//!
//! The watcher is a process of its own and the guard's ledger is the truth: this
//! slice reads both, and keeps nothing but how far it has told the news. It never
//! restores and never changes the manifest: that is done on the machine, by
//! `mundo guard`.
//!
//! Never true: a push about something that is not in the ledger yet; a push to
//! somebody whose roles do not permit it at that moment; a request that waits for
//! the guard on a thread of the server's.
//!
//! Neighbours: the `guard` crate; `observe`, which shows the figures and keeps the errors.

mod desk;
mod http;
mod model;
mod news;
#[cfg(test)]
mod tests;

pub use desk::{confined, figures};
pub use http::routes;
pub use news::{GuardIncident, GuardRestored, GuardTrouble, sockets, workers};
