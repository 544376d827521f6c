#![doc = include_str!("../README.md")]

pub mod app;
pub mod belongings;
pub mod blobs;
mod clean_up;
pub mod cluster;
pub mod communities;
pub mod config;
pub mod http;
pub mod leases;
pub mod limits;
pub mod mailer;
pub mod network;
pub mod outbound;
pub mod signals;
pub mod tasks;
pub mod texts;
mod turns;
pub mod watch;

pub use app::{App, AppState, RELEASE};
pub use clean_up::workers;
pub use config::Config;
pub use turns::Turns;
pub use watch::Watch;
