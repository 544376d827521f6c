//! Clients that do not read.

use crate::harness::{Client, echoing, pipes};
use futures_util::SinkExt;
use socketio::{QueueLimits, Reason, Server};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;

const LIMITS: QueueLimits = QueueLimits {
    packets: 100,
    bytes: 64 * 1024,
};

/// A member whose pipe holds little; its socket is the only one in the namespace.
async fn slow_member(host: &crate::harness::Host) -> Client {
    let mut client = Client::over(Box::new(host.pipe(1024)), "/socket.io/?EIO=4&transport=websocket").await;
    client.next().await;
    client.say("40").await;
    client.next().await;
    client
}

#[tokio::test]
async fn a_slow_client_is_cut_off_within_its_bounds_and_nobody_else_minds() {
    let (ended, mut reasons) = mpsc::unbounded_channel();
    let server = echoing(Server::builder().queue(LIMITS));
    let namespace = server.of("/");
    namespace.on_disconnect(move |_, reason| {
        let _ = ended.send(reason);
        async {}
    });
    let host = pipes(&server);
    let mut slow = slow_member(&host).await;
    let (mut quick, _) = host.enter().await;
    let text = "x".repeat(1000);
    let mut sent = 0;
    while server.counts().open_sockets == 2 {
        assert!(
            namespace.all().emit("news", &text).is_ok(),
            "the sender hears of nothing"
        );
        sent += 1;
        assert_eq!(quick.next().await.len(), 1013);
        let depth = server.queue_depth();
        assert!(
            depth.longest_packets <= LIMITS.packets && depth.longest_bytes <= LIMITS.bytes,
            "{depth:?}"
        );
    }
    assert!(
        (50..=80).contains(&sent),
        "{sent} packets of 1 KB fitted into 64 KB"
    );
    assert_eq!(reasons.recv().await, Some(Reason::SlowClient));
    let mut heard = 0;
    let code = loop {
        match slow.message().await {
            Some(Message::Text(_)) => heard += 1,
            Some(Message::Close(frame)) => {
                break frame.map(|frame| u16::from(frame.code));
            }
            other => panic!("whole frames, then a goodbye: {other:?}"),
        }
    };
    assert_eq!(code, Some(1013));
    assert!(heard < sent);
    quick.hears_nothing().await;
}

#[tokio::test]
async fn knocking_without_listening_is_bounded_too() {
    for way in ["refused", "in and out"] {
        let server = echoing(Server::builder().queue(LIMITS));
        let custom = server.of("/custom");
        let host = pipes(&server);
        let mut deaf = slow_member(&host).await;
        let is_open = || server.counts().open_connections == 1;
        let mut said = 0;
        while is_open() {
            said += 1;
            assert!(said < 1000, "{way}: {:?}", server.queue_depth());
            assert!(server.queue_depth().longest_packets <= LIMITS.packets, "{way}");
            if way == "refused" {
                let _ = deaf.0.send(Message::text(format!("40/nowhere{said},"))).await;
                tokio::task::yield_now().await;
                continue;
            }
            for (word, inside) in [("40/custom,", 1), ("41/custom,", 0)] {
                let _ = deaf.0.send(Message::text(word)).await;
                while is_open() && custom.sockets().len() != inside {
                    tokio::task::yield_now().await;
                }
            }
        }
        let closed = server.counts().closed;
        assert!(closed.contains(&(Reason::SlowClient, 1)), "{way}: {closed:?}");
    }
}

#[tokio::test]
async fn of_ephemeral_packets_a_slow_client_gets_the_latest() {
    let server = echoing(Server::builder().queue(LIMITS));
    let namespace = server.of("/");
    let host = pipes(&server);
    let mut slow = slow_member(&host).await;
    for n in 0..10_000 {
        namespace
            .all()
            .ephemeral("who is typing")
            .emit("typing", &n)
            .unwrap();
        tokio::task::yield_now().await;
    }
    namespace.all().emit("message", &"durable").unwrap();
    let mut heard = vec![];
    loop {
        match slow.next().await {
            packet if packet.contains("message") => break,
            packet => heard.push(packet),
        }
    }
    assert!(heard.len() < 200, "{} of 10,000 were sent", heard.len());
    assert_eq!(heard.last().unwrap(), r#"42["typing",9999]"#);
    let counts = server.counts();
    assert_eq!(counts.ephemeral_replaced, 10_000 - heard.len() as u64);
    assert_eq!(counts.open_sockets, 1);
}

#[tokio::test]
async fn volatile_packets_are_dropped_while_anything_waits() {
    let server = echoing(Server::builder().queue(LIMITS));
    let namespace = server.of("/");
    let host = pipes(&server);
    let mut slow = slow_member(&host).await;
    namespace.all().emit("large", &"x".repeat(5000)).unwrap();
    namespace.all().volatile().emit("lost", &1).unwrap();
    assert_eq!(slow.next().await.len(), 5000 + 14);
    slow.hears_nothing().await;
    namespace.all().volatile().emit("heard", &1).unwrap();
    assert_eq!(slow.next().await, r#"42["heard",1]"#);
    assert_eq!(server.counts().ephemeral_dropped, 1);
}
