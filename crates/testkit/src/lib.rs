#![doc = include_str!("../README.md")]

mod app;
mod area;
mod catalogue;
mod http;
mod socket;
mod user;
mod waiting;

pub use app::{Assembly, TestApp, config, each_db, postgres_url};
pub use area::{area, area_with_tasks};
pub use http::http;
pub use socket::{Heard, SocketClient};
pub use user::{Answer, TestUser};
pub use waiting::eventually;
