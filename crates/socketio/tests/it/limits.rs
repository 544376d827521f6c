//! A client that says more than the handlers can take is not read from.

use crate::harness::{Client, pipes};
use futures_util::{FutureExt, SinkExt};
use socketio::Server;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tokio::sync::Semaphore;
use tokio_tungstenite::tungstenite::Message;

#[tokio::test]
async fn reading_stops_until_the_handlers_have_caught_up() {
    let gate = Arc::new(Semaphore::new(0));
    let begun = Arc::new(AtomicUsize::new(0));
    let server = Server::builder().handlers_at_once(4).build();
    let (pass, count) = (gate.clone(), begun.clone());
    server.of("/").on_any(move |_, _| {
        let pass = pass.clone();
        count.fetch_add(1, Ordering::Relaxed);
        async move {
            let _ = pass.acquire().await;
        }
    });
    let host = pipes(&server);
    let mut client = Client::over(Box::new(host.pipe(4096)), "/socket.io/?EIO=4&transport=websocket").await;
    client.next().await;
    client.say("40").await;
    client.next().await;
    let event = Message::text(format!(r#"42["event","{}"]"#, "x".repeat(100)));
    let mut said = 0;
    let mut idle = 0;
    while idle < 1000 {
        match client.0.send(event.clone()).now_or_never() {
            Some(sent) => (said, idle) = (said + usize::from(sent.is_ok()), 0),
            None => idle += 1,
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(begun.load(Ordering::Relaxed), 4);
    assert!(said < 200, "{said} events were taken from the client");
    gate.add_permits(1_000_000);
    while begun.load(Ordering::Relaxed) < said {
        let _ = client.0.flush().now_or_never();
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_post_waits_for_the_handlers_too() {
    let gate = Arc::new(Semaphore::new(0));
    let server = Server::builder().handlers_at_once(1).build();
    let pass = gate.clone();
    server.of("/").on_any(move |socket, event| {
        let pass = pass.clone();
        async move {
            let _ = pass.acquire().await;
            let _ = socket.emit("done", &event.name);
        }
    });
    let host = pipes(&server);
    let session = host.open_polling().await;
    host.post(&session, "40").await;
    assert!(host.get(&session).await.body.starts_with("40{"));
    let body = vec![r#"42["event"]"#; 100].join("\x1e");
    let mut post = Box::pin(host.post(&session, &body));
    for _ in 0..1000 {
        assert!(post.as_mut().now_or_never().is_none());
        tokio::task::yield_now().await;
    }
    gate.add_permits(1_000_000);
    assert_eq!(post.await.status, 200);
    let mut done = 0;
    while done < 100 {
        done += host.get(&session).await.body.matches("done").count();
    }
    assert_eq!(done, 100);
}
