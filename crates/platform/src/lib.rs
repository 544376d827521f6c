#![doc = include_str!("../README.md")]

pub mod app;
pub mod config;
pub mod http;
pub mod limits;
pub mod signals;
pub mod texts;
pub mod watch;

pub use app::{App, AppState};
pub use config::Config;
pub use watch::Watch;
