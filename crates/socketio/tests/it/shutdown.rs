//! The server's end.

use crate::harness::{echoing, head, ms, pipes, read_answer};
use socketio::{Reason, Server, Socket};
use std::sync::Arc;
use tokio::{io::AsyncWriteExt, sync::mpsc, time::Instant};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

#[tokio::test(start_paused = true)]
async fn everybody_hears_of_the_end_and_nothing_stays() {
    let (ended, mut reasons) = mpsc::unbounded_channel();
    let server = echoing(Server::builder());
    let held = Arc::new(());
    let handlers = held.clone();
    server.of("/").on_disconnect(move |_: Socket, reason| {
        let _ = (ended.send(reason), &handlers);
        async {}
    });
    let host = pipes(&server);
    let (mut client, _) = host.enter().await;
    let session = host.open_polling().await;
    let mut waiting = host.connect().await;
    waiting
        .write_all(head("GET", &session, "").as_bytes())
        .await
        .unwrap();
    host.open_polling().await;
    client.hears_nothing().await;
    server.of("/").all().emit("last", &1).unwrap();

    let closing = server.clone();
    let close = tokio::spawn(async move { closing.close(ms(5000)).await });
    assert_eq!(client.next().await, r#"42["last",1]"#);
    assert_eq!(client.end().await, Some(CloseCode::Away));
    drop(client);
    assert_eq!(read_answer(waiting).await.body, "1");
    assert_eq!(close.await.unwrap(), 0);
    assert_eq!(reasons.recv().await, Some(Reason::Shutdown));
    assert_eq!(host.get("/socket.io/?EIO=4&transport=polling").await.status, 503);
    assert_eq!(server.counts().open_connections, 0);
    assert_eq!(Arc::strong_count(&held), 1, "the handlers are let go");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_go_is_not_waited_for() {
    let server = echoing(Server::builder().close_timeout(ms(500)));
    let host = pipes(&server);
    let (client, _) = host.enter().await;
    let began = Instant::now();
    assert_eq!(server.close(ms(5000)).await, 0);
    assert!(began.elapsed() <= ms(1000), "{:?}", began.elapsed());
    drop(client);
}

#[tokio::test(start_paused = true)]
async fn handlers_that_go_on_are_counted_not_awaited() {
    let server = Server::builder().build();
    let (begun, mut beginnings) = mpsc::unbounded_channel();
    server.of("/").on("forever", move |_, _| {
        let _ = begun.send(());
        std::future::pending()
    });
    let host = pipes(&server);
    let (mut client, _) = host.enter().await;
    client.say(r#"42["forever"]"#).await;
    beginnings.recv().await;
    let began = Instant::now();
    drop(client);
    assert_eq!(server.close(ms(700)).await, 1);
    assert_eq!(began.elapsed(), ms(700));
}
