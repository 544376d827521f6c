//! Data for an empty database: a community to look at, and the volumes of the
//! benchmark and of the load test. A database with members is left alone, and so is one that a
//! public address points at.

mod bench;
mod chats;
mod demo;

pub use bench::{BENCH, LOAD, bench};
pub use demo::{Demo, demo};

use anyhow::{Result, bail};
use db::Executor;
use platform::AppState;

/// Whether the seed may go in: false when there are members.
async fn is_empty(app: &AppState) -> Result<bool> {
    let url = &app.config.server.public_url;
    if !url.is_empty() && !url.contains("localhost") && !url.contains("127.0.0.1") {
        bail!("seeds have no place on a server with the public address {url}");
    }
    let count: Option<i64> = app
        .db
        .one("SELECT count(*) FROM member", vec![], |row| row.get(0))
        .await?;
    Ok(count == Some(0))
}
