//! Saved posts: what a member wants to find again, for their eyes alone.
//!
//! A saved post that its reader may not read any more is left out, and is back
//! when they may.

mod belongings;
mod http;
mod store;
#[cfg(test)]
mod tests;

pub use belongings::belongings;
pub use http::routes;
