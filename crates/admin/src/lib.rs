#![doc = include_str!("../README.md")]

pub mod guard;

use platform::{AppState, http::Routes};
use realtime::Sockets;
use supervisor::Plan;

/// The routes under `/api/v1`.
pub fn routes() -> Routes {
    guard::routes()
}

/// What goes through sockets.
pub fn sockets() -> Sockets {
    guard::sockets()
}

/// What runs beside the requests.
pub fn workers(app: &AppState) -> Vec<Plan> {
    guard::workers(app)
}
