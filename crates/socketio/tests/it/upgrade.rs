//! From polling to a websocket.

use crate::harness::{echoing, head, ms, pipes, raw, read_answer};
use socketio::Server;
use tokio::io::AsyncWriteExt;

fn over_websocket(session: &str) -> String {
    session.replace("polling", "websocket")
}

#[tokio::test]
async fn a_websocket_takes_over() {
    let server = raw(Server::builder());
    let host = pipes(&server);
    let session = host.open_polling().await;
    let mut client = host.websocket(&over_websocket(&session)).await;
    client.say("2probe").await;
    assert_eq!(client.next().await, "3probe");
    assert_eq!(host.get(&session).await.body, "6", "a straggler is sent away");
    host.post(&session, "4by post").await;
    client.say("5").await;
    assert_eq!(client.next().await, "4by post", "what waited goes the new way");
    client.say("4hello").await;
    assert_eq!(client.next().await, "4hello");
    assert_eq!(host.get(&session).await.status, 400);
    assert_eq!(host.post(&session, "4a").await.status, 400);
    let mut second = host.websocket(&over_websocket(&session)).await;
    assert!(second.end().await.is_some());
    client.say("4still here").await;
    assert_eq!(client.next().await, "4still here");
    assert_eq!(server.counts().upgraded, 1);
}

#[tokio::test(start_paused = true)]
async fn a_poll_that_waits_ends_with_the_probe() {
    let host = pipes(&raw(Server::builder()));
    let session = host.open_polling().await;
    let mut waiting = host.connect().await;
    waiting
        .write_all(head("GET", &session, "").as_bytes())
        .await
        .unwrap();
    let mut client = host.websocket(&over_websocket(&session)).await;
    let began = tokio::time::Instant::now();
    client.say("2probe").await;
    assert_eq!(client.next().await, "3probe");
    assert_eq!(read_answer(waiting).await.body, "6");
    assert_eq!(began.elapsed(), ms(0));
}

#[tokio::test(start_paused = true)]
async fn a_websocket_that_does_not_go_on_leaves_polling_as_it_was() {
    let host = pipes(&raw(Server::builder().upgrade_timeout(ms(500))));
    let session = host.open_polling().await;
    for words in [
        &["2probe"][..],
        &[][..],
        &["hello"][..],
        &["2probe", "4early"][..],
    ] {
        let mut client = host.websocket(&over_websocket(&session)).await;
        for word in words {
            client.say(word).await;
        }
        client.end().await;
        host.post(&session, "4polling goes on").await;
        assert_eq!(
            host.get(&session).await.body,
            "4polling goes on",
            "after {words:?}"
        );
    }
}

#[tokio::test]
async fn sockets_come_along() {
    let server = echoing(Server::builder());
    let host = pipes(&server);
    let session = host.open_polling().await;
    host.post(&session, "40").await;
    assert!(host.get(&session).await.body.starts_with("40{"));
    server.of("/").sockets()[0].join("hall");
    let mut client = host.websocket(&over_websocket(&session)).await;
    client.say("2probe").await;
    assert_eq!(client.next().await, "3probe");
    client.say("5").await;
    client.hears_nothing().await;
    server.of("/").to("hall").emit("news", &1).unwrap();
    assert_eq!(client.next().await, r#"42["news",1]"#);
}
