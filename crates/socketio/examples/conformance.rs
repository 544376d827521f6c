//! A server for the official protocol suites (repository `socketio/socket.io`,
//! folder `docs`): Engine.IO that echoes on `/engine.io`, and Socket.IO on
//! `/socket.io` with the namespaces and events that the second suite expects.
//!
//!     cargo run -p socketio --example conformance -- 127.0.0.1:3000

use serde_json::Value;
use socketio::{Encoded, Event, Namespace, RawMessage, Server, Socket};
use std::time::Duration;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:3000".to_owned());
    let engine = impatient("/engine.io").build_raw(|connection, message| match message {
        RawMessage::Text(text) => connection.send_text(text),
        RawMessage::Binary(data) => connection.send_binary(&data),
    });
    let server = impatient("/socket.io").build();
    hear(&server.of("/"));
    hear(&server.of("/custom"));
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("listening on {}", listener.local_addr()?);
    axum::serve(listener, engine.router::<()>().merge(server.router())).await
}

/// The times that the suites count on.
fn impatient(path: &str) -> socketio::Builder {
    Server::builder()
        .path(path)
        .ping_interval(Duration::from_millis(300))
        .ping_timeout(Duration::from_millis(200))
        .connect_timeout(Duration::from_secs(1))
        .max_payload(1_000_000)
}

fn hear(namespace: &Namespace) {
    namespace
        .on_connect(async |socket: Socket, auth: Value| {
            let _ = socket.emit("auth", &auth);
        })
        .on("message", async |socket: Socket, event: Event| {
            let name = socket.namespace().name();
            if let Ok(back) = Encoded::event_with(name, "message-back", &event.arguments, &event.attachments)
            {
                socket.send(back);
            }
        })
        .on("message-with-ack", async |_: Socket, event: Event| {
            if let Some(ack) = event.ack {
                let _ = ack.send_with(&event.arguments, &event.attachments);
            }
        });
}
