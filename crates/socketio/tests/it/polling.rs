//! Long polling.

use crate::harness::{echoing, head, loopback, pipes, raw, read_answer};
use socketio::{Reason, Server};
use tokio::{io::AsyncWriteExt, sync::mpsc};

#[tokio::test]
async fn packets_go_both_ways_text_and_binary() {
    let host = loopback(&raw(Server::builder())).await;
    let session = host.open_polling().await;
    for payload in [
        "4hello",
        "4test1\x1e4test2\x1e4test3",
        "4hello\x1ebAQIDBA==",
        "4¡Milonga! 💃",
    ] {
        let sent = host.post(&session, payload).await;
        assert_eq!((sent.status, &*sent.body), (200, "ok"));
        assert_eq!(host.get(&session).await.body, payload);
    }
}

#[tokio::test]
async fn a_poll_waits_until_there_is_something() {
    let host = loopback(&raw(Server::builder())).await;
    let session = host.open_polling().await;
    let mut waiting = host.connect().await;
    waiting
        .write_all(head("GET", &session, "").as_bytes())
        .await
        .unwrap();
    host.post(&session, "4late").await;
    assert_eq!(read_answer(waiting).await.body, "4late");
}

#[tokio::test]
async fn what_is_no_packet_ends_the_session() {
    let server = raw(Server::builder());
    let host = loopback(&server).await;
    for body in ["abc", "", "4good\x1e", "b*", "2", "2probe"] {
        let session = host.open_polling().await;
        assert_eq!(host.post(&session, body).await.status, 400, "{body:?}");
        assert_eq!(host.get(&session).await.status, 400, "{body:?}");
    }
    assert_eq!(server.counts().open_connections, 0);
}

#[tokio::test]
async fn packets_without_meaning_here_are_passed_over() {
    let host = loopback(&raw(Server::builder())).await;
    let session = host.open_polling().await;
    assert_eq!(
        host.post(&session, "6\x1e5\x1e0\x1e3\x1e4still here")
            .await
            .status,
        200
    );
    assert_eq!(host.get(&session).await.body, "4still here");
}

#[tokio::test]
async fn two_polls_at_once_end_the_session() {
    let host = pipes(&raw(Server::builder()));
    let session = host.open_polling().await;
    let first = async { host.get(&session).await };
    let second = async {
        tokio::task::yield_now().await;
        host.get(&session).await
    };
    let (first, second) = tokio::join!(first, second);
    let mut answers = [(first.status, &*first.body), (second.status, &*second.body)];
    answers.sort_unstable();
    assert_eq!(answers[0], (200, "1"));
    assert_eq!(answers[1].0, 400);
    assert_eq!(host.get(&session).await.status, 400);
}

#[tokio::test]
async fn hanging_up_on_a_poll_ends_the_session() {
    let (ended, mut reasons) = mpsc::unbounded_channel();
    let server = echoing(Server::builder());
    server.of("/").on_disconnect(move |_, reason| {
        let _ = ended.send(reason);
        async {}
    });
    let host = loopback(&server).await;
    let session = host.open_polling().await;
    host.post(&session, "40").await;
    assert!(host.get(&session).await.body.starts_with("40{"));
    let mut waiting = host.connect().await;
    waiting
        .write_all(head("GET", &session, "").as_bytes())
        .await
        .unwrap();
    drop(waiting);
    assert_eq!(reasons.recv().await, Some(Reason::TransportError));
    assert_eq!(host.get(&session).await.status, 400);
}

#[tokio::test]
async fn a_body_too_large_is_refused_and_nothing_of_it_taken() {
    let host = loopback(&raw(Server::builder().max_payload(10))).await;
    let session = host.open_polling().await;
    assert_eq!(host.post(&session, "4456789012").await.status, 200);
    assert_eq!(host.get(&session).await.body, "4456789012");
    assert_eq!(host.post(&session, "44567890123").await.status, 413);
    host.post(&session, "4after").await;
    assert_eq!(host.get(&session).await.body, "4after");
}

#[tokio::test]
async fn a_binary_body_ends_the_session() {
    let host = loopback(&raw(Server::builder())).await;
    let session = host.open_polling().await;
    let request = head(
        "POST",
        &session,
        "content-type: application/octet-stream\r\ncontent-length: 2\r\n",
    );
    assert_eq!(host.send(&(request + "4a")).await.status, 400);
    assert_eq!(host.get(&session).await.status, 400);
}

#[tokio::test]
async fn two_posts_at_once_end_the_session() {
    let host = loopback(&raw(Server::builder())).await;
    let session = host.open_polling().await;
    let mut first = host.connect().await;
    let request = head("POST", &session, "expect: 100-continue\r\ncontent-length: 6\r\n");
    first.write_all(request.as_bytes()).await.unwrap();
    // The server asks for the body once it reads it.
    let mut asked = [0; 25];
    tokio::io::AsyncReadExt::read_exact(&mut first, &mut asked)
        .await
        .unwrap();
    assert_eq!(host.post(&session, "4b").await.status, 400);
    assert_eq!(host.get(&session).await.status, 400);
}

#[tokio::test]
async fn a_client_that_says_goodbye_frees_its_poll() {
    let host = loopback(&raw(Server::builder())).await;
    let session = host.open_polling().await;
    let mut waiting = host.connect().await;
    waiting
        .write_all(head("GET", &session, "").as_bytes())
        .await
        .unwrap();
    assert_eq!(host.post(&session, "1").await.status, 200);
    assert_eq!(read_answer(waiting).await.body, "6");
    assert_eq!(host.get(&session).await.status, 400);
}

#[tokio::test]
async fn the_last_words_wait_for_the_next_poll() {
    let server = echoing(Server::builder());
    let host = loopback(&server).await;
    let session = host.open_polling().await;
    host.post(&session, "40").await;
    assert!(host.get(&session).await.body.starts_with("40{"));
    let socket = server.of("/").sockets()[0].clone();
    socket.emit("revoked", &1).unwrap();
    socket.disconnect_and_close();
    assert!(!socket.is_connected());
    assert_eq!(host.get(&session).await.body, "42[\"revoked\",1]\x1e41");
    assert_eq!(
        host.get(&session).await.body,
        "1",
        "the end, in an answer of its own"
    );
    assert_eq!(host.get(&session).await.status, 400);
    assert_eq!(server.counts().open_connections, 0);
}
