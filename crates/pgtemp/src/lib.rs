#![doc = include_str!("../README.md")]

mod cluster;
mod shared;

pub use cluster::Cluster;
pub use shared::shared;
