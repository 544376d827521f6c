//! Websockets from the first byte.

use crate::harness::{echoing, loopback, pipes, raw};
use futures_util::SinkExt;
use socketio::Server;
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::frame::{
        Frame,
        coding::{CloseCode, Data, OpCode},
    },
};

#[tokio::test]
async fn packets_go_both_ways_text_and_binary() {
    let host = loopback(&raw(Server::builder())).await;
    let mut client = host.open_websocket().await;
    client.say("4hello").await;
    assert_eq!(client.next().await, "4hello");
    client.say_bytes(&[1, 2, 3, 4]).await;
    assert_eq!(client.next_bytes().await, [1, 2, 3, 4]);
    for length in [0, 1, 124, 125, 126, 65_534, 65_535, 300_000] {
        let text = format!("4{}", "x".repeat(length));
        client.say(&text).await;
        assert_eq!(client.next().await, text);
    }
}

#[tokio::test]
async fn what_is_no_packet_ends_the_connection() {
    let host = loopback(&raw(Server::builder())).await;
    for packet in ["abc", "", "9", "2"] {
        let mut client = host.open_websocket().await;
        client.say(packet).await;
        assert_eq!(client.end().await, Some(CloseCode::Protocol), "{packet:?}");
    }
    let mut client = host.open_websocket().await;
    client.say("1").await;
    assert_eq!(client.end().await, None);
}

#[tokio::test]
async fn a_message_too_large_ends_the_connection() {
    let host = loopback(&raw(Server::builder().max_payload(1000))).await;
    let mut client = host.open_websocket().await;
    let fits = format!("4{}", "x".repeat(999));
    client.say(&fits).await;
    assert_eq!(client.next().await, fits);
    client.say(&format!("{fits}x")).await;
    assert_eq!(client.end().await, Some(CloseCode::Size));
}

#[tokio::test]
async fn a_message_too_large_in_parts_ends_the_connection() {
    let host = loopback(&raw(Server::builder().max_payload(1000))).await;
    let mut client = host.open_websocket().await;
    let part = |code, last| Message::Frame(Frame::message("4".repeat(600), OpCode::Data(code), last));
    client.0.send(part(Data::Text, false)).await.unwrap();
    client.0.send(part(Data::Continue, true)).await.unwrap();
    assert_eq!(client.end().await, Some(CloseCode::Size));
}

#[tokio::test]
async fn a_message_in_parts_is_one_and_a_ping_between_is_answered() {
    let host = loopback(&raw(Server::builder())).await;
    let mut client = host.open_websocket().await;
    let part =
        |code, text: &'static str, last| Message::Frame(Frame::message(text, OpCode::Data(code), last));
    client.0.send(part(Data::Text, "4hel", false)).await.unwrap();
    client.0.send(Message::Ping("there?".into())).await.unwrap();
    client.0.send(part(Data::Continue, "lo", true)).await.unwrap();
    let mut heard = vec![];
    while heard.len() < 2 {
        heard.push(
            futures_util::StreamExt::next(&mut client.0)
                .await
                .unwrap()
                .unwrap(),
        );
    }
    assert!(heard.contains(&Message::Pong("there?".into())), "{heard:?}");
    assert!(heard.contains(&Message::text("4hello")), "{heard:?}");
}

#[tokio::test]
async fn a_client_that_closes_hears_its_goodbye() {
    let server = echoing(Server::builder());
    let host = loopback(&server).await;
    let (mut client, _) = host.enter().await;
    client.0.close(None).await.unwrap();
    client.end().await;
    while server.counts().open_sockets > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(server.counts().open_connections, 0);
}

#[tokio::test]
async fn a_client_that_vanishes_is_let_go() {
    let server = echoing(Server::builder());
    let host = pipes(&server);
    let (client, _) = host.enter().await;
    drop(client);
    while server.counts().open_sockets > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(server.counts().open_connections, 0);
}

#[tokio::test]
async fn many_packets_keep_their_order() {
    let host = loopback(&raw(Server::builder())).await;
    let mut client = host.open_websocket().await;
    for n in 0..500 {
        client.0.feed(Message::text(format!("4{n}"))).await.unwrap();
    }
    client.0.flush().await.unwrap();
    for n in 0..500 {
        assert_eq!(client.next().await, format!("4{n}"));
    }
}
