//! Rooms over the bare layer, for measuring: no accounts, no database. It speaks
//! as much of the application's protocol as a load generator needs: a log-in that
//! lets everybody in, `room:join` and `message:send`.
//!
//!     cargo run --release -p socketio --example chat -- 127.0.0.1:4003

use axum::{
    Json, Router,
    routing::{get, post},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use socketio::{Event, Server, Socket};
use std::time::Duration;

#[derive(Deserialize)]
struct Join {
    room: String,
}

#[derive(Serialize, Deserialize)]
struct Message {
    room: String,
    body: String,
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:4003".to_owned());
    let server = Server::builder().build();
    server
        .of("/")
        .on("room:join", async |socket: Socket, event: Event| {
            let joined = event.data::<Join>().map(|join| socket.join(&join.room));
            answer(event, joined.is_ok());
        })
        .on("message:send", async |socket: Socket, event: Event| {
            let message = event.data::<Message>();
            let sent = message.map(|message| {
                let room = socket.namespace().to(message.room.clone());
                room.emit("message:new", &message)
            });
            answer(event, matches!(sent, Ok(Ok(_))));
        });
    let app = Router::new()
        .route("/healthz", get(async || "ok"))
        .route(
            "/api/v1/auth/login",
            post(async || Json(json!({"access_token": "anybody"}))),
        )
        .merge(server.router());
    let listener = tokio::net::TcpListener::bind(address).await?;
    let listener = axum::serve::ListenerExt::tap_io(listener, |stream| {
        let _ = stream.set_nodelay(true);
    });
    let ended = async move {
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
            .expect("signals can be heard");
        terminate.recv().await;
        server.close(Duration::from_secs(3)).await;
    };
    axum::serve(listener, app).with_graceful_shutdown(ended).await
}

fn answer(event: Event, ok: bool) {
    if let Some(ack) = event.ack {
        let _ = ack.send(&json!({ "ok": ok }));
    }
}
