#![doc = include_str!("../README.md")]

mod app;
mod user;

pub use app::{Assembly, TestApp, config, each_db, postgres_url};
pub use user::{Answer, TestUser};
