//! All routes, put together.

use crate::{docs, web};
use axum::Router;
use platform::{
    AppState,
    http::{Operation, Routes, Schemas, edge},
};
use realtime::Sockets;

/// The routes of the API with their table: what the documents and the sweeps read.
pub fn api() -> Routes {
    Routes::default()
        .merge(accounts::routes())
        .merge(realtime::routes())
        .merge(community::routes())
        .merge(observe::routes())
        .merge(admin::routes())
}

/// What members say and hear over sockets.
pub fn sockets() -> Sockets {
    realtime::sockets()
        .merge(community::sockets())
        .merge(admin::sockets())
}

/// The table of routes and the schemas it names.
pub fn table() -> (Vec<Operation>, Schemas) {
    let (_, operations, schemas) = api().into_parts();
    (operations, schemas)
}

/// Everything the port answers.
pub fn router(app: &AppState) -> Router<AppState> {
    let (routes, operations, schemas) = api().into_parts();
    let socket_io = realtime::router(app, sockets());
    let events = realtime::asyncapi(realtime::Realtime::of(app).events());
    let all = Router::new()
        .merge(routes)
        .merge(socket_io)
        .merge(docs::router(&operations, &schemas, events))
        .merge(observe::probes())
        .merge(accounts::well_known())
        .merge(platform::mailer::dev_routes())
        .merge(web::router());
    edge::around(all, app)
}
