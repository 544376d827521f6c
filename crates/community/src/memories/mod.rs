//! Memories: what one's own posts add up to.
//!
//! A memory is a post; this slice only counts, and only for its author.

mod http;
mod model;
mod store;
#[cfg(test)]
mod tests;

pub use http::routes;
