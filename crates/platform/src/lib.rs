#![doc = include_str!("../README.md")]

pub mod app;
pub mod config;
pub mod http;
pub mod leases;
pub mod limits;
pub mod mailer;
pub mod signals;
pub mod tasks;
pub mod texts;
pub mod watch;

pub use app::{App, AppState};
pub use config::Config;
pub use watch::Watch;
