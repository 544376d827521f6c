//! Settings: how a member wants the app to be, the same on all their devices, and from
//! whom they want to hear.
//!
//! What nobody has said is the default, and is not stored. Notifications have their
//! own preferences (`notifications`), profiles their own audiences (`profiles`). What
//! limits others is asked where they act: `rooms` and `friends` read it here.

mod http;
mod model;
pub(crate) mod store;
#[cfg(test)]
mod tests;

pub use http::routes;
pub use model::{Audience, Settings};
